"""Many queries at once: those that need much memory run one after the other, short ones are answered soon."""
import contextlib
import os
import statistics
import threading
import time

import pytest
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from server import Server

pytestmark = pytest.mark.skipif("VONK_REMOTE" in os.environ, reason="about Vonk's server")

LIMIT_S = 120
# Expected to keep most of 224 MB (groups), and to go on for minutes.
LONG = "SELECT count(*) FROM (SELECT a.id % 3000000 AS k, b.id AS j, count(*) AS n FROM range(3000000) a " \
       "CROSS JOIN range(1000000) b GROUP BY k, j)"
# Kept in one piece that cannot be spilled.
LIST = "SELECT size(collect_list(id)) AS n FROM range({})"


@contextlib.contextmanager
def serving(*flags, memory="224m"):
    server = Server("--memory", memory, "--threads", "2", *flags, name="admission")
    server.sessions = []
    try:
        yield server
    finally:
        for one in server.sessions:  # else its client goes on asking a server that is gone
            one.stop()
        assert server.stop() == 0, server.tail()


def session(server):
    server.sessions.append(SparkSession.builder.remote(server.remote).create())
    return server.sessions[-1]


class Running(threading.Thread):
    """A query on a thread and a session of its own; rows or error when it is joined."""

    def __init__(self, server, sql):
        super().__init__(daemon=True)
        self.spark, self.sql, self.rows, self.error = session(server), sql, None, None
        self.start()

    def run(self):
        try:
            self.rows = [tuple(row) for row in self.spark.sql(self.sql).collect()]
        except PySparkException as error:
            self.error = error

    def end(self, limit_s=LIMIT_S):
        self.join(limit_s)
        assert not self.is_alive(), "still running"
        return self

    def interrupt(self):
        self.spark.interruptAll()


def test_two_that_need_most_of_the_memory():
    sql = "SELECT count(*), sum(n) FROM (SELECT id, count(*) AS n FROM range(3000000) GROUP BY id)"
    with serving() as server:
        both = [Running(server, sql) for _ in range(3)]
        assert [one.end().rows for one in both] == [[(3000000, 3000000)]] * 3


def test_two_that_cannot_spill():
    """Alone each fits; together one is refused memory, waits, and runs again."""
    n = 2000000
    with serving() as server:
        assert Running(server, LIST.format(n)).end().rows == [(n,)]
        both = [Running(server, LIST.format(n)) for _ in range(3)]
        assert [(one.end().rows, one.error) for one in both] == [([(n,)], None)] * 3


def test_one_that_never_fits():
    with serving() as server:
        one = Running(server, LIST.format(200000000)).end()
        assert one.error.getCondition() == "UNABLE_TO_ACQUIRE_MEMORY"


def test_cancelled_while_it_waits():
    with serving() as server:
        first = Running(server, LONG)
        time.sleep(1)
        second = Running(server, LONG)
        time.sleep(1)
        assert first.is_alive() and second.is_alive()
        began = time.monotonic()
        second.interrupt()
        assert second.end(10).error is not None and "OPERATION_CANCELED" in str(second.error)
        assert time.monotonic() - began < 1 and first.is_alive()
        first.interrupt()
        assert "OPERATION_CANCELED" in str(first.end(10).error)
        assert session(server).sql("SELECT count(*) FROM range(10)").collect()[0][0] == 10


def test_a_queue_that_is_full():
    with serving("--conf", "vonk.exec.maxWaitingQueries=1") as server:
        first = Running(server, LONG)
        time.sleep(1)
        second = Running(server, LONG)
        time.sleep(1)
        third = Running(server, LONG).end(10)
        assert third.error.getCondition() == "UNABLE_TO_ACQUIRE_MEMORY" and "1 queries wait" in str(third.error)
        small = Running(server, "SELECT sum(id) FROM range(1000)").end(10)
        assert small.rows == [(499500,)]
        for one in (second, first):
            one.interrupt()
            assert "OPERATION_CANCELED" in str(one.end(10).error)


def test_results_read_in_turn():
    """A client that reads two large results in turn does not wait for itself."""
    sql = "SELECT id, count(*) AS n FROM range(400000) GROUP BY id ORDER BY id"
    with serving(memory="64m") as server:
        spark = session(server)
        one, two = (spark.sql(sql).toLocalIterator() for _ in range(2))
        for i in range(1000):
            assert next(one)[0] == i and next(two)[0] == i
        assert sum(1 for _ in two) == 399000 and sum(1 for _ in one) == 399000


def test_short_beside_long():
    long = "SELECT sum(hash(a.id, b.id)) FROM range(1000000) a CROSS JOIN range(1000000) b"
    with serving() as server:
        spark = session(server)
        short = spark.sql("SELECT id % 10 AS k, count(*) FROM range(100000) GROUP BY k ORDER BY k")
        short.collect()
        others = [Running(server, long) for _ in range(4)]
        time.sleep(1)
        times = []
        for _ in range(20):
            began = time.monotonic()
            assert len(short.collect()) == 10
            times.append(time.monotonic() - began)
        assert all(one.is_alive() for one in others)
        assert statistics.median(times) < 0.5 and max(times) < 3, times
        for one in others:
            one.interrupt()
            assert "OPERATION_CANCELED" in str(one.end(10).error)
