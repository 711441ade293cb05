"""What the modelled network charges for a message, in virtual nanoseconds.

The default preset is LegoOS's own InfiniBand fabric. From its in-tree profile (Documentation/profile.md,
one thread): a 32 B request with a 4 B reply takes 4.20 us, 32 B to 4,096 B 6.29 us, 4,200 B to 4 B 6.16 us and
4,200 B to 4,096 B 8.23 us. That is 4.2 us plus 0.51 ns for every byte carried either way beyond the
smallest message.
"""

from __future__ import annotations

import msgspec


class Network(msgspec.Struct, frozen=True, kw_only=True):
    """One network preset: the cost of a round trip without waiting at the serving component."""

    round_trip_ns: int = 4_200
    """Request and reply of no more than `small_bytes` each."""
    picoseconds_per_byte: int = 510
    """For every byte beyond that, in either direction."""
    small_bytes: int = 64

    def cost_ns(self, request_bytes: int, reply_bytes: int) -> int:
        """Virtual time of one call, in nanoseconds, without what serving it takes."""
        extra = max(0, request_bytes - self.small_bytes) + max(0, reply_bytes - self.small_bytes)
        return self.round_trip_ns + extra * self.picoseconds_per_byte // 1000


PRESETS: dict[str, Network] = {
    "legoos": Network(),
    "none": Network(round_trip_ns=0, picoseconds_per_byte=0),
}
