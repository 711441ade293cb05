"""Priorities, policies and processors."""

from __future__ import annotations

import struct

from kerneltask import call, fails, new_process, new_task

from lego.linux.errno import E
from pcomponent.attributes import ThreadAttributes
from pcomponent.rlimits import Limit, Resource

BAD = 8


def test_affinity() -> None:
    task = new_task(cores=4)
    out = task.memory.put(b"\xff" * 128)
    assert call(task, "sched_getaffinity", 0, 128, out) == 8
    assert task.memory.read(out, 9) == b"\x0f" + bytes(7) + b"\xff"
    fails(task, E.EINVAL, "sched_getaffinity", 0, 4, out)
    fails(task, E.EINVAL, "sched_getaffinity", 0, 0, out)
    fails(task, E.ESRCH, "sched_getaffinity", 99, 8, out)
    assert call(task, "sched_setaffinity", 0, 1, b"\x06") == 0
    call(task, "sched_getaffinity", 10, 8, out)
    assert task.memory.read(out, 8) == b"\x06" + bytes(7)
    call(task, "getcpu", out, out + 4, 0)
    assert struct.unpack("<II", task.memory.read(out, 8)) == (1, 0)
    fails(task, E.EINVAL, "sched_setaffinity", 0, 8, struct.pack("<Q", 0xF0))
    fails(task, E.EFAULT, "sched_setaffinity", 99, 8, BAD)
    fails(task, E.ESRCH, "sched_setaffinity", 99, 8, struct.pack("<Q", 1))


def test_affinity_of_more_processors_than_a_word_has_bits() -> None:
    task = new_task(cores=100)
    out = task.memory.put(b"\xff" * 128)
    fails(task, E.EINVAL, "sched_getaffinity", 0, 8, out)
    assert call(task, "sched_getaffinity", 0, 128, out) == 16
    assert task.memory.read(out, 17) == ((1 << 100) - 1).to_bytes(16, "little") + b"\xff"
    assert call(task, "sched_setaffinity", 0, 16, (1 << 99).to_bytes(16, "little")) == 0
    assert call(task, "sched_getaffinity", 0, 16, out) == 16
    assert task.memory.read(out, 16) == (1 << 99).to_bytes(16, "little")


def test_policies() -> None:
    task = new_task()
    assert [call(task, "sched_get_priority_max", policy) for policy in (0, 1, 2, 3, 5, 6)] == [0, 99, 99, 0, 0, 0]
    assert [call(task, "sched_get_priority_min", policy) for policy in (0, 1, 2, 3, 5, 6)] == [0, 1, 1, 0, 0, 0]
    fails(task, E.EINVAL, "sched_get_priority_max", 4)
    assert call(task, "sched_getscheduler", 0) == 0
    fails(task, E.EINVAL, "sched_getscheduler", -1)
    fails(task, E.ESRCH, "sched_getscheduler", 99)
    fails(task, E.EPERM, "sched_setscheduler", 0, 1, struct.pack("<i", 5))
    fails(task, E.EINVAL, "sched_setscheduler", 0, 1, struct.pack("<i", 0))
    fails(task, E.EINVAL, "sched_setscheduler", 0, -1, struct.pack("<i", 0))
    fails(task, E.EINVAL, "sched_setscheduler", 0, 0, 0)
    task.process.limits.set(Resource.RTPRIO, Limit(10, 10), privileged=True)
    assert call(task, "sched_setscheduler", 0, 1 | 0x40000000, struct.pack("<i", 5)) == 0
    assert call(task, "sched_getscheduler", 0) == 1 | 0x40000000
    out = task.memory.put(b"", room=16)
    call(task, "sched_getparam", 0, out)
    assert task.memory.read(out, 4) == struct.pack("<i", 5)
    fails(task, E.EPERM, "sched_setparam", 0, struct.pack("<i", 11))
    call(task, "sched_rr_get_interval", 0, out)
    assert task.memory.read(out, 16) == bytes(16)
    assert call(task, "sched_yield") == 0


def test_nice() -> None:
    task = new_task()
    other = new_process(task.kernel, 11)
    assert call(task, "getpriority", 0, 0) == 20
    assert call(task, "setpriority", 0, 0, 5) == 0
    assert call(task, "getpriority", 0, 0) == 15
    assert call(task, "setpriority", 0, 0, 5) == 0
    fails(task, E.EACCES, "setpriority", 0, 0, 4)
    assert call(task, "getpriority", 2, 0) == 20
    assert call(task, "setpriority", 1, 11, 100) == 0
    assert other.attributes.nice == 19
    fails(task, E.EINVAL, "getpriority", 3, 0)
    fails(task, E.ESRCH, "getpriority", 0, 99)
    task.process.limits.set(Resource.NICE, Limit(40, 40), privileged=True)
    assert call(task, "setpriority", 0, 0, -50) == 0
    assert call(task, "getpriority", 0, 0) == 40
    call(other, "setuid", 7)
    fails(other, E.EPERM, "setpriority", 0, 10, 19)


def test_io_priorities() -> None:
    task = new_task()
    assert call(task, "ioprio_get", 1, 0) == 0
    assert call(task, "ioprio_set", 1, 0, 2 << 13 | 7) == 0
    assert call(task, "ioprio_get", 1, 10) == 2 << 13 | 7
    fails(task, E.EINVAL, "ioprio_set", 1, 0, 2 << 13 | 8)
    fails(task, E.EPERM, "ioprio_set", 1, 0, 1 << 13)
    fails(task, E.EINVAL, "ioprio_set", 1, 0, 5 << 13)
    fails(task, E.EINVAL, "ioprio_get", 0, 0)
    fails(task, E.ESRCH, "ioprio_get", 1, 99)


def test_what_a_child_inherits() -> None:
    parent = ThreadAttributes(nice=-5, policy=1, real_time_priority=9, reset_on_fork=True, death_signal=9, affinity=2)
    child = parent.copy()
    assert (child.nice, child.policy, child.real_time_priority, child.reset_on_fork) == (0, 0, 0, False)
    assert (child.death_signal, child.affinity) == (0, 2)
    assert ThreadAttributes(nice=-5).copy().nice == -5
