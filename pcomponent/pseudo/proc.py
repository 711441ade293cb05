"""/proc: what is told about the machine as a whole. Source: fs/proc/*.c, arch/x86/kernel/cpu/proc.c."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from lego.linux import cpuid
from lego.linux.errno import E, LinuxError
from lego.regions import PAGE
from pcomponent import credentials, system
from pcomponent.files.inet.base import PRIVILEGED_PORTS
from pcomponent.files.inet.connecting import BACKLOG_MAX
from pcomponent.files.inet.ports import FIRST_EPHEMERAL, LAST_EPHEMERAL, RETIRED_MAX
from pcomponent.files.inet.stream import TIME_WAIT_NS
from pcomponent.files.socket import BUFFER_BYTES
from pcomponent.ipc import queues, segments, semaphores
from pcomponent.ipc.objects import of as system_v
from pcomponent.ipc.posix_queues import MESSAGES_MAX, QUEUES_MAX, SIZE_MAX
from pcomponent.kernel import RandomSource
from pcomponent.pseudo import locks
from pcomponent.pseudo.files import Measured, Text
from pcomponent.pseudo.node import PROC, Directory, Fixed, Link, Node
from pcomponent.pseudo.process_tree import process_directory
from pcomponent.rlimits import NR_OPEN
from pcomponent.syscalls.identity import NGROUPS_MAX
from pcomponent.tasks import visible
from pcomponent.terminals.terminal import PTYS_MAX
from pcomponent.usage import TICK_NS, process_times, ticks

if TYPE_CHECKING:
    from pcomponent.process import Thread

FILE_SYSTEMS = (
    "nodev\tsysfs",
    "nodev\tproc",
    "nodev\ttmpfs",
    "nodev\tdevtmpfs",
    "nodev\tdevpts",
    "nodev\tpipefs",
    "\tlego",
)
DEVICES = (
    "Character devices:\n  1 mem\n  4 tty\n  5 /dev/tty\n  5 /dev/console\n136 pts\n"
    "\nBlock devices:\n"
)  # fmt: skip
PIPE_MAX_BYTES = 1 << 20
MAX_MAP_COUNT = 65530
MMAP_MIN_ADDR = 65536


# ---- text ------------------------------------------------------------------------------------------------


def cpuinfo(task: Thread) -> str:
    """/proc/cpuinfo: what CPUID says, for each core."""
    cores = task.kernel.config.cores
    mhz = 1_000_000 / max(1, task.kernel.config.instruction_ps)
    shared = [
        ("cpu cores", cores), ("apicid", None), ("initial apicid", None), ("fpu", "yes"), ("fpu_exception", "yes"),
        ("cpuid level", cpuid.LEAF_MAX), ("wp", "yes"), ("flags", " ".join(cpuid.FLAGS)), ("bugs", ""),
        ("bogomips", f"{2 * mhz:.2f}"), ("clflush size", cpuid.CACHE_LINE), ("cache_alignment", cpuid.CACHE_LINE),
        ("address sizes", f"{cpuid.PHYSICAL_BITS} bits physical, {cpuid.VIRTUAL_BITS} bits virtual"),
    ]  # fmt: skip
    blocks = []
    for core in range(cores):
        fields: list[tuple[str, object]] = [
            ("processor", core), ("vendor_id", cpuid.VENDOR), ("cpu family", cpuid.FAMILY), ("model", cpuid.MODEL),
            ("model name", cpuid.MODEL_NAME), ("stepping", cpuid.STEPPING), ("cpu MHz", f"{mhz:.3f}"),
            ("cache size", f"{cpuid.CACHE_BYTES // 1024} KB"), ("physical id", 0), ("siblings", cores),
            ("core id", core), *((name, core if value is None else value) for name, value in shared),
        ]  # fmt: skip
        lines = [f"{name + (chr(9) if len(name) > 7 else chr(9) * 2)}: {value}" for name, value in fields]
        blocks.append("\n".join([*lines, "power management:", "", ""]))
    return "".join(blocks)


_MEMINFO_ZERO = (
    "Active", "Inactive", "Active(anon)", "Inactive(anon)", "Active(file)", "Inactive(file)", "Unevictable", "Mlocked",
    "SwapTotal", "SwapFree", "Dirty", "Writeback", "AnonPages", "Mapped", "Shmem", "KReclaimable", "Slab",
    "SReclaimable", "SUnreclaim", "KernelStack", "PageTables", "NFS_Unstable", "Bounce", "WritebackTmp",
)  # fmt: skip


def meminfo(task: Thread) -> str:
    """/proc/meminfo: all memory components together; what only one kernel with its own memory has is 0."""
    memory = system.memory(task)
    total_kb, free_kb = memory.total // 1024, memory.free // 1024
    fields = [
        ("MemTotal", total_kb), ("MemFree", free_kb), ("MemAvailable", free_kb), ("Buffers", 0), ("Cached", 0),
        ("SwapCached", 0), *((name, 0) for name in _MEMINFO_ZERO), ("CommitLimit", total_kb),
        ("Committed_AS", total_kb - free_kb), ("VmallocTotal", 34359738367), ("VmallocUsed", 0),
        ("VmallocChunk", 0), ("Percpu", 0), ("AnonHugePages", 0),
    ]  # fmt: skip
    lines = [f"{name + ':':<15} {value:>8} kB\n" for name, value in fields]
    lines += [f"{'HugePages_' + name + ':':<19}{0:>5}\n" for name in ("Total", "Free", "Rsvd", "Surp")]
    return "".join([*lines, f"Hugepagesize:   {2048:>8} kB\n", f"Hugetlb:        {0:>8} kB\n"])


_VMSTAT_ZERO = (
    "nr_mlock", "nr_inactive_anon", "nr_active_anon", "nr_inactive_file", "nr_active_file", "nr_unevictable",
    "nr_slab_reclaimable", "nr_slab_unreclaimable", "nr_anon_pages", "nr_mapped", "nr_file_pages", "nr_dirty",
    "nr_writeback", "nr_shmem", "nr_kernel_stack", "nr_page_table_pages", "pgpgin", "pgpgout", "pswpin", "pswpout",
    "pgalloc_normal", "pgfree", "pgactivate", "pgdeactivate", "pgfault", "pgmajfault", "oom_kill",
)  # fmt: skip


def vmstat(task: Thread) -> str:
    """/proc/vmstat: free pages of all memory components together; nothing is swapped, and faults are not counted."""
    fields = [("nr_free_pages", system.memory(task).free // PAGE), *((name, 0) for name in _VMSTAT_ZERO)]
    return "".join(f"{name} {value}\n" for name, value in fields)


def _busy(task: Thread) -> tuple[int, int, int]:
    """User, system and idle time of the whole processor component since it started, ns."""
    user_ns = system_ns = 0
    for process in task.kernel.processes.values():
        user, kernel = process_times(process)
        user_ns, system_ns = user_ns + user, system_ns + kernel
    elapsed_ns = task.kernel.monotonic_ns(task) * task.kernel.config.cores
    return user_ns, system_ns, max(0, elapsed_ns - user_ns - system_ns)


def stat(task: Thread) -> str:
    """/proc/stat: the cores share the work evenly, as far as it is known."""
    cores = task.kernel.config.cores
    busy = _busy(task)
    lines = []
    for name, share in (("cpu ", 1), *((f"cpu{core}", cores) for core in range(cores))):
        user, kernel, idle = (ns // TICK_NS // share for ns in busy)
        lines.append(f"{name} {user} 0 {kernel} {idle} 0 0 0 0 0 0\n")
    processes = visible(task)
    running = sum(process.status is None for process in processes)
    lines.append(
        f"intr 0\nctxt 0\nbtime {task.kernel.config.epoch_s}\nprocesses {len(processes)}\n"
        f"procs_running {max(1, running)}\nprocs_blocked 0\nsoftirq 0 0 0 0 0 0 0 0 0 0 0\n"
    )
    return "".join(lines)


def version(task: Thread) -> str:
    """/proc/version."""
    return f"{system.SYSNAME} version {system.RELEASE} (lego@lego) (gcc) {system.VERSION}\n"


def uptime(task: Thread) -> str:
    """/proc/uptime: seconds since the machine started, and idle seconds of all cores."""
    now, idle = ticks(task.kernel.monotonic_ns(task)), ticks(_busy(task)[2])
    return f"{now // 100}.{now % 100:02d} {idle // 100}.{idle % 100:02d}\n"


def loadavg(task: Thread) -> str:
    """/proc/loadavg: averages are of virtual time nobody measures; the counts are real."""
    processes = visible(task)
    threads = sum(len(process.threads) for process in processes)
    return f"0.00 0.00 0.00 1/{threads} {max(process.pid for process in processes)}\n"


def command_line(task: Thread) -> str:
    """/proc/cmdline: the shape of the machine."""
    shape = task.kernel.config.topology
    return f"lego topology={shape.processors}P-{shape.memories}M-{shape.storages}S seed={task.kernel.config.seed}\n"


def boot_id(task: Thread) -> str:
    """/proc/sys/kernel/random/boot_id: the same for the whole run, by the machine's seed."""
    return _uuid(RandomSource(task.kernel.config.seed, "boot_id").bytes(16))


def _uuid(raw: bytes) -> str:
    return f"{uuid.UUID(bytes=raw, version=4)}\n"


# ---- the tree --------------------------------------------------------------------------------------------


class ProcRoot(Directory):
    """/proc: fixed files, and a directory for each process."""

    def __init__(self, nodes: Mapping[str, Node]) -> None:
        super().__init__(PROC, "/proc")
        self._nodes = nodes

    def children(self, task: Thread) -> Mapping[str, Node]:
        """All of them."""
        return {**self._nodes, **{str(process.pid): process_directory(process) for process in visible(task)}}

    def child(self, task: Thread, name: str) -> Node:
        """One of them, without making the others. A thread's number works too, although it is not listed."""
        if name.isascii() and name.isdigit() and name == str(int(name)):
            process = task.kernel.processes.get(int(name))
            if process is None:
                process = next((each for each in visible(task) if int(name) in each.threads), None)
            if process is not None and process.vnode == task.process.vnode:
                return process_directory(process, int(name))
        node = self._nodes.get(name)
        if node is None:
            raise LinuxError(E.ENOENT)
        return node


def _text(path: str, generate: Callable[[Thread], str]) -> Text:
    return Text(PROC, path, generate)


def _sysctl(path: str, generate: Callable[[Thread], str]) -> Text:
    return Text(PROC, path, generate, write_errno=0, sequential=False)


def _sysctls(path: str, values: Mapping[str, object]) -> dict[str, Node]:
    """Files that say a value: a function makes it anew each time."""
    nodes: dict[str, Node] = {}
    for name, value in values.items():
        if callable(value):
            nodes[name] = _sysctl(f"{path}/{name}", value)
        else:
            nodes[name] = _sysctl(f"{path}/{name}", lambda _task, text=f"{value}\n": text)  # type: ignore[misc]
    return nodes


def _terminals(task: Thread) -> str:
    return f"{len(task.kernel.rendezvous.terminals.indexes(task.process.vnode))}\n"


def _sysctl_tree() -> Directory:
    base = "/proc/sys"
    kernel = _sysctls(
        f"{base}/kernel",
        {
            "ostype": system.SYSNAME, "osrelease": system.RELEASE, "version": system.VERSION,
            "hostname": system.NODENAME, "domainname": system.DOMAINNAME, "pid_max": system.PID_MAX,
            "threads-max": lambda task: f"{task.kernel.config.threads_max}\n",
            "ngroups_max": NGROUPS_MAX, "cap_last_cap": credentials.LAST_CAP, "randomize_va_space": 2,
            "shmmax": segments.SHMMAX, "shmall": segments.SHMALL, "shmmni": segments.SHMMNI,
            "msgmax": queues.MSGMAX, "msgmnb": queues.MSGMNB, "msgmni": queues.MSGMNI,
            "sem": f"{semaphores.SEMMSL}\t{semaphores.SEMMNS}\t{semaphores.SEMOPM}\t{semaphores.SEMMNI}",
        },
    )  # fmt: skip
    random = _sysctls(
        f"{base}/kernel/random",
        {"boot_id": boot_id, "uuid": lambda task: _uuid(task.kernel.random.bytes(16)),
         "entropy_avail": 256, "poolsize": 256},
    )  # fmt: skip
    kernel["random"] = Fixed(PROC, f"{base}/kernel/random", random)
    terminals = {"max": PTYS_MAX, "reserve": 0, "nr": _terminals}
    kernel["pty"] = Fixed(PROC, f"{base}/kernel/pty", _sysctls(f"{base}/kernel/pty", terminals))
    memory = {"overcommit_memory": 0, "max_map_count": MAX_MAP_COUNT, "mmap_min_addr": MMAP_MIN_ADDR}
    files = {"file-max": (1 << 63) - 1, "nr_open": NR_OPEN, "pipe-max-size": PIPE_MAX_BYTES}
    queue_files = {
        "queues_max": QUEUES_MAX, "msg_max": MESSAGES_MAX, "msgsize_max": SIZE_MAX,
        "msg_default": MESSAGES_MAX, "msgsize_default": SIZE_MAX,
    }  # fmt: skip
    tree = {
        "kernel": kernel,
        "vm": _sysctls(f"{base}/vm", memory),
        "fs": {
            **_sysctls(f"{base}/fs", files),
            "mqueue": Fixed(PROC, f"{base}/fs/mqueue", _sysctls(f"{base}/fs/mqueue", queue_files)),
        },
        "net": _network_sysctls(f"{base}/net"),
    }
    return Fixed(PROC, base, {name: Fixed(PROC, f"{base}/{name}", nodes) for name, nodes in tree.items()})


def _system_v_tree() -> Directory:
    """/proc/sysvipc."""
    tables: dict[str, Callable[[Thread], str]] = {
        "shm": lambda task: system_v(task).segments.table(),
        "sem": lambda task: system_v(task).semaphores.table(),
        "msg": lambda task: system_v(task).queues.table(),
    }
    base = "/proc/sysvipc"
    return Fixed(PROC, base, {name: _text(f"{base}/{name}", generate) for name, generate in tables.items()})


def _network_sysctls(base: str) -> dict[str, Node]:
    core = {
        "somaxconn": BACKLOG_MAX, "rmem_default": BUFFER_BYTES, "rmem_max": BUFFER_BYTES, "wmem_default": BUFFER_BYTES,
        "wmem_max": BUFFER_BYTES,
    }  # fmt: skip
    ipv4 = {
        "ip_local_port_range": f"{FIRST_EPHEMERAL}\t{LAST_EPHEMERAL}", "ip_unprivileged_port_start": PRIVILEGED_PORTS,
        "ip_default_ttl": 64, "tcp_fin_timeout": TIME_WAIT_NS // 10**9, "tcp_syn_retries": 6,
        "tcp_max_tw_buckets": RETIRED_MAX,
    }  # fmt: skip
    families = {"core": _sysctls(f"{base}/core", core), "ipv4": _sysctls(f"{base}/ipv4", ipv4)}
    return {name: Fixed(PROC, f"{base}/{name}", nodes) for name, nodes in families.items()}


def root() -> Directory:
    """The tree of /proc."""
    texts: dict[str, Callable[[Thread], str]] = {
        "cpuinfo": cpuinfo,
        "meminfo": meminfo,
        "vmstat": vmstat,
        "stat": stat,
        "version": version,
        "uptime": uptime,
        "loadavg": loadavg,
        "filesystems": lambda _: "".join(line + "\n" for line in FILE_SYSTEMS),
        "devices": lambda _: DEVICES,
        "diskstats": lambda _: "",
        "locks": locks.text,
        "swaps": lambda _: "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n",
    }
    nodes: dict[str, Node] = {name: _text(f"/proc/{name}", generate) for name, generate in texts.items()}
    nodes["cmdline"] = Measured(PROC, "/proc/cmdline", command_line)
    nodes["self"] = Link(PROC, "/proc/self", lambda task: str(task.process.pid))
    nodes["thread-self"] = Link(PROC, "/proc/thread-self", lambda task: f"{task.process.pid}/task/{task.tid}")
    nodes["net"] = Link(PROC, "/proc/net", lambda _: "self/net")
    nodes["mounts"] = Link(PROC, "/proc/mounts", lambda _: "self/mounts")
    nodes["sys"] = _sysctl_tree()
    nodes["sysvipc"] = _system_v_tree()
    return ProcRoot(nodes)
