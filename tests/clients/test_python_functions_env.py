"""Where functions of Python run: files of the session, settings of workers, and what happens when a worker goes
wrong."""
import os
import sys
import tarfile
import threading
import time
import zipfile

import pytest
from pyspark.errors import PySparkException, PythonException
from pyspark.errors.exceptions.connect import SparkException
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from server import SLOWER, Server

pd = pytest.importorskip("pandas")


def values(frame):
    return [tuple(row) for row in frame.collect()]


@pytest.fixture
def own_session(server):
    session = SparkSession.builder.remote(server.remote).create()
    yield session
    session.stop()


# ---- files

def test_modules_and_files(own_session, tmp_path):
    (tmp_path / "one_module.py").write_text("def answer(): return 41\n")
    (tmp_path / "some.txt").write_text("text\n")
    with zipfile.ZipFile(tmp_path / "package.zip", "w") as package:
        package.writestr("in_zip/__init__.py", "VALUE = 'z'\n")
    own_session.addArtifacts(str(tmp_path / "one_module.py"), str(tmp_path / "package.zip"), pyfile=True)
    own_session.addArtifacts(str(tmp_path / "some.txt"), file=True)

    def look(x):
        import in_zip
        import one_module
        with open("some.txt", encoding="utf-8") as file:
            return f"{one_module.answer()} {in_zip.VALUE} {file.read().strip()}"

    for use_arrow in False, True:
        seen = F.udf(look, "string", useArrow=use_arrow)
        assert values(own_session.range(1).select(seen("id"))) == [("41 z text",)]


def test_files_of_spark(own_session, tmp_path):
    (tmp_path / "other.txt").write_text("by SparkFiles\n")
    own_session.addArtifacts(str(tmp_path / "other.txt"), file=True)

    def look(x):
        from pyspark.core.files import SparkFiles
        with open(SparkFiles.get("other.txt"), encoding="utf-8") as file:
            return file.read().strip()

    assert values(own_session.range(1).select(F.udf(look, "string")("id"))) == [("by SparkFiles",)]


def test_archives(own_session, tmp_path):
    (tmp_path / "inner.txt").write_text("inside")
    with tarfile.open(tmp_path / "first.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "inner.txt", "inner.txt")
    with zipfile.ZipFile(tmp_path / "second.zip", "w") as archive:
        archive.write(tmp_path / "inner.txt", "deep/inner.txt")
    own_session.addArtifacts(f"{tmp_path}/first.tar.gz#named", str(tmp_path / "second.zip"), archive=True)

    def look(x):
        texts = []
        for path in "named/inner.txt", "second.zip/deep/inner.txt":
            with open(path, encoding="utf-8") as file:
                texts.append(file.read())
        return " ".join(texts)

    assert values(own_session.range(1).select(F.udf(look, "string")("id"))) == [("inside inside",)]


def test_archives_stay_inside(own_session, tmp_path):
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr("x", "y")
    with pytest.raises(PySparkException, match="INVALID_ARTIFACT_PATH"):
        own_session.addArtifacts(f"{tmp_path}/bad.zip#..", archive=True)


def test_sessions_do_not_share_workers(server, own_session):
    def leave(x):
        import builtins
        before = getattr(builtins, "left_behind", "nothing")
        builtins.left_behind = "something"
        return before

    left = F.udf(leave, "string")
    once = own_session.range(0, 1, 1, 1).select(left("id"))
    assert [values(once), values(once)] == [[("nothing",)], [("something",)]]  # a worker is used again
    other = SparkSession.builder.remote(server.remote).create()
    assert values(other.range(0, 1, 1, 1).select(left("id"))) == [("nothing",)]
    other.stop()


# ---- faults

def test_task_context(own_session):
    def where(x):
        from pyspark import TaskContext
        context = TaskContext.get()
        return f"{context.partitionId()} {context.attemptNumber()} {context.cpus()}"

    rows = values(own_session.range(0, 2, 1, 2).select(F.udf(where, "string")("id")))
    assert rows == [("0 0 1",), ("1 0 1",)]


def test_task_context_properties(own_session):
    """Settings of the session, Spark's names for the operation, tags: for every kind of function."""
    import json

    def whole():
        from pyspark import TaskContext
        c = TaskContext.get()
        return json.dumps([c._localProperties, [c.taskAttemptId(), c.stageId(), str(c.cpuAmount()), c.resources()]])

    def frames(batches):
        for batch in batches:
            yield pd.DataFrame({"x": [whole()] * len(batch)})

    own_session.conf.set("spark.sql.shuffle.partitions", "3")
    own_session.addTag("a-tag")
    one, seen = own_session.range(0, 1, 1, 1), []
    for frame in (one.select(F.udf(lambda x: whole(), "string")("id")), one.mapInPandas(frames, "x string"),
                  one.select(F.pandas_udf(lambda x: pd.Series([whole()]), "string")("id")),
                  one.groupBy("id").applyInPandas(lambda x: pd.DataFrame({"x": [whole()]}), "x string")):
        properties, ids = json.loads(frame.collect()[0][0])
        operation = properties["spark.connect.operation_id"]
        assert properties["spark.sql.shuffle.partitions"] == "3" and "spark.app.name" in properties
        assert properties["spark.sql.execution.id"] == properties["spark.sql.execution.root.id"]
        assert f"_Operation_{operation}" in properties["spark.job.tags"]
        assert properties["spark.job.tags"].split(",")[1].endswith(f"_Session_{own_session.session_id}_Tag_a-tag")
        assert properties["spark.job.interruptOnCancel"] == "true" and ids[2:] == ["1", {}]
        seen.append((properties["spark.sql.execution.id"], ids[0], ids[1], operation))
    assert all(len(set(column)) == 4 for column in zip(*seen))  # ids are not given twice


DEATHS = {
    "exit": lambda x: os._exit(3),
    "kill": lambda x: os.kill(os.getpid(), 9),
    "system_exit": lambda x: sys.exit(4),
    "segfault": lambda x: __import__("ctypes").string_at(0),
}


@pytest.mark.parametrize("name", DEATHS)
@pytest.mark.parametrize("use_arrow", [False, True], ids=["pickle", "arrow"])
def test_worker_dies(own_session, name, use_arrow):
    with pytest.raises(PySparkException) as raised:
        own_session.range(1).select(F.udf(DEATHS[name], "int", useArrow=use_arrow)("id")).collect()
    assert ("SystemExit: 4" if name == "system_exit" else "ended unexpectedly") in str(raised.value)
    fine = F.udf(lambda x: x, "long", useArrow=use_arrow)
    assert values(own_session.range(2).select(fine("id"))) == [(0,), (1,)]


def test_worker_is_killed_from_outside(own_session):
    def wait(x):
        with open("pid", "w", encoding="utf-8") as file:
            file.write(str(os.getpid()) + "\n" + os.getcwd())
        time.sleep(600)
        return x

    pids = F.udf(lambda x: os.getcwd(), "string")
    folder = own_session.range(1).select(pids("id")).collect()[0][0]
    path = os.path.join(folder, "pid")
    raised = []

    def run():
        try:
            own_session.range(0, 1, 1, 1).select(F.udf(wait, "long")("id")).collect()
        except SparkException as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    end = time.monotonic() + 30 * SLOWER
    while not os.path.exists(path) or not open(path, encoding="utf-8").read():
        assert time.monotonic() < end
        time.sleep(0.02)
    os.kill(int(open(path, encoding="utf-8").read().split()[0]), 9)
    thread.join(30 * SLOWER)
    assert raised and "ended unexpectedly" in str(raised[0])


def test_garbage_and_prints(own_session):
    """What a function prints goes to the server's log; what it writes into its own connection is no answer."""
    def prints(x):
        print("to stdout", x)
        print("to stderr", x, file=sys.stderr)
        os.write(1, b"raw\n")
        return x

    assert values(own_session.range(2).select(F.udf(prints, "long")("id"))) == [(0,), (1,)]

    def garbage(x):
        for fd in range(3, 64):
            try:
                os.write(fd, b"\xfe\xfe\xfe\xfe garbage")
            except OSError:
                pass
        return x

    with pytest.raises(SparkException):
        own_session.range(1).select(F.udf(garbage, "long")("id")).collect()
    assert values(own_session.range(1).select(F.udf(lambda x: x, "long")("id"))) == [(0,)]


@pytest.mark.parametrize("kind", ["loop", "sleep"])
def test_endless_functions_can_be_cancelled(own_session, kind):
    def endless(x):
        while True:
            if kind == "sleep":
                time.sleep(1000)

    ended = []

    def run():
        try:
            own_session.range(1).select(F.udf(endless, "long")("id")).collect()
        except PySparkException as error:
            ended.append((time.monotonic(), error))

    fine = F.udf(lambda x: x, "long")
    assert values(own_session.range(1).select(fine("id"))) == [(0,)]
    thread = threading.Thread(target=run)
    thread.start()
    time.sleep(1)
    at = time.monotonic()
    own_session.interruptAll()
    thread.join(20 * SLOWER)
    assert ended and "OPERATION_CANCELED" in str(ended[0][1])
    assert ended[0][0] - at < 0.5 * SLOWER
    assert values(own_session.range(1).select(fine("id"))) == [(0,)]


def test_memory_of_workers_is_capped():
    server = Server("--conf", "spark.executor.pyspark.memory=1g", name="capped")
    session = SparkSession.builder.remote(server.remote).create()
    try:
        hog = F.udf(lambda x: len(bytearray(10 << 30)), "long", useArrow=False)
        with pytest.raises(PythonException, match="MemoryError"):
            session.range(1).select(hog("id")).collect()
        fine = F.udf(lambda x: len(bytearray(10 << 20)), "long", useArrow=False)
        assert values(session.range(1).select(fine("id"))) == [(10 << 20,)]
        session.stop()
    finally:
        assert server.stop() == 0


def test_no_interpreter():
    server = Server(name="nopython", env={"PYSPARK_PYTHON": "/nowhere/python3"})
    session = SparkSession.builder.remote(server.remote).create()
    try:
        with pytest.raises(SparkException, match="/nowhere/python3"):
            session.range(1).select(F.udf(lambda x: x, "long")("id")).collect()
        assert session.range(3).count() == 3
        session.stop()
    finally:
        assert server.stop() == 0


def test_interpreter_of_the_session(own_session):
    """A setting of the session comes before the server's environment."""
    key = "spark.sql.execution.pyspark.python"
    which = F.udf(lambda x: sys.executable, "string")
    assert values(own_session.range(1).select(which("id"))) == [(sys.executable,)]
    own_session.conf.set(key, "/nowhere/else")
    with pytest.raises(SparkException, match="/nowhere/else"):
        own_session.range(1).select(which("id")).collect()
    own_session.conf.unset(key)


def test_other_minor_version(own_session):
    """Functions are bytecode: a worker of another Python refuses them."""
    from unittest import mock
    with mock.patch("sys.version_info", (3, 1, 0)):
        function = F.udf(lambda x: x, "long")
        frame = own_session.range(1).select(function("id"))
        version = "%d.%d" % sys.version_info[:2]
        assert version == "3.1"
        with pytest.raises(PythonException, match="PYTHON_VERSION_MISMATCH"):
            frame.collect()


def test_tracebacks(own_session):
    def inner(x):
        raise KeyError(f"no {x}")

    def outer(x):
        return inner(x)

    frame = own_session.range(1).select(F.udf(outer, "long")("id"))
    with pytest.raises(PythonException) as raised:
        frame.collect()
    for text in "in outer", "in inner", "KeyError: 'no 0'":
        assert text in str(raised.value)
    assert "worker.py" not in str(raised.value)  # simplified
    own_session.conf.set("spark.sql.execution.pyspark.udf.simplifiedTraceback.enabled", "false")
    with pytest.raises(PythonException, match="worker.py"):
        frame.collect()
    own_session.conf.set("spark.sql.execution.pyspark.udf.hideTraceback.enabled", "true")
    with pytest.raises(PythonException) as raised:
        frame.collect()
    assert "in outer" not in str(raised.value) and "KeyError: 'no 0'" in str(raised.value)


def test_nothing_is_left_behind():
    """Workers and folders of a session end with it, those of the server with the server."""
    server = Server(name="leaves")
    session = SparkSession.builder.remote(server.remote).create()
    seen = F.udf(lambda x: f"{os.getpid()} {os.getcwd()}", "string")
    pid, folder = values(session.range(0, 1, 1, 1).select(seen("id")))[0][0].split()
    assert os.path.exists(f"/proc/{pid}") and os.path.isdir(folder)
    session.stop()
    end = time.monotonic() + 20 * SLOWER
    while (os.path.exists(f"/proc/{pid}") or os.path.isdir(folder)) and time.monotonic() < end:
        time.sleep(0.05)
    assert not os.path.exists(f"/proc/{pid}") and not os.path.isdir(folder)
    assert server.stop() == 0


# ---- profilers

@pytest.mark.parametrize("kind", ["row", "arrow", "pandas"])
def test_profiles(own_session, kind):
    function = {"row": F.udf(lambda x: x + 1, "long", useArrow=False),
                "arrow": F.udf(lambda x: x + 1, "long", useArrow=True),
                "pandas": F.pandas_udf(lambda x: x + 1, "long")}[kind]
    frame = own_session.range(0, 10, 1, 2).select(function("id"))
    own_session.conf.set("spark.sql.pyspark.udf.profiler", "perf")
    assert len(frame.collect()) == 10
    own_session.conf.unset("spark.sql.pyspark.udf.profiler")
    frame.collect()
    profiles = own_session._profiler_collector._perf_profile_results
    (stats,) = profiles.values()
    assert stats.total_calls >= (2 if kind == "pandas" else 10)
    own_session.profile.clear()
    assert not own_session._profiler_collector._perf_profile_results


def test_profiles_are_told_apart(own_session):
    ids = own_session.range(0, 4, 1, 1)
    own_session.conf.set("spark.sql.pyspark.udf.profiler", "perf")
    for frame in (ids.mapInPandas(lambda frames: frames, "id long"), ids.mapInArrow(lambda batches: batches, "id long"),
                  ids.groupBy("id").applyInPandas(lambda f: f, "id long"),
                  ids.groupBy("id").applyInArrow(lambda t: t, "id long"), ids.select(F.udf(lambda x: x, "long")("id"))):
        assert len(frame.collect()) == 4
    profiles = own_session._profiler_collector._perf_profile_results
    assert len(profiles) == 5
    own_session.profile.clear()


@pytest.mark.parametrize("kind", ["row", "arrow", "pandas", "map", "group"])
def test_memory_profiles(own_session, kind, capsys):
    """Where Python has memory_profiler; elsewhere functions run as ever and nothing is noted, as in Spark."""
    import importlib.util

    def one_more(x):
        return x + 1

    def frames(batches):
        yield from batches

    def group(frame):
        return frame

    ids = own_session.range(0, 10, 1, 2)
    frame = {"row": lambda: ids.select(F.udf(one_more, "long")("id")),
             "arrow": lambda: ids.select(F.udf(one_more, "long", useArrow=True)("id")),
             "pandas": lambda: ids.select(F.pandas_udf(one_more, "long")("id")),
             "map": lambda: ids.mapInPandas(frames, "id long"),
             "group": lambda: ids.groupBy("id").applyInPandas(group, "id long")}[kind]()
    own_session.conf.set("spark.sql.pyspark.udf.profiler", "memory")
    assert len(frame.collect()) == 10
    profiles = own_session._profiler_collector._memory_profile_results
    own_session.profile.show(type="memory")
    shown = capsys.readouterr().out
    if importlib.util.find_spec("memory_profiler"):
        assert len(profiles) == 1 and "Profile of UDF" in shown and "Mem usage" in shown
        assert {"group": "return frame", "map": "yield from batches"}.get(kind, "return x + 1") in shown
    else:
        assert not profiles and not shown
    own_session.profile.clear(type="memory")
    assert not own_session._profiler_collector._memory_profile_results


def test_silent_workers(own_session):
    """A worker that says nothing for the allowed time is killed if so."""
    own_session.conf.set("spark.sql.execution.pyspark.udf.idleTimeoutSeconds", "1")

    @F.udf("long")
    def slow(x):
        import time
        time.sleep(2.5)
        return x

    assert values(own_session.range(0, 1, 1, 1).select(slow("id"))) == [(0,)]  # told of in the log only
    own_session.conf.set("spark.sql.execution.pyspark.udf.killOnIdleTimeout", "true")
    with pytest.raises(PySparkException, match="nothing had come from it"):
        own_session.range(0, 1, 1, 1).select(slow("id")).collect()

    own_session.conf.unset("spark.sql.execution.pyspark.udf.idleTimeoutSeconds")
    assert values(own_session.range(0, 1, 1, 1).select(slow("id"))) == [(0,)]


def test_crashes_say_where(own_session):
    @F.udf("long")
    def crashes(x):
        import ctypes
        return ctypes.string_at(0)

    with pytest.raises(PySparkException) as plain:
        own_session.range(1).select(crashes("id")).collect()
    assert "string_at" not in str(plain.value)
    own_session.conf.set("spark.sql.execution.pyspark.udf.faulthandler.enabled", "true")
    with pytest.raises(PySparkException, match="Segmentation fault") as told:
        own_session.range(1).select(crashes("id")).collect()
    assert "in string_at" in str(told.value) and "in crashes" in str(told.value)


def test_traceback_of_what_takes_long(own_session):
    own_session.conf.set("spark.sql.execution.pyspark.udf.tracebackDumpIntervalSeconds", "3")

    @F.udf("string")
    def slow(x):
        import os
        import time
        time.sleep(3.3)  # asleep when it comes: CPython may crash on a stack that moves
        return os.environ["PYTHON_TRACEBACK_DUMP_INTERVAL_SECONDS"]

    assert values(own_session.range(0, 1, 1, 1).select(slow("id"))) == [("3",)]
