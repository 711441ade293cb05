"""futex(2), as far as a process with one thread can see it: nobody else can wait, and nobody else can wake."""

from __future__ import annotations

import struct
from collections.abc import Generator

from lego.linux.errno import E, LinuxError
from pcomponent.process import Thread
from pcomponent.syscalls.table import syscall
from pcomponent.syscalls.timespec import read_timespec
from pcomponent.waiting import Interrupted, Wait, Wake

# include/uapi/linux/futex.h
FUTEX_WAIT, FUTEX_WAKE, FUTEX_REQUEUE, FUTEX_CMP_REQUEUE, FUTEX_WAKE_OP = 0, 1, 3, 4, 5
FUTEX_WAIT_BITSET, FUTEX_WAKE_BITSET = 9, 10
FUTEX_PRIVATE_FLAG, FUTEX_CLOCK_REALTIME = 128, 256

_WORD = struct.Struct("<I")


@syscall(
    202,
    "futex",
    "pointer",
    "flags",
    "uint",
    "ulong",
    "pointer",
    "uint",
    support="partial",
    note="no operations on priority-inheriting futexes; no other thread exists that could wait or wake",
)
def futex(
    task: Thread, address: int, operation: int, value: int, timeout: int, second: int, third: int
) -> int | Generator[Wait, Wake, int]:
    """futex(2)."""
    command = operation & ~(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME)
    if command not in (
        FUTEX_WAIT, FUTEX_WAKE, FUTEX_REQUEUE, FUTEX_CMP_REQUEUE, FUTEX_WAKE_OP, FUTEX_WAIT_BITSET, FUTEX_WAKE_BITSET,
    ):  # fmt: skip
        raise LinuxError(E.ENOSYS)
    if address % 4:
        raise LinuxError(E.EINVAL)
    if command in (FUTEX_WAIT_BITSET, FUTEX_WAKE_BITSET) and third == 0:
        raise LinuxError(E.EINVAL)
    if command in (FUTEX_WAIT, FUTEX_WAIT_BITSET):
        until_ns = _deadline(task, command, operation, timeout)
        (found,) = task.memory.read_struct(_WORD, address)
        if found != value:
            raise LinuxError(E.EAGAIN)
        return _wait(until_ns)
    if command == FUTEX_CMP_REQUEUE:
        (found,) = task.memory.read_struct(_WORD, address)
        if found != third:
            raise LinuxError(E.EAGAIN)
    return 0


def _deadline(task: Thread, command: int, operation: int, timeout: int) -> int | None:
    """On the monotonic clock: FUTEX_WAIT counts from now, FUTEX_WAIT_BITSET gives a time on either clock."""
    if not timeout:
        return None
    ns = read_timespec(task, timeout)
    if command == FUTEX_WAIT:
        return task.kernel.monotonic_ns(task) + ns
    if operation & FUTEX_CLOCK_REALTIME:
        return ns - task.kernel.realtime_ns(task) + task.kernel.monotonic_ns(task)
    return ns


def _wait(until_ns: int | None) -> Generator[Wait, Wake, int]:
    why = yield Wait(until_ns=until_ns)
    if why is Wake.TIMEOUT:
        raise LinuxError(E.ETIMEDOUT)
    raise Interrupted(restart=until_ns is None)
