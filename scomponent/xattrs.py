"""Extended attributes: those of the namespace `user.`, which the host's file system keeps.

The other namespaces belong to the host's kernel and its administrator: they are not shown, and cannot be set. A file
is reached through its descriptor, so what the host allows this component is what the guest may do. Source: fs/xattr.c.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from lego.fabric.wire import Buffer
from lego.linux.errno import E, LinuxError
from scomponent import costs
from scomponent.host import pinned
from scomponent.messages import DataReply, GetXattr, ListXattrs, OkReply, RemoveXattr, SetXattr, XattrRequest
from scomponent.mounts import Position
from scomponent.storage import Result, Storage, Table, check_writable

_USER = "user."
_TRUSTED = "trusted."


class Xattrs:
    """The requests on extended attributes."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.table: Table = {
            GetXattr: self.get,
            SetXattr: self.set,
            ListXattrs: self.list,
            RemoveXattr: self.remove,
        }

    @contextmanager
    def _position(self, request: XattrRequest) -> Iterator[Position]:
        """What a request is about: a path, or an open file."""
        costs.charge_metadata()
        if request.path or not request.place:
            with self._storage.walk(request.vnode, request.place, request.path) as walk:
                yield walk.lookup(request.follow)
        else:
            with self._storage.files.use(request.place) as file:
                yield file.position(file.path)

    def get(self, request: GetXattr, _: Buffer) -> Result:
        """getxattr(2)."""
        with self._position(request) as position:
            if request.name.startswith(_TRUSTED):
                raise LinuxError(E.ENODATA)
            _check(position, request.name)
            return DataReply(os.getxattr(pinned(position.fd), request.name)), b""

    def set(self, request: SetXattr, _: Buffer) -> Result:
        """setxattr(2)."""
        with self._position(request) as position:
            _check_change(position, request.name)
            os.setxattr(pinned(position.fd), request.name, request.value, request.flags)
            self._storage.stamps.note(os.fstat(position.fd), contents=False)
        return OkReply(), b""

    def list(self, request: ListXattrs, _: Buffer) -> Result:
        """listxattr(2), of the names that can be read."""
        with self._position(request) as position:
            if not _has_any(position):
                return DataReply(b""), b""
            try:
                names = os.listxattr(pinned(position.fd))
            except OSError as error:
                if error.errno != E.EOPNOTSUPP:
                    raise
                names = []
            return DataReply(b"".join(os.fsencode(name) + b"\0" for name in names if name.startswith(_USER))), b""

    def remove(self, request: RemoveXattr, _: Buffer) -> Result:
        """removexattr(2)."""
        with self._position(request) as position:
            _check_change(position, request.name)
            os.removexattr(pinned(position.fd), request.name)
            self._storage.stamps.note(os.fstat(position.fd), contents=False)
        return OkReply(), b""


def _has_any(position: Position) -> bool:
    """Whether files here can have attributes: made-up directories cannot, and in /dev/shm they would not be counted."""
    return position.fd >= 0 and position.mount.memory is None


def _check(position: Position, name: str) -> None:
    if not name.startswith(_USER) or not _has_any(position):
        raise LinuxError(E.EOPNOTSUPP)


def _check_change(position: Position, name: str) -> None:
    """mnt_want_write() and xattr_permission(): trusted attributes take CAP_SYS_ADMIN, which no guest has."""
    check_writable(position)
    if name.startswith(_TRUSTED):
        raise LinuxError(E.EPERM)
    _check(position, name)
