"""Moving bytes between open files and guest memory: the one loop behind read, write and all their forms.

A buffer is a list of vectors (address, length), as readv(2) has them; a plain buffer is a list of one. Linux's rules
for what goes wrong in the middle hold for all: what was moved before an error counts, and the
error is told only when nothing was. A buffer that ends in memory that is not there is used as far as it goes.

Files that always fill a buffer (`fills`) are moved in pieces, so that a guest that asks for 2 GiB costs
this component one piece at a time.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Generator
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.regions import PAGE, TASK_SIZE, page_up
from pcomponent.files.base import OpenFile
from pcomponent.waiting import Interrupted, Wait, Wake

if TYPE_CHECKING:
    from pcomponent.process import Thread

MAX_RW_COUNT = 0x7FFFF000  # include/linux/fs.h: INT_MAX & PAGE_MASK; longer transfers are cut to it.
UIO_MAXIOV = 1024
CHUNK = 1 << 20
"""Bytes moved at once."""

Vector = tuple[int, int]
Moving = Generator[Wait, Wake, int]
_IOVEC = struct.Struct("<QQ")


def one(address: int, length: int) -> list[Vector]:
    """A plain buffer, checked as vfs_read does: EFAULT when it leaves user space, whatever is mapped."""
    if length > TASK_SIZE or address > TASK_SIZE - length:
        raise LinuxError(E.EFAULT)
    return [(address, min(length, MAX_RW_COUNT))]


def read_vectors(task: Thread, pointer: int, count: int) -> list[Vector]:
    """An array of struct iovec (lib/iov_iter.c, import_iovec). EINVAL for more than 1,024 or a negative
    length; EFAULT for the array itself or an address beyond user space."""
    count &= 0xFFFFFFFF  # import_iovec() takes an unsigned int.
    if count > UIO_MAXIOV:
        raise LinuxError(E.EINVAL)
    raw = list(_IOVEC.iter_unpack(task.memory.read(pointer, count * _IOVEC.size))) if count else []
    if any(length >> 63 for _, length in raw):
        raise LinuxError(E.EINVAL)
    if count == 1:  # import_ubuf() cuts before it checks.
        return one(raw[0][0], min(raw[0][1], MAX_RW_COUNT))
    vectors: list[Vector] = []
    room = MAX_RW_COUNT
    for address, length in raw:
        if length > TASK_SIZE or address > TASK_SIZE - length:
            raise LinuxError(E.EFAULT)
        length = min(length, room)
        room -= length
        vectors.append((address, length))
    return vectors


def copy_out(task: Thread, address: int, data: bytes | memoryview) -> int:
    """Writes to guest memory as far as it goes; returns how many bytes that was."""
    try:
        task.memory.write(address, data)
        return len(data)
    except LinuxError as error:
        if error.errno != E.EFAULT:
            raise
    done = 0
    for start, end in _pages(address, len(data)):
        try:
            task.memory.write(address + start, data[start:end])
        except LinuxError:
            break
        done = end
    return done


def copy_in(task: Thread, address: int, length: int) -> bytes:
    """Reads guest memory as far as it goes."""
    try:
        return task.memory.read(address, length)
    except LinuxError as error:
        if error.errno != E.EFAULT:
            raise
    pieces = []
    for start, end in _pages(address, length):
        try:
            pieces.append(task.memory.read(address + start, end - start))
        except LinuxError:
            break
    return b"".join(pieces)


def _pages(address: int, length: int) -> list[tuple[int, int]]:
    """The pieces of a buffer that lie in one page each, as offsets into it."""
    cuts = [0, *range(page_up(address + 1) - address, length, PAGE), length]
    return list(itertools.pairwise(cuts))


class Cursor:
    """A place in a list of vectors, moving forward."""

    def __init__(self, task: Thread, vectors: list[Vector]) -> None:
        self._task = task
        self._vectors = [vector for vector in vectors if vector[1]]
        self._index = 0
        self._within = 0
        self.left = sum(length for _, length in vectors)

    def put(self, data: bytes) -> int:
        """Copies to the guest; returns how many bytes there was memory for."""
        view = memoryview(data)
        done = 0
        while done < len(view):
            address, room = self._here()
            size = min(room, len(view) - done)
            copied = copy_out(self._task, address, view[done : done + size])
            self._step(copied)
            done += copied
            if copied < size:
                break
        return done

    def get(self, length: int) -> bytes:
        """Copies from the guest: `length` bytes, or fewer where memory ends."""
        pieces = []
        while length > 0:
            address, room = self._here()
            size = min(room, length)
            piece = copy_in(self._task, address, size)
            self._step(len(piece))
            pieces.append(piece)
            if len(piece) < size:
                break
            length -= size
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _here(self) -> Vector:
        address, length = self._vectors[self._index]
        return address + self._within, length - self._within

    def _step(self, count: int) -> None:
        self.left -= count
        self._within += count
        if self._index < len(self._vectors) and self._within == self._vectors[self._index][1]:
            self._index, self._within = self._index + 1, 0


def _check_end(offset: int | None, cursor: Cursor) -> None:
    """rw_verify_area(): no position is as large as 2^63. EINVAL."""
    if offset is not None and offset + cursor.left >> 63:
        raise LinuxError(E.EINVAL)


def read_into(task: Thread, file: OpenFile, vectors: list[Vector], offset: int | None = None) -> Moving:
    """read(2), or pread64(2) at an offset, of a file that is readable; returns how many bytes arrived."""
    cursor = Cursor(task, vectors)
    _check_end(offset, cursor)
    total = 0
    counts = task.process.transfers
    counts.reads += 1
    while True:
        asked = min(cursor.left, CHUNK) if file.fills else cursor.left
        try:
            if offset is None:
                data = yield from file.read(task, asked)
            else:
                data = yield from file.pread(task, asked, offset + total)
        except (LinuxError, Interrupted):
            if total:
                return total
            raise
        arrived = cursor.put(data)
        total += arrived
        counts.read_bytes += arrived
        if arrived < len(data):
            if offset is None:
                file.unread(task, data[arrived:])
            if not total:
                raise LinuxError(E.EFAULT)
            return total
        if not file.fills or len(data) < asked or not cursor.left:
            return total


def write_from(task: Thread, file: OpenFile, vectors: list[Vector], offset: int | None = None) -> Moving:
    """write(2), or pwrite64(2) at an offset, to a file that is writable; returns how many bytes were taken."""
    cursor = Cursor(task, vectors)
    _check_end(offset, cursor)
    total = 0
    counts = task.process.transfers
    counts.writes += 1
    if file.discards:
        yield from file.write(task, b"")
        counts.written_bytes += cursor.left
        return cursor.left
    while True:
        asked = min(cursor.left, CHUNK)
        data = cursor.get(asked)
        if asked and not data:
            if total:
                return total
            raise LinuxError(E.EFAULT)
        count: int
        try:
            if offset is None:
                count = yield from file.write(task, data)
            else:
                count = yield from file.pwrite(task, data, offset + total)
        except (LinuxError, Interrupted):
            if total:
                return total
            raise
        total += count
        counts.written_bytes += count
        if count < asked or not cursor.left:
            return total
