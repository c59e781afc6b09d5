"""Data sources written in Python: registered, read in partitions, written with commit and abort. Each expectation is
what Spark 4.3.0 answers (VONK_REMOTE asks it)."""
import sys
import threading
import time
from dataclasses import dataclass

import pytest
from pyspark import cloudpickle
from pyspark.errors import AnalysisException, PySparkException, PythonException
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql.datasource import (DataSource, DataSourceReader, DataSourceWriter, InputPartition,
                                    WriterCommitMessage)

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
