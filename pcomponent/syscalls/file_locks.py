"""flock(2), and the locks of fcntl(2). Source: fs/locks.c (fcntl_setlk, fcntl_getlk, flock)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import F_GETLK, F_SETLKW, SEEK_CUR, SEEK_END, SEEK_SET
from pcomponent.files.base import LOCK_EX, LOCK_NB, LOCK_SH, LOCK_UN, Blocking, OpenFile
from pcomponent.files.locks import LAST, READ, UNLOCK, WRITE, Lock, key_of
from pcomponent.syscalls.table import syscall

if TYPE_CHECKING:
    from pcomponent.process import Thread

F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW = 36, 37, 38
_FLOCK = struct.Struct("<hh4xqqi4x")
"""struct flock (include/uapi/asm-generic/fcntl.h): type, whence, start, length, pid."""
_OPEN_FILE = (F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW)
_LOCK_MAND = 32
"""Locks of Windows's shares, which are ignored since Linux 5.15."""
_ASKING = (F_GETLK, F_OFD_GETLK)
_WAITING = (F_SETLKW, F_OFD_SETLKW)


def _range(task: Thread, file: OpenFile, whence: int, start: int, length: int) -> tuple[int, int]:
    """First and last byte (flock64_to_posix_lock). EINVAL; EOVERFLOW."""
    if whence == SEEK_CUR:
        base = file.offset
    elif whence == SEEK_END:
        base = file.stat(task).size
    elif whence == SEEK_SET:
        base = 0
    else:
        raise LinuxError(E.EINVAL)
    first = base + start
    if first > LAST:
        raise LinuxError(E.EOVERFLOW)
    if first < 0 or first + min(length, 0) < 0:
        raise LinuxError(E.EINVAL)
    if length < 0:
        return first + length, first - 1
    if not length:
        return first, LAST
    if first + length - 1 > LAST:
        raise LinuxError(E.EOVERFLOW)
    return first, first + length - 1


def record_lock(task: Thread, fd: int, file: OpenFile, command: int, pointer: int) -> int | Blocking:
    """fcntl(2) with F_GETLK, F_SETLK, F_SETLKW, and the same for open file descriptions."""
    kind, whence, start, length, pid = task.memory.read_struct(_FLOCK, pointer)
    if command in _ASKING and kind not in (READ, WRITE):
        raise LinuxError(E.EINVAL)
    first, last = _range(task, file, whence, start, length)
    if kind not in (READ, WRITE, UNLOCK):
        raise LinuxError(E.EINVAL)
    if command not in _ASKING and (
        (kind == READ and not file.readable) or (kind == WRITE and not file.writable)
    ):  # fmt: skip
        raise LinuxError(E.EBADF)
    if command in _OPEN_FILE:
        if pid:
            raise LinuxError(E.EINVAL)
        wanted = Lock(file, file, kind, False, first, last)
    else:
        wanted = Lock(task.process.files, file, kind, False, first, last, task.process.pid)
    if command in _ASKING:
        return _tell(task, wanted, pointer)
    result = _lock(task, wanted, command in _WAITING)
    return result if command in _OPEN_FILE or isinstance(result, int) else _while_open(task, fd, wanted, result)


def _tell(task: Thread, wanted: Lock, pointer: int) -> int:
    """fcntl_getlk(): the lock that would be in the way, or F_UNLCK with all else as it was."""
    found = task.kernel.file_locks.conflict(key_of(task, wanted.file), wanted)
    if found is None:
        rest = task.memory.read(pointer + 2, _FLOCK.size - 2)  # The whole structure is written back.
        task.memory.write(pointer, UNLOCK.to_bytes(2, "little") + rest)
    else:
        length = 0 if found.end == LAST else found.end - found.start + 1
        task.memory.write_struct(_FLOCK, pointer, found.kind, SEEK_SET, found.start, length, found.pid)
    return 0


def _lock(task: Thread, wanted: Lock, wait: bool) -> int | Blocking:
    locks, key = task.kernel.file_locks, key_of(task, wanted.file)
    if locks.conflict(key, wanted) is None:
        locks.set(task, key, wanted)
        return 0
    if not wait:
        raise LinuxError(E.EAGAIN)
    return locks.acquire(task, key, wanted)


def _while_open(task: Thread, fd: int, wanted: Lock, waiting: Blocking) -> Blocking:
    """A lock of a descriptor that was closed meanwhile is given up, as closing it would have done (fcntl_setlk)."""
    result = yield from waiting
    if not task.process.files.has(fd, wanted.file):
        task.kernel.file_locks.closed(task, task.process.files, wanted.file)
        raise LinuxError(E.EBADF)
    return result


@syscall(73, "flock", "fd", "uint")
def flock(task: Thread, fd: int, operation: int) -> int | Blocking:
    """flock(2). The lock belongs to the open file description, and goes with it; a change of its kind gives up the
    old one first, also when the new one cannot be had (flock(2), "Notes")."""
    if operation & _LOCK_MAND:
        return 0
    kinds = {LOCK_SH: READ, LOCK_EX: WRITE, LOCK_UN: UNLOCK}
    kind = kinds.get(operation & ~LOCK_NB)
    if kind is None:
        raise LinuxError(E.EINVAL)
    file = task.process.files.get(fd)
    locks, key = task.kernel.file_locks, key_of(task, file)
    wanted = Lock(file, file, kind, whole=True, pid=task.process.pid)
    if kind == UNLOCK or not locks.has(key, wanted):
        locks.set(task, key, wanted._replace(kind=UNLOCK))
    return _lock(task, wanted, not operation & LOCK_NB)
