"""Pipes and FIFOs: a ring of pages between two ends.

Data lie in at most `slots` pages. A write goes on in the last page if its odd bytes fit there, and takes new pages for
the rest; so what is no longer than a page (PIPE_BUF) is written whole or not at all, and a longer write may be
mixed with others. With O_DIRECT each page is a packet, and a read takes one. Ends are counted by open file
description: when the last writer is gone readers meet the end, when the last reader is gone writers get SIGPIPE.
Source: fs/pipe.c, pipe(7), fifo(7).
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Generator
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import F_GETPIPE_SZ, O_ACCMODE, O_DIRECT, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY
from lego.linux.signal import POLL_IN, POLL_OUT
from lego.linux.stat import S_IFIFO, Stat
from pcomponent.credentials import SYS_RESOURCE
from pcomponent.files.anonymous import PIPEFS_MAGIC, AnonymousFile, AnonymousInode, Change, broken_pipe, wait_until
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
from pcomponent.files.storage import StorageNode, ask_storage
from pcomponent.waiting import Wait, Wake
from scomponent.messages import Close

if TYPE_CHECKING:
    from pcomponent.process import Thread
    from pcomponent.rendezvous import Inode

PAGE_BYTES = 4096
SLOTS = 16
"""PIPE_DEF_BUFFERS: 64 KiB."""
SIZE_MAX = 1 << 20
"""/proc/sys/fs/pipe-max-size."""
FIONREAD = 0x541B
_INT = struct.Struct("<i")


class _Page:
    """One slot of the ring: what was written to it, and how much of that has been read."""

    __slots__ = ("data", "grows", "packet", "start")

    def __init__(self, data: bytes, packet: bool, grows: bool = False) -> None:
        self.data = bytearray(data)
        self.start = 0
        self.packet = packet
        self.grows = grows
        """Whether a later write may go on in it (PIPE_BUF_FLAG_CAN_MERGE)."""

    @property
    def left(self) -> int:
        return len(self.data) - self.start


class Pipe:
    """What lies between the ends (struct pipe_inode_info)."""

    def __init__(self) -> None:
        self.pages: deque[_Page] = deque()
        self.slots = SLOTS
        self.inode: AnonymousInode | None = None
        """Which all ends have, once there is one."""
        self.readers = 0
        self.writers = 0
        self.readers_ever = 0
        self.writers_ever = 0
        """How often an end was opened: who opens a FIFO waits for the other side's to change."""
        self.filled = Change()
        """Something can be read, or the last writer has gone."""
        self.emptied = Change()
        """There is room, or the last reader has gone."""

    @property
    def full(self) -> bool:
        """Whether no slot is free."""
        return len(self.pages) >= self.slots

    def bytes_held(self) -> int:
        """FIONREAD."""
        return sum(page.left for page in self.pages)

    def add_end(self, task: Thread, flags: int) -> None:
        """An open file description more."""
        if flags & O_ACCMODE in (O_RDONLY, O_RDWR):
            self.readers += 1
            self.readers_ever += 1
            self.emptied.happened(task)
        if flags & O_ACCMODE in (O_WRONLY, O_RDWR):
            self.writers += 1
            self.writers_ever += 1
            self.filled.happened(task)

    def drop_end(self, task: Thread, flags: int) -> None:
        """An open file description less."""
        if flags & O_ACCMODE in (O_RDONLY, O_RDWR):
            self.readers -= 1
        if flags & O_ACCMODE in (O_WRONLY, O_RDWR):
            self.writers -= 1
        if not self.readers or not self.writers:
            self.filled.happened(task)
            self.emptied.happened(task)

    def put(self, data: memoryview, packet: bool) -> int:
        """Takes what there is room for in free pages; returns how many bytes."""
        done = 0
        while done < len(data) and not self.full:
            self.pages.append(_Page(bytes(data[done : done + PAGE_BYTES]), packet, grows=not packet))
            done += min(PAGE_BYTES, len(data) - done)
        return done

    def merge(self, data: memoryview) -> int:
        """The bytes that a write has beyond whole pages, if they fit into the last page; returns how many."""
        odd = len(data) % PAGE_BYTES
        if odd and self.pages:
            last = self.pages[-1]
            if last.grows and len(last.data) + odd <= PAGE_BYTES:
                last.data += data[:odd]
                return odd
        return 0

    def take(self, length: int) -> bytes:
        """Removes up to `length` bytes; a packet ends it, and the rest of one is lost."""
        pieces = []
        while length and self.pages:
            page = self.pages[0]
            piece = bytes(page.data[page.start : page.start + length])
            pieces.append(piece)
            page.start += len(piece)
            length -= len(piece)
            if page.packet or not page.left:
                self.pages.popleft()
            if page.packet:
                break
        return b"".join(pieces)

    def hand_over(self, target: Pipe, count: int, keep: bool) -> int:
        """Gives up to `count` bytes to another pipe, page by page, so that packets stay packets; `keep` leaves them
        here too. Returns how many (splice_pipe_to_pipe, link_pipe)."""
        done = 0
        for page in list(self.pages):
            if done == count or target.full:
                break
            piece = bytes(page.data[page.start : page.start + count - done])
            whole = len(piece) == page.left
            target.pages.append(_Page(piece, page.packet, grows=page.grows and whole and not keep))
            done += len(piece)
            if not keep:
                page.start += len(piece)
                if whole:
                    self.pages.popleft()
        return done

    def resize(self, task: Thread, size: int) -> int:
        """fcntl(F_SETPIPE_SZ): the new size. EINVAL; EPERM beyond the limit; EBUSY when too much is in it."""
        if size > 1 << 31:
            raise LinuxError(E.EINVAL)
        slots = max(1, 1 << ((max(size, PAGE_BYTES) - 1) // PAGE_BYTES).bit_length())
        privileged = task.credentials.capable(SYS_RESOURCE)
        if slots > self.slots and slots * PAGE_BYTES > SIZE_MAX and not privileged:
            raise LinuxError(E.EPERM)
        if slots < len(self.pages):
            raise LinuxError(E.EBUSY)
        if slots > self.slots:
            self.emptied.happened(task)
        self.slots = slots
        return slots * PAGE_BYTES


class PipeFile(AnonymousFile):
    """One end of a pipe, or both (a FIFO opened with O_RDWR)."""

    hurries = True

    def __init__(self, task: Thread, pipe: Pipe, flags: int) -> None:
        super().__init__(task, flags, "pipe", S_IFIFO | 0o600, PIPEFS_MAGIC, pipe.inode)
        self.pipe = pipe
        pipe.inode = self.inode
        self._writers_before = 0
        """No POLLHUP before a writer that came after the end was opened has gone (struct file, f_version)."""
        pipe.add_end(task, flags)

    def serial(self, events: int) -> int:
        """The last event of those that `events` asks for."""
        if self.readable and self.writable:
            filled = self.pipe.filled.serial if events & (POLLIN | POLLRDNORM) else 0
            return max(filled, self.pipe.emptied.serial if events & (POLLOUT | POLLWRNORM) else 0)
        return self.pipe.filled.serial if self.readable else self.pipe.emptied.serial

    def changes(self, task: Thread) -> list[Change]:
        """Those of the sides that it has."""
        pipe = self.pipe
        return ([pipe.filled] if self.readable else []) + ([pipe.emptied] if self.writable else [])

    lasting_changes = changes

    def told(self, task: Thread) -> list[Change]:
        """The same (pipe_fasync)."""
        return self.changes(task)

    def band(self, change: Change) -> int:
        """Who reads is told of what came, who writes of what was taken."""
        return POLL_IN if change is self.pipe.filled else POLL_OUT

    # ---- reading and writing ---------------------------------------------------------------------------

    def read(self, task: Thread, length: int) -> Blocking:
        """read(2). b"" at the end; EAGAIN."""
        pipe = self.pipe
        if not length:
            return b""
        while not pipe.pages:
            if not pipe.writers:
                return b""
            if self.flags & O_NONBLOCK:
                raise LinuxError(E.EAGAIN)
            yield from wait_until(task, lambda: pipe.pages or not pipe.writers, pipe.filled)
        full = pipe.full
        data = pipe.take(length)
        if (full and not pipe.full) or pipe.emptied.told:  # Those who get signals are told of each (pipe_read).
            pipe.emptied.happened(task)
        return data

    def unread(self, task: Thread, data: bytes) -> None:
        """Puts back what the guest's buffer had no room for."""
        if data:
            self.pipe.pages.appendleft(_Page(data, packet=False))
            self.pipe.filled.stir()

    def write(self, task: Thread, data: bytes) -> Blocking:
        """write(2). EPIPE with SIGPIPE; EAGAIN. A signal, or O_NONBLOCK, ends a long one early."""
        pipe, view, packet = self.pipe, memoryview(data), bool(self.flags & O_DIRECT)
        if not data:
            return 0
        if not pipe.readers:
            raise broken_pipe(task)
        done = merged = pipe.merge(view)
        try:
            while True:
                taken = pipe.put(view[done:], packet)
                done += taken
                if taken or merged:
                    pipe.filled.happened(task)
                if done == len(view):
                    return done
                if self.flags & O_NONBLOCK:
                    raise LinuxError(E.EAGAIN)
                yield from wait_until(task, lambda: not pipe.full or not pipe.readers, pipe.emptied)
                if not pipe.readers:
                    raise broken_pipe(task)
        except Exception:
            if done:
                return done
            raise

    # ---- what else -------------------------------------------------------------------------------------

    def poll(self, task: Thread, events: int, wait_ms: int = 0) -> int:
        """POLL* bits that hold now (pipe_poll)."""
        pipe, found = self.pipe, 0
        if self.readable:
            if pipe.pages:
                found |= POLLIN | POLLRDNORM
            if not pipe.writers and pipe.writers_ever != self._writers_before:
                found |= POLLHUP
        if self.writable:
            if not pipe.full:
                found |= POLLOUT | POLLWRNORM
            if not pipe.readers:
                found |= POLLERR
        return found

    def ioctl(self, task: Thread, request: int, argument: int) -> int:
        """FIONREAD; nothing else is a pipe's."""
        if request != FIONREAD:
            raise LinuxError(E.ENOTTY)
        task.memory.write_struct(_INT, argument, self.pipe.bytes_held())
        return 0

    def allocate(self, task: Thread, mode: int, offset: int, length: int) -> None:
        """fallocate(2)."""
        raise LinuxError(E.ESPIPE)

    def close(self, task: Thread) -> None:
        """The other end learns it."""
        self.pipe.drop_end(task, self.flags)

    def reopened(self, task: Thread, flags: int) -> PipeFile:
        """The pipe opened again through /proc/PID/fd, for reading, for writing or both."""
        return PipeFile(task, self.pipe, flags)


class FifoFile(StorageNode, PipeFile):
    """One end of a FIFO: its attributes are those of the node in the tree, which `handle` pins."""

    def __init__(self, task: Thread, pipe: Pipe, flags: int, path: str, handle: int, inode: Inode) -> None:
        super().__init__(task, pipe, flags)
        self.path = path
        self.handle = handle
        self._inode = inode
        task.kernel.rendezvous.fifos[inode] = pipe
        if not self.writable and not pipe.writers:
            self._writers_before = pipe.writers_ever

    def connect(self, task: Thread) -> Generator[Wait, Wake, None]:
        """What open(2) waits for: the other side (fifo_open). A signal ends it with the end closed again."""
        pipe = self.pipe
        if not self.writable and not pipe.writers:
            if self.flags & O_NONBLOCK:
                return
            before = pipe.writers_ever
            yield from wait_until(task, lambda: pipe.writers_ever != before, pipe.filled)
        elif not self.readable and not pipe.readers:
            before = pipe.readers_ever
            yield from wait_until(task, lambda: pipe.readers_ever != before, pipe.emptied)

    def close(self, task: Thread) -> None:
        """With the last end what is in a FIFO is gone too."""
        super().close(task)
        if not self.pipe.readers and not self.pipe.writers:
            task.kernel.rendezvous.fifos.pop(self._inode, None)
        ask_storage(task, Close([self.handle]))


def open_fifo(task: Thread, flags: int, path: str, handle: int, stat: Stat) -> FifoFile:
    """An end of the FIFO that a storage component has opened; `connect` is still to be waited for. ENXIO when it is
    for writing, O_NONBLOCK, and nobody reads."""
    inode = (task.process.storage, stat.dev, stat.ino)
    pipe = task.kernel.rendezvous.fifos.get(inode) or Pipe()
    if flags & O_ACCMODE == O_WRONLY and flags & O_NONBLOCK and not pipe.readers:
        raise LinuxError(E.ENXIO)
    return FifoFile(task, pipe, flags, path, handle, inode)


def pipe_size(task: Thread, file: OpenFile, command: int, argument: int) -> int:
    """fcntl(2) with F_GETPIPE_SZ or F_SETPIPE_SZ. EBADF when it is no pipe."""
    if not isinstance(file, PipeFile):
        raise LinuxError(E.EBADF)
    if command == F_GETPIPE_SZ:
        return file.pipe.slots * PAGE_BYTES
    return file.pipe.resize(task, argument & 0xFFFFFFFF)
