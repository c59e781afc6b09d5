"""Functions written in Python, run in queries: a value for each row, and rows for each partition. Each expectation is
what Spark 4.3.0 answers (VONK_REMOTE asks it)."""
import datetime
import decimal

import pytest
from pyspark.errors import PySparkException, PythonException
from pyspark.sql import Row
from pyspark.sql import functions as F

pd = pytest.importorskip("pandas")
pa = pytest.importorskip("pyarrow")


def values(frame):
    return [tuple(row) for row in frame.collect()]


@pytest.fixture
def words(spark):
    return spark.createDataFrame([("one", 1), (None, 2), ("three", None)], "w string, n int")


# Functions that answer the same, by kind.
def plain(spark):
    return F.udf(lambda x: x + 1 if x is not None else None, "long", useArrow=False)


def arrow_optimized(spark):
    return F.udf(lambda x: x + 1 if x is not None else None, "long", useArrow=True)


def pandas(spark):
    def add(x: pd.Series) -> pd.Series:
        return x + 1
    return F.pandas_udf(add, "long")


def pandas_iterator(spark):
    from typing import Iterator

    def add(parts: Iterator[pd.Series]) -> Iterator[pd.Series]:
        for x in parts:
            yield x + 1
    return F.pandas_udf(add, "long")


def arrow(spark):
    import pyarrow.compute as pc

    def add(x: pa.Array) -> pa.Array:
        return pc.add(x, 1)
    return F.arrow_udf(add, "long")


def arrow_iterator(spark):
    from typing import Iterator

    def add(parts: Iterator[pa.Array]) -> Iterator[pa.Array]:
        import pyarrow.compute as pc
        for x in parts:
            yield pc.add(x, 1)
    return F.arrow_udf(add, "long")


KINDS = [plain, arrow_optimized, pandas, pandas_iterator, arrow, arrow_iterator]


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind(spark, kind):
    add = kind(spark)
    frame = spark.range(10)
    assert values(frame.select("id", add("id"))) == [(i, i + 1) for i in range(10)]
    assert values(frame.select(add(add("id")), add(F.col("id") * 2))) == [(i + 2, 2 * i + 1) for i in range(10)]
    assert values(frame.filter(add("id") > 8).select("id")) == [(8,), (9,)]
    assert values(frame.select(F.sum(add("id")))) == [(55,)]
    assert values(frame.groupBy((add("id") % 2).alias("k")).count().sort("k")) == [(0, 5), (1, 5)]
    assert values(frame.sort(-add("id")).limit(2)) == [(9,), (8,)]


@pytest.mark.parametrize("kind", KINDS)
def test_many_rows(spark, kind):
    add = kind(spark)
    n = 50_000
    frame = spark.range(0, n, 1, 3).select("id", add("id").alias("x"))
    assert values(frame.select(F.sum("x"), F.count_if(F.col("x") == F.col("id") + 1))) == [(n * (n + 1) // 2, n)]
    rows = frame.collect()
    assert [row.id for row in rows] == list(range(n)) and all(row.x == row.id + 1 for row in rows)


def test_all_kinds_in_one_projection(spark):
    frame = spark.range(3)
    made = frame.select(*[kind(spark)("id") for kind in KINDS], plain(spark)(pandas(spark)("id")))
    assert values(made) == [(i + 1,) * len(KINDS) + (i + 2,) for i in range(3)]


def test_nulls_and_arguments(words):
    show = F.udf(lambda w, n: f"{w}/{n}", "string")
    assert values(words.select(show("w", "n"))) == [("one/1",), ("None/2",), ("three/None",)]
    assert values(words.select(show(n="w", w="n"))) == [("1/one",), ("2/None",), ("None/three",)]
    assert values(words.select(show("w", n=F.lit(7)))) == [("one/7",), ("None/7",), ("three/7",)]
    none = F.udf(lambda: 5, "int")
    assert values(words.select(none(), "n")) == [(5, 1), (5, 2), (5, None)]


SAMPLES = [
    ("boolean", True), ("byte", -7), ("short", 300), ("int", -70000), ("long", 1 << 40), ("float", 1.5),
    ("double", -2.25), ("decimal(10,2)", decimal.Decimal("12345.67")),
    ("decimal(38,10)", decimal.Decimal("1.5000000000")),
    ("string", "größer als zwölf Bytes"), ("binary", bytearray(b"ab\0c")), ("date", datetime.date(1969, 12, 31)),
    ("timestamp", datetime.datetime(2020, 2, 29, 12, 30, 1, 5)), ("timestamp_ntz", datetime.datetime(1950, 1, 2, 3, 4)),
    ("interval day to second", datetime.timedelta(days=3, microseconds=7)), ("array<int>", [1, None, 3]),
    ("array<string>", []), ("map<string,int>", {"a": 1, "b": None}), ("struct<a:int,b:string>", Row(a=1, b="x")),
    ("array<struct<x:date,y:array<long>>>", [Row(x=datetime.date(2000, 1, 1), y=[1, 2])]),
]


@pytest.mark.parametrize("use_arrow", [False, True], ids=["pickle", "arrow"])
@pytest.mark.parametrize("type_name,value", SAMPLES, ids=[name for name, _ in SAMPLES])
def test_values_of_each_type(spark, use_arrow, type_name, value):
    expected = "bytes" if type_name == "binary" else type(value).__name__
    same = F.udf(lambda x: x, type_name, useArrow=use_arrow)
    kind = F.udf(lambda x: type(x).__name__, "string", useArrow=use_arrow)
    frame = spark.createDataFrame([(value,), (None,)], f"x {type_name}")
    assert values(frame.select(same("x"), kind("x"))) == [(value, expected), (None, "NoneType")]


def test_what_is_not_of_its_type(spark):
    frame = spark.range(1)
    odd = F.udf(lambda x: "no number", "int", useArrow=False)
    assert values(frame.select(odd("id"))) == [(None,)]
    text = F.udf(lambda x: {"k": 1}, "string", useArrow=False)
    assert values(frame.select(text("id"))) == [("{k=1}",)]


def test_time_zones(spark):
    spark.conf.set("spark.sql.session.timeZone", "America/New_York")
    try:
        hour = F.pandas_udf(lambda t: t.dt.hour, "long")
        frame = spark.sql("select timestamp'2021-07-01 05:06:07' t")
        assert values(frame.select(hour("t"), F.date_format("t", "HH"))) == [(5, "05")]
        back = F.pandas_udf(lambda t: t, "timestamp")
        assert values(frame.select(back("t") == F.col("t"))) == [(True,)]
    finally:
        spark.conf.unset("spark.sql.session.timeZone")


def test_sizes_of_batches(spark):
    size = F.pandas_udf(lambda x: pd.Series([len(x)] * len(x)), "long")
    frame = spark.range(0, 25_000, 1, 1)
    counts = values(frame.groupBy(size("id").alias("n")).count().sort("n"))
    assert counts == [(5000, 5000), (10000, 20000)]
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "7")
    try:
        assert values(spark.range(0, 15, 1, 1).select(size("id"))) == [(7,)] * 14 + [(1,)]
    finally:
        spark.conf.unset("spark.sql.execution.arrow.maxRecordsPerBatch")


def test_not_deterministic(spark):
    import random
    number = F.udf(lambda: random.random(), "double").asNondeterministic()
    rows = values(spark.range(5).select(number(), number()))
    assert len({x for row in rows for x in row}) > 1


def test_in_joins(spark):
    left, right = spark.range(4).withColumnRenamed("id", "a"), spark.range(4).withColumnRenamed("id", "b")
    half = F.udf(lambda x: x // 2, "long")
    both = F.udf(lambda x, y: x + y == 3, "boolean")
    assert sorted(values(left.join(right, half("a") == F.col("b")))) == [(0, 0), (1, 0), (2, 1), (3, 1)]
    assert sorted(values(left.join(right, both("a", "b")))) == [(0, 3), (1, 2), (2, 1), (3, 0)]


def test_map_in_pandas(spark):
    frame = spark.range(0, 10, 1, 2)

    def thirds(parts):
        for part in parts:
            yield part[part.id % 3 == 0].assign(name=lambda d: "n" + d.id.astype(str))

    made = frame.mapInPandas(thirds, "id long, name string")
    assert values(made) == [(0, "n0"), (3, "n3"), (6, "n6"), (9, "n9")]
    assert values(made.limit(1)) == [(0, "n0")]
    assert values(frame.mapInPandas(lambda parts: iter([]), "x int")) == []
    assert len(values(frame.mapInPandas(thirds, "id long, name string", barrier=True))) == 4


def test_map_in_arrow(spark):
    frame = spark.createDataFrame([(1, "a", [1.5]), (2, None, None)], "a int, b string, c array<double>").coalesce(1)
    assert values(frame.mapInArrow(lambda batches: batches, frame.schema)) == values(frame)
    counts = frame.mapInArrow(
        lambda batches: (pa.RecordBatch.from_pydict({"n": [b.num_rows], "k": [b.num_columns]}) for b in batches),
        "n long, k long")
    assert values(counts) == [(2, 3)]


def test_partitions_without_rows(spark):
    """A function is asked for each partition, whether or not there are rows in it."""
    once = "tell how many rows there are"

    def count(parts):
        yield pd.DataFrame({"n": [sum(len(part) for part in parts)]})

    assert sorted(values(spark.range(0, 2, 1, 4).mapInPandas(count, "n long"))) == [(0,), (0,), (1,), (1,)], once
    assert values(spark.range(0, 9, 1, 3).filter("id > 100").mapInPandas(count, "n long")) == [(0,)] * 3
    assert sorted(values(spark.range(0, 9, 1, 3).filter("id < 3").mapInPandas(count, "n long").coalesce(1))) == [
        (0,), (0,), (3,)]


def test_what_a_function_raises(spark):
    def fails(x):
        raise ValueError(f"not {x}")

    for made in (spark.range(1).select(F.udf(fails, "int", useArrow=False)("id")),
                 spark.range(1).select(F.udf(fails, "int", useArrow=True)("id")),
                 spark.range(1).mapInPandas(lambda parts: map(fails, parts), "id long")):
        with pytest.raises(PythonException) as raised:
            made.collect()
        assert "PYTHON_EXCEPTION" in str(raised.value) and "ValueError: not " in str(raised.value)
    with pytest.raises(PythonException, match="RESULT_ROWS_MISMATCH"):
        spark.range(3).select(F.pandas_udf(lambda x: x[:1], "long")("id")).collect()
    assert values(spark.range(1).select(plain(spark)("id"))) == [(1,)]


def test_limits_stop_early(spark):
    """Far fewer rows than there are go through the function."""
    slow = F.udf(lambda x: __import__("time").sleep(0.0001) or x, "long")
    assert values(spark.range(10_000_000).select(slow("id")).limit(3)) == [(0,), (1,), (2,)]


def test_nested_nodes(spark):
    double = F.pandas_udf(lambda x: x * 2, "long")
    frame = spark.range(0, 30_000, 1, 2).mapInPandas(lambda parts: parts, "id long").select(double("id").alias("x"))
    frame = frame.mapInArrow(lambda batches: batches, "x long").filter(plain(spark)("x") % 2 == 1)
    assert values(frame.select(F.sum("x"), F.count("*"))) == [(30_000 * 29_999, 30_000)]


def test_barriers(spark):
    """Tasks in barrier mode run at once and can wait for each other."""
    def meet(parts):
        from pyspark import BarrierTaskContext
        context = BarrierTaskContext.get()
        context.barrier()
        told = context.allGather(f"from {context.partitionId()}")
        again = context.allGather("x")
        context.barrier()
        for part in parts:
            yield part.assign(told=",".join(told), n=len(again) + 10 * len(context.getTaskInfos()))

    frame = spark.range(0, 2, 1, 2)
    assert values(frame.mapInPandas(meet, "id long, told string, n long", barrier=True)) == [
        (0, "from 0,from 1", 22), (1, "from 0,from 1", 22)]

    def alone(parts):
        from pyspark import BarrierTaskContext
        if BarrierTaskContext.get().partitionId() == 0:
            raise ValueError("not coming")
        BarrierTaskContext.get().barrier()
        return parts

    with pytest.raises(PySparkException, match="not coming"):
        frame.mapInPandas(alone, "id long", barrier=True).collect()
