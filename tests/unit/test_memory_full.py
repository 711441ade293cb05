"""Memory monitors that are full, that fill each other, or that have lost one of them."""

from __future__ import annotations

import json
import threading

import pytest
from memory_rig import ANON, RW, Rig, errno_of, open_file, page_of

from lego.fabric.endpoint import Endpoint
from lego.fabric.errors import PeerDown
from lego.fabric.network import Network
from lego.linux import mman
from lego.linux.errno import E
from lego.linux.mman import MAP_FIXED, MAP_SHARED
from lego.regions import PAGE, TASK_SIZE, VREGION_SHIFT
from mcomponent import messages as m

STACK = TASK_SIZE - PAGE
GIB = 1 << VREGION_SHIFT


# ---- full memories -----------------------------------------------------------------------------------------------


def test_a_full_memory_refuses_and_goes_on() -> None:
    rig = Rig(memory_bytes=64 * PAGE)
    rig.execute(1)
    address = rig.map(1, 64 * PAGE)
    for index in range(63):
        rig.flush(1, address + index * PAGE, page_of(f"page {index}"))
    last = address + 63 * PAGE
    assert errno_of(rig.flush, 1, last, page_of("too much")) == E.ENOMEM
    refused = m.Miss(1, address, m.READ, 1, last)
    assert errno_of(rig.ask, refused, page_of("too much")) == E.ENOMEM
    assert errno_of(rig.ask, m.Flush(1, [address, last]), page_of("a") + page_of("b")) == E.ENOMEM
    assert rig.read(1, address) == page_of("page 0"), "all or none"
    assert rig.read(1, last) == bytes(PAGE)
    assert rig.monitors[0].counters.out_of_memory == 3
    rig.flush(1, address, page_of("in place"))
    rig.ask(m.Unmap(1, address + PAGE, PAGE))
    rig.flush(1, last, page_of("now"))
    assert rig.read(1, last) == page_of("now")
    assert errno_of(rig.execute, 2) == E.ENOMEM
    assert rig.ask(m.Status()).spaces == 1


def test_clean_and_dirty_file_pages_give_way_to_private_ones() -> None:
    rig = Rig(memory_bytes=64 * PAGE)
    rig.execute(1)
    file = open_file(rig, page_of("x") * 60, writable=True)
    rig.ask(m.FileRead(file["object"], file["handle"], 0, 40 * PAGE))
    region = rig.layout(m.Map(1, 0, 60 * PAGE, RW, MAP_SHARED, **file)).added[0]
    rig.ask(m.ObjectFlush(region.object, region.handle, list(range(40, 60))), page_of("dirty") * 20)
    assert rig.ask(m.Status()).free_bytes == (64 - 1 - 20) * PAGE
    address = rig.map(1, 60 * PAGE)
    for index in range(60):
        rig.flush(1, address + index * PAGE, page_of(f"page {index}"))
    assert rig.storage.files["/f"].data[40 * PAGE :].count(b"dirty") >= 17
    assert [rig.read(1, address + index * PAGE)[:7] for index in (0, 59)] == [b"page 0.", b"page 59"]
    assert rig.endpoint.call("M0", m.ObjectMiss(region.object, region.handle, 59))[1][:5] == b"dirty"


def test_a_process_goes_on_in_other_memories_when_its_home_is_full() -> None:
    rig = Rig(3, memory_bytes=256 * PAGE)
    rig.execute(1)
    pieces = [rig.map(1, 60 * PAGE) for _ in range(11)]
    for number, address in enumerate(pieces):
        for index in range(60):
            rig.flush(1, address + index * PAGE, page_of(f"{number} {index}"))
    assert {rig.owner(1, address) for address in pieces} == {"M0", "M1", "M2"}
    for number, address in enumerate(pieces):
        assert rig.read(1, address + 59 * PAGE) == page_of(f"{number} 59")


def test_one_mapping_larger_than_any_memory_lies_in_two() -> None:
    rig = Rig(3, memory_bytes=256 * PAGE)
    rig.execute(1)
    address = rig.map(1, 400 * PAGE)
    for index in range(400):
        rig.flush(1, address + index * PAGE, page_of(str(index)))
    assert len({rig.owner(1, address + index * PAGE) for index in range(400)}) == 2
    assert all(rig.read(1, address + index * PAGE) == page_of(str(index)) for index in range(0, 400, 37))
    moved = rig.layout(m.Remap(1, address, 400 * PAGE, 200 * PAGE, 0)).address
    assert moved == address and rig.read(1, address + 199 * PAGE) == page_of("199")


def test_brk_fails_when_its_owner_is_full_so_that_malloc_looks_elsewhere() -> None:
    rig = Rig(3, memory_bytes=256 * PAGE)
    rig.execute(1)
    assert rig.layout(m.Brk(1, 0x600000 + 200 * PAGE, 1 << 40)).address == 0x600000 + 200 * PAGE
    assert rig.layout(m.Brk(1, 0x600000 + 300 * PAGE, 1 << 40)).address == 0x600000 + 200 * PAGE
    assert rig.owner(1, rig.map(1, 100 * PAGE)) != "M0"


def test_a_move_between_memories_carries_contents_or_changes_nothing() -> None:
    rig = Rig(2, memory_bytes=256 * PAGE)
    rig.execute(1)
    first, second = rig.map(1, 200 * PAGE), rig.map(1, 200 * PAGE)
    assert (rig.owner(1, first), rig.owner(1, second)) == ("M0", "M1")
    for index in range(100):
        rig.flush(1, first + index * PAGE, page_of(str(index)))
    flags = mman.MREMAP_MAYMOVE | mman.MREMAP_FIXED
    reply = rig.layout(m.Remap(1, first, 150 * PAGE, 150 * PAGE, flags, second + 50 * PAGE))
    assert reply.removed == [(second + 50 * PAGE, second + 200 * PAGE), (first, first + 150 * PAGE)]
    assert all(rig.read(1, second + (50 + index) * PAGE) == page_of(str(index)) for index in range(100))
    assert rig.monitors[0].core.frames.used + rig.monitors[1].core.frames.used == 101
    while rig.monitors[0].core.frames.free > 20:
        rig.monitors[0].core.frames.allocate()
    before = rig.figures()
    assert errno_of(rig.layout, m.Remap(1, second + 50 * PAGE, 100 * PAGE, 100 * PAGE, flags, first)) == E.ENOMEM
    assert rig.figures() == before
    assert all(rig.read(1, second + (50 + index) * PAGE) == page_of(str(index)) for index in range(100))


# ---- the machine ---------------------------------------------------------------------------------------------------


def test_statistics_are_json_with_everything_counted() -> None:
    rig = Rig()
    rig.execute(1)
    rig.map(1, PAGE)
    figures = json.loads(rig.ask(m.Statistics()).json)
    assert figures["name"] == "M0" and figures["requests"] == {"Execute": 1, "Map": 1, "Statistics": 1}
    assert figures["frames_used"] == 1 and figures["frames_total"] == 256 and figures["spaces"] == 1
    described = type(rig.monitors[0].counters).describe()
    assert set(described) <= set(figures)


def test_a_dead_owner_does_not_keep_a_space_from_ending() -> None:
    rig = Rig(2, memory_bytes=256 * PAGE)
    rig.execute(1)
    first, second = rig.map(1, 200 * PAGE), rig.map(1, 200 * PAGE)
    rig.flush(1, first, page_of("mine"))
    rig.loopback.detach(rig.owner(1, second))
    with pytest.raises(PeerDown):
        rig.miss(1, second)
    rig.ask(m.Exit(1))
    assert rig.figures()[0]["frames_used"] == 0
    assert rig.figures()[0]["handles"] == 0


def test_two_homes_that_own_parts_of_each_other_do_not_wait_for_each_other() -> None:
    rig = Rig(2, memory_bytes=256 * PAGE, placement="spread")
    failures: list[BaseException] = []

    def run(space: int, home: str) -> None:
        endpoint = Endpoint(f"P{space}", rig.loopback, Network())
        try:
            request = m.Execute(space, 1, 0, "/bin/small", [b"small"], [], bytes(16), (0, 0, 0, 0), 8 << 20)
            owners = dict(endpoint.call(home, request)[0].owners)
            for turn in range(150):
                address = (0x6000 + turn % 7) * GIB - 2 * PAGE
                reply, _ = endpoint.call(home, m.Map(space, address, 4 * PAGE, RW, ANON | MAP_FIXED))
                owners.update(reply.owners)
                for page in range(address, address + 4 * PAGE, PAGE):
                    data = page_of(f"{space} {turn} {page:x}")
                    endpoint.call(owners[page // GIB], m.Flush(space, [page]), data)
                    found = endpoint.call(owners[page // GIB], m.Miss(space, page, m.READ))[1]
                    assert bytes(found) == data
                endpoint.call(owners[STACK // GIB], m.Miss(space, STACK - turn * PAGE, m.WRITE))
            endpoint.call(home, m.Exit(space))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(space, f"M{space % 2}"), daemon=True) for space in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads) and failures == []
    assert all(each["frames_used"] == 0 for each in rig.figures())
