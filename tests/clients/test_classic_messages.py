"""Functions and operators of classic PySpark make the messages that the client of Connect sends: both are asked for the
same calls (classic_messages.py), each in a process of its own, since pyspark is either classic or a client."""
import json
import os
import subprocess
import sys

from gateway import without_java
from server import SLOWER

PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "classic_messages.py")
# Where pyspark itself differs: 1 + a is a + 1 in classic; a sample that only one of them takes.
DIFFERENT = {"1+a", "log 1"}
SEEDED = {"count_min_sketch", "rand", "randn", "randstr", "shuffle", "uniform", "uuid"}


def answers(mode, env):
    command = [sys.executable, PROGRAM, mode]
    done = subprocess.run(command, env=env, text=True, capture_output=True, timeout=120 * SLOWER)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def same_form(message):
    """Without what does not count: where it was written, explicit defaults, numbers of lambda variables, seeds; the
    precision of decimals, which the client of Connect does not look for."""
    kind, fields = message.DESCRIPTOR.name, message.DESCRIPTOR.fields_by_name
    if kind == "Expression":
        message.ClearField("common")
    for name in ("is_metadata_column", "is_distinct", "is_user_defined_function", "is_internal"):
        if name in fields and not getattr(message, name):
            message.ClearField(name)
    if kind == "UnresolvedNamedLambdaVariable":
        message.name_parts[0] = message.name_parts[0].split("_")[0]
    if kind == "Decimal":
        message.ClearField("precision")
        message.ClearField("scale")
    if kind == "UnresolvedFunction" and message.function_name in SEEDED and len(message.arguments):
        last = message.arguments[-1].literal
        if last.HasField("long") or last.HasField("integer"):
            message.arguments[-1].literal.long = 0
    for field, value in message.ListFields():
        if field.type == field.TYPE_MESSAGE:
            for inner in value if field.is_repeated else [value]:
                same_form(inner)
    return message


def test_calls_make_the_messages_of_connect():
    from pyspark.sql.connect import proto
    classic = answers("classic", without_java(PYTHONHASHSEED="0"))
    connect = answers("connect", {k: v for k, v in os.environ.items() if not k.startswith("SPARK_")})
    assert classic.keys() == connect.keys()
    wrong, equal = [], 0
    for call, answer in connect.items():
        own = classic[call]
        try:
            messages = [same_form(proto.Expression.FromString(bytes.fromhex(text))) for text in (own, answer)]
        except ValueError:  # somebody refused; then both do
            if call not in DIFFERENT and own.split(":")[0] != answer.split(":")[0]:
                wrong.append(f"{call}: {own} but {answer}")
            continue
        equal += messages[0] == messages[1]
        if messages[0] != messages[1] and call not in DIFFERENT:
            wrong.append(f"{call}: {messages[0]} but {messages[1]}")
    assert not wrong, "\n".join(wrong)
    assert equal > 800
