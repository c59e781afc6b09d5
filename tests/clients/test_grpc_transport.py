"""The gRPC server by itself, without Spark: tests/clients/grpc_echo.c is the service, grpcio the client."""
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time

import grpc
import pytest

from server import BUILD, SLOWER

OPTIONS = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1),
           ("grpc.use_local_subchannel_pool", 1)]
MB = 1 << 20


class EchoServer:
    def __init__(self, *flags):
        program = os.path.join(BUILD, "tests", "clients", "grpc_echo")
        self.process = subprocess.Popen([program, *flags], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())
        self.channel = self.connect()

    def connect(self, **options):
        return grpc.insecure_channel(f"localhost:{self.port}", OPTIONS + list(options.items()))

    def unary(self, method, request=b"", channel=None, **how):
        return (channel or self.channel).unary_unary(f"/test.Echo/{method}")(request, **how)

    def stream(self, method, request, channel=None, **how):
        return (channel or self.channel).unary_stream(f"/test.Echo/{method}")(request, **how)

    def collect(self, method, requests, **how):
        return self.channel.stream_unary(f"/test.Echo/{method}")(requests, **how)

    def stats(self):
        return json.loads(self.unary("Stats"))

    def wait_stats(self, holds, limit_s=10 * SLOWER):
        end = time.monotonic() + limit_s
        while not holds(self.stats()):
            assert time.monotonic() < end, self.stats()
            time.sleep(0.01)

    def rss_mb(self):
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as status:
            return int(next(line for line in status if line.startswith("VmRSS")).split()[1]) / 1024

    def stop(self):
        self.channel.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=20 * SLOWER) == 0
        assert self.process.stdout.read() == "stopped\n"


@pytest.fixture(scope="module")
def echo():
    server = EchoServer()
    yield server
    server.stop()


def fails(call):
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value.code(), caught.value.details()


def test_messages_of_every_size(echo):
    rng = random.Random(1)
    for size in [0, 1, 5, 100, 16384, 65535, 65536, 100000, 5 * MB]:
        data = rng.randbytes(size)
        assert echo.unary("Unary", data) == data


def test_large_message_both_ways(echo):
    data = os.urandom(MB) * 100
    assert echo.unary("Unary", data) == data


def test_answers_from_another_thread(echo):
    assert echo.unary("Later", b"20") == b"late"
    calls = [echo.channel.unary_unary("/test.Echo/Later").future(str(ms).encode()) for ms in range(50)]
    assert {call.result() for call in calls} == {b"late"}


def test_stream_in_order_and_whole(echo):
    for count, size in [(0, 10), (1, 1), (1000, 10), (100, MB), (3, 50 * MB)]:
        n = 0
        for message in echo.stream("Stream", f"{count} {size}".encode()):
            assert message[0] == n % 251 and len(message) == size + 3 and message.endswith(b"end")
            n += 1
        assert n == count


def test_slow_reader_holds_the_sender_back(echo):
    before, drained = echo.stats()["memory"], echo.stats()["drained"]
    stream = echo.stream("Stream", b"200 1000000")
    next(stream)
    echo.wait_stats(lambda s: s["memory"] - before > 2 * MB)
    time.sleep(0.5)
    assert echo.stats()["memory"] - before < 20 * MB
    assert sum(1 for _ in stream) == 199
    assert echo.stats()["drained"] > drained


def test_client_stream(echo):
    assert echo.collect("Collect", iter([])) == b"0 0"
    assert echo.collect("Collect", (b"x" * size for size in [0, 1, 70000])) == b"3 70001"
    assert echo.collect("Collect", (b"x" * MB for _ in range(100))) == b"100 104857600"


def test_service_that_lags_shuts_the_window(echo):
    before, peak = echo.stats()["memory"], 0
    sender = echo.channel.stream_unary("/test.Echo/Slow").future(b"x" * MB for _ in range(60))
    while not sender.done():
        peak = max(peak, echo.stats()["memory"] - before)
        time.sleep(0.01)
    assert sender.result() == b"60 62914560"
    assert peak < 40 * MB


def test_status_texts_and_details(echo):
    call = echo.channel.unary_unary("/test.Echo/Fail")
    cases = [(3, "plain", b"\x01\x02\xff"), (13, "50% \u00e9\n\u20ac", b""), (10, "", b"x" * 3000)]
    for code, message, details in cases:
        with pytest.raises(grpc.RpcError) as caught:
            call(f"{code} {message}|".encode() + details)
        assert caught.value.code().value[0] == code
        assert caught.value.details() == message
        trailers = dict(caught.value.trailing_metadata())
        assert trailers.get("grpc-status-details-bin", b"") == details


def test_long_status_is_cut_and_still_arrives(echo):
    for _ in range(20):
        code, details = fails(lambda: echo.unary("Fail", b"13 " + "\u20ac".encode() * 3000 + b"|" + b"d" * 20000))
        assert code == grpc.StatusCode.INTERNAL
        assert details == "\u20ac" * 682


def test_unknown_method_and_dropped_call(echo):
    assert fails(lambda: echo.unary("Nothing"))[0] == grpc.StatusCode.UNIMPLEMENTED
    assert fails(lambda: echo.unary("Drop"))[0] == grpc.StatusCode.INTERNAL
    assert fails(lambda: list(echo.stream("Nothing", b"")))[0] == grpc.StatusCode.UNIMPLEMENTED


def test_compressed_request_is_refused(echo):
    code, _ = fails(lambda: echo.unary("Unary", b"x" * 1000, compression=grpc.Compression.Gzip))
    assert code == grpc.StatusCode.UNIMPLEMENTED
    assert echo.unary("Unary", b"x") == b"x"


def test_deadline(echo):
    before = echo.stats()["deadline"] + echo.stats()["cancelled"]
    start = time.monotonic()
    assert fails(lambda: list(echo.stream("Hang", b"", timeout=1)))[0] == grpc.StatusCode.DEADLINE_EXCEEDED
    assert 0.9 < time.monotonic() - start < 20 * SLOWER
    echo.wait_stats(lambda s: s["deadline"] + s["cancelled"] == before + 1)
    echo.wait_stats(lambda s: s["calls"] == 1)


def test_cancel_reaches_the_service(echo):
    before = echo.stats()["cancelled"]
    streams = [echo.stream("Hang", b"") for _ in range(10)]
    echo.wait_stats(lambda s: s["calls"] == 11)
    for stream in streams:
        stream.cancel()
    echo.wait_stats(lambda s: s["cancelled"] == before + 10 and s["calls"] == 1)
    stream = echo.stream("Stream", b"1000000 100000")
    for _ in range(5):
        next(stream)
    stream.cancel()
    echo.wait_stats(lambda s: s["cancelled"] == before + 11 and s["calls"] == 1)


def test_closed_channel_cancels(echo):
    before = echo.stats()["cancelled"]
    channel = echo.connect()
    stream = echo.stream("Hang", b"", channel=channel)
    echo.wait_stats(lambda s: s["calls"] == 2)
    channel.close()
    del stream
    echo.wait_stats(lambda s: s["cancelled"] == before + 1 and s["connections"] == 1)


def test_metadata(echo):
    how = {"metadata": [("authorization", "Bearer abc"), ("x-own", "some value")]}
    assert echo.unary("Header", b"authorization", **how) == b"Bearer abc"
    assert echo.unary("Header", b"x-own", **how) == b"some value"
    assert b"grpc-python" in echo.unary("Header", b"user-agent")
    assert echo.unary("Header", b"absent") == b""
    assert b":" in echo.unary("Header", b"peer")


class Resting:
    """One connection whose client is known to send two long notices behind each answer of two messages."""
    def __init__(self, echo):
        self.echo = echo
        self.channel = echo.connect(resting=1)  # an option of its own: a connection of its own
        self.send_notice = self.channel.unary_unary("/test.Echo/Notice").future

    def stream(self):
        assert len(list(self.echo.stream("Stream", b"2 10", channel=self.channel))) == 2

    def notices(self):
        return [self.send_notice(b"n" * 1000, timeout=5 * SLOWER) for _ in range(2)]

    def learn(self):
        self.stream()
        assert [len(notice.result()) for notice in self.notices()] == [1000, 1000]
        self.unary()
        self.stream()  # and from now on it rests

    def unary(self):
        start = time.monotonic()
        assert self.echo.unary("Unary", b"?", channel=self.channel, timeout=5 * SLOWER) == b"?"
        return time.monotonic() - start


@pytest.fixture
def resting(echo):
    client = Resting(echo)
    yield client
    client.channel.close()


def test_resting_connection_sees_notices_and_requests(resting):
    resting.learn()
    for _ in range(50):
        notices = resting.notices()
        resting.unary()
        assert [notice.result() for notice in notices] == [b"n" * 1000] * 2
        resting.stream()
    assert [len(notice.result()) for notice in resting.notices()] == [1000, 1000]  # with no request behind them


def test_request_below_the_mark_waits_a_little_and_in_the_end_not_at_all(resting):
    waits = []
    for _ in range(30):
        resting.learn()
        waits.append(resting.unary())
    assert max(waits[:20]) > 0.003  # it did rest: for 5 ms from the answer on
    assert min(waits[20:]) < 0.003 * SLOWER


def test_end_of_a_resting_connection_is_seen(echo, resting):
    echo.wait_stats(lambda s: s["calls"] == 1)
    before = echo.stats()["connections"]
    resting.learn()
    assert echo.stats()["connections"] == before + 1
    resting.channel.close()
    echo.wait_stats(lambda s: s["connections"] == before)


def test_server_stops_while_a_connection_rests():
    server = EchoServer()
    client = Resting(server)
    client.learn()
    server.stop()
    client.channel.close()


def test_idle_costs_nothing(echo):
    def cpu():
        with open(f"/proc/{echo.process.pid}/stat", encoding="utf-8") as stat:
            return sum(int(field) for field in stat.read().rsplit(")", 1)[1].split()[11:13])

    echo.unary("Unary")
    before = cpu()
    time.sleep(1.5)
    assert cpu() - before <= 1


def test_token():
    server = EchoServer("--token", "s3cret")
    try:
        def call(value):
            return server.unary("Unary", b"in", metadata=[("authorization", value)] if value else [])

        assert call("Bearer s3cret") == b"in"
        for wrong in [None, "Bearer s3cre", "Bearer s3crett", "Basic s3cret", "s3cret", "Bearer", "Bearer  s3cret"]:
            assert fails(lambda: call(wrong))[0] == grpc.StatusCode.UNAUTHENTICATED, wrong
    finally:
        server.stop()


def test_limits():
    server = EchoServer("--max-message", "100000", "--max-streams", "5", "--max-connections", "2")
    try:
        assert len(server.unary("Unary", b"x" * 100000)) == 100000
        assert fails(lambda: server.unary("Unary", b"x" * 100001))[0] == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert fails(lambda: server.collect("Collect", iter([b"x" * 200000])))[0] == grpc.StatusCode.RESOURCE_EXHAUSTED
        streams = [server.stream("Hang", b"") for _ in range(4)]
        server.wait_stats(lambda s: s["calls"] == 5)
        fifth = server.stream("Hang", b"")
        sixth = server.channel.unary_unary("/test.Echo/Unary").future(b"waits")
        time.sleep(0.2)
        assert not sixth.done()  # the client keeps it back: the server takes five at once
        streams[0].cancel()
        assert sixth.result(timeout=5 * SLOWER) == b"waits"
        for stream in streams + [fifth]:
            stream.cancel()
        second = server.connect()
        assert server.unary("Unary", b"y", channel=second) == b"y"
        with socket.create_connection(("localhost", server.port)) as third:
            third.settimeout(5 * SLOWER)
            assert third.recv(100) == b""
        second.close()
    finally:
        server.stop()


def test_nonsense_on_the_socket(echo):
    rng = random.Random(3)
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\x04" + bytes(5)
    for i in range(60):
        with socket.create_connection(("localhost", echo.port)) as raw:
            raw.settimeout(5 * SLOWER)
            if i % 3:
                raw.sendall(preface)
            try:
                for _ in range(rng.randint(1, 5)):
                    raw.sendall(rng.randbytes(rng.randint(1, 2000)))
                if i % 2:
                    raw.shutdown(socket.SHUT_WR)
                    while raw.recv(65536):
                        pass
            except OSError:
                pass
    assert echo.unary("Unary", b"alive") == b"alive"
    echo.wait_stats(lambda s: s["connections"] == 1)


def test_drain_lets_running_calls_finish():
    server = EchoServer("--grace-ms", "5000")
    late = server.channel.unary_unary("/test.Echo/Later").future(b"600")
    server.wait_stats(lambda s: s["calls"] == 2)
    start = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    assert late.result(timeout=5 * SLOWER) == b"late"
    assert server.process.wait(timeout=5 * SLOWER) == 0
    assert time.monotonic() - start < 2 * SLOWER
    with pytest.raises(OSError):
        socket.create_connection(("localhost", server.port), timeout=1)
    server.channel.close()


def test_drain_ends_what_does_not():
    server = EchoServer("--grace-ms", "300")
    hanging = server.stream("Hang", b"")
    server.wait_stats(lambda s: s["calls"] == 2)
    start = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    assert fails(lambda: next(hanging))[0] == grpc.StatusCode.UNAVAILABLE
    assert server.process.wait(timeout=5 * SLOWER) == 0
    assert 0.2 < time.monotonic() - start < 3 * SLOWER
    server.channel.close()


CLIENT = """
import os, random, sys, grpc
channel = grpc.insecure_channel(f"localhost:{sys.argv[1]}")
stream, unary = channel.unary_stream("/test.Echo/Stream"), channel.unary_unary("/test.Echo/Unary")
collect, hang = channel.stream_unary("/test.Echo/Collect"), channel.unary_stream("/test.Echo/Hang")
print("up", flush=True)
while True:
    assert len(unary(b"u" * 1000)) == 1000
    running = [hang(b"") for _ in range(3)]
    assert sum(1 for _ in stream(b"50 100000")) == 50
    assert collect(b"c" * 50000 for _ in range(50)) == b"50 2500000"
    for call in running:
        call.cancel()
"""


def test_many_clients_killed_at_random(echo):
    """32 clients, in groups of 8 at once, each killed in the middle of things: nothing is left behind."""
    rng = random.Random(5)
    echo.unary("Unary")
    memory, rss = echo.stats()["memory"], None
    for _ in range(4):
        clients = [subprocess.Popen([sys.executable, "-c", CLIENT, str(echo.port)], stdout=subprocess.PIPE,
                                    stderr=subprocess.DEVNULL) for _ in range(8)]
        for client in clients:
            assert client.stdout.readline() == b"up\n"
        threads = [threading.Timer(rng.uniform(0, 1), client.kill) for client in clients]
        for thread in threads:
            thread.start()
        for client, thread in zip(clients, threads):
            thread.join()
            client.wait()
            client.stdout.close()
        assert echo.unary("Unary", b"alive") == b"alive"
        echo.wait_stats(lambda s: s["connections"] == 1 and s["calls"] == 1)
        rss = rss or echo.rss_mb()
    time.sleep(0.2)
    assert echo.stats()["memory"] - memory < 200000
    assert echo.rss_mb() < 1.2 * rss + 50


def test_starts_at_once():
    best = SLOWER
    for _ in range(5):
        start = time.monotonic()
        server = EchoServer()
        best = min(best, time.monotonic() - start)
        server.stop()
    assert best < 0.05 * SLOWER  # the process itself; listening is a small part of it


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                    "-keyout", key, "-out", cert], check=True, capture_output=True)
    return cert, key


def test_tls(certificate):
    cert, key = certificate
    server = EchoServer("--cert", str(cert), "--key", str(key))
    try:
        trust = grpc.ssl_channel_credentials(cert.read_bytes())
        with grpc.secure_channel(f"localhost:{server.port}", trust, OPTIONS) as secure:
            data = os.urandom(3 * MB)
            assert server.unary("Unary", data, channel=secure) == data
            assert sum(len(m) for m in server.stream("Stream", b"50 1000000", channel=secure)) == 50 * 1000003
            assert secure.stream_unary("/test.Echo/Collect")(b"x" * MB for _ in range(30)) == b"30 31457280"
            assert fails(lambda: list(server.stream("Hang", b"", channel=secure, timeout=0.2)))[0] == \
                grpc.StatusCode.DEADLINE_EXCEEDED
        with grpc.secure_channel(f"localhost:{server.port}", grpc.ssl_channel_credentials()) as stranger:
            assert fails(lambda: server.unary("Unary", b"", channel=stranger, timeout=3))[0] in (
                grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
        with socket.create_connection(("localhost", server.port)) as plain:
            plain.settimeout(5 * SLOWER)
            plain.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            try:
                while plain.recv(1000):
                    pass
            except ConnectionResetError:
                pass
    finally:
        server.stop()
