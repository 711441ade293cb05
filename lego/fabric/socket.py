"""The transport between processes: TCP connections that the components open to each other.

    server = SocketServer(monitor, key, "127.0.0.1")            # A thread serves each connection.
    transport = SocketTransport(key, {"M0": server.address})    # Give it to an `Endpoint`.

Both ends prove that they hold the machine's 32-byte key before anything else is read. All messages of this
exchange have a fixed size, and it must be over within five seconds:

    server -> client   magic, server nonce
    client -> server   client nonce, HMAC-SHA256(key, "client", magic, nonces, both names), client's name
    server -> client   HMAC-SHA256(key, "server", nonces)

Then requests and replies alternate, one at a time. A frame is a header of 16 bytes (flags and length of the body,
length of the payload, and the virtual time: when a request was sent, how long serving took in a reply), the body,
and the payload.

A connection belongs to one calling thread. After a timeout, or anything else that leaves a reply outstanding, it
is given up, so that a late reply can never be taken for that of another request. A request that may have
been served is never sent again.

Latency. When cores are idle a blocked thread takes long to wake: on a virtual machine with two cores a 4 KiB fetch
takes 57 us when both ends block at once, and 12 us when they first look again and again, for `SPIN_NS` after each
message (about the time between two misses of a busy program). When the cores are busy it is the other way round:
who spins keeps others waiting and is made to wait for it. So looking in vain is followed by a rest.
"""

from __future__ import annotations

import contextlib
import hmac
import logging
import os
import socket
import struct
import threading
import time
import weakref
from collections.abc import Iterator
from typing import NamedTuple

from lego.fabric.endpoint import Answer, Monitor, serve
from lego.fabric.errors import FabricError, PeerDown, PeerFailed, PeerTimeout
from lego.fabric.wire import HEADER_BYTES, Buffer, Failure, encode
from lego.observe.clock import current

log = logging.getLogger("lego.fabric")

KEY_BYTES = 32
HANDSHAKE_S = 5.0
FRAME_S = 30.0
"""A frame that has begun must be complete within this time; LegoOS's default for a call."""
LENGTH_MAX = 64 << 20
"""Bytes of a body, and of a payload."""
CONNECTIONS_MAX = 1024
"""Of one server."""
BUFFER_BYTES = 128 << 10
"""Frames that fit are received without allocating; larger ones get a buffer of their own."""
SPIN_NS = 100_000 if len(os.sched_getaffinity(0)) > 1 else 0
PREEMPTED_NS = 200_000
"""Looking that took this long was interrupted by somebody who needs the core, and was in vain too."""
REST_MIN_NS, REST_MAX_NS = 1_000_000, 64_000_000
"""Who has looked in vain sleeps for messages for a while: on a busy host that is faster for all."""

_KEEPALIVE = ((socket.TCP_KEEPIDLE, 15), (socket.TCP_KEEPINTVL, 5), (socket.TCP_KEEPCNT, 3))
"""A host that went away without a word is noticed after half a minute, not after two hours (tcp(7))."""

_MAGIC = b"lego/1\r\n"
_NONCE_BYTES = 32
_NAME_BYTES = 32
_MAC_BYTES = 32
_HEADER = struct.Struct("<IIQ")
_FAILED = 1 << 31
_TIMEVAL = struct.Struct("@ll")

assert _HEADER.size == HEADER_BYTES


class _Refused(Exception):
    """The other end is not who it should be, or sends what it must not."""


class _Frame(NamedTuple):
    """A request or reply as received: views that are valid until the next one."""

    failed: bool
    body: memoryview
    payload: memoryview
    clock_ns: int
    """Of a request: the virtual time at which it was sent; of a reply: how long serving it took."""


class _Channel:
    """One connection, after the handshake: sends and receives whole frames."""

    def __init__(self, connection: socket.socket, address: str = "") -> None:
        self.address = address
        """Of the server, as the client was told it."""
        self._socket = connection
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in _KEEPALIVE:
            connection.setsockopt(socket.IPPROTO_TCP, option, value)
        connection.settimeout(None)  # Time limits are the kernel's, SO_RCVTIMEO: no poll before each transfer.
        self._buffer = memoryview(bytearray(BUFFER_BYTES))
        self._receive_s = 0.0
        self._spin_again_ns = 0
        self._rest_ns = REST_MIN_NS
        self._limit(socket.SO_SNDTIMEO, FRAME_S)

    def _limit(self, option: int, seconds: float) -> None:
        whole = int(seconds)
        self._socket.setsockopt(socket.SOL_SOCKET, option, _TIMEVAL.pack(whole, int((seconds - whole) * 1e6)))

    def _limit_receive(self, seconds: float) -> None:
        if seconds != self._receive_s:
            self._limit(socket.SO_RCVTIMEO, seconds)
            self._receive_s = seconds

    def send(self, body: Buffer, payload: Buffer, failed: bool = False, clock_ns: int = 0) -> None:
        """Sends a frame; raises OSError, BlockingIOError when the peer does not take it in time."""
        flags = _FAILED if failed else 0
        header = _HEADER.pack(len(body) | flags, len(payload), clock_ns)
        sent = self._socket.sendmsg((header, body, payload))
        total = HEADER_BYTES + len(body) + len(payload)
        if sent == total:
            return
        rest = memoryview(b"".join((header, body, payload)))
        while sent < total:
            sent += self._socket.send(rest[sent:])

    def receive(self, timeout_s: float, spin_ns: int) -> _Frame | None:
        """The next frame, None at the end of the connection. `timeout_s` 0: wait for its beginning for ever.

        Raises OSError; BlockingIOError when time is up; `_Refused` when the lengths are beyond reason.
        """
        buffer = self._buffer
        self._limit_receive(timeout_s)
        got = self._first(buffer, spin_ns)
        if got == 0:
            return None
        deadline = time.monotonic() + (timeout_s or FRAME_S)
        if got < HEADER_BYTES:
            got = self._more(buffer, got, HEADER_BYTES, deadline)
        first, payload_length, clock_ns = _HEADER.unpack_from(buffer)
        body_length = first & ~_FAILED
        if body_length > LENGTH_MAX or payload_length > LENGTH_MAX:
            raise _Refused(f"a frame of {body_length} and {payload_length} bytes")
        middle = HEADER_BYTES + body_length
        total = middle + payload_length
        if total > len(buffer):
            whole = memoryview(bytearray(total))
            whole[:got] = buffer[:got]
            buffer = whole
        if got < total:
            got = self._more(buffer, got, total, deadline)
        if got > total:
            raise _Refused("bytes beyond the end of a frame")
        return _Frame(bool(first & _FAILED), buffer[HEADER_BYTES:middle], buffer[middle:total], clock_ns)

    def _first(self, buffer: memoryview, spin_ns: int) -> int:
        """Whatever comes first: looks again and again for a while, then sleeps."""
        receive, clock = self._socket.recv_into, time.perf_counter_ns
        began = now = clock()
        if spin_ns and now >= self._spin_again_ns:
            while now - began < spin_ns:
                try:
                    got = receive(buffer, 0, socket.MSG_DONTWAIT)
                except BlockingIOError:
                    now = clock()
                    continue
                if clock() - began < PREEMPTED_NS:
                    self._rest_ns = REST_MIN_NS
                    return got
                self._rest(clock())
                return got
            self._rest(now)
        return receive(buffer)

    def _rest(self, now_ns: int) -> None:
        """Looking was in vain: the next messages are slept for, longer each time that it is in vain again."""
        self._spin_again_ns = now_ns + self._rest_ns
        self._rest_ns = min(2 * self._rest_ns, REST_MAX_NS)

    def _more(self, buffer: memoryview, got: int, total: int, deadline: float) -> int:
        """Receives until at least `total` bytes are there."""
        while got < total:
            left = deadline - time.monotonic()
            if left <= 0:
                raise BlockingIOError
            self._limit_receive(left)
            count = self._socket.recv_into(buffer[got:])
            if count == 0:
                raise ConnectionResetError
            got += count
        return got

    def close(self) -> None:
        """Ends the connection; a thread that waits in it is woken."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def __del__(self) -> None:
        self._socket.close()


# ---- the handshake -------------------------------------------------------------------------------------


def _mac(key: bytes, *parts: bytes) -> bytes:
    return hmac.digest(key, b"".join(len(part).to_bytes(2, "little") + part for part in parts), "sha256")


def _read_exactly(connection: socket.socket, count: int, deadline: float) -> bytes:
    data = b""
    while len(data) < count:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        connection.settimeout(left)
        piece = connection.recv(count - len(data))
        if not piece:
            raise _Refused("it ended the connection during the handshake")
        data += piece
    return data


def _greet_client(connection: socket.socket, key: bytes, name: str) -> str:
    """The server's side of the handshake; returns the caller's name."""
    deadline = time.monotonic() + HANDSHAKE_S
    connection.settimeout(HANDSHAKE_S)
    mine = os.urandom(_NONCE_BYTES)
    connection.sendall(_MAGIC + mine)
    hello = _read_exactly(connection, _NONCE_BYTES + _MAC_BYTES + _NAME_BYTES, deadline)
    theirs, proof, caller = hello[:_NONCE_BYTES], hello[_NONCE_BYTES:-_NAME_BYTES], hello[-_NAME_BYTES:]
    if not hmac.compare_digest(proof, _mac(key, b"client", _MAGIC, mine, theirs, caller, name.encode())):
        raise _Refused("it does not hold the machine's key")
    connection.sendall(_mac(key, b"server", mine, theirs))
    return caller.rstrip(b"\0").decode()


def _greet_server(connection: socket.socket, key: bytes, sender: str, to: str) -> None:
    """The client's side."""
    deadline = time.monotonic() + HANDSHAKE_S
    greeting = _read_exactly(connection, len(_MAGIC) + _NONCE_BYTES, deadline)
    if not greeting.startswith(_MAGIC):
        raise _Refused("it is no component of a machine")
    theirs, mine = greeting[len(_MAGIC) :], os.urandom(_NONCE_BYTES)
    caller = sender.encode().ljust(_NAME_BYTES, b"\0")
    if len(caller) != _NAME_BYTES:
        raise ValueError(f"{sender!r} is too long for the name of a component")
    connection.sendall(mine + _mac(key, b"client", _MAGIC, theirs, mine, caller, to.encode()) + caller)
    proof = _read_exactly(connection, _MAC_BYTES, deadline)
    if not hmac.compare_digest(proof, _mac(key, b"server", theirs, mine)):
        raise _Refused("it does not hold the machine's key")


# ---- the two ends -----------------------------------------------------------------------------------------


class SocketServer:
    """Serves a monitor on a port of its own, from the moment that it is made until `close`."""

    def __init__(self, monitor: Monitor, key: bytes, host: str) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"the key has {len(key)} bytes, not {KEY_BYTES}")
        self._monitor = monitor
        self._departed = getattr(monitor, "departed", None)
        self._callers: dict[str, int] = {}
        """How many connections each caller has."""
        self._key = key
        self._listener = socket.create_server((host, 0), backlog=128)
        self.address = "{}:{}".format(*self._listener.getsockname()[:2])
        """Where it listens, "host:port"."""
        self._closing = False
        self._lock = threading.Lock()
        self._connections: dict[socket.socket, threading.Thread] = {}
        self._acceptor = threading.Thread(target=self._accept, name=f"{monitor.name} accepts", daemon=True)
        self._acceptor.start()

    def close(self) -> None:
        """Takes no more connections, ends those that there are, and waits for requests that are being served."""
        self._closing = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._acceptor.join(FRAME_S)
        with self._lock:
            threads = list(self._connections.values())
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join(FRAME_S)

    def _accept(self) -> None:
        while not self._closing:
            try:
                connection, peer = self._listener.accept()
            except OSError as error:
                if not self._closing:  # For want of descriptors, say: the caller will have to try again.
                    log.error("%s cannot accept a connection: %s", self._monitor.name, error)
                    time.sleep(0.1)
                continue
            with self._lock:
                if len(self._connections) >= CONNECTIONS_MAX:
                    log.error("%s refused %s:%s: too many connections", self._monitor.name, *peer[:2])
                    connection.close()
                    continue
                name = f"{self._monitor.name} serves"
                thread = threading.Thread(target=self._converse, args=(connection, peer), name=name, daemon=True)
                self._connections[connection] = thread
                thread.start()

    def _converse(self, connection: socket.socket, peer: tuple[str, int]) -> None:
        caller = "{}:{}".format(*peer[:2])
        try:
            caller = _greet_client(connection, self._key, self._monitor.name)
            with self._caller(caller):
                self._serve(_Channel(connection), caller)
        except (_Refused, UnicodeDecodeError) as error:
            log.warning("%s dropped %s: %s", self._monitor.name, caller, error)
        except (TimeoutError, BlockingIOError):
            log.warning("%s dropped %s: it did not answer in time", self._monitor.name, caller)
        except OSError as error:
            if not self._closing:
                log.info("%s lost %s: %s", self._monitor.name, caller, error)
        finally:
            with self._lock:
                del self._connections[connection]
            connection.close()

    @contextlib.contextmanager
    def _caller(self, name: str) -> Iterator[None]:
        """Counts a caller's connections; a monitor that has `departed` is told when the last of them has ended."""
        with self._lock:
            self._callers[name] = self._callers.get(name, 0) + 1
        try:
            yield
        finally:
            with self._lock:
                self._callers[name] -= 1
                gone = not self._callers[name]
                if gone:
                    del self._callers[name]
            if gone and self._departed is not None and not self._closing:
                self._departed(name)

    def _serve(self, channel: _Channel, caller: str) -> None:
        while not self._closing:
            frame = channel.receive(0.0, SPIN_NS)
            if frame is None:
                return
            answer = serve(self._monitor, caller, frame.body, frame.payload, frame.clock_ns)
            if len(answer.body) > LENGTH_MAX or len(answer.payload) > LENGTH_MAX:
                answer = Answer(True, encode(Failure(0, "the reply is too long to send")), b"", answer.service_ns)
            channel.send(answer.body, answer.payload, answer.failed, answer.service_ns)


class _ThreadChannels(threading.local):
    """The connections of one calling thread."""

    def __init__(self) -> None:
        self.by_peer: dict[tuple[str, str], _Channel] = {}


class SocketTransport:
    """Carries calls to components by their addresses ("host:port"), which may be added to at any time."""

    def __init__(self, key: bytes, addresses: dict[str, str]) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"the key has {len(key)} bytes, not {KEY_BYTES}")
        self.addresses = addresses
        self._key = key
        self._mine = _ThreadChannels()
        self._all: weakref.WeakSet[_Channel] = weakref.WeakSet()
        self._closed = False

    def exchange(self, sender: str, to: str, body: bytes, payload: Buffer, timeout_s: float) -> Answer:
        """Sends a request and waits for the answer, whose body and payload are valid until this thread's next call
        to the same component. Raises `PeerDown`, `PeerTimeout`, or `PeerFailed` when it talks nonsense."""
        if len(body) > LENGTH_MAX or len(payload) > LENGTH_MAX:
            raise PeerFailed(to, f"a request of {len(body)} and {len(payload)} bytes is too long to send")
        address = self.addresses.get(to)
        channel = self._mine.by_peer.pop((sender, to), None)
        if channel is None or channel.address is not address:  # Told anew, even the same one: it is another server.
            channel = self._connect(sender, to, address)
        try:
            channel.send(body, payload, clock_ns=current.meter.at_ns)
            frame = channel.receive(timeout_s, SPIN_NS)
        except BaseException as error:
            channel.close()
            if isinstance(error, (OSError, _Refused)):
                raise _explain(to, error, timeout_s) from error
            raise
        if frame is None:
            channel.close()
            raise PeerDown(to, "it ended the connection")
        self._mine.by_peer[sender, to] = channel
        return Answer(frame.failed, frame.body, frame.payload, frame.clock_ns)

    def _connect(self, sender: str, to: str, address: str | None) -> _Channel:
        if address is None or self._closed:
            raise PeerDown(to, "its address is not known")
        host, _, port = address.rpartition(":")
        try:
            connection = socket.create_connection((host, int(port)), timeout=HANDSHAKE_S)
        except OSError as error:
            raise _explain(to, error, HANDSHAKE_S) from error
        try:
            _greet_server(connection, self._key, sender, to)
        except BaseException as error:
            connection.close()
            if isinstance(error, _Refused):
                raise PeerDown(to, f"{address}: {error}") from error
            if isinstance(error, OSError):
                raise _explain(to, error, HANDSHAKE_S) from error
            raise
        channel = _Channel(connection, address)
        self._all.add(channel)
        return channel

    def meet(self, name: str, address: str) -> None:
        """Learns where somebody listens."""
        self.addresses[name] = address

    def part(self, name: str) -> None:
        """Forgets somebody, and ends this thread's connections to it."""
        self.addresses.pop(name, None)
        for key in [key for key in self._mine.by_peer if key[1] == name]:
            self._mine.by_peer.pop(key).close()

    def close(self) -> None:
        """Ends all connections; calls that are under way, and later ones, raise `PeerDown`."""
        self._closed = True
        for channel in list(self._all):
            channel.close()


def _explain(to: str, error: Exception, timeout_s: float) -> FabricError:
    """What an error of the connection says about the component at its other end."""
    if isinstance(error, (BlockingIOError, TimeoutError)):
        return PeerTimeout(to, f"it did not answer within {timeout_s:g} s")
    if isinstance(error, _Refused):
        return PeerFailed(to, f"it sent {error}")
    if isinstance(error, ConnectionRefusedError):
        return PeerDown(to, "nothing listens at its address any more")
    return PeerDown(to, f"the connection broke ({os.strerror(error.errno) if error.errno else 'it ended early'})")  # type: ignore[attr-defined]
