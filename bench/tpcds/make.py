#!/usr/bin/env python3
"""Makes the tables and the 99 queries of TPC-DS by DuckDB's generator.   make.py SCALE FOLDER

Runs in an environment of requirements-tpcds.txt. Writes FOLDER/TABLE.parquet and FOLDER/qNN.sql, the queries with
names in Spark's quotes; does nothing when the folder is there.
"""
import glob
import os
import re
import sys

import duckdb
import duckdb_extension_tpcds


def main():
    scale, folder = sys.argv[1:]
    if os.path.isdir(folder):
        return
    made = folder + ".part"
    os.makedirs(made, exist_ok=True)
    connection = duckdb.connect(config={"allow_unsigned_extensions": True})
    home = os.path.dirname(duckdb_extension_tpcds.__file__)
    connection.execute(f"LOAD '{glob.glob(home + '/**/*.duckdb_extension', recursive=True)[0]}'")
    connection.execute(f"CALL dsdgen(sf={float(scale)})")
    for (table,) in connection.execute("SHOW TABLES").fetchall():
        connection.execute(f"COPY {table} TO '{made}/{table}.parquet' (FORMAT parquet)")
    for number, text in connection.execute("SELECT query_nr, query FROM tpcds_queries()").fetchall():
        with open(f"{made}/q{number:02}.sql", "w", encoding="utf-8") as file:
            file.write(re.sub(r'"([^"]*)"', r"`\1`", text))
    os.rename(made, folder)


if __name__ == "__main__":
    main()
