"""More queries over functions of Python, for bench/python: each kind of function over numbers and texts. Each gives one
row, by which the answers are compared."""
from functools import partial

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import functions as F


def table(spark, n):
    """Numbers, short texts, groups of a thousand rows."""
    return spark.range(n).select(
        "id", (F.col("id") * 0.5).alias("x"), F.concat(F.lit("name "), F.col("id") % 1000).alias("s"),
        (F.col("id") / 1000).cast("int").alias("k"))


def row_numbers(spark, n, arrow=False):
    add = F.udf(lambda x: x + 1, "long", useArrow=arrow)
    return table(spark, n).select(F.sum(add("id")))


def row_texts(spark, n, arrow=False):
    upper = F.udf(lambda s: s.upper(), "string", useArrow=arrow)
    return table(spark, n).select(F.sum(F.length(upper("s"))), F.max(upper("s")))


def pandas_numbers(spark, n):
    scale = F.pandas_udf(lambda x, y: x * 2 + y, "double")
    return table(spark, n).select(F.sum(scale("x", "id")))


def pandas_texts(spark, n):
    length = F.pandas_udf(lambda s: s.str.len(), "long")
    return table(spark, n).select(F.sum(length("s")))


def arrow_numbers(spark, n):
    def scale(x: pa.Array, y: pa.Array) -> pa.Array:
        return pc.add(pc.multiply(x, 2), pc.cast(y, pa.float64()))
    return table(spark, n).select(F.sum(F.arrow_udf(scale, "double")("x", "id")))


def arrow_texts(spark, n):
    def length(s: pa.Array) -> pa.Array:
        return pc.cast(pc.utf8_length(s), pa.int64())
    return table(spark, n).select(F.sum(F.arrow_udf(length, "long")("s")))


def map_in_arrow(spark, n):
    def keep(batches):
        for batch in batches:
            yield batch.filter(pc.equal(pc.bit_wise_and(batch["id"], 1), 0))
    frame = table(spark, n).mapInArrow(keep, "id long, x double, s string, k int")
    return frame.select(F.count("*"), F.sum("x"), F.max("s"))


def map_in_pandas(spark, n):
    def keep(frames):
        for frame in frames:
            yield frame[frame["id"] % 2 == 0]
    frame = table(spark, n).mapInPandas(keep, "id long, x double, s string, k int")
    return frame.select(F.count("*"), F.sum("x"), F.max("s"))


def grouped_center(spark, n):
    def center(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.assign(x=frame["x"] - frame["x"].mean())
    made = table(spark, n).select("k", "x").groupBy("k").applyInPandas(center, "k int, x double")
    return made.select(F.count("*"), F.round(F.sum(F.abs("x")), 3))


# name: (function, rows)
CASES = {
    "row_numbers": (row_numbers, 1_000_000), "row_texts": (row_texts, 500_000),
    "arrow_row_numbers": (partial(row_numbers, arrow=True), 2_000_000),
    "arrow_row_texts": (partial(row_texts, arrow=True), 1_000_000),
    "pandas_numbers": (pandas_numbers, 10_000_000), "pandas_texts": (pandas_texts, 1_000_000),
    "arrow_numbers": (arrow_numbers, 10_000_000), "arrow_texts": (arrow_texts, 5_000_000),
    "map_in_arrow": (map_in_arrow, 5_000_000), "map_in_pandas": (map_in_pandas, 2_000_000),
    "grouped_center": (grouped_center, 1_000_000),
}
