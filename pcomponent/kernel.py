"""The kernel of one processor component: what system calls and parts share.

Everything that a handler needs beside its own thread is reached through here.
"""

from __future__ import annotations

import hashlib
import queue
from collections.abc import Callable
from typing import TYPE_CHECKING

from lego.config import MachineConfig
from lego.fabric.endpoint import Endpoint
from lego.linux.mman import MAP_SHARED, PROT_WRITE
from lego.regions import PAGE_SHIFT, VREGION_SHIFT, ObjectId, page_down, page_up
from mcomponent.messages import Flush, ObjectFlush, cache_of
from pcomponent.excache import layout as at
from pcomponent.files.locks import FileLocks
from pcomponent.futexes import Futexes
from pcomponent.objects import PAGES, SharedObject, SharedObjects
from pcomponent.process import ProcessCounters
from pcomponent.rendezvous import Rendezvous
from pcomponent.run_queue import RunQueue
from pcomponent.seats.table import Seats

if TYPE_CHECKING:
    from pcomponent.cpu import Cpu
    from pcomponent.excache.cache import ExCache
    from pcomponent.ipc.objects import SystemV
    from pcomponent.lifecycle import Lifecycle
    from pcomponent.process import Process, Thread
    from pcomponent.published import PublishedPorts
    from pcomponent.space import Space

FLUSH_BATCH = 64
"""Lines in one message of write-backs."""


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

    cpu: Cpu
    lifecycle: Lifecycle
    hang_up: Callable[[Process], None]
    """Told of a process whose console has gone."""

    def __init__(self, config: MachineConfig, endpoint: Endpoint, cache: ExCache) -> None:
        self.config = config
        self.endpoint = endpoint
        self.cache = cache
        self.counters = ProcessCounters()
        self.rendezvous = Rendezvous()
        self.published_ports: PublishedPorts | None = None
        """The way to published ports, when there are any."""
        self.processes: dict[int, Process] = {}
        self.random: RandomSource
        self.unknown_calls: set[int]
        """Those that were named."""
        self.objects = SharedObjects()
        self.objects_made: int
        """Memory objects so far: memory components make them in turn."""
        self.futexes = Futexes()
        self.seats = Seats(self)
        self.file_locks = FileLocks()
        self.queue = RunQueue()
        self.system_v: dict[int, SystemV] = {}
        """By vNode."""
        self.running: Thread | None = None
        """Whose turn it is, or was last."""
        self.threads_made: int
        self.turns = 0
        """Counts up whenever a thread queues up for a turn."""
        self.jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        """What other host threads ask of the scheduler's, to be done between two turns."""
        self.stirred = False
        """A thread became runnable while another has its turn."""
        self.spaces: dict[int, Space] = {}
        """Address spaces by the number that tags their lines."""
        self.current_space: Space | None = None
        self.tight = False
        """An instruction needs more lines of one set than there are: spare ones serve it."""
        self._next_space = 1
        self.begin_anew()

    def begin_anew(self) -> None:
        """A program starts on an idle machine: what it sees does not depend on those before it, but for pids and for
        what caches hold."""
        self.random = RandomSource(self.config.seed, f"kernel {self.endpoint.name}")
        self.unknown_calls = set()
        self.objects_made = self.threads_made = 0

    # ---- time ---------------------------------------------------------------------------------------

    def monotonic_ns(self, task: Thread) -> int:
        """CLOCK_MONOTONIC of the core that a thread runs on: 0 when the machine started."""
        return task.meter.now_ns

    def realtime_ns(self, task: Thread) -> int:
        """CLOCK_REALTIME: the machine's epoch, and the virtual time since."""
        return self.config.epoch_s * 10**9 + task.meter.now_ns

    def charge(self, task: Thread, ns: int) -> None:
        """Lets a thread work in the kernel for a time."""
        task.meter.now_ns += ns
        task.kernel_ns += ns

    # ---- address spaces -------------------------------------------------------------------------------

    def new_space_number(self) -> int:
        """A number for an address space, never used before: stale tags cannot come to life again."""
        number = self._next_space
        self._next_space += 1
        return number

    def space_name(self, pid: int) -> int:
        """What the memory components may call a new space of a process: its pid, unless a space of that name is still
        in use by others, who shared it with the process that made it."""
        names = {space.pid for space in self.spaces.values()}
        name = pid
        while name in names:
            name += 1 << 32
        return name

    def enter_space(self, space: Space) -> None:
        """Makes an address space the one that the CPU sees."""
        if self.current_space is not space:
            self.current_space = space
            self.cache.enter(space.base_key, space.windows)
            self.cpu.counter.enter_space(space.number)

    def leave_space(self, space: Space) -> None:
        """An address space is gone: nothing of it stays."""
        space.release()
        self.spaces.pop(space.number, None)
        self.cpu.counter.leave_space(space.number)
        if self.current_space is space:
            self.current_space = None

    # ---- write-backs ----------------------------------------------------------------------------------

    def flush_lines(self, lines: list[int]) -> None:
        """Writes dirty lines back to where they belong, a batch a message. Raises what the memory says (ENOMEM)."""
        private: dict[tuple[int, str], list[int]] = {}
        shared: dict[int, list[int]] = {}
        for line in lines:
            key = self.cache.key(line)
            if key & at.OBJECT_BIT:
                shared.setdefault(key & ~at.PAGE_MASK, []).append(line)
            else:
                space = self.spaces[key >> at.KEY_SPACE_SHIFT]
                owner = space.owners[(key & at.PAGE_MASK) << PAGE_SHIFT >> VREGION_SHIFT]
                private.setdefault((space.number, owner), []).append(line)
        for (number, owner), group in private.items():
            for start in range(0, len(group), FLUSH_BATCH):
                self._flush_private(self.spaces[number], owner, group[start : start + FLUSH_BATCH])
        for group in shared.values():
            for start in range(0, len(group), FLUSH_BATCH):
                self._flush_shared(group[start : start + FLUSH_BATCH])

    def _payload(self, lines: list[int]) -> bytes | memoryview:
        if len(lines) == 1:
            return self.cache.line(lines[0])
        return b"".join(self.cache.line(line) for line in lines)

    def _flushed(self, lines: list[int]) -> None:
        for line in lines:
            self.cache.clean(line)
        self.cache.counters.flushes += len(lines)

    def _flush_private(self, space: Space, owner: str, lines: list[int]) -> None:
        pages = [self.cache.key(line) & at.PAGE_MASK for line in lines]
        self.endpoint.call(owner, Flush(space.pid, [page << PAGE_SHIFT for page in pages]), self._payload(lines))
        space.resident.update(pages)
        self._flushed(lines)

    def _flush_shared(self, lines: list[int]) -> None:
        shared = self.objects.by_key(self.cache.key(lines[0]))
        pages = [self.cache.key(line) & at.PAGE_MASK for line in lines]
        memory = cache_of(shared.thing, self._memories())
        handle = self._handle(shared)
        self.endpoint.call(memory, ObjectFlush(shared.thing, handle, pages), self._payload(lines))
        self._flushed(lines)

    def _handle(self, shared: SharedObject) -> int:
        """A handle that is open now: the one that was noted last may have been that of a process that has ended."""
        for space in self.spaces.values():
            for region in space.regions_of(shared.thing):
                if region.flags & MAP_SHARED and region.prot & PROT_WRITE:
                    return region.handle
        return shared.handle

    def _memories(self) -> list[str]:
        return next(iter(self.spaces.values())).memories

    # ---- files that are also mapped -------------------------------------------------------------------

    def flush_object(self, thing: ObjectId) -> None:
        """Before a file is read or written by call: its dirty lines go to its cache."""
        shared = self.objects.known(thing)
        if shared is not None:
            lines = self.cache.lines_between(*shared.keys())
            self.flush_lines([line for line in lines if self.cache.is_dirty(line)])
        self.seats.flush_object(thing)

    def give_up_object(self, thing: ObjectId) -> None:
        """Another processor uses a shared object now: its dirty lines go to its cache, and none stays."""
        shared = self.objects.known(thing)
        if shared is not None:
            lines = self.cache.lines_between(*shared.keys())
            self.flush_lines([line for line in lines if self.cache.is_dirty(line)])
            for line in lines:
                self.cache.drop(line)

    def object_changed(self, thing: ObjectId, offset: int, length: int | None) -> None:
        """After a file was written or cut by call: lines with its old contents are dropped, `None` to its end.

        Private mappings show changes of pages that they have not written themselves, as on Linux.
        """
        first = page_down(offset)
        last = None if length is None else page_up(offset + length)
        shared = self.objects.known(thing)
        if shared is not None:
            keys = shared.keys(first >> PAGE_SHIFT, PAGES if last is None else last >> PAGE_SHIFT)
            for line in self.cache.lines_between(*keys):
                self.cache.drop(line)
        for space in self.spaces.values():
            for region in space.regions_of(thing):
                if region.flags & MAP_SHARED:
                    continue
                start = max(region.start, region.start + first - region.offset)
                end = region.end if last is None else min(region.end, region.start + last - region.offset)
                for line in space.lines(start, end) if start < end else ():
                    if not self.cache.is_dirty(line):
                        self.cache.drop(line)
        self.seats.object_changed(thing, offset, length)
