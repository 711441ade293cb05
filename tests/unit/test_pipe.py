"""Pipes between two processes: who waits for what, and when, on the virtual clock, it goes on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from filetask import Guest
from kerneltask import call, fails
from talk_rig import Blocked, numbers, share, two_tasks

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import O_NONBLOCK, O_RDONLY, O_WRONLY
from lego.linux.signal import Sig, bit
from pcomponent.syscalls.table import TABLE
from pcomponent.waiting import Interrupted, Wake

PAGE = 4096


@pytest.fixture
def pair() -> Any:
    """(parent, child, read end, write end), shared as after a fork."""
    parent, child = two_tasks()
    place = parent.memory.put(b"", room=8)
    call(parent, "pipe2", place, 0)
    share(parent, child)
    return (parent, child, *numbers(parent, place))


def test_a_reader_waits_for_the_writer_and_for_its_time(pair: Any) -> None:
    parent, child, reader, writer = pair
    room = parent.memory.put(b"", room=100)
    reading = Blocked(parent, "read", reader, room, 100)
    assert reading.blocked
    child.meter.now_ns = 5000
    assert call(child, "write", writer, b"hello", 5) == 5
    assert not reading.blocked and reading.result == 5
    assert parent.memory.read(room, 5) == b"hello"
    assert parent.meter.now_ns == 5000


def test_the_end_comes_with_the_last_writer_of_any_process(pair: Any) -> None:
    parent, child, reader, writer = pair
    reading = Blocked(parent, "read", reader, parent.memory.put(b"", room=9), 9)
    call(parent, "close", writer)
    assert reading.blocked
    call(child, "close", writer)
    assert not reading.blocked and reading.result == 0


def test_a_writer_waits_for_room_and_is_told_when_nobody_reads(pair: Any) -> None:
    parent, child, reader, writer = pair
    call(parent, "close", reader)
    writing = Blocked(parent, "write", writer, bytes(70000), 70000)
    assert writing.blocked
    room = child.memory.put(b"", room=PAGE)
    assert call(child, "read", reader, room, PAGE) == PAGE
    assert writing.blocked
    call(child, "close", reader)
    assert not writing.blocked and writing.result == 65536 + PAGE
    assert parent.signals.pending.mask == bit(Sig.PIPE)
    fails(parent, E.EPIPE, "write", writer, b"x", 1)


def test_a_page_is_written_whole_or_not_at_all(pair: Any) -> None:
    parent, child, reader, writer = pair
    parent.process.files.get(writer).flags |= O_NONBLOCK
    assert call(parent, "write", writer, bytes(65536), 65536) == 65536
    room = child.memory.put(b"", room=PAGE)
    assert call(child, "read", reader, room, PAGE - 1) == PAGE - 1
    fails(parent, E.EAGAIN, "write", writer, b"ab", 2)
    assert call(child, "read", reader, room, 1) == 1
    assert call(parent, "write", writer, bytes(PAGE), PAGE) == PAGE
    fails(parent, E.EAGAIN, "write", writer, bytes(PAGE), PAGE)


def test_two_blocked_writers_of_a_page_do_not_mix(pair: Any) -> None:
    parent, child, reader, writer = pair
    call(parent, "write", writer, bytes(65536), 65536)
    first = Blocked(parent, "write", writer, b"a" * PAGE, PAGE)
    second = Blocked(child, "write", writer, b"b" * PAGE, PAGE)
    room = child.memory.put(b"", room=PAGE)
    for _ in range(16):
        call(child, "read", reader, room, PAGE)
    assert first.look() == PAGE and second.look() == PAGE
    call(child, "read", reader, room, PAGE)
    assert child.memory.read(room, PAGE) == b"a" * PAGE


def test_a_signal_ends_a_read_that_is_made_again_and_a_write_with_what_was_taken(pair: Any) -> None:
    parent, _, reader, writer = pair
    reading = Blocked(parent, "read", reader, parent.memory.put(b"", room=9), 9)
    reading.go_on(Wake.SIGNAL)
    assert isinstance(reading.result, Interrupted) and reading.result.restart
    writing = Blocked(parent, "write", writer, bytes(70000), 70000)
    writing.go_on(Wake.SIGNAL)
    assert writing.result == 65536


def test_poll_sees_what_the_other_end_does(pair: Any) -> None:
    parent, child, reader, writer = pair
    polls = parent.memory.put(reader.to_bytes(4, "little") + b"\1\0\0\0")
    polling = Blocked(parent, "poll", polls, 1, -1)
    assert polling.blocked
    call(child, "write", writer, b"x", 1)
    assert not polling.blocked and polling.result == 1


def test_nothing_stays_open_when_the_guest_cannot_be_told() -> None:
    parent, _ = two_tasks()
    with pytest.raises(LinuxError):
        call(parent, "pipe", 8)
    assert not parent.process.files.descriptors()


def test_opening_a_fifo_waits_for_the_other_end(tmp_path: Path) -> None:
    guest = Guest(tmp_path)
    os.mkfifo(tmp_path / "queue")
    entry = next(each for each in TABLE.values() if each.name == "open")
    opening = entry.handler(guest.task, guest.pointer("/queue"), O_RDONLY, 0)
    wait = next(opening)
    assert not wait.ready(0)
    writer = guest.call("open", "/queue", O_WRONLY | O_NONBLOCK)
    assert wait.ready(0)
    with pytest.raises(StopIteration) as done:
        opening.send(Wake.READY)
    guest.call("close", writer)
    assert guest.read(done.value.value, 5) == b""
    guest.call("close", done.value.value)
    opening = entry.handler(guest.task, guest.pointer("/queue"), O_WRONLY, 0)
    next(opening)
    with pytest.raises(Interrupted):
        opening.send(Wake.SIGNAL)
    guest.fails(E.ENXIO, "open", "/queue", O_WRONLY | O_NONBLOCK)
    assert not guest.kernel.rendezvous.fifos and not guest.handles()
    guest.close()
