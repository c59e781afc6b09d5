"""Servers that benchmarks talk to: how each is started and stopped, on which processors, with how many threads."""
import os
import signal
import socket
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
N_THREADS = 2


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def environment():
    """Two threads for whoever asks the environment, and this Python for functions written in it."""
    two = str(N_THREADS)
    return dict(os.environ, POLARS_MAX_THREADS=two, TOKIO_WORKER_THREADS=two, RAYON_NUM_THREADS=two,
                OMP_NUM_THREADS=two, SAIL_EXECUTION__DEFAULT_PARALLELISM=two, TZ="UTC",
                PYSPARK_PYTHON=sys.executable)


def two_cpus():
    """In the child, before it runs: the first two CPUs that this process may use."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:N_THREADS])


def server_command(name, args, port):
    if name == "vonk":
        memory = ["--memory", args.memory] if args.memory else []
        return [args.vonk, "server", "--port", str(port), "--threads", str(N_THREADS), *memory]
    if name == "sail":
        return [os.path.join(args.sail_venv, "bin", "sail"), "spark", "server", "--port", str(port)]
    if name == "spark":
        return [os.path.join(ROOT, "compat", "oracle.sh"), os.path.dirname(os.path.dirname(sys.executable)), str(port)]
    return None


def start_server(command, port, log):
    """Returns when the port is open, looked at every millisecond."""
    process = subprocess.Popen(command, stdout=log, stderr=log, env=environment(), preexec_fn=two_cpus,
                               start_new_session=True)
    end = time.monotonic() + 120
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return process
        except OSError:
            time.sleep(0.001)
    os.killpg(process.pid, signal.SIGKILL) if process.poll() is None else None
    raise RuntimeError(f"{command[0]} did not open its port")


def stop_server(process):
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
