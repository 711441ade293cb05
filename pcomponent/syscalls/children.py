"""Waiting for children: wait4(2) and waitid(2). Source: kernel/exit.c (do_wait, wait_task_zombie)."""

from __future__ import annotations

import struct
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, NamedTuple

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import O_NONBLOCK
from lego.linux.signal import Sig
from pcomponent import family
from pcomponent.files.base import Blocking
from pcomponent.files.pidfd import PidFile
from pcomponent.syscalls.table import syscall
from pcomponent.usage import pack_rusage
from pcomponent.waiting import Interrupted, Wait, Wake

if TYPE_CHECKING:
    from pcomponent.process import Process, Thread

WNOHANG, WSTOPPED, WEXITED, WCONTINUED, WNOWAIT = 1, 2, 4, 8, 0x01000000
WUNTRACED = WSTOPPED
WNOTHREAD, WALL, WCLONE = 0x20000000, 0x40000000, 0x80000000
P_ALL, P_PID, P_PGID, P_PIDFD = 0, 1, 2, 3
INT_MIN = -(1 << 31)

_INT = struct.Struct("<i")
_INFO = struct.Struct("<iii")
"""si_signo, si_errno, si_code; after four bytes that are left alone ..."""
_CHILD = struct.Struct("<iIi")
"""... si_pid, si_uid, si_status."""

Matches = Callable[["Process"], bool]


class News(NamedTuple):
    """What became of a child."""

    child: Process
    status: int
    """As wait(2) gives it."""


def _eligible(child: Process, options: int) -> bool:
    """eligible_child(): children whose end sends another signal than SIGCHLD are "clone" children. Who has ended
    will not stop or go on any more."""
    if child.status is not None and not options & WEXITED:
        return False
    return bool(options & WALL) or (child.kin.exit_signal != Sig.CHLD) == bool(options & WCLONE)


def _news(child: Process, options: int) -> int | None:
    """The status to report of a child, if there is one."""
    if child.status is not None:
        return child.status if options & WEXITED else None
    report = child.kin.report
    if report and options & (WCONTINUED if report == family.CONTINUED else WSTOPPED):
        return report
    return None


def _wait(task: Thread, matches: Matches, options: int) -> Blocking:
    """Waits for a child that matches; returns `News`, or None with WNOHANG. ECHILD."""
    process = task.process

    def candidates() -> list[Process]:
        return [child for child in process.kin.children.values() if matches(child) and _eligible(child, options)]

    def ready(_wait_ms: int) -> bool:
        found = candidates()
        return not found or any(_news(child, options) is not None for child in found)

    reason = Wake.READY
    while True:
        found = candidates()
        if not found:
            raise LinuxError(E.ECHILD)
        for child in found:
            status = _news(child, options)
            if status is not None:
                _catch_up(task, child)
                return News(child, status)
        if options & WNOHANG:
            return None
        if reason is Wake.SIGNAL:
            raise Interrupted(restart=True)
        reason = yield Wait(ready=ready, changes=lambda: [process.kin.news])


def _catch_up(task: Thread, child: Process) -> None:
    """Nobody learns of something before it has happened."""
    then_ns = child.kin.ended_ns if child.status is not None else family.clock_ns(child)
    task.meter.now_ns = max(task.meter.now_ns, then_ns)


def _take(task: Thread, news: News, options: int) -> bytes:
    """Counts a child as waited for, unless WNOWAIT says not to; returns what it used, as struct rusage."""
    child = news.child
    own, descendants = family.used(child), child.kin.children_ns
    pages = max(child.attributes.peak_resident_pages, child.kin.children_pages)
    if not options & WNOWAIT:
        if child.status is None:
            child.kin.report = 0
        else:
            family.reap(task.process, child)
    return pack_rusage(own[0] + descendants[0], own[1] + descendants[1], pages)


def _matcher(task: Thread, pid: int) -> Matches:
    """Which children a pid of wait4 means. ESRCH for INT_MIN, which has no opposite."""
    if pid == INT_MIN:
        raise LinuxError(E.ESRCH)
    if pid == -1:
        return lambda child: True
    if pid > 0:
        return lambda child: child.pid == pid
    group = -pid if pid else task.process.group
    return lambda child: child.group == group


@syscall(
    61, "wait4", "pid", "pointer", "int", "pointer",
    support="partial", note="__WNOTHREAD is taken and ignored: children belong to the process",
)  # fmt: skip
def wait4(task: Thread, pid: int, status_address: int, options: int, usage_address: int) -> Blocking:
    """Waits for a child; returns its pid, or 0 with WNOHANG."""
    options &= 0xFFFFFFFF
    if options & ~(WNOHANG | WUNTRACED | WCONTINUED | WNOTHREAD | WCLONE | WALL):
        raise LinuxError(E.EINVAL)
    news = yield from _wait(task, _matcher(task, pid), options | WEXITED)
    if news is None:
        return 0
    usage = _take(task, news, options)
    if status_address:
        task.memory.write_struct(_INT, status_address, news.status)
    if usage_address:
        task.memory.write(usage_address, usage)
    return news.child.pid


def _pidfd(task: Thread, fd: int) -> PidFile:
    file = task.process.files.get(fd)
    if not isinstance(file, PidFile):
        raise LinuxError(E.EBADF)
    return file


def _class_matcher(task: Thread, kind: int, number: int) -> Matches:
    """Which children a waitid class means. EINVAL; EBADF for what is no pidfd."""
    if kind == P_ALL:
        return lambda child: True
    if kind == P_PID and number > 0:
        return lambda child: child.pid == number
    if kind == P_PGID and number >= 0:
        group = number or task.process.group
        return lambda child: child.group == group
    if kind == P_PIDFD and number >= 0:
        target = _pidfd(task, number).target
        return lambda child: child is target
    raise LinuxError(E.EINVAL)


def _wait_class(task: Thread, kind: int, number: int, options: int) -> Generator[Wait, Wake, News | None]:
    """kernel_waitid()."""
    if options & ~(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | WNOTHREAD | WCLONE | WALL):
        raise LinuxError(E.EINVAL)
    if not options & (WEXITED | WSTOPPED | WCONTINUED):
        raise LinuxError(E.EINVAL)
    matches = _class_matcher(task, kind, number)
    impatient = kind == P_PIDFD and not options & WNOHANG and bool(_pidfd(task, number).flags & O_NONBLOCK)
    news: News | None = yield from _wait(task, matches, options | (WNOHANG if impatient else 0))
    if news is None and impatient:
        raise LinuxError(E.EAGAIN)
    return news


@syscall(
    247, "waitid", "int", "pid", "pointer", "int", "pointer",
    support="partial", note="__WNOTHREAD is taken and ignored: children belong to the process",
)  # fmt: skip
def waitid(task: Thread, kind: int, number: int, info: int, options: int, usage_address: int) -> Blocking:
    """Waits for a child and tells about it as siginfo_t; with WNOHANG and no news, its pid is 0."""
    news: News | None = None
    failure: LinuxError | Interrupted | None = None
    try:
        news = yield from _wait_class(task, kind, number, options & 0xFFFFFFFF)
    except (LinuxError, Interrupted) as error:
        failure = error  # The structure is cleared all the same, and EFAULT is told rather than the failure.
    head, body = (0, 0, 0), (0, 0, 0)
    if news is not None:
        code, status = family.code_and_status(news.status)
        head, body = (Sig.CHLD, 0, code), (news.child.pid, news.child.credentials.uid, status)
        usage = _take(task, news, options)
        if usage_address:
            task.memory.write(usage_address, usage)
    if info:
        task.memory.write_struct(_INFO, info, *head)
        task.memory.write_struct(_CHILD, info + 16, *body)
    if failure is not None:
        raise failure
    return 0
