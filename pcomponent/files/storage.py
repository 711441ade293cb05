"""What all files of a storage component have in common: they are named by a handle, which `close` gives back.

`PathFile` is what O_PATH opens: a place in the tree, without the right to look into it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lego.fabric.wire import Request
from lego.linux.stat import S_IFDIR, FsStat, Stat
from pcomponent.files.base import OpenFile, clock_of
from scomponent.messages import RIGHTS_MATTER, Close, HandleFsStat, HandleStat, OnBehalf, SetAttributes

if TYPE_CHECKING:
    from pcomponent.process import Thread


def ask_storage(task: Thread, request: Request, effective: bool = True) -> Any:
    """Calls the storage component of a thread's process and returns the reply. Who asks goes with it where that
    matters: with `effective` the file-system user and group, otherwise the real ones."""
    if type(request) in RIGHTS_MATTER:
        caller = task.credentials.caller(effective)
        if caller is not None:
            request = OnBehalf(caller, request)  # type: ignore[arg-type]
    reply, _ = task.kernel.endpoint.call(task.process.storage, request)
    return reply


class StorageNode(OpenFile):
    """What has its attributes at the storage component, whatever is read and written through it."""

    def stat(self, task: Thread) -> Stat:
        """fstat(2)."""
        stat: Stat = ask_storage(task, HandleStat(self.handle)).stat
        return stat

    def statfs(self, task: Thread) -> FsStat:
        """fstatfs(2)."""
        stat: FsStat = ask_storage(task, HandleFsStat(self.handle)).stat
        return stat

    def change(
        self,
        task: Thread,
        mode: int | None = None,
        owner: tuple[int, int] | None = None,
        times: tuple[int | None, int | None] | None = None,
    ) -> None:
        """fchmod(2), fchown(2), futimens(3)."""
        vnode = task.process.vnode
        wanted = SetAttributes(vnode, self.handle, "", mode=mode, owner=owner, times=times, **clock_of(times))
        ask_storage(task, wanted)


class StorageFile(StorageNode):
    """A file of the storage component."""

    def __init__(self, flags: int, path: str, handle: int) -> None:
        super().__init__(flags, path)
        self.handle = handle

    def close(self, task: Thread) -> None:
        """Gives the handle back; a memory that maps the file has a handle of its own."""
        ask_storage(task, Close([self.handle]))


class PathFile(StorageFile):
    """What O_PATH opened."""

    def __init__(self, flags: int, path: str, handle: int, stat: Stat) -> None:
        super().__init__(flags, path, handle)
        self.directory = stat.kind == S_IFDIR
