"""Options of SOL_IP, SOL_TCP and SOL_UDP. Sources: ip(7), tcp(7), udp(7), net/ipv4/ip_sockglue.c, net/ipv4/tcp.c.

Nothing between the programs of a machine is delayed, lost or cut into segments, and nobody vanishes without a word. So
the options about that hold their values and have nothing to do; options that would have something to do and
are not in these tables are ENOPROTOOPT.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from lego.linux.errno import E, LinuxError

if TYPE_CHECKING:
    from pcomponent.files.inet.base import InetSocket

SOL_IP, SOL_TCP, SOL_UDP = 0, 6, 17
IP_TOS, IP_TTL, IP_PKTINFO, IP_RECVERR, IP_RECVTTL, IP_RECVTOS, IP_MTU, IP_FREEBIND = 1, 2, 8, 11, 12, 13, 14, 15
TCP_MAXSEG, TCP_INFO, TCP_CONGESTION = 2, 11, 13
UDP_CORK = 1
LOOPBACK_MSS, UNCONNECTED_MSS = 65483, 536
LOOPBACK_MTU = 65535
_INT = struct.Struct("<i")
_CONTROLS = (b"cubic", b"reno")
_TCP_INFO_BYTES = 104
_RTO_US = 200_000


class Number(NamedTuple):
    """An option that is a number: its default, and the values that it may have."""

    default: int
    least: int = -(1 << 31)
    most: int = (1 << 31) - 1
    flag: bool = False
    """Any other number than 0 is 1."""


_FLAG = Number(0, flag=True)
_TABLE: dict[tuple[int, int], Number] = {
    (SOL_IP, IP_TOS): Number(0),
    (SOL_IP, IP_TTL): Number(64, -1, 255),
    (SOL_IP, IP_PKTINFO): _FLAG,
    (SOL_IP, 10): Number(1, 0, 5),  # IP_MTU_DISCOVER
    (SOL_IP, IP_RECVERR): _FLAG,
    (SOL_IP, IP_RECVTTL): _FLAG,
    (SOL_IP, IP_RECVTOS): _FLAG,
    (SOL_IP, IP_FREEBIND): _FLAG,
    (SOL_IP, 21): Number(0, 0, 255),  # IP_MINTTL
    (SOL_IP, 24): _FLAG,  # IP_BIND_ADDRESS_NO_PORT
    (SOL_IP, 33): Number(1, -1, 255),  # IP_MULTICAST_TTL
    (SOL_IP, 34): Number(1, flag=True),  # IP_MULTICAST_LOOP
    (SOL_TCP, 1): _FLAG,  # TCP_NODELAY
    (SOL_TCP, TCP_MAXSEG): Number(0, 0, 32767),
    (SOL_TCP, 3): _FLAG,  # TCP_CORK
    (SOL_TCP, 4): Number(7200, 1, 32767),  # TCP_KEEPIDLE
    (SOL_TCP, 5): Number(75, 1, 32767),  # TCP_KEEPINTVL
    (SOL_TCP, 6): Number(9, 1, 127),  # TCP_KEEPCNT
    (SOL_TCP, 7): Number(6, 1, 127),  # TCP_SYNCNT
    (SOL_TCP, 8): Number(60, -1, 120),  # TCP_LINGER2
    (SOL_TCP, 12): Number(1),  # TCP_QUICKACK
    (SOL_TCP, 18): Number(0, 0),  # TCP_USER_TIMEOUT
    (SOL_UDP, UDP_CORK): _FLAG,
}


def default(level: int, name: int) -> int:
    """What a number is before it is set."""
    return _TABLE[level, name].default


def get(socket: InetSocket, level: int, name: int, room: int) -> bytes:
    """getsockopt(2), cut to `room`. EOPNOTSUPP for a level that is not the socket's; ENOPROTOOPT; EINVAL."""
    if level not in (SOL_IP, socket.protocol):
        raise LinuxError(E.EOPNOTSUPP)
    if room < 0:
        raise LinuxError(E.EINVAL)
    if level == SOL_TCP and name == TCP_INFO:
        return tcp_info(socket)[:room]
    if level == SOL_TCP and name == TCP_CONGESTION:
        return _CONTROLS[socket.values.get((level, name), 0)].ljust(16, b"\0")[:room]
    value = _value(socket, level, name)
    if level == SOL_IP and 0 < room < _INT.size and 0 <= value <= 255:
        return bytes([value])
    return _INT.pack(value)[:room]


def _value(socket: InetSocket, level: int, name: int) -> int:
    if (level, name) == (SOL_IP, IP_MTU):
        if not socket.remote.port:
            raise LinuxError(E.ENOTCONN)
        return LOOPBACK_MTU
    if (level, name) == (SOL_TCP, TCP_MAXSEG) and socket.remote.port:
        return LOOPBACK_MSS
    number = _TABLE.get((level, name))
    if number is None:
        raise LinuxError(E.ENOPROTOOPT)
    value = socket.values.get((level, name), number.default)
    return UNCONNECTED_MSS if (level, name) == (SOL_TCP, TCP_MAXSEG) and not value else value


def put(socket: InetSocket, level: int, name: int, raw: bytes) -> None:
    """setsockopt(2). ENOPROTOOPT; EINVAL for a value that it cannot have; ENOENT for an unknown congestion control."""
    if level not in (SOL_IP, socket.protocol):
        raise LinuxError(E.ENOPROTOOPT)
    if level == SOL_TCP and name == TCP_CONGESTION:
        if not raw:
            raise LinuxError(E.EINVAL)
        wanted = raw[:15].split(b"\0")[0]
        if wanted not in _CONTROLS:
            raise LinuxError(E.ENOENT)
        socket.values[level, name] = _CONTROLS.index(wanted)
        return
    if level != SOL_IP and len(raw) < _INT.size:
        raise LinuxError(E.EINVAL)
    number = _TABLE.get((level, name))
    if number is None:
        raise LinuxError(E.ENOPROTOOPT)
    value = _INT.unpack_from(raw)[0] if len(raw) >= _INT.size else (raw[0] if raw else 0)
    if number.flag:
        value = int(value != 0)
    elif not number.least <= value <= number.most or (name == IP_TTL and level == SOL_IP and value == 0):
        raise LinuxError(E.EINVAL)
    if level == SOL_IP and name in (IP_TTL, 33) and value == -1:
        value = number.default
    if level == SOL_IP and name == IP_TOS:
        value &= 0xFF if socket.protocol != SOL_TCP else 0xFC
    socket.values[level, name] = value


def tcp_info(socket: InetSocket) -> bytes:
    """struct tcp_info, its first 104 bytes: state, timeouts, sizes of segments and windows. What is about loss,
    congestion and round trips stays 0: there are none."""
    head = struct.pack("<BBBBBBBB", socket.tcp_state, 0, 0, 0, 0, 0, 0, 0)
    mss = LOOPBACK_MSS if socket.remote.port else UNCONNECTED_MSS
    numbers = [_RTO_US, 0, mss, mss, *[0] * 9, LOOPBACK_MTU, socket.receive_buffer // 2]
    return (head + b"".join(map(_INT.pack, numbers))).ljust(_TCP_INFO_BYTES, b"\0")
