"""What the keeper of a vNode asks of the processor that one of its processes runs on, the process's *seat*.

These requests are part of the door (`pcomponent.messages`), but nobody except another processor sends them. A *space*
is an address space and a *thread* a thread of a process that is seated here, by the keeper's numbers. The keeper sends
one at a time. See docs/spread.md.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec

from lego.fabric.wire import Done, Request
from lego.regions import ObjectId, Region

PAUSED, UNFINISHED, SYSCALL, FAULT = 0, 1, 2, 3
"""Why a thread came back: its turn is over; likewise, within an instruction that needs several pages one by one; it
made a system call; it did what becomes a signal."""


class RunReply(msgspec.Struct, array_like=True, frozen=True):
    """How far a thread came."""

    why: int
    now_ns: int
    """Its clock."""
    instructions: int
    """How many it executed."""
    rip: int
    flags: int = 0
    arguments: tuple[int, ...] = ()
    """The number of the system call and its six arguments."""
    fault: tuple[int, int, int, int, int] = (0, 0, 0, 0, 0)
    """Signal, si_code, address, the exception's vector and its error code."""
    grown: list[Region] = []
    """Stacks that grew since the last reply of a request about this space."""


class Run(Request, frozen=True):
    """Runs a thread in user mode. The payload is the registers that it has from now on (`Registers.pack`), or nothing
    when they are as it left them; then comes the result of its system call."""

    Reply: ClassVar = RunReply
    thread: int
    space: int
    rip: int
    now_ns: int
    until_ns: int
    instructions: int
    """The most that it may execute, but at least one block."""
    result: tuple[int, int, int] | None = None
    """RAX, and what SYSCALL leaves in RCX and R11."""


class ReadRegisters(Request, frozen=True):
    """The registers of a thread, after `result`: the payload of the reply."""

    Reply: ClassVar = Done
    thread: int
    space: int
    result: tuple[int, int, int] | None = None


class EndThread(Request, frozen=True):
    """A thread has ended, or goes on elsewhere."""

    Reply: ClassVar = Done
    thread: int


class Settle(Request, frozen=True):
    """An address space is used here from now on."""

    Reply: ClassVar = Done
    space: int
    name: int
    """What the memory components call it."""
    home: str
    memories: list[str]
    regions: list[Region]
    resident: list[tuple[int, int]]
    owners: dict[int, str]


class Leave(Request, frozen=True):
    """It is not any more: dirty shared lines are written back, all others dropped."""

    Reply: ClassVar = Done
    space: int


class AccessReply(msgspec.Struct, array_like=True, frozen=True):
    """An access to guest memory is done."""

    grown: list[Region] = []


class Read(Request, frozen=True):
    """Copies from the guest, to the payload of the reply. EFAULT."""

    Reply: ClassVar = AccessReply
    space: int
    address: int
    length: int


class LookReply(msgspec.Struct, array_like=True, frozen=True):
    """Whether the page can be had; its contents are the payload."""

    found: bool


class Look(Request, frozen=True):
    """Looks at a page without any effect, for --strace."""

    Reply: ClassVar = LookReply
    space: int
    page: int


class Write(Request, frozen=True):
    """Copies the payload to the guest. EFAULT, with what comes before the fault written."""

    Reply: ClassVar = AccessReply
    space: int
    address: int


class Rearrange(Request, frozen=True):
    """What a layout call did, as `mcomponent.messages.LayoutReply` and `RemapReply` say it. ENOMEM for too many shared
    mappings."""

    Reply: ClassVar = Done
    space: int
    removed: list[tuple[int, int]]
    added: list[Region]
    owners: dict[int, str]
    moved: tuple[int, int, int] | None = None


class Rights(Request, frozen=True):
    """What mprotect did: regions with their new rights."""

    Reply: ClassVar = Done
    space: int
    added: list[Region]


class Forget(Request, frozen=True):
    """Drops the private lines of a range, and that the memory has contents there."""

    Reply: ClassVar = Done
    space: int
    start: int
    end: int


ALL, SHARED, PRIVATE = 0, 1, 2


class FlushRange(Request, frozen=True):
    """Writes dirty lines of a range back: ALL of them, the PRIVATE ones, or the SHARED ones, which are forgotten then.
    Raises what the memory says (ENOMEM)."""

    Reply: ClassVar = Done
    space: int
    start: int
    end: int
    kind: int


class HeldReply(msgspec.Struct, array_like=True, frozen=True):
    """Ranges of page numbers, half open."""

    lines: list[tuple[int, int]]
    """Private pages that have a line here."""
    resident: list[tuple[int, int]]
    """Private anonymous pages whose contents the memory has."""


class Held(Request, frozen=True):
    """Which private pages of a range are somewhere in the machine, as far as this processor knows."""

    Reply: ClassVar = HeldReply
    space: int
    start: int
    end: int


class FlushShared(Request, frozen=True):
    """Writes the dirty lines of an object back; with `give_up`, forgets all of its lines, since another processor uses
    it now."""

    Reply: ClassVar = Done
    object: ObjectId
    give_up: bool


class Changed(Request, frozen=True):
    """A file was written or cut by call: lines with its old contents are dropped, `length` None to its end."""

    Reply: ClassVar = Done
    object: ObjectId
    offset: int
    length: int | None


REQUESTS: list[type[Request]] = [
    Run, ReadRegisters, EndThread,
    Settle, Leave, Read, Look, Write, Rearrange, Rights, Forget, FlushRange, Held,
    FlushShared, Changed,
]  # fmt: skip
