"""Table functions of Python. Each expectation is what Spark 4.3.0 answers (VONK_REMOTE asks it)."""
import os
import signal
import sys
import time

import pyarrow as pa
import pytest
from pyspark import cloudpickle
from pyspark.errors import AnalysisException, PythonException
from pyspark.errors.exceptions.connect import SparkConnectGrpcException
from pyspark.sql import functions as F
from pyspark.sql.functions import arrow_udtf, lit, udtf
from pyspark.sql.types import IntegerType, StringType, StructType
from pyspark.sql.udtf import (AnalyzeResult, OrderingColumn, PartitioningColumn, SelectedColumn,
                              SkipRestOfInputTableException)

cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers cannot import it


class Two:
    def eval(self, x: int, y: int = 7):
        yield x, y
        yield x + 1, y + 1


class Tally:
    def __init__(self):
        self.n = 0

    def eval(self, row):
        self.n += 1

    def terminate(self):
        yield self.n,


class Ending:
    def eval(self, x):
        yield x, "e"

    def terminate(self):
        yield 99, "t"


class Show:
    def eval(self, *args, **named):
        yield str(args) + str(sorted(named.items())),


class Parts:
    def __init__(self):
        self.rows = []

    def eval(self, row):
        self.rows.append(row)

    def terminate(self):
        yield self.rows[0]["id"], len(self.rows), ",".join(str(row["s"]) for row in self.rows)


class Nothing:
    def eval(self, x):
        pass


class Raises:
    def eval(self, x):
        raise ValueError("boo")


@pytest.fixture
def words(spark):
    """Two partitions: of two rows, and of three."""
    rows = [(1, 1.0, "a"), (1, 2.0, "b"), (2, 3.0, "c"), (2, 5.0, "d"), (None, 10.0, "e")]
    frame = spark.createDataFrame(rows, "id int, v double, s string")
    frame.createOrReplaceTempView("words")
    return frame


@pytest.fixture(params=[False, True], ids=["rows", "arrow"])
def fns(spark, request):
    """Registered under their names, in lower case."""
    class Functions:
        pass
    for handler, returns in [(Two, "a: int, b: int"), (Tally, "n: int"), (Ending, "x: int, t: string"),
                             (Show, "s string"), (Parts, "k: int, n: int, first: string"), (Nothing, "x int"),
                             (Raises, "x int")]:
        made = udtf(handler, returnType=returns, useArrow=request.param)
        setattr(Functions, handler.__name__.lower(), made)
        spark.udtf.register(handler.__name__.lower(), made)
    return Functions


def rows(frame):
    return [tuple(row) for row in frame.collect()]


def shape(frame):
    return [(field.name, field.dataType.simpleString(), field.nullable) for field in frame.schema.fields]


# ---- calls

def test_calls(spark, fns):
    assert shape(fns.two(lit(1), lit(2))) == [("a", "int", True), ("b", "int", True)]
    assert rows(fns.two(lit(1), lit(2))) == [(1, 2), (2, 3)]
    assert rows(fns.two(lit(1))) == [(1, 7), (2, 8)]
    assert rows(fns.two(y=lit(1), x=lit(2))) == [(2, 1), (3, 2)]
    assert rows(spark.sql("select * from two(1, 2)")) == [(1, 2), (2, 3)]
    assert rows(spark.sql("select a + b as c from two(y => 1, x => 2) as q")) == [(3,), (5,)]
    assert rows(spark.sql("select p, q from two(1, 2) as z(p, q)")) == [(1, 2), (2, 3)]
    assert rows(fns.nothing(lit(1))) == []
    assert rows(spark.sql("select * from two(1, 2) l join two(2, 3) r on l.a = r.a")) == [(2, 3, 2, 3)]


def test_values(spark, fns):
    args = (F.array(lit(1)), F.struct(lit(1).alias("q")), F.create_map(lit("k"), lit(2)),
            F.lit("2020-01-01").cast("date"), F.lit(b"xx"), F.lit(None))
    assert rows(fns.show(*args)) == [
        ("([1], Row(q=1), {'k': 2}, datetime.date(2020, 1, 1), b'xx', None)[]",)]

    class Nested:
        def eval(self):
            yield [1, 2], {"a": 1}, (1, "q"), None
    nested = udtf(Nested, returnType="a array<int>, m map<string,int>, st struct<x:int,y:string>, d date")
    assert rows(nested()) == [([1, 2], {"a": 1}, (1, "q"), None)]


# ---- beside rows

def test_lateral(spark, words, fns):
    assert rows(spark.sql("select id, s, x, l.t from words, lateral ending(id) l")) == [
        (1, "a", 1, "e"), (1, "b", 1, "e"), (1, "b", 99, "t"), (2, "c", 2, "e"), (2, "d", 2, "e"),
        (None, "e", None, "e"), (None, "e", 99, "t")]
    present = words.where("id = 2")
    assert rows(present.lateralJoin(fns.two(F.col("id").outer())).select("s", "a", "b")) == [
        ("c", 2, 7), ("c", 3, 8), ("d", 2, 7), ("d", 3, 8)]
    present.createOrReplaceTempView("present")
    assert rows(spark.sql("select s, q.* from present, lateral two(id + 1, y => id) as q(c, d) where c = 3")) == [
        ("c", 3, 2), ("d", 3, 2)]
    assert rows(spark.sql("select id, x from words left join lateral nothing(id)")) == []


@pytest.mark.parametrize("on_disk", ["false", "true"])
def test_many_rows(spark, fns, on_disk):
    spark.conf.set("vonk.test.forceSpill", on_disk)
    spark.range(5000).createOrReplaceTempView("numbers")
    made = spark.sql("select id, a, b from numbers, lateral two(cast(id as int), 0)")
    assert made.count() == 10000
    assert made.selectExpr("sum(id)", "sum(a)", "sum(b)").collect()[0] == (24995000, 25000000, 5000)
    spark.conf.unset("vonk.test.forceSpill")


# ---- tables

def test_table_arguments(spark, words, fns):
    assert rows(spark.sql("select * from tally(table(words))")) == [(2,), (3,)]
    assert rows(spark.sql("select * from tally(table(select * from words where id > 100))")) == []
    assert rows(fns.tally(words.asTable())) == [(2,), (3,)]
    shown = spark.sql("select * from show(table(select id, s from words where s < 'c'), 5, x => 'q')")
    assert sorted(rows(shown)) == [("(Row(id=1, s='a'), 5)[('x', 'q')]",), ("(Row(id=1, s='b'), 5)[('x', 'q')]",)]


def test_partitions_of_a_table(spark, words, fns):
    ask = "select * from parts(table(words) {})"
    for clauses, wanted in [
            ("partition by id order by s desc", [(None, 1, "e"), (1, 2, "b,a"), (2, 2, "d,c")]),
            ("distribute by id sort by s", [(None, 1, "e"), (1, 2, "a,b"), (2, 2, "c,d")]),
            ("partition by (id, v) order by (s)",
             [(None, 1, "e"), (1, 1, "a"), (1, 1, "b"), (2, 1, "c"), (2, 1, "d")]),
            ("partition by id + 1 order by (v desc, s)", [(None, 1, "e"), (1, 2, "b,a"), (2, 2, "d,c")]),
            ("with single partition order by s desc", [(None, 5, "e,d,c,b,a")])]:
        assert rows(spark.sql(ask.format(clauses))) == wanted
    assert rows(fns.parts(words.asTable().partitionBy("id").orderBy(F.desc("s")))) == [
        (None, 1, "e"), (1, 2, "b,a"), (2, 2, "d,c")]
    assert rows(fns.parts(words.asTable().withSinglePartition().orderBy("s"))) == [(1, 5, "a,b,c,d,e")]
    none = spark.sql("select * from parts(table(select * from words where id > 100) partition by id)")
    assert rows(none) == []
    shown = spark.sql("select * from show(table(select id, s from words) partition by id order by s)")
    assert rows(shown)[:2] == [("(Row(id=None, s='e'),)[]",), ("(Row(id=1, s='a'),)[]",)]


# ---- whole record batches

class Batches:
    def eval(self, batch: pa.RecordBatch):
        yield pa.table({"n": pa.array([batch.num_rows]), "c": pa.array([",".join(batch.schema.names)])})


class Longer:
    def eval(self, values: pa.Array):
        yield pa.table({"x": pa.array([value.as_py() for value in values] + [len(values)], pa.int32())})


def test_batches(spark, words):
    batches = arrow_udtf(Batches, returnType="n bigint, c string")
    assert rows(batches(words.asTable())) == [(2, "id,v,s"), (3, "id,v,s")]
    assert rows(batches(words.asTable().partitionBy("id").orderBy("v"))) == [
        (1, "id,v,s"), (2, "id,v,s"), (2, "id,v,s")]
    longer = arrow_udtf(Longer, returnType="x int")
    assert rows(longer(lit(3))) == [(3,), (1,)]
    spark.udtf.register("longer", longer)
    with pytest.raises(AnalysisException) as raised:
        spark.sql("select id, x from words, lateral longer(id)").collect()
    assert raised.value.getCondition() == "LATERAL_JOIN_WITH_ARROW_UDTF_UNSUPPORTED"


# ---- functions that say their columns when they are asked

class Same:
    def __init__(self, answer=None):
        self.answer = answer

    @staticmethod
    def analyze(x, y=None):
        return AnalyzeResult(schema=StructType().add("v", x.dataType).add("c", StringType()))

    def eval(self, x, y=None):
        yield x, type(self.answer).__name__


class Constant:
    @staticmethod
    def analyze(x, n):
        schema = StructType()
        for i in range(n.value if n.isConstantExpression else 0):
            schema.add(f"c{i}", x.dataType)
        return AnalyzeResult(schema=schema)

    def eval(self, x, n):
        yield (x,) * n


class Arranged:
    def __init__(self):
        self.rows = []

    @staticmethod
    def analyze(table):
        assert table.isTable
        schema = StructType().add("n", IntegerType()).add("names", StringType()).add("all", StringType())
        return AnalyzeResult(schema=schema, partitionBy=[PartitioningColumn("id")],
                             orderBy=[OrderingColumn("s", ascending=False)],
                             select=[SelectedColumn("s"), SelectedColumn("v + 1", "w")])

    def eval(self, row):
        self.rows.append(row)

    def terminate(self):
        yield len(self.rows), ",".join(self.rows[0].__fields__), ",".join(str(tuple(row)) for row in self.rows)


class Single(Tally):
    @staticmethod
    def analyze(table):
        return AnalyzeResult(schema=StructType().add("n", IntegerType()), withSinglePartition=True)


class Refuses:
    @staticmethod
    def analyze():
        raise Exception("nope")

    def eval(self):
        pass


def test_analyze(spark, words):
    same = udtf(Same)
    spark.udtf.register("same", same)
    assert rows(same(lit(5))) == [(5, "AnalyzeResult")]
    assert shape(spark.sql("select * from same('a')")) == [("v", "string", True), ("c", "string", True)]
    assert rows(spark.sql("select * from same(y => 1, x => 'a')")) == [("a", "AnalyzeResult")]
    assert rows(udtf(Constant)(lit(2.5), lit(3))) == [(2.5, 2.5, 2.5)]
    assert rows(udtf(Arranged)(words.asTable())) == [
        (1, "s,w", "('e', 11.0)"), (2, "s,w", "('b', 3.0),('a', 2.0)"), (2, "s,w", "('d', 6.0),('c', 4.0)")]
    assert rows(udtf(Single)(words.asTable())) == [(5,)]


def test_analyze_refused(spark, words):
    spark.udtf.register("same", udtf(Same))
    spark.udtf.register("arranged", udtf(Arranged))
    for text, condition in [
            ("select * from same(1, 2, 3)", "TABLE_VALUED_FUNCTION_FAILED_TO_ANALYZE_IN_PYTHON"),
            ("select * from arranged(table(words) partition by id)",
             "TABLE_VALUED_FUNCTION_REQUIRED_METADATA_INCOMPATIBLE_WITH_CALL"),
            ("select * from arranged(table(words) with single partition)",
             "TABLE_VALUED_FUNCTION_REQUIRED_METADATA_INCOMPATIBLE_WITH_CALL")]:
        with pytest.raises(AnalysisException) as raised:
            _ = spark.sql(text).schema
        assert raised.value.getCondition() == condition
    with pytest.raises(AnalysisException, match="nope") as raised:
        _ = udtf(Refuses)().schema
    assert raised.value.getCondition() == "TABLE_VALUED_FUNCTION_FAILED_TO_ANALYZE_IN_PYTHON"


# ---- errors

def test_wrong_calls(spark, words, fns):
    for text, condition in [
            ("select * from show(table(words), table(words))", "TABLE_VALUED_FUNCTION_TOO_MANY_TABLE_ARGUMENTS"),
            ("select * from two(x => 1, x => 2)",
             "DUPLICATE_ROUTINE_PARAMETER_ASSIGNMENT.DOUBLE_NAMED_ARGUMENT_REFERENCE"),
            ("select * from two(x => 1, 2)", "UNEXPECTED_POSITIONAL_ARGUMENT"),
            ("select * from nosuch(1)", "UNRESOLVABLE_TABLE_VALUED_FUNCTION"),
            ("select * from two(id)", "UNRESOLVED_COLUMN.WITHOUT_SUGGESTION"),
            ("select two(1, 2)", "NOT_A_SCALAR_FUNCTION")]:
        with pytest.raises(AnalysisException) as raised:
            spark.sql(text).collect()
        assert raised.value.getCondition() == condition


def test_what_functions_raise(fns):
    with pytest.raises(PythonException, match="UDTF_EXEC_ERROR.*boo"):
        fns.raises(lit(1)).collect()
    with pytest.raises(PythonException, match="UDTF_EVAL_METHOD_ARGUMENTS_DO_NOT_MATCH_SIGNATURE"):
        fns.two(lit(1), lit(2), lit(3)).collect()
    with pytest.raises(PythonException, match="UDTF_EVAL_METHOD_ARGUMENTS_DO_NOT_MATCH_SIGNATURE"):
        fns.two().collect()


class Wide:
    def eval(self):
        yield 1, 2


class Empty:
    def eval(self):
        yield None,


def test_wrong_rows(spark):
    with pytest.raises(PythonException, match="UDTF_RETURN_SCHEMA_MISMATCH"):
        udtf(Wide, returnType="x int")().collect()
    with pytest.raises(PythonException, match="UDTF_EXEC_ERROR"):
        udtf(Empty, returnType="x int not null")().collect()


class Skips:
    def __init__(self):
        self.n = 0

    def eval(self, row):
        self.n += 1
        if self.n == 3:
            raise SkipRestOfInputTableException
        yield row["id"],

    def terminate(self):
        yield -self.n,


class Slow:
    def eval(self, x):
        time.sleep(0.05)
        yield x,


class Dies:
    def eval(self, x):
        if x == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        yield x,


@pytest.mark.parametrize("arrow", [False, True])
def test_rest_of_a_table_skipped(spark, arrow):
    skips = udtf(Skips, returnType="x bigint", useArrow=arrow)
    numbers = spark.range(30000)
    assert rows(skips(numbers.asTable().withSinglePartition().orderBy("id"))) == [(0,), (1,), (-3,)]
    halves = numbers.withColumn("k", F.col("id") % 2).asTable().partitionBy("k").orderBy("id")
    assert rows(skips(halves)) == [(0,), (2,), (-3,), (1,), (3,), (-3,)]


def test_early_end(spark):
    """A worker's small answers come when its partition ends: 2.5 seconds here, and 50 for all of them on two cores."""
    spark.range(0, 2000, 1, 40).createOrReplaceTempView("numbers")
    spark.udtf.register("slow", udtf(Slow, returnType="x bigint"))
    started = time.monotonic()
    assert len(spark.sql("select x from numbers, lateral slow(id) limit 1").collect()) == 1
    assert time.monotonic() - started < 25
    spark.udtf.register("dies", udtf(Dies, returnType="x bigint"))
    with pytest.raises(SparkConnectGrpcException) as raised:
        spark.sql("select x from numbers, lateral dies(id)").collect()
    assert not isinstance(raised.value, PythonException)
    assert rows(spark.sql("select * from slow(1)")) == [(1,)]


# ---- several table arguments

class Pairs:
    """A row for each pair, and how many there were: the tables' rows with each other, in an order that is nobody's."""
    def __init__(self):
        self.n = 0

    def eval(self, x, y, z=0):
        self.n += 1
        yield (f"{x.asDict()} {y.asDict()} {z}",)

    def terminate(self):
        yield (f"{self.n} pairs",)


class AskedPairs(Pairs):
    @staticmethod
    def analyze(x, y):
        names = [f.name for table in (x, y) for f in table.dataType.fields]
        assert x.isTable and y.isTable
        return AnalyzeResult(StructType().add("_".join(names), StringType()))


@pytest.fixture
def two_tables(spark):
    spark.sql("select id a from range(0, 3, 1, 2)").createOrReplaceTempView("left_rows")
    spark.sql("select id * 10 b, 'x' c from range(0, 2, 1, 1)").createOrReplaceTempView("right_rows")
    spark.conf.set("spark.sql.tvf.allowMultipleTableArguments.enabled", "true")
    yield
    spark.conf.unset("spark.sql.tvf.allowMultipleTableArguments.enabled")


@pytest.mark.parametrize("arrow", [False, True])
def test_several_tables(spark, two_tables, arrow):
    spark.udtf.register("pairs", udtf(Pairs, returnType="s string", useArrow=arrow))
    spark.udtf.register("asked_pairs", udtf(AskedPairs, useArrow=arrow))

    def found(text):
        return sorted(r[0] for r in spark.sql(text).collect() if "pairs" not in r[0])

    pairs = sorted(f"{{'a': {a}}} {{'b': {b}, 'c': 'x'}} 0" for a in range(3) for b in (0, 10))
    assert found("select * from pairs(table(left_rows), table(right_rows))") == pairs
    assert found("select * from pairs(y => table(right_rows), x => table(left_rows))") == pairs
    one = "table({}) with single partition"
    whole = spark.sql(f"select * from pairs({one.format('left_rows')}, {one.format('right_rows')})").collect()
    assert [r[0] for r in whole if "pairs" in r[0]] == ["6 pairs"]
    assert found("select * from pairs(table(left_rows), table(left_rows), 5)") == sorted(
        f"{{'a': {a}}} {{'a': {b}}} 5" for a in range(3) for b in range(3))
    assert found("select * from pairs(table(select * from left_rows where a > 9), table(right_rows))") == []
    by_a = spark.sql("select * from pairs(table(left_rows) partition by (a), table(select 1 q) with single partition)")
    assert sorted(r[0] for r in by_a.collect()) == ["1 pairs"] * 3 + [f"{{'a': {a}}} {{'q': 1}} 0" for a in range(3)]
    asked = spark.sql("select * from asked_pairs(table(left_rows), table(right_rows))")
    assert asked.columns == ["a_b_c"] and sorted(r[0] for r in asked.collect() if "pairs" not in r[0]) == pairs
    called = udtf(Pairs, returnType="s string", useArrow=arrow)(
        spark.table("left_rows").asTable(), spark.table("right_rows").asTable())
    assert sorted(r[0] for r in called.collect() if "pairs" not in r[0]) == pairs
    spark.conf.set("spark.sql.tvf.allowMultipleTableArguments.enabled", "false")
    with pytest.raises(AnalysisException, match="TABLE_VALUED_FUNCTION_TOO_MANY_TABLE_ARGUMENTS"):
        spark.sql("select * from pairs(table(left_rows), table(right_rows))").collect()
