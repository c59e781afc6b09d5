"""Workers are forked ahead of time: as soon as a function of Python is known, before a query or a job wants one."""
import subprocess
import sys
import textwrap
import time

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from gateway import without_java
from processes import below
from server import SLOWER, Server


def wait_until(condition, limit_s=20 * SLOWER):
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)


@pytest.fixture(params=[2, 3, 0])
def prefork(request):
    server = Server("--conf", f"vonk.python.prefork={request.param}", name="prefork")
    spark = SparkSession.builder.remote(server.remote).create()
    yield server.process.pid, spark, request.param
    spark.stop()
    assert server.stop() == 0


pid_of = lambda x: __import__("os").getpid()  # noqa: E731  a function of this module would go by its name


def check(pid, wanted):
    """A daemon, and as many workers: they stay as many."""
    if not wanted:
        time.sleep(1)
        assert below(pid) == []
    else:
        wait_until(lambda: len(below(pid)) >= 1 + wanted)
        assert len(below(pid)) == 1 + wanted


def test_a_registered_function(prefork):
    pid, spark, wanted = prefork
    spark.sql("SELECT 1").collect()
    assert below(pid) == []
    spark.udf.register("pid_of", pid_of, "int")
    check(pid, wanted)
    ahead = below(pid)
    used = spark.sql("SELECT pid_of(id) AS pid FROM range(1)").first().pid
    assert (used in ahead) == (wanted > 0)
    spark.udf.register("again", pid_of, "int")
    time.sleep(0.5)
    assert len(below(pid)) == 1 + max(wanted, 1)


def test_a_plan_that_is_analyzed(prefork):
    pid, spark, wanted = prefork
    frame = spark.range(1).select(F.udf(pid_of, "int")("id").alias("pid"))
    assert below(pid) == []
    assert frame.schema.names == ["pid"]
    check(pid, wanted)


def test_not_more_than_may_be_idle():
    server = Server("--conf", "spark.python.factory.idleWorkerMaxPoolSize=1", name="prefork")
    try:
        spark = SparkSession.builder.remote(server.remote).create()
        spark.udf.register("pid_of", pid_of, "int")
        check(server.process.pid, 1)
        time.sleep(0.5)
        assert len(below(server.process.pid)) == 2
        spark.stop()
    finally:
        assert server.stop() == 0


def test_classic():
    """An RDD has been named, or a DataFrame; nothing has run."""
    code = """
        import time
        from processes import below
        from pyspark import SparkContext
        from pyspark.sql import SparkSession, functions as F
        def count(n):
            end = time.monotonic() + 20
            while len(below(gateway)) < n and time.monotonic() < end:
                time.sleep(0.02)
            return len(below(gateway))
        sc = SparkContext("local[2]", "a")
        gateway = sc._gateway.proc.pid
        print(count(0))
        one = sc.parallelize([1, 2], 1).map(lambda x: -x)._jrdd
        print(count(2))
        two = sc.parallelize([1, 2], 2).map(lambda x: -x)._jrdd
        print(count(3))
        frame = SparkSession(sc).range(1).select(F.udf(lambda x: x)("id"))
        print(count(6))
    """
    env = without_java(PYSPARK_PYTHON=sys.executable, VONK_TESTING="1", PYTHONPATH=sys.path[0])
    ran = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], env=env, text=True, capture_output=True,
                         timeout=120 * SLOWER, check=False)
    assert (ran.returncode, ran.stdout.split()) == (0, ["0", "2", "3", "6"]), ran.stderr
