"""What the machine calls itself, and how much memory it has: for uname(2), sysinfo(2), /proc and /sys alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mcomponent.messages import Regions as RegionsRequest
from mcomponent.messages import RegionsReply, Status

if TYPE_CHECKING:
    from pcomponent.process import Process, Thread

SYSNAME = "Linux"
NODENAME = "lego"
RELEASE = "6.1.0-lego"
VERSION = "#1 SMP Lego"
MACHINE = "x86_64"
DOMAINNAME = "(none)"
PID_MAX = 1 << 22
HOSTNAME_MAX = 64


class Memory(NamedTuple):
    """Bytes of all memory components of a process's machine."""

    total: int
    free: int


def memory(task: Thread) -> Memory:
    """Asks each memory component: one message each."""
    total = free = 0
    for name in task.process.memories:
        reply, _ = task.kernel.endpoint.call(name, Status())
        total, free = total + reply.capacity_bytes, free + reply.free_bytes
    return Memory(total, free)


def regions(task: Thread, process: Process) -> RegionsReply:
    """The layout of a process's address space, from its home; empty when it has none any more."""
    if process.status is not None:
        return RegionsReply([], [])
    reply: RegionsReply = task.kernel.endpoint.call(process.home, RegionsRequest(process.pid))[0]
    return reply
