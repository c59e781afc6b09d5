"""Makes src/codec/pickle_case.h and the fuzzers' first pickles: what CPython's pickle writes in all protocols, and what
Spark's classic collect() sends.

    make_pickles.py             needs pyspark 4.3 and Java 17
"""

import array
import collections
import datetime
import decimal
import os
import pickle

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HEADER = os.path.join(ROOT, "src", "codec", "pickle_case.h")
CORPUS = os.path.join(ROOT, "tests", "fuzz", "corpus", "pickle")
UTC = datetime.timezone.utc

# One of each thing that pickles hold; pickle_test.c knows them by heart.
PLAIN = [
    None, True, False, 0, 255, 256, 65536, -1, 2**31 - 1, -(2**31), 2**31, 2**63 - 1, -(2**63), 2**63, -(2**100),
    1.5, float("inf"), "", "text", "\u00e9\u20ac\U0001f600\\ \n", b"", b"\x00\xffab", bytearray(b"\x80x"), [], [1, [2]],
    (), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), {}, {"a": 1, 2: "b"}, {7}, frozenset([8]),
]
OBJECTS = [
    decimal.Decimal("-1.50"), datetime.date(2020, 2, 29), datetime.datetime(2021, 3, 4, 5, 6, 7, 8),
    datetime.datetime(2021, 3, 4, 5, 6, 7, 8, UTC), datetime.time(1, 2, 3, 4), datetime.timedelta(-1, 2, 3),
    array.array("i", [1, -2]), array.array("d", [0.5]), collections.OrderedDict([("z", 1), ("a", 2)]), int,
]
ROWS = [(1, "x", 2.5), (None, None, None), (-5, "y", 0.0)]

QUERIES = {
    "rows": "select * from values (1, 'x', 2.5D), (300, 'x', cast(null as double)), (-1, 'z', -0D) as t(a, b, c)",
    "types": "select true a, 1Y b, 2S c, 3L d, 5000000000L e, 1.5F f, 1.23BD g, x'00ff' h, date'2020-02-03' i,"
    " timestamp'2020-02-03 04:05:06.789' j, timestamp_ntz'2020-02-03 04:05:06' k,"
    " interval '1 2:03:04.5' day to second l",
    "nested": "select array(1, 2, null) a, map('b', 1, 'a', 2, 'zz', 3) b, named_struct('x', 1, 'y', 'q') c,"
    " array(named_struct('x', date'2020-01-01')) d",
}


cases = {}


def seed(name, content):
    with open(os.path.join(CORPUS, name), "wb") as f:
        f.write(content)


def write_header():
    with open(HEADER, "w") as f:
        f.write("/* codec/pickle_case.h -- recorded pickles, made by make_pickles.py for pickle_test.c. */\n")
        f.write("#ifndef VONK_CODEC_PICKLE_CASE_H\n#define VONK_CODEC_PICKLE_CASE_H\n\n#include <stdint.h>\n")
        for name, content in cases.items():
            f.write(f"\n/* clang-format off */\nstatic const uint8_t {name}[] = {{\n")
            for at in range(0, len(content), 20):
                f.write("    " + ", ".join(f"0x{b:02x}" for b in content[at:at + 20]) + ",\n")
            f.write("};\n/* clang-format on */\n")
        f.write("\n#endif\n")


def from_python():
    for protocol in range(6):
        cases[f"plain_{protocol}"] = pickle.dumps(PLAIN, protocol)
        cases[f"objects_{protocol}"] = pickle.dumps(OBJECTS, protocol)
        seed(f"plain-{protocol}", b"\x03" + pickle.dumps(PLAIN, protocol))
        seed(f"objects-{protocol}", b"\x02" + pickle.dumps([tuple(OBJECTS[1:7])] + OBJECTS, protocol))
        seed(f"rows-{protocol}", b"\x00" + pickle.dumps(ROWS, protocol))
    latest = cases.pop("objects_5")  # says what 4 says, but for its number: pickle_test.c makes it
    assert latest == cases["objects_4"].replace(b"\x80\x04", b"\x80\x05", 1)
    shared = ["x"]
    seed("shared", b"\x03" + pickle.dumps([([1], {"k": shared}, (1, b"b")), ([], {"k": shared}, None)], 4))
    loop = []
    loop.append(loop)
    seed("loop", b"\x00" + pickle.dumps(loop, 4))
    times = (datetime.date(2020, 1, 2), OBJECTS[2], OBJECTS[3], OBJECTS[4], OBJECTS[5], 14)
    seed("times", b"\x02" + pickle.dumps([times, (1, 2, 3, 4, 5, 6)], 4))
    numbers = (True, 1, 2, 3, 1.5, decimal.Decimal("1.005"), decimal.Decimal("1E+3"))
    seed("numbers", b"\x01" + pickle.dumps([numbers], 4))


def from_spark():
    os.environ["TZ"] = "UTC"
    from pyspark.serializers import FramedSerializer
    from pyspark.sql import SparkSession
    from pyspark.util import _create_local_socket

    class Frames(FramedSerializer):
        def loads(self, obj):
            return obj

    settings = {"spark.driver.memory": "1g", "spark.ui.enabled": "false", "spark.sql.session.timeZone": "UTC"}
    builder = SparkSession.builder.master("local[1]")
    for key, value in settings.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    for name, query in QUERIES.items():
        stream, socket = _create_local_socket(spark.sql(query).coalesce(1)._jdf.collectToPython())
        for i, frame in enumerate(Frames().load_stream(stream)):
            cases[f"spark_{name}_{i}"] = frame
            seed(f"spark-{name}-{i}", b"\x00" + frame)
        stream.close()
        socket.close()
    spark.stop()


if __name__ == "__main__":
    os.makedirs(CORPUS, exist_ok=True)
    from_python()
    from_spark()
    write_header()
