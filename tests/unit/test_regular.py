"""Regular files through the calls: contents, positions, limits, and what happens in the middle of a transfer."""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from filetask import BASE, SIZE, Guest
from hypothesis import given, settings, strategies as st

from lego.linux.errno import E
from lego.linux.fcntl import (
    O_APPEND,
    O_CREAT,
    O_DIRECT,
    O_EXCL,
    O_NONBLOCK,
    O_PATH,
    O_RDONLY,
    O_RDWR,
    O_TMPFILE,
    O_TRUNC,
    O_WRONLY,
    SEEK_CUR,
    SEEK_DATA,
    SEEK_END,
    SEEK_HOLE,
    SEEK_SET,
)
from lego.linux.signal import Sig, bit
from mcomponent.messages import FileForget, FileRead, FileSync, FileTruncate, FileWrite
from pcomponent.rlimits import Limit, Resource
from pcomponent.vectors import MAX_RW_COUNT

END = BASE + SIZE


@pytest.fixture
def guest(tmp_path: Path) -> Iterator[Guest]:
    (tmp_path / "file").write_bytes(b"0123456789")
    guest = Guest(tmp_path)
    yield guest
    guest.close()


def iovec(guest: Guest, *parts: tuple[int, int]) -> int:
    return guest.memory.put(b"".join(struct.pack("<QQ", *part) for part in parts))


def test_read_moves_the_offset_and_ends(guest: Guest) -> None:
    fd = guest.call("open", "/file", O_RDONLY)
    assert guest.read(fd, 4) == b"0123"
    assert guest.read(fd, 100) == b"456789"
    assert guest.read(fd, 100) == b""
    assert guest.call("lseek", fd, -3, SEEK_END) == 7
    assert guest.read(fd, 100) == b"789"
    guest.fails(E.EBADF, "write", fd, b"x", 1)


def test_pread_and_pwrite_leave_the_offset(guest: Guest, tmp_path: Path) -> None:
    fd = guest.call("open", "/file", O_RDWR)
    buffer = guest.memory.put(b"", room=16)
    assert guest.call("pread64", fd, buffer, 3, 5) == 3
    assert guest.memory.read(buffer, 3) == b"567"
    assert guest.call("pwrite64", fd, b"XY", 2, 8) == 2
    assert guest.call("lseek", fd, 0, SEEK_CUR) == 0
    assert (tmp_path / "file").read_bytes() == b"01234567XY"
    guest.fails(E.EINVAL, "pread64", fd, buffer, 3, -1)
    guest.fails(E.EINVAL, "pwrite64", fd, buffer, 3, -1)


def test_large_transfers_go_in_pieces_of_a_mebibyte(guest: Guest, tmp_path: Path) -> None:
    data = bytes(range(256)) * 10_000
    fd = guest.call("open", "/big", O_RDWR | O_CREAT, 0o600)
    assert guest.write(fd, data) == len(data)
    assert (tmp_path / "big").read_bytes() == data
    guest.call("lseek", fd, 0, SEEK_SET)
    buffer = guest.memory.put(b"", room=len(data))
    assert guest.call("read", fd, buffer, len(data)) == len(data)
    assert guest.memory.read(buffer, len(data)) == data
    assert [r.length for r in guest.cache.log if isinstance(r, FileRead)] == [1 << 20, 1 << 20, len(data) - (2 << 20)]


def test_calls_flush_mapped_pages_before_and_drop_them_after(guest: Guest) -> None:
    fd = guest.call("open", "/file", O_RDWR)
    thing = guest.files.get(fd).object
    guest.read(fd, 4)
    assert guest.flushed == [thing]
    assert guest.changed == []
    guest.write(fd, b"ab")
    assert guest.flushed == [thing, thing]
    assert guest.changed == [(4, 2)]
    guest.call("ftruncate", fd, 1)
    assert guest.changed == [(4, 2), (1, None)]


def test_append_goes_to_the_end_whatever_the_offset(guest: Guest, tmp_path: Path) -> None:
    fd = guest.call("open", "/file", O_WRONLY | O_APPEND)
    assert guest.write(fd, b"ab") == 2
    assert guest.call("lseek", fd, 0, SEEK_CUR) == 12
    assert guest.call("pwrite64", fd, b"cd", 2, 0) == 2
    assert guest.call("lseek", fd, 0, SEEK_CUR) == 12
    assert (tmp_path / "file").read_bytes() == b"0123456789abcd"
    assert guest.changed == [(10, 2), (12, 2)]
    guest.call("fcntl", fd, 4, 0)
    guest.call("lseek", fd, 0, SEEK_SET)
    guest.write(fd, b"Z")
    assert (tmp_path / "file").read_bytes() == b"Z123456789abcd"


def test_a_buffer_that_ends_early_is_used_as_far_as_it_goes(guest: Guest) -> None:
    fd = guest.call("open", "/file", O_RDWR)
    assert guest.call("read", fd, END - 4, 10) == 4
    assert guest.memory.read(END - 4, 4) == b"0123"
    assert guest.call("lseek", fd, 0, SEEK_CUR) == 4
    guest.fails(E.EFAULT, "read", fd, END, 10)
    assert guest.call("lseek", fd, 0, SEEK_CUR) == 4
    assert guest.call("write", fd, END - 2, 10) == 2
    guest.fails(E.EFAULT, "write", fd, END, 10)
    assert guest.call("lseek", fd, 0, SEEK_CUR) == 6
    guest.fails(E.EFAULT, "read", fd, BASE, (1 << 64) - 1)
    assert guest.call("read", fd, BASE, 1 << 46) == 4  # Counts over 2 GiB are cut, not refused.


def test_vectors(guest: Guest, tmp_path: Path) -> None:
    fd = guest.call("open", "/file", O_RDWR)
    a, b = guest.memory.put(b"", room=8), guest.memory.put(b"", room=8)
    assert guest.call("readv", fd, iovec(guest, (a, 3), (0, 0), (b, 4)), 3) == 7
    assert (guest.memory.read(a, 3), guest.memory.read(b, 4)) == (b"012", b"3456")
    guest.memory.write(a, b"AB")
    guest.memory.write(b, b"CDE")
    assert guest.call("pwritev", fd, iovec(guest, (a, 2), (b, 3)), 2, 1) == 5
    assert (tmp_path / "file").read_bytes() == b"0ABCDE6789"
    assert guest.call("preadv", fd, iovec(guest, (a, 2), (b, 2)), 2, 8) == 2
    assert guest.memory.read(a, 2) == b"89"
    assert guest.call("readv", fd, 0, 0) == 0
    guest.fails(E.EINVAL, "readv", fd, a, 1025)
    guest.fails(E.EFAULT, "readv", fd, 8, 1)
    guest.fails(E.EINVAL, "readv", fd, iovec(guest, (a, 1 << 63)), 1)
    guest.fails(E.EINVAL, "preadv", fd, a, 1, -1)
    assert guest.call("writev", fd, iovec(guest, (a, 2), (8, 5)), 2) == 2


def test_preadv2_and_pwritev2_flags(guest: Guest, tmp_path: Path) -> None:
    fd = guest.call("open", "/file", O_RDWR)
    a = guest.memory.put(b"ab")
    assert guest.call("preadv2", fd, iovec(guest, (a, 2)), 1, -1, 0, 0) == 2
    assert guest.call("lseek", fd, 0, SEEK_CUR) == 2
    assert guest.call("pwritev2", fd, iovec(guest, (a, 2)), 1, 0, 0, 16) == 2
    assert (tmp_path / "file").read_bytes() == b"012345678901"
    assert guest.files.get(fd).flags & O_APPEND == 0
    guest.fails(E.EOPNOTSUPP, "preadv2", fd, iovec(guest, (a, 2)), 1, 0, 0, 8)
    guest.fails(E.EOPNOTSUPP, "pwritev2", fd, iovec(guest, (a, 2)), 1, 0, 0, 1 << 20)
    guest.fails(E.EINVAL, "pwritev2", fd, iovec(guest, (a, 2)), 1, -2, 0, 0)


def test_seek(guest: Guest) -> None:
    fd = guest.call("open", "/file", O_RDONLY)
    assert guest.call("lseek", fd, 1 << 40, SEEK_SET) == 1 << 40
    assert guest.read(fd, 5) == b""
    guest.fails(E.EINVAL, "lseek", fd, -1, SEEK_SET)
    guest.fails(E.EINVAL, "lseek", fd, -11, SEEK_END)
    guest.fails(E.EINVAL, "lseek", fd, 0, 5)
    guest.fails(E.EINVAL, "lseek", fd, (1 << 63) - 1, SEEK_CUR)
    assert guest.call("lseek", fd, 3, SEEK_DATA) == 3
    assert guest.call("lseek", fd, 3, SEEK_HOLE) == 10
    guest.fails(E.ENXIO, "lseek", fd, 10, SEEK_DATA)
    guest.fails(E.ENXIO, "lseek", fd, -1, SEEK_DATA)


def test_truncate_and_its_limits(guest: Guest, tmp_path: Path) -> None:
    fd = guest.call("open", "/file", O_RDWR)
    assert guest.call("ftruncate", fd, 4) == 0
    assert (tmp_path / "file").read_bytes() == b"0123"
    assert guest.call("truncate", "/file", 6) == 0
    assert (tmp_path / "file").read_bytes() == b"0123\0\0"
    guest.fails(E.EINVAL, "ftruncate", fd, -1)
    guest.fails(E.EINVAL, "truncate", "/file", -1)
    guest.fails(E.EISDIR, "truncate", "/", 0)
    guest.fails(E.ENOENT, "truncate", "/none", 0)
    guest.fails(E.EINVAL, "ftruncate", guest.call("open", "/file", O_RDONLY), 0)
    guest.fails(E.EBADF, "ftruncate", guest.call("open", "/file", O_PATH), 0)
    assert sum(isinstance(request, FileTruncate) for request in guest.cache.log) == 2


def test_the_file_size_limit(guest: Guest, tmp_path: Path) -> None:
    guest.task.process.limits.set(Resource.FSIZE, Limit(12, 12), privileged=True)
    fd = guest.call("open", "/file", O_RDWR)
    assert guest.call("pwrite64", fd, b"abcdef", 6, 8) == 4
    assert not guest.task.signals.pending.mask
    guest.fails(E.EFBIG, "pwrite64", fd, b"x", 1, 12)
    assert guest.task.signals.pending.mask == bit(Sig.XFSZ)
    guest.fails(E.EFBIG, "ftruncate", fd, 13)
    guest.fails(E.EFBIG, "truncate", "/file", 13)
    guest.call("fcntl", fd, 4, O_APPEND)
    guest.fails(E.EFBIG, "write", fd, b"x", 1)
    assert guest.call("ftruncate", fd, 11) == 0
    assert guest.write(fd, b"xyz") == 1
    assert (tmp_path / "file").read_bytes() == b"01234567abcx"


def test_opening_with_o_trunc_cuts_through_the_cache(guest: Guest, tmp_path: Path) -> None:
    guest.call("open", "/file", O_WRONLY | O_TRUNC)
    assert (tmp_path / "file").read_bytes() == b""
    assert [type(request) for request in guest.cache.log] == [FileTruncate]
    guest.call("open", "/new", O_WRONLY | O_TRUNC | O_CREAT, 0o600)
    assert len(guest.cache.log) == 1
    (tmp_path / "file").write_bytes(b"again")
    before = guest.handles()
    fd = guest.call("open", "/file", O_RDONLY | O_TRUNC)
    assert (tmp_path / "file").read_bytes() == b""
    guest.call("close", fd)
    assert guest.handles() == before


def test_flags_as_fcntl_shows_them(guest: Guest) -> None:
    large = 0o100000
    fd = guest.call("open", "/x", O_RDWR | O_CREAT | O_EXCL | O_TRUNC | O_APPEND | O_NONBLOCK, 0o600)
    assert guest.call("fcntl", fd, 3) == O_RDWR | O_APPEND | O_NONBLOCK | large
    guest.call("fcntl", fd, 4, O_DIRECT | O_WRONLY | O_CREAT)
    assert guest.call("fcntl", fd, 3) == O_RDWR | O_DIRECT | large
    guest.call("ioctl", fd, 0x5421, guest.memory.put(b"\1\0\0\0"))
    assert guest.call("fcntl", fd, 3) == O_RDWR | O_DIRECT | O_NONBLOCK | large


def test_open_flags_that_are_refused(guest: Guest) -> None:
    guest.fails(E.EINVAL, "open", "/file", O_CREAT | 0o200000)
    guest.fails(E.EINVAL, "open", "/", O_TMPFILE | O_RDONLY)
    guest.fails(E.EINVAL, "open", "/", O_TMPFILE & ~0o200000 | O_RDWR)
    guest.fails(E.EISDIR, "open", "/", O_WRONLY)
    guest.fails(E.EEXIST, "open", "/file", O_CREAT | O_EXCL)
    how = struct.Struct("<QQQ")
    assert guest.call("openat2", -100, "/file", how.pack(0, 0, 0), 24) >= 0
    guest.fails(E.EINVAL, "openat2", -100, "/file", how.pack(0, 0, 0), 23)
    guest.fails(E.E2BIG, "openat2", -100, "/file", how.pack(0, 0, 0) + b"\1", 25)
    guest.fails(E.E2BIG, "openat2", -100, "/file", how.pack(0, 0, 0), 4097)
    guest.fails(E.EINVAL, "openat2", -100, "/file", how.pack(0, 0o600, 0), 24)
    guest.fails(E.EINVAL, "openat2", -100, "/file", how.pack(1 << 40, 0, 0), 24)
    guest.fails(E.EINVAL, "openat2", -100, "/file", how.pack(O_PATH | O_RDWR, 0, 0), 24)
    guest.fails(E.EINVAL, "openat2", -100, "/file", how.pack(0, 0, 8 | 16), 24)
    guest.fails(E.EXDEV, "openat2", -100, "/file", how.pack(0, 0, 8), 24)
    guest.fails(E.EAGAIN, "openat2", -100, "/file", how.pack(0, 0, 32), 24)
    assert guest.call("open", "/file", O_PATH | O_RDWR | O_TRUNC) >= 0
    assert not guest.cache.log


def test_the_umask_is_applied_once(guest: Guest, tmp_path: Path) -> None:
    assert guest.call("umask", 0o1077) == 0o022
    guest.call("open", "/made", O_CREAT | O_WRONLY, 0o777)
    assert (tmp_path / "made").stat().st_mode & 0o7777 == 0o700
    assert guest.call("umask", 0) == 0o077


def test_a_full_table_creates_nothing(guest: Guest, tmp_path: Path) -> None:
    guest.task.process.limits.set(Resource.NOFILE, Limit(1, 1), privileged=True)
    assert guest.call("open", "/file", O_RDONLY) == 0
    guest.fails(E.EMFILE, "open", "/created", O_CREAT | O_WRONLY, 0o600)
    assert not (tmp_path / "created").exists()
    guest.fails(E.EFAULT, "open", 8, O_RDONLY)  # The path is looked at first.


def test_handles_are_given_back(guest: Guest) -> None:
    before = guest.handles()
    fd = guest.call("open", "/file", O_RDONLY)
    assert guest.call("dup2", fd, 30) == 30
    guest.call("close", fd)
    assert guest.read(30, 2) == b"01"
    guest.call("close_range", 0, 0xFFFFFFFF, 0)
    assert guest.handles() == before
    guest.fails(E.EBADF, "close", 30)


def test_fallocate_and_sync(guest: Guest, tmp_path: Path) -> None:
    fd = guest.call("open", "/file", O_RDWR)
    assert guest.call("fallocate", fd, 0, 8, 12) == 0
    assert (tmp_path / "file").stat().st_size == 20
    assert [type(request) for request in guest.cache.log] == [FileForget, FileForget]
    guest.fails(E.EINVAL, "fallocate", fd, 0, 0, 0)
    guest.fails(E.EOPNOTSUPP, "fallocate", fd, 2, 0, 1)
    guest.fails(E.EFBIG, "fallocate", fd, 0, (1 << 63) - 1, 1)
    guest.fails(E.EBADF, "fallocate", guest.call("open", "/file", O_RDONLY), 0, 0, 1)
    guest.cache.log.clear()
    for name in ("fsync", "fdatasync", "syncfs"):
        guest.call(name, fd)
    guest.call("sync")
    assert {type(request) for request in guest.cache.log} == {FileSync}


def test_unwritable_stays_unread_by_a_write_only_descriptor(guest: Guest) -> None:
    fd = guest.call("open", "/file", O_WRONLY)
    guest.fails(E.EBADF, "read", fd, BASE, 1)
    guest.fails(E.EBADF, "readv", fd, 8, 1)
    guest.fails(E.EBADF, "sendfile", fd, fd, 0, 1)
    guest.fails(E.EBADF, "read", 99, BASE, 1)


def test_copies_between_files(guest: Guest, tmp_path: Path) -> None:
    source = guest.call("open", "/file", O_RDONLY)
    target = guest.call("open", "/copy", O_RDWR | O_CREAT, 0o600)
    assert guest.call("sendfile", target, source, 0, 4) == 4
    offset = guest.memory.put(struct.pack("<q", 6))
    assert guest.call("sendfile", target, source, offset, 1 << 40) == 4
    assert guest.memory.read(offset, 8) == struct.pack("<q", 10)
    assert (tmp_path / "copy").read_bytes() == b"01236789"
    assert guest.call("copy_file_range", source, 0, target, 0, MAX_RW_COUNT, 0) == 6
    assert (tmp_path / "copy").read_bytes() == b"01236789456789"
    assert guest.call("copy_file_range", source, 0, target, 0, 100, 0) == 0
    guest.memory.write(offset, struct.pack("<q", 0))
    assert guest.call("copy_file_range", source, offset, target, 0, 2, 0) == 2
    assert guest.memory.read(offset, 8) == struct.pack("<q", 2)
    guest.fails(E.EINVAL, "copy_file_range", source, 0, target, 0, 1, 1)
    guest.fails(E.EBADF, "copy_file_range", target, 0, source, 0, 1, 0)
    guest.fails(E.EISDIR, "copy_file_range", guest.call("open", "/", O_RDONLY), 0, target, 0, 1, 0)
    guest.memory.write(offset, struct.pack("<q", 0))
    again = guest.memory.put(struct.pack("<q", 1))
    guest.fails(E.EINVAL, "copy_file_range", target, offset, target, again, 5, 0)
    guest.memory.write(offset, struct.pack("<q", -1))
    guest.fails(E.EOVERFLOW, "copy_file_range", source, offset, target, 0, 5, 0)
    guest.memory.write(offset, struct.pack("<q", -6))
    guest.fails(E.EINVAL, "copy_file_range", source, offset, target, 0, 5, 0)
    guest.fails(E.EINVAL, "splice", source, 0, target, 0, 1, 0)


def test_locks_between_descriptions(guest: Guest) -> None:
    first, second = (guest.call("open", "/file", O_RDWR) for _ in range(2))
    assert guest.call("flock", first, 2) == 0
    guest.fails(E.EWOULDBLOCK, "flock", second, 1 | 4)
    assert guest.call("flock", guest.call("dup", first), 2 | 4) == 0
    assert guest.call("flock", first, 1) == 0
    assert guest.call("flock", second, 1 | 4) == 0
    guest.fails(E.EWOULDBLOCK, "flock", second, 2 | 4)
    guest.call("flock", first, 8)
    assert guest.call("flock", second, 2 | 4) == 0
    guest.fails(E.EINVAL, "flock", first, 3)


def test_record_locks(guest: Guest) -> None:
    fd = guest.call("open", "/file", O_RDONLY)
    lock = struct.Struct("<hh4xqqi4x")
    assert guest.call("fcntl", fd, 6, lock.pack(0, 0, 0, 0, 0)) == 0
    guest.fails(E.EBADF, "fcntl", fd, 6, lock.pack(1, 0, 0, 0, 0))
    guest.fails(E.EINVAL, "fcntl", fd, 6, lock.pack(5, 0, 0, 0, 0))
    guest.fails(E.EINVAL, "fcntl", fd, 6, lock.pack(0, 0, 5, -6, 0))
    guest.fails(E.EFAULT, "fcntl", fd, 6, 8)
    guest.fails(E.EBADF, "fcntl", fd, 1032, 0)
    guest.fails(E.EINVAL, "fcntl", fd, 9999, 0)
    asked = guest.memory.put(lock.pack(1, 0, 3, 4, 0))
    assert guest.call("fcntl", fd, 5, asked) == 0
    assert guest.memory.read_struct(lock, asked) == (2, 0, 3, 4, 0)


OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("read"), st.integers(0, 3000)),
        st.tuples(st.just("write"), st.binary(max_size=2000)),
        st.tuples(st.just("seek"), st.integers(0, 5000)),
        st.tuples(st.just("cut"), st.integers(0, 5000)),
        st.tuples(st.just("flags"), st.sampled_from([0, O_APPEND])),
        st.tuples(st.just("pwrite"), st.binary(max_size=100)),
    ),
    max_size=30,
)


@settings(max_examples=40, deadline=None)
@given(OPERATIONS)
def test_a_file_behaves_as_the_hosts_do(tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, Any]]) -> None:
    """The same operations on a file of the host and on the guest's."""
    root = tmp_path_factory.mktemp("root")
    guest = Guest(root)
    mine = guest.call("open", "/mine", O_RDWR | O_CREAT, 0o600)
    theirs = os.open(root / "theirs", os.O_RDWR | os.O_CREAT)
    try:
        for kind, value in steps:
            if kind == "read":
                assert guest.read(mine, value) == os.read(theirs, value)
            elif kind == "write":
                assert guest.write(mine, value) == os.write(theirs, value)
            elif kind == "pwrite":
                assert guest.call("pwrite64", mine, value, len(value), 700) == os.pwrite(theirs, value, 700)
            elif kind == "seek":
                guest.call("lseek", mine, value, SEEK_SET)
                os.lseek(theirs, value, SEEK_SET)
            elif kind == "cut":
                guest.call("ftruncate", mine, value)
                os.ftruncate(theirs, value)
            else:
                guest.call("fcntl", mine, 4, value)
                fcntl.fcntl(theirs, fcntl.F_SETFL, value)
            assert guest.call("lseek", mine, 0, SEEK_CUR) == os.lseek(theirs, 0, SEEK_CUR)
        assert (root / "mine").read_bytes() == (root / "theirs").read_bytes()
        assert not any(isinstance(request, FileWrite) and request.offset < 0 for request in guest.cache.log)
    finally:
        os.close(theirs)
        guest.close()
