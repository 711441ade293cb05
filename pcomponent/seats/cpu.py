"""The registers of threads that run on another processor, as system calls and signals read and write them.

What is written is kept until the thread runs again and travels with that message (`Run`); what is read is asked for, so
most system calls need no message of their own for their registers.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lego.fabric.endpoint import Endpoint
from pcomponent.registers import MASK_64, Registers
from pcomponent.seat_messages import EndThread, ReadRegisters, Run, RunReply
from pcomponent.seats.space import SeatSpace

if TYPE_CHECKING:
    from pcomponent.process import Thread

Outcome = tuple[int, int, int]


class Away:
    """What the keeper has of a thread at its seat."""

    def __init__(self, number: int, registers: Registers) -> None:
        self.number = number
        self.registers: Registers | None = registers
        """What it is to go on with; None when that is what it stopped with, ..."""
        self.result: Outcome | None = None
        """... but for these: RAX, RCX and R11 after its system call."""

    def take(self) -> tuple[bytes, Outcome | None]:
        """What has to be sent."""
        registers, result = self.registers, self.result
        self.registers = self.result = None
        return b"" if registers is None else registers.pack(), result


class SeatCpu:
    """The part of `Cpu` that the kernel uses, for the thread that runs or ran last."""

    def __init__(self, name: str, endpoint: Endpoint) -> None:
        self._name = name
        self._endpoint = endpoint
        self._made = 0
        self._task: Thread
        self._reply = RunReply(0, 0, 0, 0)

    def enter(self, task: Thread) -> None:
        """Makes a thread the one that this is about."""
        self._task = task
        self._away_of(task)

    def _away_of(self, task: Thread) -> Away:
        if task.away is None:
            self._made += 1
            task.away = Away(self._made, task.start)
        return task.away

    def end(self, task: Thread) -> None:
        """The thread has ended, or goes on elsewhere."""
        if task.away is not None:
            number, task.away = task.away.number, None
            self._endpoint.call(self._name, EndThread(number))

    def run(self, until_ns: int, instructions: int) -> RunReply:
        """Lets the thread run."""
        task = self._task
        away = self._away_of(task)
        space = task.process.space
        assert isinstance(space, SeatSpace)
        space.forget_copies()
        registers, result = away.take()
        request = Run(away.number, space.number, task.rip, task.meter.now_ns, until_ns, instructions, result)
        self._reply, _ = self._endpoint.call(self._name, request, registers)
        space.grew(self._reply.grown)
        return self._reply

    def syscall_arguments(self) -> tuple[int, ...]:
        """(number, six arguments, the address behind the instruction, flags)."""
        return *self._reply.arguments, self._reply.rip, self._reply.flags

    @property
    def rip(self) -> int:
        """The instruction pointer."""
        return self.read_registers().rip

    def write_result(self, result: int, rip: int, flags: int) -> None:
        """What SYSCALL leaves behind."""
        self._away_of(self._task).result = (result & MASK_64, rip, flags)

    def read_registers(self) -> Registers:
        """All of the thread's state."""
        away = self._away_of(self._task)
        if away.registers is not None:
            registers = replace(away.registers)
            if away.result is not None:
                registers.rax, registers.rcx, registers.r11 = away.result
            return registers
        _, result = away.take()
        request = ReadRegisters(away.number, self._task.process.space.number, result)
        return Registers.unpack(self._endpoint.call(self._name, request)[1])

    def write_registers(self, registers: Registers) -> None:
        """Sets all of the thread's state."""
        away = self._away_of(self._task)
        away.registers, away.result = replace(registers), None

    def write_base(self, register: str, value: int) -> None:
        """Sets "fs_base" or "gs_base"."""
        registers = self.read_registers()
        setattr(registers, register, value)
        self.write_registers(registers)

    def read_base(self, register: str) -> int:
        """ "fs_base" or "gs_base"."""
        value: int = getattr(self.read_registers(), register)
        return value
