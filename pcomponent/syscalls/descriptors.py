"""dup, fcntl, flock and ioctl. Source: fs/file.c, fs/fcntl.c, fs/locks.c, fs/ioctl.c."""

from __future__ import annotations

import struct
from collections.abc import Generator
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import (
    F_DUPFD,
    F_DUPFD_CLOEXEC,
    F_GETFD,
    F_GETFL,
    F_GETLK,
    F_SETFD,
    F_SETLK,
    F_SETLKW,
    FD_CLOEXEC,
    O_APPEND,
    O_ASYNC,
    O_CLOEXEC,
    O_DIRECT,
    O_NOATIME,
    O_NONBLOCK,
    O_PATH,
    SEEK_CUR,
    SEEK_END,
    SEEK_SET,
)
from lego.linux.stat import S_IFREG
from pcomponent.files.base import LOCK_EX, LOCK_NB, LOCK_SH, LOCK_UN, OpenFile
from pcomponent.files.pipe import pipe_size
from pcomponent.files.regular import OFFSET_MAX
from pcomponent.files.storage import StorageFile
from pcomponent.syscalls.table import syscall
from pcomponent.waiting import Interrupted, Wait, Wake

if TYPE_CHECKING:
    from pcomponent.process import Thread

_SETTABLE = O_APPEND | O_NONBLOCK | O_ASYNC | O_DIRECT | O_NOATIME  # fs/fcntl.c, SETFL_MASK
F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW = 36, 37, 38
F_GETLEASE, F_DUPFD_QUERY = 1025, 1027
_RDLCK, _WRLCK, _UNLCK = 0, 1, 2
_FLOCK = struct.Struct("<hh4xqqi4x")  # include/uapi/asm-generic/fcntl.h, struct flock
_INT = struct.Struct("<i")
_LONG = struct.Struct("<q")

FIONCLEX, FIOCLEX, FIONBIO, FIOASYNC = 0x5450, 0x5451, 0x5421, 0x5452
FIBMAP, FIGETBSZ, FIONREAD, FIOQSIZE = 1, 2, 0x541B, 0x5460
FICLONE, FICLONERANGE = 0x40049409, 0x4020940D


# ---- dup -------------------------------------------------------------------------------------------------


@syscall(32, "dup", "fd")
def dup(task: Thread, fd: int) -> int:
    """dup(2)."""
    return task.process.files.duplicate(task, fd)


@syscall(33, "dup2", "fd", "fd")
def dup2(task: Thread, fd: int, new: int) -> int:
    """dup2(2): of a descriptor to itself it only checks that it is open."""
    files = task.process.files
    if fd == new:
        files.get_any(fd)
        return new
    return files.replace(task, fd, new)


@syscall(292, "dup3", "fd", "fd", "flags")
def dup3(task: Thread, fd: int, new: int, flags: int) -> int:
    """dup3(2)."""
    if flags & ~O_CLOEXEC or fd == new:
        raise LinuxError(E.EINVAL)
    return task.process.files.replace(task, fd, new, bool(flags))


# ---- fcntl -----------------------------------------------------------------------------------------------

_NOTE = "no owners, signals, leases and notifications (EINVAL); record locks as for the only process"


@syscall(72, "fcntl", "fd", "uint", "ulong", support="partial", note=_NOTE)
def fcntl(task: Thread, fd: int, command: int, argument: int) -> int:
    """fcntl(2)."""
    files = task.process.files
    file = files.get_any(fd)
    if file.flags & O_PATH and command not in (F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_DUPFD_QUERY):
        raise LinuxError(E.EBADF)
    match command:
        case 0 | 1030:  # F_DUPFD, F_DUPFD_CLOEXEC
            return files.duplicate(task, fd, command == F_DUPFD_CLOEXEC, argument & 0xFFFFFFFF)
        case 1:  # F_GETFD
            return FD_CLOEXEC if files.closes_on_exec(fd) else 0
        case 2:  # F_SETFD
            files.set_close_on_exec(fd, bool(argument & FD_CLOEXEC))
            return 0
        case 3:  # F_GETFL
            return file.flags
        case 4:  # F_SETFL
            file.flags = file.flags & ~_SETTABLE | argument & _SETTABLE
            return 0
        case 1027:  # F_DUPFD_QUERY
            return int(files.get_any(argument & 0xFFFFFFFF) is file)
        case 1031 | 1032:  # F_SETPIPE_SZ, F_GETPIPE_SZ
            return pipe_size(task, file, command, argument)
        case 1025:  # F_GETLEASE
            return _UNLCK
        case 5 | 6 | 7 | 36 | 37 | 38:  # F_*LK*
            return _record_lock(task, file, command, argument)
        case _:
            raise LinuxError(E.EINVAL)


def _record_lock(task: Thread, file: OpenFile, command: int, pointer: int) -> int:
    """Record locks between processes: there is no other that could hold or want one, so once the request is known
    to be valid (fs/locks.c, flock64_to_posix_lock and fcntl_setlk) it succeeds."""
    kind, whence, start, length, pid = task.memory.read_struct(_FLOCK, pointer)
    asking = command in (F_GETLK, F_OFD_GETLK)
    if kind not in ((_RDLCK, _WRLCK) if asking else (_RDLCK, _WRLCK, _UNLCK)):
        raise LinuxError(E.EINVAL)
    if command in (F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW) and pid:
        raise LinuxError(E.EINVAL)
    if whence == SEEK_CUR:
        base = file.offset
    elif whence == SEEK_END:
        base = file.stat(task).size
    elif whence == SEEK_SET:
        base = 0
    else:
        raise LinuxError(E.EINVAL)
    first = base + start + min(length, 0)
    if first < 0:
        raise LinuxError(E.EINVAL)
    if base + start > OFFSET_MAX or base + start + length - 1 > OFFSET_MAX:
        raise LinuxError(E.EOVERFLOW)
    if command in (F_SETLK, F_SETLKW, F_OFD_SETLK, F_OFD_SETLKW) and (
        (kind == _RDLCK and not file.readable) or (kind == _WRLCK and not file.writable)
    ):
        raise LinuxError(E.EBADF)
    if asking:
        task.memory.write_struct(_FLOCK, pointer, _UNLCK, whence, start, length, pid)
    return 0


@syscall(73, "flock", "fd", "uint", support="partial", note="between the processes of one processor component")
def flock(task: Thread, fd: int, operation: int) -> int | Generator[Wait, Wake, int]:
    """flock(2). The lock belongs to the open file description, and goes with it."""
    wanted = operation & ~LOCK_NB
    if wanted not in (LOCK_SH, LOCK_EX, LOCK_UN):
        raise LinuxError(E.EINVAL)
    file = task.process.files.get(fd)
    if wanted == LOCK_UN or _lock_free(task, file, wanted):
        file.lock = wanted
        return 0
    if operation & LOCK_NB:
        raise LinuxError(E.EWOULDBLOCK)
    file.lock = LOCK_UN  # A conversion gives up the old lock before it waits (flock(2), "Notes").
    return _wait_for_lock(task, file, wanted)


def _wait_for_lock(task: Thread, file: OpenFile, wanted: int) -> Generator[Wait, Wake, int]:
    while not _lock_free(task, file, wanted):
        if (yield Wait(ready=lambda _wait_ms: _lock_free(task, file, wanted))) is Wake.SIGNAL:
            raise Interrupted(restart=True)
    file.lock = wanted
    return 0


def _lock_free(task: Thread, file: OpenFile, wanted: int) -> bool:
    """Whether no other open file description of the same file has a lock in the way."""
    for process in task.kernel.processes.values():
        for other in process.files.files():
            if other is file or other.object is None or other.object != file.object:
                continue
            if other.lock == LOCK_EX or (other.lock == LOCK_SH and wanted == LOCK_EX):
                return False
    return True


# ---- ioctl -----------------------------------------------------------------------------------------------


@syscall(
    16, "ioctl", "fd", "uint", "ulong",
    support="partial", note="of terminals, pipes, sockets and regular files; those of other devices are ENOTTY",
)  # fmt: skip
def ioctl(task: Thread, fd: int, request: int, argument: int) -> int:
    """ioctl(2): what is the same for all files, and then the file's own."""
    files = task.process.files
    file = files.get(fd)
    if request in (FIOCLEX, FIONCLEX):
        files.set_close_on_exec(fd, request == FIOCLEX)
        return 0
    if request in (FIONBIO, FIOASYNC):
        (on,) = task.memory.read_struct(_INT, argument)
        bit = O_NONBLOCK if request == FIONBIO else O_ASYNC
        file.flags = file.flags | bit if on else file.flags & ~bit
        return 0
    if isinstance(file, StorageFile) and request in (FIGETBSZ, FIONREAD, FIOQSIZE, FICLONE, FICLONERANGE):
        return _file_ioctl(task, file, request, argument)
    return file.ioctl(task, request, argument)


def _file_ioctl(task: Thread, file: StorageFile, request: int, argument: int) -> int:
    """fs/ioctl.c, do_vfs_ioctl and file_ioctl, for files of a file system."""
    if request in (FICLONE, FICLONERANGE):
        raise LinuxError(E.EOPNOTSUPP)
    stat = file.stat(task)
    if request == FIGETBSZ:
        task.memory.write_struct(_INT, argument, stat.blksize)
    elif request == FIOQSIZE:
        task.memory.write_struct(_LONG, argument, stat.size)
    elif stat.kind == S_IFREG:
        left = max(0, stat.size - file.offset)
        task.memory.write_struct(_INT, argument, (left & 0xFFFFFFFF ^ 0x80000000) - 0x80000000)
    else:
        raise LinuxError(E.ENOTTY)
    return 0
