"""What happens to objects that threads wait for, and who is to look then.

    yield Wait(ready=lambda _: pipe.pages, changes=lambda: [pipe.filled])     # asked after pipe.filled happened

A file that changes notes when, on the virtual clock, and who waited for the change goes on no earlier than that.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pcomponent.files.owner import Owner
    from pcomponent.process import Thread

_events = itertools.count(1)


class Change:
    """When something happened to an object that files show: for waking on time, and for edge-triggered epoll."""

    __slots__ = ("at_ns", "listeners", "serial", "told")

    def __init__(self) -> None:
        self.at_ns = 0
        self.serial = 0
        """Larger for later events, whatever object they belong to."""
        self.listeners: dict[Thread, None] | None = None
        """Parked threads that are asked whether they can go on when it happens."""
        self.told: tuple[Owner, ...] = ()
        """Owners of files who get a signal (O_ASYNC)."""

    def happened(self, task: Thread) -> None:
        """Something happened now, by this thread's doing."""
        self.happened_at(task.meter.now_ns)

    def happened_at(self, now_ns: int) -> None:
        """Something happened at a time of the monotonic clock."""
        self.at_ns = max(self.at_ns, now_ns)
        self.serial = next(_events)
        if self.listeners:
            self.stir()
        for owner in self.told:
            owner.happened(self)

    def stir(self) -> None:
        """Those who wait must look again; nothing happened that a file would show."""
        for task in self.listeners or ():
            task.kernel.queue.ask(task)
