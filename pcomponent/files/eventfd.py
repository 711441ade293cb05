"""eventfd(2): a counter that is read and written through a descriptor. Source: fs/eventfd.c."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import O_NONBLOCK
from pcomponent.files.anonymous import AnonymousFile, Change, wait_until
from pcomponent.files.base import POLLERR, POLLIN, POLLOUT, Blocking

if TYPE_CHECKING:
    from pcomponent.process import Thread

COUNT_MAX = (1 << 64) - 1
_BYTES = 8


class EventFile(AnonymousFile):
    """The counter."""

    def __init__(self, task: Thread, flags: int, count: int, semaphore: bool) -> None:
        super().__init__(task, flags, "eventfd", 0o600)
        self.count = count
        self._semaphore = semaphore
        self._added, self._taken = Change(), Change()

    def details(self, task: Thread) -> str:
        """The count. Numbers of eventfds are not given out."""
        return f"eventfd-count: {self.count:16x}\neventfd-id: 0\neventfd-semaphore: {int(self._semaphore)}\n"

    def serial(self, events: int) -> int:
        """The last write, and the last read for those who wait for room."""
        return max(self._added.serial if events & POLLIN else 0, self._taken.serial if events & POLLOUT else 0)

    def changes(self, task: Thread) -> list[Change]:
        """Reads and writes."""
        return [self._added, self._taken]

    lasting_changes = changes

    def read(self, task: Thread, length: int) -> Blocking:
        """Takes the count, or 1 of it for a semaphore. EINVAL for less than 8 bytes; EAGAIN."""
        if length < _BYTES:
            raise LinuxError(E.EINVAL)
        while not self.count:
            if self.flags & O_NONBLOCK:
                raise LinuxError(E.EAGAIN)
            yield from wait_until(task, lambda: self.count, self._added)
        taken = 1 if self._semaphore else self.count
        self.count -= taken
        self._taken.happened(task)
        return taken.to_bytes(_BYTES, "little")

    def write(self, task: Thread, data: bytes) -> Blocking:
        """Adds to the count; waits while that would not fit. EINVAL; EAGAIN."""
        value = int.from_bytes(data[:_BYTES], "little")
        if len(data) < _BYTES or value == COUNT_MAX:
            raise LinuxError(E.EINVAL)
        while COUNT_MAX - self.count <= value:
            if self.flags & O_NONBLOCK:
                raise LinuxError(E.EAGAIN)
            yield from wait_until(task, lambda: COUNT_MAX - self.count > value, self._taken)
        self.count += value
        self._added.happened(task)
        return _BYTES

    def poll(self, task: Thread, events: int, wait_ms: int = 0) -> int:
        """POLL* bits that hold now."""
        found = POLLIN if self.count else 0
        if self.count == COUNT_MAX:
            found |= POLLERR
        return found | (POLLOUT if self.count < COUNT_MAX - 1 else 0)
