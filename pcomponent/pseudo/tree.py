"""Finding made-up files by path.

    node = PSEUDO.lookup(task, "/proc/self/maps", follow=True)
    PSEUDO.lookup(task, "/proc/self/exe", follow=True)      # raises Leads("/usr/bin/wc")

Paths are those that the storage component said it does not answer (`Elsewhere`): absolute, without symlinks up to
the mount point. What leads out of the made-up trees again, by a symlink or "..", raises `Leads`.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import MAX_SYMLINKS, NAME_MAX
from lego.linux.stat import S_IFDIR, S_IFLNK
from pcomponent.pseudo import dev, proc, sys
from pcomponent.pseudo.node import Leads, Link, MountPoint, Node

if TYPE_CHECKING:
    from pcomponent.process import Thread

__all__ = ["PSEUDO", "Leads", "Node", "Pseudo"]

_MAY_SEARCH = 1


class Pseudo:
    """The made-up file systems by the name of their mount point."""

    def __init__(self, roots: dict[str, Node]) -> None:
        self._roots = roots

    def lookup(self, task: Thread, path: str, follow: bool) -> Node:
        """The node that a path leads to. `follow` says what to do with a symlink in the last place; a path that ends
        in "/" follows it always. Errors: ENOENT, ENOTDIR, EACCES, ELOOP, ENAMETOOLONG."""
        return _Walk(self._roots, task, path, follow).run()


class _Walk:
    """One lookup. `trail` is the nodes from a root down to where it stands; `rest` the names still to go, the next
    one last."""

    def __init__(self, roots: dict[str, Node], task: Thread, path: str, follow: bool) -> None:
        self._roots = roots
        self._task = task
        self._trail: list[Node] = []
        self._rest: list[str] = []
        self._links = 0
        self._follow_last = follow or path.endswith(("/", "/."))
        self._directory = path.endswith(("/", "/."))
        self._push(path)

    def run(self) -> Node:
        while self._rest:
            self._step(self._rest.pop())
        if not self._trail:
            raise Leads("/")
        node = self._trail[-1]
        if self._directory and node.kind != S_IFDIR:
            raise LinuxError(E.ENOTDIR)
        return node

    def _push(self, path: str) -> None:
        self._rest += [name for name in reversed(path.split("/")) if name not in ("", ".")]

    def _leave(self, path: str) -> Leads:
        """Sends the caller on, with what is left of its own path."""
        text = posixpath.join(path, *reversed(self._rest))
        return Leads(text + "/" if self._directory and not text.endswith("/") else text)

    def _step(self, name: str) -> None:
        if len(name.encode(errors="surrogateescape")) > NAME_MAX:
            raise LinuxError(E.ENAMETOOLONG)
        if not self._trail:
            if name == "..":
                return  # The root is above itself.
            root = self._roots.get(name)
            if root is None:
                raise self._leave("/" + name)
            self._trail.append(root)
            return
        here = self._trail[-1]
        if here.kind != S_IFDIR:
            raise LinuxError(E.ENOTDIR)
        self._may_search(here)
        if name == "..":
            self._trail.pop()
            return
        node = here.child(self._task, name)
        if isinstance(node, MountPoint):
            raise self._leave(node.path)
        if node.kind == S_IFLNK and (self._rest or self._follow_last):
            self._follow(node)
        else:
            self._trail.append(node)

    def _may_search(self, node: Node) -> None:
        if node.welcomes(self._task):
            return
        uid, gid = node.owner(self._task)
        if not self._task.credentials.permits(node.kind | node.permissions, uid, gid, _MAY_SEARCH):
            raise LinuxError(E.EACCES)

    def _follow(self, link: Node) -> None:
        self._links += 1
        if self._links > MAX_SYMLINKS:
            raise LinuxError(E.ELOOP)
        assert isinstance(link, Link)
        target = link.follow(self._task)
        if isinstance(target, Node):
            self._trail.append(target)
        elif target.startswith("/"):
            self._trail.clear()
            if target.split("/")[1] not in self._roots:
                raise self._leave(target)
            self._push(target)
        else:
            self._push(target)


PSEUDO = Pseudo({"proc": proc.root(), "dev": dev.root(), "sys": sys.root()})
