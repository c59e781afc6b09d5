#!/usr/bin/env python3
"""One engine, in a process of its own: runs TPC-H queries over Parquet files and says how long each took.

  bench/tpch/engine.py NAME --folder DATA --queries 1,2,... [--remote sc://... | --vonk PATH] --out FILE

NAME: connect (any Spark Connect server), vonk-sql, duckdb, polars, datafusion. A query is run once to warm up, then
--times times; a time runs until the whole answer is an Arrow table (vonk-sql: CSV text) in this process. Tables are
views over the files: nothing is cached on purpose. Writes a JSON line per query: query, times, columns, rows, or error.
"""
import argparse
import csv
import datetime
import decimal
import io
import json
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TPCH = os.path.join(os.path.dirname(os.path.dirname(HERE)), "tests", "tpch")
TABLES = ["customer", "lineitem", "nation", "orders", "part", "partsupp", "region", "supplier"]


class Connect:
    def __init__(self, args):
        from pyspark.sql import SparkSession
        self.spark = SparkSession.builder.remote(args.remote).getOrCreate()
        for table in TABLES:
            self.spark.read.parquet(f"{args.folder}/{table}.parquet").createOrReplaceTempView(table)

    def run(self, text):
        return self.spark.sql(text).toArrow()

    def close(self):
        self.spark.stop()


class VonkSql:
    """Start, views and query in one process each time: what someone at a shell waits for."""

    def __init__(self, args):
        self.vonk, self.flags = args.vonk, args.flag
        self.views = "".join(f"CREATE TEMPORARY VIEW {t} AS SELECT * FROM parquet.`{args.folder}/{t}.parquet`;\n"
                             for t in TABLES)

    def run(self, text):
        command = [self.vonk, "sql", "--output", "csv", *self.flags, "-e", self.views + text]
        answer = subprocess.run(command, capture_output=True, text=True)
        if answer.returncode:
            raise RuntimeError(answer.stderr.strip()[-500:])
        return list(csv.reader(io.StringIO(answer.stdout)))

    def close(self):
        pass


class DuckDb:
    def __init__(self, args):
        import duckdb
        self.connection = duckdb.connect(config={"threads": args.threads})
        for table in TABLES:
            self.connection.execute(f"CREATE VIEW {table} AS SELECT * FROM '{args.folder}/{table}.parquet'")

    def run(self, text):
        return self.connection.execute(text).to_arrow_table()

    def close(self):
        self.connection.close()


class Polars:
    def __init__(self, args):
        import polars
        self.context = polars.SQLContext({t: polars.scan_parquet(f"{args.folder}/{t}.parquet") for t in TABLES})

    def run(self, text):
        return self.context.execute(text).collect(engine="streaming").to_arrow()

    def close(self):
        pass


class DataFusion:
    def __init__(self, args):
        import datafusion
        config = datafusion.SessionConfig().with_target_partitions(args.threads)
        self.context = datafusion.SessionContext(config)
        for table in TABLES:
            self.context.register_parquet(table, f"{args.folder}/{table}.parquet")

    def run(self, text):
        return self.context.sql(text).to_arrow_table()

    def close(self):
        pass


ENGINES = {"connect": Connect, "vonk-sql": VonkSql, "duckdb": DuckDb, "polars": Polars, "datafusion": DataFusion}


def plain(value):
    """A value as JSON has it; numbers of all kinds become comparable floats."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, (bool, int, float, decimal.Decimal)):
        return float(value)
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if value.time() == datetime.time() else value.isoformat()
    return value.isoformat()


def rows_of(answer):
    if isinstance(answer, list):                # CSV: texts, compared as numbers where they can be
        return answer[0], answer[1:]
    return answer.column_names, [[plain(v) for v in row.values()] for row in answer.to_pylist()]


def measure(engine, text, n_times):
    """(seconds of each hot run, the answer)"""
    engine.run(text)
    times = []
    for _ in range(n_times):
        start = time.perf_counter()
        answer = engine.run(text)
        times.append(time.perf_counter() - start)
    return times, answer


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=ENGINES)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--queries", required=True)
    parser.add_argument("--remote")
    parser.add_argument("--vonk")
    parser.add_argument("--flag", action="append", default=[])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    sys.path.insert(0, TPCH)
    import answers
    engine = ENGINES[args.name](args)
    with open(args.out, "w", encoding="utf-8", buffering=1) as out:
        for number in map(int, args.queries.split(",")):
            try:
                times, answer = measure(engine, answers.sql_of(number), args.times)
                names, rows = rows_of(answer)
                result = {"query": number, "times": times, "columns": names, "rows": rows}
            except Exception as error:  # any failure of an engine is a line of the report, and the next query goes on
                result = {"query": number, "error": f"{type(error).__name__}: {str(error).strip()[:300]}"}
            out.write(json.dumps(result) + "\n")
    engine.close()


if __name__ == "__main__":
    main()
