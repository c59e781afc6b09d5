#!/usr/bin/env python3
"""Files of Hadoop's formats in its Snappy and LZ4 blocks, as real Spark writes them: tests/data/hadoop.

  make_hadoop.py FOLDER          real Spark writes them (pyspark with Java); run by hand, the results are committed
  make_hadoop.py write FOLDER    the same, into folders of their own, by whatever SPARK_HOME names
  make_hadoop.py read FOLDER     reads such folders and prints what is in them: by one what the other has written

tests/clients/test_classic_hadoop.py knows what must be in them.
"""

import os
import shutil
import sys
import tempfile

from pyspark import SparkContext

CODEC = "org.apache.hadoop.io.compress."
NEW = "org.apache.hadoop.mapreduce.lib.output."
CODECS = {"snappy": "SnappyCodec", "lz4": "Lz4Codec"}
LINES = [f"line {i}, of {i % 7 * 'a'}" for i in range(500)] + ["long " * 60_000, "end"]
PAIRS = [(i, f"value {i}" * (i % 5)) for i in range(200)] + [(200, "long " * 60_000)]


def write(sc, folder):
    """One file in each folder: text, nothing, pairs packed one by one and by blocks."""
    for name, codec in CODECS.items():
        conf = {"mapreduce.output.fileoutputformat.compress": "true",
                "mapreduce.output.fileoutputformat.compress.codec": CODEC + codec}
        pairs = sc.parallelize(PAIRS, 1)
        sc.parallelize(LINES, 1).saveAsTextFile(f"{folder}/lines_{name}", CODEC + codec)
        sc.parallelize([], 1).saveAsTextFile(f"{folder}/none_{name}", CODEC + codec)
        pairs.saveAsSequenceFile(f"{folder}/block_{name}", CODEC + codec)
        pairs.saveAsNewAPIHadoopFile(f"{folder}/record_{name}", NEW + "SequenceFileOutputFormat", conf=conf)
        pairs.saveAsNewAPIHadoopFile(f"{folder}/pairs_{name}", NEW + "TextOutputFormat", conf=conf)


def read(sc, folder):
    for name in CODECS:
        print(name, sc.textFile(f"{folder}/lines_{name}").collect() == LINES,
              sc.textFile(f"{folder}/none_{name}").collect(),
              sc.sequenceFile(f"{folder}/block_{name}").collect() == PAIRS,
              sc.sequenceFile(f"{folder}/record_{name}").collect() == PAIRS,
              sc.textFile(f"{folder}/pairs_{name}").collect() == [f"{k}\t{v}" for k, v in PAIRS])


def main():
    what, folder = sys.argv[1:] if len(sys.argv) > 2 else ("make", sys.argv[1])
    folder = os.path.abspath(folder)
    sc = SparkContext("local[1]", "files of Hadoop")
    if what == "make":
        with tempfile.TemporaryDirectory() as temporary:
            write(sc, temporary)
            os.makedirs(folder, exist_ok=True)
            for name in CODECS:
                for kind, ending in (("lines", f".{name}"), ("none", f".{name}"), ("block", ""), ("record", "")):
                    to = f"{kind}{ending}" if ending else f"{kind}_{name}.seq"
                    shutil.copyfile(f"{temporary}/{kind}_{name}/part-{'r-' * (kind == 'record')}00000{ending}",
                                    f"{folder}/{to}")
    else:
        {"write": write, "read": read}[what](sc, folder)
    sc.stop()


main()
