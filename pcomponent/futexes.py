"""Futexes: who waits on which word, in the order of arrival. Source: kernel/futex/, futex(2).

A word is named by a key: the space and address of private memory, or the object and offset of a shared mapping, so
that processes meet on a shared page wherever they map it. Queues live only while somebody waits.

    waiter = futexes.wait(key, task, bitset)      # then the thread parks until waiter.woken
    futexes.wake(key, count, bitset, now_ns)      # the first `count` whose bits meet

Priority-inheriting locks keep their owner here while somebody waits; the word always has the owner's thread number, so
the lock goes from hand to hand without being free in between. What programs write into the word meanwhile is compared
with that owner, and refused when it is another.
"""

from __future__ import annotations

import struct
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.linux.mman import MAP_SHARED
from lego.regions import TASK_SIZE, page_down
from mcomponent.messages import READ, WRITE
from pcomponent.excache import layout as at
from pcomponent.waking import wake

if TYPE_CHECKING:
    from pcomponent.process import Thread

Key = tuple[int, int]
ALL_BITS = 0xFFFFFFFF
WAITERS, OWNER_DIED, TID_MASK = 0x80000000, 0x40000000, 0x3FFFFFFF
_SHARED_BIT = 1
"""Of an aligned address in a key: asked for without FUTEX_PRIVATE_FLAG (FUT_OFF_MMSHARED)."""
WORD = struct.Struct("<I")


class Waiter:
    """One thread in a queue."""

    __slots__ = ("address", "bitset", "key", "target", "task", "woken")

    def __init__(self, key: Key, task: Thread, bitset: int, address: int) -> None:
        self.key = key
        self.task = task
        self.bitset = bitset
        self.address = address
        """Where the thread itself sees the word; for `target` if there is one."""
        self.target: Key | None = None
        """The only priority-inheriting lock that it may be moved to (FUTEX_WAIT_REQUEUE_PI)."""
        self.woken = False


class Futexes:
    """All queues of one processor component."""

    def __init__(self) -> None:
        self._queues: dict[Key, list[Waiter]] = {}
        self._owners: dict[Key, Thread] = {}
        """Of priority-inheriting locks that somebody waits for, ..."""
        self._seeking: dict[int, Key] = {}
        """... and which of them a thread waits for, by its number."""

    def __len__(self) -> int:
        """How many threads wait."""
        return sum(len(queue) for queue in self._queues.values())

    def waiting(self, key: Key) -> list[Waiter]:
        """The queue of a word, the first to be woken first."""
        return self._queues.get(key, [])

    def wait(self, key: Key, task: Thread, bitset: int = ALL_BITS, address: int = 0) -> Waiter:
        """Puts a thread behind all others of a word."""
        waiter = Waiter(key, task, bitset, address)
        self._queues.setdefault(key, []).append(waiter)
        return waiter

    def leave(self, waiter: Waiter) -> None:
        """Takes a thread that was not woken out of its queue; nothing when it was."""
        if not waiter.woken:
            self._remove(waiter)

    def _remove(self, waiter: Waiter) -> None:
        queue = self._queues[waiter.key]
        queue.remove(waiter)
        self._seeking.pop(waiter.task.tid, None)
        if not queue:
            del self._queues[waiter.key]
            self._owners.pop(waiter.key, None)

    def wake(self, key: Key, count: int, bitset: int, now_ns: int) -> int:
        """Wakes the first `count` threads whose bits meet `bitset`, at a time; returns how many there were. EINVAL when
        they wait for a priority-inheriting lock, or to be moved to one."""
        if self._woken_by_locks_only(key):
            raise LinuxError(E.EINVAL)
        wanted = (waiter for waiter in self.waiting(key) if waiter.bitset & bitset)
        chosen = list(islice(wanted, max(count, 0)))
        for waiter in chosen:
            self._release(waiter, now_ns)
        return len(chosen)

    def _release(self, waiter: Waiter, now_ns: int) -> None:
        self._remove(waiter)
        waiter.woken = True
        wake(waiter.task, now_ns)

    def requeue(self, key: Key, other: Key, count: int) -> int:
        """Moves the first `count` threads of a queue behind those of another. EINVAL as for `wake`."""
        if self._woken_by_locks_only(key):
            raise LinuxError(E.EINVAL)
        if key == other:
            return min(count, len(self.waiting(key)))
        moved = self.waiting(key)[: max(count, 0)]
        for waiter in moved:
            self._remove(waiter)
            waiter.key = other
            self._queues.setdefault(other, []).append(waiter)
        return len(moved)

    def give(self, waiter: Waiter, now_ns: int) -> None:
        """Wakes one thread, which has got what it waits for."""
        self._release(waiter, now_ns)

    def queue_for_owner(self, waiter: Waiter, key: Key, owner: Thread) -> None:
        """Moves a thread from the queue that it is in to that of a priority-inheriting lock."""
        self._remove(waiter)
        waiter.key, waiter.target = key, None
        self._queues.setdefault(key, []).append(waiter)
        self._owners[key] = owner
        self._seeking[waiter.task.tid] = key

    def _woken_by_locks_only(self, key: Key) -> bool:
        """Whether the first thread there is one that FUTEX_WAKE and FUTEX_REQUEUE must not touch."""
        return key in self._owners or next((w.target is not None for w in self.waiting(key)), False)

    def owner(self, key: Key) -> Thread | None:
        """Who holds a priority-inheriting lock that somebody waits for; None for any other word."""
        return self._owners.get(key)

    def closes_circle(self, task: Thread, holder: Thread) -> bool:
        """Whether `holder` waits, by whatever number of locks and their owners, for what `task` holds
        (rt_mutex_adjust_prio_chain)."""
        at: Thread | None = holder
        while at is not None and at is not task:
            sought = self._seeking.get(at.tid)
            at = None if sought is None else self._owners[sought]
        return at is task

    def wait_for_owner(self, key: Key, owner: Thread, task: Thread, address: int) -> Waiter:
        """Queues for a priority-inheriting lock that `owner` holds."""
        self._owners[key] = owner
        self._seeking[task.tid] = key
        return self.wait(key, task, address=address)

    def hand_over(self, key: Key, now_ns: int, died: int = 0) -> int:
        """Gives a lock to the first in its queue; returns the word's new value, 0 when nobody waits. It says that
        others wait even when nobody does any more, as Linux does (wake_futex_pi): the next unlocking call finds out."""
        queue = self.waiting(key)
        if not queue:
            return 0
        first = queue[0]
        self._release(first, now_ns)
        if self.waiting(key):
            self._owners[key] = first.task
        return first.task.tid | WAITERS | died

    def owner_ended(self, task: Thread, now_ns: int) -> None:
        """The locks that a thread held when it ended go to those who wait for them (exit_pi_state_list)."""
        for key in [key for key, owner in self._owners.items() if owner is task]:
            first = self.waiting(key)[0]
            word = self.hand_over(key, now_ns, OWNER_DIED)
            with suppress(LinuxError):  # The word's page may be gone.
                store(first.task, first.address, word)


def key_of(task: Thread, address: int, private: bool = False, rights: int = READ) -> Key:
    """Which word an address means (get_futex_key). EINVAL when it is not aligned, EFAULT when it has not these rights;
    a `private` word is only looked at when its value is. Who names private memory without FUTEX_PRIVATE_FLAG does not
    meet those who name it with that."""
    if address % 4:
        raise LinuxError(E.EINVAL)
    if address >= TASK_SIZE:
        raise LinuxError(E.EFAULT)
    space = task.memory
    if private:
        return space.number, address
    region = space.regions.find(page_down(address))
    if region is None or rights & ~region.prot:
        raise LinuxError(E.EFAULT)
    if region.object is None:
        if not region.prot & WRITE:
            raise LinuxError(E.EFAULT)  # Nobody could ever change it.
    elif region.flags & MAP_SHARED:
        base = task.kernel.objects.of(region.object).base_key
        return base | at.OBJECT_BIT, address - region.start + region.offset
    return space.number, address | _SHARED_BIT


def load(task: Thread, address: int) -> int:
    """The value of a word. EFAULT."""
    value: int = task.memory.read_struct(WORD, address)[0]
    return value


def store(task: Thread, address: int, value: int) -> None:
    """Changes a word. Nothing happens between a `load` and a `store` without a wait. EFAULT."""
    task.memory.write_struct(WORD, address, value)
