"""Names of AF_UNIX sockets, and connections by name.

A name is a path, whose node the storage component keeps and this kernel finds by its inode; or an abstract name,
a leading zero byte and any bytes, which belongs to the vNode. Source: net/unix/af_unix.c, unix(7).
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import AT_FDCWD, O_NOFOLLOW, O_NONBLOCK, O_PATH, W_OK
from lego.linux.stat import S_IFSOCK
from pcomponent.files.socket import AF_UNIX, DATAGRAM, RECEIVE_SHUT, Identity
from pcomponent.files.storage import ask_storage
from pcomponent.files.unix_socket import UnixSocket
from pcomponent.paths import permits, place
from pcomponent.waiting import Wait, Wake
from scomponent.messages import Close, Elsewhere, MakeNode, Open, OpenReply

if TYPE_CHECKING:
    from pcomponent.process import Thread

_FAMILY = AF_UNIX.to_bytes(2, "little")
_ADDRESS_MAX = 110


def check_address(raw: bytes) -> bytes:
    """A struct sockaddr_un, without what comes after a path's end; the family alone asks for a name to be chosen.
    EINVAL."""
    if not 2 <= len(raw) <= _ADDRESS_MAX or raw[:2] != _FAMILY:
        raise LinuxError(E.EINVAL)
    if len(raw) > 2 and raw[2]:
        return _FAMILY + raw[2:].split(b"\0", 1)[0] + b"\0"
    return raw


def _path(address: bytes) -> str | None:
    """The path of an address, or None for an abstract name."""
    return address[2:-1].decode(errors="surrogateescape") if address[2] else None


# ---- bind ------------------------------------------------------------------------------------------------


def bind(task: Thread, socket: UnixSocket, address: bytes) -> None:
    """bind(2). EINVAL when it has a name; EADDRINUSE."""
    if socket.address:
        if len(address) == 2:
            return  # unix_autobind: it has a name.
        raise LinuxError(E.EINVAL)
    sockets = task.kernel.rendezvous.sockets
    if len(address) == 2:
        address = _choose(task, socket.kind)
    path = _path(address)
    if path is None:
        socket.key = (task.process.vnode, socket.kind, address[3:])
        if socket.key in sockets:
            socket.key = None
            raise LinuxError(E.EADDRINUSE)
    else:
        reply = _make_node(task, path)
        socket.key, socket.pin = (task.process.storage, reply.stat.dev, reply.stat.ino), reply.handle
    socket.address = address
    sockets[socket.key] = socket


def _choose(task: Thread, kind: int) -> bytes:
    """unix_autobind: an abstract name of five hexadecimal digits that nobody has."""
    rendezvous = task.kernel.rendezvous
    while True:
        name = b"%05x" % (rendezvous.new_inode() & 0xFFFFF)
        if (task.process.vnode, kind, name) not in rendezvous.sockets:
            return _FAMILY + b"\0" + name


def _make_node(task: Thread, path: str) -> OpenReply:
    """The node, pinned, so that its inode number is not given to another while the socket has it."""
    where, vnode = place(task, AT_FDCWD, path), task.process.vnode
    mode = S_IFSOCK | 0o777 & ~task.process.umask
    try:
        made = ask_storage(task, MakeNode(vnode, where.handle, where.path, mode))
    except LinuxError as error:
        raise LinuxError(E.EADDRINUSE if error.errno == E.EEXIST else error.errno, error.detail) from error
    if isinstance(made, Elsewhere):
        raise LinuxError(E.EPERM)
    reply = ask_storage(task, Open(vnode, where.handle, where.path, O_PATH | O_NOFOLLOW))
    assert isinstance(reply, OpenReply)
    return reply


def unbind(task: Thread, socket: UnixSocket) -> None:
    """The socket is gone: its name finds nobody any more. A path stays, as on Linux."""
    if socket.key is not None:
        task.kernel.rendezvous.sockets.pop(socket.key, None)
    if socket.pin:
        ask_storage(task, Close([socket.pin]))


def find(task: Thread, address: bytes, kind: int) -> UnixSocket:
    """Who has a name (unix_find_other). ECONNREFUSED when nobody has it; EPROTOTYPE when a
    path is another type's (abstract names of different types are different names)."""
    if len(address) == 2:
        raise LinuxError(E.ECONNREFUSED)
    path, sockets = _path(address), task.kernel.rendezvous.sockets
    if path is None:
        found = sockets.get((task.process.vnode, kind, address[3:]))
    else:
        where, vnode = place(task, AT_FDCWD, path), task.process.vnode
        reply = ask_storage(task, Open(vnode, where.handle, where.path, O_PATH))
        if not isinstance(reply, OpenReply):
            raise LinuxError(E.ECONNREFUSED)
        ask_storage(task, Close([reply.handle]))
        if not permits(task, reply.stat, W_OK):
            raise LinuxError(E.EACCES)
        found = sockets.get((task.process.storage, reply.stat.dev, reply.stat.ino))
    if found is None:
        raise LinuxError(E.ECONNREFUSED)
    if found.kind != kind:
        raise LinuxError(E.EPROTOTYPE)
    return found


# ---- connect, accept ---------------------------------------------------------------------------------------


def connect(task: Thread, socket: UnixSocket, raw: bytes) -> Generator[Wait, Wake, int]:
    """connect(2)."""
    if socket.kind == DATAGRAM:
        if raw[:2] == b"\0\0" and len(raw) >= 2:  # AF_UNSPEC dissolves the association.
            before, socket.peer, socket.connected = socket.peer, None, False
            _parted(task, socket, before)
            return 0
        address = check_address(raw)
        name_for_credentials(task, socket)
        other = find(task, address, DATAGRAM)
        if other.peer not in (None, socket):
            raise LinuxError(E.EPERM)
        before, socket.peer, socket.connected = socket.peer, other, True
        if other is not before:
            _parted(task, socket, before)
        socket.room.stir()  # It takes more of whoever it is connected to now.
        return 0
    address = check_address(raw)
    name_for_credentials(task, socket)
    while True:
        listener = find(task, address, socket.kind)
        if not listener.listening or listener.shut & RECEIVE_SHUT:
            raise LinuxError(E.ECONNREFUSED)
        if len(listener.arrivals) <= listener.backlog:
            break
        if socket.flags & O_NONBLOCK:
            raise LinuxError(E.EAGAIN)
        yield from socket.wait(task, _accepting(listener), listener.room, socket.send_timeout_ns)
    if socket.listening:
        raise LinuxError(E.EINVAL)
    if socket.connected:
        raise LinuxError(E.EISCONN)
    _join(task, socket, listener)
    return 0


def name_for_credentials(task: Thread, socket: UnixSocket) -> None:
    """Who wants to know senders (SO_PASSCRED) gets a name when it connects or sends (unix_autobind)."""
    if socket.pass_credentials and not socket.address:
        bind(task, socket, _FAMILY)


def _parted(task: Thread, socket: UnixSocket, peer: UnixSocket | None) -> None:
    """unix_dgram_disconnected: what came from the old peer, or anybody else, is lost, and the old peer told."""
    if peer is not None and socket.queue:
        socket.lose_queue(task)
        if peer.peer is socket and not peer.gone:
            peer.error = E.ECONNRESET
            peer.changed(task)


def _accepting(listener: UnixSocket) -> Callable[[], bool]:
    """Whether a listener takes one more connection, or none any more."""
    return lambda: len(listener.arrivals) <= listener.backlog or listener.gone


def _join(task: Thread, socket: UnixSocket, listener: UnixSocket) -> None:
    end = UnixSocket(task, socket.kind)
    end.address = listener.address
    end.peer, end.connected, end.peer_identity = socket, True, Identity.of(task)
    end.pass_credentials = listener.pass_credentials
    socket.peer, socket.connected, socket.peer_identity = end, True, listener.peer_identity
    listener.arrivals.append(end)
    listener.came.happened(task)
    socket.changed(task)


def accept(task: Thread, listener: UnixSocket) -> Generator[Wait, Wake, UnixSocket]:
    """accept(2): the next connection's end. EOPNOTSUPP; EINVAL when it does not listen; EAGAIN."""
    if listener.kind == DATAGRAM:
        raise LinuxError(E.EOPNOTSUPP)
    if not listener.listening:
        raise LinuxError(E.EINVAL)
    while not listener.arrivals:
        if listener.shut & RECEIVE_SHUT:
            raise LinuxError(E.EINVAL)
        if listener.flags & O_NONBLOCK:
            raise LinuxError(E.EAGAIN)
        yield from listener.wait(
            task,
            lambda: listener.arrivals or listener.shut & RECEIVE_SHUT,
            listener.came,
            listener.receive_timeout_ns,
        )
    listener.room.happened(task)
    return listener.arrivals.popleft()


def listen(task: Thread, socket: UnixSocket, backlog: int) -> None:
    """listen(2). EOPNOTSUPP; EINVAL for one without a name, or connected."""
    if socket.kind == DATAGRAM:
        raise LinuxError(E.EOPNOTSUPP)
    if not socket.address or socket.connected:
        raise LinuxError(E.EINVAL)
    socket.listening = True
    socket.backlog = min(backlog & 0xFFFFFFFF, 4096)
    socket.peer_identity = Identity.of(task)
    socket.room.happened(task)


def connect_pair(task: Thread, kind: int, flags: int) -> tuple[UnixSocket, UnixSocket]:
    """socketpair(2)."""
    one, other = UnixSocket(task, kind, flags), UnixSocket(task, kind, flags)
    for end, peer in ((one, other), (other, one)):
        end.peer, end.connected, end.peer_identity = peer, True, Identity.of(task)
    return one, other
