"""The Arrow IPC streams that we write, read by pyarrow: Parquet fixtures go through our reader and our IPC writer."""

import glob
import os
import subprocess

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from server import BUILD, ROOT, SLOWER

TOOL = os.path.join(BUILD, "tests", "tools", "parquet-to-ipc")
FILES = sorted(glob.glob(os.path.join(ROOT, "tests", "data", "parquet", "*.parquet")))
WAYS = {
    "plain": [],
    "selected": ["--every", "3", "--batch", "50"],
    "zstd": ["--zstd", "--flat"],
    "lz4_large": ["--lz4", "--large", "--batch", "7"],
}


def spark_type(t):
    """The Arrow type that Spark has for a value of Arrow type t read from Parquet."""
    if pa.types.is_uint8(t):
        return pa.int16()
    if pa.types.is_uint16(t):
        return pa.int32()
    if pa.types.is_uint32(t):
        return pa.int64()
    if pa.types.is_uint64(t):
        return pa.decimal128(20, 0)
    if pa.types.is_large_string(t) or pa.types.is_string_view(t):
        return pa.string()
    if pa.types.is_large_binary(t) or pa.types.is_fixed_size_binary(t) or pa.types.is_binary_view(t):
        return pa.binary()
    if pa.types.is_timestamp(t):
        return pa.timestamp("us", t.tz and "UTC")
    if pa.types.is_time(t):
        return pa.time64("ns")
    if pa.types.is_dictionary(t):
        return spark_type(t.value_type)
    if pa.types.is_map(t):
        return pa.map_(spark_type(t.key_type), spark_type(t.item_type))
    if pa.types.is_struct(t):
        return pa.struct([pa.field(f.name, spark_type(f.type), f.nullable) for f in t])
    if pa.types.is_list(t) or pa.types.is_large_list(t) or pa.types.is_fixed_size_list(t):
        return pa.list_(pa.field("element", spark_type(t.value_type), t.value_field.nullable))
    return t


def same(got, want):
    """Equal, NaN being equal to itself; decimals and integers of equal value are."""
    if isinstance(got, float) and isinstance(want, float):
        return got == want or (got != got and want != want)
    if isinstance(got, list):
        return isinstance(want, list) and len(got) == len(want) and all(map(same, got, want))
    if isinstance(got, tuple):
        return all(map(same, got, want))
    if isinstance(got, dict):
        return got.keys() == want.keys() and all(same(got[k], want[k]) for k in got)
    return got == want


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("path", FILES, ids=[os.path.basename(f)[:-8] for f in FILES])
def test_stream(path, way):
    run = subprocess.run([TOOL, *WAYS[way], path], capture_output=True, timeout=60 * SLOWER)
    assert run.returncode == 0, run.stderr.decode()
    batches = list(pa.ipc.open_stream(run.stdout))
    assert len(batches) == 1
    batches[0].validate(full=True)
    want = pq.read_table(path)
    rows = range(want.num_rows)
    if way == "selected":
        meta, rows, first = pq.ParquetFile(path).metadata, [], 0
        for g in range(meta.num_row_groups):
            n = meta.row_group(g).num_rows
            rows += [first + b + k for b in range(0, n, 50) for k in range(0, min(50, n - b), 3)]
            first += n
    assert batches[0].num_rows == len(rows)
    for field, column, got in zip(want.schema, want.columns, batches[0].columns):
        if "int96" not in path and "spark" not in path and way != "lz4_large":
            assert got.type.equals(spark_type(field.type)), field.name
        values = column.to_pylist()
        for row, value in zip(rows, got.to_pylist()):
            expected = values[row]
            if hasattr(expected, "to_pydatetime"):  # nanoseconds of INT96
                expected = expected.to_pydatetime()
            if hasattr(value, "tzinfo") and value.tzinfo and not getattr(expected, "tzinfo", None):
                value = value.replace(tzinfo=None)
            assert same(value, expected), (field.name, row)
