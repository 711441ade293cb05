from __future__ import annotations

import pytest
from memory_rig import ANON, RW

from lego.linux.mman import MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED
from lego.regions import PAGE, ObjectId, Region
from mcomponent.counters import MemoryCounters
from mcomponent.frames import Frames
from mcomponent.page_cache import PageCache
from mcomponent.references import Handle, References

FILE, OTHER = ObjectId("S0", 1), ObjectId("S1", 1)


def references() -> References:
    def call(*_: object) -> tuple[object, bytes]:
        raise AssertionError("counting asks nobody")

    return References("M0", PageCache(Frames(16 * PAGE), MemoryCounters(), call))


def region(page: int, pages: int, handle: int = 7, flags: int = MAP_PRIVATE, thing: ObjectId | None = FILE) -> Region:
    return Region(page * PAGE, (page + pages) * PAGE, RW, flags, thing, page * PAGE, handle)


def test_a_handle_is_closed_with_its_last_byte() -> None:
    counts = references()
    counts.count([region(0, 4), region(8, 2)], [])
    assert counts.count([], [region(1, 2)]).closed == []
    assert counts.count([region(20, 1)], [region(0, 1), region(3, 1), region(8, 2)]).closed == []
    assert counts.count([], [region(20, 1)]).closed == [Handle("S0", 7)]
    assert len(counts) == 0


def test_handles_of_two_storages_are_two() -> None:
    counts = references()
    counts.count([region(0, 1), region(0, 1, thing=OTHER)], [])
    assert counts.count([], [region(0, 1)]).closed == [Handle("S0", 7)]
    assert len(counts) == 1


def test_only_writable_shared_mappings_that_end_are_written_back() -> None:
    counts = references()
    counts.opened("S0", 7, writable=True)
    counts.opened("S0", 8, writable=False)
    shared, read_only = region(0, 4, flags=MAP_SHARED), region(8, 4, handle=8, flags=MAP_SHARED)
    counts.count([shared, read_only, region(16, 1, handle=9)], [])
    assert counts.writable(shared) and not counts.writable(read_only)
    assert counts.count([shared], [shared]).written == [], "nothing ended"
    assert counts.count([], [shared.cut(0, PAGE)]).written == [(FILE, 7)]
    assert counts.count([], [read_only, region(16, 1, handle=9)]).written == []


def test_anonymous_memory_is_always_writable_and_needs_no_handle() -> None:
    counts = references()
    private = Region(0, PAGE, RW, ANON)
    shared = Region(0, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, ObjectId("M0", 1))
    assert counts.count([private, shared], []).closed == []
    assert counts.writable(private) and counts.writable(shared)
    assert counts.count([], [private, shared]).closed == []


def test_unmapping_what_was_not_mapped_is_a_defect() -> None:
    counts = references()
    counts.count([region(0, 1)], [])
    with pytest.raises(AssertionError):
        counts.count([], [region(0, 2)])
