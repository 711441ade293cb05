"""The door of a processor component: what the front end and the global manager may ask of it."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from lego.fabric.wire import Done, Door, Request
from pcomponent import seat_messages


class TerminalSetup(msgspec.Struct, array_like=True, frozen=True):
    """The terminal that a program is started on: its modes (struct termios2) and size as they are there, and which of
    the console's streams it is. The guest's line discipline sees to it; the front end passes bytes on."""

    streams: list[int]
    modes: bytes
    size: tuple[int, int, int, int]
    """Rows, columns, and the same in pixels."""


class StartReply(msgspec.Struct, array_like=True, frozen=True):
    """The program was started, unless its working directory is not there."""

    directory_errno: int = 0
    """Why the directory cannot be entered; 0 when it could be."""


class Start(Request, frozen=True):
    """Starts a program as a new process, placed here by the global manager. Standard input, output and error are the
    console's. Errors: those of `mcomponent.messages.Execute`."""

    Reply: ClassVar = StartReply
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
    terminal: TerminalSetup | None = None
    """None when the standard streams are files, pipes, or terminals that the host sees to."""


class TerminalInputReply(msgspec.Struct, array_like=True, frozen=True):
    """How many bytes were taken. The others are to be sent again: nobody has read what came before."""

    count: int


class TerminalInput(Request, frozen=True):
    """What was typed (the payload) at the terminal of the run that a process began. ESRCH when it has ended; EIO when
    it has no terminal."""

    Reply: ClassVar = TerminalInputReply
    pid: int


class TerminalResize(Request, frozen=True):
    """The terminal has another size: rows, columns, and the same in pixels. Errors likewise."""

    Reply: ClassVar = Done
    pid: int
    size: tuple[int, int, int, int]


class TerminalHangUp(Request, frozen=True):
    """The terminal is gone. Errors likewise."""

    Reply: ClassVar = Done
    pid: int


class Meet(Request, frozen=True):
    """A front end's console, before a program starts on it: its name and where it listens. Without an address it is
    forgotten. A console whose front end's connections end is forgotten too."""

    Reply: ClassVar = Done
    name: str
    address: str = ""


class WaitReply(msgspec.Struct, array_like=True, frozen=True):
    """How a process stands. Exactly one of `code` and `signal` is set when it ended."""

    ended: bool
    code: int = 0
    signal: int = 0
    lost: str = ""
    """When the machine failed under it: the component ..."""
    why: str = ""
    """... and what happened."""
    virtual_ns: int = 0
    """How long it took, in virtual time, from its start to the end of the last of its run."""


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


class Kill(Request, frozen=True):
    """kill(2) of one process by root, from outside of the machine; signal 0 only asks. ESRCH, EINVAL."""

    Reply: ClassVar = Done
    pid: int
    number: int


class ProcessRow(msgspec.Struct, array_like=True, frozen=True):
    """One process, as `lego ps` shows it."""

    pid: int
    parent: int
    """0 when it is outside of the machine."""
    group: int
    session: int
    state: str
    """R, S, T or Z, then s for the leader of a session, l when it has several threads, and + in its terminal's
    foreground (ps(1))."""
    terminal: str
    """Its controlling terminal as "pts/0", empty without."""
    threads: int
    home: str
    used_ns: int
    """User and system time of all its threads, in virtual nanoseconds."""
    name: str
    """As /proc/PID/comm has it."""
    arguments: list[bytes]
    """Empty when it has ended."""
    first: bool
    """Whether a front end started it."""
    seat: str
    """The processor that it runs on."""


class ProcessesReply(msgspec.Struct, array_like=True, frozen=True):
    """The processes of this component, by pid."""

    processes: list[ProcessRow]
    front_ends: int = 0
    """How many front ends have a console here: they run a program, or take in how it ended."""


class Processes(Request, frozen=True):
    """Which processes there are, those included that have ended and were not waited for."""

    Reply: ClassVar = ProcessesReply


class StatisticsReply(msgspec.Struct, array_like=True, frozen=True):
    """The component's counters as JSON text (see docs/stats.md)."""

    json: bytes


class Statistics(Request, frozen=True):
    """All counters, and those of the links to other components."""

    Reply: ClassVar = StatisticsReply


DOOR = Door(
    "processor",
    [
        Start, Meet, Wait, Signal, Kill, Processes, TerminalInput, TerminalResize, TerminalHangUp, Statistics,
        *seat_messages.REQUESTS,
    ],
)  # fmt: skip
