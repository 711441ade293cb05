"""Exact instruction counts, and quanta that end after a given number of instructions.

Unicorn tells a new block's instruction count once, when it is translated (UC_HOOK_EDGE_GENERATED), and calls a
hook whenever a block is entered. The hook finds the count in a table and adds it up; when the quantum is over, or the
block is not known, it stops the CPU before the block runs.

There are two tables. The *near* one knows blocks by address, and is right for one *epoch*: as long as none of the code
that an address space executed has changed. The *far* one knows them by their address and the copy of code
(`pcomponent.excache.code`) that they lie in, which never changes, so that an address space that executes what others
did before, or what it did itself in an earlier epoch, finds the counts there. A block across two pages is in the near
one only; when it has lost its place there, the emulator is asked for its count.

The block hook runs at every jump of the guest, hundreds of millions of times a second, so it is written in LLVM's own
language (see `pcomponent.native`; measured: 27 % instead of 51 % on top of a 20 MB word count). It takes no lock
and calls nothing but `uc_emu_stop`.

A block that faults in its middle was counted whole; `InstructionCounter.correct` takes back what did not run, by
decoding the block up to the fault.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import lru_cache

import capstone
import numpy as np
import numpy.typing as npt

from pcomponent.excache import layout as at
from pcomponent.native import compile_functions

COUNT, LIMIT, LAST_BLOCK, LAST_COUNT, EPOCH, SALT, UNKNOWN, ENTRIES, EXECUTED, MARK = range(10)
HEADER_WORDS = 16
NEAR_BITS, FAR_BITS = 16, 18
NEAR_SLOTS, FAR_SLOTS = 1 << NEAR_BITS, 1 << FAR_BITS
FAR_AT = HEADER_WORDS + 2 * NEAR_SLOTS
PREFIXES_MAX = 65_536
"""Decoded beginnings of blocks to remember."""
ENTRIES_MAX = FAR_SLOTS // 2
"""Blocks that the far table has room for. When there are so many no more are learned, so the next that is in neither
table stops the CPU as unknown; then both are emptied, and all translations with them."""

_COUNT_BITS = 16
_MIX = 0x9E3779B97F4A7C15 - (1 << 64)
_SALT = 0xD1B54A32D192ED03
MASK_64 = (1 << 64) - 1

# The near table has one place for each hash: (address, epoch << 16 | count); MARK is the epoch's part of it, so that an
# exclusive or gives the count, or a larger number when the entry is of another epoch. Epochs salt the hash, so that the
# same addresses in many spaces do not meet. The far table has (address with the copy in its top 16 bits, count), with
# linear probing; entries are never removed one by one.
_SOURCE = f"""
declare i32 @uc_emu_stop(ptr)

define ptr @near(ptr %words, i64 %address) alwaysinline {{
  %salt_at = getelementptr i64, ptr %words, i64 {SALT}
  %salt = load i64, ptr %salt_at
  %salted = xor i64 %address, %salt
  %mixed = mul i64 %salted, {_MIX}
  %hash = lshr i64 %mixed, {64 - NEAR_BITS}
  %pair = shl i64 %hash, 1
  %word = add i64 %pair, {HEADER_WORDS}
  %place = getelementptr i64, ptr %words, i64 %word
  ret ptr %place
}}

define ptr @far(ptr %words, i64 %key) {{
entry:
  %mixed = mul i64 %key, {_MIX}
  %hash = lshr i64 %mixed, {64 - FAR_BITS}
  br label %probe
probe:
  %slot = phi i64 [ %hash, %entry ], [ %next, %taken ]
  %index = and i64 %slot, {FAR_SLOTS - 1}
  %pair = shl i64 %index, 1
  %word = add i64 %pair, {FAR_AT}
  %place = getelementptr i64, ptr %words, i64 %word
  %found = load i64, ptr %place
  %hit = icmp eq i64 %found, %key
  br i1 %hit, label %done, label %other
other:
  %free = icmp eq i64 %found, 0
  br i1 %free, label %done, label %taken
taken:
  %next = add i64 %slot, 1
  br label %probe
done:
  ret ptr %place
}}

define i64 @far_key(ptr %words, i64 %address) {{
  %executed_at = getelementptr i64, ptr %words, i64 {EXECUTED}
  %executed = load ptr, ptr %executed_at
  %page = lshr i64 %address, 12
  %index = and i64 %page, {at.EXECUTED - 1}
  %word = mul i64 %index, {at.EXECUTED_WORDS}
  %row = getelementptr i64, ptr %executed, i64 %word
  %row_page = load i64, ptr %row
  %row_epoch_at = getelementptr i64, ptr %row, i64 1
  %row_epoch = load i64, ptr %row_epoch_at
  %copy_at = getelementptr i64, ptr %row, i64 2
  %copy = load i64, ptr %copy_at
  %epoch_at = getelementptr i64, ptr %words, i64 {EPOCH}
  %epoch = load i64, ptr %epoch_at
  %same = icmp eq i64 %row_page, %page
  %fresh = icmp eq i64 %row_epoch, %epoch
  %known = and i1 %same, %fresh
  %high = shl i64 %copy, 48
  %key = or i64 %address, %high
  %result = select i1 %known, i64 %key, i64 0
  ret i64 %result
}}

define void @keep(ptr %words, i64 %address, i64 %count) alwaysinline {{
  %place = call ptr @near(ptr %words, i64 %address)
  store i64 %address, ptr %place
  %mark_at = getelementptr i64, ptr %words, i64 {MARK}
  %mark = load i64, ptr %mark_at
  %both = or i64 %mark, %count
  %meta_at = getelementptr i64, ptr %place, i64 1
  store i64 %both, ptr %meta_at
  ret void
}}

define void @enter(ptr %words, i64 %address, i64 %so_far, i64 %count) alwaysinline {{
  %sum = add i64 %so_far, %count
  store i64 %sum, ptr %words
  %last_at = getelementptr i64, ptr %words, i64 {LAST_BLOCK}
  store i64 %address, ptr %last_at
  %last_count_at = getelementptr i64, ptr %words, i64 {LAST_COUNT}
  store i64 %count, ptr %last_count_at
  ret void
}}

define void @block(ptr %engine, i64 %address, i32 %size, ptr %words) {{
entry:
  %place = call ptr @near(ptr %words, i64 %address)
  %found = load i64, ptr %place
  %same = icmp eq i64 %found, %address
  br i1 %same, label %found_it, label %look, !prof !0
found_it:
  %meta_at = getelementptr i64, ptr %place, i64 1
  %meta = load i64, ptr %meta_at
  %mark_at = getelementptr i64, ptr %words, i64 {MARK}
  %mark = load i64, ptr %mark_at
  %count = xor i64 %meta, %mark
  %fresh = icmp ult i64 %count, {1 << _COUNT_BITS}
  br i1 %fresh, label %known, label %look, !prof !0
known:
  %limit_at = getelementptr i64, ptr %words, i64 {LIMIT}
  %limit = load i64, ptr %limit_at
  %so_far = load i64, ptr %words
  %time_left = icmp ult i64 %so_far, %limit
  br i1 %time_left, label %run, label %look, !prof !0
run:
  call void @enter(ptr %words, i64 %address, i64 %so_far, i64 %count)
  ret void
look:
  tail call void @look(ptr %engine, i64 %address, ptr %words)
  ret void
}}

define void @look(ptr %engine, i64 %address, ptr %words) noinline cold {{
entry:
  %limit_at = getelementptr i64, ptr %words, i64 {LIMIT}
  %limit = load i64, ptr %limit_at
  %so_far = load i64, ptr %words
  %time_left = icmp ult i64 %so_far, %limit
  br i1 %time_left, label %search, label %stop
search:
  %key = call i64 @far_key(ptr %words, i64 %address)
  %has_copy = icmp ne i64 %key, 0
  br i1 %has_copy, label %probe, label %stop
probe:
  %far_place = call ptr @far(ptr %words, i64 %key)
  %far_found = load i64, ptr %far_place
  %learned = icmp eq i64 %far_found, %key
  br i1 %learned, label %adopt, label %stop
adopt:
  %far_count_at = getelementptr i64, ptr %far_place, i64 1
  %far_count = load i64, ptr %far_count_at
  call void @keep(ptr %words, i64 %address, i64 %far_count)
  call void @enter(ptr %words, i64 %address, i64 %so_far, i64 %far_count)
  ret void
stop:
  %unknown = phi i64 [ 0, %entry ], [ 1, %search ], [ 1, %probe ]
  %unknown_at = getelementptr i64, ptr %words, i64 {UNKNOWN}
  store i64 %unknown, ptr %unknown_at
  %ignored = call i32 @uc_emu_stop(ptr %engine)
  ret void
}}

define void @learn(ptr %words, i64 %address, i64 %count, i64 %size) {{
entry:
  call void @keep(ptr %words, i64 %address, i64 %count)
  %offset = and i64 %address, 4095
  %end = add i64 %offset, %size
  %within = icmp ule i64 %end, 4096
  br i1 %within, label %inside, label %done
inside:
  %key = call i64 @far_key(ptr %words, i64 %address)
  %has_copy = icmp ne i64 %key, 0
  br i1 %has_copy, label %place, label %done
place:
  %far_place = call ptr @far(ptr %words, i64 %key)
  %found = load i64, ptr %far_place
  %fresh = icmp eq i64 %found, 0
  %one = zext i1 %fresh to i64
  %entries_at = getelementptr i64, ptr %words, i64 {ENTRIES}
  %entries = load i64, ptr %entries_at
  %full = icmp uge i64 %entries, {ENTRIES_MAX}
  %no_room = and i1 %full, %fresh
  br i1 %no_room, label %done, label %insert
insert:
  %more = add i64 %entries, %one
  store i64 %more, ptr %entries_at
  store i64 %key, ptr %far_place
  %count_at = getelementptr i64, ptr %far_place, i64 1
  store i64 %count, ptr %count_at
  br label %done
done:
  ret void
}}

define void @edge(ptr %engine, ptr %current, ptr %previous, ptr %words) {{
  %address = load i64, ptr %current
  %count_at = getelementptr i8, ptr %current, i64 8
  %count = load i16, ptr %count_at
  %wide = zext i16 %count to i64
  %size_at = getelementptr i8, ptr %current, i64 10
  %size = load i16, ptr %size_at
  %wide_size = zext i16 %size to i64
  call void @learn(ptr %words, i64 %address, i64 %wide, i64 %wide_size)
  ret void
}}

!0 = !{{!"branch_weights", i32 1000000, i32 1}}
"""


BLOCK_HOOK, EDGE_HOOK, _LEARN = compile_functions(_SOURCE, ["block", "edge", "learn"])
_learn = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint64, ctypes.c_uint64)(_LEARN)

_decoder = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)


class InstructionCounter:
    """The counts of one CPU. `cache_words` are the tables of its ExCache (`pcomponent.excache.layout`)."""

    def __init__(self, cache_words: npt.NDArray[np.uint64]) -> None:
        self.words: npt.NDArray[np.uint64] = np.zeros(FAR_AT + 2 * FAR_SLOTS, dtype=np.uint64)
        self._view = memoryview(self.words.data).cast("B").cast("Q")
        self._cache_view = memoryview(cache_words.data).cast("B").cast("Q")
        self._view[EXECUTED] = int(cache_words.ctypes.data) + 8 * self._cache_view[at.EXECUTED_AT]
        self.pointer = int(self.words.ctypes.data)
        """What the hooks get as their user data."""
        self._prefixes: dict[tuple[int, int, int], int] = {}
        self._space = 0
        self._epochs: dict[int, int] = {}
        """Of each address space, by its number."""
        self._epochs_begun = 0
        self.enter_space(0)

    def start(self, quantum: int) -> None:
        """Counts from 0; the CPU is stopped before a block once `quantum` instructions have run."""
        view = self._view
        view[COUNT] = 0
        view[LIMIT] = quantum
        view[UNKNOWN] = 0
        view[LAST_COUNT] = 0

    @property
    def count(self) -> int:
        """Instructions since `start`."""
        return self._view[COUNT]

    @property
    def over(self) -> bool:
        """Whether the quantum is used up."""
        return self._view[COUNT] >= self._view[LIMIT]

    @property
    def unknown(self) -> bool:
        """Whether the CPU was stopped before a block whose count is not known."""
        return bool(self._view[UNKNOWN])

    @property
    def crowded(self) -> bool:
        """Whether `forget_all` is due, together with all translations."""
        return self._view[ENTRIES] >= ENTRIES_MAX

    def learn(self, address: int, count: int, size: int) -> None:
        """Tells the count of a block of the running space, and its size in bytes."""
        self._view[UNKNOWN] = 0
        _learn(self.pointer, address, count, size)

    def enter_space(self, number: int) -> None:
        """Blocks are of this address space from now on."""
        self._space = number
        epoch = self._epochs.get(number)
        if epoch is None:
            self._epochs_begun += 1
            epoch = self._epochs[number] = self._epochs_begun
        self._view[EPOCH] = self._cache_view[at.EPOCH] = epoch
        self._view[MARK] = epoch << _COUNT_BITS
        self._view[SALT] = epoch * _SALT & MASK_64

    def leave_space(self, number: int) -> None:
        """There will be no such address space any more."""
        self._epochs.pop(number, None)

    def code_changed(self, space: int | None) -> None:
        """Pages that an address space executed have changed or gone, or those of any: another epoch begins there. The
        TLB is flushed before the guest runs again, which finds out what copies its code is in now."""
        if space is None:
            self._epochs.clear()
        else:
            self._epochs.pop(space, None)
        if self._space not in self._epochs:
            self.enter_space(self._space)

    def correct(self, rip: int, read: Callable[[int, int], bytes]) -> None:
        """The block that ran last stopped at `rip`, before the instruction there: takes back what did not run.

        `read(address, length)` gives the bytes of the block, which has just been executed.
        """
        view = self._view
        whole, start = view[LAST_COUNT], view[LAST_BLOCK]
        if not whole:
            return
        view[LAST_COUNT] = 0
        key = (view[EPOCH], start, rip)
        ran = self._prefixes.get(key)
        if ran is None:
            if len(self._prefixes) >= PREFIXES_MAX:
                self._prefixes.clear()
            ran = self._prefixes[key] = min(whole, instructions_between(start, rip, read))
        view[COUNT] -= whole - ran

    def forget_all(self) -> None:
        """Empties the table."""
        self.words[HEADER_WORDS:] = 0
        self._view[ENTRIES] = 0
        self._prefixes.clear()


def instructions_between(start: int, end: int, read: Callable[[int, int], bytes]) -> int:
    """How many instructions lie between two addresses of straight-line code."""
    return _instructions(read(start, end - start)) if end > start else 0


@lru_cache(PREFIXES_MAX)
def _instructions(code: bytes) -> int:
    """The same code is counted again in every process and after each change of epochs."""
    return sum(1 for _ in _decoder.disasm_lite(code, 0))


def instruction_length(address: int, code: bytes) -> int:
    """The length in bytes of the first instruction of `code`; 1 when it is none."""
    for _, length, _, _ in _decoder.disasm_lite(code, address, 1):
        return int(length)
    return 1
