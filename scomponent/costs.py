"""What storage work costs on the modelled machine, in virtual nanoseconds.

The figures come from the LegoOS paper's storage evaluation (OSDI'18; its Linux baseline, which has no network in
it; 4 KB a call, fsync after each write): sequential reads 51.8 KIOPS and sequential writes 34.6 KIOPS. So a
4 KB read takes 19.3 us, and a write with its fsync 28.9 us. Both are split into a part for the call and one for
the bytes, which go at 500 MB/s, an assumption (a SATA SSD); what a write takes beyond a read is its fsync.
The network between the components is charged by the fabric, not here.
"""

from __future__ import annotations

from lego.observe.clock import current

_READ_4K_NS = 10**9 // 51_800
_WRITE_4K_SYNC_NS = 10**9 // 34_600

NS_PER_BYTE = 2
TRANSFER_NS = _READ_4K_NS - 4096 * NS_PER_BYTE
"""One read or write, without its bytes."""
SYNC_NS = _WRITE_4K_SYNC_NS - _READ_4K_NS
"""One fsync."""
METADATA_NS = 1_000
"""A call that moves no file contents: an assumption, about a Linux path lookup in a warm cache."""


def charge_metadata() -> None:
    """Charges a call on names or attributes to the request that is being served."""
    current.meter.charge(METADATA_NS)


def charge_transfer(count: int) -> None:
    """Charges a read or write of `count` bytes."""
    current.meter.charge(TRANSFER_NS + count * NS_PER_BYTE)


def charge_sync() -> None:
    """Charges an fsync."""
    current.meter.charge(SYNC_NS)
