"""Sending, queueing and taking signals."""

from __future__ import annotations

import pytest
from kerneltask import new_task

from lego.linux.errno import E, LinuxError
from lego.linux.signal import SA_RESTART, SEGV_MAPERR, SI_KERNEL, SI_QUEUE, SIG_DFL, SIG_IGN, Sig, SigInfo, bit, mask_of
from pcomponent.rlimits import Limit, Resource
from pcomponent.signals import (
    Action,
    AlternateStack,
    deliverable,
    fault,
    force,
    next_deliverable,
    pending_mask,
    queued,
    send_to_process,
    send_to_thread,
    set_mask,
    take,
)

HANDLER = Action(0x1000, SA_RESTART, 0x2000, 0)
RT = 40


def queue(number: int, value: int) -> SigInfo:
    return SigInfo(number, SI_QUEUE, 0, bytes([value]))


def numbers(task: object) -> list[int]:
    found = []
    while (info := next_deliverable(task)) is not None:  # type: ignore[arg-type]
        found.append(info.number)
    return found


def test_standard_signals_are_kept_once_and_real_time_ones_all_in_order() -> None:
    task = new_task()
    for value in range(3):
        send_to_process(task.process, Sig.USR1, queue(Sig.USR1, value))
        send_to_process(task.process, RT, queue(RT, value))
    assert queued(task.process) == 4
    assert [next_deliverable(task).body[0] for _ in range(4)] == [0, 0, 1, 2]  # type: ignore[union-attr]
    assert next_deliverable(task) is None
    assert not deliverable(task)


def test_the_order() -> None:
    """The thread's own before the process's, exceptions before all, then by number."""
    task = new_task()
    for number in (Sig.HUP, Sig.SEGV, RT):
        send_to_process(task.process, number)
    send_to_thread(task, Sig.TERM)
    send_to_thread(task, Sig.USR2)
    fault(task, Sig.FPE, 1, 0x10)
    assert numbers(task) == [Sig.FPE, Sig.USR2, Sig.TERM, Sig.SEGV, Sig.HUP, RT]


def test_ignored_signals_are_dropped_unless_blocked() -> None:
    task = new_task()
    task.process.signals.set_action(task.process, Sig.USR1, Action(SIG_IGN))
    send_to_process(task.process, Sig.USR1)
    send_to_process(task.process, Sig.CHLD)
    send_to_thread(task, Sig.URG)
    assert pending_mask(task) == 0
    set_mask(task, mask_of(Sig.USR1, Sig.CHLD))
    send_to_process(task.process, Sig.USR1)
    send_to_thread(task, Sig.CHLD)
    assert pending_mask(task) == mask_of(Sig.USR1, Sig.CHLD)
    assert not deliverable(task)
    task.process.signals.set_action(task.process, Sig.USR1, Action(SIG_IGN))
    task.process.signals.set_action(task.process, Sig.CHLD, Action(SIG_DFL))
    assert pending_mask(task) == 0


def test_kill_and_stop_cannot_be_blocked() -> None:
    task = new_task()
    set_mask(task, (1 << 64) - 1)
    assert not task.signal_mask & mask_of(Sig.KILL, Sig.STOP)
    send_to_process(task.process, Sig.KILL)
    send_to_process(task.process, Sig.TERM)
    assert numbers(task) == [Sig.KILL]


def test_stopping_and_continuing_cancel_each_other() -> None:
    task = new_task()
    set_mask(task, mask_of(Sig.TSTP, Sig.CONT))
    send_to_process(task.process, Sig.TSTP)
    send_to_thread(task, Sig.TTIN)
    send_to_process(task.process, Sig.CONT)
    assert pending_mask(task) == bit(Sig.CONT)
    send_to_process(task.process, Sig.TSTP)
    assert pending_mask(task) == bit(Sig.TSTP)
    task.process.signals.stopped = True
    send_to_process(task.process, Sig.TERM)
    assert task.process.signals.stopped
    send_to_process(task.process, Sig.KILL)
    assert not task.process.signals.stopped


def test_a_fault_cannot_be_blocked_or_ignored() -> None:
    task = new_task()
    state = task.process.signals
    state.set_action(task.process, Sig.SEGV, HANDLER)
    fault(task, Sig.SEGV, SEGV_MAPERR, 0x123000, trap=14, error=6)
    assert state.action(Sig.SEGV) == HANDLER
    assert (task.signals.trap, task.signals.error, task.signals.fault_address) == (14, 6, 0x123000)
    assert next_deliverable(task) == SigInfo.fault(Sig.SEGV, SEGV_MAPERR, 0x123000)
    set_mask(task, bit(Sig.SEGV))
    fault(task, Sig.SEGV, SEGV_MAPERR, 0)
    assert state.action(Sig.SEGV).handler == SIG_DFL
    assert deliverable(task)
    assert numbers(task) == [Sig.SEGV]
    state.set_action(task.process, Sig.FPE, Action(SIG_IGN))
    fault(task, Sig.FPE, 1, 0)
    assert numbers(task) == [Sig.FPE]
    state.set_action(task.process, Sig.BUS, HANDLER)
    force(task, SigInfo.kernel(Sig.BUS), fatal=True)
    assert state.action(Sig.BUS).handler == SIG_DFL


def test_an_exception_of_another_vector_leaves_cr2() -> None:
    task = new_task()
    fault(task, Sig.SEGV, SEGV_MAPERR, 0x5000, trap=14)
    fault(task, Sig.FPE, 1, 0x6000, trap=0)
    assert task.signals.fault_address == 0x5000


def test_the_queue_has_a_limit() -> None:
    task = new_task()
    task.process.limits.set(Resource.SIGPENDING, Limit(2, 2), privileged=False)
    set_mask(task, bit(RT))
    for value in range(2):
        send_to_process(task.process, RT, queue(RT, value))
    with pytest.raises(LinuxError) as caught:
        send_to_process(task.process, RT, queue(RT, 3))
    assert caught.value.errno == E.EAGAIN
    send_to_process(task.process, RT, SigInfo.user(RT, 1, 0))
    assert queued(task.process) == 2
    send_to_process(task.process, Sig.TERM)
    assert queued(task.process) == 3


def test_take_looks_at_a_set_only() -> None:
    task = new_task()
    set_mask(task, (1 << 64) - 1)
    send_to_process(task.process, Sig.USR1)
    send_to_thread(task, Sig.USR2)
    assert take(task, bit(Sig.HUP)) is None
    assert take(task, mask_of(Sig.USR1, Sig.HUP)) == SigInfo(Sig.USR1, SI_KERNEL)
    assert pending_mask(task) == bit(Sig.USR2)


def test_fork_and_exec() -> None:
    task = new_task()
    state = task.process.signals
    state.set_action(task.process, Sig.USR1, HANDLER)
    state.set_action(task.process, Sig.USR2, Action(SIG_IGN, SA_RESTART, 5, 6))
    set_mask(task, bit(Sig.HUP))
    send_to_process(task.process, Sig.HUP)
    child = state.for_child()
    assert child.action(Sig.USR1) == HANDLER
    assert child.pending.mask == 0
    state.for_exec()
    assert state.action(Sig.USR1) == Action()
    assert state.action(Sig.USR2) == Action(SIG_IGN)
    assert child.action(Sig.USR1) == HANDLER
    assert state.sets() == (bit(Sig.USR2), 0)
    assert child.sets() == (bit(Sig.USR2), bit(Sig.USR1))


def test_the_alternate_stack() -> None:
    stack = AlternateStack(0x1000, 0, 0x2000)
    assert [stack.holds(sp) for sp in (0x1000, 0x1001, 0x3000, 0x3001)] == [False, True, True, False]
    assert (stack.state(0x2000), stack.state(0x5000), AlternateStack().state(0)) == (1, 0, 2)
    disarming = stack._replace(flags=0x80000000)
    assert not disarming.holds(0x2000)
    assert disarming.inside(0x2000)
