"""/proc/net: the sockets, interfaces and routes of a vNode. Source: net/ipv4/tcp_ipv4.c, udp.c, net/core/net-procfs.c,
net/unix/af_unix.c, net/ipv4/fib_trie.c.

Interfaces count nothing, since nothing is cut into packets: their figures are 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from pcomponent.files.inet.addresses import Address
from pcomponent.files.inet.base import InetSocket
from pcomponent.files.inet.datagram import DatagramSocket
from pcomponent.files.inet.interfaces import interfaces
from pcomponent.files.inet.options import SOL_TCP, SOL_UDP
from pcomponent.files.inet.stream import StreamSocket

if TYPE_CHECKING:
    from pcomponent.process import Thread

_HEAD = "sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"
_TCP_HEAD, _UDP_HEAD = "  " + _HEAD, "   " + _HEAD + " ref pointer drops"
_LINE = 149
"""Every line of the table of streams is filled up to so many characters, ..."""
_UDP_LINE = 127
"""... and of datagrams."""
_DEV_HEAD = (
    "Inter-|   Receive                                                |  Transmit\n"
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier "
    "compressed\n"
)
_DEV_WIDTHS = (8, 7, 4, 4, 4, 5, 10, 9, 8, 7, 4, 4, 4, 5, 7, 10)
_ROUTE_HEAD = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT"
_SO_ACCEPTCON = 1 << 16


def _address(address: Address) -> str:
    ip = int.from_bytes(address.ip.to_bytes(4, "big"), "little")
    return f"{ip:08X}:{address.port:04X}"


def _line(slot: int, width: int, socket: InetSocket, sent: int, held: int) -> str:
    inode = 0 if isinstance(socket, StreamSocket) and socket.gone else socket.ino
    return (
        f"{slot:{width}}: {_address(socket.local)} {_address(socket.remote)} {socket.tcp_state:02X} "
        f"{sent:08X}:{held:08X} 00:00000000 00000000 {socket.owner:5d} {0:8d} {inode}"
    )


def tcp(task: Thread) -> str:
    """/proc/net/tcp."""
    sockets = task.kernel.rendezvous.ports.sockets((task.process.vnode, SOL_TCP))
    shown = [each for each in sockets if isinstance(each, StreamSocket) and each.tcp_state != 7]
    lines = [_TCP_HEAD.ljust(_LINE)]
    for slot, each in enumerate(sorted(shown, key=lambda each: not each.listens)):
        held = len(each.arrivals) if each.listens else min(each.inbox.length, each.receive_buffer)
        text = _line(slot, 4, each, each.far.unread(), held)
        lines.append(f"{text} 1 0000000000000000 100 0 0 10 0".ljust(_LINE))
    return "\n".join(lines) + "\n"


def udp(task: Thread) -> str:
    """/proc/net/udp."""
    sockets = task.kernel.rendezvous.ports.sockets((task.process.vnode, SOL_UDP))
    lines = [_UDP_HEAD.ljust(_UDP_LINE)]
    for slot, each in enumerate(sockets):
        if isinstance(each, DatagramSocket):
            lines.append(f"{_line(slot, 5, each, 0, each.held)} 2 0000000000000000 {each.drops}".ljust(_UDP_LINE))
    return "\n".join(lines) + "\n"


def unix(task: Thread) -> str:
    """/proc/net/unix: the sockets that have a name."""
    lines = ["Num       RefCount Protocol Flags    Type St Inode Path"]
    sockets = {id(each): each for each in task.kernel.rendezvous.sockets.values()}
    for each in sorted(sockets.values(), key=lambda each: each.ino):
        abstract = each.address[2:3] == b"\0"
        if abstract and each.key is not None and each.key[0] != task.process.vnode:
            continue
        name = b"@" + each.address[3:] if abstract else each.address[2:].rstrip(b"\0")
        text = name.replace(b"\0", b"@").decode(errors="surrogateescape")
        flags, state = (_SO_ACCEPTCON, 1) if each.listening else (0, 3 if each.connected else 1)
        lines.append(f"{0:016X}: {2:08X} {0:08X} {flags:08X} {each.kind:04X} {state:02X} {each.ino:5d} {text}")
    return "\n".join(lines) + "\n"


def dev(task: Thread) -> str:
    """/proc/net/dev."""
    figures = " ".join(f"{0:{width}d}" for width in _DEV_WIDTHS)
    return _DEV_HEAD + "".join(f"{each.name:>6}: {figures}\n" for each in interfaces(task))


def route(task: Thread) -> str:
    """/proc/net/route: the main table, which is empty as nothing outside can be reached."""
    return _ROUTE_HEAD.ljust(127) + "\n"


def arp(task: Thread) -> str:
    """/proc/net/arp: no neighbours."""
    return "IP address       HW type     Flags       HW address            Mask     Device\n"


TEXTS: Mapping[str, Callable[[Thread], str]] = {
    "arp": arp,
    "dev": dev,
    "route": route,
    "tcp": tcp,
    "udp": udp,
    "unix": unix,
}
"""What is in /proc/PID/net, by name."""
