"""Cases of test_classic_sql.py: DataFrames of classic PySpark. In a process of their own, since pyspark is either
classic or a client of Connect in one."""
import datetime
from decimal import Decimal

import pytest


@pytest.fixture(scope="module")
def spark():
    from pyspark.sql import SparkSession
    session = SparkSession.builder.master("local[2]").appName("cases").getOrCreate()
    yield session
    session.stop()


def test_transformations(spark):
    from pyspark.sql import Window, functions as F
    df = spark.range(5)
    assert repr(df) == "DataFrame[id: bigint]"
    assert [r.x for r in df.filter(df.id > 2).select((df.id * 2).alias("x")).collect()] == [6, 8]
    assert df.join(df.withColumn("y", df.id * 2), "id").sort("id").tail(1)[0].y == 8
    assert df.alias("a").join(df.alias("b"), F.col("a.id") == F.col("b.id")).count() == 5
    assert df.join(df, df.id == df.id).count() == 5
    twice = df.join(df.filter("id > 1 AND id < 4"), df.id == df.id)
    assert sorted(tuple(r) for r in twice.collect()) == [(2, 2), (3, 3)]
    grouped = df.groupBy((df.id % 2).alias("k")).agg(F.sum("id").alias("s"), F.count("*").alias("n")).sort("k")
    assert grouped.collect() == [(0, 6, 3), (1, 4, 2)]
    assert df.groupBy().sum().collect() == [(10,)]
    ranked = df.select("id", F.row_number().over(Window.orderBy(F.desc("id"))).alias("r"))
    assert [r.r for r in ranked.sort("id").collect()] == [5, 4, 3, 2, 1]
    assert df.select(F.transform(F.array("id"), lambda x: x + 1).alias("t")).first().t == [1]
    assert df.withColumnRenamed("id", "k").drop("k").columns == []
    assert df.union(df).distinct().count() == 5
    assert sorted(d.count() for d in spark.range(100).randomSplit([1.0, 2.0], 24)) == [31, 69]
    assert df.select(df.colRegex("`i.*`")).columns == ["id"]


def test_columns_print_as_spark_prints_them(spark):
    from pyspark.sql import Window, functions as F
    df = spark.range(1)
    shown = {
        "*(id, 2)": df.id * 2, "=(id, 1)": df.id == 1, "!(=(id, 1))": df.id != 1, "!(id)": ~df.id,
        "negative(id)": -df.id, "isNull(id)": df.id.isNull(), "'a\\'b'": F.lit("a'b"), "1099511627776L": F.lit(1 << 40),
        "1.5": F.lit(1.5),
        "true": F.lit(True), "NULL": F.lit(None), "1.50": F.lit(Decimal("1.50")),
        "2020-01-02": F.lit(datetime.date(2020, 1, 2)), "PT24H2.000003S": F.lit(datetime.timedelta(1, 2, 3)),
        "CAST(id AS DECIMAL(10,2))": df.id.cast("decimal(10,2)"), "id AS x": df.id.alias("x"),
        "CASE WHEN >(id, 1) THEN 'a' WHEN >(id, 2) THEN 'b' ELSE 'c' END":
            F.when(df.id > 1, "a").when(df.id > 2, "b").otherwise("c"),
        "id DESC NULLS LAST": df.id.desc(), "in(id, 1, 2)": df.id.isin(1, 2), "id[0]": df.id[0],
        "sum(id) OVER (PARTITION BY id ORDER BY id ASC NULLS FIRST ROWS BETWEEN -1 AND 2)":
            F.sum("id").over(Window.partitionBy("id").orderBy("id").rowsBetween(-1, 2)),
        "and(>=(id, 1), <=(id, 2))": df.id.between(1, 2), "update_field(a, x, 1)": F.col("a").withField("x", F.lit(1)),
        "drop_field(drop_field(a, x), y)": F.col("a").dropFields("x", "y"), "lag(id, 1, NULL, false)": F.lag("id"),
        "power(id, 2)": df.id ** 2, "avg(id)": F.mean("id"), "ln(id)": F.log("id"),
        "EXISTS ([id: bigint])": df.exists(),
        "from_json(x, 'a INT', map('mode', 'FAILFAST'))": F.from_json("x", "a INT", {"mode": "FAILFAST"}),
    }
    for text, column in shown.items():
        assert repr(column) == f"Column<'{text}'>"


def test_frames_are_analyzed_at_once(spark):
    from pyspark.errors import AnalysisException, ParseException
    df = spark.range(3)
    for wrong in (lambda: df.select("nope"), lambda: df["nope"], lambda: df.filter("nope > 1"),
                  lambda: df.groupBy("nope").count()):
        with pytest.raises(AnalysisException) as e:
            wrong()
        assert e.value.getCondition() == "UNRESOLVED_COLUMN.WITH_SUGGESTION" and e.value.getSqlState() == "42703"
    with pytest.raises(ParseException):
        spark.sql("selec")
    with pytest.raises(AnalysisException):
        spark.table("nope")
    # A view that changes later changes no frame that was made of it.
    df.createOrReplaceTempView("t")
    kept = spark.table("t")
    for _ in range(3):
        spark.sql("SELECT id + 1 AS id FROM t").createOrReplaceTempView("t")
    assert [r.id for r in spark.table("t").sort("id").collect()] == [3, 4, 5]
    assert kept.count() == 3 and kept.agg({"id": "max"}).first()[0] == 2
    spark.catalog.dropTempView("t")


def test_names_and_patterns(spark):
    from pyspark.errors import AnalysisException, IllegalArgumentException
    df = spark.sql("SELECT * FROM VALUES (1, 2), (1, 3), (4, 5) AS t(x, y)")
    assert df.dropDuplicates([]).count() == 1 and df.limit(0).dropDuplicates([]).count() == 0
    assert sorted(r.x for r in df.dropDuplicates(["x"]).collect()) == [1, 4]
    for wrong in (lambda: df.withMetadata("zz", {"a": 1}), lambda: df["zz.a"], lambda: df.select(df.colRegex("zz"))):
        with pytest.raises(AnalysisException) as e:
            wrong()
        assert e.value.getCondition() == "UNRESOLVED_COLUMN.WITH_SUGGESTION"
    with pytest.raises(IllegalArgumentException) as e:
        df.select(df.colRegex("`(`"))
    assert e.value.getCondition() is None


def test_rows_both_ways(spark):
    from pyspark.sql import Row
    rows = [Row(a=1, b=[1, 2], c={"x": 1.5}, d=Row(e=b"x", f=None)), Row(a=None, b=[], c={}, d=Row(e=None, f="y"))]
    schema = "a int, b array<int>, c map<string,double>, d struct<e:binary,f:string>"
    assert spark.createDataFrame(rows, schema).collect() == rows
    values = (datetime.datetime(2020, 1, 2, 3, 4, 5, 6), datetime.date(2020, 1, 2), Decimal("1.20"),
              datetime.timedelta(days=1, seconds=2), True, None)
    types = "a timestamp, b date, c decimal(10,2), d interval day to second, e boolean, f string"
    frame = spark.createDataFrame([values], types)
    assert tuple(frame.first()) == values and list(frame.toLocalIterator()) == frame.collect()
    assert frame.rdd.map(tuple).collect() == [values]
    assert spark.sparkContext.parallelize([(1, "x"), (2, "y")], 2).toDF(["a", "b"]).tail(1) == [(2, "y")]
    assert spark.range(10).repartition(3).rdd.getNumPartitions() == 3


def test_arrow_both_ways(spark):
    import pandas as pd
    frame = pd.DataFrame({"a": [1, 2, 3], "b": ["x", None, "z"]})
    df = spark.createDataFrame(frame)
    assert df.schema.simpleString() == "struct<a:bigint,b:string>"
    assert df.toArrow().to_pydict() == {"a": [1, 2, 3], "b": ["x", None, "z"]}
    assert df.toPandas().equals(frame)
    assert df.limit(0).toPandas().shape == (0, 2)


def test_sql_with_arguments(spark):
    from pyspark.sql.functions import array, lit
    assert spark.sql("SELECT ? + ? AS s", [1, 2]).first().s == 3
    assert spark.sql("SELECT element_at(:x, 1) AS e", {"x": array(lit(7))}).first().e == 7
    assert spark.sql("SELECT * FROM {d} WHERE id > {n}", d=spark.range(3), n=1).collect() == [(2,)]


def test_errors_of_rows(spark):
    from pyspark.errors import ArithmeticException
    for action in ("collect", "count", "toPandas", "show"):
        df = spark.sql("SELECT 1 / id AS x FROM range(2)")
        with pytest.raises(ArithmeticException) as e:
            getattr(df.filter("x > 0"), action)()
        assert e.value.getCondition() == "DIVIDE_BY_ZERO"


def test_files(spark, tmp_path):
    path = str(tmp_path / "x")
    spark.range(6).selectExpr("id", "id % 2 AS p").write.partitionBy("p").parquet(path)
    back = spark.read.schema("id bigint, p int").parquet(path)
    assert back.filter("p = 1").agg({"id": "sum"}).first()[0] == 9 and len(back.inputFiles()) >= 2
    from pyspark.errors import AnalysisException
    with pytest.raises(AnalysisException) as e:
        spark.range(1).write.parquet(path)
    assert e.value.getCondition() == "PATH_ALREADY_EXISTS"
    with pytest.raises(AnalysisException):
        spark.range(1).write.mode("sometimes")
    spark.range(2).write.mode("overwrite").save(path)
    assert spark.read.load(path).count() == 2


def test_missing_values_and_statistics(spark):
    df = spark.createDataFrame([(1, None), (None, "b")], "i int, s string")
    assert df.na.fill({"i": 0, "s": "z"}).collect() == [(1, "z"), (0, "b")]
    assert df.fillna(7).first().i == 1 and df.dropna().count() == 0 and df.dropna(thresh=1).count() == 2
    assert df.replace({"b": "c"}).tail(1)[0].s == "c" and df.replace(1, 9, "i").first().i == 9
    numbers = spark.range(5).selectExpr("id", "id * 2 AS y")
    assert numbers.corr("id", "y") == pytest.approx(1.0) and numbers.cov("id", "y") == pytest.approx(5.0)
    assert numbers.approxQuantile("id", [0.5], 0.0) == [2.0]
    assert numbers.approxQuantile(["id", "y"], [0.5], 0.0) == [[2.0], [4.0]]
    assert numbers.describe("id").filter("summary = 'mean'").first().id == "2.0"
    assert numbers.crosstab("id", "y").count() == 5


def test_subqueries(spark):
    from pyspark.sql import functions as F
    df = spark.range(5)
    assert df.where(df.id == df.agg(F.max("id")).scalar()).collect() == [(4,)]
    inner = spark.range(2).alias("b").where(F.col("a.id").outer() == F.col("b.id"))
    assert df.alias("a").where(inner.exists()).sort("id").collect() == [(0,), (1,)]
    assert df.where(df.id.isin(spark.range(2, 4))).sort("id").collect() == [(2,), (3,)]
    assert df.lateralJoin(spark.range(2).select(F.col("id").outer().alias("z"))).count() == 10
    assert spark.tvf.explode(F.array(F.lit(1), F.lit(2))).collect() == [(1,), (2,)]


def test_what_is_kept(spark):
    df = spark.range(5).selectExpr("id * 2 AS x")
    assert df.cache().count() == 5 and str(df.storageLevel).startswith("Disk Memory Deserialized")
    df.unpersist()
    assert not df.storageLevel.useMemory and df.localCheckpoint().count() == 5
    df.createOrReplaceTempView("kept")
    spark.catalog.cacheTable("kept")
    assert spark.catalog.isCached("kept")
    spark.catalog.clearCache()
    assert not spark.catalog.isCached("kept") and spark.catalog.dropTempView("kept")


def test_observed(spark):
    from pyspark.sql import Observation, functions as F
    seen = Observation("m")
    spark.range(5).observe(seen, F.count(F.lit(1)).alias("n"), F.max("id").alias("most")).count()
    assert seen.get == {"n": 5, "most": 4}


def test_settings(spark):
    from pyspark.errors import AnalysisException
    spark.conf.set("spark.sql.shuffle.partitions", 3)
    assert spark.conf.get("spark.sql.shuffle.partitions") == "3" and spark.conf.get("a", "b") == "b"
    spark.conf.unset("spark.sql.shuffle.partitions")
    assert spark.conf.get("spark.sql.shuffle.partitions") == "200"
    assert spark.conf.isModifiable("spark.sql.ansi.enabled") and not spark.conf.isModifiable("spark.app.name")
    with pytest.raises(AnalysisException):
        spark.conf.set("spark.sql.warehouse.dir", "x")
    other = spark.newSession()
    other.conf.set("spark.sql.ansi.enabled", "false")
    assert spark.conf.get("spark.sql.ansi.enabled") == "true"


def test_catalog(spark):
    spark.range(1).createOrReplaceTempView("a_view")
    assert [t.name for t in spark.catalog.listTables() if t.isTemporary] == ["a_view"]
    assert [(c.name, c.dataType) for c in spark.catalog.listColumns("a_view")] == [("id", "bigint")]
    assert spark.catalog.currentDatabase() == "default" and spark.catalog.tableExists("a_view")
    assert spark.catalog.getTable("a_view").tableType == "TEMPORARY"
    assert spark.catalog.dropTempView("a_view") and not spark.catalog.dropTempView("a_view")


def test_functions_of_python(spark):
    from pyspark.sql import functions as F
    from pyspark.errors import PythonException
    added = spark.sparkContext.accumulator(0)

    def twice(x):
        added.add(x)
        return 2 * x

    df = spark.range(4)
    assert [r[0] for r in df.select(F.udf(twice, "long")("id")).collect()] == [0, 2, 4, 6] and added.value == 6
    assert df.select(F.udf(twice, "long")("id").alias("x")).toPandas()["x"].sum() == 12 and added.value == 12
    spark.udf.register("twice", twice, "long")
    assert spark.sql("SELECT twice(21)").head()[0] == 42
    assert [r[0] for r in df.select(F.pandas_udf(lambda s: s + 1, "long")("id")).collect()] == [1, 2, 3, 4]
    assert df.mapInPandas(lambda frames: (f[f.id > 1] for f in frames), "id long").count() == 2
    same = df.groupBy((df.id % 2).alias("k")).applyInPandas(lambda key, f: f[["id"]].tail(key[0] + 1), "id long")
    assert sorted(r[0] for r in same.collect()) == [1, 2, 3]

    class Numbers:
        def eval(self, n: int):
            yield from ((i,) for i in range(n))

    numbers = F.udtf(Numbers, returnType="i int")
    assert numbers(F.lit(2)).collect() == [(0,), (1,)]
    spark.udtf.register("numbers", numbers)
    assert spark.sql("SELECT * FROM numbers(3)").count() == 3
    with pytest.raises(PythonException, match="ZeroDivisionError"):
        df.select(F.udf(lambda x: 1 // x, "long")("id")).collect()


def test_task_context(spark):
    import json
    from pyspark.sql import functions as F
    context = spark.sparkContext

    def found(x):
        from pyspark import TaskContext
        c = TaskContext.get()
        names = ("mine", "spark.jobGroup.id", "spark.job.description", "spark.job.tags", "spark.app.name",
                 "spark.sql.shuffle.partitions", "spark.sql.execution.id")
        return json.dumps([[c.getLocalProperty(n) for n in names], c.cpus(), c.resources(), c.taskAttemptId()])

    spark.conf.set("spark.sql.shuffle.partitions", "3")
    context.setLocalProperty("mine", "m")
    context.setJobGroup("g", "d")
    context.addJobTag("t")
    try:
        frame = spark.range(0, 1, 1, 1).select(F.udf(found, "string")("id"))
        (mine, group, description, tags, name, setting, first), *rest, task = json.loads(frame.collect()[0][0])
        assert [mine, group, description, name, setting, *rest] == ["m", "g", "d", "cases", "3", 1, {}]
        assert tags.split(",")[0] == "t"
        context.setLocalProperty("mine", None)
        again = json.loads(frame.toPandas()["found(id)"][0])
        assert again[0][0] is None and int(again[0][6]) > int(first) and again[3] > task
    finally:
        context.clearJobTags()
        for name in ("mine", "spark.jobGroup.id", "spark.job.description", "spark.job.interruptOnCancel"):
            context.setLocalProperty(name, None)
        spark.conf.unset("spark.sql.shuffle.partitions")


def broadcasts(spark):
    """Broadcast variables in every kind of function of SQL: their values must live as long as what uses them."""
    import gc
    import pandas as pd
    from py4j.protocol import Py4JJavaError
    from pyspark.sql import Window, functions as F
    from pyspark.sql.types import StructType
    from pyspark.sql.udtf import AnalyzeResult

    def tens(n=10):
        return spark.sparkContext.broadcast({i: i * n for i in range(10)})

    def one(frame):
        return sorted(row[0] for row in frame.collect())

    def forgotten():
        value = tens(5)
        return F.udf(lambda i: value.value[i], "long")("id")

    @F.pandas_udf("long")
    def total(c: pd.Series) -> int:
        return int(c.map(x.value).sum())

    class Rows:
        def eval(self, n: int):
            yield from ((x.value[i],) for i in range(n))

    class Analyzed:
        @staticmethod
        def analyze(n):
            return AnalyzeResult(StructType().add(f"v{x.value[1]}", "long"))

        def eval(self, n):
            yield (x.value[n],)

    x, y, df = tens(), tens(3), spark.range(0, 4, 1, 2)
    times = F.udf(lambda i: x.value[i], "long")
    frames = {
        "row": df.select(times("id")), "arrow": df.select(F.udf(lambda i: x.value[i], "long", useArrow=True)("id")),
        "pandas": df.select(F.pandas_udf(lambda c: c.map(x.value), "long")("id")),
        "map": df.mapInPandas(lambda fs: (pd.DataFrame({"v": f.id.map(x.value)}) for f in fs), "v long"),
        "group": df.groupBy("id").applyInPandas(lambda f: pd.DataFrame({"v": [x.value[int(f.id[0])]]}), "v long"),
        "cogroup": df.groupBy("id").cogroup(df.groupBy("id")).applyInPandas(
            lambda a, b: pd.DataFrame({"v": [x.value[int(a.id.iloc[0])]]}), "v long"),
        "key": df.groupBy(F.udf(lambda i: x.value[i], "long")("id")).count(),
        "sort": df.sort(F.udf(lambda i: -x.value[i], "long")("id")).select(times("id")),
    }
    for kind, frame in frames.items():
        assert one(frame) == [0, 10, 20, 30], kind
    both = df.select(times(F.udf(lambda i: y.value[i] // 3, "long")("id")), F.udf(lambda i: y.value[i], "long")("id"))
    assert both.tail(1) == [(30, 9)]
    window = Window.partitionBy(F.udf(lambda i: y.value[i] % 2, "long")("id"))
    assert one(df.agg(total("id"))) == [60] and one(df.select(total("id").over(window))) == [20, 20, 40, 40]
    assert one(F.udtf(Rows, returnType="v long")(F.lit(2))) == [0, 10]
    assert F.udtf(Analyzed)(F.lit(2)).collect()[0].asDict() == {"v10": 20}
    spark.udf.register("in_tens", lambda i: x.value[i], "long")
    assert one(spark.sql("SELECT in_tens(id) FROM range(3)")) == [0, 10, 20]
    column = forgotten()
    gc.collect()
    frame = df.select(column)
    del column
    gc.collect()
    assert one(frame) == [0, 5, 10, 15]
    big = "x" * (2 << 20)  # pyspark broadcasts functions of more than 1 MiB themselves
    assert one(df.select(F.udf(lambda i: len(big) + i, "long")("id"))) == [len(big) + i for i in range(4)]
    x.unpersist()
    assert one(frames["row"]) == [0, 10, 20, 30]
    y.destroy()
    with pytest.raises(Py4JJavaError):
        both.collect()


def test_broadcasts(spark):
    broadcasts(spark)


def test_encrypted_broadcasts(spark):
    """In a program of its own: the setting belongs to a context."""
    import os
    import subprocess
    import sys
    program = """if True:
        from pyspark.sql import SparkSession
        import classic_sql
        encrypted = SparkSession.builder.master("local[2]").config("spark.io.encryption.enabled", True).getOrCreate()
        classic_sql.broadcasts(encrypted)
        encrypted.stop()
    """
    done = subprocess.run([sys.executable, "-c", program], text=True, capture_output=True, timeout=240,
                          env=dict(os.environ, PYTHONPATH=os.path.dirname(os.path.abspath(__file__))))
    assert done.returncode == 0, done.stdout + done.stderr


def test_sources_of_python(spark, tmp_path):
    from dataclasses import dataclass
    from pyspark.sql.datasource import (DataSource, DataSourceReader, DataSourceWriter, InputPartition,
                                        WriterCommitMessage)
    offset = 100

    @dataclass
    class Written(WriterCommitMessage):
        rows: int

    class Reader(DataSourceReader):
        def partitions(self):
            return [InputPartition(i) for i in range(2)]

        def read(self, partition):
            yield (partition.value + offset,)

    class Writer(DataSourceWriter):
        def __init__(self, path):
            self.path = path

        def write(self, rows):
            return Written(len(list(rows)))

        def commit(self, messages):
            with open(self.path, "w", encoding="utf-8") as file:
                file.write(str(sum(m.rows for m in messages)))

    class Source(DataSource):
        @classmethod
        def name(cls):
            return "own_source"

        def schema(self):
            return f"v{offset} int"

        def reader(self, schema):
            return Reader()

        def writer(self, schema, overwrite):
            return Writer(self.options["path"])

    spark.dataSource.register(Source)
    found = spark.read.format("own_source").load()
    assert found.columns == ["v100"] and sorted(r[0] for r in found.collect()) == [100, 101]
    spark.range(3).write.format("own_source").mode("append").save(str(tmp_path / "said"))
    assert (tmp_path / "said").read_text() == "3"


def test_cores_of_a_task(spark):
    """In a program of its own: spark.task.cpus belongs to a context."""
    import subprocess
    import sys
    program = """if True:
        import sys
        from pyspark.sql import SparkSession, functions as F
        spark = SparkSession.builder.master("local[2]").config("spark.task.cpus", sys.argv[1]).getOrCreate()
        def cores(x):
            from pyspark import TaskContext
            return f"{TaskContext.get().cpus()} {TaskContext.get().cpuAmount()}"
        print(spark.range(0, 1, 1, 1).select(F.udf(cores, "string")("id")).head()[0])
        spark.stop()
    """
    for given, told in (("0.5", "1 0.5"), ("1.50", "2 1.5"), ("2", "2 2")):
        done = subprocess.run([sys.executable, "-c", program, given], text=True, capture_output=True, timeout=120)
        assert done.stdout == told + "\n", done.stdout + done.stderr


def test_old_doors(spark, tmp_path):
    """What programs reach behind the API."""
    from pyspark.sql import SQLContext
    jvm, jsc = spark.sparkContext._jvm, spark.sparkContext._jsc
    assert SQLContext.getOrCreate(spark.sparkContext).sql("SELECT 1").head()[0] == 1
    conf = jsc.hadoopConfiguration()
    conf.set("a.b", "c")
    assert conf.get("a.b") == "c" and conf.get("a.c") is None
    path = jvm.org.apache.hadoop.fs.Path(str(tmp_path / "x.parquet"))
    files = path.getFileSystem(conf)
    assert not files.exists(path)
    spark.range(3).write.parquet(str(tmp_path / "x.parquet"))
    assert files.exists(path) and files.delete(path, True) and not files.exists(path)
    jvm.org.apache.log4j.LogManager.getLogger("a").info("nothing is printed of this")


def test_files_of_hadoop(spark, tmp_path):
    """FileSystem, its streams and summaries, as programs use them through the gateway."""
    from py4j.protocol import Py4JJavaError
    jvm, conf = spark.sparkContext._jvm, spark.sparkContext._jsc.hadoopConfiguration()
    hadoop = jvm.org.apache.hadoop.fs
    files = hadoop.FileSystem.get(conf)

    def path(*names):
        return hadoop.Path(str(tmp_path.joinpath(*names)))
    assert files.getUri().toString() == "file:///" and files.getUri().getScheme() == "file"
    for data in (bytearray(b"one\r\ntwo\n"), 33):
        out = files.create(path("deep", "er", f"{type(data).__name__}.txt"))
        out.write(data)
        out.writeBytes("three")
        out.close()
    assert (tmp_path / "deep/er/bytearray.txt").read_bytes() == b"one\r\ntwo\nthree"
    assert (tmp_path / "deep/er/int.txt").read_bytes() == b"!three"
    with pytest.raises(Py4JJavaError, match="FileAlreadyExistsException"):
        files.create(path("deep", "er", "int.txt"), False)

    stream = files.open(path("deep", "er", "bytearray.txt"))
    assert (stream.read(), stream.available(), stream.getPos()) == (ord("o"), 13, 1)
    assert stream.readAllBytes() == b"ne\r\ntwo\nthree" and stream.read() == -1
    stream.seek(0)
    lines = jvm.java.io.BufferedReader(jvm.java.io.InputStreamReader(stream))
    assert [lines.readLine() for _ in range(4)] == ["one", "two", "three", None]
    lines.close()
    with pytest.raises(Py4JJavaError, match="Stream is closed"):
        stream.read()
    again = files.open(path("deep", "er", "int.txt"))
    assert jvm.org.apache.commons.io.IOUtils.toString(again, "UTF-8") == "!three"
    again.close()
    for ask in (files.open, files.getFileStatus, files.listStatus, files.getContentSummary):
        with pytest.raises(Py4JJavaError, match="java.io.FileNotFoundException"):
            ask(path("nothing"))

    files.copyFromLocalFile(path("deep", "er", "int.txt"), path("deep", "copy.txt"))
    summary = files.getContentSummary(path("deep"))
    assert (summary.getLength(), summary.getFileCount(), summary.getDirectoryCount()) == (26, 3, 2)
    for recursive, names in (True, {"copy.txt", "int.txt", "bytearray.txt"}), (False, {"copy.txt"}):
        found, at = set(), files.listFiles(path("deep"), recursive)
        while at.hasNext():
            found.add(at.next().getPath().getName())
        assert found == names
    with pytest.raises(Py4JJavaError, match="NoSuchElement"):
        at.next()


def test_folders_that_are_there(spark, tmp_path):
    """Programs look for the name of the exception."""
    from py4j.protocol import Py4JJavaError
    rdd = spark.sparkContext.parallelize([(1, "a")], 1)
    for save in (rdd.saveAsTextFile, rdd.saveAsPickleFile, rdd.saveAsSequenceFile):
        with pytest.raises(Py4JJavaError, match="mapred.FileAlreadyExistsException: Output .* already exists"):
            save(str(tmp_path))
    with pytest.raises(Py4JJavaError, match="java.io.FileNotFoundException"):
        spark.sparkContext.addFile(str(tmp_path / "nothing"))


def test_plans_of_a_query(spark):
    """Programs print them, or look for words in them."""
    execution = spark.range(9).selectExpr("id AS n").filter("n > 3 + 1")._jdf.queryExecution()
    texts = [getattr(execution, name)().toString()
             for name in ("logical", "analyzed", "optimizedPlan", "sparkPlan", "executedPlan")]
    assert all("Range (0, 9, step=1" in t and "==" not in t and t.strip() for t in texts)
    assert texts[1].startswith("Filter (n#") and "3 + 1" in texts[1] and "> 4)" in texts[2]
    assert "Filter" in texts[4] and all(t in execution.toString() for t in texts[1:3])


def test_persisted_rdds(spark):
    """Programs let go of all that they persisted, and count executors."""
    context = spark.sparkContext
    before = context._jsc.getPersistentRDDs().size()
    kept = context.parallelize(range(6), 2).map(lambda x: x + 1).setName("kept").cache()
    assert context._jsc.sc().getPersistentRDDs().size() == before + 1
    named = {number: rdd for number, rdd in context._jsc.getPersistentRDDs().items() if rdd.name() == "kept"}
    assert list(named) == [kept.id()] and kept.sum() == 21
    for rdd in context._jsc.getPersistentRDDs().values():
        rdd.unpersist()
    assert context._jsc.getPersistentRDDs().size() == 0 and kept.sum() == 21
    assert context._jsc.sc().getExecutorMemoryStatus().size() == 1


def test_inputs_that_are_not_there(spark, tmp_path):
    from py4j.protocol import Py4JJavaError
    context, missing = spark.sparkContext, str(tmp_path / "x")
    for read in (context.textFile, context.wholeTextFiles, context.binaryFiles, context.pickleFile,
                 context.sequenceFile):
        with pytest.raises(Py4JJavaError, match=f"InvalidInputException: Input path does not exist: file:{missing}"):
            read(missing).count()
        with pytest.raises(Py4JJavaError, match=r"Input Pattern file:.*x\* matches 0 files"):
            read(missing + "*").count()


def test_settings_of_hadoop(spark):
    from pyspark.errors.exceptions.captured import NumberFormatException
    conf = spark.sparkContext._jsc.hadoopConfiguration()
    conf.setInt("a.int", 7)
    conf.setBoolean("a.bool", True)
    conf.set("a.text", "x")
    assert (conf.getInt("a.int", 1), conf.getInt("a.none", 1), conf.getLong("a.int", 1)) == (7, 1, 7)
    assert (conf.getDouble("a.int", 1.0), conf.getBoolean("a.bool", False)) == (7.0, True)
    assert (conf.getBoolean("a.none", False), conf.getBoolean("a.text", True)) == (False, True)
    with pytest.raises(NumberFormatException):
        conf.getInt("a.text", 1)


def test_loggers_and_their_like(spark):
    jvm = spark.sparkContext._jvm
    for logger in (jvm.org.apache.log4j.LogManager.getLogger("a.b"),
                   jvm.org.apache.logging.log4j.LogManager.getLogger("a.b"),
                   jvm.org.slf4j.LoggerFactory.getLogger("a.b")):
        assert logger.getName() == "a.b"
        logger.debug("nothing is printed of this")
    levels = jvm.org.apache.logging.log4j.Level
    jvm.org.apache.logging.log4j.core.config.Configurator.setLevel("org.apache.spark", levels.WARN)
    assert levels.toLevel("error").toString() == "ERROR"
    ids = {jvm.java.util.UUID.randomUUID().toString() for _ in range(3)}
    assert len(ids) == 3 and all(len(i) == 36 for i in ids)
    assert jvm.org.apache.hadoop.util.VersionInfo.getVersion() == "3.5.0"


def test_queries_are_cancelled(spark):
    from py4j.protocol import Py4JJavaError
    from pyspark import InheritableThread
    context, outcomes = spark.sparkContext, []

    def slow(before):
        before()
        with pytest.raises(Py4JJavaError, match="(?i)cancel"):
            spark.range(10**13).selectExpr("sum(id % 7)").collect()
        outcomes.append("cancelled")

    def cancelled(before, cancel):
        thread = InheritableThread(target=slow, args=(before,))
        thread.start()
        while thread.is_alive():  # before it runs there is nothing to cancel
            cancel()
            thread.join(0.2)

    cancelled(lambda: None, context.cancelAllJobs)
    cancelled(lambda: context.setJobGroup("g", "slow"), lambda: context.cancelJobGroup("g"))
    cancelled(lambda: spark.addTag("a"), lambda: spark.interruptTag("a"))
    cancelled(lambda: None, spark.interruptAll)
    assert outcomes == ["cancelled"] * 4
    spark.addTag("b")
    assert spark.getTags() == {"b"}
    spark.clearTags()
    assert spark.getTags() == set()
