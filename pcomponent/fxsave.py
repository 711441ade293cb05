"""The 512-byte image of x87 and SSE state that fxsave64 writes (Intel SDM volume 1, section 10.5.1).

Signal frames carry it, so programs read and change it there.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

SIZE = 512
_HEAD = struct.Struct("<HHBxHQQII")  # fcw, fsw, abridged ftw, fop, fip, fdp, mxcsr, mxcsr_mask.
FCW, FSW, FTW, MXCSR, ST, XMM = 0, 2, 4, 24, 32, 160
"""Where in an image these are; each register has 16 bytes."""
_XMM_MASK = (1 << 128) - 1

MXCSR_MASK = 0xFFFF
"""The bits of MXCSR that may be set; a processor with denormals-are-zeros has all sixteen."""
FCW_DEFAULT = 0x37F
MXCSR_DEFAULT = 0x1F80


class State(NamedTuple):
    """What an image says. `st` are ST0 to ST7, ten bytes each; `xmm` XMM0 to XMM15 as numbers; `ftw` has bit i set when
    the physical register i is not empty."""

    st: list[bytes]
    xmm: list[int]
    fcw: int
    fsw: int
    ftw: int
    mxcsr: int


def pack(st: Sequence[bytes], xmm: Sequence[int], fcw: int, fsw: int, ftw_abridged: int, mxcsr: int) -> bytes:
    """The image of a state; instruction and operand pointers, which nobody needs, are zero."""
    image = bytearray(SIZE)
    _HEAD.pack_into(image, 0, fcw & 0xFFFF, fsw & 0xFFFF, ftw_abridged & 0xFF, 0, 0, 0, mxcsr, MXCSR_MASK)
    for index in range(8):
        start = ST + 16 * index
        image[start : start + 10] = st[index][:10].ljust(10, b"\0")
    for index in range(16):
        start = XMM + 16 * index
        image[start : start + 16] = (xmm[index] & _XMM_MASK).to_bytes(16, "little")
    return bytes(image)


def check(image: bytes) -> None:
    """ValueError for an image that is too short or sets bits of MXCSR that make fxrstor fault."""
    if len(image) < SIZE:
        raise ValueError(f"an fxsave image has {SIZE} bytes, not {len(image)}")
    mxcsr = int.from_bytes(image[MXCSR : MXCSR + 4], "little")
    if mxcsr & ~MXCSR_MASK:
        raise ValueError(f"MXCSR {mxcsr:#x} has reserved bits")


def unpack(image: bytes) -> State:
    """The state in an image. ValueError as for `check`."""
    check(image)
    fcw, fsw, ftw, _fop, _fip, _fdp, mxcsr, _mask = _HEAD.unpack_from(image)
    st = [bytes(image[start : start + 10]) for start in range(ST, XMM, 16)]
    xmm = [int.from_bytes(image[start : start + 16], "little") for start in range(XMM, XMM + 256, 16)]
    return State(st, xmm, fcw, fsw, ftw, mxcsr)


@cache
def abridge_tags(full: int) -> int:
    """The abridged tag word of a full one: two bits a register, where 3 is empty, become one, where 0 is empty."""
    return sum(1 << index for index in range(8) if full >> (2 * index) & 3 != 3)


@cache
def empty_tags(abridged: int) -> int:
    """A full tag word for an abridged one that says which registers are empty, and nothing of the others."""
    return sum(0 if abridged >> index & 1 else 3 << 2 * index for index in range(8))


def expand_tags(abridged: int, st: Sequence[bytes], fsw: int) -> int:
    """The full tag word: empty, valid (0), zero (1) or special (2) by contents, as fnstenv would show it. Tags are of
    physical registers; ST(i) is physical register (TOP + i) mod 8, with TOP in bits 11 to 13 of `fsw`."""
    top = fsw >> 11 & 7
    full = 0
    for physical in range(8):
        if not abridged >> physical & 1:
            tag = 3
        else:
            value = int.from_bytes(st[(physical - top) % 8][:10], "little")
            exponent, mantissa = value >> 64 & 0x7FFF, value & (1 << 64) - 1
            if exponent == 0 and mantissa == 0:
                tag = 1
            elif exponent in (0, 0x7FFF) or not mantissa >> 63:
                tag = 2
            else:
                tag = 0
        full |= tag << (2 * physical)
    return full


INITIAL = pack([bytes(10)] * 8, [0] * 16, FCW_DEFAULT, 0, 0, MXCSR_DEFAULT)
"""The state in which programs and signal handlers begin (fpstate_init_user)."""
