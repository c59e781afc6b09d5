#!/usr/bin/env python3
"""Functions written in Python, side by side: Vonk and real Spark, the same client, cases and interpreter.

  bench/udf/run.py [--vonk build/vonk] [--engines vonk,spark] [--cases a,b] [--times 3] [--scale 1] [--memory 2g]

Each engine runs alone, its server on two CPUs with two threads, hot (best of --times after a small warm-up). Answers
must agree: one that differs is marked. Prints seconds and rows per second, Spark's seconds over Vonk's, and peak
memory: of the server alone, and together with its Python workers. Exit status 1 when answers differ or are missing.
"""
import argparse
import json
import math
import os
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.join(ROOT, "bench"), HERE]
from cases import CASES  # noqa: E402
from servers import environment, free_port, server_command, start_server, stop_server  # noqa: E402


def status_kb(pid, field):
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        return int(next(line for line in status if line.startswith(field)).split()[1])


def children(pid):
    """All descendants: workers are children of daemons."""
    found = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/children", encoding="utf-8") as file:
            for child in file.read().split():
                found.append(int(child))
                try:
                    found += children(int(child))
                except OSError:
                    pass
    return found


def own_mb(pid):
    """What only this process has: pages that forked workers share are counted once, with their daemon."""
    try:
        return status_kb(pid, "RssAnon") / 1024
    except (OSError, StopIteration):
        return 0


def server_of(pid):
    """The process that serves: Spark's is a child of scripts."""
    return max([pid, *children(pid)], key=own_mb)


def run_engine(name, args):
    """Results by case; peak MB of the server, and of the server with its workers."""
    port = free_port()
    log_path = os.path.join(ROOT, "bench", "out", f"udf-{name}.log")
    os.makedirs(os.path.dirname(log_path), exist_ok=True)
    with open(log_path, "wb") as log:
        os.environ["PYSPARK_PYTHON"] = sys.executable
        server = start_server(server_command(name, args, port), port, log)
        try:
            child = [sys.executable, os.path.join(HERE, "client.py"), "--remote", f"sc://127.0.0.1:{port}", "--cases",
                     ",".join(args.cases), "--times", str(args.times), "--scale", str(args.scale)]
            client = subprocess.Popen(child, stdout=subprocess.PIPE, stderr=log, env=environment(), text=True,
                                      start_new_session=True)
            peak = watch(client, server, args.limit)
            lines = client.stdout.read().splitlines()
        finally:
            stop_server(server)
    return {r["case"]: r for r in map(json.loads, lines)}, peak


def watch(client, server, limit_s):
    end = time.monotonic() + limit_s
    alone = together = 0
    while client.poll() is None:
        try:
            pid = server_of(server.pid)
            alone = max(alone, status_kb(pid, "VmHWM") / 1024)
            together = max(together, sum(map(own_mb, [server.pid, *children(server.pid)])))
        except (OSError, StopIteration, ValueError):
            pass
        if time.monotonic() > end:
            os.killpg(client.pid, signal.SIGKILL)
        time.sleep(0.1)
    return alone, together


def same(one, other):
    for a, b in zip(one, other):
        try:
            if not math.isclose(float(a), float(b), rel_tol=1e-9):
                return False
        except ValueError:
            if a != b:
                return False
    return len(one) == len(other)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vonk", default=os.path.join(ROOT, "build", "vonk"))
    parser.add_argument("--engines", default="vonk,spark")
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1)
    parser.add_argument("--memory")
    parser.add_argument("--limit", type=float, default=900)
    args = parser.parse_args()
    args.cases = args.cases.split(",")
    engines = args.engines.split(",")
    results = {name: run_engine(name, args) for name in engines}
    n_bad = 0
    print("seconds".ljust(20) + "".join(f"{name:>12}" for name in engines) + f"{'ratio':>10}{'rows/s':>14}")
    for case in args.cases:
        of = [results[name][0].get(case, {"error": "no answer"}) for name in engines]
        best = [min(r["seconds"]) if "error" not in r else math.nan for r in of]
        remark = "".join(f"  {name}: {r['error'][:90]}" for name, r in zip(engines, of) if "error" in r)
        if not remark and not all(same(of[0]["answer"], r["answer"]) for r in of):
            remark = f"  answers differ: {[r['answer'] for r in of]}"
        n_bad += bool(remark)
        ratio = f"{best[-1] / best[0]:10.2f}" if len(engines) > 1 else " " * 10
        print(case.ljust(20) + "".join(f"{s:12.3f}" for s in best) + ratio +
              f"{of[0].get('rows', 0) / best[0]:14,.0f}" + remark)
    for i, what in enumerate(["peak MB, server", "peak MB, workers too"]):
        print(what.ljust(20) + "".join(f"{results[name][1][i]:12.0f}" for name in engines))
    return 1 if n_bad else 0


if __name__ == "__main__":
    sys.exit(main())
