#!/usr/bin/env python3
"""Many clients at once, killed at random: the server lives, answers right, and its memory comes back to its level.

    soak.py [--vonk PROGRAM] [--clients 64] [--seconds 60] [--rounds 3] [--seed N]

A client is a process of its own: it queries, uploads, reads and writes files, keeps views and cached frames, interrupts
itself, leaves or just lies there, until it gets SIGKILL; then the next one takes its place. After each round the server
is left alone for ten seconds. Then it must hold no more than 1.2 times what it held before the first round plus 50 MB,
after the last round no more than after the fullest one before it plus a tenth and 10 MB (the footers that are
remembered come up to 8 MiB by and by), and no more descriptors and files than before. Sanitizers keep memory for
themselves: with them it is not judged. What a client that lives finds
wrong fails the run. Ends with "N passed, N failed".
"""
import argparse
import logging
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
if "--vonk" in sys.argv:
    os.environ["VONK"] = sys.argv[sys.argv.index("--vonk") + 1]  # read when the module is loaded
from server import VONK, Server  # noqa: E402
from sanitizers import sanitizer  # noqa: E402  (server puts its folder on the path)

REST_S = 10
# Who is killed says nothing: its session and its queries go when they are due. That is later than any client lives: one
# of 64 that share a few cores may be silent for seconds, and would find its session closed.
LIVES_S = [0.5, 1, 2, 3.5]
SETTINGS = {"spark.connect.session.manager.defaultSessionTimeout": "4s",
            "spark.connect.session.manager.maintenanceInterval": "500ms",
            "spark.connect.execute.manager.detachedTimeout": "2s"}


# --- what a client does; each returns whether the answer was right ----------------------------------------------------

def small_query(spark, rng, folder):
    n = rng.randrange(1, 10000)
    row = spark.range(n).selectExpr("count(*) AS n", "sum(id) AS s").collect()[0]
    return (row.n, row.s) == (n, n * (n - 1) // 2)


def sql_text(spark, rng, folder):
    n = rng.randrange(100, 3000)
    rows = spark.sql(f"SELECT id % 7 AS k, count(*) AS n FROM range({n}) GROUP BY 1 ORDER BY 1").collect()
    return sum(row.n for row in rows) == n and [row.k for row in rows] == list(range(7))


def large_sort(spark, rng, folder):
    from pyspark.sql import functions as sf
    rows = spark.range(400000).orderBy(sf.hash("id"), "id").selectExpr("id").limit(100000).collect()
    return len({row.id for row in rows}) == 100000


def long_result(spark, rng, folder):
    rows = 0
    for row in spark.range(rng.randrange(200000, 600000)).selectExpr("id", "repeat('x', 100) AS s").toLocalIterator():
        rows += 1
        if rows == 50000:  # and leaves the rest to the server
            break
    return rows == 50000


def upload(spark, rng, folder):
    n = rng.randrange(1000, 40000)
    spark.conf.set("spark.sql.session.localRelationCacheThreshold", str(1 << 20))
    import pandas
    frame = spark.createDataFrame(pandas.DataFrame({"a": range(n), "b": [f"a text of row {i}" for i in range(n)]}))
    return frame.filter("b LIKE '%7'").count() == sum(1 for i in range(n) if i % 10 == 7)


def artifact(spark, rng, folder):
    with tempfile.NamedTemporaryFile("wb", suffix=".txt", dir=folder) as file:
        file.write(rng.randbytes(rng.randrange(1, 2_000_000)))
        file.flush()
        spark.addArtifacts(file.name, file=True)
    return True


def files(spark, rng, folder):
    path, n = os.path.join(folder, f"t{os.getpid()}"), rng.randrange(1, 50000)
    spark.range(n).selectExpr("id", "cast(id AS STRING) AS s").write.mode("overwrite").parquet(path)
    return spark.read.parquet(path).selectExpr("max(id)", "count(s)").collect()[0] == (n - 1, n)


def keeps(spark, rng, folder):
    n = rng.randrange(1000, 100000)
    frame = spark.range(n).selectExpr("id", "id % 10 AS g").cache()
    frame.createOrReplaceTempView("kept")
    right = frame.count() == n and spark.sql("SELECT count(DISTINCT g) AS n FROM kept").collect()[0].n == 10
    if rng.random() < 0.5:
        frame.unpersist()
    return right


def joined(spark, rng, folder):
    n = rng.randrange(1000, 200000)
    left = spark.range(n).selectExpr("id AS k", "id * 2 AS a")
    return left.join(spark.range(0, n, 3).withColumnRenamed("id", "k"), "k").count() == (n + 2) // 3


def interrupted(spark, rng, folder):
    """The query ends by an interrupt that comes at any time: before, while or after it runs."""
    timer = threading.Timer(rng.uniform(0, 0.5), spark.interruptAll)
    timer.start()
    try:
        spark.range(10**12).selectExpr("sum(hash(id) % 7)").collect()
    except Exception as error:
        return "OPERATION_CANCELED" in str(error)
    finally:
        timer.join()
    return False


def wrong(spark, rng, folder):
    text = rng.choice(["SELECT nothing", "SELECT 1/0", "SELEKT", "SELECT * FROM parquet.`/nonexistent`"])
    try:
        spark.sql(text).collect()
    except Exception as error:
        return "SQLSTATE" in str(error)
    return False


def cloned(spark, rng, folder):
    spark.range(5).createOrReplaceTempView("before")
    clone = spark.cloneSession()
    right = clone.sql("SELECT count(*) AS n FROM before").collect()[0].n == 5
    clone.stop()
    return right


def lies_there(spark, rng, folder):
    time.sleep(rng.uniform(0, 1))
    return True


WORK = [small_query, small_query, sql_text, sql_text, large_sort, long_result, upload, artifact, files, keeps, joined,
        interrupted, wrong, cloned, lies_there]


def client(remote, seed, folder, end):
    """A forked process: until it is killed, or the round is over. Its exit status is the number of its failures."""
    from pyspark.sql import SparkSession
    rng = random.Random(seed)
    spark = SparkSession.builder.remote(remote).create()
    while time.monotonic() < end:
        job = rng.choice(WORK)
        try:
            if not job(spark, rng, folder):
                print(f"{job.__name__}: a wrong answer (seed {seed})", flush=True)
                return 1
        except Exception:  # whatever it was, the parent counts it
            print(f"{job.__name__} (seed {seed}):\n{traceback.format_exc()[-1500:]}", flush=True)
            return 1
        if rng.random() < 0.1:
            spark.stop()
            spark = SparkSession.builder.remote(remote).create()
    spark.stop()
    return 0


# --- the run ----------------------------------------------------------------------------------------------------------

def forked(run, *args):
    """pid of a child that runs it and ends with what it returns. The parent has neither threads nor channels."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        logging.disable(logging.CRITICAL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        os.nice(10)  # who kills it comes in time
        status = run(*args)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(status)


class Round:
    """Fields: started, killed, failed: numbers of clients."""

    def __init__(self, server, folder, n_clients, seconds, rng):
        self.server, self.folder, self.rng = server, folder, rng
        self.started = self.killed = self.failed = 0
        self.due = {}  # pid -> when to kill it
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert server.alive(), f"the server died: {server.tail()}"
            while len(self.due) < n_clients:
                self.start(end)
            self.kill(time.monotonic())
            self.reap()
            time.sleep(0.02)
        for pid in self.due:
            os.kill(pid, signal.SIGKILL)
        while self.due:
            self.reap()
            time.sleep(0.01)

    def start(self, end):
        pid = forked(client, self.server.remote, self.rng.randrange(1 << 40), self.folder, end)
        self.due[pid] = time.monotonic() + self.rng.choice(LIVES_S) * self.rng.random() + 0.2
        self.started += 1

    def kill(self, now):
        for pid in [pid for pid, at in self.due.items() if at <= now]:
            os.kill(pid, signal.SIGKILL)
            self.due[pid] = now + 3600

    def reap(self):
        for pid in list(self.due):
            done, status = os.waitpid(pid, os.WNOHANG)
            if not done:
                continue
            del self.due[pid]
            self.killed += os.WIFSIGNALED(status)
            self.failed += not os.WIFSIGNALED(status) and os.WEXITSTATUS(status) != 0


class Level:
    """What the server holds."""

    def __init__(self, server, spill):
        self.rss_mb = server.memory_mb()
        self.descriptors = len(os.listdir(f"/proc/{server.process.pid}/fd"))
        self.files = sum(len(names) for _, _, names in os.walk(spill))

    def __str__(self):
        return f"{self.rss_mb:.0f} MB, {self.descriptors} descriptors, {self.files} files"


def warm_up(remote):
    """One of everything, so that the level is that of a server in use."""
    from pyspark.sql import SparkSession
    folder = tempfile.mkdtemp(prefix="vonk-soak-warm-")
    spark = SparkSession.builder.remote(remote).create()
    rng = random.Random(1)
    for job in dict.fromkeys(WORK):
        assert job(spark, rng, folder), job.__name__
    spark.stop()
    shutil.rmtree(folder)
    return 0


def soak(n_clients, seconds, rounds, seed, say=print):
    """Failures as texts; empty: all is well."""
    import pandas  # noqa: F401  loaded once, for all clients
    import pyspark.sql.connect.session  # noqa: F401
    failures, levels = [], []
    folder = tempfile.mkdtemp(prefix="vonk-soak-")
    spill = os.path.join(folder, "spill")
    os.mkdir(spill)
    rng = random.Random(seed)
    counts_memory = sanitizer(VONK) == "none"
    flags = [word for key, value in SETTINGS.items() for word in ("--conf", f"{key}={value}")]
    server = Server("--memory", "3g", "--spill-dir", spill, *flags, name="soak")
    try:
        if os.waitpid(forked(warm_up, server.remote), 0)[1]:
            return ["the warm-up failed"]
        time.sleep(REST_S)
        before = Level(server, spill)
        say(f"before: {before}")
        for number in range(1, rounds + 1):
            one = Round(server, folder, n_clients, seconds, rng)
            busy_mb = server.memory_mb()
            time.sleep(REST_S)
            level = Level(server, spill)
            levels.append(level)
            say(f"round {number}: {one.started} clients, {one.killed} killed, {one.failed} failed; at its end"
                f" {busy_mb:.0f} MB; {REST_S} s later {level}")
            if one.failed:
                failures.append(f"round {number}: {one.failed} clients failed")
            if counts_memory and level.rss_mb > 1.2 * before.rss_mb + 50:
                failures.append(f"round {number}: {level.rss_mb:.0f} MB, before {before.rss_mb:.0f} MB")
            if level.descriptors > before.descriptors or level.files > before.files:
                failures.append(f"round {number}: {level}; before: {before}")
        if counts_memory and rounds > 1 and levels[-1].rss_mb > 1.1 * max(level.rss_mb for level in levels[:-1]) + 10:
            failures.append(f"it grows: {[round(level.rss_mb) for level in levels]} MB")
        if os.waitpid(forked(warm_up, server.remote), 0)[1]:
            failures.append("afterwards a client failed")
        if server.stop() != 0:
            failures.append(f"the server did not end well: {server.tail()}")
    except (AssertionError, RuntimeError) as error:
        failures.append(str(error))
    finally:
        if server.alive():
            server.process.kill()
        shutil.rmtree(folder, ignore_errors=True)
    return failures


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vonk")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 30))
    args = parser.parse_args()
    print(f"seed {args.seed}", flush=True)
    failures = soak(args.clients, args.seconds, args.rounds, args.seed)
    for text in failures:
        print(text)
    print(f"{0 if failures else 1} passed, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
