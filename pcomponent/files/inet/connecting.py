"""How streams are connected: listen, connect, accept, and giving all that up again.

A call for a listener whose queue is full waits until there is room, as repeated SYNs do, for at most `CALL_NS`.
Sources: net/ipv4/af_inet.c (__inet_stream_connect), tcp_ipv4.c, inet_connection_sock.c; function names below.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import O_NONBLOCK
from pcomponent.files.inet.addresses import Address, family_of, is_many, route, unpack
from pcomponent.files.inet.far import NOBODY, LocalEnd
from pcomponent.files.inet.states import SO_SNDBUF, Phase, State
from pcomponent.files.inet.stream import CONNECTED_SEND_BUFFER, StreamSocket
from pcomponent.files.socket import AF_UNSPEC
from pcomponent.waiting import Wait, Wake

if TYPE_CHECKING:
    from pcomponent.process import Thread

CALL_NS = 127 * 10**9
"""How long a connection is tried for: tcp_syn_retries of 6, the pause twice as long each time."""
BACKLOG_MAX = 4096
"""net.core.somaxconn."""


# ---- listening -------------------------------------------------------------------------------------------


def listen(task: Thread, socket: StreamSocket, backlog: int) -> None:
    """inet_listen. EINVAL when it is connected; EADDRINUSE when another listens there."""
    if socket.phase != Phase.UNCONNECTED or socket.state not in (State.CLOSE, State.LISTEN):
        raise LinuxError(E.EINVAL)
    socket.backlog = min(backlog & 0xFFFFFFFF, BACKLOG_MAX)
    if socket.state == State.LISTEN:
        _admit(task, socket)
        return
    ports = socket.ports(task)
    if socket.has_port and ports.listens_twice(socket):
        raise LinuxError(E.EADDRINUSE)
    if not socket.has_port:
        ports.choose(socket, task.meter.now_ns)
    outside = task.kernel.published_ports
    if outside is not None:
        socket.published = outside.listen(task, socket)
    socket.state = State.LISTEN
    socket.shut = 0
    socket.changed(task)


def stop_listening(task: Thread, listener: StreamSocket) -> None:
    """inet_csk_listen_stop: who has not been accepted is reset, who still waits is refused."""
    listener.state = State.CLOSE
    if listener.published and task.kernel.published_ports is not None:
        task.kernel.published_ports.stop_listening(task, listener)
    listener.published = False
    if not listener.keeps_port and not listener.gone:
        listener.ports(task).release(listener)
        listener.local = listener.local._replace(port=0)
    while listener.callers:
        caller = listener.callers.popleft()
        caller.called = None
        caller.was_reset(task)
    while listener.arrivals:
        end = listener.arrivals.popleft()
        end.inbox.put(b"\0")  # Nobody will read what came or comes: that makes it a reset.
        end.ports(task).hold(1)
        end.close(task)
    listener.changed(task)


def has_room(listener: StreamSocket) -> bool:
    """Not sk_acceptq_is_full."""
    return len(listener.arrivals) <= listener.backlog


def add_arrival(task: Thread, listener: StreamSocket, local: Address, remote: Address) -> StreamSocket:
    """The listener's end of a new connection (tcp_create_openreq_child): it inherits nearly everything."""
    end = StreamSocket(task)
    end.table, end.owner = listener.table, listener.owner
    end.local, end.remote = local, remote
    end.state, end.phase = State.ESTABLISHED, Phase.CONNECTED
    end.options, end.values = dict(listener.options), dict(listener.values)
    end.receive_timeout_ns, end.send_timeout_ns = listener.receive_timeout_ns, listener.send_timeout_ns
    end.send_buffer, end.receive_buffer = listener.send_buffer, listener.receive_buffer
    _grow(end)
    end.ports(task).add(end, local.port)
    listener.arrivals.append(end)
    listener.came.happened(task)
    return end


def _grow(socket: StreamSocket) -> None:
    if SO_SNDBUF not in socket.options:
        socket.send_buffer = CONNECTED_SEND_BUFFER


def _join(task: Thread, socket: StreamSocket, listener: StreamSocket) -> None:
    """Both ends of a connection know each other."""
    end = add_arrival(task, listener, socket.remote, socket.local)
    end.far, socket.far = LocalEnd(end, socket), LocalEnd(socket, end)
    socket.state = State.ESTABLISHED
    socket.called = None
    _grow(socket)
    socket.changed(task)


def _admit(task: Thread, listener: StreamSocket) -> None:
    """There may be room for who waits."""
    while listener.callers and has_room(listener):
        _join(task, listener.callers.popleft(), listener)
    if listener.published and has_room(listener) and task.kernel.published_ports is not None:
        task.kernel.published_ports.pump(task, 0)


def accept(task: Thread, listener: StreamSocket) -> Generator[Wait, Wake, StreamSocket]:
    """inet_csk_accept. EINVAL when it does not listen (any more); EAGAIN."""
    if listener.state != State.LISTEN:
        raise LinuxError(E.EINVAL)
    listener.look(task)
    while not listener.arrivals:
        if listener.state != State.LISTEN:
            raise LinuxError(E.EINVAL)
        if listener.flags & O_NONBLOCK:
            raise LinuxError(E.EAGAIN)
        yield from listener.wait(
            task,
            lambda: listener.arrivals or listener.state != State.LISTEN,
            listener.came,
            listener.receive_timeout_ns,
        )
    end = listener.arrivals.popleft()
    _admit(task, listener)
    return end


# ---- calling ---------------------------------------------------------------------------------------------


def connect(task: Thread, socket: StreamSocket, raw: bytes) -> Generator[Wait, Wake, int]:
    """__inet_stream_connect. EISCONN; EALREADY; EINPROGRESS, which O_NONBLOCK gives even when the answer is there
    already, as it is only looked at later; ECONNREFUSED; ENETUNREACH; ETIMEDOUT."""
    if len(raw) < 2:
        raise LinuxError(E.EINVAL)
    if family_of(raw) == AF_UNSPEC:
        disconnect(task, socket)
        return 0
    error = E.EALREADY
    if socket.phase == Phase.CONNECTED:
        raise LinuxError(E.EISCONN)
    fresh = socket.phase == Phase.UNCONNECTED
    if fresh:
        if socket.state != State.CLOSE:
            raise LinuxError(E.EISCONN)
        _call(task, socket, raw)
        socket.phase = Phase.CONNECTING
        error = E.EINPROGRESS
    if fresh or socket.state == State.SYN_SENT:
        if socket.flags & O_NONBLOCK:
            raise LinuxError(error)
        yield from _wait_for_answer(task, socket, error)
    if socket.state == State.CLOSE:
        found = socket.take_error() or E.ECONNABORTED
        disconnect(task, socket)
        raise LinuxError(found)
    socket.phase = Phase.CONNECTED
    return 0


def _wait_for_answer(task: Thread, socket: StreamSocket, error: int) -> Generator[Wait, Wake, None]:
    """inet_wait_for_connect: for as long as SO_SNDTIMEO says, and not for longer than the call lasts."""
    if socket.state != State.SYN_SENT:
        return
    left_ns = max(0, socket.gives_up_ns - task.kernel.monotonic_ns(task))
    timeout_ns = socket.send_timeout_ns
    if timeout_ns is not None and timeout_ns < left_ns:
        try:
            yield from socket.wait(task, lambda: socket.state != State.SYN_SENT, socket.altered, timeout_ns)
        except LinuxError as late:
            raise LinuxError(error) from late
        return
    until_ns = socket.gives_up_ns
    from pcomponent.files.anonymous import wait_until

    restart = timeout_ns is None
    ready = lambda: socket.state != State.SYN_SENT  # noqa: E731
    if not (yield from wait_until(task, ready, socket.altered, until_ns, restart)):
        give_up(task, socket)


def _call(task: Thread, socket: StreamSocket, raw: bytes) -> None:
    """tcp_v4_connect, and what a listener or the lack of one answers."""
    wanted = unpack(raw)
    ip, source = route(task, wanted.ip, socket.local.ip)
    if is_many(ip):
        raise LinuxError(E.ENETUNREACH)
    ports, remote = socket.ports(task), Address(ip, wanted.port)
    local = Address(source, socket.local.port)
    if socket.has_port and ports.connection(socket.table, local, remote) is not None:
        raise LinuxError(E.EADDRNOTAVAIL)
    socket.local = local
    if not socket.has_port:
        ports.choose(socket, task.meter.now_ns, connecting=True)
    socket.remote = remote
    socket.state, socket.shut, socket.done = State.SYN_SENT, 0, False
    listener = ports.listener(socket.table, remote, socket.local)
    if not isinstance(listener, StreamSocket):
        socket.was_reset(task)
    elif has_room(listener):
        _join(task, socket, listener)
    else:
        socket.called, socket.gives_up_ns = listener, task.kernel.monotonic_ns(task) + CALL_NS
        listener.callers.append(socket)
        socket.altered.stir()  # From now on there is a time to give up.


def give_up(task: Thread, socket: StreamSocket) -> None:
    """Nobody answered in time (tcp_write_err)."""
    hang_up(socket)
    if socket.state == State.SYN_SENT:
        socket.was_reset(task)
        socket.error = E.ETIMEDOUT


def hang_up(socket: StreamSocket) -> None:
    """It no longer waits for a listener's room."""
    if socket.called is not None:
        socket.called.callers.remove(socket)
        socket.called = None


def disconnect(task: Thread, socket: StreamSocket) -> None:
    """tcp_disconnect: as if it were new, but for what bind(2) gave it. The other side is reset."""
    before = socket.state
    if before == State.LISTEN:
        stop_listening(task, socket)
    elif before in (State.ESTABLISHED, State.FIN_WAIT2, State.CLOSE_WAIT):
        far = socket.far
        socket.far = NOBODY
        far.reset(task)
        socket.error = E.ECONNRESET
    elif before == State.SYN_SENT:
        hang_up(socket)
        socket.error = E.ECONNRESET
    ports = socket.ports(task)
    ports.hold(-socket.inbox.length)
    socket.inbox.take(socket.inbox.length)
    socket.state, socket.phase, socket.remote = State.CLOSE, Phase.UNCONNECTED, Address()
    socket.shut, socket.done, socket.far, socket.expires_ns = 0, False, NOBODY, 0
    if not socket.keeps_port:
        ports.release(socket)
        socket.local = socket.local._replace(port=0)
    if not socket.keeps_ip:
        socket.local = socket.local._replace(ip=0)
    socket.changed(task)
