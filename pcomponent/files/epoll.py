"""epoll: a set of files that is watched, and the list of those that are ready.

An item is queued when its file is ready, in the order in which that came about, as far as files count their events
(`OpenFile.serial`), and goes to the end when it was reported. Level-triggered items are reported as long
as they are ready; edge-triggered ones when an event happened since they were last looked at; with EPOLLONESHOT once,
until they are changed. A file leaves the set when its last descriptor is closed. Source: fs/eventpoll.c, epoll(7).
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import O_RDWR
from pcomponent.files.anonymous import AnonymousFile, Change
from pcomponent.files.base import POLLERR, POLLHUP, POLLIN, POLLRDNORM, OpenFile
from pcomponent.waiting import Interrupted, Wait, Wake

if TYPE_CHECKING:
    from pcomponent.process import Thread

EPOLLEXCLUSIVE, EPOLLWAKEUP, EPOLLONESHOT, EPOLLET = 1 << 28, 1 << 29, 1 << 30, 1 << 31
_PRIVATE = EPOLLEXCLUSIVE | EPOLLWAKEUP | EPOLLONESHOT | EPOLLET
_EXCLUSIVE_OK = 0x1 | 0x4 | POLLERR | POLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE
NESTS_MAX = 4
"""EP_MAX_NESTS: how many sets may lie between the outermost of a chain and its innermost."""
Key = tuple[int, OpenFile]


class _Item:
    """One descriptor that is watched."""

    def __init__(self, file: OpenFile, events: int, data: int) -> None:
        self.file = file
        self.set(events, data)

    def set(self, events: int, data: int) -> None:
        """What EPOLL_CTL_ADD and EPOLL_CTL_MOD say; everything is to be looked at again."""
        self.events = events | POLLERR | POLLHUP
        self.data = data
        self.seen: int | None = None
        """The last event that an edge-triggered item was looked at for."""
        self.held = 0
        """What was ready then, for files that do not count events."""
        self.order: int | None = None
        """Its place in the list of those that are ready, or None."""

    def look(self, task: Thread) -> int:
        """What is to be reported now."""
        if not self.events & ~_PRIVATE:
            return 0
        wanted = self.events & ~_PRIVATE
        serial = self.file.serial(wanted)
        if self.events & EPOLLET and serial is not None and serial == self.seen:
            return 0
        try:
            found = self.file.poll(task, wanted) & wanted
        except LinuxError:
            found = POLLERR
        if self.events & EPOLLET and serial is None:
            if not found:
                self.held = 0
            return found if found & ~self.held else 0
        return found

    def reported(self, found: int) -> None:
        """It was told to the guest."""
        self.seen = self.file.serial(self.events)
        self.held = found
        if self.events & EPOLLONESHOT:
            self.events &= _PRIVATE


class EpollFile(AnonymousFile):
    """The set."""

    def __init__(self, task: Thread) -> None:
        super().__init__(task, O_RDWR, "eventpoll", 0o600)
        self._items: dict[Key, _Item] = {}
        self._last = Change()
        self._altered = Change()
        """What is in the set, or what it is watched for."""
        self._outer: list[EpollFile] = []
        """Sets that watched this one when that was last looked at."""

    # ---- the set -------------------------------------------------------------------------------------

    def add(self, task: Thread, fd: int, file: OpenFile, events: int, data: int) -> None:
        """EPOLL_CTL_ADD. EEXIST; EINVAL; ELOOP."""
        if events & EPOLLEXCLUSIVE and (isinstance(file, EpollFile) or events & ~_EXCLUSIVE_OK):
            raise LinuxError(E.EINVAL)
        if isinstance(file, EpollFile):
            self._check_nesting(file)
        if (fd, file) in self._items:
            raise LinuxError(E.EEXIST)
        if isinstance(file, EpollFile):
            file._outer = list(dict.fromkeys([*file._watching(), self]))
        self._items[fd, file] = _Item(file, events, data)
        self.polls_outside = self.polls_outside or file.polls_outside
        self._altered.stir()

    def modify(self, task: Thread, fd: int, file: OpenFile, events: int, data: int) -> None:
        """EPOLL_CTL_MOD. ENOENT; EINVAL."""
        item = self._find(fd, file)
        if (events | item.events) & EPOLLEXCLUSIVE:
            raise LinuxError(E.EINVAL)
        item.set(events, data)
        self._altered.stir()

    def remove(self, fd: int, file: OpenFile) -> None:
        """EPOLL_CTL_DEL. ENOENT."""
        self._find(fd, file)
        del self._items[fd, file]
        if file.polls_outside:
            self._updated()
        self._altered.stir()

    def _check_nesting(self, inner: EpollFile) -> None:
        """Before this set watches another (ep_loop_check): no set watches itself at whatever depth, and no chain of
        sets gets too long, whether it grows at its outer or at its inner end. ELOOP."""
        above, below = self._distance(EpollFile._watching, inner), inner._distance(EpollFile._inner, self)
        if above + 1 + below > NESTS_MAX:
            raise LinuxError(E.ELOOP)

    def _distance(self, step: Callable[[EpollFile], list[EpollFile]], other: EpollFile) -> int:
        """How far the longest chain of sets from here goes, which is at most NESTS_MAX. ELOOP when it meets another."""
        level, steps = [self], -1
        while level:
            if other in level:
                raise LinuxError(E.ELOOP)
            level, steps = list(dict.fromkeys(each for file in level for each in step(file))), steps + 1
        return steps

    def _inner(self) -> list[EpollFile]:
        return [file for _, file in self._items if isinstance(file, EpollFile)]

    def _watching(self) -> list[EpollFile]:
        """The sets that watch this one."""
        self._outer = [each for each in self._outer if each.references > 0 and self in each._inner()]
        return self._outer

    def _find(self, fd: int, file: OpenFile) -> _Item:
        item = self._items.get((fd, file))
        if item is None:
            raise LinuxError(E.ENOENT)
        return item

    def _forget_closed(self) -> None:
        closed = [key for key in self._items if key[1].references <= 0]
        for key in closed:
            del self._items[key]
        if closed:
            self._updated()

    def _updated(self) -> None:
        self.polls_outside = any(file.polls_outside for _, file in self._items)

    # ---- what is ready -------------------------------------------------------------------------------

    def _ready(self, task: Thread) -> list[tuple[_Item, int]]:
        """Items to report, and what, in order."""
        self._forget_closed()
        found = []
        for item in self._items.values():
            bits = item.look(task)
            if not bits:
                item.order = None
                continue
            if item.order is None:
                item.order = item.file.serial(item.events) or 0
            found.append((item, bits))
        return sorted(found, key=lambda each: each[0].order or 0)

    def collect(self, task: Thread, count: int) -> list[tuple[int, int]]:
        """At most `count` pairs (events, data), which are reported by that."""
        chosen = self._ready(task)[:count]
        for item, bits in chosen:
            self._last.happened(task)
            item.reported(bits)
            item.order = self._last.serial
        return [(bits, item.data) for item, bits in chosen]

    def wait(self, task: Thread, count: int, deadline_ns: int | None) -> Generator[Wait, Wake, list[tuple[int, int]]]:
        """epoll_wait(2): pairs (events, data), none when the time was over. EINTR, whatever SA_RESTART says."""
        while True:
            found = self.collect(task, count)
            if found or (deadline_ns is not None and task.kernel.monotonic_ns(task) >= deadline_ns):
                return found
            due = self.due_ns(task)
            ends = [each for each in (due, deadline_ns) if each is not None]
            wake = yield Wait(
                ready=lambda wait_ms: self._look(task, wait_ms),
                until_ns=min(ends, default=None),
                outside=self.polls_outside,
                changes=lambda: self.changes(task),
            )
            if wake is Wake.SIGNAL and not self._ready(task):
                raise Interrupted(restart=False)

    def _look(self, task: Thread, wait_ms: int = 0) -> bool:
        """Whether something is ready; may wait for the outside."""
        if self._ready(task):
            return True
        outside = [item for item in self._items.values() if item.file.polls_outside] if wait_ms else []
        for item in outside:
            wanted = item.events & ~_PRIVATE
            if wanted and item.file.poll(task, wanted, max(1, wait_ms // len(outside))):
                return bool(self._ready(task))
        return False

    def poll(self, task: Thread, events: int, wait_ms: int = 0) -> int:
        """A set is readable when one of its files is ready."""
        return POLLIN | POLLRDNORM if self._look(task, wait_ms) else 0

    def serial(self, events: int) -> int | None:
        """The last event of any of its files, if they all count theirs."""
        found = [item.file.serial(item.events & ~_PRIVATE) for item in self._items.values()]
        return max((each for each in found if each is not None), default=0) if None not in found else None

    def changes(self, task: Thread) -> list[Change] | None:
        """Those of all its files, if they all know theirs."""
        found = [self._altered]
        for item in self._items.values():
            changes = item.file.changes(task)
            if changes is None:
                return None
            found += changes
        return found

    def due_ns(self, task: Thread) -> int | None:
        """When the first timer in it goes off."""
        due = [item.file.due_ns(task) for item in self._items.values() if item.events & ~_PRIVATE]
        return min((each for each in due if each is not None), default=None)
