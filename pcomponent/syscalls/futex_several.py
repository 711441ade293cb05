"""futex_waitv(2): waits for any of several futexes. Source: kernel/futex/syscalls.c, waitwake.c."""

from __future__ import annotations

import struct

from lego.linux.errno import E, LinuxError
from pcomponent.files.base import Blocking
from pcomponent.futexes import Key, key_of, load
from pcomponent.process import Thread
from pcomponent.signals import deliverable
from pcomponent.syscalls.table import syscall
from pcomponent.syscalls.timespec import read_timespec
from pcomponent.waiting import Interrupted, Wait, Wake

# include/uapi/linux/futex.h
FUTEX_32, FUTEX_PRIVATE_FLAG = 2, 128
FUTEX_WAITV_MAX = 128
CLOCK_REALTIME, CLOCK_MONOTONIC = 0, 1
_WAITER = struct.Struct("<QQII")


@syscall(449, "futex_waitv", "pointer", "uint", "uint", "pointer", "int")
def futex_waitv(task: Thread, waiters: int, count: int, flags: int, timeout: int, clock: int) -> Blocking:
    """Sleeps while all words have their expected values, until one is woken; returns which. The timeout is a time."""
    if flags or not 0 < count <= FUTEX_WAITV_MAX or not waiters:
        raise LinuxError(E.EINVAL)
    until_ns = _deadline(task, timeout, clock) if timeout else None
    asked = [_read(task, waiters + index * _WAITER.size) for index in range(count)]
    keys = [key_of(task, address, private) for _, address, private in asked]
    for value, address, _ in asked:
        if load(task, address) != value:
            raise LinuxError(E.EAGAIN)
    return _sleep(task, keys, until_ns)


def _deadline(task: Thread, timeout: int, clock: int) -> int:
    """On the monotonic clock."""
    if clock not in (CLOCK_REALTIME, CLOCK_MONOTONIC):
        raise LinuxError(E.EINVAL)
    ns = read_timespec(task, timeout)
    if clock == CLOCK_MONOTONIC:
        return ns
    return max(0, ns - task.kernel.realtime_ns(task) + task.kernel.monotonic_ns(task))


def _read(task: Thread, at: int) -> tuple[int, int, bool]:
    """Expected value, address, and whether nobody outside of the process waits there (futex_parse_waitv)."""
    value, address, flags, reserved = task.memory.read_struct(_WAITER, at)
    if flags & ~(FUTEX_32 | FUTEX_PRIVATE_FLAG) or reserved or not flags & FUTEX_32 or value >> 32:
        raise LinuxError(E.EINVAL)
    return value, address, bool(flags & FUTEX_PRIVATE_FLAG)


def _sleep(task: Thread, keys: list[Key], until_ns: int | None) -> Blocking:
    futexes = task.kernel.futexes
    waiters = [futexes.wait(key, task) for key in keys]
    try:
        while True:
            why = yield Wait(until_ns=until_ns)
            woken = [index for index, waiter in enumerate(waiters) if waiter.woken]
            if woken:
                return woken[-1]
            if why is Wake.TIMEOUT:
                raise LinuxError(E.ETIMEDOUT)
            if deliverable(task):
                raise Interrupted(restart=True)
    finally:
        for waiter in waiters:
            futexes.leave(waiter)
