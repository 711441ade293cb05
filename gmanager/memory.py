"""The global memory manager: how full each memory component is, and who gets what is new.

Figures are the components' own: the capacity they registered with until their first report, then the last
report. Nothing is set aside for what was promised, since memory is taken page by page as it is touched.
"""

from __future__ import annotations

from collections.abc import Sequence

from lego.linux.errno import E, LinuxError

POLICIES = ("home", "spread")
"""New vRegions go to the process's home while it has room, or to each memory in turn."""


class MemoryManager:
    """Free bytes of the memory components, and the choice among them."""

    def __init__(self, policy: str) -> None:
        if policy not in POLICIES:
            raise ValueError(f"{policy!r} is no memory placement; there are {', '.join(POLICIES)}")
        self._policy = policy
        self._free: dict[str, int] = {}
        self._turn = 0

    def report(self, memory: str, free_bytes: int) -> None:
        """A memory's free bytes, from its registration or its own report."""
        self._free[memory] = max(0, free_bytes)

    def lost(self, memory: str) -> None:
        """A memory is gone."""
        self._free.pop(memory, None)

    def free(self, memory: str) -> int:
        """Bytes that were free at the last report."""
        return self._free.get(memory, 0)

    def most_free(self, memories: Sequence[str]) -> str:
        """The memory with the most free bytes; the first among equals."""
        return max(memories, key=self.free)

    def pick(self, memories: Sequence[str], home: str, length: int) -> str:
        """An owner for a new vRegion that will hold `length` bytes; ENOMEM when no memory has room for it."""
        if self._policy == "spread":
            return self._in_turn(memories, length)
        if home in memories and self.free(home) >= length:
            return home
        most = self.most_free(memories)
        if self.free(most) < length:
            raise self._full(length)
        return most

    def _in_turn(self, memories: Sequence[str], length: int) -> str:
        for step in range(len(memories)):
            index = (self._turn + step) % len(memories)
            if self.free(memories[index]) >= length:
                self._turn = (index + 1) % len(memories)
                return memories[index]
        raise self._full(length)

    def _full(self, length: int) -> LinuxError:
        free = ", ".join(f"{name} {self._free[name]:,}" for name in sorted(self._free))
        return LinuxError(E.ENOMEM, f"no memory component has room for {length:,} bytes (free: {free})")
