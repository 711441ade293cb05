"""Opening, duplicating and closing: flags, kinds of files, limits."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from guestfiles import VNODE, Guest, whole

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import (
    O_APPEND,
    O_CREAT,
    O_DIRECT,
    O_DIRECTORY,
    O_EXCL,
    O_NOFOLLOW,
    O_NONBLOCK,
    O_PATH,
    O_RDONLY,
    O_RDWR,
    O_SYNC,
    O_TMPFILE,
    O_TRUNC,
    O_WRONLY,
    RESOLVE_CACHED,
)
from lego.linux.stat import S_IFIFO
from scomponent import messages as m, opening
from scomponent.mounts import Position


@pytest.fixture
def guest(tmp_path: Path) -> Iterator[Guest]:
    (tmp_path / "file").write_bytes(b"contents")
    (tmp_path / "dir").mkdir()
    with Guest([whole(tmp_path)]) as guest:
        yield guest


def test_the_reply_describes_the_file(guest: Guest, tmp_path: Path) -> None:
    os.symlink("../file", tmp_path / "dir" / "link")
    reply = guest.open("/dir/./link", O_RDONLY)
    host = (tmp_path / "file").stat()
    assert (reply.path, reply.created, reply.object.store) == ("/file", False, "S0")
    assert (reply.stat.ino, reply.stat.dev, reply.stat.size) == (host.st_ino, host.st_dev, 8)
    assert reply.stat.mtime_ns == host.st_mtime_ns
    assert guest.open("/dir").object is None
    assert guest.open("/file", O_PATH).object is None


def test_creating(guest: Guest, tmp_path: Path) -> None:
    first = guest.open("/new", O_CREAT | O_RDWR | O_TRUNC, 0o604)
    assert first.created
    assert first.path == "/new"
    assert not guest.open("/new", O_CREAT | O_RDWR, 0o600).created
    guest.fails(E.EEXIST, m.Open(VNODE, 0, "/new", O_CREAT | O_EXCL | O_RDWR))
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o604
    os.symlink("later", tmp_path / "dangling")
    guest.fails(E.EEXIST, m.Open(VNODE, 0, "/dangling", O_CREAT | O_EXCL | O_RDWR))
    guest.fails(E.ELOOP, m.Open(VNODE, 0, "/dangling", O_CREAT | O_NOFOLLOW | O_RDWR))
    assert guest.open("/dangling", O_CREAT | O_WRONLY).path == "/later"
    read_only = guest.handle("/locked", O_CREAT | O_WRONLY, 0o400)
    assert guest.write(read_only, b"x").count == 1
    os.symlink("/", tmp_path / "top")
    guest.fails(E.EISDIR, m.Open(VNODE, 0, "/top", O_CREAT | O_WRONLY))
    guest.fails(E.EEXIST, m.Open(VNODE, 0, "/top/.", O_CREAT | O_EXCL | O_WRONLY))


@pytest.mark.parametrize(
    ("flags", "resolve", "errno"),
    [
        (O_CREAT | O_DIRECTORY, 0, E.EINVAL),
        (O_TMPFILE, 0, E.EINVAL),
        (O_TMPFILE & ~O_DIRECTORY | O_RDWR, 0, E.EINVAL),
        (O_CREAT | O_WRONLY, RESOLVE_CACHED, E.EAGAIN),
        (O_RDONLY, 1 << 20, E.EINVAL),
    ],
)
def test_flags_that_do_not_go_together(guest: Guest, flags: int, resolve: int, errno: int) -> None:
    guest.fails(errno, m.Open(VNODE, 0, "/dir", flags, 0o600, resolve))


def test_flags_that_are_the_processor_s_do_not_reach_the_host(guest: Guest) -> None:
    handle = guest.handle("/file", O_RDWR | O_APPEND | O_DIRECT | O_SYNC | O_NONBLOCK)
    guest.write(handle, b"C", 0)
    assert guest.read(handle) == b"Contents"


def test_path_only_handles(guest: Guest) -> None:
    handle = guest.handle("/file", O_PATH | O_TRUNC | O_CREAT)
    assert guest.call(m.HandleStat(handle)).stat.size == 8
    for request in (
        m.ReadAt(handle, 0, 1),
        m.WriteAt(handle, 0),
        m.SetSize(handle, 0),
        m.Allocate(handle, 0, 0, 1),
        m.SyncHandle(handle),
        m.Duplicate(handle),
    ):
        guest.fails(E.EBADF, request)
    guest.fails(E.EBADF, m.Entries(guest.handle("/dir", O_PATH)))
    guest.fails(E.ENOTDIR, m.Open(VNODE, handle, "x", O_RDONLY))
    assert guest.open("/file", O_RDONLY, place=handle).stat.size == 8, "an absolute path needs no place"


def test_fifos_are_pinned_and_never_block(guest: Guest, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for flags in (O_RDONLY, O_WRONLY, O_RDWR, O_WRONLY | O_TRUNC):
        reply = guest.open("/fifo", flags)
        assert reply.stat.kind == S_IFIFO
        assert reply.object is None
        guest.fails(E.ESPIPE, m.ReadAt(reply.handle, 0, 1))
        guest.fails(E.EINVAL, m.SyncHandle(reply.handle))


def test_devices_of_the_host_are_refused(tmp_path: Path) -> None:
    with Guest([whole(tmp_path), whole(Path("/dev"), True)], pseudo=()) as guest:
        guest.fails(E.EACCES, m.Open(VNODE, 0, "/null", O_RDWR))
        guest.fails(E.EACCES, m.Open(VNODE, 0, "/tty", O_RDONLY))
        assert guest.open("/null", O_PATH).stat.rdev == os.makedev(1, 3)


def test_handles_are_never_used_again(guest: Guest) -> None:
    first = guest.handle("/file")
    guest.close(first, first, 4711)
    second = guest.handle("/file")
    assert second > first
    guest.fails(E.EBADF, m.ReadAt(first, 0, 1))


def test_duplicates_share_the_file_and_outlive_each_other(guest: Guest) -> None:
    handle = guest.handle("/file", O_RDWR)
    opened = guest.open("/file", O_RDONLY)
    guest.fails(E.EACCES, m.Duplicate(opened.handle, True))
    copy = guest.call(m.Duplicate(handle, True))
    assert copy.object == opened.object
    guest.close(handle)
    guest.write(copy.handle, b"CONT")
    assert guest.read(opened.handle) == b"CONTents"
    guest.close(copy.handle)
    guest.fails(E.EBADF, m.ReadAt(copy.handle, 0, 1))


def test_a_file_outlives_its_name(guest: Guest, tmp_path: Path) -> None:
    handle = guest.handle("/file", O_RDWR)
    guest.call(m.Remove(VNODE, 0, "/file"))
    guest.write(handle, b"!", 8)
    assert guest.read(handle) == b"contents!"
    assert guest.call(m.HandleStat(handle)).stat.nlink == 0
    assert guest.fails(E.ENOENT, m.PathOf(handle)).detail == "/file"


def test_a_file_keeps_its_handle_when_it_is_renamed(guest: Guest) -> None:
    handle = guest.handle("/file")
    guest.call(m.Rename(VNODE, 0, "/file", 0, "/dir/moved (deleted)"))
    assert guest.call(m.PathOf(handle)).path == "/dir/moved (deleted)"


def test_other_vnodes_are_strangers(guest: Guest) -> None:
    place = guest.handle("/dir", O_PATH)
    guest.fails(E.ENOENT, m.PathStat(2, 0, "/file"))
    guest.monitor._storage.namespaces[2] = guest.monitor._storage.namespaces[VNODE]
    guest.fails(E.EBADF, m.PathStat(2, place, "."))
    guest.fails(E.EBADF, m.LinkHandle(2, place, 0, "/x"))
    del guest.monitor._storage.namespaces[2]


def test_a_name_that_appears_before_it_can_be_made(
    guest: Guest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between looking and making, somebody else makes it: it is opened; with O_EXCL it exists."""
    others = iter(["file", "link", "", "file"])
    os.symlink("target", tmp_path / "to-target")
    looked = opening.check_writable

    def meanwhile(position: Position) -> None:
        looked(position)
        made = next(others, "")
        if made == "file":
            (tmp_path / "f").write_bytes(b"other")
        elif made == "link":
            os.rename(tmp_path / "to-target", tmp_path / "f")

    monkeypatch.setattr(opening, "check_writable", meanwhile)
    reply = guest.open("/f", O_CREAT | O_RDWR)
    assert (reply.created, guest.read(reply.handle)) == (False, b"other")
    (tmp_path / "f").unlink()
    reply = guest.open("/f", O_CREAT | O_RDWR)
    assert (reply.created, reply.path) == (True, "/target")
    (tmp_path / "f").unlink()
    guest.fails(E.EEXIST, m.Open(VNODE, 0, "/f", O_CREAT | O_EXCL | O_RDWR))


def test_a_name_that_keeps_changing_ends_in_an_error(guest: Guest, monkeypatch: pytest.MonkeyPatch) -> None:
    def taken(*_: object, **__: object) -> int:
        raise FileExistsError

    monkeypatch.setattr(opening.os, "open", taken)
    monkeypatch.setattr("scomponent.walk.Walk.child", lambda *_: None)
    guest.fails(E.EAGAIN, m.Open(VNODE, 0, "/f", O_CREAT | O_RDWR))


def test_creating_races_with_the_host(guest: Guest, tmp_path: Path) -> None:
    """Somebody makes and removes the name all the time: every open ends in a file, or in an error that says so."""
    stop = threading.Event()

    def flicker() -> None:
        while not stop.is_set():
            (tmp_path / "f").touch()
            (tmp_path / "f").unlink(missing_ok=True)

    thread = threading.Thread(target=flicker)
    thread.start()
    try:
        for _ in range(600):
            try:
                guest.close(guest.handle("/f", O_CREAT | O_RDWR))
            except LinuxError as error:
                assert error.errno == E.ENOENT, error
    finally:
        stop.set()
        thread.join()
