"""Ancillary data of datagrams: where one was sent to, its TOS and TTL, when it came, and what became of one.

Source: net/ipv4/ip_sockglue.c (ip_cmsg_send, ip_cmsg_recv_offset, ip_recv_error), ip(7), socket(7).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from lego.linux.errno import E, LinuxError
from pcomponent.files.inet.addresses import Address
from pcomponent.files.inet.options import IP_PKTINFO, IP_RECVERR, IP_RECVTOS, IP_RECVTTL, IP_TOS, IP_TTL, SOL_IP
from pcomponent.files.passing import CMSG, SOL_SOCKET

if TYPE_CHECKING:
    from pcomponent.files.inet.base import InetSocket

SO_TIMESTAMP, SO_TIMESTAMPNS = 29, 35
_INT = struct.Struct("<i")
_PKTINFO = struct.Struct("<iII")
_TIME = struct.Struct("<qq")
_EXTENDED_ERROR = struct.Struct("<IBBBBII")
_ORIGIN_ICMP, _UNREACHABLE, _PORT = 2, 3, 3
_LOOPBACK_INDEX, _ETHERNET_INDEX = 1, 2


class Extras(NamedTuple):
    """What is known of a datagram besides its data and source."""

    to: int
    tos: int
    ttl: int
    came_ns: int
    """On the real-time clock."""


class Said(NamedTuple):
    """What a sender's ancillary data ask for."""

    source: int
    tos: int
    ttl: int


class ErrorReport(NamedTuple):
    """A datagram that came to nothing."""

    errno: int
    to: Address
    data: bytes

    def control(self) -> tuple[int, int, bytes]:
        """IP_RECVERR: a struct sock_extended_err, and who said it."""
        error = _EXTENDED_ERROR.pack(self.errno, _ORIGIN_ICMP, _UNREACHABLE, _PORT, 0, 0, 0)
        return SOL_IP, IP_RECVERR, error + self.to._replace(port=0).pack()


def _swapped(ip: int) -> int:
    return int.from_bytes(ip.to_bytes(4, "big"), "little")


def read(socket: InetSocket, control: bytes) -> Said:
    """The control buffer of sendmsg(2). EINVAL for what is malformed or unknown at the levels IP and SOCKET."""
    source, tos, ttl = 0, socket.option(SOL_IP, IP_TOS), socket.option(SOL_IP, IP_TTL)
    at = 0
    while len(control) - at >= CMSG.size:
        length, level, kind = CMSG.unpack_from(control, at)
        if not CMSG.size <= length <= len(control) - at:
            raise LinuxError(E.EINVAL)
        body = control[at + CMSG.size : at + length]
        at += length + 7 & ~7
        if level == SOL_SOCKET and kind not in (1, 2):  # SCM_RIGHTS and SCM_CREDENTIALS mean nothing here.
            raise LinuxError(E.EINVAL)
        if level != SOL_IP:
            continue
        if kind == IP_PKTINFO and len(body) == _PKTINFO.size:
            source = _swapped(_PKTINFO.unpack(body)[1])
        elif kind in (IP_TOS, IP_TTL) and len(body) in (1, _INT.size):
            value = int.from_bytes(body, "little", signed=len(body) > 1)
            if not (0 if kind == IP_TOS else 1) <= value <= 255:
                raise LinuxError(E.EINVAL)
            tos, ttl = (value, ttl) if kind == IP_TOS else (tos, value)
        else:
            raise LinuxError(E.EINVAL)
    return Said(source, tos, ttl)


def shown(socket: InetSocket, extras: Extras) -> tuple[tuple[int, int, bytes], ...]:
    """What a receiver asked to be told, in Linux's order."""
    found: list[tuple[int, int, bytes]] = []
    if any(socket.options.get(SO_TIMESTAMPNS, b"")):
        found.append((SOL_SOCKET, SO_TIMESTAMPNS, _TIME.pack(*divmod(extras.came_ns, 10**9))))
    elif any(socket.options.get(SO_TIMESTAMP, b"")):
        seconds, ns = divmod(extras.came_ns, 10**9)
        found.append((SOL_SOCKET, SO_TIMESTAMP, _TIME.pack(seconds, ns // 1000)))
    if socket.option(SOL_IP, IP_PKTINFO):
        index = _LOOPBACK_INDEX if extras.to >> 24 == 127 else _ETHERNET_INDEX
        to = _swapped(extras.to)
        found.append((SOL_IP, IP_PKTINFO, _PKTINFO.pack(index, to, to)))
    if socket.option(SOL_IP, IP_RECVTTL):
        found.append((SOL_IP, IP_TTL, _INT.pack(extras.ttl)))
    if socket.option(SOL_IP, IP_RECVTOS):
        found.append((SOL_IP, IP_TOS, bytes([extras.tos])))
    return tuple(found)
