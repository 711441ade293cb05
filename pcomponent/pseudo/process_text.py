"""What the files of /proc/PID say, as text. Source: fs/proc/array.c, task_mmu.c, base.c; proc(5).

Virtual memory figures come from the home memory component: one message for each file read.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from lego.linux.errno import LinuxError
from lego.linux.mman import MAP_GROWSDOWN, MAP_SHARED, PROT_EXEC, PROT_READ, PROT_WRITE
from lego.linux.stat import Stat
from lego.regions import PAGE, Region
from pcomponent import system
from pcomponent.attributes import SCHED_FIFO, SCHED_RR
from pcomponent.files.memory_file import inode_number
from pcomponent.pseudo.sys import cpu_list, cpu_mask
from pcomponent.rlimits import INFINITY, NAMES, Resource
from pcomponent.signals import queued
from pcomponent.tasks import name_of
from pcomponent.usage import process_times, thread_times, ticks
from scomponent.messages import HandleStat

if TYPE_CHECKING:
    from pcomponent.process import Process, Thread

_NAME_COLUMN = 73
"""seq_setwidth() of show_map_vma(): where the name of a mapping begins."""
_PF_RANDOMIZE = 0x400000
_ANONYMOUS_DEVICE = os.makedev(0, 1)
"""The kernel's own tmpfs, which has shared anonymous memory."""


# ---- memory ----------------------------------------------------------------------------------------------


def maps(task: Thread, process: Process) -> str:
    """/proc/PID/maps."""
    return "".join(map_lines(task, process, system.regions(task, process).regions))


def map_lines(task: Thread, process: Process, regions: list[Region]) -> list[str]:
    """A line for each mapping (show_map_vma)."""
    known: dict[int, Stat | None] = {}
    return [_map_line(task, process, region, known) for region in regions]


def _map_line(task: Thread, process: Process, region: Region, known: dict[int, Stat | None]) -> str:
    rights = "".join(
        letter if region.prot & bit else "-" for bit, letter in ((PROT_READ, "r"), (PROT_WRITE, "w"), (PROT_EXEC, "x"))
    )
    rights += "s" if region.flags & MAP_SHARED else "p"
    device, inode, name = _backing(task, process, region, known)
    line = (
        f"{region.start:08x}-{region.end:08x} {rights} {region.offset:08x} "
        f"{os.major(device):02x}:{os.minor(device):02x} {inode} "
    )
    if not name:
        return line + "\n"
    return line.ljust(_NAME_COLUMN) + name.replace("\n", "\\012") + "\n"


def _backing(
    task: Thread, process: Process, region: Region, known: dict[int, Stat | None]
) -> tuple[int, int, str]:  # fmt: skip
    """Device, inode number and name of what is mapped."""
    if region.object is None:
        return 0, 0, region.name
    if region.object.store.startswith("M"):
        return _ANONYMOUS_DEVICE, inode_number(region.object), region.name or "/dev/zero (deleted)"
    if region.handle not in known:
        known[region.handle] = _file_stat(task, process, region.handle)
    stat = known[region.handle]
    if stat is None:
        return 0, 0, region.name
    return stat.dev, stat.ino, region.name if stat.nlink else f"{region.name} (deleted)"


def _file_stat(task: Thread, process: Process, handle: int) -> Stat | None:
    try:
        stat: Stat = task.kernel.endpoint.call(process.storage, HandleStat(handle))[0].stat
        return stat
    except LinuxError:
        return None


class Sizes(NamedTuple):
    """Of an address space, in pages unless it says otherwise."""

    total: int = 0
    resident: int = 0
    resident_anonymous: int = 0
    resident_file: int = 0
    resident_shared: int = 0
    data: int = 0
    stack: int = 0
    code: int = 0
    libraries: int = 0
    code_start: int = 0
    code_end: int = 0
    data_start: int = 0
    data_end: int = 0
    heap_start: int = 0
    """Addresses: where the program's code, its data and its heap lie."""


def sizes(task: Thread, process: Process) -> Sizes:
    """Adds up the layout, by what mm_struct counts each mapping as."""
    layout = system.layout(task, process)
    counts = dict.fromkeys(Sizes._fields, 0)
    for region, resident in zip(layout.regions, layout.resident, strict=True):
        pages = region.length // PAGE
        counts["total"] += pages
        counts["resident"] += resident
        counts[_resident_kind(region)] += resident
        kind = _kind(process, region)
        if kind:
            counts[kind] += pages
        _note_addresses(process, region, counts)
    return Sizes(**counts)


def _resident_kind(region: Region) -> str:
    if region.object is None:
        return "resident_anonymous"
    return "resident_shared" if region.object.store.startswith("M") else "resident_file"


def _kind(process: Process, region: Region) -> str:
    if region.flags & MAP_GROWSDOWN or region.name == "[stack]":
        return "stack"
    if region.prot & PROT_WRITE and not region.flags & MAP_SHARED:
        return "data"
    if region.prot & PROT_EXEC and not region.prot & PROT_WRITE:
        return "code" if region.name == process.path else "libraries"
    return ""


def _note_addresses(process: Process, region: Region, counts: dict[str, int]) -> None:
    if region.name == "[heap]":
        counts["heap_start"] = region.start
    if region.name != process.path:
        return
    if region.prot & PROT_EXEC:
        counts["code_start"] = counts["code_start"] or region.start
        counts["code_end"] = region.end
    elif region.prot & PROT_WRITE:
        counts["data_start"] = counts["data_start"] or region.start
        counts["data_end"] = region.end


def statm(task: Thread, process: Process) -> str:
    """/proc/PID/statm: pages."""
    size = sizes(task, process)
    shared = size.resident_file + size.resident_shared
    return f"{size.total} {size.resident} {shared} {size.code} 0 {size.data + size.stack} 0\n"


# ---- state -----------------------------------------------------------------------------------------------


def _state(task: Thread, thread: Thread) -> str:
    process = thread.process
    if process.status is not None:
        return "Z (zombie)"
    if process.signals.stopped:
        return "T (stopped)"
    if thread is task or thread.wait is None:
        return "R (running)"
    return "S (sleeping)"


def stat(task: Thread, thread: Thread, whole: bool) -> str:
    """/proc/PID/stat, and /proc/PID/task/TID/stat with `whole` false."""
    process, attributes = thread.process, thread.attributes
    terminal = process.terminal
    size = sizes(task, process)
    user_ns, system_ns = process_times(process) if whole else thread_times(thread)
    ignored, caught = process.signals.sets()
    pending = thread.signals.pending.mask
    real_time = attributes.policy in (SCHED_FIFO, SCHED_RR)
    limit = process.limits.soft(Resource.RSS)
    start, middle, end = process.strings
    fields = [
        thread.tid, f"({name_of(thread)})", _state(task, thread)[0],
        process.parent_shown, process.group, process.session,
        terminal.device if terminal else 0, (terminal.group or -1) if terminal else -1,
        _PF_RANDOMIZE, 0, 0, 0, 0, ticks(user_ns), ticks(system_ns), 0, 0,
        -1 - attributes.real_time_priority if real_time else 20 + attributes.nice, attributes.nice,
        len(process.threads), 0, ticks(process.started_ns), size.total * PAGE, size.resident, limit,
        size.code_start, size.code_end, 0, 0, 0,
        *(mask & 0x7FFFFFFF for mask in (pending, thread.signal_mask, ignored, caught)),
        0, 0, 0, 17, 0, attributes.real_time_priority, attributes.policy, 0, 0, 0,
        size.data_start, size.data_end, size.heap_start, start, middle, middle, end, 0,
    ]  # fmt: skip
    return " ".join(str(field) for field in fields) + "\n"


def status(task: Thread, thread: Thread) -> str:
    """/proc/PID/status."""
    process, who = thread.process, thread.credentials
    lines = [
        ("Name", name_of(thread)),
        ("Umask", f"{process.umask:04o}"),
        ("State", _state(task, thread)),
        ("Tgid", process.pid),
        ("Ngid", 0),
        ("Pid", thread.tid),
        ("PPid", process.parent_shown),
        ("TracerPid", 0),
        ("Uid", f"{who.uid}\t{who.euid}\t{who.suid}\t{who.fsuid}"),
        ("Gid", f"{who.gid}\t{who.egid}\t{who.sgid}\t{who.fsgid}"),
        ("FDSize", _descriptor_room(process)),
        ("Groups", " ".join(str(group) for group in who.groups) + " "),
        ("NStgid", process.pid),
        ("NSpid", thread.tid),
        ("NSpgid", process.group),
        ("NSsid", process.session),
        *([] if process.status is not None else _memory_lines(task, process)),
        ("CoreDumping", 0),
        ("THP_enabled", 0),
        ("Threads", len(process.threads)),
        *_signal_lines(process, thread),
        *_rights_lines(task, thread),
        ("voluntary_ctxt_switches", 0),
        ("nonvoluntary_ctxt_switches", 0),
    ]
    return "".join(f"{name}:\t{value}\n" for name, value in lines)


def _descriptor_room(process: Process) -> int:
    """How many slots the descriptor table has: 64, doubled until the highest fits."""
    if process.status is not None:
        return 0
    highest = max((fd for fd, _ in process.files.descriptors()), default=0)
    room = 64
    while room <= highest:
        room *= 2
    return room


def _memory_lines(task: Thread, process: Process) -> list[tuple[str, object]]:
    size, attributes = sizes(task, process), process.attributes
    tables = size.resident // 512 + 4
    pages = {
        "VmPeak": attributes.peak_pages, "VmSize": size.total, "VmLck": attributes.locked_bytes // PAGE, "VmPin": 0,
        "VmHWM": attributes.peak_resident_pages, "VmRSS": size.resident, "RssAnon": size.resident_anonymous,
        "RssFile": size.resident_file, "RssShmem": size.resident_shared, "VmData": size.data, "VmStk": size.stack,
        "VmExe": size.code, "VmLib": size.libraries, "VmPTE": tables, "VmSwap": 0, "HugetlbPages": 0,
    }  # fmt: skip
    return [(name, f"{count * PAGE // 1024:8} kB") for name, count in pages.items()]


def _signal_lines(process: Process, thread: Thread) -> list[tuple[str, object]]:
    ignored, caught = process.signals.sets()
    masks = {
        "SigPnd": thread.signals.pending.mask, "ShdPnd": process.signals.pending.mask,
        "SigBlk": thread.signal_mask, "SigIgn": ignored, "SigCgt": caught,
    }  # fmt: skip
    waiting = f"{queued(process)}/{process.limits.soft(Resource.SIGPENDING)}"
    return [("SigQ", waiting), *((name, f"{mask:016x}") for name, mask in masks.items())]


def _rights_lines(task: Thread, thread: Thread) -> list[tuple[str, object]]:
    who, cores = thread.credentials, task.kernel.config.cores
    allowed = thread.attributes.affinity_mask(cores)
    sets = {
        "CapInh": who.inheritable, "CapPrm": who.permitted, "CapEff": who.effective,
        "CapBnd": who.bounding, "CapAmb": who.ambient,
    }  # fmt: skip
    return [
        *((name, f"{mask:016x}") for name, mask in sets.items()),
        ("NoNewPrivs", int(who.no_new_privileges)),
        ("Seccomp", 0),
        ("Seccomp_filters", 0),
        ("Speculation_Store_Bypass", "not vulnerable"),
        ("SpeculationIndirectBranch", "not affected"),
        ("Cpus_allowed", cpu_mask(allowed, cores)),
        ("Cpus_allowed_list", _ranges(allowed, cores)),
        ("Mems_allowed", "1"),
        ("Mems_allowed_list", "0"),
    ]


def _ranges(mask: int, cores: int) -> str:
    """A set of processors as "0,2-3" (lib/bitmap.c, %*pbl)."""
    if mask == (1 << cores) - 1:
        return cpu_list(cores)
    found: list[str] = []
    core = 0
    while core < cores:
        if not mask >> core & 1:
            core += 1
            continue
        first = core
        while core < cores and mask >> core & 1:
            core += 1
        found.append(str(first) if core - 1 == first else f"{first}-{core - 1}")
    return ",".join(found)


# ---- the rest --------------------------------------------------------------------------------------------


def transfers(process: Process) -> str:
    """/proc/PID/io. Which bytes went to or came from a storage component is not told by process."""
    counts = process.transfers
    return (
        f"rchar: {counts.read_bytes}\nwchar: {counts.written_bytes}\nsyscr: {counts.reads}\nsyscw: {counts.writes}\n"
        "read_bytes: 0\nwrite_bytes: 0\ncancelled_write_bytes: 0\n"
    )


def scheduled(thread: Thread) -> str:
    """/proc/PID/schedstat: time on a processor; waiting for one and turns are not counted."""
    return f"{sum(thread_times(thread))} 0 0\n"


def limits(task: Thread, process: Process) -> str:
    """/proc/PID/limits."""
    lines = [f"{'Limit':<25} {'Soft Limit':<20} {'Hard Limit':<20} {'Units':<10}\n"]
    for resource, (name, unit) in NAMES.items():
        soft, hard = ("unlimited" if value == INFINITY else str(value) for value in process.limits.get(resource))
        lines.append(f"{name:<25} {soft:<20} {hard:<20} " + (f"{unit:<10}\n" if unit else "\n"))
    return "".join(lines)
