"""Path resolution: the limits, the escapes, and the host's own openat2(RESOLVE_IN_ROOT) as a model."""

from __future__ import annotations

import ctypes
import errno
import os
import random
import shutil
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from guestfiles import VNODE, Guest, whole
from hypothesis import given, settings, strategies as st

from lego.config import Mount
from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import (
    O_CREAT,
    O_DIRECTORY,
    O_PATH,
    O_RDONLY,
    O_WRONLY,
    RESOLVE_BENEATH,
    RESOLVE_CACHED,
    RESOLVE_IN_ROOT,
    RESOLVE_NO_SYMLINKS,
    RESOLVE_NO_XDEV,
)
from scomponent import messages as m
from scomponent.namespace import Namespace

SECRET = b"outside the mounts"


@pytest.fixture
def guest(tmp_path: Path) -> Iterator[Guest]:
    (tmp_path / "secret").write_bytes(SECRET)
    (tmp_path / "outside").mkdir()
    root = tmp_path / "root"
    (root / "a" / "b" / "c").mkdir(parents=True)
    (root / "file").write_bytes(b"inside")
    with Guest([whole(root)], pseudo=()) as guest:
        yield guest


def link(guest: Guest, target: str, path: str) -> None:
    guest.call(m.SymLink(VNODE, target, 0, path))


def test_dotdot_stays_at_the_root(guest: Guest) -> None:
    assert guest.stat("/../../../../file").path == "/file"
    assert guest.stat("a/b/../../../file").path == "/file"
    guest.fails(E.ENOENT, m.PathStat(VNODE, 0, "/../secret"))


def test_dotdot_from_an_open_directory(guest: Guest) -> None:
    place = guest.handle("/a/b/c", O_RDONLY | O_DIRECTORY)
    assert guest.stat("../../../file", place=place).path == "/file"
    assert guest.stat("..", place=place).path == "/a/b"
    assert guest.stat("../../../../../../..", place=place).path == "/"
    guest.fails(E.ENOENT, m.PathStat(VNODE, place, "../../../../secret"))


def test_dotdot_follows_a_directory_that_was_moved(guest: Guest) -> None:
    place = guest.handle("/a/b/c", O_PATH)
    guest.call(m.MakeDirectory(VNODE, 0, "/new", 0o755))
    guest.call(m.Rename(VNODE, 0, "/a/b/c", 0, "/new/c2"))
    assert guest.stat("..", place=place).path == "/new"
    assert guest.open("../x", O_CREAT | O_WRONLY, place=place).path == "/new/x"
    assert guest.open("y", O_CREAT | O_WRONLY, place=place).path == "/new/c2/y"
    assert guest.call(m.PathOf(place)).path == "/new/c2"


def test_dotdot_of_a_directory_that_left_its_mount(guest: Guest, tmp_path: Path) -> None:
    place = guest.handle("/a/b", O_RDONLY | O_DIRECTORY)
    os.rename(tmp_path / "root" / "a" / "b", tmp_path / "outside" / "b")
    guest.fails(E.ENOENT, m.PathStat(VNODE, place, ".."))
    guest.fails(E.ENOENT, m.PathStat(VNODE, place, "../../secret"))
    guest.fails(E.ENOENT, m.PathOf(place))
    assert guest.stat("c", place=place).stat.mode


def test_dotdot_of_a_directory_deeper_than_a_path_can_say(guest: Guest) -> None:
    place = guest.handle("/a", O_PATH)
    for _ in range(25):
        name = "d" * 200
        guest.call(m.MakeDirectory(VNODE, place, name, 0o755))
        place = guest.handle(name, O_PATH, place=place)
    above = guest.stat("..", place=place).stat.ino
    assert above != guest.call(m.HandleStat(place)).stat.ino
    assert guest.stat("/".join([".."] * 26), place=place).path == "/"


@pytest.mark.parametrize(
    ("target", "errno"),
    [
        ("/secret", E.ENOENT),
        ("../secret", E.ENOENT),
        ("../../../secret", E.ENOENT),
        ("/proc/self/root/etc/passwd", E.ENOENT),
        ("missing/..", E.ENOENT),
        ("file/..", E.ENOTDIR),
        ("file/", E.ENOTDIR),
        ("self", E.ELOOP),
    ],
)
def test_symlinks_to_outside_end_inside(guest: Guest, target: str, errno: int) -> None:
    link(guest, target, "/self" if target == "self" else "/l")
    guest.fails(errno, m.PathStat(VNODE, 0, "/self" if target == "self" else "/l"))


def test_chained_and_absolute_symlinks(guest: Guest) -> None:
    link(guest, "/a/two", "/one")
    link(guest, "../three", "/a/two")
    link(guest, "//a/b/./../../file", "/three")
    assert guest.stat("/one").path == "/file"
    assert guest.stat("/one", follow=False).path == "/one"
    link(guest, "/a/b", "/a/b/c/up")
    assert guest.stat("/a/b/c/up/c").path == "/a/b/c"
    link(guest, "/a/b/", "/dir")
    link(guest, "/file", "/a/b/f")
    assert guest.stat("/dir/f").path == "/file"
    assert guest.stat("/dir", follow=False).stat.kind == 0o120000
    assert guest.stat("/dir/", follow=False).path == "/a/b"
    assert guest.stat("/dir/..").path == "/a"


def test_forty_symlinks_and_no_more(guest: Guest) -> None:
    link(guest, "file", "/l1")
    for number in range(2, 42):
        link(guest, f"l{number - 1}", f"/l{number}")
    assert guest.stat("/l40").path == "/file"
    guest.fails(E.ELOOP, m.PathStat(VNODE, 0, "/l41"))


def test_limits_of_names_and_paths(guest: Guest) -> None:
    guest.fails(E.ENOENT, m.PathStat(VNODE, 0, ""))
    guest.fails(E.ENAMETOOLONG, m.PathStat(VNODE, 0, "/" + "n" * 256))
    guest.fails(E.ENOENT, m.PathStat(VNODE, 0, "/" + "n" * 255))
    guest.fails(E.ENAMETOOLONG, m.PathStat(VNODE, 0, "/" + "é" * 128))
    guest.fails(E.ENAMETOOLONG, m.PathStat(VNODE, 0, "/a/" * 1700))
    guest.fails(E.ENAMETOOLONG, m.Open(VNODE, 0, "x" * 5000, O_CREAT | O_WRONLY))
    assert guest.stat("/" * 4091 + "file").path == "/file"
    guest.fails(E.ENAMETOOLONG, m.PathStat(VNODE, 0, "/" * 4092 + "file"))
    guest.fails(E.EINVAL, m.PathStat(VNODE, 0, "/fi\0le"))


def test_names_are_bytes(guest: Guest, tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff\xfe")
    guest.close(guest.handle("/" + name, O_CREAT | O_WRONLY))
    assert os.listdir(os.fsencode(tmp_path / "root")).count(b"\xff\xfe") == 1
    assert name in guest.names("/")


@pytest.mark.parametrize(
    ("path", "resolve", "outcome"),
    [
        ("/file", RESOLVE_BENEATH, E.EXDEV),
        ("..", RESOLVE_BENEATH, E.EXDEV),
        ("b/../..", RESOLVE_BENEATH, E.EXDEV),
        ("absolute", RESOLVE_BENEATH, E.EXDEV),
        ("b/../b", RESOLVE_BENEATH, "/a/b"),
        ("/b", RESOLVE_IN_ROOT, "/a/b"),
        ("../../b", RESOLVE_IN_ROOT, "/a/b"),
        ("absolute", RESOLVE_IN_ROOT, E.ENOENT),
        ("scoped", RESOLVE_IN_ROOT, "/a/b/c"),
        ("scoped", RESOLVE_NO_SYMLINKS, E.ELOOP),
        ("b/c", RESOLVE_NO_SYMLINKS, "/a/b/c"),
        ("mnt", RESOLVE_NO_XDEV, E.EXDEV),
        ("mnt", RESOLVE_CACHED, "/a/mnt"),
        ("..", RESOLVE_NO_XDEV, "/"),
        ("b", 64, E.EINVAL),
        ("b", RESOLVE_BENEATH | RESOLVE_IN_ROOT, E.EINVAL),
    ],
)
def test_resolve_flags(tmp_path: Path, path: str, resolve: int, outcome: int | str) -> None:
    (tmp_path / "root" / "a" / "b" / "c").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    os.symlink("/file", tmp_path / "root" / "a" / "absolute")
    os.symlink("/../b/c", tmp_path / "root" / "a" / "scoped")
    with Guest([whole(tmp_path / "root"), Mount(str(tmp_path / "other"), "/a/mnt")], pseudo=()) as guest:
        place = guest.handle("/a", O_PATH)
        request = m.Open(VNODE, place, path, O_RDONLY, 0, resolve)
        if isinstance(outcome, int):
            guest.fails(outcome, request)
        else:
            assert guest.call(request).path == outcome


def test_no_xdev_holds_upwards_too(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "other").mkdir()
    with Guest([whole(tmp_path / "root"), Mount(str(tmp_path / "other"), "/mnt")], pseudo=()) as guest:
        place = guest.handle("/mnt", O_PATH)
        guest.fails(E.EXDEV, m.Open(VNODE, place, "..", O_RDONLY, 0, RESOLVE_NO_XDEV))


# ---- the host as a model ----------------------------------------------------------------------------------

_libc = ctypes.CDLL(None, use_errno=True)
_OPENAT2 = 437  # The same number on every architecture.


def host_lookup(root: int, path: str, flags: int) -> tuple[int, int] | int:
    """Identity of what the host finds with `root` as its root, or the errno."""
    how = struct.pack("QQQ", flags | os.O_PATH, 0, 0x10)
    for _ in range(1000):  # EAGAIN: something else on the host was renamed meanwhile, see openat2(2).
        fd = _libc.syscall(_OPENAT2, root, os.fsencode(path), how, len(how))
        if fd >= 0 or ctypes.get_errno() != errno.EAGAIN:
            break
    if fd < 0:
        return ctypes.get_errno()
    stat = os.fstat(fd)
    os.close(fd)
    return stat.st_dev, stat.st_ino


def has_openat2() -> bool:
    root = os.open("/", os.O_PATH)
    try:
        return isinstance(host_lookup(root, "/", 0), tuple)
    finally:
        os.close(root)


NAMES = ["a", "b", "c", "d"]
components = st.sampled_from([*NAMES, ".", "..", "a", "b"])
paths = st.builds(
    lambda start, middle, end: (start + "/".join(middle) + end) or "/",
    st.sampled_from(["", "/", "//"]),
    st.lists(components, min_size=1, max_size=7),
    st.sampled_from(["", "", "/", "/."]),
)
SKELETON = ["", "a", "a/b", "a/b/c", "b", "b/a", "c"]
makings = st.lists(
    st.tuples(st.sampled_from(["link", "link", "link", "dir", "file"]), st.sampled_from(SKELETON), paths), max_size=16
)


def build_tree(root: str, steps: list[tuple[str, str, str]]) -> None:
    """A few directories, and what `steps` put into them under the names that are still free."""
    for directory in SKELETON[1:]:
        os.mkdir(os.path.join(root, directory))
    for number, (kind, directory, target) in enumerate(steps):
        path = os.path.join(root, directory, NAMES[number % len(NAMES)])
        if os.path.lexists(path):
            continue
        if kind == "dir":
            os.mkdir(path)
        elif kind == "file":
            os.close(os.open(path, os.O_CREAT | os.O_EXCL))
        else:
            os.symlink(target, path)


@pytest.mark.skipif(not has_openat2(), reason="the host has no openat2(2)")
@settings(max_examples=120, deadline=None)
@given(makings, st.lists(st.tuples(paths, st.booleans(), st.booleans()), min_size=8, max_size=24))
def test_resolution_agrees_with_the_host(
    steps: list[tuple[str, str, str]], questions: list[tuple[str, bool, bool]]
) -> None:
    outer = tempfile.mkdtemp()
    top = os.path.join(outer, "top")
    os.mkdir(top)
    for name in NAMES:  # What a walk that gets out would find.
        os.mkdir(os.path.join(outer, name))
    build_tree(top, steps)
    root = os.open(top, os.O_PATH)
    namespace = Namespace([Mount(top, "/")], pseudo=())
    try:
        for path, follow, directory in questions:
            flags = (0 if follow else os.O_NOFOLLOW) | (os.O_DIRECTORY if directory else 0)
            expected = host_lookup(root, path, flags)
            found: tuple[int, int] | int
            try:
                with namespace.walk(None, path) as walk:
                    position = walk.lookup(follow, directory)
                    found = (position.stat().dev, position.stat().ino)
                    again = host_lookup(root, position.path, os.O_NOFOLLOW)
                    assert again == found, "the path that is told leads to the same file"
            except LinuxError as error:
                found = error.errno
            assert found == expected, (path, follow, directory)
    finally:
        namespace.close()
        os.close(root)
        shutil.rmtree(outer)


# ---- races ------------------------------------------------------------------------------------------------


@pytest.fixture
def eager_threads() -> Iterator[None]:
    """Threads take turns as often as they can, so that races are lost now and then."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def run_race(guest: Guest, disturb: list[object], paths: list[str], seconds: float) -> set[str]:
    """Asks for `paths` again and again while a thread disturbs them; returns what could be read."""
    end = time.monotonic() + seconds
    failures: list[BaseException] = []

    def worker() -> None:
        try:
            while time.monotonic() < end:
                for step in disturb:
                    step()  # type: ignore[operator]
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=worker)
    thread.start()
    seen = set()
    choice = random.Random(7)
    try:
        while time.monotonic() < end:
            try:
                seen.add(os.fsdecode(guest.contents(choice.choice(paths))))
            except LinuxError as error:
                assert error.errno in (E.ENOENT, E.ENOTDIR, E.ELOOP), error
    finally:
        thread.join()
    assert not failures, failures
    return seen


@pytest.mark.usefixtures("eager_threads")
def test_a_directory_renamed_while_one_walks_through_it(tmp_path: Path) -> None:
    """The classic: from a/b/c, `..` thrice is the root; if b is moved up meanwhile, it must not be above the root."""
    (tmp_path / "secret").write_bytes(SECRET)
    root = tmp_path / "root"
    (root / "a" / "b" / "c").mkdir(parents=True)
    (root / "secret").write_bytes(b"inside")
    with Guest([whole(root)], pseudo=()) as guest:
        place = guest.handle("/a/b/c", O_PATH)

        def there() -> None:
            guest.monitor.handle("P0", m.Rename(VNODE, 0, "/a/b", 0, "/b"), b"")

        def back() -> None:
            guest.monitor.handle("P0", m.Rename(VNODE, 0, "/b", 0, "/a/b"), b"")

        paths = ["/a/b/c/../../../secret", "/b/c/../../secret", "/a/b/../../../secret"]
        seen = run_race(guest, [there, back], paths, 0.5)
        assert seen == {"inside"}
        end = time.monotonic() + 0.5
        mover = threading.Thread(
            target=lambda: [(there(), back()) for _ in iter(lambda: time.monotonic() < end, False)]
        )
        mover.start()
        try:
            while time.monotonic() < end:
                try:
                    handle = guest.handle("../../../../secret", place=place)
                except LinuxError as error:
                    assert error.errno == E.ENOENT, error
                else:
                    assert guest.read(handle) == b"inside"
                    guest.close(handle)
        finally:
            mover.join()


@pytest.mark.usefixtures("eager_threads")
def test_a_directory_swapped_for_a_symlink(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "d").mkdir(parents=True)
    (root / "d" / "secret").write_bytes(b"inside")
    (tmp_path / "secret").write_bytes(SECRET)
    os.symlink(str(tmp_path), root / "s")

    def swap() -> None:
        os.rename(root / "d", root / "t")
        os.rename(root / "s", root / "d")
        os.rename(root / "d", root / "s")
        os.rename(root / "t", root / "d")

    with Guest([whole(root)], pseudo=()) as guest:
        assert run_race(guest, [swap], ["/d/secret", "/s/secret"], 0.6) <= {"inside"}


@pytest.mark.usefixtures("eager_threads")
def test_a_file_swapped_for_a_symlink_is_never_written_through(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    victim = tmp_path / "victim"
    victim.write_bytes(b"untouched")
    end = time.monotonic() + 0.5

    def swap() -> None:
        while time.monotonic() < end:
            os.symlink(str(victim), root / "l")
            os.rename(root / "l", root / "f")
            (root / "n").write_bytes(b"")
            os.rename(root / "n", root / "f")

    (root / "f").write_bytes(b"")
    thread = threading.Thread(target=swap)
    with Guest([whole(root)], pseudo=()) as guest:
        thread.start()
        try:
            while time.monotonic() < end:
                try:
                    handle = guest.handle("/f", O_CREAT | O_WRONLY)
                    guest.write(handle, b"guest")
                    guest.close(handle)
                except LinuxError as error:
                    assert error.errno in (E.ENOENT, E.ENOTDIR), error
        finally:
            thread.join()
    assert victim.read_bytes() == b"untouched"
