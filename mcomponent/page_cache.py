"""The page cache: contents of files as this component knows them, and shared anonymous memory.

    pages(object, handle, first, count)       contents of pages, read from storage when they are not here
    read, write, truncate                     the calls on open files: writes go through to storage at once
    store(object, handle, pages)              dirty pages of shared mappings, kept until
    sync(object)                              ... they are written to storage

A file may be changed on the host between two runs. Every reply of the storage component tells the file's size
and times; when they are not what they were, its clean pages are dropped. A handle that is used for
the first time asks for them before it trusts a cached page, and so does a read at the end of the file.

`call` asks a storage component. Other requests may be served while it waits, so after it nothing that was
looked up before can be relied upon, except a `CachedObject` whose `users` was raised. Costs: a hit is O(1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from lego.fabric.errors import FabricError
from lego.fabric.wire import Buffer, Request
from lego.linux.errno import E, LinuxError
from lego.regions import PAGE, PAGE_SHIFT, ObjectId
from mcomponent.cached_object import READAHEAD_MIN, CachedObject, CachedPages
from mcomponent.counters import MemoryCounters
from mcomponent.frames import ZERO_PAGE, Frames
from scomponent.messages import HandleStat, ReadAt, SetSize, WriteAt

Call = Callable[[str, Request, Buffer], tuple[Any, Buffer]]

READAHEAD_MAX = 32
"""Pages in one read that nobody asked for yet; Linux's default read_ahead_kb is 128."""
READ_PAGES_MAX = 256
WRITE_PAGES_MAX = 32
"""Pages in one message to storage."""
REREADS_MAX = 8


class PageCache:
    """The page cache of one memory component."""

    def __init__(self, frames: Frames, counters: MemoryCounters, call: Call) -> None:
        self.cached = CachedPages(frames, counters)
        self._frames = frames
        self._counters = counters
        self._call = call

    # ---- pages ---------------------------------------------------------------------------------------

    def pages(self, thing: ObjectId, handle: int, first: int, count: int = 1) -> list[Buffer]:
        """Contents of page `first` and of up to `count` - 1 that follow it and are at hand.

        The buffers may be views of frames: use them before anything else is asked of this component.
        Raises EIO beyond the end of a file, EFAULT for anonymous memory that nobody maps.
        """
        if thing.store.startswith("M"):
            return self._anonymous_pages(thing, first, count)
        with self._use(thing, handle) as cached:
            pages = self._pages(cached, handle, first, count)
        if not pages:
            raise LinuxError(E.EIO, f"page {first} lies beyond the end of the file")
        return pages

    def hit(self, thing: ObjectId, handle: int, page: int) -> memoryview | None:
        """One page, if it is here and the handle is trusted: the short way of `pages`."""
        cached = self.cached.objects.get(thing)
        if cached is None or handle not in cached.validated:
            return None
        frame = cached.pages.get(page)
        if frame is None:
            return None
        self._counters.page_cache_hits += 1
        self.cached.touch(frame)
        return self._frames.view(frame)

    def store(self, thing: ObjectId, handle: int, contents: dict[int, Buffer]) -> None:
        """Keeps dirty pages; those beyond the end of a file are dropped, as they have no place in it.
        Raises ENOMEM, changing nothing."""
        if thing.store.startswith("M"):
            cached = self.cached.objects.get(thing)
            if cached is None:
                self._counters.dropped_flushes += len(contents)
                return
            if cached.version is not None:
                inside = {page: data for page, data in contents.items() if page << PAGE_SHIFT < cached.size}
                self._counters.dropped_flushes += len(contents) - len(inside)
                contents = inside
            self.make_room(len(contents))
            self.cached.store_dirty(cached, 0, contents)
            return
        self.make_room(len(contents))
        with self._use(thing, handle) as cached:
            if cached.version is None:
                self._look(cached, handle)
            inside = {page: data for page, data in contents.items() if page << PAGE_SHIFT < cached.size}
            self._counters.dropped_flushes += len(contents) - len(inside)
            self.cached.store_dirty(cached, handle, inside)

    # ---- calls on open files -------------------------------------------------------------------------

    def read(self, thing: ObjectId, handle: int, offset: int, length: int) -> tuple[Buffer, int]:
        """pread(2): (bytes, the file's size). Raises what storage says."""
        with self._use(thing, handle) as cached:
            if cached.version is not None and offset >= cached.size:
                self._look(cached, handle)  # Somebody else may have appended to it.
            out = bytearray()
            while length > 0 and (cached.version is None or offset < cached.size):
                page, within = divmod(offset, PAGE)
                pages = self._pages(cached, handle, page, (within + length + PAGE - 1) >> PAGE_SHIFT)
                if not pages:
                    break
                got = min(len(pages) * PAGE - within, length, cached.size - offset)
                if got <= 0:
                    break
                for index, data in enumerate(pages):
                    out += memoryview(data)[within if index == 0 else 0 : within + got - index * PAGE]
                offset += got
                length -= got
            return out, cached.size

    def write(
        self, thing: ObjectId, handle: int, offset: int, append: bool, data: Buffer, strip: bool = False
    ) -> tuple[int, int]:
        """pwrite(2), through to storage: (bytes written, where an append ended or else the file's size)."""
        with self._use(thing, handle) as cached:
            cached.generation += 1
            try:
                reply, _ = self._call(thing.store, WriteAt(handle, offset, append, strip), data)
            finally:
                cached.generation += 1
            if reply.count:
                if reply.offset > cached.size:
                    self.cached.zero_tail(cached, cached.size)
                self.cached.patch(cached, reply.offset, memoryview(data)[: reply.count])
            cached.version = (reply.size, reply.mtime_ns, reply.ctime_ns)
            return reply.count, reply.offset + reply.count if append else reply.size

    def truncate(self, thing: ObjectId, handle: int, size: int, strip: bool = False) -> None:
        """ftruncate(2): pages beyond the new end are dropped, dirty or not, and the rest of the last one is zero."""
        with self._use(thing, handle) as cached:
            cached.generation += 1
            try:
                reply, _ = self._call(thing.store, SetSize(handle, size, strip), b"")
            finally:
                cached.generation += 1
            self.cached.zero_tail(cached, min(size, cached.size))
            self.cached.drop_range(cached, (size + PAGE - 1) >> PAGE_SHIFT, None)
            cached.version = (reply.size, reply.mtime_ns, reply.ctime_ns)

    def sync(self, thing: ObjectId, handle: int = 0, report: bool = True) -> None:
        """Writes all dirty pages of a file to storage, through `handle` or else those that they came with.

        With `report`, raises the errno of a write-back that failed since the last time, once. Such pages are clean
        afterwards, as on Linux.
        """
        cached = self.cached.objects.get(thing)
        if cached is None or cached.anonymous:
            return
        cached.users += 1
        if handle:
            cached.dirty = dict.fromkeys(cached.dirty, handle)
        error = 0
        try:
            self._write_back(cached)
        finally:
            cached.users -= 1
            if report:
                error, cached.error = cached.error, 0
            self.cached.settle(cached)
        if error:
            raise LinuxError(error, "a page could not be written to storage")

    def forget(self, thing: ObjectId, offset: int, length: int) -> None:
        """Something else changed a range of the file: writes what is dirty, drops the pages of the range, and
        trusts the others only after asking again. `length` 0 is to the end."""
        cached = self.cached.objects.get(thing)
        if cached is None or cached.anonymous:
            return
        cached.users += 1
        try:
            self._write_back(cached)
        finally:
            cached.users -= 1
            cached.generation += 1
            cached.validated.clear()
            end = (offset + length + PAGE - 1) >> PAGE_SHIFT if length else None
            self.cached.drop_range(cached, offset >> PAGE_SHIFT, end)
            self.cached.settle(cached)

    # ---- shared anonymous memory ---------------------------------------------------------------------

    def map_anonymous(self, thing: ObjectId, length: int) -> None:
        """`length` more bytes (or fewer, when negative) of an anonymous object are mapped; with the last of
        them its pages go."""
        cached = self.cached.get(thing)
        cached.mapped_bytes += length
        assert cached.mapped_bytes >= 0, f"{thing} is unmapped more often than mapped"
        if cached.mapped_bytes == 0 and not cached.held:
            self.cached.drop(cached, list(cached.pages))
            del self.cached.objects[thing]

    def _anonymous_pages(self, thing: ObjectId, first: int, count: int) -> list[Buffer]:
        cached = self.cached.objects.get(thing)
        if cached is None:
            raise LinuxError(E.EFAULT, "this shared memory is not mapped")
        if cached.version is not None and first << PAGE_SHIFT >= cached.size:
            raise LinuxError(E.EIO, f"page {first} lies beyond the end of the memory")
        found = self._present(cached, first, count)
        if not found:
            self._counters.zero_pages += 1
            if cached.held:  # A fault gives a page of a memory object a frame (shmem_fault), and somebody may ask.
                self.make_room(1)
                cached.pages[first] = self._frames.allocate()
            return [ZERO_PAGE]
        return found

    # ---- room ----------------------------------------------------------------------------------------

    @property
    def available(self) -> int:
        """Frames that are free, or that hold clean pages."""
        return self._frames.free + self.cached.clean_pages

    def make_room(self, count: int) -> None:
        """Sees to it that `count` frames are free, if that can be done by evicting pages of files: clean ones,
        or else after writing dirty ones. To be called while nothing is half done."""
        if self._frames.free >= count:
            return
        self.cached.evict(count - self._frames.free)
        for cached in list(self.cached.objects.values()):
            if self._frames.free >= count:
                return
            if cached.dirty:
                cached.users += 1
                try:
                    self._write_back(cached)
                finally:
                    cached.users -= 1
                self.cached.evict(max(0, count - self._frames.free))

    # ---- storage -------------------------------------------------------------------------------------

    @contextmanager
    def _use(self, thing: ObjectId, handle: int) -> Iterator[CachedObject]:
        """The object, with cached pages that are known to be those of the file behind the handle."""
        cached = self.cached.get(thing)
        cached.users += 1
        try:
            if handle not in cached.validated:
                if cached.pages:
                    self._look(cached, handle)
                cached.trust(handle)
            yield cached
        finally:
            cached.users -= 1
            self.cached.settle(cached)

    def _look(self, cached: CachedObject, handle: int) -> None:
        """Asks what the file is now."""
        stat = self._call(cached.id.store, HandleStat(handle), b"")[0].stat
        self.cached.see(cached, (stat.size, stat.mtime_ns, stat.ctime_ns))

    def _present(self, cached: CachedObject, first: int, count: int) -> list[Buffer]:
        """Views of the pages from `first` on, as far as they are here without a gap."""
        found: list[Buffer] = []
        for page in range(first, first + count):
            frame = cached.pages.get(page)
            if frame is None:
                break
            self.cached.touch(frame)
            found.append(self._frames.view(frame))
        return found

    def _pages(self, cached: CachedObject, handle: int, first: int, count: int) -> list[Buffer]:
        found = self._present(cached, first, count)
        if found:
            self._counters.page_cache_hits += len(found)
            return found
        self._counters.page_cache_misses += 1
        return self._fill(cached, handle, first, count)

    def _fill(self, cached: CachedObject, handle: int, first: int, count: int) -> list[Buffer]:
        """Reads pages that are not here, and more when the file is being read in order; keeps as many as there are
        frames for. Returns at most `count`, none beyond the end of the file."""
        window = min(cached.window * 2, READAHEAD_MAX) if first == cached.next_page else READAHEAD_MIN
        wanted = min(count, READ_PAGES_MAX)
        asked = 1
        while asked < max(window, wanted) and first + asked not in cached.pages:
            asked += 1
        for _ in range(REREADS_MAX):
            generation = cached.generation
            request = ReadAt(handle, first << PAGE_SHIFT, asked << PAGE_SHIFT)
            reply, payload = self._call(cached.id.store, request, b"")
            data = bytes(payload)
            if generation == cached.generation:
                break
        current = generation == cached.generation
        self.cached.see(cached, (reply.size, reply.mtime_ns, reply.ctime_ns))
        got = (len(data) + PAGE - 1) >> PAGE_SHIFT
        cached.window, cached.next_page = window, first + got
        self._counters.readahead_pages += max(0, got - wanted)
        pages: list[Buffer] = []
        for index in range(got):
            page, contents = first + index, data[index << PAGE_SHIFT : (index + 1) << PAGE_SHIFT]
            frame = cached.pages.get(page)
            if frame is not None:  # Somebody else was faster; it may be dirty.
                contents = bytes(self._frames.view(frame))
            elif current:
                self.cached.add_clean(cached, page, contents)
            if index < wanted:
                pages.append(contents.ljust(PAGE, b"\0"))
        return pages

    def _write_back(self, cached: CachedObject) -> None:
        """Writes the pages that are dirty now. What storage refuses is noted in `error`."""
        if not cached.dirty:
            return
        pages = sorted(cached.dirty)
        self._look(cached, cached.dirty[pages[0]])  # Writing a page must not make the file longer than it is.
        while pages:
            run = [pages.pop(0)]
            handle = cached.dirty.get(run[0])
            if handle is None:
                continue
            while pages and pages[0] == run[-1] + 1 and len(run) < WRITE_PAGES_MAX:
                if cached.dirty.get(pages[0]) != handle:
                    break
                run.append(pages.pop(0))
            self._write_run(cached, handle, run)

    def _write_run(self, cached: CachedObject, handle: int, run: list[int]) -> None:
        self.cached.zero_tail(cached, cached.size)
        start = run[0] << PAGE_SHIFT
        data = b"".join(self._frames.view(cached.pages[page]) for page in run)[: max(0, cached.size - start)]
        for page in run:
            del cached.dirty[page]
        try:
            done = 0
            while done < len(data):
                reply, _ = self._call(cached.id.store, WriteAt(handle, start + done), memoryview(data)[done:])
                cached.version = (reply.size, reply.mtime_ns, reply.ctime_ns)
                if not reply.count:
                    raise LinuxError(E.EIO, "storage took no byte")
                done += reply.count
            self._counters.writebacks += len(run)
        except LinuxError as error:
            cached.error = error.errno
            self._counters.writeback_errors += len(run)
        except FabricError:
            for page in run:
                if page in cached.pages:
                    cached.dirty.setdefault(page, handle)
            raise
        finally:
            self.cached.written(cached, run)
