"""System calls that make processes and give them other programs. Source: kernel/fork.c, fs/exec.c."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW, X_OK
from lego.linux.signal import Sig
from lego.linux.stat import S_IFLNK
from lego.regions import PAGE
from mcomponent.messages import OpenProgram
from pcomponent import strace
from pcomponent.dispatcher import NewImage
from pcomponent.files.base import OpenFile
from pcomponent.files.memory_file import MemoryFile
from pcomponent.files.storage import ask_storage
from pcomponent.forking import CLONE_VFORK, CLONE_VM
from pcomponent.paths import Place, ask, permits, place_or_file, read_path
from pcomponent.pseudo.tree import Node
from pcomponent.rlimits import Resource
from pcomponent.syscalls.table import syscall
from scomponent.messages import Access, PathOf, PathStat

if TYPE_CHECKING:
    from pcomponent.process import Thread

STRING_BYTES_MAX = 32 * PAGE
"""MAX_ARG_STRLEN: of one string, its NUL included."""
ROOM_MIN, ROOM_MAX = 32 * PAGE, 6 << 20
"""The least and the most that all strings and pointers may take (bprm_stack_limits)."""


@syscall(57, "fork")
def fork(task: Thread) -> int:
    """A copy of the calling process."""
    return task.kernel.lifecycle.fork(task, Sig.CHLD)


@syscall(58, "vfork")
def vfork(task: Thread) -> Any:
    """A child in the same memory; the caller sleeps until it has called execve, or has ended."""
    lifecycle = task.kernel.lifecycle
    return lifecycle.until_released(task, lifecycle.fork(task, CLONE_VM | CLONE_VFORK | Sig.CHLD))


@syscall(
    59, "execve", "path", "strings", "strings",
    support="partial", note="set-user-ID bits and capabilities of files have no effect",
)  # fmt: skip
def execve(task: Thread, path: int, arguments: int, environment: int) -> int:
    """Another program in this process."""
    return execveat(task, AT_FDCWD, path, arguments, environment, 0)


@syscall(
    322, "execveat", "fd", "path", "strings", "strings", "flags",
    support="partial", note="as execve; a file that was opened with O_PATH or O_WRONLY must still have a name",
)  # fmt: skip
def execveat(task: Thread, dirfd: int, path: int, arguments: int, environment: int, flags: int) -> int:
    """The same, for a path that starts at a directory, or for an open file."""
    if flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW):
        raise LinuxError(E.EINVAL)
    what = place_or_file(task, dirfd, path, flags)
    opened = _opened(task, dirfd, what) if isinstance(what, OpenFile) else None
    if opened is None:
        where = _program(task, what, not flags & AT_SYMLINK_NOFOLLOW)
    else:
        where = Place(0, "")
    called = _called(task, dirfd, path, isinstance(what, OpenFile))
    closes = bool(called) and task.process.files.closes_on_exec(dirfd)
    room = max(ROOM_MIN, min(ROOM_MAX, task.process.limits.soft(Resource.STACK) // 4))
    argv, room = _strings(task, arguments, room)
    variables, room = _strings(task, environment, room)
    if task.process.trace:
        strace.look_again(task)
    task.kernel.lifecycle.execute(task, where.handle, where.path, argv, variables, opened, called, closes)
    if task.process.trace:
        strace.left(task, 0)
    raise NewImage


def _called(task: Thread, dirfd: int, pointer: int, open_file: bool) -> str:
    """What Linux calls a program that is found from a descriptor (alloc_bprm); empty for one that is called by its
    path."""
    if open_file:
        return f"/dev/fd/{dirfd}"
    path = read_path(task, pointer, empty=True) if pointer else ""
    return f"/dev/fd/{dirfd}/{path}" if path and path[0] != "/" and dirfd != AT_FDCWD else ""


def _opened(task: Thread, fd: int, file: OpenFile) -> OpenProgram | None:
    """A file that is executed as it is, by its contents; None for one that must be found by its path."""
    if not file.readable or file.object is None:
        return None
    task.kernel.flush_object(file.object)
    if isinstance(file, MemoryFile):
        if not permits(task, file.stat(task), X_OK):
            raise LinuxError(E.EACCES)
        return OpenProgram(memory=file.object, mode=file.inode.mode, path=file.path)
    if task.credentials.caller() is not None:
        ask_storage(task, Access(task.process.vnode, file.handle, "", X_OK))
    return OpenProgram(handle=file.handle, path=file.path)


def _program(task: Thread, where: Place | OpenFile, follow: bool) -> Place:
    """Where the file is, as the storage component knows it. A made-up file cannot be executed (EACCES), but made-up
    links to programs can be followed (/proc/self/exe)."""
    if isinstance(where, OpenFile):
        if not where.handle:
            raise LinuxError(E.EACCES)
        return Place(0, ask_storage(task, PathOf(where.handle)).path)
    asked = where

    def build(handle: int, path: str) -> PathStat:
        nonlocal asked
        asked = Place(handle, path)
        return PathStat(task.process.vnode, handle, path, follow)

    found = ask(task, where, build, follow)
    if isinstance(found, Node):
        raise LinuxError(E.EACCES)
    if found.stat.kind == S_IFLNK:
        raise LinuxError(E.ELOOP)  # Only with AT_SYMLINK_NOFOLLOW.
    return asked


def _strings(task: Thread, address: int, room: int) -> tuple[list[bytes], int]:
    """An array of strings, and what is left of `room` after it. A null pointer is an empty array. EFAULT; E2BIG."""
    found: list[bytes] = []
    for pointer in _pointers(task, address, room // 8) if address else ():
        try:
            string = task.memory.read_string(pointer, STRING_BYTES_MAX)
        except LinuxError as error:
            raise LinuxError(E.E2BIG if error.errno == E.ENAMETOOLONG else error.errno) from error
        room -= len(string) + 1 + 8
        if room < 0:
            raise LinuxError(E.E2BIG)
        found.append(string)
    return found, room


def _pointers(task: Thread, address: int, limit: int) -> list[int]:
    """An array of pointers up to a null one, read a page at a time."""
    found: list[int] = []
    while len(found) <= limit:
        count = (PAGE - (address & PAGE - 1)) // 8
        values = struct.unpack(f"<{count}Q", task.memory.read(address, 8 * count)) if count else ()
        if not count:  # It lies across two pages.
            values, count = struct.unpack("<Q", task.memory.read(address, 8)), 1
        if 0 in values:
            return found + list(values[: values.index(0)])
        found += values
        address += 8 * count
    raise LinuxError(E.E2BIG)
