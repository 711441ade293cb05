"""Calls on names, against the host: the same random calls in a chroot and at the component end the same.

The host's side runs in a child that has made a directory its root; the guest's side has a mount of another one. Every
call's errno must be the same, and the two trees must be the same afterwards.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from guestfiles import VNODE, Guest, whole
from hypothesis import given, settings, strategies as st

from lego.config import Mount
from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import (
    O_CREAT,
    O_DIRECTORY,
    O_EXCL,
    O_NOFOLLOW,
    O_PATH,
    O_RDONLY,
    O_RDWR,
    O_TMPFILE,
    O_TRUNC,
    O_WRONLY,
    RENAME_EXCHANGE,
    RENAME_NOREPLACE,
)
from lego.linux.stat import S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFREG, S_IFSOCK
from scomponent import host, messages as m

Step = tuple[Any, ...]

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWUSER = 0x10000000


def enter_chroot(path: str) -> None:
    if os.geteuid() and _libc.unshare(_CLONE_NEWUSER):
        raise OSError(ctypes.get_errno(), "unshare")
    os.chroot(path)
    os.chdir("/")
    os.umask(0)


def in_child(work: Callable[[], Any]) -> Any:
    """What `work` returns, done in a process of its own; an exception in it is a failure."""
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(write_end, json.dumps(work()).encode())
            os._exit(0)
        except BaseException:
            os._exit(1)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as pipe:
        data = pipe.read()
    _, status = os.waitpid(pid, 0)
    if status:
        raise RuntimeError("the child failed")
    return json.loads(data)


def can_chroot() -> bool:
    try:
        in_child(lambda: enter_chroot("/"))
    except RuntimeError:
        return False
    return True


def host_step(step: Step) -> None:
    kind, path, *rest = step
    if kind == "open":
        os.close(os.open(path, rest[0] | os.O_NONBLOCK, 0o640))
    elif kind == "link":
        os.link(path, rest[0], src_dir_fd=None, dst_dir_fd=os.open("/", os.O_PATH), follow_symlinks=rest[1])
    elif kind == "rename":
        host.rename(-100, path, -100, rest[0], rest[1])
    elif kind == "symlink":
        os.symlink(rest[0], path)
    elif kind == "stat":
        os.stat(path, follow_symlinks=rest[0])
    else:
        {
            "mkdir": lambda: os.mkdir(path, 0o750),
            "rmdir": lambda: os.rmdir(path),
            "unlink": lambda: os.unlink(path),
            "readlink": lambda: os.readlink(path),
            "mkfifo": lambda: os.mkfifo(path, 0o620),
            "mknod": lambda: os.mknod(path, stat.S_IFREG | 0o604),
            "truncate": lambda: os.truncate(path, 5),
            "chmod": lambda: os.chmod(path, 0o711),
        }[kind]()


def guest_request(step: Step) -> Any:
    kind, path, *rest = step
    return {
        "open": lambda: m.Open(VNODE, 0, path, rest[0], 0o640),
        "link": lambda: m.Link(VNODE, 0, path, 0, rest[0], rest[1]),
        "rename": lambda: m.Rename(VNODE, 0, path, 0, rest[0], rest[1]),
        "symlink": lambda: m.SymLink(VNODE, rest[0], 0, path),
        "stat": lambda: m.PathStat(VNODE, 0, path, rest[0]),
        "mkdir": lambda: m.MakeDirectory(VNODE, 0, path, 0o750),
        "rmdir": lambda: m.Remove(VNODE, 0, path, True),
        "unlink": lambda: m.Remove(VNODE, 0, path),
        "readlink": lambda: m.ReadLink(VNODE, 0, path),
        "mkfifo": lambda: m.MakeNode(VNODE, 0, path, S_IFIFO | 0o620),
        "mknod": lambda: m.MakeNode(VNODE, 0, path, S_IFREG | 0o604),
        "truncate": lambda: m.SetAttributes(VNODE, 0, path, size=5),
        "chmod": lambda: m.SetAttributes(VNODE, 0, path, mode=0o711),
    }[kind]()


def run_on_host(root: str, steps: list[Step]) -> list[int]:
    def work() -> list[int]:
        enter_chroot(root)
        outcomes = []
        for step in steps:
            try:
                host_step(step)
                outcomes.append(0)
            except OSError as error:
                outcomes.append(error.errno or -1)
        return outcomes

    outcomes: list[int] = in_child(work)
    return outcomes


def run_on_guest(root: str, steps: list[Step]) -> list[int]:
    outcomes = []
    with Guest([Mount(root, "/", True)], pseudo=()) as guest:
        for step in steps:
            try:
                reply = guest.call(guest_request(step))
                if isinstance(reply, m.OpenReply):
                    guest.close(reply.handle)
                outcomes.append(0)
            except LinuxError as error:
                outcomes.append(error.errno)
    return outcomes


def snapshot(root: str) -> list[tuple[Any, ...]]:
    """Every name with its type, permissions, links, size and target."""
    found = []
    for directory, directories, files in os.walk(root):
        directories.sort()
        for name in sorted(directories + files):
            path = os.path.join(directory, name)
            info = os.lstat(path)
            target = os.readlink(path) if stat.S_ISLNK(info.st_mode) else ""
            size = info.st_size if stat.S_ISREG(info.st_mode) else 0
            found.append((os.path.relpath(path, root), info.st_mode, info.st_nlink, size, target))
    return sorted(found)


names = st.sampled_from(["a", "b", "c", "a", "b", ".", ".."])
paths = st.builds(
    lambda start, middle, end: (start + "/".join(middle) + end) or "/",
    st.sampled_from(["", "/"]),
    st.lists(names, min_size=1, max_size=4),
    st.sampled_from(["", "", "", "/"]),
)
flags = st.sampled_from([O_RDONLY, O_WRONLY, O_RDWR, O_RDWR | O_TRUNC, O_PATH])
more_flags = st.sampled_from([0, 0, O_CREAT, O_CREAT | O_EXCL, O_NOFOLLOW, O_CREAT | O_NOFOLLOW, O_DIRECTORY])
steps = st.one_of(
    st.tuples(st.sampled_from(["mkdir", "mkdir", "mkdir", "rmdir", "unlink", "readlink", "mkfifo", "mknod"]), paths),
    st.tuples(st.just("symlink"), paths, paths),
    st.tuples(st.just("open"), paths, st.builds(lambda one, two: one | two, flags, more_flags)),
    st.tuples(st.sampled_from(["truncate", "chmod"]), paths),
    st.tuples(st.just("stat"), paths, st.booleans()),
    st.tuples(st.just("link"), paths, paths, st.booleans()),
    st.tuples(st.just("rename"), paths, paths, st.sampled_from([0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE, 7])),
)


def fifo_without_reader(step: Step, native: int, ours: int) -> bool:
    """The component pins FIFOs where the host would refuse a writer that has no reader."""
    return step[0] == "open" and native == E.ENXIO and ours == 0


@pytest.mark.skipif(not can_chroot(), reason="this host does not let tests make a directory their root")
@settings(max_examples=120, deadline=None)
@given(st.lists(steps, min_size=3, max_size=20))
def test_calls_end_as_on_the_host(calls: list[Step]) -> None:
    base = tempfile.mkdtemp()
    try:
        native, ours = os.path.join(base, "native"), os.path.join(base, "ours")
        os.mkdir(native)
        os.mkdir(ours)
        expected, outcome = run_on_host(native, calls), run_on_guest(ours, calls)
        for call, there, here in zip(calls, expected, outcome, strict=True):
            if not fifo_without_reader(call, there, here):
                assert here == there, (call, calls)
        assert snapshot(ours) == snapshot(native)
        assert sorted(os.listdir(base)) == ["native", "ours"]
    finally:
        shutil.rmtree(base)


# ---- what the host cannot be asked -----------------------------------------------------------------------


@pytest.fixture
def guest(tmp_path: Path) -> Iterator[Guest]:
    with Guest([whole(tmp_path)], pseudo=()) as guest:
        yield guest


def test_permissions_are_the_guest_s_whatever_the_host_s_umask(guest: Guest, tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        guest.close(guest.handle("/file", O_CREAT | O_WRONLY, 0o664))
        guest.call(m.MakeDirectory(VNODE, 0, "/directory", 0o1775))
        guest.call(m.MakeNode(VNODE, 0, "/fifo", S_IFIFO | 0o622))
    finally:
        os.umask(before)
    modes = {name: stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("file", "directory", "fifo")}
    assert modes == {"file": 0o664, "directory": 0o1775, "fifo": 0o622}


def test_a_temporary_file_gets_a_name(guest: Guest, tmp_path: Path) -> None:
    try:
        opened = guest.open("/", O_TMPFILE | O_RDWR, 0o640)
    except LinuxError as error:
        if error.errno == E.EOPNOTSUPP:
            pytest.skip("the host's file system has no O_TMPFILE")
        raise
    assert opened.created
    guest.write(opened.handle, b"late name")
    assert os.listdir(tmp_path) == []
    assert guest.fails(E.ENOENT, m.PathOf(opened.handle)).detail == f"/#{opened.stat.ino}"
    guest.call(m.LinkHandle(VNODE, opened.handle, 0, "/named"))
    assert (tmp_path / "named").read_bytes() == b"late name"
    guest.fails(E.EEXIST, m.LinkHandle(VNODE, opened.handle, 0, "/named"))
    again = guest.open("/named")
    assert again.object == opened.object
    hidden = guest.handle("/", O_TMPFILE | O_RDWR | O_EXCL, 0o640)
    guest.fails(E.ENOENT, m.LinkHandle(VNODE, hidden, 0, "/other"))


@pytest.mark.parametrize(
    ("mode", "errno"),
    [(S_IFCHR | 0o666, E.EPERM), (S_IFBLK | 0o666, E.EPERM), (S_IFDIR | 0o755, E.EPERM), (0o150000, E.EINVAL)],
)
def test_nodes_that_guests_cannot_make(guest: Guest, tmp_path: Path, mode: int, errno: int) -> None:
    guest.fails(errno, m.MakeNode(VNODE, 0, "/node", mode, 0x103))
    assert os.listdir(tmp_path) == []


def test_sockets_and_links_between_places(guest: Guest, tmp_path: Path) -> None:
    guest.call(m.MakeNode(VNODE, 0, "/socket", S_IFSOCK | 0o600))
    guest.fails(E.ENXIO, m.Open(VNODE, 0, "/socket", O_RDWR))
    guest.call(m.MakeDirectory(VNODE, 0, "/d", 0o755))
    place = guest.handle("/d", O_PATH)
    guest.call(m.Link(VNODE, 0, "/socket", place, "again"))
    guest.call(m.Rename(VNODE, place, "again", 0, "top"))
    assert sorted(os.listdir(tmp_path)) == ["d", "socket", "top"]
    guest.fails(E.EINVAL, m.Rename(VNODE, 0, "/top", 0, "/x", 8))
    guest.fails(E.EINVAL, m.Rename(VNODE, 0, "/top", 0, "/x", RENAME_EXCHANGE | RENAME_NOREPLACE))


def test_symlink_targets_are_kept_as_they_are(guest: Guest) -> None:
    for number, target in enumerate(["/etc/../x//", "x" * 4095, "\udcff"]):
        with contextlib.suppress(LinuxError):
            guest.call(m.SymLink(VNODE, target, 0, f"/l{number}"))
            assert guest.call(m.ReadLink(VNODE, 0, f"/l{number}")).text == target
    guest.fails(E.ENAMETOOLONG, m.SymLink(VNODE, "x" * 4096, 0, "/l"))
    guest.fails(E.ENOENT, m.SymLink(VNODE, "", 0, "/l"))
    guest.fails(E.EINVAL, m.SymLink(VNODE, "a\0b", 0, "/l"))
    pinned = guest.handle("/l0", O_PATH | O_NOFOLLOW)
    assert guest.call(m.ReadLink(VNODE, pinned, "")).text == "/etc/../x//"
    guest.fails(E.ENOENT, m.ReadLink(VNODE, guest.handle("/", O_PATH), ""))
    guest.fails(E.EINVAL, m.ReadLink(VNODE, 0, "/"))
