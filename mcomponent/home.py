"""The home's side: all calls that change or show the layout of a space.

Each plans on the `AddressSpace`, gets what it needs from others (a handle, owners) while nothing is changed
yet, then changes the layout and has the change carried out.
"""

from __future__ import annotations

from lego.fabric.wire import Buffer, Done
from lego.linux.errno import E, LinuxError
from lego.linux.mman import MAP_ANONYMOUS, MAP_SHARED, MS_SYNC, PROT_WRITE
from lego.regions import NEVER_WRITABLE, Region
from mcomponent.address_space import Change
from mcomponent.advice import advise, check_sync
from mcomponent.applying import Applying
from mcomponent.core import Core, HomeSpace
from mcomponent.memory_messages import (
    Grow,
    GrowReply,
    ObjectSync,
    OwnerForget,
    OwnerResident,
)
from mcomponent.messages import (
    Advise,
    Brk,
    FileSync,
    LayoutReply,
    Map,
    Protect,
    Regions,
    RegionsReply,
    Remap,
    RemapReply,
    Sync,
    Unmap,
    cache_of,
)
from mcomponent.remapping import RemapPlan, commit_remap, plan_remap
from scomponent.messages import Duplicate

DONE = Done()
_PROT_MASK = 7


class Home:
    """Serves the layout calls."""

    def __init__(self, core: Core, applying: Applying) -> None:
        self._core = core
        self._applying = applying

    def _reply(self, space: int, home: HomeSpace, change: Change) -> tuple[LayoutReply, Buffer]:
        self._applying.apply(space, home, change)
        return LayoutReply(change.address, change.removed, change.added, home.vregions.told(), change.errno), b""

    # ---- mmap, munmap, mprotect, brk -------------------------------------------------------------------

    def map(self, sender: str, request: Map, payload: Buffer) -> tuple[LayoutReply, Buffer]:
        """mmap(2)."""
        home = self._core.home(request.space)
        file = request.object is not None
        start, length, flags = home.layout.plan_map(
            request.address, request.length, request.prot, request.flags, request.offset, file
        )
        prot = request.prot & _PROT_MASK
        thing, handle, offset, name = None, 0, 0, ""
        if request.object is not None:
            thing, offset, name = request.object, request.offset, request.name
            flags &= ~MAP_ANONYMOUS
            handle, may_write = self._take_handle(request, bool(flags & MAP_SHARED), bool(prot & PROT_WRITE))
            if flags & MAP_SHARED and not may_write:
                flags |= NEVER_WRITABLE
        else:
            flags |= MAP_ANONYMOUS
            if flags & MAP_SHARED:
                thing, name = self._core.new_object(), "/dev/zero (deleted)"
                self._core.cache.cached.get(thing).resize(length)  # mremap(2) may map more, but no more is there.
        region = Region(start, start + length, prot, flags, thing, offset, handle, name)
        return self._reply(request.space, home, home.layout.map(region))

    def _take_handle(self, request: Map, shared: bool, write: bool) -> tuple[int, bool]:
        """A handle of our own for a mapping, writable for MAP_SHARED of a file that was opened for writing; and whether
        it is.

        Errors: EACCES for a shared writable mapping of a file that was not, EBADF.
        """
        thing, handle = request.object, request.handle
        assert thing is not None
        if thing.store.startswith("M"):
            return 0, request.may_write  # A memory object is counted by what is mapped of it.
        writable = shared
        try:
            reply, _ = self._core.call(thing.store, Duplicate(handle, writable))
        except LinuxError as error:
            if error.errno != E.EACCES or write or not shared:
                raise
            writable = False
            reply, _ = self._core.call(thing.store, Duplicate(handle))
        self._core.references.opened(thing.store, reply.handle, writable)
        return reply.handle, writable

    def unmap(self, sender: str, request: Unmap, payload: Buffer) -> tuple[LayoutReply, Buffer]:
        """munmap(2)."""
        home = self._core.home(request.space)
        return self._reply(request.space, home, home.layout.unmap(request.address, request.length))

    def protect(self, sender: str, request: Protect, payload: Buffer) -> tuple[LayoutReply, Buffer]:
        """mprotect(2)."""
        home = self._core.home(request.space)
        may_write = self._core.references.writable
        change = home.layout.protect(request.address, request.length, request.prot, may_write)
        return self._reply(request.space, home, change)

    def brk(self, sender: str, request: Brk, payload: Buffer) -> tuple[LayoutReply, Buffer]:
        """brk(2)."""
        home = self._core.home(request.space)
        return self._reply(request.space, home, home.layout.set_brk(request.address, request.data_limit, request.room))

    def grow(self, sender: str, request: Grow, payload: Buffer) -> tuple[GrowReply, Buffer]:
        """A stack may have to grow; the processor learns of it by the reply to its miss."""
        home = self._core.homes.get(request.space)
        change = home.layout.grow_stack(request.address) if home is not None else None
        if home is None or change is None:
            return GrowReply(None), b""
        self._applying.apply(request.space, home, change)
        return GrowReply(home.layout.regions.find(request.address)), b""

    # ---- mremap ------------------------------------------------------------------------------------------

    def remap(self, sender: str, request: Remap, payload: Buffer) -> tuple[RemapReply, Buffer]:
        """mremap(2)."""
        home = self._core.home(request.space)
        plan = plan_remap(
            home.layout, request.address, request.old_length, request.new_length, request.flags, request.new_address
        )
        cleared = Change(address=plan.address)
        if plan.moved is not None:
            if plan.cleared is not None:
                home.layout.take(cleared, *plan.cleared)
                self._applying.apply(request.space, home, cleared)
            try:
                self._move(request.space, home, plan)
            except LinuxError as error:
                if not cleared.removed:
                    raise
                return self._remapped(home, cleared, error.errno)
        change = commit_remap(home.layout, plan)
        if plan.moved is None:
            self._applying.apply(request.space, home, change)
        else:
            # The target has its regions and contents already; what is left is to empty the old place.
            released = self._applying.count(home, change.placed, change.taken)
            kept = [region for region in change.added if region != plan.target]
            self._applying.tell_owners(request.space, home.vregions, change.removed, kept)
            self._applying.release(released)
        change.removed = cleared.removed + change.removed
        return self._remapped(home, change, 0)

    def _move(self, space: int, home: HomeSpace, plan: RemapPlan) -> None:
        """Assigns the target to its owners and moves contents there; undone when they have no room."""
        assert plan.target is not None
        self._applying.tell_owners(space, home.vregions, [], [plan.target])
        try:
            self._applying.move(space, home, plan)
        except LinuxError:
            self._applying.tell_owners(space, home.vregions, [(plan.target.start, plan.target.end)], [])
            raise

    def _remapped(self, home: HomeSpace, change: Change, errno: int) -> tuple[RemapReply, Buffer]:
        owners = home.vregions.told()
        return RemapReply(change.address, change.removed, change.added, owners, change.moved, errno), b""

    # ---- madvise, msync ------------------------------------------------------------------------------------

    def advise(self, sender: str, request: Advise, payload: Buffer) -> tuple[LayoutReply, Buffer]:
        """madvise(2)."""
        home = self._core.home(request.space)
        change = advise(home.layout, request.address, request.length, request.advice)
        if not change.removed:
            return self._reply(request.space, home, change)
        ranges: dict[str, list[tuple[int, int]]] = {}
        for start, end in change.removed:
            for owner, low, high in home.vregions.pieces(start, end):
                ranges.setdefault(owner, []).append((low, high))
        for owner in sorted(ranges):
            self._core.ask(owner, OwnerForget(request.space, ranges[owner]))
        return LayoutReply(change.address, change.removed, change.added, home.vregions.told(), change.errno), b""

    def sync(self, sender: str, request: Sync, payload: Buffer) -> tuple[Done, Buffer]:
        """msync(2). MS_ASYNC starts writing, and here that is all done at once; only MS_SYNC tells of errors."""
        home = self._core.home(request.space)
        pieces, errno = check_sync(home.layout, request.address, request.length, request.flags)
        files = {piece.object: piece.handle for piece in pieces if piece.flags & MAP_SHARED and piece.handle}
        for thing, handle in files.items():
            assert thing is not None
            memory = cache_of(thing, self._core.memories)
            self._core.ask(memory, FileSync(thing, handle) if request.flags & MS_SYNC else ObjectSync(thing, 0))
        if errno:
            raise LinuxError(errno, "part of the range is not mapped")
        return DONE, b""

    def regions(self, sender: str, request: Regions, payload: Buffer) -> tuple[RegionsReply, Buffer]:
        """The whole layout, with what is resident."""
        home = self._core.home(request.space)
        regions = list(home.layout.regions)
        asked: dict[str, tuple[list[int], list[tuple[int, int]]]] = {}
        for index, region in enumerate(regions):
            for owner, low, high in home.vregions.pieces(region.start, region.end):
                indices, ranges = asked.setdefault(owner, ([], []))
                indices.append(index)
                ranges.append((low, high))
        resident = [0] * len(regions)
        for owner in sorted(asked):
            indices, ranges = asked[owner]
            reply, _ = self._core.ask(owner, OwnerResident(request.space, ranges))
            for index, pages in zip(indices, reply.pages, strict=True):
                resident[index] += pages
        return RegionsReply(regions, resident), b""
