"""The registers of a thread when it is not running: what `Cpu.read_registers` gives and `write_registers` takes."""

from __future__ import annotations

from dataclasses import dataclass

from pcomponent.fxsave import INITIAL


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
