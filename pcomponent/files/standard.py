"""The descriptors that a new process begins with: 0, 1 and 2 on the console."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lego.console.messages import Describe
from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import O_RDWR
from pcomponent.files.console import ConsoleFile, ask
from pcomponent.files.table import FileTable
from pcomponent.terminals.jobs import take
from pcomponent.terminals.outside import OutsideTerminal

if TYPE_CHECKING:
    from pcomponent.files.base import OpenFile
    from pcomponent.messages import TerminalSetup
    from pcomponent.process import Thread


def open_standard(task: Thread, terminal: TerminalSetup | None = None) -> FileTable:
    """A table with standard input, output and error; a stream that is closed on the host stays closed. Those that are
    the terminal of the run share one open file of it, and it is the process's controlling terminal."""
    table = FileTable()
    shared = _open_terminal(task, terminal) if terminal is not None else None
    for stream in range(3):
        inside = terminal is not None and stream in terminal.streams
        file = shared if inside else open_stream(task, stream)
        if file is not None:
            table.install(task, file, lowest=stream)
    return table


def _open_terminal(task: Thread, setup: TerminalSetup) -> OpenFile:
    """The terminal that the front end runs in becomes the session's."""
    from pcomponent.pseudo.terminals import SlaveNode

    kernel, process = task.kernel, task.process
    terminals = kernel.rendezvous.terminals
    index = terminals.new_index(process.vnode)
    terminal = OutsideTerminal(kernel, process.vnode, index, process.console, setup)
    terminal.uid = process.credentials.fsuid
    terminals.attach(process.pid, terminal)
    take(process, terminal)
    return SlaveNode(terminal).open(task, O_RDWR)


def open_stream(task: Thread, stream: int) -> ConsoleFile | None:
    """One of the host's streams, None when it is closed there."""
    try:
        described, _ = ask(task, Describe(stream))
    except LinuxError as error:
        if error.errno == E.EBADF:
            return None
        raise
    return ConsoleFile(stream, described)
