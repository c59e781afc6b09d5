"""What users get wrong, send too much of, or ask too much memory for: Spark's error and a server that goes on."""
import threading
import uuid

import grpc
import pytest
import pyspark.sql.connect.proto as pb
from pyspark.errors import AnalysisException, ArithmeticException, ParseException, PySparkException
from pyspark.sql import SparkSession, Window
from pyspark.sql import functions as sf
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from server import Server

TOO_DEEP = ("FAILED_TO_PARSE_TOO_COMPLEX", "54001")


def refused(run, condition, sqlstate):
    with pytest.raises(PySparkException) as raised:
        run()
    assert (raised.value.getCondition(), raised.value.getSqlState()) == (condition, sqlstate), str(raised.value)[:500]
    return raised.value


@pytest.fixture(autouse=True)
def unharmed(server, spark):
    yield
    assert spark.range(3).selectExpr("sum(id)").collect()[0][0] == 3


# --- wrong names, types, values: as SQL and as frames -----------------------------------------------------------------

SQL = [
    ("SELECT nope FROM range(1)", AnalysisException, "UNRESOLVED_COLUMN.WITH_SUGGESTION", "42703"),
    ("SELECT t.id FROM range(1) AS u", AnalysisException, "UNRESOLVED_COLUMN.WITH_SUGGESTION", "42703"),
    ("SELECT * FROM nowhere", AnalysisException, "TABLE_OR_VIEW_NOT_FOUND", "42P01"),
    ("SELECT nofunction(id) FROM range(1)", AnalysisException, "UNRESOLVED_ROUTINE", "42883"),
    ("SELECT 1 + array(1)", AnalysisException, "DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES", "42K09"),
    ("SELECT CAST(array(1) AS INT)", AnalysisException, "DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION", "42K09"),
    ("SELECT id FROM range(1) WHERE id + 1", AnalysisException, "DATATYPE_MISMATCH.FILTER_NOT_BOOLEAN", "42K09"),
    ("SELECT substring(1)", AnalysisException, "WRONG_NUM_ARGS.WITHOUT_SUGGESTION", "42605"),
    ("SELECT id, count(*) FROM range(1)", AnalysisException, "MISSING_GROUP_BY", "42803"),
    ("SELEC 1", ParseException, "PARSE_SYNTAX_ERROR", "42601"),
    ("SELECT id % (id - id) FROM range(1)", ArithmeticException, "REMAINDER_BY_ZERO", "22012"),
    ("SELECT id / (id - id) FROM range(1)", ArithmeticException, "DIVIDE_BY_ZERO", "22012"),
    ("SELECT id DIV (id - id) FROM range(1)", ArithmeticException, "DIVIDE_BY_ZERO", "22012"),
    ("SELECT id + 9223372036854775807 FROM range(2)", ArithmeticException, "ARITHMETIC_OVERFLOW", "22003"),
    ("SELECT sum(id + 9223372036854775806) FROM range(2)", ArithmeticException, "ARITHMETIC_OVERFLOW", "22003"),
    ("SELECT CAST(id + 300 AS TINYINT) FROM range(1)", ArithmeticException, "CAST_OVERFLOW", "22003"),
    ("SELECT CAST(id + 1000 AS DECIMAL(3, 1)) FROM range(1)", ArithmeticException,
     "NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION", "22003"),
    ("SELECT CAST(concat('x', id) AS INT) FROM range(1)", PySparkException, "CAST_INVALID_INPUT", "22018"),
    ("SELECT CAST('2024-13-01' AS DATE)", PySparkException, "CAST_INVALID_INPUT", "22018"),
    ("SELECT array(1, 2)[5]", PySparkException, "INVALID_ARRAY_INDEX", "22003"),
]


@pytest.mark.parametrize("text, error, condition, sqlstate", SQL, ids=[row[0] for row in SQL])
def test_wrong_sql(spark, text, error, condition, sqlstate):
    assert isinstance(refused(lambda: spark.sql(text).collect(), condition, sqlstate), error)


FRAMES = {
    "column": (lambda f: f.select("nope"), "UNRESOLVED_COLUMN.WITH_SUGGESTION", "42703"),
    "field": (lambda f: f.select(sf.struct("id").alias("s")).select("s.nope"), "FIELD_NOT_FOUND", "42704"),
    "function": (lambda f: f.select(sf.call_function("nofunction", "id")), "UNRESOLVED_ROUTINE", "42883"),
    "filter": (lambda f: f.filter(sf.col("id") + 1), "DATATYPE_MISMATCH.FILTER_NOT_BOOLEAN", "42K09"),
    "types": (lambda f: f.select(sf.col("id") + sf.array("id")), "DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES", "42K09"),
    "join": (lambda f: f.join(f.toDF("x"), "id"), "UNRESOLVED_USING_COLUMN_FOR_JOIN", "42703"),
    "union": (lambda f: f.union(f.selectExpr("id", "id")), "NUM_COLUMNS_MISMATCH", "42826"),
    "division": (lambda f: f.select(sf.col("id") / sf.lit(0)), "DIVIDE_BY_ZERO", "22012"),
    "overflow": (lambda f: f.select(sf.col("id") + sf.lit((1 << 63) - 1)), "ARITHMETIC_OVERFLOW", "22003"),
    "cast": (lambda f: f.select(sf.concat(sf.lit("x"), "id").cast("int")), "CAST_INVALID_INPUT", "22018"),
}


@pytest.mark.parametrize("name", FRAMES)
def test_wrong_frames(spark, name):
    make, condition, sqlstate = FRAMES[name]
    refused(lambda: make(spark.range(2)).collect(), condition, sqlstate)


WINDOWS = {  # a frame is looked at before the function
    "literal, range": (lambda: sf.lit(1).over(Window.rangeBetween(1, 10)),
                       "DATATYPE_MISMATCH.RANGE_FRAME_WITHOUT_ORDER", "42K09"),
    "literal, rows": (lambda: sf.lit(1).over(Window.rowsBetween(1, 10)), "UNSUPPORTED_EXPR_FOR_WINDOW", "42P20"),
    "literal, partitions": (lambda: sf.lit(1).over(Window.partitionBy("id")), "UNSUPPORTED_EXPR_FOR_WINDOW", "42P20"),
    "literal, ordered": (lambda: sf.lit(1).over(Window.orderBy("id").rangeBetween(1, 10)),
                         "UNSUPPORTED_EXPR_FOR_WINDOW", "42P20"),
    "literal, turned": (lambda: sf.lit(1).over(Window.orderBy("id").rowsBetween(10, 1)),
                        "DATATYPE_MISMATCH.SPECIFIED_WINDOW_FRAME_WRONG_COMPARISON", "42K09"),
    "column": (lambda: sf.col("id").over(Window.rangeBetween(1, 10)),
               "DATATYPE_MISMATCH.RANGE_FRAME_WITHOUT_ORDER", "42K09"),
    "scalar": (lambda: sf.upper(sf.lit("a")).over(Window.rangeBetween(1, 10)),
               "DATATYPE_MISMATCH.RANGE_FRAME_WITHOUT_ORDER", "42K09"),
    "aggregate": (lambda: sf.sum("id").over(Window.rangeBetween(1, 10)),
                  "DATATYPE_MISMATCH.RANGE_FRAME_WITHOUT_ORDER", "42K09"),
    "rank": (lambda: sf.row_number().over(Window.rangeBetween(1, 10)), "WINDOW_FUNCTION_FRAME_NOT_ORDERED", "42601"),
}


@pytest.mark.parametrize("name", WINDOWS)
def test_wrong_windows(spark, name):
    make, condition, sqlstate = WINDOWS[name]
    refused(lambda: spark.range(3).select(make()).collect(), condition, sqlstate)


# --- too deep ---------------------------------------------------------------------------------------------------------

DEPTH = 10000
SHALLOW = 40  # what the client can read: its types are nested as deep
DEEP_SQL = {
    "parentheses": "(" * DEPTH + "1" + ")" * DEPTH,
    "not": "NOT " * DEPTH + "true",
    "minus": "- " * DEPTH + "1",
    "array": "array(" * DEPTH + ")" * DEPTH,
    "function": "abs(" * DEPTH + "1" + ")" * DEPTH,
    "case": "CASE WHEN true THEN " * DEPTH + "1" + " END" * DEPTH,
    "cast": "CAST(" * DEPTH + "1" + " AS INT)" * DEPTH,
    "lambda": "transform(array(1), x -> " * DEPTH + "1" + ")" * DEPTH,
    "subquery": "(SELECT " * DEPTH + "1" + ")" * DEPTH,
    "plus": " + ".join(["1"] * DEPTH),
    "and": " AND ".join(["true"] * DEPTH),
}


@pytest.mark.parametrize("name", DEEP_SQL)
def test_deep_sql(spark, name):
    """A chain of one operator is as long as its text, so it may also be answered."""
    frame = f"SELECT {DEEP_SQL[name]} AS x"
    if name in ("plus", "and"):
        try:
            assert spark.sql(frame).collect()[0].x in (DEPTH, True)
            return
        except PySparkException as error:
            assert (error.getCondition(), error.getSqlState()) == TOO_DEEP
            return
    refused(lambda: spark.sql(frame).collect(), *TOO_DEEP)


def field(message, name, data):
    """A field of bytes, by hand: Python's own library nests only as deep as its stack."""
    number, size, out = message.DESCRIPTOR.fields_by_name[name].number, len(data), b""
    for value in (number << 3 | 2, size):
        while value > 127:
            out, value = out + bytes([value & 127 | 128]), value >> 7
        out += bytes([value])
    return out + data


def call_of(name, *arguments):
    function = pb.Expression.UnresolvedFunction
    inside = field(function, "function_name", name.encode())
    return field(pb.Expression, "unresolved_function",
                 inside + b"".join(field(function, "arguments", a) for a in arguments))


def cast_of(expression):
    return field(pb.Expression, "cast", field(pb.Expression.Cast, "expr", expression) +
                 field(pb.Expression.Cast, "type_str", b"int"))


def alias_of(expression):
    return field(pb.Expression, "alias", field(pb.Expression.Alias, "expr", expression) +
                 field(pb.Expression.Alias, "name", b"a"))


ROWS = pb.Relation(range=pb.Range(start=0, end=2, step=1)).SerializeToString()
ID = pb.Expression(unresolved_attribute=pb.Expression.UnresolvedAttribute(unparsed_identifier="id"))
ID = ID.SerializeToString()
ONE = pb.Expression(literal=pb.Expression.Literal(integer=1)).SerializeToString()
TRUE = pb.Expression(literal=pb.Expression.Literal(boolean=True)).SerializeToString()
DEEP_EXPRESSIONS = {
    "negative": (lambda e: call_of("negative", e), ID),
    "constants": (lambda e: call_of("negative", e), ONE),
    "not": (lambda e: call_of("not", e), TRUE),
    "plus, left": (lambda e: call_of("+", e, ONE), ID),
    "plus, right": (lambda e: call_of("+", ONE, e), ID),
    "and": (lambda e: call_of("and", e, TRUE), TRUE),
    "array": (lambda e: call_of("array", e), ID),
    "when": (lambda e: call_of("when", TRUE, e, ID), ID),
    "cast": (cast_of, ID),
    "alias": (alias_of, ID),
}


def over(name, more=b""):
    """Relations whose first field is their input."""
    message = pb.Relation.DESCRIPTOR.fields_by_name[name].message_type._concrete_class
    return lambda relation: field(pb.Relation, name, field(message, "input", relation) + more)


DEEP_RELATIONS = {
    "project": over("project", field(pb.Project, "expressions", ID)),
    "filter": over("filter", field(pb.Filter, "condition", TRUE)),
    "alias": over("subquery_alias", field(pb.SubqueryAlias, "alias", b"t")),
    "limit": over("limit", pb.Limit(limit=5).SerializeToString()),
    "sort": over("sort", pb.Sort(is_global=True).SerializeToString()),
}


@pytest.fixture(scope="module")
def execute(server):
    """Sends a relation's bytes; returns (condition, SQLSTATE), or the number of rows."""
    channel = grpc.insecure_channel(server.remote.removeprefix("sc://"))
    call = channel.unary_stream("/spark.connect.SparkConnectService/ExecutePlan",
                                response_deserializer=pb.ExecutePlanResponse.FromString)
    session = str(uuid.uuid4())

    def run(relation):
        request = pb.ExecutePlanRequest(session_id=session, user_context=pb.UserContext(user_id="deep"),
                                        operation_id=str(uuid.uuid4())).SerializeToString()
        plan = field(pb.Plan, "root", relation)
        try:
            return sum(r.arrow_batch.row_count for r in call(request + field(pb.ExecutePlanRequest, "plan", plan)))
        except grpc.RpcError as error:
            info = error_details_pb2.ErrorInfo()
            assert rpc_status.from_call(error), error
            assert rpc_status.from_call(error).details[0].Unpack(info), error
            return info.metadata.get("errorClass"), info.metadata.get("sqlState")

    yield run
    channel.close()


LIMITS = [TOO_DEEP, ("CONNECT_INVALID_PLAN.CANNOT_PARSE", "56K00"), ("UNSUPPORTED_FEATURE", "0A000")]


def nested(around, inside, levels):
    for _ in range(levels):
        inside = around(inside)
    return inside


@pytest.mark.parametrize("name", DEEP_EXPRESSIONS)
def test_deep_expressions(execute, name):
    around, leaf = DEEP_EXPRESSIONS[name]
    for levels in (SHALLOW, 900, DEPTH):
        answer = execute(over("project", field(pb.Project, "expressions", nested(around, leaf, levels)))(ROWS))
        assert answer in LIMITS or (levels < DEPTH and answer == 2), (levels, answer)
        assert levels > SHALLOW or answer == 2, answer


@pytest.mark.parametrize("name", DEEP_RELATIONS)
def test_deep_relations(execute, name):
    for levels in (SHALLOW, 900, DEPTH):
        answer = execute(nested(DEEP_RELATIONS[name], ROWS, levels))
        assert answer in LIMITS or (levels < DEPTH and answer == 2), (levels, answer)
        assert levels > SHALLOW or answer == 2, answer


# --- too much ---------------------------------------------------------------------------------------------------------

def test_hundred_megabytes_of_sql(spark):
    """Answered, or refused for its size; not lost, and nothing of it stays."""
    for text, value in [("SELECT '" + "x" * (100 << 20) + "' IS NULL AS a", False),
                        ("SELECT 1 " + " " * (100 << 20) + "AS a", 1)]:
        assert spark.sql(text).collect()[0].a == value


def twice(columns, levels):
    for _ in range(levels):
        columns = f"SELECT *, * FROM ({columns})"
    return columns


def described(statistics, levels):
    """Each has a column more than the one before."""
    def make(frame):
        for i in range(levels):
            frame = frame.summary(*statistics).withColumnRenamed("summary", f"s{i}")
        return frame
    return make


def doubled(body, levels):
    """Each table is made of two of the one before."""
    tables = ", ".join(f"t{i + 1} AS ({body.format(i)})" for i in range(levels))
    return f"WITH t0 AS (SELECT 1 AS a), {tables} SELECT count(*) FROM t{levels}"


LARGE = {  # small requests for plans that grow with the square, or twice with each level
    "statistics": described([], 100),
    "counts": described(["count"], 200),
    "columns": lambda f: f.sparkSession.sql(twice("SELECT 1 AS a", 20)),
    "joins": lambda f: f.sparkSession.sql(doubled("SELECT x.a FROM t{0} AS x JOIN t{0} AS y ON x.a = y.a", 18)),
    "unions": lambda f: f.sparkSession.sql(doubled("SELECT * FROM t{0} UNION ALL SELECT * FROM t{0}", 18)),
}


@pytest.fixture(scope="module")
def small():
    server = Server("--memory", "256m", "--threads", "2", name="small")
    spark = SparkSession.builder.remote(server.remote).create()
    yield spark
    spark.stop()
    assert server.stop() == 0, server.tail()


@pytest.mark.parametrize("name", LARGE)
def test_large_plans(small, name):
    """Refused, before much time or memory is spent."""
    refused(lambda: LARGE[name](small.range(2)).collect(), *TOO_DEEP)
    assert small.range(3).count() == 3


def test_wide_frames(small):
    """What people do with many columns goes well within the limit; literals do not count."""
    wide = small.range(3).select([(sf.col("id") + i).alias(f"c{i}") for i in range(500)])
    rows = wide.summary().collect()
    assert [r.summary for r in rows] == ["count", "mean", "stddev", "min", "25%", "50%", "75%", "max"]
    assert [rows[k].c499 for k in range(8)] == ["3", "500.0", "1.0", "499", "499", "500", "501", "501"]
    values = ", ".join(str(i) for i in range(0, 40_000, 2))
    assert small.sql(f"SELECT count(*) FROM range(100) WHERE id IN ({values})").collect()[0][0] == 50


# --- too little memory ------------------------------------------------------------------------------------------------

HUNGRY = "SELECT count(c) FROM (SELECT collect_list(repeat(cast(id AS STRING), 50)) AS c FROM range(100000000))"


def test_one_query_without_memory(unharmed):
    """It is refused, as often as it is asked; queries of another session go on beside it, and none of them fails."""
    server = Server("--memory", "256m", "--threads", "2", name="memory")
    answers, ended = [], threading.Event()
    hungry = SparkSession.builder.remote(server.remote).create()
    modest = SparkSession.builder.remote(server.remote).create()

    def go_on():
        while not ended.is_set():
            try:
                answers.append(modest.range(1_000_000).selectExpr("max(cast(id as string))").collect()[0][0])
            except PySparkException as error:
                answers.append(str(error))

    other = threading.Thread(target=go_on)
    other.start()
    try:
        for _ in range(3):
            error = refused(lambda: hungry.sql(HUNGRY).collect(), "UNABLE_TO_ACQUIRE_MEMORY", "53200")
            assert int(error.getMessageParameters()["requestedBytes"]) > 0
        large = hungry.sql("SELECT repeat('x', 2000000000) AS x")
        refused(large.collect, "UNABLE_TO_ACQUIRE_MEMORY", "53200")
        assert hungry.range(10).count() == 10
    finally:
        ended.set()
        other.join()
    assert answers and set(answers) == {"999999"}, set(answers)
    hungry.stop()
    modest.stop()
    assert server.stop() == 0, server.tail()
