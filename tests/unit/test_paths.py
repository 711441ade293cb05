"""Where paths start and who answers them, and the calls that name files."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from filetask import BASE, SIZE, Guest

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import (
    AT_EMPTY_PATH,
    AT_FDCWD,
    AT_REMOVEDIR,
    AT_SYMLINK_FOLLOW,
    AT_SYMLINK_NOFOLLOW,
    O_CREAT,
    O_DIRECTORY,
    O_EXCL,
    O_NOFOLLOW,
    O_NONBLOCK,
    O_PATH,
    O_RDONLY,
    O_RDWR,
    O_TMPFILE,
    O_WRONLY,
    R_OK,
    W_OK,
    X_OK,
)
from lego.linux.stat import S_IFDIR, S_IFIFO, S_IFREG
from pcomponent.credentials import Credentials
from pcomponent.paths import Place, permits, place, read_path
from pcomponent.pseudo.tree import PSEUDO, Leads
from scomponent.messages import Open, PathStat


@pytest.fixture
def guest(tmp_path: Path) -> Iterator[Guest]:
    (tmp_path / "dir" / "sub").mkdir(parents=True)
    (tmp_path / "dir" / "file").write_bytes(b"contents")
    (tmp_path / "link").symlink_to("dir/file")
    (tmp_path / "null").symlink_to("/dev/null")
    guest = Guest(tmp_path)
    yield guest
    guest.close()


def stat_of(guest: Guest, dirfd: int, path: Any, flags: int = 0) -> tuple[int, int, int]:
    """(inode, mode, size)."""
    buffer = guest.memory.put(b"", room=144)
    assert guest.call("newfstatat", dirfd, path, buffer, flags) == 0
    _, ino, _, mode = struct.unpack("<QQQI", guest.memory.read(buffer, 28))
    (size,) = struct.unpack("<q", guest.memory.read(buffer + 48, 8))
    return ino, mode, size


# ---- arguments ---------------------------------------------------------------------------------------------


def test_the_order_of_checks_on_a_path(guest: Guest) -> None:
    buffer = guest.memory.put(b"", room=256)
    bad = 77  # A descriptor that is not open.
    guest.fails(E.EFAULT, "newfstatat", bad, 8, buffer, 0)
    guest.fails(E.ENAMETOOLONG, "newfstatat", bad, "x" * 4096, buffer, 0)
    guest.fails(E.ENOENT, "newfstatat", bad, "", buffer, 0)
    guest.fails(E.EBADF, "newfstatat", bad, "x", buffer, 0)
    guest.fails(E.EBADF, "newfstatat", bad, "", buffer, AT_EMPTY_PATH)
    guest.fails(E.EINVAL, "newfstatat", bad, 8, buffer, 1)
    assert guest.call("newfstatat", bad, "/dir", buffer, 0) == 0  # An absolute path does not look at it.
    file = guest.call("open", "/dir/file", O_RDONLY)
    guest.fails(E.ENOTDIR, "newfstatat", file, "x", buffer, 0)
    guest.fails(E.ENAMETOOLONG, "newfstatat", AT_FDCWD, "x" * 4095, buffer, 0)  # A name of more than 255.
    guest.fails(E.ENOENT, "newfstatat", AT_FDCWD, "x/" * 2047, buffer, 0)


def test_a_path_at_the_end_of_memory(guest: Guest) -> None:
    guest.memory.write(BASE + SIZE - 4, b"/dir")
    guest.fails(E.EFAULT, "access", BASE + SIZE - 4, 0)
    guest.memory.write(BASE + SIZE - 5, b"/dir\0")
    assert guest.call("access", BASE + SIZE - 5, 0) == 0


def test_bytes_that_are_no_utf8(guest: Guest, tmp_path: Path) -> None:
    assert guest.call("mkdir", b"/\xff\xfe\0", 0o777) == 0
    assert b"\xff\xfe" in os.listdir(os.fsencode(tmp_path))
    assert read_path(guest.task, guest.memory.put(b"\xff\0")).encode(errors="surrogateescape") == b"\xff"


def test_places(guest: Guest) -> None:
    directory = guest.call("open", "/dir", O_RDONLY)
    handle = guest.files.get(directory).handle
    assert place(guest.task, directory, "file") == Place(handle, "file")
    assert place(guest.task, directory, "/file") == Place(0, "/file")
    assert stat_of(guest, directory, "file")[2] == 8
    only = guest.call("open", "/dir", O_PATH)
    assert stat_of(guest, only, "file")[2] == 8
    with pytest.raises(LinuxError):
        place(guest.task, guest.call("open", "/link", O_PATH | O_NOFOLLOW), "x")


def test_at_empty_path(guest: Guest) -> None:
    file = guest.call("open", "/dir/file", O_RDONLY)
    assert stat_of(guest, file, "", AT_EMPTY_PATH)[2] == 8
    assert stat_of(guest, file, 0, AT_EMPTY_PATH)[2] == 8
    guest.call("chdir", "/dir")
    assert stat_of(guest, AT_FDCWD, "", AT_EMPTY_PATH) == stat_of(guest, AT_FDCWD, "/dir")
    assert guest.call("fchownat", file, "", -1, -1, AT_EMPTY_PATH) == 0
    assert guest.call("faccessat2", file, "", R_OK, AT_EMPTY_PATH) == 0


# ---- the working directory -----------------------------------------------------------------------------------


def cwd(guest: Guest) -> bytes:
    buffer = guest.memory.put(b"", room=128)
    length = guest.call("getcwd", buffer, 128)
    raw = guest.memory.read(buffer, length)
    assert raw.endswith(b"\0")
    return raw[:-1]


def test_chdir_and_getcwd(guest: Guest, tmp_path: Path) -> None:
    assert cwd(guest) == b"/"
    before = guest.handles()
    guest.call("chdir", "dir/../dir")
    assert cwd(guest) == b"/dir"
    assert stat_of(guest, AT_FDCWD, "file")[2] == 8
    guest.call("chdir", "sub")
    assert guest.handles() == before + 1
    (tmp_path / "dir").rename(tmp_path / "moved")
    assert cwd(guest) == b"/moved/sub"
    (tmp_path / "moved/sub").rmdir()
    guest.fails(E.ENOENT, "getcwd", BASE, 100)
    guest.fails(E.ENOENT, "chdir", "nowhere")
    guest.fails(E.ENOTDIR, "chdir", "/null")
    guest.call("chdir", "/moved")
    fd = guest.call("open", "/", O_RDONLY | O_DIRECTORY)
    guest.call("fchdir", fd)
    guest.call("close", fd)
    assert cwd(guest) == b"/"
    assert guest.handles() == before + 1
    guest.fails(E.ERANGE, "getcwd", BASE, 1)
    guest.fails(E.EFAULT, "getcwd", 8, 100)
    guest.fails(E.ENOTDIR, "fchdir", guest.call("open", "/null", O_RDONLY))
    guest.fails(E.EBADF, "fchdir", 99)


def test_chroot_is_refused_in_linuxs_order(guest: Guest) -> None:
    guest.fails(E.ENOENT, "chroot", "/none")
    guest.fails(E.ENOTDIR, "chroot", "/link")
    guest.fails(E.EPERM, "chroot", "/dir")
    before = guest.handles()
    assert guest.call("chroot", "/dir/..") == 0 and guest.handles() == before
    guest.task.process.credentials.effective = 0
    guest.fails(E.EPERM, "chroot", "/")


# ---- naming files --------------------------------------------------------------------------------------------


def test_make_rename_remove(guest: Guest, tmp_path: Path) -> None:
    guest.call("mkdir", "/new", 0o777)
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o755
    guest.fails(E.EEXIST, "mkdir", "/new", 0o777)
    fd = guest.call("open", "/new", O_RDONLY)
    guest.call("mknodat", fd, "fifo", S_IFIFO | 0o666, 0)
    assert (tmp_path / "new/fifo").is_fifo()
    guest.fails(E.EPERM, "mknod", "/d", S_IFDIR, 0)
    guest.fails(E.EINVAL, "mknod", "/d", 0o120000, 0)
    guest.fails(E.ENXIO, "open", "/new/fifo", O_WRONLY | O_NONBLOCK)
    guest.call("symlinkat", "target", fd, "sym")
    buffer = guest.memory.put(b"", room=64)
    assert guest.call("readlinkat", fd, "sym", buffer, 3) == 3
    assert guest.memory.read(buffer, 3) == b"tar"
    guest.fails(E.EINVAL, "readlink", "/dir", buffer, 64)
    guest.fails(E.EINVAL, "readlink", "/link", buffer, 0)
    guest.fails(E.ENOENT, "symlink", "", "/x")
    guest.call("link", "/dir/file", "/new/hard")
    assert stat_of(guest, fd, "hard")[0] == stat_of(guest, AT_FDCWD, "/dir/file")[0]
    guest.call("rename", "/new/hard", "/new/soft")
    guest.fails(E.EEXIST, "renameat2", fd, "soft", fd, "sym", 1)
    guest.fails(E.EINVAL, "renameat2", fd, "soft", fd, "sym", 1 | 2)
    guest.fails(E.EINVAL, "renameat2", fd, "soft", fd, "sym", 8)
    guest.fails(E.ENOTEMPTY, "rmdir", "/new")
    guest.fails(E.EISDIR, "unlink", "/new")
    guest.fails(E.ENOTDIR, "unlinkat", fd, "soft", AT_REMOVEDIR)
    guest.fails(E.EINVAL, "unlinkat", fd, "soft", 1)
    for name in ("soft", "sym", "fifo"):
        guest.call("unlinkat", fd, name, 0)
    guest.call("rmdir", "/new")


def test_a_path_handle_on_a_symlink(guest: Guest) -> None:
    fd = guest.call("open", "/link", O_PATH | O_NOFOLLOW)
    buffer = guest.memory.put(b"", room=64)
    assert guest.memory.read(buffer, guest.call("readlinkat", fd, "", buffer, 64)) == b"dir/file"
    guest.fails(E.ENOENT, "readlinkat", AT_FDCWD, "", buffer, 64)
    guest.fails(E.ENOENT, "readlinkat", guest.call("open", "/dir", O_PATH), "", buffer, 64)
    guest.fails(E.EBADF, "read", fd, buffer, 1)
    guest.fails(E.EBADF, "fchmod", fd, 0o600)
    guest.fails(E.EBADF, "fcntl", fd, 4, 0)
    assert guest.call("fcntl", fd, 3) == O_PATH | O_NOFOLLOW
    guest.fails(E.ELOOP, "open", "/link", O_NOFOLLOW)


def test_a_temporary_file_gets_a_name(guest: Guest, tmp_path: Path) -> None:
    fd = guest.call("open", "/dir", O_TMPFILE | O_RDWR, 0o600)
    guest.write(fd, b"hidden")
    guest.call("linkat", fd, "", AT_FDCWD, "/shown", AT_EMPTY_PATH)
    assert (tmp_path / "shown").read_bytes() == b"hidden"
    guest.call("linkat", AT_FDCWD, f"/proc/self/fd/{fd}", AT_FDCWD, "/again", AT_SYMLINK_FOLLOW)
    assert (tmp_path / "again").read_bytes() == b"hidden"
    guest.fails(E.EINVAL, "linkat", fd, "", AT_FDCWD, "/x", 1)


# ---- attributes ------------------------------------------------------------------------------------------------


def test_stat_and_statx(guest: Guest, tmp_path: Path) -> None:
    file, link = (tmp_path / "dir/file").stat(), (tmp_path / "link").lstat()
    assert stat_of(guest, AT_FDCWD, "/link") == (file.st_ino, file.st_mode, 8)
    assert stat_of(guest, AT_FDCWD, "/link", AT_SYMLINK_NOFOLLOW) == (link.st_ino, link.st_mode, 8)
    buffer = guest.memory.put(b"", room=256)
    assert guest.call("statx", AT_FDCWD, "/link", 0, 0x7FF, buffer) == 0
    mask, _, _, nlink, _, _, mode = struct.unpack("<IIQIIIH", guest.memory.read(buffer, 30))
    assert (mask & 0x7FF, nlink, mode) == (0x7FF, 1, file.st_mode)
    guest.fails(E.EINVAL, "statx", AT_FDCWD, 8, 0, 0x80000000, buffer)
    guest.fails(E.EINVAL, "statx", AT_FDCWD, 8, 0x6000, 0, buffer)
    guest.fails(E.EFAULT, "stat", "/dir", 8)
    guest.fails(E.EBADF, "fstat", 99, buffer)
    guest.call("lstat", "/link", buffer)
    assert struct.unpack("<Q", guest.memory.read(buffer + 8, 8)) == (link.st_ino,)


def test_modes_owners_and_times(guest: Guest, tmp_path: Path) -> None:
    path = tmp_path / "dir/file"
    fd = guest.call("open", "/dir/file", O_RDONLY)
    guest.call("fchmod", fd, 0o100604)
    assert path.stat().st_mode & 0o7777 == 0o604
    guest.call("chmod", "/link", 0o640)
    assert path.stat().st_mode & 0o7777 == 0o640
    guest.fails(E.EOPNOTSUPP, "fchmodat2", AT_FDCWD, "/link", 0o600, AT_SYMLINK_NOFOLLOW)
    guest.fails(E.EINVAL, "fchmodat2", AT_FDCWD, "/link", 0o600, 2)
    times = struct.Struct("<qqqq")
    now, omit = (1 << 30) - 1, (1 << 30) - 2
    guest.call("utimensat", AT_FDCWD, "/link", times.pack(5, 7, 0, omit), 0)
    assert path.stat().st_atime_ns == 5_000_000_007
    guest.call("utimensat", fd, 0, times.pack(0, omit, 1, now), 0)
    assert path.stat().st_mtime_ns == guest.kernel.realtime_ns(guest.task)
    assert path.stat().st_atime_ns == 5_000_000_007
    assert guest.call("utimensat", 99, "/nowhere", times.pack(0, omit, 0, omit), 0) == 0
    guest.fails(E.EINVAL, "utimensat", fd, 0, times.pack(0, 10**9, 0, 0), 0)
    guest.fails(E.EINVAL, "utimensat", fd, 0, 0, AT_SYMLINK_NOFOLLOW)
    guest.fails(E.EFAULT, "utimensat", AT_FDCWD, 0, 0, 0)
    guest.call("utimes", "/dir/file", times.pack(1, 2, 3, 4))
    assert (path.stat().st_atime_ns, path.stat().st_mtime_ns) == (1_000_002_000, 3_000_004_000)
    guest.fails(E.EINVAL, "utimes", "/dir/file", times.pack(1, 10**6, 3, 4))
    guest.call("utime", "/dir/file", struct.pack("<qq", 8, 9))
    assert path.stat().st_mtime_ns == 9 * 10**9
    guest.call("utime", "/dir/file", 0)
    assert path.stat().st_mtime_ns == guest.kernel.realtime_ns(guest.task)


def test_extended_attributes_of_others_than_users_are_not_there(guest: Guest) -> None:
    for name in ("x", "security.x", "system.x"):
        guest.fails(E.EOPNOTSUPP, "getxattr", "/dir", name, 0, 0)
        guest.fails(E.EOPNOTSUPP, "setxattr", "/dir", name, b"v", 1, 0)
        guest.fails(E.EOPNOTSUPP, "removexattr", "/dir", name)
    guest.fails(E.ENODATA, "getxattr", "/dir", "trusted.x", 0, 0)
    guest.fails(E.EPERM, "setxattr", "/dir", "trusted.x", b"v", 1, 0)
    guest.fails(E.ENOENT, "getxattr", "/none", "user.x", 0, 0)
    guest.fails(E.ERANGE, "getxattr", "/dir", "", 0, 0)
    guest.fails(E.ERANGE, "getxattr", "/dir", "x" * 256, 0, 0)
    guest.fails(E.EOPNOTSUPP, "getxattr", "/dir", "other.x", 0, 0)
    assert guest.call("listxattr", "/dir", 0, 0) == 0
    guest.fails(E.E2BIG, "setxattr", "/dir", "user.x", 0, 1 << 17, 0)
    guest.fails(E.EBADF, "fgetxattr", 99, "user.x", 0, 0)
    guest.fails(E.EOPNOTSUPP, "getxattr", "/proc/self/stat", "user.x", 0, 0)
    assert guest.call("listxattr", "/proc/self/stat", 0, 0) == 0


def test_statfs(guest: Guest, tmp_path: Path) -> None:
    buffer = guest.memory.put(b"", room=120)
    assert guest.call("statfs", "/dir", buffer) == 0
    kind, size = struct.unpack("<qq", guest.memory.read(buffer, 16))
    assert size == os.statvfs(tmp_path).f_bsize
    assert guest.call("fstatfs", guest.call("open", "/dir", O_RDONLY), buffer) == 0
    assert struct.unpack("<q", guest.memory.read(buffer, 8)) == (kind,)
    guest.fails(E.ENOENT, "statfs", "/none", buffer)


# ---- made-up files ---------------------------------------------------------------------------------------------


def test_devices_are_opened_here_even_through_a_symlink(guest: Guest) -> None:
    for path in ("/dev/null", "/null", "/dir/../dev/null"):
        fd = guest.call("open", path, O_RDWR)
        assert guest.write(fd, b"gone") == 4
        assert guest.read(fd, 10) == b""
    assert stat_of(guest, AT_FDCWD, "/null")[1] & 0o170000 == 0o020000
    directory = guest.call("open", "/dev", O_RDONLY)
    assert guest.call("openat", directory, "zero", O_RDONLY) >= 0
    assert stat_of(guest, directory, "../dir/file")[2] == 8  # Out of the made-up tree again.
    buffer = guest.memory.put(b"", room=4096)
    assert b"null\0" in guest.memory.read(buffer, guest.call("getdents64", directory, buffer, 4096))


def test_made_up_files_are_not_changed(guest: Guest) -> None:
    guest.fails(E.EEXIST, "mkdir", "/dev/null", 0o777)
    guest.fails(E.ENOENT, "mkdir", "/dev/other", 0o777)
    guest.fails(E.EPERM, "unlink", "/dev/null")
    guest.fails(E.ENOTDIR, "rmdir", "/dev/null")
    guest.fails(E.EISDIR, "unlink", "/dev/pts")
    guest.fails(E.EPERM, "chmod", "/dev/null", 0o600)
    guest.fails(E.EPERM, "rename", "/dev/null", "/dev/other")
    guest.fails(E.EXDEV, "rename", "/dir/file", "/dev/other")
    guest.fails(E.EXDEV, "link", "/dev/null", "/x")
    guest.fails(E.EINVAL, "truncate", "/dev/null", 0)
    guest.fails(E.EISDIR, "open", "/dev", O_WRONLY)
    guest.fails(E.ENOTDIR, "open", "/dev/null", O_DIRECTORY)
    guest.fails(E.EEXIST, "open", "/dev/null", O_CREAT | O_EXCL)
    assert guest.call("open", "/dev/null", O_CREAT | O_WRONLY) >= 0


def test_a_made_up_working_directory(guest: Guest) -> None:
    guest.call("chdir", "/dev")
    assert cwd(guest) == b"/dev"
    assert guest.call("access", "null", R_OK | W_OK) == 0
    guest.fails(E.EACCES, "access", "null", X_OK)
    guest.call("chdir", "..")
    assert cwd(guest) == b"/"
    fd = guest.call("open", "/dev", O_PATH)
    guest.call("fchdir", fd)
    assert cwd(guest) == b"/dev"


def test_two_links_that_lead_to_each_other_end(guest: Guest, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def lookup(task: Any, path: str, follow: bool) -> Any:
        asked.append(path)
        raise Leads("/null")

    monkeypatch.setattr(PSEUDO, "lookup", lookup)
    guest.fails(E.ELOOP, "access", "/null", 0)
    assert len(asked) == 40
    guest.fails(E.ELOOP, "open", "/null", O_RDONLY)
    by_kind = guest.kernel.endpoint.links["S0"].by_kind
    assert by_kind[Open.__name__] == 40
    assert PathStat.__name__ not in by_kind


def test_how_openat2_limits_reach_made_up_files(guest: Guest) -> None:
    how = struct.Struct("<QQQ")
    guest.fails(E.EXDEV, "openat2", AT_FDCWD, "dev/null", how.pack(O_RDWR, 0, 1), 24)
    assert guest.call("openat2", AT_FDCWD, "dev/null", how.pack(O_RDWR, 0, 8), 24) >= 0
    guest.fails(E.ELOOP, "openat2", AT_FDCWD, "dev/shm/", how.pack(O_RDONLY, 0, 4), 24)


def test_permits_follows_the_mode_bits(guest: Guest) -> None:
    from lego.linux.stat import Stat

    file = Stat(mode=S_IFREG | 0o640, uid=5, gid=6)

    def allowed(uid: int, gid: int, **how: Any) -> list[int]:
        guest.task.credentials = Credentials.of(uid, uid, gid, gid)
        return [mode for mode in (R_OK, W_OK, X_OK) if permits(guest.task, file, mode, **how)]

    assert allowed(5, 1) == [R_OK, W_OK]
    assert allowed(1, 6) == [R_OK]
    assert allowed(1, 1) == []
    assert allowed(0, 0) == [R_OK, W_OK]
    guest.task.credentials = Credentials.of(5, 0, 6, 0)
    assert permits(guest.task, Stat(mode=S_IFREG, uid=9), R_OK)
    assert not permits(guest.task, Stat(mode=S_IFREG, uid=9), R_OK, effective=False)
