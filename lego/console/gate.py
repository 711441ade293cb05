"""The gate: published ports of the host, served where the front end runs. Nothing else of its network is reached.

Every published port is a socket that is bound from the beginning, so that nobody else gets the port, but listens only
while a guest program does: whoever calls before that is refused by the host itself. The gate has no thread and no
buffers of its own: what has come stays in the host's sockets until a processor gathers it, and what a guest sends goes
to the host's socket at once or not at all, so a side that is slow slows the other one down.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import struct
import threading
import time
from collections.abc import Sequence

import msgspec

from lego.config import ConfigError, Publication
from lego.console.messages import (
    GATE,
    GATE_DOOR,
    CloseGate,
    CountReply,
    Drop,
    Finish,
    Gather,
    GatherReply,
    News,
    OpenGate,
    Transmit,
)
from lego.fabric.wire import Buffer, Done, Request
from lego.linux.errno import E, LinuxError

PIECE_BYTES = 1 << 18
"""What is read from one connection at a time."""
BACKLOG_MIN = 8
_AT_ONCE = struct.pack("ii", 1, 0)
"""SO_LINGER: close with a reset."""
_READABLE = select.POLLIN | select.POLLHUP | select.POLLERR


class _Connection:
    """One connection of the host's."""

    def __init__(self, taken: socket.socket) -> None:
        self.socket = taken
        self.ended = False
        """Its end, or an error, was told."""


class GateMonitor:
    """Serves `lego.console.messages.GATE_DOOR`. Raises `ConfigError` when a port cannot be had."""

    door = GATE_DOOR

    def __init__(self, publications: Sequence[Publication], name: str = GATE) -> None:
        self.name = name
        self._lock = threading.Lock()
        self._listeners: list[socket.socket] = []
        self._open: set[int] = set()
        """Which of them listen."""
        self._connections: dict[int, _Connection] = {}
        self._last = 0
        try:
            for each in publications:
                self._listeners.append(_bound(each))
        except ConfigError:
            self.close()
            raise

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Where each published port is on the host: address and port, in the order of the configuration."""
        return [each.getsockname() for each in self._listeners]

    def close(self) -> None:
        """Ends all connections, after what is on its way to the clients, and gives the ports back."""
        with self._lock:
            for each in self._connections.values():
                each.socket.close()
            for listener in self._listeners:
                listener.close()
            self._connections.clear()
            self._listeners.clear()
            self._open.clear()

    def handle(self, sender: str, request: Request, payload: Buffer) -> tuple[msgspec.Struct, Buffer]:
        """Serves one request; errors of the host become the guest's."""
        try:
            with self._lock:
                if isinstance(request, Gather):
                    return self._gather(request)
                if isinstance(request, Transmit):
                    return self._transmit(request, payload), b""
                if isinstance(request, OpenGate):
                    return self._listen(request), b""
                if isinstance(request, CloseGate):
                    return self._stop(request), b""
                if isinstance(request, Finish):
                    self._connection(request.connection).socket.shutdown(socket.SHUT_WR)
                    return Done(), b""
                if isinstance(request, Drop):
                    return self._drop(request), b""
        except OSError as error:
            raise LinuxError(error.errno or E.EIO) from error
        raise TypeError(f"the gate serves no {type(request).__name__}")

    # ---- ports ---------------------------------------------------------------------------------------

    def _listener(self, publication: int) -> socket.socket:
        if not 0 <= publication < len(self._listeners):
            raise LinuxError(E.EBADF)
        return self._listeners[publication]

    def _listen(self, request: OpenGate) -> Done:
        _start_listening(self._listener(request.publication), max(BACKLOG_MIN, request.backlog))
        self._open.add(request.publication)
        return Done()

    def _stop(self, request: CloseGate) -> Done:
        """Not to listen, but to keep the port: shutdown(2) does that to a listening socket. Who waits is reset."""
        if request.publication in self._open:
            self._open.discard(request.publication)
            _stop_listening(self._listener(request.publication))
        return Done()

    def _accept(self, publication: int, most: int) -> list[News]:
        found: list[News] = []
        while len(found) < most:
            try:
                taken, (_, port) = self._listeners[publication].accept()
            except OSError as error:
                if error.errno in (errno.EAGAIN, errno.EINTR, errno.ECONNABORTED):
                    break
                time.sleep(0.01)  # No descriptors: the client waits in the host's queue, and this is not asked in vain.
                break
            taken.setblocking(False)
            taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._last += 1
            self._connections[self._last] = _Connection(taken)
            found.append(News(self._last, publication=publication, port=port))
        return found

    # ---- connections ---------------------------------------------------------------------------------

    def _connection(self, number: int) -> _Connection:
        connection = self._connections.get(number)
        if connection is None:
            raise LinuxError(E.ENOTCONN)
        return connection

    def _transmit(self, request: Transmit, payload: Buffer) -> CountReply:
        try:
            return CountReply(self._connection(request.connection).socket.send(payload, socket.MSG_NOSIGNAL))
        except BlockingIOError:
            return CountReply(0, again=True)

    def _drop(self, request: Drop) -> Done:
        connection = self._connections.pop(request.connection, None)
        if connection is not None:
            if request.reset:
                connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
            connection.socket.close()
        return Done()

    # ---- news ----------------------------------------------------------------------------------------

    def _gather(self, request: Gather) -> tuple[GatherReply, bytes]:
        poller = select.poll()
        whose: dict[int, tuple[str, int, int]] = {}
        for publication, most in request.welcome:
            if publication in self._open and most > 0:
                number = self._listeners[publication].fileno()
                whose[number] = ("listener", publication, most)
                poller.register(number, select.POLLIN)
        stuck = set(request.stuck)
        for key, credit in request.credits:
            connection = self._connections.get(key)
            if connection is None:
                continue
            events = (select.POLLIN if credit > 0 and not connection.ended else 0) | (
                select.POLLOUT if key in stuck else 0
            )
            if events:
                whose[connection.socket.fileno()] = ("connection", key, credit)
                poller.register(connection.socket.fileno(), events)
        news: list[News] = []
        pieces: list[bytes] = []
        for number, events in poller.poll(request.wait_ms) if whose else self._nothing(request.wait_ms):
            kind, key, limit = whose[number]
            if kind == "listener":
                news += self._accept(key, limit)
            else:
                each = self._look(key, limit, events, pieces)
                news += [each] if each is not None else []
        return GatherReply(news), b"".join(pieces)

    @staticmethod
    def _nothing(wait_ms: int) -> list[tuple[int, int]]:
        time.sleep(wait_ms / 1000)
        return []

    def _look(self, key: int, credit: int, events: int, pieces: list[bytes]) -> News | None:
        """What one connection has: data, its end, an error, room for more."""
        connection = self._connections[key]
        room = bool(events & select.POLLOUT)
        if credit <= 0 or connection.ended or not events & _READABLE:
            return News(key, room=True) if room else None
        try:
            data = connection.socket.recv(min(credit, PIECE_BYTES))
        except BlockingIOError:
            return News(key, room=True) if room else None
        except OSError as error:
            connection.ended = True
            return News(key, error=error.errno or E.ECONNRESET, ended=True)
        if not data:
            connection.ended = True
            return News(key, ended=True, room=room)
        pieces.append(data)
        return News(key, length=len(data), room=room)


def _bound(each: Publication) -> socket.socket:
    """A socket on a published port; it does not listen yet. Having listened once makes the port its own: Linux lets
    another socket with SO_REUSEADDR, as the next machine's, be bound to the port of one that never did."""
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.setblocking(False)
        made.bind((each.host, each.host_port or _free_port(each.host)))
        _start_listening(made, 1)
        _stop_listening(made)
    except OSError as error:
        made.close()
        reason = os.strerror(error.errno or E.EIO)
        raise ConfigError("publish", f"{each.host}:{each.host_port}: {reason} on this host") from error
    return made


def _start_listening(listener: socket.socket, backlog: int) -> None:
    """With SO_REUSEADDR, since connections that have ended keep the port for a minute."""
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.listen(backlog)


def _stop_listening(listener: socket.socket) -> None:
    """Without it, nobody else can be bound to the port meanwhile."""
    listener.shutdown(socket.SHUT_RDWR)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)


def _free_port(host: str) -> int:
    """A port that is nobody's now. A socket that chose its port itself would lose it when it stops listening."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port
