import os
import signal
import socket
import threading
import time
from typing import ClassVar

import msgspec
import pytest

from lego.fabric import socket as transport
from lego.fabric.endpoint import Endpoint
from lego.fabric.errors import FabricError, PeerDown, PeerFailed, PeerTimeout
from lego.fabric.network import Network
from lego.fabric.socket import SocketServer, SocketTransport
from lego.fabric.wire import Door, Request
from lego.linux.errno import E, LinuxError
from lego.observe.clock import current

KEY = bytes(range(32))


class EchoReply(msgspec.Struct, array_like=True, frozen=True):
    number: int
    sender: str


class Echo(Request, frozen=True):
    Reply: ClassVar = EchoReply
    number: int
    sleep_s: float = 0.0
    error: int = 0
    reply_bytes: int = -1


DOOR = Door("echo", [Echo])


class EchoMonitor:
    name = "M0"
    door = DOOR

    def handle(self, sender, request, payload):
        time.sleep(request.sleep_s)
        current.meter.charge(777)
        if request.error < 0:
            raise RuntimeError("a defect")
        if request.error:
            raise LinuxError(request.error, "on purpose")
        out = payload if request.reply_bytes < 0 else bytes(request.reply_bytes)
        return EchoReply(request.number, sender), out


@pytest.fixture
def server():
    server = SocketServer(EchoMonitor(), KEY, "127.0.0.1")
    yield server
    server.close()


@pytest.fixture
def calls(server):
    carrier = SocketTransport(KEY, {"M0": server.address})
    yield Endpoint("P0", carrier, Network())
    carrier.close()


def test_request_reply_and_payload(calls):
    reply, payload = calls.call("M0", Echo(5), b"x" * 4096)
    assert (reply.number, reply.sender) == (5, "P0")
    assert bytes(payload) == b"x" * 4096


@pytest.mark.parametrize("length", [0, 1, 4096, transport.BUFFER_BYTES, transport.BUFFER_BYTES + 1, 9 << 20])
def test_payloads_of_all_sizes_both_ways(calls, length):
    data = os.urandom(1 << 10) * (length >> 10) + b"z" * (length & 1023)
    assert bytes(calls.call("M0", Echo(1), data)[1]) == data
    assert calls.call("M0", Echo(2), b"after")[1] == b"after"


def test_errors_travel(calls):
    with pytest.raises(LinuxError) as caught:
        calls.call("M0", Echo(1, error=E.ENOENT))
    assert (caught.value.errno, caught.value.detail) == (E.ENOENT, "on purpose")
    with pytest.raises(PeerFailed, match="a defect"):
        calls.call("M0", Echo(1, error=-1))
    assert calls.call("M0", Echo(7))[0].number == 7


def test_service_time_is_charged(calls):
    before = current.meter.now_ns
    calls.call("M0", Echo(1))
    assert current.meter.now_ns - before == Network().cost_ns(0, 0) + 777


def refused(server, key=KEY, name="M0"):
    carrier = SocketTransport(key, {name: server.address})
    with pytest.raises(FabricError) as caught:
        Endpoint("P0", carrier, Network()).call(name, Echo(1))
    carrier.close()
    return caught.value


def test_wrong_key_is_refused(server, calls, caplog):
    error = refused(server, key=bytes(32))
    assert isinstance(error, PeerDown) and error.component == "M0"
    assert "key" in caplog.text
    assert calls.call("M0", Echo(1))[0].number == 1, "an honest caller is not disturbed"


def test_another_component_at_the_address_is_refused(server):
    assert isinstance(refused(server, name="M1"), PeerDown)


def test_a_server_without_the_key_is_refused():
    listener = socket.create_server(("127.0.0.1", 0))

    def impostor():
        connection, _ = listener.accept()
        connection.sendall(transport._MAGIC + bytes(32))
        connection.recv(1000)
        connection.sendall(bytes(32))
        connection.close()

    thread = threading.Thread(target=impostor)
    thread.start()
    carrier = SocketTransport(KEY, {"M0": "{}:{}".format(*listener.getsockname())})
    with pytest.raises(PeerDown, match="key"):
        Endpoint("P0", carrier, Network()).call("M0", Echo(1))
    thread.join()
    listener.close()


def raw(server):
    host, _, port = server.address.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=10)


def test_garbage_is_dropped_before_it_is_read(server, calls, caplog):
    with raw(server) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n" * 1000)
        got = b""
        try:
            while piece := connection.recv(1000):
                got += piece
        except ConnectionResetError:
            pass
    assert got == b"" or len(got) == len(transport._MAGIC) + 32, "nothing but the challenge was said"
    assert calls.call("M0", Echo(1))[0].number == 1
    assert "dropped" in caplog.text


def test_silence_during_the_handshake_ends(server, monkeypatch, caplog):
    monkeypatch.setattr(transport, "HANDSHAKE_S", 0.2)
    with raw(server) as connection:
        began = time.monotonic()
        while connection.recv(100):
            pass
        assert time.monotonic() - began < 3
    assert "did not answer in time" in caplog.text


def test_drips_during_the_handshake_do_not_prolong_it(server, monkeypatch):
    monkeypatch.setattr(transport, "HANDSHAKE_S", 0.3)
    with raw(server) as connection:
        began = time.monotonic()
        with pytest.raises(OSError):
            while time.monotonic() - began < 5:
                connection.sendall(b"x")
                time.sleep(0.05)
        assert time.monotonic() - began < 2


def authenticated(server):
    connection = raw(server)
    transport._greet_server(connection, KEY, "P0", "M0")
    return connection


@pytest.mark.parametrize("header", [(transport.LENGTH_MAX + 1, 0), (4, 0xFFFFFFFF), (0x7FFFFFFF, 5)])
def test_oversize_frames_end_the_connection(server, calls, header, caplog):
    with authenticated(server) as connection:
        connection.sendall(transport._HEADER.pack(*header, 0) + b"abc")
        assert connection.recv(100) == b""
    assert "a frame of" in caplog.text
    assert calls.call("M0", Echo(1))[0].number == 1


def test_a_body_that_is_no_request_is_answered_as_a_failure(server):
    with authenticated(server) as connection:
        connection.sendall(transport._HEADER.pack(3, 0, 0) + b"\xc1\xc1\xc1")
        first, _, _ = transport._HEADER.unpack(connection.recv(transport.HEADER_BYTES))
        assert first & transport._FAILED


def test_oversize_messages_are_not_sent(calls, monkeypatch):
    monkeypatch.setattr(transport, "LENGTH_MAX", 1 << 20)
    with pytest.raises(PeerFailed, match="too long"):
        calls.call("M0", Echo(1), bytes((1 << 20) + 1))
    with pytest.raises(PeerFailed, match="too long"):
        calls.call("M0", Echo(1, reply_bytes=(1 << 20) + 1))
    assert calls.call("M0", Echo(3))[0].number == 3


def test_a_late_reply_is_never_taken_for_another(calls):
    with pytest.raises(PeerTimeout, match=r"0\.1 s"):
        calls.call("M0", Echo(1, sleep_s=0.4), timeout_s=0.1)
    assert calls.call("M0", Echo(2))[0].number == 2
    time.sleep(0.4)
    assert calls.call("M0", Echo(3))[0].number == 3


def test_unknown_and_dead_addresses(calls):
    with pytest.raises(PeerDown, match="not known"):
        calls.call("M9", Echo(1))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = "{}:{}".format(*listener.getsockname())
    carrier = SocketTransport(KEY, {"M0": address})
    with pytest.raises(PeerDown, match="listens"):
        Endpoint("P0", carrier, Network()).call("M0", Echo(1))


def test_server_closed_between_calls(server, calls):
    calls.call("M0", Echo(1))
    server.close()
    with pytest.raises(PeerDown):
        calls.call("M0", Echo(2))


def test_a_new_server_under_an_old_name(server, calls):
    calls.call("M0", Echo(1))
    server.close()
    other = SocketServer(EchoMonitor(), KEY, "127.0.0.1")
    calls._transport.addresses["M0"] = other.address
    assert calls.call("M0", Echo(2))[0].number == 2
    other.close()


def test_peer_killed_in_the_middle_of_a_call():
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            served = SocketServer(EchoMonitor(), KEY, "127.0.0.1")
            os.write(writer, served.address.encode())
            time.sleep(30)
        finally:
            os._exit(1)
    try:
        carrier = SocketTransport(KEY, {"M0": os.read(reader, 100).decode()})
        calls = Endpoint("P0", carrier, Network())
        calls.call("M0", Echo(1))
        killer = threading.Timer(0.2, os.kill, (child, signal.SIGKILL))
        killer.start()
        began = time.monotonic()
        with pytest.raises(PeerDown):
            calls.call("M0", Echo(2, sleep_s=20))
        assert time.monotonic() - began < 2
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        carrier.close()
        os.close(reader)
        os.close(writer)


def test_many_threads_get_their_own_replies(calls):
    wrong = []

    def work(number):
        for turn in range(50):
            data = bytes([number]) * (turn * 100)
            reply, payload = calls.call("M0", Echo(number * 1000 + turn), data)
            if reply.number != number * 1000 + turn or bytes(payload) != data:
                wrong.append((number, turn))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_nothing_is_left_after_closing(calls, server):
    before = threading.active_count()
    for _ in range(3):
        thread = threading.Thread(target=lambda: calls.call("M0", Echo(1)))
        thread.start()
        thread.join()
    server.close()
    assert threading.active_count() <= before
    with pytest.raises(PeerDown):
        calls.call("M0", Echo(1))


def test_keys_of_another_length_are_refused():
    with pytest.raises(ValueError, match="32"):
        SocketTransport(b"short", {})
    with pytest.raises(ValueError, match="32"):
        SocketServer(EchoMonitor(), b"short", "127.0.0.1")


def test_a_monitor_is_told_when_the_last_connection_of_a_caller_has_ended():
    departures = []

    class Watching(EchoMonitor):
        def departed(self, sender):
            departures.append(sender)

    server = SocketServer(Watching(), KEY, "127.0.0.1")
    transports = [SocketTransport(KEY, {"M0": server.address}) for _ in range(3)]
    for transport_, name in zip(transports, ("front.1", "front.1", "front.2"), strict=True):
        Endpoint(name, transport_, Network()).call("M0", Echo(1))
    transports[0].close()
    transports[2].close()
    deadline = time.monotonic() + 5
    while departures != ["front.2"] and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.05)
    assert departures == ["front.2"], "front.1 has another"
    transports[1].close()
    while len(departures) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert departures == ["front.2", "front.1"]
    transports[1] = SocketTransport(KEY, {"M0": server.address})
    Endpoint("front.3", transports[1], Network()).call("M0", Echo(1))
    server.close()
    assert departures == ["front.2", "front.1"], "the server's own end is nobody's departure"
    transports[1].close()


def test_parting_ends_connections_and_names_are_counted_without_their_instance(server):
    transport_ = SocketTransport(KEY, {})
    endpoint = Endpoint("P0", transport_, Network())
    for number in range(3):
        monitor = EchoMonitor()
        monitor.name = f"console.{number}"
        console = SocketServer(monitor, KEY, "127.0.0.1")
        endpoint.meet(monitor.name, console.address)
        endpoint.call(monitor.name, Echo(1))
        endpoint.part(monitor.name)
        with pytest.raises(PeerDown, match="address is not known"):
            endpoint.call(monitor.name, Echo(1))
        assert not transport_._mine.by_peer and not transport_.addresses
        console.close()
    assert list(endpoint.links) == ["console"] and endpoint.links["console"].messages == 3
    transport_.close()
