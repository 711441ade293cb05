"""A thread for tests of what the kernel makes up by itself: real process and thread state, flat memory, registers in a
variable, and scripted components."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from filetask import FlatMemory, ScriptedConsole, Stream

from lego.config import MachineConfig, Mount
from lego.fabric.endpoint import Endpoint
from lego.fabric.loopback import Loopback
from lego.fabric.network import Network
from lego.linux.errno import E, LinuxError
from lego.linux.stat import S_IFDIR, S_IFREG, Stat
from lego.observe.clock import current
from lego.regions import Region, RegionMap
from mcomponent import messages as m
from pcomponent import syscalls
from pcomponent.files.locks import FileLocks
from pcomponent.files.standard import open_standard
from pcomponent.files.table import FileTable
from pcomponent.kernel import RandomSource
from pcomponent.process import Process, Thread, WorkingDirectory
from pcomponent.pseudo.tree import PSEUDO, Leads
from pcomponent.registers import Registers
from pcomponent.rendezvous import Rendezvous
from pcomponent.rlimits import Limits
from pcomponent.run_queue import RunQueue
from pcomponent.signals import SignalState
from pcomponent.syscalls.table import TABLE
from pcomponent.waiting import Wait, Wake
from scomponent import messages as s

syscalls.load_all()
MASK = (1 << 64) - 1
MOUNTS = (Mount("/", "/"), Mount("/home/u/my dir", "/my dir", writable=True))


class Space(FlatMemory):
    """Memory of which the ExCache has nothing and the memory component everything."""

    def __init__(self) -> None:
        super().__init__()
        self.pid = 10
        self.resident: set[int] = set()
        self.cached: list[int] = []
        self.regions = RegionMap()

    def held(self, start: int, end: int) -> tuple[set[int], set[int]]:
        """Pages with a line, and pages that the memory has contents for."""
        lines = {page for page in self.cached if start <= page << 12 < end}
        return lines, {page for page in self.resident if start <= page << 12 < end}


class FakeMemory:
    """Serves layouts and load."""

    door, name = m.DOOR, "M0"

    def __init__(self) -> None:
        self.regions: list[Region] = []
        self.pages: list[int] = []

    def handle(self, sender: str, request: Any, payload: Any) -> tuple[Any, Any]:
        if isinstance(request, m.Regions):
            return m.RegionsReply(self.regions, self.pages), b""
        assert isinstance(request, m.Status)
        return m.StatusReply(64 << 20, 48 << 20, 1), b""


class FakeStorage:
    """Files by handle: a path, or None when they were removed."""

    door, name = s.DOOR, "S0"

    def __init__(self) -> None:
        self.paths: dict[int, str | None] = {}
        self.stats: dict[int, Stat] = {}

    def handle(self, sender: str, request: Any, payload: Any) -> tuple[Any, Any]:
        if isinstance(request, s.PathStat):
            return s.StatReply(Stat(mode=S_IFDIR | 0o755, dev=0xFE00), request.path), b""
        stat = self.stats.get(request.handle, Stat(mode=S_IFREG | 0o644, ino=77, dev=0xFE00))
        if isinstance(request, s.HandleStat):
            if request.handle not in self.paths:
                raise LinuxError(E.EBADF)
            return s.StatReply(stat), b""
        if isinstance(request, s.Duplicate):
            return s.OpenReply(request.handle + 1000, stat, m.ObjectId("S0", 5), "/gone"), b""
        assert isinstance(request, s.PathOf)
        path = self.paths[request.handle]
        if path is None:
            raise LinuxError(E.ENOENT, "/tmp/was here")
        return s.StatReply(stat, path), b""


class FakeCpu:
    """Registers in a variable."""

    def __init__(self) -> None:
        self.registers = Registers(rip=0x401002, rsp=0)

    def read_registers(self) -> Registers:
        return self.registers

    def write_registers(self, registers: Registers) -> None:
        self.registers = registers


class FakeKernel:
    """What `pcomponent.kernel.Kernel` offers to the parts tested."""

    def __init__(self, **options: Any) -> None:
        self.config = MachineConfig(mounts=MOUNTS, **options)
        transport = Loopback()
        self.memory, self.storage, self.console = FakeMemory(), FakeStorage(), ScriptedConsole()
        for monitor in (self.memory, self.storage, self.console):
            transport.attach(monitor)
        self.endpoint = Endpoint("P0", transport, Network())
        self.published_ports = None
        self.processes: dict[int, Any] = {}
        self.rendezvous = Rendezvous()
        self.random = RandomSource(self.config.seed, "kernel P0")
        self.cpu = FakeCpu()
        self.file_locks = FileLocks()
        self.turns, self.stirred, self.queue = 0, False, RunQueue()

    def monotonic_ns(self, task: Any) -> int:
        return task.meter.now_ns

    def realtime_ns(self, task: Any) -> int:
        return self.config.epoch_s * 10**9 + task.meter.now_ns


def new_process(kernel: Any, pid: int, name: str = "prog") -> Thread:
    """A process with one thread."""
    process = Process(kernel, pid, vnode=1)
    process.home, process.memories, process.storage, process.console = "M0", ["M0"], "S0", "console"
    process.path, process.command = f"/usr/bin/{name}", name
    process.arguments = [name.encode(), b"-x"]
    process.limits, process.signals, process.files = Limits(), SignalState(), FileTable()
    process.working_directory = WorkingDirectory(0, "/work")
    process.space = Space()  # type: ignore[assignment]
    arguments = name.encode() + b"\0-x\0"
    start = process.space.put(arguments + b"A=1\0B=2\0")  # type: ignore[attr-defined]
    process.strings = (start, start + len(arguments), start + len(arguments) + 8)
    task = Thread(process, pid)
    process.threads[pid] = task
    kernel.processes[pid] = process
    return task


def new_task(**options: Any) -> Any:
    """The only process of a new machine, with its standard streams."""
    task = new_process(FakeKernel(**options), 10)
    current.meter = task.meter
    task.process.files = open_standard(task)
    task.meter.now_ns = 0
    task.kernel.cpu.registers.rsp = task.memory.put(b"", room=1 << 16) + (1 << 16)  # type: ignore[attr-defined]
    return task


def terminal(task: Any, path: str = "/dev/pts/4") -> None:
    """Makes the console's streams a terminal."""
    console: ScriptedConsole = task.kernel.console
    stat = Stat(mode=0o020620, rdev=0x8804, ino=7, dev=24)

    def describe(stream: Stream, request: Any, payload: bytes) -> tuple[Any, Any]:
        from lego.console.messages import DescribeReply

        return DescribeReply(stat, 2, True, path), b""

    console.describe = describe  # type: ignore[method-assign]
    task.process.files = open_standard(task)


def call(task: Any, name: str, *arguments: Any) -> Any:
    """Makes a call to its end; one that waits is a generator, see `start`."""
    result = start(task, name, *arguments)
    if not isinstance(result, Generator):
        return result
    return finish(task, result)


def start(task: Any, name: str, *arguments: Any) -> Any:
    """Makes a call; bytes become pointers."""
    entry = next(each for each in TABLE.values() if each.name == name)
    values = [task.memory.put(value) if isinstance(value, bytes) else value for value in arguments]
    values += [0] * (len(entry.kinds) - len(values))
    return entry.handler(task, *[turn(value & MASK) for turn, value in zip(entry.convert, values, strict=True)])


def finish(task: Any, waiting: Generator[Wait, Wake, Any]) -> Any:
    """Lets the clock jump until a waiting call ends."""
    try:
        wait = next(waiting)
        for _ in range(100):
            if wait.ready is not None and wait.ready(0):
                wait = waiting.send(Wake.READY)
            elif wait.until_ns is not None:
                task.meter.now_ns = max(task.meter.now_ns, wait.until_ns)
                wait = waiting.send(Wake.TIMEOUT)
        raise AssertionError("the call waits for ever")
    except StopIteration as done:
        return done.value


def fails(task: Any, errno: int, name: str, *arguments: Any) -> None:
    """The call ends in this error."""
    try:
        result = call(task, name, *arguments)
    except LinuxError as error:
        assert error.errno == errno, f"{name}: {error.name}, not {E.errorcode[errno]}"
    else:
        raise AssertionError(f"{name} returned {result}, not {E.errorcode[errno]}")


def look(task: Any, path: str, follow: bool = True) -> Any:
    """The node of a path."""
    return PSEUDO.lookup(task, path, follow)


def leads(task: Any, path: str, follow: bool = True) -> str:
    """Where a path leads out to."""
    try:
        node = PSEUDO.lookup(task, path, follow)
    except Leads as out:
        return out.path
    raise AssertionError(f"{path} is {node.path}")


def refused(task: Any, path: str, follow: bool = True) -> int:
    """The error of a lookup."""
    try:
        PSEUDO.lookup(task, path, follow)
    except LinuxError as error:
        return error.errno
    raise AssertionError(f"{path} was found")


def contents(task: Any, path: str) -> str:
    """What a made-up file says."""
    file = look(task, path).open(task, 0)
    return drain(file.read(task, 1 << 20)).decode()


def drain(waiting: Generator[Any, Any, Any]) -> Any:
    """The result of a generator that does not wait."""
    try:
        next(waiting)
    except StopIteration as done:
        return done.value
    raise AssertionError("it waits")
