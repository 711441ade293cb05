"""/dev: the memory devices, terminals, and the usual symlinks.

Nothing can be created here. /dev/shm is only listed here: it is a file system of the storage component.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from lego.linux.stat import S_IFCHR
from pcomponent.pseudo.files import FullFile, MadeUpFile, NullFile, RandomFile, ZeroFile
from pcomponent.pseudo.node import DEV, PTS, Directory, FileSystem, Fixed, Link, MountPoint, Node
from pcomponent.pseudo.terminals import ConsoleNode, MultiplexorNode, SlavesDirectory, TerminalNode

if TYPE_CHECKING:
    from pcomponent.files.base import OpenFile
    from pcomponent.process import Thread


class CharacterDevice(Node):
    """A device file whose open file is of a fixed class."""

    kind = S_IFCHR

    def __init__(self, name: str, major: int, minor: int, opened: type[MadeUpFile]) -> None:
        super().__init__(DEV, f"/dev/{name}", 0o666)
        self._number = os.makedev(major, minor)
        self._opened = opened

    def device(self) -> int:
        """Its number."""
        return self._number

    def open(self, task: Thread, flags: int) -> OpenFile:
        """A file of the class."""
        return self._opened(flags, self)


def _link(name: str, target: str) -> Link:
    return Link(DEV, f"/dev/{name}", lambda _task: target)


def root(system: FileSystem = DEV) -> Directory:
    """The tree of /dev."""
    nodes: list[Node] = [
        CharacterDevice("null", 1, 3, NullFile),
        CharacterDevice("zero", 1, 5, ZeroFile),
        CharacterDevice("full", 1, 7, FullFile),
        CharacterDevice("random", 1, 8, RandomFile),
        CharacterDevice("urandom", 1, 9, RandomFile),
        TerminalNode("tty", 0, 0o666),
        ConsoleNode("console", 1, 0o600),
        MultiplexorNode(),
        _link("fd", "/proc/self/fd"),
        _link("stdin", "/proc/self/fd/0"),
        _link("stdout", "/proc/self/fd/1"),
        _link("stderr", "/proc/self/fd/2"),
        MountPoint(DEV, "/dev/shm"),
        SlavesDirectory(PTS, "/dev/pts", 0o755),
    ]
    return Fixed(system, "/dev", {node.path.rpartition("/")[2]: node for node in nodes}, 0o755)
