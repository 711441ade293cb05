"""Standard input, output and error: the host's own streams, reached through the console.

What a stream is shows through: a guest can seek in a redirected file, and a terminal has a size. Where a
stream stands is the host's knowledge, so `offset` is not used.

Nothing here waits for the host for long. A read that finds nothing parks its thread; the scheduler
calls `ready(wait_ms)` in slices, which asks the console again. Input that `ready` fetched is kept until the
thread reads it, or the next one when a signal came first. How often one asks in vain depends on the host,
so only an answer is charged to virtual time.
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lego.console.messages import ANSWER_S, Control, Describe, DescribeReply, Poll, Read, Seek, Truncate, Write
from lego.fabric.errors import FabricError
from lego.fabric.wire import Buffer, Request
from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import O_APPEND, O_NONBLOCK, SEEK_CUR, SEEK_END
from lego.linux.signal import Sig, SigInfo
from lego.linux.stat import S_IFIFO, S_IFSOCK, FsStat, Stat
from lego.observe.clock import Meter, current
from pcomponent import signals
from pcomponent.files.base import (
    POLLERR,
    POLLHUP,
    POLLIN,
    POLLOUT,
    POLLRDNORM,
    POLLWRNORM,
    Blocking,
    OpenFile,
)
from pcomponent.waiting import Interrupted, Wait, Wake

if TYPE_CHECKING:
    from pcomponent.process import Thread

CHUNK = 1 << 20
"""Bytes in one message."""

TIOCGPGRP, TIOCSPGRP, TIOCGSID = 0x540F, 0x5410, 0x5429
TCGETS, TCSETS, TCSETSW, TCSETSF = 0x5401, 0x5402, 0x5403, 0x5404
TIOCGWINSZ, TIOCSWINSZ, TIOCOUTQ, FIONREAD = 0x5413, 0x5414, 0x5411, 0x541B
TCGETA, TCSETA, TCSETAW, TCSETAF = 0x5405, 0x5406, 0x5407, 0x5408
TCGETS2, TCSETS2, TCSETSW2, TCSETSF2 = 0x802C542A, 0x402C542B, 0x402C542C, 0x402C542D
TCSBRK, TCXONC, TCFLSH, TCSBRKP, TIOCGETD = 0x5409, 0x540A, 0x540B, 0x5425, 0x5424
_INT = struct.Struct("<i")
_ANSWERS = {TCGETS: 36, TCGETA: 18, TCGETS2: 44, TIOCGWINSZ: 8, TIOCOUTQ: 4, FIONREAD: 4, TIOCGETD: 4}
"""Requests that fill a structure of so many bytes (asm-generic/termbits.h, termios.h)."""
_ORDERS = {
    **dict.fromkeys((TCSETS, TCSETSW, TCSETSF), 36),
    **dict.fromkeys((TCSETA, TCSETAW, TCSETAF), 18),
    **dict.fromkeys((TCSETS2, TCSETSW2, TCSETSF2), 44),
    TIOCSWINSZ: 8,
}
"""Requests that take one."""
_NUMBERS = (TCSBRK, TCXONC, TCFLSH, TCSBRKP)
"""Requests whose argument is a number."""
_HUNG_UP = POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM
"""hung_up_tty_poll()."""
PIPEFS_MAGIC, DEVPTS_SUPER_MAGIC = 0x50495045, 0x1CD1


class HungUp(LinuxError):
    """The console has gone with its front end. What remains is as a terminal that was hung up (drivers/tty/tty_io.c,
    hung_up_tty_fops): reading finds the end, writing and ioctl give EIO, poll says all at once."""


def ask(task: Thread, request: Request, payload: Buffer = b"") -> tuple[Any, Buffer]:
    """An answer of the console of a thread's process. Raises what the host says, and `HungUp`."""
    try:
        return task.kernel.endpoint.call(task.process.console, request, payload, ANSWER_S)
    except FabricError as error:
        task.kernel.hang_up(task.process)
        raise HungUp(E.EIO) from error


class ConsoleFile(OpenFile):
    """One of the host's three streams."""

    polls_outside = True

    def __init__(self, stream: int, described: DescribeReply) -> None:
        super().__init__(described.flags, described.path)
        self.stream = stream
        self.terminal = described.terminal
        self._stat: Stat = described.stat
        self._appends = bool(described.flags & O_APPEND)
        """The host's descriptor appends by itself."""
        self._kept = bytearray()
        self._ended = False
        """The end of the input was met, and is the next thing to read: a terminal can go on after it."""

    # ---- reading -------------------------------------------------------------------------------------

    def read(self, task: Thread, length: int) -> Blocking:
        """read(2). EAGAIN when nothing is there and O_NONBLOCK is set."""
        if not length:
            return b""
        length = min(length, CHUNK)
        wait = Wait(ready=_settled(lambda wait_ms: self._fetch(task, length, wait_ms)), outside=True)
        while not self._fetch(task, length, 0):
            if self.flags & O_NONBLOCK:
                raise LinuxError(E.EAGAIN)
            if (yield wait) is Wake.SIGNAL:
                raise Interrupted(restart=True)
        if not self._kept:
            self._ended = False
        data = bytes(self._kept[:length])
        del self._kept[:length]
        return data

    def unread(self, task: Thread, data: bytes) -> None:
        """What a guest's buffer had no room for."""
        if self._seekable(task):
            self._ask(task, Seek(self.stream, -len(data), SEEK_CUR))
        else:
            self._kept[:0] = data

    def pread(self, task: Thread, length: int, offset: int) -> Blocking:
        """pread64(2) of a redirected file."""
        self._ask(task, Seek(self.stream, 0, SEEK_CUR))  # ESPIPE.
        _, payload = self._ask(task, Read(self.stream, min(length, CHUNK), 0, offset))
        return bytes(payload)
        yield

    def _fetch(self, task: Thread, length: int, wait_ms: int) -> bool:
        """Whether there is something to read, or the end."""
        if self._kept or self._ended:
            return True
        try:
            answer = self._try(task, Read(self.stream, length, wait_ms))
        except HungUp:
            self._ended = True
            return True
        if answer is None:
            return False
        self._kept += answer[1]
        self._ended = not self._kept
        return True

    # ---- writing -------------------------------------------------------------------------------------

    def write(self, task: Thread, data: bytes) -> Blocking:
        """write(2). EPIPE, with SIGPIPE, when nobody will read it; EAGAIN when O_NONBLOCK is set and nothing can
        be taken. A signal ends it early when something was."""
        if self.flags & O_APPEND and not self._appends and self._seekable(task):
            self._ask(task, Seek(self.stream, 0, SEEK_END))
        sending = _Sending(self, task, data)
        wait = Wait(ready=_settled(sending.push), outside=True)
        try:
            while not sending.push(0):
                if self.flags & O_NONBLOCK:
                    return sending.result(LinuxError(E.EAGAIN))
                if (yield wait) is Wake.SIGNAL and not sending.push(0):
                    return sending.result(Interrupted(restart=True))
        except LinuxError as error:
            if error.errno == E.EPIPE:
                info = SigInfo.user(Sig.PIPE, task.process.pid, task.credentials.uid)
                signals.send_to_thread(task, Sig.PIPE, info)
            return sending.result(error)
        return sending.done

    def pwrite(self, task: Thread, data: bytes, offset: int) -> Blocking:
        """pwrite64(2) to a redirected file."""
        if self.flags & O_APPEND:
            return (yield from self.write(task, data))
        self._ask(task, Seek(self.stream, 0, SEEK_CUR))  # ESPIPE.
        reply, _ = self._ask(task, Write(self.stream, 0, offset), data[:CHUNK])
        return reply.count

    # ---- position, attributes ------------------------------------------------------------------------

    def seek(self, task: Thread, offset: int, whence: int) -> int:
        """lseek(2) of a redirected file."""
        reply, _ = self._ask(task, Seek(self.stream, offset, whence))
        position: int = reply.count
        return position

    def stat(self, task: Thread) -> Stat:
        """fstat(2)."""
        with contextlib.suppress(HungUp):  # Then it is what it was.
            self._stat = self._ask(task, Describe(self.stream))[0].stat
        return self._stat

    def statfs(self, task: Thread) -> FsStat:
        """fstatfs(2) of a pipe or terminal. ENOSYS for a redirected file: the console does not know its file system."""
        if self.terminal:
            kind = DEVPTS_SUPER_MAGIC
        elif self.stat(task).kind == S_IFIFO:
            kind = PIPEFS_MAGIC
        else:
            raise LinuxError(E.ENOSYS)
        return FsStat(type=kind, block_size=4096, blocks=0, blocks_free=0, blocks_available=0, files=0, files_free=0)

    def truncate(self, task: Thread, size: int) -> None:
        """ftruncate(2) of a redirected file."""
        if not self.writable:
            raise LinuxError(E.EINVAL)
        self._ask(task, Truncate(self.stream, size))

    def ioctl(self, task: Thread, request: int, argument: int) -> int:
        """ioctl(2) of a terminal. Process groups are the guest's own, and its own is in the foreground."""
        if request in (TIOCGPGRP, TIOCSPGRP, TIOCGSID):
            return self._group(task, request, argument)
        sent: bytes = b""
        if request in _ORDERS:
            sent = task.memory.read(argument, _ORDERS[request])
        elif request in _NUMBERS:
            sent = _INT.pack(argument & 0x7FFFFFFF)
        elif request not in _ANSWERS:
            raise LinuxError(E.ENOTTY)
        _, payload = self._ask(task, Control(self.stream, request), sent)
        if request in _ANSWERS:
            task.memory.write(argument, bytes(payload[: _ANSWERS[request]]))
        return 0

    def _group(self, task: Thread, request: int, argument: int) -> int:
        if not self.terminal:
            raise LinuxError(E.ENOTTY)
        process = task.process
        if request == TIOCSPGRP:
            (group,) = task.memory.read_struct(_INT, argument)
            if group != process.group:
                raise LinuxError(E.EPERM if group > 0 else E.EINVAL)
        else:
            task.memory.write_struct(_INT, argument, process.session if request == TIOCGSID else process.group)
        return 0

    def poll(self, task: Thread, events: int, wait_ms: int = 0) -> int:
        """POLL* bits that hold now, or within `wait_ms` of host time."""
        if (self._kept or self._ended) and events & (POLLIN | POLLRDNORM):
            return events & (POLLIN | POLLRDNORM)
        try:
            found: int = self._quietly(task, Poll([self.stream], [events], wait_ms))[0].events[0]
        except HungUp:
            return events & _HUNG_UP | POLLERR | POLLHUP
        return found

    def epolls(self, task: Thread) -> bool:
        """Terminals, pipes and sockets; no redirected files."""
        return self.terminal or self.stat(task).kind in (S_IFIFO, S_IFSOCK)

    # ---- messages ------------------------------------------------------------------------------------

    def _seekable(self, task: Thread) -> bool:
        try:
            self._ask(task, Seek(self.stream, 0, SEEK_CUR))
        except LinuxError:
            return False
        return True

    def _ask(self, task: Thread, request: Request, payload: Buffer = b"") -> tuple[Any, Buffer]:
        return ask(task, request, payload)

    def _quietly(self, task: Thread, request: Request) -> tuple[Any, Buffer]:
        """A question whose number depends on the host's timing: it costs no virtual time."""
        outer = current.meter
        current.meter = Meter()
        try:
            return self._ask(task, request)
        finally:
            current.meter = outer

    def _try(self, task: Thread, request: Request, payload: Buffer = b"") -> tuple[Any, Buffer] | None:
        """A question that costs virtual time only if it is answered; None for `again`."""
        outer = current.meter
        meter = current.meter = Meter()
        try:
            reply, answer = self._ask(task, request, payload)
        finally:
            current.meter = outer
        if reply.again:
            return None
        outer.charge(meter.now_ns)
        return reply, answer


def _settled(attempt: Callable[[int], bool]) -> Callable[[int], bool]:
    """An error ends a wait too: the thread meets it when it tries again itself."""

    def ready(wait_ms: int) -> bool:
        try:
            return attempt(wait_ms)
        except LinuxError:
            return True

    return ready


class _Sending:
    """One write on its way: how much of it the host has taken."""

    def __init__(self, file: ConsoleFile, task: Thread, data: bytes) -> None:
        self.file = file
        self.task = task
        self.data = memoryview(data)
        self.done = 0

    def push(self, wait_ms: int) -> bool:
        """Sends what the host takes without waiting for longer than `wait_ms`; whether that was all."""
        while self.done < len(self.data):
            piece = self.data[self.done : self.done + CHUNK]
            answer = self.file._try(self.task, Write(self.file.stream, wait_ms), piece)
            if answer is None:
                return False
            self.done += answer[0].count
            if not answer[0].count:
                return False
            wait_ms = 0
        return True

    def result(self, failure: Exception) -> int:
        """What the call returns when it ends before its end: what was taken, or the failure if that is nothing."""
        if self.done:
            return self.done
        raise failure
