"""Sending and receiving on streams, as tcp_sendmsg and tcp_recvmsg do it. Source: net/ipv4/tcp.c, net/core/stream.c."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from pcomponent.files.anonymous import broken_pipe
from pcomponent.files.inet import urgent
from pcomponent.files.inet.base import INT
from pcomponent.files.inet.states import OPEN, SO_RCVLOWAT, State
from pcomponent.files.socket import ERRQUEUE, NOSIGNAL, OOB, PEEK, RECEIVE_SHUT, SEND_SHUT, TRUNC, WAITALL, Received
from pcomponent.waiting import Interrupted, Wait, Wake

if TYPE_CHECKING:
    from pcomponent.files.inet.stream import StreamSocket
    from pcomponent.process import Thread


def send(task: Thread, socket: StreamSocket, data: bytes, flags: int) -> Generator[Wait, Wake, int]:
    """sendmsg(2); with MSG_OOB the last byte that was taken is urgent (tcp_mark_urg)."""
    done = yield from _send(task, socket, data, flags)
    if flags & OOB and done:
        socket.far.urge(task)
    return done


def _send(task: Thread, socket: StreamSocket, data: bytes, flags: int) -> Generator[Wait, Wake, int]:
    """tcp_sendmsg: all of it, unless something ends it. EPIPE with SIGPIPE; what went wrong; EAGAIN."""
    if socket.state == State.SYN_SENT:
        if socket.hurried(flags):
            raise LinuxError(E.EAGAIN)
        yield from socket.wait(task, lambda: socket.state != State.SYN_SENT, socket.altered, socket.send_timeout_ns)
    done = 0
    try:
        while True:
            socket.look(task)
            if socket.error or socket.shut & SEND_SHUT or (socket.state not in OPEN):
                raise _stream_error(task, socket, bool(flags & NOSIGNAL) or done > 0)
            if done == len(data):
                return done
            room = socket.far.room(task)
            taken = socket.far.put(task, data[done : done + room]) if room else 0
            done += taken
            if data and done == len(data):
                return done
            if not taken:
                socket.starved = True
                if socket.hurried(flags):
                    raise LinuxError(E.EAGAIN)
                eased = socket.ports(task).eased
                ready = lambda: _may_send(task, socket)  # noqa: E731
                yield from socket.wait(task, ready, socket.room, socket.send_timeout_ns, (eased,))
    except (LinuxError, Interrupted):
        if not done:
            raise
        return done


def _stream_error(task: Thread, socket: StreamSocket, silent: bool) -> LinuxError:
    """sk_stream_error."""
    error = socket.take_error() or E.EPIPE
    return broken_pipe(task, silent) if error == E.EPIPE else LinuxError(error)


def _may_send(task: Thread, socket: StreamSocket) -> bool:
    return bool(socket.far.room(task) or socket.error or socket.shut & SEND_SHUT)


def receive(task: Thread, socket: StreamSocket, length: int, flags: int) -> Generator[Wait, Wake, Received]:
    """tcp_recvmsg. ENOTCONN; EINVAL for urgent data when there are none; EAGAIN; what went wrong."""
    if flags & ERRQUEUE:
        raise LinuxError(E.EAGAIN)
    if socket.state == State.LISTEN:
        raise LinuxError(E.ENOTCONN)
    if flags & OOB:
        return urgent.receive(socket, length, flags)
    low = INT.unpack(socket.options.get(SO_RCVLOWAT, b"\1\0\0\0"))[0]
    target = max(1, length if flags & WAITALL else min(low, length))
    taken: list[bytes] = []
    count = 0
    try:
        while True:
            socket.look(task)
            if count and urgent.met(socket):
                break
            found = urgent.visible(socket)
            if not flags & PEEK:
                socket.take(task, urgent.hidden(socket))
            if found and not flags & PEEK:
                taken.append(socket.take(task, min(length - count, found)))
                count += len(taken[-1])
            else:
                count = found if flags & PEEK else count
            if count >= min(target, length or 1) or (found and not length) or _at_end(socket, flags, count):
                break
            yield from _wait_to_receive(task, socket, count if flags & PEEK else 0)
    except (LinuxError, Interrupted):
        if not count:
            raise
    if flags & PEEK:
        skipped = urgent.hidden(socket)
        data = socket.inbox.peek(skipped + min(length, urgent.visible(socket)))[skipped:]
    else:
        data = b"".join(taken)
    if flags & TRUNC:  # tcp(7): the bytes are thrown away.
        return Received(b"", len(data))
    return Received(data, len(data))


def _at_end(socket: StreamSocket, flags: int, count: int) -> bool:
    """Whether nothing more is to be waited for; raises what a receiver is told when it got nothing."""
    if count:
        return bool(socket.error or socket.shut & RECEIVE_SHUT or socket.state == State.CLOSE or socket.hurried(flags))
    if socket.done:
        return True
    socket.raise_error()
    if socket.shut & RECEIVE_SHUT:
        return True
    if socket.state == State.CLOSE:
        raise LinuxError(E.ENOTCONN)
    if socket.hurried(flags):
        raise LinuxError(E.EAGAIN)
    return False


def _wait_to_receive(task: Thread, socket: StreamSocket, beyond: int) -> Generator[Wait, Wake, None]:
    """Until more than `beyond` bytes are there, or something else happens."""

    def ready() -> bool:
        ended = socket.error or socket.shut & RECEIVE_SHUT or socket.state == State.CLOSE
        return urgent.visible(socket) > beyond or bool(ended)

    yield from socket.wait(task, ready, socket.came, socket.receive_timeout_ns)
