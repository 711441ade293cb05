"""System calls that tell the time or sleep, all of them on virtual time. Source: kernel/time/posix-timers.c,
posix-cpu-timers.c, hrtimer.c, time.c.

The guest cannot set the clocks: they are the machine's. Every core has its own clock, and a thread reads that of
the core it runs on.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from pcomponent import credentials
from pcomponent.clocks import processor_clock
from pcomponent.files.base import Blocking
from pcomponent.syscalls.table import syscall
from pcomponent.syscalls.timespec import SECOND, TIME_MAX, read_timespec, write_timespec, write_timeval
from pcomponent.usage import process_times, thread_times
from pcomponent.waiting import Interrupted, Wait, Wake

if TYPE_CHECKING:
    from pcomponent.process import Thread

CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID = 0, 1, 2, 3
CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME = 4, 5, 6, 7
CLOCK_REALTIME_ALARM, CLOCK_BOOTTIME_ALARM, CLOCK_TAI = 8, 9, 11
_REAL = (CLOCK_REALTIME, CLOCK_REALTIME_COARSE, CLOCK_REALTIME_ALARM, CLOCK_TAI)
_MONOTONIC = (
    CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME, CLOCK_BOOTTIME_ALARM,
)  # fmt: skip
_COARSE = (CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE)
COARSE_NS = 4_000_000
"""The resolution that coarse clocks promise, a tick at 250 Hz. They are as exact as the others: rounded down, they
would stand at 0 for the machine's first 4 ms."""
TIMER_ABSTIME = 1
_SET_NOTE = "EPERM, as without CAP_SYS_TIME: the clock is the machine's"

_TIMEX_MODES_READ_ONLY = (0, 0xA001)  # Nothing, ADJ_OFFSET_SS_READ.
_TIMEX = struct.Struct("<I4xqqqqi4xqqqqqqqqi4xqqqqqi44x")  # include/uapi/linux/timex.h: 208 bytes.
_STA_UNSYNC, _TIME_ERROR = 0x40, 5
_INT = struct.Struct("<I")
_TIMEZONE = struct.Struct("<ii")


def now_ns(task: Thread, clock: int) -> int:
    """What a clock says, in ns. EINVAL when there is no such clock."""
    if clock < 0:
        return processor_clock(task, clock).now_ns(task)
    if clock in _REAL:
        return task.kernel.realtime_ns(task)
    if clock in _MONOTONIC:
        return task.kernel.monotonic_ns(task)
    if clock == CLOCK_PROCESS_CPUTIME_ID:
        return sum(process_times(task.process))
    if clock == CLOCK_THREAD_CPUTIME_ID:
        return sum(thread_times(task))
    raise LinuxError(E.EINVAL)


@syscall(228, "clock_gettime", "int", "pointer")
def clock_gettime(task: Thread, clock: int, address: int) -> int:
    """What a clock says."""
    write_timespec(task, address, now_ns(task, clock))
    return 0


@syscall(229, "clock_getres", "int", "pointer")
def clock_getres(task: Thread, clock: int, address: int) -> int:
    """How fine a clock is."""
    now_ns(task, clock)
    if address:
        write_timespec(task, address, COARSE_NS if clock in _COARSE else 1)
    return 0


@syscall(227, "clock_settime", "int", "pointer", support="partial", note=_SET_NOTE)
def clock_settime(task: Thread, clock: int, address: int) -> int:
    """EPERM: root of a vNode has no CAP_SYS_TIME. EINVAL for clocks that nobody can set."""
    if clock != CLOCK_REALTIME:
        if clock < 0:
            processor_clock(task, clock)
            raise LinuxError(E.EPERM)
        raise LinuxError(E.EINVAL)
    read_timespec(task, address)
    raise LinuxError(E.EPERM)


@syscall(164, "settimeofday", "pointer", "pointer", support="partial", note=_SET_NOTE)
def settimeofday(task: Thread, value: int, zone: int) -> int:
    """EPERM, likewise."""
    if value:
        seconds, microseconds = task.memory.read_struct(struct.Struct("<qq"), value)
        if seconds < 0 or not 0 <= microseconds < 1_000_000:
            raise LinuxError(E.EINVAL)
    if zone:
        task.memory.read_struct(_TIMEZONE, zone)
    raise LinuxError(E.EPERM)


@syscall(96, "gettimeofday", "pointer", "pointer")
def gettimeofday(task: Thread, value: int, zone: int) -> int:
    """The real-time clock to the microsecond; the kernel's time zone is UTC."""
    if value:
        write_timeval(task, value, task.kernel.realtime_ns(task))
    if zone:
        task.memory.write_struct(_TIMEZONE, zone, 0, 0)
    return 0


@syscall(201, "time", "pointer")
def time(task: Thread, address: int) -> int:
    """The real-time clock in seconds."""
    seconds = task.kernel.realtime_ns(task) // SECOND
    if address:
        task.memory.write_struct(struct.Struct("<q"), address, seconds)
    return seconds


# ---- sleeping --------------------------------------------------------------------------------------------


def _sleep(task: Thread, wait: Wait, remaining: Callable[[], int] | None, left_address: int) -> Blocking:
    """Sleeps until a wait is over. After a signal, what `remaining` says is written to `left_address`."""
    reason = yield wait
    if reason is not Wake.SIGNAL:
        return 0
    if remaining is None:
        raise Interrupted(restart=False, restart_unhandled=True)
    left_ns = remaining()
    if left_ns <= 0:
        return 0
    if left_address:
        write_timespec(task, left_address, left_ns)
    raise Interrupted(restart=False, go_on=lambda: _sleep(task, wait, remaining, left_address))


def _sleep_for(task: Thread, ns: int, left_address: int) -> Blocking:
    until_ns = min(task.kernel.monotonic_ns(task) + ns, TIME_MAX)
    return (
        yield from _sleep(
            task, Wait(until_ns=until_ns), lambda: until_ns - task.kernel.monotonic_ns(task), left_address
        )
    )


@syscall(35, "nanosleep", "pointer", "pointer")
def nanosleep(task: Thread, request: int, left: int) -> Blocking:
    """Sleeps for a time."""
    return (yield from _sleep_for(task, read_timespec(task, request), left))


@syscall(230, "clock_nanosleep", "int", "int", "pointer", "pointer")
def clock_nanosleep(task: Thread, clock: int, flags: int, request: int, left: int) -> Blocking:
    """Sleeps for a time, or until a time (TIMER_ABSTIME), on some clock."""
    _check_sleep(task, clock)
    ns = read_timespec(task, request)
    absolute = bool(flags & TIMER_ABSTIME)
    if clock < 0 or clock == CLOCK_PROCESS_CPUTIME_ID:
        until = ns if absolute else now_ns(task, clock) + ns
        wait = Wait(ready=lambda _wait_ms: now_ns(task, clock) >= until)
        remaining = None if absolute else (lambda: until - now_ns(task, clock))
        return (yield from _sleep(task, wait, remaining, left))
    if not absolute:
        return (yield from _sleep_for(task, ns, left))
    offset_ns = now_ns(task, clock) - task.kernel.monotonic_ns(task) if clock in _REAL else 0
    return (yield from _sleep(task, Wait(until_ns=max(0, ns - offset_ns)), None, 0))


def _check_sleep(task: Thread, clock: int) -> None:
    """Which clocks one can sleep on, in the order of the kernel's checks."""
    now_ns(task, clock)
    if clock < 0 and processor_clock(task, clock).thread is task:
        raise LinuxError(E.EINVAL)  # It stands still for as long as the thread sleeps.
    if clock in (CLOCK_THREAD_CPUTIME_ID, CLOCK_MONOTONIC_RAW, *_COARSE):
        raise LinuxError(E.EOPNOTSUPP)
    alarm = clock in (CLOCK_REALTIME_ALARM, CLOCK_BOOTTIME_ALARM)
    if alarm and not task.credentials.capable(credentials.SYS_TIME):
        raise LinuxError(E.EPERM)  # They ask for CAP_WAKE_ALARM, which comes with the clock.


# ---- adjusting -------------------------------------------------------------------------------------------


def _adjust(task: Thread, address: int) -> int:
    """adjtimex(2) for readers; EPERM for anything that would change the clock."""
    (modes,) = task.memory.read_struct(_INT, address)
    task.memory.read(address, _TIMEX.size)
    if modes not in _TIMEX_MODES_READ_ONLY:
        raise LinuxError(E.EPERM)
    seconds, rest_ns = divmod(task.kernel.realtime_ns(task), SECOND)
    task.memory.write_struct(
        _TIMEX, address,
        modes, 0, 0, 16_000_000, 16_000_000, _STA_UNSYNC, 2, 1, 32_768_000,
        seconds, rest_ns // 1000, 10_000, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    )  # fmt: skip
    return _TIME_ERROR


@syscall(159, "adjtimex", "pointer", support="partial", note="read only: the clock is the machine's")
def adjtimex(task: Thread, address: int) -> int:
    """How the clock is disciplined: it is not synchronized to anything."""
    return _adjust(task, address)


@syscall(305, "clock_adjtime", "int", "pointer", support="partial", note="read only, CLOCK_REALTIME only")
def clock_adjtime(task: Thread, clock: int, address: int) -> int:
    """The same for a clock of one's choice."""
    now_ns(task, clock)
    if clock != CLOCK_REALTIME:
        raise LinuxError(E.EOPNOTSUPP)
    return _adjust(task, address)
