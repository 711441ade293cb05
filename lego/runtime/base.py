"""What a machine needs of a runtime: to start its components, to reach them, to know that they live, to end them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from gmanager.messages import Member, Members, MembersReply, Register
from lego.component import MANAGER, capacity, component_names
from lego.config import MachineConfig
from lego.fabric.endpoint import Endpoint, Monitor
from lego.fabric.errors import PeerDown
from pcomponent.messages import Meet

FRONT = "front"
"""The name under which the front end calls the components; on a machine that is up it is more than this."""
CONSOLE = "console"
"""The name under which a run's console is called, likewise."""


class Runtime(Protocol):
    """The components of one machine and the way to them."""

    endpoint: Endpoint
    """The front end's own."""
    console_name: str
    """What the console of a run is to be called."""
    shared: bool
    """Whether others use the machine too, so that it goes on when this front end is done with it."""

    def start(self) -> None:
        """Starts all components and registers them; raises `MachineFailed` or a `FabricError`."""

    def open_console(self, console: Monitor) -> None:
        """Makes a console reachable for the components under its name."""

    def close_console(self, console: Monitor) -> None:
        """Makes it unreachable again."""

    def lost(self, patience_s: float = 0.0) -> tuple[str, str] | None:
        """The component that died, and why; waits up to `patience_s` for such news."""

    def close(self) -> None:
        """Ends everything that `start` made; may be called twice, and after a `start` that failed."""


def introduce(endpoint: Endpoint, names: Iterable[str], console: str, address: str) -> None:
    """Tells the processors where a console listens; without an address, that it does not any more."""
    for name in names:
        if name.startswith("P"):
            endpoint.call(name, Meet(console, address))


def register(endpoint: Endpoint, config: MachineConfig, addresses: Mapping[str, str]) -> None:
    """Makes all components members of the machine, and makes sure that they are."""
    names = [name for name in component_names(config) if name != MANAGER]
    for name in names:
        endpoint.call(MANAGER, Register(Member(name, addresses.get(name, ""), capacity(name, config))))
    members: MembersReply = endpoint.call(MANAGER, Members())[0]
    missing = sorted(set(names) - {member.name for member in members.members})
    if missing:
        raise PeerDown(missing[0], "it is not a member of the machine")
