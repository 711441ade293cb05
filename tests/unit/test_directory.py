"""Listing directories: the two record formats, offsets, and directories that change while they are read."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from filetask import BASE, SIZE, Guest

from lego.linux.errno import E
from lego.linux.fcntl import DT_DIR, DT_LNK, DT_REG, O_DIRECTORY, O_PATH, O_RDONLY, SEEK_CUR, SEEK_END, SEEK_SET
from mcomponent.messages import FileSync
from scomponent.messages import Entries

Record = tuple[bytes, int, int, int]


@pytest.fixture
def guest(tmp_path: Path) -> Iterator[Guest]:
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (root / "sub" / "file").write_bytes(b"x")
    (root / "sub" / "link").symlink_to("file")
    (root / "sub" / "dir").mkdir()
    (root / "sub" / os.fsdecode(b"\xff\xfe odd")).write_bytes(b"")
    guest = Guest(root)
    yield guest
    guest.close()


def records(raw: bytes) -> list[Record]:
    """(name, inode, next offset, kind) of struct linux_dirent64."""
    found = []
    while raw:
        ino, offset, length, kind = struct.unpack_from("<QqHB", raw)
        assert length % 8 == 0
        found.append((raw[19:length].split(b"\0")[0], ino, offset, kind))
        raw = raw[length:]
    return found


def listing(guest: Guest, fd: int, room: int = 4096) -> list[Record]:
    buffer = guest.memory.put(b"", room=room)
    return records(guest.memory.read(buffer, guest.call("getdents64", fd, buffer, room)))


def names(found: list[Record]) -> list[bytes]:
    return [name for name, *_ in found]


def test_all_names_with_kinds_and_inodes(guest: Guest, tmp_path: Path) -> None:
    fd = guest.call("open", "/sub", O_RDONLY | O_DIRECTORY)
    found = listing(guest, fd)
    assert names(found)[:2] == [b".", b".."]
    kinds = {name: kind for name, _, _, kind in found}
    assert kinds == {
        b".": DT_DIR, b"..": DT_DIR, b"file": DT_REG, b"link": DT_LNK, b"dir": DT_DIR, b"\xff\xfe odd": DT_REG,
    }  # fmt: skip
    inodes = {name: ino for name, ino, _, _ in found}
    assert inodes[b"file"] == (tmp_path / "root/sub/file").stat().st_ino
    assert listing(guest, fd) == []


def test_small_buffers_give_every_name_once(guest: Guest) -> None:
    fd = guest.call("open", "/sub", O_RDONLY)
    whole = names(listing(guest, fd))
    guest.call("lseek", fd, 0, SEEK_SET)
    pieces = []
    while piece := listing(guest, fd, room=32):
        pieces += names(piece)
    assert pieces == whole
    guest.call("lseek", fd, 0, SEEK_SET)
    guest.fails(E.EINVAL, "getdents64", fd, BASE, 16)


def test_offsets_lead_back_to_where_they_were_taken(guest: Guest) -> None:
    fd = guest.call("open", "/sub", O_RDONLY)
    whole = listing(guest, fd)
    for index, (_, _, offset, _) in enumerate(whole):
        assert guest.call("lseek", fd, offset, SEEK_SET) == offset
        assert names(listing(guest, fd)) == names(whole[index + 1 :])
    assert guest.call("lseek", fd, 0, SEEK_CUR) == whole[-1][2]
    guest.fails(E.EINVAL, "lseek", fd, -1, SEEK_SET)
    guest.fails(E.EINVAL, "lseek", fd, 0, SEEK_END)


def test_a_reader_is_not_disturbed_by_changes_until_it_rewinds(guest: Guest, tmp_path: Path) -> None:
    fd = guest.call("open", "/sub", O_RDONLY)
    first = names(listing(guest, fd, room=48))
    (tmp_path / "root/sub/aaa").write_bytes(b"")
    (tmp_path / "root/sub/file").unlink()
    rest = names(listing(guest, fd))
    assert b"aaa" not in first + rest
    assert sorted(first + rest) == sorted([b".", b"..", b"dir", b"file", b"link", b"\xff\xfe odd"])
    guest.call("lseek", fd, 0, SEEK_SET)
    assert {b"aaa"} <= set(names(listing(guest, fd)))


def test_a_bad_buffer_leaves_the_offset(guest: Guest) -> None:
    fd = guest.call("open", "/sub", O_RDONLY)
    guest.fails(E.EFAULT, "getdents64", fd, 8, 4096)
    guest.fails(E.EFAULT, "getdents64", fd, BASE + SIZE - 40, 4096)
    assert names(listing(guest, fd))[0] == b"."


def test_the_old_call_has_the_kind_at_the_end(guest: Guest) -> None:
    fd = guest.call("open", "/sub", O_RDONLY)
    buffer = guest.memory.put(b"", room=4096)
    raw = guest.memory.read(buffer, guest.call("getdents", fd, buffer, 4096))
    found = {}
    while raw:
        _, _, length = struct.unpack_from("<QQH", raw)
        found[raw[18:length].split(b"\0")[0]] = raw[length - 1]
        raw = raw[length:]
    assert found[b"link"] == DT_LNK
    assert found[b"dir"] == DT_DIR
    assert len(found) == 6


def test_what_a_directory_does_not_do(guest: Guest) -> None:
    fd = guest.call("open", "/sub", O_RDONLY)
    guest.fails(E.EISDIR, "read", fd, BASE, 10)
    guest.fails(E.EISDIR, "pread64", fd, BASE, 10, 0)
    guest.fails(E.EBADF, "write", fd, BASE, 10)
    guest.fails(E.EINVAL, "ftruncate", fd, 0)
    guest.fails(E.ENOTDIR, "getdents64", guest.call("open", "/sub/file", O_RDONLY), BASE, 4096)
    guest.fails(E.EBADF, "getdents64", guest.call("open", "/sub", O_PATH), BASE, 4096)
    assert guest.call("fsync", fd) == 0
    assert not any(isinstance(request, FileSync) for request in guest.cache.log)


def test_one_message_lists_a_directory_however_small_the_buffer(guest: Guest) -> None:
    fd = guest.call("open", "/sub", O_RDONLY)
    before = guest.kernel.endpoint.links["S0"].by_kind.get(Entries.__name__, 0)
    while listing(guest, fd, room=32):
        pass
    assert guest.kernel.endpoint.links["S0"].by_kind[Entries.__name__] == before + 1
