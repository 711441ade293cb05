"""The other end of a stream: another socket of the machine, or (`pcomponent.published`) a connection of the host's.

A stream gives its far end what it sends and what becomes of the connection; what comes from there arrives at
`StreamSocket.arrive`, `.finished` and `.was_reset`.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from pcomponent.files.inet import urgent
from pcomponent.files.inet.ports import HELD_BYTES_MAX

if TYPE_CHECKING:
    from pcomponent.files.inet.stream import StreamSocket
    from pcomponent.process import Thread

PIECE_BYTES = 4096
"""What a stream may hold even when all of them hold too much."""


class Bytes:
    """A queue of bytes."""

    def __init__(self) -> None:
        self._pieces: deque[bytes] = deque()
        self._start = 0
        self.length = 0

    def put(self, data: bytes) -> None:
        """Appends."""
        if data:
            self._pieces.append(data)
            self.length += len(data)

    def put_back(self, data: bytes) -> None:
        """Prepends what was taken."""
        if data:
            if self._start:
                self._pieces[0] = self._pieces[0][self._start :]
                self._start = 0
            self._pieces.appendleft(data)
            self.length += len(data)

    def peek(self, count: int) -> bytes:
        """The first bytes, which stay."""
        found, start = [], self._start
        for piece in self._pieces:
            if count <= 0:
                break
            part = piece[start : start + count]
            found.append(part)
            count -= len(part)
            start = 0
        return b"".join(found)

    def take(self, count: int) -> bytes:
        """The first bytes, which are gone."""
        found = []
        while count > 0 and self._pieces:
            piece = self._pieces[0]
            part = piece[self._start : self._start + count]
            found.append(part)
            count -= len(part)
            self._start += len(part)
            self.length -= len(part)
            if self._start == len(piece):
                self._pieces.popleft()
                self._start = 0
        return b"".join(found)


class FarEnd:
    """What a stream asks of its other end. This one is nobody's."""

    outside = False
    """Whether it is not in the machine."""

    def room(self, task: Thread) -> int:
        """How many bytes it takes now."""
        return 0

    def put(self, task: Thread, data: bytes) -> int:
        """Sends bytes, no more than there is room for; returns how many were taken."""
        return 0

    def urge(self, task: Thread) -> None:
        """The last byte that was put is urgent."""

    def unread(self) -> int:
        """SIOCOUTQ: bytes that have not got there yet."""
        return 0

    def finish(self, task: Thread) -> None:
        """Nothing more comes from here (FIN)."""

    def reset(self, task: Thread) -> None:
        """The connection is no more (RST)."""

    def leave(self, task: Thread) -> None:
        """The socket is closed: nobody reads any more, but what was sent still goes."""

    def drained(self, task: Thread) -> None:
        """There is room again for what comes from there."""

    def stir(self) -> None:
        """Who waits there for room must look again."""

    def look(self, task: Thread, wait_ms: int) -> None:
        """Lets come what comes from outside, for at most so long in host time."""


NOBODY = FarEnd()


class LocalEnd(FarEnd):
    """Another socket of this machine: what is sent lies in its queue at once, and beyond its window counts as the
    sender's."""

    def __init__(self, own: StreamSocket, peer: StreamSocket) -> None:
        self.own = own
        self.peer = peer

    def room(self, task: Thread) -> int:
        """Of the receiver's window and the sender's buffer together."""
        if self.peer.gone or self.peer.refuses:
            return PIECE_BYTES  # It is refused when it arrives.
        held = self.peer.inbox.length
        room = self.peer.receive_buffer + self.own.send_buffer - held
        total = self.own.ports(task).held_bytes
        return max(0, min(room, max(PIECE_BYTES - held, HELD_BYTES_MAX - total)))

    def put(self, task: Thread, data: bytes) -> int:
        """Into the peer's queue. Who has closed, or shut both directions, answers with RST."""
        if self.peer.gone or self.peer.refuses:
            self.peer.was_reset(task)
            self.own.was_reset(task)
        else:
            self.peer.arrive(task, data)
        return len(data)

    def urge(self, task: Thread) -> None:
        """Its mark is there with it."""
        if not self.peer.gone and not self.peer.refuses:
            urgent.mark(task, self.peer)

    def unread(self) -> int:
        """What is beyond the window."""
        return max(0, self.peer.inbox.length - self.peer.receive_buffer)

    def finish(self, task: Thread) -> None:
        """FIN, which is answered at once."""
        self.peer.finished(task)

    def reset(self, task: Thread) -> None:
        """RST."""
        self.peer.was_reset(task)

    def drained(self, task: Thread) -> None:
        """Tells a sender that found no room, once a third of its buffer is free (sk_stream_write_space)."""
        if self.peer.starved and self.peer.has_send_room(task):
            self.peer.starved = False
            self.peer.room.happened(task)

    def stir(self) -> None:
        """The window may be another one."""
        self.peer.room.stir()
