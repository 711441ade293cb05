"""From (directory descriptor, path pointer) to an answer: the one place where system calls meet paths.

    where = place(task, dirfd, read_path(task, pointer))
    answer = ask(task, where, lambda place, path: PathStat(vnode, place, path, follow), follow)

`ask` goes to the storage component first. A path that leads into /proc, /dev or /sys is not its own to answer,
and is looked up among this processor's made-up files, which may send it back (/proc/self/cwd/x). The answer is
the storage component's reply, or a `Node`. Order of checks, as Linux has it: the pointer
(EFAULT), the path's length (ENAMETOOLONG), emptiness (ENOENT), and then the descriptor (EBADF, ENOTDIR),
which an absolute path does not look at.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from lego.fabric.wire import Request
from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import AT_EMPTY_PATH, AT_FDCWD, MAX_SYMLINKS, PATH_MAX
from lego.linux.stat import Stat
from pcomponent.files.base import OpenFile
from pcomponent.files.storage import ask_storage
from pcomponent.pseudo.tree import PSEUDO, Leads, Node
from scomponent.messages import Elsewhere

if TYPE_CHECKING:
    from pcomponent.process import Thread


class Place(NamedTuple):
    """What the storage component resolves: a path, and the handle of the directory where it starts (0: the root)."""

    handle: int
    path: str


def read_path(task: Thread, pointer: int, empty: bool = False) -> str:
    """A path argument. EFAULT; ENAMETOOLONG; ENOENT when it is empty, unless `empty` allows that."""
    path = task.memory.read_string(pointer, PATH_MAX).decode(errors="surrogateescape")
    if not path and not empty:
        raise LinuxError(E.ENOENT)
    return path


def place(task: Thread, dirfd: int, path: str, in_root: bool = False) -> Place:
    """Where a path starts. EBADF, ENOTDIR for a bad `dirfd` that matters; with `in_root` (RESOLVE_IN_ROOT) it matters
    to absolute paths too."""
    if path.startswith("/") and not in_root:
        return Place(0, path)
    if dirfd == AT_FDCWD:
        directory = task.process.working_directory
        start = Place(directory.handle, directory.path)
    else:
        file = task.process.files.get_any(dirfd)
        if not file.directory:
            raise LinuxError(E.ENOTDIR)
        start = Place(file.handle, file.path)
    if start.handle or start.path == "/":
        return Place(start.handle, path)
    return Place(0, f"{start.path}/{path}")  # A made-up directory has no handle: its path is its place.


def place_at(task: Thread, dirfd: int, pointer: int) -> Place:
    """Both steps, for calls without AT_EMPTY_PATH."""
    return place(task, dirfd, read_path(task, pointer))


def place_or_file(task: Thread, dirfd: int, pointer: int, flags: int) -> Place | OpenFile:
    """Like `place_at`; with AT_EMPTY_PATH an empty path, or a null pointer, means what `dirfd` itself refers to."""
    if not flags & AT_EMPTY_PATH:
        return place_at(task, dirfd, pointer)
    path = read_path(task, pointer, empty=True) if pointer else ""
    if path:
        return place(task, dirfd, path)
    if dirfd == AT_FDCWD:
        return place(task, dirfd, ".")
    return task.process.files.get_any(dirfd)


def ask(
    task: Thread, where: Place, build: Callable[[int, str], Request], follow: bool = True, effective: bool = True
) -> Any:
    """Asks the storage component, and the made-up tree where that says so; returns a reply or a `Node`.

    `build` makes the request from a place's handle and path. `follow` says what happens to a symlink in
    the last place; `effective` is as in `ask_storage`. ELOOP after 40 changes of side."""
    for _ in range(MAX_SYMLINKS):
        reply = ask_storage(task, build(*where), effective)
        if not isinstance(reply, Elsewhere):
            return reply
        try:
            return PSEUDO.lookup(task, reply.path, follow)
        except Leads as leads:
            where = Place(0, leads.path)
    raise LinuxError(E.ELOOP)


def alter(
    task: Thread, where: Place, build: Callable[[int, str], Request], follow: bool = True, denied: int = E.EPERM
) -> None:
    """Like `ask`, for calls that change something: made-up files do not let themselves be changed (`denied`)."""
    if isinstance(ask(task, where, build, follow), Node):
        raise LinuxError(denied)


def permits(task: Thread, stat: Stat, mode: int, effective: bool = True) -> bool:
    """Whether a process may access a made-up file: R_OK | W_OK | X_OK. Without `effective`, as its real user and
    group would, with the capabilities that root has and others have not (fs/open.c, access_override_creds)."""
    credentials = task.credentials
    if not effective:
        credentials = credentials.copy()
        credentials.fsuid, credentials.fsgid = credentials.uid, credentials.gid
        credentials.effective = 0 if credentials.uid else credentials.permitted
    return credentials.permits(stat.mode, stat.uid, stat.gid, mode)
