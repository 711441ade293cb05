"""The pages that a memory component keeps of files and of shared anonymous memory; no messages are sent here.

A page of a file is *clean*, and then in the list of what may be evicted, least recently used first; or *dirty*,
and then kept until it was written to storage; or being written, and then in neither list. Pages of
shared anonymous memory have no place to be written to and live as long as somebody maps the object.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from lego.fabric.wire import Buffer
from lego.linux.errno import LinuxError
from lego.regions import PAGE, PAGE_SHIFT, ObjectId
from mcomponent.counters import MemoryCounters
from mcomponent.frames import Frames

EVICT_BATCH = 16
"""How many pages are evicted when no frame is free, so that it is not done for every page."""
HANDLES_REMEMBERED = 64
READAHEAD_MIN = 4

Version = tuple[int, int, int]
"""(size, mtime_ns, ctime_ns) of a file: what tells that somebody else changed it."""


class CachedObject:
    """What is known of one object."""

    def __init__(self, thing: ObjectId) -> None:
        self.id = thing
        self.anonymous = thing.store.startswith("M")
        self.pages: dict[int, int] = {}
        """Page index to frame."""
        self.dirty: dict[int, int] = {}
        """Dirty pages of a file, each with the handle that it can be written through."""
        self.version: Version | None = None
        """Known whenever there are pages."""
        self.generation = 0
        """Counts changes of contents, for a reader to know that what it fetched meanwhile is stale."""
        self.validated: dict[int, None] = {}
        """Handles whose user has seen that the cached pages are the file's."""
        self.users = 0
        """Calls to storage on behalf of this object that have not returned."""
        self.error = 0
        """The errno of a write-back that failed, to be told once by the next fsync (errseq_t)."""
        self.mapped_bytes = 0
        """Of shared anonymous memory: in all regions of all spaces."""
        self.held = False
        """A memory object that a processor knows by number, mapped or not."""
        self.next_page = 0
        """Where the last read from storage ended: a miss there is sequential."""
        self.window = READAHEAD_MIN
        """Pages of the last read from storage."""

    @property
    def size(self) -> int:
        """The file's size in bytes, as last seen."""
        return self.version[0] if self.version is not None else 0

    def resize(self, size: int) -> None:
        """Gives a memory object another size; its pages are the caller's to drop."""
        self.version = (size, 0, 0)

    def trust(self, handle: int) -> None:
        """Remembers that a handle was compared with what is cached."""
        if len(self.validated) >= HANDLES_REMEMBERED:
            del self.validated[next(iter(self.validated))]
        self.validated[handle] = None


class CachedPages:
    """All objects of a component, and the order in which their clean pages are evicted."""

    def __init__(self, frames: Frames, counters: MemoryCounters) -> None:
        self.frames = frames
        self.counters = counters
        self.objects: dict[ObjectId, CachedObject] = {}
        self._clean: OrderedDict[int, tuple[CachedObject, int]] = OrderedDict()
        """Frame to its page; the least recently used first."""
        frames.reclaim = lambda: self.evict(EVICT_BATCH)

    # ---- objects -------------------------------------------------------------------------------------

    def get(self, thing: ObjectId) -> CachedObject:
        """The object, made when it is not known yet; `settle` it when done."""
        found = self.objects.get(thing)
        if found is None:
            found = self.objects[thing] = CachedObject(thing)
        return found

    def settle(self, cached: CachedObject) -> None:
        """Forgets an object of which nothing is kept."""
        if not (cached.pages or cached.users or cached.error or cached.anonymous):
            self.objects.pop(cached.id, None)

    def see(self, cached: CachedObject, version: Version) -> None:
        """Notes what the file is now. When somebody else changed it, what was cached of it is stale."""
        if cached.version is not None and cached.version != version:
            cached.generation += 1
            self.drop(cached, [page for page in cached.pages if page not in cached.dirty])
        cached.version = version

    # ---- pages ---------------------------------------------------------------------------------------

    def touch(self, frame: int) -> None:
        """Notes a use of a page."""
        if frame in self._clean:
            self._clean.move_to_end(frame)

    def add_clean(self, cached: CachedObject, page: int, contents: Buffer) -> bool:
        """Keeps a page that was just read, if there is a frame for it."""
        try:
            frame = self.frames.allocate(contents)
        except LinuxError:
            self.counters.uncached_pages += 1
            return False
        cached.pages[page] = frame
        self._clean[frame] = (cached, page)
        return True

    def store_dirty(self, cached: CachedObject, handle: int, contents: dict[int, Buffer]) -> None:
        """Keeps dirty pages. Raises ENOMEM, changing nothing, when there are not enough frames."""
        held = [page for page in contents if page in cached.pages]
        for page in held:
            self._clean.pop(cached.pages[page], None)  # Making room for the others must not evict it.
        new: dict[int, int] = {}
        try:
            for page, data in contents.items():
                if page not in cached.pages:
                    new[page] = self.frames.allocate(data)
        except LinuxError:
            for frame in new.values():
                self.frames.release(frame)
            self.written(cached, held)
            raise
        for page in held:
            self.frames.view(cached.pages[page])[:] = contents[page]
        cached.pages.update(new)
        cached.generation += 1
        if not cached.anonymous:
            cached.dirty.update(dict.fromkeys(contents, handle))

    def written(self, cached: CachedObject, pages: Iterable[int]) -> None:
        """Pages that were being written are clean from now on, unless they became dirty again."""
        if cached.anonymous:
            return
        for page in pages:
            frame = cached.pages.get(page)
            if frame is not None and page not in cached.dirty:
                self._clean[frame] = (cached, page)

    def drop(self, cached: CachedObject, pages: Iterable[int]) -> None:
        """Forgets pages, dirty ones too."""
        for page in pages:
            frame = cached.pages.pop(page)
            cached.dirty.pop(page, None)
            self._clean.pop(frame, None)
            self.frames.release(frame)

    def drop_range(self, cached: CachedObject, first: int, end: int | None) -> None:
        """Forgets the pages with an index in [first, end); None is the end of the object."""
        self.drop(cached, sorted(page for page in cached.pages if first <= page and (end is None or page < end)))

    def patch(self, cached: CachedObject, offset: int, data: Buffer) -> None:
        """Writes bytes into those cached pages that they concern."""
        end = offset + len(data)
        with memoryview(data) as source:
            for page in range(offset >> PAGE_SHIFT, (end + PAGE - 1) >> PAGE_SHIFT):
                frame = cached.pages.get(page)
                if frame is not None:
                    start = page << PAGE_SHIFT
                    low, high = max(offset, start), min(end, start + PAGE)
                    self.frames.view(frame)[low - start : high - start] = source[low - offset : high - offset]

    def zero_tail(self, cached: CachedObject, size: int) -> None:
        """Zeroes the part of its last page that lies beyond the end of a file of `size` bytes."""
        within = size % PAGE
        frame = cached.pages.get(size >> PAGE_SHIFT) if within else None
        if frame is not None:
            self.frames.view(frame)[within:] = bytes(PAGE - within)

    # ---- room ----------------------------------------------------------------------------------------

    def evict(self, count: int) -> None:
        """Evicts up to `count` clean pages, the least recently used first."""
        for _ in range(min(count, len(self._clean))):
            frame, (cached, page) = self._clean.popitem(last=False)
            del cached.pages[page]
            self.frames.release(frame)
            self.counters.reclaimed_pages += 1
            self.settle(cached)

    @property
    def clean_pages(self) -> int:
        """Frames that can be had back at once."""
        return len(self._clean)

    def count_pages(self) -> tuple[int, int]:
        """(all pages, dirty ones)."""
        objects = self.objects.values()
        return sum(len(each.pages) for each in objects), sum(len(each.dirty) for each in objects)
