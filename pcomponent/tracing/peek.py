"""Guest memory as the tracer sees it: no line is fetched or moved, nothing is counted, and no virtual time passes.

A page is looked for where the guest's own access would find it: in the ExCache, then, if it was never touched, in
what its region says, then at its memory component. A page of a file that nobody has read yet is not to be had.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from lego.fabric.errors import FabricError
from lego.fabric.wire import Buffer
from lego.linux.errno import LinuxError
from lego.linux.mman import MAP_SHARED, PROT_READ
from lego.regions import PAGE, PAGE_SHIFT, TASK_SIZE, VREGION_SHIFT, page_down
from mcomponent.messages import Peek, cache_of
from pcomponent.objects import rights_of
from pcomponent.seats.space import SeatSpace

if TYPE_CHECKING:
    from pcomponent.space import Space

_ZEROS = bytes(PAGE)


class Reader(Protocol):
    """Where decoders read from."""

    def read(self, address: int, length: int) -> bytes | None:
        """All of a range, or None."""

    def read_some(self, address: int, length: int) -> bytes:
        """As much of a range as there is, from its beginning."""


class Memory:
    """The memory of one address space."""

    def __init__(self, space: Space) -> None:
        self._space = space

    def read(self, address: int, length: int) -> bytes | None:
        """All of a range, or None."""
        found = self.read_some(address, length)
        return found if len(found) == length else None

    def read_some(self, address: int, length: int) -> bytes:
        """As much of a range as there is."""
        parts: list[bytes] = []
        while length > 0:
            page = self.page(page_down(address))
            if page is None:
                break
            offset = address & PAGE - 1
            count = min(PAGE - offset, length)
            parts.append(bytes(memoryview(page)[offset : offset + count]))
            address += count
            length -= count
        return b"".join(parts)

    def page(self, page: int) -> Buffer | None:
        """The contents of the page at an address, if they can be had."""
        space = self._space
        if isinstance(space, SeatSpace):
            return space.look(page)
        if not 0 <= page < TASK_SIZE:
            return None
        line = space.line_of(page)
        region = space.regions.find(page)
        if region is None or not rights_of(region.prot) & PROT_READ:
            return space.cache.line(line) if line >= 0 and region is None else None
        if line >= 0:
            return space.cache.line(line)
        if region.object is None and page >> PAGE_SHIFT not in space.resident:
            return _ZEROS
        index = (page - region.start + region.offset) >> PAGE_SHIFT
        request = Peek(space.pid, page, region.object, index)
        owner = None if region.flags & MAP_SHARED else space.owners.get(page >> VREGION_SHIFT)
        places = [owner] if owner is not None else []
        if region.object is not None:
            places.append(cache_of(region.object, space.memories))
        for place in places:
            try:
                reply, contents = space.kernel.endpoint.aside(place, request)
            except (LinuxError, FabricError):
                continue
            if reply.found:
                return bytes(contents)
        return None
