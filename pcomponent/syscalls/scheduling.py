"""System calls about priorities and processors. They are kept and shown; the scheduler runs the thread whose clock
is lowest, so that a run depends on nothing else. Source: kernel/sched/core.c, kernel/sys.c, block/ioprio.c."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from pcomponent.attributes import SCHED_BATCH, SCHED_DEADLINE, SCHED_FIFO, SCHED_IDLE, SCHED_OTHER, SCHED_RR
from pcomponent.credentials import SYS_NICE
from pcomponent.files.base import Blocking
from pcomponent.rlimits import Resource
from pcomponent.syscalls.table import syscall
from pcomponent.syscalls.timespec import write_timespec
from pcomponent.tasks import find_thread, members, same_owner, visible
from pcomponent.waiting import Wait

if TYPE_CHECKING:
    from pcomponent.process import Process, Thread

_NOTE = "kept and shown, but the scheduler does not look at it"
_INT = struct.Struct("<i")
_UINT = struct.Struct("<I")
PRIO_PROCESS, PRIO_PGRP, PRIO_USER = 0, 1, 2
NICE_MIN, NICE_MAX = -20, 19
_RESET_ON_FORK = 0x40000000
_SLICE_NS = 4_000_000
_REAL_TIME = (SCHED_FIFO, SCHED_RR)
_NORMAL = (SCHED_OTHER, SCHED_BATCH, SCHED_IDLE)


@syscall(24, "sched_yield")
def sched_yield(task: Thread) -> Blocking:
    """Ends the thread's turn: it comes behind those whose clock is the same."""
    yield Wait(ready=lambda _wait_ms: True)
    return 0


@syscall(309, "getcpu", "pointer", "pointer", "pointer")
def getcpu(task: Thread, cpu: int, node: int, unused: int) -> int:
    """On which processor the thread runs; there is one memory node."""
    if cpu:
        task.memory.write_struct(_UINT, cpu, task.core)
    if node:
        task.memory.write_struct(_UINT, node, 0)
    return 0


# ---- affinity --------------------------------------------------------------------------------------------


def _mask_bytes(cores: int) -> int:
    """cpumask_size(): whole words of 64 processors."""
    return (cores + 63) // 64 * 8


@syscall(204, "sched_getaffinity", "pid", "uint", "pointer")
def sched_getaffinity(task: Thread, tid: int, length: int, address: int) -> int:
    """The processors that a thread may use; returns how many bytes were written."""
    cores = task.kernel.config.cores
    if length * 8 < cores or length % 8:
        raise LinuxError(E.EINVAL)
    mask = find_thread(task, _pid(tid)).attributes.affinity_mask(cores)
    count = min(length, _mask_bytes(cores))
    task.memory.write(address, mask.to_bytes(_mask_bytes(cores), "little")[:count])
    return count


@syscall(203, "sched_setaffinity", "pid", "uint", "pointer")
def sched_setaffinity(task: Thread, tid: int, length: int, address: int) -> int:
    """Sets them; EINVAL when none of them exists."""
    cores = task.kernel.config.cores
    count = min(length, _mask_bytes(cores))
    mask = int.from_bytes(task.memory.read(address, count), "little") if count else 0
    target = find_thread(task, _pid(tid))
    if not same_owner(task, target) and not task.credentials.capable(SYS_NICE):
        raise LinuxError(E.EPERM)
    mask &= (1 << cores) - 1
    if not mask:
        raise LinuxError(E.EINVAL)
    target.attributes.affinity = mask
    if not mask >> target.core & 1:
        target.core = (mask & -mask).bit_length() - 1
    if target is not task:
        task.kernel.queue.rebound(target)
    return 0


def _pid(tid: int) -> int:
    if tid < 0:
        raise LinuxError(E.ESRCH)
    return tid


# ---- policies --------------------------------------------------------------------------------------------


def priorities(policy: int) -> tuple[int, int]:
    """The lowest and highest static priority of a policy; EINVAL."""
    if policy in _REAL_TIME:
        return 1, 99
    if policy in _NORMAL or policy == SCHED_DEADLINE:
        return 0, 0
    raise LinuxError(E.EINVAL)


@syscall(146, "sched_get_priority_max", "int")
def sched_get_priority_max(task: Thread, policy: int) -> int:
    """The highest priority of a policy."""
    return priorities(policy)[1]


@syscall(147, "sched_get_priority_min", "int")
def sched_get_priority_min(task: Thread, policy: int) -> int:
    """The lowest."""
    return priorities(policy)[0]


def _target(task: Thread, tid: int) -> Thread:
    if tid < 0:
        raise LinuxError(E.EINVAL)
    return find_thread(task, tid)


@syscall(145, "sched_getscheduler", "pid")
def sched_getscheduler(task: Thread, tid: int) -> int:
    """The policy of a thread."""
    attributes = _target(task, tid).attributes
    return attributes.policy | (_RESET_ON_FORK if attributes.reset_on_fork else 0)


@syscall(143, "sched_getparam", "pid", "pointer")
def sched_getparam(task: Thread, tid: int, address: int) -> int:
    """Its static priority."""
    if not address:
        raise LinuxError(E.EINVAL)
    task.memory.write_struct(_INT, address, _target(task, tid).attributes.real_time_priority)
    return 0


@syscall(144, "sched_setscheduler", "pid", "int", "pointer", support="partial", note=_NOTE)
def sched_setscheduler(task: Thread, tid: int, policy: int, address: int) -> int:
    """Sets policy and priority; real-time ones need CAP_SYS_NICE or RLIMIT_RTPRIO."""
    if policy < 0:
        raise LinuxError(E.EINVAL)
    return _set_policy(task, tid, policy, address)


@syscall(142, "sched_setparam", "pid", "pointer", support="partial", note=_NOTE)
def sched_setparam(task: Thread, tid: int, address: int) -> int:
    """Sets the priority within the policy that a thread has."""
    return _set_policy(task, tid, None, address)


def _set_policy(task: Thread, tid: int, policy: int | None, address: int) -> int:
    if not address or tid < 0:
        raise LinuxError(E.EINVAL)
    (priority,) = task.memory.read_struct(_INT, address)
    target = find_thread(task, tid)
    attributes = target.attributes
    reset = attributes.reset_on_fork
    if policy is None:
        policy = attributes.policy
    else:
        reset = bool(policy & _RESET_ON_FORK)
        policy &= ~_RESET_ON_FORK
    lowest, highest = priorities(policy)
    if policy not in (*_REAL_TIME, *_NORMAL) or not lowest <= priority <= highest:
        raise LinuxError(E.EINVAL)
    check_policy(task, target, policy, priority, reset, attributes.nice)
    attributes.policy, attributes.real_time_priority, attributes.reset_on_fork = policy, priority, reset
    return 0


def check_policy(task: Thread, target: Thread, policy: int, priority: int, reset: bool, nice: int) -> None:
    """user_check_sched_setscheduler(): EPERM."""
    if task.credentials.capable(SYS_NICE):
        return
    attributes = target.attributes
    limit = target.process.limits.soft(Resource.RTPRIO)
    if policy in _NORMAL and nice < attributes.nice and not _can_nice(target, nice):
        raise LinuxError(E.EPERM)
    if policy == SCHED_DEADLINE:
        raise LinuxError(E.EPERM)
    if policy in _REAL_TIME:
        if policy != attributes.policy and not limit:
            raise LinuxError(E.EPERM)
        if priority > attributes.real_time_priority and priority > limit:
            raise LinuxError(E.EPERM)
    if attributes.policy == SCHED_IDLE and policy != SCHED_IDLE and not _can_nice(target, attributes.nice):
        raise LinuxError(E.EPERM)
    if not same_owner(task, target) or (attributes.reset_on_fork and not reset):
        raise LinuxError(E.EPERM)


@syscall(148, "sched_rr_get_interval", "pid", "pointer")
def sched_rr_get_interval(task: Thread, tid: int, address: int) -> int:
    """How long a turn takes; 0 for FIFO, which has no turns."""
    target = _target(task, tid)
    write_timespec(task, address, 0 if target.attributes.policy == SCHED_FIFO else _SLICE_NS)
    return 0


# ---- nice ------------------------------------------------------------------------------------------------


def _can_nice(target: Thread, nice: int) -> bool:
    return 20 - nice <= target.process.limits.soft(Resource.NICE)


def _chosen(task: Thread, which: int, who: int) -> list[Thread]:
    """The threads that getpriority(2) means; EINVAL for an unknown `which`."""
    if which == PRIO_PROCESS:
        try:
            return [find_thread(task, who)]
        except LinuxError:
            return []
    if which == PRIO_PGRP:
        processes: Iterable[Process] = members(task, who or task.process.group)
    elif which == PRIO_USER:
        user = who or task.credentials.uid
        everybody = [thread for process in visible(task) for thread in process.threads.values()]
        return [thread for thread in everybody if thread.credentials.uid == user]
    else:
        raise LinuxError(E.EINVAL)
    return [thread for process in processes for thread in process.threads.values()]


@syscall(140, "getpriority", "int", "int")
def getpriority(task: Thread, which: int, who: int) -> int:
    """20 minus the lowest nice value, so that it is never negative; ESRCH."""
    threads = _chosen(task, which, who)
    if not threads:
        raise LinuxError(E.ESRCH)
    return max(20 - thread.attributes.nice for thread in threads)


@syscall(141, "setpriority", "int", "int", "int", support="partial", note=_NOTE)
def setpriority(task: Thread, which: int, who: int, nice: int) -> int:
    """Sets nice values. EPERM for others' threads, EACCES for lower values without CAP_SYS_NICE or RLIMIT_NICE."""
    threads = _chosen(task, which, who)
    nice = max(NICE_MIN, min(NICE_MAX, nice))
    failure: LinuxError | None = None if threads else LinuxError(E.ESRCH)
    capable = task.credentials.capable(SYS_NICE)
    for thread in threads:
        own, other = task.credentials, thread.credentials
        if other.uid != own.euid and other.euid != own.euid and not capable:
            failure = LinuxError(E.EPERM)
        elif nice < thread.attributes.nice and not _can_nice(thread, nice) and not capable:
            failure = LinuxError(E.EACCES)
        else:
            thread.attributes.nice = nice
    if failure is not None:
        raise failure
    return 0


# ---- priorities of input and output ----------------------------------------------------------------------

_IOPRIO_CLASS_SHIFT = 13
_CLASS_NONE, _CLASS_RT, _CLASS_BE, _CLASS_IDLE = 0, 1, 2, 3
_IOPRIO_LEVELS = 8
_IOPRIO_WHO = {1: PRIO_PROCESS, 2: PRIO_PGRP, 3: PRIO_USER}


def _io_chosen(task: Thread, which: int, who: int) -> list[Thread]:
    if which not in _IOPRIO_WHO:
        raise LinuxError(E.EINVAL)
    threads = _chosen(task, _IOPRIO_WHO[which], who)
    if not threads:
        raise LinuxError(E.ESRCH)
    return threads


@syscall(252, "ioprio_get", "int", "int")
def ioprio_get(task: Thread, which: int, who: int) -> int:
    """The best I/O priority among the threads chosen."""
    return min(thread.attributes.io_priority for thread in _io_chosen(task, which, who))


@syscall(251, "ioprio_set", "int", "int", "int", support="partial", note=_NOTE)
def ioprio_set(task: Thread, which: int, who: int, value: int) -> int:
    """Sets it; the real-time class needs CAP_SYS_NICE."""
    kind, level = value >> _IOPRIO_CLASS_SHIFT, value & (1 << _IOPRIO_CLASS_SHIFT) - 1
    if kind == _CLASS_RT and not task.credentials.capable(SYS_NICE):
        raise LinuxError(E.EPERM)
    if kind in (_CLASS_RT, _CLASS_BE):
        if level >= _IOPRIO_LEVELS:
            raise LinuxError(E.EINVAL)
    elif kind == _CLASS_NONE:
        if level:
            raise LinuxError(E.EINVAL)
    elif kind != _CLASS_IDLE:
        raise LinuxError(E.EINVAL)
    for thread in _io_chosen(task, which, who):
        if not same_owner(task, thread) and not task.credentials.capable(SYS_NICE):
            raise LinuxError(E.EPERM)
        thread.attributes.io_priority = value
    return 0
