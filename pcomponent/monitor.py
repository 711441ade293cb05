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
from pcomponent.lifecycle import Lifecycle
from pcomponent.messages import (
    Kill,
    Meet,
    Processes,
    ProcessesReply,
    Signal,
    Start,
    Statistics,
    StatisticsReply,
    Wait,
    WaitReply,
)
from pcomponent.outside import Outside
from pcomponent.process import Process
from pcomponent.scheduler import Scheduler


class ProcessorMonitor:
    """Serves `pcomponent.messages`; programs run on the scheduler's own host thread."""

    door = messages.DOOR

    def __init__(self, name: str, config: MachineConfig, endpoint: Endpoint) -> None:
        self.name = name
        syscalls.load_all()
        cache = ExCache(*geometry(config.excache_bytes, config.ways))
        self._kernel = kernel = Kernel(config, endpoint, cache)
        kernel.cpu = cache.translations = Cpu(cache.arena, cache.words, config.cores)
        self._lifecycle = kernel.lifecycle = Lifecycle(kernel)
        self._scheduler = Scheduler(kernel, Executor(kernel, kernel.cpu, self._lifecycle), self._lifecycle)
        self._outside = Outside(kernel, self._scheduler)
        self._handlers: dict[type[Request], Callable[[str, Any], msgspec.Struct]] = {
            Start: self._start,
            Meet: self._meet,
            Wait: self._wait,
            Signal: self._signal,
            Kill: self._kill,
            Processes: self._processes,
            Statistics: self._statistics,
        }

    def handle(self, sender: str, request: Request, payload: Buffer) -> tuple[msgspec.Struct, Buffer]:
        """Serves one request."""
        return self._handlers[type(request)](sender, request), b""

    def departed(self, sender: str) -> None:
        """A caller's connections have ended: the runs of a front end are hung up."""
        self._outside.departed(sender)

    def close(self) -> None:
        """Ends the scheduler; programs that still run are gone."""
        self._outside.close()
        self._scheduler.close()

    def _start(self, sender: str, request: Start) -> Done:
        def start() -> None:
            process = self._lifecycle.start(request)
            self._scheduler.admit(process)
            self._outside.started(sender, process)

        self._scheduler.ask(start)
        return Done()

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
        return ProcessesReply(self._scheduler.ask(self._outside.rows))

    def _statistics(self, sender: str, request: Statistics) -> StatisticsReply:
        kernel = self._kernel
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
