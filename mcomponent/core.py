"""What the parts of a memory monitor share: its frames and caches, its spaces, and its way to other components.

Locking. One lock guards everything here. It is held while a request is served, and let go for as long as
another component is asked something (`Core.call`), so that two memories which ask each other cannot wait for
each other. Calls of one process come one at a time; so across a `call` the layout of its space stays
as it is, while page cache, frames and other spaces may have changed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from lego.config import MachineConfig
from lego.fabric.endpoint import Endpoint
from lego.fabric.wire import Buffer, Request
from lego.linux.errno import E, LinuxError
from lego.regions import PAGE, ObjectId, Region, RegionMap
from mcomponent.address_space import AddressSpace
from mcomponent.counters import MemoryCounters
from mcomponent.frames import Frames
from mcomponent.page_cache import PageCache
from mcomponent.page_table import PageTable
from mcomponent.references import References
from mcomponent.vregion import Rooms, VRegions


class HomeSpace:
    """A space whose home this is."""

    def __init__(self, space: AddressSpace, vregions: VRegions) -> None:
        self.layout = space
        self.vregions = vregions


class OwnedSpace:
    """What this component owns of a space: the parts of its regions in its vRegions, and their contents."""

    __slots__ = ("home", "last", "parts", "table")

    def __init__(self, home: str, frames: Frames) -> None:
        self.home = home
        self.parts = RegionMap()
        self.table = PageTable(frames)
        self.last: Region | None = None
        """The region of the last miss, which the next is likely to be in."""


class Core:
    """The state of one memory component."""

    def __init__(self, name: str, config: MachineConfig, endpoint: Endpoint) -> None:
        self.name = name
        self.config = config
        self.endpoint = endpoint
        self.lock = threading.Lock()
        self.counters = MemoryCounters()
        self.frames = Frames(config.memory_bytes)
        self.cache = PageCache(self.frames, self.counters, self.call)
        self.references = References(name, self.cache)
        self.memories = [f"M{number}" for number in range(config.topology.memories)]
        self.homes: dict[int, HomeSpace] = {}
        self.owned: dict[int, OwnedSpace] = {}
        self.rooms = Rooms(name, self.memories, config.memory_bytes, lambda: self.cache.available * PAGE)
        self._objects = 0
        self.serve: Callable[[Request, Buffer], tuple[Any, Buffer]]
        """Serves a request of this component's own door, here."""

    def call(self, to: str, request: Request, payload: Buffer = b"") -> tuple[Any, Buffer]:
        """Asks another component, with the lock let go."""
        self.lock.release()
        try:
            return self.endpoint.call(to, request, payload)
        finally:
            self.lock.acquire()

    def ask(self, memory: str, request: Request, payload: Buffer = b"") -> tuple[Any, Buffer]:
        """Asks a memory component, which may be this one."""
        if memory == self.name:
            return self.serve(request, payload)
        return self.call(memory, request, payload)

    def new_object(self) -> ObjectId:
        """The name of a new piece of shared memory of this component."""
        self._objects += 1
        return ObjectId(self.name, self._objects)

    def home(self, space: int) -> HomeSpace:
        """A space whose home this is, or ESRCH."""
        found = self.homes.get(space)
        if found is None:
            raise LinuxError(E.ESRCH, f"{self.name} is not the home of space {space}")
        return found
