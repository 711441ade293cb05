"""A thread for tests of files and file calls: flat memory, a real storage component, a page cache that keeps nothing,
and a console that is scripted."""

from __future__ import annotations

import importlib
import struct
from collections.abc import Generator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from lego.config import MachineConfig, Mount
from lego.console import messages as c
from lego.fabric.endpoint import Endpoint
from lego.fabric.loopback import Loopback
from lego.fabric.network import Network
from lego.fabric.wire import Done
from lego.linux.errno import E, LinuxError
from lego.linux.stat import S_IFCHR, S_IFIFO, S_IFREG, Stat
from lego.observe.clock import Meter, current
from mcomponent import messages as m
from pcomponent.attributes import ProcessAttributes
from pcomponent.credentials import Credentials
from pcomponent.files.locks import FileLocks
from pcomponent.files.table import FileTable
from pcomponent.kinship import Kinship
from pcomponent.process import Transfers, WorkingDirectory
from pcomponent.rendezvous import Rendezvous
from pcomponent.rlimits import Limits
from pcomponent.run_queue import RunQueue
from pcomponent.signals import SignalState, ThreadSignals
from pcomponent.syscalls import load_all
from pcomponent.syscalls.table import TABLE
from pcomponent.waiting import Wait, Wake
from scomponent import messages as s
from scomponent.monitor import StorageMonitor
from scomponent.namespace import Namespace

load_all()

FAMILIES = (
    "attributes", "descriptors", "directories", "files", "filesystem", "opening", "pipes", "polling", "transfer",
    "xattrs",
)  # fmt: skip
for family in FAMILIES:  # Importing one registers its calls.
    importlib.import_module(f"pcomponent.syscalls.{family}")

BASE, SIZE = 0x10000, 8 << 20
VNODE = 1
MASK = (1 << 64) - 1


class FlatMemory:
    """`SIZE` bytes at `BASE`; every other address faults."""

    def __init__(self) -> None:
        self.bytes = bytearray(SIZE)
        self._next = BASE

    def _range(self, address: int, length: int) -> slice:
        if length and not BASE <= address <= address + length <= BASE + SIZE:
            raise LinuxError(E.EFAULT)
        return slice(address - BASE, address - BASE + length)

    def read(self, address: int, length: int) -> bytes:
        return bytes(self.bytes[self._range(address, length)])

    def write(self, address: int, data: Any) -> None:
        data = bytes(data)
        self.bytes[self._range(address, len(data))] = data

    def read_string(self, address: int, limit: int = 4096) -> bytes:
        found = self.bytes.find(0, address - BASE, address - BASE + limit)
        if not BASE <= address < BASE + SIZE:
            raise LinuxError(E.EFAULT)
        if found < 0:
            raise LinuxError(E.ENAMETOOLONG if address + limit <= BASE + SIZE else E.EFAULT)
        return bytes(self.bytes[address - BASE : found])

    def read_struct(self, shape: struct.Struct, address: int) -> tuple[Any, ...]:
        return shape.unpack(self.read(address, shape.size))

    def write_struct(self, shape: struct.Struct, address: int, *values: Any) -> None:
        self.write(address, shape.pack(*values))

    def put(self, data: bytes, room: int = 0) -> int:
        """Somewhere to keep data; returns its address."""
        address = self._next
        self._next += max(len(data), room) + 64 & -16
        self.write(address, data)
        return address


class PlainCache:
    """A memory component that passes file calls on to storage. `log` has the requests."""

    door = m.DOOR

    def __init__(self, name: str, transport: Loopback) -> None:
        self.name = name
        self.log: list[Any] = []
        self._storage = Endpoint(name, transport, Network())

    def handle(self, sender: str, request: Any, payload: Any) -> tuple[Any, Any]:
        self.log.append(request)
        if isinstance(request, m.FileRead):
            reply, data = self._storage.call("S0", s.ReadAt(request.handle, request.offset, request.length))
            return m.CountReply(len(data), reply.size), data
        if isinstance(request, m.FileWrite):
            order = s.WriteAt(request.handle, request.offset, request.append)
            reply, _ = self._storage.call("S0", order, payload)
            return m.CountReply(reply.count, reply.size), b""
        if isinstance(request, m.FileTruncate):
            self._storage.call("S0", s.SetSize(request.handle, request.size))
        elif isinstance(request, m.FileSync):
            self._storage.call("S0", s.SyncHandle(request.handle))
        return Done(), b""


class Stream:
    """One stream of the scripted console. `arrivals` are what reads find in turn: bytes, b"" for the end, None for
    nothing yet. `takes` is how many bytes each write takes in turn, None for no room; then everything."""

    def __init__(self, mode: int = S_IFIFO | 0o600, flags: int = 2, terminal: bool = False) -> None:
        self.mode, self.flags, self.terminal = mode, flags, terminal
        self.arrivals: list[bytes | None] = []
        self.takes: list[int | None] = []
        self.broken = False
        self.written = b""
        self.content = bytearray()
        self.position = 0

    @property
    def regular(self) -> bool:
        return self.mode & 0o170000 == S_IFREG


class ScriptedConsole:
    """Serves `lego.console.messages` from `Stream`s; `log` has the requests."""

    door = c.DOOR
    name = "console"

    def __init__(self) -> None:
        self.streams: dict[int, Stream] = {number: Stream() for number in range(3)}
        self.log: list[Any] = []

    def handle(self, sender: str, request: Any, payload: Any) -> tuple[Any, Any]:
        self.log.append(request)
        if isinstance(request, c.Poll):
            return c.PollReply([self._events(*pair) for pair in zip(request.streams, request.events, strict=True)]), b""
        stream = self.streams.get(request.stream)
        if stream is None:
            raise LinuxError(E.EBADF)
        return getattr(self, type(request).__name__.lower())(stream, request, bytes(payload))

    def _events(self, number: int, events: int) -> int:
        stream = self.streams[number]
        ready = 4
        if stream.arrivals and stream.arrivals[0] is not None:
            ready |= 1
        elif stream.arrivals:
            stream.arrivals.pop(0)
        return events & ready

    def describe(self, stream: Stream, request: Any, payload: bytes) -> tuple[Any, Any]:
        stat = Stat(mode=stream.mode, size=len(stream.content))
        return c.DescribeReply(stat, stream.flags, stream.terminal, "pipe:[1]"), b""

    def read(self, stream: Stream, request: Any, payload: bytes) -> tuple[Any, Any]:
        if stream.regular:
            start = stream.position if request.offset < 0 else request.offset
            data = bytes(stream.content[start : start + request.length])
            stream.position += len(data) if request.offset < 0 else 0
            return c.CountReply(len(data)), data
        if not stream.arrivals:
            return c.CountReply(0, again=True), b""
        data = stream.arrivals.pop(0)
        if data is None:
            return c.CountReply(0, again=True), b""
        if len(data) > request.length:
            stream.arrivals.insert(0, data[request.length :])
            data = data[: request.length]
        return c.CountReply(len(data)), data

    def write(self, stream: Stream, request: Any, payload: bytes) -> tuple[Any, Any]:
        if stream.broken:
            raise LinuxError(E.EPIPE)
        if stream.regular:
            start = stream.position if request.offset < 0 else request.offset
            stream.content[start : start + len(payload)] = payload
            stream.position += len(payload) if request.offset < 0 else 0
            return c.CountReply(len(payload)), b""
        count = stream.takes.pop(0) if stream.takes else len(payload)
        if count is None:
            return c.CountReply(0, again=True), b""
        stream.written += payload[:count]
        return c.CountReply(min(count, len(payload))), b""

    def seek(self, stream: Stream, request: Any, payload: bytes) -> tuple[Any, Any]:
        if not stream.regular:
            raise LinuxError(E.ESPIPE)
        base = (0, stream.position, len(stream.content))[request.whence]
        stream.position = base + request.offset
        return c.CountReply(stream.position), b""

    def truncate(self, stream: Stream, request: Any, payload: bytes) -> tuple[Any, Any]:
        del stream.content[request.size :]
        return c.CountReply(0), b""

    def control(self, stream: Stream, request: Any, payload: bytes) -> tuple[Any, Any]:
        if not stream.terminal:
            raise LinuxError(E.ENOTTY)
        return c.CountReply(0), b"" if payload else struct.pack("<4H", 24, 80, 0, 0)


TERMINAL = S_IFCHR | 0o620


class Guest:
    """A thread with a storage component that shows `root` read-write, and calls by name."""

    def __init__(self, root: Path) -> None:
        transport = Loopback()
        self.namespace = Namespace([Mount(str(root), "/", writable=True)])
        self.storage = StorageMonitor("S0", {VNODE: self.namespace})
        self.cache = PlainCache("M0", transport)
        self.console = ScriptedConsole()
        for monitor in (self.storage, self.cache, self.console):
            transport.attach(monitor)
        self.memory = FlatMemory()
        self.flushed: list[Any] = []
        self.changed: list[Any] = []
        self.kernel = SimpleNamespace(
            endpoint=Endpoint("P0", transport, Network()),
            flush_object=self.flushed.append,
            object_changed=lambda thing, offset, length: self.changed.append((offset, length)),
            spaces={},
            realtime_ns=lambda task: 1_700_000_000_000_000_123,
            monotonic_ns=lambda task: task.meter.now_ns,
            processes={},
            rendezvous=Rendezvous(),
            file_locks=FileLocks(),
            turns=0,
            stirred=False,
            queue=RunQueue(),
            config=MachineConfig(),
        )
        process = SimpleNamespace(
            kernel=self.kernel, pid=7, group=7, session=7, vnode=VNODE, storage="S0", memories=["M0"],
            console="console", umask=0o022, limits=Limits(), files=FileTable(),
            status=None, parent=1, command="test", kin=Kinship(), terminal=None,
            attributes=ProcessAttributes(), credentials=Credentials.of(0, 0, 0, 0),
            signals=SignalState(), working_directory=WorkingDirectory(0, "/"), transfers=Transfers(),
        )  # fmt: skip
        self.kernel.processes[7] = process
        self.meter = Meter()
        current.meter = self.meter
        self.task = SimpleNamespace(
            process=process, kernel=self.kernel, memory=self.memory, meter=self.meter, signal_mask=0,
            signals=ThreadSignals(), tid=7, credentials=process.credentials,
        )  # fmt: skip
        process.threads = {7: self.task}

    def close(self) -> None:
        self.storage.close_all()

    @property
    def files(self) -> FileTable:
        files: FileTable = self.task.process.files
        return files

    def handles(self) -> int:
        """Open handles at the storage component."""
        return len(self.storage._storage.files)

    def call(self, name: str, *arguments: Any) -> Any:
        """Makes a call; str and bytes become pointers. Returns the result or raises."""
        entry = next(call for call in TABLE.values() if call.name == name)
        values = [self.pointer(value) for value in arguments]
        values += [0] * (len(entry.kinds) - len(values))
        result = entry.handler(
            self.task, *[convert(value & MASK) for convert, value in zip(entry.convert, values, strict=True)]
        )
        return finish(result) if isinstance(result, Generator) else result

    def pointer(self, value: Any) -> int:
        if isinstance(value, str):
            value = value.encode(errors="surrogateescape") + b"\0"
        return self.memory.put(value) if isinstance(value, bytes) else int(value)

    def fails(self, errno: int, name: str, *arguments: Any) -> None:
        """The call ends in this error."""
        try:
            result = self.call(name, *arguments)
        except LinuxError as error:
            assert error.errno == errno, f"{name}: {error.name}, not {E.errorcode[errno]}"
        else:
            raise AssertionError(f"{name} returned {result}, not {E.errorcode[errno]}")

    def read(self, fd: int, count: int) -> bytes:
        """read(2) into a buffer of its own."""
        buffer = self.memory.put(b"", room=count)
        return self.memory.read(buffer, self.call("read", fd, buffer, count))

    def write(self, fd: int, data: bytes) -> int:
        """write(2)."""
        return int(self.call("write", fd, data, len(data)))


def finish(call: Generator[Wait, Wake, Any], tries: int = 50) -> Any:
    """Runs a call to its end as the scheduler would when nothing else can run."""
    try:
        wait = next(call)
        for _ in range(tries):
            ready = wait.ready is not None and wait.ready(5)
            if ready:
                wait = call.send(Wake.READY)
            elif wait.until_ns is not None and not wait.outside:
                current.meter.now_ns = max(current.meter.now_ns, wait.until_ns)
                wait = call.send(Wake.TIMEOUT)
        raise AssertionError("the call waits for ever")
    except StopIteration as done:
        return done.value
