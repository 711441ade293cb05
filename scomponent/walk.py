"""One walk along one path, a component at a time, inside a vNode's tree.

    with Walk(namespace, base, "a/../b/link") as walk:
        position = walk.lookup(follow=True)

Why nothing leads out. Every step opens one name relative to a directory that is already held, with O_NOFOLLOW, so the
host never follows a symlink; symlinks are read here and their text is walked like any path. `..` goes back along the
directories that this walk holds. Where it goes above the directory that the walk started from, the host is asked
for the parent, which is believed only after a climb from it has met the root of the same mount (Linux's own
path_connected, fs/namei.c). Guests can only move things within a mount, so whatever they rename meanwhile,
every directory held is one of theirs.

The order of checks, and with it which error wins, is that of fs/namei.c: link_path_walk, walk_component,
handle_dots, pick_link. Descriptors that a walk opened are closed when it ends; whoever wants to keep one duplicates it.
"""

from __future__ import annotations

import os
import posixpath
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import (
    MAX_SYMLINKS,
    NAME_MAX,
    PATH_MAX,
    RESOLVE_BENEATH,
    RESOLVE_IN_ROOT,
    RESOLVE_NO_SYMLINKS,
    RESOLVE_NO_XDEV,
)
from lego.linux.stat import S_IFDIR, S_IFLNK, S_IFMT
from scomponent.callers import aside, may
from scomponent.mounts import LeadsElsewhere, Mounted, Node, Position

_DIRECTORY = os.O_PATH | os.O_NOFOLLOW | os.O_DIRECTORY
_ANYTHING = os.O_PATH | os.O_NOFOLLOW

NORMAL, ROOT, DOT, DOTDOT = "name", "/", ".", ".."
"""What a path ends in (LAST_NORM, LAST_ROOT, LAST_DOT, LAST_DOTDOT)."""


class Tree(Protocol):
    """What a walk needs of a namespace."""

    root: Node
    made_up: Mounted

    def root_position(self) -> Position:
        """The top of the tree."""

    def path_of(self, mount: Mounted, fd: int) -> str | None:
        """Where something of a mount is now; None when it has no name there."""

    def node_at(self, mount: Mounted, path: str) -> Node | None:
        """The node at a path, if what `mount` has there is not covered."""


@dataclass(slots=True)
class Last:
    """The end of a path, not looked up yet: `name` in `directory`."""

    directory: Position
    name: str
    kind: str
    slash: bool
    """Whether it was written with a slash behind it."""

    @property
    def host_name(self) -> str:
        """The name as the host is to be given it: a slash behind it means to the host what it means to the guest."""
        return self.name + "/" if self.slash else self.name

    @property
    def node(self) -> Node | None:
        """The mount point, or directory on the way to one, that has this name."""
        return None if self.directory.node is None else self.directory.node.children.get(self.name)

    @property
    def path(self) -> str:
        """The absolute guest path."""
        return self.directory.path.rstrip("/") + "/" + self.name


def check_path(path: str) -> None:
    """Refuses what getname() refuses: ENOENT for an empty path, ENAMETOOLONG from 4,096 bytes on."""
    try:
        length = len(os.fsencode(path))
    except UnicodeEncodeError:
        raise LinuxError(E.EINVAL, "a path that stands for no bytes") from None
    if "\0" in path:
        raise LinuxError(E.EINVAL, "a path with a NUL")
    if not length:
        raise LinuxError(E.ENOENT)
    if length >= PATH_MAX:
        raise LinuxError(E.ENAMETOOLONG)


class Walk:
    """The state of one walk (Linux's struct nameidata). `base` is where relative paths start; None is the root."""

    def __init__(self, tree: Tree, base: Position | None, path: str, resolve: int = 0) -> None:
        check_path(path)
        self._tree = tree
        self._resolve = resolve
        self._root = tree.root_position()
        """Where absolute paths start, and what `..` does not leave."""
        start = base or self._root
        absolute = path.startswith("/")
        if absolute and resolve & RESOLVE_BENEATH:
            raise LinuxError(E.EXDEV)
        if resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT):
            self._root = start
        self.here = self._root if absolute else start
        self._links = 0
        self._slash = False
        self._todo: list[str] = []
        """Names still to walk, the next one last."""
        self._fds: list[int] = []
        self._push(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        fds, self._fds = self._fds, []
        for fd in fds:
            os.close(fd)

    # ---- the three ways to end a walk ------------------------------------------------------------------

    def to_last(self) -> Last:
        """Walks to the directory that the last name is in (filename_parentat)."""
        while self._todo:
            name = self._todo.pop()
            self._check_search(name)
            if self.here.pseudo and name not in (DOT, DOTDOT) and self._child_node(name) is None:
                raise self._elsewhere(self.here.path.rstrip("/") + "/" + name)
            if not self._todo:
                kind = name if name in (DOT, DOTDOT) else NORMAL
                return Last(self.here, name, kind, self._slash)
            self._step(name)
        return Last(self.here, "", ROOT, self._slash)

    def settle(self, last: Last) -> Position:
        """What the end of a path is that is no name but "/", "." or ".."."""
        position = self._up(self.here) if last.kind == DOTDOT else self.here
        if position.pseudo:
            raise self._elsewhere(position.path)
        return position

    def lookup(self, follow: bool, directory: bool = False) -> Position:
        """What the whole path leads to (filename_lookup). ENOENT when there is nothing; ENOTDIR when a slash
        behind the path or `directory` asks for a directory and it is none."""
        while True:
            last = self.to_last()
            if last.kind != NORMAL:
                return self.settle(last)
            found = self.child(last.name)
            if found is None:
                raise LinuxError(E.ENOENT)
            if found.kind == S_IFLNK and (follow or last.slash):
                self.enter(found)
                continue
            if found.pseudo:
                raise self._elsewhere(found.path)
            if (last.slash or directory) and not found.is_directory:
                raise LinuxError(E.ENOTDIR)
            return found

    # ---- steps -------------------------------------------------------------------------------------------

    def child(self, name: str) -> Position | None:
        """What has this name in the directory where the walk is; None when nothing has."""
        if len(name) > NAME_MAX // 4 and len(os.fsencode(name)) > NAME_MAX:
            raise LinuxError(E.ENAMETOOLONG)
        here = self.here
        node = self._child_node(name)
        if node is None:
            return self._open_child(here, name) if here.fd >= 0 else None
        found = self._at_node(here, node)
        self._check_crossing(here, found)
        return found

    def enter(self, link: Position) -> None:
        """Goes on with the text of a symlink that was found where the walk is."""
        if self._resolve & RESOLVE_NO_SYMLINKS:
            raise LinuxError(E.ELOOP)
        self._links += 1
        if self._links > MAX_SYMLINKS:
            raise LinuxError(E.ELOOP)
        text = os.readlink("", dir_fd=link.fd)
        if not text:
            raise LinuxError(E.ENOENT)
        if text.startswith("/"):
            if self._resolve & RESOLVE_BENEATH:
                raise LinuxError(E.EXDEV)
            self._check_crossing(self.here, self._root)
            self.here = self._root
        self._push(text)

    def again(self, last: Last) -> None:
        """Puts the last name back, to look it up once more after somebody else was faster."""
        self._todo.append(last.name)

    def _push(self, text: str) -> None:
        if not self._todo and text.endswith("/"):
            self._slash = True
        self._todo.extend(reversed([name for name in text.split("/") if name]))

    def _step(self, name: str) -> None:
        if name == DOT:
            return
        if name == DOTDOT:
            self.here = self._up(self.here)
            return
        found = self.child(name)
        if found is None:
            raise LinuxError(E.ENOENT)
        if found.kind == S_IFLNK:
            self.enter(found)
        elif found.is_directory:
            self.here = found
        else:
            raise LinuxError(E.ENOTDIR)

    def _check_search(self, name: str) -> None:
        """EACCES where nothing is looked up on the host's disk, which would say so itself (may_lookup)."""
        here = self.here
        if name not in (DOT, DOTDOT) and self._child_node(name) is None:
            return
        if here.fd >= 0 and here.is_directory and not may(here.fd, os.X_OK):
            raise LinuxError(E.EACCES)

    def _child_node(self, name: str) -> Node | None:
        return None if self.here.node is None else self.here.node.children.get(name)

    def _open_child(self, here: Position, name: str) -> Position | None:
        try:
            try:
                fd = os.open(name, _DIRECTORY, dir_fd=here.fd)  # Most names on a path are directories.
            except NotADirectoryError:
                fd = os.open(name, _ANYTHING, dir_fd=here.fd)
                self._fds.append(fd)
                kind = os.fstat(fd).st_mode & S_IFMT
            else:
                self._fds.append(fd)
                kind = S_IFDIR
        except FileNotFoundError:
            return None
        return Position(here.mount, fd, kind, None, here, name)

    def _at_node(self, here: Position, node: Node) -> Position:
        if node.mounted is not None:
            return Position(node.mounted, node.mounted.fd, node.mounted.kind, node, here, node.name)
        if not node.pseudo and here.fd >= 0:
            try:
                fd = os.open(node.name, _DIRECTORY, dir_fd=here.fd)
            except (FileNotFoundError, NotADirectoryError):
                pass
            else:
                self._fds.append(fd)
                return Position(here.mount, fd, S_IFDIR, node, here, node.name)
        return Position(self._tree.made_up, -1, S_IFDIR, node, here, node.name)

    def _check_crossing(self, here: Position, there: Position) -> None:
        if self._resolve & RESOLVE_NO_XDEV and (here.mount is not there.mount or there.pseudo):
            raise LinuxError(E.EXDEV)

    # ---- upwards -------------------------------------------------------------------------------------------

    def _up(self, here: Position) -> Position:
        if here is self._root:
            if self._resolve & RESOLVE_BENEATH:
                raise LinuxError(E.EXDEV)
            return here
        if here.node is self._tree.root:
            return here
        if here.parent is not None:
            above = here.parent
        elif here.is_mount_root:
            assert here.node is not None and here.node.parent is not None, "the root was dealt with"
            above = self._from_root(here.node.parent)
        else:
            above = self._climb(here)
        self._check_crossing(here, above)
        return above

    def _from_root(self, node: Node) -> Position:
        position = self._tree.root_position()
        for step in node.names:
            assert position.node is not None, "what leads to a node is a node"
            position = self._at_node(position, position.node.children[step])
        return position

    def _climb(self, here: Position) -> Position:
        """The parent of a directory that the walk started from, as the host has it now; ENOENT when it was moved
        to outside its mount. O(depth) calls, and never more than two descriptors open."""
        mount = here.mount
        fd = os.open("..", _DIRECTORY, dir_fd=here.fd)
        self._fds.append(fd)
        if _identity(fd) == mount.identity:
            return self._root_of(mount)
        with aside():  # path_connected() asks for no permissions.
            connected = _leads_up_to(fd, mount.identity)
        if not connected:
            raise LinuxError(E.ENOENT, "the directory was moved to outside its mount")
        path = self._tree.path_of(mount, fd) or posixpath.dirname(here.path)
        return Position(mount, fd, S_IFDIR, self._tree.node_at(mount, path), None, "", path)

    def _root_of(self, mount: Mounted) -> Position:
        node = self._tree.node_at(mount, mount.target)
        if node is None:
            raise LinuxError(E.ENOENT, "a later mount covers this one")
        return Position(mount, mount.fd, S_IFDIR, node, None, "", mount.target)

    def _elsewhere(self, path: str) -> LeadsElsewhere:
        rest = "/".join(reversed(self._todo))
        whole = path.rstrip("/") + "/" + rest if rest else path
        return LeadsElsewhere(whole + "/" if self._slash else whole)


def _identity(fd: int) -> tuple[int, int]:
    stat = os.fstat(fd)
    return stat.st_dev, stat.st_ino


def _leads_up_to(fd: int, root: tuple[int, int]) -> bool:
    """Whether going up from a directory meets `root` before the top of the host's tree."""
    at = _identity(fd)
    cursor = os.dup(fd)
    try:
        while at != root:
            above = os.open("..", _DIRECTORY, dir_fd=cursor)
            os.close(cursor)
            cursor = above
            before, at = at, _identity(above)
            if at == before:
                return False
    finally:
        os.close(cursor)
    return True
