"""read, write, and what else concerns the contents of an open file.

Source: fs/read_write.c, fs/readdir.c, fs/sync.c, fs/open.c.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import O_APPEND, O_NONBLOCK, SEEK_HOLE
from lego.linux.stat import S_IFBLK, S_IFDIR, S_IFIFO, S_IFLNK, S_IFREG
from pcomponent.files.base import OpenFile
from pcomponent.files.directory import Directory
from pcomponent.files.regular import OFFSET_MAX, RegularFile
from pcomponent.syscalls.table import syscall
from pcomponent.vectors import Moving, Vector, copy_out, one, read_into, read_vectors, write_from

if TYPE_CHECKING:
    from pcomponent.process import Thread

RWF_HIPRI, RWF_DSYNC, RWF_SYNC, RWF_NOWAIT, RWF_APPEND, RWF_NOAPPEND = 1, 2, 4, 8, 16, 32
_RWF_HERE = RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_APPEND | RWF_NOAPPEND
_RWF_NOTE = "for files RWF_NOWAIT, RWF_ATOMIC and RWF_DONTCACHE are EOPNOTSUPP, as on a file system without them"
_FALLOC_KEEP_SIZE, _FALLOC_PUNCH_HOLE = 1, 2
_FALLOC_MODES = 0x7B


def readable(task: Thread, fd: int) -> OpenFile:
    """The file of a descriptor that is open for reading, else EBADF."""
    file = task.process.files.get(fd)
    if not file.readable:
        raise LinuxError(E.EBADF)
    return file


def writable(task: Thread, fd: int) -> OpenFile:
    """The file of a descriptor that is open for writing, else EBADF."""
    file = task.process.files.get(fd)
    if not file.writable:
        raise LinuxError(E.EBADF)
    return file


def _position(offset: int, count: int = 0) -> int:
    """An offset at which `count` bytes are to be moved. EINVAL when the last of them has none (rw_verify_area)."""
    if offset < 0 or offset + count > OFFSET_MAX:
        raise LinuxError(E.EINVAL)
    return offset


def _bytes(vectors: list[Vector]) -> int:
    return sum(length for _, length in vectors)


# ---- reading and writing ---------------------------------------------------------------------------------


@syscall(0, "read", "fd", "buffer", "size")
def read(task: Thread, fd: int, buffer: int, count: int) -> Moving:
    """read(2)."""
    return read_into(task, readable(task, fd), one(buffer, count))


@syscall(1, "write", "fd", "buffer", "size")
def write(task: Thread, fd: int, buffer: int, count: int) -> Moving:
    """write(2)."""
    return write_from(task, writable(task, fd), one(buffer, count))


@syscall(17, "pread64", "fd", "buffer", "size", "offset")
def pread64(task: Thread, fd: int, buffer: int, count: int, offset: int) -> Moving:
    """pread64(2)."""
    _position(offset)
    file, vectors = readable(task, fd), one(buffer, count)
    return read_into(task, file, vectors, _position(offset, count))


@syscall(18, "pwrite64", "fd", "buffer", "size", "offset")
def pwrite64(task: Thread, fd: int, buffer: int, count: int, offset: int) -> Moving:
    """pwrite64(2)."""
    _position(offset)
    file, vectors = writable(task, fd), one(buffer, count)
    return write_from(task, file, vectors, _position(offset, count))


@syscall(19, "readv", "fd", "pointer", "ulong")
def readv(task: Thread, fd: int, vectors: int, count: int) -> Moving:
    """readv(2)."""
    file = readable(task, fd)
    return read_into(task, file, read_vectors(task, vectors, count))


@syscall(20, "writev", "fd", "pointer", "ulong")
def writev(task: Thread, fd: int, vectors: int, count: int) -> Moving:
    """writev(2)."""
    file = writable(task, fd)
    return write_from(task, file, read_vectors(task, vectors, count))


@syscall(295, "preadv", "fd", "pointer", "ulong", "offset")
def preadv(task: Thread, fd: int, vectors: int, count: int, offset: int) -> Moving:
    """preadv(2)."""
    _position(offset)
    file, buffer = readable(task, fd), read_vectors(task, vectors, count)
    return read_into(task, file, buffer, _position(offset, _bytes(buffer)))


@syscall(296, "pwritev", "fd", "pointer", "ulong", "offset")
def pwritev(task: Thread, fd: int, vectors: int, count: int, offset: int) -> Moving:
    """pwritev(2)."""
    _position(offset)
    file, buffer = writable(task, fd), read_vectors(task, vectors, count)
    return write_from(task, file, buffer, _position(offset, _bytes(buffer)))


@syscall(327, "preadv2", "fd", "pointer", "ulong", "offset", "ulong", "flags", support="partial", note=_RWF_NOTE)
def preadv2(task: Thread, fd: int, vectors: int, count: int, offset: int, _high: int, flags: int) -> Moving:
    """preadv2(2); offset -1 stands for the file's own."""
    file, parts = readable(task, fd), None if offset == -1 else _position(offset)
    buffer = read_vectors(task, vectors, count)
    _check_flags(file, flags & ~RWF_APPEND)
    return _read_with(task, file, buffer, parts, flags)


@syscall(328, "pwritev2", "fd", "pointer", "ulong", "offset", "ulong", "flags", support="partial", note=_RWF_NOTE)
def pwritev2(task: Thread, fd: int, vectors: int, count: int, offset: int, _high: int, flags: int) -> Moving:
    """pwritev2(2); offset -1 stands for the file's own."""
    file, at = writable(task, fd), None if offset == -1 else _position(offset)
    buffer = read_vectors(task, vectors, count)
    _check_flags(file, flags)
    return _write_with(task, file, buffer, at, flags)


def _check_flags(file: OpenFile, flags: int) -> None:
    """include/linux/fs.h, kiocb_set_rw_flags."""
    if flags & ~(_RWF_HERE | (RWF_NOWAIT if file.hurries else 0)):
        raise LinuxError(E.EOPNOTSUPP)
    if flags & RWF_APPEND and flags & RWF_NOAPPEND:
        raise LinuxError(E.EINVAL)


def _read_with(task: Thread, file: OpenFile, buffer: list[Vector], offset: int | None, flags: int) -> Moving:
    """One read, with RWF_NOWAIT as if the file had O_NONBLOCK."""
    before = file.flags
    if flags & RWF_NOWAIT:
        file.flags |= O_NONBLOCK
    try:
        return (yield from read_into(task, file, buffer, offset))
    finally:
        file.flags = before


def _write_with(task: Thread, file: OpenFile, buffer: list[Vector], offset: int | None, flags: int) -> Moving:
    """One write with RWF_* flags, which stand for O_* flags that hold for this call alone."""
    before = file.flags
    if flags & RWF_APPEND:
        file.flags |= O_APPEND
    elif flags & RWF_NOAPPEND:
        file.flags &= ~O_APPEND
    if flags & RWF_NOWAIT:
        file.flags |= O_NONBLOCK
    try:
        count = yield from write_from(task, file, buffer, offset)
    finally:
        file.flags = before
    if flags & (RWF_DSYNC | RWF_SYNC) and count and file.fills:
        file.sync(task, data_only=not flags & RWF_SYNC)
    return count


# ---- position, size ----------------------------------------------------------------------------------------


@syscall(8, "lseek", "fd", "offset", "uint")
def lseek(task: Thread, fd: int, offset: int, whence: int) -> int:
    """lseek(2)."""
    file = task.process.files.get(fd)
    if whence > SEEK_HOLE:
        raise LinuxError(E.EINVAL)
    return file.seek(task, offset, whence)


@syscall(77, "ftruncate", "fd", "offset")
def ftruncate(task: Thread, fd: int, size: int) -> int:
    """ftruncate(2)."""
    if size < 0:
        raise LinuxError(E.EINVAL)
    task.process.files.get(fd).truncate(task, size)
    return 0


@syscall(285, "fallocate", "fd", "flags", "offset", "offset")
def fallocate(task: Thread, fd: int, mode: int, offset: int, length: int) -> int:
    """fallocate(2), in the order of vfs_fallocate."""
    file = task.process.files.get(fd)
    if offset < 0 or length <= 0:
        raise LinuxError(E.EINVAL)
    if mode & ~_FALLOC_MODES or (mode & _FALLOC_PUNCH_HOLE and not mode & _FALLOC_KEEP_SIZE):
        raise LinuxError(E.EOPNOTSUPP)
    if not file.writable:
        raise LinuxError(E.EBADF)
    if isinstance(file, RegularFile) and offset + length > OFFSET_MAX:
        raise LinuxError(E.EFBIG)
    file.allocate(task, mode, offset, length)
    return 0


# ---- directories ---------------------------------------------------------------------------------------------


@syscall(217, "getdents64", "fd", "buffer", "uint")
def getdents64(task: Thread, fd: int, buffer: int, room: int) -> int:
    """getdents64(2)."""
    return _entries(task, fd, buffer, room, old=False)


@syscall(78, "getdents", "fd", "buffer", "uint")
def getdents(task: Thread, fd: int, buffer: int, room: int) -> int:
    """getdents(2), with the old structure."""
    return _entries(task, fd, buffer, room, old=True)


def _entries(task: Thread, fd: int, buffer: int, room: int, old: bool) -> int:
    file = task.process.files.get(fd)
    if not isinstance(file, Directory):
        raise LinuxError(E.ENOTDIR)
    data = file.take(task, 0 if room >> 31 & 1 else room & 0xFFFFFFFF, old)  # The kernel's room is an int.
    if copy_out(task, buffer, data) < len(data):
        raise LinuxError(E.EFAULT)
    file.advance()
    return len(data)


# ---- to storage ------------------------------------------------------------------------------------------------


@syscall(74, "fsync", "fd")
def fsync(task: Thread, fd: int) -> int:
    """fsync(2)."""
    task.process.files.get(fd).sync(task, data_only=False)
    return 0


@syscall(75, "fdatasync", "fd")
def fdatasync(task: Thread, fd: int) -> int:
    """fdatasync(2)."""
    task.process.files.get(fd).sync(task, data_only=True)
    return 0


_SYNC_NOTE = "writes back what this process has open; other files are written through anyway"


@syscall(162, "sync", support="partial", note=_SYNC_NOTE)
def sync(task: Thread) -> int:
    """sync(2)."""
    for file in task.process.files.files():
        if isinstance(file, RegularFile):
            file.sync(task, data_only=False)
    return 0


@syscall(306, "syncfs", "fd", support="partial", note=_SYNC_NOTE)
def syncfs(task: Thread, fd: int) -> int:
    """syncfs(2)."""
    task.process.files.get(fd)
    return sync(task)


@syscall(277, "sync_file_range", "fd", "offset", "offset", "flags")
def sync_file_range(task: Thread, fd: int, offset: int, length: int, flags: int) -> int:
    """sync_file_range(2). Writing more back than was asked for is allowed."""
    file = task.process.files.get(fd)
    if flags & ~7 or offset < 0 or length < 0 or offset + length > OFFSET_MAX:
        raise LinuxError(E.EINVAL)
    if file.stat(task).kind not in (S_IFREG, S_IFBLK, S_IFDIR, S_IFLNK):
        raise LinuxError(E.ESPIPE)
    if flags:
        file.sync(task, data_only=True)
    return 0


# ---- advice: nothing that a program could see depends on it -----------------------------------------------------


@syscall(221, "fadvise64", "fd", "offset", "offset", "int")
def fadvise64(task: Thread, fd: int, _offset: int, length: int, advice: int) -> int:
    """posix_fadvise(2)."""
    file = task.process.files.get(fd)
    if file.stat(task).kind == S_IFIFO:
        raise LinuxError(E.ESPIPE)
    if length < 0 or not 0 <= advice <= 5:
        raise LinuxError(E.EINVAL)
    return 0


@syscall(187, "readahead", "fd", "offset", "size")
def readahead(task: Thread, fd: int, _offset: int, _count: int) -> int:
    """readahead(2)."""
    file = readable(task, fd)
    if file.directory or file.stat(task).kind == S_IFDIR or not isinstance(file, RegularFile):
        raise LinuxError(E.EINVAL)
    return 0
