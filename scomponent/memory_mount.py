"""/dev/shm: a file system of a vNode's own that lasts as long as the vNode runs, like a tmpfs of Linux.

    place = MemoryMount("/dev/shm", limit_bytes)
    place.reserve(file, end)         # before a file grows: ENOSPC when that would go beyond the limit
    place.empty()                    # a run is over
    place.close()

Files lie in a directory of the host that is made for it, that other users cannot enter, and that is removed in the end.
One that is left by a component which was killed is removed by the next that starts: whoever lives holds a lock on its
own.

What counts towards the limit is what the host says that files occupy (st_blocks), removed ones included while they are
open. Counting walks the whole tree, so it is done only when a running estimate, which never falls short, has reached
the limit.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import threading
from collections.abc import Iterable, Iterator
from glob import glob

from lego.config import SCRATCH, scratch_base
from lego.linux.errno import E, LinuxError
from lego.linux.stat import FsStat
from lego.regions import PAGE, page_up

TMPFS_MAGIC = 0x01021994
PREFIX = "lego-shm-"
_ROOT_MODE = 0o1777
_SECTOR = 512


class MemoryMount:
    """The host's side of one such file system."""

    def __init__(self, target: str, limit_bytes: int, base: str | None = None) -> None:
        self.target = target
        self.limit_bytes = limit_bytes
        base = base or _base()
        _sweep(base)
        self._directory = tempfile.mkdtemp(prefix="lego-new-", dir=base)
        self._lock_fd = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(self._lock_fd, fcntl.LOCK_EX)
        named = os.path.join(base, PREFIX + os.path.basename(self._directory).removeprefix("lego-new-"))
        os.rename(self._directory, named)  # With its name it is locked already, so nobody sweeps it away.
        self._directory = named
        self.path = os.path.join(named, "root")
        os.mkdir(self.path)
        os.chmod(self.path, _ROOT_MODE)
        self._used = 0
        """Bytes; at least what is used."""
        self._lock = threading.Lock()

    def reserve(self, fd: int, start: int, end: int, opened: Iterable[int]) -> int:
        """A file is about to get contents in [start, end): returns how many bytes of it fit. `opened` has the
        descriptors of all its files that are open. ENOSPC when none fit."""
        stat = os.fstat(fd)
        whole = stat.st_blocks * _SECTOR >= page_up(stat.st_size)
        first = max(start, page_up(stat.st_size)) if whole else start // PAGE * PAGE
        need = max(0, page_up(end) - first)
        with self._lock:
            if self._used + need > self.limit_bytes:
                self._used = self._count(opened)
            room = self.limit_bytes - self._used
            if need > room:
                end = first + room // PAGE * PAGE
                need = max(0, end - first)
                if end <= start:
                    raise LinuxError(E.ENOSPC, f"{self.target} has {self.limit_bytes:,} bytes")
            self._used += need
        return end - start

    def statfs(self, opened: Iterable[int]) -> FsStat:
        """statfs(2), as a tmpfs says it."""
        with self._lock:
            self._used = self._count(opened)
            blocks, used = self.limit_bytes // PAGE, (self._used + PAGE - 1) // PAGE
        free = max(0, blocks - used)
        return FsStat(
            type=TMPFS_MAGIC, block_size=PAGE, blocks=blocks, blocks_free=free, blocks_available=free, files=blocks,
            files_free=free,
        )  # fmt: skip

    def _count(self, opened: Iterable[int]) -> int:
        found: dict[int, int] = {}
        for stat in [*_walk(self.path), *map(os.fstat, opened)]:
            found[stat.st_ino] = stat.st_blocks * _SECTOR
        return sum(found.values())

    def empty(self) -> None:
        """Removes all that is in it."""
        with self._lock, os.scandir(self.path) as entries:
            for entry in list(entries):
                if entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(entry.path, ignore_errors=True)
                else:
                    os.unlink(entry.path)
            self._used = 0
        os.chmod(self.path, _ROOT_MODE)

    def close(self) -> None:
        """Removes it from the host."""
        shutil.rmtree(self._directory, ignore_errors=True)
        os.close(self._lock_fd)


def _base() -> str:
    """Where it is made: what the runtime says, or where components keep files in general."""
    return os.environ.get(SCRATCH) or scratch_base()


def _sweep(base: str) -> None:
    """Removes what killed components have left."""
    for path in sorted(glob(os.path.join(base, PREFIX + "*"))):
        with contextlib.suppress(OSError):
            fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.fstat(fd).st_uid == os.geteuid():
                    shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(fd)


def _walk(path: str) -> Iterator[os.stat_result]:
    """What every file below a directory is; one that vanishes meanwhile counts no more."""
    for parent, directories, files in os.walk(path):
        for name in [*directories, *files]:
            with contextlib.suppress(FileNotFoundError):
                stat = os.lstat(os.path.join(parent, name))
                if name in files:
                    yield stat
