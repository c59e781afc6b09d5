"""Fixtures of all client tests: `server` (one for the run) and `spark` (one session per test file).

VONK names the binary. VONK_REMOTE=sc://HOST:PORT runs the tests against a server that is there already, such as real
Spark (compat/oracle.sh): that is how a test itself is tested.
"""
import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "tpch"))

from server import BUILD, Server  # noqa: E402  (pytest puts this folder on the path)
from sanitizers import Reports  # noqa: E402  (server did that for its own)

REPORTS = Reports()


def fail_for_reports():
    reports = REPORTS.take()
    assert not reports, "\n".join(reports)


@pytest.fixture(scope="session", autouse=True)
def nothing_reported_at_the_end():
    """Made before every other fixture of the run, so it ends after them: servers that stop may report leaks."""
    yield
    fail_for_reports()
    REPORTS.close()


@pytest.fixture(autouse=True)
def nothing_reported():
    """A report of a sanitizer fails the test that caused it (or the next one, when a shared server is stopped)."""
    yield
    fail_for_reports()


@pytest.fixture(scope="session")
def server():
    """The server under test. A test that kills or configures its server starts its own Server."""
    if "VONK_REMOTE" in os.environ:
        class Given:
            remote = os.environ["VONK_REMOTE"]
        yield Given()
        return
    running = Server(name="clients")
    yield running
    assert running.alive(), f"the server died during the tests: {running.tail()}"
    assert running.stop() == 0, f"the server did not end well: {running.tail()}"


@pytest.fixture(scope="module")
def spark(server):
    """An unmodified PySpark session of its own for each test file. It is the active one, too: functions such as struct
    ask that, and it may be left over from a test whose server is gone. The variable is what SparkSession.builder.remote
    of pyspark.sql sets: pyspark.sql.functions are Connect's then."""
    from pyspark.sql.connect.session import SparkSession
    before = os.environ.get("SPARK_CONNECT_MODE_ENABLED")
    os.environ["SPARK_CONNECT_MODE_ENABLED"] = "1"
    session = SparkSession.builder.remote(server.remote).create()
    SparkSession._default_session = SparkSession._active_session.session = session
    yield session
    session.stop()
    os.environ.pop("SPARK_CONNECT_MODE_ENABLED", None)
    if before is not None:
        os.environ["SPARK_CONNECT_MODE_ENABLED"] = before


@pytest.fixture(scope="session")
def tpch_folder():
    """TPC-H tables at scale factor 0.01, made once per build folder."""
    import data
    return data.ensure("0.01", os.path.join(BUILD, "tpch-0.01"))
