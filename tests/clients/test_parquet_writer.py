"""Parquet files that we write, read by pyarrow and DuckDB.

Each fixture is read by our reader, written by our writer, and must have the same values as before.
"""

import datetime
import glob
import os
import subprocess

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from server import BUILD, ROOT, SLOWER

TOOL = os.path.join(BUILD, "tests", "tools", "parquet-rewrite")
FILES = sorted(glob.glob(os.path.join(ROOT, "tests", "data", "parquet", "*.parquet")))
# DuckDB reads Spark's old two-level lists in another way, and INT96 without the fraction.
DUCKDB_FILES = [f for f in FILES if "int96" not in f and "legacy" not in f]
WAYS = {
    "default": [],
    "v2": ["--v2", "--compression", "zstd", "--page-bytes", "400", "--timestamps", "micros"],
    "plain": ["--no-dictionary", "--compression", "gzip", "--page-rows", "40", "--timestamps", "micros"],
    "legacy": ["--legacy", "--compression", "lz4_raw", "--page-bytes", "300", "--group-bytes", "3000"],
    "fallback": [
        "--dictionary-bytes",
        "150",
        "--page-bytes",
        "120",
        "--compression",
        "brotli",
        "--timestamps",
        "micros",
    ],
}


def plain(v):
    """A value without the differences that reading through Spark's types makes."""
    if hasattr(v, "to_pydatetime"):
        v = v.to_pydatetime(warn=False)
    if isinstance(v, datetime.datetime):
        return v.replace(tzinfo=None)
    if isinstance(v, float):
        return "NaN" if v != v else v
    if isinstance(v, dict):
        return {k: plain(x) for k, x in v.items()}
    if isinstance(v, (list, tuple)):
        return [plain(x) for x in v]
    return v


def rewrite(path, way, folder):
    to = os.path.join(folder, "ours.parquet")
    run = subprocess.run([TOOL, *WAYS[way], path, to], capture_output=True, timeout=60 * SLOWER)
    assert run.returncode == 0, run.stderr.decode()
    return to


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("path", FILES, ids=[os.path.basename(f)[:-8] for f in FILES])
def test_pyarrow_reads_it(path, way, tmp_path):
    ours = pq.read_table(rewrite(path, way, tmp_path), page_checksum_verification=True)
    ours.validate(full=True)
    theirs = pq.read_table(path)
    assert ours.column_names == theirs.column_names
    for name in theirs.column_names:
        assert plain(ours[name].to_pylist()) == plain(theirs[name].to_pylist()), name


@pytest.mark.parametrize("way", ["default", "v2", "fallback"])
@pytest.mark.parametrize("path", DUCKDB_FILES, ids=lambda f: os.path.basename(f)[:-8])
def test_duckdb_reads_it(path, way, tmp_path):
    db = duckdb.connect()
    db.execute("set timezone = 'UTC'")
    ours = db.execute(f"select * from '{rewrite(path, way, tmp_path)}'").fetchall()
    theirs = db.execute(f"select * from '{path}'").fetchall()
    assert [[plain(v) for v in row] for row in ours] == [[plain(v) for v in row] for row in theirs]


def test_statistics(tmp_path):
    """What we say about chunks and pages is what is in them."""
    path = os.path.join(ROOT, "tests", "data", "parquet", "pa_numbers_dict.parquet")
    file = pq.ParquetFile(rewrite(path, "plain", tmp_path))
    table = pq.read_table(path)
    assert file.metadata.created_by.startswith("vonk version ")
    assert b"org.apache.spark.sql.parquet.row.metadata" in file.metadata.metadata
    group = file.metadata.row_group(0)
    for i in range(group.num_columns):
        chunk = group.column(i)
        values = [v for v in table.column(chunk.path_in_schema).to_pylist() if v is not None]
        assert chunk.statistics.null_count == table.num_rows - len(values)
        assert chunk.has_offset_index
        if chunk.path_in_schema == "f32":  # NaNs have no order
            assert not chunk.statistics.has_min_max and not chunk.has_column_index
        elif not pa.types.is_unsigned_integer(table.schema.field(chunk.path_in_schema).type):
            assert plain(chunk.statistics.min) == plain(min(values)), chunk.path_in_schema
            assert plain(chunk.statistics.max) == plain(max(values)), chunk.path_in_schema
            assert chunk.has_column_index


def test_duckdb_prunes_by_our_bounds(tmp_path):
    """DuckDB leaves out by statistics and bloom filters: what it finds must not change."""
    path = os.path.join(ROOT, "tests", "data", "parquet", "pa_texts_dict.parquet")
    to = os.path.join(tmp_path, "bloom.parquet")
    subprocess.run(
        [TOOL, "--bloom", "long", "--bloom", "short", "--group-bytes", "2000", path, to],
        check=True,
        capture_output=True,
    )
    db = duckdb.connect()
    for column in ("long", "short"):
        for (value,) in db.execute(f"select distinct {column} from '{path}' where {column} is not null").fetchall():
            count = f"select count(*) from '{{}}' where {column} = ?"
            ours, theirs = (db.execute(count.format(f), [value]).fetchall() for f in (to, path))
            assert ours == theirs, value
    found = db.execute(
        f"select count(*) from parquet_bloom_probe('{to}', 'long', 'not there') where not bloom_filter_excludes"
    ).fetchone()
    assert found[0] <= 1
