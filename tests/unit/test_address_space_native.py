"""The layout against the kernel of the host: the same random calls on both, the same errors and mappings.

The calls are made on a window of addresses far from where the host's process has anything of its own.
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys

import pytest
from hypothesis import given, settings, strategies as st

from lego.linux import mman
from lego.linux.errno import E, LinuxError
from lego.regions import PAGE, ObjectId, Region
from mcomponent.address_space import AddressSpace
from mcomponent.advice import advise
from mcomponent.remapping import commit_remap, plan_remap

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64", reason="compares with the kernel of x86-64 Linux"
)

BASE, PAGES = 0x100000000000, 24
TOP = BASE + PAGES * PAGE
_libc = ctypes.CDLL(None, use_errno=True)
_syscall = _libc.syscall
_syscall.restype = ctypes.c_long


def native(number: int, *arguments: int) -> int:
    """The result of a system call, or -errno."""
    result: int = _syscall(ctypes.c_long(number), *(ctypes.c_long(each) for each in arguments))
    return -ctypes.get_errno() if result == -1 else result


class Native:
    def __init__(self) -> None:
        native(11, BASE - 16 * PAGE, TOP - BASE + 32 * PAGE)
        self.file = os.memfd_create("window")
        os.ftruncate(self.file, 256 * PAGE)

    def close(self) -> None:
        native(11, BASE - 16 * PAGE, TOP - BASE + 32 * PAGE)
        os.close(self.file)

    def regions(self) -> list[tuple[int, str, int]]:
        """Page by page: its address, rights with "s" for shared, and page of the file or -1."""
        found = []
        with open("/proc/self/maps") as maps:
            for line in maps:
                place, rights, offset = line.split()[:3]
                start, end = (int(each, 16) for each in place.split("-"))
                for page in range(max(start, BASE), min(end, TOP), PAGE):
                    index = (int(offset, 16) + page - start) // PAGE if "memfd:window" in line else -1
                    found.append((page, rights[:3], index))
        return found


class Lego:
    def __init__(self) -> None:
        self.space = AddressSpace(1 << 46)
        self.made = 0

    def regions(self) -> list[tuple[int, str, int]]:
        found = []
        for region in self.space.regions:
            rights = "".join(letter if region.prot & bit else "-" for letter, bit in (("r", 1), ("w", 2), ("x", 4)))
            for page in range(max(region.start, BASE), min(region.end, TOP), PAGE):
                index = (region.offset + page - region.start) // PAGE if region.object == ObjectId("S0", 1) else -1
                found.append((page, rights, index))
        return found

    def mmap(self, address: int, length: int, prot: int, flags: int, offset: int, file: bool) -> int:
        start, size, kept = self.space.plan_map(address, length, prot, flags, offset, file)
        self.made += 1
        thing = ObjectId("S0", 1) if file else ObjectId("M0", self.made) if kept & mman.MAP_SHARED else None
        kept = kept & ~mman.MAP_ANONYMOUS if file else kept | mman.MAP_ANONYMOUS
        region = Region(start, start + size, prot & 7, kept, thing, offset if file else 0)
        return self.space.map(region).address


good_addresses = st.integers(0, PAGES - 1).map(lambda page: BASE + page * PAGE)
good_lengths = st.integers(1, 8).map(lambda count: count * PAGE)
addresses = st.sampled_from([good_addresses] * 30 + [st.just(BASE + 5), st.just(BASE - PAGE)]).flatmap(
    lambda each: each
)
lengths = st.sampled_from([good_lengths] * 20 + [st.just(0), st.just(3 * PAGE - 7)]).flatmap(lambda each: each)
prots = st.sampled_from([0, 1, 3, 3, 3, 5, 7])
fixed = st.sampled_from([mman.MAP_FIXED, mman.MAP_FIXED, mman.MAP_FIXED_NOREPLACE])
kinds = st.sampled_from(
    [1, 2] * 8 + [0, 3, 4, mman.MAP_PRIVATE | mman.MAP_GROWSDOWN, mman.MAP_SHARED_VALIDATE | 1 << 19]
)
offsets = st.sampled_from([0, PAGE, 7 * PAGE] * 5 + [100])
mapped = st.tuples(st.just("mmap"), good_addresses, good_lengths, prots, st.just(mman.MAP_FIXED),
                   st.sampled_from([1, 2]), st.booleans(), st.just(0))  # fmt: skip
protections = st.sampled_from([0, 1, 3, 5, 0, 1, 3, 5, 0, 1, 3, 5, 8, 16, 1 << 24, 1 << 25, 3 << 24])
remaps = st.sampled_from([0, 1, 3, 3, 3, 3, 4, 5, 2, 8])
advices = st.sampled_from([0, 4, 4, 8, 9, 10, 11, 18, 19, 99])
calls = st.one_of(
    st.tuples(st.just("mmap"), addresses, lengths, prots, fixed, kinds, st.booleans(), offsets),
    st.tuples(st.just("munmap"), addresses, lengths),
    st.tuples(st.just("mprotect"), addresses, lengths, protections),
    st.tuples(st.just("mremap"), addresses, lengths, lengths, remaps, addresses),
    st.tuples(st.just("madvise"), addresses, lengths, advices),
)


def on_native(host: Native, call: tuple) -> int:
    match call:
        case ("mmap", address, length, prot, fixing, kind, file, offset):
            flags = fixing | kind | (0 if file else mman.MAP_ANONYMOUS)
            return native(9, address, length, prot, flags, host.file if file else -1, offset)
        case ("munmap", address, length):
            return native(11, address, length)
        case ("mprotect", address, length, prot):
            return native(10, address, length, prot)
        case ("mremap", address, old, new, flags, to):
            return native(25, address, old, new, flags, to)
        case ("madvise", address, length, advice):
            return native(28, address, length, advice)
    raise AssertionError(call)


def on_lego(guest: Lego, call: tuple) -> int:
    try:
        match call:
            case ("mmap", address, length, prot, fixing, kind, file, offset):
                flags = fixing | kind | (0 if file else mman.MAP_ANONYMOUS)
                return guest.mmap(address, length, prot, flags, offset, file)
            case ("munmap", address, length):
                guest.space.unmap(address, length)
                return 0
            case ("mprotect", address, length, prot):
                return -guest.space.protect(address, length, prot, lambda region: True).errno
            case ("mremap", address, old, new, flags, to):
                return commit_remap(guest.space, plan_remap(guest.space, address, old, new, flags, to)).address
            case ("madvise", address, length, advice):
                return -advise(guest.space, address, length, advice).errno
    except LinuxError as error:
        return -error.errno
    raise AssertionError(call)


def moves_several(guest: Lego, call: tuple) -> bool:
    """A move of several mappings at once, which Linux allows since 6.17; or one it undoes only half."""
    if call[0] != "mremap":
        return False
    _, address, old, new, flags, to = call
    region = guest.space.regions.find(address)
    if flags & 2 and old == 0 and to == address:
        return True  # Linux unmaps it before it finds that it is gone.
    return bool(flags & 6) and (region is None or address + max(old, new) + PAGE > region.end)


@settings(max_examples=200, deadline=None)
@given(st.lists(mapped, min_size=4, max_size=8), st.lists(calls, min_size=1, max_size=25))
def test_same_as_the_host(start: list[tuple], sequence: list[tuple]) -> None:
    host, guest = Native(), Lego()
    try:
        for call in start + sequence:
            if moves_several(guest, call) or (call[0] == "madvise" and call[3] == 9):
                continue
            expected, answer = on_native(host, call), on_lego(guest, call)
            outside = call[0] == "mremap" and expected > 0 and not BASE <= expected < TOP
            if outside:
                # It chose a place by itself, and so did we: take both away.
                native(11, expected, call[3])
                guest.space.unmap(answer, call[3])
            else:
                assert answer == expected, (call, E.errorcode.get(-answer), E.errorcode.get(-expected))
            assert guest.regions() == host.regions(), call
    finally:
        host.close()
