"""socket, bind, connect and the other calls about connections. Source: net/socket.c, net/unix/af_unix.c.

What a family does is in `pcomponent.files`; messages are in `pcomponent.syscalls.messages`, options in
`socket_options`.
"""

from __future__ import annotations

import struct
from collections.abc import Generator
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import O_CLOEXEC, O_NONBLOCK
from pcomponent.files.inet.datagram import DatagramSocket
from pcomponent.files.inet.stream import StreamSocket
from pcomponent.files.netlink import NETLINK_ROUTE, NetlinkSocket
from pcomponent.files.socket import AF_INET, AF_NETLINK, AF_UNIX, DATAGRAM, RAW, SEQPACKET, STREAM, Socket
from pcomponent.files.unix_names import connect_pair
from pcomponent.files.unix_socket import UnixSocket
from pcomponent.syscalls.pipes import install_pair
from pcomponent.syscalls.table import syscall
from pcomponent.waiting import Wait, Wake

if TYPE_CHECKING:
    from pcomponent.process import Thread

ADDRESS_MAX = 128
"""sizeof(struct sockaddr_storage)."""
_TYPE_MASK, _TYPES, _FAMILIES = 0xF, 11, 46
_IPPROTO_TCP, _IPPROTO_UDP, _NETLINKS = 6, 17, 32
_INT = struct.Struct("<i")
_NOTE = "AF_UNIX, AF_INET (stream, datagram) and AF_NETLINK (NETLINK_ROUTE); other families are EAFNOSUPPORT"
_PAIR_NOTE = "AF_UNIX; the other families have no pairs on Linux either"
Waiting = Generator[Wait, Wake, int]


def socket_of(task: Thread, fd: int) -> Socket:
    """The socket of a descriptor. EBADF; ENOTSOCK."""
    file = task.process.files.get(fd)
    if not isinstance(file, Socket):
        raise LinuxError(E.ENOTSOCK)
    return file


def read_address(task: Thread, pointer: int, length: int) -> bytes:
    """move_addr_to_kernel. EINVAL; EFAULT."""
    if not 0 <= length <= ADDRESS_MAX:
        raise LinuxError(E.EINVAL)
    return task.memory.read(pointer, length) if length else b""


def write_address(task: Thread, pointer: int, length_pointer: int, address: bytes) -> None:
    """move_addr_to_user: as much as there is room for, and how long it really is. EINVAL; EFAULT."""
    (room,) = task.memory.read_struct(_INT, length_pointer)
    if room < 0:
        raise LinuxError(E.EINVAL)
    task.memory.write(pointer, address[:room])
    task.memory.write_struct(_INT, length_pointer, len(address))


def _kind(family: int, kind: int) -> int:
    """The type without its flags, by the checks of __sys_socket and __sock_create, in their order."""
    kind &= 0xFFFFFFFF
    if kind & ~_TYPE_MASK & ~(O_CLOEXEC | O_NONBLOCK):
        raise LinuxError(E.EINVAL)
    if not 0 <= family < _FAMILIES:
        raise LinuxError(E.EAFNOSUPPORT)
    kind &= _TYPE_MASK
    if kind >= _TYPES:
        raise LinuxError(E.EINVAL)
    return kind


def _make(task: Thread, family: int, kind: int, protocol: int) -> Socket:
    """A socket of a family. EAFNOSUPPORT; ESOCKTNOSUPPORT; EPROTONOSUPPORT; EPERM."""
    flags, kind = kind, _kind(family, kind)
    if family == AF_UNIX:
        return UnixSocket(task, _unix_kind(kind, protocol), flags)
    if family == AF_INET:
        return _make_inet(task, kind, flags, protocol)
    if family == AF_NETLINK:
        if kind not in (RAW, DATAGRAM):
            raise LinuxError(E.ESOCKTNOSUPPORT)
        if protocol != NETLINK_ROUTE:
            raise LinuxError(E.EPROTONOSUPPORT)
        return NetlinkSocket(task, kind, flags, protocol)
    raise LinuxError(E.EAFNOSUPPORT)


def _unix_kind(kind: int, protocol: int) -> int:
    """unix_create."""
    if protocol not in (0, AF_UNIX):
        raise LinuxError(E.EPROTONOSUPPORT)
    if kind == RAW:
        kind = DATAGRAM
    if kind not in (STREAM, DATAGRAM, SEQPACKET):
        raise LinuxError(E.ESOCKTNOSUPPORT)
    return kind


def _make_inet(task: Thread, kind: int, flags: int, protocol: int) -> Socket:
    """inet_create. Raw sockets need CAP_NET_RAW, and even with it there are none: EPERM as without it."""
    if not 0 <= protocol < 256:
        raise LinuxError(E.EINVAL)
    if kind == STREAM and protocol in (0, _IPPROTO_TCP):
        return StreamSocket(task, flags)
    if kind == DATAGRAM and protocol in (0, _IPPROTO_UDP):
        return DatagramSocket(task, flags)
    if kind == RAW:
        raise LinuxError(E.EPERM if protocol else E.EPROTONOSUPPORT)
    if kind in (STREAM, DATAGRAM):
        raise LinuxError(E.EPROTONOSUPPORT)
    raise LinuxError(E.ESOCKTNOSUPPORT)


@syscall(41, "socket", "int", "int", "int", support="partial", note=_NOTE)
def socket(task: Thread, family: int, kind: int, protocol: int) -> int:
    """socket(2)."""
    return task.process.files.install(task, _make(task, family, kind, protocol), bool(kind & O_CLOEXEC))


@syscall(53, "socketpair", "int", "int", "int", "pointer", support="partial", note=_PAIR_NOTE)
def socketpair(task: Thread, family: int, kind: int, protocol: int, pointer: int) -> int:
    """socketpair(2). EOPNOTSUPP for families without pairs."""
    if family != AF_UNIX:
        _make(task, family, kind, protocol).close(task)
        raise LinuxError(E.EOPNOTSUPP)
    ends = connect_pair(task, _unix_kind(_kind(family, kind), protocol), kind)
    install_pair(task, ends, pointer, bool(kind & O_CLOEXEC))
    return 0


@syscall(49, "bind", "fd", "pointer", "int")
def bind(task: Thread, fd: int, pointer: int, length: int) -> int:
    """bind(2)."""
    socket_of(task, fd).bind(task, read_address(task, pointer, length))
    return 0


@syscall(50, "listen", "fd", "int")
def listen(task: Thread, fd: int, backlog: int) -> int:
    """listen(2)."""
    socket_of(task, fd).listen(task, backlog)
    return 0


@syscall(42, "connect", "fd", "pointer", "int")
def connect(task: Thread, fd: int, pointer: int, length: int) -> Waiting:
    """connect(2)."""
    file = socket_of(task, fd)
    return file.connect(task, read_address(task, pointer, length))


@syscall(43, "accept", "fd", "pointer", "pointer")
def accept(task: Thread, fd: int, pointer: int, length_pointer: int) -> Waiting:
    """accept(2)."""
    return accept4(task, fd, pointer, length_pointer, 0)


@syscall(288, "accept4", "fd", "pointer", "pointer", "flags")
def accept4(task: Thread, fd: int, pointer: int, length_pointer: int, flags: int) -> Waiting:
    """accept4(2)."""
    if flags & ~(O_CLOEXEC | O_NONBLOCK):
        raise LinuxError(E.EINVAL)
    return _accept(task, socket_of(task, fd), pointer, length_pointer, flags)


def _accept(task: Thread, listener: Socket, pointer: int, length_pointer: int, flags: int) -> Waiting:
    files = task.process.files
    files.free(task)  # EMFILE before a connection is taken.
    end = yield from listener.accept(task)
    end.flags |= flags & O_NONBLOCK
    try:
        if pointer:
            write_address(task, pointer, length_pointer, end.accepted_from())
        return files.install(task, end, bool(flags & O_CLOEXEC))
    except LinuxError:
        end.close(task)
        raise


@syscall(51, "getsockname", "fd", "pointer", "pointer")
def getsockname(task: Thread, fd: int, pointer: int, length_pointer: int) -> int:
    """getsockname(2)."""
    write_address(task, pointer, length_pointer, socket_of(task, fd).name())
    return 0


@syscall(52, "getpeername", "fd", "pointer", "pointer")
def getpeername(task: Thread, fd: int, pointer: int, length_pointer: int) -> int:
    """getpeername(2)."""
    write_address(task, pointer, length_pointer, socket_of(task, fd).peer_name())
    return 0


@syscall(48, "shutdown", "fd", "int")
def shutdown(task: Thread, fd: int, how: int) -> int:
    """shutdown(2): 0 is reading, 1 writing, 2 both."""
    file = socket_of(task, fd)
    if not 0 <= how <= 2:
        raise LinuxError(E.EINVAL)
    file.shut_down(task, how + 1)
    return 0
