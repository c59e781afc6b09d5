"""Prints what every function of pyspark.sql.functions makes of sample arguments, as messages of Spark Connect: one JSON
object, call -> hexadecimal Expression, or the exception's name. `classic_messages.py classic|connect`.

Classic columns have a method for this (vonkMessage); the client of Connect makes messages without a server."""
import inspect
import json
import sys

# Arguments by name where the annotation does not say enough; by annotation otherwise.
BY_NAME = {"schema": "a INT", "json": '{"a":1}', "csv": "1,a", "xml": "<a>1</a>", "pairs": None, "path": "$.a",
           "windowDuration": "1 day", "slideDuration": "12 hours", "startTime": "1 hour", "gapDuration": "5 minutes",
           "mode": "GCM", "format": "yyyy", "unit": "DAY", "charset": "utf-8", "numBits": 256, "fmt": "%d",
           "percentage": 0.5, "accuracy": 100, "probability": 0.5, "numBuckets": 4, "funcName": "abs", "udfName": "abs",
           "collation": "UTF8_BINARY", "targetType": "int", "lgConfigK": 12, "k": 10}
LAMBDAS = {1: lambda x: x, 2: lambda x, y: x + y, 3: lambda x, y, z: x + y + z}


def sample(name, annotation, column):
    """Some value of a parameter, or KeyError."""
    text = str(annotation)
    if "Callable" in text:
        arity = 1 if "[Column], Column" in text else 2
        return LAMBDAS[3 if "[Column, Column, Column]" in text else arity]
    if name in BY_NAME and BY_NAME[name] is not None:
        return BY_NAME[name]
    if "ColumnOrName" in text or "Column" in text:
        return column("a_" + name)
    if "bool" in text:
        return True
    if "int" in text:
        return 3
    if "float" in text:
        return 0.25
    if "str" in text and "Mapping" not in text and "Dict" not in text:
        return "s"
    if "Mapping" in text or "Dict" in text:
        return {"mode": "FAILFAST"}
    if "Any" in text or "Literal" in text:
        return 1
    raise KeyError(name)


def argument_lists(function, column):
    """With what must be given; then with one more of what may be given, and so on; then two of what may repeat."""
    parameters = list(inspect.signature(function).parameters.values())
    plain = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    several = [p for p in parameters if p.kind == p.VAR_POSITIONAL]
    values = [sample(p.name, p.annotation, column) for p in plain]
    least = sum(p.default is p.empty for p in plain)
    for n in range(least, len(plain) + 1):
        yield values[:n]
    for p in several:
        yield values + [sample(p.name, p.annotation, column)] * 2


SKIPPED = {"broadcast", "udf", "udtf", "pandas_udf", "arrow_udf", "arrow_udtf", "unwrap_udt", "from_avro", "to_avro",
           "lit"}
LITERALS = """None True 1 -5 2**40 1.5 'a' b"ab" Decimal("1.50") Decimal("-0.001") datetime.date(2020,1,2)
datetime.timedelta(1,2,3) datetime.time(1,2,3)""".split()
COLUMNS = """a+1 a-1 a*2 a/2 a%2 a**2 2-a 2/a 1+a -a ~a a==1 a!=1 a<1 a<=b a>b a>=1 a&b a|b a.eqNullSafe(1) a.isNull()
a.isNotNull() a.isNaN() a.like("x") a.rlike("x") a.ilike("x") a.contains("x") a.startswith("x") a.endswith(b)
a.substr(1,2) a.isin(1,2) a.isin([]) a.between(1,2) a[0] a["x"] a.getField("x") a.withField("x",b)
a.dropFields("x","y") a.alias("x") a.alias("x","y") a.alias("x",metadata={"k":1}) a.cast("int") a.cast(LongType())
a.try_cast("int") a.asc() a.desc() a.asc_nulls_last() a.desc_nulls_first() a.bitwiseAND(3) a.bitwiseOR(b)
a.bitwiseXOR(1) F.when(a>1,b).when(b>2,"x").otherwise(None) F.sum(a).over(W.partitionBy("p").orderBy("o"))
F.sum(a).over(W.orderBy(b.desc()).rowsBetween(-1,W.currentRow))
F.sum(a).over(W.orderBy(b).rangeBetween(W.unboundedPreceding,5)) F.col("*") F.col("x.*") F.expr("a+1")
F.transform(a,lambda(x):F.transform(x,lambda(y):x+y))""".split()


def calls(functions, column):
    for name in sorted(functions.__all__ if hasattr(functions, "__all__") else dir(functions)):
        function = getattr(functions, name, None)
        if name in SKIPPED or name.startswith("_") or not inspect.isfunction(function):
            continue
        try:
            lists = list(argument_lists(function, column))
        except KeyError as e:
            yield f"{name}: no sample for {e}", None
            continue
        for n, args in enumerate(lists):
            yield f"{name} {n}", lambda function=function, args=args: function(*args)


def main():
    classic = sys.argv[1] == "classic"
    import datetime
    from decimal import Decimal
    from pyspark.sql.types import LongType
    import pyspark.sql.functions as names
    if classic:
        from pyspark.sql import SparkSession, Window as W, functions as F
        session = SparkSession.builder.master("local[1]").getOrCreate()
    else:
        from pyspark.sql.connect.functions import builtin as F
        from pyspark.sql.connect.window import Window as W

    def message(column):
        if classic:
            return bytes(column._jc.vonkMessage()).hex()
        return column._expr.to_plan(None).SerializeToString().hex()

    F.__all__ = names.__all__
    space = {"F": F, "W": W, "a": F.col("a"), "b": F.col("b"), "datetime": datetime, "Decimal": Decimal,
             "LongType": LongType}
    todo = list(calls(F, F.col))
    for text in COLUMNS:
        code = text.replace("lambda(x)", "lambda x").replace("lambda(y)", "lambda y")
        todo.append((text, lambda code=code: eval(code, space)))
    todo += [(f"lit({text})", lambda text=text: F.lit(eval(text, space))) for text in LITERALS]
    answers = {}
    for name, call in todo:
        try:
            answers[name] = message(call()) if call else "skipped"
        except Exception as e:
            answers[name] = f"{type(e).__name__}: {str(e)[:200]}"
    print(json.dumps(answers))
    if classic:
        session.stop()


if __name__ == "__main__":
    main()
