"""/proc/locks. Source: fs/locks.c (lock_get_status)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from lego.linux.errno import LinuxError
from pcomponent.files.locks import LAST, READ, Lock

if TYPE_CHECKING:
    from pcomponent.process import Thread


def text(task: Thread) -> str:
    """A line for each lock of the caller's vNode, and after it those that wait for it."""
    visible = {process.pid for process in task.kernel.processes.values() if process.vnode == task.process.vnode}
    lines = []
    number = 0
    for lock, waiting in task.kernel.file_locks:
        if lock.pid > 0 and lock.pid not in visible:
            continue
        number += 1
        lines.append(f"{number}: {_describe(task, lock)}")
        lines += [f"{number}: -> {_describe(task, each)}" for each in waiting]
    return "".join(lines)


def _describe(task: Thread, lock: Lock) -> str:
    if lock.whole:
        name = "FLOCK "
    else:
        name = "OFDLCK" if lock.pid < 0 else "POSIX "
    try:
        stat = lock.file.stat(task)
        inode = f"{os.major(stat.dev):02x}:{os.minor(stat.dev):02x}:{stat.ino}"
    except LinuxError:
        inode = "<none>:0"
    end = "EOF" if lock.end == LAST else str(lock.end)
    return f"{name} ADVISORY  {'READ' if lock.kind == READ else 'WRITE'} {lock.pid} {inode} {lock.start} {end}\n"
