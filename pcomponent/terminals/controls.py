"""ioctl(2) of terminals: modes, size, flow, groups and sessions, and what a master has of its own.

A request on a master is about its slave, but for what is read and written. Linux's order of checks: the background is
stopped first, then the argument is fetched. Source: drivers/tty/tty_io.c, tty_ioctl.c, tty_jobctrl.c, pty.c.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING

from lego.linux import termios as t
from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import O_ACCMODE, O_CLOEXEC, O_NOCTTY, O_NONBLOCK
from lego.linux.signal import Sig
from pcomponent.files.terminal import MasterFile, TerminalFile
from pcomponent.tasks import find_process, members
from pcomponent.terminals import jobs

if TYPE_CHECKING:
    from pcomponent.process import Thread
    from pcomponent.terminals.terminal import Terminal

_INT = struct.Struct("<i")
_SETS = {
    **dict.fromkeys((t.TCSETS, t.TCSETSW, t.TCSETSF), t.TERMIOS_BYTES),
    **dict.fromkeys((t.TCSETS2, t.TCSETSW2, t.TCSETSF2), t.TERMIOS2_BYTES),
    **dict.fromkeys((t.TCSETA, t.TCSETAW, t.TCSETAF), t.TERMIO_BYTES),
}
"""Requests that set modes, and the size of what they take."""
_FLUSHING = (t.TCSETSF, t.TCSETSF2, t.TCSETAF)
_BREAKS = (t.TCSBRK, t.TCSBRKP, t.TIOCSBRK, t.TIOCCBRK)
TIOCGLCKTRMIOS, TIOCSLCKTRMIOS = 0x5456, 0x5457
PEER_FLAGS = O_ACCMODE | O_NOCTTY | O_NONBLOCK | O_CLOEXEC

End = TerminalFile | MasterFile
Handler = Callable[["Thread", End, int], int]


def control(task: Thread, file: End, request: int, argument: int) -> int:
    """One request. ENOTTY for what terminals do not have; EIO when it was hung up."""
    if isinstance(file, TerminalFile) and file.hung_up:
        raise LinuxError(E.ENOTTY if request == t.TIOCSPGRP else E.EIO)
    if request in _SETS:
        return _set_modes(task, file, request, argument)
    handler = _HANDLERS.get(request)
    if handler is None and isinstance(file, MasterFile):
        handler = _MASTER.get(request)
    if handler is None:
        raise LinuxError(E.ENOTTY)
    return handler(task, file, argument)


def _own(task: Thread, file: End) -> bool:
    """Whether job control binds the caller: a master is nobody's controlling terminal."""
    return isinstance(file, TerminalFile) and task.process.terminal is file.terminal


def _check(task: Thread, file: End) -> None:
    if _own(task, file):
        jobs.check_change(task, file.terminal)


# ---- modes -----------------------------------------------------------------------------------------------


def _set_modes(task: Thread, file: End, request: int, argument: int) -> int:
    terminal = file.terminal
    jobs.check_change(task, terminal)
    raw = task.memory.read(argument, _SETS[request])
    now_ns = task.meter.now_ns
    if request in _FLUSHING:
        terminal.flush_input(now_ns)
    terminal.set_modes(terminal.modes.changed(raw), now_ns)
    return 0


def _answer(text: Callable[[Terminal], bytes]) -> Handler:
    """A request that fills a structure."""

    def handler(task: Thread, file: End, argument: int) -> int:
        task.memory.write(argument, text(file.terminal))
        return 0

    return handler


def _number(value: Callable[[End], int]) -> Handler:
    """A request that fills an int."""

    def handler(task: Thread, file: End, argument: int) -> int:
        task.memory.write_struct(_INT, argument, value(file))
        return 0

    return handler


def _not_permitted(task: Thread, file: End, argument: int) -> int:
    """What takes CAP_SYS_ADMIN, which nobody in a vNode has."""
    raise LinuxError(E.EPERM)


def _refused(task: Thread, file: End, argument: int) -> int:
    """TIOCSTI, as with dev.tty.legacy_tiocsti = 0."""
    raise LinuxError(E.EIO)


def _break(task: Thread, file: End, argument: int) -> int:
    """TCSBRK and the like: a pseudo-terminal has no line to break; job control counts all the same."""
    _check(task, file)
    return 0


def _set_discipline(task: Thread, file: End, argument: int) -> int:
    """TIOCSETD: there is N_TTY."""
    _check(task, file)
    (wanted,) = task.memory.read_struct(_INT, argument)
    if wanted:
        raise LinuxError(E.EINVAL)
    return 0


def _set_size(task: Thread, file: End, argument: int) -> int:
    rows, columns, width, height = task.memory.read_struct(t.WINSIZE, argument)
    file.terminal.resize((rows, columns, width, height), task.meter.now_ns)
    return 0


def _flow(task: Thread, file: End, argument: int) -> int:
    """tcflow(3)."""
    _check(task, file)
    terminal, now_ns = file.terminal, task.meter.now_ns
    if argument in (t.TCOOFF, t.TCOON):
        if isinstance(file, TerminalFile):
            terminal.hold(argument == t.TCOOFF, now_ns)
    elif argument in (t.TCIOFF, t.TCION):
        if isinstance(file, TerminalFile):
            terminal.send_character(t.VSTOP if argument == t.TCIOFF else t.VSTART, now_ns)
    else:
        raise LinuxError(E.EINVAL)
    return 0


def _flush(task: Thread, file: End, argument: int) -> int:
    """tcflush(3). What a master reads is what the slave writes."""
    _check(task, file)
    if argument not in (t.TCIFLUSH, t.TCOFLUSH, t.TCIOFLUSH):
        raise LinuxError(E.EINVAL)
    terminal, now_ns = file.terminal, task.meter.now_ns
    if isinstance(file, TerminalFile):
        if argument != t.TCOFLUSH:
            terminal.flush_input(now_ns)
        if argument != t.TCIFLUSH:
            terminal.flush_output(now_ns)
        return 0
    if argument != t.TCOFLUSH:
        terminal.to_master.clear()
        terminal.progress(now_ns)
    if argument != t.TCIFLUSH:
        terminal.to_slave.clear()
        terminal.input_changed.happened_at(now_ns)
    return 0


def _to_read(file: End) -> int:
    if isinstance(file, TerminalFile):
        return file.terminal.discipline.count()
    return min(len(file.terminal.to_master), 4095)


def _exclusive(on: bool) -> Handler:
    def handler(task: Thread, file: End, argument: int) -> int:
        file.terminal.exclusive = on
        return 0

    return handler


# ---- groups and sessions ---------------------------------------------------------------------------------


def _get_group(task: Thread, file: End, argument: int) -> int:
    if isinstance(file, TerminalFile) and not _own(task, file):
        raise LinuxError(E.ENOTTY)
    task.memory.write_struct(_INT, argument, file.terminal.group)
    return 0


def _set_group(task: Thread, file: End, argument: int) -> int:
    process, terminal = task.process, file.terminal
    try:
        jobs.check_change(task, terminal)
    except LinuxError as error:
        raise LinuxError(E.ENOTTY) from error
    (group,) = task.memory.read_struct(_INT, argument)
    if group < 0:
        raise LinuxError(E.EINVAL)
    if process.terminal is not terminal or terminal.session != process.session:
        raise LinuxError(E.ENOTTY)
    found = members(task, group)
    if not found:
        find_process(task, group)  # ESRCH; a pid that is no group's has no session either.
        raise LinuxError(E.EPERM)
    if not any(each.session == process.session for each in found):
        raise LinuxError(E.EPERM)
    terminal.group = group
    return 0


def _get_session(task: Thread, file: End, argument: int) -> int:
    if (isinstance(file, TerminalFile) and not _own(task, file)) or not file.terminal.session:
        raise LinuxError(E.ENOTTY)
    task.memory.write_struct(_INT, argument, file.terminal.session)
    return 0


def _take(task: Thread, file: End, argument: int) -> int:
    jobs.acquire(task, file.terminal, file.readable)
    return 0


def _give_up(task: Thread, file: End, argument: int) -> int:
    if isinstance(file, MasterFile):
        raise LinuxError(E.ENOTTY)
    jobs.give_up(task, file.terminal)
    return 0


# ---- what a master has of its own ------------------------------------------------------------------------


def _lock(task: Thread, file: End, argument: int) -> int:
    (on,) = task.memory.read_struct(_INT, argument)
    file.terminal.locked = bool(on)
    return 0


def _packet(task: Thread, file: End, argument: int) -> int:
    (on,) = task.memory.read_struct(_INT, argument)
    terminal = file.terminal
    if on and not terminal.packet:
        terminal.packet_status = 0
    terminal.packet = bool(on)
    return 0


def _signal(task: Thread, file: End, argument: int) -> int:
    """TIOCSIG: the argument is the signal."""
    if argument not in (Sig.INT, Sig.QUIT, Sig.TSTP):
        raise LinuxError(E.EINVAL)
    terminal = file.terminal
    if terminal.group:
        jobs.signal_group(task.kernel, terminal.vnode, terminal.group, argument, task.meter.now_ns)
    return 0


def _peer(task: Thread, file: End, argument: int) -> int:
    """TIOCGPTPEER: opens the slave, whatever the guest's tree looks like."""
    from pcomponent.pseudo.terminals import SlaveNode

    if isinstance(file, TerminalFile):
        raise LinuxError(E.EIO)
    task.process.files.free(task)
    flags = argument & PEER_FLAGS
    opened = SlaveNode(file.terminal).open(task, flags & ~(O_NOCTTY | O_CLOEXEC))
    if not flags & O_NOCTTY:
        jobs.opened(task, file.terminal, opened.readable)
    return task.process.files.install(task, opened, bool(flags & O_CLOEXEC))


_HANDLERS: dict[int, Handler] = {
    t.TCGETS: _answer(lambda terminal: terminal.modes.pack()),
    t.TCGETS2: _answer(lambda terminal: terminal.modes.pack2()),
    t.TCGETA: _answer(lambda terminal: terminal.modes.pack_old()),
    t.TIOCGWINSZ: _answer(lambda terminal: t.WINSIZE.pack(*terminal.size)),
    TIOCGLCKTRMIOS: _answer(lambda terminal: bytes(t.TERMIOS_BYTES)),
    t.TIOCSWINSZ: _set_size,
    t.TIOCOUTQ: _number(lambda file: 0),
    t.FIONREAD: _number(_to_read),
    t.TIOCGETD: _number(lambda file: 0),
    t.TIOCGDEV: _number(lambda file: file.terminal.device),
    t.TIOCGSOFTCAR: _number(lambda file: int(bool(file.terminal.modes.cflag & t.CLOCAL))),
    t.TIOCGEXCL: _number(lambda file: int(file.terminal.exclusive)),
    t.TIOCEXCL: _exclusive(True),
    t.TIOCNXCL: _exclusive(False),
    t.TIOCSETD: _set_discipline,
    t.TCXONC: _flow,
    t.TCFLSH: _flush,
    **dict.fromkeys(_BREAKS, _break),
    t.TIOCGPGRP: _get_group,
    t.TIOCSPGRP: _set_group,
    t.TIOCGSID: _get_session,
    t.TIOCSCTTY: _take,
    t.TIOCNOTTY: _give_up,
    t.TIOCSTI: _refused,
    t.TIOCGPTPEER: _peer,
    t.TIOCVHANGUP: _not_permitted,
    TIOCSLCKTRMIOS: _not_permitted,
}
_MASTER: dict[int, Handler] = {
    t.TIOCGPTN: _number(lambda file: file.terminal.index),
    t.TIOCSPTLCK: _lock,
    t.TIOCGPTLCK: _number(lambda file: int(file.terminal.locked)),
    t.TIOCPKT: _packet,
    t.TIOCGPKT: _number(lambda file: int(file.terminal.packet)),
    t.TIOCSIG: _signal,
}
