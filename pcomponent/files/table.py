"""The descriptor table of a process (Linux's struct files_struct).

A descriptor is a small number for an open file description; `dup` and `fork` make several descriptors share
one, which is closed when the last of them goes. Descriptors are given out lowest first, as POSIX asks, and
stay below RLIMIT_NOFILE. The close-on-exec flag belongs to the descriptor, not to what it refers to.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import O_PATH
from pcomponent.files.letters import Parcels
from pcomponent.rlimits import Resource

if TYPE_CHECKING:
    from pcomponent.files.base import OpenFile
    from pcomponent.process import Thread


class FileTable:
    """Descriptors by number."""

    def __init__(self) -> None:
        self._files: dict[int, OpenFile] = {}
        self._close_on_exec: set[int] = set()
        self.users = 1
        """Processes that have this table: more than one with CLONE_FILES."""
        self.parcels = Parcels()
        self.locks_ranges = False
        """Whether it ever owned locks of ranges, which go with any descriptor of their file."""
        self._lowest = 0  # No descriptor below this is free.
        self.looked_up: list[OpenFile] = []
        """What the call that is being made has asked for, which stays open while it waits (`holding`)."""

    def __len__(self) -> int:
        return len(self._files)

    def get(self, fd: int) -> OpenFile:
        """What a descriptor refers to; EBADF, also for one opened with O_PATH (Linux's fdget)."""
        file = self._files.get(fd)
        if file is None or file.flags & O_PATH:
            raise LinuxError(E.EBADF)
        self.looked_up.append(file)
        return file

    def get_any(self, fd: int) -> OpenFile:
        """Like `get`, for the calls that O_PATH allows (Linux's fdget_raw)."""
        file = self.peek(fd)
        self.looked_up.append(file)
        return file

    def peek(self, fd: int) -> OpenFile:
        """Like `get_any`, for who looks at the table of another process."""
        file = self._files.get(fd)
        if file is None:
            raise LinuxError(E.EBADF)
        return file

    def has(self, fd: int, file: OpenFile) -> bool:
        """Whether a descriptor refers to that file."""
        return self._files.get(fd) is file

    def descriptors(self) -> list[tuple[int, OpenFile]]:
        """All descriptors and what they refer to, in order."""
        return sorted(self._files.items())

    def files(self) -> list[OpenFile]:
        """What is open, each once, in the order of the lowest descriptors."""
        return list({id(file): file for _, file in self.descriptors()}.values())

    def free(self, task: Thread, lowest: int = 0) -> int:
        """The lowest free descriptor that is at least `lowest`; EMFILE when the limit forbids it. Asked before a
        file is opened, so that a full table has no side effect."""
        fd = max(lowest, self._lowest)
        while fd in self._files:
            fd += 1
        if lowest <= self._lowest:
            self._lowest = fd
        if fd >= _limit(task):
            raise LinuxError(E.EMFILE)
        return fd

    def install(self, task: Thread, file: OpenFile, close_on_exec: bool = False, lowest: int = 0) -> int:
        """Gives an open file the lowest free descriptor that is at least `lowest`. EMFILE."""
        fd = self.free(task, lowest)
        self._set(fd, file, close_on_exec)
        return fd

    def duplicate(self, task: Thread, fd: int, close_on_exec: bool = False, lowest: int = 0) -> int:
        """dup(2), fcntl(F_DUPFD). EBADF; EINVAL when `lowest` is beyond the limit; EMFILE."""
        file = self.get_any(fd)
        if not 0 <= lowest < _limit(task):
            raise LinuxError(E.EINVAL if lowest else E.EMFILE)
        return self.install(task, file, close_on_exec, lowest)

    def replace(self, task: Thread, fd: int, new: int, close_on_exec: bool = False) -> int:
        """dup3(2) for two different descriptors: closes `new` first, silently. EBADF when `fd` is not open or
        `new` is beyond the limit."""
        if not 0 <= new < _limit(task):
            raise LinuxError(E.EBADF)
        file = self.get_any(fd)
        old = self._files.get(new)
        self._set(new, file, close_on_exec)
        if old is not None:
            self._drop_quietly(task, old)
        return new

    def close(self, task: Thread, fd: int) -> None:
        """close(2). EBADF; an error of the file's own is raised after the descriptor is gone."""
        self._drop(task, self._take(fd))

    def close_range(self, task: Thread, first: int, last: int) -> None:
        """close_range(2): closes what is open in [first, last]; errors are not reported."""
        for fd in self._between(first, last):
            self._drop_quietly(task, self._take(fd))

    def mark_range(self, first: int, last: int) -> None:
        """close_range(2) with CLOSE_RANGE_CLOEXEC."""
        self._close_on_exec.update(self._between(first, last))

    def closes_on_exec(self, fd: int) -> bool:
        """FD_CLOEXEC of an open descriptor; EBADF."""
        self.get_any(fd)
        return fd in self._close_on_exec

    def set_close_on_exec(self, fd: int, on: bool) -> None:
        """fcntl(F_SETFD); EBADF."""
        self.get_any(fd)
        if on:
            self._close_on_exec.add(fd)
        else:
            self._close_on_exec.discard(fd)

    def close_on_exec(self, task: Thread) -> None:
        """What execve does: closes the descriptors that are marked for it."""
        for fd in sorted(self._close_on_exec):
            self._drop_quietly(task, self._take(fd))

    def copy(self) -> FileTable:
        """The table of a forked process: the same descriptors for the same open files."""
        other = FileTable()
        for fd, file in self._files.items():
            other._set(fd, file, fd in self._close_on_exec)
        other._lowest = self._lowest
        return other

    def close_all(self, task: Thread) -> None:
        """What exit does. Every descriptor goes, even when a component that has files is gone; the first such
        failure is raised at the end."""
        failure: Exception | None = None
        for fd in sorted(self._files):
            try:
                self._drop_quietly(task, self._take(fd))
            except Exception as error:
                failure = failure or error
        if failure is not None:
            raise failure

    def _between(self, first: int, last: int) -> list[int]:
        return sorted(fd for fd in self._files if first <= fd <= last)

    def _set(self, fd: int, file: OpenFile, close_on_exec: bool) -> None:
        file.references += 1
        self._files[fd] = file
        self._close_on_exec.discard(fd)
        if close_on_exec:
            self._close_on_exec.add(fd)

    def _take(self, fd: int) -> OpenFile:
        file = self._files.pop(fd, None)
        if file is None:
            raise LinuxError(E.EBADF)
        self._close_on_exec.discard(fd)
        self._lowest = min(self._lowest, fd)
        return file

    def _drop(self, task: Thread, file: OpenFile) -> None:
        if self.locks_ranges:
            task.kernel.file_locks.closed(task, self, file)
        file.drop(task)

    def _drop_quietly(self, task: Thread, file: OpenFile) -> None:
        with contextlib.suppress(LinuxError):  # The descriptor is gone either way, and these callers tell nobody.
            self._drop(task, file)


def _limit(task: Thread) -> int:
    return task.process.limits.soft(Resource.NOFILE)
