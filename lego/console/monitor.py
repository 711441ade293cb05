"""The console on the standard streams of this process: whatever they are, binary-clean and unbuffered.

The open files behind the descriptors belong to the shell and its other programs as well, so their flags are never
changed: nothing is made non-blocking. Instead every transfer is preceded by a poll, and what goes to a pipe goes in
pieces that are known to fit once poll says that there is room (pipe(7): PIPE_BUF). A terminal promises room for one
byte only, so it is opened once more for writing: that open file is nobody else's, and does not block.

A terminal that the guest has put in another mode is put back when the console is closed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import socket
import stat
import termios
from collections.abc import Iterator
from types import TracebackType
from typing import Any

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
from lego.console.terminal import CONTROLS, TCGETS2, TCSETS2, TERMIOS2_BYTES, TIOCGPGRP, TIOCSPGRP
from lego.fabric.wire import Buffer, Request
from lego.linux.errno import E, LinuxError
from lego.linux.stat import Stat
from lego.linux.termios import TIOCGDEV

STREAMS = (0, 1, 2)
READ_MAX = 1 << 20
PIECE = select.PIPE_BUF
"""Bytes; when poll says POLLOUT, a write of so many does not block."""
TERMINAL_PIECE = 1
"""Bytes; the same for a terminal, where only its stream as it was inherited can be had."""


def plug_closed_streams() -> None:
    """Keeps the numbers 0, 1 and 2 from being used for other files when this process was started without them.

    An O_PATH descriptor takes the place: like a closed one, it gives EBADF to whoever reads or writes.
    """
    for stream in STREAMS:
        try:
            os.fstat(stream)
        except OSError:
            plug = os.open("/dev/null", os.O_PATH)
            if plug != stream:
                os.dup2(plug, stream)
                os.close(plug)


class ConsoleMonitor:
    """Serves `lego.console.messages` on descriptors 0, 1 and 2; a context manager."""

    door = DOOR

    def __init__(self, name: str = "console", trace: int = 2) -> None:
        """`trace` is the descriptor that the lines of --strace go to; it is the caller's to close."""
        self.name = name
        self._trace = trace
        self._modes: dict[int, bytes] = {}
        """The modes that terminals had before the guest first changed them, as struct termios2."""
        self._own: dict[int, int] = {}
        """Descriptors of this console's own on the terminals that it writes to, or -1 where it may not open one."""

    def __enter__(self) -> ConsoleMonitor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Puts terminals back into the modes that they had."""
        with _background_writes_allowed():
            while self._modes:
                stream, modes = self._modes.popitem()
                with contextlib.suppress(OSError):  # The terminal may be gone.
                    fcntl.ioctl(stream, TCSETS2, modes)
        while self._own:
            _, descriptor = self._own.popitem()
            if descriptor >= 0:
                os.close(descriptor)

    def handle(self, sender: str, request: Request, payload: Buffer) -> tuple[msgspec.Struct, Buffer]:
        """Serves one request; errors of the host become the guest's."""
        try:
            if isinstance(request, Read):
                return self._read(request)
            if isinstance(request, Write):
                return self._write(request, payload), b""
            if isinstance(request, Poll):
                return self._poll(request), b""
            if isinstance(request, Describe):
                return self._describe(request.stream), b""
            if isinstance(request, Control):
                return self._control(request, payload)
            if isinstance(request, Seek):
                return CountReply(os.lseek(_descriptor(request.stream), request.offset, request.whence)), b""
            if isinstance(request, Truncate):
                os.ftruncate(_descriptor(request.stream), request.size)
                return CountReply(0), b""
        except OSError as error:
            raise LinuxError(error.errno or E.EIO) from error
        raise TypeError(f"the console serves no {type(request).__name__}")

    def _read(self, request: Read) -> tuple[CountReply, bytes]:
        stream, length = _descriptor(request.stream), min(request.length, READ_MAX)
        if request.offset >= 0:
            data = os.pread(stream, length, request.offset)
            return CountReply(len(data)), data
        if not _ready(stream, select.POLLIN, request.wait_ms):
            return CountReply(0, again=True), b""
        try:
            data = os.read(stream, length)
        except BlockingIOError:  # Non-blocking already, and somebody else was faster.
            return CountReply(0, again=True), b""
        return CountReply(len(data)), data

    def _write(self, request: Write, payload: Buffer) -> CountReply:
        stream = self._trace if request.stream == TRACE else _descriptor(request.stream)
        if request.offset >= 0:
            return CountReply(os.pwrite(stream, payload, request.offset))
        mode = os.fstat(stream).st_mode
        if stat.S_ISREG(mode) or not payload:
            return CountReply(os.write(stream, payload))
        if stat.S_ISCHR(mode) and os.isatty(stream):
            written = self._write_terminal(stream, memoryview(payload), request.wait_ms)
        else:
            written = _write_pieces(stream, memoryview(payload), request.wait_ms, stat.S_ISSOCK(mode))
        return CountReply(written, again=written == 0)

    def _write_terminal(self, stream: int, data: memoryview, wait_ms: int) -> int:
        """What a terminal takes now: somebody may have stopped it, or look at it later, for as long as they like."""
        own = self._own.get(stream)
        if own is None:
            own = self._own[stream] = _open_terminal(stream)
        if own < 0:
            return _write_pieces(stream, data, wait_ms, False, TERMINAL_PIECE)
        return _write_pieces(own, data, wait_ms, False, len(data))

    def _poll(self, request: Poll) -> PollReply:
        wanted: dict[int, int] = {}
        for stream, events in zip(request.streams, request.events, strict=True):
            wanted[stream] = wanted.get(stream, 0) | events
        poller = select.poll()
        for stream, events in wanted.items():
            poller.register(_descriptor(stream), events)
        found = dict(poller.poll(request.wait_ms))
        always = select.POLLERR | select.POLLHUP | select.POLLNVAL
        pairs = zip(request.streams, request.events, strict=True)
        return PollReply([found.get(stream, 0) & (events | always) for stream, events in pairs])

    def _describe(self, stream: int) -> DescribeReply:
        flags = fcntl.fcntl(_descriptor(stream), fcntl.F_GETFL)
        if flags & os.O_PATH:
            raise LinuxError(E.EBADF)
        path = os.readlink(f"/proc/self/fd/{stream}")
        known = flags & (os.O_ACCMODE | os.O_APPEND)
        return DescribeReply(Stat.of(os.fstat(stream)), known, os.isatty(stream), path)

    def _control(self, request: Control, payload: Buffer) -> tuple[CountReply, bytes]:
        stream, number = _descriptor(request.stream), request.request
        control = CONTROLS.get(number)
        if control is None:
            raise LinuxError(E.ENOTTY)
        if control.reads:
            return CountReply(0), bytes(fcntl.ioctl(stream, number, bytes(control.size)))
        if len(payload) != control.size:
            raise LinuxError(E.EINVAL, f"request {number:#x} takes {control.size} bytes, not {len(payload)}")
        if number == TIOCSPGRP:
            # The guest's process groups exist at its processor alone: the host only says if this is a terminal.
            fcntl.ioctl(stream, TIOCGPGRP, bytes(4))
        elif control.number:
            fcntl.ioctl(stream, number, int.from_bytes(payload, "little", signed=True))
        else:
            self._save_modes(stream)
            fcntl.ioctl(stream, number, bytes(payload))
        return CountReply(0), b""

    def _save_modes(self, stream: int) -> None:
        if stream not in self._modes:
            self._modes[stream] = bytes(fcntl.ioctl(stream, TCGETS2, bytes(TERMIOS2_BYTES)))


def _descriptor(stream: int) -> int:
    if stream not in STREAMS:
        raise LinuxError(E.EBADF)
    return stream


def _ready(stream: int, event: int, wait_ms: int) -> bool:
    """Whether a transfer would not block: there is room or data, or an error or end to be told of."""
    poller = select.poll()
    poller.register(stream, event)
    return bool(poller.poll(wait_ms))


def _open_terminal(stream: int) -> int:
    """An open file of one's own on the terminal that a stream is; -1 when it may not be opened, as after su(1), or
    with TIOCEXCL, was inherited for reading only, or is the other end of a terminal, whose name makes new ones."""
    if fcntl.fcntl(stream, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
        return -1
    try:
        own = os.open(f"/proc/self/fd/{stream}", os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return -1
    with contextlib.suppress(OSError):
        if fcntl.ioctl(own, TIOCGDEV, bytes(4)) == fcntl.ioctl(stream, TIOCGDEV, bytes(4)):
            return own
    os.close(own)
    return -1


def _write_pieces(stream: int, data: memoryview, wait_ms: int, is_socket: bool, piece: int = PIECE) -> int:
    """Writes what fits; waits only for the first piece. An error after the first piece is the next call's to tell."""
    written = 0
    while written < len(data) and _ready(stream, select.POLLOUT, 0 if written else wait_ms):
        try:
            written += _write_piece(stream, data[written:], is_socket, piece)
        except BlockingIOError:
            break
        except OSError:
            if written:
                break
            raise
    return written


def _write_piece(stream: int, data: memoryview, is_socket: bool, piece: int) -> int:
    if not is_socket:
        return os.write(stream, data[:piece])
    with socket.socket(fileno=os.dup(stream)) as connection:
        return connection.send(data, socket.MSG_DONTWAIT)


@contextlib.contextmanager
def _background_writes_allowed() -> Iterator[None]:
    """A background process that sets a terminal's modes is stopped by SIGTTOU, unless it blocks it (termios(3))."""
    before: set[Any] = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
    try:
        yield
    except termios.error:
        pass
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
