"""Reading and writing struct timespec and struct timeval. Source: include/uapi/linux/time_types.h, linux/time.h."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError

if TYPE_CHECKING:
    from pcomponent.process import Thread

SECOND = 10**9
"""In nanoseconds, as are all times here."""
MICROSECOND = 1_000
TIME_MAX = (1 << 63) - 1
"""KTIME_MAX: longer times are as good as for ever."""
PAIR = struct.Struct("<qq")


def read_timespec(task: Thread, address: int) -> int:
    """A time in ns, at most `TIME_MAX`. EFAULT; EINVAL when it is negative or its nanoseconds are a second or more."""
    seconds, nanoseconds = task.memory.read_struct(PAIR, address)
    if seconds < 0 or not 0 <= nanoseconds < SECOND:
        raise LinuxError(E.EINVAL)
    ns: int = seconds * SECOND + nanoseconds
    return min(ns, TIME_MAX)


def write_timespec(task: Thread, address: int, ns: int) -> None:
    """EFAULT."""
    task.memory.write_struct(PAIR, address, *divmod(ns, SECOND))


def write_timeval(task: Thread, address: int, ns: int) -> None:
    """The same to the microsecond, rounded down. EFAULT."""
    seconds, rest_ns = divmod(ns, SECOND)
    task.memory.write_struct(PAIR, address, seconds, rest_ns // MICROSECOND)
