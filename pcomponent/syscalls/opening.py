"""open and close. Source: fs/open.c (build_open_how, build_open_flags, do_sys_openat2), fs/file.c."""

from __future__ import annotations

import struct
from collections.abc import Generator
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import (
    AT_FDCWD,
    O_ACCMODE,
    O_APPEND,
    O_ASYNC,
    O_CLOEXEC,
    O_CREAT,
    O_DIRECT,
    O_DIRECTORY,
    O_EXCL,
    O_LARGEFILE,
    O_NOATIME,
    O_NOCTTY,
    O_NOFOLLOW,
    O_NONBLOCK,
    O_PATH,
    O_RDONLY,
    O_SYNC,
    O_TMPFILE,
    O_TRUNC,
    O_WRONLY,
    RESOLVE_BENEATH,
    RESOLVE_CACHED,
    RESOLVE_IN_ROOT,
    RESOLVE_NO_MAGICLINKS,
    RESOLVE_NO_SYMLINKS,
    RESOLVE_NO_XDEV,
)
from lego.regions import PAGE
from pcomponent.files.opening import TMPFILE_BIT, open_path
from pcomponent.files.pipe import FifoFile
from pcomponent.paths import place, read_path
from pcomponent.syscalls.table import syscall
from pcomponent.waiting import Wait, Wake

if TYPE_CHECKING:
    from pcomponent.process import Thread

_VALID = (
    O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC | O_ASYNC | O_DIRECT
    | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_PATH | O_TMPFILE
)  # fmt: skip
_WITH_PATH = O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC
_RESOLVE = (
    RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH | RESOLVE_IN_ROOT | RESOLVE_CACHED
)
Opening = int | Generator[Wait, Wake, int]
"""A descriptor, at once or when a FIFO has its other end."""
_HOW = struct.Struct("<QQQ")  # include/uapi/linux/openat2.h, struct open_how
CLOSE_RANGE_UNSHARE, CLOSE_RANGE_CLOEXEC = 2, 4


def _check(flags: int, mode: int, resolve: int) -> None:
    """build_open_flags, in its order."""
    creates = flags & (O_CREAT | TMPFILE_BIT)
    if flags & ~_VALID or resolve & ~_RESOLVE:
        raise LinuxError(E.EINVAL)
    if resolve & RESOLVE_BENEATH and resolve & RESOLVE_IN_ROOT:
        raise LinuxError(E.EINVAL)
    if mode & ~0o7777 or (mode and not creates):
        raise LinuxError(E.EINVAL)
    if flags & O_DIRECTORY and flags & O_CREAT:
        raise LinuxError(E.EINVAL)
    if flags & TMPFILE_BIT and (not flags & O_DIRECTORY or flags & O_ACCMODE == O_RDONLY):
        raise LinuxError(E.EINVAL)
    if flags & O_PATH and flags & ~_WITH_PATH:
        raise LinuxError(E.EINVAL)
    if resolve & RESOLVE_CACHED and flags & (O_TRUNC | O_CREAT | TMPFILE_BIT):
        raise LinuxError(E.EAGAIN)


def _open(task: Thread, dirfd: int, pointer: int, flags: int, mode: int, resolve: int = 0) -> Opening:
    _check(flags, mode, resolve)
    path = read_path(task, pointer)
    files = task.process.files
    files.free(task)
    if resolve & RESOLVE_CACHED:
        # Allowed whenever the answer is not at hand, and it never is: it lies at another component.
        raise LinuxError(E.EAGAIN)
    file = open_path(task, place(task, dirfd, path, bool(resolve & RESOLVE_IN_ROOT)), flags, mode, resolve)
    if isinstance(file, FifoFile):
        return _connecting(task, file, bool(flags & O_CLOEXEC))
    return files.install(task, file, bool(flags & O_CLOEXEC))


def _connecting(task: Thread, file: FifoFile, close_on_exec: bool) -> Generator[Wait, Wake, int]:
    """A FIFO is open when somebody has opened its other end."""
    try:
        yield from file.connect(task)
        return task.process.files.install(task, file, close_on_exec)
    except BaseException:
        file.close(task)
        raise


def _old_style(task: Thread, dirfd: int, pointer: int, flags: int, mode: int) -> Opening:
    """build_open_how: what open and openat forgive, and openat2 does not."""
    flags = (flags | O_LARGEFILE) & _VALID
    if flags & O_PATH:
        flags &= _WITH_PATH
    mode = mode & 0o7777 if flags & (O_CREAT | TMPFILE_BIT) else 0
    return _open(task, dirfd, pointer, flags, mode)


@syscall(2, "open", "path", "flags", "mode")
def open_(task: Thread, pointer: int, flags: int, mode: int) -> Opening:
    """open(2)."""
    return _old_style(task, AT_FDCWD, pointer, flags, mode)


@syscall(257, "openat", "fd", "path", "flags", "mode")
def openat(task: Thread, dirfd: int, pointer: int, flags: int, mode: int) -> Opening:
    """openat(2)."""
    return _old_style(task, dirfd, pointer, flags, mode)


@syscall(85, "creat", "path", "mode")
def creat(task: Thread, pointer: int, mode: int) -> Opening:
    """creat(2)."""
    return _old_style(task, AT_FDCWD, pointer, O_CREAT | O_WRONLY | O_TRUNC, mode)


@syscall(437, "openat2", "fd", "path", "pointer", "size")
def openat2(task: Thread, dirfd: int, pointer: int, how: int, size: int) -> Opening:
    """openat2(2). A structure larger than ours must be zero beyond it (copy_struct_from_user)."""
    if size < _HOW.size:
        raise LinuxError(E.EINVAL)
    if size > PAGE:
        raise LinuxError(E.E2BIG)
    raw = task.memory.read(how, size)
    if any(raw[_HOW.size :]):
        raise LinuxError(E.E2BIG)
    flags, mode, resolve = _HOW.unpack_from(raw)
    return _open(task, dirfd, pointer, flags, mode, resolve)


@syscall(3, "close", "fd")
def close(task: Thread, fd: int) -> int:
    """close(2)."""
    task.process.files.close(task, fd)
    return 0


@syscall(436, "close_range", "uint", "uint", "flags")
def close_range(task: Thread, first: int, last: int, flags: int) -> int:
    """close_range(2). Of a table that another process has too, CLOSE_RANGE_UNSHARE makes a copy first."""
    if flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC) or first > last:
        raise LinuxError(E.EINVAL)
    if flags & CLOSE_RANGE_UNSHARE:
        task.process.own_files()
    if flags & CLOSE_RANGE_CLOEXEC:
        task.process.files.mark_range(first, last)
    else:
        task.process.files.close_range(task, first, last)
    return 0
