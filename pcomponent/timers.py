"""The timers of a process: alarm(2), setitimer(2), and those of `pcomponent.posix_timers`, on virtual time.

The real timer runs on the monotonic clock, the virtual one on the user time of the process, the profiling one on its
user and system time. `Process.due_ns` says when the next timer of the machine's clock is due; whoever runs the process
calls `expire(task)` then, and for timers of processor time (`Process.processor_timed`) whenever a thread has run.
Source: kernel/time/itimer.c.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lego.linux.signal import Sig, SigInfo
from pcomponent.rlimits import INFINITY, Resource
from pcomponent.signals import send_to_process
from pcomponent.usage import process_times

if TYPE_CHECKING:
    from pcomponent.process import Process, Thread

ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF = 0, 1, 2
NEVER_NS = 1 << 63
SECOND = 10**9
_SIGNALS = (Sig.ALRM, Sig.VTALRM, Sig.PROF)


class Timer(NamedTuple):
    """When a timer is due on its own clock, and its period; 0 is never."""

    due_ns: int = 0
    interval_ns: int = 0


class IntervalTimers:
    """The three timers of one process. They outlive exec and are not inherited by children."""

    def __init__(self) -> None:
        self._timers = [Timer(), Timer(), Timer()]

    def due_ns(self) -> int | None:
        """When the real timer is due, on the monotonic clock; None when it is not set."""
        return self._timers[ITIMER_REAL].due_ns or None

    def get(self, task: Thread, which: int) -> tuple[int, int]:
        """How long until a timer is due (at least 1 when it is set at all) and its period, in ns."""
        timer = self._timers[which]
        if not timer.due_ns:
            return 0, timer.interval_ns
        return max(1, timer.due_ns - _clock_ns(task, which)), timer.interval_ns

    def set(self, task: Thread, which: int, value_ns: int, interval_ns: int) -> None:
        """Starts a timer, or stops it when `value_ns` is 0 (its period is kept for show, as Linux does, but the real
        timer's)."""
        if which == ITIMER_REAL and not value_ns:
            interval_ns = 0
        due_ns = _clock_ns(task, which) + value_ns if value_ns else 0
        self._timers[which] = Timer(due_ns, interval_ns)
        task.process.timers_changed()

    def processor_left_ns(self, task: Thread) -> int | None:
        """How much more processor time may pass before one of the others is due."""
        left = [
            self._timers[which].due_ns - _clock_ns(task, which)
            for which in (ITIMER_VIRTUAL, ITIMER_PROF)
            if self._timers[which].due_ns
        ]
        return min(left, default=None)

    @property
    def processor_timed(self) -> bool:
        """Whether one of them runs on processor time."""
        return bool(self._timers[ITIMER_VIRTUAL].due_ns or self._timers[ITIMER_PROF].due_ns)

    def expire(self, task: Thread) -> None:
        """Sends the signals of the timers that are due; one that is due several times over sends one signal."""
        for which, timer in enumerate(self._timers):
            if not timer.due_ns:
                continue
            now_ns = _clock_ns(task, which)
            if now_ns < timer.due_ns:
                continue
            due_ns = 0
            if timer.interval_ns:
                periods = (now_ns - timer.due_ns) // timer.interval_ns + 1
                due_ns = timer.due_ns + periods * timer.interval_ns
            self._timers[which] = Timer(due_ns, timer.interval_ns)
            task.process.timers_changed()
            number = _SIGNALS[which]
            send_to_process(task.process, number, SigInfo.kernel(number))


def expire(task: Thread) -> None:
    """Sends what the timers of a thread's process owe it, and its limit of processor time."""
    process = task.process
    if task.meter.now_ns >= process.due_ns or process.processor_timed:
        process.timers.expire(task)
        process.posix_timers.expire(task)
        _check_limit(process)


def _check_limit(process: Process) -> None:
    """check_process_timers(): SIGXCPU at RLIMIT_CPU and every second from then on, SIGKILL at the hard limit."""
    limit = process.limits.get(Resource.CPU)
    if limit.soft == INFINITY:
        return
    used_ns = sum(process_times(process))
    if used_ns >= limit.hard * SECOND:
        send_to_process(process, Sig.KILL)
    elif used_ns >= limit.soft * SECOND:
        send_to_process(process, Sig.XCPU)
        process.limits.raise_processor_time()


def _limit_left_ns(process: Process) -> int | None:
    soft = process.limits.soft(Resource.CPU)
    return None if soft == INFINITY else soft * SECOND - sum(process_times(process))


def processor_left_ns(task: Thread) -> int | None:
    """How much processor time a thread may use until a timer of its process's must be looked at; None without one."""
    process = task.process
    left = [
        process.timers.processor_left_ns(task), process.posix_timers.processor_left_ns(task), _limit_left_ns(process)
    ]  # fmt: skip
    return min((each for each in left if each is not None), default=None)


def next_due_ns(process: Process) -> int | None:
    """When a process whose threads all sleep is owed a signal, on the monotonic clock."""
    return process.due_ns if process.due_ns < NEVER_NS else None


def _clock_ns(task: Thread, which: int) -> int:
    if which == ITIMER_REAL:
        return task.kernel.monotonic_ns(task)
    user_ns, system_ns = process_times(task.process)
    return user_ns if which == ITIMER_VIRTUAL else user_ns + system_ns
