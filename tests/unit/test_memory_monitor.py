"""Whole memory monitors on a loopback, alone and three together: programs, misses, flushes and forks."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from memory_rig import ANON, RIGS, RW, Rig, any_rig, errno_of, fork, open_file, page_of, small_program

from lego.linux import mman
from lego.linux.errno import E, LinuxError
from lego.linux.mman import MAP_ANONYMOUS, MAP_FIXED, MAP_GROWSDOWN, MAP_PRIVATE, MAP_SHARED, PROT_READ
from lego.regions import PAGE, TASK_SIZE, VREGION_SHIFT, Region
from mcomponent import messages as m
from mcomponent.program import Program

STACK = TASK_SIZE - PAGE


@pytest.fixture(**RIGS)
def rig(request: Any) -> Rig:
    return any_rig(request)


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
