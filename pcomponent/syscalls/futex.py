"""futex(2). Source: kernel/futex/syscalls.c, waitwake.c, requeue.c, pi.c."""

from __future__ import annotations

from collections.abc import Callable

from lego.linux.errno import E, LinuxError
from mcomponent.messages import WRITE
from pcomponent.files.base import Blocking
from pcomponent.futexes import ALL_BITS, OWNER_DIED, TID_MASK, WAITERS, Key, key_of, load, store
from pcomponent.process import Thread
from pcomponent.signals import deliverable
from pcomponent.syscalls.table import syscall
from pcomponent.syscalls.timespec import read_timespec
from pcomponent.tasks import find_thread
from pcomponent.waiting import Interrupted, Wait, Wake

# include/uapi/linux/futex.h
FUTEX_WAIT, FUTEX_WAKE, FUTEX_REQUEUE, FUTEX_CMP_REQUEUE, FUTEX_WAKE_OP = 0, 1, 3, 4, 5
FUTEX_LOCK_PI, FUTEX_UNLOCK_PI, FUTEX_TRYLOCK_PI, FUTEX_WAIT_BITSET, FUTEX_WAKE_BITSET = 6, 7, 8, 9, 10
FUTEX_WAIT_REQUEUE_PI, FUTEX_CMP_REQUEUE_PI, FUTEX_LOCK_PI2 = 11, 12, 13
FUTEX_PRIVATE_FLAG, FUTEX_CLOCK_REALTIME = 128, 256
_TIMED = (FUTEX_WAIT, FUTEX_WAIT_BITSET, FUTEX_LOCK_PI, FUTEX_LOCK_PI2, FUTEX_WAIT_REQUEUE_PI)
_REAL_TIMED = (FUTEX_WAIT_BITSET, FUTEX_LOCK_PI2, FUTEX_WAIT_REQUEUE_PI)
_OPARG_SHIFT = 8


class _Operation:
    """The arguments of one call."""

    def __init__(self, task: Thread, operation: int, value: int, timeout: int, second: int, third: int) -> None:
        self.command = operation & ~(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME)
        self.private = bool(operation & FUTEX_PRIVATE_FLAG)
        self.real = bool(operation & FUTEX_CLOCK_REALTIME)
        self.value, self.second, self.third = value, second, third
        self.count2 = _signed(timeout & 0xFFFFFFFF, 32)
        """The second count of REQUEUE and WAKE_OP, in the place of the timeout."""
        self.until_ns: int | None = None
        if self.command in _TIMED and timeout:
            self.until_ns = self._deadline(task, read_timespec(task, timeout))

    def _deadline(self, task: Thread, ns: int) -> int:
        """On the monotonic clock: FUTEX_WAIT counts from now, the others give a time on either clock."""
        if self.command == FUTEX_WAIT:
            return task.kernel.monotonic_ns(task) + ns
        if self.real or self.command == FUTEX_LOCK_PI:
            return max(0, ns - task.kernel.realtime_ns(task) + task.kernel.monotonic_ns(task))
        return ns


@syscall(
    202, "futex", "pointer", "flags", "uint", "ulong", "pointer", "uint",
    support="partial", note="no FUTEX_FD; priorities are not inherited",
)  # fmt: skip
def futex(
    task: Thread, address: int, operation: int, value: int, timeout: int, second: int, third: int
) -> int | Blocking:
    """futex(2)."""
    asked = _Operation(task, operation, value, timeout, second, third)
    handler = _HANDLERS.get(asked.command)
    if handler is None or (asked.real and asked.command not in _REAL_TIMED):
        raise LinuxError(E.ENOSYS)
    return handler(task, address, asked)


# ---- waiting and waking ----------------------------------------------------------------------------------


def _wait(task: Thread, address: int, asked: _Operation) -> Blocking:
    bitset = ALL_BITS if asked.command == FUTEX_WAIT else asked.third
    if not bitset:
        raise LinuxError(E.EINVAL)
    key = key_of(task, address, asked.private)
    if load(task, address) != asked.value:
        raise LinuxError(E.EAGAIN)
    interrupted = Interrupted(restart=True)
    if asked.until_ns is not None:  # No later for having been interrupted.
        interrupted = Interrupted(restart=False, go_on=lambda: _wait(task, address, asked))
    return _sleep(task, key, bitset, asked.until_ns, interrupted)


def _sleep(task: Thread, key: Key, bitset: int, until_ns: int | None, interrupted: Interrupted) -> Blocking:
    futexes = task.kernel.futexes
    waiter = futexes.wait(key, task, bitset)
    try:
        while True:
            why = yield Wait(until_ns=until_ns)
            if waiter.woken:
                return 0
            if why is Wake.TIMEOUT:
                raise LinuxError(E.ETIMEDOUT)
            if deliverable(task):
                raise interrupted
    finally:
        futexes.leave(waiter)


def _wake(task: Thread, address: int, asked: _Operation) -> int:
    bitset = ALL_BITS if asked.command == FUTEX_WAKE else asked.third
    if not bitset:
        raise LinuxError(E.EINVAL)
    key = key_of(task, address, asked.private)
    return task.kernel.futexes.wake(key, max(1, _signed(asked.value, 32)), bitset, task.meter.now_ns)


def _requeue(task: Thread, address: int, asked: _Operation) -> int:
    wakes, moves = _signed(asked.value, 32), asked.count2
    if wakes < 0 or moves < 0:
        raise LinuxError(E.EINVAL)
    key = key_of(task, address, asked.private)
    other = key_of(task, asked.second, asked.private)
    if asked.command == FUTEX_CMP_REQUEUE and load(task, address) != asked.third:
        raise LinuxError(E.EAGAIN)
    futexes = task.kernel.futexes
    woken = futexes.wake(key, wakes, ALL_BITS, task.meter.now_ns)
    moved = futexes.requeue(key, other, moves)
    return woken + moved


_OPERATIONS: dict[int, Callable[[int, int], int]] = {
    0: lambda _old, argument: argument,
    1: lambda old, argument: old + argument,
    2: lambda old, argument: old | argument,
    3: lambda old, argument: old & ~argument,
    4: lambda old, argument: old ^ argument,
}
_COMPARISONS: dict[int, Callable[[int, int], bool]] = {
    0: lambda old, argument: old == argument,
    1: lambda old, argument: old != argument,
    2: lambda old, argument: old < argument,
    3: lambda old, argument: old <= argument,
    4: lambda old, argument: old > argument,
    5: lambda old, argument: old >= argument,
}


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> bits - 1 & 1 else value


def _wake_operation(task: Thread, address: int, asked: _Operation) -> int:
    """Changes a second word, wakes at the first, and at the second if its old value was as expected."""
    key = key_of(task, address, asked.private)
    other = key_of(task, asked.second, asked.private, WRITE)
    code = asked.third
    operation, comparison = _OPERATIONS.get(code >> 28 & 7), _COMPARISONS.get(code >> 24 & 15)
    argument, expected = _signed(code >> 12 & 0xFFF, 12), _signed(code & 0xFFF, 12)
    if code >> 28 & _OPARG_SHIFT:
        argument = 1 << (argument & 31)
    if operation is None:
        raise LinuxError(E.ENOSYS)
    old = load(task, asked.second)
    store(task, asked.second, operation(old, argument) & 0xFFFFFFFF)
    if comparison is None:
        raise LinuxError(E.ENOSYS)
    futexes, now_ns = task.kernel.futexes, task.meter.now_ns
    woken = futexes.wake(key, max(1, _signed(asked.value, 32)), ALL_BITS, now_ns)
    if comparison(_signed(old, 32), expected):
        woken += futexes.wake(other, max(1, asked.count2), ALL_BITS, now_ns)
    return woken


# ---- priority-inheriting locks ---------------------------------------------------------------------------


def _lock(task: Thread, address: int, asked: _Operation) -> int | Blocking:
    """Takes the lock when it is free (its owner's number is 0), or queues for it."""
    key = key_of(task, address, asked.private, WRITE)
    holder = _take(task, task, key, address)
    if holder is None:
        return 0
    if asked.command == FUTEX_TRYLOCK_PI:
        raise LinuxError(E.EAGAIN)
    if task.kernel.futexes.closes_circle(task, holder):
        raise LinuxError(E.EDEADLK)
    return _queue(task, key, address, holder, asked.until_ns)


def _take(task: Thread, taker: Thread, key: Key, address: int, more_to_come: bool = False) -> Thread | None:
    """Gives `taker` the lock if it is free, else says who holds it (futex_lock_pi_atomic). EDEADLK when the taker does;
    ESRCH when there is no such thread; EINVAL when the word contradicts those who wait."""
    word = load(task, address)
    number = word & TID_MASK
    if number == taker.tid:
        raise LinuxError(E.EDEADLK)
    futexes = task.kernel.futexes
    if futexes.waiting(key):
        owner = futexes.owner(key)
        if owner is None or (number != owner.tid and (number or not word & OWNER_DIED)):
            raise LinuxError(E.EINVAL)
        return owner
    if not number:
        store(task, address, word & OWNER_DIED | taker.tid | (WAITERS if more_to_come else 0))
        return None
    store(task, address, word | WAITERS)
    return find_thread(task, number)


def _queue(task: Thread, key: Key, address: int, holder: Thread, until_ns: int | None) -> Blocking:
    futexes = task.kernel.futexes
    waiter = futexes.wait_for_owner(key, holder, task, address)
    try:
        while True:
            why = yield Wait(until_ns=until_ns)
            if waiter.woken:
                return 0
            if why is Wake.TIMEOUT:
                raise LinuxError(E.ETIMEDOUT)
            if deliverable(task):
                # ERESTARTNOINTR: made again after any handler; the deadline is absolute.
                raise Interrupted(restart=True, always=True)
    finally:
        futexes.leave(waiter)


def _unlock(task: Thread, address: int, asked: _Operation) -> int:
    if load(task, address) & TID_MASK != task.tid:
        raise LinuxError(E.EPERM)
    key = key_of(task, address, asked.private, WRITE)
    futexes = task.kernel.futexes
    if futexes.waiting(key) and futexes.owner(key) is not task:
        raise LinuxError(E.EINVAL)
    store(task, address, futexes.hand_over(key, task.meter.now_ns))
    return 0


# ---- from a condition to a lock ----------------------------------------------------------------------------


def _wait_requeue(task: Thread, address: int, asked: _Operation) -> Blocking:
    """Waits to be moved to a priority-inheriting lock, and for that lock (futex_wait_requeue_pi)."""
    if address == asked.second:
        raise LinuxError(E.EINVAL)
    target = key_of(task, asked.second, asked.private, WRITE)
    key = key_of(task, address, asked.private)
    if load(task, address) != asked.value:
        raise LinuxError(E.EAGAIN)
    if key == target:
        raise LinuxError(E.EINVAL)
    return _sleep_requeue(task, key, target, asked)


def _sleep_requeue(task: Thread, key: Key, target: Key, asked: _Operation) -> Blocking:
    futexes = task.kernel.futexes
    waiter = futexes.wait(key, task, address=asked.second)
    waiter.target = target
    try:
        while True:
            why = yield Wait(until_ns=asked.until_ns)
            if waiter.woken:
                return 0
            if why is Wake.TIMEOUT:
                raise LinuxError(E.ETIMEDOUT)
            if deliverable(task):
                if waiter.target is None:
                    raise LinuxError(E.EAGAIN)  # It was moved, and made again it would find another value.
                raise Interrupted(restart=True, always=True)
    finally:
        futexes.leave(waiter)


def _requeue_locked(task: Thread, address: int, asked: _Operation) -> int:
    """Gives the lock to the first of those who wait, when it is free, and lets the others queue for it
    (futex_requeue with requeue_pi)."""
    moves = asked.count2
    if address == asked.second or _signed(asked.value, 32) != 1 or moves < 0:
        raise LinuxError(E.EINVAL)
    key = key_of(task, address, asked.private)
    other = key_of(task, asked.second, asked.private, WRITE)
    if key == other:
        raise LinuxError(E.EINVAL)
    if load(task, address) != asked.third:
        raise LinuxError(E.EAGAIN)
    load(task, asked.second)  # Also when nobody waits.
    futexes = task.kernel.futexes
    chosen = futexes.waiting(key)[: 1 + moves]
    if any(waiter.target != other for waiter in chosen):
        raise LinuxError(E.EINVAL)
    for waiter in chosen:
        holder = _take(task, waiter.task, other, asked.second, moves > 0)
        if holder is None:
            futexes.give(waiter, task.meter.now_ns)
            continue
        if futexes.closes_circle(waiter.task, holder):
            raise LinuxError(E.EDEADLK)
        futexes.queue_for_owner(waiter, other, holder)
    return len(chosen)


_HANDLERS: dict[int, Callable[[Thread, int, _Operation], int | Blocking]] = {
    FUTEX_WAIT: _wait,
    FUTEX_WAIT_BITSET: _wait,
    FUTEX_WAKE: _wake,
    FUTEX_WAKE_BITSET: _wake,
    FUTEX_REQUEUE: _requeue,
    FUTEX_CMP_REQUEUE: _requeue,
    FUTEX_WAKE_OP: _wake_operation,
    FUTEX_LOCK_PI: _lock,
    FUTEX_LOCK_PI2: _lock,
    FUTEX_TRYLOCK_PI: _lock,
    FUTEX_UNLOCK_PI: _unlock,
    FUTEX_WAIT_REQUEUE_PI: _wait_requeue,
    FUTEX_CMP_REQUEUE_PI: _requeue_locked,
}
