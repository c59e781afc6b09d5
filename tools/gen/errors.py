#!/usr/bin/env python3
"""Facts about Spark's error conditions: names, SQLSTATEs, parameter names, exception classes. Needs a JDK (javap).

  tools/gen/errors.py VENV OUT_DIR

Writes errors.tsv:
  condition   with a sub-condition: CONDITION.SUBCONDITION
  sqlstate    of the condition, or of the sub-condition where that has its own
  parameters  names of what the message is filled with, in the order of the template, comma separated
  family      what raises it, as base/error.h names it, most frequent first; empty where the program text does not tell
  exceptions  simple names of the Java classes, most frequent first
The message texts are read for their parameter names only and are not kept.

Exceptions are found in the program: where a class file makes an exception and names the condition in the same
expression; else where the condition is named in classes that raise one family only (QueryParsingErrors: PARSE, and so
on); else, for a sub-condition, the family that all its known siblings share.
"""
import collections
import json
import os
import re
import struct
import subprocess
import sys
import zipfile

import client_python

FAMILIES = {
    "org.apache.spark.sql.catalyst.parser.ParseException": "PARSE",
    "org.apache.spark.sql.AnalysisException": "ANALYSIS",
    "org.apache.spark.SparkArithmeticException": "ARITHMETIC",
    "org.apache.spark.SparkArrayIndexOutOfBoundsException": "ARRAY_INDEX",
    "org.apache.spark.SparkDateTimeException": "DATE_TIME",
    "org.apache.spark.SparkNumberFormatException": "NUMBER_FORMAT",
    "org.apache.spark.SparkIllegalArgumentException": "ILLEGAL_ARGUMENT",
    "org.apache.spark.SparkUnsupportedOperationException": "UNSUPPORTED",
    "org.apache.spark.SparkNoSuchElementException": "NO_SUCH_ELEMENT",
    "org.apache.spark.SparkRuntimeException": "RUNTIME",
    "org.apache.spark.SparkUpgradeException": "UPGRADE",
    "org.apache.spark.SparkException": "SPARK",
    "org.apache.spark.SparkSecurityException": "SECURITY",
    "org.apache.spark.SparkFileNotFoundException": "FILE_NOT_FOUND",
    "org.apache.spark.sql.connect.common.InvalidPlanInput": "INVALID_PLAN",
    "org.apache.spark.api.python.PythonException": "PYTHON",
}
TYPE_CHECK = "org.apache.spark.sql.catalyst.analysis.TypeCheckResult$DataTypeMismatch"  # the analyzer raises it later
# Classes all of whose conditions are raised as one family.
ONE_FAMILY = (("QueryParsingErrors", "PARSE"), ("AstBuilder", "PARSE"), ("QueryCompilationErrors", "ANALYSIS"),
              ("CheckAnalysis", "ANALYSIS"), ("InvalidInputErrors", "INVALID_PLAN"),
              ("sql.catalyst.analysis.", "ANALYSIS"))
NEW = re.compile(r": new +#\d+ +// class (\S+)")
TEXT = re.compile(r": ldc\w* +#\d+ +// String (.*)$")
INIT = re.compile(r': invokespecial #\d+ +// Method "?([\w/$]+)"?\."<init>"')


def conditions_of(jars):
    """condition -> (sqlstate, parameter names)."""
    found = {}
    with zipfile.ZipFile(next(j for j in jars if "spark-common-utils_" in j)) as jar:
        tree = json.loads(jar.read("error/error-conditions.json"))
    names = re.compile(r"<([A-Za-z_][\w-]*)>")
    for name, row in tree.items():
        own = names.findall("\n".join(row["message"]))
        found[name] = (row.get("sqlState", ""), list(dict.fromkeys(own)))
        for sub, part in row.get("subClass", {}).items():
            both = own + names.findall("\n".join(part["message"]))
            found[f"{name}.{sub}"] = (part.get("sqlState", row.get("sqlState", "")), list(dict.fromkeys(both)))
    return found


def constants_of(data):
    """The texts in a class file's constant pool, its own name and its parent's."""
    count, at, texts, classes = struct.unpack_from(">H", data, 8)[0], 10, {}, {}
    sizes = {3: 4, 4: 4, 5: 8, 6: 8, 7: 2, 8: 2, 9: 4, 10: 4, 11: 4, 12: 4, 15: 3, 16: 2, 17: 4, 18: 4, 19: 2, 20: 2}
    i = 1
    while i < count:
        tag = data[at]
        if tag == 1:
            length = struct.unpack_from(">H", data, at + 1)[0]
            texts[i] = data[at + 3:at + 3 + length].decode("utf-8", "replace")
            at += 3 + length
        else:
            if tag == 7:
                classes[i] = struct.unpack_from(">H", data, at + 1)[0]
            at += 1 + sizes[tag]
        i += 2 if tag in (5, 6) else 1
    this, parent = struct.unpack_from(">HH", data, at + 2)
    name = texts[classes[this]].replace("/", ".")
    return set(texts.values()), name, texts[classes[parent]].replace("/", ".") if parent else ""


def scan(jars, conditions):
    """Class -> parent over all classes, and the classes that name a condition."""
    parents, naming = {}, []
    starts = {c.split(".")[0] for c in conditions}
    for path in jars:
        with zipfile.ZipFile(path) as jar:
            for entry in jar.namelist():
                if not entry.endswith(".class") or not entry.startswith("org/apache/spark/"):
                    continue
                texts, name, parent = constants_of(jar.read(entry))
                parents[name] = parent
                type_check = TYPE_CHECK.replace(".", "/") in texts
                if type_check or any(t.split(".")[0] in starts for t in texts if t[:1].isupper()):
                    naming.append(name)
    return parents, naming


def exception_root(name, parents):
    """Family's class among the ancestors of a class, the class itself when it is some other throwable, else None."""
    at = name
    while at:
        if at in FAMILIES:
            return at
        if at in ("java.lang.Throwable", "java.lang.Exception", "java.lang.RuntimeException", "java.lang.Error"):
            return name
        throwable = at.startswith("java.") and at.endswith(("Exception", "Error"))
        at = parents.get(at, "java.lang.Throwable" if throwable else "")
    return None


def raised_in(listing, parents):
    """(text, exception class, class file) for each text in javap's listing; no exception class where none is made."""
    open_, inside = [], ""
    for line in listing:
        match = re.match(r"^(?:\S.* )?(?:class|interface) ([\w.$]+)", line)
        if match:
            open_, inside = [], match.group(1)
        elif re.match(r"^  \S", line):
            open_ = []
        elif match := NEW.search(line):
            open_.append((match.group(1).replace("/", "."), []))
        elif match := TEXT.search(line):
            yield match.group(1), None, inside
            if open_:
                open_[-1][1].append(match.group(1))
        elif match := INIT.search(line):
            made = match.group(1).replace("/", ".")
            if made not in [name for name, _ in open_]:
                continue
            name, texts = open_.pop()
            while name != made:
                texts += open_[-1][1]
                name = open_.pop()[0]
            if made == TYPE_CHECK:
                for text in texts:
                    yield "DATATYPE_MISMATCH." + text, "org.apache.spark.sql.AnalysisException", inside
            elif exception_root(made, parents):
                for text in texts:
                    yield text, made, inside
            elif open_:
                open_[-1][1].extend(texts)


def attribute(jars, naming, parents, conditions):
    """condition -> Counter of exception classes, and condition -> families of the classes that name it."""
    raised, named = collections.defaultdict(collections.Counter), collections.defaultdict(set)
    for start in range(0, len(naming), 200):
        command = ["javap", "-c", "-p", "-cp", ":".join(jars), *naming[start:start + 200]]
        listing = subprocess.run(command, capture_output=True, text=True).stdout
        for text, made, inside in raised_in(listing.splitlines(), parents):
            if text in conditions and made:
                raised[text][made] += 1
            elif text in conditions:
                named[text].add(next((family for part, family in ONE_FAMILY if part in inside), ""))
    return raised, named


def family_of(condition, raised, named, parents):
    """Families of the exceptions that are made with a condition, most frequent first; else of the classes naming it."""
    counts = collections.Counter()
    for made, n in raised[condition].items():
        counts[FAMILIES.get(exception_root(made, parents), "")] += n
    counts.pop("", None)
    if not counts and not raised[condition] and len(named[condition]) == 1:
        return [f for f in named[condition] if f]
    return [family for family, _ in counts.most_common()]


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    venv, out = sys.argv[1:]
    client_python.enter(venv)
    import pyspark
    folder = os.path.join(os.path.dirname(pyspark.__file__), "jars")
    jars = sorted(os.path.join(folder, j) for j in os.listdir(folder) if j.startswith("spark-"))
    conditions = conditions_of(jars)
    parents, naming = scan(jars, conditions)
    raised, named = attribute(jars, naming, parents, conditions)
    families = {c: family_of(c, raised, named, parents) for c in conditions}
    shared = collections.defaultdict(set)
    for condition, known in families.items():
        shared[condition.split(".")[0]] |= {",".join(known)} - {""}
    rows = []
    for condition in sorted(conditions):
        sqlstate, parameters = conditions[condition]
        family = ",".join(families[condition])
        siblings = shared[condition.split(".")[0]]
        if not family and not raised[condition] and "." in condition and len(siblings) == 1:
            family = next(iter(siblings))
        exceptions = [made.split(".")[-1] for made, _ in raised[condition].most_common()]
        rows.append((condition, sqlstate, ",".join(parameters), family, ",".join(exceptions)))
    header = ("condition", "sqlstate", "parameters", "family", "exceptions")
    client_python.write_rows(os.path.join(out, "errors.tsv"), header, rows)
    print(sum(bool(r[3]) for r in rows), "conditions with a family")


if __name__ == "__main__":
    main()
