"""Requests and answers of Python workers as real Spark 4.0, 4.1 and 4.2 exchanged them, byte for byte.

tests/data/worker_streams/VERSION/CASE.in is what the JVM wrote to a worker, CASE.out what that answered (recorded by
tools/streams/record.sh). Each request is read here, field by field, in the order in which that version's worker reads;
then Vonk writes it anew from the fields: the bytes must be the same. Each answer is played to Vonk by a worker of
straw: what it takes out of it must be what lies there.
"""
import glob
import json
import os
import struct
import subprocess

import pyarrow as pa
import pytest

from server import ROOT
from test_python_workers import drivers, fake_pyspark  # noqa: F401

STREAMS = os.path.join(ROOT, "tests", "data", "worker_streams")
ENCODE = os.path.join(os.environ.get("VONK_BUILD", os.path.join(ROOT, "build")), "tests", "clients", "py_encode")
CASES = sorted(os.path.relpath(path, STREAMS)[:-3] for path in glob.glob(os.path.join(STREAMS, "*", "*.in")))

PLAIN, ROWS, ARROW_ROWS, TABLE, ARROW_TABLE = 0, 100, 101, 300, 301
NAMED = {100, 101, 200, 202, 203, 204, 250, 251, 252, 253}  # eval types whose arguments may have names before 4.2


class Request:
    """Reads a request; `lines` describes it to py_encode, `end` is where the input begins."""

    def __init__(self, data, minor):
        self.data, self.at, self.minor, self.lines = data, 0, minor, []
        self.put("partition", self.i32())
        self.put("python_version", self.text())
        self.read_task_json() if minor >= 2 else self.read_task()
        self.read_files()
        self.eval = self.i32()
        self.put("eval", self.eval)
        self.profiles = True
        self.read_settings() if minor >= 2 else self.read_old_settings()
        if self.eval == PLAIN:
            self.put("command", self.text())
        elif self.eval in (TABLE, ARROW_TABLE):
            self.read_udtf()
        else:
            self.read_udfs()
        self.end = self.at

    def i32(self):
        self.at += 4
        return struct.unpack_from("!i", self.data, self.at - 4)[0]

    def i64(self):
        self.at += 8
        return struct.unpack_from("!q", self.data, self.at - 8)[0]

    def flag(self):
        self.at += 1
        return {0: False, 1: True}[self.data[self.at - 1]]

    def text(self):
        n = self.i32()
        assert 0 <= n <= len(self.data) - self.at
        self.at += n
        return self.data[self.at - n:self.at]

    def put(self, name, *values):
        self.lines.append(" ".join([name, *(str(v) if isinstance(v, int) else bytes(v).hex() or "-" for v in values)]))

    def pairs(self, name):
        for _ in range(self.i32()):
            self.put(name, self.text(), self.text())

    def read_task(self):
        is_barrier = self.flag()
        if is_barrier or self.minor == 0:
            port = self.i32()
            secret = self.text()
            if is_barrier:
                self.put("barrier", secret if port == -1 else str(port).encode(), b"" if port == -1 else secret)
            else:
                assert (port, secret) == (0, b"")
        for name in ("stage", "partition", "attempt"):
            self.put(name, self.i32())
        self.put("task_id", self.i64())
        self.put("cpus", self.i32())
        assert self.i32() == 0  # resources
        self.pairs("property")

    def read_task_json(self):
        self.json_at = self.at + 4
        task = json.loads(self.text())
        self.json_end = self.at
        if task["isBarrier"]:
            self.put("barrier", str(task["connInfo"]).encode(), (task["secret"] or "").encode())
        for name, key in (("stage", "stageId"), ("partition", "partitionId"), ("attempt", "attemptNumber"),
                          ("task_id", "taskAttemptId"), ("cpus", "cpus")):
            self.put(name, task[key])
        assert task["resources"] == {}
        for key, value in task["localProperties"].items():
            self.put("property", key.encode(), value.encode())

    def read_files(self):
        self.put("files_folder", self.text())
        for _ in range(self.i32()):
            self.put("include", self.text())
        assert not self.flag()
        for _ in range(self.i32()):
            self.put("broadcast", self.i64(), self.text())

    def read_settings(self):
        self.pairs("runner")
        self.pairs("setting")

    def read_old_settings(self):
        if self.eval not in (PLAIN, ROWS, TABLE):
            self.pairs("runner")
            if self.minor == 1 and self.eval in (ARROW_ROWS, ARROW_TABLE):
                self.put("setting", b"input_type", self.text())
        if self.eval not in (PLAIN, TABLE, ARROW_TABLE):
            self.profiles = self.flag()
            if self.profiles:
                self.put("runner", b"spark.sql.pyspark.udf.profiler", self.text())

    def args(self, named):
        return [(self.i32(), self.text() if named and self.flag() else b"") for _ in range(self.i32())]

    def read_udfs(self):
        for _ in range(self.i32()):
            args = self.args(self.minor >= 2 or self.eval in NAMED)
            chain = [self.text() for _ in range(self.i32())]
            self.put("udf", self.i64() if self.profiles else 0)
            for arg in args:
                self.put("arg", *arg)
            for command in chain:
                self.put("chain", command)

    def read_udtf(self):
        args = self.args(True)
        columns = [self.i32() for _ in range(self.i32())]
        analyzed = self.text() if self.flag() else b""
        self.put("udtf", analyzed, self.text(), self.text(), self.text())
        for column in columns:
            self.put("partition_column", column)
        for arg in args:
            self.put("arg", *arg)


def load(case, end):
    with open(os.path.join(STREAMS, case + end), "rb") as file:
        return file.read()


def test_every_version_was_recorded():
    versions = ("4.0", "4.1", "4.2")
    names = {version: {os.path.basename(c) for c in CASES if c.startswith(version)} for version in versions}
    assert len(names["4.0"]) == 16 and names["4.0"] == names["4.1"] == names["4.2"]


@pytest.mark.parametrize("case", CASES)
def test_the_request_is_the_same(case):
    minor, data = int(case[2]), load(case, ".in")
    request = Request(data, minor)
    made = subprocess.run([ENCODE, str(minor)], input="\n".join(request.lines).encode() + b"\n", capture_output=True,
                          check=False)
    assert made.returncode == 0, made.stderr.decode()
    made = made.stdout
    if minor >= 2:  # a JSON object: its members have no order, and the secret is for barriers
        n, = struct.unpack_from("!i", made, request.json_at - 4)
        made_end = request.json_at + n
        ours, theirs = json.loads(made[request.json_at:made_end]), json.loads(data[request.json_at:request.json_end])
        if not theirs["isBarrier"]:
            assert ours.pop("secret") is None and theirs.pop("secret")
        assert ours == theirs
        made = made[:request.json_at - 4] + data[request.json_at - 4:request.json_end] + made[made_end:]
    assert made.hex(" ") == data[:request.end].hex(" ")


# Speaks the daemon's part over TCP, then says what was recorded, whatever it is asked.
STRAW = """
import os, socket, struct, sys, threading
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()  # the pool ends it so
listener = socket.create_server(("127.0.0.1", 0))
sys.stdout.buffer.write(struct.pack("!i", listener.getsockname()[1]))
sys.stdout.buffer.flush()
sock = listener.accept()[0]
stream = sock.makefile("rwb")
stream.write(struct.pack("!i", os.getpid()))
stream.flush()
stream.read(struct.unpack("!i", stream.read(4))[0])
stream.write(struct.pack("!i", 2) + b"ok")
stream.flush()
stream.read(1)
with open(os.environ["STRAW_SAYS"], "rb") as file:
    stream.write(file.read())
stream.flush()
while sock.recv(65536):
    pass
"""


def answers(data, is_arrow):
    """What is in an answer before its times: the Arrow stream, or the frames."""
    if is_arrow:
        reader = pa.BufferReader(data[4:])
        pa.ipc.open_stream(reader).read_all()
        return data[4:4 + reader.tell()]
    at = 0
    while (n := struct.unpack_from("!i", data, at)[0]) >= 0:
        at += 4 + n
    return data[:at]


@pytest.mark.parametrize("case", [c for c in CASES if "table_function" not in c])
def test_the_answer_is_understood(drivers, tmp_path, case):  # noqa: F811
    minor, said = int(case[2]), load(case, ".out")
    request = Request(load(case, ".in"), minor)
    flags = fake_pyspark(tmp_path, f"4.{minor}.0", STRAW)
    driver = drivers("--tcp", *flags, "--var", f"STRAW_SAYS={os.path.join(STREAMS, case)}.out")
    command, out = driver.path(b"command"), driver.path()
    if request.eval == PLAIN:
        answer = driver.ask("plain", command, driver.path(b""), out)
    else:
        answer = driver.ask("udf", request.eval, command, 1, driver.path(b""), out)
    if case.endswith("/failing"):
        assert "ZeroDivisionError" in answer and answer.startswith("error ")
        return
    assert answer.startswith("done "), answer
    with open(out, "rb") as file:
        assert file.read() == answers(said, request.eval not in (PLAIN, ROWS))
    assert f"accumulators={1 if case.endswith('/plain') else 0} " in answer
