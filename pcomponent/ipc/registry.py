"""What the three kinds of System V objects have in common: keys, identifiers, permissions. Source: ipc/util.c.

    registry = Registry(limit)
    thing = registry.get(task, key, flags, make, check)     # shmget, semget, msgget
    thing = registry.find(identifier)                       # EINVAL for one that does not exist (any more)
    check_access(task, thing.permissions, READ)

An identifier is a slot's index and a sequence number above it, so that one which was removed is not soon mistaken for
a new one.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from lego.linux.errno import E, LinuxError
from pcomponent import credentials

if TYPE_CHECKING:
    from pcomponent.process import Thread

IPC_CREAT, IPC_EXCL, IPC_NOWAIT = 0o1000, 0o2000, 0o4000
IPC_RMID, IPC_SET, IPC_STAT, IPC_INFO = 0, 1, 2, 3
IPC_PRIVATE = 0
READ, WRITE, EXECUTE = 0o444, 0o222, 0o111
INDEX_BITS = 15
"""IPCMNI_SHIFT: at most 32,768 objects of a kind."""
_CYCLE_MIN = 64
"""Slots that are gone through before one is used again (ipc_min_cycle)."""
_SEQUENCE_MAX = (1 << 31 - INDEX_BITS) - 1
_PERMISSIONS = struct.Struct("<iIIIIIHH4xQQ")
"""struct ipc64_perm of x86-64 (include/uapi/asm-generic/ipcbuf.h)."""


class Permissions:
    """Who made an object, who has it, and who may use it (struct kern_ipc_perm)."""

    def __init__(self, task: Thread, key: int, mode: int) -> None:
        who = task.credentials
        self.key = key
        self.uid = self.creator_uid = who.euid
        self.gid = self.creator_gid = who.egid
        self.mode = mode & 0o777
        self.identifier = -1
        self.index = -1
        self.sequence = 0

    def pack(self) -> bytes:
        """As struct ipc64_perm."""
        return _PERMISSIONS.pack(
            self.key, self.uid, self.gid, self.creator_uid, self.creator_gid, self.mode, self.sequence, 0, 0, 0
        )

    def change(self, raw: bytes) -> None:
        """IPC_SET: owner, group and mode of a struct ipc64_perm. EINVAL (ipc_update_perm)."""
        _, uid, gid, _, _, mode, *_ = _PERMISSIONS.unpack_from(raw)
        if 0xFFFFFFFF in (uid, gid):
            raise LinuxError(E.EINVAL)
        self.uid, self.gid = uid, gid
        self.mode = self.mode & ~0o777 | mode & 0o777


PERMISSIONS_BYTES = _PERMISSIONS.size


class Thing(Protocol):
    """A System V object."""

    permissions: Permissions


T = TypeVar("T", bound=Thing)


class Registry(Generic[T]):
    """All objects of one kind."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._slots: dict[int, T] = {}
        self._sequence = 0
        self._last = -1

    def __len__(self) -> int:
        return len(self._slots)

    def __iter__(self) -> Iterator[T]:
        return iter([self._slots[index] for index in sorted(self._slots)])

    @property
    def highest(self) -> int:
        """The highest index in use, 0 when there is none: what IPC_INFO returns."""
        return max(self._slots, default=0)

    def get(
        self, task: Thread, key: int, flags: int, make: Callable[[], T], check: Callable[[T], None] = lambda _: None
    ) -> T:
        """ipcget(): the object of a key, made when it is to be. ENOENT, EEXIST, EACCES, ENOSPC, and what `make` and
        `check`, which looks at one that exists, raise."""
        found = None
        if key != IPC_PRIVATE:
            found = next((each for each in self if each.permissions.key == key), None)
        if found is None:
            if key != IPC_PRIVATE and not flags & IPC_CREAT:
                raise LinuxError(E.ENOENT)
            return self._add(make)
        if flags & IPC_CREAT and flags & IPC_EXCL:
            raise LinuxError(E.EEXIST)
        check(found)
        check_access(task, found.permissions, flags)
        return found

    def _add(self, make: Callable[[], T]) -> T:
        if len(self._slots) >= self.limit:
            raise LinuxError(E.ENOSPC)
        thing = make()
        top = min(max(len(self._slots) * 3 // 2, _CYCLE_MIN), self.limit)
        candidates = [*range(self._last + 1, top), *range(min(self._last + 1, top))]
        index = next(each for each in candidates if each not in self._slots)
        if index <= self._last:
            self._sequence = (self._sequence + 1) % (_SEQUENCE_MAX + 1)
        self._last = index
        permissions = thing.permissions
        permissions.index, permissions.sequence = index, self._sequence
        permissions.identifier = (self._sequence << INDEX_BITS) + index
        self._slots[index] = thing
        return thing

    def find(self, identifier: int) -> T:
        """The object of an identifier. EINVAL when it is not there; EIDRM when its slot has another by now."""
        if identifier < 0:
            raise LinuxError(E.EINVAL)
        thing = self.at(identifier & (1 << INDEX_BITS) - 1)
        if thing.permissions.identifier != identifier:
            raise LinuxError(E.EIDRM)
        return thing

    def at(self, index: int) -> T:
        """The object in a slot, whatever its sequence number (SHM_STAT and the like). EINVAL."""
        thing = self._slots.get(index & (1 << INDEX_BITS) - 1)
        if thing is None:
            raise LinuxError(E.EINVAL)
        return thing

    def remove(self, thing: T) -> None:
        """The object is gone."""
        del self._slots[thing.permissions.index]


def check_access(task: Thread, permissions: Permissions, wanted: int) -> None:
    """ipcperms(): EACCES unless the process may do what the bits of `wanted`, for whomever they are given, say."""
    who = task.credentials
    asked = (wanted >> 6 | wanted >> 3 | wanted) & 7
    granted = permissions.mode
    if who.euid in (permissions.creator_uid, permissions.uid):
        granted >>= 6
    elif who.member(permissions.creator_gid) or who.member(permissions.gid):
        granted >>= 3
    if asked & ~granted and not who.capable(credentials.IPC_OWNER):
        raise LinuxError(E.EACCES)


def check_owner(task: Thread, permissions: Permissions) -> None:
    """Who may change or remove an object: EPERM for others (ipcctl_obtain_check)."""
    who = task.credentials
    if who.euid not in (permissions.creator_uid, permissions.uid) and not who.capable(credentials.SYS_ADMIN):
        raise LinuxError(E.EPERM)


def now_s(task: Thread) -> int:
    """The time that the structures tell, in seconds."""
    return task.kernel.realtime_ns(task) // 10**9
