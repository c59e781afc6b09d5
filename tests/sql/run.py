#!/usr/bin/env python3
"""Runs the .slt files of this folder (README.md says what they look like) and compares with what they hold.

    run.py [--vonk PROGRAM] [FILE...]         against `vonk sql`, one process a file
    run.py --remote sc://HOST:PORT [FILE...]  against a Spark Connect server; --record writes its answers into the files
    run.py --modes [FILE...]                  `vonk sql` in each way of ../modes: the same answers, in the same order
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from sanitizers import Reports, slower  # noqa: E402  (beside this folder)

REPORTS = Reports()
ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0", "\\": "\\\\", "|": "\\|", ";": "\\;"}
ERROR = re.compile(r"^error [A-Z0-9_.]+ [0-9A-Z]{5}$")
EXPR_ID = re.compile(r"#\d+L?")
LIMIT_S = 120


class Record:
    """One statement: its words, text, expected lines; `before` is what stands above it in the file."""

    def __init__(self, before, words, text, expected, line):
        self.before, self.words, self.text, self.expected, self.line = before, words, text, expected, line


class File:
    """Records, settings for all of them (`conf KEY=VALUE` lines), and what stands below the last one."""

    def __init__(self, path):
        self.path, self.records, self.conf, self.after = path, [], ["spark.sql.session.timeZone=UTC"], []
        lines, i = path.read_text(encoding="utf-8").split("\n"), 0
        while i < len(lines):
            if not re.match(r"query( |$)", lines[i]):
                if lines[i].startswith("conf "):
                    self.conf.append(lines[i][5:])
                self.after.append(lines[i])
                i += 1
                continue
            words, start = lines[i].split()[1:], i + 1
            while lines[i] != "----":
                i += 1
            text, i, first = "\n".join(lines[start:i]), i + 1, i + 1
            while i < len(lines) and lines[i]:
                i += 1
            self.records.append(Record(self.after, words, text, lines[first:i], start))
            self.after = []

    def write(self, origin):
        out = []
        for r in self.records:
            out += r.before + [" ".join(["query"] + r.words)] + r.text.split("\n") + ["----"] + r.expected
        out = [line for line in out + self.after if not line.startswith("# answers: ")]
        self.path.write_text("\n".join([f"# answers: {origin}"] + out), encoding="utf-8")


def escaped(text):
    if text is None:
        return "NULL"
    if text == "":
        return "\\e"
    if text == "NULL":
        return "\\NULL"
    text = "".join(ESCAPES.get(c, c) for c in text)
    return text[:-1] + "\\s" if text.endswith(" ") else text


def tidy(lines, words, keep_order=False):
    """An error hides what came before it; parameters by name; rows sorted when the query gives them no order."""
    for i, line in enumerate(lines):
        if ERROR.match(line):
            rest = [EXPR_ID.sub("#x", p) for p in lines[i + 1:]]
            return [line] + sorted(p for p in rest if " = " in p) + [p for p in rest if p.startswith("at ")]
    return lines[:1] + sorted(lines[1:]) if "sorted" in words and not keep_order else lines


# --- vonk sql -------------------------------------------------------------------------------------------------------

def ask_process(command, records):
    """Answers of one process, a list of lines each, and what ended it; too few answers when it died."""
    limit_s = LIMIT_S * slower(command[0])
    with tempfile.NamedTemporaryFile("w", suffix=".sql", encoding="utf-8") as script:
        script.write("\n;\n".join(r.text for r in records))
        script.flush()
        try:
            done = subprocess.run(command + ["-f", script.name], capture_output=True, timeout=limit_s)
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

def error_lines(e):
    if not e.getCondition():
        return ["error UNKNOWN 00000", "message = " + escaped(str(e).split("\n")[0])]
    lines = [f"error {e.getCondition()} {e.getSqlState()}"]
    lines += [f"{k} = {escaped(v)}" for k, v in (e.getMessageParameters() or {}).items()]
    for context in (e.getQueryContext() or [])[:1]:
        if context.contextType().name == "SQL":
            lines.append(f"at {context.startIndex()}..{context.stopIndex()}")
    return lines


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
    import logging
    from pyspark.sql import SparkSession
    logging.disable(logging.CRITICAL)
    spark = SparkSession.builder.remote(url).create()
    for c in file.conf:
        key, value = c.split("=", 1)
        spark.conf.set(key, value)
    zone = spark.conf.get("spark.sql.session.timeZone")
    origin = f"Apache Spark {spark.version}, zone {zone}"
    answers = [ask_one(spark, r.text) for r in file.records]
    spark.stop()
    return answers, origin


# --- comparing ------------------------------------------------------------------------------------------------------

def show(file, record, expected, answer, where=""):
    print(f"{file.path.relative_to(file.path.parents[1])}:{record.line}{where}: {record.text}")
    print("\n".join([f"  - {line}" for line in expected] + [f"  + {line}" for line in answer]))


def compare(file, answers, quiet, where="", wanted=None, keep_order=False):
    """Number of records whose answer is not the expected one (`wanted`, or what the file holds)."""
    n_wrong = 0
    for i, (record, answer) in enumerate(zip(file.records, answers)):
        expected = tidy(wanted[i] if wanted else record.expected, record.words, keep_order)
        answer = tidy(answer, record.words, keep_order)
        if answer != expected:
            n_wrong += 1
            if not quiet:
                show(file, record, expected, answer, where)
    return n_wrong


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
    if not arguments.record:
        return len(file.records), compare(file, answers, arguments.quiet)
    for record, answer in zip(file.records, answers):
        record.expected = tidy(answer, record.words)
    file.write(origin)
    return len(file.records), 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vonk", default="build/vonk", help="the program (build/vonk)")
    parser.add_argument("--remote", help="a Spark Connect server instead")
    parser.add_argument("--record", action="store_true", help="write the server's answers into the files")
    parser.add_argument("--modes", action="store_true", help="run in each way of tests/modes")
    parser.add_argument("--quiet", action="store_true", help="count only")
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    arguments = parser.parse_args()
    if arguments.record and not arguments.remote:
        parser.error("only a server's answers are recorded: --remote")
    total = bad = 0
    for path in arguments.files or sorted(HERE.rglob("*.slt")):
        n, wrong = run_file(File(path.resolve()), arguments)
        total, bad = total + n, bad + wrong
        if wrong:
            print(f"{path.name}: {n - wrong} passed, {wrong} failed")
    REPORTS.close()
    print(f"{total - bad} passed, {bad} failed")
    return 1 if bad or not total else 0


if __name__ == "__main__":
    sys.exit(main())
