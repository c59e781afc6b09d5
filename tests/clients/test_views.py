"""Temporary views: what SQL defined is analysed at each use, under the settings of its making; what a DataFrame defined
is the plan that it was. Each expectation is what Spark 4.3.0 answers (VONK_REMOTE asks it)."""
import os

import pytest
from pyspark.errors import AnalysisException, NumberFormatException


def rows(spark, text):
    return [tuple(row) for row in spark.sql(text).collect()]


def condition(spark, text):
    with pytest.raises(AnalysisException) as raised:
        rows(spark, text)
    return raised.value.getCondition(), raised.value.getSqlState()


def test_settings_are_those_of_the_making(spark):
    text = "SELECT CAST(s AS INT) AS x FROM VALUES ('z') AS t(s)"
    try:
        spark.conf.set("spark.sql.ansi.enabled", "true")
        spark.sql(f"CREATE OR REPLACE TEMPORARY VIEW strict AS {text}")
        spark.conf.set("spark.sql.ansi.enabled", "false")
        with pytest.raises(NumberFormatException):
            rows(spark, "SELECT * FROM strict")
        spark.sql(f"CREATE OR REPLACE TEMPORARY VIEW lax AS {text}")
        spark.sql(text).createOrReplaceTempView("lax_frame")
        spark.conf.set("spark.sql.caseSensitive", "true")
        spark.sql("CREATE OR REPLACE TEMPORARY VIEW cased AS SELECT A FROM VALUES (1, 2) AS t(a, A)")
    finally:
        spark.conf.unset("spark.sql.ansi.enabled")
        spark.conf.unset("spark.sql.caseSensitive")
    assert rows(spark, "SELECT * FROM lax") == rows(spark, "SELECT * FROM lax_frame") == [(None,)]
    assert rows(spark, "SELECT * FROM cased") == [(2,)]


def test_files_that_change(spark, tmp_path):
    os.chmod(tmp_path, 0o777)
    path = str(tmp_path / "t")

    def write(*columns):
        spark.range(2).selectExpr(*columns).write.mode("overwrite").parquet(path)

    write("id", "id + 1 AS b")
    spark.sql(f"CREATE OR REPLACE TEMPORARY VIEW f AS SELECT * FROM parquet.`{path}`")
    spark.sql(f"CREATE OR REPLACE TEMPORARY VIEW renamed (x, y) AS SELECT * FROM parquet.`{path}`")
    spark.read.parquet(path).createOrReplaceTempView("frame")
    assert rows(spark, "SELECT * FROM f ORDER BY id") == [(0, 1), (1, 2)]
    write("9 AS c", "id + 5 AS b", "id")
    assert spark.table("f").columns == ["id", "b"]
    assert rows(spark, "SELECT * FROM f ORDER BY id") == [(0, 5), (1, 6)]
    assert spark.table("renamed").columns == ["x", "y"]
    assert rows(spark, "SELECT * FROM renamed ORDER BY x") == [(0, 5), (1, 6)]
    with pytest.raises(Exception, match="FILE_NOT_EXIST"):
        rows(spark, "SELECT * FROM frame")
    write("id", "CAST(7 AS INT) AS b")
    assert rows(spark, "SELECT sum(b), typeof(first(b)) FROM f") == [(14, "bigint")]
    write("id", "'x' AS b")
    assert condition(spark, "SELECT * FROM f") == ("CANNOT_UP_CAST_DATATYPE", "42846")
    write("id")
    assert condition(spark, "SELECT * FROM f") == ("INCOMPATIBLE_VIEW_SCHEMA_CHANGE", "51024")


def test_views_over_views(spark):
    spark.sql("CREATE OR REPLACE TEMPORARY VIEW below AS SELECT 1 AS a")
    spark.sql("CREATE OR REPLACE TEMPORARY VIEW above AS SELECT * FROM below")
    spark.table("below").createOrReplaceTempView("frame_above")
    spark.sql("CREATE OR REPLACE TEMPORARY VIEW below AS SELECT 3 AS b, 2 AS a")
    assert rows(spark, "SELECT * FROM above") == [(2,)]
    assert rows(spark, "SELECT * FROM frame_above") == [(1,)]
    assert rows(spark, "SELECT x.a, y.a FROM above x JOIN above y ON x.a = y.a") == [(2, 2)]
    spark.sql("DROP VIEW below")
    assert condition(spark, "SELECT * FROM above") == ("TABLE_OR_VIEW_NOT_FOUND", "42P01")
    assert rows(spark, "SELECT * FROM frame_above") == [(1,)]


def test_views_within_themselves(spark):
    spark.sql("CREATE OR REPLACE TEMPORARY VIEW r AS SELECT 1 AS a")
    assert condition(spark, "CREATE OR REPLACE TEMPORARY VIEW r AS SELECT * FROM r") == ("RECURSIVE_VIEW", "42K0H")
    spark.range(1).createOrReplaceTempView("deep")
    spark.sql("CREATE OR REPLACE TEMPORARY VIEW deep AS SELECT * FROM deep")
    assert condition(spark, "SELECT * FROM deep") == ("VIEW_EXCEED_MAX_NESTED_DEPTH", "54K00")


def test_who_asks_is_the_session(spark):
    spark.sql("CREATE OR REPLACE TEMPORARY VIEW who AS SELECT current_user() AS u, current_database() AS d, 1 AS one")
    assert rows(spark, "SELECT * FROM who") == rows(spark, "SELECT current_user(), current_database(), 1")


def test_which_columns_there_are_now(spark, tmp_path):
    path = str(tmp_path / "table")
    spark.sql("SELECT 1 AS a, 2 AS b").write.parquet(path)
    spark.sql(f"CREATE OR REPLACE TEMPORARY VIEW promised AS SELECT * FROM parquet.`{path}`")
    spark.sql("SELECT 1 AS a").write.mode("overwrite").parquet(path)
    with pytest.raises(AnalysisException) as raised:
        rows(spark, "SELECT * FROM promised")
    assert raised.value.getCondition() == "INCOMPATIBLE_VIEW_SCHEMA_CHANGE"
    parameters = raised.value.getMessageParameters()
    assert (parameters["colName"], parameters["actualCols"]) == ("b", "[]")


def test_names_of_temporary_views(spark):
    """A name may say a database, which then plays no part; it is kept in lower case."""
    frame = spark.range(3)
    names = {"a.b": "b", "`c.d`": "`c.d`", "1a": "1a", "select": "select", "Mixed_1": "mixed_1", "`w``x`": "`w``x`",
             "global_temp.g": "g", "default.dd": "dd"}
    for given, known in names.items():
        frame.createOrReplaceTempView(given)
        assert spark.table(known).count() == 3
    kept = {"b", "c.d", "1a", "select", "mixed_1", "w`x", "g", "dd"}
    assert kept <= {t.name for t in spark.catalog.listTables() if t.isTemporary}
    assert not spark.catalog.dropTempView("a.b") and not spark.catalog.dropTempView("`c.d`")
    assert all(spark.catalog.dropTempView(name) for name in kept)
    frame.createOrReplaceGlobalTempView("x.y")
    assert spark.table("global_temp.y").count() == 3 and spark.catalog.dropGlobalTempView("Y")
    for name in ["x.y.z", "a b", "a;", "`q", "a-b", "", " ", "ünï"]:
        with pytest.raises(AnalysisException) as raised:
            frame.createOrReplaceTempView(name)
        assert raised.value.getCondition() == "_LEGACY_ERROR_TEMP_1321"
        assert raised.value.getMessageParameters() == {"viewName": name}
