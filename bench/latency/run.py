#!/usr/bin/env python3
"""Start and small calls: Vonk, Sail and real Spark in turn, answering one unmodified client.

  bench/latency/run.py [--vonk build/vonk] [--engines vonk,sail,spark] [--calls 10000] [--build build]

Each engine is started alone on two CPUs. Printed for each: milliseconds from exec to an open port, and to the answer
of a waiting client's first collect(); resident MB when idle; processor time of the server, and wall time at the
client, for one `spark.range(n).collect()` (mean over --calls with different n; all their RPCs count), twice: with the
server on one CPU and the client on the other, so that the server is measured and not what the client does to its
caches ("apart"), and with both on both CPUs, as the system puts them ("mixed"). "least" is the mean of the thousand
calls in a row that took least: on a machine that others use too, what they do to the caches is most of the
difference. Under it the floor: the processor time that a bare epoll server takes on this machine for as many reads
and sends at the same pace.
Rows are checked. Exit status 1 when an engine failed.
"""
import argparse
import os
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "bench"))
from servers import N_THREADS, environment, free_port, server_command, start_server, stop_server, two_cpus  # noqa: E402

ENGINES = ["vonk", "sail", "spark"]
EXCHANGES = 2           # of one collect: ExecutePlan; Config, which brings two ReleaseExecute along
REQUEST_BYTES = 460     # about what each of them is
IN_A_ROW = 1000         # calls; the client goes through as many different n


def tree(pid):
    """The process and all below it."""
    found = [pid]
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/children", encoding="utf-8") as children:
            for child in children.read().split():
                found += tree(int(child))
    return found


def cpu_us(pid):
    """Processor time so far. From the scheduler's clock, of the threads that live; they do in all three servers."""
    total = 0
    for each in tree(pid):
        for task in os.listdir(f"/proc/{each}/task"):
            try:
                with open(f"/proc/{each}/task/{task}/schedstat", encoding="utf-8") as stat:
                    total += int(stat.read().split()[0])
            except OSError:
                pass
    return total / 1e3


def resident_mb(pid):
    total = 0
    for each in tree(pid):
        with open(f"/proc/{each}/status", encoding="utf-8") as status:
            total += sum(int(line.split()[1]) for line in status if line.startswith("VmRSS:")) / 1024
    return total


def place(pid, cpus):
    """All threads of the process and of those below it run there."""
    for each in tree(pid):
        for task in os.listdir(f"/proc/{each}/task"):
            try:
                os.sched_setaffinity(int(task), cpus)
            except OSError:
                pass  # it has ended


class Client:
    def __init__(self, port):
        self.process = subprocess.Popen([sys.executable, os.path.join(HERE, "client.py"), f"sc://127.0.0.1:{port}"],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment(),
                                        preexec_fn=two_cpus)
        self.process.stdout.readline()

    def ask(self, line):
        """(clock when it was done, seconds it took)"""
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().split()
        if len(answer) != 2:
            raise RuntimeError("the client failed")
        return float(answer[0]), float(answer[1])

    def close(self):
        self.process.kill()
        self.process.wait()


def placements():
    """(name, CPUs of the server, CPUs of the client)"""
    cpus = sorted(os.sched_getaffinity(0))[:N_THREADS]
    return [("apart", {cpus[0]}, {cpus[-1]}), ("mixed", set(cpus), set(cpus))]


def in_rows(calls):
    return [IN_A_ROW] * (calls // IN_A_ROW) or [calls]


def collects(client, server, n):
    """(CPU us of the server, seconds at the client, n)"""
    before = cpu_us(server.pid)
    _, seconds = client.ask(n)
    return cpu_us(server.pid) - before, seconds, n


def measure(name, args):
    port = free_port()
    client = Client(port)
    with open(os.path.join(ROOT, "bench", "out", f"latency-{name}.log"), "wb") as log:
        start = time.monotonic()
        server = start_server(server_command(name, args, port), port, log)
        result = {"port ms": (time.monotonic() - start) * 1e3}
        try:
            time.sleep(2)
            result["idle MB"] = resident_mb(server.pid)
            result["first ms"] = start_again(name, args)
            client.ask("first")
            for where, servers, clients in placements():
                place(server.pid, servers)
                place(client.process.pid, clients)
                client.ask(max(200, args.calls // 10))
                parts = [collects(client, server, n) for n in in_rows(args.calls)]
                n_calls = sum(n for _, _, n in parts)
                result[f"{where} us"] = sum(used for used, _, _ in parts) / n_calls
                result[f"{where} least"] = min(used / n for used, _, n in parts)
                result[f"{where} wall"] = sum(seconds for _, seconds, _ in parts) * 1e6 / n_calls
        finally:
            client.close()
            stop_server(server)
    return result


def start_again(name, args):
    """Milliseconds from exec to the first answer at a client that waits for the port."""
    port = free_port()
    client = Client(port)
    with open(os.path.join(ROOT, "bench", "out", f"latency-{name}.log"), "ab") as log:
        start = time.monotonic()
        server = start_server(server_command(name, args, port), port, log)
        try:
            return (client.ask("first")[0] - start) * 1e3
        finally:
            client.close()
            stop_server(server)


def floor(args, servers, clients, wall_us):
    """CPU us of a bare server for the reads and sends of one call, at the pace of Vonk's client."""
    server = subprocess.Popen([os.path.join(args.build, "bench", "latency", "bare_server"), str(REQUEST_BYTES)],
                              stdout=subprocess.PIPE)
    place(server.pid, servers)
    os.sched_setaffinity(0, clients)
    client = socket.create_connection(("::1", int(server.stdout.readline())))
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    n = EXCHANGES * min(args.calls, 2000)
    before = cpu_us(server.pid)
    for _ in range(n):
        start = time.perf_counter()
        client.sendall(b"x" * REQUEST_BYTES)
        client.recv(1 << 16)
        while (time.perf_counter() - start) * 1e6 < wall_us / EXCHANGES:
            pass
    used = (cpu_us(server.pid) - before) / n * EXCHANGES
    client.close()
    server.wait()
    return used


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vonk", default=os.path.join(ROOT, "build", "vonk"))
    parser.add_argument("--build", default=os.path.join(ROOT, "build"))
    parser.add_argument("--sail-venv", default=os.path.join(ROOT, ".venv-sail"))
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument("--calls", type=int, default=10000)
    parser.add_argument("--memory")
    args = parser.parse_args()
    args.vonk = os.path.abspath(args.vonk)
    os.makedirs(os.path.join(ROOT, "bench", "out"), exist_ok=True)
    names = ["port ms", "first ms", "idle MB"]
    names += [f"{where} {what}" for where, _, _ in placements() for what in ("us", "least", "wall")]
    print("".ljust(10) + "".join(f"{name:>14}" for name in names))
    n_failed, vonk = 0, None
    for engine in args.engines.split(","):
        try:
            result = measure(engine, args)
        except (RuntimeError, OSError) as error:
            print(f"{engine}: {error}")
            n_failed += 1
            continue
        vonk = result if engine == "vonk" else vonk
        print(engine.ljust(10) + "".join(f"{result[name]:14.1f}" for name in names), flush=True)
    if vonk:
        subprocess.run(["ninja", "-C", args.build, "bench/latency/bare_server"], check=True, stdout=subprocess.DEVNULL)
        floors = {f"{where} us": floor(args, servers, clients, vonk[f"{where} wall"])
                  for where, servers, clients in placements()}
        print("bare".ljust(10) + "".join(f"{floors[name]:14.1f}" if name in floors else " " * 14 for name in names))
    sys.exit(1 if n_failed else 0)


if __name__ == "__main__":
    main()
