"""A client that is ready before the server: bench/latency/client.py REMOTE

Says "ready" when everything is imported. For each line it reads: "first" makes the session and one collect; a number
makes that many collects of different ranges. Answers with the clock when it was done and the seconds it took.
"""
import sys
import time

import pandas  # noqa: F401  (what the first collect would import)
import pyarrow  # noqa: F401
from pyspark.sql import SparkSession
from pyspark.sql.connect import session as connect_session  # noqa: F401


def collect(spark, n):
    rows = spark.range(n).collect()
    if len(rows) != n or rows[-1].id != n - 1:
        sys.exit(f"range({n}) gave {len(rows)} rows")


def main():
    spark = None
    print("ready", flush=True)
    for line in sys.stdin:
        start = time.monotonic()
        if line.strip() == "first":
            spark = SparkSession.builder.remote(sys.argv[1]).create()
            collect(spark, 1)
        else:
            for i in range(int(line)):
                collect(spark, i % 1000 + 1)
        print(time.monotonic(), time.monotonic() - start, flush=True)


if __name__ == "__main__":
    main()
