"""From file to file without a buffer of the guest's: sendfile, copy_file_range.

Source: fs/read_write.c. What one end of which must be a pipe is in `pcomponent.syscalls.splicing`.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import O_APPEND, SEEK_CUR
from pcomponent.files.base import OpenFile
from pcomponent.files.regular import RegularFile
from pcomponent.syscalls.files import readable, writable
from pcomponent.syscalls.table import syscall
from pcomponent.vectors import CHUNK, MAX_RW_COUNT, Moving
from pcomponent.waiting import Interrupted

if TYPE_CHECKING:
    from pcomponent.process import Thread

_OFFSET = struct.Struct("<q")
_MASK_64 = (1 << 64) - 1


def read_offset(task: Thread, pointer: int) -> int | None:
    """An offset of the guest's; None for a null pointer. EFAULT."""
    if not pointer:
        return None
    (offset,) = task.memory.read_struct(_OFFSET, pointer)
    return int(offset)


def _move(
    task: Thread, source: OpenFile, target: OpenFile, count: int, at: int | None, to: int | None = None
) -> Moving:
    """Copies up to `count` bytes, piece by piece; `at` and `to` are offsets, or None for the files' own."""
    total = 0
    while total < count:
        asked = min(CHUNK, count - total)
        try:
            if at is None:
                data = yield from source.read(task, asked)
            else:
                data = yield from source.pread(task, asked, at + total)
            if not data:
                break
            written = yield from put_all(task, source, target, data, at is None, None if to is None else to + total)
        except (LinuxError, Interrupted):
            if total:
                break
            raise
        total += written
        if written < asked:
            break
    return total


def put_all(task: Thread, source: OpenFile, target: OpenFile, data: bytes, unread: bool, to: int | None) -> Moving:
    """Writes what was read; what is not taken goes back to where it was read from."""
    written: int = 0
    try:
        if to is None:
            written = yield from target.write(task, data)
        else:
            written = yield from target.pwrite(task, data, to)
    finally:
        if unread and written < len(data):
            source.unread(task, data[written:])
    return written


@syscall(40, "sendfile", "fd", "fd", "pointer", "size")
def sendfile(task: Thread, out_fd: int, in_fd: int, pointer: int, count: int) -> Moving:
    """sendfile(2)."""
    offset = read_offset(task, pointer)
    source = readable(task, in_fd)
    if offset is not None:
        source.seek(task, 0, SEEK_CUR)  # ESPIPE for what has no positions.
        if offset < 0:
            raise LinuxError(E.EINVAL)
    target = writable(task, out_fd)
    if count >> 63 or target.flags & O_APPEND or source.directory:
        raise LinuxError(E.EINVAL)
    if offset is None:
        _require_positions(task, source)
    moved = yield from _move(task, source, target, min(count, MAX_RW_COUNT), offset)
    if offset is not None:
        task.memory.write_struct(_OFFSET, pointer, offset + moved)
    return moved


def _require_positions(task: Thread, file: OpenFile) -> None:
    """splice_direct_to_actor refuses what cannot seek: data that is read but not written would be lost."""
    try:
        file.seek(task, 0, SEEK_CUR)
    except LinuxError as error:
        raise LinuxError(E.EINVAL) from error


@syscall(326, "copy_file_range", "fd", "pointer", "fd", "pointer", "size", "flags")
def copy_file_range(
    task: Thread, in_fd: int, in_pointer: int, out_fd: int, out_pointer: int, count: int, flags: int
) -> Moving:
    """copy_file_range(2), in the order of vfs_copy_file_range and generic_copy_file_checks."""
    files = task.process.files
    source, target = files.get(in_fd), files.get(out_fd)
    at, to = read_offset(task, in_pointer), read_offset(task, out_pointer)
    if flags:
        raise LinuxError(E.EINVAL)
    if source.directory or target.directory:
        raise LinuxError(E.EISDIR)
    if not isinstance(source, RegularFile) or not isinstance(target, RegularFile):
        raise LinuxError(E.EINVAL)
    if source.handle == 0 or target.handle == 0:
        raise LinuxError(E.EXDEV)  # Memory and storage: programs then copy by read and write.
    if not source.readable or not target.writable or target.flags & O_APPEND:
        raise LinuxError(E.EBADF)
    start, end = source.offset if at is None else at, target.offset if to is None else to
    if max(start & _MASK_64, end & _MASK_64) + count > _MASK_64:
        raise LinuxError(E.EOVERFLOW)
    if start < 0 or end < 0:
        raise LinuxError(E.EINVAL)
    count = min(count, max(0, source.stat(task).size - start), MAX_RW_COUNT)
    if source.object == target.object and start < end + count and end < start + count:
        raise LinuxError(E.EINVAL)
    moved = yield from _move(task, source, target, count, start, end)
    if not moved:
        return 0
    for file, pointer, position in ((source, in_pointer, start), (target, out_pointer, end)):
        if pointer:
            task.memory.write_struct(_OFFSET, pointer, position + moved)
        else:
            file.offset = position + moved
    return moved
