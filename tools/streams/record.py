"""What real Spark and its Python workers say to each other, case by case.

Runs with the pyspark whose streams are wanted (SPARK_HOME and PYTHONPATH say which) and Java; tools/streams/record.sh
does it for each version. tests/clients/test_python_streams.py compares Vonk's requests with what lies there.
"""
import pandas as pd
from pyspark.sql import SparkSession
from pyspark.sql import functions as sf
from pyspark.sql.types import LongType, StringType


def plain(spark):
    sc = spark.sparkContext
    seen, table = sc.accumulator(0), sc.broadcast({1: "one", 2: "two"})

    def look_up(n):
        seen.add(1)
        return table.value.get(n)
    sc.parallelize([1, 2, 3], 1).map(look_up).collect()


def barrier(spark):
    from pyspark import BarrierTaskContext
    spark.sparkContext.parallelize([1, 2], 1).barrier().mapPartitions(
        lambda rows: [BarrierTaskContext.get().partitionId(), *rows]).collect()


def failing(spark):
    spark.range(1).select(sf.udf(lambda n: 1 // n, LongType())("id")).collect()


def rows(spark):
    named = sf.udf(lambda a, b: f"{a}{b}", StringType())
    text = sf.udf(lambda s: s.upper(), StringType())
    spark.range(3).select(text(named("id", "id")), named(sf.col("id"), b=sf.lit("x"))).collect()


def arrow_rows(spark):
    spark.range(3).select(sf.udf(lambda n: n + 1, LongType(), useArrow=True)("id")).collect()


def pandas_scalar(spark):
    spark.range(3).select(sf.pandas_udf(lambda n: n * 2, LongType())("id")).collect()


def pandas_iterator(spark):
    from typing import Iterator

    def double(series: Iterator[pd.Series]) -> Iterator[pd.Series]:
        for s in series:
            yield s * 2
    spark.range(3).select(sf.pandas_udf(double, LongType())("id")).collect()


def map_pandas(spark):
    spark.range(3).mapInPandas(lambda frames: (f[f.id > 0] for f in frames), "id long").collect()


def map_arrow(spark):
    spark.range(3).mapInArrow(lambda batches: batches, "id long").collect()


def grouped(spark):
    frame = spark.range(5).withColumn("k", sf.col("id") % 2)
    frame.groupBy("k").applyInPandas(lambda f: f.head(1), "id long, k long").collect()


def grouped_arrow(spark):
    frame = spark.range(5).withColumn("k", sf.col("id") % 2)
    frame.groupBy("k").applyInArrow(lambda t: t, "id long, k long").collect()


def cogrouped(spark):
    frame = spark.range(4).withColumn("k", sf.col("id") % 2)
    frame.groupBy("k").cogroup(frame.groupBy("k")).applyInPandas(lambda a, b: a, "id long, k long").collect()


def grouped_agg(spark):
    mean = sf.pandas_udf(lambda s: float(s.mean()), "double", sf.PandasUDFType.GROUPED_AGG)
    spark.range(5).groupBy(sf.col("id") % 2).agg(mean("id")).collect()


def window_agg(spark):
    from pyspark.sql import Window
    mean = sf.pandas_udf(lambda s: float(s.mean()), "double", sf.PandasUDFType.GROUPED_AGG)
    window = Window.partitionBy(sf.col("id") % 2).orderBy("id").rowsBetween(-1, 0)
    spark.range(5).select(mean("id").over(window)).collect()


class Squares:
    def eval(self, n):
        for i in range(n):
            yield i, i * i


def table_function(spark):
    spark.udtf.register("squares", sf.udtf(Squares, returnType="i long, square long"))
    spark.sql("SELECT * FROM squares(3)").collect()


def table_function_arrow(spark):
    spark.udtf.register("squares", sf.udtf(Squares, returnType="i long, square long", useArrow=True))
    spark.sql("SELECT * FROM squares(3)").collect()


CASES = [plain, barrier, failing, rows, arrow_rows, pandas_scalar, pandas_iterator, map_pandas, map_arrow, grouped,
         grouped_arrow, cogrouped, grouped_agg, window_agg, table_function, table_function_arrow]


def main():
    spark = (SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
             .config("spark.python.daemon.module", "recording_daemon").config("spark.python.worker.reuse", "false")
             .config("spark.sql.shuffle.partitions", "1").config("spark.sql.session.timeZone", "UTC").getOrCreate())
    spark.sparkContext.setLogLevel("OFF")
    for case in CASES:
        spark.sparkContext.setLocalProperty("vonk.case", case.__name__)
        try:
            case(spark)
        except Exception as error:
            if case is not failing:
                raise RuntimeError(case.__name__) from error
    spark.stop()


if __name__ == "__main__":
    main()
