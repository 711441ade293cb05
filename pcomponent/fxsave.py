"""The 512-byte image of x87 and SSE state that fxsave64 writes (Intel SDM volume 1, section 10.5.1).

Signal frames carry it, so programs read and change it there.
"""

from __future__ import annotations

from functools import cache

SIZE = 512
FCW, FSW, FTW, MXCSR, _MXCSR_MASK, ST, XMM = 0, 2, 4, 24, 28, 32, 160
"""Where in an image these are; FTW is the abridged tag word, and each register has 16 bytes."""

MXCSR_MASK = 0xFFFF
"""The bits of MXCSR that may be set; a processor with denormals-are-zeros has all sixteen."""
FCW_DEFAULT = 0x37F
MXCSR_DEFAULT = 0x1F80


def check(image: bytes) -> None:
    """ValueError for an image that is too short or sets bits of MXCSR that make fxrstor fault."""
    if len(image) < SIZE:
        raise ValueError(f"an fxsave image has {SIZE} bytes, not {len(image)}")
    mxcsr = int.from_bytes(image[MXCSR : MXCSR + 4], "little")
    if mxcsr & ~MXCSR_MASK:
        raise ValueError(f"MXCSR {mxcsr:#x} has reserved bits")


@cache
def abridge_tags(full: int) -> int:
    """The abridged tag word of a full one: two bits a register, where 3 is empty, become one, where 0 is empty."""
    return sum(1 << index for index in range(8) if full >> (2 * index) & 3 != 3)


@cache
def empty_tags(abridged: int) -> int:
    """A full tag word for an abridged one that says which registers are empty, and nothing of the others."""
    return sum(0 if abridged >> index & 1 else 3 << 2 * index for index in range(8))


def _initial() -> bytes:
    image = bytearray(SIZE)
    for start, value in ((FCW, FCW_DEFAULT), (MXCSR, MXCSR_DEFAULT), (_MXCSR_MASK, MXCSR_MASK)):
        image[start : start + 4] = value.to_bytes(4, "little")
    return bytes(image)


INITIAL = _initial()
"""The state in which programs and signal handlers begin (fpstate_init_user)."""
