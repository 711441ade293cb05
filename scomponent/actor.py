"""A storage component as a part of a machine: how its monitor is built, and its shell on Ray."""

from __future__ import annotations

from lego.actor import Shell
from lego.component import VNODE
from lego.config import MachineConfig
from lego.fabric.endpoint import Endpoint, Monitor

SHARED_MEMORY = "/dev/shm"
"""Half of all memory fits into it, as on Linux."""


def build(name: str, config: MachineConfig, endpoint: Endpoint) -> Monitor:
    """Makes the monitor, with the tree of the machine's vNode. It calls nobody."""
    from scomponent.memory_mount import MemoryMount
    from scomponent.monitor import StorageMonitor
    from scomponent.namespace import Namespace

    memory = MemoryMount(SHARED_MEMORY, config.memory_bytes * config.topology.memories // 2)
    return StorageMonitor(name, {VNODE: Namespace(config.mounts, memory=[memory])}, config.epoch_s)


class Storage(Shell):
    """Runs the monitor in a process of its own."""

    def __init__(self, name: str, config: MachineConfig, key: bytes, host: str) -> None:
        super().__init__(build, name, config, key, host)
