"""Spark Connect's protocol around plans: operations, sessions, errors, artifacts.

The backend (connect_fake.c) does what a SQL text says, so that these tests need no engine; the messages are the
client's own."""
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import uuid
import zlib

import grpc
import pytest
import pyspark.sql.connect.proto as pb
import pyspark.sql.connect.proto.base_pb2_grpc as pb_grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from server import BUILD, SLOWER

OPTIONS = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1),
           ("grpc.use_local_subchannel_pool", 1)]
MB = 1 << 20


class FakeServer:
    def __init__(self, **settings):
        program = os.path.join(BUILD, "tests", "clients", "connect_fake")
        keys = [f"{key.replace('__', '.')}={value}" for key, value in settings.items()]
        self.folder = tempfile.mkdtemp(prefix="vonk-fake-")
        self.process = subprocess.Popen([program, *keys], stdout=subprocess.PIPE, text=True,
                                        env=dict(os.environ, TMPDIR=self.folder))
        self.port = int(self.process.stdout.readline())
        self.channel = grpc.insecure_channel(f"localhost:{self.port}", OPTIONS)
        self.stub = pb_grpc.SparkConnectServiceStub(self.channel)

    def session(self, **how):
        return Session(self, **how)

    def stop(self):
        """Asks it to stop; it must, and must have given back all its memory."""
        self.channel.close()
        self.process.terminate()
        assert self.process.wait(timeout=20 * SLOWER) == 0
        assert self.process.stdout.read() == "stopped 0\n"
        os.rmdir(self.folder)


class Session:
    def __init__(self, server, user="me", session_id=None):
        self.server, self.stub = server, server.stub
        self.id = session_id or str(uuid.uuid4())
        self.user = user

    def ids(self, **more):
        return dict(session_id=self.id, user_context=pb.UserContext(user_id=self.user), **more)

    def plan(self, text, **more):
        request = pb.ExecutePlanRequest(**self.ids(operation_id=str(uuid.uuid4())))
        request.plan.root.sql.query = text
        for key, value in more.items():
            getattr(request, key).extend(value) if isinstance(value, list) else setattr(request, key, value)
        return request

    def execute(self, text, reattachable=True, **more):
        """The operation's id and its stream of responses."""
        request = self.plan(text, **more)
        if reattachable:
            request.request_options.add().reattach_options.reattachable = True
        return request.operation_id, self.stub.ExecutePlan(request)

    def reattach(self, operation, after=None):
        request = pb.ReattachExecuteRequest(**self.ids(operation_id=operation))
        if after is not None:
            request.last_response_id = after
        return self.stub.ReattachExecute(request)

    def release(self, operation, until=None):
        request = pb.ReleaseExecuteRequest(**self.ids(operation_id=operation))
        if until is None:
            request.release_all.SetInParent()
        else:
            request.release_until.response_id = until
        return self.stub.ReleaseExecute(request)

    def interrupt(self, kind, **more):
        types = pb.InterruptRequest.InterruptType
        request = pb.InterruptRequest(**self.ids(interrupt_type=types.Value(f"INTERRUPT_TYPE_{kind}"), **more))
        return self.stub.Interrupt(request)

    def states(self, *operations):
        request = pb.GetStatusRequest(**self.ids())
        request.operation_status.operation_ids.extend(operations)
        names = pb.GetStatusResponse.OperationStatus.OperationState.Name
        response = self.stub.GetStatus(request)
        return {s.operation_id: names(s.state).removeprefix("OPERATION_STATE_") for s in response.operation_statuses}

    def wait_state(self, operation, state):
        end = time.monotonic() + 10 * SLOWER
        while self.states(operation)[operation] != state:
            assert time.monotonic() < end, self.states(operation)
            time.sleep(0.005)

    def memory(self):
        """Bytes that the server's budget has given out."""
        request = pb.AnalyzePlanRequest(**self.ids())
        request.tree_string.plan.root.sql.query = "memory"
        return int(self.stub.AnalyzePlan(request).tree_string.tree_string)

    def config(self, kind, **fields):
        request = pb.ConfigRequest(**self.ids())
        getattr(request.operation, kind).SetInParent()
        for key, value in fields.items():
            getattr(getattr(request.operation, kind), key).extend(value)
        return self.stub.Config(request)

    def server_side_id(self):
        return self.config("get_all").server_side_session_id

    def release_session(self):
        return self.stub.ReleaseSession(pb.ReleaseSessionRequest(**self.ids()))

    def add_artifacts(self, *requests):
        return self.stub.AddArtifacts(iter(requests))


def small(session, name, data, crc=None):
    request = pb.AddArtifactsRequest(**session.ids())
    artifact = request.batch.artifacts.add(name=name)
    artifact.data.data = data
    artifact.data.crc = zlib.crc32(data) if crc is None else crc
    return request


class Failure:
    """What a client makes of an error: condition, classes, parameters, id for the details."""

    def __init__(self, error):
        self.code, self.message = error.code(), error.details()
        self.status = rpc_status.from_call(error)
        self.condition = self.classes = self.parameters = self.error_id = None
        if self.status is None:
            return
        info = error_details_pb2.ErrorInfo()
        assert self.status.details[0].Unpack(info)
        assert info.domain == "org.apache.spark"
        self.classes = json.loads(info.metadata["classes"])
        assert info.reason == self.classes[0]
        self.condition = info.metadata.get("errorClass")
        self.sqlstate = info.metadata.get("sqlState")
        self.parameters = json.loads(info.metadata.get("messageParameters", "null"))
        self.error_id = info.metadata.get("errorId")


def failure(call):
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return Failure(caught.value)


def condition(call):
    return failure(call).condition


@pytest.fixture(scope="module")
def server():
    server = FakeServer()
    yield server
    server.stop()


@pytest.fixture()
def session(server):
    session = server.session()
    yield session
    session.release_session()


# --- operations ------------------------------------------------------------------------------------------------------

def test_reattachable_stream(session):
    operation, stream = session.execute("batches 5 1000")
    responses = list(stream)
    assert [r.WhichOneof("response_type") for r in responses] == ["arrow_batch"] * 5 + ["result_complete"]
    assert {r.session_id for r in responses} == {session.id}
    assert {r.operation_id for r in responses} == {operation}
    assert {r.server_side_session_id for r in responses} == {session.server_side_id()}
    assert len({r.response_id for r in responses}) == 6 and all(r.response_id for r in responses)
    for i, response in enumerate(responses[:5]):
        assert response.arrow_batch.data == bytes([97 + i]) * 1000
        assert (response.arrow_batch.row_count, response.arrow_batch.start_offset) == (1, i)
        assert not response.arrow_batch.HasField("chunk_index")
    session.release(operation)


def test_stream_without_reattaching(session):
    operation, stream = session.execute("batches 3 10", reattachable=False)
    assert [r.WhichOneof("response_type") for r in stream] == ["arrow_batch"] * 3
    assert condition(lambda: next(session.reattach(operation))) == "INVALID_HANDLE.OPERATION_NOT_FOUND"
    time.sleep(0.1)
    assert session.states(operation)[operation] == "SUCCEEDED"  # that is known for half an hour


def test_sql_command_echoes_its_relation(session):
    request = session.plan("")
    request.plan.command.sql_command.input.sql.query = "select 1"
    request.plan.command.sql_command.input.sql.named_arguments["x"].literal.integer = 7
    responses = list(session.stub.ExecutePlan(request))
    assert responses[0].sql_command_result.relation == request.plan.command.sql_command.input


def test_server_makes_an_operation_id(session):
    request = session.plan("batches 1 1")
    request.ClearField("operation_id")
    response = next(session.stub.ExecutePlan(request))
    assert uuid.UUID(response.operation_id)


def test_reattach_from_anywhere(session):
    operation, stream = session.execute("batches 6 100")
    ids = [r.response_id for r in stream]
    assert [r.response_id for r in session.reattach(operation)] == ids
    for i, after in enumerate(ids):
        assert [r.response_id for r in session.reattach(operation, after)] == ids[i + 1:]
    for wrong in str(uuid.uuid4()), ids[0][:-1] + "f", "":
        assert condition(lambda: next(session.reattach(operation, wrong))) == "INVALID_CURSOR.POSITION_NOT_FOUND"
    session.release(operation)
    session.release(operation)
    assert condition(lambda: next(session.reattach(operation))) == "INVALID_HANDLE.OPERATION_NOT_FOUND"
    assert "INVALID_HANDLE.OPERATION_NOT_FOUND" in failure(lambda: next(session.reattach(operation))).message


def test_released_responses_are_gone(session):
    operation, stream = session.execute("batches 6 100")
    ids = [r.response_id for r in stream]
    assert session.release(operation, until=ids[2]).operation_id == operation
    assert [r.response_id for r in session.reattach(operation, ids[2])] == ids[3:]
    assert [r.response_id for r in session.reattach(operation, ids[4])] == ids[5:]
    lost = failure(lambda: next(session.reattach(operation)))
    assert lost.condition == "INVALID_CURSOR.POSITION_NOT_AVAILABLE" and lost.parameters["index"] == "1"
    session.release(operation, until=ids[2])
    session.release(operation)
    session.release(operation, until=ids[5])


def test_call_goes_operation_stays(session):
    operation, stream = session.execute("batches 300 100000")
    got = [next(stream) for _ in range(7)]
    stream.cancel()
    rest = list(session.reattach(operation, got[-1].response_id))
    everything = got + rest
    assert [r.arrow_batch.start_offset for r in everything[:-1]] == list(range(300))
    assert everything[-1].HasField("result_complete")
    session.release(operation)


def test_operation_runs_while_nobody_listens(session):
    operation, stream = session.execute("sleep 300")
    stream.cancel()
    session.wait_state(operation, "TERMINATING")
    assert [r.WhichOneof("response_type") for r in session.reattach(operation)] == ["result_complete"]
    session.release(operation)
    assert session.states(operation) == {operation: "SUCCEEDED"}


def test_second_reader_disconnects_the_first(session):
    operation, first = session.execute("sleep 500")
    second = session.reattach(operation)
    lost = failure(lambda: next(first))
    assert lost.condition == "INVALID_CURSOR.DISCONNECTED" and lost.code == grpc.StatusCode.INTERNAL
    assert next(second).HasField("result_complete")
    session.release(operation)


def test_operation_ids(session):
    request = session.plan("batches 1 1")
    request.operation_id = "not-a-uuid"
    assert condition(lambda: next(session.stub.ExecutePlan(request))) == "INVALID_HANDLE.FORMAT"
    operation, stream = session.execute("batches 1 1")
    list(stream)
    again = session.plan("batches 1 1")
    again.operation_id = operation.upper()
    assert condition(lambda: next(session.stub.ExecutePlan(again))) == "INVALID_HANDLE.OPERATION_ALREADY_EXISTS"
    session.release(operation)


def test_not_reattachable(session):
    operation, stream = session.execute("sleep 300", reattachable=False)
    session.wait_state(operation, "RUNNING")
    assert condition(lambda: next(session.reattach(operation))) == "INVALID_CURSOR.NOT_REATTACHABLE"
    assert condition(lambda: session.release(operation)) == "INVALID_CURSOR.NOT_REATTACHABLE"
    assert list(stream) == []
    operation, stream = session.execute("sleep 100000", reattachable=False)
    session.wait_state(operation, "RUNNING")
    stream.cancel()  # nobody can come back for it
    session.wait_state(operation, "CANCELLED")


# --- interrupts ------------------------------------------------------------------------------------------------------

def test_interrupt_all(session):
    started = [session.execute("sleep 100000") for _ in range(5)]
    for operation, _ in started:
        session.wait_state(operation, "RUNNING")
    start = time.monotonic()
    assert sorted(session.interrupt("ALL").interrupted_ids) == sorted(operation for operation, _ in started)
    for _, stream in started:
        stopped = failure(lambda: next(stream))
        assert (stopped.condition, stopped.sqlstate) == ("OPERATION_CANCELED", "HY008")
    assert time.monotonic() - start < 0.5 * SLOWER
    assert list(session.interrupt("ALL").interrupted_ids) == []
    for operation, _ in started:
        assert condition(lambda: next(session.reattach(operation))) == "OPERATION_CANCELED"
        session.release(operation)
        assert session.states(operation) == {operation: "CANCELLED"}


def test_interrupt_by_tag_and_id(session):
    one, stream_one = session.execute("sleep 100000", tags=["a", "b"])
    two, stream_two = session.execute("sleep 100000", tags=["b", "c"])
    for operation in one, two:
        session.wait_state(operation, "RUNNING")
    assert list(session.interrupt("TAG", operation_tag="x").interrupted_ids) == []
    assert list(session.interrupt("TAG", operation_tag="a").interrupted_ids) == [one]
    assert condition(lambda: next(stream_one)) == "OPERATION_CANCELED"
    assert list(session.interrupt("OPERATION_ID", operation_id=str(uuid.uuid4())).interrupted_ids) == []
    assert list(session.interrupt("OPERATION_ID", operation_id=two).interrupted_ids) == [two]
    assert condition(lambda: next(stream_two)) == "OPERATION_CANCELED"
    assert condition(lambda: session.interrupt("TAG")).endswith("INTERRUPT_TYPE_TAG_REQUIRES_TAG")
    assert condition(lambda: session.interrupt("OPERATION_ID")).endswith("INTERRUPT_TYPE_OPERATION_ID_REQUIRES_ID")
    assert condition(lambda: session.interrupt("UNSPECIFIED")) == "UNSUPPORTED_FEATURE.INTERRUPT_TYPE"


def test_interrupt_one_that_does_not_listen(session):
    operation, stream = session.execute("deaf 200")
    session.wait_state(operation, "RUNNING")
    assert list(session.interrupt("ALL").interrupted_ids) == [operation]
    assert condition(lambda: next(stream)) == "OPERATION_CANCELED"
    session.release(operation)


def test_interrupt_one_that_waits_for_its_turn(session):
    running = [session.execute("sleep 100000") for _ in range(20)]  # as many as run at once
    operation, stream = session.execute("batches 1 1")
    time.sleep(0.1)
    assert session.states(operation) == {operation: "RUNNING"}
    assert list(session.interrupt("OPERATION_ID", operation_id=operation).interrupted_ids) == [operation]
    assert condition(lambda: next(stream)) == "OPERATION_CANCELED"
    version = session.stub.AnalyzePlan(pb.AnalyzePlanRequest(**session.ids(spark_version={})))
    assert version.spark_version.version == "fake"  # analysis does not wait for operations
    session.interrupt("ALL")
    for _, stream in running:
        assert condition(lambda: next(stream)) == "OPERATION_CANCELED"


def test_status(session):
    unknown = str(uuid.uuid4())
    operation, stream = session.execute("fail x")
    failure(lambda: next(stream))
    session.wait_state(operation, "TERMINATING")
    session.release(operation)
    assert session.states(operation, unknown, operation) == {operation: "FAILED", unknown: "UNKNOWN"}
    assert session.states() == {operation: "FAILED"}


# --- errors ----------------------------------------------------------------------------------------------------------

def fetch(session, error_id):
    return session.stub.FetchErrorDetails(pb.FetchErrorDetailsRequest(**session.ids(error_id=error_id)))


def test_error_and_its_details(session):
    _, stream = session.execute("fail some \u20ac text")
    error = failure(lambda: next(stream))
    assert error.code == grpc.StatusCode.INTERNAL
    assert (error.condition, error.sqlstate) == ("DIVIDE_BY_ZERO", "22012")
    assert error.classes[:2] == ["org.apache.spark.SparkArithmeticException", "java.lang.ArithmeticException"]
    assert error.parameters == {"config": "some \u20ac text"}
    details = fetch(session, error.error_id)
    assert details.HasField("root_error_idx") and details.root_error_idx == 0
    assert details.server_side_session_id == session.server_side_id()
    assert list(details.errors[0].error_type_hierarchy) == error.classes
    assert details.errors[0].message == error.message
    assert dict(details.errors[0].spark_throwable.message_parameters) == error.parameters
    nothing = fetch(session, str(uuid.uuid4()))
    assert not nothing.HasField("root_error_idx") and not nothing.errors


def test_large_errors_arrive_every_time(session):
    for size in [500, 1000, 2000, 3000, 5000, 8000, 100000] * 5:
        _, stream = session.execute(f"large {size}", reattachable=False)
        error = failure(lambda: next(stream))
        assert error.code == grpc.StatusCode.INTERNAL and error.classes, size
        assert len(error.message) <= 2048
        message = fetch(session, error.error_id).errors[0].message
        assert "L" * size in message and message.startswith(error.message)


def test_unsupported_has_its_name(session):
    error = failure(lambda: session.stub.AnalyzePlan(pb.AnalyzePlanRequest(**session.ids(persist={}))))
    assert error.condition == "UNSUPPORTED_FEATURE" and error.parameters == {"feature": "this analysis"}
    error = failure(lambda: session.stub.AnalyzePlan(pb.AnalyzePlanRequest(**session.ids())))
    assert error.condition == "CONNECT_INVALID_PLAN.UNKNOWN_ANALYZE_METHOD"
    error = failure(lambda: next(session.stub.ExecutePlan(pb.ExecutePlanRequest(**session.ids()))))
    assert error.condition == "CONNECT_INVALID_PLAN.INVALID_ONE_OF_FIELD_NOT_SET"
    assert error.parameters == {"fullName": "spark.connect.Plan", "name": "OPTYPE_NOT_SET"}


def field(number, data):
    """A message field by hand: Python's own library does not nest as deep as these tests go."""
    size, out = len(data), bytes([number << 3 | 2])
    while size > 127:
        out, size = out + bytes([size & 127 | 128]), size >> 7
    return out + bytes([size]) + data


def deep_relation(levels):
    relation = b""
    for _ in range(levels):  # Relation{limit Limit{input ...}}
        relation = field(8, field(1, relation))
    return relation


def test_deep_plans_are_refused(server, session):
    call = server.channel.unary_stream("/spark.connect.SparkConnectService/ExecutePlan",
                                       response_deserializer=pb.ExecutePlanResponse.FromString)

    def request(levels):
        frame = pb.ExecutePlanRequest(**session.ids(operation_id=str(uuid.uuid4()))).SerializeToString()
        return frame + field(3, field(1, deep_relation(levels)))

    assert condition(lambda: next(call(request(1000)))) == "UNSUPPORTED_FEATURE"  # read; the fake has no limits
    refused = failure(lambda: next(call(request(10000))))
    assert refused.condition == "CONNECT_INVALID_PLAN.CANNOT_PARSE" and "deeper" in refused.message
    nonsense = failure(lambda: next(call(b"\x0a\xff\xff")))
    assert nonsense.condition == "CONNECT_INVALID_PLAN.CANNOT_PARSE"


# --- plans, results --------------------------------------------------------------------------------------------------

def compressed(session, text, operation_type="OP_TYPE_RELATION"):
    import zstandard
    relation = pb.Relation()
    relation.sql.query = text
    plan = pb.Plan()
    plan.compressed_operation.data = zstandard.ZstdCompressor().compress(relation.SerializeToString())
    plan.compressed_operation.op_type = pb.Plan.CompressedOperation.OpType.Value(operation_type)
    plan.compressed_operation.compression_codec = pb.COMPRESSION_CODEC_ZSTD
    return plan


def test_compressed_plans(session):
    request = session.plan("")
    request.plan.CopyFrom(compressed(session, "batches 2 5"))
    assert [r.arrow_batch.data for r in session.stub.ExecutePlan(request)] == [b"aaaaa", b"bbbbb"]
    tree = pb.AnalyzePlanRequest(**session.ids())
    tree.tree_string.plan.CopyFrom(compressed(session, "x" * 300000))
    assert session.stub.AnalyzePlan(tree).tree_string.tree_string == "x" * 300000
    tree.tree_string.plan.compressed_operation.data = b"nonsense"
    assert condition(lambda: session.stub.AnalyzePlan(tree)) == "CONNECT_INVALID_PLAN.CANNOT_PARSE"
    tree.tree_string.plan.CopyFrom(compressed(session, "x", "OP_TYPE_UNSPECIFIED"))
    assert condition(lambda: session.stub.AnalyzePlan(tree)) == "CONNECT_INVALID_PLAN.CANNOT_PARSE"


def test_compressed_bomb():
    server = FakeServer(spark__connect__maxPlanSize="1000000")
    try:
        session = server.session()
        request = session.plan("")
        request.plan.CopyFrom(compressed(session, "x" * 100 * MB))
        assert condition(lambda: next(session.stub.ExecutePlan(request))) == \
            "CONNECT_INVALID_PLAN.PLAN_SIZE_LARGER_THAN_MAX"
        assert session.memory() < MB
    finally:
        server.stop()


def chunked(session, text, **options):
    request = session.plan(text)
    request.request_options.add().result_chunking_options.CopyFrom(pb.ResultChunkingOptions(**options))
    return [r.arrow_batch for r in session.stub.ExecutePlan(request)]


def test_result_chunks(session):
    whole, = chunked(session, "batches 1 100000", allow_arrow_batch_chunking=True)
    assert not whole.HasField("num_chunks_in_batch")
    parts = chunked(session, "batches 2 100000", allow_arrow_batch_chunking=True, preferred_arrow_chunk_size=30000)
    assert [(p.chunk_index, p.num_chunks_in_batch) for p in parts] == [(i, 4) for i in range(4)] * 2
    assert {(p.row_count, p.start_offset) for p in parts[:4]} == {(1, 0)}
    assert b"".join(p.data for p in parts[4:]) == b"b" * 100000
    tiny = chunked(session, "batches 1 5000", allow_arrow_batch_chunking=True, preferred_arrow_chunk_size=1)
    assert len(tiny) == 5
    alone, = chunked(session, "batches 1 100000", allow_arrow_batch_chunking=False, preferred_arrow_chunk_size=1000)
    assert len(alone.data) == 100000


def test_slow_reader_holds_the_producer_back(session):
    before = session.memory()
    operation, stream = session.execute("batches 300 1000000")
    first = next(stream)
    end = time.monotonic() + 10 * SLOWER
    while session.memory() < before + 8 * MB and time.monotonic() < end:
        time.sleep(0.01)
    time.sleep(0.5)
    assert 8 * MB < session.memory() - before < 30 * MB
    session.wait_state(operation, "RUNNING")
    assert first.arrow_batch.start_offset == 0
    assert sum(1 for _ in stream) == 300
    session.release(operation)


def test_kept_responses_are_bounded():
    server = FakeServer(spark__connect__execute__reattachable__observerRetryBufferSize="10000")
    try:
        session = server.session()
        operation, stream = session.execute("batches 20 3000")
        ids = [r.response_id for r in stream]
        assert condition(lambda: next(session.reattach(operation))) == "INVALID_CURSOR.POSITION_NOT_AVAILABLE"
        assert [r.response_id for r in session.reattach(operation, ids[17])] == ids[18:]
    finally:
        server.stop()


def test_long_streams_are_cut():
    server = FakeServer(spark__connect__execute__reattachable__senderMaxStreamDuration="300ms",
                        spark__connect__session__manager__maintenanceInterval="100ms",
                        spark__connect__execute__reattachable__senderMaxStreamSize="2500")
    try:
        session = server.session()
        operation, stream = session.execute("sleep 1000")
        assert list(stream) == []  # the client is to come again
        end = time.monotonic() + 5 * SLOWER
        while not (rest := list(session.reattach(operation))):
            assert time.monotonic() < end
        assert rest[-1].HasField("result_complete")
        operation, stream = session.execute("batches 5 1000")
        first = list(stream)
        assert len(first) == 3
        second = list(session.reattach(operation, first[-1].response_id))
        assert [r.WhichOneof("response_type") for r in second] == ["arrow_batch", "arrow_batch", "result_complete"]
    finally:
        server.stop()


def test_progress():
    server = FakeServer()
    try:
        session = server.session()
        session.config("set", pairs=[pb.KeyValue(key="spark.connect.progress.reportInterval", value="100ms")])
        _, stream = session.execute("progress 550")
        responses = list(stream)
        reports = [r.execution_progress for r in responses if r.HasField("execution_progress")]
        assert 3 <= len(reports) <= 6 and reports[0].stages[0].num_tasks == 3 and reports[0].num_inflight_tasks == 2
        assert responses[-1].HasField("result_complete")
    finally:
        server.stop()


# --- sessions --------------------------------------------------------------------------------------------------------

def test_session_identity(server):
    session, same, other = server.session(), None, server.session(user="you")
    same = server.session(session_id=session.id)
    mine = session.server_side_id()
    assert uuid.UUID(mine) and mine != session.id
    assert same.server_side_id() == mine
    other.id = session.id
    assert other.server_side_id() != mine
    changed = pb.ConfigRequest(**session.ids(client_observed_server_side_session_id=str(uuid.uuid4())))
    changed.operation.get_all.SetInParent()
    assert condition(lambda: session.stub.Config(changed)) == "INVALID_HANDLE.SESSION_CHANGED"
    changed.client_observed_server_side_session_id = mine
    assert session.stub.Config(changed).session_id == session.id
    nameless = server.session(user="")
    assert nameless.server_side_id()
    assert condition(server.session(session_id="x").server_side_id) == "INVALID_HANDLE.FORMAT"
    assert condition(server.session(user="nobody").server_side_id) == "UNSUPPORTED_FEATURE"
    for one in session, other, nameless:
        one.release_session()


def test_released_session_stays_closed(server):
    session = server.session()
    mine = session.server_side_id()
    _, stream = session.execute("sleep 100000")
    assert session.release_session().server_side_session_id == mine
    stopped = failure(lambda: next(stream))
    assert stopped.condition in ("OPERATION_CANCELED", "INVALID_HANDLE.OPERATION_ABANDONED")
    assert condition(session.server_side_id) == "INVALID_HANDLE.SESSION_CLOSED"
    assert condition(lambda: session.release(str(uuid.uuid4()))) == "INVALID_HANDLE.SESSION_CLOSED"
    assert condition(lambda: next(session.reattach(str(uuid.uuid4())))) == "INVALID_HANDLE.SESSION_CLOSED"
    assert session.release_session().session_id == session.id
    never = server.session()
    assert condition(lambda: never.release(str(uuid.uuid4()))) == "INVALID_HANDLE.SESSION_NOT_FOUND"


def test_sessions_are_limited():
    server = FakeServer()
    try:
        sessions = [server.session() for _ in range(50)]
        for session in sessions:
            session.server_side_id()
        too_many = server.session()
        assert condition(too_many.server_side_id) == "UNABLE_TO_ACQUIRE_MEMORY"
        sessions[0].release_session()
        assert too_many.server_side_id()
    finally:
        server.stop()


def test_idle_sessions_and_forgotten_operations_expire():
    server = FakeServer(spark__connect__session__manager__defaultSessionTimeout="600ms",
                        spark__connect__session__manager__maintenanceInterval="100ms",
                        spark__connect__execute__manager__detachedTimeout="200ms")
    try:
        session, idle = server.session(), server.session()
        idle.server_side_id()
        operation, stream = session.execute("sleep 100000")
        session.wait_state(operation, "RUNNING")
        stream.cancel()
        session.wait_state(operation, "CANCELLED")
        assert condition(lambda: next(session.reattach(operation))) == "INVALID_HANDLE.OPERATION_ABANDONED"
        again = session.plan("batches 1 1")
        again.operation_id = operation
        assert condition(lambda: next(session.stub.ExecutePlan(again))) == "INVALID_HANDLE.OPERATION_ABANDONED"
        _, busy = session.execute("sleep 1500")
        time.sleep(1)
        assert condition(idle.server_side_id) == "INVALID_HANDLE.SESSION_CLOSED"
        assert next(busy).HasField("result_complete")  # a session with a running operation is in use
    finally:
        server.stop()


def test_a_session_is_idle_from_the_end_of_its_last_operation_on():
    server = FakeServer(spark__connect__session__manager__defaultSessionTimeout="800ms",
                        spark__connect__session__manager__maintenanceInterval="50ms")
    try:
        session = server.session()
        side = session.server_side_id()
        list(session.execute("sleep 1200", reattachable=False)[1])  # whoever may come again releases: a call of its own
        time.sleep(0.3)  # several looks of the server
        assert session.server_side_id() == side
        time.sleep(1.5)
        assert condition(session.server_side_id) == "INVALID_HANDLE.SESSION_CLOSED"
    finally:
        server.stop()


def test_session_that_only_uploads_expires():
    server = FakeServer(spark__connect__session__manager__defaultSessionTimeout="300ms",
                        spark__connect__session__manager__maintenanceInterval="100ms")
    try:
        session = server.session()
        session.add_artifacts(small(session, "cache/a", b"x"))
        time.sleep(1)
        assert condition(session.server_side_id) == "INVALID_HANDLE.SESSION_CLOSED"
    finally:
        server.stop()


def test_config(session):
    def pairs(response):
        return {p.key: p.value if p.HasField("value") else None for p in response.pairs}

    partitions, own = "spark.sql.shuffle.partitions", "my.own.key"
    session.config("set", pairs=[pb.KeyValue(key=partitions, value="7"), pb.KeyValue(key=own, value="1")])
    assert pairs(session.config("get", keys=[own, partitions, "spark.sql.ansi.enabled"])) == \
        {own: "1", partitions: "7", "spark.sql.ansi.enabled": "true"}
    error = failure(lambda: session.config("get", keys=["no.such.key"]))
    assert (error.condition, error.sqlstate) == ("SQL_CONF_NOT_FOUND", "42K0I")
    assert error.classes[0] == "org.apache.spark.SparkNoSuchElementException"
    assert pairs(session.config("get_option", keys=["no.such.key", own])) == {"no.such.key": None, own: "1"}
    defaults = [pb.KeyValue(key="no.such.key", value="d"), pb.KeyValue(key=own, value="d"), pb.KeyValue(key="other")]
    assert pairs(session.config("get_with_default", pairs=defaults)) == {"no.such.key": "d", own: "1", "other": None}
    assert pairs(session.config("get_all")) == {own: "1", partitions: "7"}
    everything = pb.ConfigRequest(**session.ids())
    everything.operation.get_all.prefix = "my."
    assert pairs(session.stub.Config(everything)) == {"own.key": "1"}
    modifiable = pairs(session.config("is_modifiable", keys=[partitions, "spark.sql.warehouse.dir", "no.such.key"]))
    assert modifiable == {partitions: "true", "spark.sql.warehouse.dir": "false", "no.such.key": "false"}
    static = [pb.KeyValue(key="spark.sql.warehouse.dir", value="/x"), pb.KeyValue(key="silent.key", value="y")]
    assert condition(lambda: session.config("set", pairs=static)) == "CANNOT_MODIFY_STATIC_CONFIG"
    silent = pb.ConfigRequest(**session.ids())
    silent.operation.set.pairs.extend(static)
    silent.operation.set.silent = True
    assert len(session.stub.Config(silent).warnings) == 1
    assert pairs(session.config("get", keys=["silent.key"])) == {"silent.key": "y"}
    bad = [pb.KeyValue(key="spark.sql.ansi.enabled", value="maybe")]
    assert condition(lambda: session.config("get_with_default", pairs=bad)) == "INVALID_CONF_VALUE.TYPE_MISMATCH"
    null = [pb.KeyValue(key="a.b")]
    assert failure(lambda: session.config("set", pairs=null)).classes[0] == "java.lang.IllegalArgumentException"
    session.config("set", pairs=[pb.KeyValue(key="my.PassWord", value="x"), pb.KeyValue(key="jdbc", value="?token=1")])
    assert pairs(session.config("get_option", keys=["my.PassWord", "jdbc"])) == {"my.PassWord": None, "jdbc": None}
    assert condition(lambda: session.config("get", keys=["my.PassWord"])) == "SQL_CONF_NOT_FOUND"
    assert set(pairs(session.config("get_all"))) == {own, partitions, "silent.key"}
    session.config("unset", keys=[own])
    assert pairs(session.config("get_option", keys=[own])) == {own: None}
    assert condition(lambda: session.stub.Config(pb.ConfigRequest(**session.ids()))) == \
        "CONNECT_INVALID_PLAN.INVALID_ONE_OF_FIELD_NOT_SET"


def test_clone(server, session):
    session.config("set", pairs=[pb.KeyValue(key="my.key", value="1")])
    session.add_artifacts(small(session, "cache/abc", b"content"))
    new_id = str(uuid.uuid4())
    response = session.stub.CloneSession(pb.CloneSessionRequest(**session.ids(new_session_id=new_id)))
    assert response.new_session_id == new_id and response.session_id == session.id
    copy = server.session(session_id=new_id)
    assert copy.server_side_id() == response.new_server_side_session_id != response.server_side_session_id
    session.config("set", pairs=[pb.KeyValue(key="my.key", value="2")])
    assert copy.config("get", keys=["my.key"]).pairs[0].value == "1"
    assert [r.arrow_batch.data for r in copy.execute("artifact cache/abc", reattachable=False)[1]] == [b"content"]

    def clone(target):
        request = pb.CloneSessionRequest(**session.ids(new_session_id=target))
        return condition(lambda: session.stub.CloneSession(request))

    assert clone(new_id) == "INVALID_CLONE_SESSION_REQUEST.TARGET_SESSION_ID_ALREADY_EXISTS"
    assert clone("x") == "INVALID_CLONE_SESSION_REQUEST.TARGET_SESSION_ID_FORMAT"
    copy.release_session()
    assert clone(new_id) == "INVALID_CLONE_SESSION_REQUEST.TARGET_SESSION_ID_ALREADY_CLOSED"


# --- artifacts -------------------------------------------------------------------------------------------------------

def read_artifact(session, name):
    return b"".join(r.arrow_batch.data for r in session.execute(f"artifact {name}", reattachable=False)[1])


def exists(session, *names):
    response = session.stub.ArtifactStatus(pb.ArtifactStatusesRequest(**session.ids(names=names)))
    return {name: status.exists for name, status in response.statuses.items()}


def chunked_artifact(session, name, data, step=32768, total=None):
    pieces = [data[i:i + step] for i in range(0, len(data), step)]
    first = pb.AddArtifactsRequest(**session.ids())
    first.begin_chunk.name = name
    first.begin_chunk.total_bytes = len(data) if total is None else total
    first.begin_chunk.num_chunks = len(pieces)
    first.begin_chunk.initial_chunk.data, first.begin_chunk.initial_chunk.crc = pieces[0], zlib.crc32(pieces[0])
    yield first
    for piece in pieces[1:]:
        more = pb.AddArtifactsRequest(**session.ids())
        more.chunk.data, more.chunk.crc = piece, zlib.crc32(piece)
        yield more


def test_artifacts(session):
    assert exists(session, "cache/a") == {"cache/a": False}
    response = session.add_artifacts(small(session, "cache/a", b"one"), small(session, "files/b.txt", b"two"),
                                     small(session, "pyfiles/c.zip", b""))
    assert [(s.name, s.is_crc_successful) for s in response.artifacts] == \
        [("cache/a", True), ("files/b.txt", True), ("pyfiles/c.zip", True)]
    assert response.server_side_session_id == session.server_side_id()
    assert exists(session, "cache/a", "cache/b", "files/b.txt") == \
        {"cache/a": True, "cache/b": False, "files/b.txt": False}
    assert read_artifact(session, "cache/a") == b"one"
    large = os.urandom(20 * MB)
    response = session.add_artifacts(*chunked_artifact(session, "cache/large", large))
    assert [s.is_crc_successful for s in response.artifacts] == [True]
    assert read_artifact(session, "cache/large") == large


def test_artifact_damage(session):
    response = session.add_artifacts(small(session, "cache/bad", b"one", crc=7), small(session, "cache/good", b"two"))
    assert [s.is_crc_successful for s in response.artifacts] == [False, True]
    assert exists(session, "cache/bad", "cache/good") == {"cache/bad": False, "cache/good": True}
    requests = list(chunked_artifact(session, "cache/damaged", b"x" * 100000))
    requests[1].chunk.crc += 1
    assert [s.is_crc_successful for s in session.add_artifacts(*requests).artifacts] == [False]
    for broken in (requests[:-1], list(chunked_artifact(session, "cache/x", b"x" * 100000, total=99999)),
                   list(chunked_artifact(session, "cache/x", b"x" * 100000, total=100001)), requests[1:],
                   [pb.AddArtifactsRequest(**session.ids())], []):
        assert failure(lambda: session.add_artifacts(*broken)).condition.startswith("CONNECT_INVALID_PLAN.")


def test_artifact_names(session):
    for name in ["/etc/passwd", "../x", "files/../../x", "files//x", "", "files/", "./x", "a/./b", "files/x\0y"]:
        assert condition(lambda: session.add_artifacts(small(session, name, b""))) == "INVALID_ARTIFACT_PATH", name
    session.add_artifacts(small(session, "files/x", b"1"), small(session, "classes/y", b"1"))
    session.add_artifacts(small(session, "files/x", b"1"), small(session, "classes/y", b"2"))
    assert condition(lambda: session.add_artifacts(small(session, "files/x", b"2"))) == "ARTIFACT_ALREADY_EXISTS"
    error = failure(lambda: session.add_artifacts(small(session, "forward_to_fs/tmp/x", b"1")))
    assert error.condition == "UNSUPPORTED_FEATURE"


def test_artifact_files_go_with_the_session(server):
    def folders():
        return {name for name in os.listdir(server.folder) if name.startswith(("vonk-artifacts-", "vonk-upload-"))}

    def wait_for(n):  # where the upload was written goes after its answer
        end = time.monotonic() + 10 * SLOWER
        while len(folders() - before) != n:
            assert time.monotonic() < end
            time.sleep(0.01)

    before = folders()
    session = server.session()
    session.add_artifacts(small(session, "files/x", b"1"))
    wait_for(1)
    session.release_session()
    wait_for(0)


# --- the client's own code -------------------------------------------------------------------------------------------

@pytest.fixture()
def client(server):
    from pyspark.sql.connect.client import SparkConnectClient  # heavy: not for the clients that are killed
    client = SparkConnectClient(f"sc://localhost:{server.port}/;user_id=me", use_reattachable_execute=True)
    yield client
    client.release_session()
    client.close()


def test_client_reads_reattachable_streams():
    """PySpark's own iterator: it releases what it has read, and comes again when the server has sent enough."""
    from pyspark.sql.connect.client import SparkConnectClient
    from pyspark.sql.connect.client.reattach import ExecutePlanResponseReattachableIterator as Iterator
    server = FakeServer(spark__connect__execute__reattachable__senderMaxStreamSize="1m")
    try:
        client = SparkConnectClient(f"sc://localhost:{server.port}/;user_id=me", use_reattachable_execute=True)
        request = client._execute_plan_request_with_metadata()
        request.plan.root.sql.query = "batches 200 50000"
        iterator = Iterator(request, client._stub, client._retrying, client._builder.metadata())
        assert sum(response.HasField("arrow_batch") for response in iterator) == 200
        iterator.close()
        client.release_session()
        client.close()
    finally:
        server.stop()


def test_client_artifacts(client, tmp_path):
    path = tmp_path / "data.txt"
    path.write_bytes(os.urandom(200000))
    client.add_artifacts(str(path), pyfile=False, archive=False, file=True)
    hashed = client.cache_artifact(b"some local data")
    assert client._artifact_manager.is_cached_artifact(hashed)


def test_client_errors(client):
    from pyspark.errors.exceptions.connect import ArithmeticException
    request = client._execute_plan_request_with_metadata()
    request.plan.root.sql.query = "fail why"
    with pytest.raises(ArithmeticException) as caught:
        list(client._execute_and_fetch_as_iterator(request, {}))
    assert caught.value.getCondition() == "DIVIDE_BY_ZERO" and caught.value.getSqlState() == "22012"
    assert caught.value.getMessageParameters() == {"config": "why"}


def test_client_config_and_interrupt(client):
    assert client.interrupt_all() == []
    assert client.get_configs("spark.sql.shuffle.partitions", "spark.sql.ansi.enabled")[1] == "true"


KILLED = """
import sys, uuid
sys.path.insert(0, sys.argv[2])
import test_connect_protocol as t
server = object.__new__(t.FakeServer)
server.channel = t.grpc.insecure_channel(f"localhost:{sys.argv[1]}", t.OPTIONS)
server.stub = t.pb_grpc.SparkConnectServiceStub(server.channel)
session = server.session(session_id=sys.argv[3])
print("up", flush=True)
while True:
    for text in ["batches 20 100000", "sleep 20", "fail x"]:
        try:
            operation, stream = session.execute(text)
            for response in stream:
                session.release(operation, until=response.response_id)
        except t.grpc.RpcError:
            pass
        session.release(operation)
    session.add_artifacts(*t.chunked_artifact(session, "cache/x", b"x" * 1000000))
"""


def test_clients_killed_at_random():
    """Eight clients, two to a session, are killed in the middle of things: only what is theirs expires."""
    server = FakeServer(spark__connect__session__manager__defaultSessionTimeout="1s",
                        spark__connect__session__manager__maintenanceInterval="100ms",
                        spark__connect__execute__manager__detachedTimeout="300ms")
    try:
        ids = [str(uuid.uuid4()) for _ in range(4)]
        command = [sys.executable, "-c", KILLED, str(server.port), os.path.dirname(__file__)]
        clients = [subprocess.Popen(command + [ids[i % 4]], stdout=subprocess.PIPE) for i in range(8)]
        for client in clients:
            assert client.stdout.readline() == b"up\n"
        timers = [threading.Timer(0.1 + 0.2 * i, client.kill) for i, client in enumerate(clients)]
        for timer in timers:
            timer.start()
        for timer, client in zip(timers, clients):
            timer.join()
            assert client.wait() == -9
            client.stdout.close()
        alive = server.session()
        assert len(list(alive.execute("batches 3 3")[1])) == 4
        time.sleep(2)
        assert condition(server.session(session_id=ids[0]).server_side_id) == "INVALID_HANDLE.SESSION_CLOSED"
    finally:
        server.stop()


def test_stops_with_work_under_way():
    server = FakeServer()
    session = server.session()
    streams = [session.execute("sleep 100000")[1] for _ in range(3)] + [session.execute("deaf 300")[1]]
    session.add_artifacts(small(session, "cache/a", b"x"))
    next(session.execute("batches 100 1000000")[1])
    start = time.monotonic()
    server.process.terminate()
    for stream in streams[:3]:
        assert failure(lambda: next(stream)).code == grpc.StatusCode.UNAVAILABLE
    assert server.process.wait(timeout=10 * SLOWER) == 0
    assert time.monotonic() - start < 3 * SLOWER
    assert server.process.stdout.read() == "stopped 0\n"
    server.channel.close()
