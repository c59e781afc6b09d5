#!/bin/sh
# record.sh PYTHON VERSION PYSPARK FOLDER: the streams of one version, FOLDER/VERSION/*. PYSPARK: that version's
# source distribution, unpacked (jars in deps/jars, py4j in lib); PYTHON has pandas and pyarrow; Java is there.
set -eu
mkdir -p "$4/$2"
RECORD_FOLDER=$(cd "$4/$2" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
work=/tmp/record # recorded functions know the names of their files: no name of this machine
mkdir "$work"
trap 'rm -rf "$work"' EXIT
cp "$here"/*.py "$work"
ln -s "$(cd "$3" && pwd)" "$work/spark"
export RECORD_FOLDER SPARK_HOME="$work/spark/deps" PYSPARK_PYTHON="$1" SPARK_LOCAL_IP=127.0.0.1
export PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$work/spark:$work:$(echo "$work"/spark/lib/py4j-*.zip)"
cd "$work"
"$1" record.py
