"""The 22 TPC-H queries at scale factor 0.01, as SQL and as DataFrames: names, types, rows and order as real Spark."""
import answers
import dataframe
import pytest

NUMBERS = range(1, 23)


@pytest.fixture(scope="module")
def tables(spark, tpch_folder):
    loaded = dataframe.load(spark, tpch_folder)
    for name, table in loaded.items():
        table.createOrReplaceTempView(name)
    return loaded


@pytest.mark.parametrize("number", NUMBERS)
def test_sql(spark, tables, number):
    assert answers.difference(number, spark.sql(answers.sql_of(number))) is None


@pytest.mark.parametrize("number", NUMBERS)
def test_dataframe(tables, number):
    assert answers.difference(number, dataframe.QUERIES[number - 1](tables)) is None
