"""Advisory locks: of ranges between processes (fcntl F_SETLK) or open files (F_OFD_SETLK), and of whole files (flock).

    conflict = locks.conflict(key, wanted)       # who is in the way of it, or None
    yield from locks.acquire(task, key, wanted)  # waits for it; EDEADLK, Interrupted
    locks.set(task, key, wanted)                 # locks when nobody is in the way, or unlocks

A lock of a range belongs to its owner: the descriptor table of a process, which its threads share and a forked child
does not, or the open file description. What one owner has is a set of ranges, none overlapping another: a
new one replaces what it covers and joins those of its kind that it touches. Owners are never in their own way.
flock has a list of its own: at most one lock for each open file description, and the two kinds do not see each other.
An inode is known only while somebody has or wants a lock of it. Source: fs/locks.c.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, NamedTuple

from lego.linux.errno import E, LinuxError
from lego.regions import ObjectId
from pcomponent.signals import deliverable
from pcomponent.waiting import Interrupted, Wait, Wake
from pcomponent.waking import wake

if TYPE_CHECKING:
    from pcomponent.files.base import OpenFile
    from pcomponent.files.table import FileTable
    from pcomponent.process import Thread

READ, WRITE, UNLOCK = 0, 1, 2
"""F_RDLCK, F_WRLCK, F_UNLCK."""
LAST = (1 << 63) - 1
"""OFFSET_MAX: the end of a lock without one."""
DEADLOCK_STEPS = 10
"""MAX_DEADLK_ITERATIONS."""
Key = ObjectId | tuple[str, int, int]
"""An inode."""


class Lock(NamedTuple):
    """One lock, or the wish for one. `start` and `end` both belong to it."""

    owner: FileTable | OpenFile
    file: OpenFile
    """Through which it was asked for, which is open as long as the lock is there."""
    kind: int
    whole: bool = False
    """flock's."""
    start: int = 0
    end: int = LAST
    pid: int = -1
    """Of the process that asked; -1 for a range that belongs to an open file description."""

    def against(self, other: Lock) -> bool:
        """Whether two locks cannot be there together."""
        if self.owner is other.owner or self.start > other.end or other.start > self.end:
            return False
        return WRITE in (self.kind, other.kind)


class _Waiter:
    """A thread that waits for a lock."""

    def __init__(self, task: Thread, key: Key, wanted: Lock, blocker: Lock) -> None:
        self.task = task
        self.key = key
        self.wanted = wanted
        self.blocker = blocker
        self.woken = False


class _Inode:
    """All locks of one file, those of one owner in order, the owners in the order of their first lock."""

    def __init__(self) -> None:
        self.ranges: dict[FileTable | OpenFile, list[Lock]] = {}
        self.whole: dict[FileTable | OpenFile, list[Lock]] = {}
        self.waiting: list[_Waiter] = []

    def of(self, whole: bool) -> dict[FileTable | OpenFile, list[Lock]]:
        """The locks of one of the two kinds."""
        return self.whole if whole else self.ranges


class FileLocks:
    """All locks of one processor component."""

    def __init__(self) -> None:
        self._inodes: dict[Key, _Inode] = {}
        self._waiting: dict[_Waiter, None] = {}

    def __len__(self) -> int:
        """How many locks there are, and how many are waited for."""
        return sum(1 for _ in self) + len(self._waiting)

    def __iter__(self) -> Iterator[tuple[Lock, list[Lock]]]:
        """Each lock, with those that wait for it."""
        for inode in self._inodes.values():
            for table in (inode.ranges, inode.whole):
                for held in table.values():
                    for lock in held:
                        yield lock, [each.wanted for each in inode.waiting if each.blocker == lock]

    def conflict(self, key: Key, wanted: Lock) -> Lock | None:
        """The first lock that is in the way (posix_test_lock)."""
        inode = self._inodes.get(key)
        if inode is None or wanted.kind == UNLOCK:
            return None
        return next(
            (lock for held in inode.of(wanted.whole).values() for lock in held if wanted.against(lock)),
            None,
        )

    def has(self, key: Key, wanted: Lock) -> bool:
        """Whether the owner has a lock of that kind already, of the whole file."""
        inode = self._inodes.get(key)
        return inode is not None and any(lock.kind == wanted.kind for lock in inode.whole.get(wanted.owner, ()))

    def set(self, task: Thread, key: Key, wanted: Lock) -> None:
        """Locks, or with UNLOCK unlocks, a range that nobody is in the way of; wakes who can go on now."""
        inode = self._inodes.get(key)
        if inode is None:
            if wanted.kind == UNLOCK:
                return
            inode = self._inodes[key] = _Inode()
        table = inode.of(wanted.whole)
        kept = _merge(table.get(wanted.owner, []), wanted)
        if kept:
            table[wanted.owner] = kept
            wanted.file.locked = key
            if not wanted.whole:
                wanted.owner.locks_ranges = True
        else:
            table.pop(wanted.owner, None)
        self._wake(task, key, inode)

    def acquire(self, task: Thread, key: Key, wanted: Lock) -> Generator[Wait, Wake, int]:
        """Waits until nobody is in the way, and locks. EDEADLK when the one who is waits for the caller."""
        while (blocker := self.conflict(key, wanted)) is not None:
            if self._is_deadlock(wanted, blocker):
                raise LinuxError(E.EDEADLK)
            waiter = _Waiter(task, key, wanted, blocker)
            self._inodes[key].waiting.append(waiter)
            self._waiting[waiter] = None
            try:
                yield Wait()
                if not waiter.woken and deliverable(task):
                    raise Interrupted(restart=True)
            finally:
                self._leave(waiter)
        self.set(task, key, wanted)
        return 0

    def _leave(self, waiter: _Waiter) -> None:
        if self._waiting.pop(waiter, self) is self:
            return
        inode = self._inodes[waiter.key]
        inode.waiting.remove(waiter)
        self._forget_empty(waiter.key, inode)

    def _wake(self, task: Thread, key: Key, inode: _Inode) -> None:
        """Those whose wish has nobody in its way any more try again, in the order in which they came."""
        for waiter in list(inode.waiting):
            blocker = self.conflict(key, waiter.wanted)
            if blocker is None:
                waiter.woken = True
                self._leave(waiter)
                wake(waiter.task, task.meter.now_ns)
            else:
                waiter.blocker = blocker
        self._forget_empty(key, inode)

    def _forget_empty(self, key: Key, inode: _Inode) -> None:
        if not inode.ranges and not inode.whole and not inode.waiting:
            self._inodes.pop(key, None)

    def _is_deadlock(self, wanted: Lock, blocker: Lock) -> bool:
        """Whether a chain of waits leads from who is in the way back to the caller (posix_locks_deadlock). Locks of
        open file descriptions, which any process may give up, end a chain; flock is not looked at."""
        if wanted.whole or wanted.pid < 0:
            return False
        for _ in range(DEADLOCK_STEPS):
            following = next(
                (
                    each.blocker
                    for each in self._waiting
                    if not each.wanted.whole and each.wanted.owner is blocker.owner
                ),
                None,
            )
            if following is None or following.pid < 0:
                return False
            if following.owner is wanted.owner:
                return True
            blocker = following
        return False

    # ---- closing -------------------------------------------------------------------------------------

    def closed(self, task: Thread, table: FileTable, file: OpenFile) -> None:
        """A process closes any descriptor of a file: its ranges of that file are free (locks_remove_posix)."""
        try:
            key = key_of(task, file)
        except LinuxError:
            return
        inode = self._inodes.get(key)
        if inode is not None and table in inode.ranges:
            self.set(task, key, Lock(table, file, UNLOCK))

    def dropped(self, task: Thread, file: OpenFile) -> None:
        """The last descriptor of an open file description is gone, and its locks with it (locks_remove_file)."""
        key, file.locked = file.locked, None
        if key is not None:
            for whole in (False, True):
                self.set(task, key, Lock(file, file, UNLOCK, whole))


def _merge(held: list[Lock], wanted: Lock) -> list[Lock]:
    """What an owner has after a change (posix_lock_inode): in order, without overlaps."""
    kept: list[Lock] = []
    for lock in held:
        touches = lock.start <= wanted.end + 1 and wanted.start <= lock.end + 1
        if not touches:
            kept.append(lock)
        elif lock.kind == wanted.kind:
            wanted = wanted._replace(start=min(wanted.start, lock.start), end=max(wanted.end, lock.end))
        else:
            if lock.start < wanted.start:
                kept.append(lock._replace(end=min(lock.end, wanted.start - 1)))
            if lock.end > wanted.end:
                kept.append(lock._replace(start=max(lock.start, wanted.end + 1)))
    if wanted.kind != UNLOCK:
        kept.append(wanted)
    return sorted(kept, key=lambda lock: lock.start)


def key_of(task: Thread, file: OpenFile) -> Key:
    """Which inode an open file is of."""
    if file.locked is not None:
        return file.locked
    if file.object is not None:
        return file.object
    stat = file.stat(task)
    return (task.process.storage if file.handle else task.kernel.endpoint.name, stat.dev, stat.ino)
