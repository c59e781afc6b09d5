"""Aggregate functions of Python: over groups and in windows. Each expectation is what Spark 4.3.0 answers (VONK_REMOTE
asks it)."""
import sys
from typing import Iterator, Tuple

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyspark import cloudpickle
from pyspark.errors import AnalysisException, PythonException
from pyspark.errors.exceptions.connect import SparkException
from pyspark.sql import Window
from pyspark.sql import functions as F

cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers cannot import it


def over_pandas(series: pd.Series) -> float:
    return series.mean()


def most(series: pd.Series) -> float:
    return series.max()


def weighted(v: pd.Series, w: pd.Series) -> float:
    return (v * w).sum()


def over_arrow(values: pa.Array) -> float:
    return pc.mean(values)


def over_batches(batches: Iterator[pd.Series]) -> float:
    total, n = 0.0, 0
    for batch in batches:
        total += batch.sum()
        n += len(batch)
    return total / n


def pairs_of_batches(batches: Iterator[Tuple[pa.Array, pa.Array]]) -> float:
    return float(sum(pc.sum(pc.multiply(a, b)).as_py() for a, b in batches))


@pytest.fixture
def fns(spark):
    """Made when there is a session."""
    class Functions:
        mean, top = F.pandas_udf(over_pandas, "double"), F.pandas_udf(most, "double")
        weigh, arrow = F.pandas_udf(weighted, "double"), F.arrow_udf(over_arrow, "double")
        batches, pairs = F.pandas_udf(over_batches, "double"), F.arrow_udf(pairs_of_batches, "double")
        plus = F.udf(lambda x: x + 1, "int")
    return Functions


@pytest.fixture
def words(spark):
    rows = [(1, 1.0, "a"), (1, 2.0, "b"), (2, 3.0, "c"), (2, 5.0, "d"), (None, 10.0, "e")]
    return spark.createDataFrame(rows, "id int, v double, s string")


def rows(frame):
    return [tuple(row) for row in frame.collect()]


# ---- over groups

def test_aggregates(words, fns):
    made = words.groupBy("id").agg(fns.mean("v"), fns.top("v").alias("m"))
    assert made.columns == ["id", "over_pandas(v)", "m"]
    assert rows(made) == [(None, 10.0, 10.0), (1, 1.5, 2.0), (2, 4.0, 5.0)]
    assert rows(words.groupBy("id").agg(fns.arrow("v"))) == [(None, 10.0), (1, 1.5), (2, 4.0)]
    assert rows(words.groupBy("id").agg(fns.batches("v"))) == [(None, 10.0), (1, 1.5), (2, 4.0)]
    assert rows(words.groupBy("id").agg(fns.pairs("v", "v"))) == [(None, 100.0), (1, 5.0), (2, 34.0)]
    assert rows(words.groupBy("id").agg(fns.batches("v"), fns.batches("v").alias("b"))) == [
        (None, 10.0, 10.0), (1, 1.5, 1.5), (2, 4.0, 4.0)]


def test_expressions_around_them(words, fns):
    made = words.groupBy((words.id + 1).alias("k")).agg(fns.mean(words.v * 2) + 1, F.upper(F.lit("x")))
    assert made.columns == ["k", "(over_pandas((v * 2)) + 1)", "upper(x)"]
    assert rows(made) == [(None, 21.0, "X"), (2, 4.0, "X"), (3, 9.0, "X")]
    named = words.groupBy("id").agg(fns.weigh(w="v", v=F.col("v") + 1))
    assert named.columns == ["id", "weighted(w => v, v => (v + 1))"]
    assert rows(named) == [(None, 110.0), (1, 8.0), (2, 42.0)]
    assert rows(words.groupBy("id").agg(fns.plus(fns.mean("v").cast("int")))) == [(None, 11), (1, 2), (2, 5)]
    present = words.filter("id > 0").groupBy("id")
    assert rows(present.agg(fns.mean(fns.plus("id").cast("double")))) == [(1, 2.0), (2, 3.0)]
    assert rows(words.groupBy(fns.plus(F.coalesce("id", F.lit(0))).alias("k")).agg(fns.mean("v"))) == [
        (1, 10.0), (2, 1.5), (3, 4.0)]
    assert rows(words.groupBy("id").agg(fns.mean("v").alias("m")).filter("m > 2")) == [(None, 10.0), (2, 4.0)]


def test_without_keys_and_rows(words, fns):
    assert rows(words.agg(fns.mean("v"))) == [(4.2,)]
    assert rows(words.select(fns.mean("v"))) == [(4.2,)]
    assert rows(words.filter("v > 100").agg(fns.mean("v"))) == []
    assert rows(words.filter("v > 100").groupBy("id").agg(fns.mean("v"))) == []
    assert rows(words.rollup("id").agg(fns.mean("v"))) == [(None, 10.0), (None, 4.2), (1, 1.5), (2, 4.0)]


def test_types_of_results(words):
    lists = F.pandas_udf(lambda s: sorted(s.tolist()), "array<double>", F.PandasUDFType.GROUPED_AGG)
    assert rows(words.groupBy("id").agg(lists("v"))) == [(None, [10.0]), (1, [1.0, 2.0]), (2, [3.0, 5.0])]
    texts = F.pandas_udf(lambda s: None if len(s) == 1 else "".join(sorted(s)), "string", F.PandasUDFType.GROUPED_AGG)
    assert rows(words.groupBy("id").agg(texts("s"))) == [(None, None), (1, "ab"), (2, "cd")]


def test_many_groups(spark, fns):
    numbers = spark.range(70000).select((F.col("id") % 1000).alias("k"), F.col("id").cast("double").alias("v"))
    made = numbers.groupBy("k").agg(fns.top("v").alias("m"), fns.mean("v").alias("a"))
    wanted = numbers.groupBy("k").agg(F.max("v").alias("m"), F.avg("v").alias("a"))
    assert made.exceptAll(wanted).count() == 0 and made.count() == 1000


def test_what_is_refused(words, fns):
    grouped = words.groupBy("id")
    for error, condition, ask in [
            (AnalysisException, "INVALID_PANDAS_UDF_PLACEMENT", lambda: grouped.agg(fns.mean("v"), F.sum("v"))),
            (SparkException, "INTERNAL_ERROR", lambda: grouped.agg(fns.mean("v"), fns.arrow("v"))),
            (SparkException, "INTERNAL_ERROR", lambda: grouped.agg(fns.mean("v"), fns.batches("v"))),
            (AnalysisException, "MISSING_GROUP_BY", lambda: words.select("id", fns.mean("v"))),
            (AnalysisException, "NESTED_AGGREGATE_FUNCTION", lambda: grouped.agg(fns.mean(fns.mean("v")))),
            (AnalysisException, "NESTED_AGGREGATE_FUNCTION", lambda: grouped.agg(F.count_distinct(fns.mean("v")))),
            (AnalysisException, "INVALID_WHERE_CONDITION", lambda: words.filter(fns.mean("v") > 1)),
            (AnalysisException, "UNSUPPORTED_FEATURE.PANDAS_UDAF_IN_PIVOT",
             lambda: grouped.pivot("s", ["a", "b"]).agg(fns.mean("v")))]:
        with pytest.raises(error) as raised:
            ask().collect()
        assert raised.value.getCondition() == condition
    with pytest.raises(PythonException):  # one iterator cannot be read twice
        grouped.agg(fns.batches("v"), fns.batches(words.v + 1)).collect()
    with pytest.raises(PythonException, match="ZeroDivisionError"):
        grouped.agg(F.pandas_udf(lambda s: 1 / 0, "double", F.PandasUDFType.GROUPED_AGG)("v")).collect()


# ---- in windows

def test_whole_windows(words, fns):
    whole = Window.partitionBy("id")
    made = words.select("id", fns.mean("v").over(whole), F.sum("v").over(whole))
    assert made.columns[1] == \
        "over_pandas(v) OVER (PARTITION BY id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)"
    assert rows(made) == [(None, 10.0, 10.0), (1, 1.5, 3.0), (1, 1.5, 3.0), (2, 4.0, 8.0), (2, 4.0, 8.0)]
    assert sorted(rows(words.select("s", fns.mean("v").over(Window.partitionBy())))) == [(s, 4.2) for s in "abcde"]
    assert sorted(rows(words.select("s", fns.arrow("v").over(whole))))[:2] == [("a", 1.5), ("b", 1.5)]


def test_frames(words, fns):
    ordered = Window.partitionBy("id").orderBy("v")
    for window, wanted in [(ordered, [10.0, 1.0, 1.5, 3.0, 4.0]),
                           (ordered.rowsBetween(-1, 0), [10.0, 1.0, 1.5, 3.0, 4.0]),
                           (ordered.rowsBetween(0, Window.unboundedFollowing), [10.0, 1.5, 2.0, 4.0, 5.0]),
                           (ordered.rangeBetween(-1, 1), [10.0, 1.5, 1.5, 3.0, 5.0]),
                           (ordered.rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing),
                            [10.0, 1.5, 1.5, 4.0, 4.0])]:
        assert rows(words.select(fns.mean("v").over(window))) == [(v,) for v in wanted]
        assert rows(words.select(fns.arrow("v").over(window))) == [(v,) for v in wanted]
    mixed = words.select("id", fns.mean("v").over(ordered.rowsBetween(-1, 0)),
                         fns.top("v").over(Window.partitionBy("id")), fns.top("v").over(ordered))
    assert rows(mixed) == [(None, 10.0, 10.0, 10.0), (1, 1.0, 2.0, 1.0), (1, 1.5, 2.0, 2.0), (2, 3.0, 5.0, 3.0),
                           (2, 4.0, 5.0, 5.0)]
    everything = words.select("id", fns.mean("v").over(Window.orderBy("v")))
    assert rows(everything) == [(1, 1.0), (1, 1.5), (2, 2.0), (2, 2.75), (None, 4.2)]
    named = words.select(fns.weigh(w="v", v=F.col("v") + 1).over(ordered))
    assert rows(named) == [(110.0,), (2.0,), (8.0,), (12.0,), (42.0,)]


def test_windows_over_many_rows(spark, fns):
    numbers = spark.range(30000).select((F.col("id") % 7).alias("k"), F.col("id").cast("double").alias("v"))
    frame = Window.partitionBy("k").orderBy("v").rowsBetween(-2, 2)
    made = numbers.select("k", "v", fns.mean("v").over(frame).alias("m"), fns.top("v").over(Window.partitionBy("k")))
    wanted = numbers.select("k", "v", F.avg("v").over(frame), F.max("v").over(Window.partitionBy("k")))
    assert made.exceptAll(wanted).count() == 0 and made.count() == 30000


def test_windows_refused(words, fns):
    whole = Window.partitionBy("id")
    for error, condition, window in [
            (SparkException, "INTERNAL_ERROR", lambda: fns.batches("v").over(whole)),
            (AnalysisException, "UNSUPPORTED_EXPR_FOR_WINDOW", lambda: fns.plus("id").over(whole))]:
        with pytest.raises(error) as raised:
            words.select("id", window()).collect()
        assert raised.value.getCondition() == condition
    with pytest.raises(SparkException) as raised:
        words.select(fns.mean("v").over(whole), fns.arrow("v").over(whole)).collect()
    assert raised.value.getCondition() == "INTERNAL_ERROR"
