"""The fxsave image: where each register lies, checked against a real processor."""

from __future__ import annotations

import ctypes
import mmap

import pytest
from hypothesis import given, strategies as st

from pcomponent import fxsave

TEN = st.binary(min_size=10, max_size=10)
XMM = st.integers(0, (1 << 128) - 1)


@given(
    st.lists(TEN, min_size=8, max_size=8), st.lists(XMM, min_size=16, max_size=16),
    st.integers(0, 0xFFFF), st.integers(0, 0xFFFF), st.integers(0, 0xFF), st.integers(0, 0xFFFF),
)  # fmt: skip
def test_unpack_undoes_pack(st_: list[bytes], xmm: list[int], fcw: int, fsw: int, ftw: int, mxcsr: int) -> None:
    image = fxsave.pack(st_, xmm, fcw, fsw, ftw, mxcsr)
    assert len(image) == 512
    assert fxsave.unpack(image) == (st_, xmm, fcw, fsw, ftw, mxcsr)


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
    state = fxsave.unpack(ctypes.string_at(start, 512))
    one, pi = bytes.fromhex("0000000000000080ff3f"), bytes.fromhex("35c26821a2da0fc90040")
    assert state.st[:2] == [pi, one]
    assert state.xmm[5] == xmm5
    assert (state.fcw, state.fsw >> 11 & 7, state.ftw) == (0x37F, 6, 0xC0)
    packed = fxsave.pack(*state)
    assert fxsave.unpack(packed) == state
    assert fxsave.expand_tags(state.ftw, state.st, state.fsw) == 0x0FFF


def test_the_initial_state() -> None:
    state = fxsave.unpack(fxsave.INITIAL)
    assert (state.fcw, state.fsw, state.ftw, state.mxcsr) == (0x37F, 0, 0, 0x1F80)
    assert not any(state.xmm)


def test_images_that_would_fault_are_refused() -> None:
    with pytest.raises(ValueError, match="512"):
        fxsave.unpack(bytes(511))
    broken = bytearray(fxsave.INITIAL)
    broken[26] = 1  # Bit 16 of MXCSR.
    with pytest.raises(ValueError, match="MXCSR"):
        fxsave.unpack(bytes(broken))


def test_tags() -> None:
    assert fxsave.abridge_tags(0xFFFF) == 0
    assert fxsave.abridge_tags(0x0FFF) == 0xC0
    zero, infinity, one = bytes(10), bytes.fromhex("0000000000000080ff7f"), bytes.fromhex("0000000000000080ff3f")
    registers = [one, zero, infinity, *[bytes(10)] * 5]
    top = 5 << 11
    assert fxsave.expand_tags(0b11100000, registers, top) == (0 << 10 | 1 << 12 | 2 << 14) | 0x3FF
    for full in (0xFFFF, 0x0FFF, 0x3FFF):
        values = [one] * 8
        assert fxsave.expand_tags(fxsave.abridge_tags(full), values, 0) == full
