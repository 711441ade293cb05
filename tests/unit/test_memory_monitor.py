"""Whole memory monitors on a loopback, alone and three together, asked as a processor would."""

from __future__ import annotations

import json
import threading
from typing import Any

import msgspec
import pytest
from memory_rig import ANON, RW, Rig, page_of, small_program

from lego.fabric.endpoint import Endpoint
from lego.fabric.errors import PeerDown
from lego.fabric.network import Network
from lego.linux import mman
from lego.linux.errno import E, LinuxError
from lego.linux.mman import MAP_ANONYMOUS, MAP_FIXED, MAP_GROWSDOWN, MAP_PRIVATE, MAP_SHARED, PROT_READ
from lego.regions import PAGE, TASK_SIZE, VREGION_SHIFT, Region
from mcomponent import messages as m
from mcomponent.program import Program

STACK = TASK_SIZE - PAGE
GIB = 1 << VREGION_SHIFT


@pytest.fixture(params=[(1, "home"), (3, "home"), (3, "spread")], ids=["1M", "3M", "3M-spread"])
def rig(request: Any) -> Rig:
    memories, placement = request.param
    made = Rig(memories, memory_bytes=4 << 20, placement=placement)
    made.execute(1)
    return made


def errno_of(action: Any, *arguments: Any, **more: Any) -> int:
    with pytest.raises(LinuxError) as refused:
        action(*arguments, **more)
    return refused.value.errno


def open_file(rig: Rig, data: bytes, writable: bool = False, path: str = "/f") -> dict[str, Any]:
    file = rig.storage.add(path, data)
    return {"object": file.thing, "handle": rig.storage.open(path, writable), "name": path}


# ---- programs ---------------------------------------------------------------------------------------


def test_execute_tells_what_a_processor_needs(rig: Rig) -> None:
    reply = rig.execute(7)
    assert (reply.entry, reply.stack_pointer, reply.brk) == (0x400000, TASK_SIZE - 16, 0x600000)
    assert reply.resident == [(STACK, TASK_SIZE)]
    assert set(reply.owners) == {STACK >> VREGION_SHIFT}
    assert rig.read(7, STACK).endswith(b"argc argv envp!!")
    assert rig.miss(7, STACK)[0].prot == RW


def test_contents_go_over_what_the_file_says(rig: Rig) -> None:
    file = rig.storage.add("/program", page_of("text") + page_of("data"))

    def load(files: Any, request: m.Execute) -> Program:
        opened = files.open(request.vnode, request.directory, "/program")
        assert opened.read(0, 4) == b"text"
        data = Region(0x400000, 0x402000, RW, MAP_PRIVATE, opened.object, 0, opened.handle, "/program")
        program = small_program()
        contents = [(0x401004, bytes(PAGE - 4)), *program.contents]
        return msgspec.structs.replace(program, regions=[data, *program.regions], contents=contents)

    rig.load = load
    reply = rig.execute(7)
    assert reply.resident == [(STACK, TASK_SIZE)], "a page of a file is no anonymous page"
    assert rig.read(7, 0x400000) == page_of("text")
    assert rig.read(7, 0x401000) == b"data" + bytes(PAGE - 4)
    assert bytes(file.data) == page_of("text") + page_of("data")
    rig.ask(m.Exit(7))
    assert rig.storage.handles == {}


def test_a_failed_execute_leaves_the_old_program(rig: Rig) -> None:
    address = rig.map(1, PAGE)
    rig.flush(1, address, page_of("mine"))
    before = rig.figures()

    def refuse(files: Any, request: m.Execute) -> Program:
        raise LinuxError(E.ENOEXEC)

    rig.load = refuse
    assert errno_of(rig.execute, 1) == E.ENOEXEC

    def too_large(files: Any, request: m.Execute) -> Program:
        opened = files.open(1, 0, "/big")
        text = Region(0x400000, 0x401000, PROT_READ, MAP_PRIVATE, opened.object, 0, opened.handle)
        data = Region(0x10000000, 0x20000000, RW, ANON)
        return Program([text, data], [(0x10000000, bytes(5 << 20))], 0, 0, 0, "", "", [])

    rig.storage.add("/big", bytes(10))
    rig.load = too_large
    assert errno_of(rig.execute, 1) == E.ENOMEM
    assert rig.figures() == before
    assert rig.storage.handles == {}
    assert rig.read(1, address) == page_of("mine")


def test_execute_replaces_the_old_program(rig: Rig) -> None:
    address = rig.map(1, PAGE)
    rig.flush(1, address, page_of("mine"))
    rig.execute(1)
    assert errno_of(rig.read, 1, address) == E.EFAULT
    assert rig.read(1, STACK).endswith(b"argc argv envp!!")
    assert sum(each["frames_used"] for each in rig.figures()) == 1


def test_an_unknown_space_is_esrch(rig: Rig) -> None:
    assert errno_of(rig.miss, 99, STACK) == E.ESRCH
    for request in (m.Exit(99), m.Fork(99, 100), m.Unmap(99, 0, PAGE), m.Regions(99)):
        assert errno_of(rig.ask, request) == E.ESRCH
    rig.ask(m.Flush(99, [STACK]), page_of("late"))
    assert rig.monitors[0].counters.dropped_flushes == 1


def test_after_a_thousand_spaces_everything_is_back(rig: Rig) -> None:
    file = open_file(rig, page_of("a") + page_of("b"), writable=True)
    rig.map(1, PAGE, PROT_READ, MAP_PRIVATE, **file)
    rig.miss(1, rig.map(1, 2 * PAGE, RW, MAP_SHARED, **file))
    rig.ask(
        m.FileRead(file["object"], file["handle"], 0, 9999),
        to=m.cache_of(file["object"], ["M0", "M1", "M2"][: len(rig.monitors)]),
    )
    before, handles, promised = rig.figures(), len(rig.storage.handles), dict(rig.monitors[0].core.rooms.promised)
    for space in range(10, 1010):
        rig.execute(space)
        private = rig.map(space, 3 * PAGE)
        rig.flush(space, private, page_of("mine"))
        rig.map(space, PAGE, PROT_READ, MAP_PRIVATE, **file)
        if space % 10 == 0:
            shared = rig.layout(m.Map(space, 0, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS)).added[0]
            rig.ask(m.ObjectFlush(shared.object, 0, [0]), page_of("shared"))
            rig.ask(m.Fork(space, space + 5000))
            rig.owners[space + 5000] = rig.owners[space]
            rig.flush(space + 5000, private, page_of("child"))
            rig.ask(m.Exit(space + 5000))
        rig.ask(m.Exit(space))
    assert rig.figures() == before
    assert len(rig.storage.handles) == handles
    assert rig.monitors[0].core.rooms.promised == promised


# ---- pages ---------------------------------------------------------------------------------------------


def test_untouched_memory_reads_zeros_and_costs_nothing(rig: Rig) -> None:
    address = rig.map(1, 8 * PAGE)
    used = [each["frames_used"] for each in rig.figures()]
    reply, data = rig.miss(1, address, m.WRITE, pages=8)
    assert (reply.pages, data) == (1, bytes(PAGE))
    assert [each["frames_used"] for each in rig.figures()] == used


def test_what_was_flushed_comes_back(rig: Rig) -> None:
    address = rig.map(1, 8 * PAGE)
    for index in range(3):
        rig.flush(1, address + index * PAGE, page_of(f"page {index}"))
    rig.flush(1, address, page_of("again"))
    reply, data = rig.miss(1, address, pages=8)
    assert reply.pages == 3, "pages with contents come along, untouched ones do not"
    assert data == page_of("again") + page_of("page 1") + page_of("page 2")


def test_a_piggybacked_flush_comes_first(rig: Rig) -> None:
    address = rig.map(1, 2 * PAGE)
    call, owner = rig.endpoint.call, rig.owner(1, address)
    _, data = call(owner, m.Miss(1, address, m.READ, 1, address), page_of("same"))
    assert bytes(data) == page_of("same")
    _, data = call(owner, m.Miss(1, address, m.READ, 1, address + PAGE), page_of("other"))
    assert bytes(data) == page_of("same")
    assert rig.read(1, address + PAGE) == page_of("other")


def test_permissions(rig: Rig) -> None:
    read_only, none = rig.map(1, PAGE, PROT_READ), rig.map(1, PAGE, 0)
    only_write, code = rig.map(1, PAGE, mman.PROT_WRITE), rig.map(1, PAGE, mman.PROT_EXEC)
    assert errno_of(rig.miss, 1, read_only, m.WRITE) == E.EACCES
    assert errno_of(rig.miss, 1, read_only, m.EXEC) == E.EACCES
    assert errno_of(rig.miss, 1, none) == E.EACCES
    assert rig.miss(1, only_write, m.READ)[0].prot == mman.PROT_WRITE
    assert rig.miss(1, code, m.READ)[0].pages == 1
    assert errno_of(rig.miss, 1, 0x5000) == E.EFAULT


def test_a_private_file_mapping_shows_the_file_until_it_is_written(rig: Rig) -> None:
    data = page_of("one") + page_of("two") + b"tail"
    file = open_file(rig, data, writable=True)
    address = rig.map(1, 5 * PAGE, RW, MAP_PRIVATE, **file)
    reply, found = rig.miss(1, address, pages=16)
    assert (reply.pages, found) == (3, data.ljust(3 * PAGE, b"\0"))
    rig.flush(1, address + PAGE, page_of("mine"))
    reply, found = rig.miss(1, address, pages=16)
    assert (reply.pages, found) == (1, page_of("one"))
    assert rig.read(1, address + PAGE) == page_of("mine")
    assert rig.storage.files["/f"].data == data
    assert errno_of(rig.miss, 1, address + 3 * PAGE) == E.EIO
    cache = m.cache_of(file["object"], [each.name for each in rig.monitors])
    rig.ask(m.FileWrite(file["object"], file["handle"], 0), b"ONE", to=cache)
    assert rig.read(1, address)[:4] == b"ONE."
    rig.ask(m.Unmap(1, address, 5 * PAGE))
    assert len(rig.storage.handles) == 1, "only the test's own"


def test_a_flush_to_memory_that_is_gone_is_dropped(rig: Rig) -> None:
    address = rig.map(1, PAGE)
    rig.ask(m.Unmap(1, address, PAGE))
    before = rig.figures()
    rig.flush(1, address, page_of("late"))
    assert rig.figures() == before


def test_the_stack_grows_but_not_too_far(rig: Rig) -> None:
    below = TASK_SIZE - (1 << 20)
    reply, data = rig.miss(1, below + 5, m.WRITE)
    assert reply.grown is not None and data == bytes(PAGE)
    assert (reply.grown.start, reply.grown.end, reply.grown.name) == (below, TASK_SIZE, "[stack]")
    assert rig.miss(1, below)[0].grown is None
    assert rig.read(1, STACK).endswith(b"argc argv envp!!")
    assert errno_of(rig.miss, 1, TASK_SIZE - (8 << 20) - PAGE) == E.EFAULT
    assert rig.miss(1, TASK_SIZE - (8 << 20))[0].grown is not None
    stack = rig.ask(m.Regions(1)).regions[0]
    assert (stack.start, stack.end) == (TASK_SIZE - (8 << 20), TASK_SIZE)


def test_a_stack_keeps_its_distance(rig: Rig) -> None:
    stack = rig.map(1, 4 * PAGE, flags=ANON | MAP_GROWSDOWN, address=0x7000_0000_0000)
    guard = stack - 300 * PAGE
    rig.map(1, PAGE, flags=ANON | MAP_FIXED, address=guard)
    assert rig.miss(1, stack - 40 * PAGE)[0].grown is not None
    assert errno_of(rig.miss, 1, stack - 50 * PAGE) == E.EFAULT, "256 pages above the other mapping"


# ---- fork --------------------------------------------------------------------------------------------------


def fork(rig: Rig, space: int, child: int) -> None:
    rig.ask(m.Fork(space, child))
    rig.owners[child] = dict(rig.owners[space])


def test_after_fork_nobody_sees_the_other_write(rig: Rig) -> None:
    address = rig.map(1, 3 * PAGE)
    for index in range(2):
        rig.flush(1, address + index * PAGE, page_of(f"both {index}"))
    fork(rig, 1, 2)
    rig.flush(1, address, page_of("parent"))
    rig.flush(2, address + PAGE, page_of("child"))
    rig.flush(2, address + 2 * PAGE, page_of("new"))
    assert [rig.read(1, address + index * PAGE)[:8] for index in range(3)] == [b"parent..", b"both 1..", bytes(8)]
    assert [rig.read(2, address + index * PAGE)[:8] for index in range(3)] == [b"both 0..", b"child...", b"new....."]
    assert sum(each.counters.cow_breaks for each in rig.monitors) == 2
    rig.ask(m.Exit(1))
    assert rig.read(2, address) == page_of("both 0")
    rig.ask(m.Exit(2))
    assert all(each["frames_used"] == 0 for each in rig.figures())
    assert errno_of(rig.ask, m.Fork(2, 3)) == E.ESRCH


def test_fork_without_a_frame_left_still_reads(rig: Rig) -> None:
    address = rig.map(1, PAGE)
    rig.flush(1, address, page_of("both"))
    fork(rig, 1, 2)
    owner = next(each for each in rig.monitors if each.name == rig.owner(1, address))
    while owner.core.frames.free:
        owner.core.frames.allocate()
    assert errno_of(rig.flush, 2, address, page_of("child")) == E.ENOMEM
    assert rig.read(2, address) == rig.read(1, address) == page_of("both")


def test_fork_of_advised_ranges(rig: Rig) -> None:
    kept, wiped, gone = (rig.map(1, PAGE, address=0x7000_0000_0000 + index * 16 * PAGE) for index in range(3))
    for address in (kept, wiped, gone):
        rig.flush(1, address, page_of("mine"))
    rig.ask(m.Advise(1, wiped, PAGE, 18))
    rig.ask(m.Advise(1, gone, PAGE, mman.MADV_DONTFORK))
    fork(rig, 1, 2)
    assert rig.read(2, kept) == page_of("mine")
    assert rig.read(2, wiped) == bytes(PAGE)
    assert errno_of(rig.read, 2, gone) == E.EFAULT
    assert rig.read(1, gone) == rig.read(1, wiped) == page_of("mine")


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
