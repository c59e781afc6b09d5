"""RDDs of classic PySpark, unmodified, where there is no Java: what every program does with them.

VONK_CLASSIC=spark runs these against the pyspark that is installed, with its Java: that is how they are tested."""
import os
import subprocess
import sys
import textwrap

import pytest

from gateway import without_java
from server import SLOWER

START = """
import os, sys, time
from pyspark import SparkConf, SparkContext, StorageLevel
"""


REAL = os.environ.get("VONK_CLASSIC") == "spark"


def run(code, **env):
    """A program of a user; what it prints, in lines."""
    more = dict(env, PYTHONHASHSEED="0", PYSPARK_PYTHON=sys.executable)
    env = dict(os.environ, **more) if REAL else without_java(**more)
    done = subprocess.run([sys.executable, "-c", START + textwrap.dedent(code)], env=env, text=True,
                          capture_output=True, timeout=120 * SLOWER)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_lists_there_and_back():
    assert run("""
        sc = SparkContext("local[3]", "a")
        numbers = sc.parallelize(range(10), 4)
        print(numbers.collect(), numbers.getNumPartitions(), numbers.glom().collect())
        doubled = numbers.map(lambda x: x * 2).setName("doubled")
        print(doubled.sum(), doubled.take(3), doubled.first(), doubled.count(), doubled.id(), doubled.name(), doubled)
        print(numbers.union(sc.parallelize([1], 1)).collect(), sc.union([numbers, doubled]).count())
        print(sc.emptyRDD().collect(), sc.parallelize([], 2).collect())
        print(sc.runJob(numbers, lambda part: [sum(part)], [3, 0]))
        print(list(doubled.toLocalIterator()), list(doubled.toLocalIterator(prefetchPartitions=True)))
        sc.stop()
    """) == ["[0, 1, 2, 3, 4, 5, 6, 7, 8, 9] 4 [[0, 1], [2, 3, 4], [5, 6], [7, 8, 9]]",
             "90 [0, 2, 4] 0 10 3 doubled doubled PythonRDD[3] at RDD at PythonRDD.scala:59",
             "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1] 20", "[] []", "[24, 1]",
             "[0, 2, 4, 6, 8, 10, 12, 14, 16, 18] [0, 2, 4, 6, 8, 10, 12, 14, 16, 18]"]


def test_shuffles_accumulators_broadcasts():
    assert run("""
        sc = SparkContext("local[2]", "a")
        pairs = sc.parallelize(range(20), 3).map(lambda x: (x % 3, x))
        print(sorted(pairs.reduceByKey(lambda a, b: a + b).collect()))
        print(sorted((k, sorted(v)) for k, v in pairs.groupByKey(2).collect())[0])
        print(pairs.join(sc.parallelize([(0, "a"), (2, "b")])).count(), pairs.sortByKey(False).first())
        seen, words = sc.accumulator(0), sc.broadcast(["zero", "one", "two"])
        print(pairs.map(lambda p: (seen.add(1), words.value[p[0]])[1]).distinct().count(), seen.value)
        big = sc.broadcast(b"x" * 3000000)
        data = b"y" * 2000000
        print(pairs.map(lambda p: len(big.value) + len(data)).max())
        sc.stop()
    """) == ["[(0, 63), (1, 70), (2, 57)]", "(0, [0, 3, 6, 9, 12, 15, 18])", "13 (2, 2)", "3 20", "5000000"]


def test_what_fails_says_why():
    lines = run("""
        sc = SparkContext("local[2]", "a")
        for action in ("collect", "count", "foreach(print)"):
            try:
                eval(f"sc.parallelize([1, 2]).map(lambda x: x / 0).{action}" + ("" if "(" in action else "()"))
            except Exception as e:
                print(e.java_exception.getClass().getName(), "ZeroDivisionError: division by zero" in str(e))
        items = sc.parallelize([1, 0], 2).map(lambda x: 1 / x).toLocalIterator()
        print(next(items))
        try:
            next(items)
        except Exception as e:
            java = e.java_exception
            print(java.getClass().getName(), java.getMessage(), java.getCause() is not None)
            print("ZeroDivisionError: division by zero" in str(e))
        print(sc.parallelize([1]).collect())
        sc.stop()
    """)
    assert lines == ["org.apache.spark.api.python.PythonException True"] * 3 + [
        "1.0", "org.apache.spark.SparkException Exception thrown in awaitResult:  True", "True", "[1]"]


@pytest.mark.skipif(REAL, reason="of vonk submit")
def test_a_submitted_program_says_which_python_its_workers_are(tmp_path):
    program = tmp_path / "program.py"
    program.write_text("import sys\nfrom pyspark import SparkContext\nsc = SparkContext()\n"
                       "print(sc.parallelize([1]).map(lambda _: sys.executable).first())\nsc.stop()\n")
    env = without_java()
    link = tmp_path / "python-of-workers"
    link.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    link.chmod(0o755)
    done = subprocess.run([os.path.join(env["SPARK_HOME"], "bin", "spark-submit"), "--conf",
                           f"spark.pyspark.python={link}", "--conf", f"spark.pyspark.driver.python={sys.executable}",
                           str(program)], env=env, text=True, capture_output=True, timeout=60 * SLOWER)
    assert done.stdout.strip() == sys.executable, done.stderr
