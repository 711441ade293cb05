"""Standard streams: waiting, pipes and redirected files, terminals, and poll and select on them."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from filetask import BASE, SIZE, TERMINAL, Guest, Stream

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import O_APPEND, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY, SEEK_CUR, SEEK_END, SEEK_SET
from lego.linux.signal import Sig, bit
from lego.linux.stat import S_IFIFO, S_IFREG
from pcomponent.files.base import POLLIN, POLLNVAL, POLLOUT
from pcomponent.files.standard import open_standard
from pcomponent.vectors import one, read_into, write_from
from pcomponent.waiting import Interrupted, Wake

REGULAR = S_IFREG | 0o644


@pytest.fixture
def guest(tmp_path: Path) -> Iterator[Guest]:
    guest = Guest(tmp_path)
    guest.console.streams = {0: Stream(flags=O_RDONLY), 1: Stream(flags=O_WRONLY), 2: Stream(TERMINAL, O_RDWR, True)}
    start(guest)
    yield guest
    guest.close()


def start(guest: Guest) -> None:
    guest.task.process.files = open_standard(guest.task)


def replace(guest: Guest, number: int, stream: Stream) -> Stream:
    guest.console.streams[number] = stream
    start(guest)
    return stream


def parked(call: Any) -> Any:
    """Runs a call up to its first wait."""
    return next(call)


def test_streams_that_are_closed_stay_closed(guest: Guest) -> None:
    del guest.console.streams[0]
    start(guest)
    assert [fd for fd, _ in guest.files.descriptors()] == [1, 2]
    guest.fails(E.EBADF, "read", 0, BASE, 1)
    assert guest.call("dup", 1) == 0


def test_a_read_takes_what_is_there(guest: Guest) -> None:
    guest.console.streams[0].arrivals = [b"hello\n", b"more", b""]
    assert guest.read(0, 3) == b"hel"
    assert guest.read(0, 100) == b"lo\n"
    assert guest.read(0, 100) == b"more"
    assert guest.read(0, 100) == b""


def test_a_read_waits_until_something_comes(guest: Guest) -> None:
    guest.console.streams[0].arrivals = [None, None, None, b"late"]
    assert guest.read(0, 10) == b"late"


def test_waiting_costs_no_virtual_time(guest: Guest) -> None:
    guest.console.streams[0].arrivals = [b"now"]
    before = guest.meter.now_ns
    guest.read(0, 10)
    direct = guest.meter.now_ns - before
    guest.console.streams[0].arrivals = [None, None, None, b"now"]
    guest.read(0, 10)
    assert guest.meter.now_ns - before == 2 * direct > 0


def test_input_that_came_before_a_signal_is_kept(guest: Guest) -> None:
    stream, file = guest.console.streams[0], guest.files.get(0)
    stream.arrivals = [None]
    call = read_into(guest.task, file, one(BASE, 10))
    wait = parked(call)
    assert wait.outside
    stream.arrivals = [b"abc", b"def"]
    assert wait.ready(5)
    with pytest.raises(Interrupted) as caught:
        call.send(Wake.SIGNAL)
    assert caught.value.restart
    assert file.poll(guest.task, POLLIN) == POLLIN
    assert guest.read(0, 10) == b"abc"
    assert guest.read(0, 10) == b"def"


def test_the_end_that_came_before_a_signal_is_met_again(guest: Guest) -> None:
    stream = guest.console.streams[0]
    stream.arrivals = [None]
    call = read_into(guest.task, guest.files.get(0), one(BASE, 10))
    wait = parked(call)
    stream.arrivals = [b"", b"after ^D"]
    assert wait.ready(5)
    call.close()
    assert guest.read(0, 10) == b""
    assert guest.read(0, 10) == b"after ^D"


def test_a_buffer_without_room_leaves_the_rest(guest: Guest) -> None:
    guest.console.streams[0].arrivals = [b"0123456789"]
    assert guest.call("read", 0, BASE + SIZE - 4, 10) == 4
    assert guest.read(0, 10) == b"456789"
    guest.console.streams[0].arrivals = [b"xyz"]
    guest.fails(E.EFAULT, "read", 0, BASE + SIZE, 10)
    assert guest.read(0, 10) == b"xyz"


def test_non_blocking(guest: Guest) -> None:
    guest.call("fcntl", 0, 4, O_NONBLOCK)
    guest.call("fcntl", 1, 4, O_NONBLOCK)
    guest.fails(E.EAGAIN, "read", 0, BASE, 1)
    guest.console.streams[1].takes = [None]
    guest.fails(E.EAGAIN, "write", 1, b"x", 1)
    guest.console.streams[1].takes = [3, None]
    assert guest.write(1, b"abcdef") == 3
    guest.call("fcntl", 0, 4, 0)
    guest.console.streams[0].arrivals = [None, b"x"]
    assert guest.read(0, 1) == b"x"


def test_a_write_goes_on_until_all_is_taken(guest: Guest) -> None:
    stream = guest.console.streams[1]
    stream.takes = [4, None, None, 1, None]
    assert guest.write(1, b"abcdefghij") == 10
    assert stream.written == b"abcdefghij"


def test_a_signal_ends_a_write_with_what_was_taken(guest: Guest) -> None:
    stream, file = guest.console.streams[1], guest.files.get(1)
    address = guest.memory.put(b"abcdef")
    stream.takes = [None, None]
    call = write_from(guest.task, file, one(address, 6))
    parked(call)
    with pytest.raises(Interrupted):
        call.send(Wake.SIGNAL)
    stream.takes = [2, None, None]
    call = write_from(guest.task, file, one(address, 6))
    parked(call)
    with pytest.raises(StopIteration) as done:
        call.send(Wake.SIGNAL)
    assert done.value.value == 2
    assert stream.written == b"ab"


def test_nobody_reads_any_more(guest: Guest) -> None:
    guest.console.streams[1].broken = True
    guest.fails(E.EPIPE, "write", 1, b"x", 1)
    assert guest.task.signals.pending.mask == bit(Sig.PIPE)


def test_a_reader_that_goes_away_during_a_write(guest: Guest) -> None:
    stream = guest.console.streams[1]
    address = guest.memory.put(b"abcdef")
    stream.takes = [None]
    call = write_from(guest.task, guest.files.get(1), one(address, 6))
    wait = parked(call)
    stream.broken = True
    assert wait.ready(5)  # An error ends the wait; it is not the scheduler's to handle.
    with pytest.raises(LinuxError) as caught:
        call.send(Wake.READY)
    assert caught.value.errno == E.EPIPE


def test_pipes_do_not_seek(guest: Guest) -> None:
    guest.fails(E.ESPIPE, "lseek", 0, 0, SEEK_CUR)
    guest.fails(E.ESPIPE, "pread64", 0, BASE, 1, 0)
    guest.fails(E.ESPIPE, "pwrite64", 1, b"x", 1, 0)
    guest.fails(E.ESPIPE, "fadvise64", 0, 0, 0, 0)
    guest.fails(E.EINVAL, "sendfile", 1, 0, 0, 10)
    guest.fails(E.EBADF, "write", 0, b"x", 1)
    guest.fails(E.EBADF, "read", 1, BASE, 1)


def test_a_redirected_file(guest: Guest) -> None:
    stream = replace(guest, 1, Stream(REGULAR, O_RDWR))
    assert guest.write(1, b"0123456789") == 10
    assert guest.call("lseek", 1, 2, SEEK_SET) == 2
    assert guest.read(1, 3) == b"234"
    assert guest.call("pwrite64", 1, b"X", 1, 0) == 1
    buffer = guest.memory.put(b"", room=4)
    assert guest.call("pread64", 1, buffer, 2, 0) == 2
    assert guest.memory.read(buffer, 2) == b"X1"
    assert guest.call("lseek", 1, 0, SEEK_END) == 10
    guest.call("fcntl", 1, 4, O_APPEND)
    guest.call("lseek", 1, 0, SEEK_SET)
    guest.write(1, b"end")
    assert bytes(stream.content) == b"X123456789end"
    assert guest.call("ftruncate", 1, 2) == 0
    assert bytes(stream.content) == b"X1"
    guest.call("lseek", 1, 0, SEEK_SET)
    assert guest.call("read", 1, BASE + SIZE - 1, 2) == 1
    assert guest.call("lseek", 1, 0, SEEK_CUR) == 1


def test_sendfile_to_a_stream(guest: Guest, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"contents")
    fd = guest.call("open", "/file", O_RDONLY)
    guest.console.streams[1].takes = [3, None, 5]
    assert guest.call("sendfile", 1, fd, 0, 100) == 8
    assert guest.console.streams[1].written == b"contents"
    guest.call("lseek", fd, 2, SEEK_SET)
    guest.call("fcntl", 1, 4, O_NONBLOCK)
    guest.console.streams[1].takes = [3, None]
    assert guest.call("sendfile", 1, fd, 0, 100) == 3
    assert guest.call("lseek", fd, 0, SEEK_CUR) == 5


def test_terminals(guest: Guest) -> None:
    size = guest.memory.put(b"", room=8)
    assert guest.call("ioctl", 2, 0x5413, size) == 0
    assert guest.memory.read(size, 8) == struct.pack("<4H", 24, 80, 0, 0)
    guest.fails(E.ENOTTY, "ioctl", 1, 0x5413, size)
    guest.fails(E.ENOTTY, "ioctl", 1, 0x5401, size)
    guest.fails(E.ENOTTY, "ioctl", 2, 0x1234, size)
    guest.fails(E.EFAULT, "ioctl", 2, 0x5413, 8)
    guest.fails(E.EFAULT, "ioctl", 2, 0x5402, 8)
    group = guest.memory.put(struct.pack("<i", 7))
    assert guest.call("ioctl", 2, 0x540F, group) == 0
    assert guest.memory.read(group, 4) == struct.pack("<i", 7)
    assert guest.call("ioctl", 2, 0x5410, group) == 0
    guest.fails(E.EPERM, "ioctl", 2, 0x5410, struct.pack("<i", 8))
    guest.fails(E.ENOTTY, "ioctl", 1, 0x540F, group)


def test_attributes(guest: Guest) -> None:
    buffer = guest.memory.put(b"", room=144)
    guest.call("fstat", 0, buffer)
    assert struct.unpack("<I", guest.memory.read(buffer + 24, 4))[0] & 0o170000 == S_IFIFO
    guest.fails(E.EINVAL, "fsync", 0)
    guest.fails(E.ENODEV, "fallocate", 1, 0, 0, 1)


# ---- poll and select ------------------------------------------------------------------------------------------


def polled(guest: Guest, *pairs: tuple[int, int], timeout: int = 0) -> tuple[int, list[int]]:
    address = guest.memory.put(b"".join(struct.pack("<ihh", fd, events, -1) for fd, events in pairs))
    count = guest.call("poll", address, len(pairs), timeout)
    return count, [struct.unpack("<h", guest.memory.read(address + 8 * i + 6, 2))[0] for i in range(len(pairs))]


def test_poll(guest: Guest, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    fd = guest.call("open", "/file", O_RDWR)
    assert polled(guest, (0, POLLIN), (1, POLLOUT)) == (1, [0, POLLOUT])
    assert polled(guest, (fd, POLLIN | POLLOUT), (-1, POLLIN)) == (1, [POLLIN | POLLOUT, 0])
    assert polled(guest, (99, POLLIN), (0, POLLIN), timeout=-1) == (1, [POLLNVAL, 0])
    guest.console.streams[0].arrivals = [b"x"]
    assert polled(guest, (0, POLLIN), timeout=-1) == (1, [POLLIN])
    assert guest.call("poll", 0, 0, 0) == 0
    guest.fails(E.EINVAL, "poll", 0, 5000, 0)
    guest.fails(E.EFAULT, "poll", 8, 1, 0)


def test_poll_waits_for_the_outside(guest: Guest) -> None:
    guest.console.streams[0].arrivals = [None, None, None, b"x"]
    assert polled(guest, (0, POLLIN), timeout=-1) == (1, [POLLIN])


def test_poll_sleeps_in_virtual_time(guest: Guest) -> None:
    before = guest.meter.now_ns
    assert guest.call("poll", 0, 0, 30) == 0
    assert guest.meter.now_ns == before + 30_000_000


def test_ppoll_writes_the_time_left_and_keeps_the_mask(guest: Guest) -> None:
    address = guest.memory.put(struct.pack("<ihh", 1, POLLOUT, 0))
    timeout = guest.memory.put(struct.pack("<qq", 2, 5))
    guest.task.signal_mask = 0b100
    assert guest.call("ppoll", address, 1, timeout, struct.pack("<Q", 0b1000), 8) == 1
    seconds, nanoseconds = struct.unpack("<qq", guest.memory.read(timeout, 16))
    assert (seconds, nanoseconds) <= (2, 5)
    assert guest.task.signal_mask == 0b100
    guest.fails(E.EINVAL, "ppoll", address, 1, 0, struct.pack("<Q", 0), 4)
    guest.fails(E.EINVAL, "ppoll", address, 1, struct.pack("<qq", 0, 10**9), 0, 0)
    guest.fails(E.EINVAL, "ppoll", address, 1, struct.pack("<qq", -1, 0), 0, 0)


def test_a_signal_ends_ppoll_under_the_temporary_mask(guest: Guest) -> None:
    from pcomponent.syscalls.polling import ppoll

    guest.task.signal_mask = 0b100
    address = guest.memory.put(struct.pack("<ihh", 0, POLLIN, 0))
    call = ppoll(guest.task, address, 1, 0, guest.memory.put(struct.pack("<Q", 0)), 8)
    assert parked(call).outside
    assert guest.task.signal_mask == 0
    with pytest.raises(Interrupted) as caught:
        call.send(Wake.SIGNAL)
    assert not caught.value.restart
    assert guest.task.signals.saved_mask == 0b100


def fd_set(*numbers: int, size: int = 8) -> bytes:
    return sum(1 << number for number in numbers).to_bytes(size, "little")


def test_select(guest: Guest) -> None:
    guest.console.streams[0].arrivals = [b"x"]
    readers, writers = guest.memory.put(fd_set(0)), guest.memory.put(fd_set(1, 2))
    assert guest.call("select", 3, readers, writers, 0, 0) == 3
    assert guest.memory.read(readers, 8) == fd_set(0)
    assert guest.memory.read(writers, 8) == fd_set(1, 2)
    guest.console.streams[0].arrivals = []
    timeout = guest.memory.put(struct.pack("<qq", 0, 0))
    assert guest.call("select", 1, readers, 0, 0, timeout) == 0
    assert guest.memory.read(readers, 8) == fd_set()
    guest.fails(E.EBADF, "select", 64, fd_set(40), 0, 0, 0)
    guest.fails(E.EINVAL, "select", -1, 0, 0, 0, 0)
    guest.fails(E.EFAULT, "select", 1, 8, 0, 0, 0)
    guest.fails(E.EINVAL, "select", 0, 0, 0, 0, struct.pack("<qq", 0, -1))
    assert guest.call("select", 0, 0, 0, 0, struct.pack("<qq", 0, 1_500_000)) == 0


def test_select_looks_only_at_what_was_asked(guest: Guest) -> None:
    """Bits beyond `nfds` are left out, and come back as zero within the last word."""
    readers = guest.memory.put(fd_set(0, 1, 50))
    guest.console.streams[0].arrivals = [b"x"]
    assert guest.call("select", 1, readers, 0, 0, struct.pack("<qq", 0, 0)) == 1
    assert guest.memory.read(readers, 8) == fd_set(0)


def test_pselect6(guest: Guest) -> None:
    mask = guest.memory.put(struct.pack("<Q", 0))
    both = struct.pack("<QQ", mask, 8)
    writers = guest.memory.put(fd_set(1))
    assert guest.call("pselect6", 2, 0, writers, 0, struct.pack("<qq", 1, 0), both) == 1
    guest.fails(E.EINVAL, "pselect6", 2, 0, writers, 0, 0, struct.pack("<QQ", mask, 4))
    assert guest.call("pselect6", 0, 0, 0, 0, struct.pack("<qq", 1, 0), 0) == 0
