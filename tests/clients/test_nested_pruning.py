"""Scans read only the nested fields that are used: what EXPLAIN says, how many bytes, and that the rows are the same.

The schemas were seen on real Spark 4.3.0 (VONK_REMOTE runs the tests against it), but for those marked LESS: there Vonk
reads one leaf where Spark reads the whole column.
"""
import os
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from server import EACH_WAY, sessions_each_way

SWITCH = "spark.sql.optimizer.nestedSchemaPruning.enabled"
ROWS = 4000
LESS = "LESS"


spark = pytest.fixture(**EACH_WAY)(sessions_each_way)


@pytest.fixture(scope="module")
def nested(tmp_path_factory):
    """s: struct with a struct in it; arr: structs; m: structs by name; deep: arrays in structs in arrays."""
    folder = tmp_path_factory.mktemp("nested")
    os.chmod(folder, 0o755)
    wide = pa.struct([("p", pa.int64()), ("q", pa.string())])
    columns = {
        "id": pa.array(range(ROWS), pa.int64()),
        "s": pa.array([{"a": i, "b": f"{i:040}", "in": {"p": i * 2, "q": f"{i:030}"} if i % 5 else None}
                       if i % 7 else None for i in range(ROWS)],
                      pa.struct([("a", pa.int64()), ("b", pa.string()), ("in", wide)])),
        "arr": pa.array([[{"b": i + k, "c": f"{i:050}"} if k != 2 else None for k in range(i % 4)] if i % 11 else None
                         for i in range(ROWS)], pa.list_(pa.struct([("b", pa.int64()), ("c", pa.string())]))),
        "m": pa.array([[("k1", {"f": i, "g": f"{i:060}"}), (f"k{i % 3 + 2}", {"f": -i, "g": "h"})]
                       for i in range(ROWS)],
                      pa.map_(pa.string(), pa.struct([("f", pa.int64()), ("g", pa.string())]))),
        "deep": pa.array([[{"x": [{"y": i, "z": f"{i:020}"}] * (i % 3), "w": f"{i:020}"}] for i in range(ROWS)],
                         pa.list_(pa.struct([("x", pa.list_(pa.struct([("y", pa.int64()), ("z", pa.string())]))),
                                             ("w", pa.string())]))),
    }
    path = str(folder / "rows.parquet")
    pq.write_table(pa.table(columns), path, row_group_size=1000, compression="none", use_dictionary=False)
    return path


STATEMENTS = {
    "field": ("SELECT s.a FROM t", "s:struct<a:bigint>"),
    "fields": ("SELECT s.a, s.in.p FROM t", "s:struct<a:bigint,in:struct<p:bigint>>"),
    "second": ("SELECT s.b FROM t", "s:struct<b:string>"),
    "inner": ("SELECT s.in FROM t", "s:struct<in:struct<p:bigint,q:string>>"),
    "of_elements": ("SELECT arr.b FROM t", "arr:array<struct<b:bigint>>"),
    "of_elements_second": ("SELECT arr.c FROM t", "arr:array<struct<c:string>>"),
    "element": ("SELECT get(arr, 0).c FROM t", "arr:array<struct<c:string>>"),
    "value": ("SELECT m['k1'].g FROM t", "m:map<string,struct<g:string>>"),
    "values": ("SELECT map_values(m).f FROM t", "m:map<string,struct<f:bigint>>"),
    "deep": ("SELECT deep[0].x.y FROM t", "deep:array<struct<x:array<struct<y:bigint>>>>"),
    "filter": ("SELECT s.a FROM t WHERE s.in.p > 100", "s:struct<a:bigint,in:struct<p:bigint>>"),
    "filter_only": ("SELECT id FROM t WHERE s.in.p > 7900", "id:bigint,s:struct<in:struct<p:bigint>>"),
    "is_not_null": ("SELECT s.b FROM t WHERE s IS NOT NULL", "s:struct<b:string>"),
    "aggregate": ("SELECT s.a % 10 AS k, max(s.in.q), count(s.in.p) FROM t GROUP BY s.a % 10 ORDER BY k",
                  "s:struct<a:bigint,in:struct<p:bigint,q:string>>"),
    "sort": ("SELECT s.b FROM t ORDER BY s.a DESC NULLS LAST, id LIMIT 5", "id:bigint,s:struct<a:bigint,b:string>"),
    "whole": ("SELECT s, s.a FROM t", "s:struct<a:bigint,b:string,in:struct<p:bigint,q:string>>"),
    "explode": ("SELECT id, e.b FROM t LATERAL VIEW explode(arr) x AS e", "id:bigint,arr:array<struct<b:bigint>>"),
    "posexplode": ("SELECT i, e.c FROM t LATERAL VIEW OUTER posexplode(arr) x AS i, e", "arr:array<struct<c:string>>"),
    "explode_deep": ("SELECT f.y FROM t LATERAL VIEW explode(deep) x AS e LATERAL VIEW explode(e.x) y AS f",
                     "deep:array<struct<x:array<struct<y:bigint>>>>", LESS),
    "nullness": ("SELECT id FROM t WHERE s IS NULL", "id:bigint,s:struct<a:bigint>", LESS),
    "size": ("SELECT sum(size(arr)) FROM t", "arr:array<struct<b:bigint>>", LESS),
    "keys": ("SELECT map_keys(m) FROM t", "m:map<string,struct<f:bigint>>", LESS),
    "explode_map": ("SELECT k, v.f FROM t LATERAL VIEW explode(m) x AS k, v", "m:map<string,struct<f:bigint>>", LESS),
    "through_subquery": ("SELECT n.p FROM (SELECT id, s.in AS n FROM t) WHERE id < 100",
                         "id:bigint,s:struct<in:struct<p:bigint>>"),
    "window": ("SELECT id, sum(s.a) OVER (ORDER BY id ROWS 1 PRECEDING) AS x FROM t",
               "id:bigint,s:struct<a:bigint>"),
}


def schema_read(text):
    return re.findall(r"ReadSchema: struct<(.*)>", text)


def plan(spark, sql):
    return spark.sql("EXPLAIN " + sql).collect()[0][0]


@pytest.mark.parametrize("name", STATEMENTS)
def test_schema_and_rows(spark, nested, name):
    sql, schema, *less = STATEMENTS[name]
    spark.read.parquet(nested).createOrReplaceTempView("t")
    shown = schema_read(plan(spark, sql))
    if less and "VONK_REMOTE" in os.environ:
        pytest.skip("Vonk reads less than Spark")
    assert [sorted(shown[0].split(","))] == [sorted(schema.split(","))]
    rows = spark.sql(sql).collect()
    spark.conf.set(SWITCH, "false")
    try:
        whole = schema_read(plan(spark, sql))[0]
        assert len(whole) > len(shown[0]) or name == "whole"
        assert spark.sql(sql).collect() == rows
    finally:
        spark.conf.unset(SWITCH)


def test_joins(spark, nested):
    spark.read.parquet(nested).createOrReplaceTempView("t")
    sql = """SELECT l.s.b, r.e.c FROM t l JOIN (SELECT id, get(arr, 1) AS e FROM t) r ON l.s.a = r.id
             WHERE l.s.in.p < 900"""
    rows = sorted(map(str, spark.sql(sql).collect()))
    assert len(rows) > 100
    shown = schema_read(plan(spark, sql))
    assert sorted(shown) == ["id:bigint,arr:array<struct<c:string>>", "s:struct<a:bigint,b:string,in:struct<p:bigint>>"]
    spark.conf.set(SWITCH, "false")
    try:
        assert sorted(map(str, spark.sql(sql).collect())) == rows
    finally:
        spark.conf.unset(SWITCH)


def test_missing_fields(spark, nested):
    """A field that the files lack is null, and a struct around it is there where the files have one."""
    wide = "id bigint, s struct<a: bigint, gone: string>, arr array<struct<gone: int, b: bigint>>"
    spark.read.schema(wide).parquet(nested).createOrReplaceTempView("w")
    row = spark.sql("SELECT count(s.gone), count(*), count_if(s IS NULL) FROM w").collect()[0]
    assert tuple(row) == (0, ROWS, (ROWS + 6) // 7)
    row = spark.sql("SELECT max(size(arr.gone)), count(get(arr.gone, 0)) FROM w").collect()[0]
    assert tuple(row) == (3, 0)


@pytest.mark.skipif("VONK_REMOTE" in os.environ, reason="a statement of Vonk's")
def test_bytes(spark, nested):
    def read(sql):
        text = spark.sql("EXPLAIN ANALYZE " + sql).collect()[0][0]
        return int(re.search(r"read: (\d+) bytes", text).group(1))

    spark.read.parquet(nested).createOrReplaceTempView("t")
    assert read("SELECT s.a FROM t") < ROWS * 10
    assert read("SELECT s.b FROM t") > ROWS * 30
    assert read("SELECT arr.b FROM t") < ROWS * 14
    assert read("SELECT e.b FROM t LATERAL VIEW explode(arr) x AS e") == read("SELECT arr.b FROM t")
    assert read("SELECT m['k1'].f FROM t") < ROWS * 40
    assert read("SELECT s, arr, m, deep FROM t") > ROWS * 250
