"""System V message queues. Source: ipc/msg.c.

A message goes straight to the first receiver that waits for its type; else it is kept. A sender that finds the queue
full waits until something was taken out. Both wait in the order in which they came.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from lego.linux.errno import E
from pcomponent.ipc.registry import PERMISSIONS_BYTES, Permissions, Registry, now_s
from pcomponent.waking import wake

if TYPE_CHECKING:
    from pcomponent.process import Thread

MSGMNI, MSGMAX, MSGMNB = 32_000, 8192, 16_384
MSG_NOERROR, MSG_EXCEPT, MSG_COPY = 0o10000, 0o20000, 0o40000
_STATUS = struct.Struct("<qqqQQQiiQQ")
"""struct msqid64_ds after its permissions (include/uapi/asm-generic/msgbuf.h)."""
STATUS_BYTES = PERMISSIONS_BYTES + _STATUS.size
BYTES_MAX_AT = PERMISSIONS_BYTES + 40
"""Where it has msg_qbytes."""


class Message(NamedTuple):
    """One message."""

    kind: int
    """Its type, at least 1."""
    data: bytes


class Receiver:
    """A thread in msgrcv(2): `message` when it got one, `errno` when the wait ended otherwise."""

    def __init__(self, task: Thread, kind: int, size: int, flags: int) -> None:
        self.task = task
        self.kind, self.size, self.flags = kind, size, flags
        self.message: Message | None = None
        self.errno = 0


class Sender:
    """A thread in msgsnd(2), which tries again when `awake`."""

    def __init__(self, task: Thread) -> None:
        self.task = task
        self.awake = False


def matches(kind: int, flags: int, message: Message) -> bool:
    """Whether a message is of a type that a receiver asks for (testmsg)."""
    if kind == 0:
        return True
    if kind < 0:
        return message.kind <= -kind
    return (message.kind == kind) != bool(flags & MSG_EXCEPT)


class MessageQueue:
    """One queue."""

    def __init__(self, task: Thread, key: int, mode: int) -> None:
        self.permissions = Permissions(task, key, mode)
        self.messages: list[Message] = []
        self.bytes = 0
        self.bytes_max = MSGMNB
        self.sent_s = self.received_s = 0
        self.changed_s = now_s(task)
        self.last_sender = self.last_receiver = 0
        self.receivers: list[Receiver] = []
        self.senders: list[Sender] = []
        self.removed = False

    def pack(self) -> bytes:
        """As struct msqid64_ds."""
        return self.permissions.pack() + _STATUS.pack(
            self.sent_s, self.received_s, self.changed_s, self.bytes, len(self.messages), self.bytes_max,
            self.last_sender, self.last_receiver, 0, 0,
        )  # fmt: skip

    def fits(self, size: int) -> bool:
        """Whether there is room for a message (msg_fits_inqueue)."""
        return self.bytes + size <= self.bytes_max and len(self.messages) + 1 <= self.bytes_max

    def send(self, task: Thread, message: Message) -> None:
        """Hands a message over, or keeps it (pipelined_send)."""
        self.last_sender, self.sent_s = task.process.pid, now_s(task)
        for receiver in list(self.receivers):
            if not matches(receiver.kind, receiver.flags, message):
                continue
            self.receivers.remove(receiver)
            wake(receiver.task, task.meter.now_ns)
            if len(message.data) > receiver.size and not receiver.flags & MSG_NOERROR:
                receiver.errno = E.E2BIG
                continue
            receiver.message = message
            self.last_receiver, self.received_s = receiver.task.process.pid, now_s(task)
            return
        self.messages.append(message)
        self.bytes += len(message.data)

    def find(self, kind: int, flags: int) -> Message | None:
        """The message that a receiver would get; with MSG_COPY `kind` is a place in the queue."""
        if flags & MSG_COPY:
            return self.messages[kind] if 0 <= kind < len(self.messages) else None
        found = [message for message in self.messages if matches(kind, flags, message)]
        if kind < 0:
            return min(found, key=lambda message: message.kind, default=None)
        return found[0] if found else None

    def take(self, task: Thread, message: Message) -> None:
        """Takes a message out; senders try again."""
        place = next(index for index, each in enumerate(self.messages) if each is message)
        del self.messages[place]
        self.bytes -= len(message.data)
        self.last_receiver, self.received_s = task.process.pid, now_s(task)
        self.wake_senders(task)

    def wake_senders(self, task: Thread) -> None:
        """There may be room now."""
        for sender in self.senders:
            sender.awake = True
            wake(sender.task, task.meter.now_ns)
        self.senders.clear()

    def fail_all(self, task: Thread, errno: int) -> None:
        """Ends all waits: the queue is removed (EIDRM), or its permissions changed, and receivers are to look again."""
        for receiver in self.receivers:
            receiver.errno = errno
            wake(receiver.task, task.meter.now_ns)
        self.receivers.clear()
        self.wake_senders(task)


class MessageQueues:
    """All queues of a vNode."""

    def __init__(self) -> None:
        self.registry = Registry[MessageQueue](MSGMNI)

    def remove(self, task: Thread, queue: MessageQueue) -> None:
        """IPC_RMID."""
        self.registry.remove(queue)
        queue.removed = True
        queue.fail_all(task, E.EIDRM)

    def end(self) -> None:
        """The vNode's last program has ended."""
        for each in self.registry:
            self.registry.remove(each)

    def table(self) -> str:
        """/proc/sysvipc/msg."""
        text = (
            "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid"
            "      stime      rtime      ctime\n"
        )
        for each in self.registry:
            who = each.permissions
            text += (
                f"{who.key:10d} {who.identifier:10d}  {who.mode:4o}  {each.bytes:10d} {len(each.messages):10d} "
                f"{each.last_sender:5d} {each.last_receiver:5d} {who.uid:5d} {who.gid:5d} {who.creator_uid:5d} "
                f"{who.creator_gid:5d} {each.sent_s:10d} {each.received_s:10d} {each.changed_s:10d}\n"
            )
        return text
