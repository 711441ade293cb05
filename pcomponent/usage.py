"""How much processor time threads and processes used, in virtual time.

User time is instructions at the machine's rate, system time what the kernel was charged for. A message to another
component is waiting, not work, unless the scheduler counts it into `kernel_ns`.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from lego.regions import PAGE

if TYPE_CHECKING:
    from pcomponent.process import Process, Thread

TICK_NS = 10_000_000
"""One clock tick of times(2) and /proc: USER_HZ is 100."""


def thread_times(task: Thread) -> tuple[int, int]:
    """User and system time of a thread, ns."""
    return task.instructions * task.kernel.config.instruction_ps // 1000, task.kernel_ns


def process_times(process: Process) -> tuple[int, int]:
    """User and system time of all threads of a process, also those that have ended, ns."""
    user_ns = process.ended_instructions * process.kernel.config.instruction_ps // 1000
    system_ns = process.ended_kernel_ns
    for task in process.threads.values():
        user, system = thread_times(task)
        user_ns, system_ns = user_ns + user, system_ns + system
    return user_ns, system_ns


RUSAGE = struct.Struct("<4q14q")
"""struct rusage; its faults and context switches are not counted."""


def pack_rusage(user_ns: int, system_ns: int, pages: int) -> bytes:
    """A struct rusage: processor time, and the most memory that was resident."""
    parts = [part for ns in (user_ns, system_ns) for part in (ns // 10**9, ns % 10**9 // 1000)]
    return RUSAGE.pack(*parts, pages * PAGE // 1024, *[0] * 13)


def ticks(ns: int) -> int:
    """Nanoseconds as clock ticks."""
    return ns // TICK_NS
