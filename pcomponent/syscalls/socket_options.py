"""getsockopt and setsockopt. Source: net/core/sock.c, socket(7)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from pcomponent.credentials import NET_ADMIN
from pcomponent.files.socket import BUFFER_BYTES, Socket
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
TIMESTAMP, ACCEPTCONN, SNDBUFFORCE, RCVBUFFORCE, TIMESTAMPNS, PROTOCOL, DOMAIN = 29, 30, 32, 33, 35, 38, 39
_FLAGS = (REUSEADDR, DONTROUTE, BROADCAST, KEEPALIVE, OOBINLINE, REUSEPORT, TIMESTAMP, TIMESTAMPNS)
"""Options that are on or off; a family looks at those that mean something to it."""
_READ_ONLY = (TYPE, ERROR, PEERCRED, SNDLOWAT, ACCEPTCONN, PROTOCOL, DOMAIN)
_INT = struct.Struct("<i")
_TIMEVAL = struct.Struct("<qq")
_LINGER = struct.Struct("<ii")
_CREDENTIALS = struct.Struct("<iii")
_SNDBUF_MIN, _RCVBUF_MIN = 4608, 2304
_PRIORITY_MAX = 6
VALUE_MAX = 4096
"""Bytes of an option that are looked at."""
_NOTE = "the usual options of SOL_SOCKET, SOL_IP, SOL_TCP and SOL_UDP; others are ENOPROTOOPT"


@syscall(55, "getsockopt", "fd", "int", "int", "pointer", "pointer", support="partial", note=_NOTE)
def getsockopt(task: Thread, fd: int, level: int, name: int, pointer: int, length_pointer: int) -> int:
    """getsockopt(2)."""
    socket = socket_of(task, fd)
    (room,) = task.memory.read_struct(_INT, length_pointer)
    if level != SOL_SOCKET:
        value = socket.get_option(task, level, name, room)
    elif room < 0:
        raise LinuxError(E.EINVAL)
    else:
        value = _get(task, socket, name)[:room]
    task.memory.write(pointer, value)
    task.memory.write_struct(_INT, length_pointer, len(value))
    return 0


def _get(task: Thread, socket: Socket, name: int) -> bytes:
    if name == ERROR:
        socket.poll(task, 0)  # What has happened outside by now counts too.
        return _INT.pack(socket.take_error())
    if name == PEERCRED:
        return _CREDENTIALS.pack(*socket.peer_identity)
    if name in (RCVTIMEO, SNDTIMEO):
        ns = socket.receive_timeout_ns if name == RCVTIMEO else socket.send_timeout_ns
        return _TIMEVAL.pack((ns or 0) // 10**9, (ns or 0) % 10**9 // 1000)
    if name == LINGER:
        return socket.options.get(name, _LINGER.pack(0, 0))
    numbers = {
        TYPE: socket.kind, SNDBUF: socket.send_buffer, RCVBUF: socket.receive_buffer, RCVLOWAT: 1, SNDLOWAT: 1,
        PASSCRED: int(socket.pass_credentials), ACCEPTCONN: int(socket.listens), PROTOCOL: socket.protocol,
        DOMAIN: socket.family, PRIORITY: 0, DEBUG: 0, **dict.fromkeys(_FLAGS, 0),
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
        socket.set_option(task, level, name, task.memory.read(pointer, min(length, VALUE_MAX)) if length else b"")
        return 0
    if length < _INT.size:
        raise LinuxError(E.EINVAL)
    (value,) = task.memory.read_struct(_INT, pointer)
    if name in (SNDBUFFORCE, RCVBUFFORCE, DEBUG):
        if not task.credentials.capable(NET_ADMIN):
            raise LinuxError(E.EACCES if name == DEBUG else E.EPERM)
        raise LinuxError(E.ENOPROTOOPT)
    if name == SNDBUF:
        socket.send_buffer = _doubled(value, _SNDBUF_MIN)
        socket.options[name] = _INT.pack(socket.send_buffer)
    elif name == RCVBUF:
        socket.receive_buffer = _doubled(value, _RCVBUF_MIN)
    elif name == PASSCRED:
        socket.pass_credentials = bool(value)
    elif name in (RCVTIMEO, SNDTIMEO):
        _set_timeout(task, socket, name, pointer, length)
    elif name == LINGER:
        _set_linger(task, socket, pointer, length)
    elif name in _FLAGS:
        socket.options[name] = _INT.pack(int(bool(value)))
    elif name == RCVLOWAT:
        socket.options[name] = _INT.pack((1 << 31) - 1 if value < 0 else value or 1)
    elif name == PRIORITY:
        if not 0 <= value <= _PRIORITY_MAX and not task.credentials.capable(NET_ADMIN):
            raise LinuxError(E.EPERM)
        socket.options[name] = _INT.pack(value)
    else:
        raise LinuxError(E.ENOPROTOOPT)
    if name in (SNDBUF, RCVBUF, RCVLOWAT):
        socket.resized()
    return 0


def _set_linger(task: Thread, socket: Socket, pointer: int, length: int) -> None:
    """SO_LINGER: turning it off keeps the time."""
    if length < _LINGER.size:
        raise LinuxError(E.EINVAL)
    on, seconds = task.memory.read_struct(_LINGER, pointer)
    if not on:
        seconds = _LINGER.unpack(socket.options.get(LINGER, _LINGER.pack(0, 0)))[1]
    socket.options[LINGER] = _LINGER.pack(int(bool(on)), seconds)


def _doubled(value: int, least: int) -> int:
    """The kernel doubles what is asked for, for its own needs (socket(7), SO_SNDBUF)."""
    return max(least, min(value & 0xFFFFFFFF, BUFFER_BYTES) * 2)


def _set_timeout(task: Thread, socket: Socket, name: int, pointer: int, length: int) -> None:
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
