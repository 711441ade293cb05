"""/sys: the processors and the one memory node, for programs that count them. Source: drivers/base/cpu.c, node.c."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from pcomponent import system
from pcomponent.pseudo.files import Text
from pcomponent.pseudo.node import SYS, Directory, Fixed, Node

if TYPE_CHECKING:
    from pcomponent.process import Thread

CPU = "/sys/devices/system/cpu"
NODE = "/sys/devices/system/node"


def cpu_list(cores: int) -> str:
    """The processors as "0-3"."""
    return "0" if cores == 1 else f"0-{cores - 1}"


def cpu_mask(mask: int, cores: int) -> str:
    """A set of processors in hexadecimal, 32 to a group (lib/bitmap.c, %*pb)."""
    groups = -(-cores // 32)
    width = (cores - 1) % 32 // 4 + 1
    words = [mask >> 32 * index & 0xFFFFFFFF for index in reversed(range(groups))]
    return ",".join([f"{words[0]:0{width}x}", *(f"{word:08x}" for word in words[1:])])


def _text(path: str, generate: Callable[[Thread], str]) -> Text:
    return Text(SYS, path, lambda task: generate(task) + "\n", write_errno=0)


def _constant(path: str, text: str) -> Text:
    return _text(path, lambda _task: text)


def _all(task: Thread) -> str:
    return cpu_list(task.kernel.config.cores)


class Cpus(Directory):
    """/sys/devices/system/cpu."""

    def children(self, task: Thread) -> Mapping[str, Node]:
        """The lists, and a directory for each processor."""
        found: dict[str, Node] = {name: _text(f"{CPU}/{name}", _all) for name in ("online", "possible", "present")}
        found["offline"] = _constant(f"{CPU}/offline", "")
        found["isolated"] = _constant(f"{CPU}/isolated", "")
        found["kernel_max"] = _constant(f"{CPU}/kernel_max", str((task.kernel.config.cores + 63) // 64 * 64 - 1))
        for core in range(task.kernel.config.cores):
            found[f"cpu{core}"] = _cpu(core, task.kernel.config.cores)
        return found


def _cpu(core: int, cores: int) -> Directory:
    where = f"{CPU}/cpu{core}"
    texts = {
        "physical_package_id": "0",
        "core_id": str(core),
        "thread_siblings": cpu_mask(1 << core, cores),
        "thread_siblings_list": str(core),
        "core_siblings": cpu_mask((1 << cores) - 1, cores),
        "core_siblings_list": cpu_list(cores),
    }
    files = {name: _constant(f"{where}/topology/{name}", text) for name, text in texts.items()}
    nodes: dict[str, Node] = {"topology": Fixed(SYS, f"{where}/topology", files)}
    if core:
        nodes["online"] = _constant(f"{where}/online", "1")
    return Fixed(SYS, where, nodes, 0o755)


def _node_memory(task: Thread) -> str:
    memory = system.memory(task)
    values = (("MemTotal", memory.total), ("MemFree", memory.free), ("MemUsed", memory.total - memory.free))
    return "\n".join(f"Node 0 {name + ':':<15} {value // 1024:>8} kB" for name, value in values)


def _node() -> Directory:
    first = f"{NODE}/node0"
    inner = {
        "cpulist": _text(f"{first}/cpulist", _all),
        "cpumap": _text(
            f"{first}/cpumap",
            lambda task: cpu_mask((1 << task.kernel.config.cores) - 1, task.kernel.config.cores),
        ),
        "meminfo": _text(f"{first}/meminfo", _node_memory),
        "distance": _constant(f"{first}/distance", "10"),
    }
    names = ("online", "possible", "has_cpu", "has_memory", "has_normal_memory")
    nodes: dict[str, Node] = {name: _constant(f"{NODE}/{name}", "0") for name in names}
    nodes["node0"] = Fixed(SYS, first, inner, 0o755)
    return Fixed(SYS, NODE, nodes, 0o755)


def root() -> Directory:
    """The tree of /sys. There are no huge pages, so "never" is the truth."""
    huge = "/sys/kernel/mm/transparent_hugepage"
    huge_pages = {
        "enabled": _constant(f"{huge}/enabled", "always madvise [never]"),
        "hpage_pmd_size": _constant(f"{huge}/hpage_pmd_size", "2097152"),
    }
    devices = {"cpu": Cpus(SYS, CPU, 0o755), "node": _node()}
    tree: dict[str, Node] = {
        "devices": _directory("/sys/devices", {"system": _directory("/sys/devices/system", devices)}),
        "fs": _directory("/sys/fs", {"cgroup": _directory("/sys/fs/cgroup", {})}),
        "kernel": _directory(
            "/sys/kernel",
            {"mm": _directory("/sys/kernel/mm", {"transparent_hugepage": _directory(huge, huge_pages)})},
        ),
    }
    return Fixed(SYS, "/sys", tree)


def _directory(path: str, nodes: Mapping[str, Node]) -> Directory:
    return Fixed(SYS, path, nodes, 0o755)
