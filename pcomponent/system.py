"""What the machine calls itself, and how much memory it has: for uname(2), sysinfo(2), /proc and /sys alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lego.linux.mman import MAP_SHARED
from lego.regions import PAGE, Region
from mcomponent.messages import Regions as RegionsRequest, RegionsReply, Status

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


class Layout(NamedTuple):
    """The mappings of a process, and for each how many of its pages are somewhere in the machine."""

    regions: list[Region]
    resident: list[int]


def layout(task: Thread, process: Process) -> Layout:
    """What the home has of a process, and what only this processor's ExCache has of it so far. Keeps the peak."""
    reply = regions(task, process)
    resident = [
        _resident(process, region, frames)
        for region, frames in zip(reply.regions, reply.resident_pages, strict=True)
    ]  # fmt: skip
    attributes = process.attributes
    attributes.peak_pages = max(attributes.peak_pages, sum(region.length for region in reply.regions) // PAGE)
    attributes.peak_resident_pages = max(attributes.peak_resident_pages, sum(resident))
    return Layout(reply.regions, resident)


def _resident(process: Process, region: Region, frames: int) -> int:
    """Pages of a region. A line of the ExCache counts even when its memory component has no frame for it, as after a
    first touch; shared lines are counted where they are kept, at their cache."""
    if region.flags & MAP_SHARED:
        return frames
    lines, resident = process.space.held(region.start, region.end)
    if region.object is not None:
        return max(frames, len(lines))
    return len(lines | resident)


def regions(task: Thread, process: Process) -> RegionsReply:
    """The layout of a process's address space, from its home; empty when it has none any more."""
    if process.status is not None:
        return RegionsReply([], [])
    reply: RegionsReply = task.kernel.endpoint.call(process.home, RegionsRequest(process.space.pid))[0]
    return reply
