"""Clocks that timers run on: the machine's time, or the processor time of a process or thread.

Source: kernel/time/posix-cpu-timers.c (the ids of clock_getcpuclockid(3)), posix-timers.c.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from pcomponent.tasks import find_thread
from pcomponent.usage import process_times, thread_times

if TYPE_CHECKING:
    from pcomponent.process import Process, Thread

_PROF, _VIRT, _SCHED, _PER_THREAD, _KIND = 0, 1, 2, 4, 3


class WallClock:
    """The monotonic clock, or one that is `offset_ns` ahead of it."""

    def __init__(self, offset_ns: int = 0) -> None:
        self.offset_ns = offset_ns

    def now_ns(self, task: Thread) -> int:
        """What it says on the core that `task` runs on."""
        return task.kernel.monotonic_ns(task) + self.offset_ns


class ProcessorClock:
    """The processor time of a process, or of one of its threads."""

    def __init__(self, process: Process, thread: Thread | None = None, user_only: bool = False) -> None:
        self.process = process
        self.thread = thread
        self.user_only = user_only

    def now_ns(self, task: Thread) -> int:
        """What was used so far, whoever asks."""
        user_ns, system_ns = process_times(self.process) if self.thread is None else thread_times(self.thread)
        return user_ns if self.user_only else user_ns + system_ns


Clock = WallClock | ProcessorClock


def processor_clock(task: Thread, clock: int) -> ProcessorClock:
    """The clock of a negative id: processor time of some process or of a thread of the caller's own. EINVAL."""
    number, kind = ~clock >> 3, clock & _KIND
    if kind > _SCHED:
        raise LinuxError(E.EINVAL)
    try:
        target = find_thread(task, number)
    except LinuxError:
        raise LinuxError(E.EINVAL) from None
    if clock & _PER_THREAD:
        if target.process is not task.process:
            raise LinuxError(E.EINVAL)
        return ProcessorClock(target.process, target, kind == _VIRT)
    if number and target.tid != target.process.pid:
        raise LinuxError(E.EINVAL)
    return ProcessorClock(target.process, None, kind == _VIRT)
