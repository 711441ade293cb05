"""mcomponent.layout: Linux's places."""

from __future__ import annotations

import pytest

from lego.linux.mman import PROT_EXEC, PROT_NONE, PROT_READ, PROT_WRITE
from lego.regions import page_down, page_up
from mcomponent.layout import ET_DYN_BASE, mmap_base, prot_of

MiB = 1 << 20


@pytest.mark.parametrize(
    ("limit", "base"),
    [
        (0, 0x7FFFF7FFF000),
        (8 * MiB, 0x7FFFF7FFF000),
        (127 * MiB, 0x7FFFF7FFF000),  # With the guard gap exactly the least, 128 MiB.
        (128 * MiB, 0x7FFFF7EFF000),
        (128 * MiB + 1, 0x7FFFF7EFF000),
        (1 << 40, 0x7FFFFFFFF000 - (1 << 40) - MiB),
        ((1 << 64) - 1, 0x155555556000),  # "unlimited": five sixths of the address space are kept for it.
    ],
)
def test_mmap_base(limit: int, base: int) -> None:
    assert mmap_base(limit) == base


def test_the_base_of_position_independent_programs() -> None:
    assert page_down(ET_DYN_BASE) == 0x555555554000
    assert page_up(ET_DYN_BASE) == 0x555555555000


@pytest.mark.parametrize(
    ("flags", "prot"),
    [(0, PROT_NONE), (4, PROT_READ), (2, PROT_WRITE), (1, PROT_EXEC), (5, PROT_READ | PROT_EXEC), (0xFFFFFFF8, 0)],
)
def test_prot_of_segment_flags(flags: int, prot: int) -> None:
    assert prot_of(flags) == prot
