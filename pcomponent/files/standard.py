"""The descriptors that a new process begins with: 0, 1 and 2 on the console."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lego.console.messages import Describe
from lego.linux.errno import E, LinuxError
from pcomponent.files.console import ConsoleFile, ask
from pcomponent.files.table import FileTable

if TYPE_CHECKING:
    from pcomponent.process import Thread


def open_standard(task: Thread) -> FileTable:
    """A table with standard input, output and error; a stream that is closed on the host stays closed."""
    table = FileTable()
    for stream in range(3):
        file = open_stream(task, stream)
        if file is not None:
            table.install(task, file, lowest=stream)
    return table


def open_stream(task: Thread, stream: int) -> ConsoleFile | None:
    """One of the host's streams, None when it is closed there."""
    try:
        described, _ = ask(task, Describe(stream))
    except LinuxError as error:
        if error.errno == E.EBADF:
            return None
        raise
    return ConsoleFile(stream, described)
