"""A Vonk server for the length of some tests: started on a free port, stopped at the end."""
import os
import re
import socket
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests"))

from sanitizers import slower  # noqa: E402  (pytest does not put that folder on the path)

VONK = os.environ.get("VONK", os.path.join(ROOT, "build", "vonk"))
BUILD = os.path.dirname(os.path.abspath(VONK))
SLOWER = slower(VONK)  # what a sanitizer costs: limits of time are multiplied with it


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """Fields: remote ("sc://localhost:PORT"), port, process; log is the path of what it wrote to stderr."""

    def __init__(self, *flags, name="server", env=None):
        descriptor, self.log = tempfile.mkstemp(prefix=f"{name}-", suffix=".log", dir=BUILD)
        with open(descriptor, "wb") as log:
            self.process = subprocess.Popen([VONK, "server", "--port", "0", *flags], stdout=log, stderr=log,
                                            env={"PYSPARK_PYTHON": sys.executable, **os.environ, **(env or {})})
        self.port = self.wait_open()
        self.remote = f"sc://localhost:{self.port}"

    def wait_open(self, limit_s=30 * SLOWER):
        """The port that it found: one that we looked for could be somebody else's by now."""
        end = time.monotonic() + limit_s
        while time.monotonic() < end:
            listening = re.search(r" listening port=(\d+) ", self.tail())
            if listening:
                return int(listening.group(1))
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended with status {self.process.returncode}: {self.tail()}")
            time.sleep(0.005)
        self.process.kill()
        raise RuntimeError(f"the server did not open its port within {limit_s:g} s: {self.tail()}")

    def tail(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()[-2000:]

    def alive(self):
        return self.process.poll() is None

    def memory_mb(self, field="VmRSS"):
        """VmRSS: now; VmHWM: the most so far."""
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as status:
            return int(next(line for line in status if line.startswith(field)).split()[1]) / 1024

    def stop(self, limit_s=20 * SLOWER):
        """Asks it to drain; returns its exit status. One that does not stop in time is killed, and that is an error."""
        if self.alive():
            self.process.terminate()
        try:
            status = self.process.wait(timeout=limit_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise RuntimeError(f"the server did not stop within {limit_s:g} s of SIGTERM: {self.tail()}") from None
        if status == 0:
            os.remove(self.log)
        return status


# As arguments of pytest.fixture, for sessions_each_way.
EACH_WAY = {"scope": "module", "params": ["", "vonk.test.checkPlanCodec=true"], "ids": ["plain", "plan_codec"]}


def sessions_each_way(request, server):
    """A fixture's body: a session of the server under test; and one of a server where every stage, scans among them, is
    encoded and decoded before it runs, as for an executor."""
    import pytest
    from pyspark.sql import SparkSession
    if request.param and "VONK_REMOTE" in os.environ:
        pytest.skip("a setting of Vonk's server")
    own = Server("--conf", request.param, name="codec") if request.param else None
    session = SparkSession.builder.remote((own or server).remote).create()
    yield session
    session.stop()
    assert not own or own.stop() == 0
