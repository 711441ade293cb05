"""Who owns what of an address space: vRegions (1 GiB each), their owners, and where new memory goes.

The home of a space keeps its `VRegions`. A vRegion gets an owner when something is first mapped in it, and keeps it
as long as the space lives. `HomePlacement` prefers a vRegion whose owner has room, then a fresh one
with an owner that the global manager picks, then two neighbours with an owner each; when no memory has
room, memory is overcommitted as on Linux, and shortage shows when pages are touched.

`Rooms` is what a home knows of the room at each memory component: its own frames exactly, the others' as last told,
and what it has promised to its spaces there already. With one memory component all this comes to
"here", and addresses are Linux's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lego.linux.errno import E, LinuxError
from lego.regions import PAGE, VREGION_SHIFT, Region, page_down
from mcomponent.address_space import AddressSpace, accountable
from mcomponent.layout import MMAP_MIN_ADDRESS

VREGION = 1 << VREGION_SHIFT

Pick = Callable[[int], tuple[str, int]]
"""Asks the global manager for an owner of a vRegion that will hold so many bytes: (memory, its free bytes).
Raises ENOMEM when no memory has room."""


def cut_at_vregions(start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """The parts of a range: (vRegion number, start, end), in order."""
    while start < end:
        number = start >> VREGION_SHIFT
        stop = min(end, (number + 1) << VREGION_SHIFT)
        yield number, start, stop
        start = stop


class VRegions:
    """vRegion number to owner, of one space."""

    def __init__(self, home: str) -> None:
        self.home = home
        self.owners: dict[int, str] = {}
        self._untold: dict[int, str] = {}

    def copy(self) -> VRegions:
        """The map of a forked child, whose processor knows the parent's."""
        other = VRegions(self.home)
        other.owners = self.owners.copy()
        return other

    def assign(self, number: int, owner: str) -> None:
        """Gives a vRegion its owner."""
        self.owners[number] = self._untold[number] = owner

    def told(self) -> dict[int, str]:
        """The owners that the processor was not told of yet; to be part of the next reply."""
        untold, self._untold = self._untold, {}
        return untold

    def owner(self, address: int) -> str:
        """Who has the page tables and frames of an address; the home for those of no vRegion."""
        return self.owners.get(address >> VREGION_SHIFT, self.home)

    def pieces(self, start: int, end: int) -> list[tuple[str, int, int]]:
        """The parts of a range by owner: (owner, start, end), in order, as few as possible."""
        pieces: list[tuple[str, int, int]] = []
        for number, low, high in cut_at_vregions(start, end):
            owner = self.owners.get(number, self.home)
            if pieces and pieces[-1][0] == owner:
                pieces[-1] = (owner, pieces[-1][1], high)
            else:
                pieces.append((owner, low, high))
        return pieces

    def all_owners(self) -> list[str]:
        """Every component that has a part of the space, the home included, by name."""
        return sorted({self.home, *self.owners.values()})


class Rooms:
    """Free bytes of the memory components, as one home sees them."""

    def __init__(self, name: str, memories: list[str], capacity: int, available: Callable[[], int]) -> None:
        self.name = name
        self.memories = memories
        self._capacity = capacity
        self._available = available
        self._told: dict[str, int] = {}
        self.promised: dict[str, int] = dict.fromkeys(memories, 0)
        """Writable private memory that this home's spaces have mapped at each."""

    def tell(self, memory: str, free_bytes: int) -> None:
        """Notes what another component was said to have."""
        self._told[memory] = free_bytes

    def room(self, memory: str) -> int:
        """Bytes that may still be given out there."""
        free = self._available() if memory == self.name else self._told.get(memory, self._capacity)
        return max(0, min(free, self._capacity - self.promised[memory]))

    def ranked(self) -> list[str]:
        """The components, that with the most room first, by name among equals."""
        return sorted(self.memories, key=lambda memory: (-self.room(memory), self.memories.index(memory)))

    def promise(self, vregions: VRegions, region: Region, sign: int) -> None:
        """Counts a mapping that came (`sign` 1) or went (-1)."""
        if accountable(region):
            for owner, start, end in vregions.pieces(region.start, region.end):
                self.promised[owner] += sign * (end - start)


class HomePlacement:
    """The `Placement` of a space at its home."""

    def __init__(self, space: AddressSpace, vregions: VRegions, rooms: Rooms, pick: Pick) -> None:
        self._space = space
        self._vregions = vregions
        self._rooms = rooms
        self._pick = pick

    def place(self, length: int, need: int) -> int | None:
        """A free range for `length` bytes, with owners for all of it; None when the address space has none."""
        start = self._space.search(length)
        if len(self._rooms.memories) > 1 and (start is None or not self._roomy(start, length, need)):
            better = self._in_owned(length, need)
            if better is None:
                better = self._in_fresh(length, need)
            if better is None:
                better = self._across_two(length, need)
            start = better if better is not None else start
        if start is not None:
            self._own(start, length, need)
        return start

    def extend(self, start: int, length: int, need: int, firm: bool) -> bool:
        """Gives owners to a range; refuses when they have no room for it, unless `firm` or there is but one memory."""
        if not firm and len(self._rooms.memories) > 1 and not self._roomy(start, length, need):
            return False
        self._own(start, length, need)
        return True

    def assign_program(self, regions: list[Region], spread: bool) -> None:
        """Gives owners to the vRegions of a program that is about to be mapped: the home, or with `spread` those
        that the global manager picks in turn."""
        for region in regions:
            for number, start, end in cut_at_vregions(region.start, region.end):
                if number not in self._vregions.owners:
                    self._vregions.assign(number, self._choose(end - start) if spread else self._vregions.home)

    def _roomy(self, start: int, length: int, need: int) -> bool:
        """Whether the owners of a range have room for it; what has no owner yet may get the one with the most."""
        wanted: dict[str, int] = {}
        fresh = 0
        for number, low, high in cut_at_vregions(start, start + length):
            part = min(need, high - low)
            owner = self._vregions.owners.get(number)
            if owner is None:
                fresh = max(fresh, part)
            else:
                wanted[owner] = wanted.get(owner, 0) + part
        room = self._rooms.room
        if any(room(owner) < part for owner, part in wanted.items()):
            return False
        return not fresh or any(room(each) >= fresh + wanted.get(each, 0) for each in self._rooms.memories)

    def _own(self, start: int, length: int, need: int) -> None:
        """Gives an owner to every vRegion of a range that has none."""
        for number, low, high in cut_at_vregions(start, start + length):
            if number in self._vregions.owners:
                continue
            if need == 0 and high - low == VREGION:
                # A reservation of address space: nobody knows what will be used of it, so all share it.
                memories = self._rooms.memories
                self._vregions.assign(number, memories[number % len(memories)])
            else:
                self._vregions.assign(number, self._choose(min(need, high - low)))

    def _choose(self, need: int) -> str:
        if len(self._rooms.memories) == 1:
            return self._rooms.name
        try:
            memory, free_bytes = self._pick(max(need, PAGE))
        except LinuxError as error:
            if error.errno != E.ENOMEM:
                raise
            return self._rooms.ranked()[0]
        self._rooms.tell(memory, free_bytes)
        # The manager knows what is used, this home what it has promised besides.
        return memory if self._rooms.room(memory) >= need else self._rooms.ranked()[0]

    def _in_owned(self, length: int, need: int) -> int | None:
        for number in sorted(self._vregions.owners, reverse=True):
            if self._rooms.room(self._vregions.owners[number]) >= need:
                low = max(number << VREGION_SHIFT, MMAP_MIN_ADDRESS)
                high = min((number + 1) << VREGION_SHIFT, self._space.mmap_base)
                found = self._space.highest_gap(length, low, high) if high - low >= length else None
                if found is not None:
                    return found
        return None

    def _fresh_numbers(self) -> Iterator[int]:
        """vRegions below the mmap base that nothing is mapped in and that nobody owns, from the top."""
        number = self._space.mmap_base >> VREGION_SHIFT
        while number > 1:
            number -= 1
            start = number << VREGION_SHIFT
            if number not in self._vregions.owners and not self._space.regions.overlapping(start, start + VREGION):
                yield number

    def _in_fresh(self, length: int, need: int) -> int | None:
        if length > VREGION or self._rooms.room(self._rooms.ranked()[0]) < need:
            return None
        number = next(self._fresh_numbers(), None)
        return None if number is None else ((number + 1) << VREGION_SHIFT) - length

    def _across_two(self, length: int, need: int) -> int | None:
        """A range that lies partly in one fresh vRegion and partly in the next, as the two memories with the
        most room can take it."""
        first, second = self._rooms.ranked()[:2]
        high = page_down(min(self._rooms.room(first), length - PAGE))
        low = length - high
        if high <= 0 or self._rooms.room(second) < low or high > VREGION or low > VREGION or need < length:
            return None
        above = None
        for number in self._fresh_numbers():
            if above == number + 1:
                self._vregions.assign(above, first)
                self._vregions.assign(number, second)
                return (above << VREGION_SHIFT) - low
            above = number
        return None
