"""The system calls about signals."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from kerneltask import call, fails, new_process, new_task, start

from lego.linux.errno import E
from lego.linux.signal import SI_QUEUE, SI_TKILL, SI_USER, SIG_BLOCK, SIG_SETMASK, Sig, SigInfo, bit, mask_of
from pcomponent.signal_delivery import deliver
from pcomponent.signals import Action, next_deliverable, pending_mask, send_to_process
from pcomponent.waiting import Interrupted, Wake

BAD = 8


def action(handler: int, flags: int = 0, restorer: int = 0, mask: int = 0) -> bytes:
    return struct.pack("<QQQQ", handler, flags, restorer, mask)


def word(value: int) -> bytes:
    return struct.pack("<Q", value & (1 << 64) - 1)


def test_sigaction() -> None:
    task = new_task()
    old = task.memory.put(b"", room=32)
    assert call(task, "rt_sigaction", Sig.USR1, action(5, 0xFFFFFFFF, 6, (1 << 64) - 1), old, 8) == 0
    assert task.memory.read(old, 32) == bytes(32)
    assert call(task, "rt_sigaction", Sig.USR1, 0, old, 8) == 0
    handler, flags, restorer, mask = struct.unpack("<QQQQ", task.memory.read(old, 32))
    assert (handler, restorer) == (5, 6)
    assert not flags & 0x400, "unsupported flags are reported by their absence"
    assert not mask & mask_of(Sig.KILL, Sig.STOP)
    fails(task, E.EINVAL, "rt_sigaction", Sig.USR1, BAD, 0, 4)
    fails(task, E.EFAULT, "rt_sigaction", 99, BAD, 0, 8)
    fails(task, E.EINVAL, "rt_sigaction", 99, action(1), 0, 8)
    fails(task, E.EINVAL, "rt_sigaction", 0, 0, 0, 8)
    fails(task, E.EINVAL, "rt_sigaction", Sig.KILL, action(1), 0, 8)
    assert call(task, "rt_sigaction", Sig.KILL, 0, old, 8) == 0


def test_sigprocmask() -> None:
    task = new_task()
    old = task.memory.put(b"", room=8)
    assert call(task, "rt_sigprocmask", SIG_BLOCK, word(mask_of(Sig.HUP, Sig.KILL)), old, 8) == 0
    assert task.signal_mask == bit(Sig.HUP)
    call(task, "rt_sigprocmask", SIG_SETMASK, word(bit(Sig.INT)), old, 8)
    assert task.memory.read(old, 8) == word(bit(Sig.HUP))
    fails(task, E.EINVAL, "rt_sigprocmask", 3, word(0), 0, 8)
    assert call(task, "rt_sigprocmask", 3, 0, old, 8) == 0
    fails(task, E.EINVAL, "rt_sigprocmask", SIG_BLOCK, BAD, 0, 16)
    fails(task, E.EFAULT, "rt_sigprocmask", 3, BAD, 0, 8)


def test_pending() -> None:
    task = new_task()
    task.signal_mask = bit(Sig.HUP)
    send_to_process(task.process, Sig.HUP)
    send_to_process(task.process, Sig.TERM)
    out = task.memory.put(b"", room=8)
    call(task, "rt_sigpending", out, 8)
    assert task.memory.read(out, 8) == word(bit(Sig.HUP))
    fails(task, E.EINVAL, "rt_sigpending", out, 9)
    fails(task, E.EFAULT, "rt_sigpending", BAD, 8)


@pytest.mark.parametrize("name", ["pause", "rt_sigsuspend"])
def test_sleeping_until_a_handler_ran(name: str) -> None:
    task = new_task()
    task.process.signals.set_action(task.process, Sig.USR1, Action(5, 0x04000000, 6, 0))
    task.signal_mask = bit(Sig.USR1) if name == "rt_sigsuspend" else 0
    arguments: list[Any] = [word(0), 8] if name == "rt_sigsuspend" else []
    waiting = start(task, name, *arguments)
    next(waiting)
    send_to_process(task.process, Sig.USR1)
    with pytest.raises(Interrupted) as caught:
        waiting.send(Wake.SIGNAL)
    assert (caught.value.restart, caught.value.restart_unhandled) == (False, True)
    inside = deliver(task, task.kernel.cpu.registers, caught.value, 34)
    assert inside.rip == 5  # type: ignore[union-attr]
    raw = task.memory.read(inside.rsp + 304, 8)  # type: ignore[union-attr]
    assert raw == word(bit(Sig.USR1) if name == "rt_sigsuspend" else 0), "the old mask comes back"


def test_timedwait() -> None:
    task = new_task()
    task.signal_mask = mask_of(Sig.USR1, Sig.CHLD)
    wanted, info = word(task.signal_mask | bit(Sig.KILL)), task.memory.put(b"", room=128)
    fails(task, E.EAGAIN, "rt_sigtimedwait", wanted, info, struct.pack("<qq", 0, 0), 8)
    fails(task, E.EAGAIN, "rt_sigtimedwait", wanted, info, struct.pack("<qq", 2, 5), 8)
    assert task.meter.now_ns == 2_000_000_005
    fails(task, E.EINVAL, "rt_sigtimedwait", wanted, info, struct.pack("<qq", 0, 10**9), 8)
    send_to_process(task.process, Sig.USR1, SigInfo.user(Sig.USR1, 3, 4))
    assert call(task, "rt_sigtimedwait", wanted, info, 0, 8) == Sig.USR1
    assert task.memory.read(info, 128) == SigInfo.user(Sig.USR1, 3, 4).pack()
    waiting = start(task, "rt_sigtimedwait", wanted, 0, 0, 8)
    wait = next(waiting)
    assert not wait.ready(0)
    send_to_process(task.process, Sig.CHLD)
    assert wait.ready(0)
    with pytest.raises(StopIteration) as done:
        waiting.send(Wake.READY)
    assert done.value.value == Sig.CHLD
    waiting = start(task, "rt_sigtimedwait", wanted, 0, 0, 8)
    next(waiting)
    send_to_process(task.process, Sig.TERM)
    with pytest.raises(Interrupted):
        waiting.send(Wake.SIGNAL)


def test_sending() -> None:
    task = new_task()
    other = new_process(task.kernel, 11)
    call(task, "kill", 11, Sig.TERM)
    assert next_deliverable(other) == SigInfo.user(Sig.TERM, 10, 0, SI_USER)
    call(task, "tkill", 11, Sig.HUP)
    assert next_deliverable(other) == SigInfo.user(Sig.HUP, 10, 0, SI_TKILL)
    call(task, "tgkill", 11, 11, Sig.HUP)
    assert other.signals.pending.mask == bit(Sig.HUP)
    assert call(task, "kill", 11, 0) == 0
    fails(task, E.ESRCH, "tgkill", 10, 11, Sig.HUP)
    fails(task, E.EINVAL, "tgkill", 0, 11, Sig.HUP)
    fails(task, E.EINVAL, "tkill", -1, Sig.HUP)
    fails(task, E.ESRCH, "kill", 12, 99)
    fails(task, E.EINVAL, "kill", 11, 65)
    fails(task, E.ESRCH, "kill", -77, Sig.TERM)
    assert next_deliverable(task) is None


def test_groups_and_everybody() -> None:
    task = new_task()
    others = [new_process(task.kernel, pid) for pid in (11, 12)]
    others[0].process.group = 10
    call(task, "kill", 0, Sig.HUP)
    assert [pending_mask(each) for each in (task, *others)] == [bit(Sig.HUP), bit(Sig.HUP), 0]
    call(task, "kill", -12, Sig.USR1)
    assert pending_mask(others[1]) == bit(Sig.USR1)
    call(task, "kill", -1, Sig.TERM)
    assert [pending_mask(each) & bit(Sig.TERM) != 0 for each in (task, *others)] == [False, True, True]
    lonely = new_task()
    fails(lonely, E.ESRCH, "kill", -1, Sig.TERM)


def test_strangers() -> None:
    task = new_task()
    other = new_process(task.kernel, 11)
    call(task, "setuid", 1000)
    fails(task, E.EPERM, "kill", 11, Sig.TERM)
    fails(task, E.EPERM, "kill", -11, Sig.TERM)
    other.process.session = task.process.session
    assert call(task, "kill", 11, Sig.CONT) == 0
    other.process.credentials.uid = 1000
    assert call(task, "kill", 11, Sig.TERM) == 0
    other.process.vnode = 2
    fails(task, E.ESRCH, "kill", 11, 0)
    other.process.vnode, other.process.status = 1, 0
    assert call(task, "kill", 11, Sig.TERM) == 0, "a process that has ended takes no notice"


def test_queueing() -> None:
    task = new_task()
    new_process(task.kernel, 11)
    info = SigInfo(1, SI_QUEUE, 0, struct.pack("<iIQ", 10, 0, 1234)).pack()
    call(task, "rt_sigqueueinfo", 10, 40, info)
    taken = next_deliverable(task)
    assert taken is not None
    assert (taken.number, taken.code, struct.unpack_from("<iIQ", taken.body)[2]) == (40, SI_QUEUE, 1234)
    fails(task, E.EPERM, "rt_sigqueueinfo", 11, 40, SigInfo.user(40, 10, 0).pack())
    assert call(task, "rt_sigqueueinfo", 10, 40, SigInfo.user(40, 10, 0).pack()) == 0
    fails(task, E.EFAULT, "rt_sigqueueinfo", 11, 40, BAD)
    fails(task, E.ESRCH, "rt_sigqueueinfo", 99, 40, info)
    assert call(task, "rt_tgsigqueueinfo", 11, 11, 40, info) == 0
    fails(task, E.EINVAL, "rt_tgsigqueueinfo", 0, 11, 40, info)


def test_sigaltstack() -> None:
    task = new_task()
    old = task.memory.put(b"", room=24)
    low = task.memory.put(b"", room=8192)
    assert call(task, "sigaltstack", struct.pack("<QiiQ", low, 0, 0, 8192), old) == 0
    assert task.memory.read(old, 24) == struct.pack("<QiiQ", 0, 2, 0, 0)
    task.kernel.cpu.registers.rsp = low + 100
    call(task, "sigaltstack", 0, old)
    assert task.memory.read(old, 24) == struct.pack("<QiiQ", low, 1, 0, 8192)
    fails(task, E.EPERM, "sigaltstack", struct.pack("<QiiQ", 0, 2, 0, 0), 0)
    fails(task, E.EFAULT, "sigaltstack", BAD, 0)


def test_sigreturn_puts_everything_back() -> None:
    task = new_task()
    task.process.signals.set_action(task.process, Sig.USR1, Action(5, 0x04000000, 6, 0))
    send_to_process(task.process, Sig.USR1)
    before = task.kernel.cpu.registers
    before.rax = (1 << 64) - 4
    inside = deliver(task, before)
    inside.rsp += 8  # type: ignore[union-attr]
    task.kernel.cpu.registers = inside
    assert call(task, "rt_sigreturn") == before.rax
    assert task.kernel.cpu.registers == before
    task.kernel.cpu.registers.rsp = 16
    call(task, "rt_sigreturn")
    assert next_deliverable(task).number == Sig.SEGV  # type: ignore[union-attr]


def test_alarm_and_itimers() -> None:
    task = new_task()
    assert call(task, "alarm", 10) == 0
    task.meter.now_ns = 400_000_000
    assert call(task, "alarm", 1) == 10
    task.meter.now_ns = 1_350_000_000
    assert call(task, "alarm", 0) == 1, "never 0 while one was set"
    out = task.memory.put(b"", room=32)
    value = struct.pack("<qqqq", 1, 5, 2, 7)
    assert call(task, "setitimer", 0, value, out) == 0
    assert task.memory.read(out, 32) == bytes(32)
    call(task, "getitimer", 0, out)
    assert task.memory.read(out, 32) == value
    assert call(task, "setitimer", 0, 0, 0) == 0
    fails(task, E.EINVAL, "setitimer", 0, struct.pack("<qqqq", 0, 0, 0, 1_000_000), 0)
    fails(task, E.EINVAL, "setitimer", 3, value, 0)
    fails(task, E.EFAULT, "setitimer", 3, BAD, 0)
    fails(task, E.EINVAL, "getitimer", 3, BAD)
