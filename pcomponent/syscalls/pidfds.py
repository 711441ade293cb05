"""System calls on processes as descriptors. Source: kernel/pid.c (pidfd_open, pidfd_getfd), kernel/signal.c."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import O_NONBLOCK
from lego.linux.signal import SI_TKILL, SigInfo
from pcomponent.files.pidfd import PidFile, exists, process_of
from pcomponent.syscalls.signals import copy_info
from pcomponent.syscalls.table import syscall
from pcomponent.tasks import find_thread, may_access, signal_process

if TYPE_CHECKING:
    from pcomponent.process import Thread


@syscall(434, "pidfd_open", "pid", "flags")
def pidfd_open(task: Thread, pid: int, flags: int) -> int:
    """A descriptor of a process; EINVAL for a thread that is not its process's first."""
    if flags & ~O_NONBLOCK or pid <= 0:
        raise LinuxError(E.EINVAL)
    target = task.kernel.processes.get(pid)
    if target is None or target.vnode != task.process.vnode:
        find_thread(task, pid)
        raise LinuxError(E.EINVAL)
    return task.process.files.install(task, PidFile(task, target, flags), close_on_exec=True)


@syscall(424, "pidfd_send_signal", "fd", "signal", "pointer", "flags")
def pidfd_send_signal(task: Thread, fd: int, number: int, address: int, flags: int) -> int:
    """Signals the process, also through a descriptor of /proc/PID."""
    if flags:
        raise LinuxError(E.EINVAL)
    target = process_of(task, task.process.files.get(fd))
    if address:
        info = copy_info(task, address)
        if info.number != number:
            raise LinuxError(E.EINVAL)
        if target is not task.process and (info.code >= 0 or info.code == SI_TKILL):
            raise LinuxError(E.EPERM)
    else:
        info = SigInfo.user(number, task.process.pid, task.credentials.uid)
    if not exists(target):
        raise LinuxError(E.ESRCH)
    signal_process(task, target, number, info)
    return 0


@syscall(438, "pidfd_getfd", "fd", "fd", "flags")
def pidfd_getfd(task: Thread, fd: int, wanted: int, flags: int) -> int:
    """A descriptor of one's own for what a descriptor of another process refers to."""
    if flags:
        raise LinuxError(E.EINVAL)
    file = task.process.files.get(fd)
    if not isinstance(file, PidFile):
        raise LinuxError(E.EBADF)
    target = file.target
    if target.status is not None:
        raise LinuxError(E.ESRCH)
    if not may_access(task, target):
        raise LinuxError(E.EPERM)
    return task.process.files.install(task, target.files.peek(wanted), close_on_exec=True)
