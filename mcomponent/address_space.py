"""The layout of one space: Linux's rules of mmap, munmap, mprotect, brk and stack growth.

Nothing is sent from here. An operation checks its arguments in Linux's order, changes the regions and
returns a `Change`: what a processor has to be told, and which pieces of mappings went and came, from
which references and owners follow. An operation that raises `LinuxError` has changed nothing.

Where a mapping without a fixed address goes is asked of a `Placement`, since it also decides which memory
component will have the pages; `TopDown` is Linux's own answer.

Deviations from Linux: no randomisation; root is treated as unprivileged below mmap_min_addr (EPERM); RLIMIT_AS is not
enforced. Overcommit is Linux's heuristic mode: only a mapping larger than all memory is refused.
Sources: mm/mmap.c, mm/mprotect.c, arch/x86/kernel/sys_x86_64.c of Linux 6.1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

import msgspec

from lego.linux import mman
from lego.linux.errno import E, LinuxError
from lego.linux.mman import MAP_ANONYMOUS, MAP_GROWSDOWN, MAP_NORESERVE, MAP_PRIVATE, MAP_SHARED, PROT_WRITE
from lego.regions import PAGE, TASK_SIZE, Region, RegionMap, page_down, page_up
from mcomponent.layout import MMAP_MIN_ADDRESS, STACK_GUARD_GAP, mmap_base

MAX_MAP_COUNT = 65_530
"""vm.max_map_count."""
_UINT64 = 1 << 64
_FILE_BYTES_MAX = (1 << 63) - 1
_PROT_MASK = 7
_PROT_SEM = 8
_LOW_32BIT, _HIGH_32BIT = 0x40000000, 0x80000000
_LEGACY_BASE = page_up(TASK_SIZE // 3)  # TASK_UNMAPPED_BASE.
_LEGACY_MAP_MASK = (
    MAP_SHARED | MAP_PRIVATE | mman.MAP_FIXED | MAP_ANONYMOUS | mman.MAP_32BIT | MAP_GROWSDOWN | mman.MAP_DENYWRITE
    | mman.MAP_EXECUTABLE | mman.MAP_LOCKED | MAP_NORESERVE | mman.MAP_POPULATE | mman.MAP_NONBLOCK | mman.MAP_STACK
    | mman.MAP_HUGETLB
)  # fmt: skip
"""What MAP_SHARED_VALIDATE knows (include/linux/mman.h)."""
_KEPT_FLAGS = MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_NORESERVE


class Change(msgspec.Struct):
    """What an operation did to a layout."""

    address: int = 0
    removed: list[tuple[int, int]] = []
    """Ranges whose contents are gone."""
    added: list[Region] = []
    taken: list[Region] = []
    """Pieces of mappings that are no longer there, or no longer as they were ..."""
    placed: list[Region] = []
    """... and those there are now instead; the same bytes may be in both."""
    errno: int = 0
    """The operation failed with this after it had done what is listed."""
    moved: tuple[int, int, int] | None = None
    """(from, to, length) of contents that moved."""


class MapPlan(NamedTuple):
    """A mapping that may be made."""

    start: int
    length: int
    """Whole pages."""
    flags: int
    """Those that a region keeps."""


class Placement(Protocol):
    """Decides where new memory goes. `need` is how many of its bytes are likely to want frames."""

    def place(self, length: int, need: int) -> int | None:
        """A free range for `length` bytes; None when there is none."""

    def extend(self, start: int, length: int, need: int, firm: bool) -> bool:
        """A mapping is about to be put at a range that is not up for choice. May refuse unless `firm`."""


def accountable(region: Region) -> bool:
    """Whether Linux counts a mapping as committed memory (accountable_mapping in mm/mmap.c)."""
    return region.flags & (MAP_SHARED | MAP_NORESERVE) == 0 and bool(region.prot & PROT_WRITE)


class AddressSpace:
    """The regions of one space and its heap."""

    def __init__(self, total_bytes: int, stack_limit: int = 8 << 20, brk: int = 0) -> None:
        self.regions = RegionMap()
        self.total_bytes = total_bytes
        """What all memory components have together."""
        self.stack_limit = stack_limit
        self.brk_start = self.brk = brk
        self.mmap_base = mmap_base(stack_limit)
        self.placement: Placement = TopDown(self)
        self._packed = self.mmap_base
        self._hole = 0
        """No free range between `_packed` and the mmap base is larger than `_hole` bytes, so that a search need
        not walk all mappings (the old free_area_cache and cached_hole_size)."""

    def copy(self) -> AddressSpace:
        """The layout of a forked child."""
        other = AddressSpace(self.total_bytes, self.stack_limit, self.brk_start)
        other.brk = self.brk
        other.regions = self.regions.copy()
        return other

    # ---- changes ---------------------------------------------------------------------------------------

    def take(self, change: Change, start: int, end: int) -> None:
        """Takes what is mapped in a range out."""
        pieces = self.regions.remove(start, end)
        if pieces:
            change.taken += pieces
            change.removed.append((start, end))
            if end > self._packed:
                self._packed, self._hole = self.mmap_base, 0

    def put(self, change: Change, region: Region) -> None:
        """Puts a region into a free range."""
        self.regions.insert(region)
        change.placed.append(region)
        change.added.append(region)

    def replace(self, change: Change, start: int, end: int, replacement: Callable[[Region], Region]) -> None:
        """Changes the attributes of what is mapped in a range; contents stay."""
        for piece in self.regions.remove(start, end):
            change.taken.append(piece)
            self.put(change, replacement(piece))

    def charge(self, length: int) -> None:
        """Refuses an obvious overcommit (__vm_enough_memory, OVERCOMMIT_GUESS)."""
        if length > self.total_bytes:
            raise LinuxError(E.ENOMEM, f"{length:,} bytes are more than all memory components have")

    def check_split(self, start: int, end: int) -> None:
        """Refuses to make a hole in a mapping when there are too many mappings already."""
        if len(self.regions) >= MAX_MAP_COUNT:
            inside = self.regions.find(start)
            if inside is not None and inside.start < start and end < inside.end:
                raise LinuxError(E.ENOMEM, f"more than {MAX_MAP_COUNT:,} mappings")

    # ---- mmap ------------------------------------------------------------------------------------------

    def plan_map(
        self, address: int, length: int, prot: int, flags: int, offset: int = 0, file: bool = False
    ) -> MapPlan:
        """The checks of mmap(2), in do_mmap's order, and the address. Those of the file's access mode are not here."""
        if offset % PAGE:
            raise LinuxError(E.EINVAL, "the offset is not page-aligned")
        if flags & mman.MAP_HUGETLB:
            raise LinuxError(E.EINVAL if file else E.ENOMEM, "there are no huge pages")
        if length == 0:
            raise LinuxError(E.EINVAL, "the length is zero")
        length = page_up(length)
        if length >= _UINT64 or len(self.regions) > MAX_MAP_COUNT:
            raise LinuxError(E.ENOMEM)
        need = length if prot & PROT_WRITE and not flags & MAP_NORESERVE else 0
        start = self.choose(address, length, flags, need)
        if flags & mman.MAP_FIXED_NOREPLACE and self.regions.overlapping(start, start + length):
            raise LinuxError(E.EEXIST, f"{start:#x} is mapped already")
        kind = self._kind(flags, file)
        if file and offset > _FILE_BYTES_MAX - length:
            raise LinuxError(E.EOVERFLOW)
        if kind == MAP_SHARED:
            need = 0 if file or flags & MAP_NORESERVE else length
        self.charge(need)
        self.check_split(start, start + length)
        return MapPlan(start, length, kind | flags & _KEPT_FLAGS)

    def map(self, region: Region) -> Change:
        """Maps a region that was planned, over what is there."""
        change = Change(address=region.start)
        above = region.end if region.end <= self._packed else 0
        self.take(change, region.start, region.end)
        self.put(change, region)
        if above and above == self._packed:
            self._packed = region.start
        return change

    @staticmethod
    def _kind(flags: int, file: bool) -> int:
        kind = flags & mman.MAP_TYPE
        if kind == mman.MAP_SHARED_VALIDATE and file:
            if flags & ~_LEGACY_MAP_MASK:
                raise LinuxError(E.EOPNOTSUPP, "MAP_SHARED_VALIDATE with a flag that is not supported")
            kind = MAP_SHARED
        if kind not in (MAP_SHARED, MAP_PRIVATE):
            raise LinuxError(E.EINVAL, "neither MAP_SHARED nor MAP_PRIVATE")
        if flags & MAP_GROWSDOWN and (file or kind == MAP_SHARED):
            raise LinuxError(E.EINVAL, "MAP_GROWSDOWN of what is not private anonymous memory")
        return kind

    def choose(self, address: int, length: int, flags: int, need: int) -> int:
        """Where a mapping of whole pages goes (get_unmapped_area); `address` is exact with MAP_FIXED, else a hint."""
        if length > TASK_SIZE:
            raise LinuxError(E.ENOMEM)
        if flags & (mman.MAP_FIXED | mman.MAP_FIXED_NOREPLACE):
            check_fixed(address, length)
            self.placement.extend(address, length, need, firm=True)
            return address
        if address:
            address = max(page_down(address), MMAP_MIN_ADDRESS)  # round_hint_to_min
        low, high = (_LOW_32BIT, _HIGH_32BIT) if flags & mman.MAP_32BIT else (MMAP_MIN_ADDRESS, TASK_SIZE)
        fits = address and address <= high - length and self._fits(address, length)
        if fits and self.placement.extend(address, length, need, firm=False):
            return address
        if flags & mman.MAP_32BIT:
            found = self.lowest_gap(length, low, high)
            if found is not None:
                self.placement.extend(found, length, need, firm=True)
        else:
            found = self.placement.place(length, need)
        if found is None:
            raise LinuxError(E.ENOMEM, f"no room for {length:,} bytes in the address space")
        return found

    def _fits(self, start: int, length: int) -> bool:
        above = self.regions.at_or_above(start)
        return above is None or start + length <= start_with_gap(above)

    def search(self, length: int) -> int | None:
        """Where Linux would put a mapping: as high as possible below the mmap base, or else above it."""
        whole = length <= self._hole
        found, hole = self._highest_gap(length, MMAP_MIN_ADDRESS, self.mmap_base if whole else self._packed)
        if found is not None:
            self._hole = hole if whole else max(self._hole, hole)
            self._packed = found + length
        return self.lowest_gap(length, _LEGACY_BASE, TASK_SIZE) if found is None else found

    def highest_gap(self, length: int, low: int, high: int) -> int | None:
        """The highest free range of `length` bytes in [low, high) that leaves stacks their guard gap."""
        return self._highest_gap(length, low, high)[0]

    def _highest_gap(self, length: int, low: int, high: int) -> tuple[int | None, int]:
        """Also the largest free range that was met and was too small."""
        top, hole = high, 0
        above = self.regions.at_or_above(high)
        if above is not None:
            top = min(top, start_with_gap(above))
        region = self.regions.below(high)
        while region is not None and region.end > low:
            if top - region.end >= length:
                return top - length, hole
            hole = max(hole, top - region.end)
            top = min(top, start_with_gap(region))
            region = self.regions.below(region.start)
        return (top - length if top - low >= length else None), hole

    def lowest_gap(self, length: int, low: int, high: int) -> int | None:
        """The lowest free range of `length` bytes in [low, high)."""
        start = low
        while start + length <= high:
            region = self.regions.at_or_above(start)
            if region is None or start_with_gap(region) >= start + length:
                return start
            start = region.end
        return None

    # ---- munmap, mprotect ------------------------------------------------------------------------------

    def unmap(self, start: int, length: int) -> Change:
        """munmap(2): do_vmi_munmap."""
        if start % PAGE or start > TASK_SIZE or length > TASK_SIZE - start:
            raise LinuxError(E.EINVAL)
        end = start + page_up(length)
        if end == start:
            raise LinuxError(E.EINVAL, "the length is zero")
        self.check_split(start, end)
        change = Change(address=start)
        self.take(change, start, end)
        return change

    def protect(self, start: int, length: int, prot: int, may_write: Callable[[Region], bool]) -> Change:
        """mprotect(2): do_mprotect_pkey. When it fails midway (ENOMEM at a hole, EACCES for a shared file that
        `may_write` does not allow to be written), what lies before is changed, and `errno` is set."""
        grows = prot & (mman.PROT_GROWSDOWN | mman.PROT_GROWSUP)
        prot &= ~(mman.PROT_GROWSDOWN | mman.PROT_GROWSUP)
        if grows == mman.PROT_GROWSDOWN | mman.PROT_GROWSUP or start % PAGE:
            raise LinuxError(E.EINVAL)
        change = Change(address=start)
        if length == 0:
            return change
        end = start + page_up(length)
        if end >= _UINT64:
            raise LinuxError(E.ENOMEM)
        if prot & ~(_PROT_MASK | _PROT_SEM):
            raise LinuxError(E.EINVAL)
        prot &= _PROT_MASK
        first = self.regions.at_or_above(start)
        if first is None or (first.start >= end if grows == mman.PROT_GROWSDOWN else first.start > start):
            raise LinuxError(E.ENOMEM, f"{start:#x} is not mapped")
        if grows == mman.PROT_GROWSDOWN:
            start = first.start
        if (grows == mman.PROT_GROWSDOWN and not first.flags & MAP_GROWSDOWN) or grows == mman.PROT_GROWSUP:
            raise LinuxError(E.EINVAL, "this mapping does not grow")
        self._protect(change, start, end, prot, may_write)
        if change.errno and not change.placed:
            raise LinuxError(change.errno)
        return change

    def _protect(self, change: Change, start: int, end: int, prot: int, may_write: Callable[[Region], bool]) -> None:
        for region in self.regions.overlapping(start, end):
            piece = region.cut(start, end)
            if piece.start > start:
                change.errno = E.ENOMEM
                return
            start = piece.end
            if piece.prot == prot:
                continue
            if prot & PROT_WRITE and piece.flags & MAP_SHARED and not may_write(piece):
                change.errno = E.EACCES
                return
            wanted = msgspec.structs.replace(piece, prot=prot)
            splits = piece.start != region.start or piece.end != region.end
            overcommits = accountable(wanted) and not accountable(piece) and piece.length > self.total_bytes
            if overcommits or (splits and len(self.regions) >= MAX_MAP_COUNT):
                change.errno = E.ENOMEM
                return
            self.replace(change, piece.start, piece.end, lambda _, wanted=wanted: wanted)  # type: ignore[misc]
        if start < end:
            change.errno = E.ENOMEM

    # ---- the heap and the stack --------------------------------------------------------------------------

    def set_brk(self, address: int, data_limit: int, room: int = TASK_SIZE) -> Change:
        """brk(2): `address` of the change is the break, the old one when it could not be moved."""
        change = Change(address=self.brk)
        if address < self.brk_start or address - self.brk_start > data_limit or address > TASK_SIZE:
            return change
        old, new = page_up(self.brk), page_up(address)
        if new < old:
            self.take(change, new, old)
        elif new > old:
            above = self.regions.at_or_above(old)
            crowded = above is not None and new + PAGE > start_with_gap(above)
            too_many = len(self.regions) > MAX_MAP_COUNT or new - old > min(self.total_bytes, room)
            if crowded or too_many or new > TASK_SIZE:
                return change
            if not self.placement.extend(old, new - old, new - old, firm=False):
                return change
            prot = mman.PROT_READ | PROT_WRITE
            self.put(change, Region(old, new, prot, MAP_PRIVATE | MAP_ANONYMOUS, name="[heap]"))
        self.brk = change.address = address
        return change

    def grow_stack(self, address: int) -> Change | None:
        """Extends the stack above an address down to it, if there is one and it may (expand_downwards)."""
        start = page_down(address)
        region = self.regions.at_or_above(start)
        if region is None or region.start <= start or not region.flags & MAP_GROWSDOWN or start < MMAP_MIN_ADDRESS:
            return None
        below = self.regions.below(region.start)
        if below is not None and below.prot and not below.flags & MAP_GROWSDOWN and start - below.end < STACK_GUARD_GAP:
            return None
        if below is not None and below.end > start:
            return None
        if region.end - start > self.stack_limit:
            return None
        self.placement.extend(start, region.start - start, region.start - start, firm=True)
        change = Change(address=start)
        self.put(change, msgspec.structs.replace(region, start=start, end=region.start))
        return change


class TopDown:
    """Linux's own placement."""

    def __init__(self, space: AddressSpace) -> None:
        self._space = space

    def place(self, length: int, need: int) -> int | None:
        """The highest free range below the mmap base."""
        return self._space.search(length)

    def extend(self, start: int, length: int, need: int, firm: bool) -> bool:
        """Never refuses."""
        return True


def start_with_gap(region: Region) -> int:
    """Where a mapping begins for those below it: a stack keeps its guard gap (vm_start_gap)."""
    return max(0, region.start - STACK_GUARD_GAP) if region.flags & MAP_GROWSDOWN else region.start


def check_fixed(address: int, length: int) -> None:
    """The checks of an exact address: ENOMEM beyond the address space, EINVAL, EPERM below mmap_min_addr."""
    if address > TASK_SIZE - length:
        raise LinuxError(E.ENOMEM, "the range lies outside the address space")
    if address % PAGE:
        raise LinuxError(E.EINVAL, "the address is not page-aligned")
    if address < MMAP_MIN_ADDRESS:
        raise LinuxError(E.EPERM, "the address lies below vm.mmap_min_addr")
