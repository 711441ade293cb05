"""What the families of requests share: the namespaces, the open files, and how a request's path is walked."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from lego.fabric.wire import Buffer, Request
from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import RESOLVE_IN_ROOT
from lego.linux.stat import Stat
from scomponent.callers import aside
from scomponent.counters import Tally
from scomponent.files import Files, OpenFile, directory_of
from scomponent.messages import Elsewhere
from scomponent.mounts import MEMORY_DEVICE, LeadsElsewhere, Mounted, Position
from scomponent.namespace import Namespace
from scomponent.stamps import Stamps
from scomponent.walk import Walk

Result = tuple[msgspec.Struct, Buffer]
Handler = Callable[[Any, Buffer], Result]
Table = dict[type[Request], Handler]
"""Which method serves which request."""


class Storage:
    """The state of one storage component."""

    def __init__(self, name: str, namespaces: dict[int, Namespace], files: Files, epoch_s: int | None = None) -> None:
        self.name = name
        self.namespaces = namespaces
        self.files = files
        self.tally = Tally()
        self.stamps = Stamps(epoch_s)

    def namespace(self, vnode: int) -> Namespace:
        """The tree of a vNode."""
        namespace = self.namespaces.get(vnode)
        if namespace is None:
            raise LinuxError(E.ENOENT, f"vNode {vnode} has no mounts here")
        return namespace

    @contextmanager
    def walk(self, vnode: int, place: int, path: str, resolve: int = 0) -> Iterator[Walk]:
        """A walk along a request's path. EBADF and ENOTDIR for `place`, which an absolute path makes no use of."""
        self.tally.add(lookups=1)
        namespace = self.namespace(vnode)
        if not place or (path.startswith("/") and not resolve & RESOLVE_IN_ROOT):
            with namespace.walk(None, path, resolve) as walk:
                yield walk
            return
        with self.files.use(place) as file, namespace.walk(self.base(vnode, file), path, resolve) as walk:
            yield walk

    def shown(self, mount: Mounted, stat: Stat) -> Stat:
        """The attributes of a file as the guest is shown them: its times and its device."""
        stat = self.stamps.view(stat)
        return stat if mount.memory is None else msgspec.structs.replace(stat, dev=MEMORY_DEVICE)

    def base(self, vnode: int, file: OpenFile) -> Position:
        """An open directory as the start of a walk."""
        if file.vnode != vnode:
            raise LinuxError(E.EBADF, "another vNode's handle")
        directory_of(file)
        return file.position(self.path_now(file) or file.path)

    def path_now(self, file: OpenFile) -> str | None:
        """Where an open file is now; None when it has no name any more, or none that can be told."""
        if file.fd < 0:
            return file.path
        return self.namespace(file.vnode).path_of(file.mount, file.fd)


def check_writable(position: Position) -> None:
    """EROFS when nothing can be changed in the mount of a position (mnt_want_write)."""
    if not position.mount.writable:
        raise LinuxError(E.EROFS)


def add_mode_bits(fd: int, mode: int, path: str) -> None:
    """Gives a file that was just created the permissions that the umask of this component's own process took
    away: the guest's umask was applied before. `path` is what leads to it, `pinned` when `fd` is O_PATH."""
    actual = os.fstat(fd).st_mode
    lost = mode & 0o777 & ~actual
    if lost:
        with aside():  # Whoever made it may not keep a set-group-ID bit that the directory gave it, were this a chmod.
            os.chmod(path, (actual & 0o7777) | lost)


def both_elsewhere(old: LeadsElsewhere | None, new: LeadsElsewhere | None) -> Elsewhere | None:
    """The answer to a call with two paths: None when both are here, EXDEV when only one is elsewhere."""
    if old is None and new is None:
        return None
    if old is None or new is None:
        raise LinuxError(E.EXDEV)
    return Elsewhere(old.path)
