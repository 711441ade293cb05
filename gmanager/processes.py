"""The global process manager: pids, and which processor runs a new process.

A process goes to the processor with the fewest threads, the lowest name among equals: that is its seat. The manager
counts the processes itself, so that two placements in a row do not meet on one processor; threads beyond the first of
a process are known from reports. What the kernel has of a process is kept by one processor for all of a vNode, its
keeper: the first of the machine.

Pids ascend and are not used again until they wrap at 4,194,304; after that they start at 300, as in Linux.
Sources: kernel/pid.c (alloc_pid, RESERVED_PIDS); proc(5), pid_max.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

from lego.linux.errno import E, LinuxError

PID_MAX = 4_194_304
"""One more than the highest pid (PID_MAX_LIMIT of a 64-bit kernel)."""
RESERVED_PIDS = 300
"""Lower pids are given once, to what starts first."""


class Placed(NamedTuple):
    """A process that has a pid."""

    vnode: int
    processor: str
    """The keeper."""
    memory: str
    seat: str
    pledged_to: str = ""
    """The front end that is about to start it; empty once it has."""


class _Load:
    """A processor's load, as far as the manager knows it."""

    def __init__(self) -> None:
        self.processes = 0
        self.more_threads = 0
        """Threads that were reported beyond one for each process."""

    def leave(self) -> None:
        """A process less."""
        self.processes -= 1
        if not self.processes:
            self.more_threads = 0


class ProcessManager:
    """Pids and placement."""

    def __init__(self, processes_max: int, pid_max: int = PID_MAX) -> None:
        """`processes_max`: of one vNode. `pid_max`: one more than the highest pid."""
        self._processes_max = processes_max
        self._pid_max = pid_max
        self._next = 1
        self._placed: dict[int, Placed] = {}
        self._in_vnode: dict[int, int] = {}
        self._loads: dict[str, _Load] = {}

    def __len__(self) -> int:
        return len(self._placed)

    def find(self, pid: int) -> Placed:
        """Where a process is; ESRCH when no process has this pid."""
        placed = self._placed.get(pid)
        if placed is None:
            raise LinuxError(E.ESRCH, f"no process has the pid {pid}")
        return placed

    def check_limit(self, vnode: int) -> None:
        """EAGAIN when a vNode has all the processes it may have."""
        if self._in_vnode.get(vnode, 0) >= self._processes_max:
            raise LinuxError(E.EAGAIN, f"vNode {vnode} has {self._processes_max} processes, the most it may have")

    def least_loaded(self, processors: Sequence[str]) -> str:
        """The processor with the fewest threads; the first among equals."""
        return min(processors, key=self.threads)

    def threads(self, processor: str) -> int:
        """How many threads a processor has, as far as is known."""
        load = self._loads.get(processor)
        return load.processes + load.more_threads if load else 0

    def place(self, placed: Placed) -> int:
        """Gives a pid to a process; EAGAIN when all are in use."""
        pid = self._free_pid()
        self._placed[pid] = placed
        self._in_vnode[placed.vnode] = self._in_vnode.get(placed.vnode, 0) + 1
        self._loads.setdefault(placed.seat, _Load()).processes += 1
        return pid

    def reseat(self, pid: int, processors: Sequence[str]) -> str:
        """Gives a process the seat with the fewest threads, itself not counted; its own among equals. ESRCH."""
        placed = self.find(pid)
        self._loads[placed.seat].leave()
        least = min(processors, key=lambda name: (self.threads(name), name != placed.seat))
        self._placed[pid] = placed._replace(seat=least)
        self._loads.setdefault(least, _Load()).processes += 1
        return least

    def started(self, pid: int) -> None:
        """A front end has started what it was given a place for; ESRCH."""
        self._placed[pid] = self.find(pid)._replace(pledged_to="")

    def departed(self, front: str) -> list[int]:
        """A front end is gone: takes the pids back that it had not used yet, and returns them, in order."""
        pids = sorted(pid for pid, placed in self._placed.items() if placed.pledged_to == front)
        for pid in pids:
            self._forget(pid, self._placed[pid])
        return pids

    def exited(self, pid: int, processor: str) -> bool:
        """Takes a pid back. Returns False, and does nothing, when `processor` has no such process."""
        placed = self._placed.get(pid)
        if placed is None or placed.processor != processor:
            return False
        self._forget(pid, placed)
        return True

    def report(self, processor: str, threads: int) -> None:
        """A processor's own count of its threads."""
        load = self._loads.setdefault(processor, _Load())
        load.more_threads = max(0, threads - load.processes)

    def lost(self, processor: str) -> list[int]:
        """A processor is gone: takes the pids of its processes back and returns them, in order."""
        pids = sorted(pid for pid, placed in self._placed.items() if processor in (placed.processor, placed.seat))
        for pid in pids:
            self._forget(pid, self._placed[pid])
        self._loads.pop(processor, None)
        return pids

    def _forget(self, pid: int, placed: Placed) -> None:
        del self._placed[pid]
        left = self._in_vnode[placed.vnode] - 1
        if left:
            self._in_vnode[placed.vnode] = left
        else:
            del self._in_vnode[placed.vnode]
        self._loads[placed.seat].leave()

    def _free_pid(self) -> int:
        """The next pid that nobody has, from where the last search ended."""
        lowest = RESERVED_PIDS if self._next > RESERVED_PIDS else 1
        for pid in chain(range(self._next, self._pid_max), range(lowest, self._next)):
            if pid not in self._placed:
                self._next = pid + 1
                return pid
        raise LinuxError(E.EAGAIN, "all pids are in use")
