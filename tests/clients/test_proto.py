"""Our protobuf decoder and writer against the client's own library: random messages of every type come back equal."""
import importlib
import os
import pkgutil
import random
import struct
import subprocess

import pytest
from google.protobuf import any_pb2, descriptor  # noqa: F401  (any_pb2 registers the message)
from google.protobuf.message_factory import GetMessageClass

import pyspark.sql.connect.proto as protocol

from server import BUILD, ROOT, SLOWER

FD = descriptor.FieldDescriptor


class Echo:
    def __init__(self):
        self.process = subprocess.Popen([os.path.join(BUILD, "tests", "clients", "pb_echo")], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)

    def __call__(self, name, data):
        name = name.encode()
        self.process.stdin.write(struct.pack("<I", len(name)) + name + struct.pack("<I", len(data)) + data)
        self.process.stdin.flush()
        status, size = struct.unpack("<II", self.process.stdout.read(8))
        return status, self.process.stdout.read(size)


@pytest.fixture(scope="module")
def echo():
    echo = Echo()
    yield echo
    echo.process.stdin.close()
    assert echo.process.wait(timeout=10 * SLOWER) == 0


def all_messages():
    found = {}
    with open(os.path.join(ROOT, "data", "spark-4.3.0", "connect_fields.tsv"), encoding="utf-8") as table:
        known = {line.split("\t")[0] for line in table}

    def walk(message):
        if not message.GetOptions().map_entry and message.full_name in known:
            found[message.full_name] = message
        for nested in message.nested_types:
            walk(nested)

    for module in pkgutil.iter_modules(protocol.__path__):
        if module.name.endswith("_pb2") and module.name != "example_plugins_pb2":
            file = importlib.import_module(f"{protocol.__name__}.{module.name}").DESCRIPTOR
            for message in file.message_types_by_name.values():
                walk(message)
    return found


def random_scalar(rng, field):
    i32, u32, i64, u64 = (-2**31, 2**31 - 1), (0, 2**32 - 1), (-2**63, 2**63 - 1), (0, 2**64 - 1)
    integers = {FD.TYPE_INT32: i32, FD.TYPE_SINT32: i32, FD.TYPE_SFIXED32: i32, FD.TYPE_UINT32: u32,
                FD.TYPE_FIXED32: u32, FD.TYPE_INT64: i64, FD.TYPE_SINT64: i64, FD.TYPE_SFIXED64: i64,
                FD.TYPE_UINT64: u64, FD.TYPE_FIXED64: u64}
    if field.type in integers:
        low, high = integers[field.type]
        return rng.choice([low, high, 0, 1, rng.randint(low, high), rng.randint(max(low, -300), 300)])
    if field.type == FD.TYPE_BOOL:
        return rng.random() < 0.5
    if field.type == FD.TYPE_ENUM:
        return rng.choice(field.enum_type.values).number
    if field.type == FD.TYPE_STRING:
        return "".join(rng.choice("aZ 0\u00e9\u20ac\U0001f600\0") for _ in range(rng.choice([0, 1, 5, 200])))
    if field.type == FD.TYPE_BYTES:
        return rng.randbytes(rng.choice([0, 1, 7, 300]))
    value = rng.choice([0.0, -0.0, 1.5, float("inf"), rng.uniform(-1e9, 1e9)])
    return struct.unpack("<f", struct.pack("<f", value))[0] if field.type == FD.TYPE_FLOAT else value


def fill(rng, message, depth):
    for field in message.DESCRIPTOR.fields:
        is_map = field.message_type is not None and field.message_type.GetOptions().map_entry
        if rng.random() < 0.5 or (field.message_type is not None and depth == 0):
            continue
        for _ in range(rng.choice([1, 2, 5]) if field.is_repeated else 1):
            if is_map:
                key = random_scalar(rng, field.message_type.fields_by_name["key"])
                value = field.message_type.fields_by_name["value"]
                if value.message_type is not None:
                    fill(rng, getattr(message, field.name)[key], depth - 1)
                else:
                    getattr(message, field.name)[key] = random_scalar(rng, value)
            elif field.message_type is not None:
                inner = getattr(message, field.name).add() if field.is_repeated else getattr(message, field.name)
                inner.SetInParent() if not field.is_repeated else None
                fill(rng, inner, depth - 1)
            elif field.is_repeated:
                getattr(message, field.name).append(random_scalar(rng, field))
            else:
                setattr(message, field.name, random_scalar(rng, field))


def test_random_messages_of_every_type(echo):
    rng = random.Random(20260801)
    n = 0
    for name, message_type in sorted(all_messages().items()):
        message = GetMessageClass(message_type)()
        fill(rng, message, 5)
        status, data = echo(name, message.SerializeToString())
        assert status == 0, (name, data)
        assert GetMessageClass(message_type).FromString(data) == message, name
        n += 1
    assert n > 300


def test_damaged_messages_are_judged_alike(echo):
    """A message with a few bytes changed is one for both, and then the same one, or for neither."""
    rng = random.Random(7)
    both = neither = 0
    cls = GetMessageClass(all_messages()["spark.connect.ExecutePlanRequest"])
    for _ in range(400):
        message = cls()
        fill(rng, message, 5)
        data = bytearray(message.SerializeToString()[:rng.choice([400, 4000])])
        for _ in range(rng.choice([1, 2])):
            if data:
                data[rng.randrange(len(data))] = rng.randrange(256)
        status, ours = echo(cls.DESCRIPTOR.full_name, bytes(data))
        try:
            theirs = cls.FromString(bytes(data))
        except Exception:
            theirs = None
        assert (status == 0) == (theirs is not None), (bytes(data), ours)
        if theirs is None:
            neither += 1
            continue
        theirs.DiscardUnknownFields()
        again = cls.FromString(ours)
        assert again.SerializeToString(deterministic=True) == theirs.SerializeToString(deterministic=True)
        both += 1
    assert both > 20 and neither > 20
