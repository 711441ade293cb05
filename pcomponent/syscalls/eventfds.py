"""eventfd, timerfd and signalfd. Source: fs/eventfd.c, fs/timerfd.c, fs/signalfd.c."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import O_CLOEXEC, O_NONBLOCK, O_RDWR
from lego.linux.signal import KERNEL_ONLY
from pcomponent.files.eventfd import EventFile
from pcomponent.files.signalfd import SignalFile
from pcomponent.files.timerfd import TimerFile
from pcomponent.syscalls.table import syscall
from pcomponent.syscalls.timespec import SECOND

if TYPE_CHECKING:
    from pcomponent.process import Thread

_SEMAPHORE = 1
_REALTIME, _MONOTONIC, _BOOTTIME, _REALTIME_ALARM, _BOOTTIME_ALARM = 0, 1, 7, 8, 9
_ABSTIME, _CANCEL_ON_SET = 1, 2
_ITIMERSPEC = struct.Struct("<qqqq")
_MASK = struct.Struct("<Q")
_FLAGS = O_CLOEXEC | O_NONBLOCK


@syscall(290, "eventfd2", "uint", "flags")
def eventfd2(task: Thread, count: int, flags: int) -> int:
    """eventfd2(2)."""
    if flags & ~(_FLAGS | _SEMAPHORE):
        raise LinuxError(E.EINVAL)
    file = EventFile(task, O_RDWR | flags & O_NONBLOCK, count, bool(flags & _SEMAPHORE))
    return task.process.files.install(task, file, bool(flags & O_CLOEXEC))


@syscall(284, "eventfd", "uint")
def eventfd(task: Thread, count: int) -> int:
    """eventfd(2)."""
    return eventfd2(task, count, 0)


@syscall(283, "timerfd_create", "int", "flags")
def timerfd_create(task: Thread, clock: int, flags: int) -> int:
    """timerfd_create(2). EPERM for alarm clocks: nobody in a vNode has CAP_WAKE_ALARM."""
    if flags & ~_FLAGS or clock not in (_REALTIME, _MONOTONIC, _BOOTTIME, _REALTIME_ALARM, _BOOTTIME_ALARM):
        raise LinuxError(E.EINVAL)
    if clock in (_REALTIME_ALARM, _BOOTTIME_ALARM):
        raise LinuxError(E.EPERM)
    offset_ns = task.kernel.realtime_ns(task) - task.kernel.monotonic_ns(task) if clock == _REALTIME else 0
    file = TimerFile(task, O_RDWR | flags & O_NONBLOCK, offset_ns, clock)
    return task.process.files.install(task, file, bool(flags & O_CLOEXEC))


def _timer(task: Thread, fd: int) -> TimerFile:
    file = task.process.files.get(fd)
    if not isinstance(file, TimerFile):
        raise LinuxError(E.EINVAL)
    return file


def _write_timer(task: Thread, pointer: int, left_ns: int, interval_ns: int) -> None:
    task.memory.write_struct(_ITIMERSPEC, pointer, *divmod(interval_ns, SECOND), *divmod(left_ns, SECOND))


@syscall(286, "timerfd_settime", "fd", "flags", "pointer", "pointer")
def timerfd_settime(task: Thread, fd: int, flags: int, new: int, old: int) -> int:
    """timerfd_settime(2). TFD_TIMER_CANCEL_ON_SET has nothing to do: nobody sets the clock."""
    interval_s, interval, value_s, value = task.memory.read_struct(_ITIMERSPEC, new)
    valid = interval_s >= 0 and value_s >= 0 and 0 <= interval < SECOND and 0 <= value < SECOND
    if flags & ~(_ABSTIME | _CANCEL_ON_SET) or not valid:
        raise LinuxError(E.EINVAL)
    file = _timer(task, fd)
    before = file.get(task)
    file.set(task, value_s * SECOND + value, interval_s * SECOND + interval, bool(flags & _ABSTIME))
    if old:
        _write_timer(task, old, *before)
    return 0


@syscall(287, "timerfd_gettime", "fd", "pointer")
def timerfd_gettime(task: Thread, fd: int, pointer: int) -> int:
    """timerfd_gettime(2)."""
    _write_timer(task, pointer, *_timer(task, fd).get(task))
    return 0


@syscall(289, "signalfd4", "fd", "pointer", "size", "flags")
def signalfd4(task: Thread, fd: int, pointer: int, size: int, flags: int) -> int:
    """signalfd4(2)."""
    if flags & ~_FLAGS or size != _MASK.size:
        raise LinuxError(E.EINVAL)
    (mask,) = task.memory.read_struct(_MASK, pointer)
    mask &= ~KERNEL_ONLY
    if fd == -1:
        file = SignalFile(task, O_RDWR | flags & O_NONBLOCK, mask)
        return task.process.files.install(task, file, bool(flags & O_CLOEXEC))
    known = task.process.files.get(fd)
    if not isinstance(known, SignalFile):
        raise LinuxError(E.EINVAL)
    known.mask = mask
    return fd


@syscall(282, "signalfd", "fd", "pointer", "size")
def signalfd(task: Thread, fd: int, pointer: int, size: int) -> int:
    """signalfd(2)."""
    return signalfd4(task, fd, pointer, size, 0)
