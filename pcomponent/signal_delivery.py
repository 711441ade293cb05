"""What happens to a thread with a pending signal before it goes on in user mode.

The scheduler calls `deliver` when `signals.deliverable(task)`, or when a call ended in `Interrupted`:

    outcome = deliver(task, cpu.read_registers(), interrupted, number)
    if isinstance(outcome, Ended): ...        # the whole process ends by outcome.number
    elif isinstance(outcome, Stopped): ...    # park it until process.signals.stopped is false, then call
                                              # deliver(task, outcome.registers, outcome.interrupted, number)
    else: cpu.write_registers(outcome)

Source: kernel/signal.c (get_signal), arch/x86/kernel/signal.c (handle_signal, arch_do_signal_or_restart).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from lego.linux.errno import E, LinuxError
from lego.linux.signal import (
    IGNORED,
    SA_NODEFER,
    SA_RESETHAND,
    SA_RESTART,
    SIG_DFL,
    SIG_IGN,
    SS_AUTODISARM,
    SS_DISABLE,
    STOPPING,
    Sig,
    SigInfo,
    bit,
)
from pcomponent import strace
from pcomponent.registers import Registers
from pcomponent.signal_frame import MASK64, build
from pcomponent.signals import Action, AlternateStack, force, next_deliverable, set_mask
from pcomponent.waiting import Interrupted

if TYPE_CHECKING:
    from pcomponent.process import Process, Thread

RESTART_SYSCALL = 219
SYSCALL_BYTES = 2
"""The length of the `syscall` instruction: making a call again means going back over it."""


class Ended(NamedTuple):
    """The process ends with this signal as its wait status; there is never a core file."""

    number: int


class Stopped(NamedTuple):
    """The process stops: no thread of it runs until `process.signals.stopped` is false again."""

    registers: Registers
    interrupted: Interrupted | None


def restarts(action: Action | None, interrupted: Interrupted) -> bool:
    """Whether an interrupted call is made again, when `action` is the handler that runs, or None if none does."""
    if action is None:
        return interrupted.restart or interrupted.restart_unhandled
    return interrupted.always or (interrupted.restart and bool(action.flags & SA_RESTART))


def deliver(
    task: Thread, registers: Registers, interrupted: Interrupted | None = None, call: int = 0
) -> Registers | Ended | Stopped:
    """Acts on all deliverable signals, in Linux's order; each handler's frame goes on top of the one before, so the
    last one runs first. Returns the registers to go on with.

    After a call that ended in `Interrupted`, `registers` are those after the `syscall` instruction; rax is set to
    -EINTR, or the call, number `call`, will be made again. A caller that has seen to that gives no `interrupted`."""
    handled = False
    while (info := next_deliverable(task)) is not None:
        number = info.number
        if task.process.trace:
            strace.delivered(task, info)
        action = task.process.signals.action(number)
        if action.handler == SIG_IGN:
            continue
        if action.handler == SIG_DFL:
            if bit(number) & IGNORED:
                continue
            if bit(number) & STOPPING:
                if number != Sig.STOP and orphaned(task.process):
                    continue
                task.process.signals.stop(number)
                if task.process.trace:
                    strace.stopped(task, number)
                return Stopped(registers, None if handled else interrupted)
            return Ended(number)
        if not handled:
            registers = _resume(task, registers, interrupted, action, call)
            handled = True
        registers = _handle(task, registers, action, info)
    if not handled:
        registers = _resume(task, registers, interrupted, None, call)
        _restore_mask(task)
    return registers


def _restore_mask(task: Thread) -> None:
    """No handler ran: a call that set a mask for its own time gives the old one back (restore_saved_sigmask)."""
    saved, task.signals.saved_mask = task.signals.saved_mask, None
    if saved is not None:
        set_mask(task, saved)


def _resume(
    task: Thread, registers: Registers, interrupted: Interrupted | None, action: Action | None, call: int
) -> Registers:
    if interrupted is None:
        return registers
    if interrupted.go_on is not None and action is None:
        task.go_on = interrupted.go_on
        return replace(registers, rip=(registers.rip - SYSCALL_BYTES) & MASK64, rax=RESTART_SYSCALL)
    if restarts(action, interrupted):
        return replace(registers, rip=(registers.rip - SYSCALL_BYTES) & MASK64, rax=call)
    return replace(registers, rax=-E.EINTR & MASK64)


def _handle(task: Thread, registers: Registers, action: Action, info: SigInfo) -> Registers:
    """Starts a handler: frame, mask, one-shot actions (handle_signal, signal_delivered)."""
    number, signals = info.number, task.signals
    if action.flags & SA_RESETHAND:
        task.process.signals.reset(number)
    try:
        handler = build(task, registers, action, info)
    except LinuxError:
        # force_sigsegv(): a SIGSEGV that cannot be delivered must not be tried again.
        force(task, SigInfo.kernel(Sig.SEGV), fatal=number == Sig.SEGV)
        return registers
    signals.saved_mask = None
    set_mask(task, task.signal_mask | action.mask | (0 if action.flags & SA_NODEFER else bit(number)))
    if signals.alternate.flags & SS_AUTODISARM:
        signals.alternate = AlternateStack(flags=SS_DISABLE)  # sas_ss_reset().
    return handler


def orphaned(process: Process) -> bool:
    """Whether nobody of its session could continue its group: then the terminal's stop signals are not obeyed
    (is_current_pgrp_orphaned)."""
    for member in process.kernel.processes.values():
        if member.group != process.group or member.status is not None:
            continue
        parent = process.kernel.processes.get(member.parent)
        if parent is not None and parent.group != process.group and parent.session == process.session:
            return False
    return True
