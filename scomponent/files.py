"""Open files: handles, the host descriptors behind them, and the identities of regular files.

A handle is a number that is given out once. Several handles may share one open file (`duplicate`); its
descriptor is closed with the last of them, but never while a request is in the middle of using it.

A regular file has an `ObjectId` by which caches elsewhere know it: one number however it is opened, for as
long as somebody has it open. If the host's file system tells the generation of an inode, a file
that was closed gets its old number when it is opened again, so caches of it stay good; where it does not, the number
is forgotten with the last close. An inode that is used again for another file never gets the old number.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import O_ACCMODE, O_PATH, O_RDONLY, O_WRONLY
from lego.linux.stat import S_IFDIR, S_IFREG, Stat
from lego.regions import ObjectId
from scomponent.host import generation
from scomponent.mounts import Mounted, Node, Position

HANDLES_MAX = 65_536
DESCRIPTORS_RESERVED = 512  # For walks, sockets, and what else the process has open.
CLOSED_IDENTITIES_MAX = 16_384
WRITE_LOCKS = 64  # Files are dealt out to them by number: seldom do two busy files meet in one.

_Key = tuple[int, int, tuple[int, bytes] | None]


class OpenFile:
    """One open file (Linux's struct file). `fd` is -1 for a directory that is made up; `path` is where it was then."""

    __slots__ = ("fd", "flags", "kind", "lock", "mount", "node", "object", "path", "references", "users", "vnode")

    def __init__(
        self, vnode: int, fd: int, kind: int, flags: int, mount: Mounted, node: Node | None, path: str
    ) -> None:
        self.vnode = vnode
        self.fd = fd
        self.kind = kind
        self.flags = flags
        self.mount = mount
        self.node = node
        self.path = path
        self.object: ObjectId | None = None
        self.references = 0
        """Handles that stand for it."""
        self.users = 0
        """Requests that are using it at the moment."""
        self.lock = threading.Lock()
        """Held to read a directory, which moves the host's position in it, and to change a regular file: those
        share one lock for all that have the file open, so that an append knows where it went."""

    @property
    def path_only(self) -> bool:
        """Opened with O_PATH."""
        return bool(self.flags & O_PATH)

    @property
    def readable(self) -> bool:
        """Whether its contents may be read."""
        return not self.path_only and self.flags & O_ACCMODE != O_WRONLY

    @property
    def writable(self) -> bool:
        """Whether its contents may be changed."""
        return not self.path_only and self.flags & O_ACCMODE != O_RDONLY

    def position(self, path: str) -> Position:
        """Where a walk starts that is relative to it, or that goes no further; `path` is where it is now."""
        return Position(self.mount, self.fd, self.kind, self.node, None, "", path)

    def stat(self) -> Stat:
        """Its attributes now."""
        return self.position(self.path).stat()


class Identities:
    """The numbers of regular files. Not for several threads at once."""

    def __init__(self, store: str) -> None:
        self._store = store
        self._last = 0
        self._open: dict[_Key, tuple[ObjectId, int]] = {}
        self._closed: OrderedDict[_Key, ObjectId] = OrderedDict()
        """The latest closed last."""
        self._keys: dict[ObjectId, _Key] = {}

    def acquire(self, fd: int) -> ObjectId:
        """The identity of an open file, which is held once more."""
        stat = os.fstat(fd)
        key = (stat.st_dev, stat.st_ino, generation(fd))
        known = self._open.get(key)
        if known is None:
            identity = self._closed.pop(key, None) or self._new()
            self._open[key] = (identity, 1)
            self._keys[identity] = key
            return identity
        self._open[key] = (known[0], known[1] + 1)
        return known[0]

    def release(self, identity: ObjectId) -> None:
        """Lets go of it; to be called before the descriptor is closed, which may free the inode for another file."""
        key = self._keys[identity]
        count = self._open[key][1] - 1
        if count:
            self._open[key] = (identity, count)
            return
        del self._open[key], self._keys[identity]
        if key[2] is not None:
            self._closed[key] = identity
            if len(self._closed) > CLOSED_IDENTITIES_MAX:
                self._closed.popitem(last=False)

    def _new(self) -> ObjectId:
        self._last += 1
        return ObjectId(self._store, self._last)


class Files:
    """All handles of a storage component. At most `limit` are open at a time (ENFILE)."""

    def __init__(self, store: str, limit: int = HANDLES_MAX) -> None:
        self._limit = limit
        self._identities = Identities(store)
        self._table: dict[int, OpenFile] = {}
        self._last = 0
        self._lock = threading.Lock()
        self._write_locks = [threading.Lock() for _ in range(WRITE_LOCKS)]

    def __len__(self) -> int:
        return len(self._table)

    def check_room(self) -> None:
        """ENFILE when there is no handle to be had, before anything is done that a failing open must not do."""
        if len(self._table) >= self._limit:
            raise LinuxError(E.ENFILE, f"{self._limit} handles are open")

    def add(self, file: OpenFile) -> int:
        """Gives an open file its handle. The descriptor is the table's from now on, also when this raises ENFILE."""
        with self._lock:
            try:
                self.check_room()
                if file.kind == S_IFREG and not file.path_only:
                    file.object = self._identities.acquire(file.fd)
                    file.lock = self._write_locks[file.object.number % WRITE_LOCKS]
            except BaseException:
                _close(file.fd)
                raise
            return self._hand_out(file)

    def duplicate(self, handle: int) -> tuple[int, OpenFile]:
        """Another handle for the same open file."""
        with self._lock:
            file = self._get(handle)
            self.check_room()
            return self._hand_out(file), file

    @contextmanager
    def use(self, handle: int) -> Iterator[OpenFile]:
        """An open file for the length of a request; EBADF for an unknown handle."""
        with self._lock:
            file = self._get(handle)
            file.users += 1
        try:
            yield file
        finally:
            with self._lock:
                file.users -= 1
                self._dispose_if_unused(file)

    def close(self, handles: list[int]) -> None:
        """Gives handles back; unknown ones are ignored."""
        with self._lock:
            for handle in handles:
                file = self._table.pop(handle, None)
                if file is not None:
                    file.references -= 1
                    self._dispose_if_unused(file)

    def descriptors(self, mount: Mounted) -> list[int]:
        """The host's descriptors of the regular files of a mount that are open."""
        with self._lock:
            files = {id(file): file for file in self._table.values()}
        return [file.fd for file in files.values() if file.mount is mount and file.kind == S_IFREG]

    def close_all(self) -> None:
        """Gives all handles back."""
        self.close(list(self._table))

    def _get(self, handle: int) -> OpenFile:
        file = self._table.get(handle)
        if file is None:
            raise LinuxError(E.EBADF, f"no handle {handle}")
        return file

    def _hand_out(self, file: OpenFile) -> int:
        self._last += 1
        self._table[self._last] = file
        file.references += 1
        return self._last

    def _dispose_if_unused(self, file: OpenFile) -> None:
        if file.references or file.users:
            return
        if file.object is not None:
            self._identities.release(file.object)
        _close(file.fd)


def _close(fd: int) -> None:
    if fd >= 0:
        os.close(fd)


def directory_of(file: OpenFile) -> OpenFile:
    """The same file, which must be a directory: ENOTDIR."""
    if file.kind != S_IFDIR:
        raise LinuxError(E.ENOTDIR)
    return file
