#!/usr/bin/env python3
"""The gateway of classic PySpark lives through every point that fails: allocations, reads, writes, sends, syncs.

  gateway.py VONK SCENARIO         environment: VONK_FAULT_STRIDE (every n-th point, at least every 7th, since a run
                                   costs a tenth of a second), PYSPARK_PYTHON (with pyspark)

A scenario is a piece of a user's program. It runs to learn its answer and how many points it passes, then once for each
point with that point failing. Each time it must end within a minute, with the same answer or an error that says what
failed; afterwards it gives its answer again. At the end nothing is left: no process, no file, no memory (VONK is built
with -Dfaults=true and AddressSanitizer).
"""
import faulthandler
import gc
import os
import shutil
import signal
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LIMIT_S = 120
LEAST_STRIDE = 7
MANY = 3000
KINDS = ["allocation", "read", "write", "send", "sync"]
# What an error may say. Where the connection on which an error would be told is what fails, the client sees its end.
OF_FAULT = ("UNABLE_TO_ACQUIRE_MEMORY", "FAILED_READ_FILE", "TASK_WRITE_FAILED", "INTERNAL_ERROR_NETWORK",
            "OutOfMemoryError", "cannot receive", "cannot send", "Error while receiving", "Error while sending",
            "Answer from Java side is empty", "Connection reset", "Input/output error")
# What py4j says of a name, or of a call, when the connection is what failed.
OF_PY4J = ("does not exist in the JVM", "An error occurred while calling")
ENDS = (ConnectionError, EOFError)


def rdd(sc, spark, folder):
    pairs = sc.parallelize(range(100), 3).map(lambda x: (x % 7, x))
    return sorted(pairs.reduceByKey(lambda a, b: a + b, 2).collect())


def rdd_cached(sc, spark, folder):
    kept = sc.parallelize(range(60), 3).map(lambda x: x * 2).cache()
    answer = [kept.count(), kept.take(3), list(kept.toLocalIterator())]
    kept.unpersist(True)
    return answer


def rdd_shared(sc, spark, folder):
    seen, words = sc.accumulator(0), sc.broadcast(list(range(500)))
    total = sc.parallelize(range(40), 2).map(lambda x: (seen.add(1), words.value[x])[1]).sum()
    words.destroy()
    return total, seen.value >= 40


def rdd_files(sc, spark, folder):
    path = tempfile.mkdtemp(dir=folder)
    try:
        sc.parallelize(["one", "two", "three"], 2).saveAsTextFile(path + "/text")
        sc.parallelize(range(10), 2).saveAsPickleFile(path + "/pickles")
        return (sorted(sc.textFile(path + "/text", 2).collect()), sorted(sc.pickleFile(path + "/pickles").collect()),
                sc.wholeTextFiles(path + "/text").count())
    finally:
        shutil.rmtree(path)


def rdd_barrier(sc, spark, folder):
    def meet(part):
        from pyspark import BarrierTaskContext
        task = BarrierTaskContext.get()
        task.barrier()
        return task.allGather(str(sum(part)))
    return sc.parallelize(range(8), 2).barrier().mapPartitions(meet).collect()


def rdd_spilled(sc, spark, folder):
    from pyspark import StorageLevel
    kept = sc.parallelize([("k%d" % (i % 50), "x" * 200) for i in range(2000)], 2).persist(StorageLevel.DISK_ONLY)
    answer = sorted((k, len(list(v))) for k, v in kept.groupByKey(2).collect()), kept.count()
    kept.unpersist(True)
    return answer


def rdd_encrypted(sc, spark, folder):
    """Lists, broadcasts, blocks on the disk and shuffles (which spill where memory is refused), each in its cipher."""
    from pyspark import StorageLevel
    words = sc.broadcast(["word %d" % i for i in range(300)])
    kept = sc.parallelize(range(300), 2).map(lambda i: (i % 20, words.value[i] * 20)).persist(StorageLevel.DISK_ONLY)
    answer = sorted((k, len("".join(v))) for k, v in kept.groupByKey(2).collect()), kept.count()
    kept.unpersist(True)
    words.destroy()
    return answer


rdd_encrypted.conf = {"spark.io.encryption.enabled": "true", "spark.authenticate": "true",
                      "spark.authenticate.secret": "of all"}


def rdd_sorted(sc, spark, folder):
    rows = sc.parallelize([(i * 7 % 50, "text %d" % i) for i in range(50)], 2)
    return rows.sortByKey(numPartitions=2).map(lambda p: p[0]).zipWithIndex().take(9), rows.join(rows).count()


def frames(sc, spark, folder):
    frame = spark.range(200).selectExpr("id", "id % 5 AS k", "concat('text ', id) AS t")
    sums = frame.groupBy("k").agg({"id": "sum", "t": "max"}).orderBy("k")
    return [tuple(r) for r in sums.collect()], sums._jdf.showString(20, 20, False), frame.filter("k = 3").count()


def frames_of_rows(sc, spark, folder):
    frame = spark.createDataFrame([(i, "text %d" % i, [i, None], {"k": i / 2}) for i in range(20)],
                                  "id long, t string, a array<int>, m map<string,double>")
    # Where Arrow fails pyspark tries it without, which knows less types: so those two only.
    plain = spark.createDataFrame(frame.select("id", "t").toPandas())
    return [tuple(r) for r in frame.collect()], frame.toPandas().id.sum(), plain.count()


def frames_and_rdds(sc, spark, folder):
    frame = spark.range(30).selectExpr("id", "id * 2 AS n")
    return frame.rdd.map(lambda r: r.n).sum(), frame.rdd.map(lambda r: (r.id, r.n)).toDF(["a", "b"]).count()


def frames_functions(sc, spark, folder):
    from pyspark.sql import functions as F
    double = F.udf(lambda x: x * 2, "long")
    frame = spark.range(20).select(double("id").alias("n"))
    grouped = spark.range(20).selectExpr("id", "id % 2 AS k").groupBy("k")
    return [r.n for r in frame.collect()], grouped.applyInPandas(lambda f: f[:1], "id long, k long").count()


def frames_files(sc, spark, folder):
    path = tempfile.mkdtemp(dir=folder)
    try:
        spark.range(50).selectExpr("id", "id % 3 AS k").write.parquet(path + "/p", partitionBy="k")
        spark.read.parquet(path + "/p").createOrReplaceTempView("v")
        return spark.sql("SELECT k, count(*) FROM v GROUP BY k ORDER BY k").toPandas().values.tolist()
    finally:
        shutil.rmtree(path)


def objects(sc, spark, folder):
    jvm = sc._jvm
    numbers = jvm.java.util.ArrayList()
    for i in range(5):
        numbers.add(i)
    table = jvm.java.util.HashMap()
    table.put("k", numbers)
    # Not list(numbers): py4j takes an error of an iterator for its end.
    settings = sc._jsc.hadoopConfiguration().get("fs.defaultFS"), sc.getConf().get("spark.app.name")
    return numbers.toString(), numbers.size(), table.toString(), table.get("k").get(3), settings


def errors(sc, spark, folder):
    said = []
    for work in (lambda: spark.sql("SELECT nothing FROM range(3)").collect(),
                 lambda: spark.sql("SELECT 1 +").collect(),
                 lambda: sc.parallelize([1]).map(lambda x: x / 0).collect()):
        try:
            work()
        except Exception as error:  # noqa: BLE001  (it is looked at)
            if is_of_fault(error):
                raise
            said.append(type(error).__name__)
    return said


SCENARIOS = [rdd, rdd_cached, rdd_shared, rdd_files, rdd_barrier, rdd_spilled, rdd_encrypted, rdd_sorted, frames,
             frames_of_rows, frames_and_rdds, frames_functions, frames_files, objects, errors]
ENDED_BY_SIGNAL = [rdd_cached, frames_functions, objects]  # with its context; the others end as programs do


def is_of_fault(error):
    """pyspark, cleaning up after one, may stumble over another of its own."""
    while error:
        texts = OF_FAULT + (OF_PY4J if type(error).__name__ == "Py4JError" else ())
        if isinstance(error, ENDS) or any(text in str(error) for text in texts):
            return True
        error = error.__context__
    return False


class Trial:
    def __init__(self, scenario, stride, folder):
        from pyspark import SparkConf, SparkContext
        from pyspark.sql import SparkSession
        self.scenario, self.stride, self.folder = scenario, stride, folder
        conf = SparkConf().set("spark.local.dir", folder).set("spark.sql.shuffle.partitions", 2)
        for key, value in getattr(scenario, "conf", {}).items():
            conf.set(key, value)
        self.sc = SparkContext("local[2,2]", "faults", conf=conf)
        self.spark = None if scenario.__name__.startswith(("rdd", "objects")) else SparkSession(self.sc)
        self.python = self.sc._jvm.PythonRDD
        self.runs, self.errors, self.texts = 0, 0, {}

    def run(self):
        signal.alarm(LIMIT_S)
        answer = self.scenario(self.sc, self.spark, self.folder)
        signal.alarm(0)
        return answer

    def arm(self, kind, at):
        """The answer of the call may be the point; and the call that disarms may pass it."""
        for _ in range(3):
            try:
                self.python.armFault(kind, at)
                return
            except Exception as error:  # noqa: BLE001  (it is looked at)
                assert is_of_fault(error), error
                if at >= 0:
                    return
        raise AssertionError("the gateway does not answer any more")

    def clean(self, what):
        answer = self.run()
        assert answer == self.answer, f"{what}: another answer: {answer}, not {self.answer}"

    def fail(self, kind, at):
        what = f"{self.scenario.__name__} with {KINDS[kind]} {at} failing"
        self.runs += 1
        self.arm(kind, at)
        try:
            answer = self.run()
            assert answer == self.answer, f"{what}: another answer: {answer}, not {self.answer}"
        except AssertionError:
            raise
        except Exception as error:  # noqa: BLE001  (it is looked at)
            signal.alarm(0)
            self.errors += 1
            text = f"{type(error).__name__}: {error}"
            if not is_of_fault(error):
                raise AssertionError(f"{what}: {text}") from error
            self.texts.setdefault(text.split("\n")[0][:150], what)
        self.arm(kind, -1)
        if self.runs % 16 == 0:
            self.clean("after " + what)
            gc.collect()

    def held(self):
        return self.python.objectsHeld(False), self.python.objectsHeld(True)

    def check_objects(self):
        """Those of answers that were lost stay until the end; runs that work leave none, once Python has let go of what
        it does not use (a thread of py4j says so, now and then)."""
        gc.collect()
        last, before = None, self.held()
        while before != last:
            time.sleep(1)
            last, before = before, self.held()
        for _ in range(3):
            self.clean("objects are counted")
        end = time.monotonic() + 20
        while (after := self.held()) > before and time.monotonic() < end:
            gc.collect()
            time.sleep(0.1)
        assert after <= before, f"objects that stay: {before} before, {after} after three runs"

    def all(self):
        self.answer = self.run()
        for _ in range(2):
            self.clean("nothing fails")
        for kind in range(len(KINDS)):
            self.arm(kind, -1)
        self.clean("nothing fails")
        seen = [self.python.faultsSeen(kind) for kind in range(len(KINDS))]
        assert seen[0] > 0, "no point was passed: this build has no fault injection"
        for kind, n in enumerate(seen):
            # Of a scenario with very many points fewer: other scenarios pass most of them, too.
            for at in range(0, n, self.stride * max(1, n // MANY)):
                self.fail(kind, at)
        self.clean("after the last point")
        self.check_objects()


def main():
    python = os.environ.get("PYSPARK_PYTHON", sys.executable)
    if os.path.abspath(python) != sys.executable and "VONK_FAULTS_AGAIN" not in os.environ:
        os.environ["VONK_FAULTS_AGAIN"] = "1"
        os.execv(python, [python, *sys.argv])
    os.environ["VONK"] = os.path.abspath(sys.argv[1])
    sys.path[:0] = [os.path.join(ROOT, "tests"), os.path.join(ROOT, "tests", "clients")]
    from gateway import without_java
    from sanitizers import Reports
    reports = Reports()
    folder = tempfile.mkdtemp(prefix="vonk-faults-")
    os.environ.update(without_java(PYSPARK_PYTHON=sys.executable, PYTHONHASHSEED="0", TMPDIR=folder, VONK_TESTING="1"))
    faulthandler.register(signal.SIGALRM, chain=True)
    scenario = next(s for s in SCENARIOS if s.__name__ == sys.argv[2])
    trial = Trial(scenario, max(int(os.environ.get("VONK_FAULT_STRIDE", "1")), LEAST_STRIDE), folder)
    trial.all()
    gateway = trial.sc._gateway.proc
    if scenario in ENDED_BY_SIGNAL:
        gateway.terminate()
    else:
        trial.sc.stop()
        trial.sc._gateway.shutdown()
        gateway.stdin.close()
    assert gateway.wait(60) == 0, f"the gateway ended with {gateway.returncode}"
    found = reports.take()
    reports.close()
    assert not found, "\n".join(found)
    end = time.monotonic() + 10
    while os.listdir(folder) and time.monotonic() < end:
        time.sleep(0.1)
    assert os.listdir(folder) == [], f"files are left: {os.listdir(folder)}"
    os.rmdir(folder)
    if "VONK_FAULTS_TEXTS" in os.environ:
        for text, what in sorted(trial.texts.items()):
            print(text, "|", what)
    print(f"{scenario.__name__}: {trial.runs} runs, {trial.errors} of them ended with an error")


main()
