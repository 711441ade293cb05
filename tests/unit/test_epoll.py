"""epoll sets: that only what something happened to is looked at, and that nothing is kept."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from kerneltask import call
from talk_rig import Blocked, numbers, two_tasks

from lego.linux.errno import E
from pcomponent.files.epoll import EPOLLET, EPOLLONESHOT
from pcomponent.files.inet.addresses import LOOPBACK, Address
from pcomponent.files.inet.connecting import CALL_NS
from pcomponent.files.pipe import PipeFile
from pcomponent.waiting import Wake

ADD, DEL, MOD = 1, 2, 3
IN, OUT, ERR, HUP = 1, 4, 8, 0x10
NONBLOCK = 0x800
EVENT = struct.Struct("<IQ")


def pipe(task: Any) -> tuple[int, int]:
    room = task.memory.put(b"", room=8)
    call(task, "pipe", room)
    return numbers(task, room)


def control(task: Any, epoll: int, operation: int, fd: int, events: int) -> None:
    call(task, "epoll_ctl", epoll, operation, fd, task.memory.put(EVENT.pack(events, fd)))


def ready(task: Any, epoll: int, count: int = 16) -> list[tuple[int, int]]:
    """(descriptor, events) that epoll_wait reports without waiting."""
    room = task.memory.put(b"", room=count * EVENT.size)
    found = call(task, "epoll_wait", epoll, room, count, 0)
    return [(fd, events) for events, fd in EVENT.iter_unpack(task.memory.read(room, found * EVENT.size))]


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[PipeFile]:
    """The ends of pipes that were looked at."""
    found: list[PipeFile] = []
    poll = PipeFile.poll

    def noted(self: PipeFile, task: Any, events: int, wait_ms: int = 0) -> int:
        found.append(self)
        return poll(self, task, events, wait_ms)

    monkeypatch.setattr(PipeFile, "poll", noted)
    return found


def test_only_what_something_happened_to_is_looked_at(looked: list[PipeFile]) -> None:
    task, _ = two_tasks()
    epoll, pipes = call(task, "epoll_create1", 0), [pipe(task) for _ in range(10)]
    for reader, _ in pipes:
        control(task, epoll, ADD, reader, IN)
    assert len(looked) == 10
    looked.clear()
    assert ready(task, epoll) == [] and looked == []
    byte = task.memory.put(b"x")
    for place in (7, 2):
        call(task, "write", pipes[place][1], byte, 1)
    two = [(pipes[place][0], IN) for place in (7, 2)]
    assert ready(task, epoll) == two and len(looked) == 2
    assert ready(task, epoll, 1) == two[:1] and ready(task, epoll, 1) == two[1:]  # Level-triggered, and in turn.
    call(task, "read", pipes[7][0], task.memory.put(b"", room=1), 1)
    assert ready(task, epoll) == two[1:]
    looked.clear()
    assert ready(task, epoll) == two[1:] and len(looked) == 1


def test_a_sleeper_waits_for_the_set_alone() -> None:
    task, other = two_tasks()
    epoll, pipes = call(task, "epoll_create1", 0), [pipe(task) for _ in range(10)]
    for reader, _ in pipes:
        control(task, epoll, ADD, reader, IN)
    other.process.files = task.process.files.copy()
    waiting = Blocked(task, "epoll_wait", epoll, task.memory.put(b"", room=16 * EVENT.size), 16, -1)
    assert waiting.blocked and len(waiting.wait.changes()) == 1
    call(other, "write", pipes[4][1], other.memory.put(b"x"), 1)
    assert waiting.look() == 1


def test_edges_and_one_shots_are_not_looked_at_again(looked: list[PipeFile]) -> None:
    task, _ = two_tasks()
    epoll, byte = call(task, "epoll_create1", 0), task.memory.put(b"x")
    (edge, edge_in), (once, once_in) = pipe(task), pipe(task)
    control(task, epoll, ADD, edge, IN | EPOLLET)
    control(task, epoll, ADD, once, IN | EPOLLONESHOT)
    for writer in (edge_in, once_in):
        call(task, "write", writer, byte, 1)
    assert ready(task, epoll) == [(edge, IN), (once, IN)]
    looked.clear()
    assert ready(task, epoll) == [] and ready(task, epoll) == [] and looked == []
    call(task, "write", edge_in, byte, 1)
    call(task, "write", once_in, byte, 1)
    assert ready(task, epoll) == [(edge, IN)]
    control(task, epoll, MOD, once, IN | EPOLLONESHOT)
    assert ready(task, epoll) == [(once, IN)]


def test_nothing_of_a_set_is_kept() -> None:
    task, _ = two_tasks()
    epoll, outer = call(task, "epoll_create1", 0), call(task, "epoll_create1", 0)
    control(task, outer, ADD, epoll, IN)
    (reader, writer), (other, _) = pipe(task), pipe(task)
    for fd in (reader, other):
        control(task, epoll, ADD, fd, IN)
    files = [task.process.files.get(fd) for fd in (reader, other)]
    call(task, "close", other)  # It leaves the set with its last descriptor.
    assert not files[1].watches and not files[1].pipe.filled.watchers
    call(task, "write", writer, task.memory.put(b"x"), 1)
    assert ready(task, outer) == [(epoll, IN)] and ready(task, epoll) == [(reader, IN)]
    call(task, "close", epoll)
    assert not files[0].watches and not files[0].pipe.filled.watchers and ready(task, outer) == []


def test_a_call_that_nobody_answers_is_given_up_in_a_set() -> None:
    parent, child = two_tasks()
    server = call(parent, "socket", 2, 1, 0)
    call(parent, "bind", server, Address(LOOPBACK, 8000).pack(), 16)
    call(parent, "listen", server, 0)
    name = child.memory.put(Address(LOOPBACK, 8000).pack())
    call(child, "connect", call(child, "socket", 2, 1, 0), name, 16)
    epoll, caller = call(child, "epoll_create1", 0), call(child, "socket", 2, 1 | NONBLOCK, 0)
    control(child, epoll, ADD, caller, OUT | EPOLLET)
    assert ready(child, epoll) == [(caller, OUT | HUP)] and ready(child, epoll) == []
    start_ns = child.meter.now_ns
    assert Blocked(child, "connect", caller, name, 16).result.errno == E.EINPROGRESS
    waiting = Blocked(child, "epoll_wait", epoll, child.memory.put(b"", room=EVENT.size), 1, -1)
    assert waiting.blocked and waiting.wait.until_ns == start_ns + CALL_NS
    child.meter.now_ns = waiting.wait.until_ns
    waiting.go_on(Wake.TIMEOUT)
    assert waiting.result == 1
