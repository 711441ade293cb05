"""getsockopt and setsockopt. Source: net/core/sock.c, socket(7)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from pcomponent.files.unix_names import AF_UNIX
from pcomponent.files.unix_socket import BUFFER_BYTES, UnixSocket
from pcomponent.syscalls.sockets import socket_of
from pcomponent.syscalls.table import syscall

if TYPE_CHECKING:
    from pcomponent.process import Thread

SOL_SOCKET = 1
DEBUG, REUSEADDR, TYPE, ERROR, DONTROUTE, BROADCAST, SNDBUF, RCVBUF, KEEPALIVE, OOBINLINE = (
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    9,
    10,
)
PRIORITY, LINGER, REUSEPORT, PASSCRED, PEERCRED, RCVLOWAT, SNDLOWAT, RCVTIMEO, SNDTIMEO = (
    12,
    13,
    15,
    16,
    17,
    18,
    19,
    20,
    21,
)
TIMESTAMP, ACCEPTCONN, PROTOCOL, DOMAIN = 29, 30, 38, 39
_FLAGS = (REUSEADDR, DONTROUTE, BROADCAST, KEEPALIVE, OOBINLINE, REUSEPORT, TIMESTAMP)
"""Options that are on or off, and of which nothing depends here."""
_READ_ONLY = (TYPE, ERROR, PEERCRED, SNDLOWAT, ACCEPTCONN, PROTOCOL, DOMAIN)
_INT = struct.Struct("<i")
_TIMEVAL = struct.Struct("<qq")
_LINGER = struct.Struct("<ii")
_CREDENTIALS = struct.Struct("<iii")
_SNDBUF_MIN, _RCVBUF_MIN = 4608, 2304
_NOTE = "the usual options of SOL_SOCKET; others are ENOPROTOOPT"


@syscall(55, "getsockopt", "fd", "int", "int", "pointer", "pointer", support="partial", note=_NOTE)
def getsockopt(task: Thread, fd: int, level: int, name: int, pointer: int, length_pointer: int) -> int:
    """getsockopt(2)."""
    socket = socket_of(task, fd)
    (room,) = task.memory.read_struct(_INT, length_pointer)
    if level != SOL_SOCKET:
        raise LinuxError(E.EOPNOTSUPP)
    if room < 0:
        raise LinuxError(E.EINVAL)
    value = _get(socket, name)[:room]
    task.memory.write(pointer, value)
    task.memory.write_struct(_INT, length_pointer, len(value))
    return 0


def _get(socket: UnixSocket, name: int) -> bytes:
    if name == ERROR:
        error, socket.error = socket.error, 0
        return _INT.pack(error)
    if name == PEERCRED:
        return _CREDENTIALS.pack(*socket.peer_identity)
    if name in (RCVTIMEO, SNDTIMEO):
        ns = socket.receive_timeout_ns if name == RCVTIMEO else socket.send_timeout_ns
        return _TIMEVAL.pack((ns or 0) // 10**9, (ns or 0) % 10**9 // 1000)
    if name == LINGER:
        return socket.options.get(name, _LINGER.pack(0, 0))
    numbers = {
        TYPE: socket.kind, SNDBUF: socket.send_buffer, RCVBUF: socket.receive_buffer, RCVLOWAT: 1, SNDLOWAT: 1,
        PASSCRED: int(socket.pass_credentials), ACCEPTCONN: int(socket.listening), PROTOCOL: 0, DOMAIN: AF_UNIX,
        PRIORITY: 0, DEBUG: 0, **dict.fromkeys(_FLAGS, 0),
    }  # fmt: skip
    if name not in numbers:
        raise LinuxError(E.ENOPROTOOPT)
    return socket.options.get(name, _INT.pack(numbers[name]))


@syscall(54, "setsockopt", "fd", "int", "int", "pointer", "int", support="partial", note=_NOTE)
def setsockopt(task: Thread, fd: int, level: int, name: int, pointer: int, length: int) -> int:
    """setsockopt(2)."""
    socket = socket_of(task, fd)
    if length < 0:
        raise LinuxError(E.EINVAL)
    if level != SOL_SOCKET:
        raise LinuxError(E.EOPNOTSUPP)
    if length < _INT.size:
        raise LinuxError(E.EINVAL)
    (value,) = task.memory.read_struct(_INT, pointer)
    if name == SNDBUF:
        socket.send_buffer = _doubled(value, _SNDBUF_MIN)
    elif name == RCVBUF:
        socket.receive_buffer = _doubled(value, _RCVBUF_MIN)
    elif name == PASSCRED:
        socket.pass_credentials = bool(value)
    elif name in (RCVTIMEO, SNDTIMEO):
        _set_timeout(task, socket, name, pointer, length)
    elif name == LINGER:
        if length < _LINGER.size:
            raise LinuxError(E.EINVAL)
        on, seconds = task.memory.read_struct(_LINGER, pointer)
        socket.options[name] = _LINGER.pack(int(bool(on)), seconds)
    elif name in _FLAGS:
        socket.options[name] = _INT.pack(int(bool(value)))
    elif name in (RCVLOWAT, PRIORITY):
        socket.options[name] = _INT.pack(value)
    else:
        raise LinuxError(E.ENOPROTOOPT)
    return 0


def _doubled(value: int, least: int) -> int:
    """The kernel doubles what is asked for, for its own needs (socket(7), SO_SNDBUF)."""
    return max(least, min(value & 0xFFFFFFFF, BUFFER_BYTES) * 2)


def _set_timeout(task: Thread, socket: UnixSocket, name: int, pointer: int, length: int) -> None:
    """sock_set_timeout. EDOM for microseconds beyond a second; a negative time is none."""
    if length < _TIMEVAL.size:
        raise LinuxError(E.EINVAL)
    seconds, micros = task.memory.read_struct(_TIMEVAL, pointer)
    if not 0 <= micros < 10**6:
        raise LinuxError(E.EDOM)
    ns: int | None = None if seconds < 0 or (not seconds and not micros) else seconds * 10**9 + micros * 1000
    if name == RCVTIMEO:
        socket.receive_timeout_ns = 0 if seconds < 0 else ns
    else:
        socket.send_timeout_ns = 0 if seconds < 0 else ns
