"""fork(2), vfork(2), and clone(2) of what is not a thread. Source: kernel/fork.c (copy_process).

The order matters (DESIGN, section 5): the manager gives a pid, or refuses; the parent's dirty private lines reach their
owners; the memory makes its copy, which shares every frame; then the child exists. The parent's lines stay
valid: they are clean, and a store into one breaks copy-on-write at the memory when it is flushed. The
child begins without lines. Shared lines are tagged by object and serve both.
"""

from __future__ import annotations

import contextlib
import struct
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gmanager.messages import Exited, Place
from lego.linux.errno import E, LinuxError
from lego.linux.signal import Sig, bit
from lego.observe.clock import Meter
from lego.regions import NOT_FORKED, TASK_SIZE, WIPED_ON_FORK
from mcomponent.messages import Fork
from pcomponent import family, threads
from pcomponent.files.base import Blocking
from pcomponent.process import Process, Thread
from pcomponent.seats.space import new_space
from pcomponent.space import Space
from pcomponent.waiting import Interrupted, Wait
from pcomponent.waking import queue_up

if TYPE_CHECKING:
    from pcomponent.seats.table import Seat

CSIGNAL = 0xFF
CLONE_VM, CLONE_FS, CLONE_FILES, CLONE_SIGHAND, CLONE_PIDFD = 0x100, 0x200, 0x400, 0x800, 0x1000
CLONE_VFORK, CLONE_PARENT, CLONE_THREAD, CLONE_SETTLS = 0x4000, 0x8000, 0x10000, 0x80000
CLONE_PARENT_SETTID, CLONE_CHILD_CLEARTID, CLONE_CHILD_SETTID = 0x100000, 0x200000, 0x1000000
CLONE_CLEAR_SIGHAND = 1 << 32
NAMESPACES = 0x7E020000
"""CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET: root of a vNode has no CAP_SYS_ADMIN. (The bit of
NEWTIME is one of CSIGNAL here.)"""

_TID = struct.Struct("<i")
_ALL_BUT_KILL = (1 << 64) - 1 & ~bit(Sig.KILL)


def fork(task: Thread, flags: int, stack: int, parent_tid: int, child_tid: int, tls: int) -> int:
    """Makes the child and returns its pid; the child goes on after the same call, with 0.

    Errors: EINVAL (flags that go together badly, CLONE_PIDFD), EPERM (namespaces), EAGAIN (RLIMIT_NPROC, or the vNode
    is full), ENOMEM."""
    _check(task, flags)
    kernel, parent = task.kernel, task.process
    threads.check_limit(task)
    placed, _ = kernel.endpoint.call(family.MANAGER, Place(parent.vnode, parent.pid, _stays(parent, flags)))
    try:
        child = _copy(task, placed.pid, flags)
        child.seat = kernel.seats.get(placed.seat)
        _copy_memory(parent, child, flags)
    except BaseException:
        with contextlib.suppress(LinuxError):
            kernel.endpoint.call(family.MANAGER, Exited(placed.pid, kernel.endpoint.name))
        raise
    thread = child.threads[child.pid]
    _set_registers(task, thread, stack, tls if flags & CLONE_SETTLS else None)
    thread.rip, thread.flags, thread.number = task.rip, task.flags, task.number
    _share(task, child, flags)
    kernel.processes[child.pid] = child
    if flags & CLONE_PARENT_SETTID:
        with contextlib.suppress(LinuxError):  # put_user(), whose result Linux does not look at either.
            task.memory.write_struct(_TID, parent_tid, child.pid)
    if flags & CLONE_CHILD_CLEARTID:
        thread.clear_child_tid = child_tid
    if flags & CLONE_CHILD_SETTID:
        with contextlib.suppress(LinuxError):
            thread.memory.write_struct(_TID, child_tid, child.pid)
    thread.meter = Meter(task.meter.now_ns)
    child.started_ns = task.meter.now_ns
    queue_up(thread)
    return child.pid


def _check(task: Thread, flags: int) -> None:
    parent = task.process
    if flags & CLONE_THREAD or (flags & CLONE_SIGHAND and not flags & CLONE_VM):
        raise LinuxError(E.EINVAL)
    if flags & CLONE_PIDFD or (flags & CLONE_PARENT and parent.kin.root == parent.pid):
        raise LinuxError(E.EINVAL)
    if flags & NAMESPACES:
        raise LinuxError(E.EPERM)


def _copy(task: Thread, pid: int, flags: int) -> Process:
    """What a child has of its own from the beginning."""
    parent = task.process
    child = Process(task.kernel, pid, parent.vnode)
    child.group, child.session, child.terminal = parent.group, parent.session, parent.terminal
    child.home, child.memories, child.storage = parent.home, parent.memories, parent.storage
    child.console, child.trace = parent.console, parent.trace
    child.path, child.command = parent.path, parent.command
    child.arguments, child.strings = parent.arguments, parent.strings
    child.stack_pointer = parent.stack_pointer
    child.credentials, child.attributes = task.credentials.copy(), parent.attributes.copy()
    child.limits, child.signals = parent.limits.copy(), parent.signals.for_child(bool(flags & CLONE_SIGHAND))
    child.kin.root = parent.kin.root
    family.watch(child)
    if flags & CLONE_CLEAR_SIGHAND:
        child.signals.for_exec()
    thread = Thread(child, pid)
    thread.signal_mask = task.signal_mask
    if not flags & CLONE_VM or flags & CLONE_VFORK:
        thread.signals.alternate = task.signals.alternate
    thread.attributes = task.attributes.copy()
    thread.name = task.name
    child.threads[pid] = thread
    child.timers_changed()  # It may have a limit of processor time, which it begins to use now.
    return child


def _stays(parent: Process, flags: int) -> bool:
    """Whether a child runs on its parent's processor in any case: they share memory that one of them may write."""
    return bool(flags & CLONE_VM) or parent.space.shares_writable_memory()


def _copy_memory(parent: Process, child: Process, flags: int) -> None:
    """The child's space: a copy, or with CLONE_VM the parent's."""
    space, kernel = parent.space, parent.kernel
    if flags & CLONE_VM:
        child.space = space
        space.users += 1
        return
    space.flush_private(0, TASK_SIZE)
    name = kernel.space_name(child.pid)
    kernel.endpoint.call(space.home, Fork(space.pid, name))
    child.space = _forked(space, name, child.seat)


def _forked(space: Space, name: int, seat: Seat | None) -> Space:
    """This processor's view of the copy: the same regions, none of the lines. What the memory has contents for in one
    it has in both."""
    kernel = space.kernel
    child = new_space(kernel, seat, name, space.memories, space.home)
    regions = [region for region in space.regions if not region.flags & NOT_FORKED]
    if space.seat is None and seat is None:
        child.load(regions, [], space.owners)
        child.resident = set(space.resident)
    else:
        child.load(regions, space.resident_ranges(), space.owners)
    for region in space.regions:
        if region.flags & (NOT_FORKED | WIPED_ON_FORK):
            child.forget(region.start, region.end)
    return child


def _share(task: Thread, child: Process, flags: int) -> None:
    """What the two have in common, now that nothing can fail any more."""
    parent = task.process
    if flags & CLONE_FS:
        child.surroundings = parent.surroundings
        child.surroundings.users += 1
    else:
        child.surroundings = parent.surroundings.copy()
    if flags & CLONE_FILES:
        child.files = parent.files
        child.files.users += 1
    else:
        child.files = parent.files.copy()
    child.kin.borrowing = bool(flags & CLONE_VFORK)
    child.kin.exit_signal = parent.kin.exit_signal if flags & CLONE_PARENT else flags & CSIGNAL
    family.adopt(family.parent_of(parent) if flags & CLONE_PARENT else parent, child)
    child.kin.maker = parent.kin.maker if flags & CLONE_PARENT else task


def _set_registers(task: Thread, child: Thread, stack: int, tls: int | None) -> None:
    """The registers with which the child returns from the call that the parent is in."""
    if task.process.seat is None and child.process.seat is None:
        child.context = _context(task, stack, tls)
        return
    registers = task.cpu.read_registers()
    child.start = replace(
        registers,
        rax=0, rcx=task.rip, r11=task.flags, rip=task.rip, rflags=task.flags,
        rsp=stack or registers.rsp, fs_base=registers.fs_base if tls is None else tls,
    )  # fmt: skip


def _context(task: Thread, stack: int, tls: int | None) -> Any:
    """The same as the CPU's own state, which is faster."""
    cpu = task.kernel.cpu
    cpu.write_result(0, task.rip, task.flags)
    if not stack and tls is None:
        return cpu.new_context()
    mine = cpu.new_context()
    registers = cpu.read_registers()
    registers.rsp = stack or registers.rsp
    registers.fs_base = registers.fs_base if tls is None else tls
    cpu.write_registers(registers)
    context = cpu.new_context()
    cpu.restore_context(mine)
    return context


def until_released(task: Thread, pid: int) -> Blocking:
    """A parent in vfork sleeps until its child has called execve or has ended; only SIGKILL ends this sooner
    (wait_for_vfork_done)."""
    child = task.kernel.processes[pid]
    mask, task.signal_mask = task.signal_mask, _ALL_BUT_KILL
    try:
        while child.kin.borrowing:
            if task.process.signals.pending.mask & bit(Sig.KILL) or task.signals.pending.mask & bit(Sig.KILL):
                raise Interrupted(restart=False)
            yield Wait(ready=lambda _: not child.kin.borrowing, changes=lambda: [child.kin.freed])
    finally:
        task.signal_mask = mask
    task.meter.now_ns = max(task.meter.now_ns, child.kin.released_ns)
    return pid
