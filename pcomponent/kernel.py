"""The kernel of one processor component: what system calls and parts share.

Everything that a handler needs beside its own thread is reached through here.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from lego.config import MachineConfig
from lego.fabric.endpoint import Endpoint
from lego.regions import ObjectId
from pcomponent.process import ProcessCounters

if TYPE_CHECKING:
    from pcomponent.excache.cache import ExCache
    from pcomponent.process import Process, Thread


class RandomSource:
    """The machine's randomness: a stream that the seed and a label determine."""

    def __init__(self, seed: int, label: str) -> None:
        self._state = hashlib.sha256(f"{seed}/{label}".encode()).digest()
        self._counter = 0

    def bytes(self, count: int) -> bytes:
        """The next `count` bytes of the stream."""
        out = bytearray()
        while len(out) < count:
            out += hashlib.sha256(self._state + self._counter.to_bytes(8, "little")).digest()
            self._counter += 1
        return bytes(out[:count])


class Kernel:
    """The state that all processes of one processor share."""

    def __init__(self, config: MachineConfig, endpoint: Endpoint, cache: ExCache) -> None:
        self.config = config
        self.endpoint = endpoint
        self.cache = cache
        self.counters = ProcessCounters()
        self.processes: dict[int, Process] = {}
        self.random = RandomSource(config.seed, f"kernel {endpoint.name}")
        self.unknown_calls: set[int] = set()

    def monotonic_ns(self, task: Thread) -> int:
        """CLOCK_MONOTONIC of the core that a thread runs on: 0 when the machine started."""
        return task.meter.now_ns

    def realtime_ns(self, task: Thread) -> int:
        """CLOCK_REALTIME: the machine's epoch, and the virtual time since."""
        return self.config.epoch_s * 10**9 + task.meter.now_ns

    def flush_object(self, thing: ObjectId) -> None:
        """Before a file is read or written by call: its dirty lines go to its cache."""
        self.cache.flush_object(thing)

    def object_changed(self, thing: ObjectId, offset: int, length: int | None) -> None:
        """After a file was written or cut by call: lines with its old contents are dropped, `None` to its end."""
        self.cache.object_changed(thing, offset, length)
