"""What a thread and a process keep for calls that only set it and show it: scheduling, names, prctl flags."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

SCHED_OTHER, SCHED_FIFO, SCHED_RR, SCHED_BATCH, SCHED_IDLE, SCHED_DEADLINE = 0, 1, 2, 3, 5, 6


class MemoryPolicy(NamedTuple):
    """What set_mempolicy(2) said: MPOL_* with its flags, and a set of nodes."""

    mode: int = 0
    nodes: int = 0


DEFAULT_POLICY = MemoryPolicy()


@dataclass
class ThreadAttributes:
    """Of one thread (task_struct)."""

    nice: int = 0
    policy: int = SCHED_OTHER
    real_time_priority: int = 0
    reset_on_fork: bool = False
    affinity: int = 0
    """Bit n is CPU n; 0 stands for all of them."""
    io_priority: int = 0
    timer_slack_ns: int = 50_000
    death_signal: int = 0
    """PR_SET_PDEATHSIG: sent when the parent ends."""
    personality: int = 0
    get_tsc: int = 1
    """PR_GET_TSC: PR_TSC_ENABLE, the only value there is."""
    memory_policy: MemoryPolicy = DEFAULT_POLICY

    def copy(self) -> ThreadAttributes:
        """For a child, as sched_fork() and copy_process() do it."""
        child = replace(self, death_signal=0, reset_on_fork=False)
        if self.reset_on_fork:
            if self.policy in (SCHED_FIFO, SCHED_RR):
                child.policy, child.real_time_priority, child.nice = SCHED_OTHER, 0, 0
            child.nice = max(child.nice, 0)
        return child

    def affinity_mask(self, cores: int) -> int:
        """The CPUs that the thread may run on."""
        return self.affinity or (1 << cores) - 1


Range = tuple[int, int]


def union(ranges: tuple[Range, ...], start: int, end: int) -> tuple[Range, ...]:
    """Ranges, in order and none touching another, with [start, end)."""
    kept = []
    for low, high in ranges:
        if high < start or low > end:
            kept.append((low, high))
        else:
            start, end = min(start, low), max(end, high)
    return tuple(sorted([*kept, (start, end)]))


@dataclass
class ProcessAttributes:
    """Of a whole process (signal_struct and mm_struct)."""

    dumpable: int = 1
    oom_score_adj: int = 0
    child_subreaper: bool = False
    locked_ranges: tuple[Range, ...] = ()
    """What mlock(2) and mlockall(2) locked: half open, in order, none touching another."""
    thp_disabled: bool = False
    membarriers: int = 0
    """The expedited commands of membarrier(2) that it has registered for."""
    peak_pages: int = 0
    """The most that was mapped, ..."""
    peak_resident_pages: int = 0
    """... and the most that was resident, whenever somebody asked."""

    @property
    def locked_bytes(self) -> int:
        """How much is locked, for RLIMIT_MEMLOCK and /proc/PID/status."""
        return sum(high - low for low, high in self.locked_ranges)

    def is_locked(self, start: int, end: int) -> bool:
        """Whether anything of a range is locked."""
        return any(low < end and start < high for low, high in self.locked_ranges)

    def unlock(self, start: int, end: int) -> None:
        """What is in a range is locked no more, or not there any more."""
        left: list[Range] = []
        for low, high in self.locked_ranges:
            left += [piece for piece in ((low, min(high, start)), (max(low, end), high)) if piece[0] < piece[1]]
        self.locked_ranges = tuple(left)

    def copy(self) -> ProcessAttributes:
        """For a child: memory locks are not inherited (mlock(2))."""
        return ProcessAttributes(
            self.dumpable, self.oom_score_adj, thp_disabled=self.thp_disabled, membarriers=self.membarriers
        )
