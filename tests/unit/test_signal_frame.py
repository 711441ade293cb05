"""The frame of a handler, byte by byte, and the way back."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, strategies as st
from kerneltask import new_task

from lego.linux.errno import E, LinuxError
from lego.linux.signal import SA_ONSTACK, SA_RESTORER, SA_SIGINFO, SIGCONTEXT_REGISTERS, Sig, SigInfo, bit, mask_of
from pcomponent import fxsave
from pcomponent.registers import Registers
from pcomponent.signal_frame import RESTORABLE_FLAGS, build, restore, set_alternate_stack
from pcomponent.signals import Action, AlternateStack

ACTION = Action(0x401000, SA_RESTORER | SA_SIGINFO, 0x402000, 0)
WORD = st.integers(0, (1 << 64) - 1)


def registers(task: Any, **changes: Any) -> Registers:
    """Each register with a value of its own, on the guest's stack."""
    values = {name: 0x1000 + index for index, name in enumerate(SIGCONTEXT_REGISTERS)}
    values |= {"rsp": task.kernel.cpu.registers.rsp - 1000, "rflags": 0x646, "rip": 0x400123}
    image = bytearray(fxsave.INITIAL)
    for place in range(fxsave.ST, fxsave.XMM + 256, 16):
        image[place : place + 10] = bytes([place // 16] * 10)
    image[fxsave.FCW : fxsave.FTW + 1] = bytes.fromhex("7f02 0038 ff")
    return Registers(**{**values, "fpu": bytes(image), **changes})


def test_the_frame() -> None:
    task = new_task()
    task.signal_mask = bit(Sig.USR2)
    task.signals.trap, task.signals.error, task.signals.fault_address = 14, 6, 0xDEAD000
    task.signals.alternate = AlternateStack(0x7000, 0, 0x3000)
    before = registers(task)
    info = SigInfo.fault(Sig.SEGV, 1, 0xDEAD000)
    after = build(task, before, ACTION, info)
    assert after.rsp % 16 == 8
    raw = task.memory.read(after.rsp, 440)
    assert struct.unpack_from("<Q", raw)[0] == 0x402000
    flags, link, sp, ss_flags, _, ss_size = struct.unpack_from("<QQQiIQ", raw, 8)
    assert (flags, link, sp, ss_flags, ss_size) == (6, 0, 0x7000, 0, 0x3000)
    general = struct.unpack_from("<18Q", raw, 48)
    assert general == tuple(getattr(before, name) for name in SIGCONTEXT_REGISTERS)
    assert struct.unpack_from("<4H", raw, 192) == (0x33, 0, 0, 0x2B)
    error, trap, old_mask, cr2, fpu_at = struct.unpack_from("<5Q", raw, 200)
    assert (error, trap, old_mask, cr2) == (6, 14, bit(Sig.USR2), 0xDEAD000)
    assert struct.unpack_from("<Q", raw, 304)[0] == bit(Sig.USR2)
    assert raw[312:] == info.pack()
    assert fpu_at % 64 == 0
    assert fpu_at + 512 <= before.rsp - 128
    assert after.rsp + 440 <= fpu_at
    assert task.memory.read(fpu_at, 512) == before.fpu
    assert (after.rip, after.rdi, after.rsi, after.rdx) == (0x401000, Sig.SEGV, after.rsp + 312, after.rsp + 8)
    assert after.rax == 0
    assert after.rflags == 0x646 & ~0x400
    assert after.fpu == fxsave.INITIAL
    assert (after.r12, after.fs_base) == (before.r12, before.fs_base)


@given(st.lists(WORD, min_size=17, max_size=17), WORD, st.integers(0, 4000))
def test_return_undoes_delivery(values: list[int], mask: int, shift: int) -> None:
    task = new_task()
    names = [name for name in SIGCONTEXT_REGISTERS if name != "rsp"]
    before = registers(task, **dict(zip(names, values, strict=True)))
    before.rsp -= shift
    before.rflags = before.rflags & RESTORABLE_FLAGS | 0x202
    task.signal_mask = mask & ~mask_of(Sig.KILL, Sig.STOP)
    saved = task.signal_mask
    after = build(task, before, ACTION, SigInfo.kernel(Sig.USR1))
    task.signal_mask = 0
    garbage = replace(after, rsp=after.rsp + 8, rbx=1, r15=2, rflags=0x202, rip=0x1234)
    assert restore(task, garbage) == before
    assert task.signal_mask == saved


def test_what_a_handler_changes_counts() -> None:
    task = new_task()
    after = build(task, registers(task), ACTION, SigInfo.kernel(Sig.USR1))
    task.memory.write(after.rsp + 8 + 40 + 13 * 8, struct.pack("<Q", 77))  # rax
    task.memory.write(after.rsp + 304, struct.pack("<Q", mask_of(Sig.HUP, Sig.KILL)))
    back = restore(task, replace(after, rsp=after.rsp + 8))
    assert back.rax == 77
    assert task.signal_mask == bit(Sig.HUP)


def test_privileged_flags_do_not_come_back() -> None:
    task = new_task()
    after = build(task, registers(task), ACTION, SigInfo.kernel(Sig.USR1))
    task.memory.write(after.rsp + 8 + 40 + 17 * 8, struct.pack("<Q", 0x3000 | 0x200000 | 1))  # IOPL, ID, carry
    assert restore(task, replace(after, rsp=after.rsp + 8, rflags=0x202)).rflags == 0x203


def broken_frames(task: Any, frame: int) -> dict[str, tuple[int, bytes]]:
    fpu_at = task.memory.read(frame + 8 + 40 + 184, 8)
    (image,) = struct.unpack("<Q", fpu_at)
    return {
        "code segment": (frame + 192, b"\x23\x00"),
        "FPU image outside": (frame + 8 + 40 + 184, struct.pack("<Q", 8)),
        "reserved bits of MXCSR": (image + 24, b"\xff\xff\xff\xff"),
    }


@pytest.mark.parametrize("what", ["code segment", "FPU image outside", "reserved bits of MXCSR"])
def test_bad_frames(what: str) -> None:
    task = new_task()
    after = build(task, registers(task), ACTION, SigInfo.kernel(Sig.USR1))
    task.memory.write(*broken_frames(task, after.rsp)[what])
    with pytest.raises(LinuxError) as caught:
        restore(task, replace(after, rsp=after.rsp + 8))
    assert caught.value.errno == E.EFAULT


def test_no_fpu_image_means_a_fresh_one() -> None:
    task = new_task()
    after = build(task, registers(task), ACTION, SigInfo.kernel(Sig.USR1))
    task.memory.write(after.rsp + 8 + 40 + 184, bytes(8))
    assert restore(task, replace(after, rsp=after.rsp + 8)).fpu == fxsave.INITIAL


def test_where_it_cannot_go() -> None:
    task = new_task()
    for action, stack in ((ACTION, 0x100), (ACTION, 0), (ACTION._replace(flags=SA_SIGINFO), None)):
        before = registers(task)
        with pytest.raises(LinuxError):
            build(task, replace(before, rsp=before.rsp if stack is None else stack), action, SigInfo.kernel(Sig.USR1))


def test_the_alternate_stack() -> None:
    task = new_task()
    low = task.memory.put(b"", room=8192)
    set_alternate_stack(task, low, 0, 8192, task.kernel.cpu.registers.rsp)
    action = ACTION._replace(flags=ACTION.flags | SA_ONSTACK)
    first = build(task, registers(task), action, SigInfo.kernel(Sig.USR1))
    assert low < first.rsp < low + 8192
    nested = build(task, first, action, SigInfo.kernel(Sig.USR2))
    assert low < nested.rsp < first.rsp - 1000
    with pytest.raises(LinuxError):
        set_alternate_stack(task, low, 0, 8192, first.rsp)
    deeper = nested
    with pytest.raises(LinuxError):  # Its lower end is reached.
        for _ in range(8):
            deeper = build(task, deeper, action, SigInfo.kernel(Sig.USR2))
    assert restore(task, replace(first, rsp=first.rsp + 8)).rsp == registers(task).rsp
    outside = build(task, registers(task), ACTION, SigInfo.kernel(Sig.USR1)).rsp
    assert not low < outside <= low + 8192


@pytest.mark.parametrize(("flags", "size", "errno"), [(4, 8192, E.EINVAL), (0, 2047, E.ENOMEM), (3, 8192, E.EINVAL)])
def test_bad_alternate_stacks(flags: int, size: int, errno: int) -> None:
    task = new_task()
    with pytest.raises(LinuxError) as caught:
        set_alternate_stack(task, 0x1000, flags, size, 0)
    assert caught.value.errno == errno
