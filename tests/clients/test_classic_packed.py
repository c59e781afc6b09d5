"""Packed text as RDDs, classic and unmodified: by the end of the name, as streams.

The values are real Spark's: VONK_CLASSIC=spark runs these against it (test_classic_rdd.py). Looked at here only: its
Zstandard wants libraries that its wheel has not, and a block that is cut off just ends its file there."""
import bz2
import gzip
import struct
import textwrap
import zlib

import pyarrow
from server import SLOWER
from test_classic_rdd import REAL, run

LINES = [f"line {i} ü".encode() * (1 + i % 7) for i in range(40_000)]
TEXT = b"\n".join(LINES) + b"\n"


PARTS_OF_BZIP2 = [  # as real Spark has them
    "[20000]",
    "[8006, 6498, 5496]",
    "[1387, 1334, 1328, 1321, 1320, 1316, 1311, 1298, 1298, 1296, 1295, 1293, 1291, 1292, 1292, 328]",
    "True",
    "[1546816]",
    "[(0, 807286), (150992, 890362)]",
    "[20000]",
    "[9227, 5188, 5585]",
    "[2721, 0, 1264, 2639, 0, 2603, 0, 2596, 0, 2592, 0, 2586, 0, 2583, 0, 416]",
    "True",
    "[1546816]",
    "[(0, 901976), (149355, 794039)]",
]


def in_blocks(codec, text, block=100_000, chunk=30_000):
    """Hadoop's BlockCompressorStream: the size of a block, then chunks of it."""
    out = b""
    for at in range(0, len(text), block):
        plain = text[at:at + block]
        out += struct.pack(">i", len(plain))
        for from_ in range(0, len(plain), chunk):
            packed = pyarrow.Codec(codec).compress(plain[from_:from_ + chunk], asbytes=True)
            out += struct.pack(">i", len(packed)) + packed
    return out


def test_every_codec(tmp_path):
    half = TEXT.index(b"\n", len(TEXT) // 2) + 1
    files = {"a.gz": gzip.compress(TEXT[:half - 5]) + gzip.compress(TEXT[half - 5:]), "b.deflate": zlib.compress(TEXT),
             "c.snappy": in_blocks("snappy", TEXT), "d.lz4": in_blocks("lz4_raw", TEXT)}
    if not REAL:
        files["e.zst"] = pyarrow.Codec("zstd").compress(TEXT, asbytes=True)
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "cut.gz").write_bytes(files["a.gz"][:-100])
    (tmp_path / "cut.snappy").write_bytes(files["c.snappy"][:-100])
    (tmp_path / "empty.gz").write_bytes(gzip.compress(b""))
    (tmp_path / "mark.gz").write_bytes(gzip.compress(b"\xef\xbb\xbfa\r\nb\rc"))
    lines = run(f"""
        import os
        folder = {str(tmp_path)!r}
        sc = SparkContext("local[2]", "a")
        sc.setLogLevel("OFF")
        for name in sorted(n for n in os.listdir(folder) if n[1] == "."):
            lines = sc.textFile(folder + "/" + name)
            print(lines.getNumPartitions(), lines.count(), lines.map(len).sum(), lines.take(2), lines.first())
            print([len(text) for _, text in sc.wholeTextFiles(folder + "/" + name).collect()])
        print(sc.textFile(folder + "/empty.gz").collect(), sc.textFile(folder + "/mark.gz").collect())
        for name in {["cut.gz"] if REAL else ["cut.gz", "cut.snappy"]}:
            try:
                print(sc.textFile(folder + "/" + name).count())
            except Exception as e:
                print(type(e).__name__)
        sc.stop()
    """)
    text = TEXT.decode()
    each = [f"1 {len(LINES)} {len(text) - len(LINES)} {[line.decode() for line in LINES[:2]]} {LINES[0].decode()}",
            str([len(text)])]
    assert lines == each * len(files) + ["[] ['a', 'b', 'c']", "Py4JJavaError"] + (
        [] if REAL else ["Py4JJavaError"])


def test_bzip2(tmp_path):
    """Cut at its blocks: a partition has the lines of the blocks that begin in it."""
    text = b"".join(b"%d %s\n" % (i, bz2.compress(b"%d" % i)[4:].hex().encode()) for i in range(20_000))
    cut = [0, 1, 300_001, 300_001, 700_000, len(text)]
    one = bz2.compress(text, 1)
    (tmp_path / "one.bz2").write_bytes(one)
    (tmp_path / "more.bz2").write_bytes(b"".join(bz2.compress(text[a:b], 2) for a, b in zip(cut, cut[1:])))
    (tmp_path / "none.bz2").write_bytes(bz2.compress(b""))
    (tmp_path / "cut.bz2").write_bytes(one[:len(one) // 2])
    (tmp_path / "bad.bz2").write_bytes(one[:len(one) // 2] + b"damaged" + one[len(one) // 2 + 7:])
    program = f"""
        import bz2, os
        folder = {str(tmp_path)!r}
        codec = "org.apache.hadoop.io.compress.BZip2Codec"
        sc = SparkContext("local[2]", "a")
        sc.setLogLevel("OFF")
        for name in ["one", "more"]:
            path = folder + "/" + name + ".bz2"
            for n in [1, 3, 16]:
                print(sc.textFile(path, n).glom().map(len).collect())
            print(sc.textFile(path, 7).map(int_of).collect() == list(range(20000)))
            print([len(text) for _, text in sc.wholeTextFiles(path).collect()])
            places = sc.hadoopFile(path, "org.apache.hadoop.mapred.TextInputFormat",
                                   "org.apache.hadoop.io.LongWritable", "org.apache.hadoop.io.Text")
            print(places.glom().map(lambda pairs: (pairs[0][0], pairs[-1][0])).collect())
        print(sc.textFile(folder + "/none.bz2").collect(), sc.textFile(folder + "/*e.bz2").count())
        for name, n in [("cut", 1), ("cut", 9), ("bad", 1), ("bad", 9)]:
            try:
                print(sc.textFile(folder + "/" + name + ".bz2", n).count())
            except Exception as e:
                print(type(e).__name__)
        lines = sc.parallelize(["line %d" % i for i in range(1000)], 2)
        lines.saveAsTextFile(folder + "/text", codec)
        parts = sorted(n for n in os.listdir(folder + "/text") if n[0] != ".")
        print(parts, len(bz2.decompress(open(folder + "/text/" + parts[1], "rb").read())))
        print(sorted(sc.textFile(folder + "/text").collect()) == sorted(lines.collect()))
        pairs = lines.map(lambda line: (line, len(line)))
        pairs.saveAsSequenceFile(folder + "/pairs", codec)
        print(sorted(sc.sequenceFile(folder + "/pairs").collect()) == sorted(pairs.collect()))
        pairs.saveAsNewAPIHadoopFile(folder + "/new", "org.apache.hadoop.mapreduce.lib.output.TextOutputFormat", conf={{
            "mapreduce.output.fileoutputformat.compress": "true",
            "mapreduce.output.fileoutputformat.compress.codec": codec}})
        print(sorted(n for n in os.listdir(folder + "/new") if n[0] != "."), sc.textFile(folder + "/new").count())
        sc.stop()
    """
    got = run("def int_of(line):\n    return int(line.split()[0])\n" + textwrap.dedent(program))
    assert got == PARTS_OF_BZIP2 + [
        "[] 40000", *["Py4JJavaError"] * 4, "['_SUCCESS', 'part-00000.bz2', 'part-00001.bz2'] 4390", "True", "True",
        "['_SUCCESS', 'part-r-00000.bz2', 'part-r-00001.bz2'] 1000"]


def test_memory_of_a_large_one(tmp_path):
    """300 MB of text in one file: the engine holds some pieces of it."""
    with gzip.open(tmp_path / "large.gz", "wb", 1) as file:
        for i in range(300):
            file.write((b"%0999d\n" % i) * 1000)
    assert run(f"""
        import os
        sc = SparkContext("local[2]", "a")
        print(sc.textFile({str(tmp_path)!r} + "/large.gz").mapPartitions(lambda p: [sum(1 for _ in p)]).collect())
        if not {REAL}:
            pids = [int(p) for t in os.listdir("/proc/self/task") for p in open("/proc/self/task/%s/children" % t)
                    .read().split()]
            peak = [l for p in pids for l in open("/proc/%d/status" % p) if l.startswith("VmHWM")]
            print(len(peak), int(peak[0].split()[1]) < {80 * SLOWER} * 1024)
        sc.stop()
    """) == ["[300000]"] + ([] if REAL else ["1 True"])
