"""lego.linux.auxv: the vector's bytes, against the one that this process was given."""

from __future__ import annotations

from pathlib import Path

import pytest

from lego.linux import auxv


def test_pack_ends_with_null_and_unpacks() -> None:
    entries = [(auxv.AT_PAGESZ, 4096), (auxv.AT_ENTRY, (1 << 64) - 1)]
    data = auxv.pack(entries)
    assert data == bytes.fromhex("0600000000000000 0010000000000000 0900000000000000 ffffffffffffffff") + bytes(16)
    assert auxv.unpack(data + b"beyond") == entries


def test_the_hosts_vector_reads() -> None:
    entries = dict(auxv.unpack(Path("/proc/self/auxv").read_bytes()))
    assert entries[auxv.AT_PAGESZ] == 4096
    assert entries[auxv.AT_CLKTCK] == auxv.CLOCK_TICKS_PER_SECOND
    assert entries[auxv.AT_PHENT] == 56


def test_a_vector_without_end_is_refused() -> None:
    with pytest.raises(ValueError, match="AT_NULL"):
        auxv.unpack(bytes([6]) + bytes(15))
