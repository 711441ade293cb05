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
TRAP_TRACE = 2

CANONICAL_TOP = 1 << 47
KERNEL_BOTTOM = (1 << 64) - CANONICAL_TOP
"""Addresses between the two make a general protection (or stack) fault; from here on they are the kernel's: a page
fault, as far as the program can tell."""


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
    1: (SIGTRAP, TRAP_TRACE),
    3: (SIGTRAP, SI_KERNEL),
    4: (SIGSEGV, SI_KERNEL),
    5: (SIGSEGV, SI_KERNEL),
    6: (SIGILL, ILL_ILLOPN),
    12: (SIGBUS, SI_KERNEL),
    16: (SIGFPE, 0),
    17: (SIGBUS, 1),
    19: (SIGFPE, 0),
}
WITH_ADDRESS = (0, 1, 6, 16)
"""The exceptions of these whose signal tells where the instruction is; si_addr is 0 for the others."""
GENERAL_PROTECTION = (SIGSEGV, SI_KERNEL)
"""For every other exception: a privileged instruction, INT n, a non-canonical address."""
STACK_FAULT_VECTOR, GENERAL_PROTECTION_VECTOR = 12, 13

X87_VECTOR = 16
_FLOATING = ((0x01, 7), (0x04, 3), (0x08, 4), (0x12, 5), (0x20, 6))
"""Exception flags of the x87 and FPE_FLTINV, DIV, OVF, UND, RES, in the order in which they count."""


def floating_code(fpu: bytes) -> int:
    """The si_code of an exception of the x87, whose state is an FXSAVE image (fpu__exception_code)."""
    raised = ~int.from_bytes(fpu[0:2], "little") & int.from_bytes(fpu[2:4], "little")
    return next((code for flags, code in _FLOATING if raised & flags), 0)


_INT_N = 0xCD
_GATES = (3, 4)
"""The interrupts that a program may cause by INT n."""


def software_interrupt(vector: int, before: bytes) -> tuple[int, int]:
    """The exception that a CPU's vector is, and its error code: INT n, whose two bytes come `before` RIP, is a general
    protection fault for most n. It names the gate, with the bit set that says it is one (Intel's manual, 3A, 6.13)."""
    if before == bytes((_INT_N, vector & 0xFF)) and vector not in _GATES:
        return GENERAL_PROTECTION_VECTOR, vector << 3 | 2
    return vector, 0


_decoder = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
_decoder.detail = True
_STACK_REGISTERS = (cx86.X86_REG_RSP, cx86.X86_REG_RBP, cx86.X86_REG_ESP, cx86.X86_REG_EBP)


def byte_address(registers: Registers, page: int, read: Callable[[int, int], bytes]) -> int:
    """The first byte on `page` that the instruction at RIP accesses; the page's start if that cannot be told.

    `read(address, length)` gives code bytes.
    """
    for start, size, _ in _accesses_at(registers, read):
        if start < page + PAGE and start + size > page:
            return max(start, page)
    return page


def non_canonical(registers: Registers, page: int, read: Callable[[int, int], bytes]) -> int:
    """The vector that an access to a non-canonical address raises: another one for the stack than for data."""
    for start, size, through_stack in _accesses_at(registers, read):
        if start < page + PAGE and start + size > page:
            return STACK_FAULT_VECTOR if through_stack else GENERAL_PROTECTION_VECTOR
    return GENERAL_PROTECTION_VECTOR


def _accesses_at(registers: Registers, read: Callable[[int, int], bytes]) -> list[tuple[int, int, bool]]:
    """Start, size, and whether it goes through the stack segment, for all accesses of the instruction at RIP."""
    for instruction in _decoder.disasm(read(registers.rip, 15), registers.rip, 1):
        return _accesses(registers, instruction)
    return []


def _accesses(registers: Registers, instruction: capstone.CsInsn) -> list[tuple[int, int, bool]]:
    found = []
    for operand in instruction.operands:
        if operand.type != cx86.X86_OP_MEM:
            continue
        memory = operand.mem
        base = _value(registers, instruction, memory.base)
        index = _value(registers, instruction, memory.index) * memory.scale
        segment = instruction.reg_name(memory.segment) if memory.segment else ""
        extra = {"fs": registers.fs_base, "gs": registers.gs_base}.get(segment, 0)
        through_stack = not segment and memory.base in _STACK_REGISTERS
        found.append(((base + index + memory.disp + extra) & (1 << 64) - 1, operand.size or 1, through_stack))
    found.append((registers.rsp - 8, 16, True))  # push, call, pop, ret
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
