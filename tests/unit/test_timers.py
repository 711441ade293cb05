"""Interval timers on virtual time."""

from __future__ import annotations

from kerneltask import new_task

from lego.linux.signal import Sig, bit
from pcomponent.signals import next_deliverable, pending_mask
from pcomponent.timers import ITIMER_PROF, ITIMER_REAL, ITIMER_VIRTUAL, expire, next_due_ns

MS = 1_000_000


def test_one_shot() -> None:
    task = new_task()
    task.meter.now_ns = 5 * MS
    task.process.timers.set(task, ITIMER_REAL, 10 * MS, 0)
    assert next_due_ns(task.process) == 15 * MS
    task.meter.now_ns = 15 * MS - 1
    expire(task)
    assert pending_mask(task) == 0
    assert task.process.timers.get(task, ITIMER_REAL) == (1, 0)
    task.meter.now_ns = 15 * MS
    expire(task)
    assert pending_mask(task) == bit(Sig.ALRM)
    assert next_due_ns(task.process) is None
    next_deliverable(task)
    expire(task)
    assert pending_mask(task) == 0


def test_a_period_is_kept_without_drift() -> None:
    task = new_task()
    task.process.timers.set(task, ITIMER_REAL, 10 * MS, 4 * MS)
    task.meter.now_ns = 19 * MS
    expire(task)
    assert pending_mask(task) == bit(Sig.ALRM)
    assert next_due_ns(task.process) == 22 * MS
    task.meter.now_ns = 22 * MS
    expire(task)
    assert next_due_ns(task.process) == 26 * MS


def test_stopping_and_asking() -> None:
    task = new_task()
    timers = task.process.timers
    timers.set(task, ITIMER_REAL, 10 * MS, 3 * MS)
    assert timers.get(task, ITIMER_REAL) == (10 * MS, 3 * MS)
    timers.set(task, ITIMER_REAL, 0, 0)
    assert next_due_ns(task.process) is None
    assert timers.get(task, ITIMER_REAL) == (0, 0)


def test_timers_of_processor_time() -> None:
    task = new_task(instruction_ps=1000)
    task.process.timers.set(task, ITIMER_VIRTUAL, 5 * MS, 0)
    task.process.timers.set(task, ITIMER_PROF, 7 * MS, 0)
    task.meter.now_ns = 10**12
    expire(task)
    assert pending_mask(task) == 0
    assert next_due_ns(task.process) is None
    task.instructions = 5 * MS
    expire(task)
    assert pending_mask(task) == bit(Sig.VTALRM)
    task.kernel_ns = 2 * MS
    expire(task)
    assert pending_mask(task) == bit(Sig.VTALRM) | bit(Sig.PROF)
