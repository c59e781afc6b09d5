#!/usr/bin/env python3
"""A first PySpark program: write, read, join, aggregate, window, SQL, write again.

  python quickstart.py [sc://localhost:15002] [FOLDER]

Nothing in it knows about Vonk: it runs the same against any Spark Connect server that sees FOLDER.
"""
import datetime
import sys
import tempfile

from pyspark.sql import SparkSession, Window
from pyspark.sql import functions as F


def main(remote, folder):
    spark = SparkSession.builder.remote(remote).appName("quickstart").getOrCreate()

    # Two tables as Parquet files: 1,000 orders of five customers.
    customers = spark.createDataFrame(
        [(0, "Ada", "London"), (1, "Grace", "New York"), (2, "Edsger", "Rotterdam"), (3, "Barbara", "Los Angeles"),
         (4, "Niklaus", "Winterthur")],
        "customer_id int, name string, city string")
    customers.write.mode("overwrite").parquet(f"{folder}/customers")
    first = F.lit(datetime.date(2026, 1, 1))
    orders = spark.range(1000).select(
        F.col("id").alias("order_id"),
        (F.col("id") * 7 % 5).cast("int").alias("customer_id"),
        F.date_add(first, (F.col("id") % 365).cast("int")).alias("ordered"),
        ((F.col("id") * 37 % 1000) / 10).cast("decimal(8,2)").alias("amount"))
    orders.write.mode("overwrite").parquet(f"{folder}/orders")

    # Read, filter, join, aggregate.
    orders = spark.read.parquet(f"{folder}/orders")
    customers = spark.read.parquet(f"{folder}/customers")
    by_city = (orders.filter(F.col("amount") > 5)
               .join(customers, "customer_id")
               .groupBy("city")
               .agg(F.count("*").alias("orders"), F.sum("amount").alias("total"), F.max("ordered").alias("latest"))
               .orderBy(F.desc("total")))
    by_city.printSchema()
    by_city.show()

    # The two largest orders of each customer, by a window.
    largest = Window.partitionBy("name").orderBy(F.desc("amount"), "order_id")
    (orders.join(customers, "customer_id")
     .withColumn("place", F.row_number().over(largest))
     .filter("place <= 2")
     .select("name", "place", "order_id", "amount")
     .orderBy("name", "place")
     .show())

    # The same tables in SQL.
    orders.createOrReplaceTempView("orders")
    spark.sql("""
        SELECT month(ordered) AS month, count(*) AS orders, round(avg(amount), 2) AS mean
        FROM orders GROUP BY month(ordered) HAVING count(*) > 80 ORDER BY month""").show()

    # Write a result, read it back.
    by_city.write.mode("overwrite").partitionBy("city").parquet(f"{folder}/by_city")
    back = spark.read.parquet(f"{folder}/by_city")
    print("cities read back:", back.count(), "- orders in them:", back.agg(F.sum("orders")).collect()[0][0])
    spark.stop()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "sc://localhost:15002",
         sys.argv[2] if len(sys.argv) > 2 else tempfile.mkdtemp(prefix="quickstart-"))
