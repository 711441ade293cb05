"""The registers of a thread when it is not running: what `Cpu.read_registers` gives and `write_registers` takes."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any, Protocol

from lego.fabric.wire import Buffer
from pcomponent.fxsave import INITIAL

MASK_64 = (1 << 64) - 1
_NUMBERS = struct.Struct("<20Q")


@dataclass
class Registers:
    """What a program can see of its processor; integers are unsigned 64-bit."""

    rax: int = 0
    rbx: int = 0
    rcx: int = 0
    rdx: int = 0
    rsi: int = 0
    rdi: int = 0
    rbp: int = 0
    rsp: int = 0
    r8: int = 0
    r9: int = 0
    r10: int = 0
    r11: int = 0
    r12: int = 0
    r13: int = 0
    r14: int = 0
    r15: int = 0
    rip: int = 0
    rflags: int = 0x202
    fs_base: int = 0
    gs_base: int = 0
    fpu: bytes = INITIAL
    """A 512-byte image as fxsave64 writes it; see `pcomponent.fxsave`."""

    def pack(self) -> bytes:
        """As they travel: twenty numbers in the order above, and the FPU image."""
        return _NUMBERS.pack(*self.numbers()) + self.fpu

    def numbers(self) -> list[int]:
        """All but the FPU image, in the order above."""
        return [value & MASK_64 for value in _numbers_of(self)]

    @classmethod
    def unpack(cls, raw: Buffer) -> Registers:
        """The inverse of `pack`."""
        return cls.of(_NUMBERS.unpack_from(raw), bytes(memoryview(raw)[_NUMBERS.size :]))

    @classmethod
    def of(cls, numbers: Iterable[Any], fpu: bytes) -> Registers:
        """The inverse of `numbers`."""
        registers = cls(*numbers)
        registers.fpu = fpu
        return registers


_numbers_of = attrgetter(*[each.name for each in fields(Registers)][:-1])


class RegisterFile(Protocol):
    """The registers of the thread that makes a system call, wherever it runs."""

    def read_registers(self) -> Registers:
        """All of the thread's state."""

    def write_registers(self, registers: Registers) -> None:
        """Sets all of the thread's state."""

    def read_base(self, register: str) -> int:
        """ "fs_base" or "gs_base"."""

    def write_base(self, register: str, value: int) -> None:
        """Sets "fs_base" or "gs_base"."""
