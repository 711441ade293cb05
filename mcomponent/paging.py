"""The owner's side: misses and flushes of the vRegions that this component owns, and its part of layout changes.

A miss finds the region, then the contents of the page: a frame of the page table, or else what the file says,
or else zeros. A page of a private file mapping gets a frame of its own only when a dirty line of it is
flushed; until then it shows the page cache, as on Linux. Untouched anonymous pages have no frame at all.
"""

from __future__ import annotations

from lego.fabric.wire import Buffer, Done
from lego.linux.errno import E, LinuxError
from lego.linux.mman import MAP_SHARED, PROT_READ
from lego.regions import NOT_FORKED, PAGE, PAGE_SHIFT, VREGION_SHIFT, WIPED_ON_FORK, Region
from mcomponent.core import Core, OwnedSpace
from mcomponent.frames import ZERO_PAGE
from mcomponent.memory_messages import (
    Grow,
    OwnerAssign,
    OwnerExit,
    OwnerForget,
    OwnerFork,
    OwnerMove,
    OwnerResident,
    OwnerTake,
    ResidentReply,
    TakeReply,
)
from mcomponent.messages import (
    Flush,
    Miss,
    MissReply,
    ObjectMiss,
    cache_of,
)

DONE = Done()
_ONE_PAGE = [MissReply(1, prot) for prot in range(8)]
_RIGHTS = [0] + [prot | PROT_READ for prot in range(1, 8)]
"""PROT_* to the kinds of access that x86 allows: whatever is not PROT_NONE can be read (access_error in fault.c)."""


class Paging:
    """Serves the requests to an owner."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._frames = core.frames
        self._counters = core.counters

    # ---- the hot path --------------------------------------------------------------------------------

    def miss(self, sender: str, request: Miss, payload: Buffer) -> tuple[MissReply, Buffer]:
        """Fetches pages, after writing a dirty one back."""
        owned = self._core.owned.get(request.space)
        if owned is None:
            raise LinuxError(E.ESRCH, f"{self._core.name} owns nothing of space {request.space}")
        if request.flush is not None:
            self._store(owned, [request.flush], payload)
            self._counters.piggybacked_flushes += 1
        self._counters.misses += 1
        address = request.address
        region = owned.last
        grown: Region | None = None
        if region is None or not region.start <= address < region.end:
            region = owned.parts.find(address)
            if region is None:
                grown = self._grow(request.space, owned.home, address)
                region = owned.parts.find(address)
                if region is None:
                    raise LinuxError(E.EFAULT, f"{address:#x} is not mapped")
            owned.last = region
        prot = region.prot
        if request.access & ~_RIGHTS[prot]:
            raise LinuxError(E.EACCES, f"{address:#x} may not be accessed that way")
        if request.pages > 1:
            pages = self._gather(owned, region, address, request.pages)
            self._counters.miss_pages += len(pages)
            return MissReply(len(pages), prot, grown), b"".join(pages) if len(pages) > 1 else pages[0]
        self._counters.miss_pages += 1
        frame = owned.table.entries.get(address >> PAGE_SHIFT)
        if frame is not None:
            page: Buffer = self._frames.view(frame)
        elif region.object is None:
            self._counters.zero_pages += 1
            page = ZERO_PAGE
        else:
            page = self._file_pages(region, address, 1)[0]
        return _ONE_PAGE[prot] if grown is None else MissReply(1, prot, grown), page

    def flush(self, sender: str, request: Flush, payload: Buffer) -> tuple[Done, Buffer]:
        """Writes dirty pages back: all of them, or none and ENOMEM."""
        owned = self._core.owned.get(request.space)
        if owned is None:
            self._counters.dropped_flushes += len(request.addresses)
            return DONE, b""
        self._store(owned, request.addresses, payload)
        return DONE, b""

    def _store(self, owned: OwnedSpace, addresses: list[int], payload: Buffer) -> None:
        if len(payload) != len(addresses) * PAGE:
            raise LinuxError(E.EINVAL, f"{len(addresses)} pages in {len(payload)} bytes")
        table, frames = owned.table, self._frames
        if frames.free < len(addresses):
            wanted = sum(self._wants_frame(owned, address) for address in addresses)
            self._core.cache.make_room(wanted)
            if frames.free < wanted:
                raise LinuxError(E.ENOMEM, f"{self._core.name} has no frame for a dirty page")
        source = memoryview(payload)
        for index, address in enumerate(addresses):
            region = owned.last
            if region is None or not region.start <= address < region.end:
                region = owned.parts.find(address)
            if region is None or region.flags & MAP_SHARED:
                self._counters.dropped_flushes += 1
                continue
            self._counters.flushes += 1
            if table.store(address >> PAGE_SHIFT, source[index << PAGE_SHIFT : (index + 1) << PAGE_SHIFT]):
                self._counters.cow_breaks += 1

    def _wants_frame(self, owned: OwnedSpace, address: int) -> bool:
        frame = owned.table.entries.get(address >> PAGE_SHIFT)
        return (frame is None or self._frames.shared(frame)) and owned.parts.find(address) is not None

    def _gather(self, owned: OwnedSpace, region: Region, address: int, pages: int) -> list[Buffer]:
        """Up to `pages` pages from an address on that are all private, or all the file's."""
        end = min(region.end, ((address >> VREGION_SHIFT) + 1) << VREGION_SHIFT)
        first = address >> PAGE_SHIFT
        last = min(first + pages, end >> PAGE_SHIFT)
        entries = owned.table.entries
        found: list[Buffer] = []
        if first in entries:
            for page in range(first, last):
                frame = entries.get(page)
                if frame is None:
                    break
                found.append(self._frames.view(frame))
            return found
        if region.object is None:
            self._counters.zero_pages += 1
            return [ZERO_PAGE]
        stop = first + 1
        while stop < last and stop not in entries:
            stop += 1
        return self._file_pages(region, address, stop - first)

    def _file_pages(self, region: Region, address: int, count: int) -> list[Buffer]:
        """Pages of what a region maps, as bytes: a frame of the page cache may serve another page by the
        time that a reply is sent."""
        thing = region.object
        assert thing is not None
        core = self._core
        page = (address - region.start + region.offset) >> PAGE_SHIFT
        memory = cache_of(thing, core.memories)
        if memory == core.name:
            if count == 1:
                found = core.cache.hit(thing, region.handle, page)
                if found is not None:
                    return [bytes(found)]
            core.cache.make_room(1)
            return [bytes(each) for each in core.cache.pages(thing, region.handle, page, count)]
        reply, payload = core.call(memory, ObjectMiss(thing, region.handle, page, count))
        data = bytes(payload)
        return [data[index << PAGE_SHIFT : (index + 1) << PAGE_SHIFT] for index in range(reply.pages)]

    def _grow(self, space: int, home: str, address: int) -> Region | None:
        region: Region | None = self._core.ask(home, Grow(space, address))[0].region
        if region is not None:
            self._counters.stack_growths += 1
        return region

    # ---- the owner's part of layout changes ------------------------------------------------------------

    def assign(self, sender: str, request: OwnerAssign, payload: Buffer) -> tuple[Done, Buffer]:
        """Regions went and came."""
        owned = self._core.owned.get(request.space)
        if owned is None:
            owned = self._core.owned[request.space] = OwnedSpace(sender, self._frames)
        for start, end in request.removed:
            owned.parts.remove(start, end)
            owned.table.release(start, end)
        for region in request.added:
            owned.parts.insert(region)
        owned.last = None
        return DONE, b""

    def forget(self, sender: str, request: OwnerForget, payload: Buffer) -> tuple[Done, Buffer]:
        """Private contents are gone, their regions stay."""
        owned = self._core.owned.get(request.space)
        if owned is not None:
            for start, end in request.ranges:
                owned.table.release(start, end)
        return DONE, b""

    def take(self, sender: str, request: OwnerTake, payload: Buffer) -> tuple[TakeReply, Buffer]:
        """Reads private contents, to be installed at another owner."""
        owned = self._core.owned.get(request.space)
        if owned is None:
            return TakeReply([]), b""
        pages = owned.table.pages(request.start, request.end)
        data = b"".join(self._frames.view(owned.table.entries[page]) for page in pages)
        return TakeReply([page << PAGE_SHIFT for page in pages]), data

    def move(self, sender: str, request: OwnerMove, payload: Buffer) -> tuple[Done, Buffer]:
        """Private contents go to another range of the same owner."""
        owned = self._core.owned.get(request.space)
        if owned is not None:
            owned.table.move(request.start, request.to, request.length)
        return DONE, b""

    def fork(self, sender: str, request: OwnerFork, payload: Buffer) -> tuple[Done, Buffer]:
        """The child gets the same regions and, copy-on-write, the same contents."""
        if request.child in self._core.owned:
            raise LinuxError(E.EEXIST, f"space {request.child} exists")
        parent = self._core.owned.get(request.space)
        if parent is None:
            return DONE, b""
        child = OwnedSpace(parent.home, self._frames)
        child.table = parent.table.copy()
        for region in parent.parts:
            if not region.flags & NOT_FORKED:
                child.parts.insert(region)
            if region.flags & (NOT_FORKED | WIPED_ON_FORK):
                child.table.release(region.start, region.end)
        self._core.owned[request.child] = child
        return DONE, b""

    def exit(self, sender: str, request: OwnerExit, payload: Buffer) -> tuple[Done, Buffer]:
        """Gives back all that a space has here."""
        owned = self._core.owned.pop(request.space, None)
        if owned is not None:
            owned.table.clear()
        return DONE, b""

    def resident(self, sender: str, request: OwnerResident, payload: Buffer) -> tuple[ResidentReply, Buffer]:
        """Counts frames."""
        owned = self._core.owned.get(request.space)
        if owned is None:
            return ResidentReply([0] * len(request.ranges)), b""
        return ResidentReply([owned.table.count(start, end) for start, end in request.ranges]), b""
