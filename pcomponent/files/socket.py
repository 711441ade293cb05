"""What sockets of all families have in common: their state, how they wait, and what a family has to say.

A family is a subclass of `Socket`; system calls know only what is here. Sources: net/socket.c, net/core/sock.c.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, NamedTuple

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import O_NONBLOCK, O_RDWR
from lego.linux.signal import POLL_HUP, POLL_IN
from lego.linux.stat import S_IFSOCK
from pcomponent.files.anonymous import SOCKFS_MAGIC, AnonymousFile, Change, wait_until
from pcomponent.files.base import POLLIN, POLLOUT, POLLPRI, POLLRDNORM, POLLWRNORM, Blocking, OpenFile
from pcomponent.files.inet.interfaces import control
from pcomponent.files.owner import get_owner, set_owner
from pcomponent.waiting import Wait, Wake

if TYPE_CHECKING:
    from pcomponent.process import Thread

AF_UNSPEC, AF_UNIX, AF_INET, AF_NETLINK = 0, 1, 2, 16
STREAM, DATAGRAM, RAW, SEQPACKET = 1, 2, 3, 5
OOB, PEEK, CTRUNC, TRUNC, DONTWAIT, WAITALL, ERRQUEUE, NOSIGNAL, MORE = (
    0x1, 0x2, 0x8, 0x20, 0x40, 0x100, 0x2000, 0x4000, 0x8000,
)  # fmt: skip
RECEIVE_SHUT, SEND_SHUT = 1, 2
BUFFER_BYTES = 212992
"""net.core.wmem_default and rmem_default, and their maxima."""
LETTER_OVERHEAD = 768
"""What a datagram costs a buffer besides its data, as the headers of a small sk_buff do."""
FIONREAD, TIOCOUTQ, SIOCINQ = 0x541B, 0x5411, 0x541B
POLLRDHUP, POLLWRBAND = 0x2000, 0x200
FIOSETOWN, SIOCSPGRP, FIOGETOWN, SIOCGPGRP = 0x8901, 0x8902, 0x8903, 0x8904
_INT = struct.Struct("<i")


class Identity(NamedTuple):
    """struct ucred."""

    pid: int = 0
    uid: int = -1
    gid: int = -1

    @classmethod
    def of(cls, task: Thread) -> Identity:
        """Who is calling."""
        who = task.credentials
        return cls(task.process.pid, who.euid, who.egid)


class Received(NamedTuple):
    """What a receiver gets. Each of `files` has a reference that now belongs to the caller."""

    data: bytes = b""
    length: int = 0
    """Of the whole datagram."""
    source: bytes = b""
    files: list[OpenFile] = []
    who: Identity = Identity()
    control: tuple[tuple[int, int, bytes], ...] = ()
    """Other ancillary data: level, type, contents."""
    flags: int = 0
    """MSG_* bits that recvmsg shows besides those for what was cut."""


class Socket(AnonymousFile):
    """One socket."""

    family = AF_UNSPEC
    hurries = True
    keeps_rest = False
    """Whether what a receiver leaves can be read by the next (a stream)."""

    def __init__(self, task: Thread, kind: int, flags: int = 0, protocol: int = 0) -> None:
        super().__init__(task, O_RDWR | flags & O_NONBLOCK, "socket", S_IFSOCK | 0o777, SOCKFS_MAGIC)
        self.kind = kind
        self.protocol = protocol
        self.shut = 0
        self.error = 0
        self.came, self.room, self.altered = Change(), Change(), Change()
        """Something to receive; room to send; a change of the connection, which is the others too."""
        self.send_buffer = self.receive_buffer = BUFFER_BYTES
        self.receive_timeout_ns: int | None = None
        self.send_timeout_ns: int | None = None
        self.pass_credentials = False
        self.peer_identity = Identity()
        self.options: dict[int, bytes] = {}
        """Options of SOL_SOCKET that are not attributes, as getsockopt(2) gives them."""

    # ---- what a family defines -------------------------------------------------------------------------

    @property
    def listens(self) -> bool:
        """SO_ACCEPTCONN."""
        return False

    def bind(self, task: Thread, raw: bytes) -> None:
        """bind(2) to the address as the guest has it."""
        raise LinuxError(E.EOPNOTSUPP)

    def listen(self, task: Thread, backlog: int) -> None:
        """listen(2)."""
        raise LinuxError(E.EOPNOTSUPP)

    def connect(self, task: Thread, raw: bytes) -> Generator[Wait, Wake, int]:
        """connect(2)."""
        raise LinuxError(E.EOPNOTSUPP)
        yield

    def accept(self, task: Thread) -> Generator[Wait, Wake, Socket]:
        """accept(2): the next connection's end."""
        raise LinuxError(E.EOPNOTSUPP)
        yield

    def name(self) -> bytes:
        """getsockname(2)."""
        raise LinuxError(E.EOPNOTSUPP)

    def peer_name(self) -> bytes:
        """getpeername(2). ENOTCONN."""
        raise LinuxError(E.ENOTCONN)

    def accepted_from(self) -> bytes:
        """What accept(2) says of the other end, which may have gone already."""
        return self.peer_name()

    def shut_down(self, task: Thread, how: int) -> None:
        """shutdown(2): `how` is RECEIVE_SHUT | SEND_SHUT."""
        raise LinuxError(E.EOPNOTSUPP)

    def outgoing(self, task: Thread, length: int, flags: int, address: bytes | None, ancillary: bytes) -> Any:
        """Checks what sendmsg(2) was given before its data are read; what comes back goes to `send_message`."""
        raise LinuxError(E.EOPNOTSUPP)

    def send_message(self, task: Thread, data: bytes, flags: int, outgoing: Any) -> Generator[Wait, Wake, int]:
        """sendmsg(2), checked; returns how many bytes were taken."""
        raise LinuxError(E.EOPNOTSUPP)
        yield

    def receive(self, task: Thread, length: int, flags: int = 0) -> Generator[Wait, Wake, Received]:
        """recvmsg(2)."""
        raise LinuxError(E.EOPNOTSUPP)
        yield

    def get_option(self, task: Thread, level: int, name: int, room: int) -> bytes:
        """getsockopt(2) of a level other than SOL_SOCKET."""
        raise LinuxError(E.EOPNOTSUPP)

    def set_option(self, task: Thread, level: int, name: int, value: bytes) -> None:
        """setsockopt(2) of a level other than SOL_SOCKET."""
        raise LinuxError(E.EOPNOTSUPP)

    def write(self, task: Thread, data: bytes) -> Blocking:
        """write(2)."""
        return (yield from self.send_message(task, data, 0, self.outgoing(task, len(data), 0, None, b"")))

    # ---- what they share -------------------------------------------------------------------------------

    def wait(
        self,
        task: Thread,
        ready: Callable[[], object],
        change: Change,
        timeout_ns: int | None,
        also: tuple[Change, ...] = (),
    ) -> Generator[Wait, Wake, None]:
        """Waits at most for a timeout of the socket's. EAGAIN when it passed. sock_intr_errno: with a timeout, a call
        that a signal ended is not made again."""
        until_ns = None if timeout_ns is None else task.kernel.monotonic_ns(task) + timeout_ns
        if not (yield from wait_until(task, ready, change, until_ns, timeout_ns is None, None, also)):
            raise LinuxError(E.EAGAIN)

    def hurried(self, flags: int) -> bool:
        """Whether a call is not to wait."""
        return bool(self.flags & O_NONBLOCK or flags & DONTWAIT)

    def raise_error(self) -> None:
        """sock_error: what went wrong since the last call, told once."""
        if self.error:
            raise LinuxError(self.take_error())

    def take_error(self) -> int:
        """SO_ERROR, which clears it."""
        error, self.error = self.error, 0
        return error

    def changed(self, task: Thread) -> None:
        """The connection is not what it was: everybody who waits has to look."""
        for change in (self.came, self.room, self.altered):
            change.happened(task)

    def resized(self) -> None:
        """Its buffers, or what it waits for, have another size (sk_write_space, tcp_set_rcvlowat)."""
        self.came.stir()
        self.room.stir()

    def changes(self, task: Thread) -> list[Change]:
        """Its own."""
        return [self.came, self.room, self.altered]

    def lasting_changes(self, task: Thread) -> list[Change] | None:
        """The same, but between datagram sockets with names, where the peer can be another one."""
        return None if (self.family, self.kind) == (AF_UNIX, DATAGRAM) else self.changes(task)

    def serial(self, events: int) -> int:
        """The last event on the sides that are asked for."""
        came = self.came.serial if events & (POLLIN | POLLRDNORM | POLLRDHUP | POLLPRI) else 0
        room = self.room.serial if events & (POLLOUT | POLLWRNORM) else 0
        return max(came, room, self.altered.serial)

    def told(self, task: Thread) -> list[Change]:
        """What came, which is also what became of the connection (sock_fasync)."""
        return [self.came]

    def band(self, change: Change) -> int:
        """POLL_HUP when both directions have ended, else POLL_IN."""
        return POLL_HUP if self.shut == RECEIVE_SHUT | SEND_SHUT else POLL_IN

    def ioctl(self, task: Thread, request: int, argument: int) -> int:
        """Whose signals it sends, and questions about the machine's network interfaces (sock_ioctl)."""
        if request in (FIOSETOWN, SIOCSPGRP):
            set_owner(task, self, task.memory.read_struct(_INT, argument)[0])
            return 0
        if request in (FIOGETOWN, SIOCGPGRP):
            task.memory.write_struct(_INT, argument, get_owner(self))
            return 0
        return control(task, request, argument, self.family == AF_INET)
