"""What goes wrong under RDDs of classic PySpark: lost blocks, killed workers, cancels, wrong secrets, leftovers."""
import os
import socket
import struct
import subprocess
import sys
import textwrap
import time

import pytest

from gateway import without_java
from processes import below
from server import SLOWER

START = """
import os, sys, threading, time
from pyspark import SparkConf, SparkContext, StorageLevel, TaskContext
"""


def start(code, **env):
    full = without_java(PYTHONHASHSEED="0", PYSPARK_PYTHON=sys.executable, VONK_TESTING="1", **env)
    return subprocess.Popen([sys.executable, "-c", START + textwrap.dedent(code)], env=full, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def run(code, **env):
    """A program of a user; what it prints, in lines."""
    running = start(code, **env)
    out, err = running.communicate(timeout=120 * SLOWER)
    assert running.returncode == 0, err
    return out.splitlines()


@pytest.mark.parametrize("half", [False, True])
def test_lost_blocks_are_made_again(half):
    """Caches and shuffles are lost, or damaged, while a job reads them."""
    assert run(f"""
        sc = SparkContext("local[2]", "a")
        kept = sc.parallelize(range(4000), 4).map(lambda x: (x % 10, 1)).cache()
        sums = kept.reduceByKey(lambda a, b: a + b, 4)
        right = sorted(sums.collect())
        slow = sums.map(lambda p: (time.sleep(0.1), p)[1])
        lose = sc._jvm.PythonRDD.loseBlocks
        print(lose(kept._jrdd, {half}) >= 4, sorted(sums.collect()) == right)
        lost = []
        def destroy():
            for _ in range(5):
                time.sleep(0.1)
                lost.append(lose(slow._jrdd, {half}) + lose(kept._jrdd, {half}))
        thread = threading.Thread(target=destroy)
        thread.start()
        print([sorted(slow.collect()) == right for _ in range(3)])
        thread.join()
        print(sum(lost) > 0)
        sc.stop()
    """) == ["True True", "[True, True, True]", "True"]


@pytest.mark.parametrize("death", ["os._exit(3)", "os.kill(os.getpid(), 9)"])
def test_killed_workers(death, tmp_path):
    """A task whose worker dies runs again as often as the master says, and then its job fails."""
    lines = run(f"""
        once = {str(tmp_path / "once")!r}
        def die_once(x):
            if x == 5 and not os.path.exists(once):
                open(once, "w").close()
                {death}
            return x, TaskContext.get().attemptNumber()
        sc = SparkContext("local[2, 3]", "a")
        print(sorted(sc.parallelize(range(8), 4).map(die_once).collect()))
        def die(x):
            {death}
        for _ in range(2):
            try:
                sc.parallelize(range(2), 2).map(die).collect()
            except Exception as e:
                print("PYTHON" in str(e) or "worker" in str(e))
        print(sc.parallelize(range(3)).sum())
        sc.stop()
    """)
    assert lines == ["[(0, 0), (1, 0), (2, 0), (3, 0), (4, 1), (5, 1), (6, 0), (7, 0)]", "True", "True", "3"]


def test_cancels():
    lines = run("""
        sc = SparkContext("local[3]", "a")
        def endless(x):
            while True:
                pass
        def attempt(name, prepare, cancel):
            errors = []
            def work():
                prepare()
                try:
                    sc.parallelize([1, 2], 2).map(endless).collect()
                except Exception as e:
                    errors.append(e)
            thread = threading.Thread(target=work)
            thread.start()
            while not sc.statusTracker().getActiveJobsIds():
                time.sleep(0.01)
            time.sleep(0.3)
            began = time.monotonic()
            cancel()
            thread.join()
            print(name, "SPARK_JOB_CANCELLED" in str(errors[0]), time.monotonic() - began < 5)
        attempt("group", lambda: sc.setJobGroup("g", "d", True), lambda: sc.cancelJobGroup("g"))
        attempt("tag", lambda: sc.addJobTag("t"), lambda: sc.cancelJobsWithTag("t"))
        attempt("all", lambda: None, sc.cancelAllJobs)
        print(sc.parallelize(range(4)).count(), sc.statusTracker().getActiveJobsIds())
        thread = threading.Thread(target=lambda: sc.parallelize([1]).map(endless).collect())
        threading.excepthook = lambda args: print("stopped")
        thread.start()
        time.sleep(1)
        sc.stop()
        thread.join()
    """)
    assert lines == ["group True True", "tag True True", "all True True", "4 []", "stopped"]


def test_ctrl_c():
    """Python asks for all jobs to be cancelled over the connection on which it waits for one of them."""
    running = start("""
        sc = SparkContext("local[2]", "a")
        sc.parallelize([1]).count()
        print("ready", flush=True)
        try:
            sc.parallelize([1, 2], 2).map(lambda x: time.sleep(600)).collect()
        except KeyboardInterrupt:
            print("interrupted", flush=True)
        began = time.monotonic()
        while sc.statusTracker().getActiveJobsIds() and time.monotonic() - began < 20:
            time.sleep(0.05)
        print(sc.statusTracker().getActiveJobsIds(), sc.parallelize(range(10)).count())
        sc.stop()
    """)
    assert running.stdout.readline() == "ready\n"
    time.sleep(1.5)
    running.send_signal(2)
    out, err = running.communicate(timeout=60 * SLOWER)
    assert out.splitlines() == ["interrupted", "[] 10"], err


def test_a_wrong_secret():
    """The socket of a result gives nothing to who does not know its secret."""
    code = """
        sc = SparkContext("local[1]", "a")
        info = sc._jvm.PythonRDD.collectAndServe(sc.parallelize([1])._jrdd.rdd())
        print(info[0], info[1], flush=True)
        sys.stdin.readline()
        try:
            info[2].getResult()
        except Exception as e:
            print("secret" in str(e))
        print(sc.parallelize([1]).collect())
        sc.stop()
    """
    full = without_java(PYTHONHASHSEED="0", PYSPARK_PYTHON=sys.executable)
    running = subprocess.Popen([sys.executable, "-c", START + textwrap.dedent(code)], env=full, text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    port, secret = running.stdout.readline().split()
    with socket.create_connection(("127.0.0.1", int(port)), 10) as s:
        s.sendall(struct.pack(">i", len(secret)) + b"x" * len(secret))
        answer = b""
        while True:
            got = s.recv(100)
            if not got:
                break
            answer += got
    assert answer == struct.pack(">i", 3) + b"err"
    out, err = running.communicate("\n", timeout=60 * SLOWER)
    assert out.splitlines() == ["True", "[1]"], err


CONTEXTS = int(os.environ.get("VONK_CONTEXTS", "5"))  # `make soak` sets a thousand


def test_nothing_is_left_over(tmp_path):
    """After many contexts: no processes, threads, descriptors or files more than after a few, and no more memory."""
    running = start(f"""
        def facts(pid):
            status = open(f"/proc/{{pid}}/status").read()
            memory = int(status.split("VmRSS:")[1].split()[0])
            threads = int(status.split("Threads:")[1].split()[0])
            return len(os.listdir(f"/proc/{{pid}}/fd")), threads, memory
        def once(i):
            sc = SparkContext("local[2]", "a" + str(i))
            seen = sc.accumulator(0)
            words = sc.broadcast(list(range(1000)))
            pairs = sc.parallelize(range(100), 3).map(lambda x: (seen.add(1), (x % 7, words.value[x]))[1]).cache()
            assert len(pairs.reduceByKey(lambda a, b: a + b).collect()) == 7 and pairs.count() == 100
            assert seen.value >= 100 and len(list(pairs.toLocalIterator())) == 100
            gateway = sc._gateway.proc.pid
            sc.stop()
            return gateway
        for i in range(5):
            gateway = once(i)
        time.sleep(1)
        before = facts(gateway)
        for i in range({CONTEXTS}):
            once(i)
        time.sleep(1)
        after = facts(gateway)
        print(after[0] - before[0] <= 2, after[1] - before[1] <= 1, after[2] - before[2] < 20000 + 20 * {CONTEXTS})
        print(gateway, flush=True)
        sys.stdin.readline()
    """, TMPDIR=str(tmp_path))
    assert running.stdout.readline() == "True True True\n", running.stderr.read()
    gateway = int(running.stdout.readline())
    assert below(gateway) == []  # daemons and their workers
    running.communicate(timeout=60 * SLOWER)
    end = time.monotonic() + 10 * SLOWER
    while os.listdir(tmp_path) and time.monotonic() < end:
        time.sleep(0.05)
    assert os.listdir(tmp_path) == []


def test_silent_workers_are_killed():
    lines = run("""
        conf = SparkConf().setMaster("local[1]").setAppName("a")
        conf.set("spark.python.worker.idleTimeoutSeconds", "1").set("spark.python.worker.killOnIdleTimeout", "true")
        conf.set("spark.python.worker.faulthandler.enabled", "true")
        sc = SparkContext(conf=conf)
        started = time.time()
        try:
            sc.parallelize([1], 1).map(lambda x: time.sleep(30)).collect()
        except Exception as e:
            print("nothing had come from it" in str(e), time.time() - started < 15)
        print(sc.parallelize([1], 1).map(lambda x: (time.sleep(0.5), x)[1]).collect())
        def crashes(x):
            import ctypes
            return ctypes.string_at(0)
        try:
            sc.parallelize([1], 1).map(crashes).collect()
        except Exception as e:
            print("Segmentation fault" in str(e), "in crashes" in str(e))
    """)
    assert lines == ["True True", "[1]", "True True"]


def test_modules_of_workers(tmp_path):
    """A daemon and a worker of the user's own (spark.python.daemon.module, spark.python.worker.module)."""
    (tmp_path / "my_daemon.py").write_text(textwrap.dedent("""
        import os
        os.environ["WHOSE"] = "mine"
        import pyspark.daemon
        pyspark.daemon.manager()
    """))
    lines = run(f"""
        conf = SparkConf().setMaster("local[2]").setAppName("a").set("spark.python.daemon.module", "my_daemon")
        conf.set("spark.executorEnv.PYTHONPATH", {str(tmp_path)!r})
        sc = SparkContext(conf=conf)
        print(sc.parallelize([1, 2], 2).map(lambda x: os.environ.get("WHOSE")).collect())
        sc.stop()
        try:
            sc = SparkContext(conf=SparkConf().setAll(conf.getAll()).set("spark.python.daemon.module", "no_such"))
            sc.parallelize([1]).map(lambda x: x).collect()
        except Exception as e:
            print("no_such" in str(e))
    """, PYTHONPATH=str(tmp_path))
    assert lines == ["['mine', 'mine']", "True"]


def test_idle_workers_that_are_kept():
    lines = run("""
        conf = SparkConf().setMaster("local[4]").setAppName("a").set("spark.python.factory.idleWorkerMaxPoolSize", "1")
        sc = SparkContext(conf=conf)
        def pids():
            return set(sc.parallelize(range(4), 4).map(lambda x: (time.sleep(0.5), os.getpid())[1]).collect())
        first = pids()
        time.sleep(0.5)
        alive = [pid for pid in first if os.path.exists(f"/proc/{pid}")]
        print(len(first), len(alive))
    """)
    assert lines == ["4 1"]


POOLS = """<?xml version="1.0"?><allocations>
  <pool name="heavy"><schedulingMode>FAIR</schedulingMode><weight>5</weight><minShare>2</minShare></pool>
  <pool name="odd"><schedulingMode>LIFO</schedulingMode><weight>many</weight></pool>
</allocations>"""


def test_pools_of_a_file(tmp_path):
    """A pool with the least share of both slots gets them from a job that came before it."""
    (tmp_path / "pools.xml").write_text(POOLS)
    (tmp_path / "bad.xml").write_text("<allocations><pool")
    lines = run(f"""
        conf = SparkConf().setMaster("local[2]").setAppName("a").set("spark.scheduler.mode", "FAIR")
        conf.set("spark.scheduler.allocation.file", {str(tmp_path / "pools.xml")!r})
        sc = SparkContext(conf=conf)
        ends = {{}}
        def job(pool):
            sc.setLocalProperty("spark.scheduler.pool", pool)
            sc.parallelize(range(8), 8).map(lambda x: time.sleep(0.3)).count()
            ends[pool] = time.time()
        light, heavy = [threading.Thread(target=job, args=(pool,)) for pool in ("light", "heavy")]
        light.start()
        time.sleep(0.4)
        heavy.start()
        light.join()
        heavy.join()
        print(ends["heavy"] < ends["light"])
        sc.stop()
        for bad in ("bad.xml", "none.xml"):
            try:
                SparkContext(conf=conf.set("spark.scheduler.allocation.file", {str(tmp_path)!r} + "/" + bad))
            except Exception as e:
                print(type(e).__name__, bad in str(e))
    """)
    assert lines == ["True", "Py4JJavaError True", "Py4JJavaError True"]
