"""Where memory is to come from, on a machine whose guests see one memory node, number 0. Source: mm/mempolicy.c,
mm/migrate.c.

Memory components place pages (docs/architecture.md); a policy that names node 0 is fulfilled by whatever they do, and
one that names others only is refused, as on a host with one node.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from lego.linux.errno import E, LinuxError
from lego.regions import PAGE, PAGE_SHIFT, TASK_SIZE, page_down, page_up
from pcomponent.attributes import MemoryPolicy
from pcomponent.credentials import SYS_NICE
from pcomponent.syscalls.table import syscall
from pcomponent.tasks import find_thread, may_access

if TYPE_CHECKING:
    from pcomponent.process import Process, Thread

_DEFAULT, _PREFERRED, _BIND, _INTERLEAVE, _LOCAL, _PREFERRED_MANY = range(6)
_STATIC, _RELATIVE, _BALANCING = 1 << 15, 1 << 14, 1 << 13
_MODE_FLAGS = _STATIC | _RELATIVE | _BALANCING
_F_NODE, _F_ADDRESS, _F_ALLOWED = 1, 2, 4
_STRICT, _MOVE, _MOVE_ALL = 1, 2, 4
_NODES = 1
"""The set of nodes that there are: node 0."""
_NODES_MAX = 1024
"""MAX_NUMNODES, as packaged kernels have it."""
_INT, _POINTER, _MASK_BYTES = struct.Struct("<i"), struct.Struct("<Q"), 8
_STATUS_BATCH = 16


class _Wanted(NamedTuple):
    mode: int
    flags: int
    nodes: int


def _read_nodes(task: Thread, pointer: int, count: int) -> int:
    """get_nodes(): a set of `count` - 1 nodes. EINVAL; EFAULT."""
    count = (count - 1) & (1 << 64) - 1
    if not count or not pointer:
        return 0
    if count > PAGE * 8:
        raise LinuxError(E.EINVAL)
    raw = task.memory.read(pointer, (count + 63) // 64 * 8)
    nodes = int.from_bytes(raw, "little") & (1 << count) - 1
    if nodes >> _NODES_MAX:
        raise LinuxError(E.EINVAL)
    return nodes


def _wanted(task: Thread, mode: int, pointer: int, count: int) -> _Wanted:
    """sanitize_mpol_flags() and get_nodes()."""
    flags, mode = mode & _MODE_FLAGS, mode & ~_MODE_FLAGS
    if not 0 <= mode <= _PREFERRED_MANY or (flags & _STATIC and flags & _RELATIVE):
        raise LinuxError(E.EINVAL)
    if flags & _BALANCING and mode not in (_BIND, _PREFERRED_MANY):
        raise LinuxError(E.EINVAL)
    return _Wanted(mode, flags, _read_nodes(task, pointer, count))


def _policy(wanted: _Wanted) -> MemoryPolicy:
    """mpol_new() and mpol_set_nodemask(): EINVAL for nodes where none belong, or when none of them exists."""
    mode, flags, nodes = wanted
    absolute = not flags & (_STATIC | _RELATIVE)
    if mode == _DEFAULT:
        if nodes:
            raise LinuxError(E.EINVAL)
        return MemoryPolicy()
    if mode == _PREFERRED and not nodes and absolute:
        mode = _LOCAL
    if mode == _LOCAL:
        if nodes or not absolute:
            raise LinuxError(E.EINVAL)
        return MemoryPolicy(mode | flags, 0)
    if not nodes or not (flags & _RELATIVE or nodes & _NODES):
        raise LinuxError(E.EINVAL)
    return MemoryPolicy(mode | flags, nodes & _NODES if absolute else nodes)


@syscall(238, "set_mempolicy", "int", "pointer", "ulong")
def set_mempolicy(task: Thread, mode: int, pointer: int, count: int) -> int:
    """The policy of the calling thread, which its children inherit."""
    task.attributes.memory_policy = _policy(_wanted(task, mode, pointer, count))
    return 0


@syscall(
    237, "mbind", "ulong", "ulong", "ulong", "pointer", "ulong", "uint", support="partial",
    note="checked, but get_mempolicy(MPOL_F_ADDR) does not tell it",
)  # fmt: skip
def mbind(task: Thread, start: int, length: int, mode: int, pointer: int, count: int, flags: int) -> int:
    """The policy of a range, in the order of do_mbind()."""
    wanted = _wanted(task, mode & 0xFFFFFFFF, pointer, count)
    if flags & ~(_STRICT | _MOVE | _MOVE_ALL):
        raise LinuxError(E.EINVAL)
    if flags & _MOVE_ALL and not task.credentials.capable(SYS_NICE):
        raise LinuxError(E.EPERM)
    end = start + (length + PAGE - 1 & -PAGE & (1 << 64) - 1)
    if start % PAGE or end >> 64:
        raise LinuxError(E.EINVAL)
    if start == end:
        return 0
    _policy(wanted)
    regions = task.memory.regions
    limit = min(end, TASK_SIZE)
    if wanted.mode == _DEFAULT:
        there = start < limit and next(iter(regions.overlapping(start, limit)), None) is not None
    else:
        there = end <= TASK_SIZE and regions.covered(start, end)
    if not there:
        raise LinuxError(E.EFAULT)
    return 0


@syscall(239, "get_mempolicy", "pointer", "pointer", "ulong", "pointer", "ulong")
def get_mempolicy(task: Thread, mode: int, pointer: int, count: int, address: int, flags: int) -> int:
    """The thread's policy; with MPOL_F_ADDR that of an address, with MPOL_F_NODE a node in its place."""
    if pointer and not count:
        raise LinuxError(E.EINVAL)
    policy = _ask(task, address, flags)
    if mode:
        task.memory.write_struct(_INT, mode, policy.mode)
    if pointer:
        size = (count - 1 + 63) // 64 * 8
        if size > PAGE and size > _MASK_BYTES:
            raise LinuxError(E.EINVAL)
        task.memory.write(pointer, policy.nodes.to_bytes(_NODES_MAX // 8, "little")[:size].ljust(size, b"\0"))
    return 0


def _ask(task: Thread, address: int, flags: int) -> MemoryPolicy:
    """do_get_mempolicy()."""
    if flags & ~(_F_NODE | _F_ADDRESS | _F_ALLOWED):
        raise LinuxError(E.EINVAL)
    if flags & _F_ALLOWED:
        if flags & (_F_NODE | _F_ADDRESS):
            raise LinuxError(E.EINVAL)
        return MemoryPolicy(0, _NODES)
    policy = task.attributes.memory_policy
    if flags & _F_ADDRESS:
        if task.memory.regions.find(address) is None:
            raise LinuxError(E.EFAULT)
        policy = MemoryPolicy()
        if flags & _F_NODE:
            task.memory.read(address, 1)  # As get_user_pages() does: the page is there from now on.
    elif address or (flags & _F_NODE and policy.mode & ~_MODE_FLAGS != _INTERLEAVE):
        raise LinuxError(E.EINVAL)
    return MemoryPolicy(0, policy.nodes) if flags & _F_NODE else policy


# ---- moving ----------------------------------------------------------------------------------------------


def _process(task: Thread, tid: int) -> Process:
    """Whose pages are meant: ESRCH, EPERM; EINVAL when it has no memory any more."""
    if tid < 0:
        raise LinuxError(E.ESRCH)
    target = task.process if tid == 0 else find_thread(task, tid).process
    if not may_access(task, target):
        raise LinuxError(E.EPERM)
    if target.status is not None:
        raise LinuxError(E.EINVAL)
    return target


@syscall(256, "migrate_pages", "pid", "ulong", "pointer", "pointer")
def migrate_pages(task: Thread, tid: int, count: int, old: int, new: int) -> int:
    """Nothing has to move, so the number of pages that could not be moved is 0. EPERM for nodes that do not exist."""
    _read_nodes(task, old, count)
    wanted = _read_nodes(task, new, count)
    _process(task, tid)
    if wanted & ~_NODES and not task.credentials.capable(SYS_NICE):
        raise LinuxError(E.EPERM)
    if not wanted & _NODES:
        raise LinuxError(E.EINVAL)
    return 0


@syscall(279, "move_pages", "pid", "ulong", "pointer", "pointer", "pointer", "int")
def move_pages(task: Thread, tid: int, count: int, pages: int, nodes: int, status: int, flags: int) -> int:
    """Tells for each page that it is on node 0, -ENOENT when it was never touched, -EFAULT when there is none."""
    if flags & ~(_MOVE | _MOVE_ALL):
        raise LinuxError(E.EINVAL)
    if flags & _MOVE_ALL and not task.credentials.capable(SYS_NICE):
        raise LinuxError(E.EPERM)
    target = _process(task, tid)
    batch = 1 if nodes else _STATUS_BATCH
    for first in range(0, count, batch):
        size = min(batch, count - first)
        raw = task.memory.read(pages + first * _POINTER.size, size * _POINTER.size)
        if nodes:
            (node,) = task.memory.read_struct(_INT, nodes + first * _INT.size)
            if node != 0:
                raise LinuxError(E.ENODEV)
        found = b"".join(_INT.pack(_node_of(target, address)) for (address,) in _POINTER.iter_unpack(raw))
        task.memory.write(status + first * _INT.size, found)
    return 0


def _node_of(process: Process, address: int) -> int:
    if process.space.regions.find(address) is None:
        return -int(E.EFAULT)
    page = page_down(address)
    lines, resident = process.space.held(page, page_up(page + 1))
    return 0 if page >> PAGE_SHIFT in lines | resident else -int(E.ENOENT)
