"""The way to published ports: what this processor knows of the gate (`lego.console.gate`) and its connections.

A machine without published ports has none of this. A connection from outside is a stream socket whose far end is here:
`pump` gathers what has come for all of them in one message, as much of it as each has room for, and puts it where
data of the machine's own would be. How often one asks in vain depends on the host, so only news take virtual time.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from lego.config import Publication
from lego.console.messages import GATE, CloseGate, Drop, Finish, Gather, GatherReply, News, OpenGate, Transmit
from lego.fabric.endpoint import Endpoint
from lego.fabric.wire import Buffer, Request
from lego.linux.errno import LinuxError
from lego.observe.clock import Meter, current
from pcomponent.files.inet.addresses import ANY, LOOPBACK, Address, outside_address, own_address
from pcomponent.files.inet.connecting import add_arrival
from pcomponent.files.inet.far import FarEnd
from pcomponent.files.inet.stream import StreamSocket
from pcomponent.files.socket import SEND_SHUT

if TYPE_CHECKING:
    from pcomponent.process import Thread

PAUSE_S = 0.0005
"""A question that was just asked in vain is not asked again for each connection of a set."""
SEND_PIECE = 1 << 18
"""Bytes that go to a client in one message."""


class PublishedPorts:
    """The published ports of a machine, and their connections."""

    def __init__(self, publications: tuple[Publication, ...], endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._guest_ports = [each.guest_port for each in publications]
        self._listeners: dict[int, list[StreamSocket]] = {}
        """By publication, those that were asked last first."""
        self._ends: dict[int, Client] = {}
        self._asked_s = 0.0
        """When it was last asked in vain, on the host's clock."""

    # ---- listeners -----------------------------------------------------------------------------------

    def listen(self, task: Thread, socket: StreamSocket) -> bool:
        """A program listens; whether its port is published. EADDRINUSE when another of the host's has got it."""
        wanted = (ANY, LOOPBACK, own_address(task))
        found = [index for index, port in enumerate(self._guest_ports) if port == socket.local.port]
        if not found or socket.local.ip not in wanted:
            return False
        for index in found:
            listeners = self._listeners.setdefault(index, [])
            if not listeners:
                self._endpoint.call(GATE, OpenGate(index, socket.backlog))
            listeners.append(socket)
        return True

    def stop_listening(self, task: Thread, socket: StreamSocket) -> None:
        """It listens no more."""
        for index, listeners in list(self._listeners.items()):
            if socket in listeners:
                listeners.remove(socket)
                if not listeners:
                    del self._listeners[index]
                    self._endpoint.call(GATE, CloseGate(index))

    def _welcoming(self, index: int) -> tuple[StreamSocket, int] | None:
        """Who takes a connection of a publication, and how many now; one that all can reach goes first."""
        best: tuple[StreamSocket, int] | None = None
        for each in self._listeners[index]:
            room = each.backlog + 1 - len(each.arrivals)
            if room > 0 and (best is None or (each.local.ip != LOOPBACK and best[0].local.ip == LOOPBACK)):
                best = (each, room)
        return best

    # ---- news ----------------------------------------------------------------------------------------

    def pump(self, task: Thread, wait_ms: int) -> bool:
        """Lets come what has come, or comes within so many milliseconds of host time. Whether that was anything."""
        takers = {index: found for index in self._listeners if (found := self._welcoming(index)) is not None}
        request = Gather(
            wait_ms,
            [(index, room) for index, (_, room) in takers.items()],
            [(number, end.credit()) for number, end in self._ends.items()],
            [number for number, end in self._ends.items() if end.stuck],
        )
        if not request.welcome and not request.credits:
            return False
        if not wait_ms and time.monotonic() - self._asked_s < PAUSE_S:
            return False
        outer = current.meter
        meter = current.meter = Meter()
        try:
            reply, payload = self._ask(request)
        finally:
            current.meter = outer
        self._asked_s = 0.0 if reply.news else time.monotonic()
        if reply.news:
            task.meter.charge(meter.now_ns)
        at = 0
        for news in reply.news:
            if news.publication >= 0:
                self._arrived(task, takers[news.publication][0], news)
            elif (end := self._ends.get(news.connection)) is not None:
                end.told(task, news, bytes(payload[at : at + news.length]))
            at += news.length
        return bool(reply.news)

    def _ask(self, request: Gather) -> tuple[GatherReply, Buffer]:
        return self._endpoint.call(GATE, request)

    def _arrived(self, task: Thread, listener: StreamSocket, news: News) -> None:
        ip = own_address(task) if listener.local.ip == ANY else listener.local.ip
        local = Address(ip, listener.local.port)
        end = add_arrival(task, listener, local, Address(outside_address(task), news.port))
        end.far = self._ends[news.connection] = Client(self, end, news.connection)

    # ---- what ends ask -------------------------------------------------------------------------------

    def tell(self, request: Request, payload: Buffer = b"") -> Any:
        """A message to the gate; None when the connection is no more there."""
        try:
            return self._endpoint.call(GATE, request, payload)[0]
        except LinuxError:
            return None

    def forget(self, number: int) -> bool:
        """A connection is over; whether it was not before."""
        return self._ends.pop(number, None) is not None


class Client(FarEnd):
    """A client of the host's."""

    outside = True

    def __init__(self, ports: PublishedPorts, own: StreamSocket, number: int) -> None:
        self._ports = ports
        self._own = own
        self._number = number
        self.stuck = False
        """It took less than it was given."""

    def credit(self) -> int:
        """How many bytes may come: what the socket's window has room for."""
        return max(0, self._own.receive_buffer - self._own.inbox.length)

    def told(self, task: Thread, news: News, data: bytes) -> None:
        """News of this connection."""
        if data:
            self._own.arrive(task, data)
        if news.room and self.stuck:
            self.stuck = False
            self._own.starved = False
            self._own.room.happened(task)
        if news.error:
            self._over(reset=True)
            self._own.was_reset(task)
        elif news.ended:
            if self._own.shut & SEND_SHUT:
                self._over(reset=False)
            self._own.finished(task)

    def room(self, task: Thread) -> int:
        """A piece, unless the last one was too much."""
        return 0 if self.stuck else SEND_PIECE

    def put(self, task: Thread, data: bytes) -> int:
        """What the client's socket takes."""
        reply = self._ports.tell(Transmit(self._number), data)
        if reply is None:
            self._over(reset=True)
            self._own.was_reset(task)
            return len(data)
        self.stuck = reply.count < len(data)
        count: int = reply.count
        return count

    def finish(self, task: Thread) -> None:
        """The client meets the end."""
        if self._own.done:
            self._over(reset=False)
        elif not self._own.gone:
            self._ports.tell(Finish(self._number))

    def leave(self, task: Thread) -> None:
        """The host's socket is closed too."""
        self._over(reset=False)

    def reset(self, task: Thread) -> None:
        """The client is reset."""
        self._over(reset=True)

    def _over(self, reset: bool) -> None:
        if self._ports.forget(self._number):
            self._ports.tell(Drop(self._number, reset))

    def look(self, task: Thread, wait_ms: int) -> None:
        """What has come, for this and all others."""
        self._ports.pump(task, wait_ms)
