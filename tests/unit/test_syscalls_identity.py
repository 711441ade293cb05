"""Pids, users, groups and sessions."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given, strategies as st
from kerneltask import call, fails, new_process, new_task

from lego.linux.errno import E, LinuxError
from pcomponent.credentials import Credentials

BAD = 8
ID = st.sampled_from([-1, 5, 6, 7, 8])


def ids(task: Any) -> tuple[int, int, int]:
    out = task.memory.put(b"", room=12)
    call(task, "getresuid", out, out + 4, out + 8)
    return struct.unpack("<3I", task.memory.read(out, 12))  # type: ignore[return-value]


def become(task: Any, real: int, effective: int, saved: int) -> None:
    task.process.credentials = Credentials(real, effective, saved, effective, real, effective, saved, effective)


def test_numbers() -> None:
    task = new_task()
    task.process.parent = 3
    assert [call(task, name) for name in ("getpid", "gettid", "getppid")] == [10, 10, 3]
    assert [call(task, name) for name in ("getuid", "geteuid", "getgid", "getegid")] == [0, 0, 0, 0]
    become(task, 5, 6, 7)
    assert [call(task, name) for name in ("getuid", "geteuid", "getgid", "getegid")] == [5, 6, 5, 6]
    assert ids(task) == (5, 6, 7)
    fails(task, E.EFAULT, "getresgid", BAD, BAD, BAD)


@given(ID, ID)
def test_setreuid_without_privileges(real: int, effective: int) -> None:
    """The rules of setreuid(2), as its manual page has them."""
    task = new_task()
    become(task, 5, 6, 7)
    allowed = real in (-1, 5, 6) and effective in (-1, 5, 6, 7)
    try:
        call(task, "setreuid", real, effective)
        assert allowed
    except LinuxError as error:
        assert (error.errno, allowed) == (E.EPERM, False)
        assert ids(task) == (5, 6, 7)
        return
    new_real, new_effective = (5 if real < 0 else real), (6 if effective < 0 else effective)
    saved = new_effective if real >= 0 or (effective >= 0 and effective != 5) else 7
    assert ids(task) == (new_real, new_effective, saved)
    assert task.process.credentials.fsuid == new_effective


@given(ID, ID, ID)
def test_setresuid_without_privileges(real: int, effective: int, saved: int) -> None:
    task = new_task()
    become(task, 5, 6, 7)
    new = (real, effective, saved)
    if 8 in new:
        fails(task, E.EPERM, "setresuid", *new)
    else:
        call(task, "setresuid", *new)
        assert ids(task) == tuple(old if value < 0 else value for old, value in zip((5, 6, 7), new, strict=True))


def test_groups_of_a_user() -> None:
    task = new_task()
    become(task, 5, 6, 7)
    assert call(task, "setgid", 7) == 0
    assert task.process.credentials.egid == 7
    fails(task, E.EPERM, "setgid", 8)
    fails(task, E.EINVAL, "setgid", -1)
    call(task, "setregid", 7, -1)
    assert (task.process.credentials.gid, task.process.credentials.sgid) == (7, 7)
    call(task, "setresgid", -1, -1, 7)
    fails(task, E.EPERM, "setgroups", 0, 0)
    assert call(task, "setfsuid", 99) == 6
    assert call(task, "setfsuid", 5) == 6
    assert call(task, "setfsuid", -1) == 5
    assert call(task, "setfsgid", 99) == 7


def test_supplementary_groups() -> None:
    task = new_task()
    assert call(task, "getgroups", 0, 0) == 0
    assert call(task, "setgroups", 3, struct.pack("<3I", 9, 4, 6)) == 0
    out = task.memory.put(b"", room=40)
    assert call(task, "getgroups", 0, BAD) == 3
    assert call(task, "getgroups", 5, out) == 3
    assert struct.unpack("<3I", task.memory.read(out, 12)) == (4, 6, 9)
    fails(task, E.EINVAL, "getgroups", 2, out)
    fails(task, E.EINVAL, "getgroups", -1, out)
    fails(task, E.EFAULT, "getgroups", 3, BAD)
    fails(task, E.EINVAL, "setgroups", 65537, out)
    assert task.process.credentials.permits(0o100040, 1, 6, 4)


def test_groups_and_sessions() -> None:
    task = new_task()
    child, stranger = new_process(task.kernel, 11), new_process(task.kernel, 12)
    child.process.parent, child.process.session, child.process.group = 10, 10, 10
    assert [call(task, "getpgid", pid) for pid in (0, 10, 11)] == [10, 10, 10]
    assert call(task, "getsid", 11) == 10
    assert call(task, "getpgrp") == 10
    fails(task, E.ESRCH, "getpgid", 99)
    assert call(task, "setpgid", 11, 0) == 0
    assert child.process.group == 11
    fails(task, E.EPERM, "setpgid", 0, 0)
    fails(task, E.EINVAL, "setpgid", 11, -1)
    fails(task, E.ESRCH, "setpgid", 12, 10)
    fails(task, E.EPERM, "setpgid", 11, 12)
    assert call(task, "setpgid", 11, 10) == 0
    fails(task, E.EPERM, "setsid")
    assert call(child, "setsid") == 11
    assert (child.process.session, child.process.group) == (11, 11)
    fails(task, E.EPERM, "setpgid", 11, 10)
    assert stranger.process.group == 12


def test_threads() -> None:
    task = new_task()
    assert call(task, "set_tid_address", 0x1234) == 10
    assert task.clear_child_tid == 0x1234
    fails(task, E.EINVAL, "set_robust_list", 0x50, 23)
    call(task, "set_robust_list", 0x50, 24)
    out = task.memory.put(b"", room=16)
    call(task, "get_robust_list", 0, out, out + 8)
    assert task.memory.read(out, 16) == struct.pack("<QQ", 0x50, 24)
    fails(task, E.ESRCH, "get_robust_list", 99, out, out)


@pytest.mark.parametrize("name", ["setuid", "setgid"])
def test_minus_one_is_nobody(name: str) -> None:
    fails(new_task(), E.EINVAL, name, -1)
