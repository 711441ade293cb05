"""Files at a storage component, opened to be executed: the loader's `FileSource`.

The handles it opens belong to this memory component. Those that end up in a region live as long as the
region; the loader closes the others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lego.fabric.wire import Buffer, Request
from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import O_RDONLY
from lego.linux.stat import S_IFREG, Stat
from lego.regions import ObjectId
from scomponent.messages import Close, Elsewhere, Open, OpenReply, ReadAt

Call = Callable[[str, Request], tuple[Any, Buffer]]
"""Asks another component: (its name, the request) to (reply, payload)."""

READ_BYTES_MAX = 1 << 20
"""The most that one message carries of a file."""

_EXECUTABLE = 0o111


class StorageFile:
    """An `OpenedFile`: a regular file that this component has open at a storage component."""

    def __init__(self, call: Call, storage: str, opened: OpenReply, thing: ObjectId) -> None:
        self.handle = opened.handle
        self.object = thing
        self.stat: Stat = opened.stat
        self.path = opened.path
        self._call = call
        self._storage = storage

    def read(self, offset: int, length: int) -> bytes:
        """Bytes, fewer than asked only at the end of the file. Raises `LinuxError`."""
        parts: list[bytes] = []
        while length > 0:
            request = ReadAt(handle=self.handle, offset=offset, length=min(length, READ_BYTES_MAX))
            part = bytes(self._call(self._storage, request)[1])
            if not part:
                break
            parts.append(part)
            offset += len(part)
            length -= len(part)
        return b"".join(parts)

    def close(self) -> None:
        """Gives the handle back."""
        self._call(self._storage, Close(handles=[self.handle]))


class StorageFiles:
    """A `FileSource` over one storage component."""

    def __init__(self, call: Call, storage: str) -> None:
        self._call = call
        self._storage = storage

    def open(self, vnode: int, place: int, path: str) -> StorageFile:
        """Opens a file to execute it.

        Raises `LinuxError`: that of open(2), or EACCES for what is not regular or that nobody may execute
        (do_open_execat in fs/exec.c), or that a processor makes up (/proc, /dev).
        """
        reply = self._call(self._storage, Open(vnode=vnode, place=place, path=path, flags=O_RDONLY))[0]
        if isinstance(reply, Elsewhere):
            raise LinuxError(E.EACCES, f"{reply.path} is no file of a mount")
        if reply.object is None or reply.stat.kind != S_IFREG or not reply.stat.mode & _EXECUTABLE:
            self._call(self._storage, Close(handles=[reply.handle]))
            what = "not executable" if reply.stat.kind == S_IFREG else "not a regular file"
            raise LinuxError(E.EACCES, f"{reply.path} is {what}")
        return StorageFile(self._call, self._storage, reply, reply.object)
