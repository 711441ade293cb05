"""System calls that tell about the machine and what was used of it. Source: kernel/sys.c, kernel/capability.c."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from pcomponent import credentials, system
from pcomponent.rlimits import Limit, Resource
from pcomponent.syscalls.table import syscall
from pcomponent.syscalls.timespec import SECOND
from pcomponent.tasks import find_process, visible
from pcomponent.usage import pack_rusage, process_times, thread_times, ticks

if TYPE_CHECKING:
    from pcomponent.process import Process, Thread

_UTSNAME_FIELD = 65
_SYSINFO = struct.Struct("<q3Q6QH6x2QI4x")
_TMS = struct.Struct("<4q")
_RLIMIT = struct.Struct("<QQ")
_INT = struct.Struct("<I")
_NAMES_NOTE = "EPERM, as without CAP_SYS_ADMIN"
_LIMITS_NOTE = "RSS, LOCKS and RTTIME are kept but not enforced"
RUSAGE_SELF, RUSAGE_CHILDREN, RUSAGE_THREAD = 0, -1, 1
_PER_MASK, _PER_LINUX32 = 0xFF, 0x08


@syscall(63, "uname", "pointer")
def uname(task: Thread, address: int) -> int:
    """The names of the system; setarch(8)'s personality changes the machine's."""
    narrow = task.attributes.personality & _PER_MASK == _PER_LINUX32
    fields = (
        system.SYSNAME, system.NODENAME, system.RELEASE, system.VERSION,
        "i686" if narrow else system.MACHINE, system.DOMAINNAME,
    )  # fmt: skip
    task.memory.write(address, b"".join(field.encode().ljust(_UTSNAME_FIELD, b"\0") for field in fields))
    return 0


@syscall(99, "sysinfo", "pointer", support="partial", note="no load averages")
def sysinfo(task: Thread, address: int) -> int:
    """Uptime, memory of all memory components in bytes, and how many threads there are."""
    memory = system.memory(task)
    uptime_s = -(-task.kernel.monotonic_ns(task) // SECOND)
    threads = sum(len(process.threads) for process in visible(task))
    task.memory.write_struct(
        _SYSINFO, address,
        uptime_s, 0, 0, 0, memory.total, memory.free, 0, 0, 0, 0, min(threads, 0xFFFF), 0, 0, 1,
    )  # fmt: skip
    return 0


@syscall(98, "getrusage", "int", "pointer", support="partial", note="faults and context switches are not counted")
def getrusage(task: Thread, who: int, address: int) -> int:
    """Processor time in virtual time, and the most memory that was resident when somebody asked."""
    if who == RUSAGE_SELF:
        times = process_times(task.process)
    elif who == RUSAGE_THREAD:
        times = thread_times(task)
    elif who == RUSAGE_CHILDREN:
        times = task.process.kin.children_ns
    else:
        raise LinuxError(E.EINVAL)
    pages = task.process.kin.children_pages
    if who != RUSAGE_CHILDREN:
        system.layout(task, task.process)
        pages = task.process.attributes.peak_resident_pages
    task.memory.write(address, pack_rusage(*times, pages))
    return 0


@syscall(100, "times", "pointer")
def times(task: Thread, address: int) -> int:
    """Processor time in clock ticks; returns the ticks since the machine started."""
    if address:
        user_ns, system_ns = process_times(task.process)
        children = task.process.kin.children_ns
        task.memory.write_struct(_TMS, address, *(ticks(ns) for ns in (user_ns, system_ns, *children)))
    return ticks(task.kernel.monotonic_ns(task))


# ---- limits ----------------------------------------------------------------------------------------------


def _set_limit(task: Thread, process: Process, resource: int, new: Limit) -> None:
    process.limits.set(resource, new, task.credentials.capable(credentials.SYS_RESOURCE))
    if resource == Resource.CPU:
        process.timers_changed()
        task.kernel.stirred = True  # This turn ends: the next one is no longer than the limit allows.


@syscall(97, "getrlimit", "uint", "pointer")
def getrlimit(task: Thread, resource: int, address: int) -> int:
    """A limit of one's own."""
    task.memory.write_struct(_RLIMIT, address, *task.process.limits.get(resource))
    return 0


@syscall(160, "setrlimit", "uint", "pointer", support="partial", note=_LIMITS_NOTE)
def setrlimit(task: Thread, resource: int, address: int) -> int:
    """Sets one."""
    _set_limit(task, task.process, resource, Limit(*task.memory.read_struct(_RLIMIT, address)))
    return 0


@syscall(302, "prlimit64", "pid", "uint", "pointer", "pointer", support="partial", note=_LIMITS_NOTE)
def prlimit64(task: Thread, pid: int, resource: int, new: int, old: int) -> int:
    """Both at once, of any process with the same ids."""
    limit = Limit(*task.memory.read_struct(_RLIMIT, new)) if new else None
    target = find_process(task, pid) if pid else task.process
    own, other = task.credentials, target.credentials
    if target is not task.process and not own.capable(credentials.SYS_RESOURCE):
        users = {other.uid, other.euid, other.suid}
        groups = {other.gid, other.egid, other.sgid}
        if users != {own.uid} or groups != {own.gid}:
            raise LinuxError(E.EPERM)
    before = target.limits.get(resource)
    if limit is not None:
        _set_limit(task, target, resource, limit)
    if old:
        task.memory.write_struct(_RLIMIT, old, *before)
    return 0


# ---- capabilities ----------------------------------------------------------------------------------------

_CAP_VERSIONS = {0x19980330: 1, 0x20071026: 2, 0x20080522: 2}
_CAP_VERSION_3 = 0x20080522
_CAP_HEADER = struct.Struct("<Ii")
_CAP_DATA = struct.Struct("<III")


def _cap_words(task: Thread, header: int) -> tuple[int, int]:
    """How many 32-bit words each set has in the caller's version, and the pid it asks about. EINVAL for an unknown
    version, after the header was told which one is preferred."""
    version, pid = task.memory.read_struct(_CAP_HEADER, header)
    words = _CAP_VERSIONS.get(version)
    if words is None:
        task.memory.write_struct(_INT, header, _CAP_VERSION_3)
        raise LinuxError(E.EINVAL)
    return words, pid


@syscall(125, "capget", "pointer", "pointer")
def capget(task: Thread, header: int, data: int) -> int:
    """The capability sets of a thread. A null `data` only asks for the preferred version."""
    try:
        words, pid = _cap_words(task, header)
    except LinuxError as error:
        if error.errno == E.EINVAL and not data:
            return 0
        raise
    if pid < 0:
        raise LinuxError(E.EINVAL)
    who = task.credentials
    if pid:
        process = find_process(task, pid)
        who = process.threads[pid].credentials if pid in process.threads else process.credentials
    if not data:
        return 0
    sets = (who.effective, who.permitted, who.inheritable)
    for word in range(words):
        values = [value >> 32 * word & 0xFFFFFFFF for value in sets]
        task.memory.write_struct(_CAP_DATA, data + word * _CAP_DATA.size, *values)
    return 0


@syscall(126, "capset", "pointer", "pointer")
def capset(task: Thread, header: int, data: int) -> int:
    """Sets one's own; nobody can give themselves what they may not have (cap_capset)."""
    words, pid = _cap_words(task, header)
    if pid not in (0, task.tid):
        raise LinuxError(E.EPERM)
    effective = permitted = inheritable = 0
    for word in range(words):
        values = task.memory.read_struct(_CAP_DATA, data + word * _CAP_DATA.size)
        effective |= values[0] << 32 * word
        permitted |= values[1] << 32 * word
        inheritable |= values[2] << 32 * word
    known = (1 << credentials.LAST_CAP + 1) - 1
    effective, permitted, inheritable = effective & known, permitted & known, inheritable & known
    who = task.credentials
    capable = who.capable(credentials.SETPCAP)
    if (
        (not capable and inheritable & ~(who.inheritable | who.permitted))
        or inheritable & ~(who.inheritable | who.bounding)
        or permitted & ~who.permitted
        or effective & ~permitted
    ):
        raise LinuxError(E.EPERM)
    who.effective, who.permitted, who.inheritable = effective, permitted, inheritable
    who.ambient &= permitted & inheritable
    return 0


# ---- small ones ------------------------------------------------------------------------------------------


@syscall(135, "personality", "uint", support="partial", note="kept, and PER_LINUX32 shows in uname; no other effect")
def personality(task: Thread, value: int) -> int:
    """Sets the execution domain, 0xffffffff only asks; returns the old one."""
    before = task.attributes.personality
    if value != 0xFFFFFFFF:
        task.attributes.personality = value
    return before


@syscall(103, "syslog", "int", "buffer", "int", support="partial", note="EPERM: the kernel's log is the machine's")
def syslog(task: Thread, kind: int, address: int, length: int) -> int:
    """EPERM: the kernel's log is the machine's."""
    raise LinuxError(E.EPERM)


@syscall(170, "sethostname", "buffer", "int", support="partial", note=_NAMES_NOTE)
def sethostname(task: Thread, address: int, length: int) -> int:
    """EPERM: root of a vNode has no CAP_SYS_ADMIN."""
    raise LinuxError(E.EPERM)


@syscall(171, "setdomainname", "buffer", "int", support="partial", note=_NAMES_NOTE)
def setdomainname(task: Thread, address: int, length: int) -> int:
    """EPERM, likewise."""
    raise LinuxError(E.EPERM)


MEMBARRIER_QUERY, MEMBARRIER_GLOBAL, MEMBARRIER_GLOBAL_EXPEDITED = 0, 1, 2
_REGISTER_GLOBAL, _PRIVATE, _REGISTER_PRIVATE, _PRIVATE_CORE, _REGISTER_PRIVATE_CORE = 4, 8, 16, 32, 64
_MEMBARRIERS = (
    MEMBARRIER_GLOBAL | MEMBARRIER_GLOBAL_EXPEDITED | _REGISTER_GLOBAL
    | _PRIVATE | _REGISTER_PRIVATE | _PRIVATE_CORE | _REGISTER_PRIVATE_CORE
)  # fmt: skip
_REGISTERED = {
    _REGISTER_GLOBAL: MEMBARRIER_GLOBAL_EXPEDITED,
    _REGISTER_PRIVATE: _PRIVATE,
    _REGISTER_PRIVATE_CORE: _PRIVATE_CORE,
}


@syscall(324, "membarrier", "int", "flags", "int", support="partial", note="no MEMBARRIER_CMD_*_RSEQ: there is no rseq")
def membarrier(task: Thread, command: int, flags: int, cpu: int) -> int:
    """Nothing needs doing: the threads of a processor component run one at a time, each instruction in order."""
    if flags:
        raise LinuxError(E.EINVAL)
    if command == MEMBARRIER_QUERY:
        return _MEMBARRIERS
    if command < 0 or command.bit_count() != 1 or not command & _MEMBARRIERS:
        raise LinuxError(E.EINVAL)
    attributes = task.process.attributes
    if command in _REGISTERED:
        attributes.membarriers |= _REGISTERED[command]
    elif command in (_PRIVATE, _PRIVATE_CORE) and not attributes.membarriers & command:
        raise LinuxError(E.EPERM)  # The process has to register its intent first.
    return 0
