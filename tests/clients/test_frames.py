"""What only the DataFrame API says: names, observed metrics, shapes, statistics, catalog lists. As on real Spark."""
import os
from decimal import Decimal

import pytest
from pyspark.errors import AnalysisException, IllegalArgumentException, PySparkException, SparkRuntimeException
from pyspark.sql import Row
from pyspark.sql import functions as sf
from pyspark.sql.types import StringType, StructField, StructType


def condition_of(run):
    with pytest.raises(AnalysisException) as raised:
        run()
    return raised.value.getCondition()


def test_names_are_not_sql(spark):
    frame = spark.createDataFrame([(1, 2)], ["max(age)", "a.b"])
    assert frame.select("max(age)").columns == ["max(age)"]
    assert frame.select("`a.b`").collect() == [Row(**{"a.b": 2})]
    assert condition_of(lambda: frame.select("a..b").collect()) == "INVALID_ATTRIBUTE_NAME_SYNTAX"
    assert condition_of(lambda: frame.select("`a").collect()) == "INVALID_ATTRIBUTE_NAME_SYNTAX"
    assert condition_of(lambda: frame.select("a`b`").collect()) == "INVALID_ATTRIBUTE_NAME_SYNTAX"


def test_col_regex(spark):
    frame = spark.createDataFrame([(1, 2, 3)], ["col1", "col2", "other"])
    assert frame.select(frame.colRegex("`col[0-9]`")).columns == ["col1", "col2"]
    assert frame.select(frame.colRegex("`COL[0-9]`")).columns == ["col1", "col2"]
    assert frame.select(frame.colRegex("`(col1)?+.+`")).columns == ["col2", "other"]
    assert frame.select(frame.colRegex("other")).columns == ["other"]


def test_aggregates_by_name(spark):
    frame = spark.createDataFrame([("a", 1), ("a", 2), ("b", 3)], ["name", "age"])
    counted = frame.groupBy("name").agg({"*": "count", "age": "max"}).sort("max(age)")
    assert set(counted.columns) == {"name", "count(1)", "max(age)"}
    assert [row["count(1)"] for row in counted.collect()] == [2, 1]


def test_observed_metrics(spark):
    from pyspark.sql import Observation
    frame = spark.createDataFrame([(1, 2.5, "a"), (4, 0.5, "b"), (None, None, None)], ["i", "d", "s"])
    for action in [lambda f: f.collect(), lambda f: f.count(), lambda f: f.show()]:
        seen = Observation("seen")
        action(frame.observe(seen, sf.count(sf.lit(1)).alias("n"), sf.max("i").alias("most"),
                             sf.min("s").alias("first"), sf.sum("d").alias("sum"),
                             sf.max(sf.lit(None).cast("int")).alias("none")))
        assert seen.get == {"n": 3, "most": 4, "first": "a", "sum": 3.0, "none": None}


def test_transpose(spark):
    frame = spark.createDataFrame([("y", 3, 4), ("x", 1, 2), (None, 5, 6)], ["k", "a", "b"])
    turned = frame.transpose()
    assert turned.columns == ["key", "x", "y"]
    assert turned.collect() == [Row(key="a", x=1, y=3), Row(key="b", x=2, y=4)]
    assert [f.nullable for f in turned.schema] == [False, True, True]
    mixed = spark.createDataFrame([("y", 3, [4])], ["k", "a", "b"])
    assert condition_of(lambda: mixed.transpose().collect()) == "TRANSPOSE_NO_LEAST_COMMON_TYPE"
    assert condition_of(lambda: mixed.transpose("b").collect()) == "TRANSPOSE_INVALID_INDEX_COLUMN"


def test_crosstab_and_unpivot(spark):
    frame = spark.createDataFrame([(1, "x"), (1, "x"), (2, "y"), (None, "y")], ["a", "b"])
    table = frame.crosstab("a", "b").sort("a_b")
    assert table.columns == ["a_b", "x", "y"]
    assert [tuple(row) for row in table.collect()] == [("1", 2, 0), ("2", 0, 1), ("null", 0, 1)]
    wide = spark.createDataFrame([("k", 1, 2)], ["id", "p", "q"])
    assert wide.unpivot("id", ["p", "q"], "var", "val").collect() == [Row(id="k", var="p", val=1),
                                                                      Row(id="k", var="q", val=2)]


def test_random_split_is_whole(spark):
    frame = spark.range(1000)
    parts = frame.randomSplit([1.0, 2.0, 3.0], seed=7)
    ids = sorted(row.id for part in parts for row in part.collect())
    assert ids == list(range(1000))
    assert [part.count() for part in parts] == [part.count() for part in frame.randomSplit([1.0, 2.0, 3.0], seed=7)]


def test_drop_of_an_ambiguous_name(spark):
    pairs = spark.range(2).crossJoin(spark.range(2))
    assert condition_of(lambda: pairs.drop(sf.col("id")).collect()) == "AMBIGUOUS_REFERENCE"
    assert spark.range(2).drop(sf.col("nothing")).columns == ["id"]


def test_schema_texts(spark):
    assert spark.createDataFrame([("a", 1)], "name: string, age: int").dtypes == [("name", "string"), ("age", "int")]
    assert spark.createDataFrame([("a", 1)], "name string, age int").dtypes == [("name", "string"), ("age", "int")]


def test_explain(spark, capsys):
    spark.range(4).explain(mode="cost")
    assert "Statistics(sizeInBytes=" in capsys.readouterr().out
    kept = spark.range(4).cache()
    try:
        kept.count()
        kept.explain()
        assert "InMemoryTableScan" in capsys.readouterr().out
    finally:
        kept.unpersist()


def test_catalog_lists(spark):
    spark.range(1).createOrReplaceTempView("a_view")
    spark.range(1).createOrReplaceGlobalTempView("a_global_view")
    try:
        names = {t.name: t for t in spark.catalog.listTables()}
        assert names["a_view"].isTemporary and names["a_view"].tableType == "TEMPORARY"
        assert spark.catalog.getTable("a_view").name == "a_view"
        assert spark.catalog.getTable("global_temp.a_global_view").namespace == ["global_temp"]
        columns = spark.catalog.listColumns("a_view")
        assert [(c.name, c.dataType, c.nullable) for c in columns] == [("id", "bigint", False)]
        assert not spark.catalog.isCached("a_view")
        spark.catalog.cacheTable("a_view")
        assert spark.catalog.isCached("a_view")
        spark.catalog.uncacheTable("a_view")
        assert [d.name for d in spark.catalog.listDatabases("def*")] == ["default"]
        assert spark.catalog.getDatabase("default").catalog == "spark_catalog"
        assert spark.catalog.databaseExists("default") and not spark.catalog.databaseExists("nowhere")
        assert [c.name for c in spark.catalog.listCatalogs()] == ["spark_catalog"]
        assert any(f.name == "abs" for f in spark.catalog.listFunctions())
        assert spark.catalog.getFunction("abs").isTemporary
        assert condition_of(lambda: spark.catalog.getTable("nowhere")) == "TABLE_OR_VIEW_NOT_FOUND"
        assert condition_of(lambda: spark.catalog.getDatabase("nowhere")) == "SCHEMA_NOT_FOUND"
        assert condition_of(lambda: spark.catalog.listTables("nowhere")) == "SCHEMA_NOT_FOUND"
        assert condition_of(lambda: spark.catalog.getFunction("nowhere")) == "UNRESOLVED_ROUTINE"
    finally:
        spark.catalog.dropTempView("a_view")
        spark.catalog.dropGlobalTempView("a_global_view")


def test_rows_with_enough_values(spark):
    frame = spark.sql("SELECT * FROM VALUES (1, 'a'), (2, NULL), (CAST(NULL AS INT), NULL) AS t(n, s)")
    assert [frame.dropna(thresh=least).count() for least in (0, 1, 2, 3)] == [3, 2, 1, 0]


def test_unknown_names_and_shapes(spark):
    frame = spark.range(3)
    for run in [lambda: frame.stat.cov("zz", "id"), lambda: frame.crosstab("zz", "id").collect(),
                lambda: frame.replace(1, 2, subset=["zz"]).collect(), lambda: frame.dropna(subset=["zz"]).collect(),
                lambda: frame.describe("zz").collect(), lambda: frame.transpose("zz").collect()]:
        assert condition_of(run) == "UNRESOLVED_COLUMN.WITH_SUGGESTION"
    assert condition_of(lambda: frame.dropDuplicates(["zz"]).collect()) == "UNRESOLVED_COLUMN_AMONG_FIELD_NAMES"
    assert condition_of(lambda: frame.toDF("a", "b").collect()) == "ASSIGNMENT_ARITY_MISMATCH"
    with pytest.raises(AnalysisException) as raised:
        frame.select(sf.col("id").alias("a", "b")).collect()
    assert raised.value.getMessageParameters() == {"expr": '"id"', "names": "a, b"}
    with pytest.raises(IllegalArgumentException) as unknown:
        frame.summary("count", "zz").collect()
    assert unknown.value.getCondition() == "UNRECOGNIZED_STATISTIC"


def test_described_columns_go_by_their_names(spark):
    nested = spark.sql("SELECT named_struct('b', 2) AS a")
    assert spark.range(3).describe("ID").columns == ["summary", "ID"]
    assert nested.describe("a.b").select("b").first() == Row(b="1")
    assert nested.describe("a").columns == ["summary"]
    assert spark.sql("SELECT 1 AS id, current_date() AS d, current_date() AS D").describe().columns == ["summary", "id"]
    for query in ["SELECT 1 AS id, 2 AS ID", "SELECT 1 AS id, DATE'2020-01-01' AS id"]:
        for run in [lambda: spark.sql(query).describe(), lambda: spark.sql(query).summary("count")]:
            assert condition_of(lambda: run().collect()) == "AMBIGUOUS_REFERENCE"
    assert condition_of(lambda: spark.range(3).describe("id", "ID").collect()) == "AMBIGUOUS_REFERENCE"


def plain_refusal(run):
    """What Scala's require() raises has neither a condition nor an SQLSTATE."""
    with pytest.raises(IllegalArgumentException) as raised:
        run()
    return raised.value.getCondition() is None and raised.value.getSqlState() is None


def test_percentiles_of_a_summary(spark):
    frame = spark.range(1000)
    shares = {"12.5%": "124", "99.9%": "999", "1e1%": "99", " 5 %": "49", "+5d%": "49", "0x1p3%": "79", "-0%": "0"}
    assert {r.summary: r.id for r in frame.summary(*shares).collect()} == shares
    for text in ["%", "abc%", "5%%", "1_0%", "0x10%"]:
        with pytest.raises(IllegalArgumentException) as raised:
            frame.summary("150%", text).schema
        assert raised.value.getCondition() == "UNRECOGNIZED_STATISTIC"
    for text in ["150%", "-5%", "NaN%", "100.0000001%"]:
        assert plain_refusal(lambda: frame.summary("nothing", text).schema)


def test_quantiles_of_what_is_a_number(spark):
    def quantiles(values):
        return spark.sql(f"SELECT * FROM VALUES {values} AS t(x)").approxQuantile("x", [0.0, 0.5], 0.0)

    assert quantiles("(double('NaN')), (1D), (NULL), (3D)") == [1.0, 1.0]
    assert quantiles("(1.50), (NULL), (2.50)") == [1.5, 1.5]
    assert quantiles("(double('NaN'))") == quantiles("(CAST(NULL AS INT))") == []
    assert spark.sql("SELECT 1 AS `a.b`").approxQuantile("`a.b`", [0.5], 0.0) == [1.0]
    for values in ["('1')", "(true)", "(NULL)", "(DATE'2020-01-01')", "(TIMESTAMP'2020-01-01 00:00:00')"]:
        assert plain_refusal(lambda: quantiles(values))
    assert plain_refusal(lambda: spark.range(3).approxQuantile("id", [float("nan")], 0.0))
    assert plain_refusal(lambda: spark.range(3).approxQuantile("id", [0.5], float("nan")))


@pytest.mark.skipif("VONK_REMOTE" in os.environ, reason="Spark ends in a NullPointerException")
def test_no_quantiles_asked_for(spark):
    assert spark.range(3).approxQuantile(["id", "id"], [], 0.0) == [[], []]


def test_a_null_counts_as_zero_in_cov_and_corr(spark):
    frame = spark.sql("SELECT * FROM VALUES (1, 2D), (NULL, 3D), (4, NULL), (5, 7D) AS t(x, y)")
    assert frame.cov("x", "y") == pytest.approx(7 / 3)
    assert frame.corr("x", "y") == pytest.approx(0.3329560459081458)
    for pair in ["('1', 2)", "(true, 2)", "(NULL, 2)", "(DATE'2020-01-01', 2)"]:
        odd = spark.sql(f"SELECT * FROM VALUES {pair} AS t(x, y)")
        assert plain_refusal(lambda: odd.cov("y", "x")) and plain_refusal(lambda: odd.corr("x", "y"))


def test_frequent_items(spark):
    def items(values, support):
        frame = spark.sql(f"SELECT * FROM VALUES {values} AS t(x)").coalesce(1)
        return frame.freqItems(["x"], support).first()[0]

    numbers = "(1), (1), (2), (3), (1), (4), (5), (1)"
    assert [items(numbers, s) for s in (0.01, 0.25, 0.5, 1.0)] == [[1, 2, 3, 4, 5], [1], [1], []]
    texts = "('a'), ('b'), (NULL), (NULL), ('b')"
    assert [items(texts, s) for s in (0.25, 0.4, 1.0)] == [[None, "a", "b"], [None, "b"], [None]]
    doubles = "(1.5D), (double('NaN')), (double('NaN')), (0D), (-0D), (1.5D)"
    assert str(items(doubles, 0.01)) == "[0.0, 1.5, nan, nan]"
    assert items(doubles, 0.4) == [0.0, 1.5]
    assert len(items("(X'01'), (X'01')", 0.1)) == 2
    many = spark.range(0, 200, 1, 1).selectExpr("id % 23 AS x", "CAST(id % 7 AS INT) AS y").freqItems(["x", "y"], 0.05)
    assert many.first() == Row(x_freqItems=list(range(5, 16)), y_freqItems=list(range(7)))
    texts = spark.range(0, 200, 1, 1).selectExpr("concat('k', id % 23) AS x").freqItems(["x"], 0.05).first()[0]
    assert sorted(texts) == sorted(f"k{i}" for i in range(5, 16))
    assert spark.sql("SELECT named_struct('a', 1) AS s").freqItems(["s.a"]).columns == ["s.a_freqItems"]
    assert [tuple(r) for r in spark.range(3).freqItems([]).collect()] == [(), (), ()]
    for support in (1e-5, 1.1, -1.0, float("nan")):
        assert plain_refusal(lambda: spark.range(3).freqItems(["id"], support).schema)


def test_frequent_items_of_many_partitions(spark):
    frame = spark.range(0, 10000, 1, 8).selectExpr("IF(id % 3 = 0, 'often', concat('once ', id)) AS x")
    assert "often" in frame.freqItems(["x"], 0.3).first()[0]


def test_shares_of_samples(spark):
    frame = spark.range(0, 20, 1, 1)
    assert frame.sample(1.0000001).count() == 20
    for run in [lambda: frame.sample(1.5).schema, lambda: frame.sample(-0.5).schema,
                lambda: frame.sample(True, -0.5).schema, lambda: frame.sample(float("nan")).schema,
                lambda: frame.randomSplit([float("nan"), 1.0])[0].schema,
                lambda: frame.sampleBy("id", {0: 1.5}).schema, lambda: frame.sampleBy("id", {0: -0.1}).schema,
                lambda: frame.sampleBy("id", {0: float("nan")}).schema]:
        assert plain_refusal(run)
    assert frame.sampleBy("id", {"1": 1.0}).count() == 0
    assert frame.selectExpr("CAST(id AS STRING) AS t").sampleBy("t", {1: 1.0}).count() == 0
    assert [r.id for r in frame.sampleBy("id", {1.0: 1.0, 3: 1.0}).collect()] == [1, 3]


def test_crosstab_of_odd_columns(spark):
    frame = spark.sql("SELECT * FROM VALUES (1, 'a.b'), (NULL, '`c`'), (1, NULL) AS t(x, `y.z`)")
    table = frame.crosstab("x", "`y.z`")
    assert table.columns == ["x_`y.z`", "a.b", "c", "null"]
    assert sorted(map(tuple, table.collect())) == [("1", 1, 0, 1), ("null", 0, 1, 0)]
    assert [f.nullable for f in table.schema] == [True, False, False, False]
    assert [f.nullable for f in spark.range(2).crosstab("id", "id").schema] == [False, False, False]
    assert condition_of(lambda: frame.crosstab("x", "y.z").columns) == "UNRESOLVED_COLUMN.WITH_SUGGESTION"


def test_ranges_that_lead_nowhere(spark):
    assert plain_refusal(lambda: spark.range(0, 10, 0).schema)
    assert plain_refusal(lambda: spark.range(0, 10, 1, 0).collect())
    assert plain_refusal(lambda: spark.range(0, 10, 1, -1).collect())
    assert plain_refusal(lambda: spark.sql("SELECT * FROM range(0, 10, 1, 0)").collect())


def test_a_statistic_asked_for_twice(spark):
    def statistics(*names):
        return spark.range(3).summary(*names)

    assert [tuple(r) for r in statistics("max", "MAX", "Max").collect()] == [("max", "2"), ("MAX", "2"), ("Max", "2")]
    for names in [("max", "count", "count"), ("max", "MAX", "MAX"), ("50%", "50%")]:
        with pytest.raises(SparkRuntimeException) as raised:
            statistics(*names).collect()
        assert raised.value.getCondition() == "DUPLICATED_MAP_KEY"
        assert raised.value.getMessageParameters()["key"] == names[-1]
        assert statistics(*names).count() == len(names)
    spark.conf.set("spark.sql.mapKeyDedupPolicy", "LAST_WIN")
    try:
        rows = statistics("50%", "max", "50%").collect()
    finally:
        spark.conf.unset("spark.sql.mapKeyDedupPolicy")
    assert [tuple(r) for r in rows] == [("50%", "1"), ("max", "2"), ("50%", "1")]


def test_to_a_schema(spark):
    frame = spark.range(2)
    wanted = StructType([StructField("more", StringType()), StructField("id", StringType())])
    assert frame.to(wanted).collect() == [Row(more=None, id="0"), Row(more=None, id="1")]
    strict = StructType([StructField("more", StringType(), False)])
    assert condition_of(lambda: frame.to(strict).collect()) == "UNRESOLVED_COLUMN.WITH_SUGGESTION"


@pytest.mark.parametrize(
    ("query", "nullable"),
    [
        ("SELECT CAST(0.5 AS DECIMAL(2,2)), CAST(0.5 AS DECIMAL(38,38)), CAST(1.5 AS DECIMAL(1,0))", [0, 0, 1]),
        ("SELECT * FROM VALUES (CAST(1 AS DECIMAL(38,30)), 1), (CAST(2 AS DECIMAL(38,30)), 2)", [1, 0]),
        ("SELECT a[0], a[i], array(1)[0] FROM VALUES (array(1), 0) AS t(a, i)", [1, 0, 0]),
        ("SELECT date_part('week', '2020-05-17'), date_part('week', DATE'2020-05-17')", [1, 0]),
        ("SELECT * FROM VALUES (1, 2, 3) AS t(k, x, y) UNPIVOT (v FOR n IN (x, y))", [0, 0, 0]),
        ("SELECT * FROM VALUES (1, 2, 3), (1, 2, NULL) AS t(k, x, y) UNPIVOT (v FOR n IN (x, y))", [0, 0, 1]),
    ],
)
def test_nullable(spark, query, nullable):
    assert [int(field.nullable) for field in spark.sql(query).schema] == nullable


def test_aliases_in_pivots_are_names(spark):
    for clause in ("UNPIVOT (v FOR n IN (x AS 'p', y))", "PIVOT (sum(y) FOR x IN (1 AS 'p'))"):
        run = lambda: spark.sql(f"SELECT * FROM VALUES (1, 10) AS t(x, y) {clause}")  # noqa: E731, B023
        assert condition_of(run) == "PARSE_SYNTAX_ERROR"


def test_statistics_of_too_few_rows(spark):
    frame = spark.createDataFrame([(1.0, 2.0), (1.0, 3.0)], ["a", "b"])
    assert str(frame.stat.corr("a", "b")) == "nan" and frame.stat.cov("a", "b") == 0
    for few in (frame.limit(1), frame.limit(0)):
        assert str(few.stat.corr("a", "b")) == "nan" and few.stat.cov("a", "b") == 0


def joined(spark, n, rows=3, how="inner"):
    frame = spark.range(rows)
    for i in range(n):
        key = f"k{i}"
        other = spark.range(rows).withColumnRenamed("id", key)
        frame = frame.crossJoin(other) if how == "cross" else frame.join(other, sf.col("id") == sf.col(key), how)
    return frame


@pytest.mark.parametrize("n", [10, 57, 58, 59, 60, 61, 130])
def test_joins_of_many_frames(spark, n):
    """More than the optimizer orders at once are ordered in groups."""
    assert [row[n] for row in joined(spark, n).sort("id").collect()] == [0, 1, 2]
    assert joined(spark, n, how="semi").count() == 3
    left, right = joined(spark, n), joined(spark, n).toDF(*(f"r{i}" for i in range(n + 1)))
    assert left.join(right, left.id == right.r0).count() == 3


def test_joins_of_many_long_frames(spark):
    """The product of their rows is more than a double holds."""
    for how in ("cross", "inner"):
        assert joined(spark, 45, rows=10**9, how=how)._explain_string().count("Join") == 45


def test_in_no_item_is_false(spark):
    frame = spark.sql("SELECT * FROM VALUES (1, 'a'), (2, NULL), (NULL, 'c') AS t(x, y)")
    keys = spark.sql("SELECT * FROM VALUES (1, 10), (3, 30) AS t(k, v)")
    joined = frame.join(keys, frame.x == keys.k, "left")
    nothing = frame.select(frame.x.isin([]), ~frame.y.isin(), sf.lit(1).isin([]))
    assert nothing.columns == ["(x IN ())", "(NOT (y IN ()))", "(1 IN ())"]
    assert [f.nullable for f in nothing.schema] == [True, True, False]
    assert nothing.distinct().collect() == [(False, True, False)]
    assert frame.where(frame.x.isin([])).count() == joined.where(keys.v.isin([])).count() == 0
    assert frame.where(~frame.x.isin([])).count() == joined.where(~keys.v.isin([])).count() == 3
    assert spark.range(2).select((1 / sf.col("id")).isin([]).alias("x")).collect() == [(False,), (False,)]


@pytest.mark.parametrize("text, kind", [
    ("1E+3", "decimal(10,0)"), ("0.50", "decimal(10,2)"), ("-1.5E-3", "decimal(10,4)"), ("1E-10", "decimal(10,10)"),
    ("12345678901.5", "decimal(12,1)"), ("1E+12", "decimal(13,0)"), ("1E+37", "decimal(38,0)"),
    ("1E-38", "decimal(38,38)"), ("-" + "9" * 38, "decimal(38,0)")])
def test_decimal_literals(spark, text, kind):
    frame = spark.range(1).select(sf.lit(Decimal(text)).alias("x"))
    assert frame.schema.simpleString() == f"struct<x:{kind}>"
    assert frame.first().x == Decimal(text)


@pytest.mark.parametrize("text", ["1E+38", "1E-39", "1E+400", "1E-400", "NaN"])
def test_decimal_literals_that_are_none(spark, text):
    with pytest.raises(PySparkException):
        spark.range(1).select(sf.lit(Decimal(text))).collect()


def test_a_configuration_value_is_no_null(spark):
    assert plain_refusal(lambda: spark.conf.set("my.own", None))
