"""Urgent data of streams: the last byte of what is sent with MSG_OOB has a mark in the receiver's queue.

    mark(task, socket)            # the last byte that came is urgent: SIGURG for the owner, POLLPRI
    visible(socket)               # how far an ordinary receive goes: it stops at the mark, and next time steps over it

The byte is taken with MSG_OOB while its mark is ahead, or read in its place with SO_OOBINLINE. There is one mark;
a later one takes its place. Sources: net/ipv4/tcp_input.c (tcp_check_urg), tcp.c (tcp_recv_urg), tcp(7).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from pcomponent.files.inet.base import INT
from pcomponent.files.inet.states import SO_OOBINLINE, State
from pcomponent.files.socket import OOB, PEEK, RECEIVE_SHUT, TRUNC, Received

if TYPE_CHECKING:
    from pcomponent.files.inet.stream import StreamSocket
    from pcomponent.process import Thread


class Mark:
    """Where the urgent byte is (urg_seq), and whether it was taken (TCP_URG_READ)."""

    __slots__ = ("ahead", "taken")

    def __init__(self, ahead: int) -> None:
        self.ahead = ahead
        """Bytes of the queue that come before it."""
        self.taken = False


def _inline(socket: StreamSocket) -> bool:
    return bool(INT.unpack(socket.options.get(SO_OOBINLINE, bytes(4)))[0])


def mark(task: Thread, socket: StreamSocket) -> None:
    """The last byte that arrived is urgent. One that was stopped at before, and never read, is lost."""
    old = socket.urgent
    if old is not None and not old.ahead and not _inline(socket) and socket.inbox.length > 1:
        socket.take(task, 1)
    socket.urgent = Mark(max(0, socket.inbox.length - 1))
    if socket.receiver is not None:
        socket.receiver.urge(task.meter.now_ns)
    socket.came.happened(task)


def moved(socket: StreamSocket, count: int) -> None:
    """So many bytes were taken from the queue, or with a negative number put back."""
    if socket.urgent is not None:
        socket.urgent.ahead -= count
        if socket.urgent.ahead < 0:
            socket.urgent = None


def met(socket: StreamSocket) -> bool:
    """SIOCATMARK: whether the next byte is the urgent one."""
    return socket.urgent is not None and not socket.urgent.ahead


def waits(socket: StreamSocket) -> bool:
    """POLLPRI: whether it can be taken."""
    return socket.urgent is not None and not socket.urgent.taken


def hidden(socket: StreamSocket) -> int:
    """How many bytes of the queue an ordinary receive does not give: 1 when the urgent one is next."""
    return int(met(socket) and not _inline(socket))


def before(socket: StreamSocket) -> int:
    """FIONREAD: bytes before the urgent one, all of them when it is read in its place."""
    return socket.inbox.length if socket.urgent is None or _inline(socket) else socket.urgent.ahead


def visible(socket: StreamSocket) -> int:
    """Bytes that an ordinary receive can give now."""
    if socket.urgent is None or not socket.urgent.ahead:
        return socket.inbox.length - hidden(socket)
    return socket.urgent.ahead


def receive(socket: StreamSocket, length: int, flags: int) -> Received:
    """recvmsg(2) with MSG_OOB (tcp_recv_urg). EINVAL when there is none, or it was taken already; ENOTCONN."""
    found = socket.urgent
    if found is None or found.taken or _inline(socket):
        raise LinuxError(E.EINVAL)
    if socket.state == State.CLOSE and not socket.done:
        raise LinuxError(E.ENOTCONN)
    if socket.state == State.CLOSE or (socket.shut & RECEIVE_SHUT and found.ahead >= socket.inbox.length):
        return Received()
    if not flags & PEEK:
        found.taken = True
    if not length:
        return Received(flags=OOB | TRUNC)
    byte = socket.inbox.peek(found.ahead + 1)[-1:]
    return Received(b"" if flags & TRUNC else byte, 1, flags=OOB)
