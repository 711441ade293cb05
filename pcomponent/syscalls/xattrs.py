"""Extended attributes, as on a file system that has none. Source: fs/xattr.c.

The calls check their arguments and find the file, then say EOPNOTSUPP; a list of names is empty.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import AT_FDCWD
from pcomponent.paths import place_at
from pcomponent.syscalls.attributes import stat_place
from pcomponent.syscalls.table import syscall

if TYPE_CHECKING:
    from pcomponent.process import Thread

XATTR_NAME_MAX, XATTR_SIZE_MAX = 255, 65536
XATTR_CREATE, XATTR_REPLACE = 1, 2
_NOTE = "no file system here has extended attributes (EOPNOTSUPP, and an empty list)"


def _check_name(task: Thread, pointer: int) -> None:
    try:
        name = task.memory.read_string(pointer, XATTR_NAME_MAX + 1)
    except LinuxError as error:
        raise LinuxError(E.ERANGE if error.errno == E.ENAMETOOLONG else error.errno) from error
    if not name:
        raise LinuxError(E.ERANGE)


def _check_value(task: Thread, value: int, size: int, flags: int) -> None:
    if flags & ~(XATTR_CREATE | XATTR_REPLACE):
        raise LinuxError(E.EINVAL)
    if size > XATTR_SIZE_MAX:
        raise LinuxError(E.E2BIG)
    task.memory.read(value, size)


def _check_path(task: Thread, pointer: int, follow: bool) -> None:
    stat_place(task, place_at(task, AT_FDCWD, pointer), follow)


@syscall(188, "setxattr", "path", "path", "buffer", "size", "flags", support="partial", note=_NOTE)
def setxattr(task: Thread, path: int, name: int, value: int, size: int, flags: int) -> int:
    """setxattr(2)."""
    return _set(task, path, name, value, size, flags, follow=True)


@syscall(189, "lsetxattr", "path", "path", "buffer", "size", "flags", support="partial", note=_NOTE)
def lsetxattr(task: Thread, path: int, name: int, value: int, size: int, flags: int) -> int:
    """lsetxattr(2)."""
    return _set(task, path, name, value, size, flags, follow=False)


def _set(task: Thread, path: int, name: int, value: int, size: int, flags: int, follow: bool) -> int:
    _check_name(task, name)
    _check_value(task, value, size, flags)
    _check_path(task, path, follow)
    raise LinuxError(E.EOPNOTSUPP)


@syscall(190, "fsetxattr", "fd", "path", "buffer", "size", "flags", support="partial", note=_NOTE)
def fsetxattr(task: Thread, fd: int, name: int, value: int, size: int, flags: int) -> int:
    """fsetxattr(2)."""
    _check_name(task, name)
    _check_value(task, value, size, flags)
    task.process.files.get(fd)
    raise LinuxError(E.EOPNOTSUPP)


@syscall(191, "getxattr", "path", "path", "buffer", "size", support="partial", note=_NOTE)
def getxattr(task: Thread, path: int, name: int, _value: int, _size: int) -> int:
    """getxattr(2)."""
    return _get(task, path, name, follow=True)


@syscall(192, "lgetxattr", "path", "path", "buffer", "size", support="partial", note=_NOTE)
def lgetxattr(task: Thread, path: int, name: int, _value: int, _size: int) -> int:
    """lgetxattr(2)."""
    return _get(task, path, name, follow=False)


def _get(task: Thread, path: int, name: int, follow: bool) -> int:
    _check_name(task, name)
    _check_path(task, path, follow)
    raise LinuxError(E.EOPNOTSUPP)


@syscall(193, "fgetxattr", "fd", "path", "buffer", "size", support="partial", note=_NOTE)
def fgetxattr(task: Thread, fd: int, name: int, _value: int, _size: int) -> int:
    """fgetxattr(2)."""
    _check_name(task, name)
    task.process.files.get(fd)
    raise LinuxError(E.EOPNOTSUPP)


@syscall(194, "listxattr", "path", "buffer", "size", support="partial", note=_NOTE)
def listxattr(task: Thread, path: int, _buffer: int, _size: int) -> int:
    """listxattr(2)."""
    _check_path(task, path, follow=True)
    return 0


@syscall(195, "llistxattr", "path", "buffer", "size", support="partial", note=_NOTE)
def llistxattr(task: Thread, path: int, _buffer: int, _size: int) -> int:
    """llistxattr(2)."""
    _check_path(task, path, follow=False)
    return 0


@syscall(196, "flistxattr", "fd", "buffer", "size", support="partial", note=_NOTE)
def flistxattr(task: Thread, fd: int, _buffer: int, _size: int) -> int:
    """flistxattr(2)."""
    task.process.files.get(fd)
    return 0


@syscall(197, "removexattr", "path", "path", support="partial", note=_NOTE)
def removexattr(task: Thread, path: int, name: int) -> int:
    """removexattr(2)."""
    return _get(task, path, name, follow=True)


@syscall(198, "lremovexattr", "path", "path", support="partial", note=_NOTE)
def lremovexattr(task: Thread, path: int, name: int) -> int:
    """lremovexattr(2)."""
    return _get(task, path, name, follow=False)


@syscall(199, "fremovexattr", "fd", "path", support="partial", note=_NOTE)
def fremovexattr(task: Thread, fd: int, name: int) -> int:
    """fremovexattr(2)."""
    return fgetxattr(task, fd, name, 0, 0)
