"""clone(2) and clone3(2). A thread is made here; a process by `Lifecycle.fork`. Source: kernel/fork.c."""

from __future__ import annotations

import struct

from lego.linux.errno import E, LinuxError
from lego.linux.signal import NSIG
from lego.regions import TASK_SIZE
from pcomponent import threads
from pcomponent.files.base import Blocking
from pcomponent.files.pidfd import PidFile
from pcomponent.process import Thread
from pcomponent.syscalls.table import syscall

# include/uapi/linux/sched.h
CSIGNAL = 0xFF
CLONE_VM, CLONE_FS, CLONE_FILES, CLONE_SIGHAND, CLONE_PIDFD = 0x100, 0x200, 0x400, 0x800, 0x1000
CLONE_VFORK, CLONE_PARENT, CLONE_THREAD, CLONE_NEWNS, CLONE_SYSVSEM = 0x4000, 0x8000, 0x10000, 0x20000, 0x40000
CLONE_SETTLS, CLONE_PARENT_SETTID, CLONE_CHILD_CLEARTID, CLONE_DETACHED = 0x80000, 0x100000, 0x200000, 0x400000
CLONE_CHILD_SETTID, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC = 0x1000000, 0x2000000, 0x4000000, 0x8000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWTIME = 0x10000000, 0x20000000, 0x40000000, 0x80
CLONE_CLEAR_SIGHAND, CLONE_INTO_CGROUP = 1 << 32, 1 << 33
_SPACES = (
    CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET
)  # fmt: skip
_LEGACY_FLAGS = 0xFFFFFFFF
_TID = struct.Struct("<I")
_ARGUMENTS = struct.Struct("<11Q")
_SIZE_FIRST, _SIZE_MAX = 64, 4096
_NOTE = "no namespaces; threads share CLONE_FS and CLONE_FILES"


@syscall(56, "clone", "flags", "pointer", "pointer", "pointer", "ulong", support="partial", note=_NOTE)
def clone(task: Thread, flags: int, stack: int, parent_tid: int, child_tid: int, tls: int) -> int | Blocking:
    """clone(2): the low byte of the flags is the signal that a process sends when it ends."""
    if flags & CLONE_PIDFD and flags & CLONE_PARENT_SETTID:
        raise LinuxError(E.EINVAL)
    return _clone(task, flags, stack, parent_tid, child_tid, tls, pidfd=parent_tid)


@syscall(435, "clone3", "pointer", "size", support="partial", note=f"{_NOTE}, no set_tid, no cgroup")
def clone3(task: Thread, address: int, size: int) -> int | Blocking:
    """clone3(2)."""
    if size > _SIZE_MAX:
        raise LinuxError(E.E2BIG)
    if size < _SIZE_FIRST:
        raise LinuxError(E.EINVAL)
    raw = task.memory.read(address, size)
    if any(raw[_ARGUMENTS.size :]):
        raise LinuxError(E.E2BIG)
    raw = raw[: _ARGUMENTS.size].ljust(_ARGUMENTS.size, b"\0")
    flags, pidfd, child_tid, parent_tid, signal, stack, length, tls, set_tid, tids, _ = _ARGUMENTS.unpack(raw)
    if bool(set_tid) != bool(tids) or signal & ~CSIGNAL or signal > NSIG:
        raise LinuxError(E.EINVAL)
    if tids:
        raise LinuxError(E.EPERM)  # It takes CAP_CHECKPOINT_RESTORE.
    if flags & ~(_LEGACY_FLAGS | CLONE_CLEAR_SIGHAND) or flags & (CLONE_DETACHED | CSIGNAL & ~CLONE_NEWTIME):
        raise LinuxError(E.EINVAL)
    if flags & CLONE_SIGHAND and flags & CLONE_CLEAR_SIGHAND:
        raise LinuxError(E.EINVAL)
    if flags & (CLONE_THREAD | CLONE_PARENT) and signal:
        raise LinuxError(E.EINVAL)
    if bool(stack) != bool(length) or stack + length > TASK_SIZE:
        raise LinuxError(E.EINVAL)
    if flags & CLONE_NEWTIME:
        raise LinuxError(E.EPERM)
    return _clone(task, flags | signal, stack + length, parent_tid, child_tid, tls, pidfd)


def _check(flags: int) -> None:
    """The combinations that copy_process() refuses, in its order."""
    if flags & (CLONE_NEWNS | CLONE_FS) == CLONE_NEWNS | CLONE_FS:
        raise LinuxError(E.EINVAL)
    if flags & (CLONE_NEWUSER | CLONE_FS) == CLONE_NEWUSER | CLONE_FS:
        raise LinuxError(E.EINVAL)
    if flags & CLONE_THREAD and not flags & CLONE_SIGHAND:
        raise LinuxError(E.EINVAL)
    if flags & CLONE_SIGHAND and not flags & CLONE_VM:
        raise LinuxError(E.EINVAL)
    if flags & CLONE_THREAD and flags & (CLONE_NEWUSER | CLONE_NEWPID):
        raise LinuxError(E.EINVAL)
    if flags & CLONE_PIDFD and flags & (CLONE_DETACHED | CLONE_THREAD):
        raise LinuxError(E.EINVAL)
    if flags & _SPACES:
        raise LinuxError(E.EPERM)  # Root of a vNode has no CAP_SYS_ADMIN.


def _clone(
    task: Thread, flags: int, stack: int, parent_tid: int, child_tid: int, tls: int, pidfd: int
) -> int | Blocking:
    _check(flags)
    if flags & CLONE_SETTLS and tls >= TASK_SIZE:
        raise LinuxError(E.EPERM)
    if not flags & CLONE_THREAD:
        lifecycle = task.kernel.lifecycle
        if flags & CLONE_PIDFD:
            fd = task.process.files.free(task)
            task.memory.write_struct(_TID, pidfd, fd)
        pid = lifecycle.fork(task, flags & ~CLONE_PIDFD, stack, parent_tid, child_tid, tls)
        if flags & CLONE_PIDFD:
            file = PidFile(task, task.kernel.processes[pid])
            task.process.files.install(task, file, close_on_exec=True, lowest=fd)
        return lifecycle.until_released(task, pid) if flags & CLONE_VFORK else pid
    if flags & (CLONE_FS | CLONE_FILES) != CLONE_FS | CLONE_FILES:
        raise LinuxError(E.EINVAL)
    child = threads.new_thread(task, stack, tls if flags & CLONE_SETTLS else None)
    if flags & CLONE_CHILD_CLEARTID:
        child.clear_child_tid = child_tid
    if flags & CLONE_PARENT_SETTID:
        _tell(task, parent_tid, child.tid)
    if flags & CLONE_CHILD_SETTID:
        _tell(task, child_tid, child.tid)
    return child.tid


def _tell(task: Thread, address: int, tid: int) -> None:
    """put_user() whose failure nobody looks at."""
    try:
        task.memory.write_struct(_TID, address, tid)
    except LinuxError:
        return
