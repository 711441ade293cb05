"""All components in this process: no Ray, no sockets, the same bytes in the messages."""

from __future__ import annotations

from lego.actor import Build, end_monitor
from lego.component import component_names
from lego.config import MachineConfig
from lego.fabric.endpoint import Endpoint, Monitor
from lego.fabric.loopback import Loopback
from lego.runtime.base import CONSOLE, FRONT, register


def builders() -> dict[str, Build]:
    """Kind of component to what makes its monitor; imported here, since a processor's needs its emulator."""
    from gmanager.actor import build as build_manager
    from mcomponent.actor import build as build_memory
    from pcomponent.actor import build as build_processor
    from scomponent.actor import build as build_storage

    return {"G": build_manager, "S": build_storage, "M": build_memory, "P": build_processor}


class InProcess:
    """The runtime of `lego run --inproc`."""

    console_name = CONSOLE
    shared = False

    def __init__(self, config: MachineConfig) -> None:
        self._config = config
        self._loopback = Loopback()
        self._monitors: list[Monitor] = []
        self.endpoint = Endpoint(FRONT, self._loopback, config.network)

    def start(self) -> None:
        """Makes and registers all monitors."""
        build = builders()
        for name in component_names(self._config):
            monitor = build[name[0]](name, self._config, Endpoint(name, self._loopback, self._config.network))
            self._loopback.attach(monitor)
            self._monitors.append(monitor)
        register(self.endpoint, self._config, {})

    def open_console(self, console: Monitor) -> None:
        """Attaches it to the loopback."""
        self._loopback.attach(console)

    def close_console(self, console: Monitor) -> None:
        """Detaches it."""
        self._loopback.detach(console.name)

    def lost(self, patience_s: float = 0.0) -> tuple[str, str] | None:
        """None: these components live and die with the process."""
        return None

    def close(self) -> None:
        """Ends the monitors, the last one first."""
        while self._monitors:
            monitor = self._monitors.pop()
            self._loopback.detach(monitor.name)
            end_monitor(monitor)
