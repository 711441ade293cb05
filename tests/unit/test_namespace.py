"""Mounts: what covers what, places that the host does not have, pseudo file systems, read-only trees."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from guestfiles import VNODE, Guest, whole

from lego.config import Mount
from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import (
    DT_DIR,
    DT_REG,
    O_CREAT,
    O_DIRECTORY,
    O_PATH,
    O_RDONLY,
    O_RDWR,
    O_TMPFILE,
    O_TRUNC,
    O_WRONLY,
)
from lego.linux.stat import S_IFDIR, S_IFREG
from scomponent import messages as m
from scomponent.namespace import Namespace


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Three host directories and a file to mount."""
    for name in ("root", "one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"in-{name}").write_text(name)
    (tmp_path / "single").write_text("a single file")
    return tmp_path


@pytest.fixture
def guest(tree: Path) -> Iterator[Guest]:
    """A read-only root with mounts at places that it does not have."""
    mounts = [
        whole(tree / "root", writable=False),
        Mount(str(tree / "one"), "/deep/down/one", True),
        Mount(str(tree / "two"), "/deep/down/one/two", True),
        Mount(str(tree / "single"), "/etc/single", True),
    ]
    with Guest(mounts) as guest:
        yield guest


def test_made_up_directories_are_listed_and_walked(guest: Guest) -> None:
    assert guest.names("/") == [".", "..", "deep", "dev", "etc", "in-root", "proc", "sys"]
    assert guest.names("/deep") == [".", "..", "down"]
    assert guest.names("/deep/down/one") == [".", "..", "in-one", "two"]
    assert guest.contents("/deep/down/one/two/../../../../deep/./down/one/in-one") == b"one"
    stat = guest.stat("/deep/down").stat
    assert (stat.kind, stat.nlink) == (S_IFDIR, 3)
    assert guest.stat("/deep").stat.ino != stat.ino
    guest.fails(E.ENOENT, m.PathStat(VNODE, 0, "/deep/other"))


def test_entries_tell_kinds_and_numbers(guest: Guest, tree: Path) -> None:
    entries = {e.name: e for e in guest.call(m.Entries(guest.handle("/etc"))).entries}
    assert entries["single"].kind == DT_REG
    assert entries["single"].ino == (tree / "single").stat().st_ino
    entries = {e.name: e for e in guest.call(m.Entries(guest.handle("/deep/down/one/two"))).entries}
    assert entries[".."].ino == (tree / "one").stat().st_ino
    assert entries["."].ino == (tree / "two").stat().st_ino
    entries = {e.name: e for e in guest.call(m.Entries(guest.handle("/deep/down/one"))).entries}
    assert entries["two"].kind == DT_DIR
    assert entries[".."].ino == guest.stat("/deep/down").stat.ino
    entries = {e.name: e for e in guest.call(m.Entries(guest.handle("/"))).entries}
    assert entries[".."].ino == entries["."].ino


def test_places_in_mounts_know_their_way_up(guest: Guest) -> None:
    inner = guest.handle("/deep/down/one/two", O_RDONLY | O_DIRECTORY)
    assert guest.stat("../in-one", place=inner).path == "/deep/down/one/in-one"
    assert guest.stat("../../../../in-root", place=inner).path == "/in-root"
    made_up = guest.handle("/deep/down", O_RDONLY | O_DIRECTORY)
    assert guest.stat("..", place=made_up).path == "/deep"
    assert guest.stat("one/two/in-two", place=made_up).path == "/deep/down/one/two/in-two"
    assert guest.call(m.PathOf(made_up)).path == "/deep/down"
    assert guest.call(m.PathOf(inner)).path == "/deep/down/one/two"


def test_a_place_below_a_mount_point_still_sees_it(tree: Path) -> None:
    """A directory opened by handle, from which `..` goes up to one that a mount is in."""
    (tree / "root" / "a" / "x" / "y").mkdir(parents=True)
    with Guest([whole(tree / "root"), Mount(str(tree / "one"), "/a/m")], pseudo=()) as guest:
        place = guest.handle("/a/x/y", O_PATH)
        assert guest.stat("../../m/in-one", place=place).path == "/a/m/in-one"


def test_a_mounted_file(guest: Guest, tree: Path) -> None:
    handle = guest.handle("/etc/single", O_RDWR | O_TRUNC)
    guest.write(handle, b"changed")
    assert (tree / "single").read_bytes() == b"changed"
    guest.fails(E.ENOTDIR, m.PathStat(VNODE, 0, "/etc/single/x"))
    guest.fails(E.ENOTDIR, m.PathStat(VNODE, 0, "/etc/single/"))
    guest.fails(E.EBUSY, m.Remove(VNODE, 0, "/etc/single"))
    guest.fails(E.ENOTDIR, m.Remove(VNODE, 0, "/etc/single", True))
    guest.fails(E.EXDEV, m.Rename(VNODE, 0, "/etc/single", 0, "/deep/down/one/s"))
    assert guest.call(m.PathOf(handle)).path == "/etc/single"


@pytest.mark.parametrize(
    "request_of",
    [
        lambda: m.Open(VNODE, 0, "/new", O_CREAT | O_WRONLY, 0o644),
        lambda: m.Open(VNODE, 0, "/in-root", O_WRONLY),
        lambda: m.Open(VNODE, 0, "/in-root", O_RDONLY | O_TRUNC),
        lambda: m.Open(VNODE, 0, "/", O_TMPFILE | O_RDWR, 0o600),
        lambda: m.Open(VNODE, 0, "/deep/new", O_CREAT | O_WRONLY, 0o644),
        lambda: m.Access(VNODE, 0, "/in-root", 2),
        lambda: m.Access(VNODE, 0, "/deep", 2),
        lambda: m.MakeDirectory(VNODE, 0, "/new", 0o755),
        lambda: m.MakeDirectory(VNODE, 0, "/deep/new", 0o755),
        lambda: m.MakeNode(VNODE, 0, "/new", S_IFREG | 0o644),
        lambda: m.Remove(VNODE, 0, "/in-root"),
        lambda: m.Remove(VNODE, 0, "/missing"),
        lambda: m.Rename(VNODE, 0, "/in-root", 0, "/other"),
        lambda: m.Link(VNODE, 0, "/in-root", 0, "/other"),
        lambda: m.SymLink(VNODE, "x", 0, "/other"),
        lambda: m.SetAttributes(VNODE, 0, "/in-root", mode=0o600),
        lambda: m.SetAttributes(VNODE, 0, "/in-root", size=0),
        lambda: m.SetAttributes(VNODE, 0, "/in-root", times=(1, 1)),
        lambda: m.SetAttributes(VNODE, 0, "/deep", mode=0o700),
    ],
)
def test_read_only_mounts(guest: Guest, tree: Path, request_of: object) -> None:
    before = sorted(os.listdir(tree / "root")), (tree / "root" / "in-root").stat().st_ctime_ns
    guest.fails(E.EROFS, request_of())  # type: ignore[operator]
    assert (sorted(os.listdir(tree / "root")), (tree / "root" / "in-root").stat().st_ctime_ns) == before


def test_what_wins_over_read_only(guest: Guest) -> None:
    guest.fails(E.EEXIST, m.MakeDirectory(VNODE, 0, "/in-root", 0o755))
    guest.fails(E.EEXIST, m.MakeDirectory(VNODE, 0, "/deep", 0o755))
    guest.fails(E.EEXIST, m.MakeDirectory(VNODE, 0, "/proc", 0o755))
    guest.fails(E.EISDIR, m.Open(VNODE, 0, "/deep", O_WRONLY))
    guest.fails(E.EXDEV, m.Rename(VNODE, 0, "/in-root", 0, "/deep/down/one/x"))
    guest.fails(E.EXDEV, m.Link(VNODE, 0, "/in-root", 0, "/deep/down/one/x"))
    assert guest.call(m.PathFsStat(VNODE, 0, "/in-root")).stat.flags & 1
    assert not guest.call(m.PathFsStat(VNODE, 0, "/deep/down/one")).stat.flags & 1
    assert guest.call(m.PathFsStat(VNODE, 0, "/deep")).stat.blocks == 0


def test_the_read_only_root_does_not_touch_writable_mounts(guest: Guest, tree: Path) -> None:
    guest.close(guest.handle("/deep/down/one/new", O_CREAT | O_WRONLY))
    assert (tree / "one" / "new").exists()


def test_mount_points_are_busy(tree: Path) -> None:
    (tree / "root" / "a" / "m").mkdir(parents=True)
    with Guest([whole(tree / "root"), Mount(str(tree / "one"), "/a/m", True)]) as guest:
        for path in ("/a/m", "/a", "/proc"):
            guest.fails(E.EBUSY, m.Remove(VNODE, 0, path, True))
            guest.fails(E.EISDIR, m.Remove(VNODE, 0, path))
            guest.fails(E.EBUSY, m.Rename(VNODE, 0, path, 0, "/elsewhere"))
            guest.fails(E.EBUSY, m.Rename(VNODE, 0, "/in-root", 0, path))
            guest.fails(E.EEXIST, m.Rename(VNODE, 0, "/in-root", 0, path, 1))
        guest.fails(E.EXDEV, m.Rename(VNODE, 0, "/a/m/in-one", 0, "/x"))
        assert guest.contents("/a/m/in-one") == b"one"


def test_later_mounts_cover_earlier_ones(tree: Path) -> None:
    one, two = str(tree / "one"), str(tree / "two")
    with Guest(
        [whole(tree / "root"), Mount(one, "/m"), Mount(str(tree / "single"), "/m/s"), Mount(two, "/m")]
    ) as guest:
        assert guest.names("/m") == [".", "..", "in-two"]
    with Guest([Mount(one, "/m"), whole(tree / "two"), Mount(one, "/m/n")]) as guest:
        assert guest.names("/") == [".", "..", "dev", "in-two", "m", "proc", "sys"]
        assert guest.names("/m") == [".", "..", "n"]
    with Guest([whole(tree / "root"), Mount(one, "/proc")]) as guest:
        assert guest.names("/proc") == [".", "..", "in-one"]


def test_targets_follow_symlinks_of_the_tree(tree: Path) -> None:
    (tree / "root" / "run").mkdir()
    os.symlink("/run", tree / "root" / "var")
    os.symlink(str(tree), tree / "root" / "escape")
    with Guest(
        [whole(tree / "root"), Mount(str(tree / "one"), "/var/one"), Mount(str(tree / "two"), "/escape/x")]
    ) as guest:
        assert guest.stat("/var/one/in-one").path == "/run/one/in-one"
        assert guest.names("/run") == [".", "..", "one"]
    assert not (tree / "x").exists()


def test_no_root_at_all(tree: Path) -> None:
    with Guest([Mount(str(tree / "one"), "/data")]) as guest:
        assert guest.names("/") == [".", "..", "data", "dev", "proc", "sys"]
        assert guest.names("/data/..") == guest.names("/")
        guest.fails(E.EROFS, m.MakeDirectory(VNODE, 0, "/x", 0o755))


@pytest.mark.parametrize(
    ("mount", "errno"),
    [
        (Mount("/nonexistent/source", "/x"), E.ENOENT),
        (Mount("/etc", "relative"), E.EINVAL),
        (Mount("/etc/passwd", "/"), E.ENOTDIR),
        (Mount("/etc", "/in-root/x"), E.ENOTDIR),
    ],
)
def test_mounts_that_cannot_be(tree: Path, mount: Mount, errno: int) -> None:
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(LinuxError) as caught:
        Namespace([whole(tree / "root"), mount])
    assert caught.value.errno == errno
    assert mount.source in str(caught.value)
    assert len(os.listdir("/proc/self/fd")) == before


# ---- pseudo file systems ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "there"),
    [
        ("/proc", "/proc"),
        ("/proc/", "/proc/"),
        ("/proc/self/exe", "/proc/self/exe"),
        ("/proc//self/../x/", "/proc/self/../x/"),
        ("/a/../dev/./null", "/dev/null"),
        ("/dev/../proc/1", "/proc/1"),
        ("/link/../null", "/dev/fd/../null"),
        ("/stdin", "/dev/stdin"),
    ],
)
def test_paths_that_lead_elsewhere(tree: Path, path: str, there: str) -> None:
    (tree / "root" / "a").mkdir()
    os.symlink("/dev/fd", tree / "root" / "link")
    os.symlink("a/../dev/stdin", tree / "root" / "stdin")
    with Guest([whole(tree / "root")]) as guest:
        place = guest.handle("/a", O_PATH)
        for request in (
            m.PathStat(VNODE, 0, path),
            m.PathStat(VNODE, place, path if path.startswith("/") else "../" + path),
            m.Open(VNODE, 0, path, O_RDONLY),
            m.Access(VNODE, 0, path, 0),
            m.PathFsStat(VNODE, 0, path),
        ):
            assert guest.call(request) == m.Elsewhere(there)
        assert guest.monitor.statistics()["elsewhere"] == 5


def test_creating_and_renaming_elsewhere(tree: Path) -> None:
    with Guest([whole(tree / "root")]) as guest:
        assert guest.call(m.Open(VNODE, 0, "/dev/new", O_CREAT | O_WRONLY)) == m.Elsewhere("/dev/new")
        assert guest.call(m.MakeDirectory(VNODE, 0, "/dev/x/", 0o755)) == m.Elsewhere("/dev/x/")
        assert guest.call(m.Remove(VNODE, 0, "/proc/1")) == m.Elsewhere("/proc/1")
        assert guest.call(m.Rename(VNODE, 0, "/proc/1", 0, "/proc/2")) == m.Elsewhere("/proc/1")
        assert guest.call(m.Link(VNODE, 0, "/proc/1", 0, "/dev/2")) == m.Elsewhere("/proc/1")
        for old, new in (("/proc/1", "/x"), ("/in-root", "/dev/x")):
            guest.fails(E.EXDEV, m.Rename(VNODE, 0, old, 0, new))
            guest.fails(E.EXDEV, m.Link(VNODE, 0, old, 0, new))


def test_a_mount_inside_a_pseudo_file_system(tree: Path) -> None:
    with Guest([whole(tree / "root"), Mount(str(tree / "one"), "/dev/shm/one", True)]) as guest:
        assert guest.contents("/dev/shm/one/in-one") == b"one"
        assert guest.contents("/dev/../dev/shm/./one/in-one") == b"one"
        assert guest.stat("/dev/shm/one/../../null") == m.Elsewhere("/dev/null")
        assert guest.stat("/dev/shm/two") == m.Elsewhere("/dev/shm/two")
        place = guest.handle("/dev/shm/one", O_PATH)
        assert guest.stat("..", place=place) == m.Elsewhere("/dev/shm")
        assert guest.stat("../../../in-root", place=place).path == "/in-root"
        assert guest.names("/dev/shm/one") == [".", "..", "in-one"]
