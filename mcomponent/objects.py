"""The cache side: requests about pages of files and of shared anonymous memory, and calls on open files."""

from __future__ import annotations

from lego.fabric.wire import Buffer, Done
from lego.linux.errno import LinuxError
from lego.regions import PAGE, PAGE_SHIFT
from mcomponent.core import Core
from mcomponent.memory_messages import (
    ObjectSync,
)
from mcomponent.memory_objects import MemoryObjects
from mcomponent.messages import (
    CountReply,
    FileForget,
    FileRead,
    FileSync,
    FileTruncate,
    FileWrite,
    MissReply,
    ObjectFlush,
    ObjectMiss,
)
from scomponent.messages import SyncHandle

DONE = Done()
_ALL_RIGHTS = 7
"""What a processor may do with a page is said by the region that it maps it with."""
_ONE_PAGE = MissReply(1, _ALL_RIGHTS)


class Objects:
    """Serves the requests to an object's cache."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._cache = core.cache
        self.memory = MemoryObjects(core)

    def miss(self, sender: str, request: ObjectMiss, payload: Buffer) -> tuple[MissReply, Buffer]:
        """Fetches pages. They are copied: by the time that the reply is sent, a frame may have another page."""
        self._core.counters.object_misses += 1
        if request.pages == 1:
            found = self._cache.hit(request.object, request.handle, request.page)
            if found is not None:
                return _ONE_PAGE, bytes(found)
        self._cache.make_room(1)
        pages = self._cache.pages(request.object, request.handle, request.page, request.pages)
        return MissReply(len(pages), _ALL_RIGHTS), b"".join(pages)

    def flush(self, sender: str, request: ObjectFlush, payload: Buffer) -> tuple[Done, Buffer]:
        """Keeps dirty pages: all of them, or none and ENOMEM."""
        source = memoryview(payload)
        contents: dict[int, Buffer] = {
            page: source[index << PAGE_SHIFT : (index + 1) << PAGE_SHIFT] for index, page in enumerate(request.pages)
        }
        assert len(source) == len(request.pages) * PAGE, f"{len(request.pages)} pages in {len(source)} bytes"
        self._cache.store(request.object, request.handle, contents)
        self._core.counters.object_flushes += len(contents)
        return DONE, b""

    def sync(self, sender: str, request: ObjectSync, payload: Buffer) -> tuple[Done, Buffer]:
        """Writes what is dirty to storage."""
        self._cache.sync(request.object, request.handle, report=False)
        return DONE, b""

    # ---- calls on open files -------------------------------------------------------------------------

    def read(self, sender: str, request: FileRead, payload: Buffer) -> tuple[CountReply, Buffer]:
        """pread(2)."""
        if request.object.store == self._core.name:
            return self.memory.read(request)
        data, size = self._cache.read(request.object, request.handle, request.offset, request.length)
        return CountReply(len(data), size), data

    def write(self, sender: str, request: FileWrite, payload: Buffer) -> tuple[CountReply, Buffer]:
        """pwrite(2)."""
        if request.object.store == self._core.name:
            return self.memory.write(request, payload)
        count, size = self._cache.write(
            request.object, request.handle, request.offset, request.append, payload, request.strip
        )
        return CountReply(count, size), b""

    def truncate(self, sender: str, request: FileTruncate, payload: Buffer) -> tuple[Done, Buffer]:
        """ftruncate(2)."""
        if request.object.store == self._core.name:
            self.memory.truncate(request)
            return DONE, b""
        self._cache.truncate(request.object, request.handle, request.size, request.strip)
        return DONE, b""

    def file_sync(self, sender: str, request: FileSync, payload: Buffer) -> tuple[Done, Buffer]:
        """fsync(2): storage is asked even when a page could not be written, which is told afterwards."""
        failed: LinuxError | None = None
        try:
            self._cache.sync(request.object)
        except LinuxError as error:
            failed = error
        self._core.call(request.object.store, SyncHandle(request.handle))
        if failed is not None:
            raise failed
        return DONE, b""

    def forget(self, sender: str, request: FileForget, payload: Buffer) -> tuple[Done, Buffer]:
        """The file was changed at its storage."""
        self._cache.forget(request.object, request.offset, request.length)
        return DONE, b""
