"""The page of a classic SparkContext (`sc.uiWebUrl`) and Spark's monitoring REST behind it.

VONK_CLASSIC=spark runs what both have against the pyspark that is installed, with its Java."""
import json

import pytest

from test_classic_rdd import REAL, run

ASK = """
        import json, urllib.request, urllib.error
        def ask(path, base="/api/v1/", host=None):
            headers = {"Host": host} if host else {}
            request = urllib.request.Request(sc.uiWebUrl + base + path, headers=headers)
            return urllib.request.urlopen(request, timeout=30)
        def rest(path):
            return json.load(ask("applications" + path))
"""
ours_only = pytest.mark.skipif(REAL, reason="Vonk's own")


def asked(code):
    return run(ASK + code)


def test_url_and_application():
    lines = asked("""
        conf = SparkConf().setMaster("local[3]").setAppName("a <name>").set("spark.ui.port", "0")
        sc = SparkContext(conf=conf)
        print(sc.uiWebUrl.startswith("http://"), int(sc.uiWebUrl.rsplit(":", 1)[1]) > 1023)
        apps = rest("")
        print(len(apps), apps[0]["id"] == sc.applicationId, apps[0]["name"], apps[0]["attempts"][0]["completed"])
        print(rest("/" + sc.applicationId)["name"], json.load(ask("version")))
        url = sc.uiWebUrl
        sc.stop()
        try:
            urllib.request.urlopen(url, timeout=30)
        except urllib.error.URLError as e:
            print("gone", isinstance(e.reason, ConnectionRefusedError))
    """)
    assert lines == ["True True", "1 True a <name> False", "a <name> {'spark': '4.3.0'}", "gone True"]


def test_jobs_and_stages():
    lines = asked("""
        sc = SparkContext("local[2]", "a")
        sc.setJobGroup("g1", "adds up")
        sc.addJobTag("t1")
        sc.parallelize(range(10), 3).map(lambda x: (x % 2, x)).reduceByKey(lambda a, b: a + b, 2).collect()
        try:
            sc.parallelize([1], 1).map(lambda x: 1 // 0).collect()
        except Exception:
            pass
        app = "/" + sc.applicationId
        for job in rest(app + "/jobs"):
            print(job["jobId"], job["status"], job["jobGroup"], job["description"], job["jobTags"], job["stageIds"],
                  job["numTasks"], job["numCompletedTasks"], job["numCompletedStages"], job["numFailedStages"],
                  job["submissionTime"] <= job["completionTime"], job["submissionTime"][-3:])
        print([job["jobId"] for job in rest(app + "/jobs?status=failed")], rest(app + "/jobs/0")["status"])
        for stage in rest(app + "/stages"):
            print(stage["stageId"], stage["status"], stage["numTasks"], stage["numCompleteTasks"])
        print([s["stageId"] for s in rest(app + "/stages?status=complete")], rest(app + "/stages/1")[0]["numTasks"])
        for missing in (app + "/jobs/77", app + "/stages/77", "/other"):
            try:
                rest(missing)
            except urllib.error.HTTPError as e:
                print(e.code)
    """)
    assert [line.replace("'", '"') for line in lines] == [
        '1 FAILED g1 adds up ["t1"] [2] 1 0 0 1 True GMT',
        '0 SUCCEEDED g1 adds up ["t1"] [0, 1] 5 5 2 0 True GMT', "[1] SUCCEEDED",
        "2 FAILED 1 0", "1 COMPLETE 2 2", "0 COMPLETE 3 3", "[1, 0] 2", "404", "404", "404"]


def test_storage_and_environment():
    lines = asked("""
        conf = SparkConf().setMaster("local[2]").setAppName("a").set("spark.my.password", "hush")
        sc = SparkContext(conf=conf.set("spark.my.word", "x"))
        cached = sc.parallelize(range(1000), 4).map(lambda x: x).setName("mine").persist(StorageLevel.MEMORY_ONLY)
        app = "/" + sc.applicationId
        print(rest(app + "/storage/rdd"))
        cached.count()
        one, = rest(app + "/storage/rdd")
        print(one["name"], one["numPartitions"], one["numCachedPartitions"], one["storageLevel"],
              one["memoryUsed"] > 1000)
        print(rest(app + f"/storage/rdd/{one['id']}")["name"])
        cached.unpersist(blocking=True)
        print(rest(app + "/storage/rdd"))
        settings = dict(rest(app + "/environment")["sparkProperties"])
        print(settings["spark.my.password"], settings["spark.my.word"], settings["spark.app.name"])
        driver, = rest(app + "/executors")
        print(driver["id"], driver["totalCores"], driver["completedTasks"], driver["failedTasks"])
    """)
    assert lines == ["[]", "mine 4 4 Memory Serialized 1x Replicated True", "mine", "[]", "*********(redacted) x a",
                     "driver 2 4 0"]


def test_hidden_settings():
    """spark.redaction.regex by key or value, on the page and in texts; SET hides by a pattern of its own, too."""
    lines = asked("""
        from pyspark.sql import SparkSession
        conf = SparkConf().setMaster("local[1]").setAppName("a").set("spark.redaction.regex", "appl.")
        conf = conf.set("my.apple", "x").set("my.key", "pineapple").set("my.password", "hush").set("my.url", "u")
        conf = conf.set("spark.sql.redaction.string.regex", "ran.e")
        sc = SparkContext(conf=conf)
        names = ["my.apple", "my.key", "my.password", "my.url", "spark.redaction.regex"]
        settings = dict(rest("/" + sc.applicationId + "/environment")["sparkProperties"])
        print([settings[name] for name in names])
        print([line for line in sc.getConf().toDebugString().splitlines() if line.startswith("my.")])
        spark = SparkSession(sc)
        shown = dict(tuple(row) for row in spark.sql("SET").collect())
        print([shown[name] for name in names])
        for words in ("my.key", "my.new=apple", "my.new", "my.pasword", "none.apple"):
            print(words, spark.sql("SET " + words).head()[1])
        print(spark.conf.get("my.key"))
        print("(redacted)1" in spark.sql("EXPLAIN SELECT id AS orange1 FROM range(3)").head()[0])
    """)
    hidden = "*********(redacted)"
    assert lines == [
        str([hidden, hidden, "hush", "u", hidden]),
        str([f"my.apple={hidden}", f"my.key={hidden}", "my.password=hush", "my.url=u"]),
        str([hidden, hidden, "hush", hidden, hidden]),
        f"my.key {hidden}", "my.new=apple apple", f"my.new {hidden}", "my.pasword <undefined>", f"none.apple {hidden}",
        "pineapple", "True"]


@ours_only
def test_a_pattern_that_is_none_hides_all():
    """Spark fails at each of these."""
    lines = asked("""
        sc = SparkContext(conf=SparkConf().setMaster("local[1]").setAppName("a").set("spark.redaction.regex", "[no"))
        print({value for _, value in rest("/" + sc.applicationId + "/environment")["sparkProperties"]})
        print({line.split("=", 1)[1] for line in sc.getConf().toDebugString().splitlines()})
    """)
    assert lines == [str({"*********(redacted)"})] * 2


def test_while_it_runs():
    """A job is seen with its tasks under way; asking from inside of a task does not wait for its end."""
    lines = asked(f"""
        import threading
        seconds = {12 if REAL else 2}
        sc = SparkContext("local[2]", "a")
        app = "/" + sc.applicationId
        job = threading.Thread(target=lambda: sc.parallelize(range(2), 2).map(lambda x: time.sleep(seconds)).count())
        job.start()
        for _ in range(200):
            jobs = rest(app + "/jobs?status=running")
            if jobs and jobs[0]["numActiveTasks"] == 2:
                break
            time.sleep(0.05)
        print(jobs[0]["numActiveTasks"], rest(app + "/stages")[0]["status"], "completionTime" in jobs[0])
        job.join()
        print(rest(app + "/jobs")[0]["status"])
    """)
    assert lines == ["2 ACTIVE False", "SUCCEEDED"]


@ours_only
def test_queries():
    lines = asked("""
        from pyspark.sql import SparkSession
        spark = SparkSession.builder.master("local[2]").appName("a").getOrCreate()
        sc = spark.sparkContext
        spark.range(5).selectExpr("id", "id * 2 AS twice").collect()
        sc.setJobDescription("fails")
        try:
            spark.sql("SELECT raise_error('x')").collect()
        except Exception:
            pass
        for query in rest("/" + sc.applicationId + "/sql"):
            print(query["id"], query["status"], query["description"], query["rows"])
    """)
    assert lines == ["0 COMPLETED rows of id, twice 5", "1 FAILED fails 0"]


@ours_only
def test_page_and_who_may_read_it():
    lines = asked("""
        sc = SparkContext("local[1]", "a")
        for path in ("/", "/jobs/", "/stages", "/SQL/", "/storage/", "/environment/", "/executors/", "/page.js",
                     "/page.css"):
            answer = ask(path, base="")
            print(answer.headers["Content-Type"], len(answer.read()) > 200, answer.headers["Content-Security-Policy"])
        def code(path, **other):
            try:
                return ask(path, base="", **other).status
            except urllib.error.HTTPError as e:
                return e.code
        print(code("/nothing"), code("/../etc/passwd"), code("/api/v1/%2e%2e"), code("/jobs/", host="evil.example"),
              code("/jobs/", host="localhost:1"), code("/jobs/", host="[::1]"))
        request = urllib.request.Request(sc.uiWebUrl + "/jobs/", data=b"x" * 100000, method="POST")
        try:
            urllib.request.urlopen(request, timeout=30)
        except urllib.error.HTTPError as e:
            print(e.code)
        import socket
        host, port = sc.uiWebUrl[7:].split(":")
        print(socket.gethostbyname(host))
        for rubbish in (b"\\x00\\xff" * 4000, b"GET / HTTP/1.1\\r\\n" + b"a: b\\r\\n" * 9000,
                        b"GET /%zz%00 HTTP/1.1\\r\\n\\r\\n"):
            with socket.create_connection((host, int(port)), 1) as s:
                try:
                    s.sendall(rubbish)
                    s.shutdown(socket.SHUT_WR)
                    while s.recv(65536):
                        pass
                except OSError:
                    pass
        print(code("/jobs/"))
    """)
    kinds = ["text/html"] * 7 + ["text/javascript", "text/css"]
    assert lines == [f"{kind}; charset=utf-8 True default-src 'self'" for kind in kinds] + [
        "404 404 404 403 200 200", "405", "127.0.0.1", "200"]


def test_settings():
    lines = asked("""
        conf = SparkConf().setMaster("local[1]").setAppName("a").set("spark.ui.enabled", "true")
        sc = SparkContext(conf=SparkConf().setAll(conf.getAll()).set("spark.ui.enabled", "false"))
        print(sc.uiWebUrl)
        sc.stop()
        import socket
        taken = socket.socket()
        taken.bind(("", 0))
        taken.listen()
        port = taken.getsockname()[1]
        sc = SparkContext(conf=SparkConf().setAll(conf.getAll()).set("spark.ui.port", str(port)))
        print(int(sc.uiWebUrl.rsplit(":", 1)[1]) in range(port + 1, port + 17))
        sc.stop()
        sc = SparkContext(conf=SparkConf().setAll(conf.getAll()).set("spark.ui.port", "0"))
        print(int(sc.uiWebUrl.rsplit(":", 1)[1]) > 0, sc.parallelize([1, 2]).sum())
    """)
    assert lines == ["None", "True", "True 3"]


def test_settings_that_are_no_numbers():
    lines = asked("""
        for key in ("spark.ui.port", "spark.stage.maxConsecutiveAttempts"):
            conf = SparkConf().setMaster("local[1]").setAppName("a").set("spark.ui.port", "0").set(key, "abc")
            try:
                SparkContext(conf=conf).parallelize([1]).count()
            except Exception as e:
                print(type(e).__name__, "SparkIllegalArgumentException: [INVALID_CONF_VALUE.TYPE_MISMATCH]" in str(e))
            if SparkContext._active_spark_context:
                SparkContext._active_spark_context.stop()
    """)
    assert lines == ["Py4JJavaError True"] * 2


@ours_only
def test_no_port_is_free():
    """Spark's whole process ends then; here the program gets an exception and may go on."""
    lines = asked("""
        import socket
        taken = socket.socket()
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        conf = SparkConf().setMaster("local[1]").setAppName("a").set("spark.ui.port", str(taken.getsockname()[1]))
        try:
            SparkContext(conf=SparkConf().setAll(conf.getAll()).set("spark.port.maxRetries", "0"))
        except Exception as e:
            print(type(e).__name__, "cannot listen" in str(e))
        print(SparkContext(conf=conf.set("spark.port.maxRetries", "16")).parallelize([1, 2]).sum())
    """)
    assert lines == ["Py4JJavaError True", "3"]


@ours_only
def test_json_is_well_formed():
    lines = asked("""
        sc = SparkContext("local[1]", 'quote " back \\\\ new\\\\n <b>')
        sc.setJobDescription('"\\\\\\n\\t\\u0001')
        sc.parallelize([1]).count()
        for part in ("", "/jobs", "/stages", "/sql", "/storage/rdd", "/executors", "/allexecutors", "/environment"):
            print(json.dumps(rest("/" + sc.applicationId + part))[:1])
        print(rest("/" + sc.applicationId + "/jobs/0")["description"] == '"\\\\\\n\\t\\u0001')
    """)
    assert lines == ["{", "[", "[", "[", "[", "[", "[", "{", "True"]
