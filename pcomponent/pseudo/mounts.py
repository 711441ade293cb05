"""The mounts of a vNode as /proc/PID/mounts and mountinfo show them. Source: fs/proc_namespace.c.

What a mount is on the host stays hidden: its source is the storage component that serves it.
"""

from __future__ import annotations

import os
import posixpath
from typing import TYPE_CHECKING, NamedTuple

from lego.linux.errno import LinuxError
from pcomponent.pseudo.node import DEV, PROC, PTS, SYS
from scomponent.messages import PathStat, StatReply

if TYPE_CHECKING:
    from pcomponent.process import Thread

SHARED_MEMORY = "/dev/shm"
FILE_SYSTEM = "lego"
"""The type of what a storage component serves."""


class _Mount(NamedTuple):
    source: str
    target: str
    kind: str
    options: str
    device: int


def _all(task: Thread, devices: bool) -> list[_Mount]:
    found = []
    for mount in task.kernel.config.mounts:
        device = _device(task, mount.target) if devices else 0
        rights = "rw" if mount.writable else "ro"
        found.append(_Mount(task.process.storage, mount.target, FILE_SYSTEM, f"{rights},relatime", device))
    for system, target in ((PROC, "/proc"), (SYS, "/sys"), (DEV, "/dev"), (PTS, "/dev/pts")):
        found.append(_Mount(system.name, target, system.name, "rw,relatime", system.device))
    device = _device(task, SHARED_MEMORY) if devices else 0
    found.append(_Mount("tmpfs", SHARED_MEMORY, "tmpfs", "rw,nosuid,nodev", device))
    return found


def _device(task: Thread, target: str) -> int:
    """st_dev of what a mount shows; 0 when it cannot be asked."""
    try:
        reply, _ = task.kernel.endpoint.call(task.process.storage, PathStat(task.process.vnode, 0, target))
    except LinuxError:
        return 0
    return reply.stat.dev if isinstance(reply, StatReply) else 0


def _escape(text: str) -> str:
    """mangle(): what would end a field is written in octal."""
    return "".join(f"\\{ord(letter):03o}" if letter in " \t\n\\#" else letter for letter in text)


def mounts(task: Thread) -> str:
    """/proc/PID/mounts."""
    return "".join(
        f"{_escape(mount.source)} {_escape(mount.target)} {mount.kind} {mount.options} 0 0\n"
        for mount in _all(task, devices=False)
    )


def mountinfo(task: Thread) -> str:
    """/proc/PID/mountinfo: ids count from 1, a parent is the longest earlier mount point above."""
    lines, ids = [], dict[str, int]()
    for number, mount in enumerate(_all(task, devices=True), 1):
        above = mount.target
        parent = 0
        while above != "/" and not parent:
            above = posixpath.dirname(above)
            parent = ids.get(above, 0)
        ids[mount.target] = number
        device = f"{os.major(mount.device)}:{os.minor(mount.device)}"
        rights = mount.options.partition(",")[0]
        lines.append(
            f"{number} {parent or number} {device} / {_escape(mount.target)} {mount.options} - "
            f"{mount.kind} {_escape(mount.source)} {rights}\n"
        )
    return "".join(lines)
