"""Runs the cases against one Connect server and prints a JSON line for each: name, seconds, the answer or the error.

  bench/udf/client.py --remote sc://HOST:PORT --cases a,b --times 3 [--scale 0.1]
"""
import argparse
import json
import sys
import time

from pyspark import cloudpickle
from pyspark.sql import SparkSession

import cases

cloudpickle.register_pickle_by_value(cases)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--remote", required=True)
    parser.add_argument("--cases", required=True)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1)
    args = parser.parse_args()
    spark = SparkSession.builder.remote(args.remote).create()
    for name in args.cases.split(","):
        function, n = cases.CASES[name]
        n = max(int(n * args.scale), 1000)
        result = {"case": name, "rows": n, "seconds": []}
        try:
            function(spark, n // 10).collect()  # workers are there, files are read
            for _ in range(args.times):
                start = time.perf_counter()
                result["answer"] = [str(v) for v in function(spark, n).collect()[0]]
                result["seconds"].append(time.perf_counter() - start)
        except Exception as error:  # a case that cannot run must not end the others
            result["error"] = str(error)[:300]
        print(json.dumps(result), flush=True)
    spark.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
