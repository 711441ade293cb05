"""Regions of an address space: what a mapping is, and an ordered map of mappings that never overlap.

Memory components keep their VMAs in a `RegionMap`; a processor keeps its own copy of what it was told,
to serve first touches of anonymous memory without a message and to find shared pages. Both apply the
same operations in the same order, so the copies agree.

All addresses and lengths are in bytes and multiples of the page size; ranges are half open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import msgspec
from sortedcontainers import SortedDict

PAGE_SHIFT = 12
PAGE = 1 << PAGE_SHIFT
VREGION_SHIFT = 30  # 1 GiB, LegoOS's CONFIG_VM_GRANULARITY_ORDER.
NOT_FORKED = 1 << 40
"""A flag of a region besides MAP_*: a child does not get it (MADV_DONTFORK, Linux's VM_DONTCOPY)."""
WIPED_ON_FORK = 1 << 41
"""Likewise: a child gets it with zeros (MADV_WIPEONFORK)."""
NEVER_WRITABLE = 1 << 42
"""A shared mapping that mprotect may not make writable (no VM_MAYWRITE): its file was open for reading only."""
TASK_SIZE = (1 << 47) - PAGE  # arch/x86/include/asm/page_64_types.h, four-level paging.


def page_down(address: int) -> int:
    """The start of the page that holds an address."""
    return address & -PAGE


def page_up(address: int) -> int:
    """The address, rounded up to a page."""
    return (address + PAGE - 1) & -PAGE


def ranges_of(pages: Iterable[int]) -> list[tuple[int, int]]:
    """Page numbers as half open ranges, in order."""
    found: list[tuple[int, int]] = []
    for page in sorted(pages):
        if found and found[-1][1] == page:
            found[-1] = (found[-1][0], page + 1)
        else:
            found.append((page, page + 1))
    return found


class ObjectId(msgspec.Struct, frozen=True, array_like=True, order=True):
    """Something whose pages processes can share: a file, or a piece of shared anonymous memory.

    `store` is the storage component that has the file ("S0"), or the memory component that made the
    anonymous object ("M1"). `number` is never used again within the store.
    """

    store: str
    number: int


class Region(msgspec.Struct, frozen=True, array_like=True):
    """One mapping (Linux's vm_area_struct)."""

    start: int
    end: int
    prot: int
    """PROT_READ | PROT_WRITE | PROT_EXEC."""
    flags: int
    """MAP_SHARED or MAP_PRIVATE, with MAP_ANONYMOUS, MAP_GROWSDOWN and MAP_NORESERVE where they apply."""
    object: ObjectId | None = None
    """What is mapped; None for private anonymous memory."""
    offset: int = 0
    """Where `start` lies in the object, in bytes."""
    handle: int = 0
    """The memory component's own handle of the file at its storage component; 0 for anonymous memory."""
    name: str = ""
    """What /proc/PID/maps shows: a path, "[heap]", "[stack]"."""

    @property
    def length(self) -> int:
        """Bytes."""
        return self.end - self.start

    def cut(self, start: int, end: int) -> Region:
        """The part of this region that lies in [start, end), which must overlap it."""
        start, end = max(start, self.start), min(end, self.end)
        offset = self.offset + (start - self.start) if self.object is not None else 0
        return msgspec.structs.replace(self, start=start, end=end, offset=offset)

    def moved(self, start: int) -> Region:
        """The same mapping at another address."""
        return msgspec.structs.replace(self, start=start, end=start + self.length)

    def continues(self, left: Region) -> bool:
        """Whether `left` and this are one mapping that happens to be in two pieces (vma_merge)."""
        return (
            left.end == self.start
            and left.prot == self.prot
            and left.flags == self.flags
            and left.object == self.object
            and left.handle == self.handle
            and left.name == self.name
            and (self.object is None or left.offset + left.length == self.offset)
        )


class RegionMap:
    """Regions by address; they never overlap, and neighbours that could be one are merged.

    Lookups cost O(log n); operations on a range O(log n + regions touched).
    """

    def __init__(self) -> None:
        self._by_start: SortedDict[int, Region] = SortedDict()
        self._last: Region | None = None
        """What was found last: most faults lie where the one before did."""

    def __len__(self) -> int:
        return len(self._by_start)

    def __iter__(self) -> Iterator[Region]:
        return iter(list(self._by_start.values()))

    def find(self, address: int) -> Region | None:
        """The region that holds an address."""
        last = self._last
        if last is not None and last.start <= address < last.end:
            return last
        index = self._by_start.bisect_right(address) - 1
        if index < 0:
            return None
        region: Region = self._by_start.peekitem(index)[1]
        if address >= region.end:
            return None
        self._last = region
        return region

    def at_or_above(self, address: int) -> Region | None:
        """The region that holds an address, or the next one above it (Linux's find_vma)."""
        region = self.find(address)
        if region is not None:
            return region
        index = self._by_start.bisect_left(address)
        return self._by_start.peekitem(index)[1] if index < len(self._by_start) else None

    def below(self, address: int) -> Region | None:
        """The last region that starts below an address."""
        index = self._by_start.bisect_left(address) - 1
        return self._by_start.peekitem(index)[1] if index >= 0 else None

    def overlapping(self, start: int, end: int) -> list[Region]:
        """The regions that have a byte in [start, end), whole, in order."""
        found = []
        index = max(0, self._by_start.bisect_right(start) - 1)
        for key in self._by_start.islice(index):
            region = self._by_start[key]
            if region.start >= end:
                break
            if region.end > start:
                found.append(region)
        return found

    def covered(self, start: int, end: int) -> bool:
        """Whether every byte of [start, end) lies in some region."""
        for region in self.overlapping(start, end):
            if region.start > start:
                return False
            start = region.end
        return start >= end

    def remove(self, start: int, end: int) -> list[Region]:
        """Takes [start, end) out, splitting what straddles it. Returns the pieces taken out, in order."""
        self._last = None
        removed = []
        for region in self.overlapping(start, end):
            del self._by_start[region.start]
            if region.start < start:
                self._by_start[region.start] = region.cut(region.start, start)
            if region.end > end:
                self._by_start[end] = region.cut(end, region.end)
            removed.append(region.cut(start, end))
        return removed

    def insert(self, region: Region) -> Region:
        """Puts a region in, over whatever was there; returns it as it stands after merging."""
        self.remove(region.start, region.end)  # Forgets what was found last, too.
        left = self.below(region.start)
        if left is not None and region.continues(left):
            del self._by_start[left.start]
            region = msgspec.structs.replace(left, end=region.end)
        right = self._by_start.get(region.end)
        if right is not None and right.continues(region):
            del self._by_start[right.start]
            region = msgspec.structs.replace(region, end=right.end)
        self._by_start[region.start] = region
        return region

    def change(self, start: int, end: int, change: Callable[[Region], Region]) -> None:
        """Replaces every region piece in [start, end) with `change(piece)`, which keeps its range."""
        for piece in self.remove(start, end):
            self.insert(change(piece))

    def copy(self) -> RegionMap:
        """An independent map with the same regions."""
        other = RegionMap()
        other._by_start = self._by_start.copy()
        return other

    def highest_gap(self, length: int, low: int, high: int) -> int | None:
        """The highest start of a free range of `length` bytes within [low, high); None if there is none.

        Linux's top-down search, vm_unmapped_area with VM_UNMAPPED_AREA_TOPDOWN.
        """
        top = high
        index = self._by_start.bisect_left(high) - 1
        while index >= 0:
            region = self._by_start.peekitem(index)[1]
            if region.end < low + length:
                break
            if top - max(region.end, low) >= length:
                return top - length
            top = min(top, region.start)
            index -= 1
        return top - length if top - low >= length else None
