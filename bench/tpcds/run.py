#!/usr/bin/env python3
"""The 99 queries of TPC-DS on Spark Connect servers, in turn: do they answer what the first of them answers?

    bench/tpcds/run.py --tpcds-venv VENV [--sf 1] [--engines spark,vonk] [--queries 1,6] [--vonk build/vonk]

Compares names, types, nullability and rows in their order (floats to nine digits), and prints each server's seconds
(cold: the first run of the query). Exit status 1 when answers differ. Data is made once under bench/data by make.py.
"""
import argparse
import math
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "bench"))
from servers import free_port, server_command, start_server, stop_server  # noqa: E402


def ask(spark, text):
    """(names, types and nullability; rows; seconds), or what the error says in place of both."""
    start = time.perf_counter()
    try:
        frame = spark.sql(text)
        rows = [tuple(row) for row in frame.collect()]
        fields = [(f.name, f.dataType.simpleString(), f.nullable) for f in frame.schema]
    except Exception as e:  # any error is an answer that differs
        fields, rows = None, str(e).split("\n", maxsplit=1)[0]
    return fields, rows, time.perf_counter() - start


def answers(name, args, folder):
    from pyspark.sql import SparkSession
    port = free_port()
    with open(os.path.join(ROOT, "bench", "out", f"tpcds-{name}.log"), "wb") as log:
        server = start_server(server_command(name, args, port), port, log)
        try:
            spark = SparkSession.builder.remote(f"sc://127.0.0.1:{port}").create()
            for file in sorted(os.listdir(folder)):
                if file.endswith(".parquet"):
                    spark.read.parquet(os.path.join(folder, file)).createOrReplaceTempView(file.split(".")[0])
            texts = {q: open(os.path.join(folder, f"q{q:02}.sql"), encoding="utf-8").read() for q in args.queries}
            return {q: ask(spark, text.strip().rstrip(";")) for q, text in texts.items()}
        finally:
            stop_server(server)


def same(a, b):
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=1e-9) or (math.isnan(a) and math.isnan(b))
    return type(a) is type(b) and a == b


def disagreement(one, other):
    """What differs between two answers; None when they agree."""
    if one[0] is None or one[0] != other[0]:
        return f"{other[0] or other[1]} instead of {one[0] or one[1]}"
    if len(one[1]) != len(other[1]):
        return f"{len(other[1])} rows, not {len(one[1])}"
    for a, b in zip(one[1], other[1]):
        if not all(map(same, a, b)):
            return f"{b} instead of {a}"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tpcds-venv", required=True, help="environment of requirements-tpcds.txt")
    parser.add_argument("--sf", default="1")
    parser.add_argument("--engines", default="spark,vonk")
    parser.add_argument("--queries", default=",".join(map(str, range(1, 100))))
    parser.add_argument("--vonk", default=os.path.join(ROOT, "build", "vonk"))
    parser.add_argument("--memory", help="Vonk's budget, such as 2g")
    args = parser.parse_args()
    args.queries = [int(q) for q in args.queries.split(",")]
    folder = os.path.join(ROOT, "bench", "data", f"tpcds-{args.sf}")
    os.makedirs(os.path.join(ROOT, "bench", "out"), exist_ok=True)
    subprocess.run([os.path.join(args.tpcds_venv, "bin", "python"), os.path.join(HERE, "make.py"), args.sf, folder],
                   check=True)
    names = args.engines.split(",")
    of = {name: answers(name, args, folder) for name in names}
    n_wrong = 0
    for q in args.queries:
        wrong = {n: disagreement(of[names[0]][q], of[n][q]) for n in names}
        n_wrong += any(wrong.values())
        print(f"q{q:02} " + "".join(f"{n} {of[n][q][2]:8.2f} s{' DIFFERS' if wrong[n] else ''}   " for n in names))
        for n in names:
            if wrong[n]:
                print(f"    {n}: {wrong[n][:300]}")
    print("sum " + "".join(f"{n} {sum(a[2] for a in of[n].values()):8.2f} s   " for n in names))
    print(f"{len(args.queries) - n_wrong} passed, {n_wrong} failed")
    return 1 if n_wrong else 0


if __name__ == "__main__":
    sys.exit(main())
