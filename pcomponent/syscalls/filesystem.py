"""Calls that name files: making, removing, renaming and reading names.

Source: fs/namei.c, fs/open.c, fs/stat.c, fs/statfs.c.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import (
    AT_EACCESS,
    AT_EMPTY_PATH,
    AT_FDCWD,
    AT_REMOVEDIR,
    AT_SYMLINK_FOLLOW,
    AT_SYMLINK_NOFOLLOW,
    RENAME_EXCHANGE,
    RENAME_NOREPLACE,
    RENAME_WHITEOUT,
    W_OK,
)
from lego.linux.stat import S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG, S_IFSOCK, FsStat
from pcomponent.files.base import OpenFile
from pcomponent.files.opening import MadeUpPath, cut_path
from pcomponent.files.storage import PathFile, StorageFile, ask_storage
from pcomponent.paths import Place, alter, ask, permits, place, place_at, place_or_file, read_path
from pcomponent.pseudo.tree import PSEUDO, Leads, Node
from pcomponent.syscalls.attributes import stat_place
from pcomponent.syscalls.table import syscall
from scomponent.messages import (
    Access,
    Elsewhere,
    Link,
    LinkHandle,
    MakeDirectory,
    MakeNode,
    PathFsStat,
    PathOf,
    PathStat,
    ReadLink,
    Remove,
    Rename,
    SymLink,
)

if TYPE_CHECKING:
    from pcomponent.process import Thread

_DESCRIPTOR = re.compile(r"/proc/([^/]+)/fd/(\d{1,9})")


# ---- access ----------------------------------------------------------------------------------------------


@syscall(21, "access", "path", "mode")
def access(task: Thread, pointer: int, mode: int) -> int:
    """access(2)."""
    return faccessat2(task, AT_FDCWD, pointer, mode, 0)


@syscall(269, "faccessat", "fd", "path", "mode")
def faccessat(task: Thread, dirfd: int, pointer: int, mode: int) -> int:
    """faccessat(2); the system call has no flags."""
    return faccessat2(task, dirfd, pointer, mode, 0)


@syscall(439, "faccessat2", "fd", "path", "mode", "flags")
def faccessat2(task: Thread, dirfd: int, pointer: int, mode: int, flags: int) -> int:
    """faccessat(2) with flags."""
    if mode & ~7 or flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH):
        raise LinuxError(E.EINVAL)
    what = place_or_file(task, dirfd, pointer, flags)
    follow, effective = not flags & AT_SYMLINK_NOFOLLOW, bool(flags & AT_EACCESS)
    if isinstance(what, OpenFile):
        stat = what.stat(task)
    else:
        vnode = task.process.vnode
        answer = ask(task, what, lambda handle, path: Access(vnode, handle, path, mode, follow), follow, effective)
        if not isinstance(answer, Node):
            return 0
        if answer.welcomes(task):
            return 0
        stat = answer.stat(task)
    if mode and not permits(task, stat, mode, effective):
        raise LinuxError(E.EACCES)
    return 0


# ---- making names ----------------------------------------------------------------------------------------


# A name that is to be made among the made-up files is there already (EEXIST), or finding it fails.


@syscall(83, "mkdir", "path", "mode")
def mkdir(task: Thread, pointer: int, mode: int) -> int:
    """mkdir(2)."""
    return mkdirat(task, AT_FDCWD, pointer, mode)


@syscall(258, "mkdirat", "fd", "path", "mode")
def mkdirat(task: Thread, dirfd: int, pointer: int, mode: int) -> int:
    """mkdirat(2)."""
    where, vnode = place_at(task, dirfd, pointer), task.process.vnode
    mode &= 0o1777 & ~task.process.umask
    alter(task, where, lambda handle, path: MakeDirectory(vnode, handle, path, mode), follow=False, denied=E.EEXIST)
    return 0


@syscall(133, "mknod", "path", "mode", "uint", support="partial", note="no device files (EPERM) but whiteouts")
def mknod(task: Thread, pointer: int, mode: int, device: int) -> int:
    """mknod(2)."""
    return mknodat(task, AT_FDCWD, pointer, mode, device)


@syscall(259, "mknodat", "fd", "path", "mode", "uint", support="partial", note="no device files (EPERM) but whiteouts")
def mknodat(task: Thread, dirfd: int, pointer: int, mode: int, device: int) -> int:
    """mknodat(2). may_mknod: EPERM for a directory, EINVAL for other kinds that there are not."""
    kind = mode & S_IFMT or S_IFREG
    if kind not in (S_IFREG, S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK):
        raise LinuxError(E.EPERM if kind == S_IFDIR else E.EINVAL)
    where, vnode = place_at(task, dirfd, pointer), task.process.vnode
    mode = kind | mode & 0o7777 & ~task.process.umask
    alter(task, where, lambda handle, path: MakeNode(vnode, handle, path, mode, device), follow=False, denied=E.EEXIST)
    return 0


@syscall(88, "symlink", "path", "path")
def symlink(task: Thread, target: int, pointer: int) -> int:
    """symlink(2)."""
    return symlinkat(task, target, AT_FDCWD, pointer)


@syscall(266, "symlinkat", "path", "fd", "path")
def symlinkat(task: Thread, target: int, dirfd: int, pointer: int) -> int:
    """symlinkat(2): ENOENT for an empty target too."""
    text, vnode = read_path(task, target), task.process.vnode
    where = place_at(task, dirfd, pointer)
    alter(task, where, lambda handle, path: SymLink(vnode, text, handle, path), follow=False, denied=E.EEXIST)
    return 0


@syscall(86, "link", "path", "path")
def link(task: Thread, old: int, new: int) -> int:
    """link(2)."""
    return linkat(task, AT_FDCWD, old, AT_FDCWD, new, 0)


@syscall(265, "linkat", "fd", "path", "fd", "path", "flags")
def linkat(task: Thread, old_dirfd: int, old: int, new_dirfd: int, new: int, flags: int) -> int:
    """linkat(2); with AT_EMPTY_PATH, or through /proc/self/fd, of an open file."""
    if flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH):
        raise LinuxError(E.EINVAL)
    what, follow = place_or_file(task, old_dirfd, old, flags), bool(flags & AT_SYMLINK_FOLLOW)
    to, vnode = place_at(task, new_dirfd, new), task.process.vnode
    if isinstance(what, Place) and follow:
        what = _open_file_of(task, what) or what
    if isinstance(what, OpenFile):
        if not isinstance(what, StorageFile) or not what.handle:
            raise LinuxError(E.EXDEV)
        _both(task, LinkHandle(vnode, what.handle, *to))
    else:
        _both(task, Link(vnode, *what, *to, follow))
    return 0


def _open_file_of(task: Thread, where: Place) -> OpenFile | None:
    """The open file that a path like /proc/self/fd/3 stands for, whatever its name is now, if it has one."""
    vnode = task.process.vnode
    answer = ask(task, where, lambda handle, path: PathStat(vnode, handle, path, follow=False), follow=False)
    match = _DESCRIPTOR.fullmatch(answer.path) if isinstance(answer, Node) else None
    if match is None or match[1] != str(task.process.pid):
        return None
    return task.process.files.get_any(int(match[2]))


def _both(task: Thread, request: Link | LinkHandle | Rename) -> None:
    """A call on two names. Both among the made-up files: those have no such operations (EPERM)."""
    reply = ask_storage(task, request)
    if isinstance(reply, Elsewhere):
        try:
            PSEUDO.lookup(task, reply.path, follow=False)
        except Leads as leads:
            raise LinuxError(E.EXDEV) from leads
        raise LinuxError(E.EPERM)


# ---- removing and renaming ----------------------------------------------------------------------------------


@syscall(87, "unlink", "path")
def unlink(task: Thread, pointer: int) -> int:
    """unlink(2)."""
    return unlinkat(task, AT_FDCWD, pointer, 0)


@syscall(84, "rmdir", "path")
def rmdir(task: Thread, pointer: int) -> int:
    """rmdir(2)."""
    return unlinkat(task, AT_FDCWD, pointer, AT_REMOVEDIR)


@syscall(263, "unlinkat", "fd", "path", "flags")
def unlinkat(task: Thread, dirfd: int, pointer: int, flags: int) -> int:
    """unlinkat(2)."""
    if flags & ~AT_REMOVEDIR:
        raise LinuxError(E.EINVAL)
    where, vnode, directory = place_at(task, dirfd, pointer), task.process.vnode, bool(flags & AT_REMOVEDIR)
    answer = ask(task, where, lambda handle, path: Remove(vnode, handle, path, directory), follow=False)
    if isinstance(answer, Node):
        is_directory = answer.stat(task).kind == S_IFDIR
        if is_directory != directory:
            raise LinuxError(E.ENOTDIR if directory else E.EISDIR)
        raise LinuxError(E.EPERM)
    return 0


@syscall(82, "rename", "path", "path")
def rename(task: Thread, old: int, new: int) -> int:
    """rename(2)."""
    return renameat2(task, AT_FDCWD, old, AT_FDCWD, new, 0)


@syscall(264, "renameat", "fd", "path", "fd", "path")
def renameat(task: Thread, old_dirfd: int, old: int, new_dirfd: int, new: int) -> int:
    """renameat(2)."""
    return renameat2(task, old_dirfd, old, new_dirfd, new, 0)


@syscall(316, "renameat2", "fd", "path", "fd", "path", "flags")
def renameat2(task: Thread, old_dirfd: int, old: int, new_dirfd: int, new: int, flags: int) -> int:
    """renameat2(2)."""
    if flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT):
        raise LinuxError(E.EINVAL)
    if flags & (RENAME_NOREPLACE | RENAME_WHITEOUT) and flags & RENAME_EXCHANGE:
        raise LinuxError(E.EINVAL)
    source, target = read_path(task, old), read_path(task, new)
    _both(
        task, Rename(task.process.vnode, *place(task, old_dirfd, source), *place(task, new_dirfd, target), flags)
    )  # fmt: skip
    return 0


# ---- reading names -------------------------------------------------------------------------------------------


@syscall(89, "readlink", "path", "buffer", "int")
def readlink(task: Thread, pointer: int, buffer: int, room: int) -> int:
    """readlink(2)."""
    return readlinkat(task, AT_FDCWD, pointer, buffer, room)


@syscall(267, "readlinkat", "fd", "path", "buffer", "int")
def readlinkat(task: Thread, dirfd: int, pointer: int, buffer: int, room: int) -> int:
    """readlinkat(2); an empty path means the symlink that `dirfd` was opened on with O_PATH. The text is cut, not
    terminated."""
    if room <= 0:
        raise LinuxError(E.EINVAL)
    path = read_path(task, pointer, empty=True)
    text = os.fsencode(_link_text(task, place(task, dirfd, path)) if path else _open_link_text(task, dirfd))[:room]
    task.memory.write(buffer, text)
    return len(text)


def _link_text(task: Thread, where: Place) -> str:
    vnode = task.process.vnode
    answer = ask(task, where, lambda handle, path: ReadLink(vnode, handle, path), follow=False)
    if not isinstance(answer, Node):
        return str(answer.text)
    return _node_text(task, answer)


def _node_text(task: Thread, node: Node) -> str:
    if node.stat(task).kind != S_IFLNK:
        raise LinuxError(E.EINVAL)
    return node.readlink(task)


def _open_link_text(task: Thread, dirfd: int) -> str:
    if dirfd == AT_FDCWD:
        raise LinuxError(E.ENOENT)
    file = task.process.files.get_any(dirfd)
    if isinstance(file, MadeUpPath) and file.stat(task).kind == S_IFLNK:
        return _node_text(task, file.node)
    if isinstance(file, PathFile) and file.stat(task).kind == S_IFLNK:
        path = ask_storage(task, PathOf(file.handle)).path
        return _link_text(task, Place(0, path))
    raise LinuxError(E.ENOENT)


# ---- the rest ------------------------------------------------------------------------------------------------


@syscall(76, "truncate", "path", "offset")
def truncate(task: Thread, pointer: int, size: int) -> int:
    """truncate(2)."""
    if size < 0:
        raise LinuxError(E.EINVAL)
    where, vnode = place_at(task, AT_FDCWD, pointer), task.process.vnode
    answer = ask(task, where, lambda handle, path: PathStat(vnode, handle, path))
    stat = answer.stat(task) if isinstance(answer, Node) else answer.stat
    if stat.kind != S_IFREG:
        raise LinuxError(E.EISDIR if stat.kind == S_IFDIR else E.EINVAL)
    if not isinstance(answer, Node):
        cut_path(task, where, size)
    elif not permits(task, stat, W_OK):
        raise LinuxError(E.EACCES)
    return 0  # A made-up file has no size that could change (proc_notify_change).


@syscall(137, "statfs", "path", "pointer")
def statfs(task: Thread, pointer: int, buffer: int) -> int:
    """statfs(2)."""
    where, vnode = place_at(task, AT_FDCWD, pointer), task.process.vnode
    answer = ask(task, where, lambda handle, path: PathFsStat(vnode, handle, path))
    found: FsStat = answer.statfs(task) if isinstance(answer, Node) else answer.stat
    task.memory.write(buffer, found.pack())
    return 0


@syscall(138, "fstatfs", "fd", "pointer")
def fstatfs(task: Thread, fd: int, buffer: int) -> int:
    """fstatfs(2)."""
    task.memory.write(buffer, task.process.files.get_any(fd).statfs(task).pack())
    return 0


@syscall(303, "name_to_handle_at", "fd", "path", "pointer", "pointer", "flags", support="partial", note="EOPNOTSUPP")
def name_to_handle_at(task: Thread, dirfd: int, pointer: int, _handle: int, _mount: int, flags: int) -> int:
    """name_to_handle_at(2), as on a file system that cannot be exported."""
    if flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH):
        raise LinuxError(E.EINVAL)
    what = place_or_file(task, dirfd, pointer, flags)
    if isinstance(what, Place):
        stat_place(task, what, follow=bool(flags & AT_SYMLINK_FOLLOW))
    raise LinuxError(E.EOPNOTSUPP)
