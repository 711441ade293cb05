"""System calls about who a process is: its numbers, ids, group and session. Source: kernel/sys.c, credentials(7).

Each thread has ids of its own; C libraries change those of all, which is what POSIX asks.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from pcomponent import family
from pcomponent.credentials import SETGID, SETUID, Credentials
from pcomponent.syscalls.table import syscall
from pcomponent.tasks import find_process, find_thread, members

if TYPE_CHECKING:
    from pcomponent.process import Process, Thread

_ID = struct.Struct("<I")
_POINTER = struct.Struct("<Q")
NO_CHANGE = 0xFFFFFFFF
NGROUPS_MAX = 65536
ROBUST_LIST_HEAD_BYTES = 24


@syscall(39, "getpid")
def getpid(task: Thread) -> int:
    """The process's number."""
    return task.process.pid


@syscall(186, "gettid")
def gettid(task: Thread) -> int:
    """The thread's."""
    return task.tid


@syscall(110, "getppid")
def getppid(task: Thread) -> int:
    """The parent's; init's when that has ended."""
    return task.process.parent_shown


@syscall(102, "getuid")
def getuid(task: Thread) -> int:
    """The real user."""
    return task.credentials.uid


@syscall(104, "getgid")
def getgid(task: Thread) -> int:
    """The real group."""
    return task.credentials.gid


@syscall(107, "geteuid")
def geteuid(task: Thread) -> int:
    """The effective user."""
    return task.credentials.euid


@syscall(108, "getegid")
def getegid(task: Thread) -> int:
    """The effective group."""
    return task.credentials.egid


@syscall(118, "getresuid", "pointer", "pointer", "pointer")
def getresuid(task: Thread, real: int, effective: int, saved: int) -> int:
    """All three users."""
    who = task.credentials
    for address, value in ((real, who.uid), (effective, who.euid), (saved, who.suid)):
        task.memory.write_struct(_ID, address, value)
    return 0


@syscall(120, "getresgid", "pointer", "pointer", "pointer")
def getresgid(task: Thread, real: int, effective: int, saved: int) -> int:
    """All three groups."""
    who = task.credentials
    for address, value in ((real, who.gid), (effective, who.egid), (saved, who.sgid)):
        task.memory.write_struct(_ID, address, value)
    return 0


# ---- changing users and groups ---------------------------------------------------------------------------


def _become(task: Thread, new: Credentials) -> int:
    """Commits changed ids: the file system's follow the effective ones, capabilities follow root."""
    old = task.credentials
    new.fsuid, new.fsgid = new.euid, new.egid
    if new.euid != old.euid or new.egid != old.egid:
        task.process.attributes.dumpable = 0  # commit_creds(): suid_dumpable is 0 by default.
    new.fix_capabilities(old)
    task.credentials = new
    return 0


@syscall(105, "setuid", "id")
def setuid(task: Thread, uid: int) -> int:
    """With CAP_SETUID all three users, else only the effective one, to the real or saved one."""
    if uid == NO_CHANGE:
        raise LinuxError(E.EINVAL)
    old = task.credentials
    if old.capable(SETUID):
        return _become(task, replace(old, uid=uid, euid=uid, suid=uid))
    if uid not in (old.uid, old.suid):
        raise LinuxError(E.EPERM)
    return _become(task, replace(old, euid=uid))


@syscall(106, "setgid", "id")
def setgid(task: Thread, gid: int) -> int:
    """The same for groups, with CAP_SETGID."""
    if gid == NO_CHANGE:
        raise LinuxError(E.EINVAL)
    old = task.credentials
    if old.capable(SETGID):
        return _become(task, replace(old, gid=gid, egid=gid, sgid=gid))
    if gid not in (old.gid, old.sgid):
        raise LinuxError(E.EPERM)
    return _become(task, replace(old, egid=gid))


def _reset_two(old: tuple[int, int, int], real: int, effective: int, capable: bool) -> tuple[int, int, int]:
    """The rules of setreuid(2) on (real, effective, saved). EPERM."""
    new_real = old[0] if real == NO_CHANGE else real
    new_effective = old[1] if effective == NO_CHANGE else effective
    if not capable and (new_real not in (old[0], old[1]) or new_effective not in old):
        raise LinuxError(E.EPERM)
    changes_saved = real != NO_CHANGE or (effective != NO_CHANGE and effective != old[0])
    return new_real, new_effective, new_effective if changes_saved else old[2]


def _reset_three(old: tuple[int, int, int], new: tuple[int, int, int], capable: bool) -> tuple[int, int, int]:
    """The rules of setresuid(2). EPERM."""
    if not capable and any(value not in (NO_CHANGE, *old) for value in new):
        raise LinuxError(E.EPERM)
    kept = [before if value == NO_CHANGE else value for before, value in zip(old, new, strict=True)]
    return kept[0], kept[1], kept[2]


@syscall(113, "setreuid", "id", "id")
def setreuid(task: Thread, real: int, effective: int) -> int:
    """Real and effective user."""
    old = task.credentials
    uid, euid, suid = _reset_two((old.uid, old.euid, old.suid), real, effective, old.capable(SETUID))
    return _become(task, replace(old, uid=uid, euid=euid, suid=suid))


@syscall(114, "setregid", "id", "id")
def setregid(task: Thread, real: int, effective: int) -> int:
    """Real and effective group."""
    old = task.credentials
    gid, egid, sgid = _reset_two((old.gid, old.egid, old.sgid), real, effective, old.capable(SETGID))
    return _become(task, replace(old, gid=gid, egid=egid, sgid=sgid))


@syscall(117, "setresuid", "id", "id", "id")
def setresuid(task: Thread, real: int, effective: int, saved: int) -> int:
    """All three users."""
    old = task.credentials
    new = _reset_three((old.uid, old.euid, old.suid), (real, effective, saved), old.capable(SETUID))
    return _become(task, replace(old, uid=new[0], euid=new[1], suid=new[2]))


@syscall(119, "setresgid", "id", "id", "id")
def setresgid(task: Thread, real: int, effective: int, saved: int) -> int:
    """All three groups."""
    old = task.credentials
    new = _reset_three((old.gid, old.egid, old.sgid), (real, effective, saved), old.capable(SETGID))
    return _become(task, replace(old, gid=new[0], egid=new[1], sgid=new[2]))


@syscall(122, "setfsuid", "id")
def setfsuid(task: Thread, uid: int) -> int:
    """The user for file access; returns the old one, whether or not it could be changed."""
    who = task.credentials
    before = who.fsuid
    if uid in (who.uid, who.euid, who.suid, who.fsuid) or (uid != NO_CHANGE and who.capable(SETUID)):
        who.set_fsuid(uid)
    return before


@syscall(123, "setfsgid", "id")
def setfsgid(task: Thread, gid: int) -> int:
    """The group, likewise."""
    who = task.credentials
    before = who.fsgid
    if gid in (who.gid, who.egid, who.sgid, who.fsgid) or (gid != NO_CHANGE and who.capable(SETGID)):
        who.fsgid = gid
    return before


@syscall(115, "getgroups", "int", "pointer")
def getgroups(task: Thread, size: int, address: int) -> int:
    """The supplementary groups; a size of 0 asks how many."""
    if size < 0:
        raise LinuxError(E.EINVAL)
    groups = task.credentials.groups
    if size:
        if len(groups) > size:
            raise LinuxError(E.EINVAL)
        if groups:
            task.memory.write(address, struct.pack(f"<{len(groups)}I", *groups))
    return len(groups)


@syscall(116, "setgroups", "int", "pointer")
def setgroups(task: Thread, size: int, address: int) -> int:
    """Sets them, with CAP_SETGID."""
    who = task.credentials
    if not who.capable(SETGID):
        raise LinuxError(E.EPERM)
    if not 0 <= size <= NGROUPS_MAX:
        raise LinuxError(E.EINVAL)
    who.groups = sorted(struct.unpack(f"<{size}I", task.memory.read(address, 4 * size))) if size else []
    return 0


# ---- groups of processes, sessions -----------------------------------------------------------------------


def _process(task: Thread, pid: int) -> Process:
    return find_process(task, pid) if pid else task.process


@syscall(121, "getpgid", "pid")
def getpgid(task: Thread, pid: int) -> int:
    """The process group of a process, 0 for oneself."""
    return _process(task, pid).group


@syscall(111, "getpgrp")
def getpgrp(task: Thread) -> int:
    """One's own."""
    return task.process.group


@syscall(124, "getsid", "pid")
def getsid(task: Thread, pid: int) -> int:
    """The session of a process, 0 for oneself."""
    return _process(task, pid).session


@syscall(109, "setpgid", "pid", "pid")
def setpgid(task: Thread, pid: int, group: int) -> int:
    """Moves oneself or a child that has not called execve into a process group of the session."""
    if (group or pid) < 0:
        raise LinuxError(E.EINVAL)
    target = _process(task, pid)
    if pid not in (0, target.pid):
        raise LinuxError(E.EINVAL)  # A thread that is not its process's first.
    group = group or target.pid
    if target is not task.process:
        if target.parent != task.process.pid:
            raise LinuxError(E.ESRCH)
        if target.session != task.process.session:
            raise LinuxError(E.EPERM)
        if target.kin.executed:
            raise LinuxError(E.EACCES)
    if target.session == target.pid:
        raise LinuxError(E.EPERM)
    if group != target.pid and not any(member.session == task.process.session for member in members(task, group)):
        raise LinuxError(E.EPERM)
    target.group = group
    family.regrouped(target)
    return 0


@syscall(112, "setsid")
def setsid(task: Thread) -> int:
    """Makes oneself the leader of a new session. EPERM when one leads a process group already."""
    process = task.process
    if members(task, process.pid):
        raise LinuxError(E.EPERM)
    process.session = process.group = process.pid
    family.regrouped(process)
    process.terminal = None
    return process.pid


# ---- threads ---------------------------------------------------------------------------------------------


@syscall(218, "set_tid_address", "pointer")
def set_tid_address(task: Thread, address: int) -> int:
    """Where a zero is written when the thread ends."""
    task.clear_child_tid = address
    return task.tid


@syscall(273, "set_robust_list", "pointer", "size")
def set_robust_list(task: Thread, head: int, length: int) -> int:
    """Where the thread's list of robust futexes begins."""
    if length != ROBUST_LIST_HEAD_BYTES:
        raise LinuxError(E.EINVAL)
    task.robust_list = head
    return 0


@syscall(274, "get_robust_list", "pid", "pointer", "pointer")
def get_robust_list(task: Thread, tid: int, head: int, length: int) -> int:
    """That of a thread, 0 for oneself."""
    target = find_thread(task, tid)
    if target.process is not task.process:
        own, other = task.credentials, target.credentials
        if own.fsuid not in (other.uid, other.euid, other.suid) and other.permitted & ~own.permitted:
            raise LinuxError(E.EPERM)
    task.memory.write_struct(_POINTER, length, ROBUST_LIST_HEAD_BYTES)
    task.memory.write_struct(_POINTER, head, target.robust_list)
    return 0


@syscall(
    334, "rseq", "pointer", "uint", "int", "uint", support="partial", note="always ENOSYS: C libraries do without it"
)
def rseq(task: Thread, address: int, length: int, flags: int, signature: int) -> int:
    """Known by name, so that a C library that tries it is not reported as missing something."""
    raise LinuxError(E.ENOSYS)
