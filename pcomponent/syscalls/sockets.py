"""socket, bind, connect and the other calls about connections. Source: net/socket.c, net/unix/af_unix.c.

There are only AF_UNIX sockets. Messages are in `pcomponent.syscalls.messages`, options in `socket_options`.
"""

from __future__ import annotations

import struct
from collections.abc import Generator
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import O_CLOEXEC, O_NONBLOCK
from pcomponent.files import unix_names
from pcomponent.files.unix_names import AF_UNIX, check_address
from pcomponent.files.unix_socket import DATAGRAM, SEQPACKET, STREAM, UnixSocket, connect_pair
from pcomponent.syscalls.pipes import install_pair
from pcomponent.syscalls.table import syscall
from pcomponent.waiting import Wait, Wake

if TYPE_CHECKING:
    from pcomponent.process import Thread

ADDRESS_MAX = 128
"""sizeof(struct sockaddr_storage)."""
_TYPE_MASK, _TYPES, _RAW = 0xF, 11, 3
_INT = struct.Struct("<i")
_NOTE = "AF_UNIX only, between programs of one processor; other families are EAFNOSUPPORT"
Waiting = Generator[Wait, Wake, int]


def socket_of(task: Thread, fd: int) -> UnixSocket:
    """The socket of a descriptor. EBADF; ENOTSOCK."""
    file = task.process.files.get(fd)
    if not isinstance(file, UnixSocket):
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


def _kind(family: int, kind: int, protocol: int) -> int:
    """The checks of __sys_socket and unix_create, in their order."""
    kind &= 0xFFFFFFFF
    if kind & ~_TYPE_MASK & ~(O_CLOEXEC | O_NONBLOCK):
        raise LinuxError(E.EINVAL)
    kind &= _TYPE_MASK
    if kind >= _TYPES and 0 <= family < 46:
        raise LinuxError(E.EINVAL)
    if family != AF_UNIX:
        raise LinuxError(E.EAFNOSUPPORT)
    if protocol not in (0, AF_UNIX):
        raise LinuxError(E.EPROTONOSUPPORT)
    if kind == _RAW:
        kind = DATAGRAM
    if kind not in (STREAM, DATAGRAM, SEQPACKET):
        raise LinuxError(E.ESOCKTNOSUPPORT)
    return kind


@syscall(41, "socket", "int", "int", "int", support="partial", note=_NOTE)
def socket(task: Thread, family: int, kind: int, protocol: int) -> int:
    """socket(2)."""
    made = UnixSocket(task, _kind(family, kind, protocol), kind)
    return task.process.files.install(task, made, bool(kind & O_CLOEXEC))


@syscall(53, "socketpair", "int", "int", "int", "pointer", support="partial", note=_NOTE)
def socketpair(task: Thread, family: int, kind: int, protocol: int, pointer: int) -> int:
    """socketpair(2)."""
    ends = connect_pair(task, _kind(family, kind, protocol), kind)
    install_pair(task, ends, pointer, bool(kind & O_CLOEXEC))
    return 0


@syscall(49, "bind", "fd", "pointer", "int")
def bind(task: Thread, fd: int, pointer: int, length: int) -> int:
    """bind(2)."""
    file = socket_of(task, fd)
    unix_names.bind(task, file, check_address(read_address(task, pointer, length)))
    return 0


@syscall(50, "listen", "fd", "int")
def listen(task: Thread, fd: int, backlog: int) -> int:
    """listen(2)."""
    unix_names.listen(task, socket_of(task, fd), backlog)
    return 0


@syscall(42, "connect", "fd", "pointer", "int")
def connect(task: Thread, fd: int, pointer: int, length: int) -> Waiting:
    """connect(2)."""
    file = socket_of(task, fd)
    return unix_names.connect(task, file, read_address(task, pointer, length))


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


def _accept(task: Thread, listener: UnixSocket, pointer: int, length_pointer: int, flags: int) -> Waiting:
    files = task.process.files
    files.free(task)  # EMFILE before a connection is taken.
    end = yield from unix_names.accept(task, listener)
    end.flags |= flags & O_NONBLOCK
    try:
        if pointer:
            write_address(task, pointer, length_pointer, address_of(end.peer))
        return files.install(task, end, bool(flags & O_CLOEXEC))
    except LinuxError:
        end.close(task)
        raise


def address_of(end: UnixSocket | None) -> bytes:
    """A socket's name; without one, the family alone."""
    return end.address if end is not None and end.address else AF_UNIX.to_bytes(2, "little")


@syscall(51, "getsockname", "fd", "pointer", "pointer")
def getsockname(task: Thread, fd: int, pointer: int, length_pointer: int) -> int:
    """getsockname(2)."""
    write_address(task, pointer, length_pointer, address_of(socket_of(task, fd)))
    return 0


@syscall(52, "getpeername", "fd", "pointer", "pointer")
def getpeername(task: Thread, fd: int, pointer: int, length_pointer: int) -> int:
    """getpeername(2)."""
    peer = socket_of(task, fd).peer
    if peer is None:
        raise LinuxError(E.ENOTCONN)
    write_address(task, pointer, length_pointer, address_of(peer))
    return 0


@syscall(48, "shutdown", "fd", "int")
def shutdown(task: Thread, fd: int, how: int) -> int:
    """shutdown(2): 0 is reading, 1 writing, 2 both."""
    file = socket_of(task, fd)
    if not 0 <= how <= 2:
        raise LinuxError(E.EINVAL)
    file.shut_down(task, how + 1)
    return 0
