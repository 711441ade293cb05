"""stat, access, chmod and its like, statfs."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from guestfiles import VNODE, Guest, whole

from lego.linux.errno import E
from lego.linux.fcntl import O_PATH, O_RDWR, R_OK, W_OK, X_OK
from lego.linux.stat import S_IFLNK
from scomponent import messages as m


@pytest.fixture
def guest(tmp_path: Path) -> Iterator[Guest]:
    (tmp_path / "file").write_bytes(b"0123456789")
    (tmp_path / "dir").mkdir()
    os.symlink("file", tmp_path / "link")
    with Guest([whole(tmp_path)]) as guest:
        yield guest


def change(path: str, **what: object) -> m.SetAttributes:
    return m.SetAttributes(VNODE, 0, path, **what)  # type: ignore[arg-type]


def test_stat_is_the_host_s(guest: Guest, tmp_path: Path) -> None:
    for path, follow in (("/file", True), ("/link", True), ("/link", False), ("/dir", True), ("/", True)):
        ours, native = guest.stat(path, follow).stat, os.stat(f"{tmp_path}{path}", follow_symlinks=follow)
        assert (ours.mode, ours.ino, ours.dev, ours.nlink) == (
            native.st_mode,
            native.st_ino,
            native.st_dev,
            native.st_nlink,
        )
        assert (ours.size, ours.blocks, ours.blksize) == (native.st_size, native.st_blocks, native.st_blksize)
        assert (ours.mtime_ns, ours.ctime_ns) == (native.st_mtime_ns, native.st_ctime_ns)
    guest.fails(E.ENOENT, m.PathStat(VNODE, 0, ""))


def test_access(guest: Guest, tmp_path: Path) -> None:
    (tmp_path / "file").chmod(0o644)
    guest.call(m.Access(VNODE, 0, "/file", R_OK))
    guest.fails(E.EACCES, m.Access(VNODE, 0, "/file", X_OK))
    guest.call(m.Access(VNODE, 0, "/dir", R_OK | W_OK | X_OK))
    guest.call(m.Access(VNODE, 0, "/link", 0, False))
    guest.fails(E.ENOENT, m.Access(VNODE, 0, "/missing", 0))
    guest.fails(E.EINVAL, m.Access(VNODE, 0, "/file", 8))


def test_modes(guest: Guest, tmp_path: Path) -> None:
    guest.call(change("/link", mode=0o100640))
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640
    guest.fails(E.EOPNOTSUPP, change("/link", follow=False, mode=0o600))
    guest.call(m.SetAttributes(VNODE, guest.handle("/dir", O_PATH), "", mode=0o1711))
    assert stat.S_IMODE((tmp_path / "dir").stat().st_mode) == 0o1711


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_owners(guest: Guest, tmp_path: Path) -> None:
    guest.call(change("/file", owner=(12, -1)))
    guest.call(change("/link", follow=False, owner=(34, 56)))
    assert ((tmp_path / "file").stat().st_uid, (tmp_path / "file").stat().st_gid) == (12, 0)
    assert ((tmp_path / "link").lstat().st_uid, (tmp_path / "link").lstat().st_gid) == (34, 56)


def test_times(guest: Guest, tmp_path: Path) -> None:
    guest.call(change("/file", times=(1_000_000_001, 2_000_000_003)))
    guest.call(change("/file", times=(None, 5)))
    guest.call(change("/file", times=(None, None)))
    native = (tmp_path / "file").stat()
    assert (native.st_atime_ns, native.st_mtime_ns) == (1_000_000_001, 5)
    guest.call(change("/link", follow=False, times=(7, 8)))
    assert (tmp_path / "link").lstat().st_mtime_ns == 8
    assert (tmp_path / "file").stat().st_mtime_ns == 5


def test_sizes_by_path(guest: Guest, tmp_path: Path) -> None:
    guest.call(change("/link", size=4))
    assert (tmp_path / "file").read_bytes() == b"0123"
    guest.fails(E.EISDIR, change("/dir", size=0))
    guest.fails(E.EINVAL, change("/file", size=-1))
    os.mkfifo(tmp_path / "fifo")
    guest.fails(E.EINVAL, change("/fifo", size=0))
    guest.fails(E.ENOENT, change("", size=0))
    guest.fails(E.EBADF, m.SetAttributes(VNODE, 77, "", mode=0o600))


def test_handles_and_where_they_are(guest: Guest) -> None:
    handle = guest.handle("/link", O_RDWR)
    assert guest.call(m.HandleStat(handle)).path == "/file"
    assert guest.call(m.PathOf(handle)).path == "/file"
    assert guest.call(m.PathOf(guest.handle("/"))).path == "/"
    link = guest.handle("/link", O_PATH | 0o400000)
    assert guest.call(m.HandleStat(link)).stat.kind == S_IFLNK
    gone = guest.handle("/dir")
    guest.call(m.Remove(VNODE, 0, "/dir", True))
    assert guest.fails(E.ENOENT, m.PathOf(gone)).detail == "/dir"
    guest.fails(E.ENOENT, m.Open(VNODE, gone, "new", 0o101))
    assert guest.stat("..", place=gone).path == "/"


def test_file_systems(guest: Guest, tmp_path: Path) -> None:
    ours, native = guest.call(m.PathFsStat(VNODE, 0, "/link")).stat, os.statvfs(tmp_path)
    assert (ours.block_size, ours.blocks, ours.files, ours.name_max) == (
        native.f_bsize,
        native.f_blocks,
        native.f_files,
        native.f_namemax,
    )
    assert ours.type != 0
    by_handle = guest.call(m.HandleFsStat(guest.handle("/file"))).stat
    assert (by_handle.type, by_handle.fsid) == (ours.type, ours.fsid)
