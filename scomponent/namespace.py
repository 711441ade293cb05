"""A vNode's tree: mounts in the order in which they were made, and where they are.

    namespace = Namespace(config.mounts)
    with namespace.walk(None, "/usr/bin/../lib") as walk: ...

A target is resolved in the tree made by the mounts before it, as mount(8) does: symlinks are followed, and a
later mount covers what is at its target. What does not exist on the way is made up (see `mounts`). The pseudo
file systems are mounted over the root, below all other mounts.

A namespace does not change once it is made, so any number of threads may walk in it.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Sequence

from lego.config import Mount
from lego.linux.errno import E, LinuxError
from lego.linux.stat import S_IFDIR
from scomponent.callers import aside
from scomponent.host import pinned
from scomponent.memory_mount import MemoryMount
from scomponent.mounts import PSEUDO, LeadsElsewhere, Mounted, Node, Position
from scomponent.walk import Walk

_DELETED = " (deleted)"  # What d_path (fs/d_path.c) puts behind the name of something that has none any more.


class Namespace:
    """The mounts of one vNode. Raises `LinuxError` when something that is to be mounted cannot be opened."""

    def __init__(
        self, mounts: Sequence[Mount], pseudo: Sequence[str] = PSEUDO, memory: Sequence[MemoryMount] = ()
    ) -> None:
        self.memory = memory
        self.made_up = Mounted(-1, "/", writable=False)
        self._numbers = 0
        self._mounted: list[Mounted] = []
        self.root = self._new_node("", None)
        first = max((i for i, mount in enumerate(mounts) if not _names(mount.target)), default=-1)
        try:
            if first >= 0:  # The last mount of "/" covers all that were before it.
                self._put(mounts[first])
            for path in pseudo:
                self._node(_names(path)).pseudo = True
            for place in memory:
                self._put(Mount(place.path, place.target, writable=True), place)
            for mount in mounts[first + 1 :]:
                self._put(mount)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Gives the mounted directories back. No walk may be under way."""
        for mounted in self._mounted:
            os.close(mounted.fd)
            mounted.fd = -1
        self._mounted.clear()
        for place in self.memory:
            place.close()

    def walk(self, base: Position | None, path: str, resolve: int = 0) -> Walk:
        """A walk along a path from `base`, None for the root. Raises ENOENT and ENAMETOOLONG for the path itself."""
        return Walk(self, base, path, resolve)

    def root_position(self) -> Position:
        """The top of the tree."""
        mounted = self.root.mounted or self.made_up
        return Position(mounted, mounted.fd, S_IFDIR, self.root)

    def path_of(self, mount: Mounted, fd: int) -> str | None:
        """The guest path of an open file of a mount as it is now; None when it was removed, or moved out of the
        mount, or when the host cannot say (a path over 4,096 bytes)."""
        try:
            text = os.readlink(pinned(fd))
            top = os.readlink(pinned(mount.fd))
            if text != top and text.endswith(_DELETED) and not _is_there(text, fd):
                return None
        except OSError:
            return None
        if text == top:
            return mount.target
        prefix = top.rstrip("/") + "/"
        if not text.startswith(prefix):
            return None
        return mount.target.rstrip("/") + "/" + text[len(prefix) :]

    def node_at(self, mount: Mounted, path: str) -> Node | None:
        """The node at a guest path, if what `mount` has there is not covered by a mount below it."""
        node, covering = self.root, self.root.mounted
        for name in _names(path):
            child = node.children.get(name)
            if child is None:
                return None
            node = child
            covering = node.mounted or covering
        return node if covering is mount else None

    # ---- building ------------------------------------------------------------------------------------------

    def _put(self, mount: Mount, memory: MemoryMount | None = None) -> None:
        try:
            names = self._resolve_target(mount.target) if memory is None else _names(mount.target)
            fd = os.open(mount.source, os.O_PATH)
        except OSError as error:
            raise LinuxError(error.errno or E.EIO, f"cannot mount {mount.source} at {mount.target}") from None
        except LinuxError as error:
            raise LinuxError(error.errno, f"cannot mount {mount.source} at {mount.target}") from None
        mounted = Mounted(fd, "/" + "/".join(names), mount.writable)
        mounted.memory = memory
        self._mounted.append(mounted)
        if not names and mounted.kind != S_IFDIR:
            raise LinuxError(E.ENOTDIR, f"cannot mount {mount.source} at /: it is no directory")
        node = self._node(names)
        node.mounted, node.pseudo = mounted, False
        node.children.clear()

    def _resolve_target(self, target: str) -> list[str]:
        """The names of a target, symlinks in the tree as it is so far followed; what is missing is kept as it is."""
        if not target.startswith("/"):
            raise LinuxError(E.EINVAL)
        rest = _names(posixpath.normpath(target))
        position = "/"
        while rest:
            name = rest.pop(0)
            there = posixpath.join(position, name)
            try:
                with self.walk(None, there) as walk:
                    position = walk.lookup(follow=True).path
            except LinuxError as error:
                if error.errno != E.ENOENT:
                    raise
                return [*_names(there), *rest]
            except LeadsElsewhere as elsewhere:
                return [*_names(elsewhere.path), *rest]
        return _names(position)

    def _node(self, names: list[str]) -> Node:
        node = self.root
        for name in names:
            if name not in node.children:
                child = self._new_node(name, node)
                child.pseudo = node.pseudo
                node.children[name] = child
            node = node.children[name]
        return node

    def _new_node(self, name: str, parent: Node | None) -> Node:
        self._numbers += 1
        return Node(name, parent, self._numbers)


def _names(path: str) -> list[str]:
    return [name for name in path.split("/") if name and name != "."]


def _is_there(path: str, fd: int) -> bool:
    try:
        with aside():
            return os.path.samestat(os.stat(path, follow_symlinks=False), os.fstat(fd))
    except OSError:
        return False
