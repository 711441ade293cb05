"""A processor component as a part of a machine: how its monitor is built, and its shell on Ray."""

from __future__ import annotations

from lego.actor import Shell
from lego.config import MachineConfig
from lego.fabric.endpoint import Endpoint, Monitor


def build(name: str, config: MachineConfig, endpoint: Endpoint) -> Monitor:
    """Makes the monitor."""
    from pcomponent.monitor import ProcessorMonitor

    return ProcessorMonitor(name, config, endpoint)


class Processor(Shell):
    """Runs the monitor in a process of its own."""

    def __init__(self, name: str, config: MachineConfig, key: bytes, host: str) -> None:
        super().__init__(build, name, config, key, host)
