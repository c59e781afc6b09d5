#!/usr/bin/env python3
"""`make compat`: PySpark's own doctests against Vonk, module by module; then STATUS.md. Modules of classic PySpark
(groups rdd and sql, upper_classic43.jsonl) run with SPARK_HOME as the build lays it out, where no Java can be found.

  compat/run.py --vonk build/vonk [--modules a,b] [--group core,ml,pandas,rdd,sql]
  compat/run.py --remote sc://HOST:PORT --status FILE ...      a server that runs already (to try this on real Spark)

Answers go to build/compat/MODULE.jsonl. A module that was not run keeps its row in STATUS.md. The exit status is 0
however many doctests fail: STATUS.md is the result; it is 1 when the server or the tools do not work.
"""
import argparse
import os
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile

import doctests
import status

HERE = os.path.dirname(os.path.abspath(__file__))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def without_java(vonk):
    """An environment for classic PySpark: SPARK_HOME is Vonk's, and there is no Java on the PATH."""
    env = {k: v for k, v in os.environ.items() if k != "JAVA_HOME" and not k.startswith(("SPARK_", "PYSPARK_"))}
    folders = [f for f in env.get("PATH", "").split(":") if f and not os.path.exists(os.path.join(f, "java"))]
    tools = tempfile.mkdtemp(prefix="vonk-tools-")  # a folder with java may be the one with sh
    for name in ("sh", "env", "dirname", "readlink", "id"):
        if shutil.which(name):
            os.symlink(shutil.which(name), os.path.join(tools, name))
    env["PATH"] = ":".join([tools, *folders])
    assert not shutil.which("java", path=env["PATH"])
    return dict(env, SPARK_HOME=os.path.join(os.path.dirname(HERE), "home"), VONK=os.path.abspath(vonk),
                PYSPARK_PYTHON=sys.executable, PYTHONHASHSEED="0")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vonk", default="build/vonk")
    parser.add_argument("--remote")
    parser.add_argument("--modules", help="comma separated; default: all that real Spark passes something of")
    parser.add_argument("--group", default="core,ml,pandas,rdd,sql")
    parser.add_argument("--timeout", type=float, default=60)
    parser.add_argument("--out", default="build/compat")
    parser.add_argument("--status", default=os.path.join(HERE, "STATUS.md"))
    args = parser.parse_args()
    upper = status.load_uppers()
    groups = {**doctests.GROUPS, **doctests.CLASSIC_GROUPS}
    wanted = args.modules.split(",") if args.modules else sum((groups[g] for g in args.group.split(",")), [])
    modules = [m for m in wanted if m in {module for module, _ in upper}]
    if not modules:
        sys.exit(f"no module to run in: {' '.join(wanted)}")
    remote, server = args.remote, []
    if not remote:
        port = free_port()
        remote = f"sc://127.0.0.1:{port}"
        server = ["--server-cmd", f"{shlex.quote(os.path.abspath(args.vonk))} server --port {port}"]
        answer = subprocess.run([args.vonk, "server", "--help"], capture_output=True, text=True)
        if answer.returncode or "--port" not in answer.stdout + answer.stderr:
            sys.exit("`vonk server --help` does not answer: nothing to test")
    os.makedirs(args.out, exist_ok=True)
    classic, env = sum(doctests.CLASSIC_GROUPS.values(), []), without_java(args.vonk)
    with_workers = dict(os.environ, PYSPARK_PYTHON=sys.executable)  # the server's workers find pyspark
    for module in modules:
        out = os.path.join(args.out, module + ".jsonl")
        where = ["--classic"] if module in classic else ["--remote", remote, *server]
        command = [sys.executable, os.path.join(HERE, "doctests.py"), *where, "--modules", module,
                   "--out", out, "--timeout", str(args.timeout)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL,
                       env=env if module in classic else with_workers)
        row = status.Row.of(module, status.load(out), upper)
        print(f"{module:48} {row.ok:4} of {row.objects:4} objects", flush=True)
    status.write(args.status, [os.path.join(args.out, m + ".jsonl") for m in modules], upper)


if __name__ == "__main__":
    main()
