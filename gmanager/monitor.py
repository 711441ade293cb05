"""The global manager's monitor: serves its door with the process, memory and storage managers.

It asks nothing of others: components register and report their load, whoever meets a dead one says so. All
its decisions follow from the order of the requests, so a machine that makes the same requests gets the same
pids and places. `handle` may be called from any thread; requests are served one at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import msgspec

from gmanager import messages
from gmanager.counters import ManagerCounters
from gmanager.membership import Membership
from gmanager.memory import MemoryManager
from gmanager.messages import (
    Exited,
    Load,
    Lost,
    Members,
    MembersReply,
    PickMemory,
    PickReply,
    Place,
    PlacedReply,
    Register,
    Reseat,
    ReseatReply,
    Started,
    Statistics,
    StatisticsReply,
)
from gmanager.processes import Placed, ProcessManager
from gmanager.storage import StorageManager
from lego.config import MachineConfig
from lego.fabric.wire import Buffer, Done
from lego.linux.errno import E, LinuxError


class ManagerMonitor:
    """The global manager of one machine."""

    name = "G"
    door = messages.DOOR

    def __init__(self, config: MachineConfig) -> None:
        self.counters = ManagerCounters()
        self._lock = threading.Lock()
        self._membership = Membership()
        self._processes = ProcessManager(config.threads_max)
        self._spreads = config.placement == "spread"
        self._memory = MemoryManager(config.memory_placement)
        self._storage = StorageManager()
        self._handlers: dict[type, Callable[[Any], msgspec.Struct]] = {
            Started: self._started,
            Register: self._register,
            Members: self._members,
            Lost: self._lost,
            Reseat: self._reseat,
            Exited: self._exited,
            PickMemory: self._pick_memory,
            Load: self._load,
            Statistics: self._statistics,
        }

    def handle(self, sender: str, request: Any, payload: Buffer) -> tuple[msgspec.Struct, Buffer]:
        """Serves one request of the manager's door; raises `LinuxError`."""
        with self._lock:
            self.counters.count("requests", type(request).__name__)
            if isinstance(request, Place):
                return self._place(sender, request), b""
            return self._handlers[type(request)](request), b""

    def departed(self, sender: str) -> None:
        """A front end's connections have ended: what it was given and never used is free."""
        with self._lock:
            self.counters.exited += len(self._processes.departed(sender))

    # ---- members --------------------------------------------------------------------------------------------

    def _register(self, request: Register) -> Done:
        member = request.member
        self._membership.register(member)
        if member.name.startswith("M"):
            self._memory.report(member.name, member.capacity)
        return Done()

    def _members(self, request: Members) -> MembersReply:
        return MembersReply(self._membership.alive(), self._membership.lost())

    def _lost(self, request: Lost) -> Done:
        """Whatever the lost component had is free: a processor's processes have ended with it."""
        if self._membership.lose(request.name, request.why):
            self.counters.count("lost", request.name)
            self.counters.exited += len(self._processes.lost(request.name))
            self._memory.lost(request.name)
            self._storage.lost(request.name)
        return Done()

    def _load(self, request: Load) -> Done:
        """A report that was on its way when its sender was declared lost is of no use, and no error."""
        if not self._membership.is_alive(request.name):
            if self._membership.was_lost(request.name):
                return Done()
            raise LinuxError(E.ENODEV, f"{request.name!r} is not a member")
        self.counters.count("loads", request.name)
        if request.name.startswith("M"):
            self._memory.report(request.name, request.free_bytes)
        elif request.name.startswith("P"):
            self._processes.report(request.name, request.threads)
        return Done()

    # ---- processes ------------------------------------------------------------------------------------------

    def _place(self, sender: str, request: Place) -> PlacedReply:
        processors = self._membership.names("P")
        memories = self._membership.names("M")
        storages = self._membership.names("S")
        try:
            self._processes.check_limit(request.vnode)
            if request.parent:
                placed = self._beside(request, processors)
            else:
                seat = self._processes.least_loaded(processors)
                placed = Placed(request.vnode, processors[0], self._memory.most_free(memories), seat, sender)
            pid = self._processes.place(placed)
        except LinuxError as error:
            self.counters.refused += error.errno == E.EAGAIN
            raise
        self.counters.placed += 1
        self.counters.count("placed_on", placed.seat)
        self.counters.count("homes", placed.memory)
        storage = self._storage.storage_of(request.vnode, storages)
        return PlacedReply(pid, placed.processor, placed.memory, memories, storage, placed.seat)

    def _beside(self, request: Place, processors: list[str]) -> Placed:
        """A child's place: its parent's, or when the machine spreads processes the processor with the fewest threads,
        unless it has to stay. ESRCH without a parent, ENODEV when the parent's home was lost."""
        parent = self._processes.find(request.parent)
        if not self._membership.is_alive(parent.memory):
            raise LinuxError(E.ENODEV, f"{parent.memory}, the home of process {request.parent}, was lost")
        spreads = self._spreads and not request.stays
        seat = self._processes.least_loaded(processors) if spreads else parent.seat
        return parent._replace(vnode=request.vnode, seat=seat, pledged_to="")

    def _reseat(self, request: Reseat) -> ReseatReply:
        before = self._processes.find(request.pid).seat
        after = self._processes.reseat(request.pid, self._membership.names("P")) if self._spreads else before
        if after != before:
            self.counters.count("moved_to", after)
        return ReseatReply(after)

    def _started(self, request: Started) -> Done:
        self._processes.started(request.pid)
        return Done()

    def _exited(self, request: Exited) -> Done:
        if self._processes.exited(request.pid, request.processor):
            self.counters.exited += 1
        else:
            self.counters.exited_unknown += 1
        return Done()

    # ---- memory ---------------------------------------------------------------------------------------------

    def _pick_memory(self, request: PickMemory) -> PickReply:
        memories = self._membership.names("M")
        try:
            memory = self._memory.pick(memories, request.home, request.length)
        except LinuxError:
            self.counters.vregions_refused += 1
            raise
        self.counters.count("vregions", memory)
        return PickReply(memory, self._memory.free(memory))

    def _statistics(self, request: Statistics) -> StatisticsReply:
        self.counters.members = len(self._membership.alive())
        self.counters.processes = len(self._processes)
        return StatisticsReply(msgspec.json.encode(self.counters.snapshot()))
