"""kcmp(2): whether two processes share something. Source: kernel/kcmp.c.

Things are ordered by when a comparison first met them, which is as arbitrary as Linux's order and stays the same.
"""

from __future__ import annotations

import itertools
import struct
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from lego.linux.errno import E, LinuxError
from pcomponent.files.epoll import EpollFile
from pcomponent.syscalls.table import syscall
from pcomponent.tasks import find_thread, may_access

if TYPE_CHECKING:
    from pcomponent.files.base import OpenFile
    from pcomponent.process import Thread

_FILE, _VM, _FILES, _FS, _SIGHAND, _IO, _SYSVSEM, _EPOLL_TFD = range(8)
_SLOT = struct.Struct("<III")
"""struct kcmp_epoll_slot: the set's descriptor, the watched one, and which of several files that had it."""
_met = itertools.count(1)
_order: WeakKeyDictionary[object, int] = WeakKeyDictionary()


def _place(thing: object | None) -> int:
    return 0 if thing is None else _order.setdefault(thing, next(_met))


@syscall(312, "kcmp", "pid", "pid", "int", "ulong", "ulong")
def kcmp(task: Thread, first: int, second: int, kind: int, index_1: int, index_2: int) -> int:
    """0 for the same, 1 and 2 for an order. ESRCH, EPERM, EBADF, EINVAL; EFAULT, ENOENT."""
    one, other = _thread(task, first), _thread(task, second)
    if not may_access(task, one.process) or not may_access(task, other.process):
        raise LinuxError(E.EPERM)
    if kind == _FILE:
        things: tuple[object | None, object | None] = _file(one, index_1), _file(other, index_2)
    elif kind == _EPOLL_TFD:
        things = _file(one, index_1), _watched(task, other, index_2)
    elif _VM <= kind <= _SYSVSEM:
        things = _part(one, kind), _part(other, kind)
    else:
        raise LinuxError(E.EINVAL)
    left, right = _place(things[0]), _place(things[1])
    return 0 if left == right else 1 if left < right else 2


def _thread(task: Thread, tid: int) -> Thread:
    if tid <= 0:
        raise LinuxError(E.ESRCH)
    return find_thread(task, tid)


def _file(thread: Thread, fd: int) -> OpenFile:
    return thread.process.files.peek(fd & 0xFFFFFFFF)


def _part(thread: Thread, kind: int) -> object | None:
    """What has a thread's memory, descriptors, directory, handlers, I/O priority or semaphore undos; None when there is
    nothing to have."""
    process = thread.process
    if kind == _VM:
        return process.space
    if kind == _FILES:
        return process.files
    if kind == _FS:
        return process.surroundings
    if kind == _SIGHAND:
        return process.signals.handlers
    if kind == _IO:
        return thread if thread.attributes.io_priority else None
    return process if process.undo else None


def _watched(task: Thread, thread: Thread, pointer: int) -> OpenFile:
    """kcmp_epoll_target()."""
    epoll, fd, which = task.memory.read_struct(_SLOT, pointer)
    file = _file(thread, epoll)
    if not isinstance(file, EpollFile):
        raise LinuxError(E.EINVAL)
    return file.watched(fd, which)
