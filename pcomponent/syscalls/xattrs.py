"""Extended attributes: those of files of storage components whose names begin with "user.". Source: fs/xattr.c.

Whatever else is open or made up has none: EOPNOTSUPP, and an empty list of names.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import AT_FDCWD
from pcomponent.files.base import OpenFile
from pcomponent.paths import Place, ask, place_at
from pcomponent.pseudo.tree import Node
from pcomponent.syscalls.table import syscall
from scomponent.messages import GetXattr, ListXattrs, RemoveXattr, SetXattr, XattrRequest

if TYPE_CHECKING:
    from pcomponent.process import Thread

XATTR_NAME_MAX, XATTR_SIZE_MAX = 255, 65536
XATTR_CREATE, XATTR_REPLACE = 1, 2
XATTR_LIST_MAX = 65536
_NOTE = "names of user.* only, of files and directories that the host's file system keeps them for"
_Target = Place | OpenFile


def _name(task: Thread, pointer: int) -> str:
    try:
        name = task.memory.read_string(pointer, XATTR_NAME_MAX + 1)
    except LinuxError as error:
        raise LinuxError(E.ERANGE if error.errno == E.ENAMETOOLONG else error.errno) from error
    if not name:
        raise LinuxError(E.ERANGE)
    return name.decode(errors="surrogateescape")


def _value(task: Thread, pointer: int, size: int, flags: int) -> bytes:
    if flags & ~(XATTR_CREATE | XATTR_REPLACE):
        raise LinuxError(E.EINVAL)
    if size > XATTR_SIZE_MAX:
        raise LinuxError(E.E2BIG)
    return task.memory.read(pointer, size)


def _name_and_value(task: Thread, name: int, value: int, size: int, flags: int) -> tuple[str, bytes]:
    """What a set brings, checked in the order of setxattr_copy()."""
    text = _name(task, name)
    return text, _value(task, value, size, flags)


def _at(task: Thread, pointer: int) -> Place:
    return place_at(task, AT_FDCWD, pointer)


def _ask(task: Thread, what: _Target, follow: bool, build: Callable[[int, str], XattrRequest]) -> Any:
    """The storage component's reply; None for what it does not keep."""
    if isinstance(what, OpenFile):
        if not what.handle:
            return None
        what = Place(what.handle, "")
    answer = ask(task, what, build, follow)
    return None if isinstance(answer, Node) else answer


def _change(task: Thread, what: _Target, follow: bool, build: Callable[[int, str], XattrRequest]) -> int:
    if _ask(task, what, follow, build) is None:
        raise LinuxError(E.EOPNOTSUPP)
    return 0


def _copy_out(task: Thread, data: bytes, buffer: int, size: int, limit: int) -> int:
    """Size 0 only asks for the length. ERANGE for too small a buffer."""
    size = min(size, limit)
    if size:
        if len(data) > size:
            raise LinuxError(E.ERANGE)
        task.memory.write(buffer, data)
    return len(data)


def _set(task: Thread, what: _Target, follow: bool, name: str, value: bytes, flags: int) -> int:
    vnode = task.process.vnode
    return _change(
        task, what, follow, lambda place, path: SetXattr(vnode, place, path, follow, name, value, flags)
    )  # fmt: skip


@syscall(188, "setxattr", "path", "path", "buffer", "size", "flags", support="partial", note=_NOTE)
def setxattr(task: Thread, path: int, name: int, value: int, size: int, flags: int) -> int:
    """setxattr(2)."""
    text, data = _name_and_value(task, name, value, size, flags)
    return _set(task, _at(task, path), True, text, data, flags)


@syscall(189, "lsetxattr", "path", "path", "buffer", "size", "flags", support="partial", note=_NOTE)
def lsetxattr(task: Thread, path: int, name: int, value: int, size: int, flags: int) -> int:
    """lsetxattr(2)."""
    text, data = _name_and_value(task, name, value, size, flags)
    return _set(task, _at(task, path), False, text, data, flags)


@syscall(190, "fsetxattr", "fd", "path", "buffer", "size", "flags", support="partial", note=_NOTE)
def fsetxattr(task: Thread, fd: int, name: int, value: int, size: int, flags: int) -> int:
    """fsetxattr(2)."""
    text, data = _name_and_value(task, name, value, size, flags)
    return _set(task, task.process.files.get(fd), True, text, data, flags)


def _get(task: Thread, what: _Target, follow: bool, name: str, value: int, size: int) -> int:
    vnode = task.process.vnode
    reply = _ask(task, what, follow, lambda place, path: GetXattr(vnode, place, path, follow, name))
    if reply is None:
        raise LinuxError(E.EOPNOTSUPP)
    return _copy_out(task, reply.data, value, size, XATTR_SIZE_MAX)


@syscall(191, "getxattr", "path", "path", "buffer", "size", support="partial", note=_NOTE)
def getxattr(task: Thread, path: int, name: int, value: int, size: int) -> int:
    """getxattr(2)."""
    text = _name(task, name)
    return _get(task, _at(task, path), True, text, value, size)


@syscall(192, "lgetxattr", "path", "path", "buffer", "size", support="partial", note=_NOTE)
def lgetxattr(task: Thread, path: int, name: int, value: int, size: int) -> int:
    """lgetxattr(2)."""
    text = _name(task, name)
    return _get(task, _at(task, path), False, text, value, size)


@syscall(193, "fgetxattr", "fd", "path", "buffer", "size", support="partial", note=_NOTE)
def fgetxattr(task: Thread, fd: int, name: int, value: int, size: int) -> int:
    """fgetxattr(2)."""
    text = _name(task, name)
    return _get(task, task.process.files.get(fd), True, text, value, size)


def _list(task: Thread, what: _Target, follow: bool, buffer: int, size: int) -> int:
    vnode = task.process.vnode
    reply = _ask(task, what, follow, lambda place, path: ListXattrs(vnode, place, path, follow))
    return _copy_out(task, b"" if reply is None else reply.data, buffer, size, XATTR_LIST_MAX)


@syscall(194, "listxattr", "path", "buffer", "size", support="partial", note=_NOTE)
def listxattr(task: Thread, path: int, buffer: int, size: int) -> int:
    """listxattr(2)."""
    return _list(task, _at(task, path), True, buffer, size)


@syscall(195, "llistxattr", "path", "buffer", "size", support="partial", note=_NOTE)
def llistxattr(task: Thread, path: int, buffer: int, size: int) -> int:
    """llistxattr(2)."""
    return _list(task, _at(task, path), False, buffer, size)


@syscall(196, "flistxattr", "fd", "buffer", "size", support="partial", note=_NOTE)
def flistxattr(task: Thread, fd: int, buffer: int, size: int) -> int:
    """flistxattr(2)."""
    return _list(task, task.process.files.get(fd), True, buffer, size)


def _remove(task: Thread, what: _Target, follow: bool, name: str) -> int:
    vnode = task.process.vnode
    return _change(task, what, follow, lambda place, path: RemoveXattr(vnode, place, path, follow, name))


@syscall(197, "removexattr", "path", "path", support="partial", note=_NOTE)
def removexattr(task: Thread, path: int, name: int) -> int:
    """removexattr(2)."""
    text = _name(task, name)
    return _remove(task, _at(task, path), True, text)


@syscall(198, "lremovexattr", "path", "path", support="partial", note=_NOTE)
def lremovexattr(task: Thread, path: int, name: int) -> int:
    """lremovexattr(2)."""
    text = _name(task, name)
    return _remove(task, _at(task, path), False, text)


@syscall(199, "fremovexattr", "fd", "path", support="partial", note=_NOTE)
def fremovexattr(task: Thread, fd: int, name: int) -> int:
    """fremovexattr(2)."""
    text = _name(task, name)
    return _remove(task, task.process.files.get(fd), True, text)
