#!/usr/bin/env python3
"""Banned calls: which functions the object files of each folder refer to (tools/banned.txt).

  tools/banned.py BUILD      prints each breach; exit status 1 when there is one

Reads the objects of the core, the kernels and the commands, not those of tests.
"""
import fnmatch
import json
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def read_rules():
    """(pattern, folders that may) in the order of the file."""
    rules = []
    for line in open(os.path.join(ROOT, "tools", "banned.txt"), encoding="utf-8"):
        line = line.split("#")[0].strip()
        if line:
            names, _, folders = line.partition(":")
            rules += [(name, folders.split()) for name in names.split()]
    return rules


def objects(build):
    """(folder, source, object file) for each product source that the build knows."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as commands:
        for entry in json.load(commands):
            source = os.path.relpath(os.path.join(entry["directory"], entry["file"]), ROOT)
            if source.startswith("src/") and not source.endswith("_test.c"):
                yield source.split("/")[1], source, os.path.join(entry["directory"], entry["output"])


def undefined_symbols(objects_):
    """object file -> undefined symbols, with the checked form of a libc function (__read_chk) under its plain name."""
    found = {}
    output = subprocess.run(["nm", "-u", "-A", "-P", *objects_], capture_output=True, text=True, check=True).stdout
    for line in output.splitlines():
        file, _, rest = line.partition(": ")
        name = rest.split(" ")[0]
        name = re.sub(r"^__(?:isoc\d+_)?(\w+?)_chk$", r"\1", name)
        found.setdefault(file, set()).add(re.sub(r"^__(open|openat|getdelim|read|poll|ppoll)(?:64)?_2$", r"\1", name))
    return found


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    build = os.path.join(ROOT, sys.argv[1])
    rules = read_rules()
    known = [(folder, source, file) for folder, source, file in objects(build)]
    stale = [source for _, source, file in known if not os.path.exists(file)]
    if stale or not known:
        sys.exit(f"banned: not built yet: {', '.join(stale) or build}")
    symbols = undefined_symbols([file for _, _, file in known])
    n_breaches = 0
    for folder, source, file in known:
        for symbol in sorted(symbols.get(file, ())):
            rule = next((r for r in rules if fnmatch.fnmatchcase(symbol, r[0])), None)
            if rule and folder not in rule[1]:
                where = f"only {' and '.join(rule[1])} may" if rule[1] else "nobody may"
                print(f"{source}: calls {symbol}(): {where}")
                n_breaches += 1
    print(f"banned: {n_breaches} banned calls in {len(known)} objects")
    sys.exit(1 if n_breaches else 0)


if __name__ == "__main__":
    main()
