#!/usr/bin/env python3
"""Runs every test suite, times each, and ends with one line: "N passed, N failed" over all of them.

  tools/test_all.py [--only unit,sql,...]

Environment: VONK_BUILD (build folder), VONK_VENV (Python of the clients), VONK_FAULTS_BUILD (build folder of the suite
faults), VONK_FAULT_STRIDE (every n-th fault point), VONK_SLOWER (limits of time are multiplied with it; without it by
what the build folder's sanitizer costs).

A suite counts its own tests; one that ends badly without counting a failure counts as one. A suite that cannot run yet
says so on its own line. The exit status is 1 when anything failed.
"""
import argparse
import json
import os
import re
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.environ.get("VONK_BUILD", "build")
FAULTS = os.environ.get("VONK_FAULTS_BUILD", "build-faults")
VENV = os.environ.get("VONK_VENV", ".venv")
sys.path.insert(0, os.path.join(ROOT, "tests"))

from sanitizers import slower  # noqa: E402

SLOWER = slower(os.path.join(ROOT, BUILD, "vonk"))
COUNTS = re.compile(r"(\d+) passed, (\d+) failed")


class Absent(Exception):
    """The suite has nothing to run yet; the text says what is missing."""


def run(command, limit_s, show=True, env=None):
    """Runs a command in the project's root; returns (exit status, output). Past the limit its whole group is killed."""
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               errors="replace", env=dict(os.environ, **(env or {})), start_new_session=True)
    try:
        output, _ = process.communicate(timeout=limit_s)
        status = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        output += f"\nkilled: still running after {limit_s} s"
        status = 124
    if show and output.strip():
        print(output.rstrip(), flush=True)
    return status, output


def counted(status, output):
    """Counts from the last 'N passed, N failed' of a tool's output."""
    found = COUNTS.findall(output)
    passed, failed = (int(n) for n in found[-1]) if found else (0, 0)
    return passed, max(failed, 1) if status else failed


def meson_suite(suite, limit_s, build=BUILD, env=None):
    """A suite of the build's own tests: cmocka programs count their tests, any other program counts as one."""
    log = os.path.join(ROOT, build, "meson-logs", "testlog.json")
    slow = slower(os.path.join(ROOT, build, "vonk"))
    if os.path.exists(log):
        os.remove(log)
    command = ["meson", "test", "-C", build, "--no-rebuild", "--print-errorlogs", "--suite", suite,
               "--timeout-multiplier", f"{slow:g}"]
    status, output = run(command, limit_s * slow, show=False, env=env)
    if "No suitable tests defined" in output or "No tests defined" in output:
        raise Absent(f"no test is registered in the build's suite '{suite}'")
    if status:
        print(output.rstrip(), flush=True)
    passed = failed = 0
    lines = open(log, encoding="utf-8").read().splitlines() if os.path.exists(log) else []
    for test in map(json.loads, lines):
        text = (test.get("stdout") or "") + (test.get("stderr") or "")
        good = sum(int(n) for n in re.findall(r"\[  PASSED  \] (\d+) test", text))
        bad = sum(int(n) for n in re.findall(r"\[  FAILED  \] *(\d+) test", text))
        if test["result"] in ("OK", "EXPECTEDFAIL"):
            passed += max(good, 1)
        else:
            passed += good
            failed += max(bad, 1)
    return passed, max(failed, 1) if status else failed


def unit():
    return meson_suite("unit", 900)


def faults():
    """Every VONK_FAULT_STRIDE-th point that can fail does so, in a build of its own."""
    if not os.path.exists(os.path.join(ROOT, FAULTS, "tests", "faults", "faults")):
        raise Absent(f"{FAULTS} is not built (make build-faults)")
    return meson_suite("faults", 7200, FAULTS, env={"PYSPARK_PYTHON": python()})


def house():
    """The rules of the house; `make lint` has the rest of them."""
    passed = failed = 0
    for check in ("layers", "tidy", "banned"):
        command = [sys.executable, f"tools/{check}.py"] + ([BUILD] if check == "banned" else [])
        status, _ = run(command, 120)
        passed, failed = passed + (status == 0), failed + (status != 0)
    return passed, failed


def sql():
    """The .slt files as they are, then in each way of tests/modes; the command; random queries of a fixed seed."""
    passed = failed = 0
    for runner in (["sql/run.py"], ["sql/run.py", "--modes"], ["cmd/run.py"], ["random/check.py", "--rounds", "8"]):
        command = [sys.executable, "tests/" + runner[0], "--vonk", os.path.join(BUILD, "vonk")] + runner[1:]
        good, bad = counted(*run(command, 1200 * SLOWER))
        passed, failed = passed + good, failed + bad
    return passed, failed


def python():
    """The clients' interpreter when it has been set up, else the one that runs this."""
    own = os.path.join(ROOT, VENV, "bin", "python")
    return own if os.path.exists(own) else sys.executable


def frames():
    """The .calls files: DataFrame calls with odd arguments, through an unmodified PySpark."""
    return counted(*run([python(), "tests/frames/run.py", "--vonk", os.path.join(BUILD, "vonk")], 600 * SLOWER))


def clients():
    tests = os.path.join(ROOT, "tests", "clients")
    if not os.path.isdir(tests) or not any(f.startswith("test_") for f in os.listdir(tests)):
        raise Absent("tests/clients holds no test")
    vonk = os.path.join(ROOT, BUILD, "vonk")
    answer = subprocess.run([vonk, "server", "--help"], capture_output=True, text=True, timeout=20 * SLOWER)
    if answer.returncode != 0 or "--port" not in answer.stdout + answer.stderr:
        raise Absent("`vonk server --help` does not answer: no server to test against")
    report = os.path.join(ROOT, BUILD, "clients.xml")
    command = [python(), "-m", "pytest", "-q", "--tb=short", "--show-capture=no", "-p", "no:cacheprovider",
               f"--junitxml={report}", "tests/clients"]
    status, _ = run(command, 1200 * SLOWER, env={"VONK": vonk})
    if not os.path.exists(report):
        return 0, 1
    counts = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
    for suite in ET.parse(report).getroot().iter("testsuite"):
        for key in counts:
            counts[key] += int(suite.get(key, 0))
    os.remove(report)
    failed = counts["failures"] + counts["errors"]
    if counts["skipped"]:
        print(f"clients: {counts['skipped']} skipped, which count as failed: a test runs or it is not there")
        failed += counts["skipped"]
    return counts["tests"] - failed, max(failed, 1) if status else failed


SUITES = {"house": house, "unit": unit, "sql": sql, "frames": frames, "clients": clients, "faults": faults}
DEFAULT = ["house", "unit", "sql", "frames", "clients", "faults"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help="suites, comma separated: " + ", ".join(SUITES))
    args = parser.parse_args()
    total_passed = total_failed = 0
    table = []
    for name in args.only.split(",") if args.only else DEFAULT:
        print(f"--- {name}", flush=True)
        start = time.monotonic()
        try:
            passed, failed = SUITES[name]()
            outcome = f"{passed} passed, {failed} failed"
        except Absent as why:
            passed = failed = 0
            outcome = f"NOT RUN: {why}"
        total_passed, total_failed = total_passed + passed, total_failed + failed
        table.append(f"{name:8} {time.monotonic() - start:7.1f} s   {outcome}")
        print(table[-1], flush=True)
    print("---", *table, sep="\n")
    print(f"{total_passed} passed, {total_failed} failed")
    sys.exit(1 if total_failed or not total_passed else 0)


if __name__ == "__main__":
    main()
