"""AF_INET streams: what TCP shows to programs, between the sockets of a machine. Names and states as in Linux.

Nothing is lost or late in a machine, so a segment is there when it was sent, and an answer with it; what remains of
TCP is its states, its window, and what close, shutdown and reset mean. Connections are made in
`pcomponent.files.inet.connecting`. Sources: net/ipv4/tcp.c, tcp_input.c, af_inet.c, tcp(7); function names below.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from lego.linux.errno import E, LinuxError
from pcomponent.files.anonymous import Change, wait_until
from pcomponent.files.base import (
    POLLERR,
    POLLHUP,
    POLLIN,
    POLLOUT,
    POLLPRI,
    POLLRDNORM,
    POLLWRNORM,
    Blocking,
)
from pcomponent.files.inet import transfer, urgent
from pcomponent.files.inet.base import INT, InetSocket
from pcomponent.files.inet.far import NOBODY, Bytes, FarEnd
from pcomponent.files.inet.options import SOL_TCP
from pcomponent.files.inet.states import SO_LINGER, SO_RCVLOWAT, Phase, State
from pcomponent.files.socket import (
    FIONREAD,
    OOB,
    POLLRDHUP,
    RECEIVE_SHUT,
    SEND_SHUT,
    STREAM,
    TIOCOUTQ,
    Received,
)
from pcomponent.waiting import Wait, Wake

if TYPE_CHECKING:
    from pcomponent.process import Thread

BOTH_SHUT = RECEIVE_SHUT | SEND_SHUT
SEND_BUFFER, RECEIVE_BUFFER = 16384, 131072
"""net.ipv4.tcp_wmem and tcp_rmem, their defaults."""
CONNECTED_SEND_BUFFER = 2626560
"""What a send buffer grows to when a connection is made, unless SO_SNDBUF was set (tcp_init_buffer_space)."""
TIME_WAIT_NS = 60 * 10**9
"""TCP_TIMEWAIT_LEN, and tcp_fin_timeout."""
SIOCATMARK = 0x8905
_LINGER = struct.Struct("<ii")


class StreamSocket(InetSocket):
    """One socket of SOCK_STREAM."""

    keeps_rest = True

    def __init__(self, task: Thread, flags: int = 0) -> None:
        super().__init__(task, STREAM, flags, SOL_TCP)
        self.state = State.CLOSE
        self.phase = Phase.UNCONNECTED
        self.far: FarEnd = NOBODY
        self.inbox = Bytes()
        self.urgent: urgent.Mark | None = None
        self.done = False
        """The other side's end was met (SOCK_DONE)."""
        self.gone = False
        """No descriptor has it any more."""
        self.starved = False
        """Somebody found no room to send since there was some (SOCK_NOSPACE)."""
        self.send_buffer, self.receive_buffer = SEND_BUFFER, RECEIVE_BUFFER
        self.backlog = 0
        self.arrivals: deque[StreamSocket] = deque()
        """Ends of connections that nobody has accepted yet."""
        self.callers: deque[StreamSocket] = deque()
        """Sockets whose connection waits for room among the arrivals."""
        self.called: StreamSocket | None = None
        """The listener among whose callers this one is, ..."""
        self.gives_up_ns = 0
        """... and until when."""
        self.published = False
        """Whether a listener's connections come from outside too."""

    @property
    def listens(self) -> bool:
        """TCP_LISTEN."""
        return self.state == State.LISTEN

    @property
    def tcp_state(self) -> int:
        """As /proc/net/tcp shows it."""
        return State.TIME_WAIT if self.expires_ns and self.state == State.CLOSE else self.state

    @property
    def refuses(self) -> bool:
        """Whether data are answered with a reset: it has said that it is through, and does not listen either."""
        return self.state == State.FIN_WAIT2 and bool(self.shut & RECEIVE_SHUT)

    @property
    def polls_outside(self) -> bool:  # type: ignore[override]
        """Whether something can come from the host."""
        return self.far.outside or self.published

    def peer_name(self) -> bytes:
        """inet_getname. ENOTCONN."""
        if not self.remote.port or self.state in (State.CLOSE, State.SYN_SENT):
            raise LinuxError(E.ENOTCONN)
        return self.remote.pack()

    def may_bind(self) -> bool:
        """Fresh, and without a port."""
        return not self.has_port and self.state == State.CLOSE

    def listen(self, task: Thread, backlog: int) -> None:
        """listen(2)."""
        from pcomponent.files.inet import connecting

        connecting.listen(task, self, backlog)

    def connect(self, task: Thread, raw: bytes) -> Generator[Wait, Wake, int]:
        """connect(2)."""
        from pcomponent.files.inet import connecting

        return connecting.connect(task, self, raw)

    def accept(self, task: Thread) -> Generator[Wait, Wake, StreamSocket]:
        """accept(2)."""
        from pcomponent.files.inet import connecting

        return connecting.accept(task, self)

    # ---- waiting -------------------------------------------------------------------------------------

    def look(self, task: Thread, wait_ms: int = 0) -> None:
        """Lets come what comes from outside; gives up a call that nobody answered."""
        if self.far.outside:
            self.far.look(task, wait_ms)
        elif self.published and task.kernel.published_ports is not None:
            task.kernel.published_ports.pump(task, wait_ms)
        if self.called is not None and task.kernel.monotonic_ns(task) >= self.gives_up_ns:
            from pcomponent.files.inet import connecting

            connecting.give_up(task, self)

    def due_ns(self, task: Thread) -> int | None:
        """When a call is given up."""
        return self.gives_up_ns if self.called is not None else None

    def wait(
        self,
        task: Thread,
        ready: Callable[[], object],
        change: Change,
        timeout_ns: int | None,
        also: tuple[Change, ...] = (),
    ) -> Generator[Wait, Wake, None]:
        """As `Socket.wait`; what comes from outside ends it too."""
        until_ns = None if timeout_ns is None else task.kernel.monotonic_ns(task) + timeout_ns

        def look(wait_ms: int) -> bool:
            if not ready():
                self.look(task, wait_ms)
            return bool(ready())

        outside = look if self.polls_outside else None
        if not (yield from wait_until(task, ready, change, until_ns, timeout_ns is None, outside, also)):
            raise LinuxError(E.EAGAIN)

    # ---- sending -------------------------------------------------------------------------------------

    def outgoing(self, task: Thread, length: int, flags: int, address: bytes | None, ancillary: bytes) -> None:
        """Nothing: an address is not looked at. Urgent data do not leave the machine (EOPNOTSUPP)."""
        if flags & OOB and self.far.outside:
            raise LinuxError(E.EOPNOTSUPP)

    def send_message(self, task: Thread, data: bytes, flags: int, outgoing: Any) -> Generator[Wait, Wake, int]:
        """sendmsg(2)."""
        return transfer.send(task, self, data, flags)

    def has_send_room(self, task: Thread) -> bool:
        """__sk_stream_is_writeable: at least a third of the send buffer is free."""
        if self.far.outside:
            return self.far.room(task) > 0
        unread = self.far.unread()
        return unread // 2 <= self.send_buffer - unread and self.far.room(task) > 0

    # ---- what comes from the far end -----------------------------------------------------------------

    def arrive(self, task: Thread, data: bytes) -> None:
        """Data."""
        self.inbox.put(data)
        self.ports(task).hold(len(data))
        self.came.happened(task)

    def finished(self, task: Thread) -> None:
        """tcp_fin: nothing more comes."""
        self.shut |= RECEIVE_SHUT
        self.done = True
        if self.state == State.ESTABLISHED:
            self.state = State.CLOSE_WAIT
        elif self.state == State.FIN_WAIT2:
            self._end(task)
            self._retire(task)
        self.changed(task)

    def was_reset(self, task: Thread) -> None:
        """tcp_reset."""
        if self.state == State.CLOSE:
            return
        self.error = {State.SYN_SENT: E.ECONNREFUSED, State.CLOSE_WAIT: E.EPIPE}.get(self.state, E.ECONNRESET)
        self._end(task)
        if self.gone:
            self.ports(task).release(self)

    def _end(self, task: Thread) -> None:
        """tcp_done."""
        self.state = State.CLOSE
        self.shut = BOTH_SHUT
        self.far = NOBODY
        self.changed(task)

    def _retire(self, task: Thread) -> None:
        """Keeps the port for a while; who still has the socket keeps it longer."""
        self.ports(task).retire(self, task.meter.now_ns + TIME_WAIT_NS)

    # ---- receiving -----------------------------------------------------------------------------------

    def read(self, task: Thread, length: int) -> Blocking:
        """read(2)."""
        if not length:
            return b""
        return (yield from self.receive(task, length)).data

    def unread(self, task: Thread, data: bytes) -> None:
        """What the guest's buffer had no room for can be read again."""
        self.inbox.put_back(data)
        urgent.moved(self, -len(data))
        self.ports(task).hold(len(data))
        self.came.stir()

    def receive(self, task: Thread, length: int, flags: int = 0) -> Generator[Wait, Wake, Received]:
        """recvmsg(2)."""
        return transfer.receive(task, self, length, flags)

    def take(self, task: Thread, length: int) -> bytes:
        """Bytes that have come; who sends them learns of the room."""
        data = self.inbox.take(length)
        urgent.moved(self, len(data))
        self.ports(task).hold(-len(data))
        if data:
            self.far.drained(task)
        return data

    # ---- the end -------------------------------------------------------------------------------------

    def shut_down(self, task: Thread, how: int) -> None:
        """inet_shutdown. ENOTCONN."""
        from pcomponent.files.inet import connecting

        if self.state == State.LISTEN:
            if how & RECEIVE_SHUT:
                connecting.stop_listening(task, self)
        elif self.state == State.SYN_SENT:
            connecting.disconnect(task, self)
        else:
            self.shut |= how
            if self.state == State.CLOSE:
                self.changed(task)
                raise LinuxError(E.ENOTCONN)
            if how & SEND_SHUT:
                self._finish(task)
            self.far.stir()  # What comes may be refused from now on.
        self.changed(task)

    def _finish(self, task: Thread) -> None:
        """tcp_send_fin and its answer: who was told before is through, and the one who told it waits a while."""
        if self.state == State.ESTABLISHED:
            self.state = State.FIN_WAIT2
            self.far.finish(task)
        elif self.state == State.CLOSE_WAIT:
            far = self.far
            self._end(task)
            far.finish(task)

    def close(self, task: Thread) -> None:
        """__tcp_close. Unread data, and SO_LINGER of no time, make it a reset."""
        from pcomponent.files.inet import connecting

        self.gone = True
        far, unread = self.far, self.inbox.length
        self.ports(task).hold(-unread)
        self.inbox = Bytes()
        self.urgent = None
        if self.state == State.LISTEN:
            connecting.stop_listening(task, self)
        elif self.state == State.SYN_SENT:
            connecting.hang_up(self)
            self.state = State.CLOSE
        elif self.state != State.CLOSE and (unread or self._lingers_not()):
            self._end(task)
            far.reset(task)
        else:
            self._finish(task)
            far.leave(task)
            far.stir()
        self.shut = BOTH_SHUT
        self.changed(task)
        if self.state == State.FIN_WAIT2:
            self._retire(task)
        elif not self.expires_ns:
            self.ports(task).release(self)

    def _lingers_not(self) -> bool:
        on, seconds = _LINGER.unpack(self.options.get(SO_LINGER, bytes(_LINGER.size)))
        return bool(on and not seconds)

    # ---- what else -----------------------------------------------------------------------------------

    def changes(self, task: Thread) -> list[Change]:
        """Its own, and room for all streams."""
        return [*super().changes(task), self.ports(task).eased]

    def resized(self) -> None:
        """The window for the other end is another one too."""
        super().resized()
        self.far.stir()

    def poll(self, task: Thread, events: int, wait_ms: int = 0) -> int:
        """tcp_poll."""
        found = self._poll(task)
        if (self.polls_outside or self.called is not None) and not found & events:
            self.look(task, wait_ms)
            found = self._poll(task)
        return found

    def _poll(self, task: Thread) -> int:
        if self.state == State.LISTEN:
            return POLLIN | POLLRDNORM if self.arrivals else 0
        found = POLLERR if self.error else 0
        if self.shut == BOTH_SHUT or self.state == State.CLOSE:
            found |= POLLHUP
        if self.shut & RECEIVE_SHUT:
            found |= POLLIN | POLLRDNORM | POLLRDHUP
        if self.state == State.SYN_SENT:
            return found
        low = INT.unpack(self.options.get(SO_RCVLOWAT, b"\1\0\0\0"))[0]
        if self.inbox.length >= max(1, low) + urgent.hidden(self):
            found |= POLLIN | POLLRDNORM
        if urgent.waits(self):
            found |= POLLPRI
        if self.shut & SEND_SHUT or self.state == State.CLOSE or self.has_send_room(task):
            found |= POLLOUT | POLLWRNORM
        else:
            self.starved = True
        return found

    def ioctl(self, task: Thread, request: int, argument: int) -> int:
        """FIONREAD, TIOCOUTQ, SIOCATMARK; and what is about interfaces. EINVAL when it listens."""
        if request not in (FIONREAD, TIOCOUTQ, SIOCATMARK):
            return super().ioctl(task, request, argument)
        if self.state == State.LISTEN and request != SIOCATMARK:
            raise LinuxError(E.EINVAL)
        self.look(task)
        if request == FIONREAD:
            found = min(urgent.before(self), self.receive_buffer)
        else:
            found = self.far.unread() if request == TIOCOUTQ else int(urgent.met(self))
        task.memory.write_struct(INT, argument, found)
        return 0
