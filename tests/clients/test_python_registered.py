"""Functions of Python that a session registers: used by name from SQL and expressions, listed, dropped. Each
expectation is what Spark 4.3.0 answers (VONK_REMOTE asks it)."""
import pytest
from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

pd = pytest.importorskip("pandas")


def values(frame):
    return [tuple(row) for row in frame.collect()]


def condition(run):
    with pytest.raises(AnalysisException) as raised:
        run()
    return raised.value.getCondition()


@pytest.fixture
def session(server):
    own = SparkSession.builder.remote(server.remote).create()
    own.udf.register("plus_one", lambda x: x + 1, "int")
    yield own
    own.stop()


def test_in_sql(session):
    frame = session.sql("select plus_one(id), plus_one(x => 1) from range(2)")
    assert frame.columns == ["plus_one(id)", "plus_one(x => 1)"]
    assert values(frame) == [(1, 2), (2, 2)]
    assert session.sql("select PLUS_one(1)").columns == ["plus_one(1)"]
    assert values(session.sql("select id from range(4) where plus_one(id) > 2 order by plus_one(id) desc")) == [
        (3,), (2,)]
    assert values(session.sql("select plus_one(id), count(*) from range(3) group by plus_one(id) order by 1")) == [
        (1, 1), (2, 1), (3, 1)]
    assert values(session.sql("select system.session.plus_one(1), session.plus_one(1)")) == [(2, 2)]
    assert values(session.sql("with a as (select plus_one(2) y) select y from a")) == [(3,)]


def test_in_expressions(session):
    one = session.range(1)
    assert values(one.selectExpr("plus_one(id) + 1")) == [(2,)]
    assert values(one.select(F.call_udf("plus_one", "id"), F.call_function("plus_one", F.col("id")))) == [(1, 1)]
    session.sql("create temporary view v as select plus_one(id) x from range(3)")
    assert values(session.sql("select * from v")) == [(1,), (2,), (3,)]


def test_keywords(session):
    session.udf.register("kw", lambda a, b: a - b, "long")
    assert values(session.sql("select kw(b => 1, a => 5), kw(1, b => 3)")) == [(4, -2)]
    assert condition(lambda: session.sql("select kw(b => 1, 5)").collect()) == "UNEXPECTED_POSITIONAL_ARGUMENT"
    assert condition(lambda: session.sql("select kw(b => 1, b => 5)").collect()) == \
        "DUPLICATE_ROUTINE_PARAMETER_ASSIGNMENT.DOUBLE_NAMED_ARGUMENT_REFERENCE"


def test_kinds(session):
    session.udf.register("by_pandas", F.pandas_udf(lambda x: x * 2, "long"))
    session.udf.register("by_arrow", F.udf(lambda x: f"<{x}>", "string", useArrow=True))
    session.udf.register("nothing", lambda: 3)
    assert values(session.sql("select by_pandas(id), by_arrow(id), nothing() from range(2)")) == [
        (0, "<0>", "3"), (2, "<1>", "3")]


def test_names_that_are_taken(session):
    """A built-in function comes first; what is registered again replaces what was there."""
    session.udf.register("upper", lambda x: "mine", "string")
    assert values(session.sql("select upper('a'), session.upper('a')")) == [("A", "mine")]
    session.udf.register("Plus_One", lambda x: x + 100, "int")
    assert values(session.sql("select plus_one(1)")) == [(101,)]


def test_wrong_uses(session):
    for text in "builtin.plus_one(1)", "spark_catalog.default.plus_one(1)", "plus_two(1)":
        assert condition(lambda text=text: session.sql(f"select {text}").collect()) == "UNRESOLVED_ROUTINE"
    for text in "plus_one(distinct 1)", "plus_one(1) filter (where true)":
        assert condition(lambda text=text: session.sql(f"select {text}").collect()) == \
            "INVALID_SQL_SYNTAX.FUNCTION_WITH_UNSUPPORTED_SYNTAX"


def test_lists(session):
    assert values(session.sql("show functions like 'plus_o*'")) == [("plus_one",)]
    assert session.catalog.functionExists("plus_one") and not session.catalog.functionExists("plus_two")
    found = session.catalog.getFunction("plus_one")
    assert (found.name, found.namespace, found.description, found.isTemporary) == ("plus_one", None, "N/A.", True)
    assert [f.name for f in session.catalog.listFunctions() if f.name.startswith("plus_")] == ["plus_one"]
    lines = [line for line, in values(session.sql("describe function plus_one"))]
    assert lines[0] == "Function: spark_catalog.session.plus_one" and lines[-1] == "Usage: N/A."


def test_drop(session):
    session.sql("drop temporary function plus_one")
    assert condition(lambda: session.sql("select plus_one(1)").collect()) == "UNRESOLVED_ROUTINE"
    assert condition(lambda: session.sql("drop temporary function plus_one")) == "ROUTINE_NOT_FOUND"
    session.sql("drop temporary function if exists plus_one")


def test_of_this_session_only(server, session):
    other = SparkSession.builder.remote(server.remote).create()
    assert condition(lambda: other.sql("select plus_one(1)").collect()) == "UNRESOLVED_ROUTINE"
    other.stop()


def test_functions_of_java(session):
    assert condition(lambda: session.udf.registerJavaFunction("j", "com.example.Nowhere", "int")) == \
        "_LEGACY_ERROR_TEMP_1329"
    assert condition(lambda: session.udf.registerJavaUDAF("j", "com.example.Nowhere")) == "_LEGACY_ERROR_TEMP_1329"
