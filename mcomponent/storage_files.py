"""Files at a storage component, opened to be executed: the loader's `FileSource`.

The handles it opens belong to this memory component. Those that end up in a region live as long as the
region; the loader closes the others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lego.fabric.wire import Buffer, Request
from lego.linux.caller import Caller
from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import O_RDONLY
from lego.linux.stat import S_IFREG, Stat
from lego.regions import ObjectId
from mcomponent.files import OpenedFile
from mcomponent.messages import FileRead, OpenProgram
from mcomponent.shared_messages import MemoryStat
from scomponent.messages import Close, Duplicate, Elsewhere, OnBehalf, Open, OpenReply, ReadAt

Call = Callable[[str, Request], tuple[Any, Buffer]]
"""Asks another component: (its name, the request) to (reply, payload)."""

Memory = Callable[[ObjectId, Request], tuple[Any, Buffer]]
"""Asks the memory component that has an object, which may be this one."""

READ_BYTES_MAX = 1 << 20
"""The most that one message carries of a file."""

_EXECUTABLE = 0o111


class StorageFile:
    """An `OpenedFile`: a regular file that this component has open at a storage component."""

    def __init__(self, call: Call, storage: str, opened: OpenReply, thing: ObjectId) -> None:
        self.handle = opened.handle
        self.object = thing
        self.stat: Stat = opened.stat
        self.path = opened.path if opened.stat.nlink else f"{opened.path} (deleted)"
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


class MemoryObjectFile:
    """An `OpenedFile` that is a memory object, which nobody has to give back: its mappings hold it."""

    def __init__(self, memory: Memory, program: OpenProgram, thing: ObjectId) -> None:
        if not program.mode & _EXECUTABLE:
            raise LinuxError(E.EACCES, f"{program.path} is not executable")
        self.handle = 0
        self.object = thing
        self.stat = Stat(mode=program.mode, size=memory(thing, MemoryStat(thing))[0].size)
        self.path = program.path
        self._memory = memory

    def read(self, offset: int, length: int) -> bytes:
        """Bytes, fewer than asked only at the end of the object. Raises `LinuxError`."""
        parts: list[bytes] = []
        while length > 0:
            request = FileRead(self.object, 0, offset, min(length, READ_BYTES_MAX))
            part = bytes(self._memory(self.object, request)[1])
            if not part:
                break
            parts.append(part)
            offset += len(part)
            length -= len(part)
        return b"".join(parts)

    def close(self) -> None:
        """There is no handle."""


class StorageFiles:
    """A `FileSource` over one storage component."""

    def __init__(self, call: Call, storage: str, memory: Memory, caller: Caller | None = None) -> None:
        self._call = call
        self._storage = storage
        self._memory = memory
        self._caller = caller

    def adopt(self, program: OpenProgram) -> OpenedFile:
        """A handle of its own for a file that is open already, or a memory object. Raises `LinuxError`: EBADF when it
        is not open for reading, EACCES as `open` does."""
        if program.memory is not None:
            return MemoryObjectFile(self._memory, program, program.memory)
        return self._executable(self._call(self._storage, Duplicate(program.handle))[0])

    def open(self, vnode: int, place: int, path: str) -> StorageFile:
        """Opens a file to execute it.

        Raises `LinuxError`: that of open(2), or EACCES for what is not regular or that nobody may execute
        (do_open_execat in fs/exec.c), or that a processor makes up (/proc, /dev).
        """
        request: Request = Open(vnode=vnode, place=place, path=path, flags=O_RDONLY, execute=True)
        if self._caller is not None:
            request = OnBehalf(self._caller, request)  # type: ignore[arg-type]
        reply = self._call(self._storage, request)[0]
        if isinstance(reply, Elsewhere):
            raise LinuxError(E.EACCES, f"{reply.path} is no file of a mount")
        return self._executable(reply)

    def _executable(self, reply: OpenReply) -> StorageFile:
        if reply.object is None or reply.stat.kind != S_IFREG or not reply.stat.mode & _EXECUTABLE:
            self._call(self._storage, Close(handles=[reply.handle]))
            what = "not executable" if reply.stat.kind == S_IFREG else "not a regular file"
            raise LinuxError(E.EACCES, f"{reply.path} is {what}")
        return StorageFile(self._call, self._storage, reply, reply.object)
