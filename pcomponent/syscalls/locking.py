"""mlock(2) and its family. Lines of the ExCache come and go and memory components do not swap, so a lock changes
nothing but the count that RLIMIT_MEMLOCK limits. Source: mm/mlock.c."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.regions import TASK_SIZE, page_down, page_up
from pcomponent import system
from pcomponent.attributes import Range, union
from pcomponent.credentials import IPC_LOCK
from pcomponent.rlimits import Resource
from pcomponent.syscalls.table import syscall

if TYPE_CHECKING:
    from pcomponent.process import Thread

_NOTE = "counted against RLIMIT_MEMLOCK; there is nothing to lock"
MLOCK_ONFAULT = 1
MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT = 1, 2, 4


def _bytes(ranges: tuple[Range, ...]) -> int:
    return sum(high - low for low, high in ranges)


def _may_lock(task: Thread, total: int) -> bool:
    limit = task.process.limits.soft(Resource.MEMLOCK)
    return total <= limit or task.credentials.capable(IPC_LOCK)


def _pages(address: int, length: int) -> Range:
    """The pages of a range, whose length may wrap around to nothing (do_mlock)."""
    start = page_down(address)
    return start, start + page_up(address - start + length) % (1 << 64)


def _span(task: Thread, address: int, length: int) -> Range:
    """The pages of a range. EINVAL when it wraps around; ENOMEM when part of it is not mapped."""
    start, end = _pages(address, length)
    if end > TASK_SIZE:
        raise LinuxError(E.EINVAL if end >= 1 << 64 else E.ENOMEM)
    at = start
    for region in system.regions(task, task.process).regions:
        if region.start > at:
            break
        at = max(at, region.end)
    if start < end and at < end:
        raise LinuxError(E.ENOMEM)
    return start, end


def _lock(task: Thread, address: int, length: int) -> Range:
    """Counts a range as locked; returns its pages."""
    attributes = task.process.attributes
    if not task.process.limits.soft(Resource.MEMLOCK) and not task.credentials.capable(IPC_LOCK):
        raise LinuxError(E.EPERM)
    start, end = _pages(address, length)
    ranges = union(attributes.locked_ranges, start, end) if start < end else attributes.locked_ranges
    if not _may_lock(task, _bytes(ranges)):
        raise LinuxError(E.ENOMEM)
    _span(task, address, length)
    attributes.locked_ranges = ranges
    return start, end


def _populate(task: Thread, start: int, end: int) -> int:
    """ENOMEM when a page of a range that is locked now cannot be had (__mlock_posix_error_return): nobody may access
    it, or the file ends before it. Others need not be fetched for that."""
    for region in task.memory.regions.overlapping(start, end):
        if not region.prot:
            raise LinuxError(E.ENOMEM)
        if region.object is not None:
            try:
                task.memory.read(min(end, region.end) - 1, 1)
            except LinuxError as error:
                raise LinuxError(E.ENOMEM) from error
    return 0


@syscall(149, "mlock", "pointer", "size", support="partial", note=_NOTE)
def mlock(task: Thread, address: int, length: int) -> int:
    """Locks pages. EPERM, ENOMEM, EINVAL."""
    return _populate(task, *_lock(task, address, length))


@syscall(325, "mlock2", "pointer", "size", "flags", support="partial", note=_NOTE)
def mlock2(task: Thread, address: int, length: int, flags: int) -> int:
    """The same with MLOCK_ONFAULT."""
    if flags & ~MLOCK_ONFAULT:
        raise LinuxError(E.EINVAL)
    pages = _lock(task, address, length)
    return 0 if flags else _populate(task, *pages)


@syscall(150, "munlock", "pointer", "size", support="partial", note=_NOTE)
def munlock(task: Thread, address: int, length: int) -> int:
    """Unlocks them."""
    start, end = _span(task, address, length)
    task.process.attributes.unlock(start, end)
    return 0


@syscall(151, "mlockall", "flags", support="partial", note=_NOTE)
def mlockall(task: Thread, flags: int) -> int:
    """Locks all that is mapped."""
    if not flags or flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) or flags == MCL_ONFAULT:
        raise LinuxError(E.EINVAL)
    if not task.process.limits.soft(Resource.MEMLOCK) and not task.credentials.capable(IPC_LOCK):
        raise LinuxError(E.EPERM)
    if flags & MCL_CURRENT:
        regions = system.regions(task, task.process).regions
        if not _may_lock(task, sum(region.length for region in regions)):
            raise LinuxError(E.ENOMEM)
        ranges: tuple[Range, ...] = ()
        for region in regions:
            ranges = union(ranges, region.start, region.end)
        task.process.attributes.locked_ranges = ranges
    return 0


@syscall(152, "munlockall", support="partial", note=_NOTE)
def munlockall(task: Thread) -> int:
    """Unlocks everything."""
    task.process.attributes.locked_ranges = ()
    return 0
