"""The timers of timer_create(2), on virtual time.

A timer that goes off queues its own signal and does not run again before that signal is taken; then it goes on with
the first period that is still to come, and the signal says how many were missed (si_overrun). While the
signal is ignored the timer stands still, and it catches up when somebody listens again.

Timers of the machine's clocks are in a heap by when they are due; `Process.due_ns` is the first of them and of the
interval timers (`pcomponent.timers`). Timers of processor time are known to the process whose time it is, which looks
at them when its threads have run. Source: kernel/time/posix-timers.c, posix-cpu-timers.c.
"""

from __future__ import annotations

import heapq
import struct
from typing import TYPE_CHECKING, NamedTuple

from lego.linux.errno import E, LinuxError
from lego.linux.signal import SI_TIMER, SigInfo
from pcomponent.clocks import Clock, ProcessorClock
from pcomponent.rlimits import Resource
from pcomponent.signals import QueuedOnce, queued, send_queued

if TYPE_CHECKING:
    from pcomponent.process import Process, Thread

_BODY = struct.Struct("<iiQ")
"""si_tid, si_overrun, si_value."""
OVERRUN_MAX = (1 << 31) - 1


class Event(NamedTuple):
    """What a timer does when it goes off (struct sigevent): nothing without a `number`."""

    number: int
    value: int
    thread: Thread | None = None
    """Who gets the signal; None is the process."""


class PosixTimer:
    """One timer. Its times are on its own clock."""

    def __init__(self, owner: Process, number: int, clock: Clock, event: Event) -> None:
        self.owner = owner
        self.number = number
        self.clock = clock
        self.event = event
        self.armed = False
        """It will go off at `due_ns`."""
        self.due_ns = 0
        """When it goes off, or went off."""
        self.interval_ns = 0
        self.overrun_last = 0
        """timer_getoverrun(2): of the signal that was taken last."""
        self.ignored = False
        """It went off, and its signal was dropped: it stands still."""
        self._overrun = -1
        self._queued: TimerSignal | None = None

    def get(self, task: Thread) -> tuple[int, int]:
        """How long until it goes off, 0 when it does not, and its period, in ns (common_timer_get)."""
        silent = not self.event.number
        waits = self._queued is not None or self.ignored
        if not self.interval_ns and not self.armed:
            return 0, 0
        if self.interval_ns and (waits or silent):
            self._forward(task)
        left_ns = self.due_ns - self.clock.now_ns(task)
        return max(left_ns, 0 if silent else 1), self.interval_ns

    def set(self, task: Thread, value_ns: int, interval_ns: int, absolute: bool) -> None:
        """Arms it, or with 0 disarms it; a signal that nobody took yet is withdrawn."""
        self.withdraw()
        self.overrun_last, self._overrun, self.ignored = 0, -1, False
        self.armed = bool(value_ns)
        self.interval_ns = interval_ns if value_ns else 0
        if self.armed:
            self.due_ns = value_ns if absolute else self.clock.now_ns(task) + value_ns

    def withdraw(self) -> None:
        """Takes its signal back."""
        queued, self._queued = self._queued, None
        if queued is not None and queued.pending is not None:
            queued.pending.remove(queued)

    def go_off(self) -> None:
        """It is due. A timer without a signal stays as it is."""
        if not self.event.number:
            return
        self.armed = False
        thread = self.event.thread
        if thread is not None and self.owner.threads.get(thread.tid) is not thread:
            self.ignored = True  # Whom it was for has ended.
            return
        signal = TimerSignal(self)
        self._queued = signal
        if not send_queued(self.owner, thread, signal):
            self.dropped()

    def dropped(self) -> None:
        """The signal was ignored, or discarded while it waited."""
        self._queued, self.ignored = None, True

    def go_on(self, task: Thread) -> None:
        """After its signal was taken, or can be sent again: a periodic timer runs on (posixtimer_rearm)."""
        self._queued, self.ignored = None, False
        if self.interval_ns:
            self._forward(task)
            self.armed = True

    def taken(self, task: Thread) -> SigInfo:
        """Its signal is about to reach the program: what it says."""
        self.go_on(task)
        if self.interval_ns:
            self.overrun_last, self._overrun = min(max(self._overrun, 0), OVERRUN_MAX), -1
        self.owner.posix_timers.changed(self)
        return SigInfo(self.event.number, SI_TIMER, 0, self.body())

    def body(self) -> bytes:
        """The rest of the siginfo_t."""
        return _BODY.pack(self.number, self.overrun_last, self.event.value & (1 << 64) - 1)

    def _forward(self, task: Thread) -> None:
        """Moves `due_ns` by whole periods to the first that is still to come, and counts them."""
        late_ns = self.clock.now_ns(task) - self.due_ns
        if late_ns >= 0:
            periods = late_ns // self.interval_ns + 1
            self.due_ns += periods * self.interval_ns
            self._overrun += periods


class TimerSignal(QueuedOnce):
    """The one signal of a timer while it waits."""

    def __init__(self, timer: PosixTimer) -> None:
        super().__init__(timer.event.number, SI_TIMER, timer.body())
        self.timer = timer

    def taken(self, task: Thread) -> SigInfo:
        """What the program sees."""
        return self.timer.taken(task)

    def dropped(self) -> None:
        """Nobody will."""
        self.timer.dropped()


class PosixTimers:
    """The timers of one process: not inherited by children, deleted by exec."""

    def __init__(self) -> None:
        self._timers: dict[int, PosixTimer] = {}
        self._next = 0
        self._heap: list[tuple[int, int, PosixTimer]] = []
        """(when on the monotonic clock, how many were set before, timer) of armed ones; entries may be outdated."""
        self._set = 0
        self.watching: dict[tuple[int, int], PosixTimer] = {}
        """Armed timers, anybody's, that run on the processor time of this process: by their owner and number."""

    def __len__(self) -> int:
        return len(self._timers)

    def create(self, process: Process, clock: Clock, event: Event | None) -> PosixTimer:
        """A new timer, disarmed; without an event it sends SIGALRM with its own number. EAGAIN when it would be more
        than RLIMIT_SIGPENDING, which counts the signals that timers may have to send."""
        if queued(process) >= process.limits.soft(Resource.SIGPENDING):
            raise LinuxError(E.EAGAIN)
        number = self._next
        self._next += 1
        if event is None:
            event = Event(14, number)
        timer = self._timers[number] = PosixTimer(process, number, clock, event)
        return timer

    def find(self, number: int) -> PosixTimer:
        """EINVAL when there is none of that number."""
        timer = self._timers.get(number)
        if timer is None:
            raise LinuxError(E.EINVAL)
        return timer

    def delete(self, timer: PosixTimer) -> None:
        """Its signal goes too."""
        timer.withdraw()
        timer.armed = False
        self.changed(timer)
        del self._timers[timer.number]

    def delete_all(self) -> None:
        """exec and exit."""
        for timer in list(self._timers.values()):
            self.delete(timer)

    def changed(self, timer: PosixTimer) -> None:
        """A timer was set, went off or goes on."""
        if isinstance(timer.clock, ProcessorClock):
            watched, key = timer.clock.process, (timer.owner.pid, timer.number)
            if timer.armed and timer.event.number:
                watched.posix_timers.watching[key] = timer
            else:
                watched.posix_timers.watching.pop(key, None)
            watched.timers_changed()
            return
        if timer.armed and timer.event.number:
            self._set += 1
            heapq.heappush(self._heap, (timer.due_ns - timer.clock.offset_ns, self._set, timer))
            if len(self._heap) > 2 * len(self._timers) + 64:
                self._heap = [entry for entry in self._heap if self._is_current(entry[0], entry[2])]
                heapq.heapify(self._heap)
        timer.owner.timers_changed()

    def due_ns(self) -> int | None:
        """When the first of them is due, on the monotonic clock."""
        while self._heap:
            when_ns, _, timer = self._heap[0]
            if self._is_current(when_ns, timer):
                return when_ns
            heapq.heappop(self._heap)
        return None

    def _is_current(self, when_ns: int, timer: PosixTimer) -> bool:
        assert not isinstance(timer.clock, ProcessorClock)
        return (
            timer.armed and self._timers.get(timer.number) is timer and timer.due_ns - timer.clock.offset_ns == when_ns
        )

    def expire(self, task: Thread) -> None:
        """Lets go off what is due on the clock of `task`, a thread of the process."""
        now_ns = task.kernel.monotonic_ns(task)
        while (when_ns := self.due_ns()) is not None and when_ns <= now_ns:
            timer = heapq.heappop(self._heap)[2]
            timer.go_off()
            task.process.timers_changed()
        for timer in list(self.watching.values()):
            if timer.due_ns <= timer.clock.now_ns(task):
                timer.go_off()
                self.changed(timer)

    def processor_left_ns(self, task: Thread) -> int | None:
        """How much more processor time the thread may use before a timer must be looked at."""
        left = [
            timer.due_ns - timer.clock.now_ns(task)
            for timer in self.watching.values()
            if isinstance(timer.clock, ProcessorClock) and timer.clock.thread in (None, task)
        ]
        return min(left, default=None)

    def heeded(self, task: Thread, number: int) -> None:
        """A signal is not ignored any more: timers that stood still for that go on."""
        for timer in self._timers.values():
            if timer.ignored and timer.event.number == number:
                timer.go_on(task)
                self.changed(timer)
