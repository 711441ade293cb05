"""open(2): from a path to an open file description, whoever has the file.

    file = open_path(task, place(task, dirfd, path), flags, mode, resolve)

Flags have been checked by the call (`pcomponent.syscalls.opening`). The storage component opens what is its own;
what it calls elsewhere is a made-up file of this processor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import (
    MAX_SYMLINKS,
    O_ACCMODE,
    O_APPEND,
    O_ASYNC,
    O_CLOEXEC,
    O_CREAT,
    O_DIRECT,
    O_DIRECTORY,
    O_EXCL,
    O_NOCTTY,
    O_NOFOLLOW,
    O_PATH,
    O_RDONLY,
    O_TMPFILE,
    O_TRUNC,
    O_WRONLY,
    R_OK,
    RESOLVE_BENEATH,
    RESOLVE_IN_ROOT,
    RESOLVE_NO_MAGICLINKS,
    RESOLVE_NO_SYMLINKS,
    RESOLVE_NO_XDEV,
    W_OK,
)
from lego.linux.stat import S_IFDIR, S_IFIFO, S_IFLNK, S_IFREG
from pcomponent.files.base import OpenFile
from pcomponent.files.directory import Directory, StorageDirectory
from pcomponent.files.pipe import open_fifo
from pcomponent.files.regular import RegularFile
from pcomponent.files.storage import PathFile, ask_storage
from pcomponent.files.terminal import TerminalFile
from pcomponent.paths import Place, permits
from pcomponent.pseudo.tree import PSEUDO, Leads, Node
from pcomponent.terminals import jobs
from scomponent.messages import Close, Elsewhere, Entry, Open, OpenReply

if TYPE_CHECKING:
    from lego.linux.stat import FsStat, Stat
    from pcomponent.process import Thread

TMPFILE_BIT = O_TMPFILE & ~O_DIRECTORY
ONCE = O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC
"""Flags that matter while a file is opened, and that F_GETFL does not show (fs/open.c, do_dentry_open)."""
_KEPT_HERE = O_TRUNC | O_APPEND | O_DIRECT | O_ASYNC | O_NOCTTY | O_CLOEXEC
"""Flags that the storage component does not get. Cutting goes through the file's cache; where a write goes is decided
here, for each write, since O_APPEND can be changed later; nothing is read around the cache."""


def open_path(task: Thread, where: Place, flags: int, mode: int = 0, resolve: int = 0) -> OpenFile:
    """Opens a file; the umask is applied to `mode` here. Errors: those of openat2(2)."""
    follow = not flags & O_NOFOLLOW and flags & (O_CREAT | O_EXCL) != O_CREAT | O_EXCL
    mode &= ~task.process.umask
    for _ in range(MAX_SYMLINKS):
        request = Open(task.process.vnode, where.handle, where.path, flags & ~_KEPT_HERE, mode, resolve)
        reply = ask_storage(task, request)
        if not isinstance(reply, Elsewhere):
            return _stored(task, reply, flags)
        if resolve & RESOLVE_NO_XDEV:
            raise LinuxError(E.EXDEV)
        try:
            return _made_up(task, PSEUDO.lookup(task, reply.path, follow), flags)
        except Leads as leads:
            if resolve & (RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS):
                raise LinuxError(E.ELOOP) from None
            if resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT):
                raise LinuxError(E.EXDEV) from None
            where = Place(0, leads.path)
    raise LinuxError(E.ELOOP)


# ---- files of the storage component ----------------------------------------------------------------------


def _stored(task: Thread, reply: OpenReply, flags: int) -> OpenFile:
    shown = flags & ~ONCE
    kind = reply.stat.kind
    if flags & O_PATH:
        return PathFile(shown, reply.path, reply.handle, reply.stat)
    if kind == S_IFDIR:
        wrong = E.EISDIR if flags & O_TRUNC else E.EINVAL if flags & O_DIRECT else 0
        if wrong:
            ask_storage(task, Close([reply.handle]))
            raise LinuxError(wrong)
        return StorageDirectory(shown, reply.path, reply.handle)
    if kind == S_IFIFO:
        try:
            return open_fifo(task, shown, reply.path, reply.handle, reply.stat)
        except LinuxError:
            ask_storage(task, Close([reply.handle]))
            raise
    if kind != S_IFREG or reply.object is None:  # A socket cannot be opened on Linux either.
        ask_storage(task, Close([reply.handle]))
        raise LinuxError(E.ENXIO)
    file = RegularFile(shown, reply.path, reply.handle, reply.object)
    if flags & O_TRUNC and not reply.created:
        try:
            _cut(task, file)
        except BaseException:
            file.close(task)
            raise
    return file


def _cut(task: Thread, file: RegularFile) -> None:
    """O_TRUNC. Linux cuts a file that is opened for reading only as well, if it may be written (open(2), "O_TRUNC")."""
    if file.writable:
        file.cut(task, 0)
    else:
        cut_path(task, Place(0, file.path), 0)


def cut_path(task: Thread, where: Place, size: int) -> None:
    """truncate(2) of a regular file of the storage component. RLIMIT_FSIZE counts, as it does for O_TRUNC's 0."""
    reply = ask_storage(task, Open(task.process.vnode, where.handle, where.path, O_WRONLY))
    if not isinstance(reply, OpenReply) or reply.object is None:
        if isinstance(reply, OpenReply):
            ask_storage(task, Close([reply.handle]))
        raise LinuxError(E.EINVAL)
    file = RegularFile(O_WRONLY, reply.path, reply.handle, reply.object)
    try:
        file.truncate(task, size)
    finally:
        file.close(task)


# ---- made-up files -----------------------------------------------------------------------------------------


class MadeUpDirectory(Directory):
    """A directory of /proc, /dev or /sys. It has no handle: `path` is where paths start from."""

    def __init__(self, flags: int, node: Node) -> None:
        super().__init__(flags, node.path)
        self.node = node

    def listed(self, task: Thread) -> list[Entry]:
        """Asks the node."""
        return self.node.entries(task)

    def stat(self, task: Thread) -> Stat:
        """fstat(2)."""
        return self.node.stat(task)

    def statfs(self, task: Thread) -> FsStat:
        """fstatfs(2)."""
        return self.node.statfs(task)


class MadeUpPath(OpenFile):
    """What O_PATH opens of /proc, /dev or /sys, when it is no directory."""

    def __init__(self, flags: int, node: Node) -> None:
        super().__init__(flags, node.path)
        self.node = node

    def stat(self, task: Thread) -> Stat:
        """fstat(2)."""
        return self.node.stat(task)

    def statfs(self, task: Thread) -> FsStat:
        """fstatfs(2)."""
        return self.node.statfs(task)


def _made_up(task: Thread, node: Node, flags: int) -> OpenFile:
    """Linux's order: what is there (EEXIST, ELOOP, ENOTDIR, EISDIR), then whether one may (do_open, may_open)."""
    stat = node.stat(task)
    shown = flags & ~ONCE
    if flags & O_CREAT and flags & O_EXCL:
        raise LinuxError(E.EEXIST)
    directory = stat.kind == S_IFDIR
    if flags & O_DIRECTORY and not directory:
        raise LinuxError(E.ENOTDIR)
    if flags & O_PATH and not directory:
        return MadeUpPath(shown, node)
    if stat.kind == S_IFLNK:
        raise LinuxError(E.ELOOP)
    if not flags & O_PATH:
        _check_access(task, node, stat, flags)
        if flags & O_DIRECT and stat.kind != S_IFREG:
            raise LinuxError(E.EINVAL)  # There is nothing to go around (do_dentry_open).
    if directory:
        return MadeUpDirectory(shown, node)
    file = node.open(task, shown)
    if flags & O_TRUNC and isinstance(file, RegularFile):
        _cut_reopened(task, file)
    if isinstance(file, TerminalFile) and not flags & O_NOCTTY and node.path != "/dev/console":
        jobs.opened(task, file.terminal, file.readable)
    return file


def _cut_reopened(task: Thread, file: RegularFile) -> None:
    """O_TRUNC of /proc/PID/fd/N."""
    try:
        file.cut(task, 0)
    except BaseException:
        file.close(task)
        raise


def _check_access(task: Thread, node: Node, stat: Stat, flags: int) -> None:
    wanted = (R_OK, W_OK, R_OK | W_OK, R_OK | W_OK)[flags & O_ACCMODE]
    if flags & O_TRUNC:
        wanted |= W_OK
    if stat.kind == S_IFDIR:
        if flags & TMPFILE_BIT:
            raise LinuxError(E.EOPNOTSUPP)
        if flags & (O_CREAT | O_TRUNC) or flags & O_ACCMODE != O_RDONLY:
            raise LinuxError(E.EISDIR)
    if not node.welcomes(task) and not permits(task, stat, wanted):
        raise LinuxError(E.EACCES)
