"""The gate: ports of the host, as a processor uses them."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Iterator

import pytest

from lego.config import ConfigError, Publication
from lego.console.gate import GateMonitor
from lego.console.messages import CloseGate, Drop, Finish, Gather, News, OpenGate, Read, Transmit
from lego.linux.errno import E, LinuxError

HOST = "127.0.0.1"


@pytest.fixture
def gate() -> Iterator[GateMonitor]:
    """A gate with one port."""
    made = GateMonitor([Publication(HOST, 0, 80)])
    yield made
    made.close()


def client(gate: GateMonitor) -> socket.socket:
    """A program of the host's that calls."""
    return socket.create_connection(gate.addresses[0], timeout=5)


def gather(gate: GateMonitor, *numbers: int, welcome: int = 5, credit: int = 1 << 20, wait_ms: int = 2000):
    """All news within a while, and their data."""
    request = Gather(wait_ms, [(0, welcome)], [(number, credit) for number in numbers], list(numbers))
    reply, payload = gate.handle("P0", request, b"")
    return reply.news, bytes(payload)


def test_callers_are_refused_until_somebody_listens_and_again_afterwards(gate) -> None:
    with pytest.raises(ConnectionRefusedError):
        client(gate)
    gate.handle("P0", OpenGate(0, 1), b"")
    with client(gate) as caller:
        (news,), _ = gather(gate)
        assert (news.publication, news.port) == (0, caller.getsockname()[1])
    gate.handle("P0", CloseGate(0), b"")
    with pytest.raises(ConnectionRefusedError):
        client(gate)
    gate.handle("P0", OpenGate(0, 1), b"")
    client(gate).close()


def test_data_come_as_far_as_there_is_credit_and_end(gate) -> None:
    gate.handle("P0", OpenGate(0, 1), b"")
    with client(gate) as caller:
        number = gather(gate)[0][0].connection
        caller.sendall(b"hello")
        assert gather(gate, number, credit=2)[1] == b"he"
        (news,), data = gather(gate, number)
        assert (news.length, data) == (3, b"llo")
        assert gather(gate, number, credit=0, wait_ms=0)[0][0].room
        caller.shutdown(socket.SHUT_WR)
        assert gather(gate, number)[0][0].ended
        assert gate.handle("P0", Transmit(number), b"answer")[0].count == 6
        gate.handle("P0", Finish(number), b"")
        assert caller.recv(100) == b"answer" and caller.recv(100) == b""
        gate.handle("P0", Drop(number, False), b"")
        with pytest.raises(LinuxError) as caught:
            gate.handle("P0", Transmit(number), b"x")
        assert caught.value.errno == E.ENOTCONN


def test_a_client_that_does_not_read_takes_only_so_much(gate) -> None:
    gate.handle("P0", OpenGate(0, 1), b"")
    with client(gate) as caller:
        number = gather(gate)[0][0].connection
        total = 0
        while not (reply := gate.handle("P0", Transmit(number), bytes(1 << 20))[0]).again:
            total += reply.count
            assert total < 64 << 20
        news, _ = gather(gate, number, wait_ms=0)
        assert not any(each.room for each in news)
        while total:
            total -= len(caller.recv(1 << 20))
        assert gather(gate, number)[0][0].room


def test_resets_both_ways(gate) -> None:
    gate.handle("P0", OpenGate(0, 2), b"")
    one, two = client(gate), client(gate)
    found: list[News] = []
    while len(found) < 2:
        found += gather(gate)[0]
    first, second = found
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    one.close()
    (news,), _ = gather(gate, first.connection)
    assert news.error == E.ECONNRESET and news.ended
    gate.handle("P0", Drop(first.connection, True), b"")
    gate.handle("P0", Drop(second.connection, True), b"")
    with pytest.raises(ConnectionResetError):
        two.recv(1)
    two.close()


def test_ports_that_cannot_be_had() -> None:
    with contextlib.closing(socket.socket()) as other:
        other.bind((HOST, 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ConfigError, match=f"{HOST}:{port}: Address already in use"):
            GateMonitor([Publication(HOST, 0, 1), Publication(HOST, port, 80)])
    with pytest.raises(ConfigError, match="Cannot assign"):
        GateMonitor([Publication("192.0.2.99", 0, 80)])


def test_it_serves_nothing_else(gate) -> None:
    with pytest.raises(TypeError):
        gate.handle("P0", Read(0, 1, 0), b"")
    with pytest.raises(LinuxError):
        gate.handle("P0", OpenGate(7, 1), b"")
    assert gather(gate, 99, wait_ms=0) == ([], b"")
