"""The process monitor: the processor component's part of the operating system."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from lego.config import MachineConfig
from lego.fabric.endpoint import Endpoint
from lego.fabric.wire import Buffer, Done, Request
from lego.linux.errno import E, LinuxError
from pcomponent import messages, syscalls
from pcomponent.cpu import Cpu
from pcomponent.excache.cache import ExCache, geometry
from pcomponent.execution import Executor
from pcomponent.kernel import Kernel
from pcomponent.lifecycle import Lifecycle, NoDirectory
from pcomponent.messages import (
    Kill,
    Meet,
    Processes,
    ProcessesReply,
    Signal,
    Start,
    StartReply,
    Statistics,
    StatisticsReply,
    TerminalHangUp,
    TerminalInput,
    TerminalInputReply,
    TerminalResize,
    Wait,
    WaitReply,
)
from pcomponent.outside import Outside
from pcomponent.process import Process
from pcomponent.published import PublishedPorts
from pcomponent.scheduler import Scheduler
from pcomponent.seats.cpu import SeatCpu
from pcomponent.seats.executor import SeatExecutor
from pcomponent.seats.guests import Guests
from pcomponent.seats.table import Seat
from pcomponent.terminals.terminal import Terminal


class ProcessorMonitor:
    """Serves `pcomponent.messages`; programs run on the scheduler's own host thread."""

    door = messages.DOOR

    def __init__(self, name: str, config: MachineConfig, endpoint: Endpoint) -> None:
        self.name = name
        syscalls.load_all()
        cache = ExCache(*geometry(config.excache_bytes, config.ways))
        self._kernel = kernel = Kernel(config, endpoint, cache)
        kernel.cpu = cache.translations = Cpu(cache, config.cores)
        if config.publish:
            kernel.published_ports = PublishedPorts(config.publish, endpoint)
        self._lifecycle = kernel.lifecycle = Lifecycle(kernel)
        self._scheduler = Scheduler(kernel, Executor(kernel, kernel.cpu, self._lifecycle), self._lifecycle)
        self._guests = Guests(kernel, self._lifecycle)
        kernel.seats.make = self._make_seat
        self._outside = Outside(kernel, self._scheduler)
        self._handlers: dict[type[Request], Callable[[str, Any], msgspec.Struct]] = {
            Start: self._start,
            Meet: self._meet,
            Wait: self._wait,
            Signal: self._signal,
            Kill: self._kill,
            Processes: self._processes,
            TerminalResize: self._terminal_resize,
            TerminalHangUp: self._terminal_hang_up,
            Statistics: self._statistics,
        }

    def handle(self, sender: str, request: Request, payload: Buffer) -> tuple[msgspec.Struct, Buffer]:
        """Serves one request."""
        if isinstance(request, TerminalInput):
            return self._terminal_input(request, bytes(payload)), b""
        handler = self._handlers.get(type(request))
        return (handler(sender, request), b"") if handler is not None else self._guests.handle(request, payload)

    def departed(self, sender: str) -> None:
        """A caller's connections have ended: the runs of a front end are hung up."""
        self._outside.departed(sender)

    def close(self) -> None:
        """Ends the scheduler; programs that still run are gone."""
        self._outside.close()
        self._scheduler.close()

    def _make_seat(self, name: str) -> Seat:
        cpu = SeatCpu(name, self._kernel.endpoint)
        return Seat(name, cpu, SeatExecutor(self._kernel, cpu, self._lifecycle, name))

    def _start(self, sender: str, request: Start) -> StartReply:
        def start() -> None:
            process = self._lifecycle.start(request)
            self._scheduler.admit(process)
            self._outside.started(sender, process)

        try:
            self._scheduler.ask(start)
        except NoDirectory as error:
            return StartReply(error.errno)
        return StartReply()

    def _meet(self, sender: str, request: Meet) -> Done:
        self._scheduler.ask(lambda: self._outside.meet(sender, request))
        return Done()

    def _process(self, pid: int) -> Process:
        process = self._kernel.processes.get(pid)
        if process is None:
            raise LinuxError(E.ESRCH)
        return process

    def _wait(self, sender: str, request: Wait) -> WaitReply:
        process = self._process(request.pid)
        ended = self._scheduler.wait(
            lambda: process.status is not None or process.lost is not None, request.timeout_ms / 1000
        )
        if not ended:
            return WaitReply(False)
        if process.lost is None:
            # On the scheduler's thread, hence after the last of what its end does.
            self._scheduler.ask(lambda: self._outside.collected(process))
        if process.lost is not None:
            return WaitReply(True, lost=process.lost[0], why=process.lost[1])
        assert process.status is not None
        virtual_ns = process.kin.run_ns - process.started_ns
        return WaitReply(True, code=process.status >> 8, signal=process.status & 0x7F, virtual_ns=virtual_ns)

    def _signal(self, sender: str, request: Signal) -> Done:
        process = self._process(request.pid)
        if request.number:
            self._scheduler.ask(lambda: self._outside.signal(process, request.number))
        return Done()

    def _kill(self, sender: str, request: Kill) -> Done:
        self._scheduler.ask(lambda: self._outside.kill(request.pid, request.number))
        return Done()

    def _processes(self, sender: str, request: Processes) -> ProcessesReply:
        reply: ProcessesReply = self._scheduler.ask(self._outside.everybody)
        return reply

    def _terminal(self, pid: int) -> Terminal:
        terminal = self._kernel.rendezvous.terminals.of_run(self._process(pid))
        if terminal is None:
            raise LinuxError(E.EIO)
        return terminal

    def _terminal_input(self, request: TerminalInput, data: bytes) -> TerminalInputReply:
        count = self._scheduler.ask(lambda: self._terminal(request.pid).type(data, self._scheduler.now_ns))
        return TerminalInputReply(count)

    def _terminal_resize(self, sender: str, request: TerminalResize) -> Done:
        self._scheduler.ask(lambda: self._terminal(request.pid).resize(request.size, self._scheduler.now_ns))
        return Done()

    def _terminal_hang_up(self, sender: str, request: TerminalHangUp) -> Done:
        self._scheduler.ask(lambda: self._terminal(request.pid).hang_up(self._scheduler.now_ns))
        return Done()

    def _statistics(self, sender: str, request: Statistics) -> StatisticsReply:
        kernel = self._kernel
        kernel.counters.seated_spaces, kernel.counters.seated_threads = self._guests.held()
        return StatisticsReply(
            msgspec.json.encode(
                {
                    "virtual_ns": self._lifecycle.latest_ns,
                    **kernel.counters.snapshot(),
                    "excache": kernel.cache.statistics(),
                    "links": kernel.endpoint.statistics(),
                }
            )
        )
