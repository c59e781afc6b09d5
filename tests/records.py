"""Files of records, which sql/ and frames/ share: a question, `----`, and the lines that real Spark answered.

A record starts with a line of the file's word ("query", "call") and more words, and ends with an empty line. What
stands between records (comments, `conf KEY=VALUE` lines, which hold for the whole file) is kept as it is.
"""
import datetime
import re

ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0", "\\": "\\\\", "|": "\\|", ";": "\\;"}
ERROR = re.compile(r"^error \S+ \S+$")
EXPR_ID = re.compile(r"#\d+L?")


class Record:
    """One question: its words, text, expected lines; `before` is what stands above it in the file."""

    def __init__(self, before, words, text, expected, line):
        self.before, self.words, self.text, self.expected, self.line = before, words, text, expected, line


class File:
    """Records, settings for all of them (`conf KEY=VALUE` lines), and what stands below the last one."""

    def __init__(self, path, word):
        self.path, self.word, self.records, self.after = path, word, [], []
        self.conf = ["spark.sql.session.timeZone=UTC"]
        lines, i = path.read_text(encoding="utf-8").split("\n"), 0
        while i < len(lines):
            if lines[i] != word and not lines[i].startswith(word + " "):
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
            out += r.before + [" ".join([self.word] + r.words)] + r.text.split("\n") + ["----"] + r.expected
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


def session(url, file):
    """(a session of a Spark Connect server with the file's settings, what to write of where its answers come from)."""
    import logging
    import warnings
    from pyspark.sql import SparkSession
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    spark = SparkSession.builder.remote(url).create()
    for c in file.conf:
        key, value = c.split("=", 1)
        spark.conf.set(key, value)
    return spark, f"Apache Spark {spark.version}, zone {spark.conf.get('spark.sql.session.timeZone')}"


def error_lines(e):
    """The lines of an error of PySpark's."""
    lines = [f"error {e.getCondition() or type(e).__name__} {e.getSqlState() or '-'}"]
    lines += [f"{k} = {escaped(v)}" for k, v in (e.getMessageParameters() or {}).items()]
    for context in e.getQueryContext() or []:
        if context.contextType().name == "SQL":
            lines.append(f"at {context.startIndex()}..{context.stopIndex()}")
    return lines


def tidy(lines, words, keep_order=False):
    """An error hides what came before it; parameters by name; rows sorted when the question gives them no order."""
    for i, line in enumerate(lines):
        if ERROR.match(line):
            rest = [EXPR_ID.sub("#x", p) for p in lines[i + 1:]]
            return [line] + sorted(p for p in rest if " = " in p) + [p for p in rest if p.startswith("at ")]
    return lines[:1] + sorted(lines[1:]) if "sorted" in words and not keep_order else lines


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


def true_today_only(lines):
    """Does an answer hold the day it was given on? Tomorrow it would be wrong."""
    today = datetime.datetime.now(datetime.timezone.utc).date()
    forms = (today.isoformat(), repr((today.year, today.month, today.day)).rstrip(")"))
    return any(form in line for line in lines for form in forms)


def compare_or_record(file, answers, origin, arguments):
    """(records, wrong ones) of a server's answers: compared with what the file holds, or written into it."""
    if not arguments.record:
        return len(file.records), compare(file, answers, arguments.quiet)
    n_wrong = 0
    for record, answer in zip(file.records, answers):
        record.expected = tidy(answer, record.words)
        if true_today_only(record.expected):
            show(file, record, [], record.expected, " is true today only")
            n_wrong += 1
    file.write(origin)
    return len(file.records), n_wrong


def add_arguments(parser):
    """The options that both runners have."""
    parser.add_argument("--vonk", default="build/vonk", help="the program (build/vonk)")
    parser.add_argument("--remote", help="a Spark Connect server instead")
    parser.add_argument("--record", action="store_true", help="write the server's answers into the files")
    parser.add_argument("--quiet", action="store_true", help="count only")


def ended(total, bad):
    """Prints the line that test_all.py reads; the exit status."""
    print(f"{total - bad} passed, {bad} failed")
    return 1 if bad or not total else 0
