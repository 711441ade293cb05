"""The network interfaces of a vNode, lo and eth0, and the ioctl requests about them. Source: netdevice(7),
net/core/dev_ioctl.c, net/ipv4/devinet.c."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from lego.linux.errno import E, LinuxError
from pcomponent.credentials import NET_ADMIN
from pcomponent.files.inet.addresses import LOOPBACK, Address, own_address

if TYPE_CHECKING:
    from pcomponent.process import Thread

IFF_UP, IFF_BROADCAST, IFF_LOOPBACK, IFF_RUNNING, IFF_MULTICAST, IFF_LOWER_UP = 0x1, 0x2, 0x8, 0x40, 0x1000, 0x10000
ARPHRD_ETHER, ARPHRD_LOOPBACK = 1, 772
_NAME = 0x8910
_CONF = 0x8912
_FLAGS, _ADDR, _DSTADDR, _BRDADDR, _NETMASK, _METRIC = 0x8913, 0x8915, 0x8917, 0x8919, 0x891B, 0x891D
_MTU, _HWADDR, _INDEX, _MAP, _TXQLEN = 0x8921, 0x8927, 0x8933, 0x8970, 0x8942
_ADDRESSES = (_ADDR, _DSTADDR, _BRDADDR, _NETMASK)
_SETTERS = (0x8914, 0x8916, 0x8918, 0x891A, 0x891C, 0x891E, 0x8922, 0x8923, 0x8924, 0x8943, 0x890B, 0x890C)
"""SIOCSIFFLAGS, ...ADDR, ...DSTADDR, ...BRDADDR, ...NETMASK, ...METRIC, ...MTU, ...NAME, ...HWADDR, ...TXQLEN,
SIOCADDRT, SIOCDELRT."""
_IFREQ_BYTES, _NAME_BYTES = 40, 16
_IFCONF = struct.Struct("<i4xQ")
_INT = struct.Struct("<i")


class Interface(NamedTuple):
    """One network interface."""

    number: int
    name: str
    kind: int
    """ARPHRD_*."""
    flags: int
    mtu: int
    queue: int
    """txqueuelen."""
    hardware: bytes
    ip: int
    prefix: int
    """Bits of the network part."""
    scope: int
    """RT_SCOPE_*: 254 is the host alone, 0 everywhere."""

    @property
    def netmask(self) -> int:
        """As a number in host order."""
        return (0xFFFFFFFF << 32 - self.prefix) & 0xFFFFFFFF


def interfaces(task: Thread) -> tuple[Interface, ...]:
    """All of them, by index. eth0's hardware address is made from its internet address."""
    own = own_address(task)
    up = IFF_UP | IFF_RUNNING | IFF_LOWER_UP
    return (
        Interface(1, "lo", ARPHRD_LOOPBACK, up | IFF_LOOPBACK, 65536, 1000, bytes(6), LOOPBACK, 8, 254),
        Interface(
            2, "eth0", ARPHRD_ETHER, up | IFF_BROADCAST | IFF_MULTICAST, 1500, 1000,
            b"\x02\x00" + own.to_bytes(4, "big"), own, 32, 0,
        ),
    )  # fmt: skip


def control(task: Thread, request: int, argument: int, internet: bool) -> int:
    """ioctl(2) of any socket; `internet` is whether it is one of AF_INET, which alone knows addresses. ENODEV for an
    interface that there is not; EPERM for what changes one; ENOTTY."""
    if request == _CONF:
        return _list(task, argument)
    if request == _NAME:
        return _name(task, argument)
    if request in _SETTERS:
        if not task.credentials.capable(NET_ADMIN):
            raise LinuxError(E.EPERM)
        raise LinuxError(E.EOPNOTSUPP)
    if request not in _ANSWERS or (request in _ADDRESSES and not internet):
        raise LinuxError(E.ENOTTY)
    name = task.memory.read(argument, _NAME_BYTES).split(b"\0", 1)[0][: _NAME_BYTES - 1]
    found = next((each for each in interfaces(task) if each.name.encode() == name), None)
    if found is None:
        raise LinuxError(E.ENODEV)
    task.memory.write(argument + _NAME_BYTES, _ANSWERS[request](found))
    return 0


def _ip(ip: int) -> bytes:
    return Address(ip).pack()


_ANSWERS: dict[int, Callable[[Interface], bytes]] = {
    _FLAGS: lambda each: (each.flags & 0xFFFF).to_bytes(2, "little"),
    _ADDR: lambda each: _ip(each.ip),
    _DSTADDR: lambda each: _ip(each.ip),
    _BRDADDR: lambda each: _ip(0),
    _NETMASK: lambda each: _ip(each.netmask),
    _METRIC: lambda each: _INT.pack(0),
    _MTU: lambda each: _INT.pack(each.mtu),
    _HWADDR: lambda each: each.kind.to_bytes(2, "little") + each.hardware + bytes(8),
    _INDEX: lambda each: _INT.pack(each.number),
    _MAP: lambda each: bytes(24),
    _TXQLEN: lambda each: _INT.pack(each.queue),
}
"""What a request puts behind the name in a struct ifreq."""


def _list(task: Thread, argument: int) -> int:
    """SIOCGIFCONF: as many struct ifreq as there is room for; without a buffer, how much room they need."""
    room, pointer = task.memory.read_struct(_IFCONF, argument)
    requests = [each.name.encode().ljust(_NAME_BYTES, b"\0") + _ip(each.ip) for each in interfaces(task)]
    raw = b"".join(each.ljust(_IFREQ_BYTES, b"\0") for each in requests)
    if pointer:
        raw = raw[: max(0, room) // _IFREQ_BYTES * _IFREQ_BYTES]
        task.memory.write(pointer, raw)
    task.memory.write_struct(_INT, argument, len(raw))
    return 0


def _name(task: Thread, argument: int) -> int:
    """SIOCGIFNAME: the name of an index."""
    (index,) = task.memory.read_struct(_INT, argument + _NAME_BYTES)
    found = next((each for each in interfaces(task) if each.number == index), None)
    if found is None:
        raise LinuxError(E.ENODEV)
    task.memory.write(argument, found.name.encode().ljust(_NAME_BYTES, b"\0"))
    return 0
