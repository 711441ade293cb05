"""mlock(2) and its family."""

from __future__ import annotations

from typing import Any

from hypothesis import given, strategies as st
from kerneltask import call, fails, new_task

from lego.linux.errno import E
from lego.linux.mman import MAP_ANONYMOUS, MAP_PRIVATE
from lego.regions import Region
from pcomponent.rlimits import Limit, Resource

PAGE = 4096


def task_with(*ranges: tuple[int, int], limit: int = 64) -> Any:
    """A process with these pages mapped, that may lock `limit` pages."""
    task = new_task()
    flags = MAP_PRIVATE | MAP_ANONYMOUS
    task.kernel.memory.regions = [Region(low * PAGE, high * PAGE, 3, flags) for low, high in ranges]
    task.kernel.memory.pages = [0] * len(ranges)
    task.process.limits.set(Resource.MEMLOCK, Limit(limit * PAGE, limit * PAGE), privileged=True)
    return task


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 39), st.integers(1, 20)), max_size=20))
def test_what_is_locked(steps: list[tuple[bool, int, int]]) -> None:
    task = task_with((0, 60))
    expected: set[int] = set()
    for lock, first, count in steps:
        pages = set(range(first, first + count))
        expected = expected | pages if lock else expected - pages
        call(task, "mlock" if lock else "munlock", first * PAGE, count * PAGE)
        assert task.process.attributes.locked_bytes == len(expected) * PAGE


def test_errors() -> None:
    task = task_with((10, 20), (20, 22), (30, 40), limit=8)
    assert call(task, "mlock", 19 * PAGE + 5, PAGE) == 0
    assert task.process.attributes.locked_bytes == 2 * PAGE
    fails(task, E.ENOMEM, "mlock", 21 * PAGE, 2 * PAGE)
    fails(task, E.ENOMEM, "mlock", 30 * PAGE, 7 * PAGE)
    fails(task, E.ENOMEM, "munlock", 5 * PAGE, PAGE)
    assert call(task, "mlock", 30 * PAGE, 6 * PAGE) == 0
    fails(task, E.EINVAL, "mlock2", 30 * PAGE, PAGE, 2)
    assert call(task, "mlock2", 30 * PAGE, PAGE, 1) == 0
    assert call(task, "mlock", 0, 0) == 0
    assert call(task, "munlockall") == 0
    assert task.process.attributes.locked_bytes == 0
    task.process.limits.set(Resource.MEMLOCK, Limit(0, 0), privileged=False)
    fails(task, E.EPERM, "mlock", 30 * PAGE, PAGE)
    fails(task, E.EPERM, "mlockall", 1)


def test_everything() -> None:
    task = task_with((10, 20), (30, 40), limit=20)
    for flags in (0, 4, 8):
        fails(task, E.EINVAL, "mlockall", flags)
    assert call(task, "mlockall", 2) == 0
    assert task.process.attributes.locked_bytes == 0
    assert call(task, "mlockall", 1 | 4) == 0
    assert task.process.attributes.locked_bytes == 20 * PAGE
    task.process.limits.set(Resource.MEMLOCK, Limit(PAGE, PAGE), privileged=False)
    fails(task, E.ENOMEM, "mlockall", 1)
