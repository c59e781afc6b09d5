#!/usr/bin/env python3
"""Random queries over random tables (queries.py), run in every way of ../modes: all must give the answer of the usual
way. What SQLite understands, too, must have SQLite's answer. The same seed makes the same queries.

    check.py [--vonk PROGRAM] [--seed N] [--rounds N | --seconds N] [--queries N]

A round is one set of tables, some of them in Parquet files. A failure prints its seed, round and statement; --only
ROUND runs that again.
"""
import argparse
import pathlib
import random
import sqlite3
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "sql")]

import queries  # noqa: E402
import run as slt  # noqa: E402

HAS_FULL_JOIN = sqlite3.sqlite_version_info >= (3, 39)


class Statement:
    def __init__(self, text):
        self.text = text


class Script:
    """What slt.ask_program wants of a file."""

    def __init__(self, texts, conf):
        self.records, self.conf = [Statement(t) for t in texts], ["spark.sql.session.timeZone=UTC"] + conf


def view(name, rows):
    casts = ", ".join(f"CAST({c} AS {queries.TYPES[kind]}) AS {c}" for c, kind in queries.COLUMNS)
    names = ", ".join(c for c, _ in queries.COLUMNS)
    values = ", ".join("(" + ", ".join(queries.literal(v, kind) for v, (_, kind) in zip(row, queries.COLUMNS)) + ")"
                       for row in rows or [(0, None, None, None, None)])
    return f"CREATE OR REPLACE TEMPORARY VIEW {name} AS SELECT {casts} FROM VALUES {values} AS t({names})" + \
        ("" if rows else " WHERE false")


def set_up(rng, tables, folder):
    """Statements before the queries; those that write only once."""
    once, always = [], []
    for name, rows in tables.items():
        if rng.random() < 0.5:
            path = f"{folder}/{name}"
            once += [view(name, rows), f"INSERT OVERWRITE DIRECTORY '{path}' USING parquet SELECT * FROM {name}"]
            always.append(f"CREATE OR REPLACE TEMPORARY VIEW {name} AS SELECT * FROM parquet.`{path}`")
        else:
            always.append(view(name, rows))
    return once, always


def of_sqlite(tables, statements):
    """Rows of each statement, None where SQLite does not take part."""
    base = sqlite3.connect(":memory:")
    base.execute("PRAGMA case_sensitive_like = ON")
    kinds = {"int": "INTEGER", "str": "TEXT", "dbl": "REAL"}
    for name, rows in tables.items():
        base.execute(f"CREATE TABLE {name} ({', '.join(c + ' ' + kinds[kind] for c, kind in queries.COLUMNS)})")
        base.executemany(f"INSERT INTO {name} VALUES (?, ?, ?, ?, ?)", rows)
    answers = []
    for q in statements:
        outer = "FULL JOIN" in q.text or "RIGHT JOIN" in q.text
        # SQLite 3.40 errs when such a join is one side of a UNION, or stands beside another join.
        combined = any(word in q.text for word in ("UNION", "INTERSECT", "EXCEPT")) or q.text.count(" JOIN ") > 1
        if not q.portable or (outer and (combined or not HAS_FULL_JOIN)):
            answers.append(None)
            continue
        try:
            answers.append(base.execute(q.render("sqlite")).fetchall())
        except sqlite3.Error:
            answers.append(None)
    base.close()
    return answers


def value(text, kind):
    if text == "NULL":
        return None
    if kind == "dbl":
        return float(text) + 0.0  # SQLite has no -0.0
    return int(text) if kind == "int" else text


def of_row(cell, kind):
    if cell is None:
        return None
    return slt.escaped(cell) if kind == "str" else float(cell) if kind == "dbl" else cell


def same_as_sqlite(q, answer, rows):
    if answer and answer[0].startswith("error "):
        return False
    mine = [tuple(value(cell, kind) for cell, kind in zip(line.split(" | "), q.columns)) for line in answer[1:]]
    theirs = [tuple(of_row(cell, kind) for cell, kind in zip(row, q.columns)) for row in rows]
    return mine == theirs if q.ordered else sorted(mine, key=repr) == sorted(theirs, key=repr)


def plain(answer, q):
    """An error by its name only: which row raises it first may differ."""
    if answer and answer[0].startswith("error "):
        return answer[:1]
    return answer if q.ordered else answer[:1] + sorted(answer[1:])


def complain(arguments, number, mode, q, answer, other):
    print(f"seed {arguments.seed}, round {number} [{mode}]: {q.render('vonk')}")
    for sign, lines in (("-", plain(answer, q)), ("+", other)):
        print("\n".join(f"  {sign} {line}" for line in lines[:12]))


def run_round(arguments, number):
    """(statements, wrong ones)"""
    rng = random.Random(f"{arguments.seed}-{number}")
    tables = queries.tables(rng)
    conf = ["spark.sql.ansi.enabled=" + rng.choice(["true", "false"])]
    statements = [queries.query(rng) for _ in range(arguments.queries)]
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="vonk-random-") as folder:
        once, always = set_up(rng, tables, folder)
        slt.ask_program(arguments.vonk, Script(once, conf))
        script = Script(always + [q.render("vonk") for q in statements], conf)
        usual = slt.ask_program(arguments.vonk, script)[len(always):]
        for q, answer, rows in zip(statements, usual, of_sqlite(tables, statements)):
            if answer[:1] and answer[0].startswith("died"):
                wrong += 1
                complain(arguments, number, "usual", q, answer, [])
            elif rows is not None and not same_as_sqlite(q, answer, rows):
                wrong += 1
                complain(arguments, number, "sqlite", q, answer, [str(row) for row in rows])
        for mode, settings, flags, _ in slt.modes():
            answers = slt.ask_program(arguments.vonk, script, settings, flags)[len(always):]
            for q, answer, other in zip(statements, usual, answers):
                if plain(answer, q) != plain(other, q):
                    wrong += 1
                    complain(arguments, number, mode, q, answer, plain(other, q))
    return len(statements), wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vonk", default="build/vonk", help="the program (build/vonk)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=int, help="instead of rounds")
    parser.add_argument("--queries", type=int, default=40, help="in a round")
    parser.add_argument("--only", type=int, help="this round")
    arguments = parser.parse_args()
    total = wrong = number = 0
    end = time.monotonic() + (arguments.seconds or 0)
    while (time.monotonic() < end) if arguments.seconds else number < arguments.rounds:
        if arguments.only is None or arguments.only == number:
            n, bad = run_round(arguments, number)
            total, wrong = total + n, wrong + bad
        number += 1
    print(f"{total - wrong} passed, {wrong} failed")
    return 1 if wrong or not total else 0


if __name__ == "__main__":
    sys.exit(main())
