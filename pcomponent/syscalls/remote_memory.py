"""process_vm_readv(2) and process_vm_writev(2): copies between two address spaces. Source: mm/process_vm_access.c.

The other process may run on another processor: its address space is reached as the kernel's own copies reach it.
"""

from __future__ import annotations

import itertools
import struct
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.regions import PAGE, TASK_SIZE, page_up
from pcomponent.syscalls.table import syscall
from pcomponent.tasks import find_thread, may_access
from pcomponent.vectors import UIO_MAXIOV, Cursor, Vector, read_vectors

if TYPE_CHECKING:
    from pcomponent.process import Thread
    from pcomponent.space import Space

_IOVEC = struct.Struct("<QQ")


@syscall(310, "process_vm_readv", "pid", "pointer", "ulong", "pointer", "ulong", "ulong")
def process_vm_readv(
    task: Thread, tid: int, local: int, local_count: int, remote: int, remote_count: int, flags: int
) -> int:
    """Copies from another process."""
    return _move(task, tid, (local, local_count), (remote, remote_count), flags, write=False)


@syscall(311, "process_vm_writev", "pid", "pointer", "ulong", "pointer", "ulong", "ulong")
def process_vm_writev(
    task: Thread, tid: int, local: int, local_count: int, remote: int, remote_count: int, flags: int
) -> int:
    """Copies to another process."""
    return _move(task, tid, (local, local_count), (remote, remote_count), flags, write=True)


def _move(task: Thread, tid: int, local: Vector, remote: Vector, flags: int, write: bool) -> int:
    """process_vm_rw(). What was copied before an error counts; EINVAL, EFAULT, ESRCH, EPERM."""
    if flags:
        raise LinuxError(E.EINVAL)
    cursor = Cursor(task, read_vectors(task, *local))
    if not cursor.left:
        return 0
    pieces = _remote_vectors(task, *remote)
    if not any(length for _, length in pieces):
        return 0
    if tid <= 0:
        raise LinuxError(E.ESRCH)
    target = find_thread(task, tid).process
    if target.status is not None:
        raise LinuxError(E.ESRCH)  # It has no memory any more.
    if not may_access(task, target):
        raise LinuxError(E.EPERM)
    total = 0
    for address, length in pieces:
        wanted = min(length, cursor.left)
        done = _copy(cursor, target.space, address, wanted, write)
        total += done
        if done < wanted:
            break
    if not total:
        raise LinuxError(E.EFAULT)
    return total


def _remote_vectors(task: Thread, pointer: int, count: int) -> list[Vector]:
    """iovec_from_user(): addresses of another process are looked at only when their turn comes."""
    if count > UIO_MAXIOV:
        raise LinuxError(E.EINVAL)
    vectors = list(_IOVEC.iter_unpack(task.memory.read(pointer, count * _IOVEC.size))) if count else []
    if any(length >> 63 for _, length in vectors):
        raise LinuxError(E.EINVAL)
    return vectors


def _copy(cursor: Cursor, space: Space, address: int, length: int, write: bool) -> int:
    """One piece, a page at a time; returns how many bytes could be copied."""
    done = 0
    cuts = [0, *range(page_up(address + 1) - address, length, PAGE), length]
    for start, end in itertools.pairwise(cuts):
        if address + end > TASK_SIZE:
            break
        try:
            if write:
                data = cursor.get(end - start)
                space.write(address + start, data)
                copied = len(data)
            else:
                copied = cursor.put(space.read(address + start, end - start))
        except LinuxError as error:
            if error.errno != E.EFAULT:
                raise
            break
        done += copied
        if copied < end - start:
            break
    return done
