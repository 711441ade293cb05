"""The fxsave image: where each register lies, checked against a real processor."""

from __future__ import annotations

import ctypes
import mmap

import pytest

from pcomponent import fxsave


def run(code: bytes, *buffers: object) -> None:
    """Runs machine code of this processor with buffers as arguments."""
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(code)
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * len(buffers))(address)(*buffers)


def test_a_real_processor_writes_the_same() -> None:
    # fninit; fld1; fldpi; movups (%rsi),%xmm5; fxsave64 (%rdi); fninit; ret
    code = bytes.fromhex("dbe3 d9e8 d9eb 0f102e 480fae07 dbe3 c3")
    area = (ctypes.c_char * 1024)()
    start = ctypes.addressof(area) + (-ctypes.addressof(area) & 63)
    xmm5 = 0x00112233445566778899AABBCCDDEEFF
    run(code, start, ctypes.c_char_p(xmm5.to_bytes(16, "little")))
    image = ctypes.string_at(start, fxsave.SIZE)
    one, pi = bytes.fromhex("0000000000000080ff3f"), bytes.fromhex("35c26821a2da0fc90040")
    assert (image[fxsave.ST :][:10], image[fxsave.ST + 16 :][:10]) == (pi, one)
    assert image[fxsave.XMM + 5 * 16 :][:16] == xmm5.to_bytes(16, "little")
    assert (_number(image, fxsave.FCW), _number(image, fxsave.FSW) >> 11 & 7, image[fxsave.FTW]) == (0x37F, 6, 0xC0)
    fxsave.check(image)


def _number(image: bytes, place: int) -> int:
    return int.from_bytes(image[place : place + 2], "little")


def test_the_initial_state() -> None:
    image = bytearray(fxsave.INITIAL)
    assert len(image) == 512
    assert (_number(image, fxsave.FCW), _number(image, fxsave.MXCSR), _number(image, 28)) == (0x37F, 0x1F80, 0xFFFF)
    for place in (fxsave.FCW, fxsave.MXCSR, 28):
        image[place : place + 2] = bytes(2)
    assert not any(image)


def test_images_that_would_fault_are_refused() -> None:
    with pytest.raises(ValueError, match="512"):
        fxsave.check(bytes(511))
    broken = bytearray(fxsave.INITIAL)
    broken[26] = 1  # Bit 16 of MXCSR.
    with pytest.raises(ValueError, match="MXCSR"):
        fxsave.check(bytes(broken))


def test_tags() -> None:
    assert fxsave.abridge_tags(0xFFFF) == 0
    assert fxsave.abridge_tags(0x0FFF) == 0xC0
    for abridged in range(256):
        assert fxsave.abridge_tags(fxsave.empty_tags(abridged)) == abridged
