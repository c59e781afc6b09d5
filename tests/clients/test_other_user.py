"""Another user of the machine cannot connect to a context, nor to its Python workers, nor learn its secret."""
import os
import subprocess
import sys
import textwrap

import pytest

from gateway import without_java
from server import SLOWER

# A program of a user, with workers and results under way; what a probe of it finds as this user and as nobody.
PROGRAM = """
import json, os, re, socket, sys, time
from processes import below
from pyspark import SparkConf, SparkContext

def unix_sockets(pids):
    owned = {re.sub(r"\\D", "", os.readlink(f"/proc/{pid}/fd/{fd}"))
             for pid in pids for fd in os.listdir(f"/proc/{pid}/fd") if exists(f"/proc/{pid}/fd/{fd}")}
    lines = [line.split() for line in open("/proc/net/unix")]
    return {words[7] for words in lines if len(words) > 7 and words[6] in owned and words[3] == "00010000"}

def exists(path):
    try:
        return bool(os.readlink(path))
    except OSError:
        return False

def ports(pids):
    inodes = {re.sub(r"\\D", "", os.readlink(f"/proc/{pid}/fd/{fd}"))
              for pid in pids for fd in os.listdir(f"/proc/{pid}/fd") if exists(f"/proc/{pid}/fd/{fd}")}
    found = {}
    for name in ("tcp", "tcp6"):
        for words in [line.split() for line in open(f"/proc/net/{name}")][1:]:
            if words[3] == "0A" and words[9] in inodes:
                address, port = words[1].split(":")
                found[int(port, 16)] = address
    return found

def connects(path):
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
            return True
        except PermissionError:
            return False

def asks(port, secret):
    with socket.create_connection(("127.0.0.1", port), 10) as probe:
        try:
            if secret:
                probe.sendall(f"A\\n{secret}\\n".encode())
                if probe.recv(100) != b"!yv\\n":
                    return False
            probe.sendall(b"r\\nu\\njava\\nrj\\ne\\n")
            return probe.recv(100).startswith(b"!y")
        except OSError:
            return False

def reads(path, secret):
    try:
        return secret in open(path, "rb").read()
    except OSError:
        return False

def knows(pids, folder, secret):
    files = [f"/proc/{pid}/{name}" for pid in pids for name in ("cmdline", "environ")]
    files += [os.path.join(at, name) for at, _, names in os.walk(folder) for name in names]
    return any(reads(path, secret.encode()) for path in files)

def as_nobody(probe):
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setgroups([])
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)
        os.write(writer, json.dumps(probe()).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        found = json.load(answer)
    assert os.waitpid(pid, 0)[1] == 0
    return found

conf = SparkConf().setMaster("local[2]").setAppName("a")
conf.set("spark.python.unix.domain.socket.enabled", sys.argv[1])
sc = SparkContext(conf=conf)
results = [sc._jvm.PythonRDD.collectAndServe(sc.parallelize([1, 2], 2).map(lambda x: x)._jrdd.rdd()) for _ in range(3)]
port, secret = sc._gateway.gateway_parameters.port, sc._gateway.gateway_parameters.auth_token
pids = [os.getpid(), *below(os.getpid())]
sockets, listening = unix_sockets(pids), ports(pids)

def probe():
    return {"sockets": [connects(path) for path in sockets], "gateway": asks(port, None), "guess": asks(port, "x"),
            "secret": asks(port, secret), "knows": knows(pids, os.environ["TMPDIR"], secret)}

print(json.dumps({"own": probe(), "nobody": as_nobody(probe), "sockets": len(sockets), "processes": len(pids),
                  "loopback": all(address in ("0100007F", "0" * 24 + "01000000") for address in listening.values()),
                  "listens": port in listening, "others": len(listening) - 1}))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="to become another user one has to be root")
@pytest.mark.parametrize("by_unix_sockets", [True, False], ids=["unix", "tcp"])
def test_another_user(by_unix_sockets, tmp_path):
    import json
    os.chmod(tmp_path, 0o755)  # as /tmp: others may look into it
    env = without_java(PYSPARK_PYTHON=sys.executable, PYTHONPATH=sys.path[0], TMPDIR=str(tmp_path))
    ran = subprocess.run([sys.executable, "-c", textwrap.dedent(PROGRAM), str(by_unix_sockets).lower()], env=env,
                         text=True, capture_output=True, timeout=120 * SLOWER, check=False)
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    own, nobody = found["own"], found["nobody"]
    print(found)
    assert found["sockets"] > 0 and own["sockets"] == [True] * found["sockets"]  # the probe can see a way in
    assert nobody["sockets"] == [False] * found["sockets"]
    assert found["listens"] and found["loopback"]
    assert own["secret"] and not own["gateway"] and not own["guess"]
    assert not nobody["gateway"] and not nobody["guess"] and not nobody["knows"]
