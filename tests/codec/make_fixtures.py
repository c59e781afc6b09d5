#!/usr/bin/env python3
"""Makes the Parquet files of tests/data/parquet with other people's writers, and what is in them as JSON lines.

  make_fixtures.py FOLDER [WRITER...]      writers: pyarrow duckdb polars datafusion spark (all)

Needs pyarrow, duckdb, polars, datafusion and, for `spark`, pyspark with Java. Run by hand; the results are committed,
so that no test needs any of them. expected.tsv names the rows of each file: a .jsonl file with one line per row,
  a list
of the columns' values in the form of parquet-dump (files with equal rows share one). The values come from the Python
objects that the files were made of, or, where an engine made them up, from pyarrow's reading.
"""

import datetime
import decimal
import glob
import json
import math
import os
import shutil
import sys
import tempfile

import pyarrow as pa
import pyarrow.parquet as pq

FOLDER = sys.argv[1]
ZONE = datetime.timezone.utc
EPOCH = datetime.datetime(1970, 1, 1)


def plain(v, t):
    """A Python value of Arrow type t as parquet-dump prints it."""
    if v is None:
        return None
    if pa.types.is_decimal(t):
        return f"{v:.{t.scale}f}"
    if pa.types.is_floating(t):
        if math.isnan(v):
            return "NaN"
        return v if math.isfinite(v) else ("Infinity" if v > 0 else "-Infinity")
    if pa.types.is_uint64(t):
        return str(v)
    if pa.types.is_binary(t) or pa.types.is_large_binary(t) or pa.types.is_fixed_size_binary(t):
        return {"hex": v.hex()}
    if pa.types.is_date(t):
        return (v - EPOCH.date()).days
    if pa.types.is_timestamp(t):
        v = v.to_pydatetime() if hasattr(v, "to_pydatetime") else v
        if v.tzinfo:
            v = v.astimezone(ZONE).replace(tzinfo=None)
        return (v - EPOCH) // datetime.timedelta(microseconds=1)
    if pa.types.is_time(t):
        return ((v.hour * 60 + v.minute) * 60 + v.second) * 10**9 + v.microsecond * 1000
    if pa.types.is_map(t):
        return [[plain(k, t.key_type), plain(x, t.item_type)] for k, x in v]
    if pa.types.is_list(t) or pa.types.is_large_list(t) or pa.types.is_fixed_size_list(t):
        return [plain(x, t.value_type) for x in v]
    if pa.types.is_struct(t):
        return {f.name: plain(v[f.name], f.type) for f in t}
    if pa.types.is_dictionary(t):
        return plain(v, t.value_type)
    return v


expected = {}  # file name -> name of the rows; text of the rows -> their name
EXPECTED = os.path.join(FOLDER, "expected.tsv")


def expect(name, table):
    columns = [[plain(v, f.type) for v in table.column(i).to_pylist()] for i, f in enumerate(table.schema)]
    text = "".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in zip(*columns))
    if text not in expected:
        expected[text] = name
        with open(os.path.join(FOLDER, name + ".jsonl"), "w", encoding="utf-8") as out:
            out.write(text)
    expected[name] = expected[text]


def path(name):
    return os.path.join(FOLDER, name + ".parquet")


def words(n, distinct, long=False):
    return [
        (
            None
            if i % 11 == 3
            else ("" if i % 13 == 5 else f"w{(i * 7919) % distinct}" + ("-and-quite-a-tail" if long else ""))
        )
        for i in range(n)
    ]


def numbers_table(n=200):
    return pa.table(
        {
            "i8": pa.array([None if i % 7 == 0 else i % 200 - 100 for i in range(n)], pa.int8()),
            "i16": pa.array([i * 31 - 4000 for i in range(n)], pa.int16()),
            "i32": pa.array([None if i % 5 == 2 else i * 104729 - 2**30 for i in range(n)], pa.int32()),
            "i64": pa.array([(i - 150) * 10**16 for i in range(n)], pa.int64()),
            "u8": pa.array([i % 256 for i in range(n)], pa.uint8()),
            "u16": pa.array([i * 200 for i in range(n)], pa.uint16()),
            "u32": pa.array([2**32 - 1 - i for i in range(n)], pa.uint32()),
            "u64": pa.array([2**64 - 1 - i if i % 2 else i for i in range(n)], pa.uint64()),
            "f32": pa.array(
                [None if i % 9 == 1 else [math.nan, math.inf, -math.inf, -0.0, i / 8][i % 5] for i in range(n)],
                pa.float32(),
            ),
            "f64": pa.array([i / 3 for i in range(n)], pa.float64()),
            "b": pa.array([None if i % 6 == 1 else i % 3 == 0 for i in range(n)], pa.bool_()),
            "few": pa.array([(i // 50) * 1000 for i in range(n)], pa.int64()),
            "d": pa.array([datetime.date(1969, 12, 1) + datetime.timedelta(days=i) for i in range(n)]),
            "us": pa.array(
                [EPOCH + datetime.timedelta(microseconds=i * 999983 - 10**9) for i in range(n)],
                pa.timestamp("us", "UTC"),
            ),
            "ms": pa.array([EPOCH + datetime.timedelta(milliseconds=i) for i in range(n)], pa.timestamp("ms")),
            "t": pa.array([datetime.time(i % 24, i % 60, 1, i) for i in range(n)], pa.time64("us")),
        }
    )


def decimals_table(n=120):
    def d(i, p, s):
        return None if i % 8 == 5 else decimal.Decimal((i - n // 2) * 10 ** (p - 3)).scaleb(-s)

    return pa.table(
        {
            f"d{p}_{s}": pa.array([d(i, p, s) for i in range(n)], pa.decimal128(p, s))
            for p, s in [(4, 2), (9, 0), (10, 3), (18, 18), (19, 2), (38, 10)]
        }
    )


def texts_table(n=220):
    return pa.table(
        {
            "short": pa.array(words(n, 17)),
            "long": pa.array(words(n, 390, True)),
            "bin": pa.array([None if i % 10 == 9 else bytes([i % 256]) * (i % 20) for i in range(n)], pa.binary()),
            "fixed": pa.array([None if i % 12 == 1 else i.to_bytes(5, "big") for i in range(n)], pa.binary(5)),
            "one": pa.array(["always the same text"] * n),
            "none": pa.array([None] * n, pa.string()),
            "utf": pa.array([["Grüße", "日本語テキスト", "😀" * (i % 5), "e\u0301"][i % 4] for i in range(n)]),
        }
    )


def nested_table(n=60):
    lists = [None if i % 9 == 4 else [None if (i + k) % 5 == 0 else i * 10 + k for k in range(i % 4)] for i in range(n)]
    deep = [
        (
            None
            if i % 10 == 3
            else [
                None if k == 1 else [f"{i}.{k}.{j}" if j != 1 else None for j in range((i + k) % 3)]
                for k in range(i % 4)
            ]
        )
        for i in range(n)
    ]
    structs = [
        (
            None
            if i % 8 == 6
            else {"x": i if i % 3 else None, "y": {"z": f"z{i}", "q": None if i % 4 == 1 else [i, i + 1]}}
        )
        for i in range(n)
    ]
    maps = [
        None if i % 7 == 2 else [(f"k{k}", None if k == 2 else {"v": i * k}) for k in range(i % 4)] for i in range(n)
    ]
    people = [
        None if i % 6 == 5 else [{"name": f"n{i}{k}", "tags": [f"t{j}" for j in range(k)]} for k in range(i % 3)]
        for i in range(n)
    ]
    return pa.table(
        {
            "id": pa.array(range(n), pa.int64()),
            "list": pa.array(lists, pa.list_(pa.int32())),
            "deep": pa.array(deep, pa.list_(pa.list_(pa.string()))),
            "struct": pa.array(
                structs,
                pa.struct([("x", pa.int32()), ("y", pa.struct([("z", pa.string()), ("q", pa.list_(pa.int64()))]))]),
            ),
            "map": pa.array(maps, pa.map_(pa.string(), pa.struct([("v", pa.int64())]))),
            "people": pa.array(people, pa.list_(pa.struct([("name", pa.string()), ("tags", pa.list_(pa.string()))]))),
            "fixed": pa.array([None if i % 5 == 1 else [i, None, i + 1] for i in range(n)], pa.list_(pa.int16(), 3)),
            "must": pa.array([[i] for i in range(n)], pa.list_(pa.field("element", pa.int32(), nullable=False))),
        },
        schema=pa.schema(
            [
                pa.field("id", pa.int64(), nullable=False),
                pa.field("list", pa.list_(pa.int32())),
                pa.field("deep", pa.list_(pa.list_(pa.string()))),
                pa.field(
                    "struct",
                    pa.struct([("x", pa.int32()), ("y", pa.struct([("z", pa.string()), ("q", pa.list_(pa.int64()))]))]),
                ),
                pa.field("map", pa.map_(pa.string(), pa.struct([("v", pa.int64())]))),
                pa.field("people", pa.list_(pa.struct([("name", pa.string()), ("tags", pa.list_(pa.string()))]))),
                pa.field("fixed", pa.list_(pa.int16(), 3)),
                pa.field("must", pa.list_(pa.field("element", pa.int32(), nullable=False)), nullable=False),
            ]
        ),
    )


def arrow(name, table, **options):
    pq.write_table(table, path(name), store_schema=False, **options)
    expect(name, table)


def pyarrow():
    numbers, texts, nested, decimals = numbers_table(), texts_table(), nested_table(), decimals_table()
    arrow("pa_numbers_dict", numbers, compression="snappy", data_page_size=600, write_page_checksum=True)
    arrow(
        "pa_numbers_plain_v2",
        numbers,
        compression="zstd",
        use_dictionary=False,
        data_page_version="2.0",
        data_page_size=900,
        row_group_size=170,
    )
    arrow(
        "pa_numbers_none", numbers, compression="none", use_dictionary=False, write_page_index=True, data_page_size=400
    )
    ints = numbers.select(["i32", "i64", "few", "d", "us"])
    arrow(
        "pa_delta",
        ints,
        use_dictionary=False,
        column_encoding="DELTA_BINARY_PACKED",
        compression="gzip",
        data_page_size=800,
    )
    floats = numbers.select(["f32", "f64", "i32", "i64"])
    arrow("pa_split", floats, use_dictionary=False, column_encoding="BYTE_STREAM_SPLIT", compression="lz4")
    arrow("pa_texts_dict", texts, compression="brotli", data_page_size=700)
    arrow(
        "pa_texts_plain",
        texts,
        compression="snappy",
        use_dictionary=False,
        data_page_size=1500,
        write_page_checksum=True,
        data_page_version="2.0",
    )
    strings = texts.select(["short", "long", "bin", "utf", "none"])
    arrow(
        "pa_delta_length",
        strings,
        use_dictionary=False,
        column_encoding="DELTA_LENGTH_BYTE_ARRAY",
        compression="zstd",
        data_page_size=1200,
    )
    arrow(
        "pa_delta_strings",
        texts.select(["short", "long", "bin", "fixed", "utf"]),
        use_dictionary=False,
        column_encoding="DELTA_BYTE_ARRAY",
        data_page_size=1000,
    )
    # The dictionary overflows in the middle of the chunk: coded pages, then plain ones.
    arrow(
        "pa_fallback",
        texts.select(["long", "short"]),
        dictionary_pagesize_limit=1500,
        data_page_size=600,
        compression="none",
    )
    arrow("pa_decimals", decimals, compression="snappy")
    arrow("pa_decimals_int", decimals, compression="none", store_decimal_as_integer=True, use_dictionary=False)
    arrow("pa_nested", nested, compression="snappy", data_page_size=250, row_group_size=41)
    arrow(
        "pa_nested_v2",
        nested,
        compression="zstd",
        data_page_version="2.0",
        data_page_size=200,
        use_dictionary=False,
        write_page_index=True,
    )
    arrow("pa_nested_old", nested, compression="none", use_compliant_nested_type=False)
    stamps = pa.table(
        {
            "c": pa.array(
                [EPOCH + datetime.timedelta(days=d) for d in (-20000, 0, 1, 18000)] + [None], pa.timestamp("ns")
            )
        }
    )
    arrow("pa_int96", stamps, use_deprecated_int96_timestamps=True)
    arrow("pa_empty", numbers.slice(0, 0))
    arrow(
        "pa_bool_rle",
        numbers.select(["b"]),
        use_dictionary=False,
        data_page_version="2.0",
        column_encoding={"b": "RLE"},
    )


def duckdb():
    import duckdb

    db = duckdb.connect()
    db.execute(
        """create table t as select i as id, case when i % 7 = 0 then null else 'name ' || (i % 23) end as name,
          (i % 100)::decimal(7,2) / 4 as price,
      date '1995-01-01' + (i % 900)::int as day, i / 7.0::double as ratio, [i, null, i + 1] as l, {'a': i,
        'b': 'x' || (i % 3)} as s, map {'k': i} as m,
      (i % 5 = 0) as flag, timestamp '2001-02-03 04:05:06.789' + interval (i) second as ts,
        (i * 1000003) as big, 'unique text number ' || i as uniq
      from range(150) r(i)"""
    )
    for name, options in [
        ("duck_v1", "codec snappy"),
        ("duck_v2", "codec zstd, parquet_version v2"),
        ("duck_lz4", "codec lz4_raw, row_group_size 60"),
    ]:
        db.execute(f"copy t to '{path(name)}' (format parquet, {options})")
        expect(name, pq.read_table(path(name)))


def polars():
    import polars

    n = 250
    frame = polars.DataFrame(
        {
            "id": range(n),
            "name": words(n, 9),
            "text": words(n, 200, True),
            "x": [i / 7 if i % 5 else None for i in range(n)],
            "list": [[i, i + 1] if i % 4 else None for i in range(n)],
            "s": [{"a": i, "b": [str(i)]} for i in range(n)],
            "day": [datetime.date(2020, 1, 1) + datetime.timedelta(days=i) for i in range(n)],
            "flag": [i % 3 == 0 for i in range(n)],
            "cat": polars.Series([f"c{i % 4}" for i in range(n)], dtype=polars.Categorical),
        }
    )
    for name, options in [
        ("polars_zstd", dict(compression="zstd")),
        ("polars_lz4", dict(compression="lz4", data_page_size=700, row_group_size=90)),
        ("polars_gzip", dict(compression="gzip", statistics=False)),
    ]:
        frame.write_parquet(path(name), **options)
        expect(name, pq.read_table(path(name)))


def datafusion():
    import datafusion

    query = """select v as id, 'group ' || (v % 6) as g, v * 1.5 as x, arrow_cast(v % 50, 'Int32') as small,
      make_array(v, v + 1) as l,
      named_struct('a', v, 'b', 'text of ' || v) as s, date '2000-01-01' + arrow_cast(v, 'Int32') as day,
        case when v % 9 = 0 then null else v * v end as sq
      from (select unnest(range(0, 200)) as v)"""
    for name, columns, options in [
        ("rs_default", "*", {}),
        ("rs_delta", "id, small, sq", {"encoding": "delta_binary_packed", "dictionary_enabled": "false"}),
        (
            "rs_small",
            "*",
            {
                "data_page_row_count_limit": "40",
                "write_batch_size": "20",
                "bloom_filter_on_write": "true",
                "compression": "snappy",
            },
        ),
        ("rs_v2", "*", {"writer_version": "2.0", "compression": "lz4_raw", "dictionary_enabled": "false"}),
    ]:
        context = datafusion.SessionContext(datafusion.SessionConfig({"datafusion.execution.target_partitions": "1"}))
        given = ", ".join(f"'format.{k}' '{v}'" for k, v in options.items())
        context.sql(
            f"copy (select {columns} from ({query})) to '{path(name)}' stored as parquet "
            + (f"options ({given})" if given else "")
        ).collect()
        expect(name, pq.read_table(path(name)))


def spark():
    from pyspark.sql import SparkSession

    session = (
        SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.variant.inferShreddingSchema", "false")
        .config("spark.sql.timeType.enabled", "true")
        .getOrCreate()
    )
    frame = session.sql(
        """select cast(id as int) as id, cast(id % 100 as byte) as b, if(id % 5 = 0, null, concat('name-',
          id % 13)) as name,
      cast(id * 1.25 as decimal(8,3)) as d8, cast(id as decimal(25,4)) as d25, date_add(date'1960-01-01',
        cast(id * 40 as int)) as day,
      timestamp'2020-02-03 04:05:06.123456' + make_interval(0, 0, 0, cast(id as int)) as ts,
        cast(timestamp'1950-01-01 00:00:01' as timestamp_ntz) as ntz,
      array(id, null) as l, map(concat('k', id % 3), id) as m, named_struct('x', id, 'y',
        array(named_struct('z', concat('z', id)))) as s,
      if(id % 2 = 0, cast('NaN' as double), id / 3) as f, id % 4 = 1 as flag, cast(concat('bin', id) as binary) as bin
      from range(0, 180, 1, 1)"""
    )
    variants = [
        ("spark_default", {}),
        (
            "spark_micros",
            {
                "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
                "spark.sql.parquet.compression.codec": "zstd",
            },
        ),
        (
            "spark_legacy",
            {"spark.sql.parquet.writeLegacyFormat": "true", "spark.sql.parquet.compression.codec": "gzip"},
        ),
        ("spark_v2", {"parquet.writer.version": "v2", "spark.sql.parquet.compression.codec": "lz4_raw"}),
    ]
    for name, options in variants:
        writer = frame.coalesce(1).write
        for key, value in options.items():
            if key.startswith("spark."):
                session.conf.set(key, value)
            else:
                writer = writer.option(key, value)
        with tempfile.TemporaryDirectory() as folder:
            writer.mode("overwrite").parquet(folder)
            shutil.copyfile(glob.glob(os.path.join(folder, "*.parquet"))[0], path(name))
        for key in options:
            if key.startswith("spark."):
                session.conf.unset(key)
        expect(name, pq.read_table(path(name)))
    session.stop()


os.makedirs(FOLDER, exist_ok=True)
old = dict(line.split("\t") for line in open(EXPECTED).read().splitlines()) if os.path.exists(EXPECTED) else {}
for writer in sys.argv[2:] or ["pyarrow", "duckdb", "polars", "datafusion", "spark"]:
    globals()[writer]()
new = {name: rows for name, rows in expected.items() if os.path.exists(path(name))}
with open(EXPECTED, "w", encoding="utf-8") as out:
    out.writelines(f"{name}\t{rows}\n" for name, rows in sorted((old | new).items()))
