"""/dev: the memory devices, the terminal, and the usual symlinks.

Nothing can be created here. /dev/shm is only listed here: it is a file system of the storage component.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import O_ACCMODE, O_RDWR
from lego.linux.stat import S_IFCHR, Stat
from pcomponent.files.console import ConsoleFile
from pcomponent.files.standard import open_stream
from pcomponent.pseudo.files import FullFile, MadeUpFile, NullFile, RandomFile, ZeroFile
from pcomponent.pseudo.node import DEV, PTS, Directory, FileSystem, Fixed, Link, MountPoint, Node

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


def terminals(task: Thread) -> list[ConsoleFile]:
    """The console's streams that are terminals."""
    streams = (open_stream(task, stream) for stream in range(3))
    return [file for file in streams if file is not None and file.terminal]


def _open_terminal(files: list[ConsoleFile], flags: int) -> ConsoleFile:
    """The stream that suits the access mode best; the process's own descriptor of the stream is not touched."""
    wanted = flags & O_ACCMODE
    chosen = next((file for file in files if file.flags & O_ACCMODE in (wanted, O_RDWR)), files[0])
    chosen.flags = flags
    return chosen


class Terminal(Node):
    """/dev/tty and /dev/console: the terminal that the console runs in."""

    kind = S_IFCHR

    def __init__(self, name: str, minor: int, permissions: int) -> None:
        super().__init__(DEV, f"/dev/{name}", permissions)
        self._number = os.makedev(5, minor)

    def device(self) -> int:
        """Its number."""
        return self._number

    def open(self, task: Thread, flags: int) -> OpenFile:
        """ENXIO when the console has no terminal."""
        files = terminals(task)
        if not files:
            raise LinuxError(E.ENXIO)
        return _open_terminal(files, flags)


class PseudoTerminal(Node):
    """/dev/pts/N: the terminal of the console under its own name, so that ttyname(3) finds it."""

    kind = S_IFCHR

    def __init__(self, path: str, files: list[ConsoleFile]) -> None:
        super().__init__(PTS, path, 0o620)
        self._files = files

    def stat(self, task: Thread) -> Stat:
        """fstat(2): what the stream itself says."""
        return self._files[0].stat(task)

    def open(self, task: Thread, flags: int) -> OpenFile:
        """The terminal."""
        return _open_terminal(self._files, flags)


class PseudoTerminals(Directory):
    """/dev/pts."""

    def children(self, task: Thread) -> Mapping[str, Node]:
        """The console's terminal, if it is one of these."""
        found: dict[str, list[ConsoleFile]] = {}
        for file in terminals(task):
            directory, _, name = file.path.rpartition("/")
            if directory == "/dev/pts" and name:
                found.setdefault(name, []).append(file)
        return {name: PseudoTerminal(f"/dev/pts/{name}", files) for name, files in found.items()}


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
        Terminal("tty", 0, 0o666),
        Terminal("console", 1, 0o600),
        _link("fd", "/proc/self/fd"),
        _link("stdin", "/proc/self/fd/0"),
        _link("stdout", "/proc/self/fd/1"),
        _link("stderr", "/proc/self/fd/2"),
        MountPoint(DEV, "/dev/shm"),
        PseudoTerminals(PTS, "/dev/pts", 0o755),
    ]
    return Fixed(system, "/dev", {node.path.rpartition("/")[2]: node for node in nodes}, 0o755)
