"""Parents and children: who is told when a process ends or stops, and who inherits whom.

A process that has ended stays in `kernel.processes` until its parent has waited for it; then its pid is given back
to the global manager. A process whose parent ends goes to its nearest living ancestor with PR_SET_CHILD_SUBREAPER.
When there is none its parent is 0, outside of the machine (on Linux it would be init), and nobody has to
wait for it. The first process of a run is waited for by the front end; when it ends, the machine's part in the run is
over, so all processes of the run that are left are killed (`Lifecycle.end_process`).

Source: kernel/exit.c (exit_notify, forget_original_parent), kernel/signal.c (do_notify_parent).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gmanager.messages import Exited
from lego.linux.signal import (
    CLD_CONTINUED,
    CLD_EXITED,
    CLD_KILLED,
    CLD_STOPPED,
    NSIG,
    SA_NOCLDSTOP,
    SA_NOCLDWAIT,
    SIG_IGN,
    Sig,
    SigInfo,
)
from pcomponent.signals import deliverable, send_to_process
from pcomponent.usage import process_times, ticks

if TYPE_CHECKING:
    from pcomponent.process import Process, Thread

MANAGER = "G"
CONTINUED = 0xFFFF
"""The wait(2) status of a process that was continued."""


def stopped_status(number: int) -> int:
    """The wait(2) status of a process that a signal stopped."""
    return number << 8 | 0x7F


def code_and_status(status: int) -> tuple[int, int]:
    """CLD_* and si_status for a wait(2) status."""
    if status == CONTINUED:
        return CLD_CONTINUED, Sig.CONT
    if status & 0xFF == 0x7F:
        return CLD_STOPPED, status >> 8
    return (CLD_KILLED, status & 0x7F) if status & 0x7F else (CLD_EXITED, status >> 8)


def parent_of(process: Process) -> Process | None:
    """The parent, when it is a process of this machine that has not ended."""
    parent = process.kernel.processes.get(process.parent) if process.parent else None
    return parent if parent is not None and parent.status is None else None


def adopt(parent: Process | None, child: Process) -> None:
    """Makes a process the child of another, or of nobody."""
    before = child.kernel.processes.get(child.parent)
    if before is not None:
        before.kin.children.pop(child.pid, None)
        before.kin.news.stir()
    child.parent = parent.pid if parent is not None else 0
    child.kin.maker = next(iter(parent.threads.values()), None) if parent is not None else None
    if parent is not None:
        parent.kin.children[child.pid] = child
        parent.kin.news.stir()


def regrouped(process: Process) -> None:
    """It is in another group: whoever waits for children of a group may wait for none now."""
    parent = process.kernel.processes.get(process.parent)
    if parent is not None:
        parent.kin.news.stir()


def used(process: Process) -> tuple[int, int]:
    """User and system time of a process, ended or not, ns."""
    return process_times(process) if process.status is None else process.kin.used_ns


def forget(process: Process) -> None:
    """Nobody will ask for a process that has ended: its pid is free."""
    kernel = process.kernel
    adopt(None, process)
    kernel.processes.pop(process.pid, None)
    kernel.endpoint.call(MANAGER, Exited(process.pid, kernel.endpoint.name))


def reap(parent: Process, child: Process) -> None:
    """The parent has waited for a child that has ended: what it used is counted as the parent's children's."""
    kin, mine = child.kin, parent.kin
    mine.children_ns = (
        mine.children_ns[0] + kin.used_ns[0] + kin.children_ns[0],
        mine.children_ns[1] + kin.used_ns[1] + kin.children_ns[1],
    )
    mine.children_pages = max(mine.children_pages, kin.children_pages, child.attributes.peak_resident_pages)
    forget(child)


# ---- news ------------------------------------------------------------------------------------------------


def wake_at(process: Process, now_ns: int) -> None:
    """After a signal was sent at `now_ns`: sleepers that it wakes have not slept less long than that."""
    for thread in process.threads.values():
        if thread.wait is not None and deliverable(thread):
            thread.meter.now_ns = max(thread.meter.now_ns, now_ns)


def clock_ns(process: Process) -> int:
    """How far a process is: the clock of its thread that is furthest."""
    return max(task.meter.now_ns for task in process.threads.values())


def _tell(parent: Process, child: Process, number: int, status: int, now_ns: int) -> None:
    user_ns, system_ns = used(child)
    code, value = code_and_status(status)
    info = SigInfo.child(child.pid, child.credentials.uid, code, value, ticks(user_ns), ticks(system_ns))
    send_to_process(parent, number, SigInfo(number, info.code, 0, info.body))
    wake_at(parent, now_ns)


def watch(process: Process) -> None:
    """Lets the parent be told when a process stops or goes on."""
    process.signals.on_change = lambda number: _changed(process, number)


def _changed(process: Process, number: int) -> None:
    """A signal has stopped a process, or with 0 continued it: its parent may ask for that, and is told unless it has
    SA_NOCLDSTOP."""
    process.kin.report = status = stopped_status(number) if number else CONTINUED
    parent = parent_of(process)
    if parent is not None:
        parent.kin.news.stir()
    if parent is not None and not parent.signals.action(Sig.CHLD).flags & SA_NOCLDSTOP:
        _tell(parent, process, Sig.CHLD, status, clock_ns(process))


def ended(process: Process) -> None:
    """A process has ended: its children are orphans, its parent is told; nobody's child is forgotten at once."""
    process.kin.ended.stir()
    groups = {process.group} | {child.group for child in process.kin.children.values()}
    _leave_children(process)
    for group in sorted(groups):
        _hang_up(process, group)
    if process.kin.root == process.pid and not process.kin.abandoned:
        return  # The front end asks for it.
    parent = parent_of(process)
    if parent is None:
        forget(process)
    else:
        _tell_end(parent, process)


def _tell_end(parent: Process, child: Process) -> None:
    """do_notify_parent(): with SIGCHLD ignored, or SA_NOCLDWAIT, nobody has to wait for the child."""
    parent.kin.news.stir()
    number = child.kin.exit_signal
    action = parent.signals.action(Sig.CHLD)
    unwanted = number == Sig.CHLD and (action.handler == SIG_IGN or bool(action.flags & SA_NOCLDWAIT))
    assert child.status is not None
    if 0 < number <= NSIG and not (number == Sig.CHLD and action.handler == SIG_IGN):
        _tell(parent, child, number, child.status, child.kin.ended_ns)
    if unwanted:
        forget(child)


def _leave_children(process: Process) -> None:
    """forget_original_parent(): orphans get a new parent, and their PR_SET_PDEATHSIG."""
    heir = _heir(process)
    for child in list(process.kin.children.values()):
        adopt(heir, child)
        child.kin.exit_signal = Sig.CHLD
        if child.status is None:
            _send_death_signal(child, process, process.kin.ended_ns)
        elif heir is not None:
            _tell_end(heir, child)
        else:
            forget(child)


def leave_to_threads(task: Thread) -> None:
    """forget_original_parent() for one of several threads: another gets the children that it made, and they their
    PR_SET_PDEATHSIG, though their parent process goes on."""
    process = task.process
    for child in process.kin.children.values():
        if child.kin.maker is task:
            child.kin.maker = next(each for each in process.threads.values() if each is not task)
            if child.status is None:
                _send_death_signal(child, process, task.meter.now_ns)


def _heir(process: Process) -> Process | None:
    """The nearest living ancestor with PR_SET_CHILD_SUBREAPER."""
    ancestor = process.kernel.processes.get(process.parent)
    while ancestor is not None:
        if ancestor.attributes.child_subreaper and ancestor.status is None:
            return ancestor
        ancestor = process.kernel.processes.get(ancestor.parent)
    return None


def _send_death_signal(child: Process, parent: Process, now_ns: int) -> None:
    number = max((thread.attributes.death_signal for thread in child.threads.values()), default=0)
    if number:
        send_to_process(child, number, SigInfo.user(number, parent.pid, parent.credentials.uid))
        wake_at(child, now_ns)


def _hang_up(process: Process, group: int) -> None:
    """kill_orphaned_pgrp(): a group that has stopped members and that nobody can continue any more is told."""
    processes = process.kernel.processes
    members = [each for _, each in sorted(processes.items()) if each.group == group and each.status is None]
    if not any(member.signals.stopped for member in members):
        return
    for member in members:
        parent = parent_of(member)
        if parent is not None and parent.group != group and parent.session == member.session:
            return
    for number in (Sig.HUP, Sig.CONT):
        for member in members:
            send_to_process(member, number, SigInfo.kernel(number))
            wake_at(member, process.kin.ended_ns)
