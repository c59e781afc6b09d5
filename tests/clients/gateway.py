"""A gateway of classic PySpark for the length of some tests, started as pyspark does: `vonk submit pyspark-shell`."""
import atexit
import functools
import os
import shutil
import struct
import subprocess
import tempfile
import time

from server import ROOT, SLOWER, VONK

HOME = os.path.join(ROOT, "home")


@functools.cache
def _tools():
    """A folder with what shell scripts need: the folder of java may be the one with sh."""
    folder = tempfile.mkdtemp(prefix="vonk-tools-")
    atexit.register(shutil.rmtree, folder)
    for name in ("sh", "env", "dirname", "readlink", "id"):
        found = shutil.which(name)
        if found:
            os.symlink(found, os.path.join(folder, name))
    return folder


def without_java(**more):
    """An environment in which no Java can be found, and SPARK_HOME is Vonk's."""
    env = {k: v for k, v in os.environ.items() if k != "JAVA_HOME" and not k.startswith(("SPARK_", "PYSPARK_"))}
    folders = [f for f in env.get("PATH", "").split(":") if f and not os.path.exists(os.path.join(f, "java"))]
    env["PATH"] = ":".join([_tools(), *folders])
    assert not shutil.which("java", path=env["PATH"])
    return dict(env, SPARK_HOME=HOME, VONK=VONK, **more)


class Gateway:
    """Fields: port, secret, process."""

    def __init__(self, *flags, **env):
        self.folder = tempfile.mkdtemp(prefix="vonk-gateway-")
        info = os.path.join(self.folder, "info")
        self.process = subprocess.Popen(
            [VONK, "submit", *flags, "pyspark-shell"], stdin=subprocess.PIPE,
            env=dict(os.environ, _PYSPARK_DRIVER_CONN_INFO_PATH=info, **env))
        end = time.monotonic() + 20 * SLOWER
        while not os.path.exists(info):
            assert self.process.poll() is None, f"the gateway ended with {self.process.returncode}"
            assert time.monotonic() < end, "the gateway did not announce itself"
            time.sleep(0.005)
        with open(info, "rb") as file:
            content = file.read()
        self.port, length = struct.unpack(">ii", content[:8])
        self.secret = content[8:].decode()
        assert len(self.secret) == length

    def connect(self, **parameters):
        """py4j's ClientServer, as pyspark makes it."""
        from py4j.clientserver import ClientServer, JavaParameters, PythonParameters
        return ClientServer(
            java_parameters=JavaParameters(port=self.port, auth_token=self.secret, auto_convert=True),
            python_parameters=PythonParameters(port=0, eager_load=False, **parameters))

    def stop(self):
        """The end of its standard input is its end."""
        self.process.stdin.close()
        try:
            return self.process.wait(timeout=20 * SLOWER)
        finally:
            self.process.kill()
            shutil.rmtree(self.folder)
