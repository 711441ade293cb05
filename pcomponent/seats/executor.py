"""Turns of threads that run on another processor: user mode is there, system calls and signals are here.

A message that ends in a system call or a signal costs what a round trip costs; one that ends with the turn costs
nothing, since a real processor would go on by itself: that it comes back is how the keeper gives turns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from lego.observe.clock import current
from pcomponent.cpu import Stop
from pcomponent.execution import Executor
from pcomponent.seat_messages import FAULT, SYSCALL, UNFINISHED
from pcomponent.seats.cpu import SeatCpu

if TYPE_CHECKING:
    from pcomponent.cpu import Cpu
    from pcomponent.kernel import Kernel
    from pcomponent.lifecycle import Lifecycle
    from pcomponent.process import Thread
    from pcomponent.seats.table import Seat


class SeatExecutor(Executor):
    """Runs threads of one seat."""

    def __init__(self, kernel: Kernel, cpu: SeatCpu, lifecycle: Lifecycle, name: str) -> None:
        # Of the CPU, what is not overridden below uses no more than SeatCpu has.
        super().__init__(kernel, cast("Cpu", cpu), lifecycle)
        self._far = cpu
        self._name = name
        self._stops |= {Stop.FAULT: self._on_signal}
        self._fault = (0, 0, 0, 0, 0)

    @property
    def seat(self) -> Seat | None:
        """Where the threads run."""
        return self._kernel.seats.get(self._name)

    def _load(self, task: Thread) -> None:
        self._far.enter(task)

    def _account(self, task: Thread) -> None:
        """Was done when the thread came back."""

    def _user(self, task: Thread) -> Stop:
        """Runs it in user mode."""
        if not self._hold(task):
            return Stop.QUANTUM
        before_ns = task.meter.now_ns
        reply = self._far.run(self._until_ns, self._budget)
        message_ns = current.meter.now_ns - before_ns
        task.meter.now_ns = reply.now_ns
        task.rip = reply.rip
        task.instructions += reply.instructions
        self._budget -= reply.instructions
        if reply.why in (SYSCALL, FAULT):
            task.meter.now_ns += message_ns
            self._fault = reply.fault
            return Stop.SYSCALL if reply.why == SYSCALL else Stop.FAULT
        return Stop.AGAIN if reply.why == UNFINISHED else Stop.QUANTUM

    def _on_signal(self, task: Thread) -> bool:
        self._send_fault(task, *self._fault)
        return True

    def _on_pause(self, task: Thread) -> bool:
        return True
