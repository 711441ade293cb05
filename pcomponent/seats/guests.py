"""What a processor does for threads that another one keeps: runs them in user mode, with its own CPU and ExCache.

The keeper sends one request at a time, from whatever host thread; a lock makes sure. Misses, write-backs, stores into
code and RDTSC are dealt with here, against the memory components; whatever the kernel must know goes back.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from lego.fabric.wire import Buffer, Done, Request
from lego.observe.clock import current
from lego.regions import Region, ranges_of
from mcomponent.messages import LayoutReply, RemapReply
from pcomponent import seat_messages as ask
from pcomponent.cpu import Cpu, Stop
from pcomponent.execution import UNFINISHED_STOPS, Executor
from pcomponent.process import Process, Thread
from pcomponent.registers import Registers
from pcomponent.space import Space
from pcomponent.tracing.peek import Memory

if TYPE_CHECKING:
    from pcomponent.kernel import Kernel
    from pcomponent.lifecycle import Lifecycle

STOPS_MAX = 2_000
"""After so many misses a thread comes back, whatever is left of its turn: no message is answered too late."""


class GuestSpace(Space):
    """A space whose process another processor keeps: it must learn of stacks that grow."""

    def __init__(self, kernel: Kernel, number: int, pid: int, memories: list[str], home: str) -> None:
        super().__init__(kernel, number, pid, memories, home)
        self.grown: list[Region] = []

    def _grow(self, region: Region) -> None:
        super()._grow(region)
        self.grown.append(region)

    def take_grown(self) -> list[Region]:
        """What the keeper has not been told yet."""
        grown, self.grown = self.grown, []
        return grown


class GuestExecutor(Executor):
    """Runs a thread until the kernel has to see to it."""

    def __init__(self, kernel: Kernel, cpu: Cpu, lifecycle: Lifecycle) -> None:
        super().__init__(kernel, cpu, lifecycle)
        self._why = ask.PAUSED
        self._arguments: tuple[int, ...] = ()
        self._fault = (0, 0, 0, 0, 0)

    def run(self, task: Thread, request: ask.Run) -> ask.RunReply:
        """One turn, or a part of one."""
        executed = task.instructions
        self._why, self._arguments, self._fault = ask.PAUSED, (), (0, 0, 0, 0, 0)
        self._until_ns, self._budget = request.until_ns, max(1, request.instructions)
        stop = Stop.QUANTUM
        for _ in range(STOPS_MAX):
            stop = self._user(task)
            if not self._stops[stop](task) or self._why == ask.FAULT:
                break
            if task.meter.now_ns >= self._until_ns and stop is not Stop.AGAIN:
                self._budget = min(self._budget, 1 if stop in UNFINISHED_STOPS else 0)
            if self._budget <= 0:
                break
        if self._why == ask.PAUSED and stop in UNFINISHED_STOPS:
            self._why = ask.UNFINISHED
        return ask.RunReply(
            self._why,
            task.meter.now_ns,
            task.instructions - executed,
            task.rip,
            task.flags,
            self._arguments,
            self._fault,
        )

    def enter(self, task: Thread) -> None:
        """Makes a thread's state the CPU's."""
        current.meter = task.meter
        self._load(task)

    def leave(self, task: Thread) -> None:
        """Nothing of a thread stays."""
        if self._on_cpu is task:
            self._on_cpu = None
        task.context = None

    def _on_syscall(self, task: Thread) -> bool:
        self._account(task)
        *arguments, task.rip, task.flags = self._cpu.syscall_arguments()
        self._why, self._arguments = ask.SYSCALL, tuple(arguments)
        return False

    def _send_fault(self, task: Thread, number: int, code: int, address: int, vector: int, error: int = 0) -> None:
        self._why, self._fault = ask.FAULT, (number, code, address, vector, error)


class Guests:
    """Spaces and threads that other processors keep."""

    def __init__(self, kernel: Kernel, lifecycle: Lifecycle) -> None:
        self._kernel = kernel
        self._executor = GuestExecutor(kernel, kernel.cpu, lifecycle)
        self._spaces: dict[int, GuestSpace] = {}
        self._processes: dict[int, Process] = {}
        self._threads: dict[int, Thread] = {}
        self._lock = threading.RLock()
        self._handlers: dict[type[Request], Callable[[Any, Buffer], tuple[msgspec.Struct, Buffer]]] = {
            ask.Run: self._run,
            ask.ReadRegisters: self._read_registers,
            ask.EndThread: self._end_thread,
            ask.Settle: self._settle,
            ask.Leave: self._leave,
            ask.Read: self._read,
            ask.Look: self._look,
            ask.Write: self._write,
            ask.Rearrange: self._rearrange,
            ask.Rights: self._rights,
            ask.Forget: self._forget,
            ask.FlushRange: self._flush_range,
            ask.Held: self._held,
            ask.FlushShared: self._flush_shared,
            ask.Changed: self._changed,
        }

    def handle(self, request: Request, payload: Buffer) -> tuple[msgspec.Struct, Buffer]:
        """Serves one request of `pcomponent.seat_messages`."""
        with self._lock:
            return self._handlers[type(request)](request, payload)

    def held(self) -> tuple[int, int]:
        """How many spaces and threads there are."""
        return len(self._spaces), len(self._threads)

    # ---- threads --------------------------------------------------------------------------------------

    def _thread(self, number: int, space: int) -> Thread:
        task = self._threads.get(number)
        if task is None:
            task = self._threads[number] = Thread(self._processes[space], number)
        return task

    def _set_result(self, result: tuple[int, int, int] | None) -> None:
        if result is not None:
            self._kernel.cpu.write_result(*result)

    def _run(self, request: ask.Run, payload: Buffer) -> tuple[ask.RunReply, Buffer]:
        task = self._thread(request.thread, request.space)
        task.meter.now_ns = request.now_ns
        if payload and task.context is None:
            task.start = Registers.unpack(payload)
        fresh = task.context is None
        self._executor.enter(task)
        if payload and not fresh:
            self._kernel.cpu.write_registers(Registers.unpack(payload))
        self._set_result(request.result)
        task.rip = request.rip
        reply = self._executor.run(task, request)
        return msgspec.structs.replace(reply, grown=self._spaces[request.space].take_grown()), b""

    def _read_registers(self, request: ask.ReadRegisters, payload: Buffer) -> tuple[Done, Buffer]:
        meter = current.meter
        self._executor.enter(self._thread(request.thread, request.space))
        current.meter = meter
        self._set_result(request.result)
        return Done(), self._kernel.cpu.read_registers().pack()

    def _end_thread(self, request: ask.EndThread, payload: Buffer) -> tuple[Done, Buffer]:
        task = self._threads.pop(request.thread, None)
        if task is not None:
            self._executor.leave(task)
        return Done(), b""

    # ---- spaces ---------------------------------------------------------------------------------------

    def _settle(self, request: ask.Settle, payload: Buffer) -> tuple[Done, Buffer]:
        kernel = self._kernel
        space = GuestSpace(kernel, kernel.new_space_number(), request.name, request.memories, request.home)
        space.load(request.regions, request.resident, request.owners)
        self._spaces[request.space] = space
        process = self._processes[request.space] = Process(kernel, 0, 0)
        process.space = space
        return Done(), b""

    def _leave(self, request: ask.Leave, payload: Buffer) -> tuple[Done, Buffer]:
        del self._processes[request.space]
        self._kernel.leave_space(self._spaces.pop(request.space))
        return Done(), b""

    def _read(self, request: ask.Read, payload: Buffer) -> tuple[ask.AccessReply, Buffer]:
        space = self._spaces[request.space]
        data = space.read(request.address, request.length)
        return ask.AccessReply(space.take_grown()), data

    def _look(self, request: ask.Look, payload: Buffer) -> tuple[ask.LookReply, Buffer]:
        contents = Memory(self._spaces[request.space]).page(request.page)
        return ask.LookReply(contents is not None), b"" if contents is None else contents

    def _write(self, request: ask.Write, payload: Buffer) -> tuple[ask.AccessReply, Buffer]:
        space = self._spaces[request.space]
        space.write(request.address, payload)
        return ask.AccessReply(space.take_grown()), b""

    def _rearrange(self, request: ask.Rearrange, payload: Buffer) -> tuple[Done, Buffer]:
        reply = RemapReply(0, request.removed, request.added, request.owners, request.moved)
        self._spaces[request.space].remap(reply)
        return Done(), b""

    def _rights(self, request: ask.Rights, payload: Buffer) -> tuple[Done, Buffer]:
        self._spaces[request.space].protect(LayoutReply(0, [], request.added, {}))
        return Done(), b""

    def _forget(self, request: ask.Forget, payload: Buffer) -> tuple[Done, Buffer]:
        self._spaces[request.space].forget(request.start, request.end)
        return Done(), b""

    def _flush_range(self, request: ask.FlushRange, payload: Buffer) -> tuple[Done, Buffer]:
        space = self._spaces[request.space]
        flush = {ask.ALL: space.flush_range, ask.SHARED: space.flush_shared, ask.PRIVATE: space.flush_private}
        flush[request.kind](request.start, request.end)
        return Done(), b""

    def _held(self, request: ask.Held, payload: Buffer) -> tuple[ask.HeldReply, Buffer]:
        lines, resident = self._spaces[request.space].held(request.start, request.end)
        return ask.HeldReply(ranges_of(lines), ranges_of(resident)), b""

    def _flush_shared(self, request: ask.FlushShared, payload: Buffer) -> tuple[Done, Buffer]:
        if request.give_up:
            self._kernel.give_up_object(request.object)
        else:
            self._kernel.flush_object(request.object)
        return Done(), b""

    def _changed(self, request: ask.Changed, payload: Buffer) -> tuple[Done, Buffer]:
        self._kernel.object_changed(request.object, request.offset, request.length)
        return Done(), b""
