"""Advisory locks: the same as the host's kernel makes of them, and who is woken."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from kerneltask import new_task

from lego.linux.errno import E, LinuxError
from pcomponent.files.base import OpenFile
from pcomponent.files.locks import LAST, READ, UNLOCK, WRITE, FileLocks, Lock
from pcomponent.files.table import FileTable
from pcomponent.waiting import Interrupted, Wake

FLOCK = struct.Struct("hhqqi4x")
GETLK, SETLK = 36, 37
KEY = ("S0", 1, 2)
OWNERS = 3
changes = st.tuples(
    st.integers(0, OWNERS - 1), st.sampled_from([READ, WRITE, UNLOCK]), st.integers(0, 24), st.integers(0, 12)
)


def file() -> Any:
    return OpenFile(2)


def last(start: int, length: int) -> int:
    return start + length - 1 if length else LAST


@settings(max_examples=150, deadline=None)
@given(st.lists(changes, max_size=25))
def test_ranges_as_the_hosts_kernel_has_them(tmp_path_factory: pytest.TempPathFactory, steps: list[Any]) -> None:
    """Locks of open file descriptions follow the rules of processes' own, and one process can have several."""
    path = tmp_path_factory.mktemp("locks") / "file"
    path.touch()
    native = [os.open(path, os.O_RDWR) for _ in range(OWNERS)]
    task, locks, files = new_task(), FileLocks(), [file() for _ in range(OWNERS)]
    try:
        for owner, kind, start, length in steps:
            wanted = Lock(files[owner], files[owner], kind, False, start, last(start, length))
            found = locks.conflict(KEY, wanted)
            if kind != UNLOCK:
                raw = fcntl.fcntl(native[owner], GETLK, FLOCK.pack(kind, 0, start, length, 0))
                shown = FLOCK.unpack(raw)[:4:]
                if found is None:
                    assert shown[0] == UNLOCK
                else:
                    size = 0 if found.end == LAST else found.end - found.start + 1
                    assert shown == (found.kind, 0, found.start, size)
            try:
                fcntl.fcntl(native[owner], SETLK, FLOCK.pack(kind, 0, start, length, 0))
                assert found is None
                locks.set(task, KEY, wanted)
            except OSError as error:
                assert error.errno == errno.EAGAIN and found is not None
        for each in files:
            locks.dropped(task, each)
        assert not len(locks)
    finally:
        for each in native:
            os.close(each)


def waiting(locks: FileLocks, task: Any, wanted: Lock) -> Any:
    """A thread that is parked until it gets a lock."""
    call = locks.acquire(task, KEY, wanted)
    task.wait = next(call)
    return call


def test_waiters_go_on_in_the_order_in_which_they_came() -> None:
    first, second, third = (new_task() for _ in range(3))
    locks, files = FileLocks(), [file() for _ in range(3)]
    wanted = [Lock(each, each, WRITE) for each in files]
    locks.set(first, KEY, wanted[0])
    calls = [waiting(locks, second, wanted[1]), waiting(locks, third, wanted[2])]
    assert len(locks) == 3 and [len(queue) for _, queue in locks] == [2]
    first.meter.now_ns = 77
    locks.set(first, KEY, wanted[0]._replace(kind=UNLOCK))
    assert second.wait is third.wait is None and second.meter.now_ns == 77
    with pytest.raises(StopIteration):
        calls[0].send(Wake.READY)
    third.wait = calls[1].send(Wake.READY)  # The other was faster.
    locks.dropped(second, files[1])
    assert third.wait is None
    with pytest.raises(StopIteration):
        calls[1].send(Wake.READY)
    locks.dropped(third, files[2])
    assert not len(locks)


def test_a_circle_is_a_deadlock_and_a_signal_ends_a_wait() -> None:
    tasks = [new_task() for _ in range(3)]
    tables = [FileTable() for _ in range(3)]
    locks, any_file = FileLocks(), file()

    def lock(owner: int, at: int) -> Lock:
        return Lock(tables[owner], any_file, WRITE, False, at, at, pid=owner + 1)

    for owner in range(3):
        locks.set(tasks[owner], KEY, lock(owner, owner))
    calls = [waiting(locks, tasks[0], lock(0, 1)), waiting(locks, tasks[1], lock(1, 2))]
    with pytest.raises(LinuxError) as failure:
        next(locks.acquire(tasks[2], KEY, lock(2, 0)))
    assert failure.value.errno == E.EDEADLK
    calls[0].close()
    waiting(locks, tasks[2], lock(2, 0)).close()
    tasks[1].signals.pending.mask = 1 << 9
    with pytest.raises(Interrupted):
        calls[1].send(Wake.SIGNAL)
    assert len(locks) == 3


def test_flock_and_ranges_do_not_see_each_other() -> None:
    task, locks, one, other = new_task(), FileLocks(), file(), file()
    locks.set(task, KEY, Lock(one, one, WRITE, whole=True))
    assert locks.conflict(KEY, Lock(other, other, WRITE)) is None
    assert locks.conflict(KEY, Lock(other, other, READ, whole=True)) is not None
