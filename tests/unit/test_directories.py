"""Listing directories. Making and removing names is tested against the host in test_naming."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from guestfiles import VNODE, Guest, whole

from lego.linux.errno import E
from lego.linux.fcntl import DT_DIR, DT_FIFO, DT_LNK, DT_REG, DT_SOCK, O_PATH
from scomponent import messages as m


@pytest.fixture
def guest(tmp_path: Path) -> Iterator[Guest]:
    with Guest([whole(tmp_path)], pseudo=()) as guest:
        yield guest


def test_entries_come_sorted_with_their_kinds(guest: Guest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "Z").touch()
    (tmp_path / "é").touch()
    os.mkfifo(tmp_path / "a.fifo")
    os.symlink("b", tmp_path / "link")
    (tmp_path / os.fsdecode(b"\xfe")).touch()
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("s")
    entries = guest.call(m.Entries(guest.handle("/"))).entries
    assert [(e.name, e.kind) for e in entries] == [
        (".", DT_DIR),
        ("..", DT_DIR),
        ("Z", DT_REG),
        ("a.fifo", DT_FIFO),
        ("b", DT_DIR),
        ("link", DT_LNK),
        ("s", DT_SOCK),
        ("é", DT_REG),
        ("\udcfe", DT_REG),
    ]
    for entry in entries[2:]:
        assert entry.ino == (tmp_path / entry.name).lstat().st_ino
    inner = {e.name: e.ino for e in guest.call(m.Entries(guest.handle("/b"))).entries}
    assert inner == {".": (tmp_path / "b").stat().st_ino, "..": tmp_path.stat().st_ino}


def test_a_listing_is_repeated_afresh(guest: Guest, tmp_path: Path) -> None:
    handle = guest.handle("/")
    for count in range(3):
        (tmp_path / f"n{count}").touch()
        assert len(guest.call(m.Entries(handle)).entries) == 3 + count


def test_many_names_read_by_several_callers_at_once(guest: Guest, tmp_path: Path) -> None:
    for number in range(1500):
        (tmp_path / f"{number:04}").touch()
    handle = guest.handle("/")
    seen = []

    def work() -> None:
        for _ in range(4):
            reply, _ = guest.monitor.handle("P0", m.Entries(handle), b"")
            assert isinstance(reply, m.EntriesReply)
            seen.append([entry.name for entry in reply.entries])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 16
    assert all(names == [".", "..", *(f"{number:04}" for number in range(1500))] for names in seen)


def test_what_is_no_directory(guest: Guest, tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    guest.fails(E.ENOTDIR, m.Entries(guest.handle("/f")))
    guest.fails(E.EBADF, m.Entries(guest.handle("/", O_PATH)))
    guest.fails(E.EBADF, m.Entries(12345))


def test_last_names_that_are_no_names(guest: Guest) -> None:
    for path, rmdir in (("/", E.EBUSY), (".", E.EINVAL), ("/x/..", E.ENOTEMPTY)):
        guest.call(m.MakeDirectory(VNODE, 0, "/x", 0o755)) if path == "/x/.." else None
        guest.fails(rmdir, m.Remove(VNODE, 0, path, True))
        guest.fails(E.EISDIR, m.Remove(VNODE, 0, path))
        guest.fails(E.EEXIST, m.MakeDirectory(VNODE, 0, path, 0o755))
        guest.fails(E.EBUSY, m.Rename(VNODE, 0, path, 0, "/y"))
