"""Directories: what is in them, and making and removing single names. `naming` has the calls with two paths.

A name that a mount is at, or is reached through, cannot be made (EEXIST) or taken away (EBUSY).
"""

from __future__ import annotations

import os
import stat as modes

from lego.fabric.wire import Buffer
from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import DT_BLK, DT_CHR, DT_DIR, DT_FIFO, DT_LNK, DT_REG, DT_SOCK, DT_UNKNOWN
from lego.linux.stat import S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG, S_IFSOCK
from scomponent import costs
from scomponent.files import OpenFile, directory_of
from scomponent.host import pinned
from scomponent.messages import (
    Entries,
    EntriesReply,
    Entry,
    MakeDirectory,
    MakeNode,
    OkReply,
    ReadLink,
    Remove,
    TextReply,
)
from scomponent.mounts import Position
from scomponent.storage import Result, Storage, Table, add_mode_bits, check_writable
from scomponent.walk import DOT, DOTDOT, NORMAL, ROOT, Last, Walk

_KINDS = {
    S_IFIFO: DT_FIFO,
    S_IFCHR: DT_CHR,
    S_IFDIR: DT_DIR,
    S_IFBLK: DT_BLK,
    S_IFREG: DT_REG,
    S_IFLNK: DT_LNK,
    S_IFSOCK: DT_SOCK,
}


def find_room(walk: Walk, directory: bool) -> Last:
    """The place of a name that is to be made (filename_create, fs/namei.c): EEXIST when it is taken, then ENOENT for a
    slash behind what is no directory, then EROFS."""
    last = walk.to_last()
    if last.kind != NORMAL:
        walk.settle(last)
        raise LinuxError(E.EEXIST)
    if walk.child(last.name) is not None:
        raise LinuxError(E.EEXIST)
    if last.slash and not directory:
        raise LinuxError(E.ENOENT)
    check_writable(last.directory)
    return last


class Directories:
    """The requests on one directory."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._files = storage.files
        self.table: Table = {
            Entries: self.entries,
            ReadLink: self.read_link,
            MakeDirectory: self.make_directory,
            MakeNode: self.make_node,
            Remove: self.remove,
        }

    def entries(self, request: Entries, _: Buffer) -> Result:
        """All names: "." and ".." first, the others by their bytes."""
        costs.charge_metadata()
        with self._files.use(request.handle) as file:
            if file.path_only:
                raise LinuxError(E.EBADF)
            directory_of(file)
            if file.node is None and file.stat().nlink == 0:
                raise LinuxError(E.ENOENT, "the directory was removed")
            found = _host_entries(file)
            if file.node is not None:
                self._add_mounts(file, found)
            ends = [Entry(DOT, file.stat().ino, DT_DIR), Entry(DOTDOT, self._parent_number(file), DT_DIR)]
        return EntriesReply(ends + [found[name] for name in sorted(found, key=os.fsencode)]), b""

    def _add_mounts(self, file: OpenFile, found: dict[str, Entry]) -> None:
        assert file.node is not None, "checked by the caller"
        for name, node in file.node.children.items():
            kind, number = DT_DIR, node.number
            if node.mounted is not None:
                kind = _KINDS.get(node.mounted.kind, DT_UNKNOWN)
                number = node.mounted.identity[1]
            there = found.get(name)  # Linux, too, shows the number of the directory that is mounted over.
            found[name] = Entry(name, there.ino if there is not None else number, kind)

    def _parent_number(self, file: OpenFile) -> int:
        position = file.position(file.path)
        if not position.is_mount_root:
            return os.stat("..", dir_fd=file.fd).st_ino
        assert position.node is not None, "a mount's root is a node"
        above = position.node.parent
        if above is None:
            return file.stat().ino
        if above.pseudo:
            return above.number
        with self._storage.namespace(file.vnode).walk(position, DOTDOT) as walk:
            return walk.lookup(follow=False).stat().ino

    def read_link(self, request: ReadLink, _: Buffer) -> Result:
        """readlinkat(2). An empty path means the symlink that is open as `place` itself; ENOENT when it is none."""
        costs.charge_metadata()
        if not request.path and request.place:
            with self._files.use(request.place) as file:
                if file.kind != S_IFLNK:
                    raise LinuxError(E.ENOENT)
                return TextReply(os.readlink("", dir_fd=file.fd)), b""
        with self._storage.walk(request.vnode, request.place, request.path) as walk:
            position = walk.lookup(follow=False)
            if position.kind != S_IFLNK:
                raise LinuxError(E.EINVAL)
            return TextReply(os.readlink("", dir_fd=position.fd)), b""

    def make_directory(self, request: MakeDirectory, _: Buffer) -> Result:
        """mkdirat(2)."""
        costs.charge_metadata()
        with self._storage.walk(request.vnode, request.place, request.path) as walk:
            last = find_room(walk, directory=True)
            os.mkdir(last.name, request.mode & 0o1777, dir_fd=last.directory.fd)
            _finish(last, request.mode, S_IFDIR)
            note_made(self._storage, last)
        return OkReply(), b""

    def make_node(self, request: MakeNode, _: Buffer) -> Result:
        """mknodat(2)."""
        costs.charge_metadata()
        kind = request.mode & S_IFMT or S_IFREG
        if kind not in (S_IFREG, S_IFIFO, S_IFSOCK, S_IFCHR, S_IFBLK):
            raise LinuxError(E.EPERM if kind == S_IFDIR else E.EINVAL)
        with self._storage.walk(request.vnode, request.place, request.path) as walk:
            last = find_room(walk, directory=False)
            if kind == S_IFBLK or (kind == S_IFCHR and request.device):  # Anybody makes whiteouts (vfs_mknod).
                raise LinuxError(E.EPERM)
            os.mknod(last.name, kind | modes.S_IMODE(request.mode), dir_fd=last.directory.fd)
            _finish(last, request.mode, kind)
            note_made(self._storage, last)
        return OkReply(), b""

    def remove(self, request: Remove, _: Buffer) -> Result:
        """unlinkat(2): do_unlinkat and do_rmdir (fs/namei.c)."""
        costs.charge_metadata()
        with self._storage.walk(request.vnode, request.place, request.path) as walk:
            last = walk.to_last()
            if last.kind != NORMAL:
                walk.settle(last)
                raise LinuxError(_NOT_REMOVED[last.kind] if request.directory else E.EISDIR)
            check_removable(last.directory)
            node = last.node
            if node is not None:
                is_directory = node.mounted is None or node.mounted.kind == S_IFDIR
                if request.directory == is_directory:
                    raise LinuxError(E.EBUSY)
                raise LinuxError(E.EISDIR if is_directory else E.ENOTDIR)
            if last.directory.fd < 0:
                raise LinuxError(E.ENOENT)
            self._take_away(last, request.directory)
        return OkReply(), b""

    def _take_away(self, last: Last, directory: bool) -> None:
        fd = os.open(last.name, os.O_PATH | os.O_NOFOLLOW, dir_fd=last.directory.fd)
        try:
            (os.rmdir if directory else os.unlink)(last.host_name, dir_fd=last.directory.fd)
            self._storage.stamps.note(os.fstat(fd))  # It may have other names, or be open.
        finally:
            os.close(fd)
        self._storage.stamps.note(os.fstat(last.directory.fd), contents=True)


_NOT_REMOVED = {ROOT: E.EBUSY, DOT: E.EINVAL, DOTDOT: E.ENOTEMPTY}


def note_made(storage: Storage, last: Last) -> None:
    """After something was made under a name: its times, and those of the directory."""
    storage.stamps.note(os.stat(last.name, dir_fd=last.directory.fd, follow_symlinks=False), fresh=True)
    storage.stamps.note(os.fstat(last.directory.fd), contents=True)


def check_removable(directory: Position) -> None:
    """EROFS, unless the directory is made up: what is in one are mount points, and those are busy."""
    if directory.fd >= 0:
        check_writable(directory)


def _finish(last: Last, mode: int, kind: int) -> None:
    """Gives what was just made the permissions that the host's umask took; someone may have replaced it already."""
    try:
        fd = os.open(last.name, os.O_PATH | os.O_NOFOLLOW, dir_fd=last.directory.fd)
    except OSError:
        return
    try:
        if os.fstat(fd).st_mode & S_IFMT == kind:
            add_mode_bits(fd, mode, pinned(fd))
    finally:
        os.close(fd)


def _host_entries(file: OpenFile) -> dict[str, Entry]:
    if file.fd < 0:
        return {}
    with file.lock, os.scandir(file.fd) as scan:  # scandir uses the descriptor's position and rewinds it.
        return {entry.name: Entry(entry.name, entry.inode(), _kind_of(entry)) for entry in scan}


def _kind_of(entry: os.DirEntry[str]) -> int:
    try:
        if entry.is_file(follow_symlinks=False):
            return DT_REG
        if entry.is_dir(follow_symlinks=False):
            return DT_DIR
        if entry.is_symlink():
            return DT_LNK
        return _KINDS.get(entry.stat(follow_symlinks=False).st_mode & S_IFMT, DT_UNKNOWN)
    except OSError:  # Removed meanwhile, and its type was not in the directory.
        return DT_UNKNOWN
