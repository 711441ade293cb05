"""Memory components on a loopback, with a storage component that keeps its files in Python."""

from __future__ import annotations

from typing import Any

import pytest

from lego.config import MachineConfig, Topology
from lego.fabric.endpoint import Endpoint
from lego.fabric.loopback import Loopback
from lego.fabric.network import Network
from lego.fabric.wire import Buffer, Done, Request
from lego.linux.errno import E, LinuxError
from lego.linux.mman import MAP_ANONYMOUS, MAP_GROWSDOWN, MAP_PRIVATE, PROT_READ, PROT_WRITE
from lego.linux.stat import S_IFREG, Stat
from lego.regions import PAGE, TASK_SIZE, VREGION_SHIFT, ObjectId, Region
from mcomponent import messages as m
from mcomponent.files import FileSource
from mcomponent.monitor import MemoryMonitor
from mcomponent.program import Program
from scomponent import messages as s

RW = PROT_READ | PROT_WRITE
ANON = MAP_PRIVATE | MAP_ANONYMOUS


class FakeFile:
    def __init__(self, number: int, data: bytes) -> None:
        self.thing = ObjectId("S0", number)
        self.data = bytearray(data)
        self.mtime_ns = 1000


class FakeStorage:
    """A storage component: regular files only, with handles that can be opened for writing."""

    name = "S0"
    door = s.DOOR

    def __init__(self) -> None:
        self.files: dict[str, FakeFile] = {}
        self.handles: dict[int, tuple[FakeFile, bool]] = {}
        self.asked: list[str] = []
        self.refuse_writes = 0
        self.room = 1 << 40
        self._clock = 1000
        self._next = 100

    def add(self, path: str, data: bytes) -> FakeFile:
        file = self.files[path] = FakeFile(len(self.files) + 1, data)
        return file

    def open(self, path: str, writable: bool = False) -> int:
        return self._handle(self.files[path], writable)

    def touch(self, file: FakeFile) -> None:
        """What a change on the host does."""
        self._clock += 1
        file.mtime_ns = self._clock

    def _handle(self, file: FakeFile, writable: bool) -> int:
        self._next += 1
        self.handles[self._next] = (file, writable)
        return self._next

    def _get(self, handle: int, write: bool = False) -> FakeFile:
        if handle not in self.handles:
            raise LinuxError(E.EBADF)
        file, writable = self.handles[handle]
        if write and not writable:
            raise LinuxError(E.EBADF)
        return file

    def _stat(self, file: FakeFile) -> Stat:
        mtime = file.mtime_ns
        return Stat(mode=S_IFREG | 0o755, size=len(file.data), mtime_ns=mtime, ctime_ns=mtime)

    def handle(self, sender: str, request: Any, payload: Buffer) -> tuple[Any, Buffer]:
        self.asked.append(type(request).__name__)
        if isinstance(request, s.Open):
            if request.path not in self.files:
                raise LinuxError(E.ENOENT)
            file = self.files[request.path]
            return s.OpenReply(self._handle(file, False), self._stat(file), file.thing, request.path), b""
        if isinstance(request, s.Close):
            for handle in request.handles:
                self.handles.pop(handle, None)
            return Done(), b""
        if isinstance(request, s.Duplicate):
            file = self._get(request.handle)
            if request.writable and not self.handles[request.handle][1]:
                raise LinuxError(E.EACCES)
            handle = self._handle(file, request.writable)
            return s.OpenReply(handle, self._stat(file), file.thing, ""), b""
        file = self._get(request.handle, isinstance(request, s.WriteAt | s.SetSize))
        if isinstance(request, s.ReadAt):
            data = bytes(file.data[request.offset : request.offset + request.length])
            return s.ReadAtReply(len(file.data), file.mtime_ns, file.mtime_ns), data
        if isinstance(request, s.WriteAt):
            return self._write(file, request, payload), b""
        if isinstance(request, s.SetSize):
            self.touch(file)
            del file.data[request.size :]
            file.data.extend(bytes(request.size - len(file.data)))
            return s.ReadAtReply(len(file.data), file.mtime_ns, file.mtime_ns), b""
        if isinstance(request, s.HandleStat):
            return s.StatReply(self._stat(file)), b""
        assert isinstance(request, s.SyncHandle)
        return Done(), b""

    def _write(self, file: FakeFile, request: s.WriteAt, payload: Buffer) -> s.WriteAtReply:
        if self.refuse_writes:
            raise LinuxError(self.refuse_writes)
        self.touch(file)
        offset = len(file.data) if request.append else request.offset
        data = bytes(payload)[: max(0, self.room - offset)]
        if len(file.data) < offset:
            file.data.extend(bytes(offset - len(file.data)))
        file.data[offset : offset + len(data)] = data
        return s.WriteAtReply(len(data), offset, len(file.data), file.mtime_ns, file.mtime_ns)


def small_program(brk: int = 0x600000) -> Program:
    """A stack of 16 pages with something on it, and nothing else."""
    stack = Region(TASK_SIZE - 16 * PAGE, TASK_SIZE, RW, ANON | MAP_GROWSDOWN, name="[stack]")
    contents = [(TASK_SIZE - 16, b"argc argv envp!!")]
    return Program([stack], contents, 0x400000, TASK_SIZE - 16, brk, "/bin/small", "small", [b"small"])


def load_small(files: FileSource, request: m.Execute) -> Program:
    return small_program()


class Rig:
    """A machine without processors: what they would ask is asked by the test."""

    def __init__(
        self,
        memories: int = 1,
        memory_bytes: int = 1 << 20,
        placement: str = "home",
        load: Any = load_small,
    ) -> None:
        self.config = MachineConfig(
            topology=Topology(1, memories, 1), memory_bytes=memory_bytes, memory_placement=placement
        )
        self.loopback = Loopback()
        self.storage = FakeStorage()
        self.loopback.attach(self.storage)
        self.load = load
        self._turn = 0
        self.monitors: list[MemoryMonitor] = []
        for number in range(memories):
            name = f"M{number}"
            endpoint = Endpoint(name, self.loopback, Network())
            monitor = MemoryMonitor(name, self.config, endpoint, load=lambda f, r: self.load(f, r), pick=self._pick)
            self.loopback.attach(monitor)
            self.monitors.append(monitor)
        self.endpoint = Endpoint("P0", self.loopback, Network())
        self.owners: dict[int, dict[int, str]] = {}

    def _pick(self, length: int) -> tuple[str, int]:
        """The global manager: each in turn with "spread", or else M0 or the one with the most free bytes."""
        free = {each.name: each.core.cache.available * PAGE for each in self.monitors}
        if self.config.memory_placement == "spread":
            self._turn += 1
            name = self.monitors[self._turn % len(self.monitors)].name
        elif free["M0"] >= length:
            name = "M0"
        else:
            name = max(free, key=lambda each: (free[each], each))
        if free[name] < length:
            raise LinuxError(E.ENOMEM)
        return name, free[name]

    def ask(self, request: Request, payload: Buffer = b"", to: str = "M0") -> Any:
        """The reply of a memory component."""
        return self.endpoint.call(to, request, payload)[0]

    def execute(self, space: int) -> m.ExecuteReply:
        reply: m.ExecuteReply = self.ask(
            m.Execute(space, 1, 0, "/bin/small", [b"small"], [], bytes(16), (0, 0, 0, 0), 8 << 20)
        )
        self.owners[space] = dict(reply.owners)
        return reply

    def layout(self, request: Any) -> Any:
        """A layout call of a space's processor, which learns of new owners."""
        reply = self.ask(request)
        self.owners[request.space].update(reply.owners)
        return reply

    def map(self, space: int, length: int, prot: int = RW, flags: int = ANON, address: int = 0, **more: Any) -> int:
        start: int = self.layout(m.Map(space, address, length, prot, flags, **more)).address
        return start

    def owner(self, space: int, address: int) -> str:
        return self.owners.get(space, {}).get(address >> VREGION_SHIFT, "M0")

    def miss(self, space: int, address: int, access: int = m.READ, **more: Any) -> tuple[m.MissReply, bytes]:
        reply, payload = self.endpoint.call(
            self.owner(space, address), m.Miss(space, address, access, **more), more.pop("payload", b"")
        )
        return reply, bytes(payload)

    def read(self, space: int, address: int) -> bytes:
        return self.miss(space, address)[1]

    def flush(self, space: int, address: int, page: bytes) -> None:
        self.endpoint.call(self.owner(space, address), m.Flush(space, [address]), page)

    def figures(self) -> list[dict[str, Any]]:
        """The gauges of all memories that must be back where they were once everything has ended."""
        names = ("frames_used", "page_cache_pages", "page_cache_dirty", "spaces", "owned_spaces", "handles")
        return [{name: each.snapshot()[name] for name in names} for each in self.monitors]


def page_of(text: str) -> bytes:
    return text.encode().ljust(PAGE, b".")


def pattern_bytes(length: int) -> bytes:
    """Bytes of which no two neighbouring pages are alike."""
    return b"".join((index % 65521).to_bytes(4, "little") for index in range(length // 4 + 1))[:length]


RIGS = {"params": [(1, "home"), (3, "home"), (3, "spread")], "ids": ["1M", "3M", "3M-spread"]}
"""For fixtures that make every kind of rig with `any_rig`."""


def any_rig(request: Any) -> Rig:
    memories, placement = request.param
    made = Rig(memories, memory_bytes=4 << 20, placement=placement)
    made.execute(1)
    return made


def errno_of(action: Any, *arguments: Any, **more: Any) -> int:
    with pytest.raises(LinuxError) as refused:
        action(*arguments, **more)
    return refused.value.errno


def open_file(rig: Rig, data: bytes, writable: bool = False, path: str = "/f") -> dict[str, Any]:
    file = rig.storage.add(path, data)
    return {"object": file.thing, "handle": rig.storage.open(path, writable), "name": path}


def fork(rig: Rig, space: int, child: int) -> None:
    rig.ask(m.Fork(space, child))
    rig.owners[child] = dict(rig.owners[space])
