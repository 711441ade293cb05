"""AF_NETLINK with NETLINK_ROUTE: dumps of links, addresses and routes, which getifaddrs(3) and getaddrinfo(3) ask for.

Requests are answered at once into the socket's own queue. Everything else of rtnetlink is EOPNOTSUPP, in its error
message as Linux gives it; changes are EPERM. Sources: netlink(7), rtnetlink(7), net/core/rtnetlink.c.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from lego.linux.errno import E, LinuxError
from pcomponent.files.base import POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM, Blocking
from pcomponent.files.inet.interfaces import IFF_BROADCAST, Interface, interfaces
from pcomponent.files.socket import AF_INET, AF_NETLINK, AF_UNSPEC, OOB, PEEK, POLLWRBAND, Received, Socket
from pcomponent.waiting import Wait, Wake

if TYPE_CHECKING:
    from pcomponent.process import Thread

NETLINK_ROUTE = 0
_SOCKADDR = struct.Struct("<HxxII")
_HEADER = struct.Struct("<IHHII")
_ATTRIBUTE = struct.Struct("<HH")
_INT = struct.Struct("<I")
NLMSG_ERROR, NLMSG_DONE = 2, 3
_RTM_NEWLINK, _RTM_GETLINK, _RTM_NEWADDR, _RTM_GETADDR, _RTM_NEWROUTE, _RTM_GETROUTE = 16, 18, 20, 22, 24, 26
_F_REQUEST, _F_MULTI, _F_ACK, _F_DUMP = 0x1, 0x2, 0x4, 0x300
_IFLA_ADDRESS, _IFLA_BROADCAST, _IFLA_NAME, _IFLA_MTU, _IFLA_QDISC, _IFLA_TXQLEN, _IFLA_OPERSTATE = (
    1,
    2,
    3,
    4,
    6,
    13,
    16,
)
_IFA_ADDRESS, _IFA_LOCAL, _IFA_LABEL, _IFA_CACHEINFO = 1, 2, 3, 6
_RTA_DST, _RTA_OIF, _RTA_PREFSRC, _RTA_TABLE = 1, 4, 7, 15
_PERMANENT, _TABLE_LOCAL, _PROTO_KERNEL, _SCOPE_HOST, _RTN_LOCAL = 0x80, 255, 2, 254, 2
_FOREVER = 0xFFFFFFFF
QUEUE_MAX = 256
"""Answers that wait; a request more is ENOBUFS."""


class NetlinkSocket(Socket):
    """One socket."""

    family = AF_NETLINK

    def __init__(self, task: Thread, kind: int, flags: int, protocol: int) -> None:
        super().__init__(task, kind, flags, protocol)
        self.port = 0
        self.groups = 0
        self.queue: deque[bytes] = deque()

    # ---- names ---------------------------------------------------------------------------------------

    def _address(self, raw: bytes) -> tuple[int, int]:
        if len(raw) < _SOCKADDR.size:
            raise LinuxError(E.EINVAL)
        family, port, groups = _SOCKADDR.unpack_from(raw)
        if family != AF_NETLINK:
            raise LinuxError(E.EINVAL)
        return port, groups

    def bind(self, task: Thread, raw: bytes) -> None:
        """netlink_bind: port 0 is chosen. EINVAL for a second one."""
        port, groups = self._address(raw)
        if self.port and port != self.port:
            raise LinuxError(E.EINVAL)
        self.groups = groups
        self.port = port or self.port or self._choose(task)

    def _choose(self, task: Thread) -> int:
        """netlink_autobind: the process's id, and for a second socket something that is nobody's."""
        mine = [file for file in task.process.files.files() if isinstance(file, NetlinkSocket)]
        taken = {file.port for file in mine}
        port = task.process.pid
        return port if port not in taken else (1 << 31) + self.ino

    def connect(self, task: Thread, raw: bytes) -> Generator[Wait, Wake, int]:
        """To the kernel, the only one there is. ECONNREFUSED."""
        if int.from_bytes(raw[:2], "little") != AF_UNSPEC and self._address(raw)[0]:
            raise LinuxError(E.ECONNREFUSED)
        self.port = self.port or self._choose(task)
        return 0
        yield

    def name(self) -> bytes:
        """A struct sockaddr_nl."""
        return _SOCKADDR.pack(AF_NETLINK, self.port, self.groups)

    def peer_name(self) -> bytes:
        """The kernel."""
        return _SOCKADDR.pack(AF_NETLINK, 0, 0)

    # ---- asking --------------------------------------------------------------------------------------

    def outgoing(self, task: Thread, length: int, flags: int, address: bytes | None, ancillary: bytes) -> None:
        """netlink_sendmsg. EOPNOTSUPP; ECONNREFUSED for another address than the kernel's; EMSGSIZE; ENOBUFS."""
        if flags & OOB:
            raise LinuxError(E.EOPNOTSUPP)
        if address is not None and self._address(address)[0]:
            raise LinuxError(E.ECONNREFUSED)
        if length > self.send_buffer - 32:
            raise LinuxError(E.EMSGSIZE)
        if len(self.queue) > QUEUE_MAX:
            raise LinuxError(E.ENOBUFS)
        self.port = self.port or self._choose(task)

    def send_message(self, task: Thread, data: bytes, flags: int, outgoing: Any) -> Generator[Wait, Wake, int]:
        """Every request in it is answered before this returns."""
        at = 0
        while len(data) - at >= _HEADER.size:
            length, kind, asked, number, _ = _HEADER.unpack_from(data, at)
            if not _HEADER.size <= length <= len(data) - at:
                break
            self._answer(task, data[at : at + length], kind, asked, number)
            at += length + 3 & ~3
        return len(data)
        yield

    def _answer(self, task: Thread, message: bytes, kind: int, asked: int, number: int) -> None:
        if not asked & _F_REQUEST or kind < _RTM_NEWLINK:
            return
        family = message[_HEADER.size] if len(message) > _HEADER.size else 0
        makers = {_RTM_GETLINK: _links, _RTM_GETADDR: _addresses, _RTM_GETROUTE: _routes}
        maker = makers.get(kind)
        if maker is not None and asked & _F_DUMP == _F_DUMP:
            new = {_RTM_GETLINK: _RTM_NEWLINK, _RTM_GETADDR: _RTM_NEWADDR, _RTM_GETROUTE: _RTM_NEWROUTE}[kind]
            bodies = maker(task) if family in (AF_UNSPEC, AF_INET) or kind == _RTM_GETLINK else []
            self._put(task, b"".join(self._message(new, _F_MULTI, number, body) for body in bodies))
            self._put(task, self._message(NLMSG_DONE, _F_MULTI, number, bytes(4)))
            return
        error = E.EOPNOTSUPP if kind % 4 == 2 else E.EPERM
        self._put(task, self._message(NLMSG_ERROR, 0, number, struct.pack("<i", -error) + message))

    def _message(self, kind: int, flags: int, number: int, body: bytes) -> bytes:
        raw = _HEADER.pack(_HEADER.size + len(body), kind, flags, number, self.port) + body
        return raw + bytes(-len(raw) % 4)

    def _put(self, task: Thread, message: bytes) -> None:
        if message:
            self.queue.append(message)
            self.came.happened(task)

    def tell(self, task: Thread, message: bytes) -> None:
        """A message from another part of the kernel, of any form; lost when too many wait (netlink_sendskb)."""
        if self.references > 0 and len(self.queue) <= QUEUE_MAX:
            self._put(task, message)

    # ---- reading the answers -------------------------------------------------------------------------

    def read(self, task: Thread, length: int) -> Blocking:
        """read(2)."""
        return (yield from self.receive(task, length)).data if length else b""

    def receive(self, task: Thread, length: int, flags: int = 0) -> Generator[Wait, Wake, Received]:
        """netlink_recvmsg: one piece of an answer."""
        if flags & OOB:
            raise LinuxError(E.EOPNOTSUPP)
        while not self.queue:
            if self.hurried(flags):
                raise LinuxError(E.EAGAIN)
            yield from self.wait(task, lambda: self.queue, self.came, self.receive_timeout_ns)
        data = self.queue[0] if flags & PEEK else self.queue.popleft()
        return Received(data[:length], len(data), self.peer_name())

    def poll(self, task: Thread, events: int, wait_ms: int = 0) -> int:
        """datagram_poll."""
        return POLLOUT | POLLWRNORM | POLLWRBAND | (POLLIN | POLLRDNORM if self.queue else 0)


def _attribute(kind: int, value: bytes) -> bytes:
    raw = _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), kind) + value
    return raw + bytes(-len(raw) % 4)


def _links(task: Thread) -> list[bytes]:
    """struct ifinfomsg and attributes, one an interface."""
    return [_link(each) for each in interfaces(task)]


def _link(each: Interface) -> bytes:
    broadcast = b"\xff" * 6 if each.flags & IFF_BROADCAST else bytes(6)
    return struct.pack("<BxHiII", AF_UNSPEC, each.kind, each.number, each.flags, 0) + b"".join(
        (
            _attribute(_IFLA_NAME, each.name.encode() + b"\0"),
            _attribute(_IFLA_TXQLEN, _INT.pack(each.queue)),
            _attribute(_IFLA_OPERSTATE, b"\0" if each.name == "lo" else b"\6"),
            _attribute(_IFLA_QDISC, b"noqueue\0"),
            _attribute(_IFLA_MTU, _INT.pack(each.mtu)),
            _attribute(_IFLA_ADDRESS, each.hardware),
            _attribute(_IFLA_BROADCAST, broadcast),
        )
    )


def _addresses(task: Thread) -> list[bytes]:
    """struct ifaddrmsg and attributes, one an interface."""
    return [
        struct.pack("<BBBBI", AF_INET, each.prefix, _PERMANENT, each.scope, each.number)
        + _attribute(_IFA_ADDRESS, each.ip.to_bytes(4, "big"))
        + _attribute(_IFA_LOCAL, each.ip.to_bytes(4, "big"))
        + _attribute(_IFA_LABEL, each.name.encode() + b"\0")
        + _attribute(_IFA_CACHEINFO, struct.pack("<IIII", _FOREVER, _FOREVER, 0, 0))
        for each in interfaces(task)
    ]


def _routes(task: Thread) -> list[bytes]:
    """struct rtmsg and attributes: the host's own addresses, in the table `local`."""
    found = []
    for each in interfaces(task):
        network = each.ip & each.netmask
        found.append(
            struct.pack(
                "<BBBBBBBBI", AF_INET, each.prefix, 0, 0, _TABLE_LOCAL, _PROTO_KERNEL, _SCOPE_HOST, _RTN_LOCAL, 0
            )
            + _attribute(_RTA_TABLE, _INT.pack(_TABLE_LOCAL))
            + _attribute(_RTA_DST, network.to_bytes(4, "big"))
            + _attribute(_RTA_PREFSRC, each.ip.to_bytes(4, "big"))
            + _attribute(_RTA_OIF, _INT.pack(each.number))
        )
    return found
