"""semget, semop, semtimedop, semctl. Source: ipc/sem.c."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from pcomponent.files.base import Blocking
from pcomponent.ipc.objects import of
from pcomponent.ipc.registry import (
    IPC_INFO,
    IPC_RMID,
    IPC_SET,
    IPC_STAT,
    READ,
    WRITE,
    check_access,
    check_owner,
    now_s,
)
from pcomponent.ipc.semaphores import (
    SEMMNI,
    SEMMNS,
    SEMMSL,
    SEMOPM,
    SEMVMX,
    STATUS_BYTES,
    Operation,
    SemaphoreSet,
    Sleeper,
)
from pcomponent.signals import deliverable
from pcomponent.syscalls.table import syscall
from pcomponent.syscalls.timespec import read_timespec
from pcomponent.waiting import Interrupted, Wait, Wake

if TYPE_CHECKING:
    from pcomponent.process import Thread

GETPID, GETVAL, GETALL, GETNCNT, GETZCNT, SETVAL, SETALL = 11, 12, 13, 14, 15, 16, 17
SEM_STAT, SEM_INFO, SEM_STAT_ANY = 18, 19, 20
_OPERATION = struct.Struct("<Hhh")
_INFO = struct.Struct("<10i")  # struct seminfo
_USEM_BYTES = 20
"""semusz: what Linux says that an undo structure takes."""


@syscall(64, "semget", "int", "int", "flags")
def semget(task: Thread, key: int, count: int, flags: int) -> int:
    """semget(2)."""
    if not 0 <= count <= SEMMSL:
        raise LinuxError(E.EINVAL)
    semaphores = of(task).semaphores

    def check(found: SemaphoreSet) -> None:
        if count > len(found.values):
            raise LinuxError(E.EINVAL)

    found = semaphores.registry.get(task, key, flags, lambda: semaphores.make(task, key, flags, count), check)
    return found.permissions.identifier


@syscall(65, "semop", "int", "pointer", "uint")
def semop(task: Thread, identifier: int, pointer: int, count: int) -> int | Blocking:
    """semop(2)."""
    return _operate(task, identifier, pointer, count, None)


@syscall(220, "semtimedop", "int", "pointer", "uint", "pointer")
def semtimedop(task: Thread, identifier: int, pointer: int, count: int, timeout: int) -> int | Blocking:
    """semtimedop(2): EAGAIN when the time is over."""
    until_ns = task.kernel.monotonic_ns(task) + read_timespec(task, timeout) if timeout else None
    return _operate(task, identifier, pointer, count, until_ns)


def _operate(task: Thread, identifier: int, pointer: int, count: int, until_ns: int | None) -> int | Blocking:
    if count > SEMOPM:
        raise LinuxError(E.E2BIG)
    raw = task.memory.read(pointer, count * _OPERATION.size)
    if not count or identifier < 0:
        raise LinuxError(E.EINVAL)
    operations = [Operation(*each) for each in _OPERATION.iter_unpack(raw)]
    found = of(task).semaphores.registry.find(identifier)
    if max(operation.number for operation in operations) >= len(found.values):
        raise LinuxError(E.EFBIG)
    alters = any(operation.change for operation in operations)
    check_access(task, found.permissions, WRITE if alters else READ)
    blocked = found.attempt(task, operations)
    if blocked is None:
        found.operated_s = now_s(task)
        if alters:
            found.update(task)
        return 0
    sleeper = Sleeper(task, operations)
    sleeper.blocking = blocked
    return _sleep(task, found, sleeper, until_ns)


def _sleep(task: Thread, found: SemaphoreSet, sleeper: Sleeper, until_ns: int | None) -> Blocking:
    """Signals end it with EINTR, whatever SA_RESTART says (signal(7))."""
    found.sleepers.append(sleeper)
    try:
        while True:
            why = yield Wait(until_ns=until_ns)
            if sleeper.errno:
                raise LinuxError(sleeper.errno)
            if sleeper.done:
                return 0
            if why is Wake.TIMEOUT:
                raise LinuxError(E.EAGAIN)
            if deliverable(task):
                raise Interrupted(restart=False)
    finally:
        if not sleeper.done:
            found.sleepers.remove(sleeper)


# ---- semctl ----------------------------------------------------------------------------------------------


@syscall(66, "semctl", "int", "int", "int", "ulong")
def semctl(task: Thread, identifier: int, number: int, command: int, argument: int) -> int:
    """semctl(2); `argument` is a union semun."""
    if identifier < 0:
        raise LinuxError(E.EINVAL)
    if command in (IPC_INFO, SEM_INFO):
        return _information(task, command, argument)
    if command in (IPC_STAT, SEM_STAT, SEM_STAT_ANY):
        return _status(task, identifier, command, argument)
    if command == SETVAL:
        return _set_value(task, identifier, number, argument)
    if command in (GETPID, GETVAL, GETALL, GETNCNT, GETZCNT, SETALL):
        return _values(task, identifier, number, command, argument)
    if command in (IPC_RMID, IPC_SET):
        return _change(task, identifier, command, argument)
    raise LinuxError(E.EINVAL)


def _information(task: Thread, command: int, pointer: int) -> int:
    semaphores = of(task).semaphores
    sets, used = _USEM_BYTES, SEMVMX
    if command == SEM_INFO:
        sets, used = len(semaphores.registry), semaphores.used
    values = (SEMMNS, SEMMNI, SEMMNS, SEMMNS, SEMMSL, SEMOPM, SEMOPM, sets, SEMVMX, used)
    task.memory.write_struct(_INFO, pointer, *values)
    return semaphores.registry.highest


def _status(task: Thread, identifier: int, command: int, pointer: int) -> int:
    registry = of(task).semaphores.registry
    found = registry.find(identifier) if command == IPC_STAT else registry.at(identifier)
    if command != SEM_STAT_ANY:
        check_access(task, found.permissions, READ)
    task.memory.write(pointer, found.pack())
    return 0 if command == IPC_STAT else found.permissions.identifier


def _set_value(task: Thread, identifier: int, number: int, argument: int) -> int:
    """SETVAL."""
    value = (argument & 0xFFFFFFFF ^ 0x80000000) - 0x80000000
    if not 0 <= value <= SEMVMX:
        raise LinuxError(E.ERANGE)
    semaphores = of(task).semaphores
    found = semaphores.registry.find(identifier)
    if not 0 <= number < len(found.values):
        raise LinuxError(E.EINVAL)
    check_access(task, found.permissions, WRITE)
    semaphores.forget_undo(task, found, number)
    found.values[number] = value
    found.pids[number] = task.process.pid
    found.changed_s = now_s(task)
    found.update(task)
    return 0


def _values(task: Thread, identifier: int, number: int, command: int, argument: int) -> int:
    """GETALL and SETALL, and what is asked of one semaphore."""
    semaphores = of(task).semaphores
    found = semaphores.registry.find(identifier)
    check_access(task, found.permissions, WRITE if command == SETALL else READ)
    count = len(found.values)
    if command == GETALL:
        task.memory.write(argument, found.values.tobytes())
        return 0
    if command == SETALL:
        values = struct.unpack(f"<{count}H", task.memory.read(argument, 2 * count))
        if max(values) > SEMVMX:
            raise LinuxError(E.ERANGE)
        for each, value in enumerate(values):
            found.values[each] = value
            found.pids[each] = task.process.pid
        semaphores.forget_undo(task, found, None)
        found.changed_s = now_s(task)
        found.update(task)
        return 0
    if not 0 <= number < count:
        raise LinuxError(E.EINVAL)
    if command == GETVAL:
        return int(found.values[number])
    if command == GETPID:
        return found.pids.get(number, 0)
    return found.waiting(number, for_zero=command == GETZCNT)


def _change(task: Thread, identifier: int, command: int, pointer: int) -> int:
    """IPC_SET and IPC_RMID."""
    semaphores = of(task).semaphores
    raw = task.memory.read(pointer, STATUS_BYTES) if command == IPC_SET else b""
    found = semaphores.registry.find(identifier)
    check_owner(task, found.permissions)
    if command == IPC_RMID:
        semaphores.remove(task, found)
    else:
        found.permissions.change(raw)
        found.changed_s = now_s(task)
    return 0
