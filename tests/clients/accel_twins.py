"""Commands of programs, run in one process by pyspark's own code and by vonk_accel's.   accel_twins.py MODULE.so CHECK

MODULE.so is the module (src/accel), CHECK a function of this file. A command is what an RDD's method makes, pickled as
pyspark does and read again as a worker does: first by pyspark's read_command, then by ours.
"""
import importlib.machinery
import importlib.util
import io
import os
import pickle
import random
import struct
import sys
import types
from operator import add, itemgetter

os.environ["PYTHONHASHSEED"] = "0"
import pyspark.core.rdd  # noqa: E402
import pyspark.rddsampler  # noqa: E402
import pyspark.shuffle as shuffle  # noqa: E402
import pyspark.util  # noqa: E402
import pyspark.worker_util as worker_util  # noqa: E402
from pyspark import cloudpickle  # noqa: E402
from pyspark.serializers import CPickleSerializer, UTF8Deserializer  # noqa: E402

SERIALIZER = CPickleSerializer()
GENUINE = {"guard": pyspark.util.fail_on_stopiteration, "read": worker_util.read_command,
           "spill": shuffle.ExternalMerger._spill}
UNLIMITED, TINY = 1 << 20, 1  # MiB of a worker


class Recorder(pyspark.core.rdd.RDD):
    """An RDD as far as its methods need one: keeps the functions that they would send."""

    def __init__(self, memory=UNLIMITED, n_partitions=2):
        self.sent, self.memory, self.n_partitions, self.partitioner = [], memory, n_partitions, None
        self.ctx = types.SimpleNamespace(_unbatched_serializer=SERIALIZER, serializer=SERIALIZER, _jvm=None)
        self._jrdd_deserializer = SERIALIZER

    def mapPartitionsWithIndex(self, f, preservesPartitioning=False):
        self.sent.append(f)
        return self

    def _memory_limit(self):
        return self.memory

    def getNumPartitions(self):
        return self.n_partitions

    def _defaultReducePartitions(self):
        return self.n_partitions

    def count(self):
        return 1000

    def sample(self, *args):
        return self

    def map(self, f, *args, **kwargs):
        return self

    def collect(self):
        return [3, 7, 20, 50]


def command(build, which=-1, **kwargs):
    """What the method sends; of several steps the last one before a shuffle."""
    recorder = Recorder(**kwargs)
    try:
        build(recorder)
    except AssertionError:  # there is no JVM
        pass
    return cloudpickle.dumps((recorder.sent[which], None, None, None))


def load(path):
    loader = importlib.machinery.ExtensionFileLoader("vonk_accel", path)
    importlib.util.module_from_spec(importlib.util.spec_from_loader("vonk_accel", loader))


def read_by(pickled, ours):
    return (worker_util.read_command if ours else GENUINE["read"])(SERIALIZER, pickled)[0]


def outcome(call):
    try:
        return call()
    except BaseException as error:
        return type(error).__name__, str(error)


# ---- the map side of shuffles

def shuffle_keys():
    rnd = random.Random(1)
    data = {
        "ints": [(rnd.randrange(-99, 99), i) for i in range(5000)],
        "texts": [(str(rnd.random()), 1) for _ in range(3000)],
        "tuples": [((None, rnd.randrange(9), "x", (1, 2.5)), 1) for _ in range(2000)],
        "big": [(2 ** 70 + i, 1) for i in range(50)], "floats": [(i / 3, i) for i in range(50)],
        "lists": [[i, 2] for i in range(50)], "nothing": [], "none": [(None, 1)],
        "one": [1, 2], "three": [(1, 2, 3)], "no hash": [([], 1)], "no hash inside": [((1, []), 1)]}
    commands = {"hash": command(lambda r: r.partitionBy(5)), "wide": command(lambda r: r.partitionBy(1000)),
                "tiny": command(lambda r: r.partitionBy(3), memory=TINY),
                "own": command(lambda r: r.partitionBy(4, lambda key: len(str(key)))),
                "text": command(lambda r: r.partitionBy(4, lambda key: "x")),
                "failing": command(lambda r: r.partitionBy(4, lambda key: 1 // 0)),
                "up": command(lambda r: r.sortByKey(True, 4)), "down": command(lambda r: r.sortByKey(False, 4)),
                "by": command(lambda r: r.sortByKey(True, 4, lambda key: -key))}
    genuine = {name: read_by(pickled, False) for name, pickled in commands.items()}
    load(sys.argv[1])
    for name, pickled in commands.items():
        ours = read_by(pickled, True)
        assert isinstance(ours, types.BuiltinFunctionType), name
        for of, pairs in data.items():
            expected = outcome(lambda: list(genuine[name](0, iter(pairs))))
            got = outcome(lambda: list(ours(0, iter(pairs))))
            if name == "tiny":  # how much memory there is differs: the chunks do, not what is in them
                expected, got = joined(expected), joined(got)
            if name == "text":  # '%' of a text is a text's business
                expected, got = expected[:1], got[:1]
            assert expected == got, (name, of, str(expected)[:200], str(got)[:200])
    inner = read_by(cloudpickle.dumps((lambda split, items: items, None, None, None)), True)
    assert isinstance(inner, types.FunctionType)  # not pyspark's


def joined(chunks):
    if isinstance(chunks, tuple):
        return chunks
    buckets = {}
    for number, pickled in zip(chunks[::2], chunks[1::2]):
        buckets.setdefault(number, []).extend(pickle.loads(pickled))
    return buckets


# ---- merging

def merged(pickled, ours, pairs):
    out = outcome(lambda: list(read_by(pickled, ours)(0, iter(pairs))))
    if isinstance(out, tuple):
        return out
    return sorted(((key, list(value) if hasattr(value, "__iter__") else value) for key, value in out), key=repr)


class Counting:
    """Knows how many there are."""
    alive = 0

    def __init__(self, n):
        self.n = n
        Counting.alive += 1

    def __del__(self):
        Counting.alive -= 1

    def __add__(self, other):
        return Counting(self.n + other.n)


def merging():
    rnd = random.Random(2)
    pairs = [(rnd.choice([rnd.randrange(3000), str(rnd.randrange(3000)), (1, rnd.randrange(9))]), rnd.randrange(9))
             for _ in range(40000)]
    bad = {"three": [(1, 2, 3)], "no hash": [([], 1)], "no sum": [(1, "a"), (1, 2)]}

    def stops(a, b):
        raise StopIteration("enough")
    ways = {"add": add, "lambda": lambda a, b: a + b, "max": max, "stops": stops}
    commands = {name: command(lambda r, way=way: r.reduceByKey(way), 0) for name, way in ways.items()}
    commands["group"] = command(lambda r: r.groupByKey(), 0)
    commands["combine"] = command(lambda r: r.combineByKey(lambda v: [v], lambda a, v: a + [v], add), 0)
    genuine = {(name, of): merged(pickled, False, data) for name, pickled in commands.items()
               for of, data in dict(bad, pairs=pairs).items()}
    load(sys.argv[1])
    for (name, of), expected in genuine.items():
        assert merged(commands[name], True, dict(bad, pairs=pairs)[of]) == expected, (name, of)
    assert shuffle.ExternalMerger._spill is not GENUINE["spill"]
    for n in range(3):
        list(read_by(commands["add"], True)(0, iter([(i % 7, Counting(1)) for i in range(1000)])))
        assert Counting.alive == 0


# Spilling: in a process that has freed nothing before, since it goes by the memory that the process has.

def long_pairs():
    """A million, made one by one: what is merged is all that is in memory."""
    rnd = random.Random(3)
    return (("a key that takes memory %d" % rnd.randrange(500000), i & 7) for i in range(1000000))


def sums(pairs):
    out = {}
    for key, value in pairs:
        out[key] = out.get(key, 0) + value
    return out


def spilled(method):
    """The limit is passed at once: a spill from one dict, then from one for each partition."""
    load(sys.argv[1])
    read_by(command(lambda r: r.reduceByKey(add)), True)
    merger = shuffle.ExternalMerger(shuffle.SimpleAggregator(add), TINY)
    getattr(merger, method)(long_pairs())
    assert merger.spills > 1 and shuffle.DiskBytesSpilled > 0, merger.spills
    assert dict(merger.items()) == sums(long_pairs())
    assert not any(os.path.exists(folder) for folder in merger.localdirs)


def spilled_values():
    spilled("mergeValues")


def spilled_combiners():
    spilled("mergeCombiners")


def spilled_groups(few=False):
    load(sys.argv[1])
    read_by(command(lambda r: r.groupByKey()), True)

    def lists():
        return ((key[-2:] if few else key, [value + 1000]) for key, value in long_pairs())
    append = shuffle.Aggregator(lambda v: [v], lambda a, v: a.append(v) or a, lambda a, b: a.extend(b) or a)
    grouper = shuffle.ExternalGroupBy(append, TINY)
    grouper.mergeCombiners(lists())
    assert grouper.spills > 0 and grouper._sorted == few, grouper.spills
    assert {key: sum(values) for key, values in grouper.items()} == sums((key, values[0]) for key, values in lists())


def spilled_few_groups():
    """Few keys are sorted before they are spilled, by pyspark's code."""
    spilled_groups(few=True)


def spilled_sort():
    def many():
        rnd = random.Random(5)
        return ((rnd.randrange(10 ** 5), "a text that takes memory %d" % i) for i in range(800000))
    load(sys.argv[1])
    read_by(command(lambda r: r.sortByKey(True, 1), n_partitions=1), True)
    got = list(shuffle.ExternalSorter(TINY).sorted(many(), key=itemgetter(0), reverse=True))
    assert shuffle.DiskBytesSpilled > 0 and got == sorted(many(), key=itemgetter(0), reverse=True)
    del got
    half = shuffle.ExternalSorter(TINY).sorted(many(), key=itemgetter(0))
    assert next(half) == min(many(), key=itemgetter(0))
    del half  # with files that are open, and items that nobody took


# ---- sorting

def sorting():
    rnd = random.Random(4)
    nan = float("nan")
    data = {
        "ints": [rnd.randrange(-2 ** 63, 2 ** 63) for _ in range(3000)],
        "small": [rnd.randrange(5) for _ in range(3000)],
        "big": [rnd.randrange(2 ** 70) for _ in range(300)], "floats": [rnd.uniform(-9, 9) for _ in range(3000)],
        "zeros": [0.0, -0.0, 1.0, -0.0, 0.0, -1.0], "infinite": [float("inf"), 1.5, float("-inf"), 0.0],
        "mixed": [1, 2.5, 2, 1.5, True], "bools": [True, False, True],
        "texts": [str(rnd.random()) for _ in range(500)],
        "nan": [1.0, nan, 0.5], "none": [], "one": [1], "no order": [1, "a"]}
    calls = []

    def by(pair):
        calls.append(pair)
        return -pair[0]

    def all_of(make):
        out = {}
        for name, keys in data.items():
            pairs = [(key, number) for number, key in enumerate(keys)]
            for reverse in (False, True):
                for n_way, key in enumerate((None, itemgetter(0), by, lambda pair: pair[0])):
                    calls.clear()
                    items = keys if key is None else pairs
                    out[name, reverse, n_way] = outcome(lambda: list(make(items, key, reverse))), len(calls)
        return out

    commands = {"up": command(lambda r: r.sortByKey(True, 1), n_partitions=1),
                "down": command(lambda r: r.sortByKey(False, 1), n_partitions=1),
                "by": command(lambda r: r.sortByKey(True, 1, lambda key: (key % 3, key)), n_partitions=1),
                "spilled": command(lambda r: r.sortByKey(True, 1), memory=TINY, n_partitions=1)}
    numbers = [(rnd.randrange(1000), number) for number in range(4000)]
    expected = {name: list(read_by(pickled, False)(0, iter(numbers))) for name, pickled in commands.items()}
    genuine = all_of(lambda items, key, reverse: shuffle.ExternalSorter(UNLIMITED).sorted(iter(items), key, reverse))
    load(sys.argv[1])
    for name, pickled in commands.items():
        assert list(read_by(pickled, True)(0, iter(numbers))) == expected[name], name
    ours = all_of(lambda items, key, reverse: shuffle.ExternalSorter(UNLIMITED).sorted(iter(items), key, reverse))
    for way, (rows, n_calls) in genuine.items():
        assert str(rows) == str(ours[way][0]) and n_calls == ours[way][1], (way, rows, ours[way])


# ---- small things

def texts():
    """Lines of every length around the buffer's; marks; ends that are clean and ends that are not."""
    buffer = 65536
    lengths = [0, 1, 5, buffer - 9, buffer - 8, buffer - 4, buffer - 1, buffer, buffer + 1, 3 * buffer, 7, 0]
    lines = ["é" * (n // 2) + "x" * (n % 2) for n in lengths] * 3 + ["short"] * 20000
    records = b"".join(struct.pack("!i", len(line.encode())) + line.encode() for line in lines)
    null, end = struct.pack("!i", -5), struct.pack("!i", -1)
    whole = records + null + records + end + b"rest"
    streams = {"ended": whole, "cut": records, "cut in a line": records[:-2], "cut in a length": records[:-7],
               "nothing": b"", "no text": struct.pack("!i", 2) + b"\xff\xfe" + end}

    def load_all(reader, data):
        stream = io.BufferedReader(io.BytesIO(data), buffer)
        got = outcome(lambda: list(reader.load_stream(stream)))
        return got, isinstance(got, tuple) or stream.read()  # where an error leaves the stream is nobody's business
    for as_text in (True, False):
        genuine = UTF8Deserializer(as_text)
        if as_text:
            expected = {name: load_all(genuine, data) for name, data in streams.items()}
        pickled = cloudpickle.dumps((lambda split, items: items, None, genuine, None))
        if as_text:
            load(sys.argv[1])
        reader = worker_util.read_command(SERIALIZER, pickled)[2]
        assert not isinstance(reader, UTF8Deserializer)
        for name, data in streams.items():
            assert load_all(reader, data) == (expected[name] if as_text else load_all(genuine, data)), name
        assert list(reader.load_stream(io.BytesIO(whole))) == list(genuine.load_stream(io.BytesIO(whole)))


def samples():
    def taken():
        sampler, ranged = pyspark.rddsampler.RDDSampler, pyspark.rddsampler.RDDRangeSampler
        return [list(make.func(split, iter(range(1000)))) for split in range(3)
                for make in (sampler(False, 0.3, 7), sampler(True, 2.0, 7), sampler(False, 0, 7), ranged(0.2, 0.5, 7))]
    expected = taken()
    load(sys.argv[1])
    read_by(cloudpickle.dumps((lambda split, items: items, None, None, None)), True)
    assert not hasattr(pyspark.rddsampler.RDDSampler.func, "__code__")
    assert taken() == expected
    counted = read_by(command(lambda r: pyspark.core.rdd.RDD.count(r), 0), True)
    assert counted(0, iter(range(12))) == [12]
    assert isinstance(counted.__closure__[0].cell_contents, types.BuiltinFunctionType)


def guards():
    def stops(x):
        raise StopIteration("enough")
    calls = [lambda guard: guard(stops)(1), lambda guard: guard(len)([1, 2]), lambda guard: guard(dict)(a=1, b=2),
             lambda guard: guard(lambda a, b=2, *c, d, **e: (a, b, c, d, e))(1, 3, 4, d=5, f=6),
             lambda guard: list(map(guard(str), range(3))), lambda guard: guard(len)(1),
             lambda guard: guard(guard(stops))(1), lambda guard: list(map(guard(stops), [1]))]
    expected = [outcome(lambda: call(GENUINE["guard"])) for call in calls]
    load(sys.argv[1])
    assert pyspark.util.fail_on_stopiteration is not GENUINE["guard"]
    assert [outcome(lambda: call(pyspark.util.fail_on_stopiteration)) for call in calls] == expected
    try:
        pyspark.util.fail_on_stopiteration(stops)(1)
    except Exception as error:
        import traceback
        assert "in stops" in "".join(traceback.format_exception(error)), "the user's line is lost"


def left_over():
    """What ran a thousand times leaves no memory behind, errors included."""
    load(sys.argv[1])
    pairs = [(i % 50, (i, "x")) for i in range(200)]
    commands = [command(lambda r: r.partitionBy(5)), command(lambda r: r.sortByKey(True, 4)),
                command(lambda r: r.reduceByKey(max), 0), command(lambda r: r.groupByKey(), 0),
                command(lambda r: r.sortByKey(True, 1, lambda key: -key), n_partitions=1)]
    inputs = [pairs, [(i, 1) for i in range(60)], [1], [([], 1)], [("a", 1), (1, 2)]]
    for n in range(1200):
        if n == 200:
            before = resident()
        for pickled in commands:
            for data in inputs:
                outcome(lambda: list(read_by(pickled, True)(0, iter(data))))
    assert resident() - before < 3, (before, resident())


def resident():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE") / 2 ** 20


CHECKS = [shuffle_keys, merging, spilled_values, spilled_combiners, spilled_groups, spilled_few_groups, spilled_sort,
          sorting, texts, samples, guards, left_over]

if __name__ == "__main__":
    {check.__name__: check for check in CHECKS}[sys.argv[2]]()
    print("done")
