"""The door of a processor component: what the front end and the global manager may ask of it."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from lego.fabric.wire import Done, Door, Request
from pcomponent import seat_messages


class Start(Request, frozen=True):
    """Starts a program as a new process, placed here by the global manager. Standard input, output and error are the
    console's. Errors: those of `mcomponent.messages.Execute`."""

    Reply: ClassVar = Done
    pid: int
    memory: str
    """The home."""
    memories: list[str]
    storage: str
    console: str
    """The endpoint that serves standard input, output and error."""
    vnode: int
    path: str
    arguments: list[bytes]
    environment: list[bytes]
    directory: str
    """The absolute guest path of the working directory."""
    trace: bool = False
    """Print system calls (--strace)."""
    seat: str = ""
    """The processor that its threads run on; "" is this one."""


class WaitReply(msgspec.Struct, array_like=True, frozen=True):
    """How a process stands. Exactly one of `code` and `signal` is set when it ended."""

    ended: bool
    code: int = 0
    signal: int = 0
    lost: str = ""
    """When the machine failed under it: the component ..."""
    why: str = ""
    """... and what happened."""


class Wait(Request, frozen=True):
    """Waits for the end of a process, at most `timeout_ms`; ESRCH for an unknown one. The answer that says
    that it ended forgets the process."""

    Reply: ClassVar = WaitReply
    pid: int
    timeout_ms: int


class Signal(Request, frozen=True):
    """A signal from outside (Ctrl-C, a closed terminal). Signal 0 only asks whether the process is there."""

    Reply: ClassVar = Done
    pid: int
    number: int


class StatisticsReply(msgspec.Struct, array_like=True, frozen=True):
    """The component's counters as JSON text (see docs/stats.md)."""

    json: bytes


class Statistics(Request, frozen=True):
    """All counters, and those of the links to other components."""

    Reply: ClassVar = StatisticsReply


DOOR = Door("processor", [Start, Wait, Signal, Statistics, *seat_messages.REQUESTS])
