#!/usr/bin/env python3
"""Facts about Spark's functions: their names, as SHOW FUNCTIONS lists them.

  tools/gen/functions.py VENV OUT_DIR REMOTE      REMOTE: a real Spark's Connect server (compat/oracle.sh)

Writes functions.txt, one name per line, sorted by bytes.
"""
import os
import sys

import client_python


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    venv, out, remote = sys.argv[1:]
    client_python.enter(venv)
    from pyspark.sql import SparkSession
    spark = SparkSession.builder.remote(remote).getOrCreate()
    names = sorted(row[0] for row in spark.sql("SHOW SYSTEM FUNCTIONS").collect())
    spark.stop()
    path = os.path.join(out, "functions.txt")
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.writelines(name + "\n" for name in names)
    print(f"{path}: {len(names)} names")


if __name__ == "__main__":
    main()
