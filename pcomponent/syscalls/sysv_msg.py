"""msgget, msgsnd, msgrcv, msgctl. Source: ipc/msg.c."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from pcomponent import credentials
from pcomponent.files.base import Blocking
from pcomponent.ipc.objects import of
from pcomponent.ipc.queues import (
    BYTES_MAX_AT,
    MSG_COPY,
    MSG_EXCEPT,
    MSG_NOERROR,
    MSGMAX,
    MSGMNB,
    MSGMNI,
    STATUS_BYTES,
    Message,
    MessageQueue,
    Receiver,
    Sender,
)
from pcomponent.ipc.registry import (
    IPC_INFO,
    IPC_NOWAIT,
    IPC_RMID,
    IPC_SET,
    IPC_STAT,
    READ,
    WRITE,
    check_access,
    check_owner,
    now_s,
)
from pcomponent.signals import deliverable
from pcomponent.syscalls.table import syscall
from pcomponent.waiting import Interrupted, Wait

if TYPE_CHECKING:
    from pcomponent.process import Thread

MSG_STAT, MSG_INFO, MSG_STAT_ANY = 11, 12, 13
_TYPE = struct.Struct("<q")
_INFO = struct.Struct("<7iH2x")  # struct msginfo
_POOL = MSGMNI * MSGMNB // 1024
_SEGMENT_BYTES, _SEGMENTS_MAX = 16, 0xFFFF
_EAGAIN_AGAIN = -1
"""Why a receiver is woken to look again: the permissions of its queue changed."""


@syscall(68, "msgget", "int", "flags")
def msgget(task: Thread, key: int, flags: int) -> int:
    """msgget(2)."""
    queues = of(task).queues
    found = queues.registry.get(task, key, flags, lambda: MessageQueue(task, key, flags))
    return found.permissions.identifier


@syscall(69, "msgsnd", "int", "pointer", "size", "flags")
def msgsnd(task: Thread, identifier: int, pointer: int, size: int, flags: int) -> int | Blocking:
    """msgsnd(2), in the order of do_msgsnd."""
    (kind,) = task.memory.read_struct(_TYPE, pointer)
    if size > MSGMAX or identifier < 0 or kind < 1:
        raise LinuxError(E.EINVAL)
    message = Message(kind, task.memory.read(pointer + _TYPE.size, size))
    queue = of(task).queues.registry.find(identifier)
    check_access(task, queue.permissions, WRITE)
    if queue.fits(size):
        queue.send(task, message)
        return 0
    if flags & IPC_NOWAIT:
        raise LinuxError(E.EAGAIN)
    return _send_later(task, queue, message)


def _send_later(task: Thread, queue: MessageQueue, message: Message) -> Blocking:
    while True:
        sender = Sender(task)
        queue.senders.append(sender)
        try:
            while not sender.awake:
                yield Wait()
                if not sender.awake and deliverable(task):
                    raise Interrupted(restart=False, restart_unhandled=True)
        finally:
            if sender in queue.senders:
                queue.senders.remove(sender)
        if queue.removed:
            raise LinuxError(E.EIDRM)
        check_access(task, queue.permissions, WRITE)
        if queue.fits(len(message.data)):
            queue.send(task, message)
            return 0


@syscall(70, "msgrcv", "int", "pointer", "size", "long", "flags")
def msgrcv(task: Thread, identifier: int, pointer: int, size: int, kind: int, flags: int) -> int | Blocking:
    """msgrcv(2), in the order of do_msgrcv."""
    if identifier < 0 or size >= 1 << 63:
        raise LinuxError(E.EINVAL)
    if flags & MSG_COPY and (flags & MSG_EXCEPT or not flags & IPC_NOWAIT):
        raise LinuxError(E.EINVAL)
    queue = of(task).queues.registry.find(identifier)
    message = _look(task, queue, size, kind, flags)
    if message is not None:
        return _deliver(task, message, pointer, size)
    return _receive_later(task, queue, pointer, size, kind, flags)


def _look(task: Thread, queue: MessageQueue, size: int, kind: int, flags: int) -> Message | None:
    """Takes the message that is asked for, if it is there. EACCES, E2BIG; ENOMSG when there is to be no wait."""
    check_access(task, queue.permissions, READ)
    message = queue.find(kind, flags)
    if message is None:
        if flags & IPC_NOWAIT:
            raise LinuxError(E.ENOMSG)
        return None
    if len(message.data) > size and not flags & MSG_NOERROR:
        raise LinuxError(E.E2BIG)
    if not flags & MSG_COPY:
        queue.take(task, message)
    return message


def _receive_later(
    task: Thread, queue: MessageQueue, pointer: int, size: int, kind: int, flags: int
) -> Blocking:  # fmt: skip
    while True:
        receiver = Receiver(task, kind, size, flags)
        queue.receivers.append(receiver)
        try:
            while receiver in queue.receivers:
                yield Wait()
                if receiver in queue.receivers and deliverable(task):
                    raise Interrupted(restart=False, restart_unhandled=True)
        finally:
            if receiver in queue.receivers:
                queue.receivers.remove(receiver)
        message = receiver.message
        if message is None and receiver.errno != _EAGAIN_AGAIN:
            raise LinuxError(receiver.errno)
        if message is None:
            message = _look(task, queue, size, kind, flags)
        if message is not None:
            return _deliver(task, message, pointer, size)


def _deliver(task: Thread, message: Message, pointer: int, size: int) -> int:
    """Copies a message out; one that cannot be is lost, as on Linux."""
    data = message.data[:size]
    task.memory.write_struct(_TYPE, pointer, message.kind)
    task.memory.write(pointer + _TYPE.size, data)
    return len(data)


# ---- msgctl ----------------------------------------------------------------------------------------------


@syscall(71, "msgctl", "int", "int", "pointer")
def msgctl(task: Thread, identifier: int, command: int, pointer: int) -> int:
    """msgctl(2)."""
    if identifier < 0 or command < 0:
        raise LinuxError(E.EINVAL)
    queues = of(task).queues
    if command in (IPC_INFO, MSG_INFO):
        return _information(task, command, pointer)
    if command in (IPC_STAT, MSG_STAT, MSG_STAT_ANY):
        queue = queues.registry.find(identifier) if command == IPC_STAT else queues.registry.at(identifier)
        if command != MSG_STAT_ANY:
            check_access(task, queue.permissions, READ)
        task.memory.write(pointer, queue.pack())
        return 0 if command == IPC_STAT else queue.permissions.identifier
    if command not in (IPC_SET, IPC_RMID):
        raise LinuxError(E.EINVAL)
    raw = task.memory.read(pointer, STATUS_BYTES) if command == IPC_SET else b""
    queue = queues.registry.find(identifier)
    check_owner(task, queue.permissions)
    if command == IPC_RMID:
        queues.remove(task, queue)
        return 0
    (bytes_max,) = struct.unpack_from("<Q", raw, BYTES_MAX_AT)
    if bytes_max > MSGMNB and not task.credentials.capable(credentials.SYS_RESOURCE):
        raise LinuxError(E.EPERM)
    queue.permissions.change(raw)
    queue.bytes_max = bytes_max
    queue.changed_s = now_s(task)
    queue.fail_all(task, _EAGAIN_AGAIN)
    return 0


def _information(task: Thread, command: int, pointer: int) -> int:
    registry = of(task).queues.registry
    pool, maps, total = _POOL, MSGMNB, MSGMNB
    if command == MSG_INFO:
        pool, maps = len(registry), sum(len(each.messages) for each in registry)
        total = sum(each.bytes for each in registry)
    values = (pool, maps, MSGMAX, MSGMNB, MSGMNI, _SEGMENT_BYTES, total, _SEGMENTS_MAX)
    task.memory.write_struct(_INFO, pointer, *values)
    return registry.highest
