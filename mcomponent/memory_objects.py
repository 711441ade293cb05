"""Memory objects: memory with a size that lives as long as it is held or mapped (see `shared_messages`).

Their pages are kept with those of files (`CachedPages`), but have no place to be written to: a page that is
absent reads as zeros, and one that is present stays. What a mapping stored beyond the size, in the last page, comes to
light when the object grows; what is cut off does not (mm/shmem.c).
"""

from __future__ import annotations

from lego.fabric.wire import Buffer, Done
from lego.linux.errno import E, LinuxError
from lego.regions import PAGE, PAGE_SHIFT, ObjectId
from mcomponent.cached_object import CachedObject
from mcomponent.core import Core
from mcomponent.frames import ZERO_PAGE
from mcomponent.messages import CountReply, FileRead, FileTruncate, FileWrite
from mcomponent.shared_messages import (
    MemoryAllocate,
    MemoryCreate,
    MemoryMapped,
    MemoryObjectReply,
    MemoryRelease,
    MemorySeek,
    MemorySeekReply,
    MemoryStat,
    MemoryStatReply,
)

DONE = Done()
_SIZE_MAX = (1 << 63) - 1


class MemoryObjects:
    """Serves the requests about memory objects of this component."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._cached = core.cache.cached

    def create(self, sender: str, request: MemoryCreate, payload: Buffer) -> tuple[MemoryObjectReply, Buffer]:
        """A new object."""
        thing = self._core.new_object()
        cached = self._cached.get(thing)
        cached.held = True
        cached.resize(request.size)
        return MemoryObjectReply(thing), b""

    def release(self, sender: str, request: MemoryRelease, payload: Buffer) -> tuple[Done, Buffer]:
        """The object is not held any more."""
        cached = self._cached.objects.get(request.object)
        if cached is not None and cached.held:
            cached.held = False
            self._core.cache.map_anonymous(request.object, 0)
        return DONE, b""

    def mapped(self, sender: str, request: MemoryMapped, payload: Buffer) -> tuple[Done, Buffer]:
        """Spaces of another home map more or less of the object."""
        self._core.cache.map_anonymous(request.object, request.length)
        return DONE, b""

    def stat(self, sender: str, request: MemoryStat, payload: Buffer) -> tuple[MemoryStatReply, Buffer]:
        """What it is now."""
        cached = self._find(request.object)
        return MemoryStatReply(cached.size, len(cached.pages)), b""

    def _find(self, thing: ObjectId) -> CachedObject:
        cached = self._cached.objects.get(thing)
        if cached is None:
            raise LinuxError(E.EBADF, f"{thing.store} has no memory object {thing.number}")
        return cached

    # ---- contents --------------------------------------------------------------------------------------

    def read(self, request: FileRead) -> tuple[CountReply, Buffer]:
        """pread(2)."""
        cached = self._find(request.object)
        end = min(request.offset + request.length, cached.size)
        out = bytearray()
        at = request.offset
        while at < end:
            page, within = divmod(at, PAGE)
            count = min(PAGE - within, end - at)
            frame = cached.pages.get(page)
            contents: Buffer = ZERO_PAGE if frame is None else self._core.frames.view(frame)
            out += memoryview(contents)[within : within + count]
            at += count
        return CountReply(len(out), cached.size), out

    def write(self, request: FileWrite, payload: Buffer) -> tuple[CountReply, Buffer]:
        """pwrite(2). ENOSPC when not even the first byte finds a frame, as on tmpfs; fewer bytes when some do."""
        cached = self._find(request.object)
        start = cached.size if request.append else request.offset
        data = memoryview(payload)
        done = 0
        while done < len(data):
            page, within = divmod(start + done, PAGE)
            count = min(PAGE - within, len(data) - done)
            try:
                frame = self._frame(cached, page)
            except LinuxError:
                if not done:
                    raise LinuxError(E.ENOSPC, "no frame is free") from None
                break
            self._core.frames.view(frame)[within : within + count] = data[done : done + count]
            done += count
        if done:
            cached.generation += 1
            cached.resize(max(cached.size, start + done))
        return CountReply(done, start + done if request.append else cached.size), b""

    def _frame(self, cached: CachedObject, page: int) -> int:
        """The frame of a page, which it gets now if it has none. ENOMEM."""
        frame = cached.pages.get(page)
        if frame is None:
            self._core.cache.make_room(1)
            frame = cached.pages[page] = self._core.frames.allocate()
        return frame

    def truncate(self, request: FileTruncate) -> None:
        """ftruncate(2). EINVAL, EFBIG."""
        cached = self._find(request.object)
        if not 0 <= request.size <= _SIZE_MAX:
            raise LinuxError(E.EINVAL)
        cached.generation += 1
        if request.size < cached.size:
            self._cached.zero_tail(cached, request.size)
            self._cached.drop_range(cached, (request.size + PAGE - 1) >> PAGE_SHIFT, None)
        cached.resize(request.size)

    def allocate(self, sender: str, request: MemoryAllocate, payload: Buffer) -> tuple[Done, Buffer]:
        """fallocate(2). When frames run out, those that it took are given back (shmem_fallocate)."""
        cached = self._find(request.object)
        end = request.offset + request.length
        cached.generation += 1
        if request.punch:
            self._punch(cached, request.offset, end)
            return DONE, b""
        taken: list[int] = []
        try:
            if end - request.offset > self._core.cache.available * PAGE + len(cached.pages) * PAGE:
                raise LinuxError(E.ENOSPC)
            for page in range(request.offset >> PAGE_SHIFT, (end + PAGE - 1) >> PAGE_SHIFT):
                if page not in cached.pages:
                    self._frame(cached, page)
                    taken.append(page)
        except LinuxError:
            self._cached.drop(cached, taken)
            raise LinuxError(E.ENOSPC, "there are not enough frames") from None
        if not request.keep_size:
            cached.resize(max(cached.size, end))
        return DONE, b""

    def _punch(self, cached: CachedObject, start: int, end: int) -> None:
        first, last = (start + PAGE - 1) >> PAGE_SHIFT, end >> PAGE_SHIFT
        self._cached.drop_range(cached, first, max(first, last))
        for low, high in ((start, min(end, first << PAGE_SHIFT)), (max(start, last << PAGE_SHIFT), end)):
            frame = cached.pages.get(low >> PAGE_SHIFT)
            if low < high and frame is not None:
                within = low % PAGE
                self._core.frames.view(frame)[within : within + high - low] = bytes(high - low)

    def seek(self, sender: str, request: MemorySeek, payload: Buffer) -> tuple[MemorySeekReply, Buffer]:
        """lseek(2): data is what has a frame (mapping_seek_hole_data)."""
        cached = self._find(request.object)
        at = request.offset
        if not 0 <= at < cached.size:
            raise LinuxError(E.ENXIO)
        if not request.hole:
            page = min((each for each in cached.pages if each >= at >> PAGE_SHIFT), default=None)
            if page is None or page << PAGE_SHIFT >= cached.size:
                raise LinuxError(E.ENXIO)
            return MemorySeekReply(max(at, page << PAGE_SHIFT)), b""
        while at >> PAGE_SHIFT in cached.pages:
            at = ((at >> PAGE_SHIFT) + 1) << PAGE_SHIFT
        return MemorySeekReply(min(at, cached.size)), b""
