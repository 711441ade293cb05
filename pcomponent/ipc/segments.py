"""System V shared memory: a segment is a memory object that is found by key or number. Source: ipc/shm.c.

Attachments are shared mappings of the object like any others: fork copies them, exec and exit end them, and `munmap`
does too. As on Linux, what counts is the number of mappings (`attached`), not of calls. A segment that is marked for
removal goes when the last of them does: `watch` is told of every change by the spaces.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.regions import PAGE, ObjectId, page_up
from mcomponent.messages import MemoryStat
from pcomponent.files.memory_file import new_object, release_object
from pcomponent.ipc.registry import IPC_PRIVATE, PERMISSIONS_BYTES, Permissions, Registry, now_s

if TYPE_CHECKING:
    from pcomponent.kernel import Kernel
    from pcomponent.process import Thread

SHMMIN, SHMMNI = 1, 4096
SHMMAX = SHMALL = (1 << 64) - 1 - (1 << 24)
"""In bytes and in pages: no limit but the memory's own."""
SHM_DEST, SHM_LOCKED = 0o1000, 0o2000
_STATUS = struct.Struct("<QqqqiiQQQ")
"""struct shmid64_ds after its permissions (include/uapi/asm-generic/shmbuf.h)."""
STATUS_BYTES = PERMISSIONS_BYTES + _STATUS.size


class Segment:
    """One segment."""

    def __init__(self, task: Thread, key: int, mode: int, size: int, thing: ObjectId) -> None:
        self.permissions = Permissions(task, key, mode)
        self.size = size
        self.object = thing
        self.attached_s = self.detached_s = 0
        self.changed_s = now_s(task)
        self.creator, self.last = task.process.pid, 0
        self.attachments = 0

    def pack(self) -> bytes:
        """As struct shmid64_ds."""
        return self.permissions.pack() + _STATUS.pack(
            self.size, self.attached_s, self.detached_s, self.changed_s, self.creator, self.last, self.attachments, 0, 0
        )


class Segments:
    """All segments of a vNode."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self.registry = Registry[Segment](SHMMNI)

    def by_object(self, thing: ObjectId) -> Segment | None:
        """The segment that an object is of."""
        return next((each for each in self.registry if each.object == thing), None)

    def make(self, task: Thread, key: int, flags: int, size: int) -> Segment:
        """newseg(). EINVAL, ENOSPC, ENOMEM."""
        if size < SHMMIN or size > SHMMAX:
            raise LinuxError(E.EINVAL)
        if size > self._kernel.config.memory_bytes * len(task.process.memories):
            raise LinuxError(E.ENOMEM)
        segment = Segment(task, key, flags, size, new_object(task, page_up(size)))
        self._kernel.objects.watchers[segment.object] = lambda: self._watch(segment)
        return segment

    def _watch(self, segment: Segment) -> None:
        """Mappings of a segment came or went."""
        before = segment.attachments
        segment.attachments = sum(len(space.regions_of(segment.object)) for space in self._kernel.spaces.values())
        task = self._kernel.running
        if task is not None and segment.attachments != before:
            segment.last = task.process.pid
            if segment.attachments > before:
                segment.attached_s = now_s(task)
            else:
                segment.detached_s = now_s(task)
        if not segment.attachments and segment.permissions.mode & SHM_DEST:
            self._forget(segment)

    def remove(self, segment: Segment) -> None:
        """IPC_RMID: at once, or with the last attachment (do_shm_rmid)."""
        if segment.permissions.mode & SHM_DEST:
            return
        release_object(self._kernel, segment.object)
        if segment.attachments:
            segment.permissions.mode |= SHM_DEST
            segment.permissions.key = IPC_PRIVATE
        else:
            self._forget(segment)

    def _forget(self, segment: Segment) -> None:
        self.registry.remove(segment)
        del self._kernel.objects.watchers[segment.object]

    def end(self) -> None:
        """The vNode's last program has ended: nothing stays."""
        for segment in self.registry:
            self.remove(segment)

    def resident(self, segment: Segment) -> int:
        """Pages that have a frame."""
        reply, _ = self._kernel.endpoint.call(segment.object.store, MemoryStat(segment.object))
        return int(reply.pages)

    def table(self) -> str:
        """/proc/sysvipc/shm."""
        text = (
            "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid"
            "      atime      dtime      ctime                   rss                  swap\n"
        )
        for each in self.registry:
            who = each.permissions
            text += (
                f"{who.key:10d} {who.identifier:10d}  {who.mode:4o} {each.size:21d} {each.creator:5d} {each.last:5d}  "
                f"{each.attachments:5d} {who.uid:5d} {who.gid:5d} {who.creator_uid:5d} {who.creator_gid:5d} "
                f"{each.attached_s:10d} {each.detached_s:10d} {each.changed_s:10d} "
                f"{self.resident(each) * PAGE:21d} {0:21d}\n"
            )
        return text
