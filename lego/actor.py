"""The shell that gives a component's monitor a process and an address: what every `*/actor.py` is made from.

A runtime starts the class as an actor and calls, in this order: `address`, `meet` with the addresses of all,
`watch` (which ends only with the component, so its failing tells of a death), and `stop`. None of
these carries data of a program: that goes over the sockets of `lego.fabric.socket`.

The `build` of each `actor.py` imports the monitor only when it is called: whoever merely starts an actor in another
process needs the class, but not what it is made of.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from lego.config import MachineConfig
from lego.fabric.endpoint import Endpoint, Monitor

Build = Callable[[str, MachineConfig, Endpoint], Monitor]


def end_monitor(monitor: Monitor) -> None:
    """Lets a monitor end its threads and give back its files, if it has any: such a monitor has `close`."""
    close = getattr(monitor, "close", None)
    if close is not None:
        close()


class Shell:
    """One component in a process of its own."""

    def __init__(self, build: Build, name: str, config: MachineConfig, key: bytes, host: str) -> None:
        from lego.fabric.socket import SocketServer, SocketTransport

        self._transport = SocketTransport(key, {})
        self._endpoint = Endpoint(name, self._transport, config.network)
        self._monitor = build(name, config, self._endpoint)
        self._server = SocketServer(self._monitor, key, host)
        self._stopped = threading.Event()

    def pid(self) -> int:
        """The host's number of the process."""
        return os.getpid()

    def address(self) -> str:
        """Where the component listens, "host:port"."""
        return self._server.address

    def meet(self, addresses: dict[str, str]) -> None:
        """Learns where others listen."""
        self._transport.addresses.update(addresses)

    def watch(self) -> None:
        """Returns when the component has been stopped, and never otherwise."""
        self._stopped.wait()

    def stop(self) -> None:
        """Ends serving and gives everything back."""
        self._server.close()
        end_monitor(self._monitor)
        self._transport.close()
        self._stopped.set()
