"""The page table of one space at one owner: which frame holds the private contents of which page.

A page without an entry has no private contents: it reads zeros, or what the file says. An entry whose frame
has several holders (after fork) is copy-on-write: `store` copies it instead of writing into it. Clean
pages of files have no entry, they are found in the page cache; so an entry is always private.
"""

from __future__ import annotations

from collections.abc import Iterator

from lego.fabric.wire import Buffer
from lego.regions import PAGE_SHIFT
from mcomponent.frames import Frames


class PageTable:
    """Virtual page number (address >> 12) to frame. Operations on a range cost O(min(pages in it, entries))."""

    def __init__(self, frames: Frames) -> None:
        self._frames = frames
        self.entries: dict[int, int] = {}
        """Read by the miss path directly; changed only here."""

    def __len__(self) -> int:
        return len(self.entries)

    def store(self, page: int, contents: Buffer) -> bool:
        """Makes a whole page hold `contents`; returns whether copy-on-write was broken. Raises ENOMEM, changing
        nothing."""
        frame = self.entries.get(page)
        if frame is not None and not self._frames.shared(frame):
            self._frames.view(frame)[:] = contents
            return False
        self.entries[page] = self._frames.allocate(contents)
        if frame is None:
            return False
        self._frames.release(frame)
        return True

    def pages(self, start: int, end: int) -> list[int]:
        """The pages in [start, end), in bytes, that have contents, in order."""
        return list(self._present(start, end))

    def count(self, start: int, end: int) -> int:
        """How many frames [start, end) uses."""
        return sum(1 for _ in self._present(start, end))

    def release(self, start: int, end: int) -> None:
        """Forgets the contents of [start, end)."""
        for page in self.pages(start, end):
            self._frames.release(self.entries.pop(page))

    def move(self, start: int, to: int, length: int) -> None:
        """Moves the contents of [start, start + length) to `to`, which has none; the ranges do not overlap."""
        distance = (to - start) >> PAGE_SHIFT
        for page in self.pages(start, start + length):
            self.entries[page + distance] = self.entries.pop(page)

    def copy(self) -> PageTable:
        """A table with the same contents, copy-on-write on both sides."""
        other = PageTable(self._frames)
        for frame in self.entries.values():
            self._frames.share(frame)
        other.entries = self.entries.copy()
        return other

    def clear(self) -> None:
        """Forgets all contents."""
        for frame in self.entries.values():
            self._frames.release(frame)
        self.entries.clear()

    def _present(self, start: int, end: int) -> Iterator[int]:
        first, last = start >> PAGE_SHIFT, end >> PAGE_SHIFT
        if last - first <= len(self.entries):
            return (page for page in range(first, last) if page in self.entries)
        return iter(sorted(page for page in self.entries if first <= page < last))
