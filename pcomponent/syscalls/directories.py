"""Where relative paths start: the working directory, and the umask. Source: fs/open.c, fs/d_path.c."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import AT_FDCWD, O_DIRECTORY, O_PATH, PATH_MAX, X_OK
from pcomponent.credentials import SYS_CHROOT
from pcomponent.files.base import OpenFile
from pcomponent.files.opening import open_path
from pcomponent.files.storage import ask_storage
from pcomponent.paths import Place, permits, place_at
from pcomponent.process import WorkingDirectory
from pcomponent.syscalls.table import syscall
from scomponent.messages import Access, Close, PathOf

if TYPE_CHECKING:
    from pcomponent.process import Thread


@syscall(79, "getcwd", "buffer", "size")
def getcwd(task: Thread, buffer: int, room: int) -> int:
    """getcwd(2): the length with the NUL. ENOENT when the directory was removed, ENAMETOOLONG when
    it is deeper than a path can say."""
    directory = task.process.working_directory
    path = ask_storage(task, PathOf(directory.handle)).path if directory.handle else directory.path
    text = os.fsencode(path) + b"\0"
    if len(text) > PATH_MAX:
        raise LinuxError(E.ENAMETOOLONG)
    if len(text) > room:
        raise LinuxError(E.ERANGE)
    task.memory.write(buffer, text)
    return len(text)


@syscall(80, "chdir", "path")
def chdir(task: Thread, pointer: int) -> int:
    """chdir(2)."""
    _enter(task, open_path(task, place_at(task, AT_FDCWD, pointer), O_PATH | O_DIRECTORY))
    return 0


@syscall(81, "fchdir", "fd")
def fchdir(task: Thread, fd: int) -> int:
    """fchdir(2)."""
    file = task.process.files.get_any(fd)
    if not file.directory:
        raise LinuxError(E.ENOTDIR)
    where = Place(file.handle, ".") if file.handle else Place(0, file.path)
    _enter(task, open_path(task, where, O_PATH | O_DIRECTORY))
    return 0


def _enter(task: Thread, file: OpenFile) -> None:
    """Makes a directory the working directory, which takes its handle over. EACCES without search permission."""
    try:
        if file.handle:
            ask_storage(task, Access(task.process.vnode, file.handle, ".", X_OK))
        elif not permits(task, file.stat(task), X_OK):
            raise LinuxError(E.EACCES)
    except BaseException:
        file.close(task)
        raise
    before = task.process.working_directory
    task.process.working_directory = WorkingDirectory(file.handle, file.path)
    before.references -= 1
    if before.handle and not before.references:
        ask_storage(task, Close([before.handle]))


@syscall(161, "chroot", "path", support="partial", note="only to what is the root already, else EPERM")
def chroot(task: Thread, pointer: int) -> int:
    """chroot(2), in its order: the path must lead to a directory first. Programs that change who they are by way of
    chroot(8) stay where they are."""
    file = open_path(task, place_at(task, AT_FDCWD, pointer), O_PATH | O_DIRECTORY)
    root = file.path == "/"
    file.close(task)
    if not root or not task.credentials.capable(SYS_CHROOT):
        raise LinuxError(E.EPERM)
    return 0


@syscall(95, "umask", "mode")
def umask(task: Thread, mask: int) -> int:
    """umask(2)."""
    before, task.process.umask = task.process.umask, mask & 0o777
    return before
