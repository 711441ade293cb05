"""How the ExCache's tables lie in memory, shared by Python and by the two callbacks that Unicorn calls.

One array of 64-bit words: a header, then for each line a tag, a meta word and the copy that its code runs in, then the
windows of the running address space, then the pages that it executed lately. Line `i` of the cache is the 4 KiB at
`i << 12` of the arena; way w of set s is line `s * ways + w`. Copy `i` of code is at `CODE_BASE + (i << 12)`.

A tag is a key: bit 63 clear for a private page, then 27 bits of address-space number and 36 bits of page number;
bit 63 set for a page of a shared object, then 27 bits of object number and 36 bits of page index. Every
page that processes share therefore has one line, at whatever addresses they map it.

A window is a shared mapping of the running address space: (first page, page after the last, key of the
first page, rights), sorted by address.

An executed page is (page, epoch, copy), at a place that its number gives: a later one takes the place of an earlier.
Within an epoch (`pcomponent.counting`) the code of a page does not change.
"""

from __future__ import annotations

HEADER_WORDS = 32

SPARES = 8
"""Lines beside the sets, for one instruction that needs more pages of one set at a time than the set has ways (code,
source, destination and stack, each over a page boundary). They are given up when the next instruction misses."""

FAULT_ADDRESS = 0
"""Page address of the access that stopped the CPU."""
FAULT_ACCESS = 1
"""Its kind: READ, WRITE or EXEC, as in PROT_*."""
STOP = 2
"""Why the CPU stopped: one of the STOP_* below."""
FILLS = 3
"""TLB fills so far."""
SPACE_KEY = 4
"""The running address space's number, shifted to its place in a key."""
SET_MASK = 5
WAYS = 6
TAGS_AT = 7
META_AT = 8
WINDOWS_AT = 9
WINDOWS = 10
KERNEL_WINDOW = 11
"""1 while the kernel's own view of all lines, from KERNEL_BASE upwards, is open."""
STEPPING = 12
"""1 while one instruction that writes to its own page is stepped over."""
FILLS_LIMIT = 13
"""When FILLS gets here, Unicorn's TLB is to be flushed, so that it grows."""
EXCEPTION = 14
"""The vector of the exception that stopped the CPU."""

SPARES_AT = 15
"""The first spare line."""
SPARES_USED = 16
"""How many spare lines hold something."""
COPIES_AT = 17
EXECUTED_AT = 18
EPOCH = 19
"""The epoch of the running address space's code."""
FAULT_LINE = 20
"""The line of a fetch or a store that stopped the CPU with STOP_NEW_CODE or STOP_CODE_WRITE."""

STOP_NONE, STOP_FAULT, STOP_CODE_WRITE, STOP_GROW, STOP_SYSCALL, STOP_EXCEPTION, STOP_NEW_CODE = 0, 1, 2, 3, 4, 5, 6

GENERAL_PROTECTION = 13

KEY_SPACE_SHIFT = 36
PAGES = (1 << 35) - 1
"""Pages of an address space: those below `lego.regions.TASK_SIZE`."""
PAGE_MASK = (1 << KEY_SPACE_SHIFT) - 1
OBJECT_BIT = 1 << 63
EMPTY = (1 << 64) - 1
"""The tag of a line that holds nothing."""

RIGHTS = 0x7
"""Meta bits: PROT_READ, PROT_WRITE, PROT_EXEC of the page (of an object's page: of its window instead)."""
DIRTY = 0x8
"""The line was written since it was fetched."""
CODE = 0x10
"""The line has a copy that is executed in its place, and was not written since."""

WINDOW_WORDS = 4
WINDOWS_MAX = 65_536
"""More shared mappings than this in one address space are ENOMEM; vm.max_map_count is 65,530."""

EXECUTED_WORDS = 3
EXECUTED = 4096

COPIES = 16_384
"""Copies of code at a time; block counts have 16 bits for their number."""
CODE_BASE = 1 << 44
"""Where copies of code are in the CPU's physical memory, beyond any cache."""

KERNEL_BASE = 0xFFFF_C000_0000_0000
"""Where the kernel's window shows line 0; the guest cannot form such an access while it is shut."""
