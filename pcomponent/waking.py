"""Waking a parked thread. Time goes with it: who is woken does not run before the one who woke it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pcomponent.waiting import Wake

if TYPE_CHECKING:
    from pcomponent.process import Thread


def wake(task: Thread, now_ns: int, why: Wake = Wake.READY) -> None:
    """Ends a thread's wait at a time of the virtual clock; among threads of equal clocks it comes last."""
    task.kernel.queue.unpark(task)
    task.wait, task.wake = None, why
    task.meter.now_ns = max(task.meter.now_ns, now_ns)
    queue_up(task)


def queue_up(task: Thread) -> None:
    """Puts a thread behind all others whose clock is the same."""
    kernel = task.kernel
    kernel.turns += 1
    task.turn = kernel.turns
    kernel.stirred = True
    kernel.queue.push(task)
