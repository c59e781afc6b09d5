"""The Py4J gateway with the real py4j library: collections, exceptions, names, secrets, callbacks, threads."""
import gc
import os
import socket
import threading
import time
from decimal import Decimal

import pytest
from py4j.java_gateway import (CallbackServerParameters, GatewayParameters, JavaGateway, JavaObject, get_method,
                               is_instance_of, java_import)
from py4j.protocol import Py4JError, Py4JJavaError

from gateway import Gateway
from server import SLOWER


@pytest.fixture(scope="module")
def process():
    running = Gateway()
    yield running
    assert running.stop() == 0


@pytest.fixture
def gateway(process):
    client = process.connect()
    yield client
    if client._callback_server:
        client.shutdown_callback_server()
    client.close()


@pytest.fixture
def jvm(gateway):
    return gateway.jvm


class Raw:
    """The wire itself."""

    def __init__(self, process, secret=None):
        self.socket = socket.create_connection(("127.0.0.1", process.port), timeout=20 * SLOWER)
        self.file = self.socket.makefile("rb")
        self.answer = self.ask(f"A\n{process.secret if secret is None else secret}\n")

    def ask(self, text):
        """The answer; empty when the connection has been closed."""
        try:
            self.socket.sendall(text.encode())
            return self.file.readline().decode()
        except (BrokenPipeError, ConnectionResetError):
            return ""

    def close(self):
        self.file.close()
        self.socket.close()


def start_callbacks(gateway):
    """As pyspark.java_gateway.ensure_callback_server_started does."""
    gateway.start_callback_server()
    port = gateway._callback_server.server_socket.getsockname()[1]
    server = JavaObject("GATEWAY_SERVER", gateway._gateway_client)
    server.resetCallbackClient(server.getCallbackClient().getAddress(), port)


# ---- values and collections

@pytest.mark.parametrize("value", [None, True, False, 0, -1, 2**31 - 1, -2**31, 2**31, 2**63 - 1, -2**63, 0.1, 1e300,
                                   float("inf"), float("-inf"), "", "a", "line\nline\r\\n\\", "\u20ac \U0001f600",
                                   b"", b"\x00\xff" * 3, bytearray(b"abcd"), Decimal("1.50"), Decimal("-1E-7")])
def test_values_come_back_as_they_went(jvm, value):
    values = jvm.java.util.ArrayList()
    values.add(value)
    back = values.get(0)
    assert back == value and (value is None or isinstance(back, bytes | bytearray) or type(back) is type(value))


def test_nan_comes_back(jvm):
    assert jvm.java.lang.Double.valueOf(float("nan")) != jvm.java.lang.Double.valueOf(float("nan"))


def test_a_large_text_comes_back(jvm):
    text = "wide\n\\" * 2_000_000
    values = jvm.java.util.ArrayList()
    values.add(text)
    assert values.get(0) == text


def test_a_list_is_pythons(gateway):
    values = gateway.jvm.java.util.ArrayList()
    values.extend([3, 1, 2])
    assert list(values) == [3, 1, 2] and len(values) == 3 and values[-1] == 2 and list(values[0:2]) == [3, 1]
    values.sort()
    assert str(values) == "[1, 2, 3]" and values.toString() == "[1, 2, 3]"
    values.reverse()
    values.insert(1, "x")
    assert list(values) == [3, "x", 2, 1] and "x" in values and values.index("x") == 1 and values.count(3) == 1
    del values[0]
    values[0] = None
    assert list(values) == [None, 2, 1] and values.pop() == 1
    assert list(values + values) == [None, 2, None, 2] and list(values * 2) == [None, 2, None, 2]
    values *= 3
    assert len(values) == 6
    values.remove(2)
    assert list(values) == [None, None, 2, None, 2]
    other = gateway.jvm.java.util.ArrayList()
    other.extend([None, None, 2, None, 2])
    assert values == other and hash(values) == hash(other)
    assert isinstance(values.getClass().getName(), str) and values.getClass().getName() == "java.util.ArrayList"


def test_a_map_keeps_javas_order(jvm):
    values = jvm.java.util.HashMap()
    for key in ("a", "b", 3, 2.5, True, None, "zeta", "alpha"):
        values[key] = "v"
    assert values.toString() == "{null=v, zeta=v, a=v, b=v, 3=v, 2.5=v, alpha=v, true=v}"  # as a JVM prints it
    assert len(values) == 8 and "a" in values and values["b"] == "v" and values["none"] is None
    del values["b"]
    assert "b" not in values and sorted(map(str, values.keySet())) == sorted(map(str, values))
    linked = jvm.java.util.LinkedHashMap()
    for key in ("z", "y", "x"):
        linked[key] = key
    assert list(linked) == ["z", "y", "x"] and [e.getKey() for e in linked.entrySet()] == ["z", "y", "x"]
    many = jvm.java.util.HashMap()
    for i in range(1000):
        many[i] = i
    assert list(many) == list(range(1000)) and get_method(many, "values")().size() == 1000


def test_a_set_is_pythons(jvm):
    values = jvm.java.util.HashSet()
    for v in ("a", "b", "a"):
        values.add(v)
    assert len(values) == 2 and set(values) == {"a", "b"} and "a" in values
    values.remove("a")
    assert set(values) == {"b"}
    with pytest.raises(KeyError):
        values.remove("a")


def test_arrays_of_any_type(gateway):
    numbers = gateway.new_array(gateway.jvm.int, 3)
    numbers[1] = 7
    assert list(numbers) == [0, 7, 0] and numbers.getClass().getName() == "[I" and list(numbers[1:]) == [7, 0]
    texts = gateway.new_array(gateway.jvm.java.lang.String, 2, 2)
    texts[0][1] = "x"
    assert texts[0][1] == "x" and texts[1][0] is None
    assert texts.getClass().getSimpleName() == "String[][]"
    assert gateway.jvm.java.util.Arrays.asList(texts[0]).toString() == "[null, x]"


def test_python_collections_are_converted(jvm):
    values = jvm.java.util.ArrayList([1, [2, 3], {"a": 4}])
    assert values.toString() == "[1, [2, 3], {a=4}]"
    deep = jvm.java.util.ArrayList()
    deep.add(deep)
    assert deep.toString() == "[(this Collection)]"


def test_nesting_has_a_limit(jvm):
    values = jvm.java.util.ArrayList()
    for _ in range(5000):
        outer = jvm.java.util.ArrayList()
        outer.add(values)
        values = outer
    with pytest.raises(Py4JJavaError) as raised:
        values.toString()
    assert raised.value.java_exception.getClass().getName() == "java.lang.StackOverflowError"


def test_changes_are_seen_by_iterators(jvm):
    values = jvm.java.util.ArrayList([1, 2, 3])
    steps = values.iterator()
    assert steps.next() == 1
    steps.remove()
    assert steps.next() == 2 and values.toString() == "[2, 3]"
    values.add(4)
    with pytest.raises(StopIteration):
        steps.next()


# ---- names

def test_names_resolve_as_in_java(gateway):
    jvm = gateway.jvm
    assert type(jvm.no.such.thing).__name__ == "JavaPackage"
    with pytest.raises(TypeError, match="'JavaPackage' object is not callable"):
        jvm.no.such.Thing()
    assert jvm.java.lang.Integer.MAX_VALUE == 2**31 - 1
    assert type(jvm.String).__name__ == "JavaClass" and type(jvm.HashMap).__name__ == "JavaPackage"
    java_import(jvm, "java.util.*")
    assert jvm.HashMap().size() == 0
    view = gateway.new_jvm_view("other")
    assert type(view.HashMap).__name__ == "JavaPackage"
    java_import(view, "java.util.HashMap")
    assert view.HashMap().size() == 0
    with pytest.raises(Py4JError, match="java.lang.Math.nothing does not exist in the JVM"):
        jvm.java.lang.Math.nothing()


def test_unknown_members_answer_as_py4j_does(jvm):
    values = jvm.java.util.ArrayList()
    with pytest.raises(Py4JError) as raised:
        values.foo("abc", 1, 2**40, True, 1.5, None, jvm.java.util.HashMap(), b"abc", Decimal(1))
    assert ("Method foo([class java.lang.String, class java.lang.Integer, class java.lang.Long, "
            "class java.lang.Boolean, class java.lang.Double, null, class java.util.HashMap, class [B, "
            "class java.math.BigDecimal]) does not exist") in str(raised.value)
    with pytest.raises(Py4JError, match=r"Method get\(\[class java.lang.String\]\) does not exist"):
        values.get("x")
    with pytest.raises(Py4JError, match=r"Constructor java.util.ArrayList\(\[class java.lang.String\]\) does not"):
        jvm.java.util.ArrayList("x")
    with pytest.raises(Py4JError, match="java.util.List"):
        jvm.java.util.List()


def test_overloads_are_chosen_by_cost(jvm):
    values = jvm.java.util.ArrayList([5, 6, 7, "x"])
    assert get_method(values, "remove")(0) == 5 and get_method(values, "remove")("x") is True
    assert list(values) == [6, 7]
    assert jvm.java.lang.String.valueOf(5) == "5" and jvm.java.lang.String.valueOf(2**40) == str(2**40)
    assert jvm.java.lang.String.valueOf(True) == "true" and jvm.java.lang.String.valueOf(1.0) == "1.0"
    assert jvm.java.lang.Math.abs(-5) == 5 and jvm.java.lang.Math.abs(-2**40) == 2**40
    with pytest.raises(Py4JError, match="does not exist"):
        jvm.java.lang.Math.abs("x")


def test_help_and_completion(gateway):
    values = gateway.jvm.java.util.ArrayList()
    assert {"add", "size", "getClass", "toString"} <= set(dir(values))
    page = gateway.help(values, display=False)
    assert page.startswith("Help on class ArrayList in package java.util:") and "|  add(int, Object) : void" in page
    assert "addAll" not in gateway.help(values, pattern="add(*", display=False)
    assert {"MAX_VALUE", "parseInt"} <= set(dir(gateway.jvm.java.lang.Integer))


# ---- exceptions

def test_exceptions_are_objects(gateway):
    values = gateway.jvm.java.util.ArrayList()
    with pytest.raises(Py4JJavaError) as raised:
        values.get(5)
    error = raised.value.java_exception
    assert error.getMessage() == "Index 5 out of bounds for length 0" and error.getCause() is None
    assert error.toString() == "java.lang.IndexOutOfBoundsException: Index 5 out of bounds for length 0"
    assert "java.lang.IndexOutOfBoundsException: Index 5" in str(raised.value)
    for fqn, is_one in (("java.lang.IndexOutOfBoundsException", True), ("java.lang.RuntimeException", True),
                        ("java.lang.Throwable", True), ("java.lang.IllegalArgumentException", False),
                        ("org.apache.spark.SparkThrowable", False)):
        assert is_instance_of(gateway, error, fqn) is is_one
    with pytest.raises(Py4JJavaError):
        is_instance_of(gateway, error, "no.such.Class")


def test_conditions_make_python_classes(gateway):
    """An error of the engine has condition, SQLSTATE and parameters, as pyspark asks for them."""
    java_import(gateway.jvm, "org.apache.spark.SparkConf")
    conf = gateway.jvm.SparkConf().setMaster("spark://elsewhere:7077").setAppName("a")
    with pytest.raises(Py4JJavaError) as raised:
        gateway.jvm.org.apache.spark.api.java.JavaSparkContext(conf)
    error, utils = raised.value.java_exception, gateway.jvm.org.apache.spark.api.python.PythonErrorUtils
    assert is_instance_of(gateway, error, "org.apache.spark.SparkThrowable")
    assert is_instance_of(gateway, error, "java.lang.UnsupportedOperationException")
    assert utils.getCondition(error) == "UNSUPPORTED_FEATURE" and utils.getSqlState(error) == "0A000"
    assert "spark://elsewhere:7077" in dict(utils.getMessageParameters(error))["feature"]
    assert list(utils.getQueryContext(error)) == []
    text = gateway.jvm.org.apache.spark.SparkThrowableHelper.getMessage("UNSUPPORTED_FEATURE",
                                                                       utils.getMessageParameters(error))
    assert text == error.getMessage()


# ---- the wire: secrets, limits, nonsense

def test_a_wrong_secret_is_refused(process):
    for secret in ("", "wrong", process.secret + "x", process.secret[:-1]):
        raw = Raw(process, secret)
        assert raw.answer == "!x\n" and raw.ask("c\nz:java.lang.System\ncurrentTimeMillis\ne\n") == ""
        raw.close()
    without = socket.create_connection(("127.0.0.1", process.port), timeout=20 * SLOWER)
    without.sendall(b"c\nz:java.lang.System\ncurrentTimeMillis\ne\n")
    assert without.recv(100) in (b"!x\n", b"")
    without.close()


def test_it_listens_on_loopback_only(process):
    with open("/proc/net/tcp", encoding="ascii") as table:
        mine = [line.split()[1] for line in table if line.split()[1].endswith(f":{process.port:04X}")]
    assert mine and all(address.startswith("0100007F:") for address in set(mine))


@pytest.mark.parametrize("text, answer", [
    ("q\n", "Unknown command received: q"), ("c\no1\nfoo\nq1\ne\n", "Command Part is unknown"),
    ("c\no1\nfoo\niabc\ne\n", "NumberFormatException"), ("c\no1\nfoo\nsa\\qb\ne\n", "Bad escape"),
    ("c\no1\nfoo\nj***=\ne\n", "Bad base64"), ("c\no1\nfoo\nd1x\ne\n", "NumberFormatException"),
    ("p\nro999999\ne\n", "NullPointerException"), ("a\ne\nj\ne\n", "not an array"), ("l\ns\nj\ne\n", "not a list"),
    ("a\nc\nsint\ni-1\ne\n", "NegativeArraySize"), ("c\no1\nx\n" + "n\n" * 5000 + "e\n", "too many arguments")])
def test_nonsense_ends_only_its_connection(process, text, answer):
    raw = Raw(process)
    got = raw.ask(text)
    assert got.startswith("!zs") and answer in got
    assert raw.ask("c\nz:java.lang.System\ncurrentTimeMillis\ne\n") == ""
    raw.close()
    raw = Raw(process)
    assert raw.ask("c\nz:java.lang.System\ncurrentTimeMillis\ne\n").startswith("!yL")
    raw.close()


def test_objects_that_are_gone(process):
    raw = Raw(process)
    assert "Target Object ID does not exist for this gateway :o99999999" in raw.ask("c\no99999999\nfoo\ne\n")
    made = raw.ask("i\njava.util.ArrayList\ne\n").strip()[3:]
    assert raw.ask(f"m\nd\n{made}\ne\n") == "!yv\n"
    assert "does not exist" in raw.ask(f"c\n{made}\nsize\ne\n")
    raw.close()


def test_the_finalizer_frees_objects(process, gateway):
    ids = [gateway.jvm.java.util.ArrayList()._get_object_id() for _ in range(50)]
    gc.collect()
    raw = Raw(process)
    end = time.monotonic() + 30 * SLOWER
    while any("does not exist" not in raw.ask(f"c\n{i}\nsize\ne\n") for i in ids):
        assert time.monotonic() < end, "objects are left over"
        time.sleep(0.1)
    raw.close()


# ---- threads

def test_each_thread_has_its_properties_and_all_share_objects(gateway):
    jvm, total, errors = gateway.jvm, gateway.jvm.java.util.ArrayList(), []
    jvm.java.lang.System.setProperty("test.shared", "yes")

    def work(i):
        try:
            for k in range(100):
                total.add(i * 100 + k)
            assert jvm.java.lang.System.getProperty("test.shared") == "yes"
        except BaseException as e:  # for the main thread to show
            errors.append(e)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not errors and sorted(total) == list(range(800))


# ---- callbacks

class Compare:
    def __init__(self, jvm=None):
        self.jvm, self.calls = jvm, 0

    def compare(self, a, b):
        self.calls += 1
        if self.jvm:  # commands while the gateway waits for this answer
            assert self.jvm.java.lang.Math.abs(-a) == a
        return (a < b) - (a > b)

    class Java:
        implements = ["java.util.Comparator"]


class Consumer:
    def __init__(self, do):
        self.accept = do

    class Java:
        implements = ["java.util.function.Consumer"]


class Predicate:
    def test(self, value):
        return value % 2 == 0

    class Java:
        implements = ["java.util.function.Predicate"]


def test_python_is_called_back(gateway):
    start_callbacks(gateway)
    values = gateway.jvm.java.util.ArrayList([3, 1, 2])
    order = Compare(gateway.jvm)
    get_method(values, "sort")(order)  # the sort of Python's lists hides Java's
    assert list(values) == [3, 2, 1] and order.calls >= 2
    seen = []
    values.forEach(Consumer(seen.append))
    assert seen == [3, 2, 1]
    assert values.removeIf(Predicate()) is True and list(values) == [3, 1]


def test_what_python_raises_comes_back(gateway):
    start_callbacks(gateway)
    values = gateway.jvm.java.util.ArrayList([1])

    def fail(_value):
        raise ValueError("from Python")

    with pytest.raises(Py4JJavaError, match="from Python"):
        values.forEach(Consumer(fail))
    assert list(values) == [1]


def test_calls_within_calls(gateway):
    start_callbacks(gateway)
    values, depth = gateway.jvm.java.util.ArrayList([1]), []

    def again(value):
        depth.append(value)
        if len(depth) < 20:
            values.forEach(Consumer(again))

    values.forEach(Consumer(again))
    assert len(depth) == 20
    changed = gateway.jvm.java.util.ArrayList([1, 2])
    with pytest.raises(Py4JJavaError, match="ConcurrentModificationException"):
        class Change(Compare):
            def compare(self, a, b):
                changed.add(3)
                return 0

        get_method(changed, "sort")(Change())


def test_proxies_that_nobody_holds_are_dropped(gateway):
    start_callbacks(gateway)
    pool = gateway.gateway_property.pool
    gateway.jvm.java.util.ArrayList([1]).forEach(Consumer(lambda v: None))
    for _ in range(3):
        gateway.jvm.java.lang.System.currentTimeMillis()
    assert len(pool) == 0


def test_unknown_interfaces_are_refused(gateway):
    class Unknown:
        class Java:
            implements = ["no.such.Interface"]
    with pytest.raises(Py4JError, match="no.such.Interface"):
        gateway.jvm.java.util.ArrayList([1]).forEach(Unknown())


def test_shared_connections():
    """PYSPARK_PIN_THREAD=false: py4j's JavaGateway, with a callback server that wants the secret too."""
    process = Gateway(PYSPARK_PIN_THREAD="false")
    gateway = JavaGateway(gateway_parameters=GatewayParameters(port=process.port, auth_token=process.secret,
                                                               auto_convert=True),
                          callback_server_parameters=CallbackServerParameters(port=0, eager_load=False, daemonize=True,
                                                                              daemonize_connections=True,
                                                                              auth_token=process.secret))
    start_callbacks(gateway)
    values = gateway.jvm.java.util.ArrayList([3, 1, 2])
    seen = []
    values.forEach(Consumer(lambda v: seen.append(gateway.jvm.java.lang.Math.abs(-v))))
    assert seen == [3, 1, 2]
    gateway.shutdown_callback_server()
    gateway.close()
    assert process.stop() == 0


def test_memory_has_a_limit():
    process = Gateway("--driver-memory", "64m")
    raw = Raw(process)
    assert "UNABLE_TO_ACQUIRE_MEMORY" in raw.ask("a\nc\nslong\ni2000000000\ne\n")
    raw.close()
    raw = Raw(process)
    made = raw.ask("i\njava.util.ArrayList\ne\n").strip()[3:]
    assert raw.ask(f"c\n{made}\nadd\nsx\ne\n") == "!ybtrue\n"
    for _ in range(40):
        answer = raw.ask(f"l\nm\n{made}\ni2\ne\n").strip()
        if not answer.startswith("!yl"):
            break
        made = answer[3:]
    assert "UNABLE_TO_ACQUIRE_MEMORY" in answer
    raw.close()
    raw = Raw(process)
    assert raw.ask("c\nz:java.lang.System\nnanoTime\ne\n").startswith("!yL")
    raw.close()
    assert process.stop() == 0


# ---- the end

def test_a_connection_is_cut(process):
    """What Ctrl-C sends: another connection's ports."""
    one, other = Raw(process), Raw(process)
    other.socket.sendall(f"z\n127.0.0.1\n{one.socket.getsockname()[1]}\n{process.port}\n".encode())
    assert one.file.readline() == b""
    one.close()
    other.close()


def test_shutdown_closes_and_end_of_input_ends():
    process = Gateway("--conf", "spark.some.key=value")
    gateway = process.connect()
    assert gateway.jvm.java.lang.System.getProperty("spark.some.key") == "value"
    gateway.shutdown()
    with pytest.raises(OSError):
        end = time.monotonic() + 20 * SLOWER
        while time.monotonic() < end:
            socket.create_connection(("127.0.0.1", process.port), timeout=5).close()
            time.sleep(0.05)
    assert process.process.poll() is None
    os.kill(process.process.pid, 2)  # Ctrl-C is Python's business
    time.sleep(0.1)
    assert process.process.poll() is None
    assert process.stop() == 0
