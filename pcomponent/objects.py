"""Shared objects on this processor: what processes here map with MAP_SHARED, and the keys of its lines.

An object gets a small number when it is mapped here; its lines carry that number, so each page has one line
whoever maps it. It is forgotten when the last of its mappings is gone. Numbers are not reused, so that a stale key
cannot come to mean another object.

    objects.map(region)        a region maps the object ...
    objects.unmap(region)      ... and no longer does; True when nobody else does either
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from lego.linux.mman import MAP_SHARED, PROT_EXEC, PROT_READ, PROT_WRITE
from lego.regions import PAGE_SHIFT, ObjectId, Region
from pcomponent.excache import layout as at


def rights_of(prot: int) -> int:
    """What x86 can enforce of PROT_*: whatever may be written or executed may be read (no protection keys)."""
    return prot | PROT_READ if prot & (PROT_WRITE | PROT_EXEC) else prot


PAGES = at.PAGE_MASK + 1
"""Pages of an object that can be mapped here, 256 TiB."""


class SharedObject:
    """One object; `handle` is one of the memory component's for it, for misses and write-backs."""

    def __init__(self, thing: ObjectId, number: int) -> None:
        self.thing = thing
        self.number = number
        self.base_key = at.OBJECT_BIT | number << at.KEY_SPACE_SHIFT
        self.handle = 0
        self.handle_writable = False
        self.mapped_bytes = 0
        """In all regions of all spaces here."""

    def keys(self, first: int = 0, end: int = PAGES) -> tuple[int, int]:
        """[low, high) of the keys of its pages [first, end). Those from `PAGES` have none: keys would be another's."""
        return self.base_key + min(first, PAGES), self.base_key + min(end, PAGES)


class SharedObjects:
    """All objects that are mapped here."""

    def __init__(self) -> None:
        self._by_id: dict[ObjectId, SharedObject] = {}
        self._by_number: dict[int, SharedObject] = {}
        self._next = 0
        self.watchers: dict[ObjectId, Callable[[], None]] = {}
        """Called whenever mappings of an object come or go (System V segments count them)."""

    def __len__(self) -> int:
        return len(self._by_id)

    def of(self, thing: ObjectId) -> SharedObject:
        """The object, which a region maps."""
        return self._by_id[thing]

    def map(self, region: Region) -> None:
        """A region maps an object; dirty lines need the handle of a writable one."""
        thing = region.object
        assert thing is not None
        shared = self._by_id.get(thing)
        if shared is None:
            shared = self._by_id[thing] = self._by_number[self._next] = SharedObject(thing, self._next)
            self._next += 1
        shared.mapped_bytes += region.length
        writable = bool(region.prot & PROT_WRITE)
        if writable or not shared.handle_writable:
            shared.handle, shared.handle_writable = region.handle, writable

    def unmap(self, region: Region) -> bool:
        """A region, or a part of one, maps its object no longer. True when it was the last: the caller gives the lines
        up, and then calls `forget`."""
        assert region.object is not None
        shared = self._by_id[region.object]
        shared.mapped_bytes -= region.length
        assert shared.mapped_bytes >= 0, f"{region.object} is unmapped more often than mapped"
        return not shared.mapped_bytes

    def forget(self, shared: SharedObject) -> None:
        """Nothing maps the object, and no line is left of it."""
        del self._by_id[shared.thing], self._by_number[shared.number]

    def tell(self, regions: Iterable[Region]) -> None:
        """Calls the watchers of what some regions map or mapped."""
        if self.watchers:
            for thing in dict.fromkeys(region.object for region in regions):
                if thing in self.watchers:
                    self.watchers[thing]()

    def windows(self, regions: Iterable[Region]) -> list[tuple[int, int, int, int]]:
        """The shared mappings among some regions, as the ExCache wants to know them (see `excache.layout`)."""
        windows = []
        for region in regions:
            if region.flags & MAP_SHARED and region.object is not None:
                first, start = region.offset >> PAGE_SHIFT, region.start >> PAGE_SHIFT
                low, high = self.of(region.object).keys(first, first + (region.length >> PAGE_SHIFT))
                if low < high:
                    windows.append((start, start + high - low, low, rights_of(region.prot)))
        return windows

    def known(self, thing: ObjectId) -> SharedObject | None:
        """The object, if anything here maps it."""
        return self._by_id.get(thing)

    def by_key(self, key: int) -> SharedObject:
        """The object that a line's key belongs to."""
        return self._by_number[(key & ~at.OBJECT_BIT) >> at.KEY_SPACE_SHIFT]
