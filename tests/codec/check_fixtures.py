#!/usr/bin/env python3
"""Reads each Parquet file of tests/data/parquet in many ways; the rows must be those that its maker wrote down.

  check_fixtures.py PARQUET_DUMP PARQUET_REWRITE FOLDER

Ways: one row, seven rows and a whole group at a time; dictionaries kept and decoded; late materialisation; some rows
of each row group, with and without memory that the file lends. Then our writer writes each file anew in several ways,
and the rows must still be the same.
"""

import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from sanitizers import slower  # noqa: E402  (beside this folder)

DUMP, REWRITE, FOLDER = sys.argv[1:4]
LIMIT_S = 60 * slower(DUMP)
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


WRITES = [
    [],
    ["--v2", "--compression", "zstd", "--page-bytes", "300"],
    ["--no-dictionary", "--page-rows", "50", "--compression", "gzip"],
    ["--legacy", "--timestamps", "micros", "--compression", "lz4", "--page-bytes", "200", "--group-bytes", "2000"],
    ["--dictionary-bytes", "100", "--page-bytes", "100", "--batch", "9", "--compression", "none"],
    ["--v2", "--no-dictionary", "--page-rows", "100", "--batch", "13", "--no-index", "--no-checksums"],
]


def wanted(rows, groups, way):
    """The rows of the file that this way of reading gives."""
    every = int(way[way.index("--every") + 1]) if "--every" in way else 1
    starts = [i for i, word in enumerate(way) if word == "--rows"]
    ranges = [(int(way[i + 1]), int(way[i + 2])) for i in starts] or [(0, sum(groups))]
    kept, first = [], 0
    for n in groups:
        for i in range(n):
            inside = any(start <= i < start + count for start, count in ranges)
            if inside and (first + i) % every == 0:
                kept.append(rows[first + i])
        first += n
    return kept


def check(path, rows, way, env):
    run = subprocess.run([DUMP, *way, path], capture_output=True, env=dict(os.environ, **env), timeout=LIMIT_S)
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


def check_rewrite(path, rows, options):
    with tempfile.TemporaryDirectory() as folder:
        to = os.path.join(folder, "ours.parquet")
        run = subprocess.run([REWRITE, *options, path, to], capture_output=True, timeout=LIMIT_S)
        if run.returncode:
            return run.stderr.decode(errors="replace").strip()
        for way in [], ["--every", "4", "--batch", "50"], ["--rows", "10", "30", "--rows", "61", "9"]:
            problem = check(to, rows, way, {})
            if problem:
                return problem
    return None


passed, failed = 0, []
for line in open(os.path.join(FOLDER, "expected.tsv"), encoding="utf-8"):
    name, rows_name = line.split()
    path = os.path.join(FOLDER, name + ".parquet")
    rows = [json.loads(row) for row in open(os.path.join(FOLDER, rows_name + ".jsonl"), encoding="utf-8")]
    problems = [(way, check(path, rows, way, env)) for way, env in WAYS]
    problems += [(["write"] + options, check_rewrite(path, rows, options)) for options in WRITES]
    failed += [f"{name} {' '.join(way)}: {problem}" for way, problem in problems if problem]
    passed += sum(1 for _, problem in problems if not problem)
for text in failed:
    print(text[:1500])
print(f"[  PASSED  ] {passed} tests")
if failed:
    print(f"[  FAILED  ] {len(failed)} tests")
sys.exit(bool(failed))
