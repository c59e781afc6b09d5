"""Real Python workers, driven by py_driver: what pyspark pickles runs in processes of pyspark's own daemon."""
import os
import pickle
import signal
import struct
import subprocess
import sys
import time

import pytest

from server import BUILD, SLOWER

pa = pytest.importorskip("pyarrow")

from pyspark import cloudpickle  # noqa: E402
from pyspark.serializers import BatchedSerializer, CloudPickleSerializer, CPickleSerializer  # noqa: E402
from pyspark.sql.types import LongType, StructField, StructType  # noqa: E402

DRIVER = os.path.join(BUILD, "tests", "clients", "py_driver")
VERSION = "%d.%d" % sys.version_info[:2]
MAP_ARROW, SCALAR_PANDAS, SCALAR_ARROW = 207, 200, 250

cloudpickle.register_pickle_by_value(sys.modules[__name__])


class Driver:
    """One pool, in a process of its own. ask() gives the answer's line."""

    def __init__(self, folder, *flags, python=sys.executable, env=None):
        self.folder = str(folder)
        self.n = 0
        self.log = os.path.join(self.folder, "stderr")
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [DRIVER, "--python", python, "--version", VERSION, "--folder", self.folder, *flags],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
                env=dict(os.environ, TMPDIR="/tmp", **(env or {})))

    def ask(self, *words):
        self.process.stdin.write(" ".join(str(w) for w in words) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        assert answer, "the driver ended: " + self.errors()
        return answer

    def errors(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()[-4000:]

    def path(self, data=None):
        self.n += 1
        path = os.path.join(self.folder, f"f{self.n}")
        if data is not None:
            with open(path, "wb") as file:
                file.write(data)
        return path

    def counts(self):
        return {k: int(v) for k, v in (p.split("=") for p in self.ask("counts").split())}

    def plain(self, function, values, batch=10):
        """Runs function(split, iterator) over the values; its results, or the error's line."""
        out = self.path()
        answer = self.ask("plain", self.path(command(function)), self.path(frames(values, batch)), out)
        return unframe(out) if answer.startswith("done") else answer

    def udf(self, kind, function, result, table, n_args):
        ser = CloudPickleSerializer()
        out = self.path()
        answer = self.ask("udf", kind, self.path(ser.dumps((function, result))), n_args, self.path(stream(table)), out)
        if not answer.startswith("done"):
            return answer
        with open(out, "rb") as file:
            return pa.ipc.open_stream(file).read_all() if os.path.getsize(out) else None

    def stop(self):
        try:
            self.process.stdin.write("quit\n")
            self.process.stdin.close()
        except OSError:
            pass
        rest = self.process.stdout.read()
        assert self.process.wait(timeout=30 * SLOWER) == 0, self.errors()
        assert rest == "ended\n"


@pytest.fixture
def drivers(tmp_path):
    """start(flags...) -> Driver. Afterwards none of its processes is left."""
    started = []

    def start(*flags, **how):
        folder = tmp_path / f"d{len(started)}"
        folder.mkdir()
        started.append(Driver(folder, *flags, **how))
        return started[-1]
    yield start
    for driver in started:
        if driver.process.poll() is None:
            driver.stop()
        wait_until(lambda driver=driver: not processes_in(driver.folder))


@pytest.fixture
def driver(drivers):
    return drivers()


def processes_in(folder):
    """Processes whose working folder that is: daemons and workers, but not the driver."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink(f"/proc/{pid}/cwd") == folder:
                found.append(int(pid))
        except OSError:
            pass
    return found


def wait_until(condition, limit_s=10 * SLOWER):
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def alive(pid):
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
        return stat.read().rsplit(")", 1)[1].split()[0] != "Z"


def command(function, batch=10):
    ser = BatchedSerializer(CPickleSerializer(), batch)
    return CloudPickleSerializer().dumps((function, None, ser, ser))


def frames(values, batch=10):
    values = list(values)
    pickles = [pickle.dumps(values[i:i + batch], 5) for i in range(0, len(values), batch)]
    return b"".join(struct.pack("!i", len(p)) + p for p in pickles)


def unframe(path):
    values = []
    with open(path, "rb") as file:
        while head := file.read(4):
            values += pickle.loads(file.read(struct.unpack("!i", head)[0]))
    return values


def stream(table):
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        for batch in table.to_batches(max_chunksize=100):
            writer.write_batch(batch)
    return sink.getvalue().to_pybytes()


def number_of(answer, name):
    return int(dict(p.split("=") for p in answer.split()[1:])[name])


def double(split, values):
    return (2 * v for v in values)


WAYS = [(), ("--tcp",), ("--watch",), ("--tcp", "--watch")]


@pytest.mark.parametrize("flags", WAYS, ids=["unix", "tcp", "watch", "tcp_watch"])
def test_a_function_over_frames(drivers, flags):
    driver = drivers(*flags)
    assert driver.plain(double, range(95)) == [2 * i for i in range(95)]
    assert driver.plain(double, []) == []
    big = ["x" * 300_000 + str(i) for i in range(40)]  # more than a socket takes at once, both ways
    assert driver.plain(lambda split, values: values, big) == big
    assert driver.counts() | {"killed": 0} == driver.counts()
    assert driver.counts()["forked"] == 1 and driver.counts()["reused"] == 2


def test_the_task_knows_where_it_is(driver):
    def where(split, values):
        from pyspark import TaskContext
        c = TaskContext.get()
        yield (split, c.partitionId(), c.stageId(), c.attemptNumber(), c.taskAttemptId(), c.cpus(),
               c.getLocalProperty("spark.jobGroup.id"), os.environ["SPARK_PYTHON_RUNTIME"], os.getcwd())
    import os
    assert driver.plain(where, []) == [
        (7, 7, 3, 0, 5000000000, 1, 'a "group"\n', "PYTHON_WORKER", driver.folder)]


def test_an_arrow_stream_each_way(driver):
    table = pa.table({"s": pa.StructArray.from_arrays(
        [pa.array(range(1000), pa.int64()), pa.array([f"text {i}" for i in range(1000)])], ["a", "b"])})

    def keep_even(batches):
        import pyarrow.compute as pc
        for batch in batches:
            yield batch.filter(pc.equal(pc.bit_wise_and(batch.column(0), 1), 0)).select(["a"])

    result = driver.udf(MAP_ARROW, keep_even, StructType([StructField("a", LongType())]), table, 1)
    assert not isinstance(result, str), result
    assert [r["a"] for r in result.column(0).to_pylist()] == list(range(0, 1000, 2))
    nothing = driver.udf(MAP_ARROW, lambda batches: iter(()), StructType([StructField("a", LongType())]), table, 1)
    assert nothing is None or nothing.num_rows == 0


def test_a_pandas_function(driver):
    pytest.importorskip("pandas")
    table = pa.table({"a": pa.array(range(250), pa.int64()), "b": pa.array(range(250), pa.int64())})
    result = driver.udf(SCALAR_PANDAS, lambda a, b: a * b, LongType(), table, 2)
    assert not isinstance(result, str), result
    assert result.column(0).to_pylist() == [i * i for i in range(250)]


def test_an_exception_comes_with_its_traceback(driver):
    def raise_it(split, values):
        for v in values:
            if v == 13:
                raise ValueError("no thirteen\nhere")
            yield v
    answer = driver.plain(raise_it, range(100))
    assert answer.startswith("error PYTHON_EXCEPTION|[PYTHON_EXCEPTION] ")
    assert "Traceback (most recent call last):\\n" in answer
    assert "in raise_it\\n" in answer
    assert "ValueError: no thirteen\\nhere\\n SQLSTATE: 38000" in answer
    assert driver.plain(double, [1]) == [2]  # another worker
    assert driver.counts()["forked"] == 2


def test_the_version_of_the_driver_is_checked(drivers):
    answer = drivers("--version", "2.7").plain(double, [1])
    assert "PYTHON_VERSION_MISMATCH" in answer


def crash(split, values):
    import os
    import sys
    print("about to leave", file=sys.stderr)
    os._exit(3)


def test_a_worker_that_leaves(driver):
    answer = driver.plain(crash, range(5))
    assert answer.startswith("error INTERNAL_ERROR_EXECUTOR|")
    assert "ended unexpectedly" in answer and "about to leave" in answer
    assert "about to leave" in driver.errors()  # passed on
    assert driver.plain(double, [1]) == [2]


def test_a_worker_that_is_killed(driver):
    def sleep(split, values):
        import time
        time.sleep(1000)
    answer = driver.ask("kill", driver.path(command(sleep)), driver.path(frames([1])))
    assert "ended unexpectedly" in answer
    assert driver.plain(double, [1]) == [2]


def test_a_worker_that_says_garbage(driver):
    def shout(split, values):
        import socket
        for fd in range(3, 20):
            try:
                s = socket.socket(fileno=fd)
                s.sendall(b"\xff\xff\x00\x00 this is no answer")
            except OSError:
                pass
        import time
        time.sleep(1000)
    answer = driver.plain(shout, [1])
    assert "cannot be read" in answer
    assert driver.plain(double, [1]) == [2]


def test_an_endless_loop_is_left(driver):
    def loop(split, values):
        while True:
            pass
    driver.plain(double, [1])
    answer = driver.ask("cancel", 300, driver.path(command(loop)), driver.path(frames([1])))
    assert 300 <= number_of(answer, "ms") < 2000 * SLOWER
    wait_until(lambda: not alive(number_of(answer, "pid")), 5)
    assert driver.counts()["killed"] == 1
    assert driver.plain(double, [1]) == [2]


def test_memory_is_capped(drivers):
    def grow(split, values):
        data = bytearray(10 << 30)
        yield len(data)
    answer = drivers("--memory-mb", "2000").plain(grow, [1])
    assert answer.startswith("error PYTHON_EXCEPTION|") and "MemoryError" in answer


def test_answers_are_charged_to_the_task(drivers):
    driver = drivers("--budget-mb", "8")
    assert len(driver.plain(lambda split, values: ["x" * 1000], [1])) == 1
    answer = driver.plain(lambda split, values: ["x" * (64 << 20)], [1])
    assert answer.startswith("error UNABLE_TO_ACQUIRE_MEMORY|")
    assert driver.plain(double, [1]) == [2]


def test_a_worker_that_stops_early(driver):
    def first(split, values):
        yield next(values)
    for _ in range(3):
        assert driver.plain(first, range(1_000_000), 1000) == [0]
    # It has left input behind: it cannot be used again.
    assert driver.counts()["reused"] == 0


def test_workers_are_used_again(drivers):
    def pid(split, values):
        import os
        list(values)  # what is left unread costs the worker its life
        yield os.getpid()
    driver = drivers()
    assert len({driver.plain(pid, [1])[0] for _ in range(5)}) == 1
    counts = driver.counts()
    assert (counts["daemons"], counts["workers"], counts["idle"], counts["forked"], counts["reused"]) == (1, 1, 1, 1, 4)
    other = drivers("--no-reuse")
    assert len({other.plain(pid, [1])[0] for _ in range(3)}) == 3
    assert other.counts()["forked"] == 3


# How many tasks one after the other (VONK_TASKS: more, by hand).
TASKS = int(os.environ.get("VONK_TASKS", "100"))


def test_many_tasks_leave_nothing(driver):
    driver.plain(double, range(10))
    before = driver.ask("descriptors"), len(processes_in(driver.folder))
    paths = driver.path(command(double)), driver.path(frames(range(10)))
    assert driver.ask("many", TASKS, *paths) == "done failed=0"
    assert (driver.ask("descriptors"), len(processes_in(driver.folder))) == before
    assert driver.counts()["reused"] == TASKS
    crash_paths = driver.path(command(crash)), paths[1]
    assert driver.ask("many", 5, *crash_paths) == "done failed=5"
    wait_until(lambda: len(processes_in(driver.folder)) <= before[1])
    assert int(driver.ask("descriptors")) <= int(before[0])


@pytest.mark.parametrize("flags", [(), ("--watch",)], ids=["wait", "watch"])
def test_many_at_once_share_few_workers(drivers, flags):
    driver = drivers("--max", "2", *flags)
    paths = driver.path(command(double)), driver.path(frames(range(1000)))
    assert driver.ask("parallel", 8, 10, *paths) == "done failed=0"
    counts = driver.counts()
    assert counts["workers"] <= 2 and counts["forked"] + counts["reused"] == 80


def test_workers_ahead_of_time(driver):
    assert driver.ask("warm", 2) == "ok"
    wait_until(lambda: driver.counts()["idle"] == 2)
    driver.plain(double, [1])
    assert driver.counts()["forked"] == 2 and driver.counts()["reused"] == 1


def test_idle_workers_and_daemons_end(drivers):
    driver = drivers("--idle-ms", "200")
    driver.plain(double, [1])
    wait_until(lambda: driver.counts()["workers"] == 0)
    wait_until(lambda: driver.counts()["daemons"] == 0)
    wait_until(lambda: not processes_in(driver.folder))
    assert driver.plain(double, [2]) == [4]


def test_other_users_cannot_connect(driver):
    assert driver.plain(double, [1]) == [2]
    with open("/proc/net/unix", encoding="utf-8") as sockets:
        folders = {os.path.dirname(line.split()[-1]) for line in sockets if "/py-" in line}
    folders = [folder for folder in folders if os.path.isdir(folder)]  # others' tests come and go
    assert folders and not any(os.stat(folder).st_mode & 0o077 for folder in folders)


def test_a_session_that_ends(driver):
    driver.plain(double, [1])
    driver.ask("drop")
    wait_until(lambda: not processes_in(driver.folder))
    assert driver.plain(double, [2]) == [4]  # a new session with that folder


def test_a_daemon_that_is_killed(driver):
    def parent(split, values):
        import os
        yield os.getppid()
    daemon = driver.plain(parent, [1])[0]
    os.kill(daemon, signal.SIGKILL)
    time.sleep(0.1)
    assert driver.plain(double, [2]) == [4]
    assert driver.plain(parent, [1])[0] != daemon


def test_broadcasts_are_told_once(driver):
    def read(split, values):
        from pyspark.core.broadcast import _broadcastRegistry
        list(values)
        yield {i: b.value for i, b in _broadcastRegistry.items()}
    a, b = driver.path(pickle.dumps("a", 5)), driver.path(pickle.dumps("b", 5))
    driver.ask("broadcast", 1, a)
    assert driver.plain(read, []) == [{1: "a"}]
    os.remove(a)
    driver.ask("broadcast", 2, b)
    assert driver.plain(read, []) == [{1: "a", 2: "b"}]
    driver.ask("forget")
    assert driver.plain(read, []) == [{}]
    assert driver.counts()["forked"] == 1


def test_accumulators_are_reported(driver):
    def add(split, values):
        from pyspark.accumulators import AddingAccumulatorParam, _deserialize_accumulator
        acc = _deserialize_accumulator(5, 0, AddingAccumulatorParam(0))
        acc += 3
        yield from values
    answer = driver.ask("plain", driver.path(command(add)), driver.path(frames([1])), driver.path())
    assert answer.startswith("done"), answer
    assert number_of(answer, "accumulators") == 1


def test_prints_of_functions_are_passed_on(driver):
    def say(split, values):
        print("said by a function")
        yield 1
    assert driver.plain(say, []) == [1]
    wait_until(lambda: "said by a function" in driver.errors())


def test_what_cannot_be_started(drivers, tmp_path):
    answer = drivers(python="python-that-is-not-there").plain(double, [1])
    assert answer.startswith("error INTERNAL_ERROR_EXECUTOR|") and "python-that-is-not-there" in answer
    answer = drivers(python="/bin/true").plain(double, [1])
    assert "/bin/true" in answer and "exit status 0" in answer
    bare = drivers("--var", "PYTHONPATH=", python="/usr/bin/python3").plain(double, [1])
    assert "does not find pyspark" in bare
    answer = drivers("--module", "pyspark.no_such_worker").plain(double, [1])
    assert "ended unexpectedly" in answer and "ModuleNotFoundError" in answer


def fake_pyspark(tmp_path, version, daemon):
    package = tmp_path / "fake" / "pyspark"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "version.py").write_text(f'__version__: str = "{version}"\n')
    (package / "daemon.py").write_text(daemon)
    return "--var", f"PYTHONPATH={package.parent}"


def test_an_unknown_version(drivers, tmp_path):
    answer = drivers(*fake_pyspark(tmp_path, "5.0.0", "")).plain(double, [1])
    assert "finds pyspark 5.0.0" in answer and "4.3" in answer


def test_a_daemon_that_dies_at_once(drivers, tmp_path):
    answer = drivers(*fake_pyspark(tmp_path, "4.3.1", "import sys; sys.exit('out of order')")).plain(double, [1])
    assert "exit status 1" in answer and "out of order" in answer


def test_a_daemon_that_says_something_else(drivers, tmp_path):
    flags = fake_pyspark(tmp_path, "4.3.1", "import time; print('hello', flush=True); time.sleep(100)")
    answer = drivers(*flags).plain(double, [1])
    assert "port" in answer and "hello" in answer


def test_a_daemon_that_does_not_start(drivers, tmp_path):
    flags = fake_pyspark(tmp_path, "4.3.1", "import time; time.sleep(1000)")
    answer = drivers("--start-ms", "1500", *flags).plain(double, [1])
    assert "did not start in time" in answer


# Folders with other versions of pyspark (an unpacked pyspark-client will do), separated by colons.
OTHERS = [folder for folder in os.environ.get("VONK_PYSPARK_OTHERS", "").split(":") if folder]


if OTHERS:
    @pytest.mark.parametrize("folder", OTHERS)
    def test_another_version_of_pyspark(drivers, folder):
        driver = drivers("--var", f"PYTHONPATH={folder}")
        assert driver.plain(lambda split, values: (v + 1 for v in values), [1, 2]) == [2, 3]
        table = pa.table({"a": pa.array(range(250), pa.int64()), "b": pa.array(range(250), pa.int64())})
        product = driver.udf(SCALAR_PANDAS, lambda a, b: a * b, LongType(), table, 2)
        assert not isinstance(product, str), product
        assert product.column(0).to_pylist() == [i * i for i in range(250)]
        rows = pa.table({"s": pa.StructArray.from_arrays([pa.array(range(10), pa.int64())], ["a"])})
        same = driver.udf(MAP_ARROW, lambda batches: batches, StructType([StructField("a", LongType())]), rows, 1)
        assert not isinstance(same, str), same
        assert same.num_rows == 10
        assert driver.counts()["forked"] == 1

    @pytest.mark.parametrize("folder", OTHERS)
    def test_groups_with_another_version_of_pyspark(folder):
        """Client and workers of that version. How groups are sent differs: 4.0 has a record batch for each."""
        from server import Server
        server = Server(name="other", env={"PYTHONPATH": folder})
        env = {k: v for k, v in os.environ.items() if not k.startswith(("SPARK_", "PYSPARK_"))}
        done = subprocess.run([sys.executable, "-c", GROUPS, server.remote], capture_output=True, text=True,
                              env=dict(env, PYTHONPATH=folder, SPARK_HOME=folder), timeout=120 * SLOWER)
        assert server.stop() == 0
        assert done.returncode == 0, done.stderr


GROUPS = """if True:
    import sys
    import pandas as pd
    from pyspark.sql import SparkSession, Window, functions as F
    spark = SparkSession.builder.remote(sys.argv[1]).getOrCreate()
    df = spark.range(0, 30000, 1, 3).withColumn("k", F.col("id") % 7)  # more rows in a group than in a batch
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "1000")

    def rows(frame):
        return sorted(map(tuple, frame.collect()))

    @F.pandas_udf("double")
    def mean(v: pd.Series) -> float:
        return float(v.mean())

    sizes = [4286] * 5 + [4285] * 2
    counted = df.groupBy("k").applyInPandas(lambda key, f: pd.DataFrame({"k": [key[0]], "n": [len(f)]}),
                                            "k long, n long")
    assert rows(counted) == list(enumerate(sizes))
    assert rows(df.groupBy("k").applyInArrow(lambda t: t.slice(0, 1), "id long, k long")) == [(i, i) for i in range(7)]
    both = df.groupBy("k").cogroup(df.filter("k < 2").groupBy("k")).applyInPandas(
        lambda a, b: pd.DataFrame({"a": [len(a)], "b": [len(b)]}), "a long, b long")
    assert rows(both) == [(4285, 0)] * 2 + [(4286, 0)] * 3 + [(4286, 4286)] * 2
    means = rows(df.groupBy("k").agg(mean("id"), mean(F.col("id") * 2)))
    assert means[:2] == [(0, 14997.5, 29995.0), (1, 14998.5, 29997.0)] and len(means) == 7
    sliding = Window.partitionBy("k").orderBy("id").rowsBetween(-1, 0)
    found = df.select("id", mean("id").over(sliding).alias("m"), mean("id").over(Window.partitionBy("k")).alias("u"))
    assert found.sort("id").limit(9).tail(2) == [(7, 3.5, 14997.5), (8, 4.5, 14998.5)]
    assert rows(df.filter("id < 0").groupBy("k").applyInPandas(lambda f: f, "id long, k long")) == []
    assert rows(df.groupBy("k").applyInPandas(lambda f: f.head(0), "id long, k long")) == []
    assert df.groupBy("k").applyInPandas(lambda f: f, "id long, k long").limit(2).count() == 2
    try:
        df.groupBy("k").applyInPandas(lambda f: 1 // 0, "id long, k long").collect()
        sys.exit("nothing was raised")
    except Exception as error:
        assert "ZeroDivisionError" in str(error), error
"""
