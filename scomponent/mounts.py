"""What a vNode's tree is made of: mounts, the places where they are, and positions in the tree.

A *mounted* thing is a directory or file of the host, held open from the start. A *node* is a place in the
guest's tree that has to do with mounts: a mount point, a file system that the processor makes up (a
*pseudo* node), or a directory on the way to one. A node that the host has no directory for is *made up*
here: it can be listed and walked through, and nothing can be created in it.

A *position* is one file or directory reached by a walk. It holds the host's file descriptor (O_PATH), or -1
in a made-up directory.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from lego.linux.stat import S_IFDIR, S_IFMT, FsStat, Stat
from scomponent.memory_mount import TMPFS_MAGIC, MemoryMount

PSEUDO = ("/proc", "/dev", "/sys")
"""Where a processor's own file systems are mounted, unless told otherwise."""

MADE_UP_DEVICE = os.makedev(0, 0xFFFFF)  # An anonymous device number that no host gives out.
MEMORY_DEVICE = os.makedev(0, 0xFFFFE)
"""st_dev of /dev/shm, which is another file system than that of the host's directory that it is kept in."""
ST_RDONLY = 0x1


class LeadsElsewhere(Exception):
    """A path leads into a pseudo file system. `path` is absolute, every symlink before it resolved."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class Mounted:
    """Something of the host that is mounted. `fd` is -1 for directories that are made up here."""

    __slots__ = ("fd", "identity", "kind", "memory", "target", "writable")

    def __init__(self, fd: int, target: str, writable: bool) -> None:
        self.fd = fd
        self.target = target
        self.writable = writable
        self.memory: MemoryMount | None = None
        """For /dev/shm: what limits it."""
        self.kind = S_IFDIR
        self.identity = (-1, -1)
        if fd >= 0:
            stat = os.fstat(fd)
            self.kind = stat.st_mode & S_IFMT
            self.identity = (stat.st_dev, stat.st_ino)


@dataclass(slots=True, eq=False)
class Node:
    """A place that mounts are at, or are reached through. `number` is its inode number when it is made up."""

    name: str
    parent: Node | None
    number: int
    mounted: Mounted | None = None
    pseudo: bool = False
    children: dict[str, Node] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """The names on the way from the root."""
        names = []
        node: Node | None = self
        while node is not None and node.parent is not None:
            names.append(node.name)
            node = node.parent
        return names[::-1]

    def made_up_stat(self) -> Stat:
        """The attributes of a directory that only exists here. Its times are the epoch: nothing ever changes it."""
        return Stat(mode=S_IFDIR | 0o555, ino=self.number, dev=MADE_UP_DEVICE, nlink=2 + len(self.children))


@dataclass(slots=True, eq=False)
class Position:
    """A file or directory in the guest's tree.

    Positions of one walk know their `parent`. Where a walk starts there is none: `known_path` has its path then.
    """

    mount: Mounted
    fd: int
    kind: int
    """S_IF*."""
    node: Node | None = None
    parent: Position | None = None
    name: str = ""
    known_path: str = "/"

    @property
    def pseudo(self) -> bool:
        """Whether the processor has to answer for it."""
        return self.node is not None and self.node.pseudo

    @property
    def is_directory(self) -> bool:
        """Whether names can be looked up in it."""
        return self.kind == S_IFDIR

    @property
    def is_mount_root(self) -> bool:
        """Whether it is what is mounted, or made up: the host's own `..` says nothing of its parent."""
        return self.node is not None and (self.fd < 0 or self.node.mounted is self.mount)

    @property
    def path(self) -> str:
        """The absolute guest path by which it was reached, symlinks resolved."""
        names: list[str] = []
        position = self
        while position.parent is not None:
            names.append(position.name)
            position = position.parent
        return "/".join([position.known_path.rstrip("/"), *reversed(names)]) or "/"

    def stat(self) -> Stat:
        """Its attributes; `OSError` as fstat(2)."""
        if self.fd < 0:
            assert self.node is not None, "only nodes are made up"
            return self.node.made_up_stat()
        return Stat.of(os.fstat(self.fd))


def made_up_fs_stat() -> FsStat:
    """statfs(2) of a directory that is made up: nothing is in it and nothing fits."""
    return FsStat(
        type=TMPFS_MAGIC,
        block_size=4096,
        blocks=0,
        blocks_free=0,
        blocks_available=0,
        files=0,
        files_free=0,
        flags=ST_RDONLY,
    )
