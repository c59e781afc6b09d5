#!/usr/bin/env python3
"""`make demo`: starts a Vonk server, lets unmodified PySpark talk to it, says what was done and how long it took.

  examples/demo.py --vonk build/vonk
"""
import argparse
import logging
import os
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(vonk, port):
    """Starts the server; returns it and the milliseconds until its port was open."""
    begin = time.monotonic()
    server = subprocess.Popen([vonk, "server", "--port", str(port)], stderr=subprocess.DEVNULL)
    while time.monotonic() - begin < 10:
        if server.poll() is not None:
            sys.exit(f"`{vonk} server` ended with status {server.returncode} instead of opening port {port}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return server, (time.monotonic() - begin) * 1000
        except OSError:
            time.sleep(0.002)
    server.kill()
    sys.exit(f"`{vonk} server` did not open port {port} within 10 s")


def hello(remote):
    """The smallest round trips: a row, a SQL row, and an error that arrives as the right Python class."""
    from pyspark.errors import ArithmeticException
    from pyspark.sql import SparkSession
    logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL)   # the error below is wanted
    spark = SparkSession.builder.remote(remote).getOrCreate()
    print("spark.version                ->", spark.version)
    print("spark.range(1).collect()     ->", spark.range(1).collect())
    print('spark.sql("select 1")        ->', spark.sql("select 1").collect())
    try:
        spark.sql("select 1 / 0").collect()
        sys.exit("select 1 / 0 gave an answer")
    except ArithmeticException as error:
        print('spark.sql("select 1 / 0")    ->', type(error).__name__, error.getCondition(), error.getSqlState())
    spark.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vonk", default="build/vonk")
    args = parser.parse_args()
    print(subprocess.run([args.vonk, "--version"], capture_output=True, text=True, check=True).stdout.strip())
    port = free_port()
    remote = f"sc://localhost:{port}"
    server, opened_ms = start(args.vonk, port)
    took = [("server start until its port was open", opened_ms / 1000)]
    try:
        begin = time.monotonic()
        hello(remote)
        took.append(("hello (with the import of pyspark)", time.monotonic() - begin))
        with tempfile.TemporaryDirectory(prefix="vonk-demo-") as folder:
            begin = time.monotonic()
            subprocess.run([sys.executable, os.path.join(HERE, "quickstart.py"), remote, folder], check=True)
            took.append(("examples/quickstart.py, whole process", time.monotonic() - begin))
        status = open(f"/proc/{server.pid}/status", encoding="utf-8").read()
        peak_mb = int(status.split("VmHWM:")[1].split()[0]) / 1024
    finally:
        server.terminate()
        server.wait(timeout=20)
    print()
    for what, seconds in took:
        print(f"{what:40} {seconds * 1000:9.1f} ms")
    print(f"{'peak memory of the server':40} {peak_mb:9.1f} MB")


if __name__ == "__main__":
    main()
