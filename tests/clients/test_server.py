"""The server as it is started for real: errors with their place, limits, TLS and token by flags, many clients."""
import os
import subprocess
import sys
import threading
import time

import pytest
from pyspark.errors import ArithmeticException, ParseException, PySparkException
from pyspark.sql import SparkSession
from pyspark.sql import functions as sf

from server import SLOWER, Server


def context_of(run):
    with pytest.raises(Exception) as raised:
        run()
    return raised.value, raised.value.getQueryContext()[0]


def test_place_in_sql(spark):
    error, context = context_of(lambda: spark.sql("select 1,\n  1/0 as x").collect())
    assert isinstance(error, ArithmeticException)
    assert (context.startIndex(), context.stopIndex(), context.fragment()) == (12, 14, "1/0")
    assert context.summary() == "== SQL (line 2, position 3) ==\n  1/0 as x\n  ^^^\n"
    assert context.summary() in str(error)


def test_place_in_a_program(spark):
    _, context = context_of(lambda: spark.range(1).select(sf.lit(1) / sf.lit(0)).collect())
    assert context.fragment() == "__truediv__" and "test_server.py" in context.callSite()
    assert context.summary().startswith('== DataFrame ==\n"__truediv__" was called from\n')


def test_application_settings(spark):
    assert spark.conf.get("spark.master").startswith("local[")
    assert spark.conf.get("spark.app.id").startswith("local-")
    assert spark.conf.get("spark.app.name") and not spark.conf.isModifiable("spark.app.id")


def test_hidden_settings():
    """A client does not see what the server's spark.redaction.regex hides, and cannot change that."""
    server = Server("--conf", "spark.redaction.regex=appl.", "--conf", "my.apple=x", "--conf", "my.key=pineapple",
                    "--conf", "my.password=hush", name="hidden")
    session = SparkSession.builder.remote(server.remote).create()
    try:
        for key in ("my.apple", "my.key", "spark.redaction.regex"):
            assert session.conf.get(key, "instead") == "instead" and key not in session.conf.getAll
            with pytest.raises(PySparkException, match="SQL_CONF_NOT_FOUND"):
                session.conf.get(key)
        assert session.conf.get("my.password") == session.conf.getAll["my.password"] == "hush"
        with pytest.raises(PySparkException, match="CANNOT_MODIFY_CONFIG"):
            session.conf.set("spark.redaction.regex", "x")
        assert session.sql("SET my.key").head()[1] == "*********(redacted)"
        session.stop()
    finally:
        assert server.stop() == 0


def test_deep_and_long_texts_are_refused(spark):
    for text in ["select " + "(" * 10000 + "1" + ")" * 10000, "select " + "not " * 10000 + "true",
                 "select " + "array(" * 5000 + "1" + ")" * 5000]:
        with pytest.raises((ParseException, PySparkException)):
            spark.sql(text).collect()
    assert spark.sql("select " + "+".join(["1"] * 1000)).collect()[0][0] == 1000
    assert len(spark.sql(f"select '{'x' * (10 << 20)}' as s").collect()[0].s) == 10 << 20
    assert spark.range(1).count() == 1


def test_running_query_stops_at_once(spark):
    ended = []

    def run():
        try:
            spark.range(10**13).selectExpr("sum(id % 7)").collect()
        except PySparkException as error:
            ended.append((error, time.monotonic()))

    client = threading.Thread(target=run)
    client.start()
    time.sleep(0.5)
    asked = time.monotonic()
    assert len(spark.interruptAll()) == 1
    client.join(20 * SLOWER)
    error, stopped = ended[0]
    assert "OPERATION_CANCELED" in str(error)
    assert stopped - asked < 2 * SLOWER  # 0.1 s of it is the server's; the machine may be busy


def test_progress_of_a_query(spark):
    seen = []

    def note(stages, inflight_tasks, operation_id, done):
        seen.append((len(stages), done))

    spark.registerProgressHandler(note)
    try:
        client = threading.Thread(target=lambda: pytest.raises(
            PySparkException, spark.range(10**13).selectExpr("sum(id % 7)").collect))
        client.start()
        end = time.monotonic() + 20 * SLOWER
        while time.monotonic() < end and not any(n for n, _ in seen):
            time.sleep(0.05)
        spark.interruptAll()
        client.join(20 * SLOWER)
    finally:
        spark.removeProgressHandler(note)
    assert any(n > 0 for n, _ in seen)


def test_token_file(tmp_path):
    file = tmp_path / "token"
    file.write_text("a-token-that-nobody-guesses\n")
    file.chmod(0o600)
    running = Server("--token-file", str(file), name="token")
    try:
        good = SparkSession.builder.remote(running.remote + "/;token=a-token-that-nobody-guesses").create()
        assert good.range(3).count() == 3
        good.stop()
        bad = SparkSession.builder.remote(running.remote + "/;token=another").create()
        with pytest.raises(Exception, match="UNAUTHENTICATED"):
            bad.range(3).count()
        bad.client.close()
    finally:
        assert running.stop() == 0


def test_tls(tmp_path, monkeypatch):
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2",
                    "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    running = Server("--tls-cert", str(certificate), "--tls-key", str(key), name="tls")
    program = ("from pyspark.sql import SparkSession\n"
               f"spark = SparkSession.builder.remote('{running.remote}/;use_ssl=true').create()\n"
               "assert spark.range(3).count() == 3\nspark.stop()\n")
    try:
        monkeypatch.setenv("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", str(certificate))  # read when gRPC is loaded
        subprocess.run([sys.executable, "-c", program], check=True, timeout=120 * SLOWER)
    finally:
        assert running.stop() == 0


def test_64_clients_at_once(server):
    """Each its own session and thread; all answers are right, and nobody waits for ever."""
    failures = []

    def client(number):
        try:
            spark = SparkSession.builder.remote(server.remote).create()
            for round_ in range(3):
                n = 100 * number + round_ + 1
                assert spark.range(n).selectExpr("count(*)", "sum(id)").collect()[0] == (n, n * (n - 1) // 2)
                assert spark.sql(f"select {n} as n").collect()[0].n == n
            spark.stop()
        except BaseException as error:  # reported by the main thread
            failures.append((number, repr(error)[:300]))

    threads = [threading.Thread(target=client, args=(i,), daemon=True) for i in range(64)]
    for thread in threads:
        thread.start()
    end = time.monotonic() + 120 * SLOWER
    for thread in threads:
        thread.join(max(0, end - time.monotonic()))
    assert not failures, failures[:3]
    assert not any(t.is_alive() for t in threads)


def test_limits_by_flags():
    running = Server("--max-sessions", "2", "--max-queries", "1", name="limits")
    try:
        sessions = [SparkSession.builder.remote(running.remote).create() for _ in range(3)]
        results = []
        for spark in sessions[:2]:
            spark.range(1).collect()
        with pytest.raises(Exception, match="at most 2 sessions"):
            sessions[2].range(1).collect()
        threads = [threading.Thread(target=lambda s=s: results.append(s.range(10**7).selectExpr("sum(id)").collect()))
                   for s in sessions[:2]]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60 * SLOWER)
        assert len(results) == 2  # one after the other
        sessions[0].stop()
        fresh = SparkSession.builder.remote(running.remote).create()
        assert fresh.range(3).count() == 3
        fresh.stop()
        sessions[1].stop()
        sessions[2].client.close()
    finally:
        assert running.stop() == 0


def test_tiny_plans_wait_for_nobody():
    """A few rows made from nothing are answered where the request was read, also while every executor is busy."""
    running = Server("--max-queries", "1", name="tiny")
    try:
        busy, other = (SparkSession.builder.remote(running.remote).create() for _ in range(2))
        endless = threading.Thread(target=lambda: pytest.raises(PySparkException, run_endless, busy))
        endless.start()
        time.sleep(0.5 * SLOWER)
        assert [row.id for row in other.range(5).collect()] == [0, 1, 2, 3, 4]
        assert [row.id for row in other.range(2, 1000, 3).limit(2).collect()] == [2, 5]
        assert other.range(7, 3).collect() == [] and other.range(5).offset(4).collect() == [(4,)]
        kept = other.range(3).cache()
        assert kept.collect() == [(0,), (1,), (2,)]
        assert endless.is_alive() and busy.interruptAll()
        endless.join(30 * SLOWER)
        assert not endless.is_alive()
        busy.stop()
        other.stop()
    finally:
        assert running.stop() == 0


def run_endless(spark):
    spark.range(10**13).selectExpr("sum(id % 7)").collect()


@pytest.mark.parametrize("text, feature", [
    ("CREATE TABLE t (id INT) USING parquet TBLPROPERTIES ('a' = 'b', c.d = 'e')", "CREATE TABLE"),
    ("CREATE VIEW v AS SELECT 1", "CREATE VIEW"),
])
def test_what_is_not_built_says_so(spark, text, feature):
    with pytest.raises(Exception, match="UNSUPPORTED_FEATURE.*" + feature):
        spark.sql(text)
    assert spark.range(1).count() == 1


def test_clients_that_leave_without_stopping(server):
    """They clean up their models at exit. Without the answer that Spark gives they hung in every other run: the next
    response of an operation is released by a thread that is not there any more."""
    import pyspark.sql.connect.proto as pb
    from pyspark.sql.connect.session import SparkSession
    spark = SparkSession.builder.remote(server.remote).create()
    command = pb.Command()
    command.ml_command.clean_cache.SetInParent()
    properties = spark.client.execute_command(command)[1]
    assert properties["ml_command_result"].param.integer == 0
    spark.stop()
    code = "from pyspark.sql import SparkSession; print(SparkSession.builder.getOrCreate().range(5).count())"
    env = dict(os.environ, SPARK_REMOTE=server.remote, SPARK_CONNECT_MODE_ENABLED="1")
    for _ in range(6):
        left = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True,
                              timeout=60 * SLOWER, check=True)
        assert left.stdout == "5\n"
