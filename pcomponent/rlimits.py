"""Resource limits of a process. Source: include/uapi/asm-generic/resource.h, kernel/sys.c (do_prlimit)."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from lego.linux.errno import E, LinuxError

INFINITY = (1 << 64) - 1
NR_OPEN = 1 << 20
"""/proc/sys/fs/nr_open: the highest RLIMIT_NOFILE that anybody may set."""


class Resource(IntEnum):
    """RLIMIT_* on x86-64."""

    CPU = 0
    FSIZE = 1
    DATA = 2
    STACK = 3
    CORE = 4
    RSS = 5
    NPROC = 6
    NOFILE = 7
    MEMLOCK = 8
    AS = 9
    LOCKS = 10
    SIGPENDING = 11
    MSGQUEUE = 12
    NICE = 13
    RTPRIO = 14
    RTTIME = 15


class Limit(NamedTuple):
    """A soft and a hard limit; seconds, bytes or a count, as the resource has it."""

    soft: int
    hard: int


_UNLIMITED = Limit(INFINITY, INFINITY)
_DEFAULTS = {
    Resource.STACK: Limit(8 << 20, INFINITY),
    Resource.CORE: Limit(0, INFINITY),
    Resource.NPROC: Limit(4096, 4096),
    Resource.NOFILE: Limit(1024, NR_OPEN),
    Resource.MEMLOCK: Limit(8 << 20, 8 << 20),
    Resource.SIGPENDING: Limit(4096, 4096),
    Resource.MSGQUEUE: Limit(819_200, 819_200),
    Resource.NICE: Limit(0, 0),
    Resource.RTPRIO: Limit(0, 0),
}

NAMES: dict[Resource, tuple[str, str]] = {
    Resource.CPU: ("Max cpu time", "seconds"),
    Resource.FSIZE: ("Max file size", "bytes"),
    Resource.DATA: ("Max data size", "bytes"),
    Resource.STACK: ("Max stack size", "bytes"),
    Resource.CORE: ("Max core file size", "bytes"),
    Resource.RSS: ("Max resident set", "bytes"),
    Resource.NPROC: ("Max processes", "processes"),
    Resource.NOFILE: ("Max open files", "files"),
    Resource.MEMLOCK: ("Max locked memory", "bytes"),
    Resource.AS: ("Max address space", "bytes"),
    Resource.LOCKS: ("Max file locks", "locks"),
    Resource.SIGPENDING: ("Max pending signals", "signals"),
    Resource.MSGQUEUE: ("Max msgqueue size", "bytes"),
    Resource.NICE: ("Max nice priority", ""),
    Resource.RTPRIO: ("Max realtime priority", ""),
    Resource.RTTIME: ("Max realtime timeout", "us"),
}
"""What /proc/PID/limits calls them, in its order, and their units (fs/proc/base.c, lnames)."""


class Limits:
    """The limits of one process, which its threads share and its children inherit.

    limits.soft(Resource.NOFILE)
    limits.set(number, Limit(10, 20), privileged=False)
    """

    def __init__(self, processes: int = 4096) -> None:
        """`processes` is how many the machine allows one user."""
        self._limits = [_DEFAULTS.get(resource, _UNLIMITED) for resource in Resource]
        self._limits[Resource.NPROC] = self._limits[Resource.SIGPENDING] = Limit(processes, processes)

    def copy(self) -> Limits:
        """For a child."""
        other = Limits()
        other._limits = list(self._limits)
        return other

    def soft(self, resource: Resource) -> int:
        """The limit that is enforced."""
        return self._limits[resource].soft

    def get(self, number: int) -> Limit:
        """Both limits; EINVAL for an unknown resource."""
        if not 0 <= number < len(self._limits):
            raise LinuxError(E.EINVAL)
        return self._limits[number]

    def raise_processor_time(self) -> None:
        """RLIMIT_CPU was reached: the next warning comes a second later (check_process_timers)."""
        old = self._limits[Resource.CPU]
        self._limits[Resource.CPU] = Limit(old.soft + 1, old.hard)

    def set(self, number: int, limit: Limit, privileged: bool) -> None:
        """Sets both, with the checks of do_prlimit in its order: EINVAL for an unknown resource or soft above hard,
        EPERM for more files than the kernel can open, or for a higher hard limit without CAP_SYS_RESOURCE
        (`privileged`)."""
        old = self.get(number)
        if limit.soft > limit.hard:
            raise LinuxError(E.EINVAL)
        if number == Resource.NOFILE and limit.hard > NR_OPEN:
            raise LinuxError(E.EPERM)
        if limit.hard > old.hard and not privileged:
            raise LinuxError(E.EPERM)
        if number == Resource.CPU and limit.soft == 0:
            limit = Limit(1, limit.hard)  # "The caller is asking for an immediate RLIMIT_CPU expiry."
        self._limits[number] = limit
