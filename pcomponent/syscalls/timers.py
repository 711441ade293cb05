"""timer_create(2) and its family. Source: kernel/time/posix-timers.c."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.linux.signal import NSIG
from pcomponent import credentials
from pcomponent.clocks import Clock, ProcessorClock, WallClock, processor_clock
from pcomponent.posix_timers import Event
from pcomponent.syscalls import time
from pcomponent.syscalls.table import syscall
from pcomponent.syscalls.timespec import SECOND, TIME_MAX
from pcomponent.tasks import find_thread

if TYPE_CHECKING:
    from pcomponent.process import Thread

SIGEV_SIGNAL, SIGEV_NONE, SIGEV_THREAD, SIGEV_THREAD_ID = 0, 1, 2, 4
_EVENT = struct.Struct("<Qiii")
"""struct sigevent: value, signal, how to notify, thread; 64 bytes with what follows."""
_EVENT_BYTES = 64
_SPEC = struct.Struct("<qqqq")
"""struct itimerspec: interval, value."""
_ID = struct.Struct("<i")


def _clock(task: Thread, clock: int) -> Clock:
    """What a timer runs on. EINVAL for no clock, EOPNOTSUPP for one that has no timers."""
    time.now_ns(task, clock)
    if clock < 0:
        return processor_clock(task, clock)
    if clock == time.CLOCK_PROCESS_CPUTIME_ID:
        return ProcessorClock(task.process)
    if clock == time.CLOCK_THREAD_CPUTIME_ID:
        return ProcessorClock(task.process, task)
    if clock in (time.CLOCK_MONOTONIC_RAW, time.CLOCK_REALTIME_COARSE, time.CLOCK_MONOTONIC_COARSE):
        raise LinuxError(E.EOPNOTSUPP)
    return WallClock(time.now_ns(task, clock) - task.kernel.monotonic_ns(task))


def _event(task: Thread, address: int) -> Event:
    """good_sigevent(). EINVAL; EFAULT."""
    value, number, notify, tid = _EVENT.unpack_from(task.memory.read(address, _EVENT_BYTES))
    thread = None
    if notify == SIGEV_NONE:
        return Event(0, value)
    if notify == SIGEV_SIGNAL | SIGEV_THREAD_ID:
        try:
            thread = find_thread(task, tid) if tid > 0 else None
        except LinuxError:
            thread = None
        if thread is None or thread.process is not task.process:
            raise LinuxError(E.EINVAL)
    elif notify not in (SIGEV_SIGNAL, SIGEV_THREAD):
        raise LinuxError(E.EINVAL)
    if not 1 <= number <= NSIG:
        raise LinuxError(E.EINVAL)
    return Event(number, value, thread)


@syscall(222, "timer_create", "int", "pointer", "pointer")
def timer_create(task: Thread, clock: int, event_address: int, id_address: int) -> int:
    """A timer that is not set yet."""
    chosen = _clock(task, clock)
    event = _event(task, event_address) if event_address else None
    timers = task.process.posix_timers
    timer = timers.create(task.process, chosen, event)
    try:
        task.memory.write_struct(_ID, id_address, timer.number)
        alarm = clock in (time.CLOCK_REALTIME_ALARM, time.CLOCK_BOOTTIME_ALARM)
        if alarm and not task.credentials.capable(credentials.SYS_TIME):
            raise LinuxError(E.EPERM)  # It asks for CAP_WAKE_ALARM, which comes with the clock.
    except LinuxError:
        timers.delete(timer)
        raise
    return 0


def _read_spec(task: Thread, address: int) -> tuple[int, int]:
    """Value and interval in ns. EFAULT; EINVAL."""
    parts = task.memory.read_struct(_SPEC, address)
    for seconds, nanoseconds in (parts[0:2], parts[2:4]):
        if seconds < 0 or not 0 <= nanoseconds < SECOND:
            raise LinuxError(E.EINVAL)
    return min(parts[2] * SECOND + parts[3], TIME_MAX), min(parts[0] * SECOND + parts[1], TIME_MAX)


def _write_spec(task: Thread, address: int, value_ns: int, interval_ns: int) -> None:
    task.memory.write_struct(_SPEC, address, *divmod(interval_ns, SECOND), *divmod(value_ns, SECOND))


@syscall(223, "timer_settime", "int", "int", "pointer", "pointer")
def timer_settime(task: Thread, number: int, flags: int, new: int, old: int) -> int:
    """Sets a timer, to a time of its clock with TIMER_ABSTIME, or stops it; tells how it was set before."""
    if not new:
        raise LinuxError(E.EINVAL)
    value_ns, interval_ns = _read_spec(task, new)
    timers = task.process.posix_timers
    timer = timers.find(number)
    before = timer.get(task)
    timer.set(task, value_ns, interval_ns, bool(flags & time.TIMER_ABSTIME))
    timers.changed(timer)
    if old:
        _write_spec(task, old, *before)
    return 0


@syscall(224, "timer_gettime", "int", "pointer")
def timer_gettime(task: Thread, number: int, address: int) -> int:
    """How long until a timer goes off, and its period."""
    _write_spec(task, address, *task.process.posix_timers.find(number).get(task))
    return 0


@syscall(225, "timer_getoverrun", "int")
def timer_getoverrun(task: Thread, number: int) -> int:
    """How often it went off between the last signal that was taken and the one before."""
    return task.process.posix_timers.find(number).overrun_last


@syscall(226, "timer_delete", "int")
def timer_delete(task: Thread, number: int) -> int:
    """Deletes a timer."""
    timers = task.process.posix_timers
    timers.delete(timers.find(number))
    return 0
