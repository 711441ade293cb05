"""Lego: a disaggregated operating system that runs on ordinary machines.

with lego.Machine(lego.MachineConfig(excache_bytes=4 << 20)) as machine:
    result = machine.run(["wc", "-l", "/etc/passwd"])
    print(result.exit_code, result.stdout, result.statistics["virtual_ns"])
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lego.config import ConfigError, MachineConfig, Mount, Publication, Topology
    from lego.machine import Machine, MachineFailed, Result

__all__ = [
    "ConfigError", "Machine", "MachineConfig", "MachineFailed", "Mount", "Publication", "Result", "Topology",
    "__version__",
]  # fmt: skip
__version__ = "0.1.0"

_HOMES = {
    "ConfigError": "lego.config",
    "MachineConfig": "lego.config",
    "Mount": "lego.config",
    "Publication": "lego.config",
    "Topology": "lego.config",
    "Machine": "lego.machine",
    "MachineFailed": "lego.machine",
    "Result": "lego.machine",
}


def __getattr__(name: str) -> Any:
    """Imports public names when they are first used: a component needs none of them."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
