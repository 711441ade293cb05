"""A console without a terminal: input from bytes, output into memory or to a function.

It looks to the guest like three pipes. The Python API gives every run one of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import msgspec

from lego.console.messages import (
    DOOR,
    TRACE,
    Control,
    CountReply,
    Describe,
    DescribeReply,
    Poll,
    PollReply,
    Read,
    Seek,
    Truncate,
    Write,
)
from lego.fabric.wire import Buffer, Request
from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import O_RDONLY, O_WRONLY
from lego.linux.stat import S_IFIFO, Stat

FIONREAD = 0x541B  # include/uapi/asm-generic/ioctls.h
POLLIN, POLLOUT, POLLHUP, POLLNVAL = 0x1, 0x4, 0x10, 0x20

Output = Callable[[int, bytes], None]
"""Told each piece of output: the stream (1 or 2) and the bytes."""


class BufferConsole:
    """Serves `lego.console.messages`; `stdout` and `stderr` have what was written and not given to `output`."""

    door = DOOR

    def __init__(self, stdin: bytes = b"", output: Output | None = None, name: str = "console") -> None:
        self.name = name
        self._stdin = stdin
        self._position = 0
        self._output = output
        self._written: dict[int, bytearray] = {1: bytearray(), 2: bytearray()}
        self._lock = threading.Lock()

    @property
    def stdout(self) -> bytes:
        """What was written to stream 1 so far."""
        return bytes(self._written[1])

    @property
    def stderr(self) -> bytes:
        """What was written to stream 2 so far."""
        return bytes(self._written[2])

    def handle(self, sender: str, request: Request, payload: Buffer) -> tuple[msgspec.Struct, Buffer]:
        """Serves one request."""
        with self._lock:
            if isinstance(request, Read):
                return self._read(request)
            if isinstance(request, Write):
                return self._write(request, bytes(payload)), b""
            if isinstance(request, Describe):
                return self._describe(request.stream), b""
            if isinstance(request, Poll):
                events = [self._poll(*each) for each in zip(request.streams, request.events, strict=True)]
                return PollReply(events), b""
            if isinstance(request, Control):
                return self._control(request)
            if isinstance(request, Seek):
                raise LinuxError(E.ESPIPE)
            if isinstance(request, Truncate):
                raise LinuxError(E.EINVAL)
        raise TypeError(f"the console serves no {type(request).__name__}")

    def _read(self, request: Read) -> tuple[CountReply, bytes]:
        if request.stream != 0:
            raise LinuxError(E.EBADF)
        if request.offset >= 0:
            raise LinuxError(E.ESPIPE)
        data = self._stdin[self._position : self._position + request.length]
        self._position += len(data)
        return CountReply(len(data)), data

    def _write(self, request: Write, data: bytes) -> CountReply:
        if request.stream == TRACE:
            request = Write(2, request.wait_ms)
        if request.stream not in self._written:
            raise LinuxError(E.EBADF)
        if request.offset >= 0:
            raise LinuxError(E.ESPIPE)
        if self._output is not None:
            self._output(request.stream, data)
        else:
            self._written[request.stream] += data
        return CountReply(len(data))

    def _describe(self, stream: int) -> DescribeReply:
        if stream not in (0, 1, 2):
            raise LinuxError(E.EBADF)
        stat = Stat(mode=S_IFIFO | 0o600, ino=stream + 1)
        return DescribeReply(stat, O_WRONLY if stream else O_RDONLY, False, f"pipe:[{stream + 1}]")

    def _poll(self, stream: int, events: int) -> int:
        if stream == 0:
            # A pipe whose writer has gone: readable while there is something, and hung up.
            return (events & POLLIN if self._position < len(self._stdin) else 0) | POLLHUP
        return events & POLLOUT if stream in self._written else POLLNVAL

    def _control(self, request: Control) -> tuple[CountReply, bytes]:
        if request.stream == 0 and request.request == FIONREAD:
            return CountReply(0), (len(self._stdin) - self._position).to_bytes(4, "little")
        raise LinuxError(E.ENOTTY)
