"""The scripts of SPARK_HOME, as people start them."""
import os
import pty
import socket
import subprocess
import sys
import time

import pytest
from pyspark.sql import SparkSession

from gateway import HOME, without_java
from server import SLOWER, VONK, free_port


def run(script, *args, **env):
    env = dict(os.environ, SPARK_HOME=HOME, VONK=VONK, **env)
    return subprocess.run([os.path.join(HOME, script), *args], env=env, capture_output=True, text=True,
                          timeout=60 * SLOWER, check=False)


def test_spark_sql():
    done = run("bin/spark-sql", "--output", "csv", "-e", "SELECT 1 + 1 AS two, 'x' AS s")
    assert (done.returncode, done.stdout) == (0, "two,s\n2,x\n"), done.stderr


def test_flags_of_spark_sql():
    """Those of Spark: what one process knows has its effect, the rest has none."""
    done = run("bin/spark-sql", "--master", "local[3]", "-S", "--name", "a b", "--num-executors", "2", "--hiveconf",
               "spark.sql.session.timeZone=Asia/Tokyo", "--driver-memory=512m", "--output", "csv", "-e",
               "SELECT current_timezone() AS zone, 'a  b' AS s, count(DISTINCT p) AS n "
               "FROM (SELECT spark_partition_id() AS p FROM range(30))")
    assert (done.returncode, done.stdout) == (0, "zone,s,n\nAsia/Tokyo,a  b,3\n"), done.stderr
    for flags, why in ((["--master", "yarn"], "yarn"), (["--master"], "no argument"), (["--jars", "a"], "--jars")):
        done = run("bin/spark-sql", *flags)
        assert done.returncode == 2 and why in done.stderr


def test_connect_server_in_the_background(tmp_path):
    env, port = {"SPARK_PID_DIR": str(tmp_path), "SPARK_LOG_DIR": str(tmp_path)}, free_port()
    setting = f"spark.connect.grpc.binding.port={port}"
    started = run("sbin/start-connect-server.sh", "--conf", setting, **env)
    try:
        assert started.returncode == 0, started.stderr
        spark = SparkSession.builder.remote(f"sc://localhost:{port}").create()
        assert spark.range(3).count() == 3
        spark.stop()
        again = run("sbin/start-connect-server.sh", "--conf", setting, **env)
        assert again.returncode == 1 and "runs already" in again.stderr
    finally:
        stopped = run("sbin/stop-connect-server.sh", **env)
    assert stopped.returncode == 0, stopped.stderr
    end = time.monotonic() + 20 * SLOWER
    while socket.socket().connect_ex(("127.0.0.1", port)) == 0:
        assert time.monotonic() < end
        time.sleep(0.05)
    again = run("sbin/stop-connect-server.sh", **env)
    assert again.returncode == 1 and "no server runs" in again.stderr


def test_a_server_that_cannot_start_says_why(tmp_path):
    env = {"SPARK_PID_DIR": str(tmp_path), "SPARK_LOG_DIR": str(tmp_path)}
    for flags, why in ((["--port", "x"], "--port"), (["--packages", "a:b:1"], "--packages")):
        done = run("sbin/start-connect-server.sh", *flags, **env)
        assert done.returncode == 1 and why in done.stderr, done.stderr
    assert run("sbin/stop-connect-server.sh", **env).returncode == 1


@pytest.mark.parametrize("name", ["start-master.sh", "start-thriftserver.sh", "stop-all.sh"])
def test_what_is_not_built_says_so(name):
    done = run(f"sbin/{name}")
    assert done.returncode == 1 and done.stderr.startswith(f"{name}: not built")


def test_token_by_a_setting():
    port = free_port()
    server = subprocess.Popen([VONK, "server", "--quiet", "--conf", f"spark.connect.grpc.binding.port={port}", "--conf",
                               "spark.connect.grpc.binding.address=127.0.0.1", "--conf",
                               "spark.connect.authenticate.token=secret"])
    try:
        end = time.monotonic() + 20 * SLOWER
        while socket.socket().connect_ex(("127.0.0.1", port)) != 0:
            assert time.monotonic() < end
            time.sleep(0.02)
        spark = SparkSession.builder.remote(f"sc://localhost:{port}/;token=secret").create()
        assert spark.range(2).count() == 2
        spark.stop()
        with pytest.raises(Exception, match="UNAUTHENTICATED"):
            SparkSession.builder.remote(f"sc://localhost:{port}/;token=wrong").create().range(1).collect()
    finally:
        server.terminate()
        assert server.wait(20 * SLOWER) == 0


def driver(tmp_path):
    """A program in place of Python that says what it was started with, as ipython and jupyter would be."""
    path = tmp_path / "driver"
    path.write_text(f"#!/bin/sh\n[ \"$1\" = -c ] && exec {sys.executable} \"$@\"\necho \"$*\"\n"
                    "echo \"$PYSPARK_SUBMIT_ARGS\"; echo \"$SPARK_REMOTE $SPARK_CONNECT_MODE_ENABLED\"\n")
    path.chmod(0o755)
    return str(path)


def test_flags_of_pyspark(tmp_path):
    words = {"PYSPARK_DRIVER_PYTHON": driver(tmp_path), "PYSPARK_DRIVER_PYTHON_OPTS": "notebook --port 1",
             "SPARK_REMOTE": "", "SPARK_CONNECT_MODE_ENABLED": ""}
    done = run("bin/pyspark", "--conf", "spark.a=b c", **words)
    assert done.stdout.splitlines() == ["notebook --port 1", "--name PySparkShell --conf 'spark.a=b c' pyspark-shell",
                                        " "], done.stderr
    for flags in (["--remote", "sc://a"], ["--remote=sc://a"]):
        assert run("bin/pyspark", *flags, **words).stdout.splitlines()[2] == "sc://a 1"
    assert "--py-files" in run("bin/pyspark", "--help").stdout
    done = run("bin/pyspark", "program.py")
    assert done.returncode == 1 and "spark-submit" in done.stderr


def test_pyspark_shell():
    """bin/pyspark on a terminal: `sc` and `spark` are there, no Java is."""
    env = without_java(PYSPARK_PYTHON=sys.executable, TERM="dumb")
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(os.path.join(HOME, "bin", "pyspark"), ["pyspark"], env)
    said = b""

    def wait_for(text):
        nonlocal said
        end = time.monotonic() + 60 * SLOWER
        while text not in said:
            assert time.monotonic() < end, said.decode()
            said += os.read(terminal, 65536)
    try:
        wait_for(b">>> ")
        os.write(terminal, b"sc.parallelize([1, 2, 3]).sum(), spark.range(4).count()\n")
        wait_for(b"(6, 4)")
        os.write(terminal, b"exit()\n")
        assert os.waitpid(pid, 0)[1] == 0
    finally:
        os.close(terminal)
