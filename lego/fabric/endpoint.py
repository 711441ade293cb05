"""An endpoint: how a component calls others, and how its monitor is called.

    reply, payload = endpoint.call("M0", Miss(space=7, address=0x1000, access=READ))

To serve, a component gives its *monitor* to a transport; a monitor has a `name`, a `door` and a method
`handle(sender, request, payload) -> (reply, payload)`. A handler returns the reply (and bulk bytes, or b""),
or raises `LinuxError`, which is raised again at the caller. Anything else that it raises is a defect of
the component: the caller gets `PeerFailed`, and the text goes to the machine's log.

A monitor may have `departed(sender)` too: it is called on a thread of the transport's when a caller's connections have
ended, and must not raise.

Every call ends: in a reply, in a `LinuxError`, or in a `FabricError` (the peer is down, does not answer, or
broke). The caller's meter is charged with the network's cost and with the time that serving took.
"""

from __future__ import annotations

import logging
import traceback
from typing import Any, NamedTuple, Protocol

import msgspec

from lego.fabric.errors import PeerFailed
from lego.fabric.network import Network
from lego.fabric.wire import Buffer, Door, Failure, Request, decode_failure, encode, wire_bytes
from lego.linux.errno import LinuxError
from lego.observe.clock import Meter, current
from lego.observe.counters import Counters, counter, keyed

log = logging.getLogger("lego.fabric")

INSTANCE = "."
"""Between a name and what makes it unique: "console.5c1f" is counted as "console", like all other consoles."""

CALL_TIMEOUT_S = 30.0
"""How long a call waits for its answer; LegoOS's own default for most calls is also 30 s."""


class Monitor(Protocol):
    """What can be served."""

    name: str
    door: Door

    def handle(self, sender: str, request: Any, payload: Buffer) -> tuple[msgspec.Struct, Buffer]:
        """Serves one request of the monitor's door."""


class Answer(NamedTuple):
    """What a transport brings back."""

    failed: bool
    body: Buffer
    payload: Buffer
    service_ns: int


class Transport(Protocol):
    """How bytes reach a component and come back."""

    def exchange(self, sender: str, to: str, body: bytes, payload: Buffer, timeout_s: float) -> Answer:
        """Carries a request to `to` and waits for its answer; raises `PeerDown` or `PeerTimeout`."""

    def meet(self, name: str, address: str) -> None:
        """Learns where somebody listens who is not one of the machine's components."""

    def part(self, name: str) -> None:
        """Forgets it again; its callers get `PeerDown`."""


class LinkCounters(Counters):
    """What one component sent to one other."""

    messages: int = counter("requests sent")
    bytes_sent: int = counter("bytes of requests, headers and payloads included")
    bytes_received: int = counter("bytes of replies, headers and payloads included")
    by_kind: dict[str, int] = keyed("requests sent, by message type")
    bytes_by_kind: dict[str, int] = keyed("bytes of requests and replies, by message type")


class Endpoint:
    """One component's way to the others."""

    def __init__(self, name: str, transport: Transport, network: Network) -> None:
        self.name = name
        self.links: dict[str, LinkCounters] = {}
        self._transport = transport
        self._network = network

    def call(
        self, to: str, request: Request, payload: Buffer = b"", timeout_s: float = CALL_TIMEOUT_S
    ) -> tuple[Any, Buffer]:
        """Sends a request and waits for its reply.

        Returns the typed reply and its payload. The payload may be a view of the server's memory: use or
        copy it before the next call. Raises `LinuxError` or a `FabricError`.
        """
        body = encode(request)
        answer = self._transport.exchange(self.name, to, body, payload, timeout_s)
        sent, received = wire_bytes(body, payload), wire_bytes(answer.body, answer.payload)  # type: ignore[arg-type]
        self._count(to, type(request).__name__, sent, received)
        current.meter.now_ns += self._network.cost_ns(sent, received) + answer.service_ns
        if answer.failed:
            failure = decode_failure(answer.body)
            if failure.errno:
                raise LinuxError(failure.errno, failure.detail)
            raise PeerFailed(to, failure.detail)
        return request.door.decode_reply(request, answer.body), answer.payload

    def aside(
        self, to: str, request: Request, payload: Buffer = b"", timeout_s: float = CALL_TIMEOUT_S
    ) -> tuple[Any, Buffer]:
        """The same for what is not part of the machine, such as a tracer: not counted, and no virtual time passes."""
        answer = self._transport.exchange(self.name, to, encode(request), payload, timeout_s)
        if answer.failed:
            failure = decode_failure(answer.body)
            if failure.errno:
                raise LinuxError(failure.errno, failure.detail)
            raise PeerFailed(to, failure.detail)
        return request.door.decode_reply(request, answer.body), answer.payload

    def _count(self, to: str, kind: str, sent: int, received: int) -> None:
        to = to.partition(INSTANCE)[0]
        link = self.links.get(to)
        if link is None:
            link = self.links[to] = LinkCounters()
        link.messages += 1
        link.bytes_sent += sent
        link.bytes_received += received
        link.by_kind[kind] = link.by_kind.get(kind, 0) + 1
        link.bytes_by_kind[kind] = link.bytes_by_kind.get(kind, 0) + sent + received

    def meet(self, name: str, address: str) -> None:
        """Learns where somebody listens who came later than the components: a front end's console."""
        self._transport.meet(name, address)

    def part(self, name: str) -> None:
        """Forgets it again. Called on the thread that calls it."""
        self._transport.part(name)

    def statistics(self) -> list[dict[str, Any]]:
        """One row a link: who, to whom, and its counters."""
        return [{"from": self.name, "to": to, **self.links[to].snapshot()} for to in sorted(self.links)]


def serve(monitor: Monitor, sender: str, body: Buffer, payload: Buffer, at_ns: int = 0) -> Answer:
    """Runs one request, sent at the virtual time `at_ns`, through a monitor: what every transport does on the
    serving side."""
    outer = current.meter
    meter = current.meter = Meter(began_ns=at_ns)
    try:
        reply, out = monitor.handle(sender, monitor.door.decode_request(body), payload)
        return Answer(False, encode(reply), out, meter.now_ns)
    except LinuxError as error:
        return Answer(True, encode(Failure(error.errno, error.detail)), b"", meter.now_ns)
    except Exception as error:
        log.error("%s failed to serve %s:\n%s", monitor.name, sender, traceback.format_exc())
        return Answer(True, encode(Failure(0, f"{type(error).__name__}: {error}")), b"", meter.now_ns)
    finally:
        current.meter = outer
