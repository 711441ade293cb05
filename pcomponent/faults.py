"""An access that the memory refused, and the signal that it becomes.

Signal numbers and codes: include/uapi/asm-generic/siginfo.h. The address that a handler sees is the byte
that was accessed: Unicorn tells only the page, so the instruction is decoded.
"""

from __future__ import annotations

from collections.abc import Callable

import capstone
from capstone import x86 as cx86

from lego.linux.errno import E, LinuxError
from lego.regions import PAGE
from pcomponent.registers import Registers

SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV = 4, 5, 7, 8, 11
SI_KERNEL = 128
SEGV_MAPERR, SEGV_ACCERR = 1, 2
BUS_ADRERR = 2
FPE_INTDIV = 1
ILL_ILLOPN = 2
TRAP_BRKPT = 1

CANONICAL_TOP = 1 << 47


class AccessFault(Exception):
    """A load, store or fetch that must become a signal (or EFAULT when the kernel did it for the guest)."""

    def __init__(self, signal: int, code: int, address: int) -> None:
        super().__init__(signal, code, address)
        self.signal = signal
        self.code = code
        self.address = address


# Linux 6.1: do_error_trap and friends, arch/x86/kernel/traps.c.
EXCEPTIONS: dict[int, tuple[int, int]] = {
    0: (SIGFPE, FPE_INTDIV),
    1: (SIGTRAP, TRAP_BRKPT),
    3: (SIGTRAP, SI_KERNEL),
    4: (SIGSEGV, SI_KERNEL),
    5: (SIGSEGV, SI_KERNEL),
    6: (SIGILL, ILL_ILLOPN),
    16: (SIGFPE, 0),
    17: (SIGBUS, 1),
    19: (SIGFPE, 0),
}
GENERAL_PROTECTION = (SIGSEGV, SI_KERNEL)
"""For every other exception: a privileged instruction, INT n, a non-canonical address. si_addr is 0."""

_decoder = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
_decoder.detail = True


def byte_address(registers: Registers, page: int, read: Callable[[int, int], bytes]) -> int:
    """The first byte on `page` that the instruction at RIP accesses; the page's start if that cannot be told.

    `read(address, length)` gives code bytes.
    """
    code = read(registers.rip, 15)
    for instruction in _decoder.disasm(code, registers.rip, 1):
        for start, size in _accesses(registers, instruction):
            if start < page + PAGE and start + size > page:
                return max(start, page)
    return page


def _accesses(registers: Registers, instruction: capstone.CsInsn) -> list[tuple[int, int]]:
    found = []
    for operand in instruction.operands:
        if operand.type != cx86.X86_OP_MEM:
            continue
        memory = operand.mem
        base = _value(registers, instruction, memory.base)
        index = _value(registers, instruction, memory.index) * memory.scale
        segment = instruction.reg_name(memory.segment) if memory.segment else ""
        extra = {"fs": registers.fs_base, "gs": registers.gs_base}.get(segment, 0)
        found.append(((base + index + memory.disp + extra) & (1 << 64) - 1, operand.size or 1))
    found.append((registers.rsp - 8, 16))  # push, call, pop, ret
    return found


def _value(registers: Registers, instruction: capstone.CsInsn, register: int) -> int:
    if not register:
        return 0
    name: str = instruction.reg_name(register)
    if name == "rip":
        return int(registers.rip + instruction.size)
    if name in ("eip",):
        return int(registers.rip + instruction.size & 0xFFFFFFFF)
    value = getattr(registers, name, None)
    if value is not None:
        return int(value)
    wide = {"e": "r" + name[1:], "r": name[:-1]}.get(name[0], name)  # eax -> rax, r8d -> r8
    return int(getattr(registers, wide, 0)) & 0xFFFFFFFF


def refused(error: LinuxError, page: int) -> AccessFault:
    """What a memory component's refusal means for the access."""
    if error.errno == E.EFAULT:
        return AccessFault(SIGSEGV, SEGV_MAPERR, page)
    if error.errno == E.EACCES:
        return AccessFault(SIGSEGV, SEGV_ACCERR, page)
    return AccessFault(SIGBUS, BUS_ADRERR, page)
