"""What a machine needs of a runtime: to start its components, to reach them, to know that they live, to end them."""

from __future__ import annotations

from typing import Protocol

from lego.fabric.endpoint import Endpoint, Monitor

FRONT = "front"
"""The name under which the front end calls the components."""


class Runtime(Protocol):
    """The components of one machine and the way to them."""

    endpoint: Endpoint
    """The front end's own."""

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
