"""The nodes of terminals: /dev/ptmx, /dev/pts and what is in it, /dev/tty and /dev/console.

A run without a terminal of its own (its input or output goes elsewhere) may still have one of the console's streams on
the host's terminal: then that is what /dev/tty gives, with the host's line discipline. Source: drivers/tty/tty_io.c
(tty_open), drivers/tty/pty.c (ptmx_open), fs/devpts/inode.c.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import O_ACCMODE, O_RDWR
from lego.linux.stat import S_IFCHR, Stat
from pcomponent.credentials import CHOWN, FOWNER
from pcomponent.files.console import ConsoleFile
from pcomponent.files.standard import open_stream
from pcomponent.files.terminal import MasterFile, TerminalFile
from pcomponent.pseudo.node import DEV, PTS, Directory, Node
from pcomponent.terminals.terminal import Terminal

if TYPE_CHECKING:
    from pcomponent.files.base import OpenFile
    from pcomponent.process import Thread


def console_streams(task: Thread) -> list[ConsoleFile]:
    """The console's streams that are terminals, for a run that has no terminal of its own."""
    if task.kernel.rendezvous.terminals.of_run(task.process) is not None:
        return []
    streams = (open_stream(task, stream) for stream in range(3))
    return [file for file in streams if file is not None and file.terminal]


def _open_stream(files: list[ConsoleFile], flags: int) -> ConsoleFile:
    """The stream that suits the access mode best; the process's own descriptor of the stream is not touched."""
    wanted = flags & O_ACCMODE
    chosen = next((file for file in files if file.flags & O_ACCMODE in (wanted, O_RDWR)), files[0])
    chosen.flags = flags
    return chosen


class TerminalNode(Node):
    """A name that stands for whatever terminal one has."""

    kind = S_IFCHR

    def __init__(self, name: str, minor: int, permissions: int) -> None:
        super().__init__(DEV, f"/dev/{name}", permissions)
        self._number = os.makedev(5, minor)

    def device(self) -> int:
        """Its number."""
        return self._number

    def terminal(self, task: Thread) -> Terminal | None:
        """The process's controlling terminal."""
        return task.process.terminal

    def open(self, task: Thread, flags: int) -> OpenFile:
        """ENXIO when there is none."""
        terminal = self.terminal(task)
        if terminal is not None:
            if terminal.master_closed:
                raise LinuxError(E.EIO)
            return TerminalFile(flags, self, terminal)
        files = console_streams(task)
        if not files:
            raise LinuxError(E.ENXIO)
        return _open_stream(files, flags)


class ConsoleNode(TerminalNode):
    """/dev/console: the terminal that the run was started on."""

    def terminal(self, task: Thread) -> Terminal | None:
        """That of the run."""
        return task.kernel.rendezvous.terminals.of_run(task.process)


class MultiplexorNode(Node):
    """/dev/ptmx: each time it is opened, a new pseudo-terminal."""

    kind = S_IFCHR

    def __init__(self) -> None:
        super().__init__(DEV, "/dev/ptmx", 0o666)

    def device(self) -> int:
        """Its number."""
        return os.makedev(5, 2)

    def open(self, task: Thread, flags: int) -> OpenFile:
        """ENOSPC when there are too many."""
        kernel, process = task.kernel, task.process
        terminals = kernel.rendezvous.terminals
        shown = {int(name) for name in host_names(task) if name.isdigit()}
        terminal = Terminal(kernel, process.vnode, terminals.new_index(process.vnode, shown))
        terminal.uid = task.credentials.fsuid
        terminal.created_ns = kernel.realtime_ns(task)
        terminals.add(terminal)
        return MasterFile(flags, self, terminal)


class SlaveNode(Node):
    """/dev/pts/N."""

    kind = S_IFCHR

    def __init__(self, terminal: Terminal) -> None:
        super().__init__(PTS, terminal.path, terminal.permissions)
        self._terminal = terminal

    def device(self) -> int:
        """Its number."""
        return self._terminal.device

    def owner(self, task: Thread) -> tuple[int, int]:
        """Who opened the master, and the group of terminals."""
        return self._terminal.uid, self._terminal.gid

    def change(
        self,
        task: Thread,
        mode: int | None = None,
        owner: tuple[int, int] | None = None,
        times: tuple[int | None, int | None] | None = None,
    ) -> None:
        """chmod(2) and chown(2), as login programs and mesg(1) use them (setattr_prepare). Its times cannot be set."""
        terminal, who = self._terminal, task.credentials
        owns = who.fsuid == terminal.uid
        if times is not None or (mode is not None and not owns and not who.capable(FOWNER)):
            raise LinuxError(E.EPERM)
        if owner is not None:
            uid, gid = (terminal.uid if owner[0] < 0 else owner[0]), (terminal.gid if owner[1] < 0 else owner[1])
            may_give = gid == terminal.gid or who.member(gid)
            if not who.capable(CHOWN) and not (owns and uid == terminal.uid and may_give):
                raise LinuxError(E.EPERM)
            terminal.uid, terminal.gid = uid, gid
        if mode is not None:
            terminal.permissions = mode

    def changed_ns(self, task: Thread) -> int:
        """When the master was opened."""
        return self._terminal.created_ns or super().changed_ns(task)

    def stat(self, task: Thread) -> Stat:
        """fstat(2); permissions may have changed since the node was looked up."""
        self.permissions = self._terminal.permissions
        return super().stat(task)

    def open(self, task: Thread, flags: int) -> OpenFile:
        """EIO while it is locked; EBUSY."""
        self._terminal.check_open()
        return TerminalFile(flags, self, self._terminal)


class HostTerminalNode(Node):
    """/dev/pts/N for a stream of the console that is a terminal of the host, so that ttyname(3) finds it."""

    kind = S_IFCHR

    def __init__(self, path: str, files: list[ConsoleFile]) -> None:
        super().__init__(PTS, path, 0o620)
        self._files = files

    def stat(self, task: Thread) -> Stat:
        """fstat(2): what the stream itself says."""
        return self._files[0].stat(task)

    def open(self, task: Thread, flags: int) -> OpenFile:
        """The terminal."""
        return _open_stream(self._files, flags)


def host_names(task: Thread) -> dict[str, list[ConsoleFile]]:
    """The names in /dev/pts that streams of the console have on the host."""
    found: dict[str, list[ConsoleFile]] = {}
    for file in console_streams(task):
        directory, _, name = file.path.rpartition("/")
        if directory == "/dev/pts" and name:
            found.setdefault(name, []).append(file)
    return found


class SlavesDirectory(Directory):
    """/dev/pts."""

    def children(self, task: Thread) -> Mapping[str, Node]:
        """The vNode's pseudo-terminals, and the console's terminal if it is one of the host's."""
        terminals, vnode = task.kernel.rendezvous.terminals, task.process.vnode
        nodes: dict[str, Node] = {
            name: HostTerminalNode(f"/dev/pts/{name}", files) for name, files in host_names(task).items()
        }
        for index in terminals.indexes(vnode):
            terminal = terminals.find(vnode, index)
            if terminal is not None:
                nodes[str(index)] = SlaveNode(terminal)
        return nodes
