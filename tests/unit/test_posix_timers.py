"""Timers of timer_create(2): overruns, signals that wait, are ignored or withdrawn."""

from __future__ import annotations

import pytest
from kerneltask import new_task

from lego.linux.errno import E, LinuxError
from lego.linux.signal import SIG_IGN, Sig, SigInfo, bit
from pcomponent.clocks import ProcessorClock, WallClock
from pcomponent.posix_timers import Event, PosixTimer
from pcomponent.rlimits import Limit, Resource
from pcomponent.signals import Action, next_deliverable, pending_mask, queued, send_to_process
from pcomponent.timers import expire, next_due_ns, processor_left_ns

MS = 1_000_000


def set_timer(task, timer: PosixTimer, value_ns: int, interval_ns: int = 0, absolute: bool = False) -> None:
    timer.set(task, value_ns, interval_ns, absolute)
    task.process.posix_timers.changed(timer)


def overrun(info: SigInfo | None) -> int:
    assert info is not None
    return int.from_bytes(info.body[4:8], "little")


def test_periods_that_nobody_took_are_counted() -> None:
    task = new_task()
    timer = task.process.posix_timers.create(task.process, WallClock(), Event(Sig.USR1, 7))
    set_timer(task, timer, 10 * MS, 2 * MS)
    assert next_due_ns(task.process) == 10 * MS
    task.meter.now_ns = 15 * MS
    expire(task)
    assert next_due_ns(task.process) is None  # It waits for its signal to be taken.
    task.meter.now_ns = 19 * MS
    expire(task)
    assert overrun(next_deliverable(task)) == 4 == timer.overrun_last
    assert next_due_ns(task.process) == 20 * MS
    task.meter.now_ns = 20 * MS
    expire(task)
    assert overrun(next_deliverable(task)) == 0 == timer.overrun_last


def test_the_signal_of_a_timer_that_is_set_again_is_withdrawn() -> None:
    task = new_task()
    timer = task.process.posix_timers.create(task.process, WallClock(5 * MS), Event(Sig.USR1, 7))
    set_timer(task, timer, 6 * MS, absolute=True)
    assert next_due_ns(task.process) == MS
    task.meter.now_ns = MS
    expire(task)
    assert pending_mask(task) == bit(Sig.USR1)
    set_timer(task, timer, 0)
    assert pending_mask(task) == 0 and timer.get(task) == (0, 0)


def test_an_ignored_signal_lets_the_timer_stand_still() -> None:
    task = new_task()
    process = task.process
    timer = process.posix_timers.create(process, WallClock(), Event(Sig.USR1, 7))
    set_timer(task, timer, MS, MS)
    process.signals.set_action(process, Sig.USR1, Action(SIG_IGN))
    task.meter.now_ns = 3 * MS
    expire(task)
    assert pending_mask(task) == 0 and next_due_ns(process) is None
    task.meter.now_ns = 10 * MS + 1
    process.signals.set_action(process, Sig.USR1, Action())
    process.posix_timers.heeded(task, Sig.USR1)
    assert next_due_ns(process) == 11 * MS


def test_two_timers_have_two_signals_of_one_number() -> None:
    task = new_task()
    process = task.process
    timers = [process.posix_timers.create(process, WallClock(), Event(Sig.USR1, value)) for value in (1, 2)]
    for timer in timers:
        set_timer(task, timer, MS)
    task.meter.now_ns = MS
    expire(task)
    send_to_process(process, Sig.USR1)
    taken = [next_deliverable(task) for _ in range(3)]
    assert [info.body[8] if info else None for info in taken] == [1, 2, None]


def test_processor_time() -> None:
    task = new_task(instruction_ps=1000)
    process = task.process
    timer = process.posix_timers.create(process, ProcessorClock(process), Event(Sig.USR1, 0))
    set_timer(task, timer, 5 * MS)
    assert process.processor_timed and processor_left_ns(task) == 5 * MS and next_due_ns(process) is None
    task.instructions = 5 * MS // 1
    expire(task)
    assert pending_mask(task) == bit(Sig.USR1) and not process.processor_timed


def test_they_count_against_the_limit_and_go_with_exec() -> None:
    task = new_task()
    process = task.process
    process.limits.set(Resource.SIGPENDING, Limit(2, 2), privileged=True)
    for _ in range(2):
        process.posix_timers.create(process, WallClock(), None)
    assert queued(process) == 2
    with pytest.raises(LinuxError) as failure:
        process.posix_timers.create(process, WallClock(), None)
    assert failure.value.errno == E.EAGAIN
    process.posix_timers.delete_all()
    assert queued(process) == 0 == len(process.posix_timers)
