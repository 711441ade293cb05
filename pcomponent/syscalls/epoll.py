"""epoll_create, epoll_ctl and epoll_wait in their forms. Source: fs/eventpoll.c."""

from __future__ import annotations

import struct
from collections.abc import Generator
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import O_CLOEXEC
from lego.regions import TASK_SIZE
from pcomponent.files.epoll import EpollFile
from pcomponent.syscalls.polling import read_mask, with_mask
from pcomponent.syscalls.table import syscall
from pcomponent.syscalls.timespec import read_timespec
from pcomponent.waiting import Wait, Wake

if TYPE_CHECKING:
    from pcomponent.process import Thread

_ADD, _DEL, _MOD = 1, 2, 3
_EVENT = struct.Struct("<IQ")
"""struct epoll_event, packed on x86-64."""
_EVENTS_MAX = 0x7FFFFFFF // _EVENT.size
_NOTE = (
    "EPOLLEXCLUSIVE wakes all; with EPOLLET, files that count no events (signalfd, pidfd, the host's streams) are told "
    "when they become ready"
)
Waiting = Generator[Wait, Wake, int]


@syscall(291, "epoll_create1", "flags")
def epoll_create1(task: Thread, flags: int) -> int:
    """epoll_create1(2)."""
    if flags & ~O_CLOEXEC:
        raise LinuxError(E.EINVAL)
    return task.process.files.install(task, EpollFile(task), bool(flags))


@syscall(213, "epoll_create", "int")
def epoll_create(task: Thread, size: int) -> int:
    """epoll_create(2)."""
    if size <= 0:
        raise LinuxError(E.EINVAL)
    return epoll_create1(task, 0)


@syscall(233, "epoll_ctl", "fd", "int", "fd", "pointer", support="partial", note=_NOTE)
def epoll_ctl(task: Thread, epfd: int, operation: int, fd: int, pointer: int) -> int:
    """epoll_ctl(2), in the order of do_epoll_ctl."""
    events, data = (0, 0) if operation == _DEL else task.memory.read_struct(_EVENT, pointer)
    epoll, file = task.process.files.get(epfd), task.process.files.get(fd)
    if not file.epolls(task):
        raise LinuxError(E.EPERM)
    if epoll is file or not isinstance(epoll, EpollFile):
        raise LinuxError(E.EINVAL)
    if operation == _ADD:
        epoll.add(task, fd, file, events, data)
    elif operation == _MOD:
        epoll.modify(task, fd, file, events, data)
    elif operation == _DEL:
        epoll.remove(fd, file)
    else:
        raise LinuxError(E.EINVAL)
    return 0


def _wait(task: Thread, epfd: int, pointer: int, count: int, timeout_ns: int | None) -> Waiting:
    """ep_check_params, then do_epoll_wait."""
    if not 0 < count <= _EVENTS_MAX:
        raise LinuxError(E.EINVAL)
    if pointer > TASK_SIZE - count * _EVENT.size:
        raise LinuxError(E.EFAULT)
    epoll = task.process.files.get(epfd)
    if not isinstance(epoll, EpollFile):
        raise LinuxError(E.EINVAL)
    deadline_ns = None if timeout_ns is None else task.kernel.monotonic_ns(task) + timeout_ns
    found = yield from epoll.wait(task, count, deadline_ns)
    task.memory.write(pointer, b"".join(_EVENT.pack(*each) for each in found))
    return len(found)


@syscall(232, "epoll_wait", "fd", "pointer", "int", "int")
def epoll_wait(task: Thread, epfd: int, pointer: int, count: int, timeout_ms: int) -> Waiting:
    """epoll_wait(2)."""
    return _wait(task, epfd, pointer, count, None if timeout_ms < 0 else timeout_ms * 10**6)


@syscall(281, "epoll_pwait", "fd", "pointer", "int", "int", "pointer", "size")
def epoll_pwait(task: Thread, epfd: int, pointer: int, count: int, timeout_ms: int, mask: int, size: int) -> Waiting:
    """epoll_pwait(2)."""
    temporary = read_mask(task, mask, size)
    return with_mask(task, temporary, epoll_wait(task, epfd, pointer, count, timeout_ms))


@syscall(441, "epoll_pwait2", "fd", "pointer", "int", "pointer", "pointer", "size")
def epoll_pwait2(task: Thread, epfd: int, pointer: int, count: int, timeout: int, mask: int, size: int) -> Waiting:
    """epoll_pwait2(2)."""
    timeout_ns = read_timespec(task, timeout) if timeout else None
    temporary = read_mask(task, mask, size)
    return with_mask(task, temporary, _wait(task, epfd, pointer, count, timeout_ns))
