"""The CPU: Unicorn, set up so that a guest sees an x86-64-v2 processor in user mode, and nothing else.

One engine runs all threads of a processor component, one after the other. Its "physical memory" is the
ExCache's arena, and the copies of code that is executed; there are no page tables: a TLB miss asks the callback in
`pcomponent.excache.callbacks`.

    cpu.enter(task's context, space)
    stop = cpu.run(rip, quantum)        # Stop.SYSCALL, Stop.FAULT, ...
    numbers = cpu.syscall_arguments()

The engine runs at CPL 3, which it reaches as a kernel would, with one SYSRET; so privileged instructions fault, and
with CR4.TSD set so does RDTSC, which Unicorn would otherwise answer from the host's clock.

Unicorn facts that this file works around (2.1.4): the `until` address of `emu_start` is an address like any other,
so exits are enabled with an empty list instead; an exception handled by a hook stays "in flight" and turns the next
into a double fault, until the state is restored from a saved context; CPUID leaves are answered by a hook.
"""

from __future__ import annotations

import ctypes
import mmap
from enum import Enum
from typing import Any

from unicorn import x86_const as x86
from unicorn.unicorn import Uc
from unicorn.unicorn_const import (
    UC_ARCH_X86,
    UC_CTL_IO_WRITE,
    UC_CTL_TB_FLUSH,
    UC_CTL_TLB_FLUSH,
    UC_ERR_EXCEPTION,
    UC_ERR_INSN_INVALID,
    UC_ERR_OK,
    UC_HOOK_BLOCK,
    UC_HOOK_EDGE_GENERATED,
    UC_HOOK_INSN,
    UC_HOOK_INTR,
    UC_HOOK_TLB_FILL,
    UC_MODE_64,
    UC_TLB_VIRTUAL,
)
from unicorn.unicorn_py3.unicorn import uclib

from lego.linux.cpuid import cpuid
from pcomponent import fxsave, stops
from pcomponent.counting import BLOCK_HOOK, EDGE_HOOK, InstructionCounter
from pcomponent.engine import Batch, Numbers, emulate, restore_context, save_context
from pcomponent.excache import layout as at
from pcomponent.excache.cache import ExCache
from pcomponent.excache.compiled import TLB_FILL
from pcomponent.registers import Registers

MASK_64 = (1 << 64) - 1

CODE64_SELECTOR, DATA_SELECTOR = 0x33, 0x2B  # arch/x86/include/asm/segment.h: __USER_CS, __USER_DS
MSR_EFER, MSR_STAR = 0xC0000080, 0xC0000081
EFER_SCE_LME_LMA_NXE = 0xD01
CR0_PE_MP_ET_NE_WP_AM_PG = 0x80050033
CR4_TSD_PAE_OSFXSR_OSXMMEXCPT = 0x624
SYSRETQ = b"\x48\x0f\x07"
CPU_MODEL = x86.UC_CPU_X86_NEHALEM

_FLUSH_TLB = UC_CTL_TLB_FLUSH | UC_CTL_IO_WRITE << 30
_FLUSH_BLOCKS = UC_CTL_TB_FLUSH | UC_CTL_IO_WRITE << 30


class Stop(Enum):
    """Why the CPU came to a halt."""

    __hash__ = object.__hash__  # Enum's own is a function in Python.

    SYSCALL = "syscall"
    FAULT = "fault"
    """An access that the ExCache could not serve: `fault_address`, `fault_access`."""
    CODE_WRITE = "code write"
    """A store into a line that has been executed: `fault_line`."""
    NEW_CODE = "new code"
    """A fetch from a line that is not executed yet, or not since it was written: `fault_line`."""
    EXCEPTION = "exception"
    """`exception_vector`: division, INT3, a privileged instruction and so on."""
    ILLEGAL = "illegal instruction"
    QUANTUM = "quantum"
    AGAIN = "again"
    """Housekeeping is done: just go on."""


EXEC = 4
_INSIDE = (at.STOP_FAULT, at.STOP_CODE_WRITE, at.STOP_GROW, at.STOP_EXCEPTION)


class EngineError(Exception):
    """Unicorn ended in a way that no guest can cause. The processor component has failed."""


class _Fpu:
    """The x87 and SSE state, in an image as fxsave64 writes it and another one to be loaded."""

    def __init__(self, engine: int) -> None:
        self._tags = ctypes.c_uint16()
        self._saved, self._loaded = (ctypes.c_ubyte * fxsave.SIZE)(), (ctypes.c_ubyte * fxsave.SIZE)()
        self._saved[:] = list(fxsave.INITIAL)
        self._save, self._load = self._batch(engine, self._saved), self._batch(engine, self._loaded)

    def _batch(self, engine: int, image: ctypes.Array[ctypes.c_ubyte]) -> Batch:
        """The status word comes first: it has the top of the stack, which ST(i) counts from; the tags come last,
        since writing a register marks it used."""
        start = ctypes.addressof(image)
        places = [(x86.UC_X86_REG_FPSW, start + fxsave.FSW), (x86.UC_X86_REG_FPCW, start + fxsave.FCW)]
        places += [(x86.UC_X86_REG_ST0 + i, start + fxsave.ST + 16 * i) for i in range(8)]
        places += [(x86.UC_X86_REG_XMM0 + i, start + fxsave.XMM + 16 * i) for i in range(16)]
        places += [(x86.UC_X86_REG_MXCSR, start + fxsave.MXCSR), (x86.UC_X86_REG_FPTAG, ctypes.addressof(self._tags))]
        return Batch(engine, *zip(*places, strict=True))

    def read(self) -> bytes:
        """The engine's state."""
        self._save.read()
        self._saved[fxsave.FTW] = fxsave.abridge_tags(self._tags.value)
        return bytes(self._saved)

    def write(self, image: bytes) -> None:
        """Makes an image the engine's state. ValueError as for `fxsave.check`."""
        fxsave.check(image)
        ctypes.memmove(self._loaded, image, fxsave.SIZE)
        self._tags.value = fxsave.empty_tags(image[fxsave.FTW])
        self._load.write()


_GENERAL = (
    x86.UC_X86_REG_RAX, x86.UC_X86_REG_RBX, x86.UC_X86_REG_RCX, x86.UC_X86_REG_RDX, x86.UC_X86_REG_RSI,
    x86.UC_X86_REG_RDI, x86.UC_X86_REG_RBP, x86.UC_X86_REG_RSP, x86.UC_X86_REG_R8, x86.UC_X86_REG_R9,
    x86.UC_X86_REG_R10, x86.UC_X86_REG_R11, x86.UC_X86_REG_R12, x86.UC_X86_REG_R13, x86.UC_X86_REG_R14,
    x86.UC_X86_REG_R15, x86.UC_X86_REG_RIP, x86.UC_X86_REG_EFLAGS, x86.UC_X86_REG_FS_BASE,
    x86.UC_X86_REG_GS_BASE,
)  # fmt: skip
_SYSCALL = (
    x86.UC_X86_REG_RAX, x86.UC_X86_REG_RDI, x86.UC_X86_REG_RSI, x86.UC_X86_REG_RDX, x86.UC_X86_REG_R10,
    x86.UC_X86_REG_R8, x86.UC_X86_REG_R9, x86.UC_X86_REG_RIP, x86.UC_X86_REG_EFLAGS,
)  # fmt: skip
_RIP = _SYSCALL.index(x86.UC_X86_REG_RIP)
_RESULT = (x86.UC_X86_REG_RAX, x86.UC_X86_REG_RCX, x86.UC_X86_REG_R11)

_CPUID = (x86.UC_X86_REG_RAX, x86.UC_X86_REG_RBX, x86.UC_X86_REG_RCX, x86.UC_X86_REG_RDX)

_CPUID_HOOK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)

USER_FLAGS = 0x50DD5
"""EFLAGS bits that user code may set: what sigreturn lets through (arch/x86/kernel/signal_64.c, FIX_EFLAGS)."""


class Cpu:
    """One Unicorn engine over the lines and the code of an ExCache."""

    def __init__(self, cache: ExCache, cores: int) -> None:
        words = cache.words
        self.counter = InstructionCounter(words)
        self._words = memoryview(words.data).cast("B").cast("Q")
        self._cores = cores
        self.inside_block = False
        """Whether the CPU stopped in the middle of a block that was counted whole. A fetch fails between blocks."""
        self._uc = Uc(UC_ARCH_X86, UC_MODE_64)
        self._uc.ctl_set_cpu_model(CPU_MODEL)
        self._uc.ctl_set_tlb_mode(UC_TLB_VIRTUAL)
        self._uc.ctl_exits_enabled(True)
        self._handle = self._uc._uch
        self._engine = int(self._handle.value)
        self._arena = self._map(0, cache.arena)
        self._code = self._map(at.CODE_BASE, cache.code.arena)
        self._syscall = Numbers(self._engine, _SYSCALL)
        self._result = Numbers(self._engine, _RESULT)
        self._rip = Numbers(self._engine, (x86.UC_X86_REG_RIP,))
        self._cpuid = Numbers(self._engine, _CPUID)
        self._general = Numbers(self._engine, _GENERAL)
        self._fpu = _Fpu(self._engine)
        self._hooks: list[Any] = []
        self._install_hooks(int(words.ctypes.data))
        self._enter_user_mode()
        self._pristine = self.new_context()

    # ---- setting up ---------------------------------------------------------------------------------

    def _map(self, address: int, arena: mmap.mmap) -> ctypes.Array[ctypes.c_char]:
        """Makes an arena the CPU's physical memory at an address; what is returned keeps it alive."""
        memory = (ctypes.c_char * len(arena)).from_buffer(arena)
        place, size = ctypes.c_uint64(address), ctypes.c_uint64(len(arena))
        _check(uclib.uc_mem_map_ptr(self._handle, place, size, 7, ctypes.byref(memory)))
        return memory

    def _hook(self, kind: int, function: int, data: int, *extra: Any) -> None:
        handle = ctypes.c_size_t()
        _check(
            uclib.uc_hook_add(
                self._handle, ctypes.byref(handle), kind, ctypes.c_void_p(function), ctypes.c_void_p(data),
                ctypes.c_uint64(1), ctypes.c_uint64(0), *extra,
            )
        )  # fmt: skip

    def _install_hooks(self, words: int) -> None:
        self._hook(UC_HOOK_TLB_FILL, TLB_FILL, words)
        self._hook(UC_HOOK_INSN, stops.ON_SYSCALL, words, ctypes.c_int(x86.UC_X86_INS_SYSCALL))
        self._hook(UC_HOOK_INSN, stops.ON_IN, words, ctypes.c_int(x86.UC_X86_INS_IN))
        self._hook(UC_HOOK_INSN, stops.ON_OUT, words, ctypes.c_int(x86.UC_X86_INS_OUT))
        self._hook(UC_HOOK_INTR, stops.ON_EXCEPTION, words)
        self._hook(UC_HOOK_BLOCK, BLOCK_HOOK, self.counter.pointer)
        self._hook(UC_HOOK_EDGE_GENERATED, EDGE_HOOK, self.counter.pointer)
        answer = _CPUID_HOOK(self._on_cpuid)
        self._hooks.append(answer)
        pointer = ctypes.cast(answer, ctypes.c_void_p).value or 0
        self._hook(UC_HOOK_INSN, pointer, 0, ctypes.c_int(x86.UC_X86_INS_CPUID))

    def _on_cpuid(self, engine: int, data: int) -> int:
        batch = self._cpuid
        batch.read()
        leaf, _, subleaf, _ = batch.values
        for place, value in enumerate(cpuid(leaf & 0xFFFFFFFF, subleaf & 0xFFFFFFFF, self._cores)):
            batch.values[place] = value
        batch.write()
        return 1

    def _enter_user_mode(self) -> None:
        """Runs one SYSRET from the kernel's window, as Linux does to enter a program."""
        uc, words = self._uc, self._words
        uc.reg_write(x86.UC_X86_REG_CR0, CR0_PE_MP_ET_NE_WP_AM_PG)
        uc.reg_write(x86.UC_X86_REG_CR4, CR4_TSD_PAE_OSFXSR_OSXMMEXCPT)
        uc.msr_write(MSR_EFER, EFER_SCE_LME_LMA_NXE)
        uc.msr_write(MSR_STAR, (CODE64_SELECTOR - 16) << 48)
        uc.reg_write(x86.UC_X86_REG_RCX, at.KERNEL_BASE)
        uc.reg_write(x86.UC_X86_REG_R11, 0x202)
        self._arena[: len(SYSRETQ)] = SYSRETQ  # type: ignore[call-overload]
        words[at.KERNEL_WINDOW] = 1
        words[at.FILLS_LIMIT] = MASK_64
        self.counter.start(1)
        self.counter.learn(at.KERNEL_BASE, 1, len(SYSRETQ))
        error = self._emulate(at.KERNEL_BASE)
        words[at.KERNEL_WINDOW] = 0
        self.flush_blocks()
        self.flush_tlb()
        self._arena[: len(SYSRETQ)] = bytes(len(SYSRETQ))  # type: ignore[call-overload]
        if error != UC_ERR_OK:
            raise EngineError(f"entering user mode: Unicorn error {error}")
        self.write_registers(Registers())

    # ---- running ------------------------------------------------------------------------------------

    def _emulate(self, rip: int) -> int:
        stopped = self._syscall
        error: int = emulate(self._engine, rip, stopped.ids, stopped.places, stopped.count)
        return error

    def step(self, rip: int, until: int) -> Stop:
        """Runs one instruction, whose end is `until` unless it jumps."""
        self._uc.ctl_set_exits([until])
        try:
            return self.run(rip, 1)
        finally:
            self._uc.ctl_set_exits([])

    def run(self, rip: int, quantum: int) -> Stop:
        """Runs from `rip` for about `quantum` instructions at most; `counter.count` says how many ran."""
        words, counter = self._words, self.counter
        words[at.STOP] = at.STOP_NONE
        counter.start(quantum)
        error = self._emulate(rip)
        reason = words[at.STOP]
        fetching = words[at.FAULT_ACCESS] == EXEC and reason != at.STOP_EXCEPTION
        self.inside_block = error == UC_ERR_INSN_INVALID or (reason in _INSIDE and not fetching)
        if reason == at.STOP_SYSCALL and error == UC_ERR_OK:
            return Stop.SYSCALL
        if error == UC_ERR_EXCEPTION:
            if reason == at.STOP_FAULT:
                return Stop.FAULT
            if reason == at.STOP_CODE_WRITE:
                return Stop.CODE_WRITE
            if reason == at.STOP_NEW_CODE:
                return Stop.NEW_CODE
            if reason == at.STOP_GROW:
                self.flush_tlb()
                return Stop.AGAIN
        if error == UC_ERR_INSN_INVALID:
            return Stop.ILLEGAL
        if error == UC_ERR_OK:
            return self._stopped_by_hook(reason)
        raise EngineError(f"Unicorn error {error} at {self.stopped_at:#x}")

    def _stopped_by_hook(self, reason: int) -> Stop:
        counter = self.counter
        if reason == at.STOP_EXCEPTION:
            return Stop.EXCEPTION
        if counter.unknown:
            if counter.crowded:
                self.flush_blocks()
            rip = self.stopped_at
            _, count, size = self._uc.ctl_request_cache(rip)
            counter.learn(rip, count, size)
            return Stop.AGAIN
        return Stop.QUANTUM

    @property
    def fault_address(self) -> int:
        """The page of the access that stopped the CPU."""
        return self._words[at.FAULT_ADDRESS]

    @property
    def fault_access(self) -> int:
        """READ, WRITE or EXEC."""
        return self._words[at.FAULT_ACCESS]

    @property
    def fault_line(self) -> int:
        """The line of a fetch of new code, or of a store into code, that stopped the CPU."""
        return self._words[at.FAULT_LINE]

    @property
    def exception_vector(self) -> int:
        """The x86 exception number."""
        return self._words[at.EXCEPTION]

    def clear_exception(self) -> None:
        """Forgets the exception in flight; every register keeps its value."""
        registers = self.read_registers()
        self.restore_context(self._pristine)
        self.write_registers(registers)

    # ---- translations -------------------------------------------------------------------------------

    def flush_tlb(self) -> None:
        """Forgets all address translations."""
        self._words[at.FILLS_LIMIT] = self._words[at.FILLS] + 8192  # Then again, to let the TLB grow.
        uclib.uc_ctl(self._handle, _FLUSH_TLB)

    def flush_blocks(self) -> None:
        """Forgets all translated code, and its counts."""
        self.counter.forget_all()
        uclib.uc_ctl(self._handle, _FLUSH_BLOCKS)

    def code_changed(self, space: int | None) -> None:
        """Pages that an address space executed are not what they were, or not there: None for those of all."""
        self.counter.code_changed(space)

    # ---- registers ----------------------------------------------------------------------------------

    @property
    def rip(self) -> int:
        """The instruction pointer."""
        self._rip.read()
        return self._rip.values[0]

    @property
    def stopped_at(self) -> int:
        """The instruction pointer when the guest stopped last."""
        return self._syscall.values[_RIP]

    def syscall_arguments(self) -> tuple[int, ...]:
        """What the guest stopped with last: number, six arguments, the address behind the instruction, flags."""
        return tuple(self._syscall.values.tolist())

    def write_result(self, result: int, rip: int, flags: int) -> None:
        """What SYSCALL leaves behind: the result in RAX, RIP in RCX, the flags in R11."""
        values = self._result.values
        values[0], values[1], values[2] = result & MASK_64, rip, flags
        self._result.write()

    def write_base(self, register: str, value: int) -> None:
        """Sets "fs_base" or "gs_base"."""
        self._uc.reg_write({"fs_base": x86.UC_X86_REG_FS_BASE, "gs_base": x86.UC_X86_REG_GS_BASE}[register], value)

    def read_base(self, register: str) -> int:
        """ "fs_base" or "gs_base"."""
        value: int = self._uc.reg_read({"fs_base": x86.UC_X86_REG_FS_BASE, "gs_base": x86.UC_X86_REG_GS_BASE}[register])
        return value

    def read_registers(self) -> Registers:
        """All of the guest's state."""
        self._general.read()
        return Registers.of(self._general.values, self._fpu.read())

    def write_registers(self, registers: Registers) -> None:
        """Sets all of the guest's state."""
        values = self._general.values
        for place, value in enumerate(registers.numbers()):
            values[place] = value
        self._general.write()
        self._fpu.write(registers.fpu)

    # ---- threads ------------------------------------------------------------------------------------

    def new_context(self) -> Any:
        """A copy of the state now, to be given to `restore_context`."""
        return self._uc.context_save()

    def save_context(self, context: Any) -> None:
        """Writes the state into a context made by `new_context`."""
        _check(save_context(self._engine, context.context))

    def restore_context(self, context: Any) -> None:
        """Makes a context the state."""
        _check(restore_context(self._engine, context.context))


def _check(error: int) -> None:
    if error != UC_ERR_OK:
        raise EngineError(f"Unicorn error {error}")
