"""The other processors of a machine, as the keeper of a vNode sees them, and memory that processes on several share.

A process that shares writable memory stays with those that it shares it with, as long as it does so by fork. Two that
are seated apart can still map the same file or segment. Only one processor runs at a time, so this keeps them
coherent: of an object that is mapped by processes of several seats, at least one of which shares it and may write,
only the seat that ran or was accessed last has lines, its *holder*. Before another does, the holder writes them back
and forgets them (`hold`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from gmanager.messages import Load
from lego.linux.mman import MAP_SHARED, PROT_WRITE
from lego.regions import ObjectId
from pcomponent.seat_messages import Changed, FlushShared
from pcomponent.seats.space import SeatSpace

if TYPE_CHECKING:
    from pcomponent.kernel import Kernel
    from pcomponent.seats.cpu import SeatCpu
    from pcomponent.seats.executor import SeatExecutor

MANAGER = "G"


class Seat:
    """Another processor."""

    def __init__(self, name: str, cpu: SeatCpu, executor: SeatExecutor) -> None:
        self.name = name
        self.cpu = cpu
        self.executor = executor


class Seats:
    """The seats that processes of this keeper have or had, besides its own, which is None everywhere."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._seats: dict[str, Seat] = {}
        self.make: Callable[[str], Seat] | None = None
        """Makes a seat; set by the monitor."""
        self._split: list[ObjectId] = []
        """Objects that are mapped at several seats, in order."""
        self._holder: Seat | None = None
        self._stale = False

    @property
    def several(self) -> bool:
        """Whether the machine has other processors."""
        return self._kernel.config.topology.processors > 1

    @property
    def spreads(self) -> bool:
        """Whether processes move when they are forked or become another program."""
        return self.several and self._kernel.config.placement == "spread"

    def get(self, name: str) -> Seat | None:
        """The seat of a name; None for the keeper's own."""
        if name in ("", self._kernel.endpoint.name):
            return None
        seat = self._seats.get(name)
        if seat is None:
            assert self.make is not None
            seat = self._seats[name] = self.make(name)
        return seat

    def report(self, seat: Seat | None) -> None:
        """Tells the manager how many threads a seat has, in a machine where that matters to it."""
        if not self.several:
            return
        processes = self._kernel.processes.values()
        threads = sum(len(each.threads) for each in processes if each.seat is seat and each.status is None)
        name = self._kernel.endpoint.name if seat is None else seat.name
        self._kernel.endpoint.call(MANAGER, Load(name, threads=threads))

    # ---- shared memory --------------------------------------------------------------------------------

    def mappings_changed(self) -> None:
        """A space has other shared mappings than before, or is gone."""
        self._stale = True

    def mapped(self, thing: ObjectId) -> None:
        """A space maps an object, perhaps privately: its pages are then read from what others share."""
        if self._kernel.objects.known(thing) is not None:
            self._stale = True

    def hold(self, seat: Seat | None) -> None:
        """A seat is about to use its memory. Raises what the memory says when a line cannot be written back."""
        if not self._seats:
            return
        if self._stale:
            self._find_split()
        if seat is not self._holder:
            for thing in self._split:
                self._give_up(self._holder, thing)
            self._holder = seat

    def _find_split(self) -> None:
        self._stale = False
        seats: dict[ObjectId, dict[str, Seat | None]] = {}
        writable: set[ObjectId] = set()
        for space in self._kernel.spaces.values():
            name = "" if space.seat is None else space.seat.name
            for region in space.regions:
                if region.object is not None:  # Private mappings show what is stored, too.
                    seats.setdefault(region.object, {})[name] = space.seat
                    if region.flags & MAP_SHARED and region.prot & PROT_WRITE:
                        writable.add(region.object)
        before = set(self._split)
        self._split = sorted(thing for thing, found in seats.items() if len(found) > 1 and thing in writable)
        for thing in self._split:
            if thing not in before:
                for _, seat in sorted(seats[thing].items()):
                    self._give_up(seat, thing)

    def _give_up(self, seat: Seat | None, thing: ObjectId) -> None:
        if seat is None:
            self._kernel.give_up_object(thing)
        else:
            self._kernel.endpoint.call(seat.name, FlushShared(thing, give_up=True))

    # ---- files that are also mapped -------------------------------------------------------------------

    def flush_object(self, thing: ObjectId) -> None:
        """Before a file is read or written by call: as `Kernel.flush_object`, at the other seats."""
        for seat in self._mapping(thing, MAP_SHARED):
            self._kernel.endpoint.call(seat.name, FlushShared(thing, give_up=False))

    def object_changed(self, thing: ObjectId, offset: int, length: int | None) -> None:
        """After a file was written or cut by call: as `Kernel.object_changed`, at the other seats."""
        for seat in self._mapping(thing):
            self._kernel.endpoint.call(seat.name, Changed(thing, offset, length))

    def _mapping(self, thing: ObjectId, flags: int = 0) -> Iterable[Seat]:
        """The other seats where a space maps an object, with certain flags, in order."""
        if not self._seats:
            return ()
        found: dict[str, Seat] = {}
        for space in self._kernel.spaces.values():
            if not isinstance(space, SeatSpace) or space.seat is None:
                continue
            if any(region.flags & flags == flags for region in space.regions_of(thing)):
                found[space.seat.name] = space.seat
                space.forget_copies()
        return [found[name] for name in sorted(found)]
