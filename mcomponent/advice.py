"""madvise(2) and the range checks of msync(2) on a layout. Source: mm/madvise.c, mm/msync.c of Linux 6.1."""

from __future__ import annotations

import msgspec

from lego.linux import mman
from lego.linux.errno import E, LinuxError
from lego.linux.mman import MAP_ANONYMOUS, MAP_SHARED, MS_ASYNC, MS_INVALIDATE, MS_SYNC
from lego.regions import NOT_FORKED, PAGE, WIPED_ON_FORK, Region, page_up
from mcomponent.address_space import AddressSpace, Change

MADV_WIPEONFORK, MADV_KEEPONFORK = 18, 19
_HINTS = frozenset(
    {
        mman.MADV_NORMAL, mman.MADV_RANDOM, mman.MADV_SEQUENTIAL, mman.MADV_WILLNEED, mman.MADV_FREE,
        12, 13,  # MERGEABLE, UNMERGEABLE: there is no page merging to turn on or off.
        14, 15,  # HUGEPAGE, NOHUGEPAGE
        16, 17,  # DONTDUMP, DODUMP: there are no core dumps.
        20, 21,  # COLD, PAGEOUT
    }
)  # fmt: skip
"""What changes nothing that a program can see. MADV_FREE may keep the contents."""
_DONTNEED_LOCKED = 24
_MEMORY_FAILURE = frozenset({100, 101})
_UINT64 = 1 << 64


def advise(space: AddressSpace, start: int, length: int, advice: int) -> Change:
    """madvise(2). A range with holes has its mapped parts done and then fails: the change has `errno` ENOMEM.

    For MADV_DONTNEED `removed` has the private ranges, and `added` the regions that are there as before.
    MADV_REMOVE and MADV_POPULATE_* are the processor's. Errors: EINVAL, EPERM (MADV_HWPOISON).
    """
    if advice in _MEMORY_FAILURE:
        raise LinuxError(E.EPERM)
    known = advice in _HINTS or advice in (
        mman.MADV_DONTNEED, _DONTNEED_LOCKED, mman.MADV_DONTFORK, mman.MADV_DOFORK,
        MADV_WIPEONFORK, MADV_KEEPONFORK,
    )  # fmt: skip
    if not known or start % PAGE:
        raise LinuxError(E.EINVAL)
    end = start + page_up(length)
    if end >= _UINT64:
        raise LinuxError(E.EINVAL)
    change = Change(address=start)
    pieces, change.errno = mapped_pieces(space, start, end)
    for piece in pieces:
        errno = _advise_piece(space, change, piece, advice)
        if errno:
            change.errno = errno
            break
    if change.errno and not change.removed and not change.placed:
        raise LinuxError(change.errno)
    return change


def _advise_piece(space: AddressSpace, change: Change, piece: Region, advice: int) -> int:
    """Applies an advice to a piece of one mapping; returns an errno or 0."""
    private = not piece.flags & MAP_SHARED
    anonymous = bool(piece.flags & MAP_ANONYMOUS)
    if advice in (mman.MADV_DONTNEED, _DONTNEED_LOCKED):
        if private:
            change.removed.append((piece.start, piece.end))
            change.added.append(piece)
    elif advice == mman.MADV_FREE:
        return 0 if private and anonymous else E.EINVAL
    elif advice == mman.MADV_DONTFORK:
        _flag(space, change, piece, piece.flags | NOT_FORKED)
    elif advice == mman.MADV_DOFORK:
        _flag(space, change, piece, piece.flags & ~NOT_FORKED)
    elif advice == MADV_WIPEONFORK:
        if not (private and anonymous):
            return E.EINVAL
        _flag(space, change, piece, piece.flags | WIPED_ON_FORK)
    elif advice == MADV_KEEPONFORK:
        _flag(space, change, piece, piece.flags & ~WIPED_ON_FORK)
    return 0


def _flag(space: AddressSpace, change: Change, piece: Region, flags: int) -> None:
    if flags != piece.flags:
        space.replace(change, piece.start, piece.end, lambda each: msgspec.structs.replace(each, flags=flags))


def check_sync(space: AddressSpace, start: int, length: int, flags: int) -> tuple[list[Region], int]:
    """The checks of msync(2): (the mapped pieces of the range, ENOMEM when it has holes or else 0)."""
    if flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC) or start % PAGE or (flags & MS_ASYNC and flags & MS_SYNC):
        raise LinuxError(E.EINVAL)
    end = start + page_up(length) % _UINT64
    if end >= _UINT64:
        raise LinuxError(E.ENOMEM)
    return mapped_pieces(space, start, end)


def mapped_pieces(space: AddressSpace, start: int, end: int) -> tuple[list[Region], int]:
    """What is mapped in a range, cut to it, and ENOMEM when that leaves holes or else 0."""
    if start == end:
        return [], 0
    pieces = [region.cut(start, end) for region in space.regions.overlapping(start, end)]
    return pieces, 0 if sum(piece.length for piece in pieces) == end - start else E.ENOMEM
