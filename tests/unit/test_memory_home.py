"""Memory monitors as homes, alone and three together: layout calls and shared mappings."""

from __future__ import annotations

from typing import Any

import pytest
from memory_rig import ANON, RIGS, RW, Rig, any_rig, errno_of, fork, open_file, page_of

from lego.linux import mman
from lego.linux.errno import E
from lego.linux.mman import MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, MAP_SHARED, PROT_READ
from lego.regions import PAGE, VREGION_SHIFT
from mcomponent import messages as m

GIB = 1 << VREGION_SHIFT


@pytest.fixture(**RIGS)
def rig(request: Any) -> Rig:
    return any_rig(request)


# ---- layout --------------------------------------------------------------------------------------------------


def test_mmap_fixed_over_old_contents(rig: Rig) -> None:
    address = rig.map(1, 3 * PAGE)
    for index in range(3):
        rig.flush(1, address + index * PAGE, page_of("old"))
    reply = rig.layout(m.Map(1, address + PAGE, PAGE, PROT_READ, ANON | MAP_FIXED))
    assert reply.removed == [(address + PAGE, address + 2 * PAGE)]
    assert rig.read(1, address + PAGE) == bytes(PAGE)
    assert rig.read(1, address) == rig.read(1, address + 2 * PAGE) == page_of("old")


def test_protect_keeps_contents_and_stops_at_a_hole(rig: Rig) -> None:
    address = rig.map(1, 4 * PAGE)
    rig.flush(1, address, page_of("mine"))
    rig.ask(m.Unmap(1, address + 2 * PAGE, PAGE))
    reply = rig.layout(m.Protect(1, address, 4 * PAGE, PROT_READ))
    assert reply.errno == E.ENOMEM and reply.removed == []
    assert rig.miss(1, address)[0].prot == PROT_READ and rig.read(1, address) == page_of("mine")
    assert errno_of(rig.miss, 1, address + PAGE, m.WRITE) == E.EACCES
    assert rig.miss(1, address + 3 * PAGE, m.WRITE)[0].prot == RW
    assert errno_of(rig.ask, m.Protect(1, address + 2 * PAGE, PAGE, 0)) == E.ENOMEM


def test_brk_grows_shrinks_and_refuses(rig: Rig) -> None:
    def brk(address: int, limit: int = 1 << 40) -> int:
        result: int = rig.layout(m.Brk(1, address, limit)).address
        return result

    assert brk(0) == 0x600000
    assert brk(0x602010) == 0x602010
    rig.flush(1, 0x602000, page_of("heap"))
    assert brk(0x601000) == 0x601000
    assert brk(0x603000) == 0x603000
    assert rig.read(1, 0x602000) == bytes(PAGE)
    assert brk(0x700000, limit=0x10000) == 0x603000
    assert brk(0x5FF000) == 0x603000
    rig.map(1, PAGE, flags=ANON | MAP_FIXED, address=0x606000)
    assert brk(0x606000) == 0x603000, "a page is kept free below the next mapping"
    assert brk(0x605000) == 0x605000
    assert next(region.name for region in rig.ask(m.Regions(1)).regions) == "[heap]"


def test_dontneed_forgets_private_contents_only(rig: Rig) -> None:
    file = open_file(rig, page_of("file"))
    address = rig.map(1, 2 * PAGE)
    private = rig.map(1, PAGE, RW, MAP_PRIVATE, **file)
    for each in (address, address + PAGE, private):
        rig.flush(1, each, page_of("mine"))
    reply = rig.ask(m.Advise(1, address, PAGE, mman.MADV_DONTNEED))
    assert reply.removed == [(address, address + PAGE)] and reply.added[0].start == address
    rig.ask(m.Advise(1, private, PAGE, mman.MADV_DONTNEED))
    found = [rig.read(1, each)[:4] for each in (address, address + PAGE, private)]
    assert found == [bytes(4), b"mine", b"file"]


@pytest.mark.parametrize("old, new", [(4, 2), (4, 6), (2, 9)])
def test_mremap_keeps_contents(rig: Rig, old: int, new: int) -> None:
    address = rig.map(1, old * PAGE)
    rig.map(1, PAGE, flags=ANON | MAP_FIXED, address=address + old * PAGE)
    for index in range(old):
        rig.flush(1, address + index * PAGE, page_of(f"page {index}"))
    reply = rig.layout(m.Remap(1, address, old * PAGE, new * PAGE, mman.MREMAP_MAYMOVE))
    assert (reply.moved is not None) == (new > old)
    for index in range(new):
        wanted = page_of(f"page {index}") if index < old else bytes(PAGE)
        assert rig.read(1, reply.address + index * PAGE) == wanted
    if reply.moved:
        assert reply.removed == [(address, address + old * PAGE)]
        assert errno_of(rig.read, 1, address) == E.EFAULT


def test_mremap_dontunmap_leaves_an_empty_mapping(rig: Rig) -> None:
    address = rig.map(1, 2 * PAGE)
    rig.flush(1, address, page_of("mine"))
    reply = rig.layout(m.Remap(1, address, 2 * PAGE, 2 * PAGE, mman.MREMAP_MAYMOVE | mman.MREMAP_DONTUNMAP))
    assert rig.read(1, reply.address) == page_of("mine")
    assert rig.read(1, address) == bytes(PAGE)


def test_regions_tells_what_is_resident(rig: Rig) -> None:
    address = rig.map(1, 4 * PAGE)
    rig.flush(1, address + PAGE, page_of("mine"))
    reply = rig.ask(m.Regions(1))
    resident = dict(zip((region.start for region in reply.regions), reply.resident_pages, strict=True))
    assert resident[address] == 1 and sum(resident.values()) == 2


def test_more_than_all_memory_is_refused_unless_it_is_a_reservation(rig: Rig) -> None:
    length = len(rig.monitors) * (4 << 20) + PAGE
    assert errno_of(rig.map, 1, length) == E.ENOMEM
    rig.map(1, length, flags=ANON | mman.MAP_NORESERVE)
    rig.map(1, 5 * GIB, prot=0)
    assert errno_of(rig.map, 1, length, RW, MAP_SHARED | MAP_ANONYMOUS) == E.ENOMEM


# ---- shared mappings -------------------------------------------------------------------------------------------


def test_a_shared_mapping_is_written_back_at_msync_munmap_and_exit(rig: Rig) -> None:
    file = open_file(rig, page_of("old") * 3, writable=True)
    cache = m.cache_of(file["object"], [each.name for each in rig.monitors])
    region = rig.layout(m.Map(1, 0, 3 * PAGE, RW, MAP_SHARED, **file)).added[0]

    def flush(index: int) -> None:
        rig.ask(m.ObjectFlush(region.object, region.handle, [index]), page_of(f"new {index}"), to=cache)

    flush(0)
    rig.ask(m.Sync(1, region.start, 3 * PAGE, mman.MS_SYNC))
    data = rig.storage.files["/f"].data
    assert data == page_of("new 0") + page_of("old") * 2
    assert "SyncHandle" in rig.storage.asked
    flush(1)
    rig.ask(m.Unmap(1, region.start + 2 * PAGE, PAGE))
    assert data == page_of("new 0") + page_of("new 1") + page_of("old")
    flush(2)
    rig.ask(m.Exit(1))
    assert data == b"".join(page_of(f"new {index}") for index in range(3))
    assert len(rig.storage.handles) == 1, "only the test's own"


def test_msync_of_a_hole_and_of_nonsense(rig: Rig) -> None:
    address = rig.map(1, PAGE)
    rig.ask(m.Sync(1, address, PAGE, mman.MS_ASYNC))
    assert errno_of(rig.ask, m.Sync(1, address - PAGE, 2 * PAGE, mman.MS_ASYNC)) == E.ENOMEM
    assert errno_of(rig.ask, m.Sync(1, address, PAGE, mman.MS_ASYNC | mman.MS_SYNC)) == E.EINVAL
    assert errno_of(rig.ask, m.Sync(1, address + 1, PAGE, 0)) == E.EINVAL


def test_a_shared_mapping_of_a_file_that_may_not_be_written(rig: Rig) -> None:
    file = open_file(rig, page_of("old"))
    assert errno_of(rig.map, 1, PAGE, RW, MAP_SHARED, **file) == E.EACCES
    address = rig.map(1, PAGE, PROT_READ, MAP_SHARED, **file)
    assert errno_of(rig.ask, m.Protect(1, address, PAGE, RW)) == E.EACCES
    writable = open_file(rig, page_of("old"), writable=True, path="/w")
    address = rig.map(1, PAGE, PROT_READ, MAP_SHARED, **writable)
    assert rig.ask(m.Protect(1, address, PAGE, RW)).added[0].prot == RW
    rig.ask(m.Exit(1))
    assert len(rig.storage.handles) == 2


def test_shared_anonymous_memory_is_one_for_parent_and_child(rig: Rig) -> None:
    region = rig.layout(m.Map(1, 0, 2 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS)).added[0]
    thing = region.object
    assert m.cache_of(thing, ["M0"]) == "M0" and region.name == "/dev/zero (deleted)"
    fork(rig, 1, 2)
    rig.ask(m.ObjectFlush(thing, 0, [1]), page_of("shared"))
    rig.ask(m.Exit(1))
    assert bytes(rig.endpoint.call("M0", m.ObjectMiss(thing, 0, 1))[1]) == page_of("shared")
    rig.ask(m.Exit(2))
    assert errno_of(rig.ask, m.ObjectMiss(thing, 0, 1)) == E.EFAULT
    assert all(each["frames_used"] == 0 for each in rig.figures())
