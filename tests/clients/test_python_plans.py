"""Functions written in Python, as far as plans go: names, types and errors of what is not run. Each expectation is what
Spark 4.3.0 answers (VONK_REMOTE asks it)."""
import pandas as pd
import pytest
from pyspark.errors import AnalysisException
from pyspark.sql import functions as F


@pytest.fixture
def length():
    def length(s):
        return len(s)
    return F.udf(length, "int")


@pytest.fixture
def pair():
    def pair(a, b):
        return a, b
    return F.udf(pair, "struct<a:int,b:string>", useArrow=True)


@pytest.fixture
def mean():
    def mean(v: pd.Series) -> float:
        return v.mean()
    return F.pandas_udf(mean, "double")


@pytest.fixture
def words(spark):
    return spark.createDataFrame([("one", 1), ("three", 3)], "w string, n int")


def shape(frame):
    return [(field.name, field.dataType.simpleString(), field.nullable) for field in frame.schema.fields]


def test_names_and_types(words, length, pair):
    frame = words.select(length("w"), length(words.w) + 1, pair("n", "w"), pair(b="w", a=words.n).alias("p"),
                         length(F.upper("w")), length(length("w").cast("string")))
    assert shape(frame) == [
        ("length(w)", "int", True), ("(length(w) + 1)", "int", True), ("pair(n, w)", "struct<a:int,b:string>", True),
        ("p", "struct<a:int,b:string>", True), ("length(upper(w))", "int", True),
        ("length(cast(length(w) as string))", "int", True)]
    assert shape(words.select(pair("n", b="w"))) == [("pair(n, b => w)", "struct<a:int,b:string>", True)]


def test_where_they_may_stand(words, length, mean):
    assert shape(words.filter(length("w") > 3)) == shape(words)
    assert shape(words.groupBy(length("w").alias("k")).count()) == [("k", "int", True), ("count", "bigint", False)]
    assert shape(words.groupBy().agg(length(F.max("w")))) == [("length(max(w))", "int", True)]
    assert shape(words.groupBy("w").agg(mean("n"))) == [("w", "string", True), ("mean(n)", "double", True)]
    assert shape(words.sort(length("w"))) == shape(words)
    other = words.withColumnRenamed("w", "x").drop("n")
    assert shape(words.join(other, length("w") == length("x"))) == shape(words) + [("x", "string", True)]


def test_rows_over_partitions(words):
    made = words.mapInArrow(lambda batches: batches, "a int, b array<string>")
    assert shape(made) == [("a", "int", True), ("b", "array<string>", True)]
    twice = made.alias("l").join(made.alias("r"), F.col("l.a") == F.col("r.a"))
    assert shape(twice.select("l.a", "r.b")) == shape(made)
    assert shape(words.mapInPandas(lambda frames: frames, words.schema)) == shape(words)


def test_wrong_places(words, length):
    other = words.withColumnRenamed("w", "x")
    both = F.udf(lambda a, b: a == b, "boolean")
    with pytest.raises(AnalysisException) as raised:
        words.join(other, both("w", "x"), "left").collect()
    assert raised.value.getCondition() == "UNSUPPORTED_FEATURE.PYTHON_UDF_IN_ON_CLAUSE"
    with pytest.raises(AnalysisException) as raised:
        _ = words.select(length("nothing")).schema
    assert raised.value.getCondition() == "UNRESOLVED_COLUMN.WITH_SUGGESTION"
