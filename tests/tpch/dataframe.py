"""The 22 TPC-H queries in the PySpark DataFrame API: q01(t) ... q22(t), t being the tables of load().

Each gives the rows, column names and types of the SQL text of the same number.
"""
import datetime
from decimal import Decimal

from pyspark.sql import functions as F
from pyspark.sql.functions import col, lit

TABLES = ["customer", "lineitem", "nation", "orders", "part", "partsupp", "region", "supplier"]


def load(spark, folder):
    return {name: spark.read.parquet(f"{folder}/{name}.parquet") for name in TABLES}


def date(text):
    return lit(datetime.date.fromisoformat(text))


def between_dates(column, first, after):
    """first <= column < after"""
    return (col(column) >= date(first)) & (col(column) < date(after))


def price():
    """What a line costs after its discount."""
    return col("l_extendedprice") * (lit(1) - col("l_discount"))


def q01(t):
    return (t["lineitem"]
            .filter(col("l_shipdate") <= date("1998-09-02"))
            .groupBy("l_returnflag", "l_linestatus")
            .agg(F.sum("l_quantity").alias("sum_qty"),
                 F.sum("l_extendedprice").alias("sum_base_price"),
                 F.sum(price()).alias("sum_disc_price"),
                 F.sum(price() * (lit(1) + col("l_tax"))).alias("sum_charge"),
                 F.avg("l_quantity").alias("avg_qty"),
                 F.avg("l_extendedprice").alias("avg_price"),
                 F.avg("l_discount").alias("avg_disc"),
                 F.count("*").alias("count_order"))
            .orderBy("l_returnflag", "l_linestatus"))


def q02(t):
    europe = (t["partsupp"]
              .join(t["supplier"], col("ps_suppkey") == col("s_suppkey"))
              .join(t["nation"], col("s_nationkey") == col("n_nationkey"))
              .join(t["region"].filter(col("r_name") == "EUROPE"), col("n_regionkey") == col("r_regionkey")))
    cheapest = europe.groupBy(col("ps_partkey").alias("min_partkey")).agg(F.min("ps_supplycost").alias("min_cost"))
    return (t["part"]
            .filter((col("p_size") == 15) & col("p_type").like("%BRASS"))
            .join(europe, col("p_partkey") == col("ps_partkey"))
            .join(cheapest, (col("p_partkey") == col("min_partkey")) & (col("ps_supplycost") == col("min_cost")))
            .select("s_acctbal", "s_name", "n_name", "p_partkey", "p_mfgr", "s_address", "s_phone", "s_comment")
            .orderBy(F.desc("s_acctbal"), "n_name", "s_name", "p_partkey")
            .limit(100))


def q03(t):
    return (t["customer"].filter(col("c_mktsegment") == "BUILDING")
            .join(t["orders"].filter(col("o_orderdate") < date("1995-03-15")), col("c_custkey") == col("o_custkey"))
            .join(t["lineitem"].filter(col("l_shipdate") > date("1995-03-15")), col("l_orderkey") == col("o_orderkey"))
            .groupBy("l_orderkey", "o_orderdate", "o_shippriority")
            .agg(F.sum(price()).alias("revenue"))
            .select("l_orderkey", "revenue", "o_orderdate", "o_shippriority")
            .orderBy(F.desc("revenue"), "o_orderdate")
            .limit(10))


def q04(t):
    late = t["lineitem"].filter(col("l_commitdate") < col("l_receiptdate"))
    return (t["orders"].filter(between_dates("o_orderdate", "1993-07-01", "1993-10-01"))
            .join(late, col("l_orderkey") == col("o_orderkey"), "left_semi")
            .groupBy("o_orderpriority")
            .agg(F.count("*").alias("order_count"))
            .orderBy("o_orderpriority"))


def q05(t):
    return (t["customer"]
            .join(t["orders"].filter(between_dates("o_orderdate", "1994-01-01", "1995-01-01")),
                  col("c_custkey") == col("o_custkey"))
            .join(t["lineitem"], col("l_orderkey") == col("o_orderkey"))
            .join(t["supplier"], (col("l_suppkey") == col("s_suppkey")) & (col("c_nationkey") == col("s_nationkey")))
            .join(t["nation"], col("s_nationkey") == col("n_nationkey"))
            .join(t["region"].filter(col("r_name") == "ASIA"), col("n_regionkey") == col("r_regionkey"))
            .groupBy("n_name")
            .agg(F.sum(price()).alias("revenue"))
            .orderBy(F.desc("revenue")))


def q06(t):
    return (t["lineitem"]
            .filter(between_dates("l_shipdate", "1994-01-01", "1995-01-01"))
            .filter(col("l_discount").between(Decimal("0.05"), Decimal("0.07")))
            .filter(col("l_quantity") < 24)
            .agg(F.sum(col("l_extendedprice") * col("l_discount")).alias("revenue")))


def q07(t):
    suppliers = t["nation"].select(col("n_nationkey").alias("s_nation"), col("n_name").alias("supp_nation"))
    customers = t["nation"].select(col("n_nationkey").alias("c_nation"), col("n_name").alias("cust_nation"))
    return (t["supplier"]
            .join(t["lineitem"].filter(between_dates("l_shipdate", "1995-01-01", "1997-01-01")),
                  col("s_suppkey") == col("l_suppkey"))
            .join(t["orders"], col("o_orderkey") == col("l_orderkey"))
            .join(t["customer"], col("c_custkey") == col("o_custkey"))
            .join(suppliers, col("s_nationkey") == col("s_nation"))
            .join(customers, col("c_nationkey") == col("c_nation"))
            .filter(((col("supp_nation") == "FRANCE") & (col("cust_nation") == "GERMANY"))
                    | ((col("supp_nation") == "GERMANY") & (col("cust_nation") == "FRANCE")))
            .groupBy("supp_nation", "cust_nation", F.year("l_shipdate").alias("l_year"))
            .agg(F.sum(price()).alias("revenue"))
            .orderBy("supp_nation", "cust_nation", "l_year"))


def q08(t):
    america = (t["nation"]
               .join(t["region"].filter(col("r_name") == "AMERICA"), col("n_regionkey") == col("r_regionkey"))
               .select(col("n_nationkey").alias("c_nation")))
    suppliers = t["nation"].select(col("n_nationkey").alias("s_nation"), col("n_name").alias("nation"))
    volume = F.when(col("nation") == "BRAZIL", col("volume")).otherwise(0)
    return (t["part"].filter(col("p_type") == "ECONOMY ANODIZED STEEL")
            .join(t["lineitem"], col("p_partkey") == col("l_partkey"))
            .join(t["supplier"], col("s_suppkey") == col("l_suppkey"))
            .join(t["orders"].filter(between_dates("o_orderdate", "1995-01-01", "1997-01-01")),
                  col("l_orderkey") == col("o_orderkey"))
            .join(t["customer"], col("o_custkey") == col("c_custkey"))
            .join(america, col("c_nationkey") == col("c_nation"))
            .join(suppliers, col("s_nationkey") == col("s_nation"))
            .select(F.year("o_orderdate").alias("o_year"), price().alias("volume"), "nation")
            .groupBy("o_year")
            .agg((F.sum(volume) / F.sum("volume")).alias("mkt_share"))
            .orderBy("o_year"))


def q09(t):
    amount = price() - col("ps_supplycost") * col("l_quantity")
    return (t["part"].filter(col("p_name").like("%green%"))
            .join(t["lineitem"], col("p_partkey") == col("l_partkey"))
            .join(t["supplier"], col("s_suppkey") == col("l_suppkey"))
            .join(t["partsupp"], (col("ps_suppkey") == col("l_suppkey")) & (col("ps_partkey") == col("l_partkey")))
            .join(t["orders"], col("o_orderkey") == col("l_orderkey"))
            .join(t["nation"], col("s_nationkey") == col("n_nationkey"))
            .groupBy(col("n_name").alias("nation"), F.year("o_orderdate").alias("o_year"))
            .agg(F.sum(amount).alias("sum_profit"))
            .orderBy("nation", F.desc("o_year")))


def q10(t):
    return (t["customer"]
            .join(t["orders"].filter(between_dates("o_orderdate", "1993-10-01", "1994-01-01")),
                  col("c_custkey") == col("o_custkey"))
            .join(t["lineitem"].filter(col("l_returnflag") == "R"), col("l_orderkey") == col("o_orderkey"))
            .join(t["nation"], col("c_nationkey") == col("n_nationkey"))
            .groupBy("c_custkey", "c_name", "c_acctbal", "c_phone", "n_name", "c_address", "c_comment")
            .agg(F.sum(price()).alias("revenue"))
            .select("c_custkey", "c_name", "revenue", "c_acctbal", "n_name", "c_address", "c_phone", "c_comment")
            .orderBy(F.desc("revenue"))
            .limit(20))


def q11(t):
    value = F.sum(col("ps_supplycost") * col("ps_availqty"))
    german = (t["partsupp"]
              .join(t["supplier"], col("ps_suppkey") == col("s_suppkey"))
              .join(t["nation"].filter(col("n_name") == "GERMANY"), col("s_nationkey") == col("n_nationkey")))
    least = german.agg((value * lit(Decimal("0.0001"))).alias("least"))
    return (german.groupBy("ps_partkey").agg(value.alias("value"))
            .join(least, col("value") > col("least"))
            .select("ps_partkey", "value")
            .orderBy(F.desc("value")))


def q12(t):
    high = col("o_orderpriority").isin("1-URGENT", "2-HIGH")
    return (t["orders"]
            .join(t["lineitem"], col("o_orderkey") == col("l_orderkey"))
            .filter(col("l_shipmode").isin("MAIL", "SHIP"))
            .filter((col("l_commitdate") < col("l_receiptdate")) & (col("l_shipdate") < col("l_commitdate")))
            .filter(between_dates("l_receiptdate", "1994-01-01", "1995-01-01"))
            .groupBy("l_shipmode")
            .agg(F.sum(F.when(high, 1).otherwise(0)).alias("high_line_count"),
                 F.sum(F.when(~high, 1).otherwise(0)).alias("low_line_count"))
            .orderBy("l_shipmode"))


def q13(t):
    ordinary = t["orders"].filter(~col("o_comment").like("%special%requests%"))
    return (t["customer"]
            .join(ordinary, col("c_custkey") == col("o_custkey"), "left")
            .groupBy("c_custkey").agg(F.count("o_orderkey").alias("c_count"))
            .groupBy("c_count").agg(F.count("*").alias("custdist"))
            .orderBy(F.desc("custdist"), F.desc("c_count")))


def q14(t):
    promo = F.when(col("p_type").like("PROMO%"), price()).otherwise(0)
    return (t["lineitem"].filter(between_dates("l_shipdate", "1995-09-01", "1995-10-01"))
            .join(t["part"], col("l_partkey") == col("p_partkey"))
            .agg((lit(Decimal("100.00")) * F.sum(promo) / F.sum(price())).alias("promo_revenue")))


def q15(t):
    revenue = (t["lineitem"].filter(between_dates("l_shipdate", "1996-01-01", "1996-04-01"))
               .groupBy(col("l_suppkey").alias("supplier_no"))
               .agg(F.sum(price()).alias("total_revenue")))
    most = revenue.agg(F.max("total_revenue").alias("most"))
    return (t["supplier"]
            .join(revenue, col("s_suppkey") == col("supplier_no"))
            .join(most, col("total_revenue") == col("most"))
            .select("s_suppkey", "s_name", "s_address", "s_phone", "total_revenue")
            .orderBy("s_suppkey"))


def q16(t):
    complained = t["supplier"].filter(col("s_comment").like("%Customer%Complaints%"))
    return (t["partsupp"]
            .join(t["part"], col("p_partkey") == col("ps_partkey"))
            .filter(col("p_brand") != "Brand#45")
            .filter(~col("p_type").like("MEDIUM POLISHED%"))
            .filter(col("p_size").isin(49, 14, 23, 45, 19, 3, 36, 9))
            .join(complained, col("ps_suppkey") == col("s_suppkey"), "left_anti")
            .groupBy("p_brand", "p_type", "p_size")
            .agg(F.countDistinct("ps_suppkey").alias("supplier_cnt"))
            .orderBy(F.desc("supplier_cnt"), "p_brand", "p_type", "p_size"))


def q17(t):
    usual = (t["lineitem"].groupBy(col("l_partkey").alias("usual_partkey"))
             .agg((lit(Decimal("0.2")) * F.avg("l_quantity")).alias("usual")))
    return (t["part"].filter((col("p_brand") == "Brand#23") & (col("p_container") == "MED BOX"))
            .join(t["lineitem"], col("p_partkey") == col("l_partkey"))
            .join(usual, col("p_partkey") == col("usual_partkey"))
            .filter(col("l_quantity") < col("usual"))
            .agg((F.sum("l_extendedprice") / lit(Decimal("7.0")).cast("decimal(2,1)")).alias("avg_yearly")))


def q18(t):
    large = (t["lineitem"].groupBy(col("l_orderkey").alias("large_orderkey"))
             .agg(F.sum("l_quantity").alias("quantity")).filter(col("quantity") > 300))
    return (t["orders"]
            .join(large, col("o_orderkey") == col("large_orderkey"), "left_semi")
            .join(t["customer"], col("c_custkey") == col("o_custkey"))
            .join(t["lineitem"], col("o_orderkey") == col("l_orderkey"))
            .groupBy("c_name", "c_custkey", "o_orderkey", "o_orderdate", "o_totalprice")
            .agg(F.sum("l_quantity").alias("sum_qty"))
            .orderBy(F.desc("o_totalprice"), "o_orderdate")
            .limit(100))


def q19(t):
    def choice(brand, containers, quantity, size):
        return ((col("p_brand") == brand) & col("p_container").isin(containers)
                & col("l_quantity").between(quantity, quantity + 10) & col("p_size").between(1, size))

    return (t["lineitem"]
            .filter(col("l_shipmode").isin("AIR", "AIR REG") & (col("l_shipinstruct") == "DELIVER IN PERSON"))
            .join(t["part"], col("p_partkey") == col("l_partkey"))
            .filter(choice("Brand#12", ["SM CASE", "SM BOX", "SM PACK", "SM PKG"], 1, 5)
                    | choice("Brand#23", ["MED BAG", "MED BOX", "MED PKG", "MED PACK"], 10, 10)
                    | choice("Brand#34", ["LG CASE", "LG BOX", "LG PACK", "LG PKG"], 20, 15))
            .agg(F.sum(price()).alias("revenue")))


def q20(t):
    shipped = (t["lineitem"].filter(between_dates("l_shipdate", "1994-01-01", "1995-01-01"))
               .groupBy("l_partkey", "l_suppkey")
               .agg((lit(Decimal("0.5")) * F.sum("l_quantity")).alias("half")))
    forest = t["part"].filter(col("p_name").like("forest%"))
    plenty = (t["partsupp"]
              .join(forest, col("ps_partkey") == col("p_partkey"), "left_semi")
              .join(shipped, (col("l_partkey") == col("ps_partkey")) & (col("l_suppkey") == col("ps_suppkey")))
              .filter(col("ps_availqty") > col("half")))
    return (t["supplier"]
            .join(t["nation"].filter(col("n_name") == "CANADA"), col("s_nationkey") == col("n_nationkey"))
            .join(plenty, col("s_suppkey") == col("ps_suppkey"), "left_semi")
            .select("s_name", "s_address")
            .orderBy("s_name"))


def q21(t):
    l1 = t["lineitem"].filter(col("l_receiptdate") > col("l_commitdate")).alias("l1")
    l2, l3 = t["lineitem"].alias("l2"), l1.alias("l3")

    def same_order_other_supplier(name):
        return ((col(f"{name}.l_orderkey") == col("l1.l_orderkey"))
                & (col(f"{name}.l_suppkey") != col("l1.l_suppkey")))

    return (l1
            .join(l2, same_order_other_supplier("l2"), "left_semi")
            .join(l3, same_order_other_supplier("l3"), "left_anti")
            .join(t["supplier"], col("s_suppkey") == col("l1.l_suppkey"))
            .join(t["orders"].filter(col("o_orderstatus") == "F"), col("o_orderkey") == col("l1.l_orderkey"))
            .join(t["nation"].filter(col("n_name") == "SAUDI ARABIA"), col("s_nationkey") == col("n_nationkey"))
            .groupBy("s_name")
            .agg(F.count("*").alias("numwait"))
            .orderBy(F.desc("numwait"), "s_name")
            .limit(100))


def q22(t):
    code = F.substring("c_phone", 1, 2)
    chosen = t["customer"].filter(code.isin("13", "31", "23", "29", "30", "18", "17"))
    mean = chosen.filter(col("c_acctbal") > Decimal("0.00")).agg(F.avg("c_acctbal").alias("mean"))
    return (chosen
            .join(mean, col("c_acctbal") > col("mean"))
            .join(t["orders"], col("o_custkey") == col("c_custkey"), "left_anti")
            .groupBy(code.alias("cntrycode"))
            .agg(F.count("*").alias("numcust"), F.sum("c_acctbal").alias("totacctbal"))
            .orderBy("cntrycode"))


QUERIES = [q01, q02, q03, q04, q05, q06, q07, q08, q09, q10, q11,
           q12, q13, q14, q15, q16, q17, q18, q19, q20, q21, q22]
