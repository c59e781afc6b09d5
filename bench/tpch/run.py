#!/usr/bin/env python3
"""TPC-H side by side: Vonk (Connect and `vonk sql`), DuckDB, Polars, DataFusion, Sail and real Spark on the same files.

  bench/tpch/run.py --sf 1 [--vonk build/vonk] [--engines vonk,duckdb,...] [--queries 1,6] [--memory 2g] [--record]

Each engine runs alone, in its own process, on two CPUs with two threads, hot (best of --times after a warm-up), timed
at the client until the whole answer is there. Answers must agree (rows sorted, numbers to six digits): one that differs
from what most engines say is marked and not counted. Prints seconds per query, sum and geometric mean, their ratio to
Vonk's, and the peak memory of the server (of the engine's own process where it has none). Exit status 1 when answers
differ. Data is made once under bench/data, results are kept in bench/out; --record adds a line per engine to
bench/history.csv.
"""
import argparse
import csv
import datetime
import json
import math
import os
import signal
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.join(ROOT, "tests", "tpch"), os.path.join(ROOT, "bench")]
from servers import N_THREADS, environment, free_port, server_command, start_server, stop_server, two_cpus  # noqa: E402

ENGINES = ["vonk", "vonk-sql", "duckdb", "polars", "datafusion", "sail", "spark"]


def tree_peak_mb(pid):
    """Sum of the peak resident sizes of a process and its children."""
    total = 0
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8") as status:
            total += int(next(line for line in status if line.startswith("VmHWM")).split()[1]) / 1024
        with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as children:
            total += sum(tree_peak_mb(int(child)) for child in children.read().split())
    except (OSError, StopIteration):
        pass
    return total


def run_engine(name, args, folder):
    """Results by query number, and the peak memory in MB."""
    out = os.path.join(ROOT, "bench", "out", f"{name}.jsonl")
    if os.path.exists(out):
        os.remove(out)
    child = [sys.executable, os.path.join(HERE, "engine.py"), "connect" if server_command(name, args, 0) else name,
             "--folder", folder, "--queries", ",".join(map(str, args.queries)), "--threads", str(N_THREADS),
             "--times", str(args.times), "--out", out]
    if name == "vonk-sql":
        child += ["--vonk", args.vonk, "--flag=--threads", f"--flag={N_THREADS}"]
        child += ["--flag=--memory", f"--flag={args.memory}"] if args.memory else []
    with open(os.path.join(ROOT, "bench", "out", f"{name}.log"), "wb") as log:
        server = None
        port = free_port()
        if server_command(name, args, port):
            server = start_server(server_command(name, args, port), port, log)
            child += ["--remote", f"sc://127.0.0.1:{port}"]
        try:
            peak = watch(child, server, log, args.limit)
        finally:
            if server:
                stop_server(server)
    lines = open(out, encoding="utf-8").read().splitlines() if os.path.exists(out) else []
    results = {r["query"]: r for r in map(json.loads, lines)}
    for number in args.queries:
        results.setdefault(number, {"query": number, "error": "no answer (out of time, or the process died)"})
    return results, peak


def watch(child, server, log, limit_s):
    """Runs the client; looks at memory as it goes, because a finished process has none. Returns the peak in MB."""
    end = time.monotonic() + limit_s
    process = subprocess.Popen(child, stdout=log, stderr=log, env=environment(), preexec_fn=two_cpus,
                               start_new_session=True)
    peak = 0
    while process.poll() is None:
        peak = max(peak, tree_peak_mb(server.pid if server else process.pid))
        if time.monotonic() > end:
            os.killpg(process.pid, signal.SIGKILL)
        time.sleep(0.05)
    return peak


def number_of(value):
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def sort_key(row):
    """Texts first, then numbers to five digits: rows that differ in a last digit only still meet."""
    numbers = [number_of(v) for v in row]
    texts = ["" if v is None else str(v) for v, n in zip(row, numbers) if n is None]
    return texts, [float(f"{n:.5g}") for n in numbers if n is not None]


def same(a, b):
    x, y = number_of(a), number_of(b)
    if x is not None and y is not None:
        return math.isclose(x, y, rel_tol=1e-6, abs_tol=2e-6)
    return a == b or {a, b} <= {None, ""}                # CSV writes NULL as nothing


def disagreement(one, other):
    """What differs between two answers; None when they agree."""
    if [c.lower() for c in one["columns"]] != [c.lower() for c in other["columns"]]:
        return f"columns {other['columns']}"
    if len(one["rows"]) != len(other["rows"]):
        return f"{len(other['rows'])} rows, not {len(one['rows'])}"
    for a, b in zip(sorted(one["rows"], key=sort_key), sorted(other["rows"], key=sort_key)):
        if not all(same(x, y) for x, y in zip(a, b)):
            return f"{b} instead of {a}"
    return None


def check(all_results, queries):
    """Marks every answer that differs from the one most engines agree on (real Spark's, when votes are equal)."""
    n_wrong = 0
    for number in queries:
        answers = {name: of[number] for name, (of, _) in all_results.items() if "error" not in of[number]}
        votes = {one: sum(disagreement(answers[one], other) is None for other in answers.values()) for one in answers}
        trusted = max(votes, key=lambda name: (votes[name], ENGINES.index(name)), default=None)
        for name, result in answers.items():
            wrong = disagreement(answers[trusted], result)
            if wrong:
                print(f"q{number:02}: {name} differs from {trusted}: {wrong[:200]}")
                result["error"] = "wrong answer"
                n_wrong += 1
    return n_wrong


def report(all_results, queries):
    names = list(all_results)
    best = {n: {q: min(r["times"]) for q, r in all_results[n][0].items() if "error" not in r} for n in names}
    print("\n" + "seconds".ljust(12) + "".join(f"{n:>12}" for n in names))
    for q in queries:
        print(f"q{q:02}".ljust(12) + "".join(f"{best[n][q]:12.3f}" if q in best[n] else f"{'-':>12}" for n in names))
    sums = {n: sum(best[n].values()) for n in names}
    means = {n: math.exp(sum(map(math.log, best[n].values())) / len(best[n])) if best[n] else math.nan for n in names}
    print("sum".ljust(12) + "".join(f"{sums[n]:12.3f}" for n in names))
    print("geo. mean".ljust(12) + "".join(f"{means[n]:12.4f}" for n in names))
    print("answered".ljust(12) + "".join(f"{len(best[n]):12}" for n in names))
    print("peak MB".ljust(12) + "".join(f"{all_results[n][1]:12.0f}" for n in names))
    base = next((n for n in names if n == "vonk" and best[n]), next((n for n in names if best[n]), None))
    if base:
        print(f"\nratio to {base} over the queries that both answered (above 1: {base} is faster)")
        for n in names:
            both = [q for q in best[n] if q in best[base]]
            if n != base and both:
                ratio = sum(best[n][q] for q in both) / sum(best[base][q] for q in both)
                mean = math.exp(sum(math.log(best[n][q] / best[base][q]) for q in both) / len(both))
                print(f"{n:12} sum {ratio:8.2f}   geometric mean {mean:8.2f}   ({len(both)} queries)")
    failures = {}
    for n in names:
        for q in queries:
            error = all_results[n][0][q].get("error", "wrong answer")
            if error != "wrong answer":
                failures.setdefault((n, error), []).append(f"q{q:02}")
    for (n, error), failed in failures.items():
        print(f"{n} {' '.join(failed)}: {error[:200]}")
    return sums, means, best


def record(args, sums, means, best, all_results):
    path = os.path.join(ROOT, "bench", "history.csv")
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True)
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8")
                  if line.startswith("model name")), "?")
    new = not os.path.exists(path)
    with open(path, "a", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        if new:
            out.writerow(["date", "commit", "cpu", "benchmark", "engine", "answered", "sum_s", "geomean_s", "peak_mb"])
        for name in sums:
            out.writerow([datetime.date.today().isoformat(), commit.stdout.strip(), model, f"tpch sf{args.sf}", name,
                          len(best[name]), f"{sums[name]:.3f}", f"{means[name]:.4f}", f"{all_results[name][1]:.0f}"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sf", default="1")
    parser.add_argument("--vonk", default=os.path.join(ROOT, "build", "vonk"))
    parser.add_argument("--sail-venv", default=os.path.join(ROOT, ".venv-sail"))
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument("--queries", default=",".join(map(str, range(1, 23))))
    parser.add_argument("--memory", help="Vonk's budget, such as 2g")
    parser.add_argument("--times", type=int, default=3, help="hot runs of each query, the best counts")
    parser.add_argument("--limit", type=float, default=3600, help="seconds for one engine")
    parser.add_argument("--record", action="store_true")
    args = parser.parse_args()
    args.queries = [int(q) for q in args.queries.split(",")]
    args.vonk = os.path.abspath(args.vonk)
    import data
    folder = data.ensure(args.sf, os.path.join(ROOT, "bench", "data", f"tpch-{args.sf}"))
    os.makedirs(os.path.join(ROOT, "bench", "out"), exist_ok=True)
    all_results = {}
    for name in args.engines.split(","):
        start = time.monotonic()
        try:
            all_results[name] = run_engine(name, args, folder)
        except (RuntimeError, OSError) as error:
            all_results[name] = {q: {"query": q, "error": str(error)} for q in args.queries}, 0
        n_good = sum("error" not in r for r in all_results[name][0].values())
        print(f"{name}: {n_good} of {len(args.queries)} queries in {time.monotonic() - start:.0f} s", flush=True)
    n_wrong = check(all_results, args.queries)
    sums, means, best = report(all_results, args.queries)
    if args.record:
        record(args, sums, means, best, all_results)
    sys.exit(1 if n_wrong else 0)


if __name__ == "__main__":
    main()
