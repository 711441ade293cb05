"""Opening files: openat2(2), and what else has to do with handles.

The order of checks is that of fs/namei.c: open_last_lookups, do_open, may_open. A file is first found (O_PATH), then
looked at, and then that very file is opened, so what was checked is what is opened.

Never opened on the host, though the guest may: devices (EACCES: their contents are the processor's business) and
FIFOs. A FIFO's handle only pins it, with the permissions checked: its reader and writer are guests, so
the pipe between them is the processor's to make (by the device and inode number of its `Stat`), and opening
the host's would block this component or depend on who else has it open.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from lego.fabric.wire import Buffer, Done
from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import (
    O_ACCMODE,
    O_CREAT,
    O_DIRECTORY,
    O_DSYNC,
    O_EXCL,
    O_NOATIME,
    O_NOFOLLOW,
    O_PATH,
    O_RDONLY,
    O_SYNC,
    O_TMPFILE,
    O_TRUNC,
    O_WRONLY,
    R_OK,
    RESOLVE_BENEATH,
    RESOLVE_CACHED,
    RESOLVE_IN_ROOT,
    RESOLVE_NO_MAGICLINKS,
    RESOLVE_NO_SYMLINKS,
    RESOLVE_NO_XDEV,
    W_OK,
    X_OK,
)
from lego.linux.stat import S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFREG
from scomponent import costs
from scomponent.callers import acting, aside, may
from scomponent.files import OpenFile
from scomponent.host import pinned
from scomponent.messages import Close, Duplicate, Open, OpenReply
from scomponent.mounts import LeadsElsewhere, Position
from scomponent.storage import Result, Storage, Table, add_mode_bits, check_writable
from scomponent.walk import NORMAL, Walk

_RESOLVE_ALL = (
    RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH | RESOLVE_IN_ROOT | RESOLVE_CACHED
)
_TMPFILE_BIT = O_TMPFILE & ~O_DIRECTORY
_HOST_FLAGS = O_ACCMODE | O_SYNC | O_DSYNC | O_NOATIME
"""What the host's descriptor is opened with too. O_APPEND is not: `WriteAt` says itself where it writes; nor
O_DIRECT, whose rules of alignment a buffer of this component's would break."""
_HOST_ALWAYS = os.O_NOCTTY | os.O_CLOEXEC
_CREATE_TRIES = 64


def check_flags(flags: int, resolve: int) -> None:
    """EINVAL and EAGAIN for combinations that build_open_flags (fs/open.c) refuses."""
    if resolve & ~_RESOLVE_ALL or (resolve & RESOLVE_BENEATH and resolve & RESOLVE_IN_ROOT):
        raise LinuxError(E.EINVAL, "resolve")
    if flags & O_PATH:
        return
    if flags & O_CREAT and flags & O_DIRECTORY:
        raise LinuxError(E.EINVAL, "O_CREAT with O_DIRECTORY")
    if flags & _TMPFILE_BIT and (not flags & O_DIRECTORY or flags & O_ACCMODE == O_RDONLY):
        raise LinuxError(E.EINVAL, "O_TMPFILE")
    if resolve & RESOLVE_CACHED and flags & (O_TRUNC | O_CREAT | _TMPFILE_BIT):
        raise LinuxError(E.EAGAIN)


class Opening:
    """The requests that give and take handles."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._files = storage.files
        self.table: Table = {Open: self.open, Duplicate: self.duplicate, Close: self.close}

    def open(self, request: Open, _: Buffer) -> Result:
        """openat2(2)."""
        costs.charge_metadata()
        check_flags(request.flags, request.resolve)
        flags = request.flags
        if flags & O_PATH:
            flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW
        self._files.check_room()
        with self._storage.walk(request.vnode, request.place, request.path, request.resolve) as walk:
            if flags & _TMPFILE_BIT:
                file = self._open_temporary(walk, request, flags)
                created = True
            elif flags & O_CREAT:
                file, created = self._open_or_create(walk, request, flags)
            else:
                position = walk.lookup(follow=not flags & O_NOFOLLOW, directory=bool(flags & O_DIRECTORY))
                with _as_program(position) if request.execute else nullcontext():
                    file, created = self._open_position(request.vnode, position, flags), False
        handle = self._files.add(file)
        self._storage.tally.add(opens=1, creates=int(created))
        return OpenReply(handle, self._storage.shown(file.mount, file.stat()), file.object, file.path, created), b""

    def duplicate(self, request: Duplicate, _: Buffer) -> Result:
        """Another handle for an open file."""
        with self._files.use(request.handle) as file:
            if file.path_only:
                raise LinuxError(E.EBADF)
            if request.writable and not file.writable:
                raise LinuxError(E.EACCES)
            stat = self._storage.shown(file.mount, file.stat())
        handle, file = self._files.duplicate(request.handle)
        return OpenReply(handle, stat, file.object, file.path), b""

    def close(self, request: Close, _: Buffer) -> Result:
        """Gives handles back."""
        self._files.close(request.handles)
        return Done(), b""

    # ---- ways to open ------------------------------------------------------------------------------------

    def _open_or_create(self, walk: Walk, request: Open, flags: int) -> tuple[OpenFile, bool]:
        for _ in range(_CREATE_TRIES):
            last = walk.to_last()
            if last.kind != NORMAL:
                walk.settle(last)
                raise LinuxError(E.EEXIST if flags & O_EXCL else E.EISDIR)
            if last.slash:
                raise LinuxError(E.EISDIR)
            found = walk.child(last.name)
            if found is None:
                check_writable(last.directory)
                host_flags = flags & _HOST_FLAGS | _HOST_ALWAYS | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
                try:
                    fd = os.open(last.name, host_flags, request.mode & 0o7777, dir_fd=last.directory.fd)
                except FileExistsError:  # Somebody else was faster: look again.
                    walk.again(last)
                    continue
                file = self._created(request, fd, last.directory, last.path, flags)
                self._storage.stamps.note(os.fstat(last.directory.fd), contents=True)
                return file, True
            if found.pseudo:
                raise LeadsElsewhere(found.path)
            if flags & O_EXCL:
                raise LinuxError(E.EEXIST)
            if found.kind == S_IFLNK and not flags & O_NOFOLLOW:
                walk.enter(found)
                continue
            if found.is_directory:
                raise LinuxError(E.EISDIR)
            return self._open_position(request.vnode, found, flags), False
        raise LinuxError(E.EAGAIN, "the name kept changing")

    def _created(self, request: Open, fd: int, directory: Position, path: str, flags: int) -> OpenFile:
        try:
            add_mode_bits(fd, request.mode, pinned(fd))
            self._storage.stamps.note(os.fstat(fd), fresh=True)
            return OpenFile(request.vnode, fd, S_IFREG, flags, directory.mount, None, path)
        except BaseException:
            os.close(fd)
            raise

    def _open_temporary(self, walk: Walk, request: Open, flags: int) -> OpenFile:
        directory = walk.lookup(follow=not flags & O_NOFOLLOW, directory=True)
        check_writable(directory)
        host_flags = flags & (_HOST_FLAGS | O_EXCL) | _HOST_ALWAYS | os.O_TMPFILE
        fd = os.open(pinned(directory.fd), host_flags, request.mode & 0o7777)
        path = f"{directory.path.rstrip('/')}/#{os.fstat(fd).st_ino}"  # What d_tmpfile calls it.
        return self._created(request, fd, directory, path, flags)

    def _open_position(self, vnode: int, position: Position, flags: int) -> OpenFile:
        kind = position.kind
        if flags & O_PATH:
            fd = os.dup(position.fd) if position.fd >= 0 else -1
        elif kind == S_IFLNK:
            raise LinuxError(E.ELOOP)
        elif kind == S_IFDIR:
            fd = _open_directory(position, flags)
        elif kind in (S_IFCHR, S_IFBLK):
            raise LinuxError(_device_errno(position, flags))
        elif kind == S_IFREG:
            fd = _open_regular(position, flags)
            if flags & O_TRUNC:
                self._storage.stamps.note(os.fstat(fd), contents=True)
        elif kind == S_IFIFO:
            fd = _pin_fifo(position, flags)
        else:
            raise LinuxError(E.ENXIO, "a socket")  # sock_no_open (net/socket.c).
        try:
            return OpenFile(vnode, fd, kind, flags, position.mount, position.node, position.path)
        except BaseException:
            if fd >= 0:
                os.close(fd)
            raise


@contextmanager
def _as_program(position: Position) -> Iterator[None]:
    """A program may be executed by those who cannot read it: it is opened with this component's own rights."""
    if acting() is None:
        yield
        return
    if not may(position.fd, X_OK):
        raise LinuxError(E.EACCES)
    with aside():
        yield


def _open_directory(position: Position, flags: int) -> int:
    if flags & O_ACCMODE != O_RDONLY:
        raise LinuxError(E.EISDIR)
    if position.fd < 0:
        return -1
    return os.open(pinned(position.fd), flags & _HOST_FLAGS | _HOST_ALWAYS | os.O_DIRECTORY)


def _open_regular(position: Position, flags: int) -> int:
    if flags & O_TRUNC:
        check_writable(position)
    path = pinned(position.fd)
    if not position.mount.writable and flags & O_ACCMODE != O_RDONLY:
        if not may(position.fd, W_OK if flags & O_ACCMODE == O_WRONLY else R_OK | W_OK):
            raise LinuxError(E.EACCES)
        raise LinuxError(E.EROFS)
    return os.open(path, flags & (_HOST_FLAGS | O_TRUNC) | _HOST_ALWAYS)


def _may_open(position: Position, flags: int) -> bool:
    return may(position.fd, {O_RDONLY: R_OK, O_WRONLY: W_OK}.get(flags & O_ACCMODE, R_OK | W_OK))


def _device_errno(position: Position, flags: int) -> int:
    """Devices of the host are kept from guests; whiteouts, which guests make too, have no driver (chrdev_open)."""
    whiteout = not os.fstat(position.fd).st_rdev and _may_open(position, flags)
    return E.ENXIO if whiteout else E.EACCES


def _pin_fifo(position: Position, flags: int) -> int:
    if not _may_open(position, flags):
        raise LinuxError(E.EACCES)
    return os.dup(position.fd)
