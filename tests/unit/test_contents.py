"""Reading, writing, sizes, holes; and a disk that is full."""

from __future__ import annotations

import os
import resource
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from guestfiles import VNODE, Guest, whole
from hypothesis import given, settings, strategies as st

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import O_CREAT, O_RDONLY, O_RDWR, O_WRONLY, SEEK_CUR, SEEK_DATA, SEEK_HOLE
from scomponent import contents, messages as m


@pytest.fixture
def guest(tmp_path: Path) -> Iterator[Guest]:
    (tmp_path / "file").write_bytes(b"0123456789")
    with Guest([whole(tmp_path)]) as guest:
        yield guest


def test_reads_end_at_the_end(guest: Guest) -> None:
    handle = guest.handle("/file")
    assert guest.read(handle, 4, 3) == b"456"
    assert guest.read(handle, 8, 1 << 30) == b"89"
    assert guest.read(handle, 10) == b""
    assert guest.read(handle, 1 << 62) == b""
    assert guest.read(handle, 0, 0) == b""
    reply = guest.call(m.ReadAt(handle, 0, 1))
    assert (reply.size, reply.mtime_ns) == (10, guest.stat("/file").stat.mtime_ns)


def test_writes_tell_where_they_went(guest: Guest, tmp_path: Path) -> None:
    handle = guest.handle("/file", O_RDWR)
    reply = guest.write(handle, b"ab", 12)
    assert (reply.count, reply.offset, reply.size) == (2, 12, 14)
    assert guest.read(handle, 9) == b"9\0\0ab"
    reply = guest.write(handle, b"end", 0, append=True)
    assert (reply.count, reply.offset, reply.size) == (3, 14, 17)
    assert reply.mtime_ns == (tmp_path / "file").stat().st_mtime_ns
    assert guest.write(handle, b"").count == 0


def test_bad_arguments(guest: Guest) -> None:
    handle = guest.handle("/file", O_RDWR)
    guest.fails(E.EINVAL, m.ReadAt(handle, -1, 1))
    guest.fails(E.EINVAL, m.ReadAt(handle, (1 << 63) - 1, 2))
    guest.fails(E.EINVAL, m.WriteAt(handle, -1), b"x")
    guest.fails(E.EINVAL, m.WriteAt(handle, 1 << 63), b"x")
    guest.fails(E.EFBIG, m.WriteAt(handle, (1 << 63) - 4096), b"x")
    guest.fails(E.EINVAL, m.SetSize(handle, -1))
    guest.fails(E.EINVAL, m.Allocate(handle, 0, 0, 0))
    guest.fails(E.EINVAL, m.SeekHole(handle, 0, SEEK_CUR))
    guest.fails(E.EBADF, m.ReadAt(99, 0, 1))


def test_rights_of_the_handle(guest: Guest) -> None:
    reader, writer = guest.handle("/file", O_RDONLY), guest.handle("/file", O_WRONLY)
    guest.fails(E.EBADF, m.WriteAt(reader, 0), b"x")
    guest.fails(E.EINVAL, m.SetSize(reader, 0))
    guest.fails(E.EBADF, m.Allocate(reader, 0, 0, 1))
    guest.fails(E.EBADF, m.ReadAt(writer, 0, 1))
    directory = guest.handle("/")
    guest.fails(E.EISDIR, m.ReadAt(directory, 0, 1))
    guest.fails(E.EBADF, m.WriteAt(directory, 0), b"x")
    guest.call(m.SyncHandle(directory))
    guest.call(m.SyncHandle(reader, True))


def test_sizes(guest: Guest) -> None:
    handle = guest.handle("/file", O_RDWR)
    assert guest.call(m.SetSize(handle, 3)).size == 3
    assert guest.call(m.SetSize(handle, 6)).size == 6
    assert guest.read(handle) == b"012\0\0\0"
    try:
        assert guest.call(m.Allocate(handle, 0, 0, 9000)).size == 9000
        assert guest.call(m.Allocate(handle, 1, 0, 20000)).size == 9000, "FALLOC_FL_KEEP_SIZE"
    except LinuxError as error:
        if error.errno == E.EOPNOTSUPP:
            pytest.skip("the host's file system has no fallocate")
        raise
    guest.fails(E.EOPNOTSUPP, m.Allocate(handle, 1 << 20, 0, 1))


def test_holes(guest: Guest) -> None:
    handle = guest.handle("/sparse", O_CREAT | O_RDWR)
    guest.write(handle, b"x", 1 << 20)
    assert guest.call(m.SeekHole(handle, 0, SEEK_DATA)).offset in (0, 1 << 20)
    assert guest.call(m.SeekHole(handle, 1 << 20, SEEK_HOLE)).offset == (1 << 20) + 1
    guest.fails(E.ENXIO, m.SeekHole(handle, 2 << 20, SEEK_DATA))
    guest.fails(E.ENXIO, m.SeekHole(handle, -1, SEEK_HOLE))


def test_appends_of_several_callers_do_not_overlap(guest: Guest, monkeypatch: pytest.MonkeyPatch) -> None:
    write = contents._write

    def write_slowly(fd: int, payload: bytes, offset: int, append: bool) -> int:
        count = write(fd, payload, offset, append)
        time.sleep(0.0002)  # Others get their chance before the size is looked at.
        return count

    monkeypatch.setattr(contents, "_write", write_slowly)
    handles = [guest.handle("/log", O_CREAT | O_WRONLY) for _ in range(4)]
    spans: list[tuple[int, int]] = []

    def work(handle: int) -> None:
        for _ in range(30):
            reply, _ = guest.monitor.handle("P0", m.WriteAt(handle, 0, True), bytes([handle]) * handle)
            assert isinstance(reply, m.WriteAtReply)
            spans.append((reply.offset, handle))

    threads = [threading.Thread(target=work, args=(handle,)) for handle in handles]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    data = guest.contents("/log")
    assert len(data) == 30 * sum(handles)
    for offset, handle in spans:
        assert data[offset : offset + handle] == bytes([handle]) * handle


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["write", "append", "size", "read"]),
            st.integers(0, 300),
            st.binary(min_size=1, max_size=200),
        )
    )
)
def test_contents_are_those_of_a_plain_array(
    tmp_path_factory: pytest.TempPathFactory, calls: list[tuple[str, int, bytes]]
) -> None:
    model = bytearray()
    with Guest([whole(tmp_path_factory.mktemp("array"))]) as guest:
        handle = guest.handle("/f", O_CREAT | O_RDWR)
        for kind, number, data in calls:
            if kind == "size":
                model = model[:number].ljust(number, b"\0")
                assert guest.call(m.SetSize(handle, number)).size == number
            elif kind == "read":
                assert guest.read(handle, number, len(data)) == model[number : number + len(data)]
            else:
                offset = len(model) if kind == "append" else number
                model = model.ljust(offset, b"\0")
                model[offset : offset + len(data)] = data
                assert guest.write(handle, data, number, kind == "append").size == len(model)
        assert guest.read(handle) == model


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(disk)]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=10)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this host does not let tests mount a small file system")
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True, timeout=10)


def test_a_full_disk(small_disk: Path) -> None:
    with Guest([whole(small_disk)]) as guest:
        handle = guest.handle("/f", O_CREAT | O_RDWR)
        reply = guest.write(handle, b"x" * 100_000)
        assert 0 < reply.count <= 65_536, "what fits is written"
        guest.fails(E.ENOSPC, m.WriteAt(handle, 1 << 20), b"y")
        guest.fails(E.ENOSPC, m.Allocate(handle, 0, 0, 1 << 20))
        assert guest.read(handle) == b"x" * reply.count
        assert guest.monitor.statistics()["errors"] == {"ENOSPC": 2}
        guest.call(m.SetSize(handle, 0))
        assert guest.write(handle, b"room again").count == 10


def test_a_file_size_limit(guest: Guest) -> None:
    """Also where nothing can be mounted: the host's limit ends a write the same way, with its own error."""
    handle = guest.handle("/f", O_CREAT | O_RDWR)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        count = guest.write(handle, b"x" * 4000).count
        failure = guest.fails(E.EFBIG, m.WriteAt(handle, 1000), b"y")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (count, failure.name) == (1000, "EFBIG")
    assert os.path.getsize(guest_file(guest)) == 1000


def guest_file(guest: Guest) -> str:
    stat = guest.stat("/f")
    assert stat.path == "/f"
    return os.readlink(f"/proc/self/fd/{guest.monitor._storage.namespaces[VNODE].root_position().fd}") + "/f"
