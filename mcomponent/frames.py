"""Frames: the physical memory of one memory component, a fixed number of 4 KiB pages.

    frame = frames.allocate(contents)   a frame with these bytes, and zeros after them
    frames.view(frame)                  its 4,096 bytes, writable
    frames.share(frame)                 one more holder (copy-on-write after fork)
    frames.release(frame)               one holder less; the last one frees it

A frame is always handed out with its whole contents given, so nothing of an earlier holder can leak. When
none is free, `allocate` asks `reclaim` to give some back (clean pages of the page cache) before it fails.

The memory is one anonymous mapping of the host, which commits a page only when it is first written. Frames
that were released are used again last in, first out, before any that was never used: the host's
resident set stays near the peak of what was used, and two runs use the same frames in the same order.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable

from lego.fabric.wire import Buffer
from lego.linux.errno import E, LinuxError
from lego.linux.mman import MAP_NORESERVE
from lego.regions import PAGE

ZERO_PAGE = bytes(PAGE)
"""What untouched anonymous memory reads; needs no frame."""


class Frames:
    """A pool of frames with reference counts. All operations are O(1)."""

    def __init__(self, capacity_bytes: int) -> None:
        self.total = capacity_bytes // PAGE
        if self.total < 1:
            raise ValueError(f"a memory of {capacity_bytes} bytes has no room for a page")
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_NORESERVE
        self._memory = memoryview(mmap.mmap(-1, self.total * PAGE, flags=flags))
        self._released: list[int] = []
        self._untouched = 0
        """The lowest frame that was never used."""
        self._extra: dict[int, int] = {}
        """Holders beyond the first, of frames that have several."""
        self._in_use = bytearray(self.total)
        self.used = 0
        self.peak = 0
        self.reclaim: Callable[[], None] | None = None
        """Called when no frame is free; may release some."""

    @property
    def free(self) -> int:
        """Frames that hold nothing."""
        return self.total - self.used

    def allocate(self, contents: Buffer = b"") -> int:
        """A frame that holds `contents` (at most a page) and zeros after it. Raises ENOMEM, changing nothing."""
        if self.used == self.total and self.reclaim is not None:
            self.reclaim()
        if self._released:
            frame = self._released.pop()
        elif self._untouched < self.total:
            frame = self._untouched
            self._untouched += 1
        else:
            raise LinuxError(E.ENOMEM, f"all {self.total} frames are in use")
        self._in_use[frame] = 1
        self.used += 1
        if self.used > self.peak:
            self.peak = self.used
        start = frame * PAGE
        end = start + len(contents)
        self._memory[start:end] = contents
        if end < start + PAGE:
            self._memory[end : start + PAGE] = ZERO_PAGE[: start + PAGE - end]
        return frame

    def view(self, frame: int) -> memoryview:
        """The 4,096 bytes of a frame. The view is of the memory itself: it shows later changes."""
        start = frame * PAGE
        return self._memory[start : start + PAGE]

    def share(self, frame: int) -> None:
        """Adds a holder."""
        assert self._in_use[frame], f"frame {frame} is free"
        self._extra[frame] = self._extra.get(frame, 0) + 1

    def shared(self, frame: int) -> bool:
        """Whether it has several holders, so that it must be copied rather than written."""
        return frame in self._extra

    def release(self, frame: int) -> None:
        """Takes a holder away; the frame is free when it was the last."""
        assert self._in_use[frame], f"frame {frame} is free already"
        extra = self._extra.get(frame)
        if extra is None:
            self._in_use[frame] = 0
            self._released.append(frame)
            self.used -= 1
        elif extra == 1:
            del self._extra[frame]
        else:
            self._extra[frame] = extra - 1
