"""/proc/PID/fd and fdinfo: symlinks that lead to open files, also to those that have no name (any more).

A file that has a path is opened again by it. One that was removed is opened again by a second handle, with a
position of its own. A stream of the console, or a pipe, is shared: what `open` gives is the open file itself.
Source: fs/proc/fd.c.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import O_ACCMODE, O_CLOEXEC, O_RDONLY, O_RDWR, O_WRONLY, R_OK, W_OK
from lego.linux.stat import S_IFCHR, S_IFDIR, S_IFIFO, S_IFREG, FsStat, Stat
from pcomponent.files.base import OpenFile
from pcomponent.files.console import ConsoleFile
from pcomponent.files.memory_file import MemoryFile
from pcomponent.files.pipe import PipeFile
from pcomponent.files.regular import RegularFile
from pcomponent.files.storage import ask_storage
from pcomponent.pseudo.files import Text
from pcomponent.pseudo.node import PROC, Directory, Link, Node
from pcomponent.tasks import proc_owner
from scomponent.messages import Access, Duplicate, PathOf

if TYPE_CHECKING:
    from pcomponent.process import Process, Thread

_OPENABLE = (S_IFREG, S_IFCHR, S_IFIFO, S_IFDIR)
_LINK_BYTES = 64
"""st_size of these symlinks (tid_fd_update_inode)."""


class OpenedNode(Node):
    """What a magic link leads to when it has no path: the open file itself."""

    def __init__(self, file: OpenFile, path: str, mode: int) -> None:
        super().__init__(PROC, path, mode & 0o7777)
        self.kind = mode & ~0o7777
        self._file = file

    def stat(self, task: Thread) -> Stat:
        """fstat(2) of the open file."""
        return self._file.stat(task)

    def statfs(self, task: Thread) -> FsStat:
        """fstatfs(2) of it."""
        return self._file.statfs(task)

    def owner(self, task: Thread) -> tuple[int, int]:
        """The open file's."""
        stat = self._file.stat(task)
        return stat.uid, stat.gid

    def change(
        self,
        task: Thread,
        mode: int | None = None,
        owner: tuple[int, int] | None = None,
        times: tuple[int | None, int | None] | None = None,
    ) -> None:
        """That of the open file."""
        self._file.change(task, mode, owner, times)

    def open(self, task: Thread, flags: int) -> OpenFile:
        """The file again. ENXIO for sockets and what has no file behind it; EACCES when it was not open for that."""
        if self.kind not in _OPENABLE:
            raise LinuxError(E.ENXIO)
        if isinstance(self._file, MemoryFile):
            return self._file.reopened(task, flags)
        if isinstance(self._file, PipeFile):  # It is opened anew: the inode's permissions count, not the descriptor's.
            return self._file.reopened(task, flags)
        wanted, has = flags & O_ACCMODE, self._file.flags & O_ACCMODE
        if wanted != has and has != O_RDWR:
            raise LinuxError(E.EACCES)
        if not self._file.handle:
            return self._file
        if task.credentials.caller() is not None:  # Somebody else could open it.
            mode = (R_OK, W_OK, R_OK | W_OK)[wanted]
            ask_storage(task, Access(task.process.vnode, self._file.handle, "", mode))
        writable = wanted in (O_WRONLY, O_RDWR)
        reply, _ = task.kernel.endpoint.call(task.process.storage, Duplicate(self._file.handle, writable))
        return RegularFile(flags, self._file.path, reply.handle, reply.object)


def place_of(task: Thread, process: Process, handle: int, path: str) -> tuple[str, bool]:
    """Where an open file is now, and whether it still has a name."""
    if not handle:
        return path, True
    try:
        reply, _ = task.kernel.endpoint.call(process.storage, PathOf(handle))
        return reply.path, True
    except LinuxError as error:
        if error.errno != E.ENOENT:
            raise
        return f"{error.detail or path} (deleted)", False


class DescriptorLink(Link):
    """/proc/PID/fd/N."""

    def __init__(self, thread: Thread, path: str, file: OpenFile) -> None:
        process = thread.process
        super().__init__(PROC, path, lambda task: place_of(task, process, file.handle, file.path)[0])
        self._thread, self._process = thread, process
        self._file = file
        self.permissions = _permissions(file)

    def owner(self, task: Thread) -> tuple[int, int]:
        """The thread's."""
        return proc_owner(self._thread, self.kind | self.permissions)

    def size(self, task: Thread) -> int:
        """A constant."""
        return _LINK_BYTES

    def follow(self, task: Thread) -> Node | str:
        """By path as long as there is one that a guest can go; a stream's is the host's."""
        file = self._file
        path, named = place_of(task, self._process, file.handle, file.path)
        if named and file.named and path.startswith("/") and not isinstance(file, ConsoleFile):
            return path
        return OpenedNode(file, self.path, file.stat(task).mode)


def _permissions(file: OpenFile) -> int:
    bits = 0o100 if file.flags & O_ACCMODE in (O_RDONLY, O_WRONLY, O_RDWR) else 0
    return bits | (0o400 if file.readable else 0) | (0o200 if file.writable else 0)


class Descriptors(Directory):
    """/proc/PID/fd, or fdinfo: what `make` makes of each descriptor."""

    def __init__(
        self, thread: Thread, path: str, make: Callable[[Thread, str, int, OpenFile], Node], permissions: int
    ) -> None:
        super().__init__(PROC, path, permissions)
        self._thread, self._process = thread, thread.process
        self._make = make

    def owner(self, task: Thread) -> tuple[int, int]:
        """The thread's."""
        return proc_owner(self._thread, self.kind | self.permissions)

    def welcomes(self, task: Thread) -> bool:
        """All threads of the process may look (proc_fd_permission)."""
        return task.process is self._process

    def size(self, task: Thread) -> int:
        """How many there are, in /proc/PID/fd (proc_fd_getattr)."""
        return len(self.children(task)) if self._make is link else 0

    def links(self, task: Thread) -> int:
        """There are no subdirectories."""
        return 2

    def children(self, task: Thread) -> Mapping[str, Node]:
        """One for each descriptor."""
        if self._process.status is not None:
            return {}
        files = self._process.files.descriptors()
        return {str(fd): self._make(self._thread, f"{self.path}/{fd}", fd, file) for fd, file in files}


def link(thread: Thread, path: str, fd: int, file: OpenFile) -> Node:
    """An entry of /proc/PID/fd."""
    return DescriptorLink(thread, path, file)


def information(thread: Thread, path: str, fd: int, file: OpenFile) -> Node:
    """An entry of /proc/PID/fdinfo."""

    def generate(task: Thread) -> str:
        flags = file.flags | (O_CLOEXEC if thread.process.files.closes_on_exec(fd) else 0)
        head = f"pos:\t{file.offset}\nflags:\t0{flags:o}\nmnt_id:\t{MOUNT_ID}\nino:\t{file.stat(task).ino}\n"
        return head + file.details(task)

    return _Information(thread, path, generate)


class _Information(Text):
    """What an entry of /proc/PID/fdinfo is."""

    def __init__(self, thread: Thread, path: str, generate: Callable[[Thread], str]) -> None:
        super().__init__(PROC, path, generate, write_errno=E.EINVAL)
        self._thread = thread

    def owner(self, task: Thread) -> tuple[int, int]:
        """The thread's."""
        return proc_owner(self._thread, self.kind | self.permissions)


MOUNT_ID = 1
"""The root's number in mountinfo."""
