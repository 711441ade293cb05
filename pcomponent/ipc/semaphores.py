"""System V semaphores. Source: ipc/sem.c.

All operations of a call happen together or not at all. A call that cannot go on sleeps in its set's queue; whoever
changes the set carries out what has become possible for the sleepers, in the order in which they came: first those
that only wait for zeros. So a sleeper wakes up with its operations done.
"""

from __future__ import annotations

import struct
from array import array
from typing import TYPE_CHECKING, NamedTuple

from lego.linux.errno import E, LinuxError
from pcomponent.ipc.registry import IPC_NOWAIT, PERMISSIONS_BYTES, Permissions, Registry, now_s
from pcomponent.waking import wake

if TYPE_CHECKING:
    from pcomponent.process import Process, Thread

SEMMNI, SEMMSL, SEMOPM, SEMVMX = 32_000, 32_000, 500, 32_767
SEMMNS = 1_024_000
"""Semaphores of a vNode; Linux's default is a thousand times as many."""
SEM_UNDO = 0x1000
_STATUS = struct.Struct("<qQqQQQQ")
"""struct semid64_ds of x86-64 after its permissions (arch/x86/include/uapi/asm/sembuf.h)."""
STATUS_BYTES = PERMISSIONS_BYTES + _STATUS.size


class Operation(NamedTuple):
    """struct sembuf."""

    number: int
    change: int
    flags: int


class Sleeper:
    """A thread in semop(2)."""

    def __init__(self, task: Thread, operations: list[Operation]) -> None:
        self.task = task
        self.operations = operations
        self.alters = any(operation.change for operation in operations)
        self.blocking = operations[0]
        """The operation that it waits for."""
        self.done = False
        self.errno = 0


class SemaphoreSet:
    """One set: values, and who changed each last."""

    def __init__(self, task: Thread, key: int, mode: int, count: int) -> None:
        self.permissions = Permissions(task, key, mode)
        self.values = array("h", bytes(2 * count))
        self.pids: dict[int, int] = {}
        self.operated_s, self.changed_s = 0, now_s(task)
        self.sleepers: list[Sleeper] = []

    def pack(self) -> bytes:
        """As struct semid64_ds."""
        status = _STATUS.pack(self.operated_s, 0, self.changed_s, 0, len(self.values), 0, 0)
        return self.permissions.pack() + status

    def attempt(self, task: Thread, operations: list[Operation]) -> Operation | None:
        """Does all operations, or none. Returns the one that has to wait; EAGAIN when it must not, ERANGE."""
        values: dict[int, int] = {}
        undo = dict[int, int]()
        for operation in operations:
            number, change, flags = operation
            value = values.get(number, self.values[number])
            if (not change and value) or value + change < 0:
                if flags & IPC_NOWAIT:
                    raise LinuxError(E.EAGAIN)
                return operation
            if value + change > SEMVMX:
                raise LinuxError(E.ERANGE)
            if flags & SEM_UNDO:
                known = task.process.undo.get(self, {}).get(number, 0)
                undo[number] = undo.get(number, known) - change
                if not -SEMVMX - 1 <= undo[number] <= SEMVMX:
                    raise LinuxError(E.ERANGE)
            values[number] = value + change
        for number, value in values.items():
            self.values[number] = value
            self.pids[number] = task.process.pid
        if undo:
            task.process.undo.setdefault(self, {}).update(undo)
        return None

    def update(self, task: Thread) -> None:
        """The values changed: sleepers whose operations have become possible go on, or fail."""
        again = True
        while again:
            again = False
            for sleeper in sorted(self.sleepers, key=lambda each: each.alters):
                if self._retry(sleeper, task) and sleeper.alters:
                    again = True
                    break

    def _retry(self, sleeper: Sleeper, task: Thread) -> bool:
        try:
            blocked = self.attempt(sleeper.task, sleeper.operations)
        except LinuxError as error:
            self._end(sleeper, task, error.errno)
            return True
        if blocked is not None:
            sleeper.blocking = blocked
            return False
        self.operated_s = now_s(task)
        self._end(sleeper, task)
        return True

    def _end(self, sleeper: Sleeper, task: Thread, errno: int = 0) -> None:
        self.sleepers.remove(sleeper)
        sleeper.done, sleeper.errno = True, errno
        wake(sleeper.task, task.meter.now_ns)

    def fail_all(self, task: Thread) -> None:
        """The set is removed: every sleeper ends with EIDRM."""
        for sleeper in list(self.sleepers):
            self._end(sleeper, task, E.EIDRM)

    def waiting(self, number: int, for_zero: bool) -> int:
        """How many sleepers wait for a semaphore to grow, or to become zero (count_semcnt)."""
        blocking = [sleeper.blocking for sleeper in self.sleepers]
        return sum(each.number == number and (each.change == 0) == for_zero for each in blocking)


class Semaphores:
    """All sets of a vNode."""

    def __init__(self) -> None:
        self.registry = Registry[SemaphoreSet](SEMMNI)

    @property
    def used(self) -> int:
        """Semaphores in all sets."""
        return sum(len(each.values) for each in self.registry)

    def make(self, task: Thread, key: int, flags: int, count: int) -> SemaphoreSet:
        """newary(). EINVAL, ENOSPC."""
        if not count:
            raise LinuxError(E.EINVAL)
        if self.used + count > SEMMNS:
            raise LinuxError(E.ENOSPC)
        return SemaphoreSet(task, key, flags, count)

    def remove(self, task: Thread, found: SemaphoreSet) -> None:
        """IPC_RMID."""
        self.registry.remove(found)
        for process in task.kernel.processes.values():
            process.undo.pop(found, None)
        found.fail_all(task)

    @staticmethod
    def forget_undo(task: Thread, found: SemaphoreSet, number: int | None) -> None:
        """SETVAL and SETALL: nobody's adjustments of one semaphore, or of all, count any more."""
        for process in task.kernel.processes.values():
            if number is None:
                process.undo.pop(found, None)
            elif found in process.undo:
                process.undo[found].pop(number, None)

    def end(self) -> None:
        """The vNode's last program has ended."""
        for each in self.registry:
            self.registry.remove(each)

    def table(self) -> str:
        """/proc/sysvipc/sem."""
        text = "       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n"
        for each in self.registry:
            who = each.permissions
            text += (
                f"{who.key:10d} {who.identifier:10d}  {who.mode:4o} {len(each.values):10d} {who.uid:5d} {who.gid:5d} "
                f"{who.creator_uid:5d} {who.creator_gid:5d} {each.operated_s:10d} {each.changed_s:10d}\n"
            )
        return text


def process_ended(task: Thread, process: Process) -> None:
    """exit_sem(): what a process did with SEM_UNDO is undone, as far as the values allow."""
    undo, process.undo = process.undo, {}
    for found, adjustments in undo.items():
        for number, change in adjustments.items():
            if change:
                found.values[number] = max(0, min(SEMVMX, found.values[number] + change))
                found.pids[number] = process.pid
        found.operated_s = now_s(task)
        found.update(task)
