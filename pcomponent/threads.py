"""The birth and the end of threads within a process. Source: kernel/fork.c, kernel/exit.c, kernel/futex/core.c.

Thread numbers. The first thread of a process has the process's number, which the global manager gives. Further ones
have numbers above all that the manager gives (from 4,194,304 on), a block of 1,048,576 for each processor component,
counted up within it and skipping those in use; so no thread number is ever another's, or a process's, and none
needs a message. They fit the 30 bits of a futex word.
"""

from __future__ import annotations

import inspect
import struct
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.observe.clock import Meter
from pcomponent import futexes
from pcomponent.family import leave_to_threads
from pcomponent.files import holding
from pcomponent.process import Thread
from pcomponent.rlimits import Resource
from pcomponent.waking import queue_up

if TYPE_CHECKING:
    from pcomponent.kernel import Kernel
    from pcomponent.process import Process

FIRST_NUMBER = 4_194_304
"""PID_MAX_LIMIT: the manager's numbers are below."""
BLOCK = 1 << 20
ROBUST_LIST_LIMIT = 2048
_HEAD = struct.Struct("<QqQ")
_POINTER = struct.Struct("<Q")


def _new_number(kernel: Kernel) -> int:
    digits = "".join(each for each in kernel.endpoint.name if each.isdigit())
    first = FIRST_NUMBER + int(digits or 0) * BLOCK
    while True:
        number = first + kernel.threads_made % BLOCK
        kernel.threads_made += 1
        if not any(number in process.threads for process in kernel.processes.values()):
            return number


def check_limit(task: Thread) -> None:
    """EAGAIN: the vNode's limit, or the user's (RLIMIT_NPROC, which does not bind root)."""
    process, kernel = task.process, task.kernel
    others = [each for each in kernel.processes.values() if each.vnode == process.vnode and each.status is None]
    if sum(len(each.threads) for each in others) >= kernel.config.threads_max:
        raise LinuxError(E.EAGAIN)
    uid = task.credentials.uid
    if uid:
        mine = sum(len(each.threads) for each in others if each.credentials.uid == uid)
        if mine >= process.limits.soft(Resource.NPROC):
            raise LinuxError(E.EAGAIN)


def new_thread(task: Thread, stack: int, tls: int | None) -> Thread:
    """A thread that goes on where `task` is in its system call, with another stack (0: the same) and TLS base. EAGAIN.

    It has the caller's signal mask, registers and ids; no pending signals, no alternate stack, no robust list.
    """
    check_limit(task)
    process, kernel = task.process, task.kernel
    child = Thread(process, _new_number(kernel))
    child.meter = Meter(task.meter.now_ns)
    child.signal_mask = task.signal_mask
    child.credentials = task.credentials.copy()
    child.attributes = task.attributes.copy()
    child.name = task.name or process.command
    registers = task.cpu.read_registers()
    child.start = replace(
        registers,
        rax=0, rcx=task.rip, r11=task.flags, rip=task.rip, rflags=task.flags,
        rsp=stack or registers.rsp, fs_base=registers.fs_base if tls is None else tls,
    )  # fmt: skip
    child.rip, child.flags = task.rip, task.flags
    process.threads[child.tid] = child
    kernel.seats.report(process.seat)
    queue_up(child)
    return child


def end_thread(task: Thread) -> None:
    """One of several threads ends: whoever waits for it, or for what it held, is told."""
    process = task.process
    _release(task)
    leave_to_threads(task)
    del process.threads[task.tid]
    process.ended_instructions += task.instructions
    process.ended_kernel_ns += task.kernel_ns
    if process.signals.pending.mask:
        process.attention = True  # A signal that it was to take goes to another.
    process.kernel.seats.report(process.seat)


def end_others(task: Thread) -> None:
    """All other threads end, wherever they are, and the caller gets the process's own number and lets go of its locks:
    for execve, when it cannot fail any more and the old image is still there (de_thread, exec_mm_release)."""
    process = task.process
    others = [other for other in process.threads.values() if other is not task]
    for other in others:
        end_thread(other)
    if others:  # They end at the same time, on cores of their own.
        task.meter.now_ns += task.kernel.config.thread_exit_ns
    if task.tid != process.pid:
        task.become_first()
    _let_go(task)
    _clear_number(task)


def have_last_words(task: Thread) -> bool:
    """Whether `end_others` would look into the process's memory: there are other threads, or locks that are held."""
    if len(task.process.threads) > 1:
        return True
    if not task.robust_list:
        return False
    try:
        entry, _, pending = task.memory.read_struct(_HEAD, task.robust_list)
    except LinuxError:
        return False
    return bool(entry & ~1 != task.robust_list or pending & ~1)


def end_all(process: Process) -> None:
    """The process ends: all threads do. One of them stays, as the one that the process is known by."""
    threads = list(process.threads.values())
    for task in threads:
        _release(task)
    kept = process.threads.get(process.pid, threads[0])
    for task in threads:
        if task is not kept:
            kept.meter.now_ns = max(kept.meter.now_ns, task.meter.now_ns)
            process.ended_instructions += task.instructions
            process.ended_kernel_ns += task.kernel_ns
            del process.threads[task.tid]
    if len(threads) > 1:
        process.kernel.seats.report(process.seat)


def _release(task: Thread) -> None:
    """What a thread gives back when it ends (mm_release, futex_exit_release)."""
    task.kernel.queue.unpark(task)
    call, task.call, task.wait = task.call, None, None
    if inspect.isgenerator(call) and not call.gi_running:  # A call that ends its own thread is not interrupted.
        call.close()
    holding.let_go(task)
    task.context = None
    if task.process.seat is not None:
        task.process.seat.cpu.end(task)
    _let_go(task)
    _clear_number(task)


def _clear_number(task: Thread) -> None:
    """Tells who waits for the thread's end where the thread asked for that, if anybody else has that memory: threads of
    its process, or another process that runs in it (mm_release)."""
    address, task.clear_child_tid = task.clear_child_tid, 0
    if address and (len(task.process.threads) > 1 or task.process.space.users > 1):
        with suppress(LinuxError):  # Nobody can wait where nothing is mapped.
            futexes.store(task, address, 0)
            key = futexes.key_of(task, address)
            task.kernel.futexes.wake(key, 1, futexes.ALL_BITS, task.meter.now_ns)


def _let_go(task: Thread) -> None:
    """The locks that a thread holds and does not give back itself."""
    now_ns = task.meter.now_ns
    if task.robust_list:
        with suppress(LinuxError):  # A list that is broken is left where it breaks.
            _walk_robust_list(task, now_ns)
        task.robust_list = 0
    task.kernel.futexes.owner_ended(task, now_ns)


def _walk_robust_list(task: Thread, now_ns: int) -> None:
    """exit_robust_list(): marks the locks that the thread holds, and the one that it was about to take."""
    head = task.robust_list
    entry, offset, pending = task.memory.read_struct(_HEAD, head)
    for _ in range(ROBUST_LIST_LIMIT):
        if entry & ~1 == head:
            break
        (following,) = task.memory.read_struct(_POINTER, entry & ~1)
        if entry & ~1 != pending & ~1:
            _owner_died(task, (entry & ~1) + offset, bool(entry & 1), False, now_ns)
        entry = following
    if pending & ~1:
        _owner_died(task, (pending & ~1) + offset, bool(pending & 1), True, now_ns)


def _owner_died(task: Thread, address: int, inheriting: bool, pending: bool, now_ns: int) -> None:
    """handle_futex_death()."""
    word = futexes.load(task, address)
    waiting = task.kernel.futexes
    mine = word & futexes.TID_MASK == task.tid
    if mine:
        futexes.store(task, address, word & futexes.WAITERS | futexes.OWNER_DIED)
    if not inheriting and (word & futexes.WAITERS if mine else pending and not word):
        with suppress(LinuxError):  # Who waits for a priority-inheriting lock gets it from its last owner.
            waiting.wake(futexes.key_of(task, address), 1, futexes.ALL_BITS, now_ns)
