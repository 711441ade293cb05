"""The description of a machine: what it is made of, what it costs, and what a guest sees of the host.

The structs are what the components are given. `checked` refuses what cannot work and is applied to every
configuration before a machine is built from it; `lego.config_file` makes one out of TOML and options.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Iterable
from typing import Any

import msgspec

from lego.fabric.network import Network

KiB, MiB, GiB = 1 << 10, 1 << 20, 1 << 30

LINE_BYTES = 4096
EXCACHE_LINES_MIN = 4
"""One x86 instruction may need its own bytes and its operand, each across the end of a page."""
MEMORY_BYTES_MIN = MiB
COMPONENTS_MAX = 64
"""Of each kind."""
SCRATCH = "LEGO_SCRATCH"
"""The environment variable that names a directory of the host for what components keep there while they run. Ray's is
removed with all that is in it, however they end."""
SCRATCH_BASES = ("/var/tmp", "/tmp")
"""Where such directories are made: the first that can be written to."""
PORT_MAX = 65535
PUBLICATIONS_MAX = 64
"""Ports of the host for one machine."""
NUMBERS = {
    "prefetch_pages": (1, 1024),
    "cores": (1, 1024),  # as many as a cpu_set_t of the C library has room for
    "quantum_instructions": (1, 1 << 40),
    "threads_max": (1, 1 << 22),  # Linux's PID_MAX_LIMIT (include/linux/threads.h)
    "seed": (0, (1 << 64) - 1),
    "epoch_s": (0, 8_277_292_036),  # Linux's TIME_SETTOD_SEC_MAX (include/linux/time64.h): 2262, less 30 years
    "instruction_ps": (0, 10**12),
    "syscall_ns": (0, 10**12),
    "zero_fill_ns": (0, 10**12),
    "exit_ns": (0, 10**12),
    "thread_exit_ns": (0, 10**12),
}
"""The least and the largest value of each number of a machine: what the guest's clocks and tables have room for."""


class ConfigError(Exception):
    """A machine that cannot be. `key` is the setting at fault, "" when it is not a single one; `why` is one line."""

    def __init__(self, key: str, why: str) -> None:
        super().__init__(key, why)
        self.key = key
        self.why = why

    def __str__(self) -> str:
        return f"{self.key}: {self.why}" if self.key else self.why


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


class Publication(msgspec.Struct, frozen=True):
    """A port of the host that leads to a port of the guest."""

    host: str
    """The address of the host's that it is bound to."""
    host_port: int
    """0: any that is free."""
    guest_port: int


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
    placement: str = "parent"
    """"parent": a child runs on its parent's processor; "spread": each fork and execve goes to the processor with the
    fewest threads. A new program does in either case."""
    memory_placement: str = "home"
    """"home": new vRegions at a process's home while it has room; "spread": at each memory in turn."""
    mounts: tuple[Mount, ...] = ()
    """In the order in which they are mounted: a later one covers what it is put over. The first is the root."""
    cwd: str = "/"
    inherit_environment: bool = True
    """Whether the guest's environment begins with the host's; without it, two runs are alike on any host."""
    environment: tuple[str, ...] = ()
    """K=V, added to it, or in place of a variable of the same name."""
    seed: int = 0
    cores: int = 4
    """Of each processor: as many threads run at the same virtual time."""
    quantum_instructions: int = 100_000
    """How many instructions a thread runs before another that can run too."""
    instruction_ps: int = 417
    """Picoseconds for one instruction: 2.4 GHz at one a cycle, LegoOS's Xeon E5-2620."""
    syscall_ns: int = 100
    """Entering and leaving the kernel."""
    zero_fill_ns: int = 1_700
    """A first touch served at the processor: LegoOS's p-local fill, 587 K a second a thread."""
    exit_ns: int = 70_000
    """The end of a process, from exit_group or a fatal signal until others notice. Measured on Linux 6.18 (EPYC): a
    dynamically linked C program takes 71 us from _exit until a pipe that only it had ends, 79 us from kill to wait."""
    thread_exit_ns: int = 4_500
    """The end of a thread, or of a process that has no memory of its own. Measured likewise: a waiter for a thread's
    end wakes up 7.5 us after the thread called exit, and 3.0 us after a futex call that wakes it."""
    epoch_s: int = 1_750_000_000
    """The real-time clock when the machine starts."""
    network: Network = Network()
    threads_max: int = 4096
    """Processes and threads of one vNode."""
    address: str = "10.0.0.1"
    """The vNode's IPv4 address, besides 127.0.0.1."""
    publish: tuple[Publication, ...] = ()
    """Ports of the host through which it is reached; without any, nothing of the host's network is."""
    trace: bool = False
    """Print system calls as they are made (--strace)."""


_UNITS = {"": 1, "b": 1, "k": KiB, "m": MiB, "g": GiB, "t": GiB << 10}
_SIZE = re.compile(r"(\d{1,18})\s*([kmgt]?)(i?b)?", re.IGNORECASE)
_TOPOLOGY = re.compile(r"(\d{1,18})P-(\d{1,18})M-(\d{1,18})S", re.IGNORECASE)

_PORT = re.compile(r"[0-9]{1,18}")


def parse_size(text: str | int) -> int:
    """Bytes: a plain number, or one with K, M, G or T (powers of 1,024; "4MiB", "4MB", "4m" are the same)."""
    if isinstance(text, int) and not isinstance(text, bool):
        if text < 0:
            raise ConfigError("", f"{text} is not a size: it is negative")
        return text
    match = _SIZE.fullmatch(str(text).strip())
    if match is None:
        raise ConfigError("", f"{text!r} is not a size; sizes look like 4MiB, 512K, 64M, 1G or a number of bytes")
    return int(match[1]) * _UNITS[match[2].lower()]


def format_size(count: int) -> str:
    """The shortest exact way to write a number of bytes that `parse_size` reads."""
    for unit, name in ((GiB, "GiB"), (MiB, "MiB"), (KiB, "KiB")):
        if count and count % unit == 0:
            return f"{count // unit}{name}"
    return str(count)


def parse_topology(text: str) -> Topology:
    """The shape of a machine: "1P-2M-1S" has one processor, two memories and one storage component."""
    match = _TOPOLOGY.fullmatch(text.strip())
    if match is None:
        raise ConfigError("", f"{text!r} is not a topology; one looks like 1P-2M-1S")
    topology = Topology(int(match[1]), int(match[2]), int(match[3]))
    _check_topology(topology, "")
    return topology


def parse_mount(text: str, base: str) -> Mount:
    """A mount "SRC:DST", read-only, or "SRC:DST:rw". A relative SRC starts from the directory `base` of the host."""
    parts = text.split(":")
    writable = False
    if len(parts) > 2 and parts[-1] in ("ro", "rw"):
        writable = parts.pop() == "rw"
    if len(parts) < 2 or not parts[-1] or not any(parts[:-1]):
        raise ConfigError("", f"{text!r} is not a mount; one looks like SRC:DST, SRC:DST:ro or SRC:DST:rw")
    target = parts[-1]
    if not target.startswith("/"):
        raise ConfigError("", f"{text!r}: the guest's side, {target!r}, must be an absolute path")
    source = os.path.join(base, ":".join(parts[:-1]))
    return Mount(os.path.abspath(source), "/" + os.path.normpath(target).lstrip("/"), writable)


def parse_publication(text: str) -> Publication:
    """A published port "HOST:GUEST" or "ADDR:PORT:GUEST"; HOST is a port of 127.0.0.1."""
    parts = text.rsplit(":", 2)
    if len(parts) < 2 or not all(_PORT.fullmatch(part) for part in parts[-2:]):
        raise ConfigError("", f"{text!r} is not a published port; one looks like 8080:80 or 0.0.0.0:8080:80")
    host, (host_port, guest_port) = parts[0] if len(parts) > 2 else "127.0.0.1", map(int, parts[-2:])
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        raise ConfigError("", f"{text!r}: {host!r} is not an IPv4 address of this host") from None
    if host_port > PORT_MAX or not 0 < guest_port <= PORT_MAX:
        raise ConfigError("", f"{text!r}: ports go from 1 to {PORT_MAX}, and 0 is any free port of the host")
    return Publication(host, host_port, guest_port)


def topology_name(topology: Topology) -> str:
    """The inverse of `parse_topology`."""
    return f"{topology.processors}P-{topology.memories}M-{topology.storages}S"


def default_mounts(cwd: str) -> tuple[Mount, ...]:
    """The host's tree read-only, /tmp and the working directory `cwd` of the host read-write."""
    mounts = [Mount("/", "/")]
    if os.path.isdir("/tmp"):
        mounts.append(Mount("/tmp", "/tmp", writable=True))
    if cwd != "/" and cwd != "/tmp" and not cwd.startswith("/tmp/"):
        mounts.append(Mount(cwd, cwd, writable=True))
    return tuple(mounts)


def _check_topology(topology: Topology, key: str) -> None:
    counts = (topology.processors, topology.memories, topology.storages)
    name = topology_name(topology)
    if min(counts) < 1:
        raise ConfigError(key, f"{name} is not a machine: it needs at least one component of each kind")
    if max(counts) > COMPONENTS_MAX:
        raise ConfigError(key, f"{name} is too large: at most {COMPONENTS_MAX} components of a kind")
    if topology.storages > 1:
        raise ConfigError(key, f"{name}: only one storage component (1S) is supported so far")


def _fit_excache(excache_bytes: int, ways: int) -> int:
    """The size that such a cache really has: its sets are the largest power of two that fits."""
    if ways < 1:
        raise ConfigError("ways", f"{ways} is too few: a set has at least one line")
    lines = excache_bytes // LINE_BYTES
    least = max(ways, EXCACHE_LINES_MIN)
    if lines < least:
        raise ConfigError(
            "excache",
            f"{format_size(excache_bytes)} is too small: with {ways} ways it has at least {least} lines of 4 KiB, "
            f"{format_size(least * LINE_BYTES)}",
        )
    sets = 1 << ((lines // ways).bit_length() - 1)
    return sets * ways * LINE_BYTES


def _check_network(config: MachineConfig) -> None:
    try:
        address = ipaddress.IPv4Address(config.address)
    except ValueError:
        raise ConfigError("address", f"{config.address!r} is not an IPv4 address") from None
    if address.is_loopback or address.is_multicast or address.is_unspecified or address.packed[0] in (0, 255):
        raise ConfigError("address", f"{config.address} cannot be a host's own address in a network")
    if len(config.publish) > PUBLICATIONS_MAX:
        raise ConfigError("publish", f"{len(config.publish)} ports are too many: at most {PUBLICATIONS_MAX}")
    for each in config.publish:
        if not 0 <= each.host_port <= PORT_MAX or not 0 < each.guest_port <= PORT_MAX:
            raise ConfigError("publish", f"{each.host_port}:{each.guest_port} are not two ports")


def _check_mounts(mounts: tuple[Mount, ...]) -> None:
    for place, mount in enumerate(mounts):
        if (mount.target == "/") != (place == 0):
            raise ConfigError("mount", "the first mount, and only the first, is the guest's root")
        if not os.path.exists(mount.source):
            key = "root" if place == 0 else "mount"
            raise ConfigError(key, f"{mount.source}: no such file or directory on this host")
    if mounts and not os.path.isdir(mounts[0].source):
        raise ConfigError("root", f"{mounts[0].source} is not a directory")


def checked(config: MachineConfig) -> MachineConfig:
    """The configuration as it will be used: mounts filled in, the ExCache's size a power of two of sets.

    Raises `ConfigError` for a machine that cannot be.
    """
    config = _of_right_types(config)
    _check_topology(config.topology, "topology")
    excache_bytes = _fit_excache(config.excache_bytes, config.ways)
    if config.memory_bytes < MEMORY_BYTES_MIN:
        raise ConfigError("memory", f"{format_size(config.memory_bytes)} is too small: at least 1MiB")
    _check_fits_host(config)
    if config.placement not in ("parent", "spread"):
        raise ConfigError("placement", f'{config.placement!r} is neither "parent" nor "spread"')
    _check_network(config)
    if config.memory_placement not in ("home", "spread"):
        raise ConfigError("memory_placement", f'{config.memory_placement!r} is neither "home" nor "spread"')
    for key, (least, most) in NUMBERS.items():
        value = getattr(config, key)
        if value < least:
            raise ConfigError(key, f"{value} is too small: at least {least}")
        if value > most:
            raise ConfigError(key, f"{value} is too large: at most {most}")
    if not config.cwd.startswith("/"):
        raise ConfigError("cwd", f"{config.cwd!r} must be an absolute path of the guest")
    check_variables(config.environment)
    mounts = config.mounts or default_mounts(host_cwd())
    _check_mounts(mounts)
    return msgspec.structs.replace(config, excache_bytes=excache_bytes, mounts=mounts)


def _of_right_types(config: MachineConfig) -> MachineConfig:
    """Structs take whatever they are given; who writes one in Python hears here what is wrong with it."""
    try:
        return msgspec.convert(msgspec.to_builtins(config), MachineConfig)
    except (msgspec.ValidationError, TypeError) as error:
        why, _, where = str(error).replace("`", "").partition(" - at $.")
        raise ConfigError(f"MachineConfig.{where}" if where else "MachineConfig", why) from None


def check_variables(variables: Iterable[str]) -> None:
    """Refuses what is not of the form K=V."""
    for variable in variables:
        if "=" not in variable or variable.startswith("=") or "\0" in variable:
            raise ConfigError("env", f"{variable!r} is not of the form K=V")


def _check_fits_host(config: MachineConfig) -> None:
    """Frames and lines take the host's memory when they are first used; what could never be had is refused now."""
    host_bytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    wanted = {"excache": config.excache_bytes, "memory": config.memory_bytes}
    for key, size in wanted.items():
        if size > host_bytes:
            raise ConfigError(key, f"{format_size(size)} is more than this host has ({format_size(host_bytes)})")


def scratch_base() -> str:
    """Where on the host components keep files while they run. Not /tmp if it can be helped: a guest that sees the
    host's tree may change what is there. The path is short, since sockets, whose paths have 107 bytes, lie below it."""
    return next(each for each in SCRATCH_BASES if os.access(each, os.W_OK | os.X_OK) or each == SCRATCH_BASES[-1])


def host_cwd() -> str:
    """The directory of this process; `ConfigError` when it is gone."""
    try:
        return os.getcwd()
    except OSError as error:
        raise ConfigError("cwd", f"the current directory cannot be used: {error.strerror}") from error


def guest_environment(config: MachineConfig, host: dict[str, str]) -> list[str]:
    """The K=V of a guest, the host's first and each name once."""
    variables = dict(host) if config.inherit_environment else {}
    variables.update((name, value) for name, _, value in (each.partition("=") for each in config.environment))
    return [f"{name}={value}" for name, value in variables.items()]


def describe(config: MachineConfig) -> dict[str, Any]:
    """The configuration as plain values, for the statistics."""
    values: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(config))
    values["topology"] = topology_name(config.topology)
    values["excache_lines"] = config.excache_bytes // LINE_BYTES
    values["excache_sets"] = config.excache_bytes // LINE_BYTES // config.ways
    return values
