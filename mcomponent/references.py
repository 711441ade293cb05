"""Who still needs a file handle or a piece of shared anonymous memory: counted in bytes of mappings.

Bytes stay the same however regions are split and merged, so what came minus what went is all there is to
know. A handle is closed, and anonymous memory freed, with its last byte.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from lego.linux.mman import MAP_SHARED
from lego.regions import NEVER_WRITABLE, ObjectId, Region
from mcomponent.page_cache import PageCache


class Handle(NamedTuple):
    """An open file at a storage component."""

    store: str
    number: int


class Released(NamedTuple):
    """What a change of mappings leaves to be done with storage."""

    written: list[tuple[ObjectId, int]]
    """Files, each with a handle, of which a writable shared mapping ended: what is dirty goes to storage ..."""
    closed: list[Handle]
    """... before these are closed."""
    elsewhere: list[tuple[ObjectId, int]]
    """Memory objects of other components, of which so many more bytes are mapped, or fewer."""


class References:
    """Counts of one home. The regions are those of all its spaces."""

    def __init__(self, name: str, cache: PageCache) -> None:
        self._name = name
        self._cache = cache
        self._bytes: dict[Handle, int] = {}
        self._writable: set[Handle] = set()

    def __len__(self) -> int:
        return len(self._bytes)

    def opened(self, store: str, number: int, writable: bool) -> None:
        """A handle was opened, for a mapping that is about to be counted."""
        if writable:
            self._writable.add(Handle(store, number))

    def writable(self, region: Region) -> bool:
        """Whether a shared mapping may be given PROT_WRITE."""
        return not region.flags & NEVER_WRITABLE and (
            region.object is None or region.handle == 0 or Handle(region.object.store, region.handle) in self._writable
        )

    def count(self, placed: Iterable[Region], taken: Iterable[Region]) -> Released:
        """Mappings came and went."""
        anonymous: dict[ObjectId, int] = {}
        handles: dict[Handle, int] = {}
        things: dict[Handle, ObjectId] = {}
        shared: set[Handle] = set()
        for sign, regions in ((1, placed), (-1, taken)):
            for region in regions:
                if region.object is None:
                    continue
                if region.handle == 0:
                    anonymous[region.object] = anonymous.get(region.object, 0) + sign * region.length
                    continue
                handle = Handle(region.object.store, region.handle)
                handles[handle] = handles.get(handle, 0) + sign * region.length
                things[handle] = region.object
                if region.flags & MAP_SHARED:
                    shared.add(handle)
        elsewhere: list[tuple[ObjectId, int]] = []
        for thing, more in anonymous.items():
            if more and thing.store != self._name:
                elsewhere.append((thing, more))
            elif more:
                self._cache.map_anonymous(thing, more)
        written: list[tuple[ObjectId, int]] = []
        closed: list[Handle] = []
        for handle, more in handles.items():
            if more < 0 and handle in shared and handle in self._writable:
                written.append((things[handle], handle.number))
            left = self._bytes.get(handle, 0) + more
            if left > 0:
                self._bytes[handle] = left
                continue
            assert left == 0, f"{handle} is unmapped more often than mapped"
            self._bytes.pop(handle, None)
            self._writable.discard(handle)
            closed.append(handle)
        return Released(written, closed, elsewhere)
