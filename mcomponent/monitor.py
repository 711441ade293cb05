"""The memory monitor: the part of the operating system that runs at a memory component.

It finds the handler of a request, under the component's lock, and nothing more:

    Execute, Fork, Exit                     programs.py    spaces as a whole
    Map, Unmap, Protect, Remap, Brk, ...    home.py        the layout, at the home of a space
    Miss, Flush, Owner...                   paging.py      contents, at the owner of a vRegion
    ObjectMiss, ObjectFlush, File...        objects.py     files and shared memory, at their cache
    Memory...                               memory_objects.py  memory that is held by number (memfd, System V)

A handler returns the reply and its payload or raises `LinuxError`, and then has changed nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec

from gmanager.messages import Load as LoadReport, PickMemory
from lego.config import MachineConfig
from lego.fabric.endpoint import Endpoint
from lego.fabric.errors import FabricError
from lego.fabric.wire import Buffer
from lego.linux.errno import E, LinuxError
from lego.observe.clock import Meter, current
from lego.regions import PAGE
from mcomponent import memory_messages, messages, shared_messages
from mcomponent.applying import Applying
from mcomponent.core import Core
from mcomponent.home import Home
from mcomponent.messages import Statistics, StatisticsReply, Status, StatusReply
from mcomponent.objects import Objects
from mcomponent.paging import Paging
from mcomponent.peeking import Peeking
from mcomponent.programs import Load, Programs
from mcomponent.vregion import Pick

MANAGER = "G"
REPORT_FRACTION = 16
"""The global manager is told of the load when it changed by this part of the capacity."""

Handler = Callable[[str, Any, Buffer], tuple[msgspec.Struct, Buffer]]


def _default_loader() -> Load:
    from mcomponent.loader import load

    return load


class MemoryMonitor:
    """The monitor of one memory component. `load` and `pick` take the places of the ELF loader and of the global
    manager's choice of an owner."""

    door = messages.DOOR

    def __init__(
        self, name: str, config: MachineConfig, endpoint: Endpoint, load: Load | None = None, pick: Pick | None = None
    ) -> None:
        self.name = name
        self.core = Core(name, config, endpoint)
        self.core.serve = lambda request, payload: self._handlers[type(request)](name, request, payload)
        self.counters = self.core.counters
        self._lock = self.core.lock
        applying = Applying(self.core)
        programs = Programs(self.core, applying, load or _default_loader(), pick or self._pick)
        self._handlers = self._table(programs, Home(self.core, applying), Paging(self.core), Objects(self.core))
        self._reported = 0
        self._report_pages = max(1, self.core.frames.total // REPORT_FRACTION)

    def _table(self, programs: Programs, home: Home, paging: Paging, objects: Objects) -> dict[type, Handler]:
        m, o, x = messages, memory_messages, shared_messages
        memory = objects.memory
        return {
            m.Execute: programs.execute, m.Fork: programs.fork, m.Exit: programs.exit,
            m.Miss: paging.miss, m.Flush: paging.flush, m.Peek: Peeking(self.core).peek,
            m.ObjectMiss: objects.miss, m.ObjectFlush: objects.flush, o.ObjectSync: objects.sync,
            m.Map: home.map, m.Unmap: home.unmap, m.Protect: home.protect, m.Remap: home.remap, m.Brk: home.brk,
            m.Advise: home.advise, m.Sync: home.sync, m.Regions: home.regions, o.Grow: home.grow,
            m.FileRead: objects.read, m.FileWrite: objects.write, m.FileTruncate: objects.truncate,
            m.FileSync: objects.file_sync, m.FileForget: objects.forget,
            o.OwnerAssign: paging.assign, o.OwnerForget: paging.forget, o.OwnerTake: paging.take,
            o.OwnerMove: paging.move, o.OwnerFork: paging.fork, o.OwnerExit: paging.exit,
            o.OwnerResident: paging.resident,
            x.MemoryCreate: memory.create, x.MemoryRelease: memory.release, x.MemoryMapped: memory.mapped,
            x.MemoryStat: memory.stat, x.MemoryAllocate: memory.allocate, x.MemorySeek: memory.seek,
            m.Status: self._status, m.Statistics: self._statistics,
        }  # fmt: skip

    def handle(self, sender: str, request: Any, payload: Buffer) -> tuple[msgspec.Struct, Buffer]:
        """Serves one request."""
        kind = type(request)
        with self._lock:
            if kind is messages.Peek:  # It leaves no trace.
                return self._handlers[kind](sender, request, payload)
            requests = self.counters.requests
            requests[kind.__name__] = requests.get(kind.__name__, 0) + 1
            try:
                answer = self._handlers[kind](sender, request, payload)
            except LinuxError as error:
                if error.errno == E.ENOMEM:
                    self.counters.out_of_memory += 1
                raise
        change = self.core.frames.used - self._reported
        if change > self._report_pages or -change > self._report_pages:
            self._report()
        return answer

    # ---- the global manager ----------------------------------------------------------------------------

    def _report(self) -> None:
        """Tells the global manager how much is free. It is advice, on nobody's time; without a manager it is lost."""
        self._reported = self.core.frames.used
        outer, current.meter = current.meter, Meter()
        try:
            self.core.endpoint.call(MANAGER, LoadReport(self.name, free_bytes=self.core.cache.available * PAGE))
        except FabricError:
            pass
        finally:
            current.meter = outer

    def _pick(self, length: int) -> tuple[str, int]:
        self.core.call(MANAGER, LoadReport(self.name, free_bytes=self.core.cache.available * PAGE))
        reply, _ = self.core.call(MANAGER, PickMemory(self.name, length))
        return reply.memory, reply.free_bytes

    # ---- figures -------------------------------------------------------------------------------------

    def _status(self, sender: str, request: Status, payload: Buffer) -> tuple[StatusReply, Buffer]:
        frames = self.core.frames
        free_bytes = self.core.cache.available * PAGE
        return StatusReply(frames.total * PAGE, free_bytes, len(self.core.owned)), b""

    def _statistics(self, sender: str, request: Statistics, payload: Buffer) -> tuple[StatisticsReply, Buffer]:
        figures = {"name": self.name, **self.snapshot(), "links": self.core.endpoint.statistics()}
        return StatisticsReply(json.dumps(figures).encode()), b""

    def snapshot(self) -> dict[str, Any]:
        """All counters, with the gauges as they are now."""
        core, counters = self.core, self.counters
        counters.frames_total = core.frames.total
        counters.frames_used = core.frames.used
        counters.frames_free = core.frames.free
        counters.frames_peak = core.frames.peak
        counters.page_cache_pages, counters.page_cache_dirty = core.cache.cached.count_pages()
        counters.spaces = len(core.homes)
        counters.owned_spaces = len(core.owned)
        counters.handles = len(core.references)
        return counters.snapshot()
