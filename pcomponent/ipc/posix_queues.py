"""POSIX message queues: names, contents, and who waits. Source: ipc/mqueue.c, mq_overview(7).

Messages lie by priority, the oldest of one priority first. A message goes straight to the receiver that has waited
longest; a sender that finds the queue full leaves its message with its wait, and the next message that is taken makes
room for it. So nobody overtakes one who waits. A queue lives until it has neither a name nor a descriptor.
"""

from __future__ import annotations

from bisect import insort
from typing import TYPE_CHECKING, NamedTuple

from lego.linux.errno import E, LinuxError
from lego.linux.signal import SI_MESGQ, SigInfo
from pcomponent import credentials
from pcomponent.changes import Change
from pcomponent.family import wake_at
from pcomponent.rlimits import Resource
from pcomponent.signals import send_to_process
from pcomponent.waking import wake

if TYPE_CHECKING:
    from pcomponent.files.netlink import NetlinkSocket
    from pcomponent.process import Process, Thread

QUEUES_MAX, MESSAGES_MAX, SIZE_MAX = 256, 10, 8192
"""/proc/sys/fs/mqueue: queues of a vNode, and what one may be made for; also the defaults of a queue."""
PRIORITIES = 32_768
_MESSAGE_BYTES = 48 + 48
"""What Linux counts for a message beside its text: struct msg_msg and struct posix_msg_tree_node."""
COOKIE_BYTES = 32
_WOKEN_UP, _REMOVED = 1, 2
_READ, _WRITE = 4, 2


class Message(NamedTuple):
    """One message; they sort as they are to be received."""

    rank: int
    """Minus its priority."""
    number: int
    data: bytes


class Waiter:
    """A thread in mq_timedsend or mq_timedreceive: what it brings, or what it got."""

    def __init__(self, task: Thread, message: Message | None = None) -> None:
        self.task = task
        self.message = message
        self.done = False

    def finish(self, task: Thread) -> None:
        """Its message is on its way."""
        self.done = True
        wake(self.task, task.meter.now_ns)


class Notification(NamedTuple):
    """What mq_notify(3) asked for: a signal, a message for a socket (SIGEV_THREAD), or nothing at all."""

    owner: Process
    kind: int
    number: int = 0
    value: int = 0
    socket: NetlinkSocket | None = None
    cookie: bytes = b""

    def remove(self, task: Thread) -> None:
        """It will not come any more: a library's thread is to know."""
        if self.socket is not None:
            self.socket.tell(task, self.cookie[:-1] + bytes([_REMOVED]))


class Queue:
    """One queue."""

    def __init__(self, task: Thread, mode: int, capacity: int, size: int) -> None:
        who = task.credentials
        self.ino = task.kernel.rendezvous.new_inode()
        self.mode, self.uid, self.gid = mode, who.fsuid, who.fsgid
        self.capacity, self.size = capacity, size
        self.messages: list[Message] = []
        self.senders: list[Waiter] = []
        self.receivers: list[Waiter] = []
        self.notification: Notification | None = None
        self.charged = (who.uid, capacity * (size + _MESSAGE_BYTES))
        """Whose RLIMIT_MSGQUEUE it counts for, and how much."""
        self.named = True
        self.files = 0
        """Open file descriptions."""
        self.sent, self.taken = Change(), Change()
        self.changed_ns = self.accessed_ns = task.kernel.realtime_ns(task)
        self._number = 0

    @property
    def full(self) -> bool:
        """Whether a sender has to wait."""
        return len(self.messages) >= self.capacity

    @property
    def text_bytes(self) -> int:
        """Of all texts."""
        return sum(len(each.data) for each in self.messages)

    def message(self, data: bytes, priority: int) -> Message:
        """A new message, behind all others of its priority."""
        self._number += 1
        return Message(-priority, self._number, data)

    def send(self, task: Thread, message: Message) -> None:
        """To the first receiver that waits, or into the queue, which is not full; then it may be time to notify."""
        self.changed_ns = task.kernel.realtime_ns(task)
        if self.receivers:
            receiver = self.receivers.pop(0)
            receiver.message = message
            receiver.finish(task)
            return
        insort(self.messages, message)
        self.sent.happened(task)
        if len(self.messages) == 1:
            self._notify(task)

    def take(self, task: Thread) -> Message:
        """The first message; the sender that waits longest puts its own in."""
        message = self.messages.pop(0)
        self.accessed_ns = self.changed_ns = task.kernel.realtime_ns(task)
        self.taken.happened(task)
        if self.senders:
            sender = self.senders.pop(0)
            assert sender.message is not None
            insort(self.messages, sender.message)
            self.sent.happened(task)
            sender.finish(task)
        return message

    def _notify(self, task: Thread) -> None:
        """__do_notify(): once, then the registration is gone."""
        wanted, self.notification = self.notification, None
        if wanted is None:
            return
        if wanted.socket is not None:
            wanted.socket.tell(task, wanted.cookie[:-1] + bytes([_WOKEN_UP]))
        elif wanted.number and wanted.owner.status is None:
            body = SigInfo.user(wanted.number, task.process.pid, task.credentials.uid).body
            body += wanted.value.to_bytes(8, "little")
            send_to_process(wanted.owner, wanted.number, SigInfo(wanted.number, SI_MESGQ, 0, body))
            wake_at(wanted.owner, task.meter.now_ns)

    def forget_notification(self, task: Thread) -> None:
        """The process that asked does not want it any more, or closed a descriptor."""
        if self.notification is not None and self.notification.owner is task.process:
            self.notification.remove(task)
            self.notification = None


class PosixQueues:
    """All queues of a vNode."""

    def __init__(self) -> None:
        self._names: dict[str, Queue] = {}
        self._alive: set[Queue] = set()

    def find(self, name: str) -> Queue | None:
        """The queue that has a name."""
        return self._names.get(name)

    def make(self, task: Thread, name: str, mode: int, shape: tuple[int, int] | None) -> Queue:
        """mqueue_create_attr(): `shape` is how many messages of what size, None for the defaults. ENOSPC, EINVAL,
        EMFILE."""
        who = task.credentials
        if len(self._alive) >= QUEUES_MAX and not who.capable(credentials.SYS_RESOURCE):
            raise LinuxError(E.ENOSPC)
        capacity, size = shape or (MESSAGES_MAX, SIZE_MAX)
        if not 0 < capacity <= MESSAGES_MAX or not 0 < size <= SIZE_MAX:
            raise LinuxError(E.EINVAL)
        queue = Queue(task, mode, capacity, size)
        uid, more = queue.charged
        used = sum(each.charged[1] for each in self._alive if each.charged[0] == uid)
        if used + more > task.process.limits.soft(Resource.MSGQUEUE):
            raise LinuxError(E.EMFILE)
        self._names[name] = queue
        self._alive.add(queue)
        return queue

    def unlink(self, task: Thread, name: str) -> None:
        """Takes a name away. ENOENT; EPERM for others' queues: the directory is sticky."""
        queue = self._names.get(name)
        if queue is None:
            raise LinuxError(E.ENOENT)
        who = task.credentials
        if who.fsuid != queue.uid and not who.capable(credentials.FOWNER):
            raise LinuxError(E.EPERM)
        del self._names[name]
        queue.named = False
        self.closed(queue)

    def closed(self, queue: Queue) -> None:
        """One that nobody can reach any more is gone."""
        if not queue.named and not queue.files:
            self._alive.discard(queue)

    def end(self) -> None:
        """The vNode's last program has ended."""
        self._names.clear()
        self._alive.clear()


def check_access(task: Thread, queue: Queue, readable: bool, writable: bool) -> None:
    """inode_permission(): EACCES."""
    wanted = (_READ if readable else 0) | (_WRITE if writable else 0)
    if not task.credentials.permits(queue.mode, queue.uid, queue.gid, wanted):
        raise LinuxError(E.EACCES)
