"""epoll: a set of files that is watched, and the list of those that may be ready.

An item is queued when something happens to its file (`OpenFile.lasting_changes`), in the order in which that came
about, as far as files count their events (`OpenFile.serial`), and goes to the end when it was reported. Only what is
queued is looked at; an item whose file cannot say what happens to it stays queued. Level-triggered items are reported
as long as they are ready; edge-triggered ones when an event happened since they were last looked at; with EPOLLONESHOT
once, until they are changed. A file leaves the set when its last descriptor is closed. Sources: fs/eventpoll.c,
epoll(7).
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

    def __init__(self, owner: EpollFile, fd: int, file: OpenFile, place: int) -> None:
        self.file = file
        self.fd = fd
        self.place = place
        """Larger for those that were added later."""
        self._owner = owner
        self._changes: list[Change] | None = None
        self.order: int | None = None
        """Its place in the list of those that are ready, or None when it is not in it."""
        self.set(0, 0)

    def set(self, events: int, data: int) -> None:
        """What EPOLL_CTL_ADD and EPOLL_CTL_MOD say; everything is to be looked at again."""
        self.events = events | POLLERR | POLLHUP
        self.data = data
        self.seen: int | None = None
        """The last event that an edge-triggered item was looked at for."""
        self.held = 0
        """What was ready then, for files that do not count events."""
        self._met = self.file.serial(self.wanted)
        """The last event that it learned of."""

    @property
    def wanted(self) -> int:
        """POLL* bits that are to be reported; none after EPOLLONESHOT."""
        return self.events & ~_PRIVATE

    # ---- what happens to the file ----------------------------------------------------------------------

    def attach(self, task: Thread) -> None:
        """From now on it learns what happens to the file."""
        self._changes = self.file.lasting_changes(task)
        for change in self._changes or ():
            change.watch(self)
        if self.file.watches is None:
            self.file.watches = {}
        self.file.watches[self] = None

    def detach(self) -> None:
        """It learns nothing more."""
        for change in self._changes or ():
            change.ignore(self)
        if self.file.watches is not None:
            self.file.watches.pop(self, None)

    def stirred(self) -> None:
        """Something happened (ep_poll_callback): it has its place by the first event since it was not ready."""
        if not self.wanted:
            return
        serial = self.file.serial(self.wanted)
        if serial != self._met:
            self._met = serial
            if self.order is None:
                self.order = serial
        self._owner.queue(self)

    def closed(self) -> None:
        """The file's last descriptor is going (eventpoll_release)."""
        self._owner.drop_item(self)

    def stays(self, task: Thread) -> bool:
        """Whether it must be looked at again without anything having happened that it learns of."""
        if not self.wanted:
            return False
        return self._changes is None or self.file.polls_outside or self.file.due_ns(task) is not None

    def other_changes(self, task: Thread) -> list[Change] | None:
        """What must happen before it can be ready, besides what it learns of; None when it can be anything."""
        return self.file.changes(task) if self._changes is None else []

    def look(self, task: Thread) -> int:
        """What is to be reported now."""
        wanted = self.wanted
        if not wanted:
            return 0
        edge = bool(self.events & EPOLLET)
        if edge and self._old(wanted) and self.file.due_ns(task) is None and not self.file.polls_outside:
            return 0
        try:
            found = self.file.poll(task, wanted) & wanted
        except LinuxError:
            found = POLLERR
        if not edge:
            return found
        if self.file.serial(wanted) is not None:
            return 0 if self._old(wanted) else found
        if not found:
            self.held = 0
        return found if found & ~self.held else 0

    def _old(self, wanted: int) -> bool:
        """Whether nothing has happened since it was reported, as far as that is known."""
        return self.seen is not None and self.file.serial(wanted) == self.seen

    def reported(self, found: int) -> None:
        """It was told to the guest."""
        self.seen = self.file.serial(self.wanted)
        self.held = found
        if self.events & EPOLLONESHOT:
            self.events &= _PRIVATE


class EpollFile(AnonymousFile):
    """The set."""

    def __init__(self, task: Thread) -> None:
        super().__init__(task, O_RDWR, "eventpoll", 0o600)
        self._items: dict[Key, _Item] = {}
        self._queued: dict[_Item, None] = {}
        """Those that must be looked at."""
        self._places = 0
        self._last = Change()
        self._altered = Change()
        """Something was queued."""
        self._outer: list[EpollFile] = []
        """Sets that watched this one when that was last looked at."""

    def details(self, task: Thread) -> str:
        """What it watches, by descriptor (ep_show_fdinfo)."""
        return "".join(
            f"tfd: {fd:8} events: {item.events:8x} data: {item.data:16x}  "
            f"pos:{file.offset} ino:{file.stat(task).ino:x} sdev:{file.stat(task).dev:x}\n"
            for (fd, file), item in sorted(self._items.items(), key=lambda each: each[0][0])
        )

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
        self._places += 1
        item = self._items[fd, file] = _Item(self, fd, file, self._places)
        item.set(events, data)
        item.attach(task)
        self._link(task, item)

    def modify(self, task: Thread, fd: int, file: OpenFile, events: int, data: int) -> None:
        """EPOLL_CTL_MOD. ENOENT; EINVAL."""
        item = self._find(fd, file)
        if (events | item.events) & EPOLLEXCLUSIVE:
            raise LinuxError(E.EINVAL)
        item.set(events, data)
        self._link(task, item)

    def remove(self, fd: int, file: OpenFile) -> None:
        """EPOLL_CTL_DEL. ENOENT."""
        self.drop_item(self._find(fd, file))

    def _link(self, task: Thread, item: _Item) -> None:
        """If it is ready, and not in the list, it is its last now (ep_insert, ep_modify)."""
        if item.order is None and not item.file.polls_outside:
            if item.look(task):
                item.order = self._next(task)
            elif not item.stays(task):
                return
        self.queue(item)

    def _next(self, task: Thread) -> int:
        """A place behind all others."""
        self._last.happened(task)
        return self._last.serial

    def queue(self, item: _Item) -> None:
        """It is to be looked at, and who waits for the set too."""
        self._queued[item] = None
        self._altered.stir()

    def drop_item(self, item: _Item) -> None:
        """It is no longer in the set."""
        item.detach()
        del self._items[item.fd, item.file]
        self._queued.pop(item, None)
        self._altered.stir()

    def close(self, task: Thread) -> None:
        """Its files forget it."""
        for item in self._items.values():
            item.detach()
        self._items.clear()
        self._queued.clear()

    def watched(self, fd: int, which: int) -> OpenFile:
        """The file that is watched as `fd`; of several that had this number, one after another. ENOENT."""
        found = [file for number, file in self._items if number == fd]
        if which >= len(found):
            raise LinuxError(E.ENOENT)
        return found[which]

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

    @property
    def polls_outside(self) -> bool:  # type: ignore[override]
        """Whether one of its files can become ready without any guest thread running."""
        return any(item.file.polls_outside for item in self._queued)

    # ---- what is ready -------------------------------------------------------------------------------

    def _ready(self, task: Thread) -> list[tuple[_Item, int]]:
        """Items to report, and what, in order (ep_send_events)."""
        found = []
        for item in list(self._queued):
            bits = item.look(task)
            if bits:
                if item.order is None:
                    item.order = item.file.serial(item.events) or 0
                found.append((item, bits))
                continue
            item.order = None
            if not item.stays(task):
                self._queued.pop(item, None)
        return sorted(found, key=lambda each: (each[0].order or 0, each[0].place))

    def collect(self, task: Thread, count: int) -> list[tuple[int, int]]:
        """At most `count` pairs (events, data), which are reported by that."""
        chosen = self._ready(task)[:count]
        for item, bits in chosen:
            item.reported(bits)
            if not item.events & EPOLLET and item.wanted:
                item.order = self._next(task)
                continue
            item.order = None
            if not item.stays(task):
                self._queued.pop(item, None)
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
        outside = [item for item in self._queued if item.wanted and item.file.polls_outside] if wait_ms else []
        for item in outside:
            if item.file.poll(task, item.wanted, max(1, wait_ms // len(outside))):
                return bool(self._ready(task))
        return False

    def poll(self, task: Thread, events: int, wait_ms: int = 0) -> int:
        """A set is readable when one of its files is ready."""
        return POLLIN | POLLRDNORM if self._look(task, wait_ms) else 0

    def serial(self, events: int) -> int | None:
        """The last event of any of its files, if they all count theirs."""
        found = [item.file.serial(item.wanted) for item in self._items.values()]
        return max((each for each in found if each is not None), default=0) if None not in found else None

    def changes(self, task: Thread) -> list[Change] | None:
        """Its own, and those of the files that do not tell it, if they all know theirs."""
        found = [self._altered]
        for item in self._queued:
            changes = item.other_changes(task)
            if changes is None:
                return None
            found += changes
        return found

    def due_ns(self, task: Thread) -> int | None:
        """When the first timer in it goes off."""
        due = [item.file.due_ns(task) for item in self._queued if item.wanted]
        return min((each for each in due if each is not None), default=None)
