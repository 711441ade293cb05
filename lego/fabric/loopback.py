"""The transport within one process: a call is a function call, with the same bytes in between.

Requests and replies are encoded and decoded as on a socket, so no component can share an object with
another by accident and every counter is the same on both transports.
"""

from __future__ import annotations

from lego.fabric.endpoint import Answer, Monitor, serve
from lego.fabric.errors import PeerDown
from lego.fabric.wire import Buffer
from lego.observe.clock import current


class Loopback:
    """Connects the monitors of one process by name."""

    def __init__(self) -> None:
        self._monitors: dict[str, Monitor] = {}

    def attach(self, monitor: Monitor) -> None:
        """Makes a monitor reachable under its name."""
        self._monitors[monitor.name] = monitor

    def detach(self, name: str) -> None:
        """Makes a name unreachable: its callers get `PeerDown` from now on."""
        self._monitors.pop(name, None)

    def meet(self, name: str, address: str) -> None:
        """Nothing: who is attached is known."""

    def part(self, name: str) -> None:
        """Nothing: who is detached is not known any more."""

    def exchange(self, sender: str, to: str, body: bytes, payload: Buffer, timeout_s: float) -> Answer:
        """Serves the request on the caller's thread."""
        monitor = self._monitors.get(to)
        if monitor is None:
            raise PeerDown(to, "no such component is running")
        return serve(monitor, sender, body, payload, current.meter.at_ns)
