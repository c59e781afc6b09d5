"""DataFrames as RDDs, classic and unmodified: when they are computed, how far, and how that is cancelled.

The values are real Spark's: VONK_CLASSIC=spark runs these against it (test_classic_rdd.py)."""
from test_classic_rdd import run

SESSION = """
        from pyspark.sql import SparkSession, functions as F
        spark = SparkSession.builder.master("local[2]").appName("a").getOrCreate()
        sc = spark.sparkContext
        sc.setLogLevel("OFF")
"""


def test_rows_come_when_tasks_want_them():
    assert run(SESSION + """
        three = spark.range(0, 10, 1, 3).rdd
        print(three.getNumPartitions(), three.map(lambda r: r.id).glom().collect(), three.first(), three.isEmpty())
        print(three.zip(three.map(lambda r: r.id * 2)).collect()[:2], three.cartesian(three).count())
        print(three.union(three).count(), three.sortBy(lambda r: -r.id).first(), three.zipWithIndex().collect()[-1])
        calls = sc.accumulator(0)
        @F.udf("long")
        def counted(x):
            calls.add(1)
            return x
        made = spark.range(0, 10, 1, 3).select(counted("id").alias("v")).rdd
        print(calls.value, made.map(lambda r: r.v).sum(), calls.value)
        grouped = spark.range(100).groupBy((F.col("id") % 5).alias("k")).count()
        print(grouped.orderBy("k").rdd.map(tuple).collect(), spark.createDataFrame([], "a int").rdd.collect())
        spark.stop()
    """) == ["3 [[0, 1, 2], [3, 4, 5], [6, 7, 8, 9]] Row(id=0) False", "[(Row(id=0), 0), (Row(id=1), 2)] 100",
             "20 Row(id=9) (Row(id=9), 9)", "0 45 10", "[(0, 20), (1, 20), (2, 20), (3, 20), (4, 20)] []"]


def test_errors_come_with_their_partition():
    assert run(SESSION + """
        bad = spark.range(0, 10, 1, 2).select(F.expr("if(id = 7, raise_error('no'), id)").alias("v")).rdd
        print(bad.getNumPartitions(), bad.take(2))
        for _ in range(2):
            try:
                bad.count()
            except Exception as e:
                print(type(e).__name__, "USER_RAISED_EXCEPTION" in str(e))
        print(sc.runJob(bad, lambda part: [sum(r.v for r in part)], [0]))
        spark.stop()
    """) == ["2 [Row(v=0), Row(v=1)]"] + ["SparkRuntimeException True"] * 2 + ["[10]"]


def test_many_rows_spill_and_stay():
    """Read half, read whole, read again, over more rows than a piece holds."""
    assert run(SESSION + """
        rows = spark.range(0, 300_000, 1, 5).select("id", (F.col("id") * 2).cast("string").alias("s")).rdd
        print(rows.take(1), sc.runJob(rows, lambda part: [sum(1 for _ in part)], [3]))
        for _ in range(2):
            print(rows.map(lambda r: r.id + len(r.s)).sum(), rows.glom().map(len).collect())
        spark.stop()
    """) == ["[Row(id=0, s='0')] [60000]"] + ["45001594445 [60000, 60000, 60000, 60000, 60000]"] * 2


def test_frames_of_rdds_are_lazy():
    assert run(SESSION + """
        calls = sc.accumulator(0)
        def counted(x):
            calls.add(1)
            return (x, str(x))
        frame = spark.createDataFrame(sc.parallelize(range(10), 3).map(counted), "a int, b string")
        print(calls.value, frame.rdd.getNumPartitions(), frame.count(), frame.filter("a > 7").collect())
        print(frame.select("b").collect()[-1], frame.take(2), frame.join(frame.select("a"), "a").count())
        def no_seven(x):
            if x == 7:
                raise ValueError("no seven")
            return (x,)
        bad = spark.createDataFrame(sc.parallelize(range(10), 2).map(no_seven), "a int")
        print(bad.take(1))
        for _ in range(2):
            try:
                bad.count()
            except Exception as e:
                print(type(e).__name__, "no seven" in str(e))
        slow = spark.createDataFrame(sc.parallelize(range(100), 50).map(lambda i: (time.sleep(0.2) or i,)), "a long")
        start = time.monotonic()
        print(slow.take(1), time.monotonic() - start < 10)
        pairs = sc.parallelize([(i % 3, i) for i in range(30)], 4).reduceByKey(lambda p, q: p + q).toDF(["k", "v"])
        print(pairs.orderBy("k").collect())
        spark.stop()
    """) == ["0 3 10 [Row(a=8, b='8'), Row(a=9, b='9')]",
             "Row(b='9') [Row(a=0, b='0'), Row(a=1, b='1')] 10", "[Row(a=0)]"] + ["PythonException True"] * 2 + [
                 "[Row(a=0)] True", "[Row(k=0, v=135), Row(k=1, v=145), Row(k=2, v=155)]"]


def test_frames_of_rdds_of_frames():
    """Tasks that wait for a query whose scans are tasks give their slots away."""
    for master in "local[1]", "local[2]":
        assert run(SESSION.replace("local[2]", master) + """
        frame = spark.range(0, 10, 1, 3).withColumnRenamed("id", "a")
        for _ in range(5):
            frame = spark.createDataFrame(frame.rdd.map(lambda r: (r.a + 1,)), "a long").filter("a >= 0")
        both = frame.join(frame.withColumn("b", F.col("a") * 2), "a").rdd.map(lambda r: r.a + r.b)
        print(frame.agg(F.sum("a")).collect()[0][0], sorted(both.collect())[-1], both.count())
        spark.stop()
        """) == ["95 42 10"]


def test_who_waits_can_be_cancelled(tmp_path):
    lines = run(SESSION + f"""
        import signal, threading
        from pyspark import InheritableThread
        mark = {str(tmp_path)!r} + "/mark"
        def take_time(x):
            if x == 4:
                open(mark, "w").close()
            time.sleep(0.5 if x > 3 else 0)
            return x
        def wait():
            while not os.path.exists(mark):
                time.sleep(0.02)
            os.remove(mark)
        slow = F.udf(take_time, "long")
        frame = spark.range(0, 200, 1, 2).select(slow("id").alias("v"))
        actions = {{"write": lambda: frame.write.mode("overwrite").parquet({str(tmp_path)!r} + "/out"),
                   "iterate": lambda: list(frame.toLocalIterator()), "rdd": lambda: frame.rdd.count()}}
        def attempt(action, stop):
            def work():
                sc.setJobGroup("g", "of a test")
                sc.addJobTag("t")
                try:
                    action()
                    ended.append("finished")
                except Exception as e:
                    ended.append("stopped")
            ended = []
            thread = InheritableThread(target=work)
            thread.start()
            wait()
            stop()
            thread.join(15)
            return ended
        stops = [lambda: sc.cancelJobGroup("g"), lambda: sc.cancelJobsWithTag("t"), sc.cancelAllJobs]
        for (name, action), stop in zip(actions.items(), stops):
            print(name, attempt(action, stop), attempt(action, stops[0]))
        for name, action in actions.items():
            threading.Thread(target=lambda: (wait(), os.kill(os.getpid(), signal.SIGINT))).start()
            start = time.monotonic()
            try:
                action()
            except KeyboardInterrupt:
                print(name, time.monotonic() - start < 15)
        print(spark.range(3).count(), os.path.exists({str(tmp_path)!r} + "/out/_SUCCESS"))
        spark.stop()
    """)
    assert lines == [f"{name} ['stopped'] ['stopped']" for name in ("write", "iterate", "rdd")] + [
        f"{name} True" for name in ("write", "iterate", "rdd")] + ["3 False"]
