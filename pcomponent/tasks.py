"""Finding processes and threads by their numbers, and who may do what to them.

A guest sees the processes of its own vNode, whichever processor they run on: one keeps them all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.linux.signal import NSIG, Sig, SigInfo
from lego.linux.stat import S_IFDIR
from pcomponent import credentials
from pcomponent.family import wake_at
from pcomponent.signals import send_to_process, send_to_thread

if TYPE_CHECKING:
    from pcomponent.process import Process, Thread


def visible(task: Thread) -> list[Process]:
    """The processes that a thread can see, by pid."""
    vnode = task.process.vnode
    return [process for _, process in sorted(task.kernel.processes.items()) if process.vnode == vnode]


def find_process(task: Thread, pid: int) -> Process:
    """The process with a pid, or that has a thread with that number (find_task_by_vpid); ESRCH."""
    process = task.kernel.processes.get(pid)
    if process is not None and process.vnode == task.process.vnode:
        return process
    if pid > 0:
        return find_thread(task, pid).process
    raise LinuxError(E.ESRCH)


def find_thread(task: Thread, tid: int) -> Thread:
    """The thread with a number, 0 for the caller itself; ESRCH."""
    if tid == 0:
        return task
    thread = task.process.threads.get(tid)
    if thread is not None:
        return thread
    for process in visible(task):
        thread = process.threads.get(tid)
        if thread is not None:
            return thread
    raise LinuxError(E.ESRCH)


def members(task: Thread, group: int) -> list[Process]:
    """The processes of a process group."""
    return [process for process in visible(task) if process.group == group]


def may_signal(task: Thread, target: Process, number: int) -> bool:
    """check_kill_permission() and kill_ok_by_cred()."""
    own, other = task.credentials, target.credentials
    if task.process is target or own.capable(credentials.KILL):
        return True
    if own.euid in (other.suid, other.uid) or own.uid in (other.suid, other.uid):
        return True
    return number == Sig.CONT and task.process.session == target.session


def signal_process(task: Thread, target: Process, number: int, info: SigInfo) -> None:
    """Sends a signal for a program; number 0 only asks. EINVAL, EPERM, EAGAIN."""
    _check(task, target, number)
    if number and target.status is None:
        send_to_process(target, number, info)
        wake_at(target, task.meter.now_ns)


def signal_thread(task: Thread, target: Thread, number: int, info: SigInfo) -> None:
    """The same to one thread."""
    _check(task, target.process, number)
    if number and target.process.status is None:
        send_to_thread(target, number, info)
        wake_at(target.process, task.meter.now_ns)


def _check(task: Thread, target: Process, number: int) -> None:
    if not 0 <= number <= NSIG:
        raise LinuxError(E.EINVAL)
    if not may_signal(task, target, number):
        raise LinuxError(E.EPERM)


def may_access(task: Thread, target: Process) -> bool:
    """Whether a thread may reach into another process (ptrace_may_access with PTRACE_MODE_ATTACH_REALCREDS)."""
    own, other = task.credentials, target.credentials
    if task.process is target or own.capable(credentials.SYS_PTRACE):
        return True
    same = {other.uid, other.euid, other.suid} == {own.uid} and {other.gid, other.egid, other.sgid} == {own.gid}
    return same and target.attributes.dumpable == 1 and not other.permitted & ~own.permitted


def proc_owner(thread: Thread, mode: int) -> tuple[int, int]:
    """Whose a file of /proc about a thread is: its effective user's, but root's while it is not dumpable. Directories
    that all may read are its user's in any case: ps(1) asks them (task_dump_owner)."""
    who = thread.credentials
    if thread.process.attributes.dumpable == 1 or mode == S_IFDIR | 0o555:
        return who.euid, who.egid
    return 0, 0


COMM_BYTES = 16
"""TASK_COMM_LEN: a thread's name and its NUL."""


def name_of(task: Thread) -> str:
    """The name of a thread: its own, or its program's."""
    return task.name or task.process.command


def set_name(task: Thread, raw: bytes) -> None:
    """Gives a thread a name of at most 15 bytes; the first thread's is the process's."""
    name = raw.split(b"\0", 1)[0][: COMM_BYTES - 1].decode(errors="surrogateescape")
    task.name = name
    if task.tid == task.process.pid:
        task.process.command = name


def same_owner(task: Thread, target: Thread) -> bool:
    """Whether a caller's effective user owns a thread (check_same_owner)."""
    own, other = task.credentials, target.credentials
    return own.euid in (other.uid, other.euid)
