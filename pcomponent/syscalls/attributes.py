"""What a file is: stat, modes, owners and times. Source: fs/stat.c, fs/open.c, fs/utimes.c."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import msgspec

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import (
    AT_EMPTY_PATH,
    AT_FDCWD,
    AT_NO_AUTOMOUNT,
    AT_STATX_SYNC_TYPE,
    AT_SYMLINK_NOFOLLOW,
)
from lego.linux.stat import STATX_BTIME, Stat
from pcomponent.files.base import Clocked, Now, OpenFile, clock_of
from pcomponent.files.storage import ask_storage
from pcomponent.paths import Place, ask, place_at, place_or_file
from pcomponent.pseudo.tree import Node
from pcomponent.syscalls.table import syscall
from scomponent.messages import HandleStat, PathStat, SetAttributes

if TYPE_CHECKING:
    from pcomponent.process import Thread

_STAT_FLAGS = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE
STATX_RESERVED = 0x80000000
_TIMES = struct.Struct("<qqqq")
_UTIMBUF = struct.Struct("<qq")
UTIME_NOW, UTIME_OMIT = (1 << 30) - 1, (1 << 30) - 2
_S = 10**9
Times = tuple[int | None, int | None]


# ---- stat ------------------------------------------------------------------------------------------------


def stat_place(task: Thread, where: Place, follow: bool = True, birth: bool = False) -> Stat:
    """The attributes of what a path leads to; with `birth` also when it was made."""
    vnode = task.process.vnode
    answer = ask(task, where, lambda handle, path: PathStat(vnode, handle, path, follow, birth), follow)
    stat: Stat = answer.stat(task) if isinstance(answer, Node) else answer.stat
    return stat


def stat_any(task: Thread, what: Place | OpenFile, follow: bool = True) -> Stat:
    """The same, or of an open file."""
    return what.stat(task) if isinstance(what, OpenFile) else stat_place(task, what, follow)


@syscall(4, "stat", "path", "pointer")
def stat(task: Thread, pointer: int, buffer: int) -> int:
    """stat(2)."""
    task.memory.write(buffer, stat_place(task, place_at(task, AT_FDCWD, pointer)).pack())
    return 0


@syscall(6, "lstat", "path", "pointer")
def lstat(task: Thread, pointer: int, buffer: int) -> int:
    """lstat(2)."""
    task.memory.write(buffer, stat_place(task, place_at(task, AT_FDCWD, pointer), follow=False).pack())
    return 0


@syscall(5, "fstat", "fd", "pointer")
def fstat(task: Thread, fd: int, buffer: int) -> int:
    """fstat(2)."""
    task.memory.write(buffer, task.process.files.get_any(fd).stat(task).pack())
    return 0


@syscall(262, "newfstatat", "fd", "path", "pointer", "flags")
def newfstatat(task: Thread, dirfd: int, pointer: int, buffer: int, flags: int) -> int:
    """fstatat(2)."""
    if flags & ~_STAT_FLAGS:
        raise LinuxError(E.EINVAL)
    what = place_or_file(task, dirfd, pointer, flags)
    task.memory.write(buffer, stat_any(task, what, not flags & AT_SYMLINK_NOFOLLOW).pack())
    return 0


@syscall(332, "statx", "fd", "path", "flags", "flags", "pointer", support="partial", note="no mount number")
def statx(task: Thread, dirfd: int, pointer: int, flags: int, mask: int, buffer: int) -> int:
    """statx(2). The basic fields are always given; times of birth as far as the host's file system knows them."""
    if mask & STATX_RESERVED or flags & AT_STATX_SYNC_TYPE == AT_STATX_SYNC_TYPE or flags & ~_STAT_FLAGS:
        raise LinuxError(E.EINVAL)
    what = place_or_file(task, dirfd, pointer, flags)
    birth = bool(mask & STATX_BTIME)
    if isinstance(what, OpenFile):
        found = what.stat(task)
        if birth and what.handle:
            made_ns = ask_storage(task, HandleStat(what.handle, birth=True)).stat.btime_ns
            found = msgspec.structs.replace(found, btime_ns=made_ns)
    else:
        found = stat_place(task, what, not flags & AT_SYMLINK_NOFOLLOW, birth)
    task.memory.write(buffer, found.pack_statx())
    return 0


# ---- changing attributes ----------------------------------------------------------------------------------


def _change(
    task: Thread,
    what: Place | OpenFile,
    follow: bool = True,
    mode: int | None = None,
    owner: tuple[int, int] | None = None,
    times: Times | None = None,
) -> int:
    if isinstance(what, OpenFile):
        what.change(task, mode, owner, times)
        return 0
    vnode, clock = task.process.vnode, clock_of(times)
    found = ask(
        task,
        what,
        lambda handle, path: SetAttributes(vnode, handle, path, follow, mode, owner, times, **clock),
        follow,
    )
    if isinstance(found, Node):
        found.change(task, mode, owner, times)
    return 0


@syscall(90, "chmod", "path", "mode")
def chmod(task: Thread, pointer: int, mode: int) -> int:
    """chmod(2)."""
    return _change(task, place_at(task, AT_FDCWD, pointer), mode=mode & 0o7777)


@syscall(91, "fchmod", "fd", "mode")
def fchmod(task: Thread, fd: int, mode: int) -> int:
    """fchmod(2)."""
    return _change(task, task.process.files.get(fd), mode=mode & 0o7777)


@syscall(268, "fchmodat", "fd", "path", "mode")
def fchmodat(task: Thread, dirfd: int, pointer: int, mode: int) -> int:
    """fchmodat(2); the system call has no flags."""
    return _change(task, place_at(task, dirfd, pointer), mode=mode & 0o7777)


@syscall(452, "fchmodat2", "fd", "path", "mode", "flags")
def fchmodat2(task: Thread, dirfd: int, pointer: int, mode: int, flags: int) -> int:
    """fchmodat(2) with flags."""
    if flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH):
        raise LinuxError(E.EINVAL)
    what = place_or_file(task, dirfd, pointer, flags)
    return _change(task, what, not flags & AT_SYMLINK_NOFOLLOW, mode=mode & 0o7777)


def _owner(uid: int, gid: int) -> tuple[int, int]:
    """-1, for no change, arrives as the largest id."""
    return (-1 if uid == 0xFFFFFFFF else uid, -1 if gid == 0xFFFFFFFF else gid)


@syscall(92, "chown", "path", "id", "id")
def chown(task: Thread, pointer: int, uid: int, gid: int) -> int:
    """chown(2)."""
    return _change(task, place_at(task, AT_FDCWD, pointer), owner=_owner(uid, gid))


@syscall(94, "lchown", "path", "id", "id")
def lchown(task: Thread, pointer: int, uid: int, gid: int) -> int:
    """lchown(2)."""
    return _change(task, place_at(task, AT_FDCWD, pointer), follow=False, owner=_owner(uid, gid))


@syscall(93, "fchown", "fd", "id", "id")
def fchown(task: Thread, fd: int, uid: int, gid: int) -> int:
    """fchown(2)."""
    return _change(task, task.process.files.get(fd), owner=_owner(uid, gid))


@syscall(260, "fchownat", "fd", "path", "id", "id", "flags")
def fchownat(task: Thread, dirfd: int, pointer: int, uid: int, gid: int, flags: int) -> int:
    """fchownat(2)."""
    if flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH):
        raise LinuxError(E.EINVAL)
    what = place_or_file(task, dirfd, pointer, flags)
    return _change(task, what, not flags & AT_SYMLINK_NOFOLLOW, owner=_owner(uid, gid))


# ---- times -----------------------------------------------------------------------------------------------


def _now(task: Thread) -> Times:
    now = task.kernel.realtime_ns(task)
    return Now((now, now), now)


def _stamp(seconds: int, nanoseconds: int = 0) -> int:
    """A time as nanoseconds. Times that a file cannot have become the nearest that it can (timestamp_truncate); here
    these are the years 1677 to 2262, what 64 bits of nanoseconds hold."""
    return max(-(1 << 63), min((1 << 63) - 1, seconds * _S + nanoseconds))


def _timespecs(task: Thread, pointer: int) -> Times | None:
    """Two struct timespec with UTIME_NOW and UTIME_OMIT; None for nanoseconds out of range, which is EINVAL, but not
    before the file was found."""
    if not pointer:
        return _now(task)
    fields = task.memory.read_struct(_TIMES, pointer)
    if fields[1] == fields[3] == UTIME_NOW:
        return _now(task)
    now = task.kernel.realtime_ns(task)
    times: list[int | None] = []
    for seconds, nanoseconds in (fields[:2], fields[2:]):
        if nanoseconds == UTIME_NOW:
            times.append(now)
        elif nanoseconds == UTIME_OMIT:
            times.append(None)
        elif 0 <= nanoseconds < _S:
            times.append(_stamp(seconds, nanoseconds))
        else:
            return None
    pair = times[0], times[1]
    return Clocked(pair, now) if UTIME_NOW in (fields[1], fields[3]) else pair


def _timevals(task: Thread, pointer: int) -> Times:
    """Two struct timeval; EINVAL for microseconds out of range."""
    if not pointer:
        return _now(task)
    seconds, micros, seconds_2, micros_2 = task.memory.read_struct(_TIMES, pointer)
    if not (0 <= micros < 10**6 and 0 <= micros_2 < 10**6):
        raise LinuxError(E.EINVAL)
    return _stamp(seconds, micros * 1000), _stamp(seconds_2, micros_2 * 1000)


@syscall(280, "utimensat", "fd", "path", "pointer", "flags")
def utimensat(task: Thread, dirfd: int, pointer: int, times: int, flags: int) -> int:
    """utimensat(2); with a null path, of the open file `dirfd` (futimens)."""
    wanted = _timespecs(task, times)
    if wanted == (None, None):
        return 0  # "Nothing to do, we must not even check the path" (fs/utimes.c).
    valid, wanted = wanted is not None, wanted or (None, None)
    if not pointer and dirfd != AT_FDCWD:
        if flags:
            raise LinuxError(E.EINVAL)
        file = task.process.files.get(dirfd)
        if not valid:
            raise LinuxError(E.EINVAL)
        return _change(task, file, times=wanted)
    if flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH):
        raise LinuxError(E.EINVAL)
    what = place_or_file(task, dirfd, pointer, flags) if pointer else place_at(task, dirfd, pointer)
    done = _change(task, what, not flags & AT_SYMLINK_NOFOLLOW, times=wanted)
    if not valid:
        raise LinuxError(E.EINVAL)
    return done


@syscall(132, "utime", "path", "pointer")
def utime(task: Thread, pointer: int, times: int) -> int:
    """utime(2)."""
    if times:
        accessed, modified = task.memory.read_struct(_UTIMBUF, times)
        wanted: Times = (_stamp(accessed), _stamp(modified))
    else:
        wanted = _now(task)
    return _change(task, place_at(task, AT_FDCWD, pointer), times=wanted)


@syscall(235, "utimes", "path", "pointer")
def utimes(task: Thread, pointer: int, times: int) -> int:
    """utimes(2)."""
    return futimesat(task, AT_FDCWD, pointer, times)


@syscall(261, "futimesat", "fd", "path", "pointer")
def futimesat(task: Thread, dirfd: int, pointer: int, times: int) -> int:
    """futimesat(2)."""
    wanted = _timevals(task, times)
    if not pointer and dirfd != AT_FDCWD:
        return _change(task, task.process.files.get(dirfd), times=wanted)
    return _change(task, place_at(task, dirfd, pointer), times=wanted)
