"""POSIX message queues: mq_open and its family. Source: ipc/mqueue.c.

There is no /dev/mqueue: the file system is not mounted, as is usual in containers.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import O_ACCMODE, O_CREAT, O_EXCL, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY
from lego.linux.signal import NSIG
from pcomponent.files.base import Blocking
from pcomponent.files.message_queue import MessageQueueFile
from pcomponent.files.netlink import NetlinkSocket
from pcomponent.files.socket import Socket
from pcomponent.ipc.objects import of
from pcomponent.ipc.posix_queues import COOKIE_BYTES, PRIORITIES, Message, Notification, Queue, Waiter, check_access
from pcomponent.signals import deliverable
from pcomponent.syscalls.table import syscall
from pcomponent.syscalls.timespec import read_timespec
from pcomponent.waiting import Interrupted, Wait

if TYPE_CHECKING:
    from pcomponent.process import Thread

_ATTRIBUTES = struct.Struct("<qqqq32x")
"""struct mq_attr: flags, how many messages at most, how large at most, how many now."""
_EVENT = struct.Struct("<Qii48x")
"""struct sigevent: value, signal, how to notify."""
_UINT = struct.Struct("<I")
_SIGEV_SIGNAL, _SIGEV_NONE, _SIGEV_THREAD = 0, 1, 2
_NAME_MAX = 255
_KEPT_FLAGS = O_ACCMODE | O_NONBLOCK
_NOTE = "no fchmod and fchown of a queue (EPERM)"


def _name(task: Thread, pointer: int) -> str:
    """getname() and lookup_one_len(): ENOENT, ENAMETOOLONG, and EACCES for what is no plain name."""
    raw = task.memory.read_string(pointer)
    if not raw:
        raise LinuxError(E.ENOENT)
    if raw in (b".", b"..") or b"/" in raw:
        raise LinuxError(E.EACCES)
    if len(raw) > _NAME_MAX:
        raise LinuxError(E.ENAMETOOLONG)
    return raw.decode(errors="surrogateescape")


@syscall(240, "mq_open", "path", "int", "mode", "pointer", support="partial", note=_NOTE)
def mq_open(task: Thread, pointer: int, flags: int, mode: int, attributes: int) -> int:
    """mq_open(3), in the order of do_mq_open(). The descriptor is closed on exec."""
    shape = None
    if attributes:
        _, capacity, size, _ = task.memory.read_struct(_ATTRIBUTES, attributes)
        shape = (capacity, size)
    name = _name(task, pointer)
    task.process.files.free(task)
    queues = of(task).posix
    queue = queues.find(name)
    access = flags & O_ACCMODE
    if queue is None:
        if not flags & O_CREAT:
            raise LinuxError(E.ENOENT)
        queue = queues.make(task, name, mode & 0o7777 & ~task.process.umask, shape)
    else:
        if flags & O_CREAT and flags & O_EXCL:
            raise LinuxError(E.EEXIST)
        if access == O_ACCMODE:
            raise LinuxError(E.EINVAL)
        check_access(task, queue, access in (O_RDONLY, O_RDWR), access in (O_WRONLY, O_RDWR))
    file = MessageQueueFile(flags & _KEPT_FLAGS, name, queue, queues)
    return task.process.files.install(task, file, close_on_exec=True)


@syscall(241, "mq_unlink", "path")
def mq_unlink(task: Thread, pointer: int) -> int:
    """mq_unlink(3)."""
    of(task).posix.unlink(task, _name(task, pointer))
    return 0


def _queue_file(task: Thread, fd: int) -> MessageQueueFile:
    file = task.process.files.get(fd)
    if not isinstance(file, MessageQueueFile):
        raise LinuxError(E.EBADF)
    return file


def _deadline(task: Thread, pointer: int) -> int | None:
    """A time of CLOCK_REALTIME as one of the monotonic clock; None for a null pointer."""
    if not pointer:
        return None
    return read_timespec(task, pointer) - (task.kernel.realtime_ns(task) - task.kernel.monotonic_ns(task))


@syscall(242, "mq_timedsend", "fd", "buffer", "size", "uint", "pointer")
def mq_timedsend(task: Thread, fd: int, pointer: int, size: int, priority: int, timeout: int) -> int | Blocking:
    """mq_timedsend(3), in the order of do_mq_timedsend()."""
    until_ns = _deadline(task, timeout)
    if priority >= PRIORITIES:
        raise LinuxError(E.EINVAL)
    file = _queue_file(task, fd)
    queue = file.queue
    if not file.writable:
        raise LinuxError(E.EBADF)
    if size > queue.size:
        raise LinuxError(E.EMSGSIZE)
    message = queue.message(task.memory.read(pointer, size), priority)
    if not queue.full:
        queue.send(task, message)
        return 0
    if file.flags & O_NONBLOCK:
        raise LinuxError(E.EAGAIN)
    return _send_later(task, queue, message, until_ns)


def _send_later(task: Thread, queue: Queue, message: Message, until_ns: int | None) -> Blocking:
    sender = Waiter(task, message)
    yield from _wait(task, queue.senders, sender, until_ns)
    return 0


@syscall(243, "mq_timedreceive", "fd", "buffer", "size", "pointer", "pointer")
def mq_timedreceive(
    task: Thread, fd: int, pointer: int, size: int, priority: int, timeout: int
) -> int | Blocking:  # fmt: skip
    """mq_timedreceive(3), in the order of do_mq_timedreceive()."""
    until_ns = _deadline(task, timeout)
    file = _queue_file(task, fd)
    queue = file.queue
    if not file.readable:
        raise LinuxError(E.EBADF)
    if size < queue.size:
        raise LinuxError(E.EMSGSIZE)
    if queue.messages:
        return _deliver(task, queue.take(task), pointer, priority)
    if file.flags & O_NONBLOCK:
        raise LinuxError(E.EAGAIN)
    return _receive_later(task, queue, pointer, priority, until_ns)


def _receive_later(task: Thread, queue: Queue, pointer: int, priority: int, until_ns: int | None) -> Blocking:
    receiver = Waiter(task)
    yield from _wait(task, queue.receivers, receiver, until_ns)
    assert receiver.message is not None
    return _deliver(task, receiver.message, pointer, priority)


def _deliver(task: Thread, message: Message, pointer: int, priority: int) -> int:
    """Copies a message out; one that cannot be is lost, as on Linux."""
    if priority:
        task.memory.write_struct(_UINT, priority, -message.rank)
    task.memory.write(pointer, message.data)
    return len(message.data)


def _wait(task: Thread, waiters: list[Waiter], waiter: Waiter, until_ns: int | None) -> Blocking:
    """wq_sleep(): until it is somebody's turn. ETIMEDOUT."""
    waiters.append(waiter)
    try:
        while not waiter.done:
            yield Wait(until_ns=until_ns)
            if waiter.done:
                break
            if deliverable(task):
                raise Interrupted(restart=True)
            if until_ns is not None and task.kernel.monotonic_ns(task) >= until_ns:
                raise LinuxError(E.ETIMEDOUT)
    finally:
        if waiter in waiters:
            waiters.remove(waiter)


@syscall(244, "mq_notify", "fd", "pointer")
def mq_notify(task: Thread, fd: int, pointer: int) -> int:
    """mq_notify(3): a signal, or the start of a thread, when a message comes to an empty queue; null takes it back."""
    wanted = _notification(task, pointer) if pointer else None
    queue = _queue_file(task, fd).queue
    if wanted is None:
        queue.forget_notification(task)
    elif queue.notification is not None:
        raise LinuxError(E.EBUSY)
    else:
        queue.notification = wanted
        queue.accessed_ns = task.kernel.realtime_ns(task)
    return 0


def _notification(task: Thread, pointer: int) -> Notification:
    """EINVAL, EFAULT; EBADF, ENOTSOCK for the socket that a C library waits at (SIGEV_THREAD)."""
    value, number, kind = task.memory.read_struct(_EVENT, pointer)
    if kind not in (_SIGEV_SIGNAL, _SIGEV_NONE, _SIGEV_THREAD) or (kind == _SIGEV_SIGNAL and not 0 <= number <= NSIG):
        raise LinuxError(E.EINVAL)
    if kind == _SIGEV_SIGNAL:
        return Notification(task.process, kind, number, value)
    if kind == _SIGEV_NONE:
        return Notification(task.process, kind)
    cookie = task.memory.read(value, COOKIE_BYTES)
    socket = task.process.files.get(number)
    if not isinstance(socket, Socket):
        raise LinuxError(E.ENOTSOCK)
    if not isinstance(socket, NetlinkSocket):
        raise LinuxError(E.EINVAL)
    return Notification(task.process, kind, socket=socket, cookie=cookie)


@syscall(245, "mq_getsetattr", "fd", "pointer", "pointer")
def mq_getsetattr(task: Thread, fd: int, new: int, old: int) -> int:
    """mq_getattr(3) and mq_setattr(3), which changes O_NONBLOCK only."""
    flags = 0
    if new:
        flags, *_ = task.memory.read_struct(_ATTRIBUTES, new)
        if flags & ~O_NONBLOCK:
            raise LinuxError(E.EINVAL)
    file = _queue_file(task, fd)
    queue, before = file.queue, file.flags & O_NONBLOCK
    if new:
        file.flags = file.flags & ~O_NONBLOCK | flags
    if old:
        task.memory.write_struct(_ATTRIBUTES, old, before, queue.capacity, queue.size, len(queue.messages))
    return 0
