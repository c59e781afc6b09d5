"""More workers are wanted than the server allows: whoever waits for one holds none, so nobody waits for itself."""
import contextlib
import threading

from pyspark.sql.connect.session import SparkSession

from server import SLOWER, Server


@contextlib.contextmanager
def serving(most):
    server = Server("--conf", f"vonk.python.maxWorkers={most}", name="limit")
    try:
        yield server
    finally:
        assert server.stop() == 0


def session(server):
    return SparkSession.builder.remote(server.remote).create()


def chain(spark, length, n=2000):
    """One row function behind the other, each with a worker of its own at the same time."""
    def same(batches):
        yield from batches
    frame = spark.range(0, n, 1, 4)
    for _ in range(length):
        frame = frame.mapInArrow(same, "id long")
    return frame


def in_time(work, limit_s=60 * SLOWER):
    """Its answer; a thread that waits for ever fails the test, not the run."""
    answer = []
    thread = threading.Thread(target=lambda: answer.append(work()), daemon=True)
    thread.start()
    thread.join(limit_s)
    assert answer, f"no answer within {limit_s:g} s"
    return answer[0]


def test_a_query_with_more_functions_than_workers():
    with serving(1) as server:
        spark = session(server)
        assert in_time(lambda: sum(r.id for r in chain(spark, 5).collect())) == 1999000
        assert in_time(lambda: chain(spark, 1).count()) == 2000
        spark.stop()


def test_sessions_take_turns():
    """Of four sessions with one place the others wait, holding nothing, and all get their turn."""
    with serving(1) as server:
        def ask():
            spark = session(server)
            try:
                return [chain(spark, 3, 500).count() for _ in range(2)]
            finally:
                spark.stop()
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(ask()), daemon=True) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60 * SLOWER)
        assert answers == [[500, 500]] * 4


def test_a_result_that_is_half_read():
    """While a program reads one result, it runs other queries."""
    with serving(1) as server:
        spark = session(server)
        rows = chain(spark, 2, 400000).toLocalIterator()
        assert in_time(lambda: next(rows).id) == 0
        assert in_time(lambda: chain(spark, 2, 10).count()) == 10
        assert in_time(lambda: sum(1 for _ in rows)) == 399999
        spark.stop()


def test_waiting_can_be_cancelled():
    with serving(1) as server:
        def slow(batches):
            import time
            for batch in batches:
                time.sleep(600)
                yield batch
        one, two = session(server), session(server)
        errors = []

        def run(spark):
            try:
                spark.range(1).mapInArrow(slow, "id long").collect()
            except Exception as error:  # noqa: BLE001  (whatever it is, it is looked at)
                errors.append(str(error))
        threads = [threading.Thread(target=run, args=(spark,), daemon=True) for spark in (one, two)]
        for thread in threads:
            thread.start()
        threads[1].join(1.5)
        for spark, thread in ((two, threads[1]), (one, threads[0])):
            spark.interruptAll()
            thread.join(20 * SLOWER)
            assert not thread.is_alive()
        assert len(errors) == 2 and all("OPERATION_CANCELED" in e for e in errors)
        assert in_time(lambda: chain(two, 2, 10).count()) == 10
        one.stop()
        two.stop()
