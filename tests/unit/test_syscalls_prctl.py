"""prctl(2)."""

from __future__ import annotations

import struct

from kerneltask import call, fails, new_task

from lego.linux.errno import E

BAD = 8


def test_names() -> None:
    task = new_task()
    out = task.memory.put(b"\xff" * 17)
    call(task, "prctl", 16, out)
    assert task.memory.read(out, 17) == b"prog".ljust(16, b"\0") + b"\xff"
    call(task, "prctl", 15, b"a very long name indeed\0")
    call(task, "prctl", 16, out)
    assert task.memory.read(out, 16) == b"a very long nam\0"
    assert task.process.command == "a very long nam"
    end = 0x10000 + (8 << 20) - 3
    task.memory.write(end, b"ab\0")
    call(task, "prctl", 15, end)
    assert task.name == "ab"
    fails(task, E.EFAULT, "prctl", 15, BAD)
    fails(task, E.EFAULT, "prctl", 16, BAD)


def test_flags() -> None:
    task = new_task()
    out = task.memory.put(b"", room=8)
    assert call(task, "prctl", 3) == 1
    call(task, "prctl", 4, 0)
    assert call(task, "prctl", 3) == 0
    fails(task, E.EINVAL, "prctl", 4, 2)
    call(task, "prctl", 1, 9)
    call(task, "prctl", 2, out)
    assert task.memory.read(out, 4) == struct.pack("<i", 9)
    fails(task, E.EINVAL, "prctl", 1, 65)
    assert call(task, "prctl", 39) == 0
    fails(task, E.EINVAL, "prctl", 38, 0)
    fails(task, E.EINVAL, "prctl", 38, 1, 1)
    call(task, "prctl", 38, 1)
    assert call(task, "prctl", 39) == 1
    assert call(task, "prctl", 30) == 50_000
    call(task, "prctl", 29, 7)
    assert call(task, "prctl", 30) == 7
    call(task, "prctl", 29, 0)
    assert call(task, "prctl", 30) == 50_000
    task.clear_child_tid = 0x77
    call(task, "prctl", 40, out)
    assert task.memory.read(out, 8) == struct.pack("<Q", 0x77)
    call(task, "prctl", 41, 1)
    assert call(task, "prctl", 42) == 1
    assert call(task, "prctl", 21) == 0
    for option in (5, 12345, 0x53564D41, 22):
        fails(task, E.EINVAL, "prctl", option)


def test_capability_sets() -> None:
    task = new_task()
    assert call(task, "prctl", 23, 0) == 1
    assert call(task, "prctl", 23, 21) == 0
    fails(task, E.EINVAL, "prctl", 23, 41)
    call(task, "prctl", 24, 0)
    assert call(task, "prctl", 23, 0) == 0
    fails(task, E.EPERM, "prctl", 47, 2, 1)
    task.process.credentials.inheritable = 2
    assert call(task, "prctl", 47, 2, 1) == 0
    assert call(task, "prctl", 47, 1, 1) == 1
    call(task, "prctl", 47, 4)
    assert call(task, "prctl", 47, 1, 1) == 0
    fails(task, E.EINVAL, "prctl", 47, 1, 41)
    fails(task, E.EINVAL, "prctl", 47, 9)
    task.process.credentials.effective = 0
    fails(task, E.EPERM, "prctl", 24, 0)
