#!/usr/bin/env python3
"""`make oracle`: asks real Spark 4.3.0 for the answers that tests compare with. Needs Java 17; nothing else does.

  tools/oracle/answers.py --venv .venv [--remote sc://HOST:PORT] [--check]

Starts real Spark (compat/oracle.sh) unless --remote names one. Writes tests/tpch/answers/*.csv, and origin.txt
with Spark's version, the zone and the data; the DataFrame form of each query must give the same. Writes the answers
into tests/sql/**/*.slt and tests/frames/**/*.calls. --check compares with what is committed and writes nothing.
"""
import argparse
import os
import signal
import socket
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "tpch"))
SCALE_FACTOR = "0.01"


def start_oracle(venv):
    """Real Spark's Connect server on a free port; returns (process, remote)."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = open(os.path.join(ROOT, "build", "oracle.log"), "wb")
    process = subprocess.Popen([os.path.join(ROOT, "compat", "oracle.sh"), venv, str(port)], stdout=log, stderr=log,
                               env=dict(os.environ, MEM="2g", TZ="UTC"), start_new_session=True)
    for _ in range(240):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return process, f"sc://127.0.0.1:{port}"
        except OSError:
            if process.poll() is not None:
                sys.exit("real Spark did not start: build/oracle.log says why")
            time.sleep(0.5)
    os.killpg(process.pid, signal.SIGKILL)
    sys.exit("real Spark did not open its port within 2 minutes")


def tpch(remote, check):
    """Answers of the 22 queries; the number of those that went wrong."""
    import answers
    import data
    import dataframe
    from pyspark.sql import SparkSession
    spark = SparkSession.builder.remote(remote).getOrCreate()
    folder = data.ensure(SCALE_FACTOR, os.path.join(ROOT, "build", f"tpch-{SCALE_FACTOR}"))
    tables = dataframe.load(spark, folder)
    for name, table in tables.items():
        table.createOrReplaceTempView(name)
    n_wrong = 0
    for number, query in enumerate(dataframe.QUERIES, 1):
        from_sql = spark.sql(answers.sql_of(number))
        if not check:
            answers.write(number, from_sql)
        for form, df in (("SQL", from_sql), ("DataFrame", query(tables))):
            wrong = answers.difference(number, df)
            if wrong:
                print(f"q{number:02} {form}: {wrong}")
                n_wrong += 1
    if not check:
        zone = spark.conf.get("spark.sql.session.timeZone")
        with open(os.path.join(answers.FOLDER, "origin.txt"), "w", encoding="utf-8") as note:
            note.write(f"Apache Spark {spark.version}, zone {zone}; tpchgen-cli parquet, scale factor {SCALE_FACTOR}\n")
    spark.stop()
    print(f"tpch: {44 - n_wrong} of 44 answers agree")
    return n_wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--venv", default=os.path.join(ROOT, ".venv"))
    parser.add_argument("--remote")
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    process, remote = (None, args.remote) if args.remote else start_oracle(args.venv)
    try:
        n_wrong = tpch(remote, args.check)
        for folder in ("sql", "frames"):
            runner = os.path.join(ROOT, "tests", folder, "run.py")
            command = [sys.executable, runner, "--remote", remote] + ([] if args.check else ["--record"])
            n_wrong += subprocess.run(command, cwd=ROOT).returncode != 0
    finally:
        if process:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()
    sys.exit(1 if n_wrong else 0)


if __name__ == "__main__":
    main()
