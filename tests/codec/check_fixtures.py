#!/usr/bin/env python3
"""Reads each Parquet file of tests/data/parquet in many ways; the rows must be those that its maker wrote down.

  check_fixtures.py PARQUET_DUMP FOLDER

Ways: one row, seven rows and a whole group at a time; dictionaries kept and decoded; late materialisation; some rows
of each row group, with and without memory that the file lends.
"""

import json
import os
import subprocess
import sys

DUMP, FOLDER = sys.argv[1:3]
RANGES = [(3, 10), (20, 1), (37, 60), (120, 1000)]
WAYS = [
    ([], {}),
    (["--flat"], {}),
    (["--batch", "1"], {}),
    (["--batch", "7", "--flat"], {}),
    (["--every", "3"], {}),
    (["--every", "5", "--batch", "7"], {}),
    (["--every", "40", "--batch", "33"], {}),
    ([x for r in RANGES for x in ("--rows", str(r[0]), str(r[1]))], {}),
    (
        [x for r in RANGES for x in ("--rows", str(r[0]), str(r[1]))] + ["--every", "2", "--batch", "8"],
        {"VONK_DUMP_COPY": "1"},
    ),
    (["--batch", "64"], {"VONK_DUMP_COPY": "1"}),
]


def wanted(rows, groups, way):
    """The rows of the file that this way of reading gives."""
    every = int(way[way.index("--every") + 1]) if "--every" in way else 1
    some = "--rows" in way
    kept, first = [], 0
    for n in groups:
        for i in range(n):
            inside = not some or any(start <= i < start + count for start, count in RANGES)
            if inside and (first + i) % every == 0:
                kept.append(rows[first + i])
        first += n
    return kept


def check(name, rows, way, env):
    run = subprocess.run(
        [DUMP, *way, os.path.join(FOLDER, name + ".parquet")],
        capture_output=True,
        env=dict(os.environ, **env),
        timeout=60,
    )
    if run.returncode:
        return run.stderr.decode(errors="replace").strip()
    lines = run.stdout.decode().splitlines()[1:]
    groups = [int(line.split()[2]) for line in lines if line.startswith("# group")]
    if sum(groups) != len(rows):
        return f"{sum(groups)} rows instead of {len(rows)}"
    got = [json.loads(line) for line in lines if not line.startswith("#")]
    want = wanted(rows, groups, way)
    if len(got) != len(want):
        return f"{len(got)} rows instead of {len(want)}"
    for i, (g, w) in enumerate(zip(got, want)):
        if g != w:
            return f"row {i}: {json.dumps(g)} instead of {json.dumps(w)}"
    return None


passed, failed = 0, []
for line in open(os.path.join(FOLDER, "expected.tsv"), encoding="utf-8"):
    name, rows_name = line.split()
    rows = [json.loads(row) for row in open(os.path.join(FOLDER, rows_name + ".jsonl"), encoding="utf-8")]
    for way, env in WAYS:
        problem = check(name, rows, way, env)
        if problem:
            failed.append(f"{name} {' '.join(way)} {env or ''}: {problem}")
        else:
            passed += 1
for text in failed:
    print(text[:1500])
print(f"[  PASSED  ] {passed} tests")
if failed:
    print(f"[  FAILED  ] {len(failed)} tests")
sys.exit(bool(failed))
