"""The programs of bench/python: unmodified PySpark, a function for each case.   cases.py CASE SCALE FOLDER [REMOTE]

Prints one line of JSON: seconds, and what came out (the same for every engine). With a remote the cases over Spark
Connect, without the classic ones. Import and session start are not in the time, except where they are what is measured.
"""
import json
import os
import sys
import time
import traceback
from operator import add

import functions
import numpy as np
import pandas as pd

WORDS = 5000
WORDS_PER_LINE = 12


def scaled(n, scale):
    return max(1000, int(n * scale))


# ---- over Connect

def row_udf(spark, scale, folder):
    """1 M rows through a row-at-a-time function."""
    from pyspark.sql import functions as sf
    twice = sf.udf(lambda n: n * 2 + 1, "long", useArrow=False)
    return spark.range(scaled(1e6, scale)).select(twice("id").alias("v")).agg(sf.sum("v")).collect()[0][0]


def arrow_udf(spark, scale, folder):
    """20 M rows through a pandas function."""
    from pyspark.sql import functions as sf
    square = sf.pandas_udf(lambda n: n * n % 1000, "long")
    return spark.range(scaled(2e7, scale)).select(square("id").alias("v")).agg(sf.sum("v")).collect()[0][0]


def grouped_map(spark, scale, folder):
    """2 M rows in 1,000 groups through applyInPandas."""
    from pyspark.sql import functions as sf

    def top(frame):
        return pd.DataFrame({"k": [frame.k.iloc[0]], "n": [len(frame)], "most": [frame.v.max()]})
    keyed = [(sf.col("id") % 1000).alias("k"), (sf.col("id") * 7919 % 104729).alias("v")]
    rows = spark.range(scaled(2e6, scale)).select(keyed)
    out = rows.groupBy("k").applyInPandas(top, "k long, n long, most long")
    return [int(v) for v in out.agg(sf.count("k"), sf.sum("n"), sf.sum("most")).collect()[0]]


def of_functions(name):
    """A query of functions.py as a case."""
    query, rows = functions.CASES[name]

    def case(spark, scale, folder):
        return [str(value) for value in query(spark, scaled(rows, scale)).collect()[0]]
    case.__name__ = name
    return case


# ---- classic

def context_start(sc, scale, folder):
    """SparkContext() of a program that has imported pyspark, until it stands."""
    return sc is not None


def word_count(sc, scale, folder):
    """1 GB of text."""
    counts = sc.textFile(text_file(folder, scale)).flatMap(str.split).map(lambda w: (w, 1)).reduceByKey(add).collect()
    return [len(counts), sum(n for _, n in counts), max(counts, key=lambda c: (c[1], c[0]))]


def reduce_by_key(sc, scale, folder):
    """10 M keys, two values each."""
    n = scaled(1e7, scale)
    pairs = sc.range(2 * n).map(lambda i: (i * 2654435761 % n, i & 7))
    return pairs.reduceByKey(add).map(lambda p: p[1]).sum()


def sort(sc, scale, folder):
    """10 M records."""
    n = scaled(1e7, scale)
    records = sc.range(n).map(lambda i: (i * 2654435761 % 4294967291, i))
    ordered = records.sortByKey().mapPartitions(lambda part: [ends(part)]).collect()
    joined = [part for part in ordered if part[2]]
    assert all(a[1] <= b[0] for a, b in zip(joined, joined[1:]))
    return [joined[0][0], joined[-1][1], sum(part[2] for part in joined)]


def ends(part):
    first = last = None
    n = 0
    for key, _ in part:
        assert last is None or last <= key
        first, last, n = key if first is None else first, key, n + 1
    return first, last, n


def logistic_regression(sc, scale, folder):
    """10 steps of gradient descent over 200 blocks of 2,000 cached points of 10 numbers; the steps alone are timed."""
    def block(seed):
        random = np.random.RandomState(seed)
        x = random.normal(size=(2000, 10))
        return x, (x.sum(axis=1) + random.normal(size=2000) > 0) * 2.0 - 1.0

    def gradient(points, w):
        x, y = points
        return ((1 / (1 + np.exp(-y * x.dot(w))) - 1) * y) @ x
    points = sc.parallelize(range(scaled(200, scale) if scale >= 1 else 40), 4).map(block).cache()
    points.count()
    start = time.monotonic()
    w = np.zeros(10)
    for _ in range(10):
        w -= 1e-4 * points.map(lambda p, w=w: gradient(p, w)).reduce(add)
    return [round(float(v), 9) for v in w], time.monotonic() - start


CONNECT = [row_udf, arrow_udf, grouped_map, *map(of_functions, functions.CASES)]
CLASSIC = [context_start, word_count, reduce_by_key, sort, logistic_regression]


def text_file(folder, scale):
    """Made once; 1 GB at scale 1, a skewed choice of words."""
    path = os.path.join(folder, f"words-{scale:g}.txt")
    if not os.path.exists(path):
        random = np.random.RandomState(1)
        words = np.array(["".join(random.choice(list("abcdefghijklmnopqrstuvwxyz"), random.randint(3, 9)))
                          for _ in range(WORDS)])
        with open(path + ".part", "w", encoding="utf-8") as file:
            while file.tell() < 1e9 * scale:
                chosen = np.minimum(random.zipf(1.3, (20000, WORDS_PER_LINE)) - 1, WORDS - 1)
                file.write("\n".join(" ".join(line) for line in words[chosen]) + "\n")
        os.rename(path + ".part", path)
    return path


def run_connect(case, scale, folder, remote):
    from pyspark.sql import SparkSession
    spark = SparkSession.builder.remote(remote).create()
    spark.range(1).collect()
    start = time.monotonic()
    out = case(spark, scale, folder)
    seconds = time.monotonic() - start
    spark.stop()
    return seconds, out


def run_classic(case, scale, folder):
    from pyspark import SparkConf, SparkContext
    conf = SparkConf().setMaster("local[2]").setAppName("bench").set("spark.ui.enabled", "false")
    start = time.monotonic()
    sc = SparkContext(conf=conf)
    sc.setLogLevel("OFF")
    if case is not context_start:
        sc.parallelize(range(4), 2).map(str).collect()  # workers are there
        start = time.monotonic()
    out = case(sc, scale, folder)
    seconds = time.monotonic() - start
    if case is logistic_regression:
        out, seconds = out
    sc.stop()
    return seconds, out


def main():
    case = {case.__name__: case for case in CONNECT + CLASSIC}[sys.argv[1]]
    scale, folder = float(sys.argv[2]), sys.argv[3]
    if case in CONNECT:
        seconds, out = run_connect(case, scale, folder, sys.argv[4])
    else:
        seconds, out = run_classic(case, scale, folder)
    print(json.dumps({"seconds": seconds, "out": out}), flush=True)


if __name__ == "__main__":
    try:
        main()
    except Exception:  # at once: gRPC's client may wait for itself when an interpreter ends after an error
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
