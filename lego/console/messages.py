"""The doors of the console and of the gate, which run where the person is and serve the processors.

`stream` is 0, 1 or 2, the host's descriptors. What they are (terminal, pipe, file) shows through: a guest can
seek in a redirected file and ask a terminal for its size. No call blocks for longer than it was told.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec

from lego.fabric.wire import Done, Door, Request
from lego.linux.stat import Stat

TRACE = 3
"""Only to be written: where the lines of --strace go, the standard error unless the front end says otherwise."""


ANSWER_S = 4.0
"""A console that does not answer for so long, beside what it was told to wait, has gone: all that run on a processor
wait for its answers."""


class CountReply(msgspec.Struct, array_like=True, frozen=True):
    """Bytes moved (those of a read are the payload), or a position. `again`: nothing came in the time given."""

    count: int
    again: bool = False


class Read(Request, frozen=True):
    """read(2), or pread(2) when `offset` is not negative. Waits for input up to `wait_ms`; count 0 without `again`
    is the end of the input."""

    Reply: ClassVar = CountReply
    stream: int
    length: int
    wait_ms: int
    offset: int = -1


class Write(Request, frozen=True):
    """write(2) of the payload, or pwrite(2). Waits up to `wait_ms` for a reader; may write less than all. EPIPE
    when nobody will read it, ENOSPC and EIO as the host says."""

    Reply: ClassVar = CountReply
    stream: int
    wait_ms: int
    offset: int = -1


class Seek(Request, frozen=True):
    """lseek(2). ESPIPE on pipes and terminals."""

    Reply: ClassVar = CountReply
    stream: int
    offset: int
    whence: int


class Truncate(Request, frozen=True):
    """ftruncate(2) of a redirected file."""

    Reply: ClassVar = CountReply
    stream: int
    size: int


class DescribeReply(msgspec.Struct, array_like=True, frozen=True):
    """What a stream is."""

    stat: Stat
    flags: int
    """O_ACCMODE and O_APPEND of the host's descriptor."""
    terminal: bool
    path: str
    """What /proc/self/fd shows on the host: a path, "pipe:[...]"."""


class Describe(Request, frozen=True):
    """fstat(2) and more. EBADF when the stream is closed."""

    Reply: ClassVar = DescribeReply
    stream: int


class PollReply(msgspec.Struct, array_like=True, frozen=True):
    """POLL* bits that hold now, for each stream asked for."""

    events: list[int]


class Poll(Request, frozen=True):
    """poll(2) of several streams, waiting up to `wait_ms` for one."""

    Reply: ClassVar = PollReply
    streams: list[int]
    events: list[int]
    wait_ms: int


class Control(Request, frozen=True):
    """ioctl(2) of a terminal: TCGETS, TCSETS*, TIOCGWINSZ, TIOCSWINSZ, FIONREAD, TIOCGPGRP and the like. The payload,
    and that of the reply, is the structure; a number that is no pointer (TCFLSH) travels as 4 bytes, little-endian.
    ENOTTY when it is no terminal."""

    Reply: ClassVar = CountReply
    stream: int
    request: int
    """One of the numbers of asm-generic/ioctls.h that the console knows; others are ENOTTY."""


DOOR = Door("console", [Read, Write, Seek, Truncate, Describe, Poll, Control])


# ---- the gate --------------------------------------------------------------------------------------------

GATE = "gate"
"""The name of the component that serves published ports, where there are any (`lego.console.gate`)."""


class OpenGate(Request, frozen=True):
    """A guest program listens on a published port: from now on the host's listens too. EADDRINUSE."""

    Reply: ClassVar = Done
    publication: int
    """Its place in the machine's `publish`."""
    backlog: int


class CloseGate(Request, frozen=True):
    """No guest program listens there any more: callers are refused."""

    Reply: ClassVar = Done
    publication: int


class News(msgspec.Struct, array_like=True, frozen=True):
    """What happened to one connection. A new one has its `publication` and the client's `port`."""

    connection: int
    publication: int = -1
    port: int = 0
    length: int = 0
    """Bytes of the payload that are its own, in the order of the news."""
    ended: bool = False
    """Nothing more comes from the client."""
    error: int = 0
    """The errno that it ended with, such as ECONNRESET."""
    room: bool = False
    """It can take more, and was asked about in `stuck`."""


class GatherReply(msgspec.Struct, array_like=True, frozen=True):
    """All there is; nothing when nothing came in the time given."""

    news: list[News]


class Gather(Request, frozen=True):
    """What has come from clients. Waits up to `wait_ms` for something."""

    Reply: ClassVar = GatherReply
    wait_ms: int
    welcome: list[tuple[int, int]]
    """Publications that take new connections, and how many."""
    credits: list[tuple[int, int]]
    """Connections, and how many bytes of each may come."""
    stuck: list[int]
    """Connections that took less than they were given, and wait for room."""


class Transmit(Request, frozen=True):
    """Sends the payload to a client; the count is what its socket took. EPIPE, ECONNRESET; ENOTCONN."""

    Reply: ClassVar = CountReply
    connection: int


class Finish(Request, frozen=True):
    """Nothing more goes to a client: it meets the end."""

    Reply: ClassVar = Done
    connection: int


class Drop(Request, frozen=True):
    """A connection is given up, after what was sent has gone, or at once with `reset`."""

    Reply: ClassVar = Done
    connection: int
    reset: bool


GATE_DOOR = Door("gate", [OpenGate, CloseGate, Gather, Transmit, Finish, Drop])
