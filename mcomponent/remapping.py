"""mremap(2) on a layout: what it will do, then doing it.

    plan = plan_remap(space, ...)        all checks, and the new address; nothing is changed
    ... contents are moved between owners ...
    change = commit_remap(space, plan)

Source: mm/mremap.c of Linux 6.1 (mremap, mremap_to, vma_to_resize, move_vma).
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from lego.linux.errno import E, LinuxError
from lego.linux.mman import MAP_FIXED, MAP_SHARED, MREMAP_DONTUNMAP, MREMAP_FIXED, MREMAP_MAYMOVE
from lego.regions import PAGE, TASK_SIZE, Region, page_up
from mcomponent.address_space import MAX_MAP_COUNT, AddressSpace, Change, accountable

_UINT64 = 1 << 64


class RemapPlan(NamedTuple):
    """What a remapping will do."""

    address: int
    """Where the mapping will begin."""
    cleared: tuple[int, int] | None = None
    """What is unmapped at the new place (MREMAP_FIXED)."""
    shrunk: tuple[int, int] | None = None
    """What is unmapped at the end of the old mapping."""
    grown: Region | None = None
    """What is added to the end of the old mapping."""
    target: Region | None = None
    """The mapping at its new place."""
    source: tuple[int, int] | None = None
    """The old mapping of `target`, without what was shrunk; None when it was of length 0 and nothing moves."""
    keep: bool = False
    """The old mapping stays, empty (MREMAP_DONTUNMAP)."""

    @property
    def moved(self) -> tuple[int, int, int] | None:
        """(from, to, length) of the contents that move."""
        if self.source is None or self.target is None:
            return None
        start, end = self.source
        return (start, self.target.start, end - start)


def plan_remap(space: AddressSpace, address: int, old: int, new: int, flags: int, new_address: int) -> RemapPlan:
    """The checks of mremap(2), in Linux's order. `old` and `new` are lengths in bytes."""
    if flags & ~(MREMAP_FIXED | MREMAP_MAYMOVE | MREMAP_DONTUNMAP):
        raise LinuxError(E.EINVAL, "unknown flags")
    if flags & MREMAP_FIXED and not flags & MREMAP_MAYMOVE:
        raise LinuxError(E.EINVAL, "MREMAP_FIXED without MREMAP_MAYMOVE")
    if flags & MREMAP_DONTUNMAP and (not flags & MREMAP_MAYMOVE or old != new):
        raise LinuxError(E.EINVAL, "MREMAP_DONTUNMAP with a change of size, or without MREMAP_MAYMOVE")
    if address % PAGE:
        raise LinuxError(E.EINVAL, "the address is not page-aligned")
    old, new = page_up(old) % _UINT64, page_up(new) % _UINT64
    if new == 0:
        raise LinuxError(E.EINVAL, "the new length is zero")
    region = space.regions.find(address)
    if region is None:
        raise LinuxError(E.EFAULT, f"{address:#x} is not mapped")
    if flags & (MREMAP_FIXED | MREMAP_DONTUNMAP):
        return _plan_to(space, region, address, old, new, flags, new_address)
    if old == new:
        return RemapPlan(address)
    if old > new:
        _check_unmap(space, address + new, old - new)
        return RemapPlan(address, shrunk=(address + new, address + old))
    _check_resize(space, region, address, old, new)
    need = new - old if accountable(region) else 0
    in_place = address + old == region.end and _expandable(space, region.end, new - old)
    if in_place and space.placement.extend(region.end, new - old, need, firm=not flags & MREMAP_MAYMOVE):
        return RemapPlan(address, grown=_piece(region, address + old, address + old, new - old))
    if not flags & MREMAP_MAYMOVE:
        raise LinuxError(E.ENOMEM, "the mapping cannot grow where it is")
    return _plan_move(space, region, address, old, new, 0, 0)


def _plan_to(
    space: AddressSpace, region: Region, address: int, old: int, new: int, flags: int, new_address: int
) -> RemapPlan:
    """mremap_to: a move to an exact address, or one that leaves the old mapping behind."""
    if new_address % PAGE:
        raise LinuxError(E.EINVAL, "the new address is not page-aligned")
    if new > TASK_SIZE or new_address > TASK_SIZE - new:
        raise LinuxError(E.EINVAL, "the new range lies outside the address space")
    if address + old > new_address and new_address + new > address:
        raise LinuxError(E.EINVAL, "the old and the new range overlap")
    if flags & MREMAP_FIXED and old == 0 and address == new_address:
        raise LinuxError(E.EFAULT, "a mapping cannot be duplicated over itself")
    if len(space.regions) + 2 >= MAX_MAP_COUNT - 3:
        raise LinuxError(E.ENOMEM, f"more than {MAX_MAP_COUNT:,} mappings")
    shrunk = None
    if old > new:
        _check_unmap(space, address + new, old - new)
        shrunk = (address + new, address + old)
        old = new
    _check_resize(space, region, address, old, new)
    fixed = bool(flags & MREMAP_FIXED)
    plan = _plan_move(space, region, address, old, new, MAP_FIXED if fixed else 0, new_address)
    cleared = (new_address, new_address + new) if fixed else None
    return plan._replace(cleared=cleared, shrunk=shrunk, keep=bool(flags & MREMAP_DONTUNMAP))


def _plan_move(
    space: AddressSpace, region: Region, address: int, old: int, new: int, flags: int, wanted: int
) -> RemapPlan:
    """`wanted` is the new address with MAP_FIXED, else a hint."""
    if len(space.regions) >= MAX_MAP_COUNT - 3:
        raise LinuxError(E.ENOMEM, f"more than {MAX_MAP_COUNT:,} mappings")
    new_address = space.choose(wanted, new, flags, new if accountable(region) else 0)
    target = _piece(region, address, new_address, new)
    return RemapPlan(new_address, target=target, source=(address, address + old) if old else None)


def _check_resize(space: AddressSpace, region: Region, address: int, old: int, new: int) -> None:
    if old == 0 and not region.flags & MAP_SHARED:
        raise LinuxError(E.EINVAL, "a private mapping cannot be duplicated")
    if old > region.end - address:
        raise LinuxError(E.EFAULT, "the old range is not one mapping")
    if accountable(region):
        space.charge(new - old)
    if new > TASK_SIZE:
        raise LinuxError(E.ENOMEM, "the new length is larger than the address space")


def _check_unmap(space: AddressSpace, start: int, length: int) -> None:
    if start > TASK_SIZE or length > TASK_SIZE - start:
        raise LinuxError(E.EINVAL)
    space.check_split(start, start + length)


def _expandable(space: AddressSpace, end: int, more: int) -> bool:
    """Whether a mapping that ends at `end` can take `more` bytes (vma_expandable)."""
    return end + more <= TASK_SIZE and not space.regions.overlapping(end, end + more)


def _piece(region: Region, start: int, to: int, length: int) -> Region:
    """`length` bytes of what is mapped at `start` (which may be the region's end), put at `to`."""
    offset = region.offset + start - region.start if region.object is not None else 0
    name = "" if to != start and region.name in ("[heap]", "[stack]") else region.name
    return msgspec.structs.replace(region, start=to, end=to + length, offset=offset, name=name)


def commit_remap(space: AddressSpace, plan: RemapPlan) -> Change:
    """Does what was planned."""
    change = Change(address=plan.address)
    for gone in (plan.cleared, plan.shrunk):
        if gone is not None:
            space.take(change, *gone)
    if plan.grown is not None:
        space.put(change, plan.grown)
    if plan.target is not None:
        if plan.source is not None:
            left = space.regions.find(plan.source[0])
            assert left is not None
            space.take(change, *plan.source)
            if plan.keep:
                space.put(change, left.cut(*plan.source))
        space.put(change, plan.target)
        change.moved = plan.moved
    return change
