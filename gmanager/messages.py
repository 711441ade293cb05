"""The door of the global manager: what the front end and the components may ask of it.

It knows no program and no page: it counts, decides who gets what, and tells who is a member.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec

from lego.fabric.wire import Done, Door, Request


class Member(msgspec.Struct, array_like=True, frozen=True):
    """One component of the machine."""

    name: str
    """"P0", "M2", "S0"."""
    address: str
    """Where it listens, "host:port"; empty on the loopback."""
    capacity: int = 0
    """Memory: bytes of frames. Processor: lines of its ExCache. Storage: 0."""


class Register(Request, frozen=True):
    """A component has started. EEXIST when the name is taken by a member that is alive."""

    Reply: ClassVar = Done
    member: Member


class MembersReply(msgspec.Struct, array_like=True, frozen=True):
    """All members, by name, and those that were lost with the reason."""

    members: list[Member]
    lost: dict[str, str]


class Members(Request, frozen=True):
    """Who is there."""

    Reply: ClassVar = MembersReply


class Lost(Request, frozen=True):
    """A component was found dead by whoever asks; it takes no new work from now on."""

    Reply: ClassVar = Done
    name: str
    why: str


class PlacedReply(msgspec.Struct, array_like=True, frozen=True):
    """Where a new process goes."""

    pid: int
    processor: str
    """The keeper of its vNode: who starts it, waits for it and sends it signals asks there."""
    memory: str
    """Its home."""
    memories: list[str]
    """All memory components, in the order that `cache_of` counts in."""
    storage: str
    seat: str = ""
    """The processor that its threads run on."""


class Place(Request, frozen=True):
    """A new process: a pid, as its seat the processor with the fewest threads, the memory with the most free bytes
    (the lowest name among equals). EAGAIN when the machine is full, ENODEV when a kind of component is missing."""

    Reply: ClassVar = PlacedReply
    vnode: int
    parent: int = 0
    """A child stays with its parent's home, and with its processor unless the machine spreads processes."""
    stays: bool = False
    """It shares writable memory with its parent: it stays even then."""


class ReseatReply(msgspec.Struct, array_like=True, frozen=True):
    """Where a process goes on."""

    seat: str


class Reseat(Request, frozen=True):
    """A process becomes another program: it goes on at the processor with the fewest threads, itself not counted,
    and stays where it is when that is one of them. ESRCH."""

    Reply: ClassVar = ReseatReply
    pid: int


class Started(Request, frozen=True):
    """A front end's program has been started at its processor, which will tell of its end. A place that was given to a
    front end for a program that never started is taken back when the front end's connections end. ESRCH."""

    Reply: ClassVar = Done
    pid: int


class Exited(Request, frozen=True):
    """A process ended; its pid is free when nobody can wait for it any more."""

    Reply: ClassVar = Done
    pid: int
    processor: str


class PickReply(msgspec.Struct, array_like=True, frozen=True):
    """A memory component, and what was known of its free bytes."""

    memory: str
    free_bytes: int


class PickMemory(Request, frozen=True):
    """An owner for a new vRegion that will hold `length` bytes: the home if it has room, else the memory with the
    most; with the "spread" policy, each in turn. ENOMEM when none has room."""

    Reply: ClassVar = PickReply
    home: str
    length: int


class Load(Request, frozen=True):
    """A component's own report of its load; sent when it changed by much, and with every placement asked."""

    Reply: ClassVar = Done
    name: str
    free_bytes: int = 0
    threads: int = 0


class StatisticsReply(msgspec.Struct, array_like=True, frozen=True):
    """The manager's counters as JSON text (see docs/stats.md)."""

    json: bytes


class Statistics(Request, frozen=True):
    """All counters."""

    Reply: ClassVar = StatisticsReply


DOOR = Door("manager", [Register, Members, Lost, Place, Reseat, Started, Exited, PickMemory, Load, Statistics])
