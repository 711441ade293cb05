"""The process monitor: the processor component's part of the operating system."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from lego.config import MachineConfig
from lego.fabric.endpoint import Endpoint
from lego.fabric.wire import Buffer, Done, Request
from lego.linux.errno import E, LinuxError
from lego.linux.signal import Sig, SigInfo
from pcomponent import messages, syscalls
from pcomponent.cpu import Cpu
from pcomponent.excache.cache import ExCache, geometry
from pcomponent.execution import Executor
from pcomponent.kernel import Kernel
from pcomponent.lifecycle import Lifecycle
from pcomponent.messages import Signal, Start, Statistics, StatisticsReply, Wait, WaitReply
from pcomponent.process import Process
from pcomponent.scheduler import Scheduler
from pcomponent.seats.cpu import SeatCpu
from pcomponent.seats.executor import SeatExecutor
from pcomponent.seats.guests import Guests
from pcomponent.seats.table import Seat
from pcomponent.signals import send_to_process

TERMINAL_SIGNALS = (Sig.HUP, Sig.INT, Sig.QUIT, Sig.TSTP, Sig.CONT, Sig.WINCH)
"""Signals that come from the terminal, as far as the front end can know."""


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
        self._guests = Guests(kernel, self._lifecycle)
        kernel.seats.make = self._make_seat
        self._handlers: dict[type[Request], Callable[[Any], msgspec.Struct]] = {
            Start: self._start,
            Wait: self._wait,
            Signal: self._signal,
            Statistics: self._statistics,
        }

    def handle(self, sender: str, request: Request, payload: Buffer) -> tuple[msgspec.Struct, Buffer]:
        """Serves one request."""
        handler = self._handlers.get(type(request))
        return (handler(request), b"") if handler is not None else self._guests.handle(request, payload)

    def close(self) -> None:
        """Ends the scheduler; programs that still run are gone."""
        self._scheduler.close()

    def _make_seat(self, name: str) -> Seat:
        cpu = SeatCpu(name, self._kernel.endpoint)
        return Seat(name, cpu, SeatExecutor(self._kernel, cpu, self._lifecycle, name))

    def _start(self, request: Start) -> Done:
        self._scheduler.ask(lambda: self._lifecycle.start(request))
        return Done()

    def _process(self, pid: int) -> Process:
        process = self._kernel.processes.get(pid)
        if process is None:
            raise LinuxError(E.ESRCH)
        return process

    def _wait(self, request: Wait) -> WaitReply:
        process = self._process(request.pid)
        ended = self._scheduler.wait(
            lambda: process.status is not None or process.lost is not None, request.timeout_ms / 1000
        )
        if not ended:
            return WaitReply(False)
        if process.lost is None:
            # On the scheduler's thread, hence after the last of what its end does.
            self._scheduler.ask(lambda: self._lifecycle.collect(process))
        if process.lost is not None:
            return WaitReply(True, lost=process.lost[0], why=process.lost[1])
        assert process.status is not None
        return WaitReply(True, code=process.status >> 8, signal=process.status & 0x7F)

    def _signal(self, request: Signal) -> Done:
        process = self._process(request.pid)
        if request.number:
            self._scheduler.ask(lambda: self._send(process, request.number))
        return Done()

    def _send(self, process: Process, number: int) -> None:
        """What a terminal sends is for all of the program's group."""
        targets = [process]
        if number in TERMINAL_SIGNALS:
            targets = [each for each in self._kernel.processes.values() if each.group == process.group]
        for each in targets:
            if each.status is None:
                send_to_process(each, number, SigInfo.kernel(number))

    def _statistics(self, request: Statistics) -> StatisticsReply:
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
