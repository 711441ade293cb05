"""Copies of executed pages: translated code belongs to what a page contains, not to the line that it happens to be in.

    copy = store.take(line's contents)      # raises CodeStoreFull: forget all translations, `reset`, take again
    copy = store.take_alone(contents)       # one that no other line gets

The emulator keeps translations by physical address. Were those of lines, code would be translated again in every
process that runs a program, after each eviction, and after every exec; measured, that was half of the host's time when
ten interpreters start at once. Instead a line's first fetch looks its contents up here, and the CPU executes the copy:
lines with the same contents have the same one, whichever process, however often it was evicted. A copy is
never written again, so its translations stay right for as long as it is known; a store into a line that has one takes
the line's claim to it away. What is modelled does not change: a fetch still needs the line, and its rights.
"""

from __future__ import annotations

import hashlib
import mmap

from lego.regions import PAGE, PAGE_SHIFT
from pcomponent.excache.layout import COPIES


class CodeStoreFull(Exception):
    """There is no room for another copy until all are forgotten."""


class CodeStore:
    """The copies of one ExCache."""

    def __init__(self) -> None:
        self.arena = mmap.mmap(-1, COPIES * PAGE)
        self._known: dict[bytes, int] = {}
        self._used = 0

    def take(self, contents: memoryview) -> int:
        """The copy of 4 KiB of code. Raises `CodeStoreFull`."""
        digest = hashlib.sha256(contents).digest()
        copy = self._known.get(digest)
        if copy is None:
            copy = self._known[digest] = self.take_alone(contents)
        return copy

    def take_alone(self, contents: memoryview) -> int:
        """A new copy, which no other line will share. Raises `CodeStoreFull`."""
        if self._used == COPIES:
            raise CodeStoreFull
        copy = self._used
        self._used += 1
        self.arena[copy << PAGE_SHIFT : (copy + 1) << PAGE_SHIFT] = contents
        return copy

    def contents(self, copy: int) -> bytes:
        """What a copy holds."""
        return self.arena[copy << PAGE_SHIFT : (copy + 1) << PAGE_SHIFT]

    def reset(self) -> None:
        """Forgets all copies. No line may claim one any more, nor the CPU have translations of them."""
        self._known.clear()
        self._used = 0
