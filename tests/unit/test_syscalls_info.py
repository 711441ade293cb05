"""uname, sysinfo, times, limits, capabilities and other small calls."""

from __future__ import annotations

import struct
from typing import Any

from kerneltask import call, fails, new_process, new_task

from lego.linux.errno import E
from lego.linux.mman import MAP_ANONYMOUS, MAP_PRIVATE
from lego.regions import Region
from pcomponent.credentials import ROOT_CAPABILITIES, SETPCAP

BAD = 8
S = 10**9


def room(task: Any, size: int) -> int:
    address: int = task.memory.put(b"", room=size)
    return address


def names(task: Any) -> list[str]:
    out = room(task, 390)
    call(task, "uname", out)
    raw = task.memory.read(out, 390)
    return [raw[start : start + 65].rstrip(b"\0").decode() for start in range(0, 390, 65)]


def test_uname() -> None:
    task = new_task()
    assert names(task) == ["Linux", "lego", "6.1.0-lego", "#1 SMP Lego", "x86_64", "(none)"]
    assert call(task, "personality", 0xFFFFFFFF) == 0
    assert call(task, "personality", 8) == 0
    assert call(task, "personality", 0xFFFFFFFF) == 8
    assert names(task)[4] == "i686"
    fails(task, E.EFAULT, "uname", BAD)


def test_sysinfo() -> None:
    task = new_task()
    task.meter.now_ns = 5 * S + 1
    new_process(task.kernel, 11)
    out = room(task, 112)
    call(task, "sysinfo", out)
    raw = task.memory.read(out, 112)
    assert struct.unpack_from("<q3QQQ", raw) == (6, 0, 0, 0, 64 << 20, 48 << 20)
    assert struct.unpack_from("<H", raw, 80)[0] == 2
    assert struct.unpack_from("<I", raw, 104)[0] == 1


def test_usage() -> None:
    task = new_task(instruction_ps=1000)
    task.instructions, task.kernel_ns, task.meter.now_ns = 1_500_000_000, 30_000_000, 7 * S
    task.kernel.memory.regions = [Region(0x4000, 0x8000, 3, MAP_PRIVATE | MAP_ANONYMOUS)]
    task.kernel.memory.pages = [0]
    task.process.space.resident, task.process.space.cached = {4, 5, 99}, [5, 6]
    out = room(task, 144)
    call(task, "getrusage", 0, out)
    assert struct.unpack_from("<5q", task.memory.read(out, 144)) == (1, 500_000, 0, 30_000, 12)
    task.process.space.cached = []
    call(task, "getrusage", 1, out)
    assert struct.unpack_from("<5q", task.memory.read(out, 144))[4] == 12, "the peak stays"
    call(task, "getrusage", -1, out)
    assert task.memory.read(out, 144) == bytes(144)
    fails(task, E.EINVAL, "getrusage", 2, out)
    assert call(task, "times", out) == 700
    assert struct.unpack("<4q", task.memory.read(out, 32)) == (150, 3, 0, 0)
    assert call(task, "times", 0) == 700


def test_limits() -> None:
    task = new_task()
    out = room(task, 16)
    assert call(task, "prlimit64", 0, 7, struct.pack("<QQ", 5, 10), out) == 0
    assert task.memory.read(out, 16) == struct.pack("<QQ", 1024, 1 << 20)
    call(task, "getrlimit", 7, out)
    assert task.memory.read(out, 16) == struct.pack("<QQ", 5, 10)
    fails(task, E.EPERM, "setrlimit", 7, struct.pack("<QQ", 5, 11))
    fails(task, E.EINVAL, "setrlimit", 99, struct.pack("<QQ", 5, 11))
    fails(task, E.EFAULT, "setrlimit", 99, BAD)
    fails(task, E.EINVAL, "getrlimit", 99, BAD)
    fails(task, E.ESRCH, "prlimit64", 99, 99, 0, 0)
    fails(task, E.EFAULT, "prlimit64", 99, 99, BAD, 0)
    new_process(task.kernel, 11)
    assert call(task, "prlimit64", 11, 7, struct.pack("<QQ", 5, 10), 0) == 0
    call(task, "setuid", 5)
    fails(task, E.EPERM, "prlimit64", 11, 7, 0, out)


def test_capabilities() -> None:
    task = new_task()
    header, data = struct.pack("<Ii", 0x20080522, 0), room(task, 24)
    assert call(task, "capget", header, data) == 0
    low = ROOT_CAPABILITIES & 0xFFFFFFFF
    assert struct.unpack("<6I", task.memory.read(data, 24)) == (low, low, 0, 0, 0, 0)
    unknown = task.memory.put(struct.pack("<Ii", 1, 0))
    assert call(task, "capget", unknown, 0) == 0
    assert task.memory.read(unknown, 4) == struct.pack("<I", 0x20080522)
    fails(task, E.EINVAL, "capget", struct.pack("<Ii", 1, 0), data)
    fails(task, E.EINVAL, "capget", struct.pack("<Ii", 0x20080522, -1), data)
    fails(task, E.ESRCH, "capget", struct.pack("<Ii", 0x20080522, 99), data)
    fails(task, E.EFAULT, "capget", BAD, data)
    fails(task, E.EPERM, "capset", struct.pack("<Ii", 0x20080522, 11), data)
    more = struct.pack("<6I", 1 << 21, 1 << 21, 0, 0, 0, 0)
    fails(task, E.EPERM, "capset", header, more)
    fails(task, E.EPERM, "capset", header, struct.pack("<6I", low, 1, 0, 0, 0, 0))
    assert call(task, "capset", header, struct.pack("<6I", 0, low, 1, 0, 0, 0)) == 0
    who = task.process.credentials
    assert (who.effective, who.permitted, who.inheritable) == (0, low, 1)
    assert not who.capable(SETPCAP)


def test_what_is_refused() -> None:
    task = new_task()
    for name in ("syslog", "sethostname", "setdomainname"):
        fails(task, E.EPERM, name, 0, 0)
    fails(task, E.ENOSYS, "rseq", 0, 32, 0, 0)


def test_membarrier() -> None:
    task = new_task()
    known = call(task, "membarrier", 0, 0, 0)
    for private in (8, 32):
        fails(task, E.EPERM, "membarrier", private, 0, 0)  # It has not registered yet.
        assert call(task, "membarrier", private << 1, 0, 0) == 0
    for command in range(20):
        if known >> command & 1:
            assert call(task, "membarrier", 1 << command, 0, 0) == 0
        else:
            fails(task, E.EINVAL, "membarrier", 1 << command, 0, 0)
    fails(task, E.EINVAL, "membarrier", 24, 0, 0)
    fails(task, E.EINVAL, "membarrier", 0, 1, 0)
