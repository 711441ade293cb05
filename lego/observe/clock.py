"""The virtual clock: what the modelled machine would have taken, in integer nanoseconds.

Every unit of work that runs on its own (a core, a request being served) has a `Meter`. Whatever costs time
charges the meter of the work it is done for; a served request's total goes back with its reply and
is charged to the caller, so the time of a miss includes what the memory component spent on storage. A request
carries the time at which it was sent, so that a file knows when it was changed.
"""

from __future__ import annotations

import threading


class Meter:
    """Adds up the virtual time of one line of work, which began at `began_ns`."""

    __slots__ = ("began_ns", "now_ns")

    def __init__(self, now_ns: int = 0, began_ns: int = 0) -> None:
        self.now_ns = now_ns
        self.began_ns = began_ns

    @property
    def at_ns(self) -> int:
        """What the machine's clock shows at this point of the work."""
        return self.began_ns + self.now_ns

    def charge(self, ns: int) -> None:
        """Lets `ns` nanoseconds pass."""
        self.now_ns += ns


class CurrentMeter(threading.local):
    """The meter of the request that this host thread is serving."""

    def __init__(self) -> None:
        self.meter = Meter()


current = CurrentMeter()
