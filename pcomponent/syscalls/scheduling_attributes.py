"""sched_setattr(2) and sched_getattr(2): the calls of `scheduling` with a structure that can grow.

Deadlines need CAP_SYS_NICE, which nobody in a vNode has, and utilization clamps are EOPNOTSUPP, as in a kernel that
was built without them. Source: kernel/sched/syscalls.c (sched_copy_attr, __sched_setscheduler, sched_getattr).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from lego.linux.errno import E, LinuxError
from lego.regions import PAGE
from pcomponent.attributes import SCHED_DEADLINE, SCHED_FIFO, SCHED_RR
from pcomponent.syscalls.scheduling import NICE_MAX, NICE_MIN, check_policy, priorities
from pcomponent.syscalls.table import syscall
from pcomponent.tasks import find_thread

if TYPE_CHECKING:
    from pcomponent.attributes import ThreadAttributes
    from pcomponent.process import Thread

_NOTE = "kept and shown, but the scheduler does not look at it; no deadlines (EPERM), no clamps (EOPNOTSUPP)"
_ATTRIBUTES = struct.Struct("<IIQiIQQQII")  # include/uapi/linux/sched/types.h, struct sched_attr
_FIRST_BYTES = 48
"""SCHED_ATTR_SIZE_VER0."""
_SIZE = struct.Struct("<I")
_RESET_ON_FORK, _KEEP_POLICY, _KEEP_PARAMETERS, _CLAMPS = 0x01, 0x08, 0x10, 0x60
_FLAGS = 0x7F
_RUNTIME_MIN_NS, _PERIOD_MIN_NS, _PERIOD_MAX_NS = 1 << 10, 100_000, (1 << 22) * 1000
_REAL_TIME = (SCHED_FIFO, SCHED_RR)


class _Attributes(NamedTuple):
    size: int
    policy: int
    flags: int
    nice: int
    priority: int
    runtime_ns: int
    deadline_ns: int
    period_ns: int
    clamp_min: int
    clamp_max: int


@syscall(314, "sched_setattr", "pid", "pointer", "flags", support="partial", note=_NOTE)
def sched_setattr(task: Thread, tid: int, address: int, flags: int) -> int:
    """Sets policy, nice value or priority, and whether children start with the defaults."""
    if not address or tid < 0 or flags:
        raise LinuxError(E.EINVAL)
    wanted = _copy_in(task, address)
    if wanted.policy >> 31:
        raise LinuxError(E.EINVAL)
    target = find_thread(task, tid)
    attributes = target.attributes
    if wanted.flags & _KEEP_PARAMETERS:
        wanted = wanted._replace(nice=attributes.nice, priority=attributes.real_time_priority)
    policy, reset = wanted.policy, bool(wanted.flags & _RESET_ON_FORK)
    if wanted.flags & _KEEP_POLICY:
        policy, reset = attributes.policy, attributes.reset_on_fork
    lowest, highest = priorities(policy)
    if wanted.flags & ~_FLAGS or not lowest <= wanted.priority <= highest:
        raise LinuxError(E.EINVAL)
    if policy == SCHED_DEADLINE:
        _check_deadline(wanted)
    check_policy(task, target, policy, wanted.priority, reset, wanted.nice)
    if wanted.flags & _CLAMPS:
        raise LinuxError(E.EOPNOTSUPP)
    attributes.reset_on_fork = reset
    if not wanted.flags & _KEEP_PARAMETERS:
        attributes.policy, attributes.real_time_priority = policy, wanted.priority
        if policy not in _REAL_TIME:
            attributes.nice = wanted.nice
    return 0


def _copy_in(task: Thread, address: int) -> _Attributes:
    """sched_copy_attr(): E2BIG, with the size that is known, for what this kernel does not know."""
    (size,) = task.memory.read_struct(_SIZE, address)
    size = size or _FIRST_BYTES
    raw = task.memory.read(address, size) if _FIRST_BYTES <= size <= PAGE else None
    if raw is None or any(raw[_ATTRIBUTES.size :]):
        task.memory.write_struct(_SIZE, address, _ATTRIBUTES.size)
        raise LinuxError(E.E2BIG)
    wanted = _Attributes(*_ATTRIBUTES.unpack(raw[: _ATTRIBUTES.size].ljust(_ATTRIBUTES.size, b"\0")))
    if wanted.flags & _CLAMPS and size < _ATTRIBUTES.size:
        raise LinuxError(E.EINVAL)
    return wanted._replace(nice=max(NICE_MIN, min(NICE_MAX, wanted.nice)))


def _check_deadline(wanted: _Attributes) -> None:
    """__checkparam_dl(): EINVAL."""
    period_ns = wanted.period_ns or wanted.deadline_ns
    valid = (
        wanted.deadline_ns > 0
        and wanted.runtime_ns >= _RUNTIME_MIN_NS
        and not (wanted.deadline_ns | wanted.period_ns) >> 63
        and wanted.runtime_ns <= wanted.deadline_ns <= period_ns
        and _PERIOD_MIN_NS <= period_ns <= _PERIOD_MAX_NS
    )
    if not valid:
        raise LinuxError(E.EINVAL)


@syscall(315, "sched_getattr", "pid", "pointer", "uint", "flags")
def sched_getattr(task: Thread, tid: int, address: int, size: int, flags: int) -> int:
    """Tells them, as much as there is room for; what is beyond the structure becomes zero."""
    if not address or tid < 0 or not _FIRST_BYTES <= size <= PAGE or flags:
        raise LinuxError(E.EINVAL)
    raw = _pack(find_thread(task, tid).attributes, min(size, _ATTRIBUTES.size))
    task.memory.write(address, raw[:size].ljust(size, b"\0"))
    return 0


def _pack(attributes: ThreadAttributes, size: int) -> bytes:
    flags = _RESET_ON_FORK if attributes.reset_on_fork else 0
    real_time = attributes.policy in _REAL_TIME
    nice, priority = (0, attributes.real_time_priority) if real_time else (attributes.nice, 0)
    return _ATTRIBUTES.pack(size, attributes.policy, flags, nice, priority, 0, 0, 0, 0, 0)
