"""A directory of the host for what lasts as long as this process.

It is removed in the end. One whose process was killed is removed by the next that makes one: whoever lives holds a lock
on its own, and its name has the number of the process, for who has just made it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator

from lego.config import scratch_base

REMOVE_S, POLL_S = 3.0, 0.05
_NAME = re.compile(r"lego-(\d+)-[a-z0-9_]{8}\.tmp")
"""As `mkdtemp` makes them. A directory of the user's own, such as lego-2026-releases, does not look like that."""
_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@contextlib.contextmanager
def own_directory(base: str | None = None) -> Iterator[str]:
    """Its path, below `base` or where components keep files in general."""
    base = base or scratch_base()
    _sweep(base)
    directory = tempfile.mkdtemp(prefix=f"lego-{os.getpid()}-", suffix=".tmp", dir=base)
    lock = os.open(directory, _OPEN)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield directory
    finally:
        _remove(directory)
        os.close(lock)


def _remove(directory: str) -> None:
    """Removes it, with what processes that are just ending still put there meanwhile."""
    deadline = time.monotonic() + REMOVE_S
    while True:
        shutil.rmtree(directory, ignore_errors=True)
        if not os.path.lexists(directory) or time.monotonic() > deadline:
            return
        time.sleep(POLL_S)


def _sweep(base: str) -> None:
    """Removes what killed processes of this user have left."""
    for name in sorted(os.listdir(base)):
        match = _NAME.fullmatch(name)
        if match is None or os.path.exists(f"/proc/{match[1]}"):
            continue
        path = os.path.join(base, name)
        with contextlib.suppress(OSError):
            lock = os.open(path, _OPEN)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.fstat(lock).st_uid == os.geteuid():
                    shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(lock)
