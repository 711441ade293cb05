"""What all components have in common, whether they run as actors or within one process.

A machine's components are named by kind and number: "G" is the global manager, "S0", "M0", "P0" the first
storage, memory and processor component. They start in that order, since each may ask those before it.
"""

from __future__ import annotations

from lego.config import LINE_BYTES, MachineConfig

MANAGER = "G"
VNODE = 1
"""The one virtual machine that a run's programs live in."""


def component_names(config: MachineConfig) -> list[str]:
    """All components of a machine, in the order in which they start."""
    shape = config.topology
    kinds = (("S", shape.storages), ("M", shape.memories), ("P", shape.processors))
    return [MANAGER, *(f"{kind}{number}" for kind, count in kinds for number in range(count))]


def capacity(name: str, config: MachineConfig) -> int:
    """What a component registers with (`gmanager.messages.Member`): bytes of a memory, lines of a processor."""
    return {"M": config.memory_bytes, "P": config.excache_bytes // LINE_BYTES}.get(name[0], 0)
