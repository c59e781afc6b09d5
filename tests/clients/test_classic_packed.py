"""Packed text as RDDs, classic and unmodified: by the end of the name, as streams.

The values are real Spark's: VONK_CLASSIC=spark runs these against it (test_classic_rdd.py). Looked at here only: its
Zstandard wants libraries that its wheel has not, and a block that is cut off just ends its file there."""
import gzip
import struct
import zlib

import pyarrow
from test_classic_rdd import REAL, run

LINES = [f"line {i} ü".encode() * (1 + i % 7) for i in range(40_000)]
TEXT = b"\n".join(LINES) + b"\n"


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
            print(len(peak), int(peak[0].split()[1]) < 80 * 1024)
        sc.stop()
    """) == ["[300000]"] + ([] if REAL else ["1 True"])
