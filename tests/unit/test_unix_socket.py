"""AF_UNIX sockets between two processes: who waits for whom, and what travels."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from kerneltask import call, fails
from talk_rig import Blocked, numbers, share, two_tasks

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import O_NONBLOCK
from pcomponent.rlimits import Resource
from pcomponent.waiting import Interrupted, Wake

AF_UNIX, STREAM, DATAGRAM = 1, 1, 2
DONTWAIT = 0x40


def pair(kind: int = STREAM) -> Any:
    """(parent, child, one end, other end), shared as after a fork."""
    parent, child = two_tasks()
    place = parent.memory.put(b"", room=8)
    call(parent, "socketpair", AF_UNIX, kind, 0, place)
    share(parent, child)
    return (parent, child, *numbers(parent, place))


def name(text: bytes) -> bytes:
    """An abstract address."""
    return struct.pack("<H", AF_UNIX) + b"\0" + text


def test_a_receiver_waits_for_the_sender_and_for_its_time() -> None:
    parent, child, one, other = pair()
    room = parent.memory.put(b"", room=10)
    reading = Blocked(parent, "recvfrom", one, room, 10, 0, 0, 0)
    assert reading.blocked
    child.meter.now_ns = 7000
    assert call(child, "sendto", other, b"hello", 5, 0, 0, 0) == 5
    assert not reading.blocked and reading.result == 5
    assert parent.meter.now_ns == 7000


def test_a_stream_blocks_when_its_buffer_is_full_and_goes_on_when_it_is_read() -> None:
    parent, child, one, other = pair()
    writing = Blocked(parent, "write", one, bytes(500_000), 500_000)
    assert writing.blocked
    room = child.memory.put(b"", room=300_000)
    total = 0
    while writing.blocked:
        total += call(child, "read", other, room, 300_000)
    assert writing.result == 500_000
    while total < 500_000:
        total += call(child, "read", other, room, 300_000)
    assert parent.process.files.get(one).held == 0


def test_a_datagram_waits_for_a_slow_receiver() -> None:
    parent, child = two_tasks()
    receiver, sender = (call(task, "socket", AF_UNIX, DATAGRAM, 0) for task in (parent, child))
    address = name(b"slow")
    call(parent, "bind", receiver, address, len(address))
    call(child, "connect", sender, address, len(address))
    for _ in range(11):
        call(child, "sendto", sender, b"x", 1, DONTWAIT, 0, 0)
    fails(child, E.EAGAIN, "sendto", sender, b"x", 1, DONTWAIT, 0, 0)
    sending = Blocked(child, "write", sender, b"y", 1)
    assert sending.blocked
    call(parent, "read", receiver, parent.memory.put(b"", room=1), 1)
    assert not sending.blocked and sending.result == 1
    call(parent, "close", receiver)
    fails(child, E.ECONNREFUSED, "write", sender, b"y", 1)


def test_accept_waits_for_connect_and_a_full_backlog_makes_connect_wait() -> None:
    parent, child = two_tasks()
    listener = call(parent, "socket", AF_UNIX, STREAM, 0)
    address = name(b"server")
    call(parent, "bind", listener, address, len(address))
    call(parent, "listen", listener, 0)
    accepting = Blocked(parent, "accept", listener, 0, 0)
    assert accepting.blocked
    clients = [call(child, "socket", AF_UNIX, STREAM, 0) for _ in range(3)]
    call(child, "connect", clients[0], address, len(address))
    assert not accepting.blocked and accepting.result == listener + 1
    call(child, "connect", clients[1], address, len(address))
    connecting = Blocked(child, "connect", clients[2], address, len(address))
    assert connecting.blocked
    call(parent, "accept", listener, 0, 0)
    assert not connecting.blocked and connecting.result == 0
    call(parent, "close", listener)
    assert not parent.kernel.rendezvous.sockets


def test_a_file_on_its_way_stays_open_and_arrives_in_another_process() -> None:
    parent, child, one, other = pair()
    place = parent.memory.put(b"", room=8)
    call(parent, "pipe", place)
    reader, writer = numbers(parent, place)
    control = struct.pack("<Qiii4x", 20, 1, 1, writer)
    vector = struct.pack("<QQ", parent.memory.put(b"f"), 1)
    header = struct.pack("<QI4xQQQQi4x", 0, 0, parent.memory.put(vector), 1, parent.memory.put(control), 24, 0)
    assert call(parent, "sendmsg", one, header, 0) == 1
    call(parent, "close", writer)
    parent.process.files.get(reader).flags |= O_NONBLOCK
    fails(parent, E.EAGAIN, "read", reader, place, 8)
    vector = struct.pack("<QQ", child.memory.put(b"", room=4), 4)
    room = child.memory.put(b"", room=64)
    header_at = child.memory.put(struct.pack("<QI4xQQQQi4x", 0, 0, child.memory.put(vector), 1, room, 64, 0))
    assert call(child, "recvmsg", other, header_at, 0) == 1
    (arrived,) = struct.unpack("<i", child.memory.read(room + 16, 4))
    assert call(child, "write", arrived, b"!", 1) == 1
    assert call(parent, "read", reader, place, 8) == 1
    call(child, "close", arrived)
    assert call(parent, "read", reader, place, 8) == 0


def send_file(task: Any, to: int, fd: int) -> int:
    """sendmsg of one byte and one descriptor; what it returned, or the error's negative number."""
    control = task.memory.put(struct.pack("<Qiii4x", 20, 1, 1, fd))
    vector = task.memory.put(struct.pack("<QQ", task.memory.put(b"f"), 1))
    header = task.memory.put(struct.pack("<QI4xQQQQi4x", 0, 0, vector, 1, control, 24, 0))
    sent = Blocked(task, "sendmsg", to, header, DONTWAIT).result
    return -sent.errno if isinstance(sent, LinuxError) else int(sent)


def test_files_under_way_are_as_limited_as_open_ones() -> None:
    parent, child, one, _ = pair()
    limit = parent.process.limits.soft(Resource.NOFILE)
    ends = [
        numbers(parent, call(parent, "socketpair", AF_UNIX, STREAM, 0, place) or place) for place in places(parent, 9)
    ]
    count = 0
    for end, _ in ends:
        while (sent := send_file(parent, end, one)) == 1:
            count += 1
        if sent == -E.ETOOMANYREFS:
            break
    assert (sent, count) == (-E.ETOOMANYREFS, limit + 1)
    assert send_file(child, one, one) == 1, "what another process sends is counted apart"
    call(parent, "close", ends[0][1])
    assert parent.process.files.parcels.under_way < limit
    assert send_file(parent, end, one) in (1, -E.EAGAIN)


def places(task: Any, count: int) -> list[int]:
    """Room for so many pairs of descriptors."""
    return [task.memory.put(b"", room=8) for _ in range(count)]


def test_sockets_in_messages_in_sockets_are_closed_however_deep_they_lie() -> None:
    parent, _, one, other = pair()
    (place,) = places(parent, 1)
    outer = one
    for _ in range(1000):
        call(parent, "socketpair", AF_UNIX, STREAM, 0, place)
        inner, far = numbers(parent, place)
        assert send_file(parent, inner, outer) == send_file(parent, inner, other) == 1
        call(parent, "close", outer)
        call(parent, "close", other)
        outer, other = inner, far
        parent.process.files.parcels.under_way = 0
    innermost = parent.process.files.get(outer)
    call(parent, "close", outer)
    call(parent, "close", other)
    assert innermost.gone and not parent.process.files._files


def test_a_timeout_ends_a_wait_and_a_signal_does_not_restart_it() -> None:
    parent, _, one, _ = pair()
    call(parent, "setsockopt", one, 1, 20, struct.pack("<qq", 0, 5000), 16)
    fails(parent, E.EAGAIN, "read", one, parent.memory.put(b"", room=1), 1)
    assert parent.meter.now_ns == 5_000_000
    reading = Blocked(parent, "read", one, parent.memory.put(b"", room=1), 1)
    reading.go_on(Wake.SIGNAL)
    assert isinstance(reading.result, Interrupted) and not reading.result.restart


def test_epoll_wakes_for_what_another_process_does() -> None:
    parent, child, one, other = pair()
    epoll = call(parent, "epoll_create1", 0)
    call(parent, "epoll_ctl", epoll, 1, one, struct.pack("<IQ", 1, 77))
    found = parent.memory.put(b"", room=12)
    waiting = Blocked(parent, "epoll_wait", epoll, found, 1, -1)
    assert waiting.blocked
    call(child, "write", other, b"x", 1)
    assert not waiting.blocked and waiting.result == 1
    assert struct.unpack("<IQ", parent.memory.read(found, 12)) == (1, 77)


def test_no_other_families() -> None:
    parent, _ = two_tasks()
    with pytest.raises(LinuxError) as caught:
        call(parent, "socket", 10, STREAM, 0)
    assert caught.value.errno == E.EAFNOSUPPORT
