"""AF_UNIX sockets: streams, datagrams and sequenced packets between programs of one processor.

What is sent lies in the receiver's queue as letters, and counts against the sender's buffer until it is read. A letter
may carry open files (SCM_RIGHTS), each with a reference of its own as long as it is on its way. Source:
net/unix/af_unix.c, whose function names are given where they help. Names are in `pcomponent.files.unix_names`.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, NamedTuple

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import O_NONBLOCK
from pcomponent.files.anonymous import Change, broken_pipe
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
from pcomponent.files.letters import Letter, drop_files
from pcomponent.files.passing import passed
from pcomponent.files.socket import (
    AF_UNIX,
    DATAGRAM,
    DONTWAIT,
    FIONREAD,
    NOSIGNAL,
    OOB,
    PEEK,
    POLLRDHUP,
    POLLWRBAND,
    RECEIVE_SHUT,
    SEND_SHUT,
    SEQPACKET,
    STREAM,
    TIOCOUTQ,
    WAITALL,
    Identity,
    Received,
    Socket,
)
from pcomponent.waiting import Wait, Wake

if TYPE_CHECKING:
    from pcomponent.process import Thread
    from pcomponent.rendezvous import Inode, Name

DATAGRAMS_MAX = 10
"""net.unix.max_dgram_qlen."""
_INT = struct.Struct("<i")


class Outgoing(NamedTuple):
    """What a message has besides its data."""

    files: list[OpenFile] = []
    target: UnixSocket | None = None
    """Of a datagram that does not go to the peer."""
    who: Identity | None = None
    """Whom the sender says that it is."""


class UnixSocket(Socket):
    """One socket."""

    family = AF_UNIX

    def __init__(self, task: Thread, kind: int, flags: int = 0) -> None:
        super().__init__(task, kind, flags)
        self.keeps_rest = kind == STREAM
        self.address = b""
        """Its name as a struct sockaddr_un, or nothing."""
        self.key: Inode | Name | None = None
        """Where the kernel's table has it under that name."""
        self.pin = 0
        """A storage handle of the node that is its name."""
        self.peer: UnixSocket | None = None
        self.connected = self.listening = self.gone = False
        self.backlog = 0
        self.arrivals: deque[UnixSocket] = deque()
        """Ends of connections that nobody has accepted yet."""
        self.queue: deque[Letter] = deque()
        self.held = 0

    # ---- names and connections -------------------------------------------------------------------------

    @property
    def listens(self) -> bool:
        """SO_ACCEPTCONN."""
        return self.listening

    def bind(self, task: Thread, raw: bytes) -> None:
        """bind(2)."""
        from pcomponent.files import unix_names

        unix_names.bind(task, self, unix_names.check_address(raw))

    def listen(self, task: Thread, backlog: int) -> None:
        """listen(2)."""
        from pcomponent.files import unix_names

        unix_names.listen(task, self, backlog)

    def connect(self, task: Thread, raw: bytes) -> Generator[Wait, Wake, int]:
        """connect(2)."""
        from pcomponent.files import unix_names

        return unix_names.connect(task, self, raw)

    def accept(self, task: Thread) -> Generator[Wait, Wake, UnixSocket]:
        """accept(2)."""
        from pcomponent.files import unix_names

        return unix_names.accept(task, self)

    def name(self) -> bytes:
        """The name; without one, the family alone."""
        return self.address or AF_UNIX.to_bytes(2, "little")

    def peer_name(self) -> bytes:
        """The peer's name. ENOTCONN."""
        if self.peer is None:
            raise LinuxError(E.ENOTCONN)
        return self.peer.name()

    # ---- sending ---------------------------------------------------------------------------------------

    def outgoing(self, task: Thread, length: int, flags: int, address: bytes | None, ancillary: bytes) -> Outgoing:
        """The checks of unix_stream_sendmsg and unix_dgram_sendmsg before they take data."""
        from pcomponent.files.unix_names import check_address, find, name_for_credentials

        files, who = passed(task, ancillary) if ancillary else ([], None)
        if flags & OOB:
            raise LinuxError(E.EOPNOTSUPP)
        target = None
        if self.kind != STREAM:
            name_for_credentials(task, self)
        if address:
            if self.kind == STREAM:
                raise LinuxError(E.EISCONN if self.connected else E.EOPNOTSUPP)
            if self.kind == DATAGRAM:
                target = find(task, check_address(address), DATAGRAM)
        self.check_length(length, target)
        return Outgoing(files, target, who)

    def send_message(self, task: Thread, data: bytes, flags: int, outgoing: Outgoing) -> Generator[Wait, Wake, int]:
        """sendmsg(2)."""
        return self.send(task, data, flags, outgoing.files, outgoing.target, outgoing.who)

    def send(
        self, task: Thread, data: bytes, flags: int = 0, files: list[OpenFile] | None = None,
        target: UnixSocket | None = None, who: Identity | None = None,
    ) -> Generator[Wait, Wake, int]:  # fmt: skip
        """sendmsg(2) to the peer, or a datagram to `target`; returns how many bytes were taken."""
        who = who or Identity.of(task)
        if self.kind == STREAM:
            return (yield from self._send_stream(task, data, flags, files or [], who))
        self.raise_error()
        if self.kind == SEQPACKET and not self.connected:
            raise LinuxError(E.ENOTCONN)
        to = target or self.peer
        if to is None:
            raise LinuxError(E.ENOTCONN)
        yield from self._send_letter(task, data, flags, files or [], to, who)
        return len(data)

    def _send_stream(
        self, task: Thread, data: bytes, flags: int, files: list[OpenFile], who: Identity
    ) -> Generator[Wait, Wake, int]:
        """unix_stream_sendmsg."""
        peer, done = self.peer, 0
        if peer is None:
            raise LinuxError(E.ENOTCONN)
        try:
            while done < len(data):
                if self.shut & SEND_SHUT or peer.gone or peer.shut & RECEIVE_SHUT:
                    raise broken_pipe(task, silent=bool(flags & NOSIGNAL) or done > 0)
                if self.held >= self.send_buffer:
                    yield from self._wait_to_send(task, flags, lambda: self._may_send(peer), self.room)
                    continue
                piece = data[done : done + max(1, self.send_buffer // 2 - 64)]
                peer.deliver(task, Letter(self, piece, files, who, task.process.files.parcels))
                files = []
                done += len(piece)
        except Exception:
            if not done:
                raise
        if not data and (self.shut & SEND_SHUT or peer.gone or peer.shut & RECEIVE_SHUT):
            raise broken_pipe(task, silent=bool(flags & NOSIGNAL))
        return done

    def _may_send(self, peer: UnixSocket) -> bool:
        return bool(self.held < self.send_buffer or self.shut & SEND_SHUT or peer.gone or peer.shut & RECEIVE_SHUT)

    def _send_letter(
        self, task: Thread, data: bytes, flags: int, files: list[OpenFile], to: UnixSocket, who: Identity
    ) -> Generator[Wait, Wake, None]:
        """unix_dgram_sendmsg. EMSGSIZE; ECONNREFUSED; EPERM when the receiver is connected to somebody else."""
        self.check_length(len(data), to)
        while True:
            if self.shut & SEND_SHUT:
                raise broken_pipe(task, silent=bool(flags & NOSIGNAL))
            if to.gone:
                if self.kind == SEQPACKET:
                    raise broken_pipe(task, silent=bool(flags & NOSIGNAL))
                if to is self.peer:
                    self.peer = None
                    self.lose_queue(task)
                raise LinuxError(E.ECONNREFUSED)
            if to.peer not in (None, self):
                raise LinuxError(E.EPERM)
            if to.shut & RECEIVE_SHUT:
                raise broken_pipe(task, silent=bool(flags & NOSIGNAL))
            if self._fits(to):
                break
            first, second = (to.room, self.room) if self.held < self.send_buffer else (self.room, to.room)
            ready = lambda: self._fits(to) or to.gone or to.shut  # noqa: E731
            yield from self._wait_to_send(task, flags, ready, first, (second,))
        to.deliver(task, Letter(self, data, files, who, task.process.files.parcels))

    def check_length(self, length: int, target: UnixSocket | None) -> None:
        """Whether a datagram, for a receiver that there is, is one that can be sent. EMSGSIZE."""
        if self.kind != STREAM and (target or self.peer) and length > self.send_buffer - 32:
            raise LinuxError(E.EMSGSIZE)

    def _fits(self, to: UnixSocket) -> bool:
        full = to.peer is not self and len(to.queue) > DATAGRAMS_MAX
        return self.held < self.send_buffer and not full

    def _wait_to_send(
        self,
        task: Thread,
        flags: int,
        ready: Callable[[], object],
        change: Change,
        also: tuple[Change, ...] = (),
    ) -> Generator[Wait, Wake, None]:
        if self.flags & O_NONBLOCK or flags & DONTWAIT:
            raise LinuxError(E.EAGAIN)
        yield from self.wait(task, ready, change, self.send_timeout_ns, also)

    def deliver(self, task: Thread, letter: Letter) -> None:
        """Puts a letter into the queue."""
        self.queue.append(letter)
        self.came.happened(task)

    # ---- receiving -------------------------------------------------------------------------------------

    def read(self, task: Thread, length: int) -> Blocking:
        """read(2): files that came along are lost."""
        if not length:
            return b""
        got = yield from self.receive(task, length)
        drop_files(task, got.files)
        return got.data

    def unread(self, task: Thread, data: bytes) -> None:
        """Of a stream, what the guest's buffer had no room for can be read again."""
        if self.kind == STREAM and data:
            letter = Letter(self, data, [], Identity())
            letter.received(task)
            self.queue.appendleft(letter)

    def receive(self, task: Thread, length: int, flags: int = 0) -> Generator[Wait, Wake, Received]:
        """recvmsg(2)."""
        if flags & OOB:
            raise LinuxError(E.EINVAL if self.kind == STREAM else E.EOPNOTSUPP)
        if self.kind == STREAM and not self.connected:
            raise LinuxError(E.EINVAL)
        if self.kind == SEQPACKET and not self.connected:
            raise LinuxError(E.ENOTCONN)
        if not (yield from self._wait_for_letter(task, flags)):
            return Received()
        if self.kind != STREAM:
            return self._take_letter(task, length, bool(flags & PEEK))
        got = self._take_stream(task, length, bool(flags & PEEK))
        while flags & WAITALL and not flags & PEEK and len(got.data) < length and not got.files:
            try:
                if not (yield from self._wait_for_letter(task, flags)):
                    break
            except Exception:
                break
            more = self._take_stream(task, length - len(got.data), False)
            data = got.data + more.data
            got = got._replace(data=data, length=len(data), files=more.files)
        return got

    def _wait_for_letter(self, task: Thread, flags: int) -> Generator[Wait, Wake, bool]:
        """Whether there is one; False at the end. EAGAIN; what went wrong with the connection."""
        while not self.queue:
            self.raise_error()
            if self.shut & RECEIVE_SHUT and (self.kind != DATAGRAM or not self.hurried(flags)):
                return False
            if self.hurried(flags):
                raise LinuxError(E.EAGAIN)
            ready = lambda: self.queue or self.error or self.shut & RECEIVE_SHUT  # noqa: E731
            yield from self.wait(task, ready, self.came, self.receive_timeout_ns, ())
        return True

    def _take_letter(self, task: Thread, length: int, peek: bool) -> Received:
        """One datagram, its end lost if it is longer than the buffer."""
        letter = self.queue[0]
        files = self._files_of(letter, peek)
        if not peek:
            self.queue.popleft()
            letter.received(task)
            self.room.happened(task)
        return Received(letter.data[:length], len(letter.data), letter.source, files, letter.who)

    def _take_stream(self, task: Thread, length: int, peek: bool) -> Received:
        """Bytes of all letters that are there, up to one that carries files (unix_stream_read_generic)."""
        pieces: list[bytes] = []
        files: list[OpenFile] = []
        first, left = self.queue[0], length
        for letter in list(self.queue):
            if self.pass_credentials and letter.who != first.who:
                break
            piece = letter.data[letter.start : letter.start + left]
            pieces.append(piece)
            left -= len(piece)
            files = self._files_of(letter, peek)
            if not peek:
                letter.start += len(piece)
                if letter.start == len(letter.data):
                    self.queue.popleft()
                    letter.received(task)
            if files or not left:
                break
        data = b"".join(pieces)
        return Received(data, len(data), first.source, files, first.who)

    def _files_of(self, letter: Letter, peek: bool) -> list[OpenFile]:
        if not peek:
            return letter.arrived()
        for file in letter.files:
            file.references += 1
        return letter.files

    # ---- the connection ----------------------------------------------------------------------------------

    def shut_down(self, task: Thread, how: int) -> None:
        """shutdown(2): `how` is RECEIVE_SHUT | SEND_SHUT. ENOTCONN is not told by this family."""
        self.shut |= how
        self.changed(task)
        peer = self.peer
        if peer is not None and self.kind != DATAGRAM:
            peer.shut |= (SEND_SHUT if how & RECEIVE_SHUT else 0) | (RECEIVE_SHUT if how & SEND_SHUT else 0)
            peer.changed(task)

    def close(self, task: Thread) -> None:
        """unix_release_sock."""
        from pcomponent.files.unix_names import unbind

        self.gone = True
        self.shut = RECEIVE_SHUT | SEND_SHUT
        unbind(task, self)
        peer = self.peer
        if peer is not None and self.kind != DATAGRAM:
            peer.shut = RECEIVE_SHUT | SEND_SHUT
            if self.queue:
                peer.error = E.ECONNRESET
        if peer is not None:
            peer.changed(task)
        self.changed(task)
        self.lose_queue(task)
        for arrival in self.arrivals:
            if arrival.peer is not None:
                arrival.peer.error = E.ECONNRESET
            arrival.close(task)
        self.arrivals.clear()

    def lose_queue(self, task: Thread) -> None:
        """Nobody will receive what has come."""
        for letter in self.queue:
            letter.received(task)
            drop_files(task, letter.arrived())
        self.queue.clear()
        self.room.happened(task)

    # ---- what else -----------------------------------------------------------------------------------------

    def changes(self, task: Thread) -> list[Change]:
        """Its own, and for datagrams the room that the peer has."""
        own = super().changes(task)
        return [*own, self.peer.room] if self.kind == DATAGRAM and self.peer is not None else own

    def poll(self, task: Thread, events: int, wait_ms: int = 0) -> int:
        """POLL* bits that hold now (unix_poll, unix_dgram_poll)."""
        found = POLLERR if self.error else 0
        if self.shut == RECEIVE_SHUT | SEND_SHUT:
            found |= POLLHUP
        if self.shut & RECEIVE_SHUT:
            found |= POLLRDHUP | POLLIN | POLLRDNORM
        if self.queue or self.arrivals:
            found |= POLLIN | POLLRDNORM
        if self.kind != DATAGRAM and not self.connected and not self.listening:
            found |= POLLHUP
        if not self.listening and self.held * 4 <= self.send_buffer and self._peer_takes():
            found |= POLLOUT | POLLWRNORM | POLLWRBAND
        return found

    def _peer_takes(self) -> bool:
        peer = self.peer
        return self.kind != DATAGRAM or peer is None or peer.peer is self or len(peer.queue) <= DATAGRAMS_MAX

    def ioctl(self, task: Thread, request: int, argument: int) -> int:
        """FIONREAD: bytes of a stream, or of the next datagram. TIOCOUTQ: bytes that the others have not read."""
        if request == FIONREAD:
            if self.listening:
                raise LinuxError(E.EINVAL)
            lengths = [len(letter.data) - letter.start for letter in self.queue]
            value = sum(lengths if self.kind != DATAGRAM else lengths[:1])
        elif request == TIOCOUTQ:
            value = self.held
        else:
            return super().ioctl(task, request, argument)
        task.memory.write_struct(_INT, argument, value)
        return 0
