"""The same process as in guest_rig, but kept by one processor and run by another: all that it does goes by message."""

from __future__ import annotations

from typing import Any

import msgspec
from guest_rig import AccessFault, GuestRig

from lego.fabric.endpoint import Endpoint
from lego.fabric.wire import Buffer
from lego.regions import TASK_SIZE
from mcomponent.messages import Fork
from pcomponent.cpu import Cpu
from pcomponent.excache.cache import ExCache
from pcomponent.execution import FOREVER_NS
from pcomponent.forking import _forked
from pcomponent.kernel import Kernel
from pcomponent.messages import DOOR
from pcomponent.registers import Registers
from pcomponent.seat_messages import FAULT, SYSCALL
from pcomponent.seats.cpu import SeatCpu
from pcomponent.seats.guests import Guests
from pcomponent.seats.space import SeatSpace, new_space
from pcomponent.seats.table import Seat
from pcomponent.space import Space


class OtherProcessor:
    """A processor component that keeps nothing of its own."""

    door = DOOR

    def __init__(self, name: str, rig: GuestRig, sets: int, ways: int) -> None:
        self.name = name
        cache = ExCache(sets, ways)
        config = rig.kernel.config
        self.kernel = Kernel(config, Endpoint(name, rig.loopback, config.network), cache)
        self.kernel.cpu = cache.translations = Cpu(cache, 1)
        self.guests = Guests(self.kernel, None)  # type: ignore[arg-type]
        rig.loopback.attach(self)

    def handle(self, sender: str, request: Any, payload: Buffer) -> tuple[msgspec.Struct, Buffer]:
        return self.guests.handle(request, payload)


class SeatRig(GuestRig):
    """A rig whose process has its seat at P1; P2 is there for others."""

    def __init__(self, sets: int, ways: int, memories: int, placement: str = "spread", capacity: int = 8 << 20) -> None:
        super().__init__(sets, ways, memories, placement, capacity)
        self.others = [OtherProcessor(name, self, sets, ways) for name in ("P1", "P2")]
        self.kernel.seats.make = self._seat
        here, seat = self.space, self.kernel.seats.get("P1")
        self.task.process.seat = seat
        del self.kernel.spaces[here.number]
        self.space = self.task.process.space = new_space(self.kernel, seat, 1, self.names, "M0")
        self.space.load(list(here.regions), here.resident_ranges(), here.owners)
        assert isinstance(self.space, SeatSpace)

    def _seat(self, name: str) -> Seat:
        return Seat(name, SeatCpu(name, self.kernel.endpoint), None)  # type: ignore[arg-type]

    def fork(self, pid: int, seat: str) -> Space:
        """The space of a child at a seat."""
        self.space.flush_private(0, TASK_SIZE)
        self.kernel.endpoint.call("M0", Fork(self.space.pid, pid))
        return _forked(self.space, pid, self.kernel.seats.get(seat))

    def run(self, stub: int, address: int, value: int = 0) -> int:
        seat = self.task.process.seat
        assert seat is not None
        self.kernel.seats.hold(seat)
        seat.cpu.enter(self.task)
        seat.cpu.write_registers(Registers(rip=stub, rdi=address, rax=value))
        self.task.rip = stub
        for _ in range(50):
            reply = seat.cpu.run(FOREVER_NS, 100)
            self.task.rip = reply.rip
            if reply.why == SYSCALL:
                return reply.arguments[0]
            if reply.why == FAULT:
                raise AccessFault(*reply.fault[:3])
        raise AssertionError(f"no progress at {reply.rip:#x}")

    def end_instruction(self) -> None:
        """The seat sees to that itself."""
