"""Streams between two processes of one kernel: what waits, what ends a wait, and that nothing is kept."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from kerneltask import call, fails
from talk_rig import Blocked, two_tasks

from lego.linux.errno import E
from pcomponent.files.inet.addresses import LOOPBACK, Address
from pcomponent.files.inet.connecting import CALL_NS
from pcomponent.files.inet.far import Bytes
from pcomponent.waiting import Wake

AF_INET, STREAM, DATAGRAM, NONBLOCK = 2, 1, 2, 0x800
PORT = 8000


def name(port: int = PORT, ip: int = LOOPBACK) -> bytes:
    return Address(ip, port).pack()


def listening(task: Any, backlog: int = 1, port: int = PORT) -> int:
    fd = call(task, "socket", AF_INET, STREAM, 0)
    call(task, "bind", fd, name(port), 16)
    call(task, "listen", fd, backlog)
    return fd


def pair() -> tuple[Any, Any, int, int]:
    """Two processes and their ends; the second one called."""
    parent, child = two_tasks()
    server, client = listening(parent), call(child, "socket", AF_INET, STREAM, 0)
    call(child, "connect", client, name(), 16)
    end = call(parent, "accept", server, 0, 0)
    call(parent, "close", server)
    return parent, child, end, client


def test_accept_and_read_wait_for_the_other_process() -> None:
    parent, child = two_tasks()
    server = listening(parent)
    accepting = Blocked(parent, "accept", server, 0, 0)
    assert accepting.blocked
    client = call(child, "socket", AF_INET, STREAM, 0)
    child.meter.now_ns = 5000
    call(child, "connect", client, name(), 16)
    assert not accepting.blocked and parent.meter.now_ns >= 5000
    room = parent.memory.put(b"", room=8)
    reading = Blocked(parent, "read", accepting.result, room, 8)
    assert reading.blocked
    call(child, "write", client, b"hello", 5)
    assert reading.look() == 5 and parent.memory.read(room, 5) == b"hello"


def test_a_full_queue_makes_connect_wait_and_give_up() -> None:
    parent, child = two_tasks()
    server = listening(parent, backlog=0)
    callers = [call(child, "socket", AF_INET, STREAM, 0) for _ in range(3)]
    call(child, "connect", callers[0], name(), 16)
    waiting = [Blocked(child, "connect", fd, name(), 16) for fd in callers[1:]]
    assert all(each.blocked for each in waiting)
    call(parent, "accept", server, 0, 0)
    assert not waiting[0].blocked and waiting[0].result == 0
    assert waiting[1].wait is not None and waiting[1].wait.until_ns is not None
    child.meter.now_ns = waiting[1].wait.until_ns
    assert waiting[1].wait.until_ns >= CALL_NS
    waiting[1].go_on(Wake.TIMEOUT)
    assert waiting[1].result.errno == E.ETIMEDOUT
    assert not child.process.files.get(callers[2]).called


def test_a_listener_that_closes_refuses_who_waits() -> None:
    parent, child = two_tasks()
    server = listening(parent, backlog=0)
    first, second = (call(child, "socket", AF_INET, STREAM, 0) for _ in range(2))
    call(child, "connect", first, name(), 16)
    waiting = Blocked(child, "connect", second, name(), 16)
    call(parent, "close", server)
    assert waiting.look().errno == E.ECONNREFUSED
    fails(child, E.ECONNRESET, "read", first, child.memory.put(b"", room=1), 1)


def test_a_writer_waits_for_a_reader_and_all_is_counted() -> None:
    parent, child, end, client = pair()
    ports = parent.kernel.rendezvous.ports
    much = child.memory.put(bytes(4 << 20))
    writing = Blocked(child, "write", client, much, 4 << 20)
    assert writing.blocked
    socket = child.process.files.get(client)
    held = parent.process.files.get(end).inbox.length
    assert ports.held_bytes == held == socket.send_buffer + parent.process.files.get(end).receive_buffer
    room = parent.memory.put(b"", room=4 << 20)
    got = 0
    while got < 4 << 20:
        got += call(parent, "read", end, room, 4 << 20)
        writing.look()
    assert writing.result == 4 << 20 and ports.held_bytes == 0


def test_all_streams_together_hold_only_so_much(monkeypatch) -> None:
    monkeypatch.setattr("pcomponent.files.inet.far.HELD_BYTES_MAX", 10000)
    _, child, _, client = pair()
    child.process.files.get(client).flags |= NONBLOCK
    data = child.memory.put(bytes(50000))
    assert call(child, "write", client, data, 50000) == 10000
    fails(child, E.EAGAIN, "write", client, data, 1)


@pytest.mark.parametrize("how", ["fin", "reset", "end"])
def test_a_close_ends_every_wait_and_keeps_nothing(how: str) -> None:
    parent, child, end, client = pair()
    reading = Blocked(parent, "read", end, parent.memory.put(b"", room=8), 8)
    assert reading.blocked
    if how == "reset":
        call(child, "setsockopt", client, 1, 13, struct.pack("<ii", 1, 0), 8)
    if how == "end":
        child.process.files.close_all(child)
    else:
        call(child, "close", client)
    assert reading.look().errno == E.ECONNRESET if how == "reset" else reading.look() == 0
    call(parent, "close", end)
    ports = parent.kernel.rendezvous.ports
    assert ports.held_bytes == 0
    left = ports.sockets((parent.process.vnode, 6))
    assert all(each.expires_ns for each in left) and len(left) == (0 if how == "reset" else 1)


def test_connect_outside_of_the_machine() -> None:
    parent, _ = two_tasks()
    for kind in (STREAM, DATAGRAM):
        fd = call(parent, "socket", AF_INET, kind, 0)
        for ip in (0x08080808, 0x0A000002, 0xE0000001, 0xFFFFFFFF):
            fails(parent, E.ENETUNREACH, "connect", fd, name(80, ip), 16)
    own = call(parent, "socket", AF_INET, STREAM, 0)
    fails(parent, E.ECONNREFUSED, "connect", own, name(80, 0x0A000001), 16)


def test_ports_below_1024_need_a_capability() -> None:
    parent, _ = two_tasks()
    fd = call(parent, "socket", AF_INET, STREAM, 0)
    parent.process.credentials.effective = 0
    fails(parent, E.EACCES, "bind", fd, name(80), 16)
    call(parent, "bind", fd, name(1024), 16)


def test_queues_of_bytes() -> None:
    queue = Bytes()
    for piece in (b"abc", b"", b"defg", b"h"):
        queue.put(piece)
    assert (queue.peek(5), queue.take(2), queue.peek(3), queue.length) == (b"abcde", b"ab", b"cde", 6)
    queue.put_back(b"XY")
    assert (queue.take(4), queue.take(100), queue.take(1), queue.length) == (b"XYcd", b"efgh", b"", 0)


def test_who_waits_for_the_room_of_all_streams_is_asked_when_there_is_some(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("far", "ports"):
        monkeypatch.setattr(f"pcomponent.files.inet.{module}.HELD_BYTES_MAX", 10000)
    parent, child, _, client = pair()
    ports = parent.kernel.rendezvous.ports
    ports.hold(20000)  # Of other streams.
    writing = Blocked(child, "write", client, child.memory.put(bytes(8192)), 8192)
    assert writing.blocked
    ports.hold(-10000)
    assert writing.blocked
    ports.hold(-10000)
    assert writing.look() == 8192


def test_another_window_is_looked_at() -> None:
    parent, child, end, client = pair()
    much = child.memory.put(bytes(4 << 20))
    child.process.files.get(client).flags |= NONBLOCK
    call(child, "write", client, much, 4 << 20)
    child.process.files.get(client).flags &= ~NONBLOCK
    writing = Blocked(child, "write", client, much, 100)
    assert writing.blocked
    call(parent, "setsockopt", end, 1, 8, struct.pack("<i", 1 << 20), 4)  # SO_RCVBUF
    assert writing.look() == 100
