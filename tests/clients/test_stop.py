"""SIGTERM: the server drains and ends with status 0 whatever its sessions hold; it has counted all memory back."""
import threading
import time

import pytest
from pyspark.sql import SparkSession

from server import SLOWER, Server


def leave(spark):
    """Without a word to the server; else the client looks for it when the tests end, for ten minutes."""
    spark.client.close()


def holds_nothing(spark):
    spark.range(3).collect()


def shows(spark):
    spark.range(30).show(3)
    spark.createDataFrame([(1, "a text that does not fit inline"), (2, None)], ["a", "b"]).show()


def caches(spark):
    frame = spark.createDataFrame([(i, f"a text that does not fit inline {i}") for i in range(100)], ["a", "b"]).cache()
    assert frame.count() == 100
    frame.filter("a > 3").show()


def has_views(spark):
    spark.range(3).createOrReplaceTempView("v")
    spark.range(3).createOrReplaceGlobalTempView("g")
    assert spark.sql("select count(*) from v").collect()[0][0] == 3


def pivots(spark):
    spark.createDataFrame([(1, "x"), (2, "y")], ["a", "b"]).groupBy("a").pivot("b").count().collect()


def is_cloned(spark):
    spark.range(3).createOrReplaceTempView("v")
    clone = spark.cloneSession()
    spark.stop()
    assert clone.sql("select count(*) from v").collect()[0][0] == 3
    leave(clone)


def fails(spark):
    with pytest.raises(Exception, match="DIVIDE_BY_ZERO"):
        spark.sql("select 1 / 0").collect()
    with pytest.raises(Exception, match="UNRESOLVED_COLUMN"):
        spark.sql("select nothing")


@pytest.mark.parametrize("use", [holds_nothing, shows, caches, has_views, pivots, is_cloned, fails])
@pytest.mark.parametrize("closed", [True, False], ids=["closed", "open"])
def test_ends_well(use, closed):
    server = Server(name="stop")
    spark = SparkSession.builder.remote(server.remote).create()
    use(spark)
    if closed:
        spark.stop()
    assert server.stop() == 0, server.tail()
    leave(spark)


def test_ends_well_under_a_query():
    server = Server(name="stop")
    spark = SparkSession.builder.remote(server.remote).create()
    ended = []

    def run():
        try:
            spark.range(10**13).selectExpr("sum(id % 7)").collect()
        except Exception as error:  # whatever the client makes of a server that goes away
            ended.append(error)

    spark._client.set_retry_policies([])
    client = threading.Thread(target=run, daemon=True)
    client.start()
    time.sleep(0.5)
    assert server.stop() == 0, server.tail()
    client.join(20 * SLOWER)
    leave(spark)
    assert ended
