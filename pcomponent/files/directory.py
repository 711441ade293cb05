"""Open directories, and how getdents reads them.

A directory is read whole when a reader starts at its beginning, and its offset is an index into that list. So
every name that was there is returned once, however many others are created or removed while it is read, and
an offset that telldir gave stays good until the reader rewinds.
"""

from __future__ import annotations

import struct
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import SEEK_CUR, SEEK_SET
from pcomponent.files.base import Blocking, OpenFile
from pcomponent.files.storage import StorageFile, ask_storage
from scomponent.messages import Entries, Entry, SyncHandle

if TYPE_CHECKING:
    from pcomponent.process import Thread

_DIRENT64 = struct.Struct("<QqHB")  # include/linux/dirent.h, struct linux_dirent64
_DIRENT = struct.Struct("<QQH")  # fs/readdir.c, struct linux_dirent


class Directory(OpenFile, ABC):
    """What can be listed; a kind of directory says what is `listed`."""

    directory = True

    def __init__(self, flags: int, path: str) -> None:
        super().__init__(flags, path)
        self._entries: list[Entry] | None = None

    @abstractmethod
    def listed(self, task: Thread) -> list[Entry]:
        """All names, "." and ".." first."""

    def read(self, task: Thread, length: int) -> Blocking:
        """read(2): a directory is not read that way."""
        raise LinuxError(E.EISDIR)
        yield

    def pread(self, task: Thread, length: int, offset: int) -> Blocking:
        """pread64(2), likewise."""
        raise LinuxError(E.EISDIR)
        yield

    def allocate(self, task: Thread, mode: int, offset: int, length: int) -> None:
        """fallocate(2): a directory is never open for writing."""
        raise LinuxError(E.EBADF)

    def seek(self, task: Thread, offset: int, whence: int) -> int:
        """lseek(2): to an offset that was read before, or back to the beginning."""
        if whence == SEEK_CUR:
            offset += self.offset
        elif whence != SEEK_SET:
            raise LinuxError(E.EINVAL)
        if offset < 0:
            raise LinuxError(E.EINVAL)
        if offset == 0:
            self._entries = None
        self.offset = offset
        return offset

    def take(self, task: Thread, room: int, old: bool = False) -> bytes:
        """getdents64(2), or getdents(2) when `old`: as many records as fit. EINVAL when not even one does.

        The offset stands where it stood until `advance` says that the guest has them."""
        if self._entries is None:
            self._entries = self.listed(task)
        out = bytearray()
        index = self.offset
        while index < len(self._entries):
            record = (_pack_old if old else _pack)(self._entries[index], index + 1)
            if len(out) + len(record) > room:
                if not out:
                    raise LinuxError(E.EINVAL)
                break
            out += record
            index += 1
        self._next = index
        return bytes(out)

    def advance(self) -> None:
        """Moves the offset past what `take` returned."""
        self.offset = self._next


class StorageDirectory(StorageFile, Directory):
    """A directory of the storage component."""

    def __init__(self, flags: int, path: str, handle: int) -> None:
        Directory.__init__(self, flags, path)
        self.handle = handle

    def listed(self, task: Thread) -> list[Entry]:
        """Asks the storage component."""
        entries: list[Entry] = ask_storage(task, Entries(self.handle)).entries
        return entries

    def sync(self, task: Thread, data_only: bool) -> None:
        """fsync(2) of a directory: its names are on the storage."""
        ask_storage(task, SyncHandle(self.handle, data_only))


def _pack(entry: Entry, offset: int) -> bytes:
    name = entry.name.encode(errors="surrogateescape")
    length = (_DIRENT64.size + len(name) + 1 + 7) & ~7
    return (_DIRENT64.pack(entry.ino, offset, length, entry.kind) + name).ljust(length, b"\0")


def _pack_old(entry: Entry, offset: int) -> bytes:
    name = entry.name.encode(errors="surrogateescape")
    length = (_DIRENT.size + len(name) + 2 + 7) & ~7
    return (_DIRENT.pack(entry.ino, offset, length) + name).ljust(length - 1, b"\0") + bytes([entry.kind])
