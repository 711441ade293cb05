"""The ExCache of one processor component: lines of 4 KiB, found by key, managed in software.

To fetch a page: `line = cache.choose(key)`; if `cache.is_dirty(line)`, write the old contents back to
their owner; `cache.evict(line)`; fill `cache.line(line)`; `cache.install(line, key, rights)`.

A line is in one of four states; what may follow:

    EMPTY --install--> CLEAN --guest or kernel write--> DIRTY --clean()--> CLEAN
      ^------ drop/evict ------/------------- drop -------/     (evict refuses a dirty line)

Victims are chosen first in, first out within a set: LegoOS found FIFO faster than LRU (OSDI'18), and its
default "LRU" is FIFO too. Finding a line costs a dictionary lookup here and a scan of the set in the callback.
"""

from __future__ import annotations

import contextlib
import mmap
from typing import Protocol

import numpy as np

from lego.observe.counters import Counters, counter
from lego.regions import PAGE, PAGE_SHIFT
from pcomponent.excache import layout as at
from pcomponent.excache.code import CodeStore, CodeStoreFull
from pcomponent.excache.layout import SPARES

MASK_64 = (1 << 64) - 1


class Translations(Protocol):
    """What the CPU keeps of lines, and must forget in time."""

    def flush_tlb(self) -> None:
        """Forgets all address translations."""

    def flush_blocks(self) -> None:
        """Forgets all translated code."""

    def code_changed(self, space: int | None) -> None:
        """Pages that an address space executed are not what they were, or not there: None for those of all."""


class ExcacheCounters(Counters):
    """What happened in one ExCache."""

    misses: int = counter("lines asked of a memory component, one at a time")
    zero_fills: int = counter("first touches of anonymous memory, served without a message")
    write_fills: int = counter("lines that a system call overwrote whole, taken without fetching them")
    prefetched: int = counter("lines that came along with a miss")
    evictions: int = counter("lines given up to make room")
    flushes: int = counter("dirty lines written back, piggybacked ones included")
    piggybacks: int = counter("dirty victims that travelled with a miss")
    tlb_fills: int = counter(
        "translations given to the CPU; the emulator sizes its TLB by the host's clock, so runs differ"
    )
    tlb_flushes: int = counter("times that all translations were forgotten; may differ between runs likewise")
    code_writes: int = counter("stores into lines that had been executed")


def geometry(size_bytes: int, ways: int) -> tuple[int, int]:
    """(sets, ways) for a capacity: the number of sets is the highest power of two that fits; with fewer lines
    than ways, one set of that many lines."""
    lines = max(1, size_bytes // PAGE)
    ways = min(ways, lines)
    sets = 1 << ((lines // ways).bit_length() - 1)
    return sets, ways


class ExCache:
    """Tables and lines. Not thread-safe: it belongs to the thread that runs the CPU."""

    def __init__(self, sets: int, ways: int) -> None:
        self.sets = sets
        self.ways = ways
        self.lines = sets * ways
        self.counters = ExcacheCounters()
        places = self.lines + SPARES
        self.arena = mmap.mmap(-1, places * PAGE)
        with contextlib.suppress(OSError):  # A host without huge pages takes a fault for every line instead.
            self.arena.madvise(mmap.MADV_HUGEPAGE)
        self._memory = memoryview(self.arena)
        self.code = CodeStore()
        self._tags_at, self._meta_at = at.HEADER_WORDS, at.HEADER_WORDS + places
        self._copies_at, self._windows_at = at.HEADER_WORDS + 2 * places, at.HEADER_WORDS + 3 * places
        executed_at = self._windows_at + at.WINDOW_WORDS * at.WINDOWS_MAX
        self.words = np.zeros(executed_at + at.EXECUTED_WORDS * at.EXECUTED, dtype=np.uint64)
        self._words = memoryview(self.words.data).cast("B").cast("Q")
        self._words[at.SET_MASK] = sets - 1
        self._words[at.WAYS] = ways
        self._words[at.TAGS_AT] = self._tags_at
        self._words[at.META_AT] = self._meta_at
        self._words[at.COPIES_AT] = self._copies_at
        self._words[at.WINDOWS_AT] = self._windows_at
        self._words[at.EXECUTED_AT] = executed_at
        self._words[at.SPARES_AT] = self.lines
        self.words[self._tags_at : self._meta_at] = at.EMPTY
        self._where: dict[int, int] = {}
        # The spare lines count as one more set, which no key's index leads to.
        self._next = [0] * (sets + 1)
        self._used = [0] * (sets + 1)
        self._stale = False
        self.translations: Translations

    # ---- looking ------------------------------------------------------------------------------------

    def find(self, key: int) -> int:
        """The line that holds a key, or -1."""
        return self._where.get(key, -1)

    def key(self, line: int) -> int:
        """What a line holds, or EMPTY."""
        return self._words[self._tags_at + line]

    def line(self, line: int) -> memoryview:
        """The 4,096 bytes of a line."""
        return self._memory[line << PAGE_SHIFT : (line + 1) << PAGE_SHIFT]

    def rights(self, line: int) -> int:
        """PROT_* of a private line."""
        return self._words[self._meta_at + line] & at.RIGHTS

    def is_dirty(self, line: int) -> bool:
        """Whether the line was written since it was fetched."""
        return bool(self._words[self._meta_at + line] & at.DIRTY)

    def __len__(self) -> int:
        return len(self._where)

    # ---- making room --------------------------------------------------------------------------------

    def _set_of(self, line: int) -> tuple[int, int, int]:
        """(set, its first line, its ways)."""
        if line >= self.lines:
            return self.sets, self.lines, SPARES
        return line // self.ways, line - line % self.ways, self.ways

    def choose(self, key: int, spare: bool = False) -> int:
        """The line that a key would go to: a free one of its set (or of the spares), else the one that came first."""
        place, ways = (self.sets, SPARES) if spare else (key & (self.sets - 1), self.ways)
        base = place * self.ways
        first = self._next[place]
        if self._used[place] < ways:
            tags = self._tags_at + base
            for way in range(first, first + ways):
                if self._words[tags + way % ways] == at.EMPTY:
                    return base + way % ways
        return base + first

    def spares_in_use(self) -> list[int]:
        """The spare lines that hold something."""
        if not self._used[self.sets]:
            return []
        return [line for line in range(self.lines, self.lines + SPARES) if self.key(line) != at.EMPTY]

    def evict(self, line: int) -> None:
        """Gives up a line that is clean, or whose contents have been written back. Counted; empty is fine."""
        if self.key(line) != at.EMPTY:
            self.counters.evictions += 1
            self._clear(line)

    def drop(self, line: int) -> None:
        """Forgets a line, dirty or not."""
        self._clear(line)

    def _clear(self, line: int) -> None:
        place = self._meta_at + line
        if self._words[place] & at.CODE:
            self._code_changed(line)
        del self._where[self._words[self._tags_at + line]]
        self._words[self._tags_at + line] = at.EMPTY
        self._words[place] = 0
        self._count_used(line, -1)
        self._stale = True

    def install(self, line: int, key: int, rights: int, dirty: bool = False) -> None:
        """Makes a line that was chosen and evicted, and has been filled, hold a key."""
        self._words[self._tags_at + line] = key
        self._words[self._meta_at + line] = rights | (at.DIRTY if dirty else 0)
        self._where[key] = line
        self._count_used(line, 1)
        place, base, ways = self._set_of(line)
        if line == base + self._next[place]:
            self._next[place] = (self._next[place] + 1) % ways

    def _count_used(self, line: int, change: int) -> None:
        place, _, _ = self._set_of(line)
        self._used[place] += change
        if place == self.sets:
            self._words[at.SPARES_USED] = self._used[place]

    # ---- changing -----------------------------------------------------------------------------------

    def mark_dirty(self, line: int) -> None:
        """The kernel is about to write to a line: as a store of the guest would."""
        place = self._meta_at + line
        meta = self._words[place]
        if meta & at.CODE:
            self.forget_code(line)
            meta &= ~at.CODE
        self._words[place] = meta | at.DIRTY

    def clean(self, line: int) -> None:
        """The contents were written back: the CPU must ask again before it writes."""
        self._words[self._meta_at + line] &= MASK_64 & ~at.DIRTY
        self._stale = True

    def set_rights(self, line: int, rights: int) -> None:
        """New rights of a private line."""
        place = self._meta_at + line
        self._stale = True
        self._words[place] = self._words[place] & (MASK_64 & ~at.RIGHTS) | rights

    # ---- code ---------------------------------------------------------------------------------------

    def enter_code(self, line: int, alone: bool = False) -> None:
        """A line is about to be executed: gives it a copy, one that no other line has if `alone`."""
        take = self.code.take_alone if alone else self.code.take
        try:
            copy = take(self.line(line))
        except CodeStoreFull:
            self._forget_all_code()
            copy = take(self.line(line))
        self._words[self._copies_at + line] = copy
        self._words[self._meta_at + line] |= at.CODE
        if self.key(line) & at.OBJECT_BIT:
            self._stale = True  # A store through another mapping must be seen from now on: its translation has to go.

    def _forget_all_code(self) -> None:
        self.words[self._meta_at : self._copies_at] &= np.uint64(MASK_64 & ~at.CODE)
        self.code.reset()
        self.translations.flush_blocks()
        self.translations.code_changed(None)
        self._stale = True

    def forget_code(self, line: int) -> None:
        """The code of a line is being changed: its next fetch finds out what it is then."""
        self.counters.code_writes += 1
        self._words[self._meta_at + line] &= MASK_64 & ~at.CODE
        self._code_changed(line)
        self._stale = True

    def check_code(self, line: int) -> None:
        """A store may have been let through into a line (-1: none): forgets its code if it is not what it was."""
        if line < 0 or not self._words[self._meta_at + line] & at.CODE:
            return
        if bytes(self.line(line)) != self.code.contents(self._words[self._copies_at + line]):
            self.forget_code(line)

    def _code_changed(self, line: int) -> None:
        key = self.key(line)
        self.translations.code_changed(None if key & at.OBJECT_BIT else key >> at.KEY_SPACE_SHIFT)

    def settle(self) -> None:
        """To be called before the guest runs: the CPU forgets its translations if any may be stale."""
        if self._stale:
            self._stale = False
            self.counters.tlb_flushes += 1
            self.translations.flush_tlb()

    def lines_between(self, low: int, high: int) -> list[int]:
        """The lines whose keys are in [low, high), in the order of their places."""
        if high - low <= 64:
            found = [self._where.get(key, -1) for key in range(low, high)]
            return sorted(line for line in found if line >= 0)
        tags = self.words[self._tags_at : self._meta_at]
        hits = np.nonzero((tags >= np.uint64(low)) & (tags < np.uint64(high)))[0]
        return [int(line) for line in hits]

    # ---- the running address space --------------------------------------------------------------------

    def enter(self, space_key: int, windows: list[tuple[int, int, int, int]]) -> None:
        """Makes an address space the one that the CPU sees. `windows`: see `layout`."""
        words = self._words
        self._stale = True
        words[at.SPACE_KEY] = space_key
        words[at.WINDOWS] = len(windows)
        place = self._windows_at
        for window in windows:
            for value in window:
                words[place] = value
                place += 1

    def step(self, stepping: bool) -> None:
        """Lets the next store into executed code pass, for one instruction."""
        self._words[at.STEPPING] = int(stepping)

    def statistics(self) -> dict[str, int]:
        """The counters, and what the cache is."""
        self.counters.tlb_fills = self._words[at.FILLS]
        return {"lines": self.lines, "sets": self.sets, "ways": self.ways, **self.counters.snapshot()}
