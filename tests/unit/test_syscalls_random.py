"""getrandom(2)."""

from __future__ import annotations

from kerneltask import call, fails, new_task

from lego.linux.errno import E


def test_the_seed_decides() -> None:
    first, second, other = new_task(seed=1), new_task(seed=1), new_task(seed=2)
    out = [task.memory.put(b"", room=64) for task in (first, second, other)]
    for task, address in zip((first, second, other), out, strict=True):
        assert call(task, "getrandom", address, 64, 0) == 64
    read = [task.memory.read(address, 64) for task, address in zip((first, second, other), out, strict=True)]
    assert read[0] == read[1] != read[2]
    call(first, "getrandom", out[0], 64, 7 & ~2)
    assert first.memory.read(out[0], 64) != read[0]


def test_errors_and_ends() -> None:
    task = new_task()
    fails(task, E.EINVAL, "getrandom", 8, 1, 8)
    fails(task, E.EINVAL, "getrandom", 8, 1, 6)
    fails(task, E.EFAULT, "getrandom", 8, 1, 0)
    assert call(task, "getrandom", 8, 0, 0) == 0
    end = 0x10000 + (8 << 20)
    assert call(task, "getrandom", end - (1 << 16), 1 << 17, 0) == 1 << 16
