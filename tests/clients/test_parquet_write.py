"""Writing Parquet through an unmodified PySpark: what lands in the folder, modes, partitions, writes that fail."""

import datetime
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

import pyarrow.parquet as pq
import pytest
from pyspark.errors import AnalysisException, ArithmeticException, IllegalArgumentException, PySparkException
from pyspark.sql import Row
from pyspark.sql import functions as F

from server import SLOWER, Server


def names(folder):
    """Visible files below a folder, with the id of the write and checksums of local Hadoop taken out."""
    found = []
    for top, folders, files in os.walk(folder):
        folders[:] = [d for d in folders if not d.startswith(("_", "."))]
        for name in files:
            if not name.startswith("."):
                found.append(os.path.relpath(os.path.join(top, name), folder))
    return sorted(found)


def parts(folder):
    return [name for name in names(folder) if not name.endswith("_SUCCESS")]


def hidden(folder):
    """Leftovers in a folder and in the one above it: staging folders."""
    inside = os.listdir(folder) if os.path.isdir(folder) else []
    above = os.listdir(os.path.dirname(folder))
    return [n for n in inside + above if n.startswith(("_vonk", "_old", ".")) and not n.endswith(".crc")]


@pytest.fixture
def folder(tmp_path):
    os.chmod(tmp_path, 0o777)
    return str(tmp_path / "data")


def ids(spark, folder):
    return sorted(r.id for r in spark.read.parquet(folder).select("id").collect())


ROWS = """
    select cast(1 as tinyint) b, cast(-2 as smallint) s, 3 i, 4L l, 1.5f f, cast('NaN' as double) d, true t, 'text' str,
           X'00FF' bin,
           date'1500-01-02' dt, timestamp'2020-02-29 12:34:56.789012' ts, timestamp_ntz'1969-12-31 23:59:59.999999' n,
           cast(1.23 as decimal(5,2)) d5, cast(-12345678901.5 as decimal(18,4)) d18, cast('1e30' as decimal(38,2)) d38,
           array(1, null, 3) a, map('k', 1.5D, 'none', null) m, named_struct('x', 1, 'y', array('p', 'q')) st,
           array(map('a', named_struct('z', 1))) deep, interval '1-2' year to month ym,
           interval '1 02:03:04.5' day to second ds
    union all
    select null, null, null, null, null, null, null, null, null, null, null, null, null, null,
           null, null, null, null, null, null, null
"""


@pytest.mark.parametrize("stamps", ["INT96", "TIMESTAMP_MICROS", "TIMESTAMP_MILLIS"])
def test_types_come_back(spark, folder, stamps):
    spark.conf.set("spark.sql.parquet.outputTimestampType", stamps)
    try:
        df = spark.sql(ROWS)
        df.write.parquet(folder)
    finally:
        spark.conf.unset("spark.sql.parquet.outputTimestampType")
    back = spark.read.parquet(folder)
    assert back.schema.simpleString() == df.schema.simpleString()
    got, want = (x.withColumn("ym", F.expr("cast(ym as string)")).orderBy("i").collect() for x in (back, df))
    if stamps == "TIMESTAMP_MILLIS":
        want = [Row(**{**r.asDict(), "ts": r.ts and r.ts.replace(microsecond=789000)}) for r in want]
    assert repr(got) == repr(want)  # NaN is not equal to itself


def test_schema_is_kept_for_spark(spark, folder):
    df = spark.range(3).select(
        "id", F.lit("x").alias("s", metadata={"comment": "of s"}), F.expr("if(id = 0, null, id)").alias("n")
    )
    df.write.parquet(folder)
    meta = pq.ParquetFile(os.path.join(folder, parts(folder)[0])).metadata.metadata
    assert meta[b"org.apache.spark.version"] == b"4.3.0"
    assert json.loads(meta[b"org.apache.spark.sql.parquet.row.metadata"]) == {
        "type": "struct",
        "fields": [
            {"name": "id", "type": "long", "nullable": False, "metadata": {}},
            {"name": "s", "type": "string", "nullable": False, "metadata": {"comment": "of s"}},
            {"name": "n", "type": "long", "nullable": True, "metadata": {}},
        ],
    }
    assert spark.read.parquet(folder).schema["s"].metadata == {"comment": "of s"}


def test_modes(spark, folder):
    three = spark.range(3)
    three.write.parquet(folder)
    assert ids(spark, folder) == [0, 1, 2]
    for write in (three.write, three.write.mode("error")):
        with pytest.raises(AnalysisException) as raised:
            write.parquet(folder)
        assert raised.value.getCondition() == "PATH_ALREADY_EXISTS"
        assert raised.value.getSqlState() == "42K04"
        assert raised.value.getMessageParameters() == {"outputPath": f"file:{folder}"}
    before = names(folder)
    spark.range(10).write.mode("ignore").parquet(folder)
    assert names(folder) == before
    spark.range(3, 5).write.mode("append").parquet(folder)
    assert set(before) < set(names(folder))
    assert ids(spark, folder) == [0, 1, 2, 3, 4]
    spark.range(7, 9).write.mode("overwrite").parquet(folder)
    assert ids(spark, folder) == [7, 8]
    assert not set(parts(folder)) & set(before)
    assert "_SUCCESS" in names(folder)
    assert not hidden(folder)


def test_modes_where_nothing_is(spark, tmp_path):
    os.chmod(tmp_path, 0o777)
    for mode in ("append", "overwrite", "ignore", "error"):
        folder = str(tmp_path / "deep" / "er" / mode)
        spark.range(2).write.mode(mode).format("parquet").save(folder)
        assert ids(spark, folder) == [0, 1]


def test_file_names(spark, folder):
    spark.range(0, 5, 1, 2).write.parquet(folder)
    first, second = parts(folder)
    head, uuid, tail = first[:11], first[11:47], first[47:]
    assert (head, len(uuid.split("-")), tail) == ("part-00000-", 5, "-c000.snappy.parquet")
    assert second == f"part-00001-{uuid}-c000.snappy.parquet"


@pytest.mark.parametrize(
    "codec, end",
    [
        ("none", "c000.parquet"),
        ("uncompressed", "c000.parquet"),
        ("snappy", "c000.snappy.parquet"),
        ("gzip", "c000.gz.parquet"),
        ("lz4", "c000.lz4hadoop.parquet"),
        ("lz4_raw", "c000.lz4raw.parquet"),
        ("zstd", "c000.zstd.parquet"),
    ],
)
def test_compression(spark, folder, codec, end):
    spark.range(0, 1000, 1, 1).write.parquet(folder, compression=codec)
    spark.conf.set("spark.sql.parquet.compression.codec", codec)
    try:
        spark.range(1000, 2000, 1, 1).write.mode("append").parquet(folder)
    finally:
        spark.conf.unset("spark.sql.parquet.compression.codec")
    assert [p.split("-")[-1] for p in parts(folder)] == [end, end]
    assert ids(spark, folder) == list(range(2000))


def test_most_rows_of_a_file(spark, folder):
    spark.range(0, 10, 1, 1).write.option("maxRecordsPerFile", 3).parquet(folder)
    assert [p.split("-")[-1] for p in parts(folder)] == [f"c00{i}.snappy.parquet" for i in range(4)]
    assert sorted(pq.ParquetFile(os.path.join(folder, p)).metadata.num_rows for p in parts(folder)) == [1, 3, 3, 3]


def test_no_rows(spark, folder):
    spark.range(10).filter("id > 100").write.parquet(folder)
    assert len(parts(folder)) == 1  # so that there is a schema
    back = spark.read.parquet(folder)
    assert back.schema.simpleString() == "struct<id:bigint>"
    assert back.count() == 0


def test_partition_folders(spark, folder):
    df = spark.range(0, 6, 1, 2).selectExpr("id", "id % 2 as p", "if(id % 3 = 0, null, concat('a/b:', id)) as `q=`")
    df.write.partitionBy("p", "q=").parquet(folder)
    assert sorted({os.path.dirname(p) for p in parts(folder)}) == [
        "p=0/q%3D=__HIVE_DEFAULT_PARTITION__",
        "p=0/q%3D=a%2Fb%3A2",
        "p=0/q%3D=a%2Fb%3A4",
        "p=1/q%3D=__HIVE_DEFAULT_PARTITION__",
        "p=1/q%3D=a%2Fb%3A1",
        "p=1/q%3D=a%2Fb%3A5",
    ]
    assert all(p.split(".")[1] == "c000" for p in parts(folder))
    back = spark.read.parquet(folder)
    assert back.schema.simpleString() == "struct<id:bigint,p:int,q=:string>"
    assert sorted(back.collect(), key=lambda r: r.id) == [
        Row(**{"id": i, "p": i % 2, "q=": None if i % 3 == 0 else f"a/b:{i}"}) for i in range(6)
    ]


def test_partition_values(spark, folder):
    df = spark.sql(
        """select 1 as id, date'2020-01-02' d, timestamp'2020-01-02 03:04:05.678' ts, cast(1.5 as decimal(3,2)) dec,
           true b, 'a b' s, 12L l
                      union all select 2, null, null, null, null, '', null"""
    )
    df.write.partitionBy("d", "ts", "dec", "b", "s", "l").parquet(folder)
    null = "__HIVE_DEFAULT_PARTITION__"
    assert sorted(os.path.dirname(p) for p in parts(folder)) == [
        "d=2020-01-02/ts=2020-01-02 03%3A04%3A05.678/dec=1.50/b=true/s=a b/l=12",
        f"d={null}/ts={null}/dec={null}/b={null}/s={null}/l={null}",
    ]
    back = spark.read.parquet(folder).orderBy("id").collect()
    assert back == [
        Row(
            id=1,
            d=datetime.date(2020, 1, 2),
            ts="2020-01-02 03:04:05.678",
            dec=1.5,
            b="true",
            s="a b",
            l=12,
        ),
        Row(id=2, d=None, ts=None, dec=None, b=None, s=None, l=None),
    ]


def test_overwrite_of_partitions(spark, folder):
    spark.range(6).selectExpr("id", "id % 3 as p").write.partitionBy("p").parquet(folder)
    more = spark.range(10, 13).selectExpr("id", "id % 2 + 2 as p")  # partitions 2 and 3
    more.write.mode("overwrite").option("partitionOverwriteMode", "dynamic").partitionBy("p").parquet(folder)
    assert sorted((r.p, r.id) for r in spark.read.parquet(folder).collect()) == [
        (0, 0),
        (0, 3),
        (1, 1),
        (1, 4),
        (2, 10),
        (2, 12),
        (3, 11),
    ]
    spark.conf.set("spark.sql.sources.partitionOverwriteMode", "dynamic")
    try:
        spark.range(20, 21).selectExpr("id", "0 as p").write.mode("overwrite").partitionBy("p").parquet(folder)
    finally:
        spark.conf.unset("spark.sql.sources.partitionOverwriteMode")
    assert sorted((r.p, r.id) for r in spark.read.parquet(folder).collect()) == [
        (0, 20),
        (1, 1),
        (1, 4),
        (2, 10),
        (2, 12),
        (3, 11),
    ]
    more.write.mode("overwrite").partitionBy("p").parquet(folder)
    assert sorted((r.p, r.id) for r in spark.read.parquet(folder).collect()) == [(2, 10), (2, 12), (3, 11)]
    assert not hidden(folder)


def test_append_to_partitions(spark, folder):
    for start in (0, 4):
        spark.range(start, start + 4).selectExpr("id", "id % 2 as p").write.mode("append").partitionBy("p").parquet(
            folder
        )
    assert sorted((r.p, r.id) for r in spark.read.parquet(folder).collect()) == sorted((i % 2, i) for i in range(8))


def test_sql(spark, folder):
    spark.sql(
        f"insert overwrite directory '{folder}' using parquet options ('compression' 'gzip') "
        "select id, 'x' as s from range(3)"
    )
    assert {p.split("-")[-1] for p in parts(folder)} == {"c000.gz.parquet"}
    assert ids(spark, folder) == [0, 1, 2]
    assert spark.sql(f"select count(*) as n from parquet.`{folder}`").collect() == [Row(n=3)]
    spark.sql(f"insert overwrite directory using parquet options (path '{folder}') values (7L) as t(id)")
    assert ids(spark, folder) == [7]


@pytest.mark.parametrize(
    "write, condition, state",
    [
        (lambda s, f: s.range(2).write.partitionBy("id").parquet(f), "ALL_PARTITION_COLUMNS_NOT_ALLOWED", "KD005"),
        (lambda s, f: s.range(2).write.partitionBy("nope").parquet(f), "_LEGACY_ERROR_TEMP_1155", None),
        (
            lambda s, f: s.range(2).selectExpr("id", "1 as P").write.partitionBy("p", "P").parquet(f),
            "COLUMN_ALREADY_EXISTS",
            "42711",
        ),
        (
            lambda s, f: s.range(2).selectExpr("id", "struct(id) as p").write.partitionBy("p").parquet(f),
            "INVALID_PARTITION_COLUMN_DATA_TYPE",
            "0A000",
        ),
        (
            lambda s, f: s.sql("select make_interval(1) as i").write.parquet(f),
            "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE",
            "0A000",
        ),
        (lambda s, f: s.sql("select 1 as a, 2 as A").write.parquet(f), "COLUMN_ALREADY_EXISTS", "42711"),
        (lambda s, f: s.range(1).select().write.parquet(f), "EMPTY_SCHEMA_NOT_SUPPORTED_FOR_DATASOURCE", "0A000"),
        (lambda s, f: s.range(1).write.sortBy("id").parquet(f), "SORT_BY_WITHOUT_BUCKETING", "42601"),
        (lambda s, f: s.range(1).write.bucketBy(2, "id").parquet(f), "_LEGACY_ERROR_TEMP_1312", None),
        (lambda s, f: s.range(1).write.save(), "_LEGACY_ERROR_TEMP_2047", None),
        (lambda s, f: s.range(1).write.format("nope").save(f), "DATA_SOURCE_NOT_FOUND", "42K02"),
    ],
)
def test_errors(spark, folder, write, condition, state):
    with pytest.raises(PySparkException) as raised:
        write(spark, folder)
    assert raised.value.getCondition() == condition
    assert raised.value.getSqlState() == state
    assert not os.path.exists(folder)


def test_unknown_codec(spark, folder):
    with pytest.raises(IllegalArgumentException) as raised:
        spark.range(1).write.parquet(folder, compression="nope")
    assert raised.value.getCondition() == "CODEC_NOT_AVAILABLE.WITH_AVAILABLE_CODECS_SUGGESTION"


@pytest.mark.parametrize("mode", ["overwrite", "append", "dynamic"])
def test_a_write_that_fails_keeps_what_was_there(spark, folder, mode):
    spark.range(4).selectExpr("id", "id % 2 as p").write.partitionBy("p").parquet(folder)
    before = names(folder)
    bad = spark.range(0, 200000, 1, 2).select(
        "id", (F.lit(1) / (F.col("id") - 199999)).alias("x"), (F.col("id") % 2).alias("p")
    )
    writer = bad.write.partitionBy("p").mode("append" if mode == "append" else "overwrite")
    if mode == "dynamic":
        writer = writer.option("partitionOverwriteMode", "dynamic")
    with pytest.raises(ArithmeticException) as raised:
        writer.parquet(folder)
    assert raised.value.getCondition() == "DIVIDE_BY_ZERO"
    assert names(folder) == before
    assert ids(spark, folder) == [0, 1, 2, 3]
    assert not hidden(folder)


def test_a_write_that_fails_leaves_nothing(spark, folder):
    bad = spark.range(0, 100000, 1, 4).select((F.lit(1) / (F.col("id") - 99999)).alias("x"))
    with pytest.raises(ArithmeticException):
        bad.write.parquet(folder)
    assert not os.path.exists(folder)
    assert not hidden(folder)


def test_options_that_say_neither(spark, folder):
    spark.range(2).selectExpr("id", "id as p").write.partitionBy("p").parquet(folder)
    again = spark.range(1).selectExpr("id", "5 as p").write.mode("overwrite").partitionBy("p")
    for wrong in (
        lambda: again.option("partitionOverwriteMode", "dynamicc").parquet(folder),
        lambda: spark.read.parquet(folder, mergeSchema="yes").collect(),
        lambda: spark.read.parquet(folder, recursiveFileLookup="1").collect(),
        lambda: spark.read.option("basePath", folder + "/p=1").parquet(folder).collect(),
    ):
        with pytest.raises(IllegalArgumentException) as raised:
            wrong()
        assert raised.value.getCondition() is None
    assert spark.read.parquet(folder).count() == 2  # nothing was overwritten


def test_overwrite_of_what_is_read(spark, folder):
    spark.range(5).write.parquet(folder)
    spark.read.parquet(folder).selectExpr("id + 10 as id").write.mode("overwrite").parquet(folder)
    assert ids(spark, folder) == [10, 11, 12, 13, 14]


def test_overwrite_of_a_path_that_cannot_be_renamed(spark, folder):
    """A link into another file system stands for a mounted folder: its content is replaced in place."""
    if not os.path.isdir("/dev/shm") or os.stat("/dev/shm").st_dev == os.stat(os.path.dirname(folder)).st_dev:
        pytest.skip("no second file system")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as other:
        os.chmod(other, 0o777)
        os.symlink(other, folder)
        spark.range(3).write.mode("overwrite").parquet(folder)
        os.mkdir(os.path.join(other, "old"))
        spark.range(5, 7).write.mode("overwrite").parquet(folder)
        assert ids(spark, folder) == [5, 6]
        with pytest.raises(ArithmeticException):
            spark.range(9).selectExpr("1 / (id - 8) as id").write.mode("overwrite").parquet(folder)
        assert ids(spark, folder) == [5, 6]
        assert sorted(n[:4] for n in os.listdir(other)) == ["_SUC", "part", "part"]
        os.unlink(folder)


def staging(folder):
    """Bytes staged for a path, wherever they lie."""
    places = [os.path.join(folder, n) for n in os.listdir(folder) if n.startswith("_vonk")]
    above = os.path.dirname(folder)
    places += [os.path.join(above, n) for n in os.listdir(above) if n.startswith(".data.vonk")]
    return places, sum(os.path.getsize(os.path.join(t, f)) for p in places for t, _, fs in os.walk(p) for f in fs)


ENDLESS = """
import sys
from pyspark.sql import SparkSession
remote, folder, mode = sys.argv[1:]
session = SparkSession.builder.remote(remote).create()
session.range(0, 3, 1, 2).write.parquet(folder)
rows = session.range(0, 4_000_000_000, 1, 2).selectExpr("id", "rand() as u")
rows.write.mode(mode).option("maxRecordsPerFile", 50000).parquet(folder)
"""


@pytest.mark.parametrize("mode", ["overwrite", "append"])
def test_a_killed_server_loses_nothing(folder, mode):
    from pyspark.sql import SparkSession

    first = Server(name="killed")
    client = subprocess.Popen(
        [sys.executable, "-c", ENDLESS, first.remote, folder, mode],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    end = time.monotonic() + 60 * SLOWER
    while (not os.path.isdir(folder) or staging(folder)[1] < 100_000) and time.monotonic() < end:
        time.sleep(0.02)
    places, size = staging(folder)
    first.process.kill()
    first.process.wait()
    client.kill()
    client.wait()
    os.remove(first.log)
    assert size >= 100_000
    assert len(parts(folder)) == 2
    for place in places:  # old enough not to be taken for one that is being made
        os.utime(os.path.join(place, ".lock"), (0, 0))
    second = Server(name="after")
    try:
        again = SparkSession.builder.remote(second.remote).create()
        assert ids(again, folder) == [0, 1, 2]
        again.range(5, 6).write.mode(mode).parquet(folder)
        assert ids(again, folder) == ([5] if mode == "overwrite" else [0, 1, 2, 5])
        assert not hidden(folder)
        again.stop()
    finally:
        assert second.stop() == 0
    shutil.rmtree(folder)
