#!/usr/bin/env python3
"""Runs the .calls files of this folder (README.md says what they look like) and compares with what they hold.

    run.py [--vonk PROGRAM] [FILE...]         against `vonk server`, one session a file
    run.py --remote sc://HOST:PORT [FILE...]  against another Spark Connect server; --record writes its answers
"""
import argparse
import contextlib
import datetime
import decimal
import io
import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "clients")]

from records import (File, add_arguments, compare_or_record, ended, error_lines, escaped,  # noqa: E402  (beside this
                     session)                                                             # folder)
from sanitizers import Reports  # noqa: E402

REPORTS = Reports()


# --- answers as lines -----------------------------------------------------------------------------------------------

def type_text(type_, nullable=True):
    """A type as Spark writes it, with the nullability of all that it holds."""
    from pyspark.sql import types as T
    if isinstance(type_, T.ArrayType):
        text = f"array<{type_text(type_.elementType, type_.containsNull)}>"
    elif isinstance(type_, T.MapType):
        text = f"map<{type_text(type_.keyType)},{type_text(type_.valueType, type_.valueContainsNull)}>"
    elif isinstance(type_, T.StructType):
        text = f"struct<{','.join(f'{f.name}:{type_text(f.dataType, f.nullable)}' for f in type_)}>"
    else:
        text = type_.simpleString()
    return text if nullable else text + " not null"


def frame_lines(frame):
    fields = frame.schema.fields
    head = " | ".join(escaped(f"{f.name}: {type_text(f.dataType, f.nullable)}") for f in fields)
    return [head or "no columns"] + [" | ".join(escaped(repr(v)) for v in row) or "no cells" for row in frame.collect()]


def value_lines(value):
    from pyspark.sql import DataFrame
    from pyspark.sql.types import Row
    if isinstance(value, DataFrame):
        return frame_lines(value)
    if isinstance(value, list) and value and isinstance(value[0], Row):
        return [escaped(repr(row)) for row in value]
    return [escaped(repr(value))] if value is not None else []


def ask(names, text):
    """What a call prints (each line behind "> "), and its value. Text that is no expression is only done."""
    from pyspark.errors import PySparkException
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            try:
                code = compile(text, "call", "eval")
            except SyntaxError:
                exec(compile(text, "call", "exec"), names)
                lines = []
            else:
                lines = value_lines(eval(code, names))
    except PySparkException as e:
        lines = error_lines(e)
    except (NameError, SyntaxError) as e:
        raise SystemExit(f"the file's own mistake, in {text!r}: {e}") from e
    except Exception as e:  # PySpark itself raises such as ValueError
        lines = [f"error {type(e).__name__} -"]
    return [f"> {line}".rstrip() for line in printed.getvalue().splitlines()] + lines


def ask_server(url, file):
    """Raw answers, a list of lines for each record, and where they come from."""
    from pyspark.sql import Row, Window, functions, types
    spark, origin = session(url, file)
    names = {"spark": spark, "F": functions, "T": types, "Row": Row, "Window": Window, "Decimal": decimal.Decimal,
             "datetime": datetime}
    answers = [ask(names, r.text) for r in file.records]
    spark.stop()
    return answers, origin


# --- running --------------------------------------------------------------------------------------------------------

@contextlib.contextmanager
def remote(arguments):
    """The address of the server to ask: the given one, or Vonk's for as long as the files run."""
    if arguments.remote:
        yield arguments.remote
        return
    os.environ["VONK"] = str(pathlib.Path(arguments.vonk).resolve())
    from server import Server
    # As many partitions as real Spark had, for its order of rows, and its zone.
    own = Server("--conf", "spark.default.parallelism=2", name="frames", env={"TZ": "UTC"})
    yield own.remote
    if own.stop() != 0:
        raise RuntimeError(f"the server did not end well: {own.tail()}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser)
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    arguments = parser.parse_args()
    if arguments.record and not arguments.remote:
        parser.error("only a server's answers are recorded: --remote")
    total = bad = 0
    with remote(arguments) as url:
        for path in arguments.files or sorted(HERE.rglob("*.calls")):
            file = File(path.resolve(), "call")
            n, wrong = compare_or_record(file, *ask_server(url, file), arguments)
            total, bad = total + n, bad + wrong
            if wrong:
                print(f"{path.name}: {n - wrong} passed, {wrong} failed")
    for report in REPORTS.take():
        print(report)
        total, bad = total + 1, bad + 1
    REPORTS.close()
    return ended(total, bad)


if __name__ == "__main__":
    sys.exit(main())
