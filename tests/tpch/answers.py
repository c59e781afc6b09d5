"""Expected answers as text: one CSV file per query, its header a list of name:type, in Spark's type names.

NULL is \\N, a date ISO 8601, a double its shortest exact form, a decimal all of its digits.
"""
import csv
import datetime
import decimal
import math
import os

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.join(HERE, "answers")
TOLERANCE = 1e-9           # of doubles, relative: sums may be formed in another order


def sql_of(number):
    with open(os.path.join(HERE, f"q{number:02}.sql"), encoding="utf-8") as text:
        return text.read()


def text_of(value):
    if value is None:
        return "\\N"
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, (datetime.date, int, str)):
        return str(value)
    raise TypeError(f"no text for a {type(value).__name__}")


def header_of(df):
    return [f"{field.name}:{field.dataType.simpleString()}" for field in df.schema.fields]


def write(number, df):
    os.makedirs(FOLDER, exist_ok=True)
    with open(os.path.join(FOLDER, f"q{number:02}.csv"), "w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(header_of(df))
        out.writerows([text_of(value) for value in row] for row in df.collect())


def read(number):
    """(header, rows), all as text."""
    with open(os.path.join(FOLDER, f"q{number:02}.csv"), encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    return rows[0], rows[1:]


def same_value(kind, got, wanted):
    if got == wanted or kind not in ("double", "float") or "\\N" in (got, wanted):
        return got == wanted
    return math.isclose(float(got), float(wanted), rel_tol=TOLERANCE)


def difference(number, df):
    """What is wrong with a DataFrame's answer: names, types, rows and their order; None when nothing is."""
    header, wanted = read(number)
    if header_of(df) != header:
        return f"columns are {header_of(df)}, expected {header}"
    got = [[text_of(value) for value in row] for row in df.collect()]
    if len(got) != len(wanted):
        return f"{len(got)} rows, expected {len(wanted)}"
    kinds = [name.partition(":")[2] for name in header]
    for at, (got_row, wanted_row) in enumerate(zip(got, wanted)):
        if not all(same_value(*cell) for cell in zip(kinds, got_row, wanted_row)):
            return f"row {at} is {got_row}, expected {wanted_row}"
    return None
