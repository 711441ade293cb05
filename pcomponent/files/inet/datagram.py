"""AF_INET datagrams: what UDP shows to programs, between the sockets of a machine.

A datagram lies in its receiver's queue at once, or is lost when there is no room, as on Linux. When nobody has the
port, a connected sender learns it (ECONNREFUSED). Sources: net/ipv4/udp.c, datagram.c, ip(7), udp(7).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from typing import TYPE_CHECKING, NamedTuple

from lego.linux.errno import E, LinuxError
from pcomponent.files.base import (
    POLLERR,
    POLLHUP,
    POLLIN,
    POLLOUT,
    POLLRDNORM,
    POLLWRNORM,
    Blocking,
)
from pcomponent.files.inet import ancillary
from pcomponent.files.inet.addresses import SOCKADDR_BYTES, Address, family_of, is_many, route, unpack
from pcomponent.files.inet.ancillary import ErrorReport, Extras
from pcomponent.files.inet.base import INT, InetSocket
from pcomponent.files.inet.options import IP_RECVERR, SOL_IP, SOL_UDP, UDP_CORK
from pcomponent.files.socket import (
    AF_UNSPEC,
    DATAGRAM,
    ERRQUEUE,
    FIONREAD,
    LETTER_OVERHEAD,
    MORE,
    OOB,
    PEEK,
    POLLRDHUP,
    POLLWRBAND,
    RECEIVE_SHUT,
    SEND_SHUT,
    TIOCOUTQ,
    Received,
)
from pcomponent.waiting import Wait, Wake

if TYPE_CHECKING:
    from pcomponent.process import Thread

LENGTH_MAX, DATA_MAX = 0xFFFF, 65507
"""What a length field holds; what fits behind the headers of IP and UDP."""
SO_BROADCAST, SO_SELECT_ERR_QUEUE = 6, 45
ERRORS_MAX = 64
"""Reports that wait in an error queue."""


class Datagram(NamedTuple):
    """One that has arrived."""

    data: bytes
    source: Address
    extras: Extras


class Outgoing(NamedTuple):
    """Where a datagram goes, and what its ancillary data say."""

    to: Address
    source: int
    tos: int
    ttl: int


class DatagramSocket(InetSocket):
    """One socket of SOCK_DGRAM."""

    def __init__(self, task: Thread, flags: int = 0) -> None:
        super().__init__(task, DATAGRAM, flags, SOL_UDP)
        self.queue: deque[Datagram] = deque()
        self.held = 0
        """What the queue costs, for SO_RCVBUF."""
        self.errors: deque[ErrorReport] = deque()
        self.corked: tuple[Outgoing, bytes] | None = None
        """What MSG_MORE and UDP_CORK have gathered so far."""
        self.drops = 0

    # ---- names ---------------------------------------------------------------------------------------

    def peer_name(self) -> bytes:
        """inet_getname. ENOTCONN."""
        if not self.remote.port:
            raise LinuxError(E.ENOTCONN)
        return self.remote.pack()

    def connect(self, task: Thread, raw: bytes) -> Generator[Wait, Wake, int]:
        """inet_dgram_connect: from now on it talks to one address alone. AF_UNSPEC dissolves that."""
        if len(raw) < 2:
            raise LinuxError(E.EINVAL)
        if family_of(raw) == AF_UNSPEC:
            self._disconnect(task)
            return 0
        self.autobind(task)
        wanted = unpack(raw)
        ip, source = route(task, wanted.ip, self.local.ip)
        if is_many(ip) and not any(self.options.get(SO_BROADCAST, b"")):
            raise LinuxError(E.EACCES)
        self.local = self.local._replace(ip=source)
        self.remote = Address(ip, wanted.port)
        return 0
        yield

    def _disconnect(self, task: Thread) -> None:
        """__udp_disconnect."""
        self.remote = Address()
        if not self.keeps_port:
            self.ports(task).release(self)
            self.local = self.local._replace(port=0)
        if not self.keeps_ip:
            self.local = self.local._replace(ip=0)

    # ---- sending -------------------------------------------------------------------------------------

    def outgoing(self, task: Thread, length: int, flags: int, address: bytes | None, control: bytes) -> Outgoing:
        """udp_sendmsg, up to the data. EMSGSIZE; EOPNOTSUPP; EDESTADDRREQ; EINVAL; EACCES; ENETUNREACH."""
        self.autobind(task)
        if length > LENGTH_MAX:
            raise LinuxError(E.EMSGSIZE)
        if flags & OOB:
            raise LinuxError(E.EOPNOTSUPP)
        if self.corked is not None:
            found = self.corked[0]
        else:
            found = self._where(task, address, control)
        before = len(self.corked[1]) if self.corked is not None else 0
        if length + before > DATA_MAX:
            raise LinuxError(E.EMSGSIZE)
        return found

    def _where(self, task: Thread, address: bytes | None, control: bytes) -> Outgoing:
        if address:
            if len(address) < SOCKADDR_BYTES:
                raise LinuxError(E.EINVAL)
            wanted = unpack(address, unspecified=True)
            if not wanted.port:
                raise LinuxError(E.EINVAL)
        elif self.remote.port:
            wanted = self.remote
        else:
            raise LinuxError(E.EDESTADDRREQ)
        said = ancillary.read(self, control)
        own = said.source or (0 if is_many(self.local.ip) else self.local.ip)
        ip, source = route(task, wanted.ip, own)
        if is_many(ip) and not any(self.options.get(SO_BROADCAST, b"")):
            raise LinuxError(E.EACCES)
        return Outgoing(Address(ip, wanted.port), source, said.tos, said.ttl)

    def send_message(self, task: Thread, data: bytes, flags: int, outgoing: Outgoing) -> Generator[Wait, Wake, int]:
        """Sends it, or gathers it."""
        self.raise_error()
        if self.shut & SEND_SHUT:
            raise LinuxError(E.EPIPE)
        before = self.corked[1] if self.corked is not None else b""
        self.corked = None
        if flags & MORE or self.option(SOL_UDP, UDP_CORK):
            self.corked = (outgoing, before + data)
        else:
            self._send(task, before + data, outgoing)
        return len(data)
        yield

    def _send(self, task: Thread, data: bytes, outgoing: Outgoing) -> None:
        source = Address(outgoing.source, self.local.port)
        receiver = self.ports(task).receiver(self.table, outgoing.to, source)
        if isinstance(receiver, DatagramSocket):
            extras = Extras(outgoing.to.ip, outgoing.tos, outgoing.ttl, task.kernel.realtime_ns(task))
            receiver.arrive(task, Datagram(data, source, extras))
        elif not is_many(outgoing.to.ip):
            self._refused(task, outgoing.to, data)

    def _refused(self, task: Thread, to: Address, data: bytes) -> None:
        """Nobody has the port: __udp4_lib_err, with an ICMP message of the host that was asked."""
        reports = self.option(SOL_IP, IP_RECVERR)
        if reports and len(self.errors) < ERRORS_MAX:
            self.errors.append(ErrorReport(E.ECONNREFUSED, to, data))
        if reports or self.remote.port:
            self.error = E.ECONNREFUSED
            self.changed(task)

    def set_option(self, task: Thread, level: int, name: int, value: bytes) -> None:
        """Besides what all have: what was gathered goes when UDP_CORK is taken away."""
        super().set_option(task, level, name, value)
        if (level, name) == (SOL_UDP, UDP_CORK) and not self.option(level, name) and self.corked is not None:
            outgoing, data = self.corked
            self.corked = None
            self._send(task, data, outgoing)

    # ---- receiving -----------------------------------------------------------------------------------

    def arrive(self, task: Thread, datagram: Datagram) -> None:
        """Into the queue, if there is room (__udp_enqueue_schedule_skb)."""
        if self.held > self.receive_buffer:
            self.drops += 1
            return
        self.held += len(datagram.data) + LETTER_OVERHEAD
        self.queue.append(datagram)
        self.came.happened(task)

    def read(self, task: Thread, length: int) -> Blocking:
        """read(2)."""
        if not length:
            return b""
        return (yield from self.receive(task, length)).data

    def receive(self, task: Thread, length: int, flags: int = 0) -> Generator[Wait, Wake, Received]:
        """udp_recvmsg: one datagram, its end lost if it is longer than the buffer."""
        if flags & ERRQUEUE:
            return self._take_report(length)
        while not self.queue:
            self.raise_error()
            if self.hurried(flags):
                raise LinuxError(E.EAGAIN)
            if self.shut & RECEIVE_SHUT:
                return Received()
            yield from self.wait(
                task,
                lambda: self.queue or self.error or self.shut & RECEIVE_SHUT,
                self.came,
                self.receive_timeout_ns,
            )
        found = self.queue[0]
        if not flags & PEEK:
            self.queue.popleft()
            self.held -= len(found.data) + LETTER_OVERHEAD
        control = ancillary.shown(self, found.extras)
        return Received(found.data[:length], len(found.data), found.source.pack(), control=control)

    def _take_report(self, length: int) -> Received:
        """ip_recv_error: the datagram that came to nothing, and why."""
        if not self.errors:
            raise LinuxError(E.EAGAIN)
        report = self.errors.popleft()
        if not self.errors:
            self.error = 0
        return Received(
            report.data[:length], len(report.data), report.to.pack(), control=(report.control(),), flags=ERRQUEUE
        )

    # ---- what else -----------------------------------------------------------------------------------

    def shut_down(self, task: Thread, how: int) -> None:
        """inet_shutdown. ENOTCONN, but with effect all the same."""
        self.shut |= how
        self.changed(task)
        if not self.remote.port:
            raise LinuxError(E.ENOTCONN)

    def close(self, task: Thread) -> None:
        """Its port is free again."""
        self.ports(task).release(self)
        self.queue.clear()
        self.errors.clear()
        self.held, self.corked = 0, None

    def poll(self, task: Thread, events: int, wait_ms: int = 0) -> int:
        """datagram_poll."""
        found = POLLOUT | POLLWRNORM | POLLWRBAND
        if self.error or self.errors:
            found |= POLLERR
        if self.shut & RECEIVE_SHUT:
            found |= POLLRDHUP | POLLIN | POLLRDNORM
        if self.shut == RECEIVE_SHUT | SEND_SHUT:
            found |= POLLHUP
        if self.queue:
            found |= POLLIN | POLLRDNORM
        return found

    def ioctl(self, task: Thread, request: int, argument: int) -> int:
        """FIONREAD: bytes of the next datagram. TIOCOUTQ: nothing waits to be sent. What is about interfaces."""
        if request not in (FIONREAD, TIOCOUTQ):
            return super().ioctl(task, request, argument)
        value = len(self.queue[0].data) if request == FIONREAD and self.queue else 0
        task.memory.write_struct(INT, argument, value)
        return 0
