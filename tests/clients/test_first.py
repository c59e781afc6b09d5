"""The walking skeleton: rows, a SQL text and an error travel through the whole stack of an unmodified client."""
import pytest
from pyspark.errors import AnalysisException, ArithmeticException, ParseException
from pyspark.sql import Row


def test_version(spark):
    assert spark.version.startswith("4.3.0")


def test_range(spark):
    assert spark.range(1).collect() == [Row(id=0)]
    assert spark.range(5, 0, -2).collect() == [Row(id=5), Row(id=3), Row(id=1)]


def test_select(spark):
    df = spark.sql("select 1, 'a' as b, null as c")
    assert df.columns == ["1", "b", "c"]
    assert [f.dataType.simpleString() for f in df.schema.fields] == ["int", "string", "void"]
    assert df.collect() == [Row(**{"1": 1, "b": "a", "c": None})]


@pytest.mark.parametrize("text, error, condition, state", [
    ("select 1 / 0", ArithmeticException, "DIVIDE_BY_ZERO", "22012"),
    ("select nothing", AnalysisException, "UNRESOLVED_COLUMN.WITHOUT_SUGGESTION", "42703"),
    ("select (1", ParseException, "PARSE_SYNTAX_ERROR", "42601"),
    ("select 2147483647 + 1", ArithmeticException, "ARITHMETIC_OVERFLOW", "22003"),
])
def test_error(spark, text, error, condition, state):
    with pytest.raises(error) as raised:
        spark.sql(text).collect()
    assert raised.value.getCondition() == condition
    assert raised.value.getSqlState() == state


def test_session_lives_after_errors(spark):
    for _ in range(3):
        with pytest.raises(ArithmeticException):
            spark.sql("select 1 / 0").collect()
    assert spark.sql("select 2").collect() == [Row(**{"2": 2})]
