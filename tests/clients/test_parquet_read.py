"""Reading Parquet by an unmodified PySpark: which files a path stands for, partition columns, schemas, damage, pruning.

What is expected was seen on real Spark 4.3.0 (VONK_REMOTE runs the tests against it).
"""
import os
import re
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.errors import AnalysisException, PySparkException, SparkRuntimeException

from server import EACH_WAY, sessions_each_way


spark = pytest.fixture(**EACH_WAY)(sessions_each_way)


class Folder:
    def __init__(self, path):
        self.path = path
        os.chmod(path, 0o777)

    def __call__(self, *names):
        return os.path.join(self.path, *names)

    def put(self, name, **columns):
        os.makedirs(os.path.dirname(self(name)), exist_ok=True)
        pq.write_table(pa.table(columns or {"id": [1]}), self(name))


@pytest.fixture
def folder(tmp_path):
    return Folder(str(tmp_path))


@pytest.fixture
def one(folder):
    folder.put("one/a.parquet", id=[1, 2])
    folder.put("one/b.parquet", id=[3])
    folder.put("one/c.parq", id=[4])
    folder.put("one/_hidden.parquet", id=[9])
    folder.put("one/.hidden.parquet", id=[9])
    folder.put("one/sub/d.parquet", id=[5])
    return folder


def ids(df):
    return sorted(r.id for r in df.select("id").collect())


def failure(act):
    with pytest.raises(PySparkException) as raised:
        act()
    return raised.value


def test_folders_and_files(spark, one):
    assert ids(spark.read.parquet(one("one"))) == [1, 2, 3, 4]
    assert ids(spark.read.parquet(one("one/a.parquet"))) == [1, 2]
    assert ids(spark.read.parquet(one("one/a.parquet"), one("one/c.parq"))) == [1, 2, 4]
    assert ids(spark.read.parquet("file://" + one("one"))) == [1, 2, 3, 4]
    assert ids(spark.read.load(one("one"))) == [1, 2, 3, 4]
    assert ids(spark.read.format("parquet").option("path", one("one")).load()) == [1, 2, 3, 4]
    assert ids(spark.sql(f"select * from parquet.`{one('one')}`")) == [1, 2, 3, 4]
    assert ids(spark.read.option("recursiveFileLookup", True).parquet(one("one"))) == [1, 2, 3, 4, 5]
    assert ids(spark.read.option("pathGlobFilter", "*.parq").parquet(one("one"))) == [4]
    error = failure(lambda: spark.read.option("path", "x").load(one("one")).schema)
    assert error.getCondition() == "_LEGACY_ERROR_TEMP_1306"


def test_globs(spark, folder):
    for n in range(3):
        folder.put(f"x{n}/f.parquet", id=[n])
    folder.put("y/f.parquet", id=[7])
    assert ids(spark.read.parquet(folder("x*"))) == [0, 1, 2]
    assert ids(spark.read.parquet(folder("{x0,y}/*.parquet"))) == [0, 7]
    assert ids(spark.read.parquet(folder("x[0-1]"))) == [0, 1]
    error = failure(lambda: spark.read.parquet(folder("q*")).schema)
    assert (error.getCondition(), error.getSqlState()) == ("PATH_NOT_FOUND", "42K03")


def test_nothing_there(spark, one):
    os.makedirs(one("empty"))
    shutil.copy(one("one/_hidden.parquet"), one("_x.parquet"))
    for path, condition in (("nope", "PATH_NOT_FOUND"), ("empty", "UNABLE_TO_INFER_SCHEMA"),
                            ("_x.parquet", "UNABLE_TO_INFER_SCHEMA")):
        with pytest.raises(AnalysisException) as raised:
            spark.read.parquet(one(path)).schema
        assert raised.value.getCondition() == condition
    assert spark.read.schema("id long").parquet(one("empty")).collect() == []


def test_times_of_files(spark, one):
    os.utime(one("one/a.parquet"), (1577836800, 1577836800))  # 2020-01-01
    os.utime(one("one/b.parquet"), (1609459200, 1609459200))  # 2021-01-01
    assert ids(spark.read.option("modifiedBefore", "2020-06-01T00:00:00").parquet(one("one"))) == [1, 2]
    assert ids(spark.read.option("modifiedAfter", "2020-06-01 00:00:00").parquet(one("one"))) == [3, 4]
    both = spark.read.option("modifiedAfter", "2020-06-01T00:00:00").option("modifiedBefore", "2022-01-01T00:00:00")
    assert ids(both.parquet(one("one"))) == [3]
    error = failure(lambda: spark.read.option("modifiedAfter", "nope").parquet(one("one")).schema)
    assert error.getMessageParameters() == {"timeString": "nope", "strategy": "modifiedafter"}


@pytest.fixture
def parted(folder):
    folder.put("part/p=1/q=a/x.parquet", id=[1])
    folder.put("part/p=2/q=b%2Fc/x.parquet", id=[2])
    folder.put("part/p=__HIVE_DEFAULT_PARTITION__/q=z/x.parquet", id=[3])
    return folder


def test_partition_columns(spark, parted):
    df = spark.read.parquet(parted("part"))
    assert df.schema.simpleString() == "struct<id:bigint,p:int,q:string>"
    assert sorted(tuple(r) for r in df.collect()) == [(1, 1, "a"), (2, 2, "b/c"), (3, None, "z")]
    assert ids(df.filter("p = 2")) == [2]
    assert ids(df.filter("p is null or q < 'b'")) == [1, 3]
    assert [r.q for r in df.filter("id = 2").select("q").collect()] == ["b/c"]
    assert df.filter("q = 'b/c'").count() == 1
    assert spark.read.parquet(parted("part/p=1")).columns == ["id", "q"]
    assert spark.read.option("basePath", parted("part")).parquet(parted("part/p=1")).columns == ["id", "p", "q"]
    assert spark.read.option("recursiveFileLookup", True).parquet(parted("part")).columns == ["id"]
    assert sorted(df.inputFiles()) == [f"file://{parted('part')}/{end}/x.parquet" for end in
                                       ("p=1/q=a", "p=2/q=b%252Fc", "p=__HIVE_DEFAULT_PARTITION__/q=z")]


def test_partition_columns_that_do_not_fit(spark, parted):
    with pytest.raises(SparkRuntimeException) as raised:
        spark.read.parquet(parted("part/p=1"), parted("part/p=2")).schema
    assert raised.value.getCondition() == "CONFLICTING_DIRECTORY_STRUCTURES"
    parted.put("two/a=1/x.parquet")
    parted.put("two/a=1/b=2/x.parquet")
    error = failure(lambda: spark.read.parquet(parted("two")).schema)
    assert error.getCondition() == "CONFLICTING_PARTITION_COLUMN_NAMES"
    assert error.getMessageParameters() == {
        "distinctPartColLists": "\n\tPartition column name list #0: a\n\tPartition column name list #1: a, b\n",
        "suspiciousPaths": f"\n\tfile:{parted('two')}/a=1\n\tfile:{parted('two')}/a=1/b=2"}
    parted.put("mixed/a=1/x.parquet", id=[1])
    parted.put("mixed/x.parquet", id=[2])
    assert [tuple(r) for r in spark.read.parquet(parted("mixed")).collect()] == [(1, 1)]
    parted.put("same/id=5/x.parquet", id=[1], z=[2])
    assert [tuple(r) for r in spark.read.parquet(parted("same")).collect()] == [(5, 2)]


@pytest.mark.parametrize("texts, kind", [
    (["1"], "int"), (["007"], "int"), (["+5"], "int"), (["2147483648"], "bigint"), (["9" * 20], "decimal(20,0)"),
    (["1.5"], "double"), (["1e3"], "decimal(4,0)"), (["5."], "decimal(1,0)"), (["1d"], "double"), (["true"], "string"),
    (["1", "a"], "string"), (["1", "1.5"], "double"), (["1", "9" * 20], "decimal(20,0)"),
    (["9999999999", "1.5"], "string"), (["2020-01-02"], "date"), (["2020-1-2"], "string"),
    (["2020-01-02 03%3A04%3A05"], "timestamp"), (["2020-01-02 03%3A04%3A05.6"], "timestamp"),
    (["2020-01-02 03%3A04%3A05.678"], "string"), (["2020-01-02T03%3A04%3A05"], "string"),
    (["2020-01-02", "2020-01-02 03%3A04%3A06"], "timestamp"), (["1", "2020-01-01"], "string"),
])
def test_types_of_partition_columns(spark, folder, texts, kind):
    for text in texts:
        folder.put(f"t/v={text}/x.parquet")
    df = spark.read.parquet(folder("t"))
    assert df.schema["v"].dataType.simpleString() == kind
    assert df.count() == len(texts)


def test_schemas_of_the_user(spark, parted):
    given = spark.read.schema("id long, p string, zz int").parquet(parted("part"))
    assert given.schema.simpleString() == "struct<id:bigint,zz:int,p:string,q:string>"
    assert sorted(tuple(r) for r in given.filter("q <> 'z'").collect()) == [(1, None, "1", "a"), (2, None, "2", "b/c")]
    error = failure(lambda: spark.read.schema("id int").parquet(parted("part/p=1/q=a")).collect())
    assert error.getCondition() == "FAILED_READ_FILE.PARQUET_COLUMN_DATA_TYPE_MISMATCH"
    assert error.getMessageParameters() == {"path": f"file://{parted('part/p=1/q=a/x.parquet')}", "column": "[id]",
                                            "expectedType": "int", "actualType": "INT64"}
    error = failure(lambda: spark.read.schema("id long, q int").parquet(parted("part")).collect())
    assert error.getMessageParameters() == {"value": "'a'", "columnName": "`q`", "dataType": '"INT"'}


def test_merged_schemas(spark, folder):
    folder.put("s/a.parquet", id=[1], s=["x"])
    folder.put("s/b.parquet", id=[2], extra=[1.5])
    assert spark.read.parquet(folder("s")).columns == ["id", "s"]
    merged = spark.read.option("mergeSchema", True).parquet(folder("s"))
    assert merged.schema.simpleString() == "struct<id:bigint,s:string,extra:double>"
    assert sorted(tuple(r) for r in merged.collect()) == [(1, "x", None), (2, None, 1.5)]
    assert ids(merged.filter("extra > 1")) == [2] and ids(merged.filter("s is null")) == [2]
    spark.conf.set("spark.sql.parquet.mergeSchema", "true")
    try:
        assert spark.read.parquet(folder("s")).columns == ["id", "s", "extra"]
    finally:
        spark.conf.unset("spark.sql.parquet.mergeSchema")
    folder.put("s/c.parquet", id=["no number"])
    error = failure(lambda: spark.read.option("mergeSchema", True).parquet(folder("s")).schema)
    assert error.getCondition() == "CANNOT_MERGE_SCHEMAS"


def test_nested_columns(spark, folder):
    folder.put("n/a.parquet", st=[{"a": 1, "b": {"c": "x", "d": [1, 2]}}, None])
    df = spark.read.parquet(folder("n"))
    assert [r.c for r in df.select("st.b.c").collect()] == ["x", None]
    assert [tuple(r) for r in df.filter("st.a = 1").select("st.b.d").collect()] == [([1, 2],)]
    narrow = spark.read.schema("st struct<b: struct<d: array<long>>>").parquet(folder("n"))
    assert [r.st and r.st.b.d for r in narrow.collect()] == [[1, 2], None]


def test_damaged_files(spark, folder):
    with open(folder("bad.parquet"), "wb") as file:
        file.write(b"this is no Parquet file, however long it may be")
    folder.put("z.parquet", id=[1])
    path = folder("")[:-1]
    error = failure(lambda: spark.read.parquet(path).collect())
    assert error.getCondition() == "FAILED_READ_FILE.CANNOT_READ_FILE_FOOTER"
    assert error.getMessageParameters()["path"] == f"file:{folder('bad.parquet')}"
    error = failure(lambda: spark.read.schema("id long").parquet(path).collect())
    assert error.getCondition() == "FAILED_READ_FILE.NO_HINT"
    assert error.getMessageParameters()["path"] == f"file://{folder('bad.parquet')}"
    lenient = spark.read.option("ignoreCorruptFiles", True)
    assert ids(lenient.schema("id long").parquet(path)) == [1]
    error = failure(lambda: spark.read.option("ignoreCorruptFiles", True).parquet(path).schema)
    assert error.getCondition() == "UNABLE_TO_INFER_SCHEMA"


def test_files_that_vanish(spark, folder):
    for n in range(3):
        folder.put(f"v/{n}.parquet", id=[n])
    frame = spark.read.parquet(folder("v"))
    lenient = spark.read.option("ignoreMissingFiles", True).parquet(folder("v"))
    spark.read.parquet(folder("v")).createOrReplaceTempView("vanishing")
    assert ids(frame) == ids(lenient) == [0, 1, 2]
    view = spark.table("vanishing")  # keeps the list of files that it was made with
    assert ids(view) == [0, 1, 2]
    os.remove(folder("v/1.parquet"))
    error = failure(lambda: view.collect())
    assert error.getCondition() == "FAILED_READ_FILE.FILE_NOT_EXIST"
    assert error.getMessageParameters() == {"path": f"file://{folder('v/1.parquet')}"}
    lenient.createOrReplaceTempView("vanishing_too")
    os.remove(folder("v/2.parquet"))
    assert ids(spark.table("vanishing_too")) == [0]


@pytest.fixture(scope="module")
def many_groups(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("groups") / "g.parquet")
    n = 5000
    table = pa.table({"id": list(range(n)), "k": [i % 97 for i in range(n)], "s": [f"word {i % 13}" for i in range(n)],
                      "d": [None if i % 10 == 0 else i / 7 for i in range(n)],
                      "st": [{"x": i // 100, "y": str(i)} for i in range(n)]})
    pq.write_table(table, path, row_group_size=500, data_page_size=400, write_page_index=True)
    return path, table.to_pylist()


@pytest.mark.parametrize("where, keep", [
    ("id = 1234", lambda r: r["id"] == 1234),
    ("id in (3, 499, 500, 4999, 70000)", lambda r: r["id"] in (3, 499, 500, 4999)),
    ("id between 490 and 510", lambda r: 490 <= r["id"] <= 510),
    ("id > 4990 or id < 5", lambda r: r["id"] > 4990 or r["id"] < 5),
    ("id < 700 and s = 'word 3' and k > 50", lambda r: r["id"] < 700 and r["s"] == "word 3" and r["k"] > 50),
    ("s like 'word 1%' and id >= 4000", lambda r: r["s"].startswith("word 1") and r["id"] >= 4000),
    ("d is null and id < 100", lambda r: r["d"] is None and r["id"] < 100),
    ("d > 700.5", lambda r: r["d"] is not None and r["d"] > 700.5),
    ("not (d > 1.5)", lambda r: r["d"] is not None and not r["d"] > 1.5),
    ("st.x = 33", lambda r: r["st"]["x"] == 33),
    ("s = 'nowhere'", lambda r: False),
    ("id = -1 or k = 96 and id > 4800", lambda r: r["k"] == 96 and r["id"] > 4800),
])
def test_row_groups_and_pages_left_out(spark, many_groups, where, keep):
    path, rows = many_groups
    got = spark.read.parquet(path).filter(where).select("id", "s", "st.y").collect()
    assert sorted(tuple(r) for r in got) == [(r["id"], r["s"], r["st"]["y"]) for r in rows if keep(r)]


@pytest.mark.parametrize("keys, most_rows", [(range(1200, 1230), 100), (range(4999, 6000), 100), ([7, 4990], 5000),
                                             ([-5, 9000], 5000), (range(9000, 9010), 0)])
def test_row_groups_and_pages_left_out_by_joins(spark, many_groups, keys, most_rows):
    """What lies outside of the least and the greatest key of a join's build side is not read."""
    path, rows = many_groups
    spark.createDataFrame([(k,) for k in keys], "key bigint").createOrReplaceTempView("keys")
    spark.read.parquet(path).createOrReplaceTempView("many")
    sql = "SELECT /*+ BROADCAST(keys) */ id, s FROM many JOIN keys ON id = key"
    want = sorted((r["id"], r["s"]) for r in rows if r["id"] in list(keys))
    assert sorted(tuple(r) for r in spark.sql(sql).collect()) == want
    if "VONK_REMOTE" not in os.environ:
        text = spark.sql("EXPLAIN ANALYZE " + sql).collect()[0][0]
        scan = re.search(r"FileScan \[rows: (\d+).*?(?:read: (\d+) bytes)?\]", text)
        whole = spark.sql("EXPLAIN ANALYZE SELECT id, s FROM many").collect()[0][0]
        bytes_whole = int(re.search(r"read: (\d+) bytes", whole).group(1))
        assert int(scan.group(1)) <= most_rows
        if most_rows < 5000:
            assert int(scan.group(2) or 0) < bytes_whole / 4, (scan.group(2), bytes_whole)
