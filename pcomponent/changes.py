"""What happens to objects that threads wait for, and who is to look then.

    yield Wait(ready=lambda _: pipe.pages, changes=lambda: [pipe.filled])     # asked after pipe.filled happened

A file that changes notes when, on the virtual clock, and who waited for the change goes on no earlier than that.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pcomponent.files.owner import Owner
    from pcomponent.process import Thread

_events = itertools.count(1)


class Watcher(Protocol):
    """Something other than a parked thread that wants to know (an item of an epoll set)."""

    def stirred(self) -> None:
        """What it watches must be looked at again."""


class Change:
    """When something happened to an object that files show: for waking on time, and for edge-triggered epoll."""

    __slots__ = ("at_ns", "listeners", "serial", "told", "watchers")

    def __init__(self) -> None:
        self.at_ns = 0
        self.serial = 0
        """Larger for later events, whatever object they belong to."""
        self.listeners: dict[Thread, None] | None = None
        """Parked threads that are asked whether they can go on when it happens."""
        self.watchers: dict[Watcher, None] | None = None
        """Those that are told, in the order in which they came."""
        self.told: tuple[Owner, ...] = ()
        """Owners of files who get a signal (O_ASYNC)."""

    def happened(self, task: Thread) -> None:
        """Something happened now, by this thread's doing."""
        self.happened_at(task.meter.now_ns)

    def happened_at(self, now_ns: int) -> None:
        """Something happened at a time of the monotonic clock."""
        self.at_ns = max(self.at_ns, now_ns)
        self.serial = next(_events)
        if self.listeners or self.watchers:
            self.stir()
        for owner in self.told:
            owner.happened(self)

    def stir(self) -> None:
        """Those who wait must look again; nothing happened that a file would show."""
        for task in self.listeners or ():
            task.kernel.queue.ask(task)
        for watcher in self.watchers or ():
            watcher.stirred()

    def watch(self, watcher: Watcher) -> None:
        """It is told from now on."""
        if self.watchers is None:
            self.watchers = {}
        self.watchers[watcher] = None

    def ignore(self, watcher: Watcher) -> None:
        """It is told no longer."""
        if self.watchers is not None:
            self.watchers.pop(watcher, None)
