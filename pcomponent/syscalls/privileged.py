"""Calls for which nobody in a vNode has the capability (SYS_ADMIN, SYS_BOOT, SYS_PACCT, SYS_TTY_CONFIG): EPERM, after
what Linux checks before. Source: fs/namespace.c, fs/fsopen.c, mm/swapfile.c, kernel/reboot.c, kernel/acct.c, fs/open.c.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import AT_FDCWD, PATH_MAX
from pcomponent.paths import place_at
from pcomponent.syscalls.attributes import stat_place
from pcomponent.syscalls.table import syscall

if TYPE_CHECKING:
    from pcomponent.process import Thread

_MOUNTS = "EPERM: a machine's mounts are given by its description"
_MACHINE = "EPERM: programs do not change the machine"

MNT_FORCE, MNT_DETACH, MNT_EXPIRE, UMOUNT_NOFOLLOW = 1, 2, 4, 8
SWAP_FLAGS_VALID = 0x1FFFF


def _string(task: Thread, pointer: int) -> None:
    """copy_mount_string(): EFAULT; EINVAL when it is too long."""
    if pointer and len(task.memory.read_string(pointer, PATH_MAX)) >= PATH_MAX:
        raise LinuxError(E.EINVAL)


@syscall(165, "mount", "pointer", "path", "pointer", "ulong", "pointer", support="partial", note=_MOUNTS)
def mount(task: Thread, source: int, target: int, kind: int, flags: int, data: int) -> int:
    """mount(2): what is pointed to must be there, and the target, before who asks matters."""
    _string(task, kind)
    _string(task, source)
    if data:
        task.memory.read(data, 1)  # copy_mount_options() takes what there is, but for nothing at all.
    stat_place(task, place_at(task, AT_FDCWD, target))
    raise LinuxError(E.EPERM)


@syscall(166, "umount2", "path", "int", support="partial", note=_MOUNTS)
def umount2(task: Thread, target: int, flags: int) -> int:
    """umount2(2)."""
    if flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW):
        raise LinuxError(E.EINVAL)
    stat_place(task, place_at(task, AT_FDCWD, target), follow=not flags & UMOUNT_NOFOLLOW)
    raise LinuxError(E.EPERM)


@syscall(155, "pivot_root", "path", "path", support="partial", note=_MOUNTS)
def pivot_root(task: Thread, new_root: int, put_old: int) -> int:
    """pivot_root(2)."""
    raise LinuxError(E.EPERM)


@syscall(429, "move_mount", "fd", "path", "fd", "path", "flags", support="partial", note=_MOUNTS)
def move_mount(task: Thread, from_fd: int, from_path: int, to_fd: int, to_path: int, flags: int) -> int:
    """move_mount(2)."""
    raise LinuxError(E.EPERM)


@syscall(430, "fsopen", "path", "flags", support="partial", note=_MOUNTS)
def fsopen(task: Thread, name: int, flags: int) -> int:
    """fsopen(2)."""
    raise LinuxError(E.EPERM)


@syscall(432, "fsmount", "fd", "flags", "flags", support="partial", note=_MOUNTS)
def fsmount(task: Thread, fd: int, flags: int, attributes: int) -> int:
    """fsmount(2)."""
    raise LinuxError(E.EPERM)


@syscall(433, "fspick", "fd", "path", "flags", support="partial", note=_MOUNTS)
def fspick(task: Thread, directory: int, path: int, flags: int) -> int:
    """fspick(2)."""
    raise LinuxError(E.EPERM)


@syscall(167, "swapon", "path", "int", support="partial", note=_MACHINE)
def swapon(task: Thread, path: int, flags: int) -> int:
    """swapon(2)."""
    raise LinuxError(E.EINVAL if flags & ~SWAP_FLAGS_VALID else E.EPERM)


@syscall(168, "swapoff", "path", support="partial", note=_MACHINE)
def swapoff(task: Thread, path: int) -> int:
    """swapoff(2)."""
    raise LinuxError(E.EPERM)


@syscall(169, "reboot", "flags", "flags", "flags", "pointer", support="partial", note=_MACHINE)
def reboot(task: Thread, magic: int, magic2: int, command: int, argument: int) -> int:
    """reboot(2)."""
    raise LinuxError(E.EPERM)


@syscall(163, "acct", "path", support="partial", note=_MACHINE)
def acct(task: Thread, path: int) -> int:
    """acct(2)."""
    raise LinuxError(E.EPERM)


@syscall(153, "vhangup", support="partial", note="EPERM: a terminal is hung up by its master's end")
def vhangup(task: Thread) -> int:
    """vhangup(2)."""
    raise LinuxError(E.EPERM)
