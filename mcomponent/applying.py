"""Carrying out a `Change` of a layout: owners get their parts, references are counted, contents are moved."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from lego.fabric.errors import FabricError
from lego.regions import PAGE, Region
from mcomponent.address_space import Change
from mcomponent.core import Core, HomeSpace
from mcomponent.memory_messages import (
    ObjectSync,
    OwnerAssign,
    OwnerMove,
    OwnerTake,
)
from mcomponent.messages import (
    Flush,
    cache_of,
)
from mcomponent.references import Released
from mcomponent.remapping import RemapPlan
from mcomponent.shared_messages import MemoryMapped
from mcomponent.vregion import VRegions
from scomponent.messages import Close

log = logging.getLogger("lego.memory")

MOVE_PAGES = 64
"""Pages in one message between two owners."""


class Applying:
    """The home's way to the other parts of a space."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def apply(self, space: int, home: HomeSpace, change: Change) -> None:
        """Tells the owners what changed, and gives back what nobody maps any more."""
        released = self.count(home, change.placed, change.taken)
        self.tell_owners(space, home.vregions, change.removed, change.added)
        self.release(released)

    def count(self, home: HomeSpace, placed: Iterable[Region], taken: Iterable[Region]) -> Released:
        """Counts references and promises."""
        for sign, regions in ((1, placed), (-1, taken)):
            for region in regions:
                self._core.rooms.promise(home.vregions, region, sign)
        released = self._core.references.count(placed, taken)
        for thing, more in released.elsewhere:
            try:
                self._core.call(thing.store, MemoryMapped(thing, more))
            except FabricError as error:  # The memory is gone, and the object with it.
                log.warning("%s could not count mappings: %s", self._core.name, error)
        return released

    def tell_owners(
        self, space: int, vregions: VRegions, removed: Iterable[tuple[int, int]], added: Iterable[Region]
    ) -> None:
        """Has every owner drop and take on its parts of a change."""
        parts: dict[str, OwnerAssign] = {}
        for start, end in removed:
            for owner, low, high in vregions.pieces(start, end):
                parts.setdefault(owner, OwnerAssign(space, [], [])).removed.append((low, high))
        for region in added:
            for owner, low, high in vregions.pieces(region.start, region.end):
                parts.setdefault(owner, OwnerAssign(space, [], [])).added.append(region.cut(low, high))
        for owner in sorted(parts):
            self._core.ask(owner, parts[owner])

    def release(self, released: Released) -> None:
        """Writes back what writable shared mappings left dirty, and closes handles."""
        for thing, handle in released.written:
            self._core.ask(cache_of(thing, self._core.memories), ObjectSync(thing, handle))
        closed: dict[str, list[int]] = {}
        for each in released.closed:
            closed.setdefault(each.store, []).append(each.number)
        for store in sorted(closed):
            try:
                self._core.call(store, Close(closed[store]))
            except FabricError as error:  # What it had open is gone with it; the process will notice by itself.
                log.warning("%s could not give handles back: %s", self._core.name, error)

    # ---- mremap ----------------------------------------------------------------------------------------

    def move(self, space: int, home: HomeSpace, plan: RemapPlan) -> None:
        """Moves the contents of a remapping, after its target was assigned to its owners. When another memory
        has no frames for them (ENOMEM), the old place still has everything."""
        assert plan.moved is not None
        start, to, length = plan.moved
        within: list[tuple[str, OwnerMove]] = []
        for owner, target, low, high in self._pieces(home.vregions, start, to, length):
            if owner == target:
                within.append((owner, OwnerMove(space, low, low - start + to, high - low)))
            else:
                self._carry(space, owner, target, low, high, to - start)
        for owner, request in within:
            self._core.ask(owner, request)

    @staticmethod
    def _pieces(vregions: VRegions, start: int, to: int, length: int) -> list[tuple[str, str, int, int]]:
        """A range that moves, cut where the old or the new owner changes: (old owner, new owner, start, end)."""
        pieces = []
        for owner, low, high in vregions.pieces(start, start + length):
            for target, new_low, new_high in vregions.pieces(low - start + to, high - start + to):
                pieces.append((owner, target, new_low - to + start, new_high - to + start))
        return pieces

    def _carry(self, space: int, owner: str, target: str, low: int, high: int, distance: int) -> None:
        for start in range(low, high, MOVE_PAGES * PAGE):
            end = min(high, start + MOVE_PAGES * PAGE)
            reply, payload = self._core.ask(owner, OwnerTake(space, start, end))
            if reply.addresses:
                moved = Flush(space, [address + distance for address in reply.addresses])
                self._core.ask(target, moved, bytes(payload))
                self._core.counters.moved_pages += len(reply.addresses)
