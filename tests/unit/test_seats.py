"""pcomponent.seats: a process elsewhere sees flat memory, and what several seats map is the same at all of them."""

from __future__ import annotations

import pytest
from guest_rig import LOAD8, STORE8
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from seat_rig import SeatRig
from test_flat_memory import FlatMemory

from lego.linux.errno import E, LinuxError
from lego.linux.mman import MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, MAP_SHARED
from lego.regions import PAGE, ranges_of
from pcomponent.registers import Registers
from pcomponent.syscalls.memory import mmap, mprotect, munmap

BASE = 0x4000_0000
QUICK = settings(
    max_examples=25, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)


class FarMemory(FlatMemory):
    """The same rules as for a process at home."""

    rig_type = SeatRig


FarMemory.TestCase.settings = QUICK
TestFarMemory = FarMemory.TestCase


class SharedByThree(RuleBasedStateMachine):
    """Three processes at three seats and one mapping that they share, beside one that they do not."""

    @initialize(sets=st.sampled_from([1, 4]), ways=st.sampled_from([1, 8]), memories=st.sampled_from([1, 3]))
    def start(self, sets: int, ways: int, memories: int) -> None:
        self.rig = rig = SeatRig(sets, ways, memories)
        for start, kind in ((BASE, MAP_SHARED), (BASE + 3 * PAGE, MAP_PRIVATE)):
            assert mmap(rig.task, start, 3 * PAGE, 3, MAP_FIXED | MAP_ANONYMOUS | kind, -1, 0) == start
        before = bytes(range(256)) * 16 + bytes(2 * PAGE)
        rig.space.write(BASE, before)
        rig.space.write(BASE + 3 * PAGE, before)
        self.spaces = [rig.space, rig.fork(2, "P0"), rig.fork(3, "P2")]
        self.shared = bytearray(before)
        self.own = [bytearray(before) for _ in self.spaces]

    places = st.integers(0, 3 * PAGE - 8)

    @rule(who=st.integers(0, 2), place=places, value=st.binary(min_size=1, max_size=8), shared=st.booleans())
    def write(self, who: int, place: int, value: bytes, shared: bool) -> None:
        self.spaces[who].write(BASE + (0 if shared else 3 * PAGE) + place, value)
        (self.shared if shared else self.own[who])[place : place + len(value)] = value

    @rule(who=st.integers(0, 2), place=places, shared=st.booleans())
    def read(self, who: int, place: int, shared: bool) -> None:
        got = self.spaces[who].read(BASE + (0 if shared else 3 * PAGE) + place, 8)
        assert got == (self.shared if shared else self.own[who])[place : place + 8]

    @rule(place=places, value=st.integers(0, (1 << 64) - 1))
    def store(self, place: int, value: int) -> None:
        self.rig.run(STORE8, BASE + place, value)
        self.shared[place : place + 8] = value.to_bytes(8, "little")

    @rule(place=places)
    def load(self, place: int) -> None:
        assert self.rig.run(LOAD8, BASE + place).to_bytes(8, "little") == self.shared[place : place + 8]


SharedByThree.TestCase.settings = QUICK
TestSharedByThree = SharedByThree.TestCase


def test_a_space_that_leaves_takes_everything_along() -> None:
    rig = SeatRig(4, 4, 1)
    assert mmap(rig.task, BASE, PAGE, 3, MAP_FIXED | MAP_ANONYMOUS | MAP_SHARED, -1, 0) == BASE
    rig.run(STORE8, BASE, 5)
    child = rig.fork(2, "P2")
    assert child.read(BASE, 8) == (5).to_bytes(8, "little")
    seat = rig.task.process.seat
    assert seat is not None and [other.guests.held() for other in rig.others] == [(1, 1), (1, 0)]
    seat.cpu.end(rig.task)
    for space in (rig.space, child):
        rig.kernel.leave_space(space)
    for other in rig.others:
        assert other.guests.held() == (0, 0)
        assert (len(other.kernel.spaces), len(other.kernel.cache), len(other.kernel.objects)) == (0, 0, 0)
    assert len(rig.kernel.objects) == 0


def test_what_was_read_is_asked_for_once_and_again_when_it_may_have_changed() -> None:
    rig = SeatRig(4, 4, 1)
    assert mmap(rig.task, BASE, 2 * PAGE, 3, MAP_FIXED | MAP_ANONYMOUS | MAP_PRIVATE, -1, 0) == BASE

    def reads() -> int:
        return rig.kernel.endpoint.links["P1"].by_kind.get("Read", 0)

    before = reads()
    assert [rig.space.read(BASE + i, 1) for i in range(8)] == [b"\0"] * 8
    assert reads() == before + 1
    rig.run(STORE8, BASE, 7)
    assert rig.space.read(BASE, 1) == b"\7" and reads() == before + 2
    rig.space.write(BASE, b"\1")
    assert rig.space.read(BASE, 1) == b"\1" and reads() == before + 3
    mprotect(rig.task, BASE, PAGE, 0)
    with pytest.raises(LinuxError) as refused:
        rig.space.read(BASE, 1)
    assert refused.value.errno == E.EFAULT
    munmap(rig.task, BASE, PAGE)
    with pytest.raises(LinuxError):
        rig.space.write(BASE, b"x")
    for address in (-1, 1 << 63, (1 << 64) - 1):
        with pytest.raises(LinuxError):
            rig.space.read(address, 8)


def test_registers_travel_and_come_back() -> None:
    rig = SeatRig(4, 4, 1)
    seat = rig.task.process.seat
    assert seat is not None
    rig.run(LOAD8, rig.space.regions.at_or_above(0).start)  # type: ignore[union-attr]
    registers = seat.cpu.read_registers()
    registers.rbx, registers.r15, registers.gs_base = 11, (1 << 64) - 1, 0x7000
    registers.fpu = registers.fpu[:160] + bytes(range(16)) + registers.fpu[176:]
    seat.cpu.write_registers(registers)
    seat.cpu.write_result(-2, 0x123, 0x246)
    seen = seat.cpu.read_registers()
    assert (seen.rbx, seen.rax, seen.rcx, seen.r11) == (11, (1 << 64) - 2, 0x123, 0x246)
    seat.cpu.write_base("fs_base", 0x5000)
    rig.task.rip = LOAD8 + 3  # The SYSCALL behind the load.
    assert seat.cpu.run(1 << 62, 10).arguments[0] == (1 << 64) - 2
    after = seat.cpu.read_registers()
    assert (after.rbx, after.r15, after.fs_base, after.gs_base) == (11, (1 << 64) - 1, 0x5000, 0x7000)
    assert after.fpu[160:176] == bytes(range(16))
    assert Registers.unpack(after.pack()) == after


def test_ranges() -> None:
    assert ranges_of([5, 1, 2, 3, 7, 6, 9]) == [(1, 4), (5, 8), (9, 10)] and ranges_of([]) == []
