#!/usr/bin/env python3
"""`vonk sql` as people call it: flags, forms of output, exit status; and SQL that is too large, too deep or no text.

    run.py [--vonk PROGRAM]      ends with "N passed, N failed"
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from sanitizers import Reports, slower  # noqa: E402  (beside this folder)

REPORTS = Reports()
LIMIT_S = 60
CASES = []


def case(function):
    CASES.append(function)
    return function


class Vonk:
    def __init__(self, program):
        self.program = program
        self.limit_s = LIMIT_S * slower(program)

    def __call__(self, *flags, text=None):
        done = subprocess.run([self.program, "sql", *flags], capture_output=True, timeout=self.limit_s,
                              input=text or b"")
        reports = REPORTS.take()
        assert not reports, "\n".join(reports)
        return done

    def script(self, text, *flags):
        """Runs bytes as a file: some are no argument."""
        with tempfile.NamedTemporaryFile("wb", suffix=".sql") as file:
            file.write(text)
            file.flush()
            return self("-f", file.name, *flags)


def refused(done, condition, sqlstate):
    """Ended with an error of the condition, not by a signal."""
    text = done.stderr.decode("utf-8", "replace")
    assert done.returncode == 1, (done.returncode, text[-300:])
    assert f"[{condition}" in text and f"SQLSTATE: {sqlstate}" in text, text[-300:]


# --- forms of output ------------------------------------------------------------------------------------------------

ROWS = ("SELECT * FROM VALUES (1, 'a,b', 1.5D), (2, 'q\"q', double('NaN')), (3, null, null) AS t(id, text, x) "
        "ORDER BY id")


@case
def table(vonk):
    done = vonk("-e", ROWS)
    lines = done.stdout.decode().split("\n")
    assert done.returncode == 0 and done.stderr == b""
    assert lines[0].split() == ["id", "|", "text", "|", "x"] and set(lines[1]) <= set("-+"), lines
    assert lines[2].split() == ["1", "|", "a,b", "|", "1.5"], lines
    assert lines[4].split() == ["3", "|", "NULL", "|", "NULL"], lines


@case
def csv(vonk):
    done = vonk("-e", ROWS, "--output", "csv", "--types")
    assert done.stdout.decode() == 'id:int,text:string,x:double\n1,"a,b",1.5\n2,"q""q",NaN\n3,NULL,NULL\n', done.stdout


@case
def json_lines(vonk):
    done = vonk("-e", ROWS, "--output", "json")
    rows = [json.loads(line) for line in done.stdout.decode().splitlines()]
    assert rows == [{"id": 1, "text": "a,b", "x": 1.5}, {"id": 2, "text": 'q"q', "x": "NaN"},
                    {"id": 3, "text": None, "x": None}], rows


@case
def several_statements(vonk):
    done = vonk("-e", "SELECT 1 AS a; SELECT ';' AS b; -- end", "--output", "csv")
    assert done.stdout.decode() == "a\n1\nb\n;\n" and done.returncode == 0, done.stdout


@case
def text_then_file(vonk):
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write("SELECT x + 1 AS y FROM v")
        file.flush()
        done = vonk("-e", "CREATE TEMP VIEW v AS SELECT 41 AS x", "-f", file.name, "--output", "csv")
    assert done.stdout.decode() == "y\n42\n", done


@case
def standard_input(vonk):
    done = vonk("--output", "csv", text=b"SELECT 1 AS a;\nSELECT\n 2 AS b;\n")
    assert done.returncode == 0 and b"a\n1\n" in done.stdout and b"b\n2\n" in done.stdout, done


# --- errors ---------------------------------------------------------------------------------------------------------

@case
def error_ends_a_script(vonk):
    done = vonk("-e", "SELECT 1 AS a; SELECT nope; SELECT 2 AS b", "--output", "csv")
    refused(done, "UNRESOLVED_COLUMN", "42703")
    assert done.stdout == b"a\n1\n", done.stdout


@case
def error_while_running(vonk):
    refused(vonk("-e", "SELECT 1 DIV id FROM range(1)"), "DIVIDE_BY_ZERO", "22012")


@case
def wrong_flags(vonk):
    for flags in (["--nope"], ["-e"], ["--output", "xml", "-e", "SELECT 1"], ["--memory", "lots", "-e", "SELECT 1"],
                  ["--threads", "-1", "-e", "SELECT 1"]):
        done = vonk(*flags)
        assert done.returncode not in (0, -6, -11) and done.stderr, (flags, done)


@case
def missing_file(vonk):
    done = vonk("-f", "/nonexistent/x.sql")
    refused(done, "PATH_NOT_FOUND", "42K03")


@case
def settings(vonk):
    done = vonk("-e", "SELECT CAST('x' AS INT) AS a", "--conf", "spark.sql.ansi.enabled=false", "--output", "csv")
    assert done.stdout == b"a\nNULL\n", done
    refused(vonk("-e", "SELECT 1", "--conf", "spark.sql.ansi.enabled=perhaps"), "INVALID_CONF_VALUE", "22022")


# --- too much -------------------------------------------------------------------------------------------------------

DEPTH = 10000
TOO_DEEP = ("FAILED_TO_PARSE_TOO_COMPLEX", "54001")


@case
def deep_expressions(vonk):
    for text in ("(" * DEPTH + "1" + ")" * DEPTH, "NOT " * DEPTH + "true", "- " * DEPTH + "1",
                 "array(" * DEPTH + ")" * DEPTH, "CASE WHEN true THEN " * DEPTH + "1" + " END" * DEPTH,
                 "abs(" * DEPTH + "1" + ")" * DEPTH,
                 "CAST(" * DEPTH + "1" + " AS INT)" * DEPTH):
        refused(vonk.script(b"SELECT " + text.encode()), *TOO_DEEP)


@case
def long_chains(vonk):
    """Left-deep chains are as long as the text: an answer, or the limit, but never the end of the stack."""
    for joint, value in ((" + ", "1"), (" AND ", "true"), (" OR ", "false"), (" || ", "''")):
        done = vonk.script(("SELECT " + joint.join([value] * DEPTH) + " AS x").encode(), "--output", "csv")
        if done.returncode:
            refused(done, *TOO_DEEP)


@case
def deep_queries(vonk):
    refused(vonk.script(b"SELECT * FROM (" * DEPTH + b"SELECT 1" + b")" * DEPTH), *TOO_DEEP)
    refused(vonk.script(b"SELECT (" * DEPTH + b"SELECT 1" + b")" * DEPTH), *TOO_DEEP)
    refused(vonk.script(b"SELECT 1 IN (" * DEPTH + b"SELECT 1" + b")" * DEPTH), *TOO_DEEP)


@case
def long_unions(vonk):
    done = vonk.script(b" UNION ALL ".join([b"SELECT 1 AS x"] * 2000), "--output", "csv")
    if done.returncode:
        refused(done, *TOO_DEEP)
    else:
        assert done.stdout == b"x\n" + b"1\n" * 2000


@case
def deep_types(vonk):
    for text in ("array<" * DEPTH + "int" + ">" * DEPTH, "struct<a:" * DEPTH + "int" + ">" * DEPTH):
        done = vonk.script(f"SELECT CAST(null AS {text})".encode())
        assert done.returncode == 1 and b"SQLSTATE: " in done.stderr, done.stderr[-300:]


@case
def deep_comments(vonk):
    done = vonk.script(b"SELECT /*" + b"/*" * DEPTH + b"*/" * DEPTH + b"*/ 1 AS a", "--output", "csv")
    assert done.stdout == b"a\n1\n", done


@case
def many_items(vonk):
    numbers = ",".join(map(str, range(20000)))
    done = vonk.script(f"SELECT count(*) AS n FROM range(30000) WHERE id IN ({numbers})".encode(), "--output", "csv")
    assert done.stdout == b"n\n20000\n", done
    rows = ",".join(f"({n})" for n in range(20000))
    done = vonk.script(f"SELECT sum(x) AS s FROM VALUES {rows} AS t(x)".encode(), "--output", "csv")
    assert done.stdout == b"s\n199990000\n", done
    items = ", ".join(f"{n} AS c{n}" for n in range(5000))
    done = vonk.script(f"SELECT {items}".encode(), "--output", "csv")
    assert done.returncode == 0 and done.stdout.split(b"\n")[1].endswith(b",4999"), done.stderr[-300:]


@case
def hundred_megabytes(vonk):
    done = vonk.script(b"SELECT '" + b"x" * (100 << 20) + b"' IS NULL AS a", "--output", "csv", "--memory", "4g")
    if done.returncode:
        assert b"SQLSTATE: " in done.stderr, done.stderr[-300:]
    else:
        assert done.stdout == b"a\nfalse\n", done.stdout[:100]
    done = vonk.script(b"SELECT 1 " + b" " * (100 << 20) + b"AS a", "--output", "csv", "--memory", "4g")
    assert done.stdout == b"a\n1\n", (done.returncode, done.stderr[-300:])


# --- no text --------------------------------------------------------------------------------------------------------

@case
def odd_bytes(vonk):
    for text in (b"\x00", b"SELECT \x00", b"SELECT '\x00'", b"\xff\xfe", b"SELECT '\xff'", b"SELECT \xc3", b"'", b'"',
                 b"`", b"/*", b"SELECT '\\", b"SELECT $", b"SELECT :", b"SELECT ?", b"SELECT @", b"--", b";;;",
                 b"\xef\xbb\xbfSELECT 1"):
        done = vonk.script(text)
        assert done.returncode in (0, 1), (text, done.returncode)
        assert done.returncode == 0 or re.search(rb"SQLSTATE: \w{5}", done.stderr), (text, done.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vonk", default="build/vonk", type=pathlib.Path)
    vonk = Vonk(str(parser.parse_args().vonk.resolve()))
    failed = 0
    for run in CASES:
        try:
            run(vonk)
        except (AssertionError, subprocess.TimeoutExpired) as why:
            failed += 1
            print(f"{run.__name__}: {str(why)[:6000]}")
    REPORTS.close()
    print(f"{len(CASES) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
