"""The runtime of a program that runs on a machine that is up: sockets to its components, and nothing of Ray.

Importing and joining Ray takes seconds; the record has all that is needed to talk to the components themselves. Their
caretaker, which holds on to Ray, knows who has died.
"""

from __future__ import annotations

import contextlib
import os

from lego.component import component_names
from lego.config import ConfigError, MachineConfig
from lego.fabric.endpoint import Endpoint, Monitor
from lego.fabric.errors import FabricError
from lego.fabric.socket import SocketServer, SocketTransport
from lego.linux.errno import LinuxError
from lego.runtime.base import CONSOLE, FRONT, introduce
from lego.standing.messages import Health, HealthReply
from lego.standing.record import Record, only

CARETAKER = "caretaker"
ANSWER_S = 5.0


def reachable(name: str | None) -> Record:
    """The record of a machine that is up: the one of that name, or the only one. Raises `ConfigError` that says what is
    the matter, and what to do."""
    found = only(name)
    if not found.caretaker_pid:
        why = "its caretaker was killed, or the host restarted"
        repair = f"`lego up --name {found.name}` starts it anew, `lego down {found.name}` forgets it"
        raise ConfigError("", f"the machine {found.name!r} is gone ({why}); {repair}")
    if found.record is None:
        raise ConfigError("", f"the machine {found.name!r} is starting, or is of another version of Lego")
    return found.record


class Attached:
    """Reaches a machine that is up; starts and ends nothing but consoles."""

    shared = True

    def __init__(self, record: Record) -> None:
        self.record = record
        token = os.urandom(4).hex()
        self.console_name = f"{CONSOLE}.{token}"
        self._transport = SocketTransport(self.record.key, {**self.record.addresses, CARETAKER: self.record.caretaker})
        self._consoles: dict[str, SocketServer] = {}
        self.endpoint = Endpoint(f"{FRONT}.{token}", self._transport, self.config.network)

    @property
    def config(self) -> MachineConfig:
        """The machine's own."""
        return self.record.config

    def start(self) -> None:
        """Raises a `FabricError` when the machine has lost a component already."""
        lost = self.lost()
        if lost is not None:
            raise FabricError(*lost)

    def open_console(self, console: Monitor) -> None:
        """Serves it from this process, and tells the processors where."""
        server = self._consoles[console.name] = SocketServer(console, self.record.key, self.record.host)
        introduce(self.endpoint, component_names(self.config), console.name, server.address)

    def close_console(self, console: Monitor) -> None:
        """Ends serving it."""
        server = self._consoles.pop(console.name, None)
        if server is None:
            return
        with contextlib.suppress(FabricError, LinuxError):
            introduce(self.endpoint, component_names(self.config), console.name, "")
        server.close()

    def lost(self, patience_s: float = 0.0) -> tuple[str, str] | None:
        """What the caretaker knows; that it is not there means that the machine was taken down."""
        try:
            request = Health(int(patience_s * 1000))
            reply: HealthReply = self.endpoint.call(CARETAKER, request, timeout_s=patience_s + ANSWER_S)[0]
        except FabricError:
            return CARETAKER, f"the machine {self.record.name!r} was taken down, or its caretaker died"
        return (reply.component, reply.why) if reply.component else None

    def close(self) -> None:
        """Lets go of the machine, which goes on."""
        while self._consoles:
            self._consoles.popitem()[1].close()
        self._transport.close()
