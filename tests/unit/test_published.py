"""Connections from outside, with a gate that says what the test tells it to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from kerneltask import FakeKernel, call, fails, new_process
from talk_rig import Blocked

from lego.config import Publication
from lego.console.messages import (
    GATE,
    GATE_DOOR,
    CloseGate,
    CountReply,
    Drop,
    Finish,
    Gather,
    GatherReply,
    News,
    OpenGate,
    Transmit,
)
from lego.fabric.endpoint import Endpoint
from lego.fabric.loopback import Loopback
from lego.fabric.network import Network
from lego.fabric.wire import Done
from lego.linux.errno import E, LinuxError
from pcomponent.files.inet.addresses import LOOPBACK, Address, unpack
from pcomponent.published import PublishedPorts

AF_INET, STREAM, NONBLOCK, POLLIN, POLLOUT = 2, 1, 0x800, 1, 4
OWN, HOST = 0x0A000001, 0x0A0000FE


class Gate:
    """Keeps what it was asked; takes as many bytes as `takes`."""

    name, door = GATE, GATE_DOOR

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.news: list[tuple[News, bytes]] = []
        self.takes = 1 << 30
        self.sent = b""
        self.broken = False

    def handle(self, sender: str, request: Any, payload: Any) -> tuple[Any, bytes]:
        if isinstance(request, Gather):
            self.gathered = request
            news, self.news = self.news, []
            return GatherReply([each for each, _ in news]), b"".join(data for _, data in news)
        self.asked.append(request)
        if isinstance(request, Transmit):
            if self.broken:
                raise LinuxError(E.ECONNRESET)
            taken = bytes(payload[: self.takes])
            self.sent += taken
            return CountReply(len(taken)), b""
        return Done(), b""


@pytest.fixture
def machine(monkeypatch) -> tuple[Any, Gate]:
    """A process of a machine whose port 80 is published."""
    monkeypatch.setattr("pcomponent.published.PAUSE_S", 0.0)
    kernel, gate, transport = FakeKernel(), Gate(), Loopback()
    transport.attach(gate)
    kernel.published_ports = PublishedPorts((Publication("127.0.0.1", 0, 80),), Endpoint("P0", transport, Network()))
    return new_process(kernel, 10), gate


def listening(task: Any, ip: int = 0, port: int = 80, backlog: int = 1) -> int:
    fd = call(task, "socket", AF_INET, STREAM, 0)
    call(task, "bind", fd, Address(ip, port).pack(), 16)
    call(task, "listen", fd, backlog)
    return fd


def accepted(task: Any, gate: Gate, number: int = 7) -> int:
    """A connection of that number."""
    server = listening(task)
    gate.news = [(News(number, publication=0, port=5555), b"")]
    end: int = call(task, "accept", server, 0, 0)
    gate.asked.clear()
    return end


def drops(gate: Gate) -> Sequence[Drop]:
    return [each for each in gate.asked if isinstance(each, Drop)]


def test_the_host_listens_while_a_guest_does(machine) -> None:
    task, gate = machine
    other, server, second = listening(task, port=81), listening(task, OWN), listening(task, LOOPBACK)
    call(task, "close", server)
    call(task, "close", other)
    assert gate.asked == [OpenGate(0, 1)]
    call(task, "shutdown", second, 2)
    assert gate.asked == [OpenGate(0, 1), CloseGate(0)]


def test_a_waiting_accept_is_woken_and_asks_only_for_what_fits(machine) -> None:
    task, gate = machine
    server = listening(task)
    room = task.memory.put(b"", room=16)
    accepting = Blocked(task, "accept", server, room, task.memory.put((16).to_bytes(4, "little")))
    assert accepting.blocked and accepting.wait is not None and accepting.wait.outside
    assert gate.gathered.welcome == [(0, 2)]
    before_ns = task.meter.now_ns
    assert accepting.blocked and task.meter.now_ns == before_ns, "asking in vain takes no virtual time"
    gate.news = [(News(3, publication=0, port=5555), b""), (News(4, publication=0, port=5556), b"")]
    assert not accepting.blocked and task.meter.now_ns > before_ns
    assert unpack(task.memory.read(room, 16)) == Address(HOST, 5555)
    socket = task.process.files.get(accepting.result)
    assert socket.local == Address(OWN, 80)
    socket.poll(task, POLLIN)
    assert gate.gathered.welcome == [(0, 1)]
    assert [number for number, _ in gate.gathered.credits] == [3, 4]


def test_data_come_within_the_window_and_the_end_after_them(machine) -> None:
    task, gate = machine
    end = accepted(task, gate)
    socket = task.process.files.get(end)
    room = task.memory.put(b"", room=100)
    reading = Blocked(task, "read", end, room, 100)
    assert reading.blocked and gate.gathered.credits == [(7, socket.receive_buffer)]
    gate.news = [(News(7, length=3), b"abc")]
    assert reading.look() == 3 and task.memory.read(room, 3) == b"abc"
    gate.news = [(News(7, length=2), b"de"), (News(7, ended=True), b"")]
    assert socket.poll(task, POLLIN) & POLLIN
    assert (call(task, "read", end, room, 100), call(task, "read", end, room, 100)) == (2, 0)
    call(task, "close", end)
    assert drops(gate) == [Drop(7, False)]


def test_a_client_that_is_slow_makes_the_sender_wait(machine) -> None:
    task, gate = machine
    end = accepted(task, gate)
    gate.takes = 4
    writing = Blocked(task, "write", end, b"abcdef", 6)
    assert writing.blocked and gate.sent == b"abcd" and gate.gathered.stuck == [7]
    assert not task.process.files.get(end).poll(task, POLLOUT) & POLLOUT
    gate.news = [(News(7, room=True), b"")]
    assert writing.look() == 6 and gate.sent == b"abcdef"


def test_how_a_connection_ends(machine) -> None:
    task, gate = machine
    end = accepted(task, gate)
    call(task, "shutdown", end, 1)
    assert gate.asked == [Finish(7)]
    gate.news = [(News(7, ended=True), b"")]
    assert call(task, "read", end, task.memory.put(b"", room=1), 1) == 0
    assert drops(gate) == [Drop(7, False)]
    call(task, "close", end)
    assert len(drops(gate)) == 1


@pytest.mark.parametrize("how", ["unread", "error", "broken"])
def test_resets(machine, how: str) -> None:
    task, gate = machine
    end = accepted(task, gate)
    room = task.memory.put(b"", room=1)
    if how == "unread":
        gate.news = [(News(7, length=2), b"xy")]
        call(task, "read", end, room, 1)
        call(task, "close", end)
    elif how == "error":
        gate.news = [(News(7, error=E.ECONNRESET, ended=True), b"")]
        fails(task, E.ECONNRESET, "read", end, room, 1)
    else:
        gate.broken = True
        assert call(task, "write", end, b"x", 1) == 1
        fails(task, E.ECONNRESET, "write", end, b"x", 1)
    assert drops(gate) == [Drop(7, True)]
    task.process.files.close_all(task)
    assert len(drops(gate)) == 1 and task.kernel.published_ports._ends == {}


def test_who_was_not_accepted_is_reset_when_the_listener_closes(machine) -> None:
    task, gate = machine
    server = listening(task)
    gate.news = [(News(7, publication=0, port=5555), b"")]
    assert task.process.files.get(server).poll(task, POLLIN) == POLLIN | 0x40
    call(task, "close", server)
    assert drops(gate) == [Drop(7, True)]
