"""Classic PySpark, unmodified, starts and stops where there is no Java: SparkConf and SparkContext."""
import os
import subprocess
import sys
import textwrap
import zipfile

import pytest

from gateway import without_java
from server import SLOWER, VONK, Server

START = """
import os, shutil, sys, time
assert shutil.which("java") is None and "JAVA_HOME" not in os.environ
from pyspark import SparkConf, SparkContext, StorageLevel
"""


def run(code, **env):
    """A program of a user; what it prints, in lines."""
    done = subprocess.run([sys.executable, "-c", START + textwrap.dedent(code)], env=without_java(**env), text=True,
                          capture_output=True, timeout=60 * SLOWER)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_context_starts_and_stops():
    lines = run("""
        sc = SparkContext("local[3]", "my app")
        print(sc.version, sc.master, sc.appName, sc.defaultParallelism, sc.defaultMinPartitions)
        print(sc.applicationId.startswith("local-"), abs(sc.startTime / 1000 - time.time()) < 60, sc.sparkUser() != "")
        print(sc.getConf().get("spark.app.name"), sc.getConf().get("spark.app.id") == sc.applicationId)
        sc.setLogLevel("ERROR")
        try:
            sc.setLogLevel("LOUD")
        except Exception as e:
            print(type(e).__name__)
        temp = sc._temp_dir
        print(os.path.isdir(temp))
        sc.stop()
        sc.stop()
        sc = SparkContext("local", "second")
        print(sc.defaultParallelism, sc.appName)
        sc.stop()
    """)
    assert lines == ["4.3.0 local[3] my app 3 2", "True True True", "my app True", "Py4JJavaError", "True",
                     "1 second"]


def test_folders_are_gone_afterwards(tmp_path):
    run("""
        sc = SparkContext("local", "a")
        assert os.listdir(os.environ["TMPDIR"])
    """, TMPDIR=str(tmp_path))
    for _ in range(200):
        if not os.listdir(tmp_path):
            break
        import time
        time.sleep(0.05 * SLOWER)
    assert os.listdir(tmp_path) == []


def test_the_second_start_is_fast():
    """The first one is mostly Python's own import of pyspark.sql."""
    lines = run("""
        sc = SparkContext("local", "a")
        sc.stop()
        began = time.monotonic()
        sc = SparkContext("local", "b")
        print(time.monotonic() - began)
        sc.stop()
    """)
    assert float(lines[0]) < 0.3 * SLOWER


def test_confs():
    lines = run("""
        conf = SparkConf().setMaster("local[2]").setAppName("conf").set("spark.x", "1")
        conf.setExecutorEnv("VAR", "value").setIfMissing("spark.x", "2")
        sc = SparkContext(conf=conf)
        got = sc.getConf()
        print(got.get("spark.x"), got.get("spark.none"), got.get("spark.none", "usual"), got.contains("spark.x"))
        print(sc.environment["VAR"], dict(got.getAll())["spark.master"])
        j = SparkConf(loadDefaults=False)
        j.set("b", "2").set("a", "1")
        print(j.toDebugString().replace("\\n", " "), j._jconf.getInt("a", 5), j._jconf.getBoolean("none", True))
        try:
            j._jconf.get("none")
        except Exception as e:
            print(e.java_exception.toString())
        SparkContext.setSystemProperty("spark.from.system", "yes")
        print(SparkConf().get("spark.from.system"), SparkConf().get("spark.given"))
        sc.stop()
    """, PYSPARK_SUBMIT_ARGS="--conf spark.given=before pyspark-shell")
    assert lines == ["1 None usual True", "value local[2]", "a=1 b=2 1 True", "java.util.NoSuchElementException: none",
                     "yes before"]


def test_local_properties_are_a_threads_own():
    lines = run("""
        import threading
        sc = SparkContext("local", "a")
        sc.setLocalProperty("key", "main")
        sc.addJobTag("tag")
        sc.setJobGroup("group", "what it does", True)
        other = []
        thread = threading.Thread(target=lambda: other.append((sc.getLocalProperty("key"), sc.getJobTags())))
        thread.start()
        thread.join()
        print(other, sc.getLocalProperty("key"), sc.getJobTags(), sc.getLocalProperty("spark.jobGroup.id"),
              sc.getLocalProperty("spark.job.interruptOnCancel"))
        from pyspark import InheritableThread
        thread = InheritableThread(target=lambda: other.append(sc.getLocalProperty("key")))
        thread.start()
        thread.join()
        sc.clearJobTags()
        sc.setLocalProperty("key", None)
        print(other[1], sc.getLocalProperty("key"), sc.getJobTags())
        try:
            sc.addJobTag("a,b")
        except Exception as e:
            print(e.java_exception.getMessage())
        sc.stop()
    """)
    assert lines == ["[(None, set())] main {'tag'} group true", "main None set()", "Spark job tag cannot contain ','."]


def test_files_and_checkpoints(tmp_path):
    (tmp_path / "a.txt").write_text("content")
    lines = run(f"""
        from pyspark import SparkFiles
        sc = SparkContext("local", "a")
        sc.addFile({str(tmp_path / "a.txt")!r})
        print(open(SparkFiles.get("a.txt")).read(), [os.path.basename(f) for f in sc.listFiles])
        print(sc.getCheckpointDir())
        sc.setCheckpointDir({str(tmp_path / "points")!r})
        print(sc.getCheckpointDir().startswith("file:" + {str(tmp_path / "points")!r}))
        print(sc._getJavaStorageLevel(StorageLevel.MEMORY_AND_DISK).toString(), sc.resources)
        sc.stop()
    """)
    assert lines == ["content ['a.txt']", "None", "True", "StorageLevel(disk, memory, 1 replicas) {}"]


@pytest.mark.parametrize("master, error", [("nowhere", "Could not parse Master URL: 'nowhere'"),
                                           ("local[0]", "Could not parse Master URL: 'local[0]'"),
                                           ("yarn", "UNSUPPORTED_FEATURE")])
def test_other_masters(master, error):
    lines = run(f"""
        try:
            SparkContext({master!r}, "a")
        except Exception as e:
            print(e.java_exception.getMessage().splitlines()[0])
        sc = SparkContext("local", "after")
        print(sc.appName)
        sc.stop()
    """)
    assert error in lines[0] and lines[1] == "after"


def test_unknown_members_are_unknown():
    lines = run("""
        sc = SparkContext("local", "a")
        try:
            sc._jsc.noSuchMethod("x")
        except Exception as e:
            print("Method noSuchMethod([class java.lang.String]) does not exist" in str(e))
        print(type(sc._jvm.no.such.package).__name__)
        try:
            SparkContext("local", "b")
        except ValueError as e:
            print("Cannot run multiple SparkContexts at once" in str(e))
        sc.stop()
    """)
    assert lines == ["True", "JavaPackage", "True"]


def test_threads_that_are_not_pinned():
    assert run("""
        sc = SparkContext("local[2]", "a")
        print(sc.defaultParallelism, type(sc._gateway).__name__)
        sc.stop()
    """, PYSPARK_PIN_THREAD="false") == ["2 JavaGateway"]


def test_the_gateway_goes_with_python():
    """However Python ends: the gateway sees the end of its input."""
    lines = run("""
        sc = SparkContext("local", "a")
        print(sc._gateway.proc.pid)
        sys.stdout.flush()
        os._exit(0)
    """)
    for _ in range(200):
        if not os.path.exists(f"/proc/{lines[0]}"):
            return
        import time
        time.sleep(0.05 * SLOWER)
    pytest.fail("the gateway is still there")


# ---- spark-submit program.py

def submit(tmp_path, code, *flags, args=(), cwd=None, **env):
    program = tmp_path / "program.py"
    program.write_text(START.replace("SparkContext, StorageLevel", "SparkContext") + textwrap.dedent(code))
    full = without_java(PYSPARK_PYTHON=sys.executable, **env)
    return subprocess.Popen([os.path.join(full["SPARK_HOME"], "bin", "spark-submit"), *flags, str(program), *args],
                            env=full, text=True, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_a_program_is_submitted(tmp_path):
    (tmp_path / "more.py").write_text("word = 'imported'")
    running = submit(tmp_path, """
        import more
        sc = SparkContext()
        print(sc.master, sc.appName, sc.getConf().get("spark.x"), sys.argv[1:], more.word, os.environ["PYTHONHASHSEED"])
        print(SparkContext.getOrCreate() is sc, sc._gateway.proc)
        sc.stop()
        sys.exit(7)
    """, "--master", "local[2]", "--conf", "spark.x=y", "--py-files", str(tmp_path / "more.py"),
                     args=("--flag", "of", "the program"))
    out, err = running.communicate(timeout=60 * SLOWER)
    assert running.returncode == 7, err
    assert out.splitlines() == ["local[2] program.py y ['--flag', 'of', 'the program'] imported 0", "True None"]


def test_signals_are_passed_on(tmp_path):
    running = submit(tmp_path, """
        import signal
        def end(number, frame):
            print("ended by", number)
            sys.exit(3)
        signal.signal(signal.SIGTERM, end)
        print("ready")
        time.sleep(60)
    """)
    assert running.stdout.readline() == "ready\n"
    running.terminate()
    out, err = running.communicate(timeout=60 * SLOWER)
    assert (running.returncode, out) == (3, "ended by 15\n"), err


@pytest.mark.parametrize("way", ["flags", "settings"])
def test_files_and_archives_of_a_program(tmp_path, way):
    (tmp_path / "a.txt").write_text("first")
    (tmp_path / "b.txt").write_text("second")
    with zipfile.ZipFile(tmp_path / "more.zip", "w") as archive:
        archive.writestr("inside.txt", "third")
    files, archives = f"{tmp_path / 'a.txt'},b.txt", "more.zip#kept"
    flags = ["--files", files, "--archives", archives] if way == "flags" else [
        "--conf", f"spark.files={files}", "--conf", f"spark.archives={archives}"]
    running = submit(tmp_path, """
        from pyspark import SparkFiles
        names = "a.txt", "b.txt", "kept/inside.txt"
        def read(name):
            return open(SparkFiles.get(name)).read()
        sc = SparkContext()
        print([read(n) for n in names], sc.parallelize(names, 2).map(read).collect())
        print([os.path.basename(f) for f in sc.listFiles + sc.listArchives])
        print(all(os.path.isabs(f) for f in sc.getConf().get("spark.files").split(",")))
        sc.stop()
    """, *flags, cwd=tmp_path)
    out, err = running.communicate(timeout=60 * SLOWER)
    assert running.returncode == 0, err
    words = str(["first", "second", "third"])
    assert out.splitlines() == [f"{words} {words}", "['a.txt', 'b.txt', 'more.zip#kept']", str(way == "flags")]


def test_files_that_are_not_there(tmp_path):
    running = submit(tmp_path, "SparkContext()", "--files", "nothing.txt")
    out, err = running.communicate(timeout=60 * SLOWER)
    assert running.returncode == 1 and "nothing.txt" in err


def test_flags_that_mean_nothing_here(tmp_path):
    """Deployments have them in their scripts."""
    flags = ["--driver-java-options", "-Dx=y", "--driver-library-path=/lib", "--supervise", "--num-executors", "3",
             "--executor-memory", "1g", "--queue", "q"]
    running = submit(tmp_path, "print(SparkContext().master)", *flags)
    out, err = running.communicate(timeout=60 * SLOWER)
    assert (running.returncode, out) == (0, "local[*]\n"), err


def test_defaults_beside_a_properties_file(tmp_path):
    (tmp_path / "spark-defaults.conf").write_text("spark.a 1\nspark.b 1\n")
    (tmp_path / "own.conf").write_text("spark.b 2\n")
    for flags, said in ([], "None 2"), (["--load-spark-defaults"], "1 2"):
        running = submit(tmp_path, """
            conf = SparkContext().getConf()
            print(conf.get("spark.a"), conf.get("spark.b"))
        """, "--properties-file", str(tmp_path / "own.conf"), *flags, SPARK_CONF_DIR=str(tmp_path))
        out, err = running.communicate(timeout=60 * SLOWER)
        assert (running.returncode, out) == (0, said + "\n"), err


def test_version_of_submit():
    env = without_java()
    done = subprocess.run([os.path.join(env["SPARK_HOME"], "bin", "spark-submit"), "--version"], env=env, text=True,
                          capture_output=True, timeout=60 * SLOWER)
    assert done.returncode == 0 and "4.3.0" in done.stdout


def test_a_program_of_a_remote_server(tmp_path):
    server = Server(name="submit")
    try:
        running = submit(tmp_path, """
            from pyspark.sql import SparkSession
            spark = SparkSession.builder.getOrCreate()
            print(type(spark).__module__, spark.range(5).count())
        """, "--remote", server.remote)
        out, err = running.communicate(timeout=60 * SLOWER)
    finally:
        server.stop()
    assert (running.returncode, out) == (0, "pyspark.sql.connect.session 5\n"), err
    done = subprocess.run([VONK, "submit", "--remote", "sc://a", "--master", "local", "a.py"], capture_output=True,
                          text=True, timeout=30)
    assert done.returncode == 1 and "--remote" in done.stderr


@pytest.mark.parametrize("words, error", [(["--deploy-mode", "cluster", "a.py"], "UNSUPPORTED_FEATURE"),
                                          (["a.jar"], "UNSUPPORTED_FEATURE"), (["--nonsense", "a.py"], "unknown flag"),
                                          ([], "UNSUPPORTED_FEATURE")])
def test_what_cannot_be_submitted(words, error):
    env = without_java()
    done = subprocess.run([os.path.join(env["SPARK_HOME"], "bin", "spark-submit"), *words], env=env, text=True,
                          capture_output=True, timeout=60 * SLOWER)
    assert done.returncode != 0 and error in done.stderr


@pytest.mark.parametrize("flag", ["--jars", "--packages", "--class", "--proxy-user", "--kill"])
def test_flags_that_a_program_would_miss(flag):
    done = subprocess.run([VONK, "submit", flag, "x", "program.py"], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1 and "UNSUPPORTED_FEATURE" in done.stderr and flag in done.stderr


def test_memory_of_workers_that_aggregate():
    """Accelerated workers spill early, since that costs them little; what the program says counts."""
    code = """
        conf = SparkConf().setMaster("local[2]").setAppName("a")
        for more in ({}, {"spark.python.worker.memory": "64m"}, {"vonk.python.accelerated": "false"}):
            sc = SparkContext(conf=SparkConf().setAll(conf.getAll()).setAll(more.items()))
            print(sc.getConf().get("spark.python.worker.memory", "512m"))
            sc.stop()
    """
    assert run(code) == ["192m", "64m", "512m"]
