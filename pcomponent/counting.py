"""Exact instruction counts, and quanta that end after a given number of instructions.

Unicorn tells a new block's instruction count once, when it is translated (UC_HOOK_EDGE_GENERATED), and calls a
hook whenever a block is entered. The hook finds the count in a hash table and adds it up; when the quantum
is over, or the block is not in the table, it stops the CPU before the block runs.

The block hook runs at every jump of the guest, hundreds of millions of times a second, so it is written in LLVM's own
language (see `pcomponent.native`; measured: 27 % instead of 51 % on top of a 20 MB word count). It takes no lock
and calls nothing but `uc_emu_stop`.

A block that faults in its middle was counted whole; `InstructionCounter.correct` takes back what did not run, by
decoding the block up to the fault.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable

import capstone
import numpy as np
import numpy.typing as npt

from pcomponent.native import compile_functions

COUNT, LIMIT, LAST_BLOCK, LAST_COUNT, SPACE, UNKNOWN, ENTRIES = 0, 1, 2, 3, 4, 5, 6
HEADER_WORDS = 8
SLOT_BITS = 17
SLOTS = 1 << SLOT_BITS
ENTRIES_MAX = SLOTS // 2
"""Blocks that can be known at once. When there are so many no more are learned, so the next new one stops the CPU as
unknown; then the table is emptied, and all translations with it."""

# An entry is two words: the key of the block (its address, with the space in the top 16 bits) and its count.
# Multiplying spreads the same addresses in many spaces over the table; the probe sequence is linear; entries are
# never removed one by one.
_SOURCE = f"""
declare i32 @uc_emu_stop(ptr)

define ptr @find(ptr %words, i64 %key) alwaysinline {{
entry:
  %mixed = mul i64 %key, {0x9E3779B97F4A7C15 - (1 << 64)}
  %hash = lshr i64 %mixed, {64 - SLOT_BITS}
  br label %probe
probe:
  %slot = phi i64 [ %hash, %entry ], [ %next, %taken ]
  %index = and i64 %slot, {SLOTS - 1}
  %pair = shl i64 %index, 1
  %word = add i64 %pair, {HEADER_WORDS}
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

define void @block(ptr %engine, i64 %address, i32 %size, ptr %words) {{
entry:
  %space_at = getelementptr i64, ptr %words, i64 {SPACE}
  %space = load i64, ptr %space_at
  %key = xor i64 %address, %space
  %place = call ptr @find(ptr %words, i64 %key)
  %count_at = getelementptr i64, ptr %place, i64 1
  %found = load i64, ptr %place
  %known = icmp eq i64 %found, %key
  %limit_at = getelementptr i64, ptr %words, i64 {LIMIT}
  %limit = load i64, ptr %limit_at
  %so_far = load i64, ptr %words
  %time_left = icmp ult i64 %so_far, %limit
  %go = and i1 %known, %time_left
  br i1 %go, label %run, label %stop, !prof !0
run:
  %count = load i64, ptr %count_at
  %sum = add i64 %so_far, %count
  store i64 %sum, ptr %words
  %last_at = getelementptr i64, ptr %words, i64 {LAST_BLOCK}
  store i64 %address, ptr %last_at
  %last_count_at = getelementptr i64, ptr %words, i64 {LAST_COUNT}
  store i64 %count, ptr %last_count_at
  ret void
stop:
  %unknown = zext i1 %known to i64
  %flag = xor i64 %unknown, 1
  %unknown_at = getelementptr i64, ptr %words, i64 {UNKNOWN}
  store i64 %flag, ptr %unknown_at
  %ignored = call i32 @uc_emu_stop(ptr %engine)
  ret void
}}

define void @learn(ptr %words, i64 %address, i64 %count) {{
entry:
  %space_at = getelementptr i64, ptr %words, i64 {SPACE}
  %space = load i64, ptr %space_at
  %key = xor i64 %address, %space
  %place = call ptr @find(ptr %words, i64 %key)
  %found = load i64, ptr %place
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
  store i64 %key, ptr %place
  %count_at = getelementptr i64, ptr %place, i64 1
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
  call void @learn(ptr %words, i64 %address, i64 %wide)
  ret void
}}

!0 = !{{!"branch_weights", i32 1000000, i32 1}}
"""


BLOCK_HOOK, EDGE_HOOK, _LEARN = compile_functions(_SOURCE, ["block", "edge", "learn"])
_learn = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint64)(_LEARN)

_decoder = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)


class InstructionCounter:
    """The counts of one CPU."""

    def __init__(self) -> None:
        self.words: npt.NDArray[np.uint64] = np.zeros(HEADER_WORDS + 2 * SLOTS, dtype=np.uint64)
        self._view = memoryview(self.words.data).cast("B").cast("Q")
        self._prefixes: dict[tuple[int, int, int], int] = {}

    @property
    def pointer(self) -> int:
        """What the hooks get as their user data."""
        return int(self.words.ctypes.data)

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

    def learn(self, address: int, count: int) -> None:
        """Tells the count of a block of the running space."""
        self._view[UNKNOWN] = 0
        _learn(self.pointer, address, count)

    def enter_space(self, number: int) -> None:
        """Blocks are of this address space from now on."""
        self._view[SPACE] = (number & 0xFFFF) << 48

    def correct(self, rip: int, read: Callable[[int, int], bytes]) -> None:
        """The block that ran last stopped at `rip`, before the instruction there: takes back what did not run.

        `read(address, length)` gives the bytes of the block, which has just been executed.
        """
        view = self._view
        whole, start = view[LAST_COUNT], view[LAST_BLOCK]
        if not whole:
            return
        view[LAST_COUNT] = 0
        key = (view[SPACE], start, rip)
        ran = self._prefixes.get(key)
        if ran is None:
            ran = self._prefixes[key] = min(whole, instructions_between(start, rip, read))
        view[COUNT] -= whole - ran

    def code_changed(self) -> None:
        """Bytes that were executed have changed: what was decoded of them is forgotten."""
        self._prefixes.clear()

    def forget_all(self) -> None:
        """Empties the table."""
        self.words[HEADER_WORDS:] = 0
        self._view[ENTRIES] = 0
        self._prefixes.clear()


def instructions_between(start: int, end: int, read: Callable[[int, int], bytes]) -> int:
    """How many instructions lie between two addresses of straight-line code."""
    if end <= start:
        return 0
    return sum(1 for _ in _decoder.disasm_lite(read(start, end - start), start))


def instruction_length(address: int, code: bytes) -> int:
    """The length in bytes of the first instruction of `code`; 1 when it is none."""
    for _, length, _, _ in _decoder.disasm_lite(code, address, 1):
        return int(length)
    return 1
