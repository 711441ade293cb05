"""Memory objects at a memory component: sizes, holes, room, and who keeps them alive."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from memory_rig import Rig, errno_of, fork

from lego.linux.errno import E
from lego.linux.mman import MAP_SHARED, PROT_READ, PROT_WRITE
from lego.regions import PAGE, ObjectId
from mcomponent import messages as m
from mcomponent.shared_messages import MemoryMapped


@pytest.fixture
def rig() -> Iterator[Rig]:
    yield Rig(memories=2)


def create(rig: Rig, size: int, to: str = "M0") -> ObjectId:
    reply = rig.ask(m.MemoryCreate(size), to=to)
    thing: ObjectId = reply.object
    return thing


def size_of(rig: Rig, thing: ObjectId) -> tuple[int, int]:
    reply = rig.ask(m.MemoryStat(thing), to=thing.store)
    return reply.size, reply.pages


def read(rig: Rig, thing: ObjectId, offset: int, length: int) -> bytes:
    return bytes(rig.endpoint.call(thing.store, m.FileRead(thing, 0, offset, length))[1])


def write(rig: Rig, thing: ObjectId, data: bytes, offset: int, append: bool = False) -> int:
    return int(rig.ask(m.FileWrite(thing, 0, offset, append), data, to=thing.store).count)


def test_contents_and_sizes(rig: Rig) -> None:
    thing = create(rig, 0)
    assert size_of(rig, thing) == (0, 0)
    assert write(rig, thing, b"abc", PAGE - 1) == 3
    assert size_of(rig, thing) == (PAGE + 2, 2)
    assert read(rig, thing, 0, 3 * PAGE) == bytes(PAGE - 1) + b"abc"
    assert write(rig, thing, b"end", 0, append=True) == 3
    assert read(rig, thing, PAGE, 10) == b"bcend"
    rig.ask(m.FileTruncate(thing, 0, PAGE + 1))
    rig.ask(m.FileTruncate(thing, 0, 5 * PAGE))
    assert read(rig, thing, PAGE, 4) == b"b\0\0\0"
    assert size_of(rig, thing) == (5 * PAGE, 2)
    assert errno_of(rig.ask, m.FileTruncate(thing, 0, -1)) == E.EINVAL


def test_holes(rig: Rig) -> None:
    thing = create(rig, 1 << 60)
    write(rig, thing, b"x", 10 * PAGE)
    assert rig.ask(m.MemorySeek(thing, 0)).offset == 10 * PAGE
    assert rig.ask(m.MemorySeek(thing, 10 * PAGE + 5, hole=True)).offset == 11 * PAGE
    assert rig.ask(m.MemorySeek(thing, 5, hole=True)).offset == 5
    assert errno_of(rig.ask, m.MemorySeek(thing, 11 * PAGE)) == E.ENXIO
    assert errno_of(rig.ask, m.MemorySeek(thing, 1 << 60, hole=True)) == E.ENXIO
    rig.ask(m.MemoryAllocate(thing, 10 * PAGE - 5, 2 * PAGE, punch=True))
    assert size_of(rig, thing) == (1 << 60, 0)
    write(rig, thing, b"y" * PAGE, 0)
    rig.ask(m.MemoryAllocate(thing, 8, 16, punch=True))
    assert read(rig, thing, 0, 26) == b"y" * 8 + bytes(16) + b"yy"


def test_a_page_beyond_the_end_is_refused(rig: Rig) -> None:
    thing = create(rig, PAGE + 1)
    assert rig.endpoint.call("M0", m.ObjectMiss(thing, 0, 1))[1] == bytes(PAGE)
    assert errno_of(rig.ask, m.ObjectMiss(thing, 0, 2)) == E.EIO
    rig.ask(m.ObjectFlush(thing, 0, [0, 2]), b"a" * PAGE + b"b" * PAGE)
    assert size_of(rig, thing) == (PAGE + 1, 2)


def test_room_that_is_not_there() -> None:
    rig = Rig(memory_bytes=1 << 20)
    pages = (1 << 20) // PAGE
    thing = create(rig, 0)
    rig.ask(m.MemoryAllocate(thing, 0, (pages - 4) * PAGE, keep_size=True))
    assert size_of(rig, thing) == (0, pages - 4)
    for length in (8 * PAGE, 1 << 50):
        assert errno_of(rig.ask, m.MemoryAllocate(thing, (pages - 4) * PAGE, length)) == E.ENOSPC
    assert size_of(rig, thing) == (0, pages - 4)
    assert write(rig, thing, b"x" * (6 * PAGE), (pages - 4) * PAGE) == 4 * PAGE
    assert errno_of(write, rig, thing, b"x", pages * PAGE) == E.ENOSPC
    rig.ask(m.MemoryRelease(thing))
    assert rig.figures()[0]["frames_used"] == 0


def test_what_is_held_or_mapped_stays_and_what_is_neither_goes(rig: Rig) -> None:
    """An object of M1, mapped by spaces whose home is M0."""
    rig.execute(1)
    thing = create(rig, 2 * PAGE, to="M1")
    where = rig.map(1, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, object=thing, handle=0)
    write(rig, thing, b"kept", 0)
    fork(rig, 1, 2)
    rig.ask(m.MemoryRelease(thing), to="M1")
    assert read(rig, thing, 0, 4) == b"kept"
    rig.ask(m.Unmap(1, where, PAGE))
    rig.ask(m.Exit(1))
    assert read(rig, thing, 0, 4) == b"kept"
    rig.ask(m.Exit(2))
    assert errno_of(rig.ask, m.MemoryStat(thing), to="M1") == E.EBADF


def test_an_object_that_was_never_mapped_goes_when_it_is_released(rig: Rig) -> None:
    thing = create(rig, PAGE)
    write(rig, thing, b"x", 0)
    rig.ask(m.MemoryRelease(thing))
    assert errno_of(rig.ask, m.MemoryStat(thing)) == E.EBADF
    rig.ask(m.MemoryRelease(thing))  # Twice is once.
    assert create(rig, PAGE) != thing


def test_a_mapping_that_may_not_be_written_stays_so(rig: Rig) -> None:
    rig.execute(1)
    thing = create(rig, PAGE)
    where = rig.map(1, PAGE, PROT_READ, MAP_SHARED, object=thing, handle=0, may_write=False)
    assert errno_of(rig.layout, m.Protect(1, where, PAGE, PROT_READ | PROT_WRITE)) == E.EACCES
    rig.ask(MemoryMapped(thing, 0))
    rig.ask(m.Exit(1))
