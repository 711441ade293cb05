"""What the made-up trees consist of: files, directories and symlinks, each with a path and stable numbers.

A node is made anew for every lookup and knows its canonical path, from which its inode number follows, so the same
file has the same number in every run. A `Text` generates its contents when it is read from the beginning.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import DT_BLK, DT_CHR, DT_DIR, DT_FIFO, DT_LNK, DT_REG, DT_SOCK
from lego.linux.stat import S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG, S_IFSOCK, FsStat, Stat
from scomponent.messages import Entry

if TYPE_CHECKING:
    from pcomponent.files.base import OpenFile
    from pcomponent.process import Thread


class FileSystem(NamedTuple):
    """One made-up file system."""

    name: str
    device: int
    """st_dev, one of the minor numbers of device 0 as Linux gives them to what has no device."""
    magic: int
    """statfs(2), f_type."""
    block_size: int
    """st_blksize."""


PROC = FileSystem("proc", os.makedev(0, 21), 0x9FA0, 1024)
SYS = FileSystem("sysfs", os.makedev(0, 22), 0x62656572, 4096)
DEV = FileSystem("devtmpfs", os.makedev(0, 6), 0x01021994, 4096)
PTS = FileSystem("devpts", os.makedev(0, 24), 0x1CD1, 1024)

_ENTRY_KINDS = {
    S_IFREG: DT_REG, S_IFDIR: DT_DIR, S_IFLNK: DT_LNK, S_IFCHR: DT_CHR, S_IFBLK: DT_BLK,
    S_IFIFO: DT_FIFO, S_IFSOCK: DT_SOCK,
}  # fmt: skip


def inode_of(path: str) -> int:
    """The inode number of a made-up file: 1 for the root of a file system, else 48 bits that its path decides."""
    if path.count("/") == 1:
        return 1
    return int.from_bytes(hashlib.blake2b(path.encode(errors="surrogateescape"), digest_size=6).digest(), "little") | 2


class Leads(Exception):
    """A symlink on the way leads to another file system: go on with this absolute path of the guest. A caller counts
    how often it is sent on, since two symlinks can lead to each other (ELOOP after 40)."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class Node:
    """A file of a made-up tree; a subclass says what kind."""

    kind = S_IFREG

    def __init__(self, system: FileSystem, path: str, permissions: int = 0o444) -> None:
        self.system = system
        self.path = path
        """Canonical: absolute, no symlink but perhaps itself."""
        self.permissions = permissions

    # What a subclass may know better.

    def owner(self, task: Thread) -> tuple[int, int]:
        """User and group."""
        return 0, 0

    def welcomes(self, task: Thread) -> bool:
        """Whether a thread may look at it whatever the permissions say."""
        return False

    def size(self, task: Thread) -> int:
        """st_size."""
        return 0

    def links(self, task: Thread) -> int:
        """st_nlink."""
        return 1

    def device(self) -> int:
        """st_rdev."""
        return 0

    def changed_ns(self, task: Thread) -> int:
        """When it came to be, on the real-time clock: when the machine started."""
        return task.kernel.config.epoch_s * 10**9

    def change(
        self,
        task: Thread,
        mode: int | None = None,
        owner: tuple[int, int] | None = None,
        times: tuple[int | None, int | None] | None = None,
    ) -> None:
        """chmod(2), chown(2), utimensat(2): made-up files do not let themselves be changed (EPERM)."""
        raise LinuxError(E.EPERM)

    # What callers ask.

    def stat(self, task: Thread) -> Stat:
        """fstat(2)."""
        uid, gid = self.owner(task)
        when_ns = self.changed_ns(task)
        return Stat(
            mode=self.kind | self.permissions,
            ino=inode_of(self.path),
            dev=self.system.device,
            nlink=self.links(task),
            uid=uid,
            gid=gid,
            rdev=self.device(),
            size=self.size(task),
            blksize=self.system.block_size,
            atime_ns=when_ns,
            mtime_ns=when_ns,
            ctime_ns=when_ns,
        )

    def statfs(self, task: Thread) -> FsStat:
        """statfs(2) of its file system."""
        return statfs(self.system)

    def open(self, task: Thread, flags: int) -> OpenFile:
        """What open(2) gives; permissions have been checked against `stat`."""
        raise LinuxError(E.ENXIO)

    def readlink(self, task: Thread) -> str:
        """readlink(2)."""
        raise LinuxError(E.EINVAL)

    def entries(self, task: Thread) -> list[Entry]:
        """All names, "." and ".." first."""
        raise LinuxError(E.ENOTDIR)

    def child(self, task: Thread, name: str) -> Node:
        """What a directory has under a name; ENOENT."""
        raise LinuxError(E.ENOTDIR)


def statfs(system: FileSystem) -> FsStat:
    """What statfs(2) says of a file system without blocks."""
    return FsStat(
        type=system.magic, block_size=4096, blocks=0, blocks_free=0, blocks_available=0,
        files=0, files_free=0, fsid=system.device,
    )  # fmt: skip


class Directory(Node, ABC):
    """A directory; `children` says what is in it for the one who looks."""

    kind = S_IFDIR

    def __init__(self, system: FileSystem, path: str, permissions: int = 0o555) -> None:
        super().__init__(system, path, permissions)

    @abstractmethod
    def children(self, task: Thread) -> Mapping[str, Node]:
        """Nodes by name."""

    def child(self, task: Thread, name: str) -> Node:
        """The node of a name; ENOENT."""
        node = self.children(task).get(name)
        if node is None:
            raise LinuxError(E.ENOENT)
        return node

    def links(self, task: Thread) -> int:
        """Two, and one for each subdirectory."""
        return 2 + sum(node.kind == S_IFDIR for node in self.children(task).values())

    def entries(self, task: Thread) -> list[Entry]:
        """In the order of their names, numbers by value."""
        above = posixpath.dirname(self.path)
        found = [Entry(".", inode_of(self.path), DT_DIR), Entry("..", inode_of(above), DT_DIR)]
        for name, node in sorted(self.children(task).items(), key=_order):
            found.append(Entry(name, inode_of(node.path), _ENTRY_KINDS[node.kind & S_IFMT]))
        return found


def _order(item: tuple[str, Node]) -> tuple[bool, int, str]:
    name = item[0]
    return name.isdigit(), int(name) if name.isdigit() else 0, name


class Fixed(Directory):
    """A directory whose contents never change."""

    def __init__(self, system: FileSystem, path: str, nodes: Mapping[str, Node], permissions: int = 0o555) -> None:
        super().__init__(system, path, permissions)
        self._nodes = nodes

    def children(self, task: Thread) -> Mapping[str, Node]:
        """As given."""
        return self._nodes


class Link(Node):
    """A symlink whose text is a path to go on with."""

    kind = S_IFLNK

    def __init__(self, system: FileSystem, path: str, target: Callable[[Thread], str]) -> None:
        super().__init__(system, path, 0o777)
        self._target = target

    def readlink(self, task: Thread) -> str:
        """Where it leads."""
        return self._target(task)

    def follow(self, task: Thread) -> Node | str:
        """What it leads to: a path, absolute or from its directory, or (a magic link) a node."""
        return self._target(task)


class MountPoint(Node):
    """A directory that is listed among made-up files, but is another file system's: a path into it leads there."""

    kind = S_IFDIR
