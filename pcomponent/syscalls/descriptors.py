"""dup, fcntl and ioctl. Source: fs/file.c, fs/fcntl.c, fs/ioctl.c."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import (
    F_ADD_SEALS,
    F_DUPFD,
    F_DUPFD_CLOEXEC,
    F_GETFD,
    F_GETFL,
    F_SETFD,
    FD_CLOEXEC,
    O_APPEND,
    O_ASYNC,
    O_CLOEXEC,
    O_DIRECT,
    O_NOATIME,
    O_NONBLOCK,
    O_PATH,
)
from lego.linux.stat import S_IFREG
from pcomponent.files.base import Blocking, OpenFile
from pcomponent.files.memory_file import seal_call
from pcomponent.files.owner import get_owner, set_async, set_owner, set_owner_of_kind, set_signal
from pcomponent.files.pipe import pipe_size
from pcomponent.files.storage import StorageFile
from pcomponent.syscalls.file_locks import record_lock
from pcomponent.syscalls.table import syscall

if TYPE_CHECKING:
    from pcomponent.process import Thread

_SETTABLE = O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME  # fs/fcntl.c, SETFL_MASK
F_GETLEASE, F_DUPFD_QUERY = 1025, 1027
_UNLCK = 2
_INT = struct.Struct("<i")
_LONG = struct.Struct("<q")
_OWNER = struct.Struct("<ii")
"""struct f_owner_ex."""

FIONCLEX, FIOCLEX, FIONBIO, FIOASYNC = 0x5450, 0x5451, 0x5421, 0x5452
FIBMAP, FIGETBSZ, FIONREAD, FIOQSIZE = 1, 2, 0x541B, 0x5460
FICLONE, FICLONERANGE = 0x40049409, 0x4020940D


def _signed(number: int) -> int:
    """As an int."""
    return (number & 0xFFFFFFFF ^ 0x80000000) - 0x80000000


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

_NOTE = "no leases, notifications, write hints and F_CREATED_QUERY (EINVAL); no signal of O_ASYNC for room in a socket"


@syscall(72, "fcntl", "fd", "uint", "ulong", support="partial", note=_NOTE)
def fcntl(task: Thread, fd: int, command: int, argument: int) -> int | Blocking:
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
            if (file.flags ^ argument) & O_ASYNC:
                set_async(task, file, fd, bool(argument & O_ASYNC))
            file.flags = file.flags & ~_SETTABLE | argument & _SETTABLE
            return 0
        case 8 | 9 | 10 | 11 | 15 | 16:  # F_*OWN*, F_*SIG
            return _owner(task, file, command, argument)
        case 1027:  # F_DUPFD_QUERY
            return int(files.get_any(argument & 0xFFFFFFFF) is file)
        case 1031 | 1032:  # F_SETPIPE_SZ, F_GETPIPE_SZ
            return pipe_size(task, file, command, argument)
        case 1033 | 1034:  # F_ADD_SEALS, F_GET_SEALS
            return seal_call(task, file, argument & 0xFFFFFFFF if command == F_ADD_SEALS else None)
        case 1025:  # F_GETLEASE
            return _UNLCK
        case 5 | 6 | 7 | 36 | 37 | 38:  # F_*LK*
            return record_lock(task, fd, file, command, argument)
        case _:
            raise LinuxError(E.EINVAL)


def _owner(task: Thread, file: OpenFile, command: int, argument: int) -> int:
    """Who gets the signals of a file, and which (do_fcntl)."""
    match command:
        case 8:  # F_SETOWN
            set_owner(task, file, _signed(argument))
        case 9:  # F_GETOWN
            return get_owner(file)
        case 10:  # F_SETSIG
            set_signal(task, file, argument)
        case 11:  # F_GETSIG
            return 0 if file.receiver is None else file.receiver.signal
        case 15:  # F_SETOWN_EX
            set_owner_of_kind(task, file, *task.memory.read_struct(_OWNER, argument))
        case _:  # F_GETOWN_EX
            kind, number = (0, 0) if file.receiver is None else (file.receiver.kind, file.receiver.number())
            task.memory.write_struct(_OWNER, argument, kind, number)
    return 0


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
        if request == FIONBIO:
            file.flags = file.flags | O_NONBLOCK if on else file.flags & ~O_NONBLOCK
        elif bool(on) != bool(file.flags & O_ASYNC) and not set_async(task, file, fd, bool(on)):
            raise LinuxError(E.ENOTTY)
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
        task.memory.write_struct(_INT, argument, _signed(left))
    else:
        raise LinuxError(E.ENOTTY)
    return 0
