"""Who has which port: the one place where sockets of a vNode find each other by address.

A socket claims a port with `claim`, is found with `listener` or `receiver`, and gives it up with `release`. A stream
that has ended keeps its port for a while (`retire`), as TIME_WAIT does. Ports are given out in their order, not at
random, so that a run repeats. Sources: net/ipv4/inet_connection_sock.c, net/ipv4/udp.c, ip(7), socket(7).
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from pcomponent.changes import Change
from pcomponent.files.inet.addresses import ANY, Address

if TYPE_CHECKING:
    from pcomponent.files.inet.base import InetSocket

FIRST_EPHEMERAL, LAST_EPHEMERAL = 32768, 60999
"""net.ipv4.ip_local_port_range."""
RETIRED_MAX = 4096
"""Ended streams whose ports are kept at once (net.ipv4.tcp_max_tw_buckets): the oldest make room."""
HELD_BYTES_MAX = 64 << 20
"""Bytes that wait in the streams of one processor before each may hold only a little (net.ipv4.tcp_mem)."""

Table = tuple[int, int]
"""A vNode and a protocol, whose ports are its own."""


class Ports:
    """The ports of all vNodes' sockets."""

    def __init__(self) -> None:
        self.held_bytes = 0
        """Bytes in the queues of all streams."""
        self.eased = Change()
        """All streams together hold less than they may again."""
        self.reset()

    def reset(self) -> None:
        """Nothing runs: the next program finds all ports free, and the same ones given out."""
        self._holders: dict[Table, dict[int, list[InetSocket]]] = {}
        self._next: dict[Table, int] = {}
        self._retired: deque[tuple[int, InetSocket]] = deque()

    def hold(self, count: int) -> None:
        """So many bytes more lie in queues, or fewer."""
        before = self.held_bytes
        self.held_bytes += count
        if before >= HELD_BYTES_MAX > self.held_bytes:
            self.eased.stir()

    def sockets(self, table: Table) -> list[InetSocket]:
        """All that have a port, by port."""
        ports = self._holders.get(table, {})
        return [socket for port in sorted(ports) for socket in ports[port]]

    # ---- claims --------------------------------------------------------------------------------------

    def claim(self, socket: InetSocket, port: int, now_ns: int) -> None:
        """Gives a socket a port for its local address. EADDRINUSE."""
        self._expire(now_ns)
        if any(_conflict(socket, other) for other in self._at(socket.table, port)):
            raise LinuxError(E.EADDRINUSE)
        self.add(socket, port)

    def add(self, socket: InetSocket, port: int) -> None:
        """Notes that a socket has a port, such as an accepted one that of its listener."""
        socket.local = socket.local._replace(port=port)
        self._holders.setdefault(socket.table, {}).setdefault(port, []).append(socket)

    def choose(self, socket: InetSocket, now_ns: int, connecting: bool = False) -> None:
        """Gives a socket a port that nobody has. EADDRINUSE; EADDRNOTAVAIL when it is for a connection, which may
        have the port of one that has ended."""
        self._expire(now_ns)
        count = LAST_EPHEMERAL - FIRST_EPHEMERAL + 1
        start = self._next.get(socket.table, 0)
        for step in range(count):
            port = FIRST_EPHEMERAL + (start + step) % count
            holders = self._at(socket.table, port)
            if not holders or (connecting and all(each.expires_ns for each in holders)):
                self._next[socket.table] = (start + step + 1) % count
                self.add(socket, port)
                return
        raise LinuxError(E.EADDRNOTAVAIL if connecting else E.EADDRINUSE)

    def release(self, socket: InetSocket) -> None:
        """Its port is no longer a socket's."""
        ports = self._holders.get(socket.table, {})
        holders = ports.get(socket.local.port, [])
        if socket in holders:
            holders.remove(socket)
            if not holders:
                del ports[socket.local.port]

    def retire(self, socket: InetSocket, until_ns: int) -> None:
        """The socket has ended; its port is still its own until a time of the virtual clock."""
        if socket in self._at(socket.table, socket.local.port):
            socket.expires_ns = until_ns
            self._retired.append((until_ns, socket))
            while len(self._retired) > RETIRED_MAX:
                self._forget(*self._retired.popleft())

    def _expire(self, now_ns: int) -> None:
        while self._retired and self._retired[0][0] <= now_ns:
            self._forget(*self._retired.popleft())

    def _forget(self, until_ns: int, socket: InetSocket) -> None:
        if socket.expires_ns == until_ns:  # Otherwise it was told to wait for longer.
            self.release(socket)
            socket.expires_ns = 0

    def _at(self, table: Table, port: int) -> list[InetSocket]:
        return self._holders.get(table, {}).get(port, [])

    def listens_twice(self, socket: InetSocket) -> bool:
        """Whether a socket that wants to listen meets another that does, at the same port, and they do not share it."""
        others = self._at(socket.table, socket.local.port)
        return any(other is not socket and other.listens and _conflict(socket, other) for other in others)

    # ---- finding -------------------------------------------------------------------------------------

    def listener(self, table: Table, at: Address, source: Address) -> InetSocket | None:
        """Who listens there. Several that share a port (SO_REUSEPORT) get connections by where they come from."""
        found = [each for each in self._at(table, at.port) if each.listens]
        return _share([each for each in found if each.local.ip == at.ip], source) or _share(
            [each for each in found if each.local.ip == ANY], source
        )

    def connection(self, table: Table, local: Address, remote: Address) -> InetSocket | None:
        """The stream with both addresses (tcp_v4_check_established), those that have ended left out."""
        for each in self._at(table, local.port):
            if each.local == local and each.remote == remote and not each.expires_ns:
                return each
        return None

    def receiver(self, table: Table, at: Address, source: Address) -> InetSocket | None:
        """Which socket a datagram is for (compute_score): connected to its source, then bound to its address."""
        best: list[InetSocket] = []
        score = 0
        for each in self._at(table, at.port):
            if each.local.ip not in (ANY, at.ip):
                continue
            if each.remote.port and each.remote != source:
                continue
            mine = 1 + (each.local.ip == at.ip) + (2 if each.remote.port else 0)
            if mine > score:
                best, score = [], mine
            if mine == score:
                best.append(each)
        return _share(best, source)


def _share(sockets: list[InetSocket], source: Address) -> InetSocket | None:
    """One of several of equal right: by the source when all share their port, else the one that came last."""
    if len(sockets) > 1 and all(each.reuses_port for each in sockets):
        return sockets[source.port % len(sockets)]
    return sockets[-1] if sockets else None


def _conflict(one: InetSocket, other: InetSocket) -> bool:
    """inet_csk_bind_conflict, inet_rcv_saddr_equal: the same address (or any), and no leave to share it."""
    if one.local.ip and other.local.ip and one.local.ip != other.local.ip:
        return False
    if one.reuses_address and other.reuses_address and not other.listens:
        return False
    same_owner = one.owner == other.owner or other.expires_ns
    return not (one.reuses_port and other.reuses_port and same_owner)
