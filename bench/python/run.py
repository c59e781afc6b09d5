#!/usr/bin/env python3
"""Python functions and RDDs: Vonk and real Spark in turn run the same unmodified PySpark programs (cases.py).

  bench/python/run.py [--vonk build/vonk] [--scale 1] [--cases row_udf,sort] [--times 1] [--record]

Each program is a process of its own, alone, on two CPUs; over Connect it talks to a server that is started for it. A
time is the best of --times, without the start of Python and of the session. Peak memory is that of the engine and its
Python workers (proportional set sizes, looked at ten times a second), the program itself not counted. Printed: seconds,
ratio, memory. Exit status 1 when results differ or a program failed.
"""
import argparse
import csv
import datetime
import json
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(ROOT, "bench")]
import cases  # noqa: E402
from servers import environment, free_port, server_command, start_server, stop_server, two_cpus  # noqa: E402

ENGINES = ["vonk", "spark"]
OUT = os.path.join(ROOT, "bench", "out")


def pss_mb(pid, with_itself):
    """Of the processes below, and of this one."""
    total = 0
    try:
        if with_itself:
            with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as rollup:
                total = sum(int(line.split()[1]) for line in rollup if line.startswith("Pss:")) / 1024
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children", encoding="utf-8") as children:
                total += sum(pss_mb(int(child), True) for child in children.read().split())
    except OSError:
        pass  # it ended just now
    return total


def program_environment(engine, args):
    env = {name: value for name, value in environment().items() if not name.startswith("SPARK_")}
    env.update( PYTHONHASHSEED="0", SPARK_LOCAL_IP="127.0.0.1")
    if engine == "vonk":
        env.update(SPARK_HOME=os.path.join(ROOT, "home"), VONK=args.vonk)
    return env


def run_once(engine, case, args):
    """(seconds, result, peak MB)"""
    command = [sys.executable, os.path.join(HERE, "cases.py"), case.__name__, str(args.scale), OUT]
    server = None
    with open(os.path.join(OUT, f"python-{engine}.log"), "ab") as log:
        if case in cases.CONNECT:
            port = free_port()
            server = start_server(server_command(engine, args, port), port, log)
            command.append(f"sc://127.0.0.1:{port}")
        try:
            program = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, preexec_fn=two_cpus,
                                       env=program_environment(engine, args), text=True)
            peak = 0
            while program.poll() is None:
                peak = max(peak, pss_mb(server.pid, True) if server else pss_mb(program.pid, False))
                time.sleep(0.1)
        finally:
            if server:
                stop_server(server)
    if program.returncode:
        raise RuntimeError(f"{case.__name__} failed on {engine}: see {log.name}")
    answer = json.loads(program.stdout.read())
    return answer["seconds"], answer["out"], peak


def run_case(engine, case, args):
    runs = [run_once(engine, case, args) for _ in range(args.times)]
    assert all(run[1] == runs[0][1] for run in runs)
    return min(run[0] for run in runs), runs[0][1], max(run[2] for run in runs)


def record(args, engine, case, seconds, peak):
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True,
                            check=True).stdout.strip()
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        cpu = " ".join(next(line for line in info if line.startswith("model name")).split(":")[1].split()[:2])
    with open(os.path.join(ROOT, "bench", "history.csv"), "a", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerow(
            [datetime.date.today(), commit, cpu, f"python {case} x{args.scale:g}", engine, 1, f"{seconds:.3f}",
             f"{seconds:.4f}", f"{peak:.0f}"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    every = cases.CONNECT + cases.CLASSIC
    parser.add_argument("--vonk", default=os.path.join(ROOT, "build", "vonk"))
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument("--cases", default=",".join(case.__name__ for case in every))
    parser.add_argument("--scale", type=float, default=1)
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--memory")
    parser.add_argument("--record", action="store_true")
    args = parser.parse_args()
    args.vonk = os.path.abspath(args.vonk)
    os.makedirs(OUT, exist_ok=True)
    if "word_count" in args.cases:
        cases.text_file(OUT, args.scale)
    engines = args.engines.split(",")
    print("case".ljust(22) + "".join(f"{e + ' s':>11}{e + ' MB':>11}" for e in engines) + f"{'ratio':>9}", flush=True)
    is_good = True
    for case in [case for case in every if case.__name__ in args.cases.split(",")]:
        results = {}
        for engine in engines:
            try:
                results[engine] = run_case(engine, case, args)
            except RuntimeError as error:
                print(error)
        is_good &= len(results) == len(engines)
        line = case.__name__.ljust(22)
        for e in engines:
            line += f"{results[e][0]:11.3f}{results[e][2]:11.0f}" if e in results else f"{'-':>22}"
        if len(results) == 2:
            line += f"{results[engines[1]][0] / results[engines[0]][0]:9.2f}"
            if results[engines[0]][1] != results[engines[1]][1]:
                line += f"   differ: {results[engines[0]][1]} and {results[engines[1]][1]}"
                is_good = False
        print(line, flush=True)
        if args.record:
            for engine, (seconds, _, peak) in results.items():
                record(args, engine, case.__name__, seconds, peak)
    sys.exit(not is_good)


if __name__ == "__main__":
    main()
