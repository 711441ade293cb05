"""What a storage component counts."""

from __future__ import annotations

import threading
from typing import Any

from lego.observe.counters import Counters, counter, keyed


class StorageCounters(Counters):
    """One storage component's work."""

    requests: dict[str, int] = keyed("requests served, by message type")
    errors: dict[str, int] = keyed("requests that ended in an error, by its name")
    opens: int = counter("files and directories opened")
    creates: int = counter("files created by opening them")
    lookups: int = counter("paths walked")
    elsewhere: int = counter("paths that led into a file system of the processor's")
    reads: int = counter("reads of file contents")
    writes: int = counter("writes of file contents")
    bytes_read: int = counter("bytes of file contents read")
    bytes_written: int = counter("bytes of file contents written")
    syncs: int = counter("fsync and fdatasync calls")
    open_handles: int = counter("gauge: handles that are open now")


class Tally:
    """The counters behind a lock: requests of several connections are served at once."""

    def __init__(self) -> None:
        self._counters = StorageCounters()
        self._lock = threading.Lock()

    def add(self, **amounts: int) -> None:
        """Adds to counters, by name."""
        with self._lock:
            for name, amount in amounts.items():
                setattr(self._counters, name, getattr(self._counters, name) + amount)

    def count(self, name: str, key: str) -> None:
        """Adds one to a key of a keyed counter."""
        with self._lock:
            self._counters.count(name, key)

    def snapshot(self, open_handles: int) -> dict[str, Any]:
        """All values now."""
        with self._lock:
            self._counters.open_handles = open_handles
            return self._counters.snapshot()
