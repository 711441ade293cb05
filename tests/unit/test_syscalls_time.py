"""Clocks and sleeping on virtual time."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Generator

import pytest
from kerneltask import call, fails, new_process, new_task, start

from lego.linux.errno import E
from lego.linux.signal import Sig
from pcomponent.signals import Action, send_to_process
from pcomponent.waiting import Interrupted, Wake

S, MS = 10**9, 10**6
BAD = 8


def ts(ns: int) -> bytes:
    return struct.pack("<qq", *divmod(ns, S))


def told(task: object, name: str, clock: int) -> int:
    out = task.memory.put(b"", room=16)  # type: ignore[attr-defined]
    call(task, name, clock, out)
    seconds, ns = struct.unpack("<qq", task.memory.read(out, 16))  # type: ignore[attr-defined]
    return int(seconds * S + ns)


def test_what_clocks_say() -> None:
    task = new_task(epoch_s=1000, instruction_ps=500)
    task.meter.now_ns, task.instructions, task.kernel_ns = 7 * MS + 3, 1_000_000, 200
    for clock in (0, 5, 8, 11):
        assert told(task, "clock_gettime", clock) == 1000 * S + 7 * MS + 3
    for clock in (1, 4, 6, 7, 9):
        assert told(task, "clock_gettime", clock) == 7 * MS + 3
    for clock in (2, 3, ~10 << 3 | 2, ~0 << 3 | 2, ~10 << 3 | 6):
        assert told(task, "clock_gettime", clock) == 500_200
    assert told(task, "clock_gettime", ~10 << 3 | 1) == 500_000
    for clock in (10, 12, 99, ~999 << 3 | 2, ~10 << 3 | 3):
        fails(task, E.EINVAL, "clock_gettime", clock, BAD)
    fails(task, E.EFAULT, "clock_gettime", 1, BAD)
    assert (told(task, "clock_getres", 1), told(task, "clock_getres", 6)) == (1, 4 * MS)
    assert call(task, "clock_getres", 1, 0) == 0
    fails(task, E.EINVAL, "clock_getres", 99, 0)


def test_the_older_calls() -> None:
    task = new_task(epoch_s=1000)
    task.meter.now_ns = 7 * MS + 999
    out = task.memory.put(b"", room=24)
    assert call(task, "gettimeofday", out, out + 16) == 0
    assert task.memory.read(out, 24) == struct.pack("<qqii", 1000, 7000, 0, 0)
    assert call(task, "time", out) == 1000
    assert task.memory.read(out, 8) == struct.pack("<q", 1000)
    assert call(task, "time", 0) == 1000
    fails(task, E.EFAULT, "time", BAD)


def test_nobody_sets_a_clock() -> None:
    task = new_task()
    fails(task, E.EPERM, "clock_settime", 0, ts(5))
    fails(task, E.EINVAL, "clock_settime", 0, struct.pack("<qq", 1, S))
    fails(task, E.EFAULT, "clock_settime", 0, BAD)
    fails(task, E.EINVAL, "clock_settime", 1, ts(5))
    fails(task, E.EPERM, "settimeofday", ts(5), 0)
    fails(task, E.EINVAL, "settimeofday", struct.pack("<qq", 0, -1), 0)


def test_sleeping() -> None:
    task = new_task()
    assert call(task, "nanosleep", ts(3 * S + 5), 0) == 0
    assert task.meter.now_ns == 3 * S + 5
    assert call(task, "clock_nanosleep", 1, 1, ts(4 * S), 0) == 0
    assert task.meter.now_ns == 4 * S
    assert call(task, "clock_nanosleep", 0, 1, ts(task.kernel.config.epoch_s * S + 5 * S), 0) == 0
    assert task.meter.now_ns == 5 * S
    assert call(task, "clock_nanosleep", 1, 1, ts(0), 0) == 0
    assert task.meter.now_ns == 5 * S
    fails(task, E.EINVAL, "nanosleep", struct.pack("<qq", -1, 0), 0)
    fails(task, E.EINVAL, "nanosleep", struct.pack("<qq", 0, S), 0)
    fails(task, E.EFAULT, "nanosleep", BAD, 0)
    fails(task, E.EOPNOTSUPP, "clock_nanosleep", 3, 0, ts(1), 0)
    fails(task, E.EOPNOTSUPP, "clock_nanosleep", 6, 0, ts(1), 0)
    fails(task, E.EPERM, "clock_nanosleep", 8, 0, ts(1), 0)


def test_an_interrupted_sleep() -> None:
    task = new_task()
    task.process.signals.set_action(task.process, Sig.ALRM, Action(5, 0, 0, 0))
    left = task.memory.put(b"", room=16)
    waiting = start(task, "nanosleep", ts(3 * S), left)
    assert next(waiting).until_ns == 3 * S
    send_to_process(task.process, Sig.ALRM)
    task.meter.now_ns = S
    with pytest.raises(Interrupted) as caught:
        waiting.send(Wake.SIGNAL)
    assert not caught.value.restart and caught.value.go_on is not None
    assert task.memory.read(left, 16) == ts(2 * S)
    again = caught.value.go_on()  # As when no handler runs.
    assert isinstance(again, Generator) and next(again).until_ns == 3 * S
    waiting = start(task, "clock_nanosleep", 1, 1, ts(9 * S), BAD)
    next(waiting)
    with pytest.raises(Interrupted):
        waiting.send(Wake.SIGNAL)
    waiting = start(task, "nanosleep", ts(3 * S), BAD)
    next(waiting)
    task.meter.now_ns = 4 * S
    with pytest.raises(StopIteration):
        waiting.send(Wake.SIGNAL)


def test_sleeping_on_processor_time() -> None:
    task = new_task(instruction_ps=1000)
    other = new_process(task.kernel, 11)
    waiting = start(task, "clock_nanosleep", ~11 << 3 | 2, 0, ts(100), 0)
    wait = next(waiting)
    assert not wait.ready(0)
    other.instructions = 100
    assert wait.ready(0)


def test_adjtimex_tells_and_does_not_change() -> None:
    task = new_task(epoch_s=1000)
    buffer = task.memory.put(bytes(208))
    assert call(task, "adjtimex", buffer) == 5
    raw = task.memory.read(buffer, 208)
    assert struct.unpack_from("<i", raw, 40)[0] == 0x40
    assert struct.unpack_from("<qqq", raw, 72) == (1000, 0, 10_000)
    fails(task, E.EPERM, "adjtimex", struct.pack("<I", 2).ljust(208, b"\0"))
    fails(task, E.EFAULT, "adjtimex", BAD)
    assert call(task, "clock_adjtime", 0, buffer) == 5
    fails(task, E.EOPNOTSUPP, "clock_adjtime", 1, buffer)
    fails(task, E.EINVAL, "clock_adjtime", 99, buffer)


def test_the_hosts_timex_has_the_same_shape() -> None:
    buffer = ctypes.create_string_buffer(208)
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.adjtimex(buffer) in range(6)
    tick = struct.unpack_from("<q", buffer.raw, 88)[0]
    assert 9000 <= tick <= 11000
