"""Pickles of codec/pickle.h against pyspark: rows that C writes are unpickled by Python, rows that Python pickles are
read by C into columns. Arrow IPC streams carry the columns."""

import array
import collections
import datetime as dt
import io
import os
import pickle
import random
import subprocess
import zoneinfo
from decimal import Context
from decimal import Decimal as D

import pyarrow as pa
import pytest
from pyspark.serializers import CPickleSerializer
from pyspark.sql import Row
from pyspark.sql import types as T

from server import BUILD, SLOWER

TOOL = os.path.join(BUILD, "tests", "tools", "pickle-rows")
UTC = dt.timezone.utc
ZONE = zoneinfo.ZoneInfo("America/Los_Angeles")
RANDOM = random.Random(20)


def run(*args, content):
    done = subprocess.run([TOOL, *args], input=content, capture_output=True, timeout=60 * SLOWER)
    return done.returncode, done.stdout, done.stderr.decode()


def tool(*args, content):
    code, out, err = run(*args, content=content)
    assert code == 0, err
    return out


def integer(bits):
    return lambda: RANDOM.choice([0, 1, -1, 2 ** (bits - 1) - 1, -(2 ** (bits - 1)), RANDOM.getrandbits(bits - 1)])


def text():
    return "".join(RANDOM.choice("ab\u00e9\u20ac\U0001f600") for _ in range(RANDOM.choice([0, 1, 5, 13, 100, 300])))


def moment():
    return dt.datetime(1971, 1, 1) + dt.timedelta(microseconds=RANDOM.randrange(60 * 365 * 86400 * 10**6))


def number(precision, scale):
    return lambda: D(RANDOM.randrange(-(10**precision) + 1, 10**precision)).scaleb(
        -scale, Context(prec=40)
    )


# name: (DDL, Arrow type, a random value)
SCALARS = {
    "bool": ("boolean", pa.bool_(), lambda: RANDOM.random() < 0.5),
    "i8": ("tinyint", pa.int8(), integer(8)),
    "i16": ("smallint", pa.int16(), integer(16)),
    "i32": ("int", pa.int32(), integer(32)),
    "i64": ("bigint", pa.int64(), integer(64)),
    "f32": ("float", pa.float32(), lambda: RANDOM.choice([0.0, -1.5, float("inf"), 2.0**100])),
    "f64": ("double", pa.float64(), lambda: RANDOM.choice([0.1, -1e300, float("-inf"), RANDOM.random()])),
    "dec": ("decimal(10,2)", pa.decimal128(10, 2), number(10, 2)),
    "wide": ("decimal(38,18)", pa.decimal128(38, 18), number(38, 18)),
    "str": ("string", pa.string(), text),
    "bin": ("binary", pa.binary(), lambda: RANDOM.randbytes(RANDOM.choice([0, 3, 12, 40, 300]))),
    "date": ("date", pa.date32(), lambda: moment().date()),
    "ts": ("timestamp", pa.timestamp("us", "UTC"), lambda: moment().replace(tzinfo=UTC)),
    "ntz": ("timestamp_ntz", pa.timestamp("us"), moment),
    "time": ("time(6)", pa.time64("ns"), lambda: moment().time()),
    "gap": ("interval day to second", pa.duration("us"), lambda: moment() - dt.datetime(2000, 1, 1)),
}


def nested(name):
    ddl, arrow, make = SCALARS[name]

    def list_of():
        return [None if RANDOM.random() < 0.2 else make() for _ in range(RANDOM.randrange(4))]

    def map_of():
        return {text(): make() for _ in range(RANDOM.randrange(4))}

    struct = pa.struct([pa.field("x", arrow), pa.field("y", pa.list_(arrow))])
    return {
        "l_" + name: (f"array<{ddl}>", pa.list_(arrow), list_of),
        "m_" + name: (f"map<string,{ddl}>", pa.map_(pa.string(), arrow), map_of),
        "s_" + name: (f"struct<x:{ddl},y:array<{ddl}>>", struct, lambda: {"x": make(), "y": list_of()}),
        "z_" + name: (
            f"array<struct<x:{ddl},y:array<{ddl}>>>", pa.list_(struct), lambda: [{"x": make(), "y": list_of()}]
        ),
    }


COLUMNS = dict(SCALARS)
for each in SCALARS:
    COLUMNS.update(nested(each))


def make_rows(names, n=60):
    return [{c: None if RANDOM.random() < 0.15 else COLUMNS[c][2]() for c in names} for _ in range(n)]


def stream(rows, names):
    schema = pa.schema([pa.field(c, COLUMNS[c][1]) for c in names])
    out = io.BytesIO()
    with pa.ipc.new_stream(out, schema) as writer:
        for start in range(0, len(rows), 25):
            writer.write_batch(pa.RecordBatch.from_pylist(rows[start : start + 25], schema=schema))
    return out.getvalue()


def unpickle(content):
    file, rows = io.BytesIO(content), []
    while file.tell() < len(content):
        batch = pickle.Unpickler(file).load()
        assert CPickleSerializer().loads(pickle.dumps(len(batch))) == len(batch)
        assert isinstance(batch, list)
        rows += batch
    return rows


def python_value(v, zone):
    """What pyspark has for a value: naive datetimes, Rows for structs."""
    if isinstance(v, dt.datetime) and v.tzinfo:
        return v.astimezone(zone).replace(tzinfo=None)
    if isinstance(v, list):
        return [python_value(x, zone) for x in v]
    if isinstance(v, dict) and set(v) == {"x", "y"}:
        return Row(**{k: python_value(x, zone) for k, x in v.items()})
    if isinstance(v, dict):
        return {k: python_value(x, zone) for k, x in v.items()}
    return v


def same(got, want):
    assert type(got) is type(want), (got, want)
    assert got == want
    if isinstance(got, Row):
        assert got.__fields__ == want.__fields__
    if isinstance(got, tuple):
        for g, w in zip(got, want):
            same(g, w)
    if isinstance(got, dt.datetime):
        assert got.fold == want.fold


GROUPS = {"scalars": list(SCALARS), **{"nested_" + s: list(nested(s)) for s in SCALARS}}


@pytest.mark.parametrize("group", GROUPS)
def test_rows_are_written(group):
    names = GROUPS[group]
    rows = make_rows(names)
    content = stream(rows, names)
    for args, zone in (([], None), (["--final", "--zone", "America/Los_Angeles"], ZONE)):
        got = unpickle(tool("write", *args, content=content))
        assert len(got) == len(rows)
        for g, row in zip(got, rows):
            same(g, Row(**{c: python_value(row[c], zone) for c in names}))
    got = unpickle(tool("write", "--final", "--tuples", "--every", "7", content=content))
    want = [r for at in range(0, len(rows), 25) for r in rows[at : at + 25][::7]]
    for g, row in zip(got, want, strict=True):
        same(g, tuple(python_value(row[c], UTC) for c in names))


def from_json(names):
    """The schema by the parser that needs no session."""
    basic = {
        "boolean": T.BooleanType(), "tinyint": T.ByteType(), "smallint": T.ShortType(), "int": T.IntegerType(),
        "bigint": T.LongType(), "float": T.FloatType(), "double": T.DoubleType(), "decimal(10,2)": T.DecimalType(10, 2),
        "decimal(38,18)": T.DecimalType(38, 18), "string": T.StringType(), "binary": T.BinaryType(),
        "date": T.DateType(), "timestamp": T.TimestampType(), "timestamp_ntz": T.TimestampNTZType(),
        "time(6)": T.TimeType(6), "interval day to second": T.DayTimeIntervalType(),
    }  # fmt: skip

    def of(name):
        kind, _, scalar = name.rpartition("_")
        t = basic[SCALARS[scalar][0]]
        struct = T.StructType([T.StructField("x", t), T.StructField("y", T.ArrayType(t))])
        a_map = T.MapType(T.StringType(), t)
        return {"": t, "l": T.ArrayType(t), "m": a_map, "s": struct, "z": T.ArrayType(struct)}[kind]

    return T.StructType([T.StructField(c, of(c)) for c in names])


def arrow_value(v):
    if isinstance(v, list) and v and isinstance(v[0], tuple):
        return dict(v)
    if isinstance(v, dict):
        return {k: arrow_value(x) for k, x in v.items()}
    return v


def check_columns(content, rows, names):
    table = pa.ipc.open_stream(content).read_all()
    table.validate(full=True)
    assert table.num_rows == len(rows)
    for c in names:
        for got, row in zip(table[c].to_pylist(), rows):
            got = {} if got == [] and isinstance(row[c], dict) else arrow_value(got)
            assert got == row[c], c


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("protocol", [2, 5])
def test_rows_are_read(group, protocol):
    names = GROUPS[group]
    rows = make_rows(names)
    ddl = ", ".join(f"{c} {COLUMNS[c][0]}" for c in names)
    schema = from_json(names)
    sent = [schema.toInternal(tuple(python_value(r[c], None) for c in names)) for r in rows]
    check_columns(tool("read", "--ddl", ddl, content=pickle.dumps(sent, protocol)), rows, names)
    # and what a user has in hands
    raw = [Row(**{c: python_value(r[c], ZONE) for c in names}) for r in rows]
    args = ["read", "--final", "--zone", "America/Los_Angeles", "--ddl", ddl]
    check_columns(tool(*args, content=pickle.dumps(raw, protocol)), rows, names)


def test_objects_of_other_kinds():
    zoned = dt.datetime(2024, 7, 1, 12, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin"))
    fixed = dt.datetime(2024, 7, 1, 12, tzinfo=dt.timezone(dt.timedelta(hours=-3)))
    second = dt.datetime(2024, 11, 3, 1, 30, fold=1)
    rows = [
        ({"b": 2, "a": 1}, zoned, array.array("i", [1, -2])),
        (Row(a=1, b=2), fixed, array.array("d", [1.5])),
        ((1, 2), second, b"\x01\xff"),
    ]
    ddl = "s struct<a:int,b:int>, t timestamp, l array<int>"
    args = ["read", "--final", "--zone", "America/Los_Angeles", "--ddl", ddl]
    for protocol in range(6):
        table = pa.ipc.open_stream(tool(*args, content=pickle.dumps(rows, protocol))).read_all()
        assert table["s"].to_pylist() == [{"a": 1, "b": 2}] * 3
        local = second.replace(tzinfo=ZONE, fold=int(protocol >= 4))  # older ones have no place for it
        assert table["t"].to_pylist() == [t.astimezone(UTC) for t in (zoned, fixed, local)]
        assert table["l"].to_pylist() == [[1, -2], [None], [1, -1]]


# What real Spark 4.3 makes of values that do not fit: wrapped numbers, nulls, Java's texts, errors.
ODD = [
    ("tinyint", [300, -129, 2**40, 1.5, "1", True], [44, 127, 0, None, None, None]),
    ("int", [2**31, 2**63, None], [-(2**31), None, None]),
    ("double", [1, D("NaN"), "x"], [None, "nan", None]),
    ("decimal(10,2)", [D("123.456"), D("1E+5"), D("0.005"), D("NaN"), 1],
     [D("123.46"), D("100000.00"), D("0.01"), None, None]),
    ("string", [True, 1, 2**70, 1e20, 1e-5, D("1E-9"), [1, "a", None], {"b": 1, "a": 2, "zz": 3, "q": 4}, {1},
                dt.time(1, 2, 3, 4), dt.timedelta(1, 2, 3), float("nan")],
     ["true", "1", str(2**70), "1.0E20", "1.0E-5", "1E-9", "[1, a, null]", "{zz=3, q=4, a=2, b=1}", "[1]",
      "Time: 1 hours, 2 minutes, 3 seconds, 4 microseconds",
      "Timedelta: 1 days, 2 seconds, 3 microseconds (total: 86402.000003 seconds)", "NaN"]),
    ("binary", ["\u00e9", b"\xff", bytearray(b"x"), 1], ["\u00e9".encode(), b"\xff", b"x", None]),
    ("date", [0, 2**31, dt.date(2020, 1, 1)], [dt.date(1970, 1, 1), None, None]),
    ("boolean", [True, 1], [True, None]),
]  # fmt: skip


@pytest.mark.parametrize("ddl, values, want", ODD, ids=[o[0] for o in ODD])
def test_what_does_not_fit(ddl, values, want):
    out = tool("read", "--ddl", f"v {ddl}", content=pickle.dumps([(v,) for v in values]))
    got = pa.ipc.open_stream(out).read_all()["v"].to_pylist()
    assert ["nan" if g != g else g for g in got] == want


def test_errors():
    code, _, err = run("read", "--ddl", "a int, b int", content=pickle.dumps([(1,)]))
    assert code == 1 and "STRUCT_ARRAY_LENGTH_MISMATCH" in err and "2201E" in err
    big = pickle.dumps([(D("99999999999999999999"),)])
    code, _, err = run("read", "--ddl", "a decimal(10,2)", content=big)
    assert code == 1 and "NUMERIC_VALUE_OUT_OF_RANGE" in err and "99999999999999999999.00" in err


@pytest.mark.parametrize("protocol", range(6))
def test_copies(protocol):
    value = [
        collections.OrderedDict(a=[1]), collections.defaultdict(list, {"k": [2]}), D("1.5"), {1: {2: (3, None)}}, print,
        complex(1, 2), range(3), dt.datetime(2020, 1, 2, tzinfo=UTC), 2**200, -(2**63), frozenset("ab"), Row(a=1),
    ]  # fmt: skip
    assert pickle.loads(tool("copy", content=pickle.dumps(value, protocol))) == value
