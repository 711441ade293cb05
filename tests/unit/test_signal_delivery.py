"""Which signals take effect, in which order, and what becomes of an interrupted call."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from kerneltask import new_process, new_task

from lego.linux.errno import E
from lego.linux.signal import (
    DUMPING,
    IGNORED,
    KERNEL_ONLY,
    SA_NODEFER,
    SA_ONSTACK,
    SA_RESETHAND,
    SA_RESTART,
    SA_RESTORER,
    SIG_IGN,
    SS_AUTODISARM,
    SS_DISABLE,
    STOPPING,
    Sig,
    bit,
    mask_of,
)
from pcomponent.registers import Registers
from pcomponent.signal_delivery import Ended, Stopped, deliver, restarts
from pcomponent.signal_frame import restore
from pcomponent.signals import Action, AlternateStack, deliverable, fault, send_to_process, send_to_thread
from pcomponent.waiting import Interrupted

RESTARTING, PLAIN = Action(0x1000, SA_RESTORER | SA_RESTART, 0x2000, 0), Action(0x1000, SA_RESTORER, 0x2000, 0)
MASK = (1 << 64) - 1


def handle(task: Any, number: int, action: Action) -> None:
    task.process.signals.set_action(task.process, number, action)


def now(task: Any) -> Registers:
    return replace(task.kernel.cpu.registers, rip=0x401002, rax=5)


def test_the_default_actions() -> None:
    for number in range(1, 65):
        task = new_task()
        send_to_process(task.process, number)
        outcome = deliver(task, now(task))
        if bit(number) & IGNORED:
            assert outcome == now(task)
        elif number == Sig.STOP:
            assert outcome == Stopped(now(task), None)
            assert task.process.signals.stopped
        elif bit(number) & STOPPING:
            assert outcome == now(task), "nobody of its session could continue it"
        else:
            assert outcome == Ended(number)
    assert DUMPING & bit(Sig.SEGV)


def test_a_terminal_stops_what_somebody_can_continue() -> None:
    task = new_task()
    shell = new_process(task.kernel, 5)
    shell.process.session = shell.process.group = task.process.session = 5
    task.process.parent = 5
    send_to_process(task.process, Sig.TSTP)
    interrupted = Interrupted(restart=True)
    assert deliver(task, now(task), interrupted, 7) == Stopped(now(task), interrupted)
    send_to_process(task.process, Sig.CONT)
    assert not task.process.signals.stopped
    assert deliver(task, now(task), interrupted, 7) == replace(now(task), rip=0x401000, rax=7)


def test_handlers_stack_up_and_unwind() -> None:
    task = new_task()
    handle(task, Sig.USR1, Action(0x1111, SA_RESTORER, 1, bit(Sig.HUP)))
    handle(task, Sig.USR2, Action(0x2222, SA_RESTORER, 1, 0))
    task.signal_mask = mask_of(Sig.USR1, Sig.USR2)
    send_to_process(task.process, Sig.USR2)
    send_to_process(task.process, Sig.USR1)
    assert not deliverable(task)
    task.signal_mask = 0
    last = deliver(task, now(task))
    assert isinstance(last, Registers)
    assert (last.rip, last.rdi) == (0x2222, Sig.USR2)
    assert task.signal_mask == mask_of(Sig.USR1, Sig.USR2, Sig.HUP)
    first = restore(task, replace(last, rsp=last.rsp + 8))
    assert (first.rip, first.rdi) == (0x1111, Sig.USR1)
    assert task.signal_mask == mask_of(Sig.USR1, Sig.HUP)
    assert restore(task, replace(first, rsp=first.rsp + 8)) == now(task)
    assert task.signal_mask == 0


def test_flags_of_an_action() -> None:
    task = new_task()
    handle(task, Sig.USR1, PLAIN._replace(flags=SA_RESTORER | SA_NODEFER | SA_RESETHAND, mask=KERNEL_ONLY))
    send_to_process(task.process, Sig.USR1)
    assert isinstance(deliver(task, now(task)), Registers)
    assert task.signal_mask == 0
    send_to_process(task.process, Sig.USR1)
    assert deliver(task, now(task)) == Ended(Sig.USR1)


def test_a_handler_without_a_stack_is_a_segfault() -> None:
    task = new_task()
    handle(task, Sig.USR1, PLAIN)
    handle(task, Sig.SEGV, PLAIN)
    send_to_process(task.process, Sig.USR1)
    assert deliver(task, replace(now(task), rsp=0x50)) == Ended(Sig.SEGV)
    task = new_task()
    low = task.memory.put(b"", room=8192)
    task.signals.alternate = AlternateStack(low, 0, 8192)
    handle(task, Sig.USR1, PLAIN)
    handle(task, Sig.SEGV, PLAIN._replace(handler=0x5E6, flags=SA_RESTORER | SA_ONSTACK))
    send_to_process(task.process, Sig.USR1)
    saved = deliver(task, replace(now(task), rsp=0x50))
    assert isinstance(saved, Registers)
    assert (saved.rip, saved.rdi) == (0x5E6, Sig.SEGV)


def test_a_blocked_fault_ends_the_process() -> None:
    task = new_task()
    handle(task, Sig.SEGV, PLAIN)
    task.signal_mask = bit(Sig.SEGV)
    fault(task, Sig.SEGV, 1, 0)
    assert deliver(task, now(task)) == Ended(Sig.SEGV)


def test_an_autodisarming_stack_is_forgotten() -> None:
    task = new_task()
    low = task.memory.put(b"", room=8192)
    stack = AlternateStack(low, SS_AUTODISARM, 8192)
    task.signals.alternate = stack
    handle(task, Sig.USR1, PLAIN._replace(flags=SA_RESTORER | SA_ONSTACK))
    send_to_process(task.process, Sig.USR1)
    inside = deliver(task, now(task))
    assert isinstance(inside, Registers)
    assert task.signals.alternate == AlternateStack(0, SS_DISABLE, 0)
    restore(task, replace(inside, rsp=inside.rsp + 8))
    assert task.signals.alternate == stack


def test_which_calls_start_again() -> None:
    table = [
        # restart, restart_unhandled, action, again
        (True, False, RESTARTING, True),
        (True, False, PLAIN, False),
        (True, False, None, True),
        (False, False, RESTARTING, False),
        (False, False, None, False),
        (False, True, RESTARTING, False),
        (False, True, None, True),
    ]
    for restart, unhandled, action, again in table:
        assert restarts(action, Interrupted(restart, unhandled)) == again


def test_an_interrupted_call() -> None:
    for action, rip, rax in ((RESTARTING, 0x401000, 35), (PLAIN, 0x401002, -E.EINTR & MASK)):
        task = new_task()
        handle(task, Sig.USR1, action)
        send_to_thread(task, Sig.USR1)
        inside = deliver(task, now(task), Interrupted(restart=True), 35)
        assert isinstance(inside, Registers)
        back = restore(task, replace(inside, rsp=inside.rsp + 8))
        assert (back.rip, back.rax) == (rip, rax)


def test_the_first_handler_decides_about_the_call() -> None:
    task = new_task()
    handle(task, Sig.USR1, RESTARTING)
    handle(task, Sig.USR2, PLAIN)
    send_to_process(task.process, Sig.USR1)
    send_to_process(task.process, Sig.USR2)
    last = deliver(task, now(task), Interrupted(restart=True), 35)
    assert isinstance(last, Registers)
    first = restore(task, replace(last, rsp=last.rsp + 8))
    back = restore(task, replace(first, rsp=first.rsp + 8))
    assert (back.rip, back.rax) == (0x401000, 35)


def test_a_mask_for_the_time_of_a_call() -> None:
    task = new_task()
    handle(task, Sig.USR1, PLAIN)
    task.signals.saved_mask, task.signal_mask = bit(Sig.HUP), bit(Sig.INT)
    send_to_process(task.process, Sig.USR1)
    inside = deliver(task, now(task), Interrupted(False, restart_unhandled=True), 130)
    assert isinstance(inside, Registers)
    assert task.signal_mask == mask_of(Sig.INT, Sig.USR1)
    restore(task, replace(inside, rsp=inside.rsp + 8))
    assert (task.signal_mask, task.signals.saved_mask) == (bit(Sig.HUP), None)
    task.signals.saved_mask, task.signal_mask = 0, bit(Sig.INT)
    assert deliver(task, now(task), Interrupted(False, restart_unhandled=True), 130) == replace(
        now(task), rip=0x401000, rax=130
    )
    assert task.signal_mask == 0


def test_an_action_changed_to_ignore_after_the_signal_came() -> None:
    task = new_task()
    handle(task, Sig.USR1, PLAIN)
    send_to_process(task.process, Sig.USR1)
    task.process.signals.handlers.actions[Sig.USR1] = Action(SIG_IGN)
    assert deliver(task, now(task)) == now(task)
