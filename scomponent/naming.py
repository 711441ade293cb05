"""Giving names: rename, link, symlink. Which error wins is as in fs/namei.c: do_renameat2, do_linkat, do_symlinkat."""

from __future__ import annotations

import os
from contextlib import suppress

from lego.fabric.wire import Buffer
from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import PATH_MAX, RENAME_EXCHANGE, RENAME_NOREPLACE, RENAME_WHITEOUT
from lego.linux.stat import S_IFDIR
from scomponent import costs, host
from scomponent.directories import check_removable, find_room, note_made
from scomponent.host import pinned
from scomponent.messages import Link, LinkHandle, OkReply, Rename, SymLink
from scomponent.mounts import LeadsElsewhere, Position
from scomponent.storage import Result, Storage, Table, both_elsewhere, check_writable
from scomponent.walk import NORMAL, Last, Walk

_RENAME_ALL = RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT


class Naming:
    """The requests that give something a name."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._files = storage.files
        self.table: Table = {
            Rename: self.rename,
            Link: self.link,
            LinkHandle: self.link_handle,
            SymLink: self.symlink,
        }

    def rename(self, request: Rename, _: Buffer) -> Result:
        """renameat2(2)."""
        costs.charge_metadata()
        flags = request.flags
        if flags & ~_RENAME_ALL or (flags & RENAME_EXCHANGE and flags & (RENAME_NOREPLACE | RENAME_WHITEOUT)):
            raise LinuxError(E.EINVAL)
        walk_old = self._storage.walk(request.vnode, request.place, request.path)
        walk_new = self._storage.walk(request.vnode, request.new_place, request.new_path)
        with walk_old as old_walk, walk_new as new_walk:
            old, old_elsewhere = _last_of(old_walk)
            new, new_elsewhere = _last_of(new_walk)
            elsewhere = both_elsewhere(old_elsewhere, new_elsewhere)
            if elsewhere is not None or old is None or new is None:
                return elsewhere or OkReply(), b""
            _check_rename(old, new, flags)
            host.rename(old.directory.fd, old.host_name, new.directory.fd, new.host_name, flags)
            self._note_moved(old, new, flags)
        return OkReply(), b""

    def link(self, request: Link, _: Buffer) -> Result:
        """linkat(2)."""
        costs.charge_metadata()
        walk_old = self._storage.walk(request.vnode, request.place, request.path)
        walk_new = self._storage.walk(request.vnode, request.new_place, request.new_path)
        with walk_old as old_walk, walk_new as new_walk:
            source: Position | None = None
            last: Last | None = None
            old_elsewhere: LeadsElsewhere | None = None
            new_elsewhere: LeadsElsewhere | None = None
            try:
                source = old_walk.lookup(request.follow)
            except LeadsElsewhere as error:
                old_elsewhere = error
            try:
                last = find_room(new_walk, directory=False)
            except LeadsElsewhere as error:
                new_elsewhere = error
            elsewhere = both_elsewhere(old_elsewhere, new_elsewhere)
            if elsewhere is not None or source is None or last is None:
                return elsewhere or OkReply(), b""
            if source.mount is not last.directory.mount:
                raise LinuxError(E.EXDEV)
            if source.kind == S_IFDIR:
                raise LinuxError(E.EPERM)
            self._link_pinned(source.fd, last)
        return OkReply(), b""

    def link_handle(self, request: LinkHandle, _: Buffer) -> Result:
        """linkat(2) with AT_EMPTY_PATH."""
        costs.charge_metadata()
        with (
            self._files.use(request.handle) as file,
            self._storage.walk(request.vnode, request.new_place, request.new_path) as walk,
        ):
            if file.vnode != request.vnode:
                raise LinuxError(E.EBADF, "another vNode's handle")
            last = find_room(walk, directory=False)
            if file.mount is not last.directory.mount:
                raise LinuxError(E.EXDEV)
            if file.kind == S_IFDIR:
                raise LinuxError(E.EPERM)
            self._link_pinned(file.fd, last)
        return OkReply(), b""

    def symlink(self, request: SymLink, _: Buffer) -> Result:
        """symlinkat(2)."""
        costs.charge_metadata()
        if not request.target:
            raise LinuxError(E.ENOENT)
        if "\0" in request.target:
            raise LinuxError(E.EINVAL)
        if len(os.fsencode(request.target)) >= PATH_MAX:
            raise LinuxError(E.ENAMETOOLONG)
        with self._storage.walk(request.vnode, request.place, request.path) as walk:
            last = find_room(walk, directory=False)
            os.symlink(request.target, last.name, dir_fd=last.directory.fd)
            note_made(self._storage, last)
        return OkReply(), b""

    def _link_pinned(self, fd: int, last: Last) -> None:
        """Links the very file that was found; open(2) has this way for O_TMPFILE. A symlink is linked itself."""
        os.link(pinned(fd), last.name, dst_dir_fd=last.directory.fd, follow_symlinks=True)
        self._storage.stamps.note(os.fstat(fd))
        self._storage.stamps.note(os.fstat(last.directory.fd), contents=True)

    def _note_moved(self, old: Last, new: Last, flags: int) -> None:
        note = self._storage.stamps.note
        moved = [new, old] if flags & RENAME_EXCHANGE else [new]
        for last in moved:
            with suppress(FileNotFoundError):  # Gone again already.
                note(os.stat(last.name, dir_fd=last.directory.fd, follow_symlinks=False))
        for directory in (old.directory, new.directory):
            note(os.fstat(directory.fd), contents=True)


def _last_of(walk: Walk) -> tuple[Last | None, LeadsElsewhere | None]:
    try:
        return walk.to_last(), None
    except LeadsElsewhere as error:
        return None, error


def _check_rename(old: Last, new: Last, flags: int) -> None:
    """What the host cannot know: mounts, and what is read-only or busy because of them."""
    if old.directory.mount is not new.directory.mount:
        raise LinuxError(E.EXDEV)
    if old.kind != NORMAL:
        raise LinuxError(E.EBUSY)
    if new.kind != NORMAL:
        raise LinuxError(E.EEXIST if flags & RENAME_NOREPLACE else E.EBUSY)
    check_removable(old.directory)
    if new.node is not None and flags & RENAME_NOREPLACE:
        raise LinuxError(E.EEXIST)
    if old.node is not None or new.node is not None:
        raise LinuxError(E.EBUSY)
    check_writable(old.directory)
