"""The open files of a system call that waits: they stay open until it is over, whoever closes their descriptors
meanwhile (Linux's fdget). Only other threads, or processes that share the table, can; a call that nobody can do that
to holds nothing.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from lego.linux.errno import LinuxError

if TYPE_CHECKING:
    from pcomponent.process import Thread


def hold(task: Thread) -> None:
    """The thread's call is about to wait: what it has looked up stays open."""
    process = task.process
    table = process.files
    if task.held or not table.looked_up or (len(process.threads) == 1 and table.users == 1):
        return
    task.held = list(table.looked_up)
    for file in task.held:
        file.references += 1


def let_go(task: Thread) -> None:
    """The call is over."""
    held, task.held = task.held, []
    for file in held:
        with contextlib.suppress(LinuxError):  # As of descriptors that go with a process: nobody is told.
            file.drop(task)
