"""Sessions and their terminals: who may read, write and change one, and who is told when it goes.

Source: drivers/tty/tty_jobctrl.c, tty_io.c (__tty_hangup).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.linux.signal import SIG_IGN, Sig, SigInfo, bit
from pcomponent.family import wake_at
from pcomponent.signal_delivery import orphaned
from pcomponent.signals import send_to_process
from pcomponent.waiting import Interrupted

if TYPE_CHECKING:
    from pcomponent.kernel import Kernel
    from pcomponent.process import Process, Thread
    from pcomponent.terminals.terminal import Terminal


def is_leader(process: Process) -> bool:
    """Whether a process leads a session."""
    return process.session == process.pid


def _living(kernel: Kernel, vnode: int) -> list[Process]:
    return [each for _, each in sorted(kernel.processes.items()) if each.vnode == vnode and each.status is None]


def signal_group(kernel: Kernel, vnode: int, group: int, number: int, now_ns: int) -> None:
    """Sends a signal of the kernel's own to all processes of a group (kill_pgrp)."""
    for process in _living(kernel, vnode):
        if process.group == group:
            send_to_process(process, number, SigInfo.kernel(number))
            wake_at(process, now_ns)


def check_change(task: Thread, terminal: Terminal, number: int = Sig.TTOU) -> None:
    """Whether a process may do what only the foreground may (__tty_check_change): one in the background of this very
    terminal is stopped by SIGTTOU or SIGTTIN, and makes its call again when it is continued. EIO when it could not
    be continued, or refuses the signal; but who ignores SIGTTOU goes on."""
    process = task.process
    if process.terminal is not terminal or terminal.group in (0, process.group):
        return
    if task.signal_mask & bit(number) or process.signals.action(number).handler == SIG_IGN:
        if number == Sig.TTIN:
            raise LinuxError(E.EIO)
        return
    if orphaned(process):
        raise LinuxError(E.EIO)
    signal_group(task.kernel, process.vnode, process.group, number, task.meter.now_ns)
    raise Interrupted(restart=True)


def take(process: Process, terminal: Terminal) -> None:
    """A session leader gets a controlling terminal, and its group is in the foreground (__proc_set_tty)."""
    terminal.session, terminal.group = process.session, process.group
    process.terminal = terminal


def opened(task: Thread, terminal: Terminal, readable: bool) -> None:
    """open(2) without O_NOCTTY (tty_open_proc_set_tty)."""
    process = task.process
    if is_leader(process) and process.terminal is None and not terminal.session and readable:
        take(process, terminal)


def acquire(task: Thread, terminal: Terminal, readable: bool) -> None:
    """TIOCSCTTY. EPERM. Nobody in a vNode has CAP_SYS_ADMIN, so a terminal is never stolen from its session."""
    process = task.process
    if is_leader(process) and terminal.session == process.session:
        return
    if not is_leader(process) or process.terminal is not None or terminal.session or not readable:
        raise LinuxError(E.EPERM)
    take(process, terminal)


def give_up(task: Thread, terminal: Terminal) -> None:
    """TIOCNOTTY. ENOTTY when it is another's. With a session leader its whole session loses it."""
    process = task.process
    if process.terminal is not terminal:
        raise LinuxError(E.ENOTTY)
    if is_leader(process):
        _leave(process, terminal, task.meter.now_ns, ended=False)
    process.terminal = None


def leader_ended(process: Process, now_ns: int) -> None:
    """The end of a session leader (disassociate_ctty): the foreground group is hung up. One that lost its terminal
    before does that to the group that was in the foreground then."""
    if not is_leader(process):
        return
    terminal = process.terminal
    if terminal is not None:
        _leave(process, terminal, now_ns, ended=True)
    elif process.hung_up_group:
        for number in (Sig.HUP, Sig.CONT):
            signal_group(process.kernel, process.vnode, process.hung_up_group, number, now_ns)
    process.hung_up_group = 0


def _leave(leader: Process, terminal: Terminal, now_ns: int, ended: bool) -> None:
    group, terminal.session, terminal.group = terminal.group, 0, 0
    if group:
        signal_group(leader.kernel, leader.vnode, group, Sig.HUP, now_ns)
        if not ended:
            signal_group(leader.kernel, leader.vnode, group, Sig.CONT, now_ns)
    for process in _living(leader.kernel, leader.vnode):
        if process.session == leader.session:
            process.terminal = None
    leader.terminal = None


def end_session(kernel: Kernel, terminal: Terminal, now_ns: int) -> None:
    """A terminal hangs up (tty_signal_session_leader): its session has none any more, and the leader is told."""
    session, group = terminal.session, terminal.group
    terminal.session = terminal.group = 0
    if not session:
        return
    for process in _living(kernel, terminal.vnode):
        if process.session != session:
            continue
        if process.terminal is terminal:
            process.terminal = None
        if is_leader(process):
            process.hung_up_group = group
            for number in (Sig.HUP, Sig.CONT):
                send_to_process(process, number, SigInfo.kernel(number))
                wake_at(process, now_ns)
