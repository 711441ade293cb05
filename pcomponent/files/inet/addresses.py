"""Internet addresses: what a struct sockaddr_in says, and which addresses are the machine's own.

A vNode is a host with two interfaces, lo with 127.0.0.1/8 and eth0 with the machine's address (the machine file's
`address`), alone in its network: nothing else can be reached. Source: ip(7), net/ipv4/route.c, net/ipv4/devinet.c.
"""

from __future__ import annotations

import ipaddress
import struct
from typing import TYPE_CHECKING, NamedTuple

from lego.linux.errno import E, LinuxError

if TYPE_CHECKING:
    from pcomponent.process import Thread

_FAMILY = 2
_SOCKADDR = struct.Struct("<H2sI8x")
_PORT = struct.Struct(">H")
SOCKADDR_BYTES = _SOCKADDR.size
ANY, LOOPBACK, BROADCAST = 0, 0x7F000001, 0xFFFFFFFF
_LOOPBACK_BROADCAST = 0x7FFFFFFF


class Address(NamedTuple):
    """An address (in host order) and a port."""

    ip: int = ANY
    port: int = 0

    def pack(self) -> bytes:
        """A struct sockaddr_in."""
        ip = int.from_bytes(self.ip.to_bytes(4, "big"), "little")
        return _SOCKADDR.pack(_FAMILY, _PORT.pack(self.port), ip)


def family_of(raw: bytes) -> int:
    """sa_family."""
    return int.from_bytes(raw[:2], "little")


def unpack(raw: bytes, unspecified: bool = False) -> Address:
    """What a struct sockaddr_in of the guest says. EINVAL when it is too short; EAFNOSUPPORT for another family;
    `unspecified` lets AF_UNSPEC pass for AF_INET, as sendto(2) does."""
    if len(raw) < SOCKADDR_BYTES:
        raise LinuxError(E.EINVAL)
    family = family_of(raw)
    if family != _FAMILY and not (unspecified and not family):
        raise LinuxError(E.EAFNOSUPPORT)
    _, port, _ = _SOCKADDR.unpack_from(raw)
    return Address(int.from_bytes(raw[4:8], "big"), _PORT.unpack(port)[0])


def own_address(task: Thread) -> int:
    """The vNode's address on eth0."""
    return int(ipaddress.IPv4Address(task.kernel.config.address))


def outside_address(task: Thread) -> int:
    """As what the host appears to a guest: the last address of the /24 that the vNode's address is in, or the one
    before it when that is the vNode's own."""
    own = own_address(task)
    last = own & ~0xFF | 0xFE
    return last if last != own else last - 1


def is_local(task: Thread, ip: int) -> bool:
    """Whether an address is the vNode's own."""
    return (ip >> 24 == 127 and ip != _LOOPBACK_BROADCAST) or ip == own_address(task)


def is_many(ip: int) -> bool:
    """Whether an address stands for several hosts: multicast or broadcast."""
    return ip >> 28 == 0xE or ip in (BROADCAST, _LOOPBACK_BROADCAST)


def can_bind(task: Thread, ip: int) -> bool:
    """Whether a socket may have an address (inet_addr_valid_or_nonlocal)."""
    return ip == ANY or is_local(task, ip) or is_many(ip)


def route(task: Thread, ip: int, source: int) -> tuple[int, int]:
    """ip_route_connect: (where it goes, from which address). ENETUNREACH for what is not in the machine."""
    if ip == ANY:  # The host itself, as the address that it is asked from.
        ip = source or LOOPBACK
    if is_many(ip):
        if ip != _LOOPBACK_BROADCAST:
            raise LinuxError(E.ENETUNREACH)
        return ip, source or LOOPBACK
    if not is_local(task, ip):
        raise LinuxError(E.ENETUNREACH)
    return ip, source or (LOOPBACK if ip >> 24 == 127 else ip)
