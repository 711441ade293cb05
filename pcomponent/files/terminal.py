"""Open files of a pseudo-terminal: its slave, which looks like a terminal, and its master, which stands for the person.

Source: drivers/tty/n_tty.c (n_tty_read, n_tty_write, n_tty_poll), drivers/tty/pty.c, drivers/tty/tty_io.c.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import O_NONBLOCK
from lego.linux.signal import POLL_HUP, POLL_IN, Sig
from lego.linux.stat import FsStat, Stat
from lego.linux.termios import ICANON, TOSTOP, VMIN, VTIME
from pcomponent.files.anonymous import Change
from pcomponent.files.base import (
    POLLERR,
    POLLHUP,
    POLLIN,
    POLLOUT,
    POLLPRI,
    POLLRDNORM,
    POLLWRNORM,
    Blocking,
    OpenFile,
)
from pcomponent.files.owner import OWNER_GROUP, OWNER_PROCESS, Owner
from pcomponent.terminals import jobs
from pcomponent.waiting import Interrupted, Wait, Wake

if TYPE_CHECKING:
    from pcomponent.process import Thread
    from pcomponent.pseudo.node import Node
    from pcomponent.terminals.terminal import Terminal

CHUNK = 64
"""tty_read() moves so many bytes at a time: with VMIN above this, that is what one read gets at most."""
_TENTH_NS = 100_000_000
_IN, _OUT = POLLIN | POLLRDNORM, POLLOUT | POLLWRNORM


class _End(OpenFile):
    """What both ends have in common: the attributes are those of the node that was opened."""

    def __init__(self, flags: int, node: Node, terminal: Terminal) -> None:
        super().__init__(flags, node.path)
        self.node = node
        self.terminal = terminal

    def stat(self, task: Thread) -> Stat:
        """fstat(2)."""
        return self.node.stat(task)

    def statfs(self, task: Thread) -> FsStat:
        """fstatfs(2)."""
        return self.node.statfs(task)

    def change(
        self,
        task: Thread,
        mode: int | None = None,
        owner: tuple[int, int] | None = None,
        times: tuple[int | None, int | None] | None = None,
    ) -> None:
        """fchmod(2), fchown(2): see the node."""
        self.node.change(task, mode, owner, times)

    def epolls(self, task: Thread) -> bool:
        """Terminals can be watched."""
        return True

    def changes(self, task: Thread) -> list[Change]:
        """Those of both directions: what one end reads, the other has room for."""
        return [self.terminal.input_changed, self.terminal.output_changed]

    lasting_changes = changes

    def ioctl(self, task: Thread, request: int, argument: int) -> int:
        """ioctl(2): see `pcomponent.terminals.controls`."""
        from pcomponent.terminals import controls

        assert isinstance(self, (TerminalFile, MasterFile))
        return controls.control(task, self, request, argument)

    def _wait(
        self, task: Thread, ready: Callable[[int], object], change: Change, until_ns: int | None = None
    ) -> Blocking:
        """Parks a thread; returns why it goes on. Time goes with what it waited for."""
        outside = self.terminal.outside and change is self.terminal.output_changed
        wake = yield Wait(lambda wait_ms: bool(ready(wait_ms)), until_ns, outside, lambda: [change])
        if wake is Wake.READY:
            task.meter.now_ns = max(task.meter.now_ns, change.at_ns)
        return wake


class TerminalFile(_End):
    """The slave."""

    def __init__(self, flags: int, node: Node, terminal: Terminal) -> None:
        super().__init__(flags, node, terminal)
        self.hung_up = False
        """The master was closed while this was open."""
        terminal.add(self)

    def told(self, task: Thread) -> list[Change]:
        """What is typed."""
        return [self.terminal.input_changed]

    def band(self, change: Change) -> int:
        """POLL_IN when something can be read (__receive_buf), POLL_HUP after a hangup."""
        if self.hung_up or self.terminal.master_closed:
            return POLL_HUP
        return POLL_IN if self.terminal.discipline.available(polled=True) else 0

    def adopt(self, task: Thread, owner: Owner) -> None:
        """The foreground group, or else the caller."""
        if self.terminal.group:
            owner.set(task, OWNER_GROUP, self.terminal.group)
        else:
            owner.set(task, OWNER_PROCESS, task.process.pid)

    def close(self, task: Thread) -> None:
        """The master learns when it was the last."""
        self.terminal.remove(self, task.meter.now_ns)

    def serial(self, events: int) -> int:
        """The last event of those that `events` asks for."""
        found = self.terminal.input_changed.serial if events & _IN else 0
        return max(found, self.terminal.output_changed.serial if events & _OUT else 0)

    # ---- reading -------------------------------------------------------------------------------------

    def read(self, task: Thread, length: int) -> Blocking:
        """read(2): a line, or what VMIN and VTIME ask for. EIO in the background and after a hangup; EAGAIN."""
        terminal, line = self.terminal, self.terminal.discipline
        if self.hung_up:
            return b""
        jobs.check_change(task, terminal, Sig.TTIN)
        least, idle_ns, until_ns = self._limits(task)
        if least > CHUNK:
            length = min(length, CHUNK)
        data = b""
        while len(data) < length:
            if not line.available():
                try:
                    if not (yield from self._more(task, until_ns)):
                        return data
                except (LinuxError, Interrupted):
                    if data:
                        return data
                    raise
                continue
            data += line.take(length - len(data))
            terminal.pump(task.meter.now_ns)
            if len(data) >= least:
                return data
            if idle_ns:
                until_ns = task.meter.now_ns + idle_ns
        return data

    def _limits(self, task: Thread) -> tuple[int, int, int | None]:
        """Bytes that end a read, how long it waits for each further one, and until when for the first."""
        modes = self.terminal.modes
        if modes.lflag & ICANON:
            return 0, 0, None
        time_ns = modes.cc[VTIME] * _TENTH_NS
        if modes.cc[VMIN]:
            return modes.cc[VMIN], time_ns, None
        return 1, 0, task.meter.now_ns + time_ns

    def _more(self, task: Thread, until_ns: int | None) -> Blocking:
        """Waits for input; False when the read is over without it."""
        terminal, line = self.terminal, self.terminal.discipline
        if terminal.master_closed:
            raise LinuxError(E.EIO)
        if until_ns is not None and task.meter.now_ns >= until_ns:
            return False
        if self.flags & O_NONBLOCK:
            raise LinuxError(E.EAGAIN)
        wake = yield from self._wait(
            task, lambda _: line.available() or terminal.master_closed, terminal.input_changed, until_ns
        )
        if wake is Wake.SIGNAL and not line.available() and not terminal.master_closed:
            raise Interrupted(restart=True)
        return True

    def unread(self, task: Thread, data: bytes) -> None:
        """Puts back what the guest's buffer had no room for."""
        if data:
            self.terminal.discipline.give_back(data)
            self.terminal.input_changed.stir()

    # ---- writing -------------------------------------------------------------------------------------

    def write(self, task: Thread, data: bytes) -> Blocking:
        """write(2). EIO after a hangup; with TOSTOP as `jobs.check_change` says; EAGAIN. A signal ends a long one."""
        terminal = self.terminal
        if self.hung_up:
            raise LinuxError(E.EIO)
        if terminal.modes.lflag & TOSTOP:
            jobs.check_change(task, terminal)
        view, done, change = memoryview(data), 0, terminal.output_changed
        try:
            while True:
                if self.hung_up or terminal.master_closed:
                    raise LinuxError(E.EIO)
                done += terminal.write(view[done:], task.meter.now_ns)
                if done == len(view) and terminal.push(0):
                    return done
                if self.flags & O_NONBLOCK:
                    if done == len(view):
                        return done  # What the host has not taken yet is sent on by the scheduler.
                    raise LinuxError(E.EAGAIN)
                wake = yield from self._wait(task, self._goes_on, change)
                if wake is Wake.SIGNAL:
                    raise Interrupted(restart=True)
        except (LinuxError, Interrupted):
            if done:
                return done
            raise

    def _goes_on(self, wait_ms: int) -> bool:
        terminal = self.terminal
        return terminal.master_closed or (terminal.push(wait_ms) and terminal.room() > 0)

    # ---- poll ----------------------------------------------------------------------------------------

    def poll(self, task: Thread, events: int, wait_ms: int = 0) -> int:
        """POLL* bits that hold now (n_tty_poll, hung_up_tty_poll)."""
        terminal = self.terminal
        if self.hung_up:
            return _IN | _OUT | POLLERR | POLLHUP
        found = _IN if terminal.discipline.available(polled=True) else 0
        if terminal.master_closed:
            found |= POLLHUP
        return found | (_OUT if terminal.room() else 0)


class MasterFile(_End):
    """The master: what was opened as /dev/ptmx."""

    def close(self, task: Thread) -> None:
        """The terminal is gone: whoever uses the slave is hung up."""
        terminal = self.terminal
        task.kernel.rendezvous.terminals.remove(terminal)
        terminal.hang_up(task.meter.now_ns)

    def serial(self, events: int) -> int:
        """The last event of those that `events` asks for."""
        terminal = self.terminal
        return max(
            terminal.output_changed.serial if events & (_IN | POLLPRI) else 0,
            terminal.input_changed.serial if events & _OUT else 0,
        )

    def told(self, task: Thread) -> list[Change]:
        """What the slave writes."""
        return [self.terminal.output_changed]

    def band(self, change: Change) -> int:
        """POLL_IN when something can be read."""
        return POLL_IN if self.terminal.to_master else 0

    def adopt(self, task: Thread, owner: Owner) -> None:
        """The caller."""
        owner.set(task, OWNER_PROCESS, task.process.pid)

    def read(self, task: Thread, length: int) -> Blocking:
        """read(2) of the slave's output. EIO when the last slave was closed; EAGAIN."""
        terminal = self.terminal
        if not length:
            return b""
        while True:
            if terminal.packet and terminal.packet_status:
                status, terminal.packet_status = terminal.packet_status, 0
                return bytes((status,))
            if terminal.to_master:
                break
            if terminal.slave_closed:
                raise LinuxError(E.EIO)
            if self.flags & O_NONBLOCK:
                raise LinuxError(E.EAGAIN)
            wake = yield from self._wait(task, lambda _: self._readable(), terminal.output_changed)
            if wake is Wake.SIGNAL and not self._readable():
                raise Interrupted(restart=True)
        if terminal.packet:
            return b"\0" + terminal.read_master(length - 1, task.meter.now_ns)
        return terminal.read_master(length, task.meter.now_ns)

    def _readable(self) -> bool:
        terminal = self.terminal
        return bool(terminal.to_master or terminal.slave_closed or (terminal.packet and terminal.packet_status))

    def unread(self, task: Thread, data: bytes) -> None:
        """Puts back what the guest's buffer had no room for."""
        self.terminal.to_master[:0] = data
        self.terminal.output_changed.stir()

    def write(self, task: Thread, data: bytes) -> Blocking:
        """write(2): typing. EAGAIN; a signal ends a long one."""
        terminal, done = self.terminal, 0
        try:
            while True:
                done += terminal.type(data[done:], task.meter.now_ns)
                if done == len(data):
                    return done
                if self.flags & O_NONBLOCK:
                    raise LinuxError(E.EAGAIN)
                wake = yield from self._wait(task, lambda _: terminal.typing_room() > 0, terminal.input_changed)
                if wake is Wake.SIGNAL:
                    raise Interrupted(restart=True)
        except (LinuxError, Interrupted):
            if done:
                return done
            raise

    def poll(self, task: Thread, events: int, wait_ms: int = 0) -> int:
        """POLL* bits that hold now."""
        terminal = self.terminal
        found = _IN if terminal.to_master else 0
        if terminal.packet and terminal.packet_status:
            found |= POLLPRI | _IN
        if terminal.slave_closed:
            found |= POLLHUP
        return found | (_OUT if terminal.typing_room() else 0)
