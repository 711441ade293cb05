"""send and receive in their forms, with ancillary data. Source: net/socket.c, net/core/scm.c, unix(7), cmsg(3)."""

from __future__ import annotations

import struct
from collections.abc import Generator
from typing import TYPE_CHECKING, NamedTuple

from lego.linux.errno import E, LinuxError
from pcomponent.files.letters import drop_files
from pcomponent.files.passing import CMSG, CREDENTIALS, SCM_CREDENTIALS, SCM_RIGHTS, SOL_SOCKET
from pcomponent.files.socket import CTRUNC, DONTWAIT, TRUNC, Received, Socket
from pcomponent.syscalls.sockets import read_address, socket_of, write_address
from pcomponent.syscalls.table import syscall
from pcomponent.syscalls.timespec import read_timespec, write_timespec
from pcomponent.vectors import MAX_RW_COUNT, Cursor, Vector, one, read_vectors
from pcomponent.waiting import Interrupted, Wait, Wake

if TYPE_CHECKING:
    from pcomponent.process import Thread

MSG_WAITFORONE, MSG_CMSG_CLOEXEC = 0x10000, 0x40000000
_CONTROL_MAX = 20480
"""sysctl net.core.optmem_max."""
_HEADER = struct.Struct("<QI4xQQQQi4x")
"""struct msghdr: name, name's length, vectors, their number, control, its length, flags."""
_MMSG_BYTES = 64
_INT = struct.Struct("<i")
Waiting = Generator[Wait, Wake, int]


class Header(NamedTuple):
    """A struct msghdr of the guest."""

    name: int
    name_length: int
    vectors: int
    vector_count: int
    control: int
    control_length: int
    flags: int


def _read_header(task: Thread, pointer: int) -> tuple[Header, list[Vector]]:
    """copy_msghdr_from_user. EMSGSIZE for too many vectors."""
    header = Header(*task.memory.read_struct(_HEADER, pointer))
    if header.name and header.name_length >> 31:
        raise LinuxError(E.EINVAL)
    if header.vector_count > 1024:
        raise LinuxError(E.EMSGSIZE)
    return header, read_vectors(task, header.vectors, header.vector_count)


# ---- sending -------------------------------------------------------------------------------------------


def _send(
    task: Thread, socket: Socket, vectors: list[Vector], flags: int, address: bytes | None, control: bytes = b""
) -> Waiting:
    cursor = Cursor(task, vectors)
    length = cursor.left
    outgoing = socket.outgoing(task, length, flags, address, control)
    data = cursor.get(length)
    if len(data) < length and not (socket.keeps_rest and data):
        raise LinuxError(E.EFAULT)
    return (yield from socket.send_message(task, data, flags, outgoing))


@syscall(44, "sendto", "fd", "buffer", "size", "flags", "pointer", "int")
def sendto(task: Thread, fd: int, buffer: int, count: int, flags: int, pointer: int, length: int) -> Waiting:
    """sendto(2)."""
    vectors = one(buffer, min(count, MAX_RW_COUNT))
    socket = socket_of(task, fd)
    return _send(task, socket, vectors, flags, read_address(task, pointer, length) if pointer else None)


@syscall(46, "sendmsg", "fd", "pointer", "flags")
def sendmsg(task: Thread, fd: int, pointer: int, flags: int) -> Waiting:
    """sendmsg(2)."""
    socket = socket_of(task, fd)
    header, vectors = _read_header(task, pointer)
    address = read_address(task, header.name, min(header.name_length, 128)) if header.name else None
    if header.control_length > _CONTROL_MAX:
        raise LinuxError(E.ENOBUFS)
    control = task.memory.read(header.control, header.control_length) if header.control_length else b""
    return _send(task, socket, vectors, flags, address, control)


@syscall(307, "sendmmsg", "fd", "pointer", "uint", "flags")
def sendmmsg(task: Thread, fd: int, pointer: int, count: int, flags: int) -> Waiting:
    """sendmmsg(2): an error is told only when nothing was sent."""
    socket_of(task, fd)
    done = 0
    try:
        for index in range(min(count, 1024)):
            at = pointer + index * _MMSG_BYTES
            sent = yield from sendmsg(task, fd, at, flags)
            task.memory.write_struct(_INT, at + _HEADER.size, sent)
            done += 1
    except (LinuxError, Interrupted):
        if not done:
            raise
    return done


# ---- receiving -------------------------------------------------------------------------------------------


def _deliver(task: Thread, vectors: list[Vector], got: Received) -> None:
    if Cursor(task, vectors).put(got.data) < len(got.data):
        raise LinuxError(E.EFAULT)


def _result(socket: Socket, got: Received, flags: int) -> int:
    return got.length if flags & TRUNC else len(got.data)


@syscall(45, "recvfrom", "fd", "buffer", "size", "flags", "pointer", "pointer")
def recvfrom(task: Thread, fd: int, buffer: int, count: int, flags: int, pointer: int, length: int) -> Waiting:
    """recvfrom(2)."""
    return _recvfrom(task, socket_of(task, fd), one(buffer, min(count, MAX_RW_COUNT)), flags, pointer, length)


def _recvfrom(task: Thread, socket: Socket, vectors: list[Vector], flags: int, pointer: int, length: int) -> Waiting:
    got = yield from socket.receive(task, vectors[0][1], flags)
    drop_files(task, got.files)
    _deliver(task, vectors, got)
    if pointer:
        write_address(task, pointer, length, got.source)
    return _result(socket, got, flags)


@syscall(47, "recvmsg", "fd", "pointer", "flags")
def recvmsg(task: Thread, fd: int, pointer: int, flags: int) -> Waiting:
    """recvmsg(2)."""
    socket = socket_of(task, fd)
    header, vectors = _read_header(task, pointer)
    return _recvmsg(task, socket, pointer, header, vectors, flags)


def _recvmsg(task: Thread, socket: Socket, pointer: int, header: Header, vectors: list[Vector], flags: int) -> Waiting:
    got = yield from socket.receive(task, sum(length for _, length in vectors), flags)
    try:
        _deliver(task, vectors, got)
    except LinuxError:
        drop_files(task, got.files)
        raise
    shown = TRUNC if got.length > len(got.data) else 0
    used, cut = _put_control(task, socket, header, got, bool(flags & MSG_CMSG_CLOEXEC))
    shown |= (CTRUNC if cut else 0) | flags & MSG_CMSG_CLOEXEC | got.flags
    if header.name:
        task.memory.write(header.name, got.source[: header.name_length])
        task.memory.write_struct(_INT, pointer + 8, len(got.source))
    task.memory.write_struct(struct.Struct("<Qi"), pointer + 40, used, shown)
    return _result(socket, got, flags)


def _put_control(task: Thread, socket: Socket, header: Header, got: Received, close_on_exec: bool) -> tuple[int, bool]:
    """Writes what came along into the control buffer; returns how much of that was used, and whether something did not
    fit (put_cmsg, scm_detach_fds)."""
    room = header.control_length if header.control else 0
    used, cut = 0, False
    if socket.pass_credentials and (got.data or got.who.pid):
        length = CMSG.size + CREDENTIALS.size
        cut = room < length
        if room >= CMSG.size:
            length = min(length, room)
            raw = CMSG.pack(length, SOL_SOCKET, SCM_CREDENTIALS) + CREDENTIALS.pack(*got.who)
            task.memory.write(header.control, raw[:length])
            used = min(length + 7 & ~7, room)
    for level, kind, body in got.control:
        length = CMSG.size + len(body)
        cut = cut or room - used < length
        if room - used >= CMSG.size:
            length = min(length, room - used)
            task.memory.write(header.control + used, (CMSG.pack(length, level, kind) + body)[:length])
            used += min(length + 7 & ~7, room - used)
    if got.files:
        fitting = max(0, room - used - CMSG.size) // 4
        numbers: list[int] = []
        try:
            for file in got.files[:fitting]:
                numbers.append(task.process.files.install(task, file, close_on_exec))
        except LinuxError:
            cut = True  # EMFILE: the rest is closed, and MSG_CTRUNC tells it.
        cut = cut or len(numbers) < len(got.files)
        drop_files(task, got.files)
        if numbers:
            length = CMSG.size + 4 * len(numbers)
            raw = CMSG.pack(length, SOL_SOCKET, SCM_RIGHTS) + b"".join(map(_INT.pack, numbers))
            task.memory.write(header.control + used, raw)
            used += min(length + 7 & ~7, room - used)
    return used, cut


@syscall(299, "recvmmsg", "fd", "pointer", "uint", "flags", "pointer")
def recvmmsg(task: Thread, fd: int, pointer: int, count: int, flags: int, timeout: int) -> Waiting:
    """recvmmsg(2): an error is told only when nothing was received. The timeout is looked at after each datagram, and
    what is left of it is told."""
    until_ns = task.meter.now_ns + read_timespec(task, timeout) if timeout else 0
    socket_of(task, fd)
    done = 0
    try:
        for index in range(min(count, 1024)):
            at = pointer + index * _MMSG_BYTES
            got = yield from recvmsg(task, fd, at, flags & ~MSG_WAITFORONE)
            task.memory.write_struct(_INT, at + _HEADER.size, got)
            done += 1
            if flags & MSG_WAITFORONE:
                flags |= DONTWAIT
            if timeout and task.meter.now_ns >= until_ns:
                break
    except (LinuxError, Interrupted):
        if not done:
            raise
    if timeout and done:
        write_timespec(task, timeout, max(0, until_ns - task.meter.now_ns))
    return done
