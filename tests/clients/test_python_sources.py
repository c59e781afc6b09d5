"""Data sources written in Python: registered, read in partitions, written with commit and abort. Each expectation is
what Spark 4.3.0 answers (VONK_REMOTE asks it)."""
import os
import sys
import threading
import time
from dataclasses import dataclass

import pytest
from pyspark import cloudpickle
from pyspark.errors import AnalysisException, IllegalArgumentException, PySparkException, PythonException
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql.datasource import (DataSource, DataSourceArrowWriter, DataSourceReader, DataSourceWriter,
                                    InputPartition, WriterCommitMessage)

from server import Server

pytest.importorskip("pyarrow")
cloudpickle.register_pickle_by_value(sys.modules[__name__])


def values(frame):
    return [tuple(row) for row in frame.collect()]


def condition(run):
    with pytest.raises(AnalysisException) as raised:
        run()
    return raised.value.getCondition()


@dataclass
class Written(WriterCommitMessage):
    rows: int
    partition: int


class Reader(DataSourceReader):
    def __init__(self, options):
        self.n = int(options.get("n", "3"))

    def partitions(self):
        return [InputPartition(i) for i in range(self.n)]

    def read(self, partition):
        from pyspark import TaskContext
        yield (partition.value, f"p{TaskContext.get().partitionId()}")
        yield (partition.value + 10, None)


class Writer(DataSourceWriter):
    def __init__(self, options, schema, overwrite):
        self.path, self.schema, self.overwrite = options["path"], schema, overwrite

    def write(self, iterator):
        from pyspark import TaskContext
        n = 0
        for row in iterator:
            n += 1
            if row[0] == 99:
                raise ValueError("bad row")
            while row[0] == 77:
                time.sleep(1)
        return Written(n, TaskContext.get().partitionId())

    def say(self, text):
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(text + "\n")

    def commit(self, messages):
        counts = [(m.rows, m.partition) for m in messages]
        self.say(f"commit {counts} overwrite={self.overwrite} {self.schema.simpleString()}")

    def abort(self, messages):
        self.say(f"abort {len(messages)}")


class Source(DataSource):
    @classmethod
    def name(cls):
        return "fake"

    def schema(self):
        return "a int, b string"

    def reader(self, schema):
        return Reader(self.options)

    def writer(self, schema, overwrite):
        return Writer(self.options, schema, overwrite)


class Single(Source):
    @classmethod
    def name(cls):
        return "single"

    def schema(self):
        from pyspark.sql.types import IntegerType, StringType, StructField, StructType
        return StructType([StructField("x", IntegerType(), False), StructField("path", StringType())])

    def reader(self, schema):
        path = self.options.get("path")

        class One(DataSourceReader):
            def read(self, partition):
                yield (1 if partition.value is None else 2, path)
        return One()


class Failing(Source):
    @classmethod
    def name(cls):
        return "failing"

    def schema(self):
        if "schema" in self.options:
            raise ValueError("no schema")
        return "a int"

    def reader(self, schema):
        if "reader" in self.options:
            raise ValueError("no reader")

        class Bad(DataSourceReader):
            def read(self, partition):
                yield (1, 2, 3)
        return Bad()


class Arrow(Source):
    @classmethod
    def name(cls):
        return "arrow_rows"

    def schema(self):
        return "n bigint"

    def reader(self, schema):
        class Batches(DataSourceReader):
            def read(self, partition):
                import pyarrow as pa
                for i in range(3):
                    yield pa.RecordBatch.from_pydict({"n": list(range(i * 5000, (i + 1) * 5000))})
        return Batches()


class OnlySchema(DataSource):
    def schema(self):
        return "x int"


@pytest.fixture(scope="module")
def session(server):
    own = SparkSession.builder.remote(server.remote).create()
    for source in Source, Single, Failing, Arrow, OnlySchema:
        own.dataSource.register(source)
    yield own
    own.stop()


def test_read(session):
    frame = session.read.format("fake").load()
    assert [(f.name, f.dataType.simpleString()) for f in frame.schema] == [("a", "int"), ("b", "string")]
    rows = [(0, "p0"), (10, None), (1, "p1"), (11, None), (2, "p2"), (12, None)]
    assert values(frame) == rows
    assert values(session.read.format("FAKE").option("N", 1).load()) == rows[:2]
    assert values(frame.filter("a > 5").select(F.col("a") + 1)) == [(11,), (12,), (13,)]
    assert frame.select(F.spark_partition_id()).distinct().count() == 3
    assert values(frame.alias("l").join(frame.alias("r"), F.col("l.a") == F.col("r.a")).select(F.count("*"))) == [(6,)]
    assert values(session.range(2).filter(F.col("id").isin([0])).crossJoin(frame.limit(1))) == [(0, 0, "p0")]


def test_schemas_and_paths(session):
    user = session.read.format("fake").schema("a long, b string").option("n", 1).load()
    assert [f.dataType.simpleString() for f in user.schema] == ["bigint", "string"]
    assert values(user) == [(0, "p0"), (10, None)]
    one = session.read.format("single").load("/some/path")
    assert [f.nullable for f in one.schema] == [False, True] and values(one) == [(1, "/some/path")]


def test_arrow_rows(session):
    frame = session.read.format("arrow_rows").load()
    assert values(frame.select(F.sum("n"), F.count("n"))) == [(15000 * 14999 // 2, 15000)]
    assert values(frame.limit(2)) == [(0,), (1,)]


def test_in_sql(session):
    session.sql("create temporary view of_source using fake options (n 1)")
    assert values(session.sql("select * from of_source where a < 5")) == [(0, "p0")]
    assert values(session.sql("select (select max(a) from of_source) m")) == [(10,)]


def test_what_goes_wrong(session):
    read = session.read.format("failing")
    assert condition(lambda: read.option("schema", "x").load().schema) == "PYTHON_DATA_SOURCE_ERROR"
    late = session.read.format("failing").option("reader", "x").load()
    assert late.columns == ["a"] and condition(late.collect) == "PYTHON_DATA_SOURCE_ERROR"
    with pytest.raises(AnalysisException, match="ValueError: no reader"):
        late.collect()
    with pytest.raises(PythonException, match="DATA_SOURCE_RETURN_SCHEMA_MISMATCH"):
        session.read.format("failing").load().collect()
    assert condition(session.read.format("OnlySchema").load().collect) == "PYTHON_DATA_SOURCE_ERROR"
    with pytest.raises(PySparkException, match="DATA_SOURCE_NOT_FOUND"):
        session.read.format("nothing_of_that_name").load().collect()

    class Parquet(Source):
        @classmethod
        def name(cls):
            return "parquet"

    assert condition(lambda: session.dataSource.register(Parquet)) == "DATA_SOURCE_ALREADY_EXISTS"


@pytest.fixture
def rows(session):
    return session.range(0, 5, 1, 2).selectExpr("cast(id as int) a", "'x' b")


def test_write(rows, tmp_path):
    path = tmp_path / "said"
    rows.write.format("fake").mode("append").save(str(path))
    rows.write.format("fake").option("path", str(path)).mode("overwrite").save()
    assert path.read_text().splitlines() == [
        "commit [(2, 0), (3, 1)] overwrite=False struct<a:int,b:string>",
        "commit [(2, 0), (3, 1)] overwrite=True struct<a:int,b:string>"]


def test_modes_of_write(rows, tmp_path):
    path = tmp_path / "said"
    for writer in rows.write, rows.write.mode("error"), rows.write.mode("ignore"):
        assert condition(lambda writer=writer: writer.format("fake").save(str(path))) == \
            "UNSUPPORTED_DATA_SOURCE_SAVE_MODE"
    assert condition(lambda: rows.write.format("fake").mode("append").save()) == "PYTHON_DATA_SOURCE_ERROR"
    assert condition(lambda: rows.write.format("OnlySchema").mode("append").save()) == "PYTHON_DATA_SOURCE_ERROR"
    assert not path.exists()


def test_writes_that_fail(rows, tmp_path):
    path = tmp_path / "said"
    with pytest.raises(PythonException, match="ValueError: bad row"):
        rows.selectExpr("if(a = 3, 99, a) a", "b").write.format("fake").mode("append").save(str(path))
    assert path.read_text().splitlines() == ["abort 2"]


def test_writes_can_be_cancelled(session, rows, tmp_path):
    path = tmp_path / "said"
    ended = []

    def run():
        try:
            rows.selectExpr("77 a", "b").write.format("fake").mode("append").save(str(path))
        except PySparkException as error:
            ended.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    time.sleep(1.5)
    session.interruptAll()
    thread.join(20)
    assert ended and "OPERATION_CANCELED" in str(ended[0])
    end = time.monotonic() + 10
    while not path.exists() and time.monotonic() < end:
        time.sleep(0.05)
    assert path.read_text().splitlines() == ["abort 2"]


class ArrowWriter(DataSourceArrowWriter):
    def __init__(self, path):
        self.path = path

    def write(self, iterator):
        from pyspark import TaskContext
        batches = list(iterator)
        assert all(type(b).__name__ == "RecordBatch" and b.schema.names == ["a", "b"] for b in batches)
        return Written(sum(b.num_rows for b in batches), TaskContext.get().partitionId())

    def commit(self, messages):
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(repr([(m.rows, m.partition) for m in messages]))


class Batches(Source):
    @classmethod
    def name(cls):
        return "batches"

    def writer(self, schema, overwrite):
        return ArrowWriter(self.options["path"])


def test_write_arrow(session, rows, tmp_path):
    session.dataSource.register(Batches)
    rows.write.format("batches").mode("append").save(str(tmp_path / "said"))
    assert (tmp_path / "said").read_text() == "[(2, 0), (3, 1)]"


def test_writes_of_nothing(session, rows, tmp_path):
    """What is known to have no rows is one partition; what only turns out so has its own."""
    session.dataSource.register(Batches)
    none, range_ = rows.filter("false"), session.range(0, 0, 1, 3).selectExpr("cast(id as int) a", "'x' b")
    for n, (frame, said) in enumerate([
            (none, 1), (none.union(none), 1), (none.repartition(3), 1), (none.join(rows.select("a"), "a"), 1),
            (none.sort("a"), 1), (range_, 1), (session.range(6).filter("id < rand() - 1").selectExpr(
                "cast(id as int) a", "'x' b"), 2)]):
        frame.write.format("batches").mode("append").save(str(tmp_path / str(n)))
        assert (tmp_path / str(n)).read_text() == str([(0, i) for i in range(said)]), n


def test_tables_without_partitions(rows, tmp_path):
    """Spark passes none on to writers: it refuses them."""
    path, made = str(tmp_path / "said"), rows.write.format("fake").mode("append")
    for writer in made.partitionBy("b"), rows.write.format("fake").mode("overwrite").clusterBy("b"):
        with pytest.raises(IllegalArgumentException):
            writer.save(path)
    by = rows.write.format("fake").mode("append")
    assert condition(lambda: by.bucketBy(2, "a").save(path)) == "_LEGACY_ERROR_TEMP_1312"
    assert condition(lambda: by.sortBy("a").save(path)) == "_LEGACY_ERROR_TEMP_1313"


# ---- filters

class Filtered(DataSource):
    """Its column `seen` says which filters the reader was asked about; the option `take` which of them it takes."""
    @classmethod
    def name(cls):
        return "filtered"

    def schema(self):
        return ("i int, l long, d double, s string, dt date, ts timestamp, tn timestamp_ntz, dc decimal(10,2), "
                "b boolean, bn binary, st struct<a:int,b:struct<c:string>>, ar array<int>, by tinyint, "
                "iv interval day to second, seen string")

    def reader(self, schema):
        take = self.options.get("take", "")

        class Reading(DataSourceReader):
            def pushFilters(self, filters):
                self.seen = []
                for f in filters:
                    child, before = (f.child, "not ") if type(f).__name__ == "Not" else (f, "")
                    column = ".".join(child.attribute)
                    value = f" {child.value!r}" if hasattr(child, "value") else ""
                    self.seen.append(f"{before}{type(child).__name__} {column}{value}")
                    if take == "foreign":
                        yield type(f)(child.attribute)
                    elif type(child).__name__ not in take.split(","):
                        yield f

            def read(self, partition):
                import datetime as t
                from decimal import Decimal
                seen = "; ".join(self.seen) if hasattr(self, "seen") else "nothing"
                for i in range(4):
                    yield (i, i, float(i), [None, "a", "b", "c"][i], t.date(2024, 1, 1 + i),
                           t.datetime(2024, 1, 1, i, tzinfo=t.timezone.utc), t.datetime(2024, 1, 1, i), Decimal(i) / 4,
                           i % 2 == 1, b"x" * i, {"a": i, "b": {"c": str(i)}}, [i], i, t.timedelta(seconds=i), seen)
        return Reading()


@pytest.fixture(scope="module")
def filtered(server):
    own = SparkSession.builder.remote(server.remote).create()
    own.dataSource.register(Filtered)
    own.conf.set("spark.sql.session.timeZone", "UTC")
    own.conf.set("spark.sql.python.filterPushdown.enabled", "true")
    yield own
    own.stop()


FILTERS = {
    "i = 1": "IsNotNull i; EqualTo i 1", "1 = i": "IsNotNull i; EqualTo i 1", "2 > i": "IsNotNull i; LessThan i 2",
    "i > 1": "IsNotNull i; GreaterThan i 1", "i >= 1": "IsNotNull i; GreaterThanOrEqual i 1",
    "i <= 2": "IsNotNull i; LessThanOrEqual i 2", "i <> 1": "IsNotNull i; not EqualTo i 1",
    "not (i > 1)": "IsNotNull i; LessThanOrEqual i 1", "i <=> 1": "EqualNullSafe i 1",
    "i in (1, 2)": "In i [1, 2]", "i in (1, null)": "In i [1, None]", "not i in (1, 2)": "not In i [1, 2]",
    "i in (1)": "IsNotNull i; EqualTo i 1", "s is null": "IsNull s", "not (s is null)": "IsNotNull s",
    "s <=> null": "IsNull s", "i = 1L": "IsNotNull i; EqualTo i 1", "by = 1": "IsNotNull by; EqualTo by 1",
    "l = 1": "IsNotNull l; EqualTo l 1", "d > 1": "IsNotNull d; GreaterThan d 1.0",
    "s = 'a'": "IsNotNull s; EqualTo s 'a'", "s like 'a%'": "IsNotNull s; StringStartsWith s 'a'",
    "s like '%a'": "IsNotNull s; StringEndsWith s 'a'", "s like '%a%'": "IsNotNull s; StringContains s 'a'",
    "not startswith(s, 'a')": "IsNotNull s; not StringStartsWith s 'a'",
    "s in ('a', 'b')": "In s ['a', 'b']",
    "dt = date'2024-01-02'": "IsNotNull dt; EqualTo dt datetime.date(2024, 1, 2)",
    "ts > timestamp'2024-01-01 01:00:00'":
        "IsNotNull ts; GreaterThan ts datetime.datetime(2024, 1, 1, 1, 0, tzinfo=zoneinfo.ZoneInfo(key='UTC'))",
    "tn > timestamp_ntz'2024-01-01 01:00:00'":
        "IsNotNull tn; GreaterThan tn datetime.datetime(2024, 1, 1, 1, 0)",
    "dc = 0.5": "IsNotNull dc; EqualTo dc Decimal('0.50')", "b": "IsNotNull b; EqualTo b True",
    "not b": "IsNotNull b; not EqualTo b True", "bn = X'78'": "IsNotNull bn; EqualTo bn b'x'",
    "st.a = 1": "IsNotNull st.a; EqualTo st.a 1", "st.b.c = '2'": "IsNotNull st.b.c; EqualTo st.b.c '2'",
    "ar[0] = 1": "IsNotNull ar", "ar = array(1)": "IsNotNull ar; EqualTo ar [1]",
    "st = named_struct('a', 1, 'b', named_struct('c', '1'))": "IsNotNull st; EqualTo st {'a': 1, 'b': {'c': '1'}}",
    "i > 0 and l < 3": "IsNotNull i; IsNotNull l; GreaterThan i 0; LessThan l 3",
    "not (i = 1 or l = 2)": "IsNotNull i; IsNotNull l; not EqualTo i 1; not EqualTo l 2",
    "i between 1 and 2": "IsNotNull i; GreaterThanOrEqual i 1; LessThanOrEqual i 2",
    "i > 0 and (l = 1 or d = 2D)": "IsNotNull i; GreaterThan i 0", "i + 1 = 2": "IsNotNull i",
    "i = 1.0": "IsNotNull i; EqualTo i 1", "i > 1.5": "IsNotNull i; GreaterThan i 1",
    "i >= 1.5": "IsNotNull i; GreaterThanOrEqual i 2", "i < 1.5": "IsNotNull i; LessThan i 2",
    "i > -1.5": "IsNotNull i; GreaterThan i -2", "not (i > 1.5)": "IsNotNull i; LessThanOrEqual i 1",
    "cast(i as double) = 1.0D": "IsNotNull i; EqualTo i 1", "by < 2.5D": "IsNotNull by; LessThanOrEqual by 2",
    "(i = 1) = true": "IsNotNull i; EqualTo i 1", "(i = 1) = false": "IsNotNull i; not EqualTo i 1",
    "i in (1, 1)": "IsNotNull i; EqualTo i 1", "i in (1, 2, 1)": "In i [1, 2]",
    "i = l": "IsNotNull i; IsNotNull l", "i = 1 or i = 2": "nothing", "coalesce(i, 0) = 1": "nothing",
    "iv = interval '1' second": "IsNotNull iv", "i = 1 and rand() >= 0": "IsNotNull i; EqualTo i 1",
}


@pytest.mark.parametrize("text", FILTERS)
def test_filters_that_readers_are_asked(filtered, text):
    """... and which all the same are applied, since the reader takes none."""
    all_rows = filtered.read.format("filtered").load()
    found = all_rows.where(text).select("i", "seen").collect()
    local = filtered.createDataFrame(all_rows.collect(), all_rows.schema)
    assert [r.i for r in found] == [r.i for r in local.where(text).select("i").collect()]
    assert {r.seen for r in found} <= {FILTERS[text]} | ({"", "nothing"} if FILTERS[text] == "nothing" else set())
    assert found


def test_filters_that_readers_take(filtered):
    def rows(take, text):
        return [r[0] for r in filtered.read.format("filtered").option("take", take).load().where(text)
                .select("i").collect()]

    assert rows("EqualTo", "i = 1") == [0, 1, 2, 3]
    assert rows("EqualTo", "s = 'a'") == [1, 2, 3]  # IS NOT NULL was not taken
    assert rows("EqualTo,IsNotNull", "s = 'a'") == [0, 1, 2, 3]
    assert rows("EqualTo,IsNotNull", "s = 'a' and l > 1") == [2, 3]
    assert rows("GreaterThan", "i > 1 and upper(s) = 'A'") == [1]
    frame = filtered.read.format("filtered").option("take", "EqualTo").load()
    renamed = frame.select((F.col("i") + 1).alias("i"), "l").where("i = 2 and l = 1")
    assert [tuple(r) for r in renamed.collect()] == [(i + 1, i) for i in [1]]
    assert frame.where("i = 1").join(frame.where("l = 2").select("l"), "l").count() == 4
    with pytest.raises(AnalysisException, match="DATA_SOURCE_EXTRANEOUS_FILTERS"):
        rows("foreign", "s is not null")
    plan = frame.where("i = 1 and upper(s) = 'A'")._explain_string()
    assert "isnotnull" in plan and "upper" in plan and " = 1)" not in plan


def test_filters_need_a_setting(filtered):
    filtered.conf.set("spark.sql.python.filterPushdown.enabled", "false")
    try:
        assert condition(filtered.read.format("filtered").load().collect) == "PYTHON_DATA_SOURCE_ERROR"
    finally:
        filtered.conf.set("spark.sql.python.filterPushdown.enabled", "true")


# ---- sources that Python finds

FOUND = """
from pyspark.sql.datasource import DataSource, DataSourceReader

class Reader(DataSourceReader):
    def read(self, partition):
        yield (1, "{0}")

class DefaultSource(DataSource):
    @classmethod
    def name(cls):
        return "{0}"

    def schema(self):
        return "a int, b string"

    def reader(self, schema):
        return Reader()
"""


@pytest.mark.skipif("VONK_REMOTE" in os.environ, reason="needs modules where the server runs")
def test_modules_are_sources(tmp_path):
    (tmp_path / "pyspark_found.py").write_text(FOUND.format("found"))
    (tmp_path / "pyspark_other.py").write_text(FOUND.format("Other"))
    (tmp_path / "pyspark_none.py").write_text("x = 1\n")
    own = Server(name="found", env={"PYTHONPATH": str(tmp_path)})
    spark = SparkSession.builder.remote(own.remote).create()
    assert values(spark.read.format("found").load()) == values(spark.read.format("FOUND").load()) == [(1, "found")]
    assert values(spark.read.format("other").load()) == [(1, "Other")]

    class Mine(Single):
        @classmethod
        def name(cls):
            return "found"
    spark.dataSource.register(Mine)  # goes before what was found
    assert values(spark.read.format("found").load()) == [(1, None)]
    with pytest.raises(PySparkException) as raised:
        spark.read.format("not_found").load().collect()
    assert raised.value.getCondition() == "DATA_SOURCE_NOT_FOUND"
    spark.stop()
    assert own.stop() == 0


@pytest.mark.skipif("VONK_REMOTE" in os.environ, reason="needs modules where the server runs")
def test_broken_modules_do_no_harm(tmp_path):
    (tmp_path / "pyspark_bad.py").write_text("raise ValueError('bad module')\n")
    own = Server(name="found", env={"PYTHONPATH": str(tmp_path)})
    spark = SparkSession.builder.remote(own.remote).create()
    with pytest.raises(PySparkException) as raised:
        spark.read.format("bad").load().collect()
    assert raised.value.getCondition() == "DATA_SOURCE_NOT_FOUND"
    spark.stop()
    assert own.stop() == 0
