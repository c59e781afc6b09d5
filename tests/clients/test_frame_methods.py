"""Each method of the DataFrame API by name, with what real Spark answers (VONK_REMOTE runs the cases against it)."""
import datetime
import os

import pandas as pd
import pytest
from pyspark.errors import AnalysisException
from pyspark.sql import functions as sf


@pytest.fixture(scope="module")
def people(spark):
    return spark.createDataFrame([(1, "ann", 30, None), (2, "bob", None, 1.5), (3, "cid", 25, 2.5),
                                  (4, "ann", 40, None)], "id int, name string, age int, score double")


@pytest.fixture(scope="module")
def letters(spark):
    return (spark.createDataFrame([("a", 1), ("b", 2), ("b", 2), ("c", 3)], "k string, v int"),
            spark.createDataFrame([("b", 2), ("c", 3), ("d", 4)], "k string, v int"))


def rows(frame):
    return [tuple(r) for r in frame.collect()]


def test_columns(people):
    one = people.select("id", "age").filter("id = 1")
    assert rows(one.withColumns({"x": sf.col("id") + 1, "id": sf.lit(9)})) == [(9, 30, 2)]
    assert rows(one.withColumn("y", sf.col("age") * 2)) == [(1, 30, 60)]
    assert one.withColumnRenamed("age", "years").columns == ["id", "years"]
    assert one.withColumnsRenamed({"age": "years", "nothing": "x"}).columns == ["id", "years"]
    assert one.drop("age", "nothing").columns == ["id"]
    assert people.select(people.colRegex("`(id|age)`")).columns == ["id", "age"]
    assert rows(one.selectExpr("id + age AS s")) == [(31,)] and one.toDF("a", "b").columns == ["a", "b"]
    assert rows(one.alias("t").select("t.id")) == [(1,)]
    assert rows(one.to(one.select("age").schema)) == [(30,)]
    assert [str(f.dataType) for f in one.select(sf.col("age").cast("string")).schema] == ["StringType()"]


def test_sets(letters):
    left, right = letters
    assert sorted(rows(left.intersect(right))) == [("b", 2), ("c", 3)]
    assert sorted(rows(left.intersectAll(left))) == [("a", 1), ("b", 2), ("b", 2), ("c", 3)]
    assert rows(left.subtract(right)) == [("a", 1)]
    assert sorted(rows(left.exceptAll(right))) == [("a", 1), ("b", 2)]
    assert left.union(right).count() == left.unionAll(right).count() == 7
    turned = right.select("v", "k")
    assert sorted(rows(left.unionByName(turned)))[-1] == ("d", 4)
    more = left.unionByName(right.drop("v"), allowMissingColumns=True)
    assert sorted(rows(more.filter("v IS NULL"))) == [("b", None), ("c", None), ("d", None)]
    with pytest.raises(AnalysisException) as failed:
        left.unionByName(right.drop("v")).collect()
    assert failed.value.getCondition() == "UNRESOLVED_COLUMN_AMONG_FIELD_NAMES"
    assert sorted(rows(left.distinct())) == sorted(rows(left.dropDuplicates())) == [("a", 1), ("b", 2), ("c", 3)]
    assert left.drop_duplicates(["v"]).count() == 3


@pytest.mark.parametrize("how, n", [("inner", 3), ("left", 4), ("right", 4), ("full", 5), ("left_semi", 3),
                                    ("left_anti", 1)])
def test_joins(letters, how, n):
    left, right = letters
    assert left.join(right, ["k", "v"], how).count() == n
    assert left.join(right, left.k == right.k, how).count() == n
    assert left.crossJoin(right).count() == 12
    assert left.hint("broadcast").join(right.hint("merge"), "k", how).count() == n


def test_groups(people):
    people = people.select("id", "name", "age")
    by_name = people.groupBy("name")
    assert sorted(rows(by_name.agg({"age": "max"}))) == [("ann", 40), ("bob", None), ("cid", 25)]
    assert sorted(rows(by_name.count())) == [("ann", 2), ("bob", 1), ("cid", 1)]
    assert sorted(rows(by_name.sum("age")), key=str) == [("ann", 70), ("bob", None), ("cid", 25)]
    assert by_name.avg("age").columns == ["name", "avg(age)"] and by_name.min("id").columns == ["name", "min(id)"]
    pivoted = people.groupBy().pivot("name", ["ann", "zoe"]).sum("age")
    assert (pivoted.columns, rows(pivoted)) == (["ann", "zoe"], [(70, None)])
    assert people.groupBy("id").pivot("name").count().columns == ["id", "ann", "bob", "cid"]
    few = people.filter("age IS NOT NULL").withColumn("old", sf.col("age") > 28)
    order = ["name", "old"]
    assert rows(few.rollup(*order).count().orderBy(*order)) == [
        (None, None, 3), ("ann", None, 2), ("ann", True, 2), ("cid", None, 1), ("cid", False, 1)]
    assert few.cube(*order).agg(sf.grouping_id().alias("g"), sf.count("*")).count() == 7
    sets = few.groupingSets([[few.name], [few.old], []], few.name, few.old).agg(sf.sum("age").alias("s"))
    assert set(rows(sets)) == {(None, False, 25), (None, None, 95), (None, True, 70), ("ann", None, 70),
                               ("cid", None, 25)}


def test_nulls(people):
    people = people.select("id", "age", "score")
    assert rows(people.na.fill(0).filter("id = 2")) == [(2, 0, 1.5)]
    assert rows(people.fillna({"score": 9.0}).filter("id = 1")) == [(1, 30, 9.0)]
    assert [r[0] for r in rows(people.na.drop())] == [3]
    assert [r[0] for r in rows(people.dropna("all", subset=["age", "score"]))] == [1, 2, 3, 4]
    assert [r[0] for r in rows(people.dropna(thresh=3))] == [3]
    assert rows(people.na.replace(30, 31, "age").filter("id = 1")) == [(1, 31, None)]
    assert rows(people.replace([1, 2], [10, 20]).select("id").filter("id >= 10")) == [(10,), (20,)]


def test_order_and_parts(spark, people):
    assert [r[0] for r in rows(people.sort(sf.desc_nulls_first("age"), "id"))] == [2, 4, 1, 3]
    assert [r[0] for r in rows(people.orderBy("name", "id", ascending=[False, True]))] == [3, 2, 1, 4]
    assert [r[0] for r in rows(people.orderBy("id").offset(1).limit(2))] == [2, 3]
    ids = spark.range(100)
    assert [r.id for r in ids.take(2)] == [0, 1] and [r.id for r in ids.tail(2)] == [98, 99]
    assert (ids.first().id, ids.head(1)[0].id, ids.isEmpty(), ids.limit(0).isEmpty()) == (0, 0, False, True)
    part = sf.spark_partition_id().alias("p")
    assert ids.repartition(3).select(part).distinct().count() == 3
    assert ids.repartition(4).coalesce(2).select(part).distinct().count() == 2
    many = spark.range(0, 2, 1, 1_000_000)  # partitions: what looks at all of them for each of them takes minutes
    assert rows(many.coalesce(2).select("id", part)) == [(0, 0), (1, 1)]
    ranges = ids.repartitionByRange(4, "id").groupBy(part).agg(sf.min("id").alias("a"), sf.max("id").alias("b"))
    bounds = [tuple(r)[1:] for r in ranges.orderBy("p").collect()]
    assert len(bounds) == 4 and all(a[1] + 1 == b[0] for a, b in zip(bounds, bounds[1:]))
    assert ids.repartition(5, "id").groupBy(part).count().count() <= 5
    assert sorted(r[0] for r in ids.sortWithinPartitions(sf.desc("id")).collect()) == list(range(100))


def test_samples(spark):
    ids = spark.range(1000)
    assert ids.sample(0.1, 7).collect() == ids.sample(0.1, 7).collect() != ids.sample(0.1, 8).collect()
    assert 0 < ids.sample(True, 0.5, 3).count() < 1000
    parts = ids.randomSplit([1.0, 3.0], 5)
    assert sum(p.count() for p in parts) == 1000 and parts[0].intersect(parts[1]).isEmpty()
    keyed = ids.withColumn("k", sf.col("id") % 2)
    assert {r.k for r in keyed.sampleBy("k", {0: 1.0}, 1).collect()} == {0}


def test_statistics(spark, letters):
    ids = spark.range(1, 6).withColumn("d", (sf.col("id") * 2).cast("double"))
    assert rows(ids.describe("id")) == [("count", "5"), ("mean", "3.0"), ("stddev", "1.5811388300841898"), ("min", "1"),
                                        ("max", "5")]
    assert rows(ids.summary("count", "50%", "max")) == [("count", "5", "5"), ("50%", "3", "6.0"), ("max", "5", "10.0")]
    assert ids.corr("id", "d") == pytest.approx(1.0) and ids.stat.cov("id", "d") == pytest.approx(5.0)
    assert ids.approxQuantile("d", [0.0, 0.5, 1.0], 0.0) == [2.0, 6.0, 10.0]
    table = letters[0].crosstab("k", "v")
    assert table.columns == ["k_v", "1", "2", "3"] and sorted(rows(table)) == [
        ("a", 1, 0, 0), ("b", 0, 2, 0), ("c", 0, 0, 1)]
    assert "b" in letters[0].freqItems(["k"], 0.5).collect()[0][0]


def test_shapes(spark):
    wide = spark.createDataFrame([(1, 10, 20), (2, 30, 40)], "id int, a int, b int")
    assert rows(wide.unpivot("id", ["a", "b"], "name", "n")) == [(1, "a", 10), (1, "b", 20), (2, "a", 30), (2, "b", 40)]
    assert wide.melt("id", ["a"], "name", "n").columns == ["id", "name", "n"]
    assert rows(wide.transpose("id")) == [("a", 10, 30), ("b", 20, 40)]


def test_views_and_cache(spark, people):
    people.createOrReplaceTempView("seen_people")
    people.createOrReplaceGlobalTempView("seen_globally")
    try:
        assert spark.table("seen_people").count() == 4
        assert spark.newSession().table("global_temp.seen_globally").count() == 4
        with pytest.raises(AnalysisException):
            people.createGlobalTempView("seen_globally")
    finally:
        assert spark.catalog.dropTempView("seen_people") and spark.catalog.dropGlobalTempView("seen_globally")
    kept = people.filter("id > 1").cache()
    assert (kept.count(), kept.is_cached, kept.storageLevel.useMemory) == (3, True, True)
    kept.unpersist()
    assert not kept.storageLevel.useMemory


def test_questions(spark, people, tmp_path, capsys):
    path = str(tmp_path / "x.parquet")
    spark.range(4).repartition(2).write.parquet(path)
    read = spark.read.parquet(path)
    names = sorted(os.path.basename(f) for f in read.inputFiles())
    assert names == sorted(n for n in os.listdir(path) if n.endswith(".parquet"))
    assert read.sameSemantics(spark.read.parquet(path)) and not read.sameSemantics(read.limit(1))
    assert read.semanticHash() == spark.read.parquet(path).semanticHash() and read.isLocal() is False
    assert people.dtypes == [("id", "int"), ("name", "string"), ("age", "int"), ("score", "double")]
    people.select("id").printSchema()
    people.select("id", "name").orderBy("id").show(1, truncate=2)
    people.select("id").filter("id = 1").show(vertical=True)
    people.explain(mode="simple")
    said = capsys.readouterr().out
    assert "root\n |-- id: integer (nullable = true)\n" in said
    assert "+---+----+\n| id|name|\n+---+----+\n|  1|  an|\n+---+----+\nonly showing top 1 row\n" in said
    assert "-RECORD 0-" in said and "== Physical Plan ==" in said


def test_ways_out(people):
    few = people.select("id", "name").orderBy("id").limit(2)
    assert [r.id for r in few.toLocalIterator()] == [1, 2]
    assert few.toPandas().equals(pd.DataFrame({"id": pd.Series([1, 2], dtype="int32"), "name": ["ann", "bob"]}))
    assert few.toArrow().to_pylist() == [{"id": 1, "name": "ann"}, {"id": 2, "name": "bob"}]


def test_ways_in(spark):
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", None], "t": [datetime.datetime(2020, 1, 2)] * 2})
    made = spark.createDataFrame(frame)
    assert [f.dataType.simpleString() for f in made.schema] == ["bigint", "string", "timestamp"]
    assert rows(made.select("a", "b")) == [(1, "x"), (2, None)]
    assert rows(spark.createDataFrame(made.select("a").toArrow())) == [(1,), (2,)]
    assert rows(spark.createDataFrame([{"a": 1}, {"a": 2}])) == [(1,), (2,)]
    assert spark.createDataFrame([], "a int").collect() == []
    long = spark.createDataFrame(pd.DataFrame({"a": range(300000)}))
    assert rows(long.agg(sf.sum("a"))) == [(sum(range(300000)),)]
