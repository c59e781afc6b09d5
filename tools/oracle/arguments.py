#!/usr/bin/env python3
"""`make arguments`: looks for calls that Vonk answers otherwise than real Spark 4.3.0. Needs Java 17.

  tools/oracle/arguments.py [--vonk build/vonk] [--venv .venv] [--remote sc://HOST:PORT] [--share 8]
                            [--what functions,operators,casts,pairs,columns,aggregates,windows] [--functions a,b]
                            [--values types|edges] [--legacy] [--digits 11]

The calls: the example of each function with each argument in turn replaced by literals of all types (or by edge
values, or by the columns of a table), with an argument less and with more; each operator, cast and form that joins
types over pairs of literals; each aggregate and window function over the columns, in groups, frames, of what differs
and of what a filter leaves. Compared: columns, nullability, rows, an error's condition, SQLSTATE and parameters.
--share N asks one of N calls, chosen by chance but always the same ones; --legacy is ANSI off; --digits 17 compares
floating point to the last bit.

Prints one example of each kind of difference: VALUE, TYPE, NULLABLE, ANSWERED (one has an answer, the other an error),
CONDITION, PARAMETERS. It finds things to look at and fails nothing: some differences are known (docs/limits.md), and
some calls answer otherwise each time.
"""
import argparse
import collections
import os
import random
import re
import signal
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, "tools", "oracle"), os.path.join(ROOT, "bench")]

from answers import start_oracle  # noqa: E402
from servers import free_port, start_server, stop_server  # noqa: E402

TYPES = [
    "NULL", "'abc'", "'1'", "'2020-01-01'", "''", "1", "-1", "0", "2L", "CAST(3 AS TINYINT)", "1.5",
    "CAST(2.5 AS DOUBLE)", "CAST(2.5 AS FLOAT)", "true", "x'4142'", "DATE'2020-02-03'",
    "TIMESTAMP'2020-02-03 04:05:06'", "TIMESTAMP_NTZ'2020-02-03 04:05:06'", "TIME'04:05:06'", "INTERVAL '1' DAY",
    "INTERVAL '2' YEAR", "make_interval(1,2,3)", "array(1,2)", "array('a','b')", "map('a',1)",
    "named_struct('a',1,'b','x')", "CAST('x' AS VARCHAR(3))", "CAST('x' AS CHAR(3))"]
EDGES = [
    "2147483647", "-2147483648", "9223372036854775807L", "-9223372036854775808L", "-2", "100", "double('NaN')",
    "double('-Infinity')", "-0.0D", "1e308D", "4.9e-324D", "-2.5D", "CAST(3.4e38 AS FLOAT)",
    "99999999999999999999999999999999999999BD", "-0.000000000000000001BD", "12345.6789BD", "' '", "'\\t a B '",
    "'Straße'", "'😀é'", "'%_\\\\'", "'1,2;3 4'", "'-12.50'", "'{\"a\":[1,{\"b\":null}]}'", "'2024-02-29 23:59:60'",
    "DATE'0001-01-01'", "DATE'9999-12-31'", "DATE'1582-10-15'", "DATE'1969-12-31'", "TIMESTAMP'0001-01-01 00:00:00'",
    "TIMESTAMP'9999-12-31 23:59:59.999999'", "TIMESTAMP'1900-01-01 00:00:00.5'",
    "INTERVAL '-1 02:03:04.5' DAY TO SECOND", "INTERVAL '-1-11' YEAR TO MONTH", "make_interval(0,-1,0,1,0,0,-0.5)",
    "array()", "array(NULL)", "array(3,NULL,1,3)", "array('b',NULL,'a','b')", "array(array(1),NULL)", "map()",
    "map('a',NULL,'b',2)", "x''", "x'00FF80'", "false",
    "make_date(5881580,7,11)", "make_date(-5877641,6,23)", "timestamp_micros(9223372036854775807L)",
    "timestamp_micros(-9223372036854775808L)", "make_dt_interval(106751991,4,0,54.775807)",
    "INTERVAL '178956970-7' YEAR TO MONTH", "make_interval(-178956970,-8,0,-2147483648,0,0,0)"]
OPERATORS = ["+", "-", "*", "/", "%", "div", "&", "|", "^", "=", "<=>", "<", ">=", "||", "AND", "LIKE", "RLIKE",
             "IS DISTINCT FROM"]
UNARY = ["-", "+", "~", "NOT "]
TARGETS = ["TINYINT", "INT", "BIGINT", "FLOAT", "DOUBLE", "DECIMAL(5,2)", "STRING", "BINARY", "BOOLEAN", "DATE",
           "TIMESTAMP", "TIMESTAMP_NTZ", "TIME(3)", "INTERVAL DAY TO SECOND", "INTERVAL YEAR", "INTERVAL",
           "ARRAY<STRING>", "MAP<STRING,STRING>", "STRUCT<a: STRING, b: STRING>", "VARCHAR(2)", "CHAR(4)"]
PAIRS = ["coalesce({0}, {1})", "array({0}, {1})", "{0} IN ({1})", "CASE WHEN true THEN {0} ELSE {1} END",
         "{0} AS c UNION ALL SELECT {1}", "greatest({0}, {1})", "map({0}, 1, {1}, 2)", "{0} BETWEEN {1} AND {1}",
         "if({0} IS NULL, {1}, {0})"]
ROWS = {
    "tiny TINYINT": "1 NULL -3 7 7 0 127 -128",
    "small SMALLINT": "2 2 NULL -5 300 0 -300 2",
    "i INT": "5 NULL -2 5 0 2147483647 11 -7",
    "l BIGINT": "NULL 1 9223372036854775807 -1 1 40 40 0",
    "f FLOAT": "1.5 NULL 'NaN' -0.0 2.25 'Infinity' 1.5 0",
    "d DOUBLE": "NULL 0.1 'NaN' -0.0 1e300 '-Infinity' 0.1 3",
    "n DECIMAL(10,2)": "1.50 NULL -2.25 99999999.99 1.50 0 0.01 -7",
    "wide DECIMAL(38,4)": "NULL 1.5 9999999999999999999999999999999999.9999 -1 0 1.5 2 2",
    "flag BOOLEAN": "true NULL false true true false NULL false",
    "t STRING": "'b' NULL '' 'a' 'b' '10' ' z' 'é😀'",
    "bytes BINARY": "'ab' NULL '' 'ab' 'c' 'ß' 'b' 'a'",
    "day DATE": "'2020-02-29' NULL '1969-12-31' '2020-02-29' '0001-01-01' '9999-12-31' '2024-01-01' '2023-07-04'",
    "ts TIMESTAMP":
        "'2020-02-29T12:00:00.5' NULL '1969-12-31' '2020-02-29' '1900-01-01' '9999-12-31' '2024-01-01' "
        "'2024-01-01'",
    "local TIMESTAMP_NTZ":
        "'2021-03-04T05:06:07' '1969-12-31' NULL '2021-03-04' '2021-03-04' '2000-01-01' '1999-12-31' NULL",
    "clock TIME": "'12:00:00' NULL '00:00:00' '23:59:59.999999' '12:00:00' '01:02:03' '04:05' '06:07'",
    "span INTERVAL DAY TO SECOND":
        "NULL '1 00:00:00' '-1 00:00:00.5' '0 12:00:00' '0 12:00:00' '99 00:00:00' '0 00:00:01' '2 00:00:00'",
    "months INTERVAL YEAR TO MONTH": "NULL '1-0' '-1-6' '0-0' '1-0' '99-11' '0-1' '2-2'",
    "list ARRAY<INT>": "array(1,2) NULL array() array(3,NULL) array(1,2) array(9) array(NULL) array(1)",
    "pair STRUCT<a:INT,b:STRING>":
        "struct(1,'x') NULL struct(NULL,'x') struct(2,'y') struct(1,'x') struct(0,'') struct(5,NULL) "
        "struct(1,'a')",
    "dict MAP<STRING,INT>": "map('a',1) NULL map() map('b',2) map('a',1) map('c',NULL) map('a',3) map('d',4)"}
COLUMNS = [name.split()[0] for name in ROWS]
AGGREGATES = {
    "{f}({c})":
        "sum avg min max count first last any_value collect_list collect_set stddev stddev_pop variance "
        "var_pop skewness kurtosis median mode approx_count_distinct bit_and bit_or bit_xor bool_and "
        "bool_or count_if try_sum try_avg array_agg listagg first_value last_value count_min_sketch "
        "bitmap_construct_agg bitmap_or_agg hll_sketch_agg",
    "{f}({c}, i)": "max_by min_by corr covar_pop covar_samp regr_avgx regr_count regr_slope regr_r2 count",
    "{f}(t, {c})": "max_by min_by listagg string_agg regr_sxy", "{f}({c}, 0.5)": "percentile percentile_approx",
    "{f}({c}, array(0.25, 1.0))": "percentile percentile_approx", "{f}({c}, true)": "first last any_value mode"}
OF_GROUPS = [" FROM rows GROUP BY k ORDER BY k", " FROM rows WHERE id < 0", " FILTER (WHERE id % 2 = 0) FROM rows",
             " OVER (PARTITION BY k ORDER BY id) FROM rows ORDER BY id",
             " OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM rows ORDER BY id",
             " OVER () FROM rows ORDER BY id"]
WINDOWS = [
    "lead({c}) OVER (PARTITION BY k ORDER BY id)", "lag({c}, 2, {c}) OVER (ORDER BY id)",
    "lag({c}, 1, 0) OVER (ORDER BY id)",
    "lead({c}, -1) IGNORE NULLS OVER (ORDER BY id)", "nth_value({c}, 2) OVER (PARTITION BY k ORDER BY id)",
    "nth_value({c}, 2) IGNORE NULLS OVER (ORDER BY id)", "first_value({c}) IGNORE NULLS OVER (ORDER BY id)",
    "last_value({c}) OVER (ORDER BY id ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING)", "rank() OVER (ORDER BY {c})",
    "dense_rank() OVER (ORDER BY {c} DESC NULLS LAST)", "percent_rank() OVER (PARTITION BY k ORDER BY {c})",
    "cume_dist() OVER (ORDER BY {c} DESC)", "count(*) OVER (ORDER BY {c})", "count({c}) OVER (PARTITION BY {c})",
    "ntile({c}) OVER (ORDER BY id)", "sum(id) OVER (ORDER BY {c} RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)",
    "count(*) OVER (ORDER BY {c} RANGE BETWEEN 1 PRECEDING AND 2 FOLLOWING)",
    "count(*) OVER (ORDER BY {c} DESC RANGE BETWEEN 1.5 PRECEDING AND CURRENT ROW)",
    "count(*) OVER (ORDER BY {c} RANGE BETWEEN INTERVAL '1' DAY PRECEDING AND INTERVAL '36' HOUR FOLLOWING)",
    "count(*) OVER (ORDER BY {c} RANGE BETWEEN INTERVAL '1' MONTH PRECEDING AND CURRENT ROW)",
    "count(*) OVER (ORDER BY id ROWS BETWEEN {c} PRECEDING AND CURRENT ROW)",
    "row_number() OVER (PARTITION BY {c} ORDER BY id)"]
ANEW = {"rand", "randn", "random", "uuid", "uniform", "randstr", "shuffle", "now", "current_timestamp", "current_date",
        "curdate", "current_time", "localtimestamp", "unix_timestamp", "aes_encrypt", "version",
        "monotonically_increasing_id", "spark_partition_id", "input_file_name", "current_user", "user", "session_user"}


def arguments_of(text):
    """The parts of an argument list between its own commas."""
    parts, depth, quote, part = [], 0, None, ""
    for c in text:
        if quote:
            quote = None if c == quote else quote
        elif c in "'\"`":
            quote = c
        else:
            depth += (c in "([{") - (c in ")]}")
            if c == "," and depth == 0:
                parts.append(part.strip())
                part = ""
                continue
        part += c
    return parts + [part.strip()] if part.strip() else parts


def table():
    """A temporary view of eight rows: id, k (a group), and a column of each type."""
    cells = [re.findall(r"(?:[^\s'(]|'[^']*'|\((?:[^()']|'[^']*')*\))+", texts) for texts in ROWS.values()]
    rows = [", ".join(f"CAST({column[i]} AS {name.split(' ', 1)[1]})" for column, name in zip(cells, ROWS))
            for i in range(8)]
    return (f"CREATE OR REPLACE TEMPORARY VIEW rows AS SELECT * FROM VALUES "
            f"{', '.join(f'({i}, {i % 3}, {row})' for i, row in enumerate(rows))} AS rows(id, k, {', '.join(COLUMNS)})")


def aggregate_calls():
    for form, names in AGGREGATES.items():
        for f in names.split():
            for c in COLUMNS:
                call = form.format(f=f, c=c)
                for rest in OF_GROUPS:
                    yield f, ("k, " if "GROUP BY" in rest else "id, " if "ORDER BY" in rest else "") + call + rest
                yield f, call.replace("(", "(DISTINCT ", 1) + " FROM rows"


def function_calls(vonk, names, literals, rest=""):
    """(function, statement): the function's example, changed."""
    for row in vonk.sql("SHOW FUNCTIONS").collect():
        name = row[0]
        if name in ANEW or (names and name not in names):
            continue
        about = "\n".join(r[0] for r in vonk.sql(f"DESCRIBE FUNCTION EXTENDED `{name}`").collect())
        example = re.search(r"> SELECT ([a-z_0-9]+)\((.*)\);", about)
        if not example or example.group(1) != name:
            continue
        given = arguments_of(example.group(2))
        for i in range(len(given)):
            for literal in literals:
                yield name, f"{name}({', '.join(given[:i] + [literal] + given[i + 1:])}){rest}"
        if rest:
            continue
        yield name, f"{name}({', '.join(given[:-1])})"
        for literal in literals[:3]:
            yield name, f"{name}({', '.join(given + [literal])})"


def calls(vonk, args):
    literals = EDGES if args.values == "edges" else TYPES
    what = args.what.split(",")
    names = set(filter(None, args.functions.split(",")))
    if "functions" in what:
        yield from function_calls(vonk, names, literals)
    if "columns" in what:
        yield from function_calls(vonk, names, COLUMNS, " FROM rows ORDER BY id")
    if "aggregates" in what:
        yield from aggregate_calls()
    if "windows" in what:
        yield from ((w, f"id, {w.format(c=c)} FROM rows ORDER BY id") for w in WINDOWS for c in COLUMNS)
    if "operators" in what:
        yield from ((o, f"{a} {o} {b}") for o in OPERATORS for a in literals for b in literals)
        yield from ((o, f"{o}({a})") for o in UNARY for a in literals)
    if "casts" in what:
        yield from ((c, f"{c}({a} AS {t})") for c in ("CAST", "TRY_CAST") for a in literals for t in TARGETS)
    if "pairs" in what:
        yield from ((p, p.format(a, b)) for p in PAIRS for a in literals for b in literals)


def plain(value, digits):
    """Floats to so many digits; the order of a map's entries does not count."""
    if isinstance(value, float):
        return "nan" if value != value else f"{value:.{digits}g}"
    if isinstance(value, (list, tuple)):
        return [plain(v, digits) for v in value]
    if isinstance(value, dict):
        return sorted((plain(k, digits), plain(v, digits)) for k, v in value.items())
    return repr(value)


def answer(spark, call, digits=11):
    """("rows", type, nullability, rows) or ("error", condition, SQLSTATE, parameters)."""
    from pyspark.errors import PySparkException
    try:
        df = spark.sql("SELECT " + call)
        return ("rows", df.schema.simpleString(), [f.nullable for f in df.schema.fields],
                plain(df.collect(), digits))
    except PySparkException as e:
        return ("error", e.getCondition(), e.getSqlState(), sorted((e.getMessageParameters() or {}).items()))
    except (ValueError, OverflowError) as e: # the client cannot hold the value
        return ("error", type(e).__name__, None, [])


def kind_of(ours, theirs):
    if ours[0] != theirs[0]:
        return "ANSWERED"
    if ours[0] == "error":
        return "CONDITION" if ours[1:3] != theirs[1:3] else "PARAMETERS"
    return "TYPE" if ours[1] != theirs[1] else "VALUE" if ours[3] != theirs[3] else "NULLABLE"


def compare(theirs, ours, args):
    asked = list(calls(ours, args))
    random.Random(args.share).shuffle(asked)
    asked = asked[::args.share]
    same, seen = 0, collections.Counter()
    for name, call in asked:
        spark, vonk = answer(theirs, call, args.digits), answer(ours, call, args.digits)
        if spark == vonk:
            same += 1
            continue
        kind = kind_of(vonk, spark)
        key = (kind, name, spark[1] if spark[0] == "error" else "", vonk[1] if vonk[0] == "error" else "")
        seen[key] += 1
        if seen[key] == 1:
            print(f"{kind} {call}\n  Spark {spark[1:]}\n  Vonk  {vonk[1:]}", flush=True)
    print(f"{same} of {len(asked)} calls agree; {len(seen)} kinds of difference")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vonk", default=os.path.join(ROOT, "build", "vonk"))
    parser.add_argument("--venv", default=os.path.join(ROOT, ".venv"))
    parser.add_argument("--remote")
    parser.add_argument("--share", type=int, default=8)
    parser.add_argument("--what", default="functions,operators,casts,pairs,columns,aggregates,windows")
    parser.add_argument("--functions", default="")
    parser.add_argument("--values", choices=("types", "edges"), default="types")
    parser.add_argument("--legacy", action="store_true")
    parser.add_argument("--digits", type=int, default=11)
    args = parser.parse_args()
    from pyspark.sql import SparkSession
    port = free_port()
    oracle, remote = (None, args.remote) if args.remote else start_oracle(args.venv)
    server = start_server([args.vonk, "server", "--port", str(port)], port, sys.stderr)
    try:
        sessions = [SparkSession.builder.remote(url).create() for url in (remote, f"sc://127.0.0.1:{port}")]
        for spark in sessions:
            spark.conf.set("spark.sql.session.timeZone", "UTC")
            spark.conf.set("spark.sql.ansi.enabled", str(not args.legacy).lower())
            spark.sql(table())
        compare(*sessions, args)
    finally:
        stop_server(server)
        if oracle:
            os.killpg(oracle.pid, signal.SIGTERM)
            oracle.wait()


if __name__ == "__main__":
    main()
