"""The global manager as a part of a machine: how its monitor is built, and its shell on Ray."""

from __future__ import annotations

from lego.actor import Shell
from lego.config import MachineConfig
from lego.fabric.endpoint import Endpoint, Monitor


def build(name: str, config: MachineConfig, endpoint: Endpoint) -> Monitor:
    """Makes the monitor. There is one manager, which calls nobody."""
    from gmanager.monitor import ManagerMonitor

    return ManagerMonitor(config)


class Manager(Shell):
    """Runs the monitor in a process of its own."""

    def __init__(self, name: str, config: MachineConfig, key: bytes, host: str) -> None:
        super().__init__(build, name, config, key, host)
