"""Signals of processes and threads: what is done about each, what is pending, and how one is sent.

    send_to_process(process, Sig.INT, SigInfo.kernel(Sig.INT))     # Ctrl-C
    if deliverable(task): ...                                      # wake it; before user mode, signal_delivery.deliver
    fault(task, Sig.SEGV, SEGV_MAPERR, address)                    # an exception of the program's own

A signal that would be ignored is dropped when it is sent, unless it is blocked, so `deliverable` is true only
when there is something to do. Source: kernel/signal.c; the names of its functions are given where they differ.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from lego.linux.errno import E, LinuxError
from lego.linux.signal import (
    IGNORED,
    KERNEL_ONLY,
    NSIG,
    RTMIN,
    SI_USER,
    SIG_DFL,
    SIG_IGN,
    SS_AUTODISARM,
    SS_DISABLE,
    SS_ONSTACK,
    STOPPING,
    SYNCHRONOUS,
    Sig,
    SigInfo,
    bit,
)
from pcomponent.changes import Change
from pcomponent.rlimits import Resource
from pcomponent.waiting import Wait

if TYPE_CHECKING:
    from pcomponent.process import Process, Thread


class Action(NamedTuple):
    """A disposition: SIG_DFL, SIG_IGN or a handler's address, SA_* flags, restorer, and the mask while it runs."""

    handler: int = SIG_DFL
    flags: int = 0
    restorer: int = 0
    mask: int = 0


DEFAULT = Action()


class QueuedOnce:
    """A signal that has its place reserved (SIGQUEUE_PREALLOC), as a timer's: whatever waits already, it is queued, and
    what it says is known when it is taken. `pending` is where it waits."""

    def __init__(self, number: int, code: int, body: bytes) -> None:
        self.number = number
        self.code = code
        self.body = body
        self.pending: Pending | None = None

    def taken(self, task: Thread) -> SigInfo:
        """What the program sees."""
        raise AssertionError

    def dropped(self) -> None:
        """It was discarded."""


class Pending:
    """Signals that wait: at most one of each standard signal, all of each real-time signal, in the order they came."""

    def __init__(self) -> None:
        self.mask = 0
        self._queues: dict[int, deque[SigInfo | QueuedOnce]] = {}

    def __len__(self) -> int:
        """How many there are, without those that have a place of their own."""
        return sum(isinstance(info, SigInfo) for queue in self._queues.values() for info in queue)

    def add(self, info: SigInfo) -> None:
        """Queues a signal; a standard one that is pending already is forgotten (legacy_queue)."""
        if info.number < RTMIN and self.mask & bit(info.number):
            return
        self._append(info)

    def _append(self, info: SigInfo | QueuedOnce) -> None:
        self._queues.setdefault(info.number, deque()).append(info)
        self.mask |= bit(info.number)

    def add_reserved(self, info: QueuedOnce) -> None:
        """Queues a signal that has its place, whatever is pending (send_sigqueue)."""
        info.pending = self
        self._append(info)

    def remove(self, info: QueuedOnce) -> None:
        """Takes one back that was queued so."""
        queue = self._queues[info.number]
        queue.remove(info)
        info.pending = None
        self._emptied(info.number)

    def _emptied(self, number: int) -> None:
        if not self._queues[number]:
            del self._queues[number]
            self.mask &= ~bit(number)

    def take(self, number: int) -> SigInfo | QueuedOnce:
        """Removes the first of a number, which must be pending (collect_signal)."""
        info = self._queues[number].popleft()
        self._emptied(number)
        if isinstance(info, QueuedOnce):
            info.pending = None
        return info

    def first(self, number: int) -> SigInfo | QueuedOnce:
        """The first of a number, left where it is."""
        return self._queues[number][0]

    def discard(self, mask: int) -> None:
        """Forgets all signals of a set (flush_sigqueue_mask)."""
        for number in [number for number in self._queues if mask & bit(number)]:
            for info in self._queues.pop(number):
                if isinstance(info, QueuedOnce):
                    info.pending = None
                    info.dropped()
        self.mask &= ~mask

    def next_number(self, allowed: int) -> int:
        """The signal to take first of those in `allowed`: synchronous ones, then the lowest; 0 when there is none
        (next_signal)."""
        found = self.mask & allowed
        if found & SYNCHRONOUS:
            found &= SYNCHRONOUS
        return (found & -found).bit_length()


class AlternateStack(NamedTuple):
    """sigaltstack(2): size 0 is none."""

    address: int = 0
    flags: int = 0
    size: int = 0

    def holds(self, stack_pointer: int) -> bool:
        """Whether the stack pointer is on it (on_sig_stack)."""
        if self.flags & SS_AUTODISARM:
            return False
        return self.inside(stack_pointer)

    def inside(self, stack_pointer: int) -> bool:
        """The same, whatever its flags (__on_sig_stack)."""
        return self.address < stack_pointer <= self.address + self.size

    def state(self, stack_pointer: int) -> int:
        """SS_DISABLE, SS_ONSTACK or 0 (sas_ss_flags)."""
        if not self.size:
            return SS_DISABLE
        return SS_ONSTACK if self.holds(stack_pointer) else 0


class ThreadSignals:
    """The part of a thread's state that is about signals, besides its mask."""

    def __init__(self) -> None:
        self.pending = Pending()
        self.alternate = AlternateStack()
        self.saved_mask: int | None = None
        """The mask to go back to after the next delivery (rt_sigsuspend, ppoll, pselect: set_restore_sigmask)."""
        self.trap = 0
        """The vector of the last exception, ..."""
        self.error = 0
        """... its error code, ..."""
        self.fault_address = 0
        """... and, for a page fault, the address: sigcontext's trapno, err and cr2."""


class Handlers:
    """What is done about each signal that the default is not done about; shared by CLONE_SIGHAND (sighand_struct)."""

    def __init__(self, actions: Mapping[int, Action] | None = None) -> None:
        self.actions = dict(actions or {})


class SignalState:
    """What the threads of a process share about signals (signal_struct)."""

    def __init__(self) -> None:
        self.handlers = Handlers()
        self.pending = Pending()
        self.chosen: dict[int, Thread] = {}
        """Which thread is to take a pending signal of the process, by number, where there are several."""
        self.arrived = Change()
        """A signal was queued for the process or for one of its threads."""
        self.stopped = False
        """Whether a stop signal holds the whole process until SIGCONT or SIGKILL."""
        self.on_change: Callable[[int], None] | None = None
        """Told of a stop, with the signal's number, and of a continuation, with 0."""

    def stop(self, number: int) -> None:
        """A stop signal takes effect."""
        self.stopped = True
        if self.on_change is not None:
            self.on_change(number)

    def proceed(self) -> None:
        """SIGCONT was sent."""
        if self.stopped:
            self.stopped = False
            if self.on_change is not None:
                self.on_change(0)

    def action(self, number: int) -> Action:
        """What is done about a signal."""
        return self.handlers.actions.get(number, DEFAULT)

    def set_action(self, process: Process, number: int, action: Action) -> None:
        """Changes what is done; a signal ignored from now on is forgotten where it is pending (do_sigaction)."""
        self.handlers.actions[number] = action._replace(mask=action.mask & ~KERNEL_ONLY)
        if self.ignores(number):
            self.pending.discard(bit(number))
            for thread in process.threads.values():
                thread.signals.pending.discard(bit(number))

    def reset(self, number: int) -> None:
        """Back to the default (SA_RESETHAND, force_sig)."""
        self.handlers.actions[number] = self.action(number)._replace(handler=SIG_DFL)

    def ignores(self, number: int) -> bool:
        """Whether nothing would be done about it (sig_handler_ignored)."""
        handler = self.action(number).handler
        return handler == SIG_IGN or (handler == SIG_DFL and bool(IGNORED & bit(number)))

    def sets(self) -> tuple[int, int]:
        """The sets of ignored and of caught signals, for /proc/PID/status."""
        ignored = caught = 0
        for number, action in self.handlers.actions.items():
            if action.handler == SIG_IGN:
                ignored |= bit(number)
            elif action.handler != SIG_DFL:
                caught |= bit(number)
        return ignored, caught

    def for_child(self, shared: bool = False) -> SignalState:
        """After fork: the same actions (with CLONE_SIGHAND also from now on), nothing pending."""
        child = SignalState()
        child.handlers = self.handlers if shared else Handlers(self.handlers.actions)
        return child

    def for_exec(self) -> None:
        """After exec: its own, where handlers are gone and what is ignored stays ignored (flush_signal_handlers)."""
        kept = {number for number, action in self.handlers.actions.items() if action.handler == SIG_IGN}
        self.handlers = Handlers(dict.fromkeys(sorted(kept), Action(SIG_IGN)))


def check_number(number: int) -> None:
    """EINVAL when there is no such signal."""
    if not 1 <= number <= NSIG:
        raise LinuxError(E.EINVAL)


def pending_mask(task: Thread) -> int:
    """All that is pending for a thread: its own and its process's."""
    return task.signals.pending.mask | task.process.signals.pending.mask


def deliverable(task: Thread) -> bool:
    """Whether a signal waits that the thread does not block: it must not sleep, nor go on in user mode before
    `signal_delivery.deliver`. A stopped process takes none: SIGCONT and SIGKILL make it go on when they are sent."""
    process = task.process
    if process.signals.stopped:
        return False
    shared = process.signals.pending.mask & ~task.signal_mask
    if task.signals.pending.mask & ~task.signal_mask:
        return True
    return bool(shared) and (len(process.threads) < 2 or _is_for(task, shared))


def _is_for(task: Thread, shared: int) -> bool:
    """Whether one of its process's signals is for this thread, or was for one that has ended or blocks it now
    (complete_signal, retarget_shared_pending)."""
    process = task.process
    while shared:
        number = (shared & -shared).bit_length()
        shared &= shared - 1
        chosen = process.signals.chosen.get(number)
        if chosen is None or chosen is task or chosen.signal_mask & bit(number):
            return True
        if process.threads.get(chosen.tid) is not chosen:
            return True
    return False


def _choose_thread(process: Process, number: int) -> None:
    """The first thread that does not block a signal is to take it (complete_signal)."""
    process.signals.chosen.pop(number, None)
    for thread in process.threads.values():
        if not thread.signal_mask & bit(number):
            process.signals.chosen[number] = thread
            return


def send_to_thread(task: Thread, number: int, info: SigInfo | None = None) -> None:
    """Sends a signal to one thread, from the kernel itself unless `info` says more. EAGAIN when a real-time signal does
    not fit RLIMIT_SIGPENDING."""
    _send(task.process, task.signals.pending, task.signal_mask, info or SigInfo.kernel(number))


def send_to_process(process: Process, number: int, info: SigInfo | None = None) -> None:
    """Sends a signal to a process: the first of its threads that does not block it will take it. EAGAIN likewise."""
    _choose_thread(process, number)
    _send(process, process.signals.pending, _blocked_by_all(process), info or SigInfo.kernel(number))


def _send(process: Process, pending: Pending, blocked: int, info: SigInfo) -> None:
    state, number = process.signals, info.number
    _prepare(process, number)
    if state.ignores(number) and not blocked & bit(number):
        if process.trace:
            process.trace_ignored.append(info)
        return
    kept = number < RTMIN and info.code >= SI_USER  # The kernel's own signals and kill(2)'s always find room.
    if not kept and queued(process) >= process.limits.soft(Resource.SIGPENDING):
        if number >= RTMIN and info.code != SI_USER:
            raise LinuxError(E.EAGAIN)
        if pending.mask & bit(number):
            return
        info = SigInfo.user(number, 0, 0)  # It comes, but who sent it is lost (__send_signal_locked).
    pending.add(info)
    _noted(process)


def _noted(process: Process) -> None:
    process.attention = process.kernel.stirred = True
    process.signals.arrived.stir()


def send_queued(process: Process, thread: Thread | None, info: QueuedOnce) -> bool:
    """Sends a signal that has its place reserved, to a process or to one thread of it. False when it is ignored."""
    if thread is not None:
        pending, blocked = thread.signals.pending, thread.signal_mask
    else:
        pending, blocked = process.signals.pending, _blocked_by_all(process)
        _choose_thread(process, info.number)
    _prepare(process, info.number)
    if process.signals.ignores(info.number) and not blocked & bit(info.number):
        return False
    pending.add_reserved(info)
    _noted(process)
    return True


def _blocked_by_all(process: Process) -> int:
    blocked = -1
    for thread in process.threads.values():
        blocked &= thread.signal_mask
    return blocked


def _prepare(process: Process, number: int) -> None:
    """prepare_signal(): stopping and continuing cancel each other, whatever the actions are."""
    pendings = [process.signals.pending, *(thread.signals.pending for thread in process.threads.values())]
    if STOPPING & bit(number):
        for pending in pendings:
            pending.discard(bit(Sig.CONT))
    elif number == Sig.CONT:
        for pending in pendings:
            pending.discard(STOPPING)
        process.signals.proceed()
        process.attention = True
    elif number == Sig.KILL:
        process.signals.stopped = False
        process.attention = True


def queued(process: Process) -> int:
    """How many signals wait or have their place reserved, for RLIMIT_SIGPENDING and /proc/PID/status SigQ."""
    waiting = len(process.signals.pending) + sum(len(thread.signals.pending) for thread in process.threads.values())
    return waiting + len(process.posix_timers)


def next_deliverable(task: Thread) -> SigInfo | None:
    """Takes the next signal that the thread does not block: exceptions of its own, then what was sent to it, then
    what was sent to its process (get_signal, dequeue_signal)."""
    return take(task, ~task.signal_mask)


def take(task: Thread, allowed: int) -> SigInfo | None:
    """Takes the next signal of a set."""
    chosen = _choose(task, allowed)
    if chosen is None:
        return None
    info = chosen[0].take(chosen[1])
    return info.taken(task) if isinstance(info, QueuedOnce) else info


def _choose(task: Thread, allowed: int) -> tuple[Pending, int] | None:
    own, shared = task.signals.pending, task.process.signals.pending
    number = own.next_number(allowed & SYNCHRONOUS)
    if number and own.first(number).code > SI_USER:
        return own, number
    for pending in (own, shared):
        number = pending.next_number(allowed)
        if number:
            return pending, number
    return None


def fault(task: Thread, number: int, code: int, address: int, trap: int = 0, error: int = 0) -> None:
    """An exception that the thread itself caused: it cannot be blocked or ignored (force_sig_fault). `trap` and
    `error` are the processor's vector and error code, for the handler's sigcontext."""
    signals = task.signals
    signals.trap, signals.error = trap, error
    if trap == PAGE_FAULT:
        signals.fault_address = address
    force(task, SigInfo.fault(number, code, address))


PAGE_FAULT = 14
"""The vector of a page fault."""


def force(task: Thread, info: SigInfo, fatal: bool = False) -> None:
    """Sends a signal that must take effect: when it is blocked or ignored (or `fatal`) the default action is taken
    (force_sig_info_to_task)."""
    state = task.process.signals
    blocked = task.signal_mask & bit(info.number)
    if blocked or fatal or state.action(info.number).handler == SIG_IGN:
        state.reset(info.number)
        task.signal_mask &= ~bit(info.number)
    send_to_thread(task, info.number, info)


def set_mask(task: Thread, mask: int) -> None:
    """Changes what a thread blocks; SIGKILL and SIGSTOP cannot be."""
    task.signal_mask = mask & ~KERNEL_ONLY
    if task.process.signals.pending.mask & mask:
        task.process.attention = True  # Another thread may have to take what this one blocks now.


def until_signal(task: Thread, mask: int, until_ns: int | None) -> Wait:
    """A wait until one of the set is pending."""
    return Wait(
        ready=lambda _wait_ms: bool(pending_mask(task) & mask),
        until_ns=until_ns,
        changes=lambda: [task.process.signals.arrived],
    )
