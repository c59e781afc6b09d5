#!/usr/bin/env python3
"""Runs the .slt files of this folder (README.md says what they look like) and compares with what they hold.

    run.py [--vonk PROGRAM] [FILE...]         against `vonk sql`, one process a file
    run.py --remote sc://HOST:PORT [FILE...]  against a Spark Connect server; --record writes its answers into the files
    run.py --modes [FILE...]                  `vonk sql` in each way of ../modes: the same answers, in the same order
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from records import (File, add_arguments, compare, compare_or_record, ended, error_lines,  # noqa: E402  (beside
                     escaped, session)                                                     # this folder)
from sanitizers import Reports, slower  # noqa: E402

REPORTS = Reports()
LIMIT_S = 120


# --- vonk sql -------------------------------------------------------------------------------------------------------

def ask_process(command, records):
    """Answers of one process, a list of lines each, and what ended it; too few answers when it died."""
    limit_s = LIMIT_S * slower(command[0])
    with tempfile.NamedTemporaryFile("w", suffix=".sql", encoding="utf-8") as script:
        script.write("\n;\n".join(r.text for r in records))
        script.flush()
        try:
            done = subprocess.run(command + ["-f", script.name], capture_output=True, timeout=limit_s,
                                  env=dict(os.environ, TZ="UTC"))  # as real Spark had
            output = done.stdout
            why = f"ended with {done.returncode}: " + done.stderr.decode("utf-8", "replace")[-2000:]
        except subprocess.TimeoutExpired as late:
            output, why = late.stdout or b"", f"still running after {limit_s:g} s"
    answers, lines = [], []
    for line in output.decode("utf-8", "replace").split("\n"):
        if line == ";":
            answers.append(lines)
            lines = []
        else:
            lines.append(line)
    return answers, why


def ask_program(program, file, conf=(), flags=()):
    """Raw answers, one list of lines a record. A statement that ends the process costs only its own answer."""
    command = [program, "sql", "--output", "test", *flags]
    for c in file.conf + ["spark.default.parallelism=2"] + list(conf):   # as many as real Spark had: its order of rows
        command += ["--conf", c]
    answers = []
    while len(answers) < len(file.records):
        some, why = ask_process(command, file.records[len(answers):])
        answers += some
        if len(answers) < len(file.records):
            answers.append(["died: " + line for line in why.strip().split("\n")])
    return answers


# --- Spark Connect --------------------------------------------------------------------------------------------------

def ask_one(spark, text):
    from pyspark.errors import PySparkException
    from pyspark.sql.functions import col
    try:
        frame = spark.sql(text)
        fields = frame.schema.fields
        if not fields:
            return []
        # As text, by Spark's own cast; names may be doubled, so they are replaced first.
        plain = frame.toDF(*[f"c{i}" for i in range(len(fields))])
        rows = plain.select(*[col(f"c{i}").cast("string") for i in range(len(fields))]).collect()
        head = " | ".join(escaped(f"{f.name}: {f.dataType.simpleString()}") for f in fields)
        return [head] + [" | ".join(escaped(v) for v in row) for row in rows]
    except PySparkException as e:
        return error_lines(e)


def ask_server(url, file):
    spark, origin = session(url, file)
    answers = [ask_one(spark, r.text) for r in file.records]
    spark.stop()
    return answers, origin


# --- comparing ------------------------------------------------------------------------------------------------------

def reported(file, where=""):
    """Number of the sanitizers' reports since the last call; shows them."""
    reports = REPORTS.take()
    for report in reports:
        print(f"{file.path.name}{where}: {report}")
    return len(reports)


def modes():
    """(name, settings, flags, must rows without an order come in the usual one?) of each file of ../modes."""
    for path in sorted((HERE.parent / "modes").glob("*.json")):
        mode = json.loads(path.read_text(encoding="utf-8"))
        conf = [f"{k}={v}" for k, v in mode.get("conf", {}).items()]
        yield path.stem, conf, mode.get("flags", []), mode["same_order"]


def run_modes(file, arguments):
    """Each mode against the file, and its raw rows against those of the usual mode."""
    usual = ask_program(arguments.vonk, file)
    total = wrong = reported(file)
    for name, conf, flags, same_order in modes():
        answers = ask_program(arguments.vonk, file, conf, flags)
        n_reports = reported(file, f" [{name}]")
        total += len(file.records) + n_reports
        wrong += n_reports
        wrong += compare(file, answers, arguments.quiet, f" [{name}]", usual if same_order else None, same_order)
    return total, wrong


def run_file(file, arguments):
    if arguments.modes:
        return run_modes(file, arguments)
    if not arguments.remote:
        answers = ask_program(arguments.vonk, file)
        n_reports = reported(file)
        return len(file.records) + n_reports, n_reports + compare(file, answers, arguments.quiet)
    answers, origin = ask_server(arguments.remote, file)
    return compare_or_record(file, answers, origin, arguments)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser)
    parser.add_argument("--modes", action="store_true", help="run in each way of tests/modes")
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    arguments = parser.parse_args()
    if arguments.record and not arguments.remote:
        parser.error("only a server's answers are recorded: --remote")
    total = bad = 0
    for path in arguments.files or sorted(HERE.rglob("*.slt")):
        n, wrong = run_file(File(path.resolve(), "query"), arguments)
        total, bad = total + n, bad + wrong
        if wrong:
            print(f"{path.name}: {n - wrong} passed, {wrong} failed")
    REPORTS.close()
    return ended(total, bad)


if __name__ == "__main__":
    sys.exit(main())
