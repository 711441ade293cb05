"""An address space of a process that runs on another processor, as its keeper sees it.

The lines, and what the memory has contents for, are known there; here is a copy of the regions. The kernel's own
accesses go there by message. A private page that was read is kept until the process runs again, so that a call which
reads many small things (the arguments of an execve) needs one message a page.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from lego.fabric.wire import Buffer, Request
from lego.linux.errno import E, LinuxError
from lego.linux.mman import MAP_SHARED
from lego.regions import PAGE, TASK_SIZE, Region
from mcomponent.messages import LayoutReply, RemapReply
from pcomponent.seat_messages import (
    ALL,
    PRIVATE,
    SHARED,
    FlushRange,
    Forget,
    Held,
    HeldReply,
    Leave,
    Look,
    Read,
    Rearrange,
    Rights,
    Settle,
    Write,
)
from pcomponent.space import Space

if TYPE_CHECKING:
    from pcomponent.kernel import Kernel
    from pcomponent.seats.table import Seat


def new_space(kernel: Kernel, seat: Seat | None, name: int, memories: list[str], home: str) -> Space:
    """A space for a process of a seat; `name` is what the memory components call it. `load` is to follow."""
    number = kernel.new_space_number()
    if seat is None:
        return Space(kernel, number, name, memories, home)
    return SeatSpace(kernel, seat, number, name, memories, home)


class SeatSpace(Space):
    """The keeper's side of a space."""

    def __init__(self, kernel: Kernel, seat: Seat, number: int, name: int, memories: list[str], home: str) -> None:
        super().__init__(kernel, number, name, memories, home)
        self.seat = seat
        self._copies: dict[int, bytes] = {}

    def _ask(self, request: Request, payload: Buffer = b"") -> tuple[Any, Buffer]:
        assert self.seat is not None
        return self.kernel.endpoint.call(self.seat.name, request, payload)

    def forget_copies(self) -> None:
        """Pages that were read may change now."""
        self._copies.clear()

    def grew(self, regions: Iterable[Region]) -> None:
        """Stacks grew there."""
        for region in regions:
            self.regions.insert(region)

    # ---- copies in and out ----------------------------------------------------------------------------

    def read(self, address: int, length: int) -> bytes:
        """Copies from the guest. EFAULT when any byte may not be read."""
        if length <= 0:
            return b""
        if not 0 <= address < TASK_SIZE or address + length > TASK_SIZE:
            raise LinuxError(E.EFAULT)
        offset = address & PAGE - 1
        region = self.regions.find(address)
        if offset + length > PAGE or region is None or region.flags & MAP_SHARED:
            return self._fetch_bytes(address, length)
        page = address - offset
        if page not in self._copies:
            self._copies[page] = self._fetch_bytes(page, PAGE)
        return self._copies[page][offset : offset + length]

    def _hold(self) -> None:
        try:
            self.kernel.seats.hold(self.seat)
        except LinuxError as error:  # What another processor wrote to shared memory cannot be had.
            raise LinuxError(E.EFAULT) from error

    def _fetch_bytes(self, address: int, length: int) -> bytes:
        self._hold()
        reply, payload = self._ask(Read(self.number, address, length))
        self.grew(reply.grown)
        return bytes(payload)

    def look(self, page: int) -> Buffer | None:
        """The contents of a page, if they can be had without any effect: for the tracer."""
        assert self.seat is not None
        reply, contents = self.kernel.endpoint.aside(self.seat.name, Look(self.number, page))
        return bytes(contents) if reply.found else None

    def write(self, address: int, data: Buffer) -> None:
        """Copies to the guest. EFAULT when a byte may not be written; those before it have been."""
        length = len(memoryview(data).cast("B"))
        if not length:
            return
        if not 0 <= address < TASK_SIZE:
            raise LinuxError(E.EFAULT)
        self._hold()
        for page in range(address & -PAGE, address + length, PAGE):
            self._copies.pop(page, None)
        reply, _ = self._ask(Write(self.number, address), data)
        self.grew(reply.grown)

    # ---- layout ---------------------------------------------------------------------------------------

    def load(self, regions: list[Region], resident: list[tuple[int, int]], owners: dict[int, str]) -> None:
        """Starts with a layout, and the ranges of addresses that the memory has contents for."""
        self.owners.update(owners)
        for region in regions:
            self._add(region)
        self._rebuild_windows()
        self.kernel.objects.tell([region for region in regions if region.flags & MAP_SHARED])
        self._ask(Settle(self.number, self.pid, self.home, self.memories, regions, resident, self.owners))

    def apply(self, reply: LayoutReply | RemapReply) -> None:
        """Does here and there what a layout call did at the memory."""
        self.forget_copies()
        moved = reply.moved if isinstance(reply, RemapReply) else None
        try:
            self._ask(Rearrange(self.number, reply.removed, reply.added, reply.owners, moved))
        finally:
            shared = [region for region in reply.added if region.flags & MAP_SHARED]
            for start, end in reply.removed:
                shared += self._remove(start, end)
            self.owners.update(reply.owners)
            for region in reply.added:
                self._add(region)
            if shared:
                self._rebuild_windows()
                self.kernel.objects.tell(shared)

    def remap(self, reply: RemapReply) -> None:
        """Applies mremap."""
        self.apply(reply)

    def protect(self, reply: LayoutReply) -> None:
        """Applies mprotect."""
        self.forget_copies()
        try:
            self._ask(Rights(self.number, reply.added))
        finally:
            for region in reply.added:
                self._add(region)
            self._rebuild_windows()

    def forget(self, start: int, end: int) -> None:
        """Drops the private lines of a range, and that the memory has contents there."""
        self.forget_copies()
        self._ask(Forget(self.number, start, end))

    def lines(self, start: int, end: int) -> list[int]:
        """None of them is in this processor's cache."""
        return []

    def line_of(self, page: int) -> int:
        """Likewise."""
        return -1

    def held(self, start: int, end: int) -> tuple[set[int], set[int]]:
        """Page numbers of a range: those with a private line there, and those that the memory has contents for."""
        reply = self._held(start, end)
        lines = {page for low, high in reply.lines for page in range(low, high)}
        return lines, {page for low, high in reply.resident for page in range(low, high)}

    def resident_ranges(self) -> list[tuple[int, int]]:
        """Ranges of addresses of anonymous pages that the memory has contents for."""
        return [(low * PAGE, high * PAGE) for low, high in self._held(0, TASK_SIZE).resident]

    def _held(self, start: int, end: int) -> HeldReply:
        reply: HeldReply = self._ask(Held(self.number, start, end))[0]
        return reply

    def flush_range(self, start: int, end: int) -> None:
        """Writes dirty lines of a range back, private and shared ones."""
        self._ask(FlushRange(self.number, start, end, ALL))

    def flush_private(self, start: int, end: int) -> None:
        """Writes dirty private lines of a range back."""
        self._ask(FlushRange(self.number, start, end, PRIVATE))

    def flush_shared(self, start: int, end: int) -> None:
        """Writes dirty lines of shared mappings in a range back, and forgets all their lines."""
        if any(region.flags & MAP_SHARED for region in self.regions.overlapping(start, end)):
            self._ask(FlushRange(self.number, start, end, SHARED))

    def release(self) -> None:
        """The process is gone, or has another image, or runs elsewhere."""
        self.forget_copies()
        self._ask(Leave(self.number))
        self.windows = []
        self.kernel.objects.tell(self._remove(0, TASK_SIZE))
        self.kernel.seats.mappings_changed()
