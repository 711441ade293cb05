"""Where things go in a new address space: Linux's places on x86-64, without address randomisation.

    0x555555554000   a position-independent program that has an interpreter
    0x7ffff7fff000   the mmap base: mappings are laid out from here downwards
    0x7ffffffff000   the stack's end

The same places as natively under `setarch -R`, so addresses in the two can be compared.

Sources: arch/x86/mm/mmap.c (mmap_base), arch/x86/include/asm/elf.h (ELF_ET_DYN_BASE), mm/util.c.
"""

from __future__ import annotations

from lego.linux.mman import PROT_EXEC, PROT_READ, PROT_WRITE
from lego.regions import TASK_SIZE, page_up

MMAP_MIN_ADDRESS = 0x10000
"""vm.mmap_min_addr: nothing is mapped below it."""
STACK_TOP = TASK_SIZE
ET_DYN_BASE = TASK_SIZE // 3 * 2
"""0x555555554aaa: not page-aligned; what is placed here is aligned down, a heap that starts here up."""
STACK_GUARD_GAP = 256 * 4096
"""Bytes kept free below a stack that may grow."""
DATA_PROT = PROT_READ | PROT_WRITE

_GAP_MIN = 128 << 20
_GAP_MAX = TASK_SIZE // 6 * 5


def mmap_base(stack_limit: int) -> int:
    """The address below which mappings are placed, top down, for an RLIMIT_STACK in bytes."""
    gap = min(max(stack_limit + STACK_GUARD_GAP, _GAP_MIN), _GAP_MAX)
    return page_up(TASK_SIZE - gap)


def prot_of(flags: int) -> int:
    """PROT_* for the p_flags of a program header (make_prot)."""
    return flags >> 2 & PROT_READ | flags & PROT_WRITE | (PROT_EXEC if flags & 1 else 0)
