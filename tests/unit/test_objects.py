"""Shared objects at a processor: known while something maps them, and then forgotten; numbers are not used again."""

from __future__ import annotations

from lego.linux.mman import MAP_SHARED, PROT_READ, PROT_WRITE
from lego.regions import PAGE, ObjectId, Region
from pcomponent.objects import SharedObjects

THING, OTHER = ObjectId("M0", 1), ObjectId("S0", 1)


def region(thing: ObjectId, pages: int = 1, prot: int = PROT_READ, handle: int = 0, start: int = 16) -> Region:
    return Region(start * PAGE, (start + pages) * PAGE, prot, MAP_SHARED, thing, 2 * PAGE, handle)


def test_known_until_the_last_byte_goes() -> None:
    objects = SharedObjects()
    objects.map(region(THING, 4))
    objects.map(region(THING, 2, start=40))
    first = objects.of(THING)
    assert not objects.unmap(region(THING, 4))
    assert not objects.unmap(region(THING))
    assert objects.unmap(region(THING))
    objects.forget(first)
    assert objects.known(THING) is None and len(objects) == 0
    objects.map(region(THING))
    assert objects.of(THING).base_key != first.base_key
    assert objects.by_key(objects.of(THING).base_key | 5).thing == THING


def test_the_handle_is_that_of_a_mapping_that_may_be_written() -> None:
    objects = SharedObjects()
    objects.map(region(OTHER, handle=3))
    objects.map(region(OTHER, prot=PROT_READ | PROT_WRITE, handle=4))
    objects.map(region(OTHER, handle=5))
    assert objects.of(OTHER).handle == 4


def test_watchers_are_told_once_for_each_object() -> None:
    objects = SharedObjects()
    told: list[str] = []
    objects.watchers[THING] = lambda: told.append("thing")
    objects.tell([region(THING), region(OTHER), region(THING, start=99)])
    assert told == ["thing"]


def test_windows_show_where_and_how_an_object_is_mapped() -> None:
    objects = SharedObjects()
    shared = region(THING, 3, PROT_WRITE)
    objects.map(shared)
    private = Region(0, PAGE, PROT_READ, 2, OTHER)
    key = objects.of(THING).base_key | 2
    assert objects.windows([shared, private]) == [(16, 19, key, PROT_READ | PROT_WRITE)]
