"""A pseudo-terminal: the line discipline with what is on both sides of it, and whose terminal it is.

What the master writes goes through the line discipline to readers of the slave; what the slave writes, and echo, goes
through output processing to the master. A process has at most one controlling terminal (`Process.terminal`), a terminal
at most one session, and of that one group is in the foreground. Source: drivers/tty/pty.c, tty_io.c.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.linux.signal import Sig
from lego.linux.termios import (
    CREAD,
    CS8,
    CSIZE,
    EXTPROC,
    IXON,
    PARENB,
    STANDARD,
    TIOCPKT_DOSTOP,
    TIOCPKT_FLUSHREAD,
    TIOCPKT_FLUSHWRITE,
    TIOCPKT_IOCTL,
    TIOCPKT_NOSTOP,
    TIOCPKT_START,
    TIOCPKT_STOP,
    VSTART,
    VSTOP,
    Modes,
)
from pcomponent.files.anonymous import Change
from pcomponent.terminals.discipline import Discipline

if TYPE_CHECKING:
    from pcomponent.files.terminal import TerminalFile
    from pcomponent.kernel import Kernel
    from pcomponent.process import Process

FLIP_BYTES = 16384
"""What is kept on its way to a side whose own buffer is full."""
TAKEN_BYTES = 4095
"""What the master's own buffer holds: this much of the output has arrived, and is not lost by a flush."""
MAJOR = 136
"""UNIX98_PTY_SLAVE_MAJOR; the minor number is the terminal's."""
PTYS_MAX = 1024
"""Pseudo-terminals of one vNode at a time; then opening /dev/ptmx gives ENOSPC (devpts, max)."""
TTY_GROUP = 5
"""The group of slaves, as distributions mount devpts: gid=5,mode=620."""


class Terminal:
    """One pseudo-terminal pair. Times are nanoseconds of the monotonic clock; `now_ns` is when something is done."""

    outside = False
    """Whether the other side is the host's terminal."""
    streams: Sequence[int] = ()
    """Which of the console's streams it is then."""

    def __init__(self, kernel: Kernel, vnode: int, index: int, modes: Modes = STANDARD) -> None:
        self.kernel = kernel
        self.vnode = vnode
        self.index = index
        self.size = (0, 0, 0, 0)
        """Rows, columns and the same in pixels."""
        self.discipline = Discipline(modes, self)
        self.session = 0
        """The session whose controlling terminal it is, ..."""
        self.group = 0
        """... and its foreground process group; 0 for none."""
        self.uid, self.gid, self.permissions = 0, TTY_GROUP, 0o620
        self.created_ns = 0
        """On the real-time clock."""
        self.locked = True
        """TIOCSPTLCK: the slave cannot be opened yet."""
        self.exclusive = False
        self.held = False
        """tcflow(TCOOFF) holds the output, whatever Ctrl-Q says."""
        self.packet = False
        self.packet_status = 0
        self.files: list[TerminalFile] = []
        """The open file descriptions of the slave, ..."""
        self.slave_closed = False
        """... of which the last was closed, after there had been any."""
        self.master_closed = False
        self.to_master = bytearray()
        self.to_slave = bytearray()
        self.input_changed, self.output_changed = Change(), Change()
        """Something can be read from the slave; something can be read from the master, or there is room again."""
        self._now_ns = 0

    @property
    def modes(self) -> Modes:
        """The slave's; the master has none of its own."""
        return self.discipline.modes

    @property
    def device(self) -> int:
        """st_rdev of the slave."""
        return os.makedev(MAJOR, self.index)

    @property
    def path(self) -> str:
        """The slave's name."""
        return f"/dev/pts/{self.index}"

    # ---- the line discipline's port ------------------------------------------------------------------

    def room(self) -> int:
        """How much output is taken now."""
        if self.held or self.discipline.stopped:
            return 0
        return max(0, TAKEN_BYTES + FLIP_BYTES - len(self.to_master))

    def send(self, data: bytes) -> None:
        """Output for the master."""
        self.to_master += data
        self.output_changed.happened_at(self._now_ns)

    def signal(self, number: int) -> None:
        """For the foreground process group."""
        from pcomponent.terminals.jobs import signal_group

        if self.group:
            signal_group(self.kernel, self.vnode, self.group, number, self._now_ns)

    def discard_output(self) -> None:
        """What has not reached the master's buffer is lost."""
        del self.to_master[TAKEN_BYTES:]
        self.output_changed.stir()
        self._status(TIOCPKT_FLUSHWRITE | TIOCPKT_FLUSHREAD)

    def set_stopped(self, stopped: bool) -> None:
        """Ctrl-S, Ctrl-Q."""
        self._status(TIOCPKT_STOP if stopped else TIOCPKT_START, TIOCPKT_START if stopped else TIOCPKT_STOP)
        self.output_changed.happened_at(self._now_ns)

    def _status(self, bits: int, without: int = 0) -> None:
        """Something that a master in packet mode is told."""
        if self.packet:
            self.packet_status = self.packet_status & ~without | bits
            self.output_changed.happened_at(self._now_ns)

    # ---- input ---------------------------------------------------------------------------------------

    def typing_room(self) -> int:
        """How much the master can write now."""
        return FLIP_BYTES - len(self.to_slave)

    def type(self, data: bytes, now_ns: int) -> int:
        """Bytes from the master; returns how many were taken."""
        count = min(len(data), self.typing_room())
        self.to_slave += data[:count]
        self.pump(now_ns)
        return count

    def pump(self, now_ns: int) -> None:
        """Hands on what the line discipline has room for."""
        if not self.to_slave:
            return
        self._now_ns = now_ns
        data = bytes(self.to_slave)
        self.to_slave.clear()  # A signal character discards what is typed; it must not find this.
        taken = self.discipline.receive(data)
        self.to_slave[:0] = data[taken:]
        if taken:
            self.input_changed.happened_at(now_ns)

    def read_master(self, length: int, now_ns: int) -> bytes:
        """Output that the master takes."""
        data = bytes(self.to_master[:length])
        del self.to_master[: len(data)]
        self.progress(now_ns)
        return data

    def progress(self, now_ns: int) -> None:
        """There may be room for echo that waits for it."""
        self._now_ns = now_ns
        self.discipline.output.push()
        self.output_changed.happened_at(now_ns)

    def write(self, data: memoryview, now_ns: int) -> int:
        """Output of a program, with the echo before it; returns how many bytes were taken."""
        self._now_ns = now_ns
        self.discipline.output.flush()
        return self.discipline.output.write(data)

    def push(self, wait_ms: int) -> bool:
        """Whether all output has left for the other side; waits for the host, if it is there, at most `wait_ms`."""
        return True

    # ---- settings ------------------------------------------------------------------------------------

    def set_modes(self, modes: Modes, now_ns: int) -> None:
        """Changes the modes; a pseudo-terminal has eight bits and no parity (pty_set_termios)."""
        self._now_ns = now_ns
        before = self.modes
        modes = Modes(
            modes.iflag, modes.oflag, modes.cflag & ~(CSIZE | PARENB) | CS8 | CREAD, modes.lflag, modes.cc,
            modes.line, modes.ispeed, modes.ospeed,
        )  # fmt: skip
        if self.packet:
            if (before.lflag ^ modes.lflag) & EXTPROC or modes.lflag & EXTPROC:
                self._status(TIOCPKT_IOCTL)
            was, now = _by_control_s(before), _by_control_s(modes)
            if was != now:
                bits = (TIOCPKT_DOSTOP, TIOCPKT_NOSTOP) if now else (TIOCPKT_NOSTOP, TIOCPKT_DOSTOP)
                self._status(*bits)
        self.discipline.set_modes(modes)
        self.input_changed.happened_at(now_ns)
        self.output_changed.happened_at(now_ns)

    def resize(self, size: tuple[int, int, int, int], now_ns: int) -> None:
        """TIOCSWINSZ: the foreground group gets SIGWINCH when it is another size."""
        if size != self.size:
            self.size = size
            self._now_ns = now_ns
            self.signal(Sig.WINCH)

    def hold(self, held: bool, now_ns: int) -> None:
        """tcflow(TCOOFF), tcflow(TCOON)."""
        if self.held != held:
            self._now_ns = now_ns
            self.held = held
            self.set_stopped(held)
            if not held:
                self.discipline.output.push()

    def send_character(self, place: int, now_ns: int) -> None:
        """tcflow(TCIOFF), tcflow(TCION): the other side gets this terminal's stop or start character."""
        code = self.modes.cc[place]
        if code and self.room():
            self._now_ns = now_ns
            self.send(bytes((code,)))

    def flush_input(self, now_ns: int) -> None:
        """tcflush(TCIFLUSH)."""
        self._now_ns = now_ns
        self.discipline.discard_input()
        self.to_slave.clear()
        self.input_changed.stir()
        self._status(TIOCPKT_FLUSHREAD)

    def flush_output(self, now_ns: int) -> None:
        """tcflush(TCOFLUSH)."""
        self._now_ns = now_ns
        del self.to_master[TAKEN_BYTES:]
        self._status(TIOCPKT_FLUSHWRITE)
        self.output_changed.happened_at(now_ns)

    # ---- opening and closing -------------------------------------------------------------------------

    def check_open(self) -> None:
        """EIO when the slave cannot be opened: it is locked, or has no master any more; EBUSY with TIOCEXCL, which
        binds everybody, since nobody in a vNode has CAP_SYS_ADMIN."""
        if self.locked or self.master_closed:
            raise LinuxError(E.EIO)
        if self.exclusive:
            raise LinuxError(E.EBUSY)

    def add(self, file: TerminalFile) -> None:
        """The slave is open once more."""
        self.files.append(file)
        self.slave_closed = False

    def remove(self, file: TerminalFile, now_ns: int) -> None:
        """Once less. The master learns of the last."""
        self.files.remove(file)
        if not self.files:
            self.slave_closed, self.packet, self.exclusive = True, False, False
            self.output_changed.happened_at(now_ns)

    def hang_up(self, now_ns: int) -> None:
        """The other side is gone (tty_vhangup): open files are of no use any more, and the session is told."""
        from pcomponent.terminals.jobs import end_session

        self.master_closed = True
        for file in self.files:
            file.hung_up = True
        end_session(self.kernel, self, now_ns)
        self.input_changed.happened_at(now_ns)
        self.output_changed.happened_at(now_ns)


def _by_control_s(modes: Modes) -> bool:
    """Whether Ctrl-S and Ctrl-Q are what stops and starts output, as TIOCPKT_DOSTOP tells."""
    return bool(modes.iflag & IXON) and modes.cc[VSTOP] == 0x13 and modes.cc[VSTART] == 0x11


class Terminals:
    """The kernel's table of them."""

    def __init__(self) -> None:
        self._all: dict[tuple[int, int], Terminal] = {}
        self._of_run: dict[int, Terminal] = {}
        """The terminals that are the host's, by the first process of their runs."""

    def new_index(self, vnode: int, taken: set[int] | None = None) -> int:
        """The lowest free number of a vNode that is not in `taken`. ENOSPC."""
        used = self.indexes(vnode)
        if len(used) >= PTYS_MAX:
            raise LinuxError(E.ENOSPC)
        unusable = set(used) | (taken or set())
        return next(each for each in range(len(unusable) + 1) if each not in unusable)

    def add(self, terminal: Terminal) -> None:
        """A new one."""
        self._all[terminal.vnode, terminal.index] = terminal

    def remove(self, terminal: Terminal) -> None:
        """Its master is closed: its name is gone."""
        if self._all.get((terminal.vnode, terminal.index)) is terminal:
            del self._all[terminal.vnode, terminal.index]

    def find(self, vnode: int, index: int) -> Terminal | None:
        """That of a name."""
        return self._all.get((vnode, index))

    def indexes(self, vnode: int) -> list[int]:
        """The names of a vNode, in order."""
        return sorted(index for of, index in self._all if of == vnode)

    # ---- the host's ----------------------------------------------------------------------------------

    def attach(self, root: int, terminal: Terminal) -> None:
        """The first process of a run has the host's terminal."""
        self.add(terminal)
        self._of_run[root] = terminal

    def of_run(self, process: Process) -> Terminal | None:
        """The host's terminal as the run that a process is part of has it."""
        return self._of_run.get(process.kin.root)

    def detach(self, root: int, now_ns: int) -> None:
        """The run is over."""
        terminal = self._of_run.pop(root, None)
        if terminal is not None:
            self.remove(terminal)
            terminal.hang_up(now_ns)

    @property
    def attached(self) -> bool:
        """Whether somebody sits at one, so that input can come at any time."""
        return bool(self._of_run)

    def push(self) -> None:
        """Sends what the host's terminals did not take before, as far as they do now."""
        for terminal in self._of_run.values():
            terminal.push(0)
