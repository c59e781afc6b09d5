"""Functions of Python over groups and pairs of groups. Each expectation is what Spark 4.3.0 answers (VONK_REMOTE asks
it)."""
import os
import signal
import sys
import threading
import time
from typing import Iterator, Tuple

import pandas as pd
import pyarrow as pa
import pytest
from pyspark import cloudpickle
from pyspark.errors import AnalysisException, IllegalArgumentException, PythonException
from pyspark.errors.exceptions.connect import SparkConnectGrpcException
from pyspark.sql import functions as F

cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers cannot import it


@pytest.fixture
def words(spark):
    rows = [(1, 1.0, "a"), (1, 2.0, "b"), (2, 3.0, "c"), (2, 5.0, "d"), (None, 10.0, "e")]
    return spark.createDataFrame(rows, "id int, v double, s string")


@pytest.fixture
def others(spark):
    return spark.createDataFrame([(1, "x"), (3, "y"), (3, "z"), (None, "n")], "id int, w string")


@pytest.fixture
def conf(spark):
    """Settings for one test."""
    changed = []

    def change(key, value):
        spark.conf.set(key, value)
        changed.append(key)
    yield change
    for key in changed:
        spark.conf.unset(key)


def rows(frame):
    return [tuple(row) for row in frame.collect()]


def shape(frame):
    return [(field.name, field.dataType.simpleString(), field.nullable) for field in frame.schema.fields]


def sums(pdf):
    return pd.DataFrame({"n": [len(pdf)], "v": [pdf.v.sum()]})


# ---- one frame per group

def test_pandas(words):
    centred = words.groupBy("id").applyInPandas(lambda pdf: pdf.assign(v=pdf.v - pdf.v.mean()), words.schema)
    assert shape(centred) == shape(words)
    assert sorted(rows(centred), key=lambda row: row[2]) == [
        (1, -0.5, "a"), (1, 0.5, "b"), (2, -1.0, "c"), (2, 1.0, "d"), (None, 0.0, "e")]
    assert rows(words.groupBy("id").applyInPandas(sums, "n int, v double")) == [(1, 10.0), (2, 3.0), (2, 8.0)]


def test_pandas_with_keys(words):
    def count(key, pdf):
        return pd.DataFrame([key + (len(pdf), ",".join(pdf.columns))])
    assert rows(words.groupBy("id").applyInPandas(count, "id long, n int, c string")) == [
        (None, 1, "id,v,s"), (1, 2, "id,v,s"), (2, 2, "id,v,s")]
    assert rows(words.groupBy((words.v > 2).alias("b"), "id").applyInPandas(
        count, "b boolean, id double, n int, c string")) == [
        (False, 1.0, 2, "id,v,s"), (True, None, 1, "id,v,s"), (True, 2.0, 2, "id,v,s")]
    assert rows(words.groupBy("id", "id").applyInPandas(
        lambda key, pdf: pd.DataFrame({"n": [len(key)]}), "n int")) == [(2,), (2,), (2,)]


def test_no_keys_and_no_rows(words):
    assert rows(words.groupBy().applyInPandas(sums, "n int, v double")) == [(5, 21.0)]
    assert rows(words.filter("v > 100").groupBy().applyInPandas(sums, "n int, v double")) == []
    assert rows(words.filter("v > 100").groupBy("id").applyInPandas(sums, "n int, v double")) == []
    assert rows(words.groupBy("id").applyInPandas(lambda pdf: pd.DataFrame({"n": []}), "n int")) == []


def test_columns_by_name(words):
    made = words.groupBy("id").applyInPandas(lambda pdf: pd.DataFrame({"b": [1.5], "a": ["x"]}), "a string, b double")
    assert rows(made) == [("x", 1.5)] * 3
    twice = words.select("id", "v", "v").groupBy("id").applyInPandas(
        lambda pdf: pd.DataFrame({"n": [len(pdf.columns)]}), "n int")
    assert rows(twice) == [(3,), (3,), (3,)]


def test_nested_values(words):
    nested = words.select("id", F.struct("v", "s").alias("st"), F.array("v").alias("a"),
                          F.create_map("s", "v").alias("m"))
    schema = "id int, st struct<v:double,s:string>, a array<double>, m map<string,double>"
    given = sorted(rows(nested.groupBy("id").applyInPandas(lambda pdf: pdf, schema)), key=lambda row: row[1].s)
    assert given == sorted(rows(nested), key=lambda row: row[1].s)


def test_what_is_above(words):
    made = words.groupBy("id").applyInPandas(lambda pdf: pdf, words.schema)
    assert rows(made.select("s").filter("s > 'b'").orderBy(F.desc("s"))) == [("e",), ("d",), ("c",)]
    assert rows(made.groupBy("id").count().orderBy("id")) == [(None, 1), (1, 2), (2, 2)]
    assert made.alias("l").join(made.alias("r"), F.col("l.s") == F.col("r.s")).count() == 5


def test_zeros_and_nans(spark):
    floats = spark.sql("select * from values (0.0D), (-0.0D), (double('nan')), (double('nan')) as t(d)")
    made = floats.groupBy("d").applyInPandas(lambda pdf: pd.DataFrame({"n": [len(pdf)]}), "n int")
    assert rows(made) == [(2,), (2,)]


def test_order_of_groups(spark, conf):
    counted = spark.range(12).groupBy((F.col("id") % 6).alias("k")).applyInPandas(
        lambda key, pdf: pd.DataFrame([key + (len(pdf),)]), "k long, n int")
    assert rows(counted) == [(k, 2) for k in range(6)]
    conf("spark.sql.adaptive.enabled", "false")
    conf("spark.sql.shuffle.partitions", "4")
    assert rows(counted) == [(k, 2) for k in (2, 4, 5, 0, 1, 3)]


def test_arrow(words):
    def counted(table: pa.Table) -> pa.Table:
        return table.append_column("n", pa.array([table.num_rows] * table.num_rows))
    made = rows(words.groupBy("id").applyInArrow(counted, "id int, v double, s string, n long"))
    assert sorted(made, key=lambda row: row[2]) == [
        (1, 1.0, "a", 2), (1, 2.0, "b", 2), (2, 3.0, "c", 2), (2, 5.0, "d", 2), (None, 10.0, "e", 1)]
    keyed = words.groupBy("id").applyInArrow(
        lambda key, table: pa.table({"k": pa.array([key[0].as_py()], pa.int32()), "c": [",".join(table.column_names)]}),
        "k int, c string")
    assert rows(keyed) == [(None, "id,v,s"), (1, "id,v,s"), (2, "id,v,s")]


def arrow_sizes(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        yield pa.RecordBatch.from_pydict({"n": [batch.num_rows]})


def keyed_sizes(key: Tuple[pa.Scalar, ...], batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        yield pa.RecordBatch.from_pydict({"k": [key[0].as_py()], "n": [batch.num_rows]})


def pandas_sizes(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    for frame in frames:
        yield pd.DataFrame({"n": [len(frame)]})


def first_only(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    yield pd.DataFrame({"n": [len(next(frames))]})


def test_iterators(spark, conf):
    grouped = spark.range(10).groupBy((F.col("id") % 2).alias("k"))
    assert rows(grouped.applyInArrow(arrow_sizes, "n long")) == [(5,), (5,)]
    assert rows(grouped.applyInArrow(keyed_sizes, "k long, n long")) == [(0, 5), (1, 5)]
    assert rows(grouped.applyInPandas(pandas_sizes, "n long")) == [(5,), (5,)]
    conf("spark.sql.execution.arrow.maxRecordsPerBatch", "3")
    assert rows(grouped.applyInArrow(arrow_sizes, "n long")) == [(3,), (2,), (3,), (2,)]
    assert rows(grouped.applyInPandas(pandas_sizes, "n long")) == [(3,), (2,), (3,), (2,)]
    assert rows(grouped.applyInPandas(first_only, "n long")) == [(3,), (3,)]
    assert rows(grouped.applyInPandas(lambda pdf: pd.DataFrame({"n": [len(pdf)]}), "n long")) == [(5,), (5,)]


# ---- pairs

def test_pairs(words, others):
    pairs = words.groupBy("id").cogroup(others.groupBy("id"))
    made = pairs.applyInPandas(lambda left, right: pd.DataFrame(
        [(len(left), len(right), ",".join(left.columns), ",".join(right.columns), str(left.dtypes.tolist()))]),
        "l int, r int, lc string, rc string, d string")
    floats, ints = (f"[dtype('{kind}'), dtype('float64'), dtype('O')]" for kind in ("float64", "int32"))
    assert rows(made) == [(1, 1, "id,v,s", "id,w", floats), (2, 1, "id,v,s", "id,w", ints),
                          (2, 0, "id,v,s", "id,w", ints), (0, 2, "id,v,s", "id,w", ints)]


def sizes(key, left, right):
    return pd.DataFrame([(key[0], len(left), len(right))])


def test_pairs_with_keys(spark, words, others):
    schema = "k double, l int, r int"
    pairs = words.groupBy("id").cogroup(others.groupBy("id"))
    assert rows(pairs.applyInPandas(sizes, schema)) == [(None, 1, 1), (1.0, 2, 1), (2.0, 2, 0), (3.0, 0, 2)]
    doubled = words.groupBy((words.id * 2).alias("x")).cogroup(others.groupBy(others.id * 2))
    assert rows(doubled.applyInPandas(sizes, schema)) == [(None, 1, 1), (2.0, 2, 1), (4.0, 2, 0), (6.0, 0, 2)]
    itself = words.groupBy("id").cogroup(words.groupBy("id"))
    assert rows(itself.applyInPandas(sizes, schema)) == [(None, 1, 1), (1.0, 2, 2), (2.0, 2, 2)]
    longs = words.groupBy("id").cogroup(spark.range(3).groupBy("id"))
    assert rows(longs.applyInPandas(sizes, schema)) == [(None, 1, 0), (0.0, 0, 1), (1.0, 2, 1), (2.0, 2, 1)]
    whole = words.groupBy().cogroup(others.groupBy())
    assert rows(whole.applyInPandas(
        lambda left, right: pd.DataFrame([(len(left), len(right))]), "l int, r int")) == [(5, 4)]


def test_pairs_of_arrow_tables(words, others):
    def counted(key, left, right):
        return pa.table({"k": pa.array([key[0].as_py()], pa.int32()), "l": [left.num_rows], "r": [right.num_rows],
                         "c": [",".join(left.column_names + right.column_names)]})
    pairs = words.groupBy("id").cogroup(others.groupBy("id"))
    assert rows(pairs.applyInArrow(counted, "k int, l long, r long, c string")) == [
        (None, 1, 1, "id,v,s,id,w"), (1, 2, 1, "id,v,s,id,w"), (2, 2, 0, "id,v,s,id,w"), (3, 0, 2, "id,v,s,id,w")]


def test_pairs_in_pieces(spark, conf):
    """One side of a pair in several record batches."""
    conf("spark.sql.execution.arrow.maxRecordsPerBatch", "3")
    left, right = spark.range(20).withColumn("k", F.col("id") % 2), spark.range(7).withColumn("k", F.col("id") % 3)
    pairs = left.groupBy("k").cogroup(right.groupBy("k"))
    assert rows(pairs.applyInPandas(sizes, "k double, l int, r int")) == [(0.0, 10, 3), (1.0, 10, 2), (2.0, 0, 2)]


# ---- errors

@pytest.mark.parametrize("function, text", [
    (lambda pdf: 1 / 0, "ZeroDivisionError"),
    (lambda pdf: 1, "[UDF_RETURN_TYPE] Return type of the user-defined function should be pandas.DataFrame"),
    (lambda pdf: pdf[["id"]], "RESULT_COLUMN_NAMES_MISMATCH"),
    (lambda pdf: pd.DataFrame({"a": ["x"], "b": ["y"]}), "ArrowTypeError|ArrowInvalid|could not convert")])
def test_pandas_errors(words, function, text):
    with pytest.raises(PythonException) as raised:
        words.groupBy("id").applyInPandas(function, "a string, b double").collect()
    assert any(part in str(raised.value) for part in text.split("|"))


def test_arrow_errors(words):
    with pytest.raises(PythonException, match="RESULT_COLUMN"):
        words.groupBy("id").applyInArrow(lambda table: pa.table({"k": ["x"]}), "l string").collect()


def test_refused(words, others):
    with pytest.raises(AnalysisException) as raised:
        words.groupBy("nope").applyInPandas(sums, "n int").collect()
    assert raised.value.getCondition() == "UNRESOLVED_COLUMN.WITH_SUGGESTION"
    with pytest.raises(IllegalArgumentException):
        words.groupBy("id", "s").cogroup(others.groupBy("id")).applyInPandas(sizes, "k int").collect()


# ---- many groups, much data, and their end

def test_many_groups(spark):
    """More than one cut of sorted rows, groups across blocks, and groups of one row."""
    numbers = spark.range(150000).withColumn("k", F.expr("if(id < 100000, id % 300, id)"))
    made = numbers.filter("id < 100300").groupBy("k").applyInArrow(
        lambda key, table: pa.table({"k": [key[0].as_py()], "n": [table.num_rows],
                                     "s": [sum(table.column("id").to_pylist())]}), "k long, n long, s long")
    wanted = numbers.filter("id < 100300").groupBy("k").agg(F.count("*").alias("n"), F.sum("id").alias("s"))
    assert made.exceptAll(wanted).count() == 0
    assert made.count() == 600


def test_large_group(spark):
    made = spark.range(300000).groupBy().applyInPandas(
        lambda pdf: pd.DataFrame({"n": [len(pdf)], "s": [pdf.id.sum()]}), "n long, s long")
    assert rows(made) == [(300000, 300000 * 299999 // 2)]


def test_sorted_on_disk(spark, conf):
    """Every morsel goes to disk before it is sorted together; groups go over blocks that come from there."""
    conf("vonk.test.forceSpill", "true")
    numbers = spark.range(20000).withColumn("k", F.col("id") % 7)
    made = numbers.groupBy("k").applyInPandas(
        lambda key, pdf: pd.DataFrame({"k": [key[0]], "n": [len(pdf)], "s": [pdf.id.sum()]}), "k long, n long, s long")
    assert rows(made) == [(k, len(range(k, 20000, 7)), sum(range(k, 20000, 7))) for k in range(7)]
    left, right = numbers.filter("k < 3"), numbers.filter("k > 1")
    assert rows(left.groupBy("k").cogroup(right.groupBy("k")).applyInPandas(sizes, "k double, l int, r int")) == [
        (float(k), len(range(k, 20000, 7)) if k < 3 else 0, len(range(k, 20000, 7)) if k > 1 else 0) for k in range(7)]


def test_limit_ends_it_early(spark):
    def slow(key, pdf):
        time.sleep(0.05)
        return pd.DataFrame({"k": [key[0]] * 1000})    # some fill what the worker holds back
    started = time.monotonic()
    assert len(spark.range(2000).groupBy("id").applyInPandas(slow, "k long").take(1)) == 1
    assert time.monotonic() - started < 25             # all take 50 seconds on two cores


def test_cancel(spark):
    def endless(pdf):
        while True:
            time.sleep(0.1)
    raised = []

    def run():
        try:
            spark.range(10).groupBy("id").applyInPandas(endless, "k long").collect()
        except Exception as e:  # noqa: BLE001  what it is is looked at below
            raised.append(e)
    thread = threading.Thread(target=run)
    thread.start()
    for _ in range(100):
        time.sleep(0.3)
        if spark.interruptAll() and not thread.is_alive():
            break
        thread.join(0.2)
        if not thread.is_alive():
            break
    thread.join(30)
    assert not thread.is_alive() and len(raised) == 1
    assert "OPERATION_CANCELED" in str(raised[0])


def test_a_worker_dies_in_the_middle_of_a_group(spark):
    def die(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for i, frame in enumerate(frames):
            if i == 1:
                os.kill(os.getpid(), signal.SIGKILL)
            yield frame[["id"]]
    many = spark.range(100000).groupBy(F.lit("one").alias("k"))
    with pytest.raises(SparkConnectGrpcException, match="exited unexpectedly|crashed|ended") as raised:
        many.applyInPandas(die, "id long").collect()
    assert not isinstance(raised.value, PythonException)
    assert rows(spark.range(4).groupBy().applyInPandas(
        lambda pdf: pd.DataFrame({"n": [len(pdf)]}), "n int")) == [(4,)]
