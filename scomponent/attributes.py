"""Attributes: stat, where a file is, access, chmod and its like, statfs."""

from __future__ import annotations

import os
import stat as modes
from contextlib import nullcontext

import msgspec

from lego.fabric.wire import Buffer
from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import W_OK
from lego.linux.stat import S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFREG, S_IFSOCK, FsStat, Stat
from scomponent import costs, host
from scomponent.callers import aside, may
from scomponent.host import pinned
from scomponent.messages import (
    Access,
    FsStatReply,
    HandleFsStat,
    HandleStat,
    OkReply,
    PathFsStat,
    PathOf,
    PathStat,
    SetAttributes,
    StatReply,
)
from scomponent.mounts import ST_RDONLY, Position, made_up_fs_stat
from scomponent.storage import Result, Storage, Table, check_writable

_SPECIAL = (S_IFBLK, S_IFCHR, S_IFIFO, S_IFSOCK)
_SIZE_MAX = 1 << 63


class Attributes:
    """The requests on what is known of a file, apart from its contents."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._files = storage.files
        self.table: Table = {
            PathStat: self.path_stat,
            HandleStat: self.handle_stat,
            PathOf: self.path_of,
            Access: self.access,
            SetAttributes: self.set_attributes,
            PathFsStat: self.path_fs_stat,
            HandleFsStat: self.handle_fs_stat,
        }

    def path_stat(self, request: PathStat, _: Buffer) -> Result:
        """newfstatat(2)."""
        costs.charge_metadata()
        with self._storage.walk(request.vnode, request.place, request.path) as walk:
            position = walk.lookup(request.follow)
            stat = position.stat()
            stat = self._with_birth(stat, position.fd) if request.birth else stat
            return StatReply(self._storage.shown(position.mount, stat), position.path), b""

    def handle_stat(self, request: HandleStat, _: Buffer) -> Result:
        """fstat(2)."""
        costs.charge_metadata()
        with self._files.use(request.handle) as file:
            stat = file.stat()
            stat = self._with_birth(stat, file.fd) if request.birth else stat
            return StatReply(self._storage.shown(file.mount, stat), file.path), b""

    def _with_birth(self, stat: Stat, fd: int) -> Stat:
        host_ns = host.birth_ns(fd) if fd >= 0 else None
        if host_ns is None:
            return stat
        return msgspec.structs.replace(stat, btime_ns=self._storage.stamps.birth(stat, host_ns))

    def path_of(self, request: PathOf, _: Buffer) -> Result:
        """Where an open file is now."""
        costs.charge_metadata()
        with self._files.use(request.handle) as file:
            stat = file.stat()
            path = self._storage.path_now(file)
            if path is None or (file.fd >= 0 and not stat.nlink):
                too_long = stat.nlink and host.path_is_too_long(file.fd)
                raise LinuxError(E.ENAMETOOLONG if too_long else E.ENOENT, file.path)
            return StatReply(self._storage.shown(file.mount, stat), path), b""

    def access(self, request: Access, _: Buffer) -> Result:
        """faccessat2(2): permissions first, then EROFS (do_faccessat, fs/open.c)."""
        costs.charge_metadata()
        if request.mode & ~7:
            raise LinuxError(E.EINVAL)
        if request.path or not request.place:
            with self._storage.walk(request.vnode, request.place, request.path) as walk:
                _check_access(walk.lookup(request.follow), request.mode)
        else:
            with self._files.use(request.place) as file:
                _check_access(file.position(file.path), request.mode)
        return OkReply(), b""

    def set_attributes(self, request: SetAttributes, _: Buffer) -> Result:
        """chmod, chown, utimensat and truncate, of a path or of an open file."""
        costs.charge_metadata()
        if request.size is not None and not 0 <= request.size < _SIZE_MAX:
            raise LinuxError(E.EINVAL)
        if request.path or not request.place:
            with self._storage.walk(request.vnode, request.place, request.path) as walk:
                self._change(walk.lookup(request.follow), request)
        else:
            with self._files.use(request.place) as file:
                self._change(file.position(file.path), request)
        return OkReply(), b""

    def path_fs_stat(self, request: PathFsStat, _: Buffer) -> Result:
        """statfs(2)."""
        costs.charge_metadata()
        with self._storage.walk(request.vnode, request.place, request.path) as walk:
            return FsStatReply(self._fs_stat(walk.lookup(follow=True))), b""

    def handle_fs_stat(self, request: HandleFsStat, _: Buffer) -> Result:
        """fstatfs(2)."""
        costs.charge_metadata()
        with self._files.use(request.handle) as file:
            return FsStatReply(self._fs_stat(file.position(file.path))), b""

    def _fs_stat(self, position: Position) -> FsStat:
        memory = position.mount.memory
        if memory is None:
            return _fs_stat(position)
        with aside():  # What others have there is counted as well.
            return memory.statfs(self._files.descriptors(position.mount))

    def _change(self, position: Position, request: SetAttributes) -> None:
        """Applies what is asked. The file is reached through its descriptor, so a symlink is changed itself."""
        if request.size is not None:
            if position.kind == S_IFDIR:
                raise LinuxError(E.EISDIR)
            if position.kind != S_IFREG:
                raise LinuxError(E.EINVAL)
        check_writable(position)
        path = pinned(position.fd)
        if request.size is not None:
            os.truncate(path, request.size)
        if request.owner is not None:
            os.chown(path, *request.owner)
        if request.mode is not None:
            if position.kind == S_IFLNK:
                raise LinuxError(E.EOPNOTSUPP)
            os.chmod(path, modes.S_IMODE(request.mode))
        if request.size is not None or request.owner is not None or request.mode is not None:
            self._storage.stamps.note(os.fstat(position.fd), contents=request.size is not None)
        if request.times is not None and request.times != (None, None):
            if request.now:
                os.utime(path)  # The host says whether that is allowed; the guest's clock says the time.
            with aside() if request.now else nullcontext():
                _set_times(position, path, request.times)
            accessed, contents = (each is not None for each in request.times)
            self._storage.stamps.note_set(
                os.fstat(position.fd), accessed=accessed, contents=contents, clock_ns=request.clock_ns
            )


def _check_access(position: Position, mode: int) -> None:
    if position.fd < 0:
        if mode & W_OK:
            raise LinuxError(E.EROFS)
        return
    if not may(position.fd, mode):
        read_only = mode & W_OK and host.statfs(position.fd).flags & ST_RDONLY
        raise LinuxError(E.EROFS if read_only else E.EACCES)
    if mode & W_OK and position.kind not in _SPECIAL:
        check_writable(position)


def _set_times(position: Position, path: str, times: tuple[int | None, int | None]) -> None:
    """utimensat(2). Python cannot say UTIME_OMIT, so the time that stays is set to what it is."""
    now = os.fstat(position.fd)
    atime_ns = now.st_atime_ns if times[0] is None else times[0]
    mtime_ns = now.st_mtime_ns if times[1] is None else times[1]
    os.utime(path, ns=(atime_ns, mtime_ns))


def _fs_stat(position: Position) -> FsStat:
    if position.fd < 0:
        return made_up_fs_stat()
    stat = host.statfs(position.fd)
    if position.mount.writable:
        return stat
    return msgspec.structs.replace(stat, flags=stat.flags | ST_RDONLY)
