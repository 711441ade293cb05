"""/dev/shm at a storage component: its limit, what is left when a run ends, and that nothing stays on the host."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lego.config import Mount
from lego.linux.caller import Caller
from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import O_CREAT, O_RDWR
from lego.regions import PAGE
from scomponent import messages as m
from scomponent.memory_mount import PREFIX, TMPFS_MAGIC, MemoryMount
from scomponent.monitor import StorageMonitor
from scomponent.namespace import Namespace

PAGES = 8


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[StorageMonitor]:
    (tmp_path / "root").mkdir()
    (tmp_path / "base").mkdir()
    memory = MemoryMount("/dev/shm", PAGES * PAGE, str(tmp_path / "base"))
    monitor = StorageMonitor("S0", {1: Namespace([Mount(str(tmp_path / "root"), "/")], memory=[memory])})
    yield monitor
    monitor.close()
    assert os.listdir(tmp_path / "base") == []


def ask(storage: StorageMonitor, request: Any, payload: bytes = b"") -> Any:
    return storage.handle("P0", request, payload)[0]


def errno_of(storage: StorageMonitor, request: Any, payload: bytes = b"") -> int:
    with pytest.raises(LinuxError) as refused:
        ask(storage, request, payload)
    return refused.value.errno


def make(storage: StorageMonitor, name: str = "file") -> int:
    handle: int = ask(storage, m.Open(1, 0, f"/dev/shm/{name}", O_RDWR | O_CREAT, 0o600)).handle
    return handle


def free(storage: StorageMonitor) -> int:
    stat = ask(storage, m.PathFsStat(1, 0, "/dev/shm")).stat
    assert (stat.type, stat.block_size, stat.blocks) == (TMPFS_MAGIC, PAGE, PAGES)
    return int(stat.blocks_free)


def test_what_is_free_does_not_depend_on_who_asks(storage: StorageMonitor) -> None:
    handle = make(storage)
    ask(storage, m.WriteAt(handle, 0), b"x" * PAGE * 6)
    ask(storage, m.Close([handle]))
    asked = m.OnBehalf(Caller(1001, 1001, [], 0), m.PathFsStat(1, 0, "/dev/shm"))
    assert ask(storage, asked).stat.blocks_free == free(storage) == 2


def test_what_does_not_fit_is_refused(storage: StorageMonitor) -> None:
    handle = make(storage)
    assert free(storage) == PAGES
    assert ask(storage, m.SetSize(handle, 100 * PAGE)).size == 100 * PAGE  # A hole takes no room.
    assert ask(storage, m.WriteAt(handle, 50 * PAGE), b"x" * PAGE * 6).count == 6 * PAGE
    assert free(storage) == PAGES - 6
    assert errno_of(storage, m.Allocate(handle, 0, 0, 3 * PAGE)) == E.ENOSPC
    assert ask(storage, m.WriteAt(handle, 60 * PAGE), b"x" * PAGE * 6).count == 2 * PAGE
    assert errno_of(storage, m.WriteAt(handle, 70 * PAGE), b"x") == E.ENOSPC
    ask(storage, m.SetSize(handle, 0))
    assert free(storage) == PAGES
    ask(storage, m.Allocate(handle, 0, 0, 3 * PAGE))
    assert free(storage) == PAGES - 3


def test_a_removed_file_takes_room_until_it_is_closed(storage: StorageMonitor) -> None:
    handle = make(storage)
    ask(storage, m.WriteAt(handle, 0), b"x" * PAGE * PAGES)
    ask(storage, m.Remove(1, 0, "/dev/shm/file"))
    other = make(storage, "other")
    assert free(storage) == 0
    assert errno_of(storage, m.WriteAt(other, 0), b"x") == E.ENOSPC
    ask(storage, m.Close([handle]))
    assert ask(storage, m.WriteAt(other, 0), b"x").count == 1


def test_nothing_is_left_when_a_run_ends(storage: StorageMonitor) -> None:
    make(storage)
    ask(storage, m.MakeDirectory(1, 0, "/dev/shm/a", 0o700))
    make(storage, "a/b")
    ask(storage, m.SymLink(1, "/etc", 0, "/dev/shm/link"))
    ask(storage, m.EndRun(1))
    handle = ask(storage, m.Open(1, 0, "/dev/shm", 0)).handle
    assert [entry.name for entry in ask(storage, m.Entries(handle)).entries] == [".", ".."]
    assert os.path.isdir("/etc")
    assert ask(storage, m.PathStat(1, 0, "/dev/shm")).stat.mode == 0o41777
    assert free(storage) == PAGES


def test_it_is_a_mount_in_a_file_system_that_the_processor_makes_up(storage: StorageMonitor) -> None:
    assert ask(storage, m.PathStat(1, 0, "/dev/null")) == m.Elsewhere("/dev/null")
    assert ask(storage, m.PathStat(1, 0, "/dev/shm/../null")) == m.Elsewhere("/dev/null")
    handle = make(storage)
    assert ask(storage, m.PathOf(handle)).path == "/dev/shm/file"
    assert errno_of(storage, m.Remove(1, 0, "/dev/shm", directory=True)) == E.EBUSY


def test_what_a_killed_component_left_is_swept_away_and_what_lives_is_not(tmp_path: Path) -> None:
    dead = tmp_path / f"{PREFIX}dead"
    (dead / "root").mkdir(parents=True)
    living = MemoryMount("/dev/shm", PAGE, str(tmp_path))
    assert not dead.exists()
    other = MemoryMount("/dev/shm", PAGE, str(tmp_path))
    assert os.path.isdir(living.path)
    other.close()
    living.close()
    assert os.listdir(tmp_path) == []
