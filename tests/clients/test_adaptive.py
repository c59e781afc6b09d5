"""Plans that change while they run: what finished stages have shown decides what the next ones do."""
import os
import re

import pytest

MANY = "range(100000) WHERE id % 7 < 10 AND id % 11 < 20 AND id % 13 < 20"  # expected: few
SQL = "SELECT x, s FROM (SELECT id AS x FROM {} DISTRIBUTE BY x) JOIN " \
      "(SELECT id * 3 AS z, cast(id AS string) AS s FROM range(20000)) ON x = z"
SWITCH = "spark.sql.adaptive.enabled"


@pytest.mark.skipif("VONK_REMOTE" in os.environ, reason="a statement of Vonk's")
def test_the_smaller_side_is_built(spark):
    def built(many):
        text = spark.sql("EXPLAIN ANALYZE " + SQL.format(many)).collect()[0][0]
        return int(re.search(r"HashJoin .*build rows: (\d+)", text).group(1))

    assert built(MANY) == 20000
    assert built("range(500)") == 500
    spark.conf.set(SWITCH, "false")
    try:
        assert built(MANY) == 100000
    finally:
        spark.conf.unset(SWITCH)


def test_same_rows_in_the_same_order(spark):
    rows = spark.sql(SQL.format(MANY)).collect()
    assert len(rows) == 20000
    assert sorted(rows) == [(i * 3, str(i)) for i in range(20000)]
    if "VONK_REMOTE" in os.environ:
        return
    for threads in ("1", "8"):
        spark.conf.set("vonk.exec.threads", threads)
        try:
            assert spark.sql(SQL.format(MANY)).collect() == rows
        finally:
            spark.conf.unset("vonk.exec.threads")
