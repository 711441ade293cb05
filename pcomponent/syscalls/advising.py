"""madvise(2). Advice about regions and their contents is the memory's to take; what is done page by page (faulting in,
punching holes) is done here. Source: mm/madvise.c."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.linux.mman import (
    MADV_COLD,
    MADV_DONTNEED,
    MADV_FREE,
    MADV_PAGEOUT,
    MADV_POPULATE_READ,
    MADV_POPULATE_WRITE,
    MADV_REMOVE,
    MAP_ANONYMOUS,
    MAP_SHARED,
    PROT_READ,
    PROT_WRITE,
)
from lego.regions import NEVER_WRITABLE, PAGE, TASK_SIZE, Region, page_up
from mcomponent.messages import Advise, FileForget, MemoryAllocate, cache_of
from pcomponent.syscalls.table import syscall
from scomponent.messages import Allocate

if TYPE_CHECKING:
    from pcomponent.process import Thread

_NOT_OF_LOCKED = (MADV_DONTNEED, MADV_FREE, MADV_COLD, MADV_PAGEOUT, MADV_REMOVE)
_KEEP_SIZE, _PUNCH_HOLE = 1, 2


@syscall(
    28, "madvise", "pointer", "size", "int", support="partial", note="advice that only hints is accepted, not acted on"
)
def madvise(task: Thread, address: int, length: int, advice: int) -> int:
    """madvise(2)."""
    if advice in (MADV_POPULATE_READ, MADV_POPULATE_WRITE):
        return _populate(task, address, length, advice == MADV_POPULATE_WRITE)
    if advice == MADV_REMOVE:
        return _remove(task, address, length)
    failed = 0
    if advice in _NOT_OF_LOCKED and address % PAGE == 0:
        end = min(page_up(address + length), TASK_SIZE)
        locked = [low for low, high in task.process.attributes.locked_ranges if low < end and address < high]
        if locked:  # What lies before is done.
            length, failed = max(locked[0] - address, 0), E.EINVAL
    done = _advise(task, address, length, advice)
    if failed or done:
        raise LinuxError(failed or done)
    return 0


def _advise(task: Thread, address: int, length: int, advice: int) -> int:
    """Asks the home; returns the error of advice that was taken for a part of the range."""
    space = task.memory
    if advice in (MADV_DONTNEED, MADV_FREE) and address % PAGE == 0:
        space.flush_shared(address, min(page_up(address + length), TASK_SIZE))
    reply, _ = task.kernel.endpoint.call(space.home, Advise(space.pid, address, length, advice))
    for start, end in reply.removed:
        space.forget(start, end)
    if not reply.removed:
        space.protect(reply)  # Regions with other flags (MADV_DONTFORK and the like).
    return int(reply.errno)


def _populate(task: Thread, address: int, length: int, write: bool) -> int:
    """Touches each page as the program would (mm/madvise.c, madvise_populate). EINVAL where it must not; ENOMEM
    where nothing is mapped; EFAULT where it would get SIGBUS."""
    space, end = task.memory, address + page_up(length) % (1 << 64)
    if address % PAGE or (length and end == address) or end >= 1 << 64:
        raise LinuxError(E.EINVAL)
    for page in range(address, end, PAGE):
        region = space.regions.find(page) if page < TASK_SIZE else None
        if region is None:
            raise LinuxError(E.ENOMEM)
        if not region.prot & (PROT_WRITE if write else PROT_READ):
            raise LinuxError(E.EINVAL)
        data = space.read(page, 1)
        if write:
            space.write(page, data)
    return 0


def _remove(task: Thread, start: int, length: int) -> int:
    """madvise_remove(): what is shared in a range loses its contents, for everybody who maps it."""
    at, end = start, start + page_up(length)
    if start % PAGE or end >= 1 << 64:
        raise LinuxError(E.EINVAL)
    holes = False
    for region in task.memory.regions.overlapping(start, min(end, TASK_SIZE)):
        piece = region.cut(start, end)
        holes, at = holes or piece.start > at, piece.end
        if task.process.attributes.is_locked(piece.start, piece.end):
            raise LinuxError(E.EINVAL)
        if not piece.flags & MAP_SHARED:
            raise LinuxError(E.EINVAL if piece.flags & MAP_ANONYMOUS else E.EACCES)
        if piece.flags & NEVER_WRITABLE:
            raise LinuxError(E.EACCES)
        _punch(task, piece)
    if holes or at < end:
        raise LinuxError(E.ENOMEM)
    return 0


def _punch(task: Thread, piece: Region) -> None:
    """A hole in what a region maps: by the memory that has the object, or by the storage that has the file, whose
    cached pages are written before and read again after."""
    thing, call = piece.object, task.kernel.endpoint.call
    assert thing is not None
    task.kernel.flush_object(thing)
    if thing.store.startswith("M"):
        call(thing.store, MemoryAllocate(thing, piece.offset, piece.length, punch=True, keep_size=True))
    else:
        cache, forget = cache_of(thing, task.memory.memories), FileForget(thing, piece.handle, 0, 0)
        call(cache, forget)
        call(thing.store, Allocate(piece.handle, _KEEP_SIZE | _PUNCH_HOLE, piece.offset, piece.length))
        call(cache, forget)
    task.kernel.object_changed(thing, piece.offset, piece.length)
