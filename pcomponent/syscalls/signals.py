"""System calls about signals and the interval timers that send them. Source: kernel/signal.c, kernel/time/itimer.c."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.linux.signal import (
    ACTION,
    KERNEL_ONLY,
    SA_SUPPORTED,
    SI_KERNEL,
    SI_TKILL,
    SI_USER,
    SIG_BLOCK,
    SIG_SETMASK,
    SIG_UNBLOCK,
    SIGINFO_BYTES,
    SIGMASK,
    SIGSET_BYTES,
    SS_AUTODISARM,
    STACK,
    Sig,
    SigInfo,
    bit,
)
from pcomponent.files.base import Blocking
from pcomponent.signal_frame import restore, set_alternate_stack
from pcomponent.signals import (
    Action,
    check_number,
    deliverable,
    fault,
    pending_mask,
    set_mask,
    take,
    until_signal,
)
from pcomponent.syscalls.table import syscall
from pcomponent.syscalls.timespec import MICROSECOND, SECOND, read_timespec
from pcomponent.tasks import find_process, find_thread, may_signal, members, signal_process, signal_thread, visible
from pcomponent.timers import ITIMER_PROF, ITIMER_REAL
from pcomponent.waiting import Interrupted, Wait, Wake

if TYPE_CHECKING:
    from pcomponent.process import Process, Thread

_ITIMERVAL = struct.Struct("<qqqq")


def _check_size(size: int) -> None:
    if size != SIGSET_BYTES:
        raise LinuxError(E.EINVAL)


def _read_set(task: Thread, address: int) -> int:
    mask: int = task.memory.read_struct(SIGMASK, address)[0]
    return mask


@syscall(13, "rt_sigaction", "signal", "pointer", "pointer", "size")
def rt_sigaction(task: Thread, number: int, new: int, old: int, size: int) -> int:
    """Sets and gets what is done about a signal."""
    _check_size(size)
    action = None
    if new:
        handler, flags, restorer, mask = task.memory.read_struct(ACTION, new)
        action = Action(handler, flags & SA_SUPPORTED, restorer, mask)
    check_number(number)
    if action is not None and KERNEL_ONLY & bit(number):
        raise LinuxError(E.EINVAL)
    before = task.process.signals.action(number)
    if action is not None:
        task.process.signals.set_action(task.process, number, action)
        if not task.process.signals.ignores(number):
            task.process.posix_timers.heeded(task, number)
    if old:
        task.memory.write_struct(ACTION, old, before.handler, before.flags, before.restorer, before.mask)
    return 0


@syscall(14, "rt_sigprocmask", "int", "pointer", "pointer", "size")
def rt_sigprocmask(task: Thread, how: int, new: int, old: int, size: int) -> int:
    """Sets and gets what the thread blocks."""
    _check_size(size)
    before = task.signal_mask
    if new:
        mask = _read_set(task, new)
        if how == SIG_BLOCK:
            set_mask(task, before | mask)
        elif how == SIG_UNBLOCK:
            set_mask(task, before & ~mask)
        elif how == SIG_SETMASK:
            set_mask(task, mask)
        else:
            raise LinuxError(E.EINVAL)
    if old:
        task.memory.write_struct(SIGMASK, old, before)
    return 0


@syscall(15, "rt_sigreturn")
def rt_sigreturn(task: Thread) -> int:
    """Goes back to what a signal interrupted, with all registers as they were; the result is the RAX of then."""
    registers = task.cpu.read_registers()
    try:
        registers = restore(task, registers)
    except LinuxError:
        fault(task, Sig.SEGV, SI_KERNEL, 0)
        registers.rip = task.rip
    task.cpu.write_registers(registers)
    return registers.rax


@syscall(127, "rt_sigpending", "pointer", "size")
def rt_sigpending(task: Thread, address: int, size: int) -> int:
    """Which blocked signals wait."""
    if size > SIGSET_BYTES:
        raise LinuxError(E.EINVAL)
    task.memory.write(address, SIGMASK.pack(pending_mask(task) & task.signal_mask)[:size])
    return 0


@syscall(130, "rt_sigsuspend", "pointer", "size")
def rt_sigsuspend(task: Thread, address: int, size: int) -> Blocking:
    """Sleeps with another mask until a handler has run; the old mask is back after it."""
    _check_size(size)
    mask = _read_set(task, address)
    task.signals.saved_mask = task.signal_mask
    set_mask(task, mask)
    while not deliverable(task):
        yield Wait()
    raise Interrupted(restart=False, restart_unhandled=True)


@syscall(219, "restart_syscall")
def restart_syscall(task: Thread) -> int | Blocking:
    """Goes on with a call that a signal interrupted for which no handler ran. EINTR when there is none."""
    go_on, task.go_on = task.go_on, None
    if go_on is None:
        raise LinuxError(E.EINTR)
    return go_on()


@syscall(34, "pause")
def pause(task: Thread) -> Blocking:
    """Sleeps until a handler has run."""
    while not deliverable(task):
        yield Wait()
    raise Interrupted(restart=False, restart_unhandled=True)


@syscall(128, "rt_sigtimedwait", "pointer", "pointer", "pointer", "size")
def rt_sigtimedwait(task: Thread, set_address: int, info_address: int, timeout: int, size: int) -> Blocking:
    """Takes a signal of a set instead of having it delivered. EAGAIN when none came in time."""
    _check_size(size)
    wanted = _read_set(task, set_address) & ~KERNEL_ONLY
    limit_ns = read_timespec(task, timeout) if timeout else None
    until_ns = None if limit_ns is None else task.kernel.monotonic_ns(task) + limit_ns
    reason = Wake.READY
    while (info := take(task, wanted)) is None:
        if limit_ns == 0 or reason is Wake.TIMEOUT:
            raise LinuxError(E.EAGAIN)
        if deliverable(task):
            raise Interrupted(restart=False)
        reason = yield until_signal(task, wanted, until_ns)
    if info_address:
        task.memory.write(info_address, info.pack())
    return info.number


@syscall(131, "sigaltstack", "pointer", "pointer")
def sigaltstack(task: Thread, new: int, old: int) -> int:
    """Sets and gets the stack for handlers with SA_ONSTACK."""
    stack_pointer = task.cpu.read_registers().rsp
    before = task.signals.alternate
    if new:
        address, flags, length = task.memory.read_struct(STACK, new)
        set_alternate_stack(task, address, flags & 0xFFFFFFFF, length, stack_pointer)
    if old:
        flags = before.state(stack_pointer) | (before.flags & SS_AUTODISARM)
        signed = flags - (1 << 32) if flags & SS_AUTODISARM else flags
        task.memory.write_struct(STACK, old, before.address, signed, before.size)
    return 0


# ---- sending ---------------------------------------------------------------------------------------------


def _from(task: Thread, number: int, code: int = 0) -> SigInfo:
    return SigInfo.user(number, task.process.pid, task.credentials.uid, code)


@syscall(62, "kill", "pid", "signal")
def kill(task: Thread, pid: int, number: int) -> int:
    """Signals a process, a group (negative, or 0 for one's own) or all (-1)."""
    info = _from(task, number)
    if pid > 0:
        signal_process(task, find_process(task, pid), number, info)
        return 0
    if pid == -1:
        targets = [process for process in visible(task) if process is not task.process and process.pid > 1]
        if not targets:
            raise LinuxError(E.ESRCH)
        for target in targets:
            if may_signal(task, target, number):
                signal_process(task, target, number, info)
        return 0
    _signal_group(task, members(task, -pid if pid else task.process.group), number, info)
    return 0


def _signal_group(task: Thread, targets: list[Process], number: int, info: SigInfo) -> None:
    """Succeeds when one of them could be signalled (__kill_pgrp_info)."""
    failure: LinuxError | None = LinuxError(E.ESRCH)
    reached = False
    for target in targets:
        try:
            signal_process(task, target, number, info)
            reached = True
        except LinuxError as error:
            failure = error
    if not reached and failure is not None:
        raise failure


@syscall(200, "tkill", "pid", "signal")
def tkill(task: Thread, tid: int, number: int) -> int:
    """Signals one thread."""
    if tid <= 0:
        raise LinuxError(E.EINVAL)
    signal_thread(task, find_thread(task, tid), number, _from(task, number, SI_TKILL))
    return 0


@syscall(234, "tgkill", "pid", "pid", "signal")
def tgkill(task: Thread, pid: int, tid: int, number: int) -> int:
    """Signals one thread of a certain process."""
    if pid <= 0 or tid <= 0:
        raise LinuxError(E.EINVAL)
    target = find_thread(task, tid)
    if target.process.pid != pid:
        raise LinuxError(E.ESRCH)
    signal_thread(task, target, number, _from(task, number, SI_TKILL))
    return 0


_INFO_CODES = {Sig.ILL: 11, Sig.FPE: 15, Sig.SEGV: 10, Sig.BUS: 5, Sig.TRAP: 6, Sig.CHLD: 6, Sig.IO: 6, Sig.SYS: 2}
_KERNEL_INFO_BYTES = 48
"""What the kernel keeps of a siginfo_t; the rest is for layouts that it does not know."""


def _known_layout(number: int, code: int) -> bool:
    """kernel/signal.c, known_siginfo_layout."""
    if code == SI_KERNEL:
        return True
    if code > SI_USER:
        return code <= _INFO_CODES.get(number, 6)  # type: ignore[call-overload, no-any-return]
    return code >= -7 or code == -60


def copy_info(task: Thread, address: int, number: int | None = None) -> SigInfo:
    """copy_siginfo_from_user, for a signal that is known or the structure's own. EFAULT; E2BIG when its code is unknown
    and it has something where the kernel keeps nothing."""
    raw = task.memory.read(address, _KERNEL_INFO_BYTES)
    info = SigInfo.unpack(raw)
    if not _known_layout(info.number if number is None else number, info.code):
        rest = task.memory.read(address + _KERNEL_INFO_BYTES, SIGINFO_BYTES - _KERNEL_INFO_BYTES)
        if any(rest):
            raise LinuxError(E.E2BIG)
    return info


def _read_info(task: Thread, address: int, number: int, forged: bool) -> SigInfo:
    """A siginfo_t of the caller's making. EPERM when it pretends to be another's kill(2) or the kernel's."""
    info = copy_info(task, address, number)
    if forged and (info.code >= 0 or info.code == SI_TKILL):
        raise LinuxError(E.EPERM)
    return SigInfo(number, info.code, info.errno, info.body)


@syscall(129, "rt_sigqueueinfo", "pid", "signal", "pointer")
def rt_sigqueueinfo(task: Thread, pid: int, number: int, address: int) -> int:
    """Signals a process with data of the caller's."""
    info = _read_info(task, address, number, forged=pid != task.process.pid)
    signal_process(task, find_process(task, pid), number, info)
    return 0


@syscall(297, "rt_tgsigqueueinfo", "pid", "pid", "signal", "pointer")
def rt_tgsigqueueinfo(task: Thread, pid: int, tid: int, number: int, address: int) -> int:
    """The same to one thread."""
    if pid <= 0 or tid <= 0:
        raise LinuxError(E.EINVAL)
    info = _read_info(task, address, number, forged=tid != task.tid)
    target = find_thread(task, tid)
    if target.process.pid != pid:
        raise LinuxError(E.ESRCH)
    signal_thread(task, target, number, info)
    return 0


# ---- interval timers -------------------------------------------------------------------------------------


@syscall(37, "alarm", "uint")
def alarm(task: Thread, seconds: int) -> int:
    """SIGALRM after so many seconds of virtual time; returns how many the last alarm had left, rounded."""
    timers = task.process.timers
    left_ns, _ = timers.get(task, ITIMER_REAL)
    timers.set(task, ITIMER_REAL, seconds * SECOND, 0)
    whole, part_ns = divmod(left_ns, SECOND)
    return whole + (1 if part_ns >= SECOND // 2 or (whole == 0 and part_ns) else 0)


def _itimerval(value_ns: int, interval_ns: int) -> tuple[int, int, int, int]:
    parts = (*divmod(interval_ns, SECOND), *divmod(value_ns, SECOND))
    return parts[0], parts[1] // MICROSECOND, parts[2], parts[3] // MICROSECOND


def _check_timer(which: int) -> None:
    if not ITIMER_REAL <= which <= ITIMER_PROF:
        raise LinuxError(E.EINVAL)


@syscall(36, "getitimer", "int", "pointer")
def getitimer(task: Thread, which: int, address: int) -> int:
    """How long until a timer is due, and its period."""
    _check_timer(which)
    task.memory.write_struct(_ITIMERVAL, address, *_itimerval(*task.process.timers.get(task, which)))
    return 0


@syscall(38, "setitimer", "int", "pointer", "pointer")
def setitimer(task: Thread, which: int, new: int, old: int) -> int:
    """Sets a timer; a null `new` stops it, as Linux still allows."""
    values = task.memory.read_struct(_ITIMERVAL, new) if new else (0, 0, 0, 0)
    for seconds, microseconds in (values[0:2], values[2:4]):
        if seconds < 0 or not 0 <= microseconds < 1_000_000:
            raise LinuxError(E.EINVAL)
    _check_timer(which)
    timers = task.process.timers
    before = timers.get(task, which)
    interval_ns = values[0] * SECOND + values[1] * MICROSECOND
    timers.set(task, which, values[2] * SECOND + values[3] * MICROSECOND, interval_ns)
    if old:
        task.memory.write_struct(_ITIMERVAL, old, *_itimerval(*before))
    return 0
