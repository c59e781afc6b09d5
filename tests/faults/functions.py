"""What the scenarios of Python run. Workers know this file by its folder on their path, so the "pickle" of each of
these is the name of the constant below it: what worker and server exchange for it are (function, type of its answer).
"""
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql.datasource import DataSource, DataSourceReader, DataSourceWriter, InputPartition, WriterCommitMessage
from pyspark.sql.types import DoubleType, LongType, StringType, StructField, StructType
from pyspark.sql.udtf import AnalyzeResult

ROWS = StructType([StructField("k", LongType()), StructField("n", LongType())])


def text(n, s):
    return f"{n} {s}"


TEXT = (text, StringType())


def fail(n):
    if n == 57:
        raise ValueError("fifty-seven")
    return n


FAIL = (fail, LongType())


def double(v: pd.Series) -> pd.Series:
    return v * 2


DOUBLE = (double, LongType())


def doubles(batches):
    for v in batches:
        yield v * 2


DOUBLES = (doubles, LongType())


def arrow_double(v: pa.Array) -> pa.Array:
    return pc.multiply(v, 2)


ARROW_DOUBLE = (arrow_double, LongType())


def mean(v: pd.Series) -> float:
    return v.mean()


MEAN = (mean, DoubleType())


def arrow_mean(v: pa.Array) -> float:
    return pc.mean(v).as_py()


ARROW_MEAN = (arrow_mean, DoubleType())


def frames(batches):
    for frame in batches:
        yield pd.DataFrame({"k": frame.k, "n": frame.id * 2})


FRAMES = (frames, ROWS)


def arrow_batches(batches):
    for b in batches:
        yield pa.RecordBatch.from_arrays([b.column("k"), pc.multiply(b.column("id"), 2)], ["k", "n"])


ARROW_BATCHES = (arrow_batches, ROWS)


def first_only(batches):
    yield next(arrow_batches(batches))


FIRST_ONLY = (first_only, ROWS)


def group(frame):
    return pd.DataFrame({"k": frame.k[:1], "n": [frame.id.sum()]})


GROUP = (group, ROWS)


def arrow_group(table):
    return pa.table({"k": table.column("k").slice(0, 1), "n": [pc.sum(table.column("id"))]})


ARROW_GROUP = (arrow_group, ROWS)


def two_groups(left, right):
    return pd.DataFrame({"k": left.k[:1], "n": [len(left) + len(right)]})


TWO_GROUPS = (two_groups, ROWS)


def barrier(batches):
    from pyspark import BarrierTaskContext
    BarrierTaskContext.get().barrier()
    yield from arrow_batches(batches)


BARRIER = (barrier, ROWS)


class CountUp:
    def eval(self, n: int):
        for i in range(n):
            yield i, i * i


class ArrowCountUp:
    def eval(self, n: pa.Array):
        for top in n.to_pylist():
            yield pa.table({"k": pa.array(range(top), pa.int64()), "n": pa.array(range(top), pa.int64())})


class Sums:
    @staticmethod
    def analyze(rows, factor):
        return AnalyzeResult(ROWS)

    def __init__(self):
        self.n, self.sum = 0, 0

    def eval(self, row, factor):
        self.n, self.sum = self.n + 1, self.sum + row["id"] * factor

    def terminate(self):
        yield self.n, self.sum


class Numbers(DataSource):
    @classmethod
    def name(cls):
        return "numbers_of_python"

    def schema(self):
        return "k long, n long"

    def reader(self, schema):
        return NumbersReader()

    def writer(self, schema, overwrite):
        return NumbersWriter()


class NumbersReader(DataSourceReader):
    def partitions(self):
        return [InputPartition(i) for i in range(3)]

    def read(self, partition):
        for i in range(100):
            yield partition.value, i


class NumbersWriter(DataSourceWriter):
    def write(self, rows):
        sum(1 for _ in rows)
        return WriterCommitMessage()

    def commit(self, messages):
        pass

    def abort(self, messages):
        pass
