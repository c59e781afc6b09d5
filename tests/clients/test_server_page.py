"""The page of `vonk server`: only where it was asked for, on this machine only, behind it Spark's monitoring REST."""
import json
import os
import re
import threading
import time
import urllib.error
import urllib.request

import pytest
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from server import SLOWER, Server, free_port


def page_of(server):
    """What the log says; None: there is none."""
    with open(server.log, encoding="utf-8") as log:
        found = re.search(r"page (http://localhost:\d+)", log.read())
    return found and found.group(1)


def ask(url, host=None):
    request = urllib.request.Request(url, headers={"Host": host} if host else {})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.read().decode()


class Page:
    def __init__(self, *flags):
        self.server = Server(*flags, name="page")
        self.url = page_of(self.server)

    def rest(self, part=""):
        application, = json.loads(ask(self.url + "/api/v1/applications"))
        return json.loads(ask(f"{self.url}/api/v1/applications/{application['id']}{part}"))


@pytest.fixture(scope="module")
def page():
    made = Page("--ui-port", "0", "--conf", "my.password=hush", "--conf", "my.word=x", "--conf", "spark.app.name=shop")
    yield made
    assert made.server.stop() == 0


@pytest.fixture
def session(page):
    made = SparkSession.builder.remote(page.server.remote).create()
    yield made
    made.stop()


def test_application(page, session):
    application = page.rest()
    assert application["name"] == "shop" and application["id"] == session.conf.get("spark.app.id")
    assert application["attempts"][0]["completed"] is False
    settings = dict(page.rest("/environment")["sparkProperties"])
    assert (settings["my.password"], settings["my.word"]) == ("*********(redacted)", "x")
    driver, = page.rest("/executors")
    assert driver["id"] == "driver" and driver["totalCores"] >= 1
    assert page.rest("/jobs") == page.rest("/stages") == page.rest("/storage/rdd") == []


def test_queries(page, session, tmp_path):
    before = len(page.rest("/sql"))
    session.range(5).selectExpr("id", "id * 2 AS twice").collect()
    session.range(100000).selectExpr("id % 7 AS seventh").collect()
    with pytest.raises(PySparkException):
        session.sql("SELECT raise_error('x') AS fails").collect()
    session.range(3).write.parquet(str(tmp_path / "out"))
    seen = [(q["status"], q["description"], q["rows"]) for q in page.rest("/sql")[before:]]
    assert seen[:3] == [("COMPLETED", "rows of id, twice", 5), ("COMPLETED", "rows of seventh", 100000),
                        ("FAILED", "rows of fails", 0)]
    assert len(seen) == 4 and seen[3][0] == "COMPLETED" and os.path.exists(tmp_path / "out" / "_SUCCESS")
    ids = [q["id"] for q in page.rest("/sql")]
    assert sorted(ids) == list(range(len(ids)))


def test_a_query_that_runs(page, session):
    client = threading.Thread(target=lambda: pytest.raises(
        PySparkException, session.range(10**13).selectExpr("sum(id % 7) AS endless").collect))
    client.start()
    for _ in range(400):
        running = page.rest("/sql?status=RUNNING")
        if running:
            break
        time.sleep(0.05 * SLOWER)
    assert [q["description"] for q in running] == ["rows of endless"]
    session.interruptAll()
    client.join(20 * SLOWER)
    assert page.rest("/sql?status=RUNNING") == [] and page.rest("/sql")[-1]["status"] == "FAILED"


def test_the_last_thousand(page, session):
    """More queries than are kept, from two sessions at once."""
    other = SparkSession.builder.remote(page.server.remote).create()

    def many(one):
        for _ in range(550):
            one.range(1).collect()
    threads = [threading.Thread(target=many, args=(one,)) for one in (session, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.stop()
    queries = page.rest("/sql")
    newest = max(q["id"] for q in queries)
    assert len(queries) == 1000 and sorted(q["id"] for q in queries) == list(range(newest - 999, newest + 1))
    assert {q["status"] for q in queries} == {"COMPLETED"}


def test_who_may_look(page):
    assert "<html" in ask(page.url + "/SQL/")
    with pytest.raises(urllib.error.HTTPError, match="403"):
        ask(page.url + "/SQL/", host="evil.example")


def test_only_where_it_was_asked_for():
    port = str(free_port())
    for flags, wanted in (((), None), (("--conf", f"spark.ui.port={port}"), f"http://localhost:{port}"),
                          (("--conf", f"spark.ui.port={port}", "--conf", "spark.ui.enabled=false"), None)):
        server = Server(*flags, name="page")
        try:
            assert page_of(server) == wanted
        finally:
            assert server.stop() == 0


def test_ports():
    first = Page("--ui-port", "0")
    try:
        taken = first.url.rsplit(":", 1)[1]
        second = Page("--ui-port", taken)
        try:
            assert int(taken) < int(second.url.rsplit(":", 1)[1]) <= int(taken) + 16
        finally:
            assert second.server.stop() == 0
        for flags in (("--conf", "spark.port.maxRetries=0", "--ui-port", taken), ("--ui-port", "x")):
            with pytest.raises(RuntimeError, match="ended with status 1"):
                Server(*flags, name="page")
    finally:
        assert first.server.stop() == 0
