"""The frame that a signal handler finds on its stack, and the way back from it.

`build` writes a struct rt_sigframe and returns the registers with which the handler starts; `restore` is
rt_sigreturn(2). There is no xsave: `fpstate` points to the 512 bytes of fxsave64, uc_flags has no UC_FP_XSTATE.

From high to low addresses: the interrupted stack, its 128-byte red zone (or the alternate stack's top),
the FPU image at a multiple of 64, the frame at 8 below a multiple of 16, as at a function's entry.
Source: arch/x86/kernel/signal.c, signal_64.c and fpu/signal.c.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.linux.signal import (
    FRAME_BYTES,
    FRAME_INFO,
    FRAME_UCONTEXT,
    MINSIGSTKSZ,
    SA_ONSTACK,
    SA_RESTORER,
    SA_SIGINFO,
    SIGCONTEXT,
    SIGCONTEXT_REGISTERS,
    SIGMASK,
    SS_AUTODISARM,
    SS_DISABLE,
    SS_ONSTACK,
    UC_SIGCONTEXT_SS,
    UC_STRICT_RESTORE_SS,
    UCONTEXT_BYTES,
    UCONTEXT_HEAD,
    USER_CS,
    USER_SS,
    SigInfo,
)
from lego.regions import TASK_SIZE
from pcomponent import fxsave
from pcomponent.registers import Registers
from pcomponent.signals import Action, AlternateStack, set_mask

if TYPE_CHECKING:
    from pcomponent.process import Thread

RED_ZONE = 128
MASK64 = (1 << 64) - 1
_CF, _PF, _AF, _ZF, _SF, _TF, _DF, _OF = 0x1, 0x4, 0x10, 0x40, 0x80, 0x100, 0x400, 0x800
_RF, _AC = 0x10000, 0x40000
RESTORABLE_FLAGS = _AC | _OF | _DF | _TF | _SF | _ZF | _AF | _PF | _CF | _RF
"""What rt_sigreturn takes from the frame (FIX_EFLAGS)."""


def build(task: Thread, registers: Registers, action: Action, info: SigInfo) -> Registers:
    """Pushes a frame for a handler. `registers` are those to return to. EFAULT when the stack cannot take it, or
    there is no restorer; then the thread gets SIGSEGV."""
    fpu_at, frame = _place(task, registers.rsp, action)
    if not action.flags & SA_RESTORER or frame + FRAME_BYTES > TASK_SIZE or frame < 0:
        raise LinuxError(E.EFAULT)
    task.memory.write(fpu_at, registers.fpu)
    context = frame + FRAME_UCONTEXT
    content = action.restorer.to_bytes(8, "little") + _ucontext(task, registers, fpu_at)
    if action.flags & SA_SIGINFO:
        content += info.pack()
    task.memory.write(frame, content)
    return replace(
        registers,
        rdi=int(info.number),
        rsi=frame + FRAME_INFO,
        rdx=context,
        rax=0,
        rsp=frame,
        rip=action.handler,
        rflags=registers.rflags & ~(_DF | _RF | _TF),
        fpu=fxsave.INITIAL,
    )


def _place(task: Thread, stack_pointer: int, action: Action) -> tuple[int, int]:
    """Where the FPU image and the frame go (get_sigframe)."""
    alternate = task.signals.alternate
    nested = alternate.holds(stack_pointer)
    entering = False
    top = (stack_pointer - RED_ZONE) & MASK64
    if action.flags & SA_ONSTACK and alternate.state(top) == 0:
        top = alternate.address + alternate.size
        entering = True
    fpu_at = (top - fxsave.SIZE) & -64
    frame = ((fpu_at - FRAME_BYTES) & -16) - 8
    if (nested or entering) and not alternate.inside(frame):
        raise LinuxError(E.EFAULT)  # It would overflow the alternate stack.
    return fpu_at, frame


def _ucontext(task: Thread, registers: Registers, fpu_at: int) -> bytes:
    signals = task.signals
    mask = task.signal_mask if signals.saved_mask is None else signals.saved_mask
    alternate = signals.alternate
    flags = alternate.flags - (1 << 32) if alternate.flags & SS_AUTODISARM else alternate.flags
    head = UCONTEXT_HEAD.pack(
        UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS, 0, alternate.address, flags, 0, alternate.size
    )  # fmt: skip
    values = [getattr(registers, name) & MASK64 for name in SIGCONTEXT_REGISTERS]
    context = SIGCONTEXT.pack(
        *values, USER_CS, 0, 0, USER_SS, signals.error, signals.trap, mask, signals.fault_address, fpu_at
    )  # fmt: skip
    return head + context + SIGMASK.pack(mask)


def restore(task: Thread, registers: Registers) -> Registers:
    """rt_sigreturn(2): the registers of the frame that the stack pointer has just left; sets the mask and the
    alternate stack too. EFAULT for a frame that cannot be read or is not valid: the thread gets SIGSEGV."""
    context = (registers.rsp - 8 + FRAME_UCONTEXT) & MASK64
    raw = task.memory.read(context, UCONTEXT_BYTES)
    _flags, _link, stack, stack_flags, _pad, stack_size = UCONTEXT_HEAD.unpack_from(raw)
    fields = SIGCONTEXT.unpack_from(raw, UCONTEXT_HEAD.size)
    (mask,) = SIGMASK.unpack_from(raw, UCONTEXT_HEAD.size + SIGCONTEXT.size)
    restored = replace(registers, **dict(zip(SIGCONTEXT_REGISTERS, fields, strict=False)))
    restored.rflags = (registers.rflags & ~RESTORABLE_FLAGS) | (restored.rflags & RESTORABLE_FLAGS)
    code_segment, stack_segment = fields[18] | 3, fields[21] | 3
    if (code_segment, stack_segment) != (USER_CS, USER_SS):
        raise LinuxError(E.EFAULT)  # 32-bit code segments are not supported: the return would fault.
    set_mask(task, mask)
    fpu_at = fields[-1]
    restored.fpu = bytes(task.memory.read(fpu_at, fxsave.SIZE)) if fpu_at else fxsave.INITIAL
    try:
        fxsave.check(restored.fpu)
    except ValueError as error:
        raise LinuxError(E.EFAULT, str(error)) from error
    _restore_stack(task, stack, stack_flags & 0xFFFFFFFF, stack_size, restored.rsp)
    return restored


def _restore_stack(task: Thread, address: int, flags: int, size: int, stack_pointer: int) -> None:
    """restore_altstack(): what sigaltstack(2) would refuse is not applied, and nobody is told."""
    try:
        set_alternate_stack(task, address, flags, size, stack_pointer)
    except LinuxError:
        return


def set_alternate_stack(task: Thread, address: int, flags: int, size: int, stack_pointer: int) -> None:
    """sigaltstack(2). Errors in its order: EPERM while on it, EINVAL for unknown flags, ENOMEM when it is too small."""
    if task.signals.alternate.holds(stack_pointer):
        raise LinuxError(E.EPERM)
    mode = flags & ~SS_AUTODISARM
    if mode not in (SS_DISABLE, SS_ONSTACK, 0):
        raise LinuxError(E.EINVAL)
    if task.signals.alternate == (address, flags, size):
        return  # Nothing changes, whatever its size: so a thread that has none may set none.
    if mode == SS_DISABLE:
        address = size = 0
    elif size < MINSIGSTKSZ:
        raise LinuxError(E.ENOMEM)
    task.signals.alternate = AlternateStack(address, flags, size)
