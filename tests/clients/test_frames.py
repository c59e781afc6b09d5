"""What only the DataFrame API says: names, observed metrics, shapes, statistics, catalog lists. As on real Spark."""
import os
from decimal import Decimal

import pytest
from pyspark.errors import AnalysisException, IllegalArgumentException, PySparkException, SparkRuntimeException

from pyspark.errors import AnalysisException, IllegalArgumentException, SparkRuntimeException
from pyspark.errors.exceptions.connect import InvalidPlanInput
from pyspark.sql import Row
from pyspark.sql import functions as sf
from pyspark.sql.types import ArrayType, MapType, StringType, StructField, StructType


def condition_of(run):
    with pytest.raises(AnalysisException) as raised:
        run()
    return raised.value.getCondition()


def shape(kind):
    """A type's text; ! behind what cannot be null."""
    mark = {True: "", False: "!"}
    if isinstance(kind, StructType):
        return "<" + ",".join(f"{f.name}:{shape(f.dataType)}{mark[f.nullable]}" for f in kind) + ">"
    if isinstance(kind, ArrayType):
        return f"[{shape(kind.elementType)}{mark[kind.containsNull]}]"
    if isinstance(kind, MapType):
        return f"{{{shape(kind.keyType)}:{shape(kind.valueType)}{mark[kind.valueContainsNull]}}}"
    return kind.simpleString()


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
    assert frame.select(frame.alias("t").colRegex("t.`col.*`")).columns == []
    assert frame.select((frame.colRegex("col1") + 1).alias("n")).first() == (2,)
    for name in ("`col1", "col1`", ".*", " `col1`"):
        assert condition_of(lambda: frame.select(frame.colRegex(name)).collect()) == "INVALID_ATTRIBUTE_NAME_SYNTAX"


def test_patterns_that_are_none(spark):
    """Java raises these for itself: they have no condition."""
    frame = spark.createDataFrame([("a", "(")], ["s", "p"])
    for run in (lambda: frame.select(frame.colRegex("`(`")), lambda: frame.select(frame.colRegex("`*`")),
                lambda: frame.select(sf.split("s", "[")), lambda: frame.select(sf.split("s", sf.col("p"))),
                lambda: frame.select(sf.str_to_map("s", sf.lit("(")))):
        with pytest.raises(IllegalArgumentException) as raised:
            run().collect()
        assert (raised.value.getCondition(), raised.value.getSqlState()) == (None, None)
    for function, named in (("regexp_count(s, p)", "`regexp_extract_all`"),
                            ("regexp_substr(s, '(')", "`regexp_extract`"),
                            ("regexp_like(s, p)", "`regexp_like`"), ("s RLIKE p", "`rlike`")):
        with pytest.raises(SparkRuntimeException) as raised:
            frame.selectExpr(function).collect()
        assert raised.value.getMessageParameters() == {"functionName": named, "parameter": "`regexp`", "value": "'('"}


def test_names_that_a_frame_does_not_have(spark):
    frame, other = spark.sql("SELECT 1 AS x, 2 AS y"), spark.sql("SELECT 1 AS z")
    for run, name in ((lambda: frame.withMetadata("zz", {"a": 1}).schema, '"zz"'),
                      (lambda: frame.select(frame["a.b c"]).collect(), '"a.b c"'),
                      (lambda: frame.filter(frame["`a.b`"] > 0).collect(), '"`a.b`"'),
                      (lambda: frame.groupBy(frame.zz).count().collect(), '"zz"'),
                      (lambda: frame.select(frame.colRegex("x y")).collect(), '"x y"'),
                      (lambda: frame.select(other.z).collect(), '"z"')):
        with pytest.raises(AnalysisException) as raised:
            run()
        assert (raised.value.getCondition(), raised.value.getSqlState()) == ("CANNOT_RESOLVE_DATAFRAME_COLUMN", "42704")
        assert raised.value.getMessageParameters() == {"name": name}
    with pytest.raises(AnalysisException) as raised:
        frame.join(frame, frame.x == frame.x).collect()
    assert raised.value.getCondition() == "AMBIGUOUS_COLUMN_REFERENCE"
    assert raised.value.getMessageParameters() == {"name": '"x"'}


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

def union_by_name(spark, left, right, allow_missing):
    return spark.sql(f"SELECT {left}").unionByName(spark.sql(f"SELECT {right}"), allowMissingColumns=allow_missing)


PQ = "named_struct('p', 1, 'q', 2) AS s"


@pytest.mark.parametrize(
    ("left", "right", "made", "rows"),
    [
        (PQ, "named_struct('q', 3, 'p', 4) AS s", "<s:<p:int!,q:int!>!>", [((1, 2),), ((4, 3),)]),
        (PQ, "named_struct('Q', 3L, 'P', 4) AS S", "<s:<p:int!,q:bigint!>!>", [((1, 2),), ((4, 3),)]),
        (PQ, "CAST(NULL AS STRUCT<q: INT, p: INT>) AS s", "<s:<p:int,q:int>>", [((1, 2),), (None,)]),
        (PQ, "NULL AS s", "<s:<p:int!,q:int!>>", [((1, 2),), (None,)]),
        (PQ, "named_struct('q', '3', 'p', '4') AS s", "<s:<p:bigint,q:bigint>!>", [((1, 2),), ((4, 3),)]),
        ("named_struct('a', named_struct('p', 1, 'q', 2), 'b', 3) AS s",
         "named_struct('b', 4, 'a', named_struct('q', 5, 'p', 6)) AS s",
         "<s:<a:<p:int!,q:int!>!,b:int!>!>", [(((1, 2), 3),), (((6, 5), 4),)]),
        ("array(named_struct('p', 1, 'q', 2)) AS s", "array(named_struct('q', 3, 'p', 4), NULL) AS s",
         "<s:[<p:int,q:int>]!>", [([(1, 2)],), ([(4, 3), None],)]),
        ("map('k', named_struct('p', 1, 'q', 2)) AS s", "map('l', named_struct('q', 3, 'p', 4)) AS s",
         "<s:{string:<p:int!,q:int!>!}!>", [({"k": (1, 2)},), ({"l": (3, 4)},)]),
        ("1 AS a, 2 AS `b.c`", "3 AS `B.c`, 4.5 AS A", "<a:decimal(11,1)!,b.c:int!>", [(1, 2), (4.5, 3)]),
    ],
)
def test_unions_by_name_reorder_fields(spark, left, right, made, rows):
    for allow_missing in (False, True):
        union = union_by_name(spark, left, right, allow_missing)
        assert shape(union.schema) == made
        assert [tuple(row) for row in union.collect()] == rows


@pytest.mark.parametrize(
    ("left", "right", "made", "rows"),
    [
        (PQ, "named_struct('q', 3) AS s", "<s:<p:int,q:int!>!>", [((1, 2),), ((None, 3),)]),
        ("named_struct('q', 3) AS s", PQ, "<s:<q:int!,p:int>!>", [((3, None),), ((2, 1),)]),
        (PQ, "named_struct('z', 3, 'Q', 4L) AS s", "<s:<p:int,q:bigint!,z:int>!>", [((1, 2, None),), ((None, 4, 3),)]),
        (PQ, "CAST(NULL AS STRUCT<z: INT>) AS s", "<s:<p:int,q:int,z:int>>", [((1, 2, None),), (None,)]),
        (PQ, "5 AS a", "<s:<p:int!,q:int!>,a:int>", [((1, 2), None), (None, 5)]),
        ("named_struct('a', named_struct('b', 1)) AS s", "named_struct('a', named_struct('c', 2), 'd', 3) AS s",
         "<s:<a:<b:int,c:int>!,d:int>!>", [(((1, None), None),), (((None, 2), 3),)]),
        ("array(array(named_struct('p', 1))) AS s", "array(array(named_struct('q', 2), NULL), NULL) AS s",
         "<s:[[<p:int,q:int>]]!>", [([[(1, None)]],), ([[(None, 2), None], None],)]),
        ("named_struct('a', 1, 'm', map('k', named_struct('p', 2))) AS s",
         "named_struct('b', 3, 'm', map('k', named_struct('q', 4))) AS s",
         "<s:<a:int,m:{string:<p:int!>!}!,b:int>!>", [((1, {"k": (2,)}, None),), ((None, {"k": (4,)}, 3),)]),
        ("1 AS a, 2 AS b", "3 AS c, 4 AS B", "<a:int,b:int!,c:int>", [(1, 2, None), (None, 4, 3)]),
    ],
)
def test_unions_by_name_add_missing_fields(spark, left, right, made, rows):
    union = union_by_name(spark, left, right, True)
    assert shape(union.schema) == made
    assert [tuple(row) for row in union.collect()] == rows
    with pytest.raises(AnalysisException):
        union_by_name(spark, left, right, False).collect()


def test_unions_by_name_of_many_frames(spark):
    union = spark.sql("SELECT named_struct('p', 1) AS s, 1 AS a")
    for name in ("q", "r"):
        more = spark.sql(f"SELECT named_struct('{name}', 2) AS s, 2 AS {name}")
        union = union.unionByName(more, allowMissingColumns=True)
    assert shape(union.schema) == "<s:<p:int,q:int,r:int>!,a:int,q:int,r:int>"
    assert union.filter("isnull(s.p) AND s.r = 2").collect() == [((None, None, 2), None, None, 2)]
    assert union.select("s.q").collect() == [(None,), (2,), (None,)]


@pytest.mark.parametrize(
    ("left", "right", "allow_missing", "condition", "parameters"),
    [
        (PQ, "named_struct('q', 3) AS s", False, "FIELD_NOT_FOUND", {"fieldName": "`p`", "fields": "`q`"}),
        ("named_struct('p', 1) AS s", PQ, False, "INCOMPATIBLE_COLUMN_TYPE",
         {"dataType1": '"STRUCT<p: INT NOT NULL, q: INT NOT NULL>"', "dataType2": '"STRUCT<p: INT NOT NULL>"',
          "columnOrdinalNumber": "first", "tableOrdinalNumber": "second", "operator": "UNION", "hint": ""}),
        (PQ, "named_struct('q', array(1), 'p', 1) AS s", True, "INCOMPATIBLE_COLUMN_TYPE",
         {"dataType1": '"STRUCT<p: INT NOT NULL, q: ARRAY<INT> NOT NULL>"',
          "dataType2": '"STRUCT<p: INT NOT NULL, q: INT NOT NULL>"',
          "columnOrdinalNumber": "first", "tableOrdinalNumber": "second", "operator": "UNION", "hint": ""}),
        (PQ, "named_struct('p', 1, 'P', 2) AS s", True, "AMBIGUOUS_REFERENCE_TO_FIELDS",
         {"field": "`p`", "count": "2"}),
        ("1 AS b, 2 AS B", "1 AS b", True, "COLUMN_ALREADY_EXISTS", {"columnName": "`b`"}),
        ("1 AS a", "1 AS b, 2 AS A, 3 AS B", True, "COLUMN_ALREADY_EXISTS", {"columnName": "`b`"}),
        ("1 AS a, 2 AS b", "1 AS a, 2 AS c", False, "UNRESOLVED_COLUMN_AMONG_FIELD_NAMES",
         {"colName": "b", "fieldNames": "a, c"}),
    ],
)
def test_unions_by_name_that_do_not_fit(spark, left, right, allow_missing, condition, parameters):
    with pytest.raises(AnalysisException) as raised:
        union_by_name(spark, left, right, allow_missing).collect()
    assert (raised.value.getCondition(), raised.value.getMessageParameters()) == (condition, parameters)


def test_unions_by_name_where_case_matters(spark):
    spark.conf.set("spark.sql.caseSensitive", "true")
    try:
        union = union_by_name(spark, PQ, "named_struct('P', 3) AS s, 4 AS S", True)
        assert shape(union.schema) == "<s:<p:int,q:int,P:int>!,S:int>"
        assert [tuple(row) for row in union.collect()] == [((1, 2, None), None), ((None, None, 3), 4)]
        assert condition_of(lambda: union_by_name(spark, PQ, "named_struct('P', 3, 'q', 1) AS s", False).collect()) == \
            "FIELD_NOT_FOUND"
    finally:
        spark.conf.unset("spark.sql.caseSensitive")


@pytest.mark.parametrize(
    ("query", "made"),
    [
        ("SELECT array(1) AS c UNION ALL SELECT array(NULL, 2)", "<c:[int]!>"),
        ("SELECT named_struct('p', 1) AS c UNION SELECT named_struct('q', CAST(NULL AS INT))", "<c:<p:int>!>"),
        ("SELECT map(1, 2) AS c UNION ALL SELECT map(1, NULL)", "<c:{int:int}!>"),
        ("SELECT array(1) AS c INTERSECT SELECT array(CAST(NULL AS INT))", "<c:[int!]!>"),
        ("SELECT array(1) AS c EXCEPT SELECT array(CAST(NULL AS INT))", "<c:[int!]!>"),
    ],
)
def test_unions_of_what_may_hold_nulls(spark, query, made):
    assert shape(spark.sql(query).schema) == made


def test_columns_that_would_be_there_twice(spark):
    frame = spark.range(1)
    for run in (lambda: frame.withColumns({"A": sf.lit(1), "a": sf.lit(2)}).collect(),
                lambda: spark.sql("CREATE OR REPLACE TEMP VIEW a_view AS SELECT 1 AS A, 2 AS A")):
        with pytest.raises(AnalysisException) as raised:
            run()
        assert raised.value.getCondition() == "COLUMN_ALREADY_EXISTS"
        assert raised.value.getMessageParameters() == {"columnName": "`a`"}


def test_grouping_sets_of_other_columns(spark):
    frame = spark.sql("SELECT * FROM VALUES (1, 2, 'a'), (2, 2, 'b'), (3, 3, 'a') AS x(id, k, t)")
    sets = frame.groupingSets([["id"]], "k", "t").agg(sf.count("*").alias("n"), sf.grouping_id().alias("g"))
    assert shape(sets.schema) == "<k:int,t:string,n:bigint!,g:bigint!>"
    assert [tuple(row) for row in sets.collect()] == [(None, None, 1, 6)] * 3
    sets = frame.groupingSets([[frame.id], [frame.k, "t"]], "k", "t").agg(sf.sum("id").alias("s")).sort("s")
    assert [tuple(row) for row in sets.collect()] == [(None, None, 1), (2, "a", 1), (None, None, 2), (2, "b", 2),
                                                      (None, None, 3), (3, "a", 3)]
    without_keys = frame.groupingSets([["k"], ["t"]]).count()
    assert sorted(tuple(row) for row in without_keys.collect()) == [(1,), (1,), (2,), (2,)]
    assert shape(frame.groupingSets([["k"], ["k", "t"]], "k", "t").count().schema) == "<k:int!,t:string,count:bigint!>"
    twice = frame.rollup("k", "k").agg(sf.grouping_id().alias("g")).sort("k", "g")
    assert [tuple(row) for row in twice.collect()] == [(None, None, 1), *[(2, 2, 0)] * 2, *[(3, 3, 0)] * 2]


def test_duplicates_by_columns(spark):
    frame = spark.sql("SELECT * FROM VALUES (1, 2, 3), (1, 3, 3), (4, 5, 6) AS t(x, y, z)")
    assert sorted(tuple(row) for row in frame.dropDuplicates(["X", "x"]).select("x", "z").collect()) == [(1, 3), (4, 6)]
    assert spark.sql("SELECT 1 AS x, 2 AS X").dropDuplicates(["x"]).collect() == [(1, 2)]
    for run in (lambda: frame.dropDuplicates([]), lambda: frame.dropDuplicatesWithinWatermark([])):
        with pytest.raises(InvalidPlanInput) as raised:
            run().collect()
        assert raised.value.getCondition() == "CONNECT_INVALID_PLAN.DEDUPLICATE_REQUIRES_COLUMNS_OR_ALL"
        assert raised.value.getSqlState() == "56K00"
    assert condition_of(lambda: frame.dropDuplicatesWithinWatermark(["x"]).collect()) == "_LEGACY_ERROR_TEMP_3102"
    with pytest.raises(AnalysisException) as maps:
        spark.sql("SELECT map(1, 2) AS m, 1 AS n").dropDuplicates(["M"]).collect()
    assert maps.value.getCondition() == "UNSUPPORTED_FEATURE.SET_OPERATION_ON_MAP_TYPE"
    assert maps.value.getMessageParameters() == {"colName": "`m`", "dataType": '"MAP<INT, INT>"'}


def test_fields_of_one_name(spark):
    query = "SELECT named_struct('p', 1, 'q', 2, 'p', 3) AS s, array(named_struct('x', 4, 'x', 5)) AS a, 6 AS a"
    (row,) = spark.sql(query).collect()
    assert row == ((1, 2, 3), [(4, 5)], 6)
    assert row[0].__fields__ == ["p", "q", "p"] and row.__fields__ == ["s", "a", "a"]

@pytest.fixture(scope="module")
def sides(spark):
    left = spark.sql("SELECT * FROM VALUES (1, 'a', 1), (2, NULL, 2), (NULL, 'c', 3) t(k, s, v)")
    return left, spark.sql("SELECT * FROM VALUES (1L, 'a', 10), (5L, 'b', 20) t(k, s, w)")


def rows(frame):
    return sorted((tuple(row) for row in frame.collect()), key=repr)


def test_columns_that_an_outer_join_makes_nullable(sides):
    left, right = sides
    joined = left.join(right, left.k == right.k, "full")
    assert rows(joined.where(left.v.isNull()).select(right.w)) == [(20,)]
    assert rows(joined.where(right.w.isNull()).select(left.v)) == [(2,), (3,)]
    assert joined.where(left.v.isNotNull()).count() == 3
    assert joined.select(left.v).schema["v"].nullable
    assert rows(joined.select(sf.coalesce(left.v, sf.lit(-1)))) == [(-1,), (1,), (2,), (3,)]


def test_columns_of_a_frame_are_not_others_of_that_name(sides):
    left, right = sides
    later = left.withColumn("k", sf.col("k") + 1)
    assert rows(later.where(left.k == 2)) == [(3, None, 2)]
    assert rows(left.replace(1, 2).where(left.k == 2)) == [(2, None, 2)]
    assert condition_of(lambda: later.select(left.k).collect()) == "CANNOT_RESOLVE_DATAFRAME_COLUMN"
    semi = left.join(right, left.k == right.k, "semi")
    assert condition_of(lambda: semi.select(right.k).collect()) == "CANNOT_RESOLVE_DATAFRAME_COLUMN"
    assert condition_of(lambda: left.union(left).select(left.k).collect()) == "CANNOT_RESOLVE_DATAFRAME_COLUMN"
    assert semi.drop(right.k).columns == ["k", "s", "v"]
    assert later.drop(left.k).columns == ["k", "s", "v"]
    assert condition_of(lambda: left.drop(right.w).columns) == "CANNOT_RESOLVE_DATAFRAME_COLUMN"


def test_columns_of_a_frame_that_occurs_twice(sides):
    left = sides[0]
    some = left.where("v > 1")
    assert left.join(some, left.k == some.k).count() == 1  # a side of the join goes before what the other is made of
    both = left.crossJoin(some)
    for ambiguous in (lambda: both.select(left.v), lambda: both.select(left["*"]), lambda: both.drop(left.v)):
        assert condition_of(lambda call=ambiguous: call().collect()) == "AMBIGUOUS_COLUMN_REFERENCE"
    assert rows(left.join(some, "k", "anti").select(left.v)) == [(1,), (3,)]


def test_columns_that_keep_their_identity(sides):
    left = sides[0]
    assert rows(left.intersect(left).select(left.k)) == [(1,), (2,), (None,)]
    assert rows(left.exceptAll(left.limit(0)).where(left.v > 2)) == [(None, "c", 3)]
    assert rows(left.unpivot("k", ["v"], "n", "x").where(left.k > 1)) == [(2, "v", 2)]
    assert rows(left.to(left.select("k").schema).select(left.k)) == [(1,), (2,), (None,)]
    assert rows(left.dropDuplicates(["k"]).agg(sf.sum(left.v))) == [(6,)]
    assert rows(left.groupBy("k").agg(sf.max("v").alias("v")).where(left.v > 2)) == [(None, 3)]


def test_all_columns_of_a_side(sides):
    left, right = sides
    joined = left.alias("a").join(right.alias("b"), "k", "full")
    assert joined.select("b.*").columns == ["k", "s", "w"]
    assert rows(left.join(right, "k").select(right["*"])) == [(1, "a", 10)]
    assert condition_of(lambda: left.select("k").select(left["*"]).collect()) == "CANNOT_RESOLVE_DATAFRAME_COLUMN"
    beside = left.join(right, "k", "full")
    assert beside.join(right.select("w").limit(1), left.k > 0).columns == ["k", "s", "v", "s", "w", "w"]
    assert left.join(right, left.k == right.k).join(right, "k").columns == ["k", "s", "v", "k", "s", "w", "s", "w"]


@pytest.mark.parametrize("call", ["'%d', 'a'", "'%x', 1.5D", "'%d', array(1)", "'%o', x'00'", "'%.2f', 1.5", "'%s'"])
def test_format_string_of_another_type(spark, call):
    with pytest.raises(IllegalArgumentException) as raised:
        spark.sql(f"SELECT format_string({call})").collect()
    assert raised.value.getCondition() is None
    assert spark.range(3).count() == 3
