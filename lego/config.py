"""The description of a machine: what it is made of, what it costs, and what a guest sees of the host."""

from __future__ import annotations

import msgspec

from lego.fabric.network import Network

MiB = 1 << 20


class Mount(msgspec.Struct, frozen=True):
    """A directory or file of the host at a place in the guest's tree."""

    source: str
    """An absolute path of the host."""
    target: str
    """An absolute path of the guest."""
    writable: bool = False


class Topology(msgspec.Struct, frozen=True):
    """How many components of each kind."""

    processors: int = 1
    memories: int = 1
    storages: int = 1


class MachineConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a run depends on, besides the program and its files."""

    topology: Topology = Topology()
    excache_bytes: int = 64 * MiB
    """Of each processor: lines of 4 KiB; the number of sets is a power of two."""
    ways: int = 64
    prefetch_pages: int = 16
    """How many following pages a miss in a file mapping may bring along; 1 turns that off."""
    memory_bytes: int = 1024 * MiB
    """The capacity of each memory component."""
    memory_placement: str = "home"
    """"home": new vRegions at a process's home while it has room; "spread": at each memory in turn."""
    mounts: tuple[Mount, ...] = ()
    """In the order in which they are mounted: a later one covers what it is put over. The first is the root."""
    cwd: str = "/"
    environment: tuple[str, ...] = ()
    """K=V, in place of the host's environment when not empty."""
    seed: int = 0
    cores: int = 1
    instruction_ps: int = 417
    """Picoseconds for one instruction: 2.4 GHz at one a cycle, LegoOS's Xeon E5-2620."""
    syscall_ns: int = 100
    """Entering and leaving the kernel."""
    zero_fill_ns: int = 1_700
    """A first touch served at the processor: LegoOS's p-local fill, 587 K a second a thread."""
    epoch_s: int = 1_750_000_000
    """The real-time clock when the machine starts."""
    network: Network = Network()
    threads_max: int = 4096
    """Processes and threads of one vNode."""
    trace: bool = False
    """Print system calls as they are made (--strace)."""
