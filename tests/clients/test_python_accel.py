"""vonk_accel (src/accel): the twins of pyspark's hot loops give what pyspark's own code gives."""
import os
import subprocess
import sys

import pytest

import accel_twins
from gateway import without_java
from server import BUILD, SLOWER

MODULE = os.path.join(BUILD, "src", "accel", "vonk_accel.so")
CHECKED = os.path.join(BUILD, "src", "accel", "vonk_accel_checked.so")  # where there are sanitizers
HERE = os.path.dirname(os.path.abspath(__file__))


@pytest.mark.parametrize("check", [check.__name__ for check in accel_twins.CHECKS])
def test_twin(check):
    module, env = MODULE, without_java()
    if os.path.exists(CHECKED):
        found = [subprocess.run(["gcc", f"-print-file-name=lib{name}.so"], capture_output=True, text=True, check=True)
                 for name in ("asan", "ubsan")]
        module = CHECKED
        env.update(LD_PRELOAD=" ".join(one.stdout.strip() for one in found), PYTHONMALLOC="malloc",
                   ASAN_OPTIONS="detect_leaks=0,quarantine_size_mb=1", UBSAN_OPTIONS="halt_on_error=1")
    command = [sys.executable, os.path.join(HERE, "accel_twins.py"), module, check]
    done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=240 * SLOWER)
    assert done.returncode == 0 and done.stdout.strip() == "done", done.stderr[-2000:]


PROGRAM = """
import sys
from operator import add
from pyspark import SparkConf, SparkContext
conf = SparkConf().setMaster("local[2]").setAppName("a").set("vonk.python.accelerated", sys.argv[1])
sc = SparkContext(conf=conf.set("spark.python.worker.memory", sys.argv[3]))

def own(i):
    import pyspark.util
    return type(pyspark.util.fail_on_stopiteration).__name__

def stops(x):
    raise StopIteration("enough")

print(sc.parallelize([1], 1).map(own).first(), file=sys.stderr)
lines = sc.textFile(sys.argv[2], 3)
print(lines.count(), lines.map(len).sum(), lines.take(2), lines.filter(lambda line: "7" in line).count())
print(sc.textFile(sys.argv[2], 3, use_unicode=False).map(len).sum())
counts = lines.flatMap(str.split).map(lambda word: (word, 1)).reduceByKey(add)
print(sorted(counts.collect())[:5], counts.count())
pairs = sc.parallelize(range(20000), 4).map(lambda i: (i * 7919 % 5003, i))
print(pairs.sortByKey().take(3), pairs.sortByKey(False, 3).glom().map(len).collect())
print(pairs.sortBy(lambda pair: -pair[1]).first())
print(sorted((key, sum(values)) for key, values in pairs.groupByKey().collect())[:3])
print(pairs.join(pairs.mapValues(str)).count(), pairs.countByKey()[5])
print(pairs.partitionBy(3, lambda key: key % 7).glom().map(len).collect())
print(pairs.sample(False, 0.1, 3).count(), [part.count() for part in pairs.randomSplit([0.3, 0.7], 5)])
print(pairs.keys().distinct().count(), pairs.aggregateByKey(0, max, max).map(lambda pair: pair[1]).sum())
print(pairs.repartitionAndSortWithinPartitions(2).glom().map(lambda part: part[:2]).collect())
try:
    sc.parallelize([1], 1).map(stops).collect()
except Exception as error:
    print("STOP_ITERATION_OCCURRED" in str(error), "in stops" in str(error))
sc.stop()
"""


def program(accelerated, path, memory):
    done = subprocess.run([sys.executable, "-c", PROGRAM, accelerated, path, memory], capture_output=True, text=True,
                          env=without_java(PYTHONHASHSEED="0", PYSPARK_PYTHON=sys.executable), timeout=240 * SLOWER)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def test_a_program(tmp_path):
    """With and without, and where every worker is over its limit from the start."""
    path = str(tmp_path / "text")
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(f"line {i} of {i % 97} \u00e9\n" for i in range(30000))
        file.write("long " * 50000 + "\n")
    expected, said = program("false", path, "512m")
    assert "function" in said.split() and len(expected.splitlines()) == 12
    for memory in ("512m", "1m"):
        printed, said = program("true", path, memory)
        assert printed == expected
        assert "builtin_function_or_method" in said.split()
