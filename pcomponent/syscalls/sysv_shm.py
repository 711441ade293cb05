"""shmget, shmat, shmdt, shmctl. Source: ipc/shm.c."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.linux.mman import MAP_FIXED, MAP_SHARED, PROT_EXEC, PROT_READ, PROT_WRITE
from lego.regions import PAGE, page_down, page_up
from pcomponent.ipc.objects import SystemV, of
from pcomponent.ipc.registry import (
    EXECUTE,
    IPC_INFO,
    IPC_RMID,
    IPC_SET,
    IPC_STAT,
    READ,
    WRITE,
    check_access,
    check_owner,
    now_s,
)
from pcomponent.ipc.segments import SHM_LOCKED, SHMALL, SHMMAX, SHMMIN, SHMMNI, STATUS_BYTES, Segment
from pcomponent.rlimits import Resource
from pcomponent.syscalls.memory import map_object, munmap
from pcomponent.syscalls.table import syscall

if TYPE_CHECKING:
    from pcomponent.process import Thread

SHM_HUGETLB = 0o4000
SHM_RDONLY, SHM_RND, SHM_REMAP, SHM_EXEC = 0o10000, 0o20000, 0o40000, 0o100000
SHM_LOCK, SHM_UNLOCK, SHM_STAT, SHM_INFO, SHM_STAT_ANY = 11, 12, 13, 14, 15
_LIMITS = struct.Struct("<QQQQQ32x")  # struct shminfo64
_USE = struct.Struct("<i4xQQQQQ")  # struct shm_info
_ADDRESS_MAX = 1 << 64


@syscall(29, "shmget", "int", "size", "flags", support="partial", note="no huge pages: SHM_HUGETLB is ENOSYS")
def shmget(task: Thread, key: int, size: int, flags: int) -> int:
    """shmget(2). There are no huge pages: SHM_HUGETLB is ENOSYS."""
    segments = of(task).segments

    def make() -> Segment:
        if flags & SHM_HUGETLB:
            raise LinuxError(E.ENOSYS)
        return segments.make(task, key, flags, size)

    def check(found: Segment) -> None:
        if found.size < size:
            raise LinuxError(E.EINVAL)

    return segments.registry.get(task, key, flags, make, check).permissions.identifier


@syscall(30, "shmat", "int", "pointer", "flags")
def shmat(task: Thread, identifier: int, address: int, flags: int) -> int:
    """shmat(2), in the order of do_shmat."""
    if identifier < 0:
        raise LinuxError(E.EINVAL)
    if address:
        if address % PAGE:
            if not flags & SHM_RND:
                raise LinuxError(E.EINVAL)
            address = page_down(address)
            if not address and flags & SHM_REMAP:
                raise LinuxError(E.EINVAL)
    elif flags & SHM_REMAP:
        raise LinuxError(E.EINVAL)
    prot, wanted = PROT_READ, READ
    if not flags & SHM_RDONLY:
        prot, wanted = prot | PROT_WRITE, wanted | WRITE
    if flags & SHM_EXEC:
        prot, wanted = prot | PROT_EXEC, wanted | EXECUTE
    segment = of(task).segments.registry.find(identifier)
    check_access(task, segment.permissions, wanted)
    if address and not flags & SHM_REMAP:
        end = address + segment.size
        if end >= _ADDRESS_MAX or task.memory.regions.overlapping(address, page_up(end)):
            raise LinuxError(E.EINVAL)
    name = f"/SYSV{segment.permissions.key & 0xFFFFFFFF:08x} (deleted)"
    kind = MAP_SHARED | (MAP_FIXED if address else 0)
    return map_object(
        task, address, segment.size, prot, kind, segment.object, name=name, may_write=bool(prot & PROT_WRITE)
    )


@syscall(67, "shmdt", "pointer")
def shmdt(task: Thread, address: int) -> int:
    """shmdt(2): ends the attachment that starts at an address, or what is left of it."""
    if address % PAGE:
        raise LinuxError(E.EINVAL)
    segments, space = of(task).segments, task.memory
    found: Segment | None = None
    for region in list(space.regions):
        if region.object is None or region.start < address or region.start - address != region.offset:
            continue
        if found is None:
            found = segments.by_object(region.object)
            if found is None:
                continue
        if region.object == found.object and region.start < address + page_up(found.size):
            munmap(task, region.start, region.length)
    if found is None:
        raise LinuxError(E.EINVAL)
    return 0


# ---- shmctl ----------------------------------------------------------------------------------------------


@syscall(31, "shmctl", "int", "int", "pointer")
def shmctl(task: Thread, identifier: int, command: int, pointer: int) -> int:
    """shmctl(2)."""
    if command < 0 or identifier < 0:
        raise LinuxError(E.EINVAL)
    system = of(task)
    if command in (IPC_INFO, SHM_INFO):
        return _information(task, system, command, pointer)
    if command in (IPC_STAT, SHM_STAT, SHM_STAT_ANY):
        return _status(task, system, identifier, command, pointer)
    registry = system.segments.registry
    if command == IPC_SET:
        raw = task.memory.read(pointer, STATUS_BYTES)
        segment = registry.find(identifier)
        check_owner(task, segment.permissions)
        segment.permissions.change(raw)
        segment.changed_s = now_s(task)
    elif command == IPC_RMID:
        segment = registry.find(identifier)
        check_owner(task, segment.permissions)
        system.segments.remove(segment)
    elif command in (SHM_LOCK, SHM_UNLOCK):
        _lock(task, registry.find(identifier), command == SHM_LOCK)
    else:
        raise LinuxError(E.EINVAL)
    return 0


def _information(task: Thread, system: SystemV, command: int, pointer: int) -> int:
    segments = system.segments
    if command == IPC_INFO:
        task.memory.write_struct(_LIMITS, pointer, SHMMAX, SHMMIN, SHMMNI, SHMMNI, SHMALL)
    else:
        total = sum(page_up(each.size) // PAGE for each in segments.registry)
        resident = sum(segments.resident(each) for each in segments.registry)
        task.memory.write_struct(_USE, pointer, len(segments.registry), total, resident, 0, 0, 0)
    return segments.registry.highest


def _status(task: Thread, system: SystemV, identifier: int, command: int, pointer: int) -> int:
    registry = system.segments.registry
    segment = registry.find(identifier) if command == IPC_STAT else registry.at(identifier)
    if command != SHM_STAT_ANY:
        check_access(task, segment.permissions, READ)
    task.memory.write(pointer, segment.pack())
    return 0 if command == IPC_STAT else segment.permissions.identifier


def _lock(task: Thread, segment: Segment, on: bool) -> None:
    """SHM_LOCK: memory here is never swapped out, so only the mode shows it."""
    check_owner(task, segment.permissions)
    if on and not task.process.limits.soft(Resource.MEMLOCK):
        raise LinuxError(E.EPERM)
    mode = segment.permissions.mode
    segment.permissions.mode = mode | SHM_LOCKED if on else mode & ~SHM_LOCKED
