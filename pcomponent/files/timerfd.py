"""timerfd_create(2): a timer on virtual time whose expirations are read from a descriptor. Source: fs/timerfd.c."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import O_NONBLOCK
from pcomponent.files.anonymous import AnonymousFile, Change, wait_until
from pcomponent.files.base import POLLIN, Blocking

if TYPE_CHECKING:
    from pcomponent.process import Thread

_BYTES = 8
CLOCK_MONOTONIC = 1


class TimerFile(AnonymousFile):
    """The timer. `offset_ns` is what its clock is ahead of the monotonic one."""

    def __init__(self, task: Thread, flags: int, offset_ns: int, clock: int = CLOCK_MONOTONIC) -> None:
        super().__init__(task, flags, "timerfd", 0o600)
        self.offset_ns = offset_ns
        self.clock = clock
        self._set_flags = 0
        self._due_ns: int | None = None
        """On the monotonic clock; None when it is not armed, or went off for the last time."""
        self._interval_ns = 0
        self._expired = 0
        """How often it went off since the last read."""
        self._fired = False
        """Whether it went off and, although it repeats, waits to be started again."""
        self._change = Change()

    def details(self, task: Thread) -> str:
        """Its clock, how often it went off since the last read, and its times."""
        expired = self._look(task)
        left = 0 if self._due_ns is None else max(1, self._due_ns - task.kernel.monotonic_ns(task))
        times = [(ns // 10**9, ns % 10**9) for ns in (left, self._interval_ns)]
        return (
            f"clockid: {self.clock}\nticks: {expired}\nsettime flags: 0{self._set_flags:o}\n"
            f"it_value: {times[0]}\nit_interval: {times[1]}\n"
        )

    def get(self, task: Thread) -> tuple[int, int]:
        """Nanoseconds until it goes off, 0 when it will not, and the interval."""
        self._look(task)
        self._start_again()
        left = 0 if self._due_ns is None else max(1, self._due_ns - task.kernel.monotonic_ns(task))
        return left, self._interval_ns

    def set(self, task: Thread, value_ns: int, interval_ns: int, absolute: bool) -> None:
        """Arms it, or disarms it with 0."""
        self._set_flags = int(absolute)
        self._expired, self._fired = 0, False
        self._interval_ns = interval_ns
        if not value_ns:
            self._due_ns = None
        elif absolute:
            self._due_ns = value_ns - self.offset_ns  # Perhaps before the machine began.
        else:
            self._due_ns = task.kernel.monotonic_ns(task) + value_ns
        self._change.happened(task)

    def _look(self, task: Thread) -> int:
        """Lets it go off as often as it had to by now; returns how often it did since the last read."""
        now = task.kernel.monotonic_ns(task)
        if self._due_ns is not None and now >= self._due_ns:
            if self._interval_ns:
                times = (now - self._due_ns) // self._interval_ns + 1
                self._due_ns += times * self._interval_ns
            else:
                times, self._due_ns = 1, None
            self._expired += times
            if not self._fired:
                self._fired = True
                self._change.happened(task)
        return self._expired

    def _start_again(self) -> None:
        """From now on it is due again, if it repeats."""
        if self._fired:
            self._fired = False
            self._change.stir()

    def serial(self, events: int) -> int:
        """The last time that it was seen to go off."""
        return self._change.serial

    def changes(self, task: Thread) -> list[Change]:
        """That it is set, or seen to go off."""
        return [self._change]

    lasting_changes = changes

    def due_ns(self, task: Thread) -> int | None:
        """When it goes off next, as far as anybody is told: one that repeats is started again by who reads it or asks
        for its time (timerfd_tmrproc, timerfd_read)."""
        return None if self._fired else self._due_ns

    def read(self, task: Thread, length: int) -> Blocking:
        """How often it went off since the last read, 8 bytes. EINVAL; EAGAIN."""
        if length < _BYTES:
            raise LinuxError(E.EINVAL)
        while not self._look(task):
            if self.flags & O_NONBLOCK:
                raise LinuxError(E.EAGAIN)
            before = self._change.serial
            yield from wait_until(
                task,
                lambda before=before: self._change.serial != before,  # type: ignore[misc]
                self._change,
                self._due_ns,
            )
        times, self._expired = self._expired, 0
        self._start_again()
        return times.to_bytes(_BYTES, "little")

    def poll(self, task: Thread, events: int, wait_ms: int = 0) -> int:
        """POLL* bits that hold now."""
        return POLLIN if self._look(task) else 0
