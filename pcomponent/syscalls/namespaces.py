"""unshare(2) and setns(2), in a kernel that lets nobody make or enter namespaces. Source: kernel/fork.c
(ksys_unshare), kernel/nsproxy.c."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from pcomponent.files.pidfd import PidFile
from pcomponent.ipc import semaphores
from pcomponent.syscalls import cloning as c
from pcomponent.syscalls.table import syscall

if TYPE_CHECKING:
    from pcomponent.process import Thread

_SPACES = (
    c.CLONE_NEWNS | c.CLONE_NEWCGROUP | c.CLONE_NEWUTS | c.CLONE_NEWIPC | c.CLONE_NEWUSER | c.CLONE_NEWPID
    | c.CLONE_NEWNET | c.CLONE_NEWTIME
)  # fmt: skip
_OWN = c.CLONE_FS | c.CLONE_FILES | c.CLONE_SYSVSEM
_KNOWN = _SPACES | _OWN | c.CLONE_THREAD | c.CLONE_SIGHAND | c.CLONE_VM


@syscall(
    272, "unshare", "ulong", support="partial",
    note="no namespaces (EPERM); threads of one process share CLONE_FS, CLONE_FILES and CLONE_SYSVSEM (EINVAL)",
)  # fmt: skip
def unshare(task: Thread, flags: int) -> int:
    """Shares descriptors and directory with no other process any more; undoes semaphore operations as the end would."""
    process = task.process
    if flags & c.CLONE_NEWUSER:
        flags |= c.CLONE_THREAD | c.CLONE_FS
    if flags & c.CLONE_VM:
        flags |= c.CLONE_SIGHAND
    if flags & c.CLONE_SIGHAND:
        flags |= c.CLONE_THREAD
    if flags & ~_KNOWN:
        raise LinuxError(E.EINVAL)
    several = len(process.threads) > 1
    if several and flags & (c.CLONE_THREAD | _OWN):
        raise LinuxError(E.EINVAL)
    if flags & c.CLONE_VM and process.space.users > 1:
        raise LinuxError(E.EINVAL)
    if flags & _SPACES:
        raise LinuxError(E.EPERM)  # Root of a vNode has no CAP_SYS_ADMIN, and its users make no user namespaces.
    if flags & c.CLONE_FILES:
        process.own_files()
    if flags & c.CLONE_FS and process.surroundings.users > 1:
        process.surroundings.users -= 1
        process.surroundings = process.surroundings.copy()
    if flags & c.CLONE_SYSVSEM:
        semaphores.process_ended(task, process)
    return 0


@syscall(308, "setns", "fd", "flags", support="partial", note="no namespaces to enter: EINVAL or EPERM")
def setns(task: Thread, fd: int, kinds: int) -> int:
    """Checks what it is given: those of a process are the caller's already, and entering them takes CAP_SYS_ADMIN."""
    file = task.process.files.get(fd)
    if not isinstance(file, PidFile) or not kinds or kinds & ~_SPACES:
        raise LinuxError(E.EINVAL)
    raise LinuxError(E.EPERM)
