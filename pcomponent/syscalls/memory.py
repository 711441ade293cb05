"""Memory calls: the layout is changed at the home memory component, and then here."""

from __future__ import annotations

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import O_ACCMODE, O_PATH, O_WRONLY
from lego.linux.mman import (
    MAP_ANONYMOUS,
    MAP_FIXED,
    MAP_SHARED,
    MAP_SHARED_VALIDATE,
    MAP_TYPE,
    MREMAP_FIXED,
    MS_INVALIDATE,
    PROT_READ,
)
from lego.regions import PAGE, TASK_SIZE, ObjectId, page_up
from mcomponent.messages import Brk, LayoutReply, Map, Protect, Remap, RemapReply, Sync, Unmap
from pcomponent.attributes import union
from pcomponent.files.memory_file import MemoryFile
from pcomponent.process import Thread
from pcomponent.rlimits import INFINITY, Resource
from pcomponent.syscalls.table import syscall


def _end(address: int, length: int) -> int:
    """The end of a range, no further than user memory goes."""
    return min(page_up(address + length), TASK_SIZE)


def _apply(task: Thread, reply: LayoutReply) -> int:
    """Does here what the memory did; what is not mapped any more is not locked either. Returns the address."""
    task.memory.apply(reply)
    for start, end in reply.removed:
        task.process.attributes.unlock(start, end)
    return int(reply.address)


def _outcome(reply: LayoutReply | RemapReply) -> int:
    """0, or the error of a call that had done a part of its work before it failed."""
    if reply.errno:
        raise LinuxError(reply.errno)
    return 0


def _room(task: Thread) -> int:
    """How many bytes the address space may grow by, for RLIMIT_AS (may_expand_vm)."""
    limit = task.process.limits.soft(Resource.AS)
    if limit == INFINITY:
        return TASK_SIZE
    return max(0, limit - sum(region.length for region in task.memory.regions))


def _check_limit(task: Thread, more: int) -> None:
    """ENOMEM when the address space would grow beyond RLIMIT_AS."""
    if more > 0 and more > _room(task):
        raise LinuxError(E.ENOMEM)


@syscall(9, "mmap", "pointer", "size", "int", "flags", "fd", "ulong")
def mmap(task: Thread, address: int, length: int, prot: int, flags: int, fd: int, offset: int) -> int:
    """mmap(2)."""
    thing, handle, name, may_write = None, 0, "", True
    if offset % PAGE:
        raise LinuxError(E.EINVAL)
    if not flags & MAP_ANONYMOUS:
        file = task.process.files.get(fd)
        if file.flags & O_PATH:
            raise LinuxError(E.EBADF)
        if length == 0:
            raise LinuxError(E.EINVAL)
        if file.anonymous:
            flags |= MAP_ANONYMOUS
        else:
            if file.flags & O_ACCMODE == O_WRONLY:
                raise LinuxError(E.EACCES)
            if file.object is None:
                raise LinuxError(E.ENODEV)
            thing, handle, name = file.object, file.handle, file.path
            if isinstance(file, MemoryFile):
                may_write = file.check_mapping(prot, flags & MAP_TYPE in (MAP_SHARED, MAP_SHARED_VALIDATE))
    return map_object(task, address, length, prot, flags, thing, handle, offset, name, may_write)


def map_object(
    task: Thread,
    address: int,
    length: int,
    prot: int,
    flags: int,
    thing: ObjectId | None,
    handle: int = 0,
    offset: int = 0,
    name: str = "",
    may_write: bool = True,
) -> int:
    """Maps a file or memory object (None: anonymous memory) as mmap(2) does, its arguments as `Map` has them."""
    space = task.memory
    _check_limit(task, page_up(length))
    if flags & MAP_FIXED and flags & MAP_TYPE in (MAP_SHARED, MAP_SHARED_VALIDATE, 2):
        space.flush_shared(address, _end(address, length))
    if thing is not None:
        task.kernel.flush_object(thing)
    reply, _ = task.kernel.endpoint.call(
        space.home, Map(space.pid, address, length, prot, flags, thing, handle, offset, name, may_write)
    )
    return _apply(task, reply)


@syscall(11, "munmap", "pointer", "size")
def munmap(task: Thread, address: int, length: int) -> int:
    """munmap(2)."""
    space = task.memory
    if address % PAGE == 0 and address < TASK_SIZE:
        space.flush_shared(address, _end(address, length))
    reply, _ = task.kernel.endpoint.call(space.home, Unmap(space.pid, address, length))
    _apply(task, reply)
    return 0


@syscall(10, "mprotect", "pointer", "size", "int")
def mprotect(task: Thread, address: int, length: int, prot: int) -> int:
    """mprotect(2). On ENOMEM the part before the hole has been changed, as on Linux."""
    space = task.memory
    reply, _ = task.kernel.endpoint.call(space.home, Protect(space.pid, address, length, prot))
    space.protect(reply)
    return _outcome(reply)


@syscall(25, "mremap", "pointer", "size", "size", "flags", "pointer")
def mremap(task: Thread, address: int, old_length: int, new_length: int, flags: int, new_address: int) -> int:
    """mremap(2)."""
    space = task.memory
    if address % PAGE == 0 and address < TASK_SIZE:
        space.flush_range(address, _end(address, old_length))
        space.flush_shared(address, _end(address, old_length))
    if flags & MREMAP_FIXED and new_address % PAGE == 0:
        space.flush_shared(new_address, _end(new_address, new_length))
    _check_limit(task, page_up(new_length) - page_up(old_length))
    reply, _ = task.kernel.endpoint.call(
        space.home, Remap(space.pid, address, old_length, new_length, flags, new_address)
    )
    space.remap(reply)
    attributes = task.process.attributes
    locked = not reply.errno and attributes.is_locked(address, address + 1)
    for start, end in reply.removed:
        attributes.unlock(start, end)
    if locked:
        attributes.locked_ranges = union(attributes.locked_ranges, reply.address, _end(reply.address, new_length))
    return _outcome(reply) or int(reply.address)


@syscall(12, "brk", "pointer")
def brk(task: Thread, address: int) -> int:
    """brk(2)."""
    space = task.memory
    limit = task.process.limits.soft(Resource.DATA)
    reply, _ = task.kernel.endpoint.call(space.home, Brk(space.pid, address, limit, _room(task)))
    return _apply(task, reply)


@syscall(26, "msync", "pointer", "size", "flags")
def msync(task: Thread, address: int, length: int, flags: int) -> int:
    """msync(2)."""
    space = task.memory
    length = page_up(length) & (1 << 64) - 1  # Linux's wraps around, too.
    if address % PAGE == 0 and address < TASK_SIZE:
        space.flush_shared(address, _end(address, length))
    busy = bool(flags & MS_INVALIDATE) and task.process.attributes.is_locked(address, _end(address, length))
    try:
        task.kernel.endpoint.call(space.home, Sync(space.pid, address, length, flags))
    except LinuxError as error:
        if error.errno != E.ENOMEM or not busy:
            raise
    if busy:
        raise LinuxError(E.EBUSY)
    return 0


@syscall(27, "mincore", "pointer", "size", "buffer")
def mincore(task: Thread, address: int, length: int, vector: int) -> int:
    """mincore(2): a page counts as resident when a line of this processor or a frame may hold it."""
    space = task.memory
    if address % PAGE:
        raise LinuxError(E.EINVAL)
    end = page_up(address + length)
    if end > TASK_SIZE or not space.regions.covered(address, end):
        raise LinuxError(E.ENOMEM)
    answer = bytearray()
    lines, resident = space.held(address, end)
    for page in range(address, end, PAGE):
        region = space.regions.find(page)
        held = page // PAGE in lines or page // PAGE in resident
        answer.append(int(held or (region is not None and region.object is not None and bool(region.prot & PROT_READ))))
    space.write(vector, bytes(answer))
    return 0
