#!/usr/bin/env python3
"""Our own limits, checked over every file that git knows: lengths, names, leftovers, READMEs, dead files.

  tools/tidy.py [--worst N]      prints each breach; exit status 1 when there is one; --worst: the N longest functions

What each rule is for, and how to satisfy it: docs/checks.md.
"""
import argparse
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CODE = (".c", ".h", ".inc", ".py", ".sh")
TEXT = CODE + (".md", ".def", ".build", ".txt", ".slt", ".sql", ".tsv", ".csv", ".json", ".jsonl", "Makefile",
               ".ci/run")
AIM_COLUMNS, MAX_COLUMNS = 120, 200    # headers and tables are read as lists: a row stays a row
MAX_FILE_LINES = 1500
FUNCTION_WARN, FUNCTION_LIMIT = 80, 120
BANNED_WORDS = {"util", "utils", "helper", "helpers", "common", "misc", "manager"}
README_HEADS = ["What it does", "What it does not", "Nouns", "Life of a request", "Add one thing"]
# Besides each folder of src/ that holds code, two levels deep.
README_FOLDERS = {"bench/tpcds", "bench/tpch", "examples", "tests", "tools",
                  "tests/clients", "tests/faults", "tests/fuzz", "tests/sql"}
README_MOST_LINES = 60
MARKERS = re.compile(r"\b(?:FIX" r"ME|TO" r"DO|HA" r"CK)\b|^(?:<{7}|>{7})(?: |$)", re.M)
MACHINE_PATHS = re.compile(r"(?<![\w.$}])/(?:ho" r"me|ro" r"ot|Us" r"ers|wo" r"rk|op" r"t)/[\w.-]+/[\w.-]+")
# Given tools that came with the project and keep their own layout.
AS_GIVEN = {"compat/doctests.py", "compat/oracle.sh", "compat/upper_spark43.jsonl", "compat/upper_classic43.jsonl",
            "compat/functions_spark43.txt"}


def project_files():
    """Paths of all files that are tracked or about to be, relative to the root."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return sorted(p for p in set(listed.split("\0")) if p and os.path.isfile(os.path.join(ROOT, p)))


def functions_of(text):
    """(name, first line, lines of the body) of each C function: its braces stand in column 0, as the format has it."""
    lines = text.split("\n")
    start = None
    for number, line in enumerate(lines):
        if line == "{":
            start = number
        elif line.startswith("}") and start is not None:
            head = ""
            for above in range(start - 1, max(start - 8, -1), -1):
                head = lines[above] + " " + head
                if "(" in lines[above] and not lines[above].startswith((" ", "\t")):
                    break
            name = re.search(r"(\w+)\s*\(", head)
            yield (name.group(1) if name else "?"), start + 1, number - start - 1
            start = None


def check_lines(path, text, say, wide):
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        if len(line) > (AIM_COLUMNS if path.endswith((".py", ".sh")) else MAX_COLUMNS) and path.endswith(CODE):
            say(path, number, f"{len(line)} columns, at most {AIM_COLUMNS} in scripts, {MAX_COLUMNS} elsewhere")
        elif len(line) > AIM_COLUMNS and path.endswith(".c"):
            wide.append((path, number))
        if path.endswith(CODE) and line != line.rstrip():
            say(path, number, "blanks at the end of the line")
    if path.endswith(CODE) and len(lines) > MAX_FILE_LINES:
        say(path, 1, f"{len(lines)} lines, at most {MAX_FILE_LINES}: split it by subject")


def check_leftovers(path, text, say):
    for match in MARKERS.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        say(path, line, f"leftover marker {match.group(0).strip()}: do it, or write NEEDSWORK: why")
    for match in MACHINE_PATHS.finditer(text):
        say(path, text.count("\n", 0, match.start()) + 1, f"a path of one machine: {match.group(0)}")
    if path.endswith((".c", ".h")) and re.search(r"^[ \t]*#[ \t]*if[ \t]+0\b", text, re.M):
        say(path, 1, "code switched off with #if 0: delete it, git keeps it")


def check_name(path, say):
    words = set(re.split(r"[^a-z0-9]+", os.path.splitext(os.path.basename(path))[0].lower()))
    for word in sorted(words & BANNED_WORDS):
        say(path, 1, f"'{word}' in a file name says nothing: name it after its subject")


def check_folders(files, say):
    """Each folder that holds code has a README with the five heads; each .c file is built."""
    folders = {part for p in files if p.startswith("src/") and p.endswith(".c")
               for part in ("/".join(p.split("/")[:2]), "/".join(p.split("/")[:-1])) if 1 <= part.count("/") <= 2}
    for folder in sorted(folders | README_FOLDERS):
        readme = f"{folder}/README.md"
        if readme not in files:
            say(readme, 1, "missing: at most a page, with the heads " + ", ".join(README_HEADS))
            continue
        text = open(os.path.join(ROOT, readme), encoding="utf-8").read()
        for head in README_HEADS:
            if head not in text:
                say(readme, 1, f"no '{head}'")
        if text.count("\n") > README_MOST_LINES:
            say(readme, 1, f"{text.count(chr(10))} lines: a page has {README_MOST_LINES}")
    builds = "\n".join(open(os.path.join(ROOT, p), encoding="utf-8").read() for p in files if p.endswith("meson.build"))
    for path in files:
        if path.startswith("src/") and path.endswith(".c"):
            name = os.path.basename(path)
            if not re.search(rf"['/]{re.escape(name)}'", builds) and not included_by_source(name, files):
                say(path, 1, "no meson.build builds it, no source includes it: a dead file")


def check_cleanup(path, text, say):
    """What is dropped at the end of a scope holds something from its first line on."""
    for match in re.finditer(r"^[^\n/*]*\bVONK_AUTO\(\w+\)[^=;{]*;|^ +vonk_buf [^=*;()]*;", text, re.M):
        depth_line = text.rfind("\n}", 0, match.start())
        head = text[depth_line + 1:match.start()]
        if "VONK_AUTO" in match.group(0) or re.search(r"^\{", head, re.M):
            say(path, text.count("\n", 0, match.start()) + 1, "dropped with its scope, so it starts as {0} or NULL")


def check_lists(path, text, say):
    """Lists of sources in src/: one for each kind, one file per line, sorted, so that additions seldom meet."""
    names = re.findall(r"^(\w+) \+?= files\(", text, re.M)
    for name in sorted({name for name in names if names.count(name) > 1}):
        say(path, 1, f"{name} is filled twice: one list")
    for block in re.finditer(r"^\w+ \+?= files\((.*?)\)", text, re.M | re.S):
        rows = block.group(1).strip("\n").split("\n")
        if rows != sorted(rows) or any(row.count("'") != 2 for row in rows) or not block.group(1).startswith("\n"):
            say(path, text.count("\n", 0, block.start()) + 1, "one file per line, sorted")


def included_by_source(name, files):
    """True when some C file includes the given one (a template, or statics reached by a test)."""
    pattern = re.compile(rf'#[ \t]*include[ \t]*"[^"]*\b{re.escape(name)}"')
    return any(pattern.search(open(os.path.join(ROOT, p), encoding="utf-8").read())
               for p in files if p.startswith("src/") and p.endswith((".c", ".h")))


def check_functions(path, text, say, warn):
    for name, line, n_lines in functions_of(text):
        if n_lines > FUNCTION_LIMIT:
            say(path, line, f"{name}() has {n_lines} lines, at most {FUNCTION_LIMIT}")
        elif n_lines > FUNCTION_WARN:
            warn.append((path, line, name, n_lines))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worst", type=int, default=0)
    args = parser.parse_args()
    breaches, long_functions, every_function, wide = [], [], [], []

    def say(path, line, what):
        breaches.append(f"{path}:{line}: {what}")

    files = project_files()
    for path in files:
        check_name(path, say)
        if path in AS_GIVEN or not path.endswith(TEXT) or path.startswith("data/"):
            continue
        with open(os.path.join(ROOT, path), encoding="utf-8") as source:
            text = source.read()
        check_lines(path, text, say, wide)
        check_leftovers(path, text, say)
        if path.startswith("src/") and path.endswith("meson.build"):
            check_lists(path, text, say)
        if path.endswith((".c", ".h")):
            check_cleanup(path, text, say)
            check_functions(path, text, say, long_functions)
            every_function += [(n, path, name) for name, _, n in functions_of(text)]
    check_folders(set(files), say)
    for breach in breaches:
        print(breach)
    for path, line, name, n_lines in long_functions:
        print(f"{path}:{line}: warning: {name}() has {n_lines} lines, {FUNCTION_WARN} is what we aim for")
    for n_lines, path, name in sorted(every_function, reverse=True)[:args.worst]:
        print(f"{n_lines:5} {name} ({path})")
    if wide:
        print(f"tidy: {len(wide)} lines of sources are wider than {AIM_COLUMNS} (make format wraps them), the first "
              f"{wide[0][0]}:{wide[0][1]}")
    print(f"tidy: {len(breaches)} breaches in {len(files)} files, {len(long_functions)} functions longer than aimed at")
    sys.exit(1 if breaches else 0)


if __name__ == "__main__":
    main()
