from __future__ import annotations

from typing import Any

from memory_rig import ANON, RW

from lego.linux.errno import E, LinuxError
from lego.regions import PAGE, VREGION_SHIFT, Region
from mcomponent.address_space import AddressSpace
from mcomponent.vregion import VREGION, HomePlacement, Rooms, VRegions, cut_at_vregions

MiB = 1 << 20
MEMORIES = ["M0", "M1", "M2"]


class Setup:
    def __init__(self, memories: list[str] = MEMORIES, capacity: int = 64 * MiB) -> None:
        self.free = dict.fromkeys(memories, capacity)
        self.asked: list[int] = []
        self.layout = AddressSpace(len(memories) * capacity)
        self.vregions = VRegions("M0")
        self.rooms = Rooms("M0", memories, capacity, lambda: self.free["M0"])
        self.placement = HomePlacement(self.layout, self.vregions, self.rooms, self._pick)
        self.layout.placement = self.placement

    def _pick(self, length: int) -> tuple[str, int]:
        self.asked.append(length)
        for memory in self.free:
            if self.free[memory] >= length:
                return memory, self.free[memory]
        raise LinuxError(E.ENOMEM)

    def map(self, length: int, **more: Any) -> list[tuple[str, int]]:
        """Maps memory; returns the owners of its parts and their bytes."""
        plan = self.layout.plan_map(0, length, RW, ANON | more.get("flags", 0))
        region = Region(plan.start, plan.start + plan.length, RW, plan.flags)
        self.layout.map(region)
        self.rooms.promise(self.vregions, region, 1)
        return [(owner, end - start) for owner, start, end in self.vregions.pieces(region.start, region.end)]


def test_ranges_are_cut_at_gigabytes() -> None:
    start, end = VREGION - PAGE, 2 * VREGION + 3 * PAGE
    assert list(cut_at_vregions(start, end)) == [
        (0, start, VREGION),
        (1, VREGION, 2 * VREGION),
        (2, 2 * VREGION, end),
    ]
    assert list(cut_at_vregions(start, start)) == []


def test_pieces_join_neighbours_of_one_owner() -> None:
    vregions = VRegions("M0")
    for number, owner in ((1, "M1"), (2, "M1"), (3, "M2")):
        vregions.assign(number, owner)
    assert vregions.pieces(VREGION // 2, 4 * VREGION + PAGE) == [
        ("M0", VREGION // 2, VREGION),
        ("M1", VREGION, 3 * VREGION),
        ("M2", 3 * VREGION, 4 * VREGION),
        ("M0", 4 * VREGION, 4 * VREGION + PAGE),
    ]
    assert vregions.all_owners() == ["M0", "M1", "M2"]


def test_a_processor_is_told_of_an_owner_once() -> None:
    vregions = VRegions("M0")
    vregions.assign(7, "M1")
    assert vregions.told() == {7: "M1"}
    assert vregions.told() == {}
    assert vregions.copy().told() == {}


def test_one_memory_is_linux_and_asks_nobody() -> None:
    setup = Setup(["M0"])
    setup.free["M0"] = 0
    plain = AddressSpace(1 << 40)
    for _ in range(3):
        assert setup.layout.placement.place(MiB, MiB) == plain.search(MiB)
    assert setup.asked == []


def test_mappings_stay_where_there_is_room_and_then_go_elsewhere() -> None:
    setup = Setup()
    owners = [setup.map(20 * MiB) for _ in range(9)]
    assert [owner for ((owner, _),) in owners] == ["M0"] * 3 + ["M1"] * 3 + ["M2"] * 3
    assert len(setup.vregions.owners) == 3, "one vRegion each"
    assert len(setup.asked) <= 3


def test_room_that_was_given_back_is_used_again() -> None:
    setup = Setup()
    for _ in range(3):
        setup.map(60 * MiB)
    first = next(region for region in reversed(list(setup.layout.regions)))
    assert setup.vregions.owner(first.start) == "M0"
    setup.layout.unmap(first.start, first.length)
    setup.rooms.promise(setup.vregions, first, -1)
    assert setup.map(30 * MiB) == [("M0", 30 * MiB)]


def test_what_no_memory_has_alone_lies_in_two() -> None:
    setup = Setup()
    parts = setup.map(100 * MiB)
    assert sum(length for _, length in parts) == 100 * MiB
    assert len({owner for owner, _ in parts}) == 2
    assert all(length <= 64 * MiB for _, length in parts)


def test_when_nothing_has_room_memory_is_overcommitted() -> None:
    setup = Setup()
    for _ in range(8):
        setup.map(60 * MiB)
    assert all(promised > 0 for promised in setup.rooms.promised.values())


def test_a_reservation_needs_no_room_and_all_share_it() -> None:
    setup = Setup()
    start = setup.layout.plan_map(0, 6 * VREGION, 0, ANON).start
    owners = {owner for owner, _, _ in setup.vregions.pieces(start, start + 6 * VREGION)}
    assert owners == set(MEMORIES)
    assert len(setup.asked) <= 2


def test_growing_where_there_is_no_room_is_refused_unless_it_must_be() -> None:
    setup = Setup()
    setup.map(60 * MiB)
    edge = next(iter(setup.layout.regions)).end
    number = (edge - 1) >> VREGION_SHIFT
    assert setup.vregions.owners[number] == "M0"
    start = number << VREGION_SHIFT
    assert not setup.placement.extend(start, 20 * MiB, 20 * MiB, firm=False)
    assert setup.placement.extend(start, 20 * MiB, 20 * MiB, firm=True)
    assert setup.placement.extend(start, 2 * MiB, 2 * MiB, firm=False)


def test_a_program_is_at_home_or_spread() -> None:
    regions = [Region(0x400000, 0x500000, RW, ANON), Region(5 * VREGION - PAGE, 5 * VREGION + PAGE, RW, ANON)]
    setup = Setup()
    setup.placement.assign_program(regions, spread=False)
    assert setup.vregions.owners == {0: "M0", 4: "M0", 5: "M0"} and setup.asked == []
    setup = Setup()
    setup.placement.assign_program(regions, spread=True)
    assert len(setup.asked) == 3
