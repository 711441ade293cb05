"""lego.linux.cpuid: the CPU that programs see, and that its three descriptions agree."""

from __future__ import annotations

import struct

import pytest

from lego.linux import cpuid as subject
from lego.linux.cpuid import cpuid


def text(*registers: int) -> str:
    return struct.pack(f"<{len(registers)}I", *registers).rstrip(b"\0").decode()


def test_vendor_and_brand() -> None:
    last, ebx, ecx, edx = cpuid(0, 0, 1)
    assert (last, text(ebx, edx, ecx)) == (0xB, "GenuineIntel")
    assert cpuid(0x8000_0000, 0, 1)[0] == 0x8000_0008
    assert text(*(word for leaf in (2, 3, 4) for word in cpuid(0x8000_0000 + leaf, 0, 1))) == "Lego Virtual CPU"


def test_signature_is_a_nehalems() -> None:
    assert cpuid(1, 0, 1)[0] == 0x106A3
    assert cpuid(0x8000_0001, 0, 1)[0] == 0x106A3


@pytest.mark.parametrize(
    ("leaf", "register", "bit"),
    # cmov, cx8, fpu, fxsr, mmx, sse, sse2; syscall, long mode, nx; cx16, popcnt, sse3, sse4.1, sse4.2, ssse3; lahf.
    [
        *((1, 3, bit) for bit in (15, 8, 0, 24, 23, 25, 26)),
        *((0x80000001, 3, bit) for bit in (11, 29, 20)),
        *((1, 2, bit) for bit in (13, 23, 0, 19, 20, 9)),
        (0x80000001, 2, 0),
    ],
)
def test_x86_64_v2_is_complete(leaf: int, register: int, bit: int) -> None:
    assert cpuid(leaf, 0, 1)[register] >> bit & 1


@pytest.mark.parametrize(
    ("leaf", "register", "bit"),
    # xsave, osxsave, avx, f16c, rdrand, fma, movbe, aes, tsc-deadline, monitor; fsgsbase, avx2, erms, rdseed; rdtscp.
    [
        *((1, 2, bit) for bit in (26, 27, 28, 29, 30, 12, 22, 25, 24, 3)),
        *((7, 1, bit) for bit in (0, 5, 9, 18)),
        (0x80000001, 3, 27),
    ],
)
def test_what_the_emulator_lacks_is_not_offered(leaf: int, register: int, bit: int) -> None:
    assert not cpuid(leaf, 0, 1)[register] >> bit & 1


def test_hwcap_and_flags_agree_with_cpuid() -> None:
    for cores in (1, 2, 64):
        assert cpuid(1, 0, cores)[3] == subject.HWCAP
    words = (cpuid(1, 0, 1)[3], cpuid(0x80000001, 0, 1)[3], cpuid(1, 0, 1)[2], cpuid(0x80000001, 0, 1)[2])
    assert len(subject.FLAGS) == sum(word.bit_count() for word in words) == len(set(subject.FLAGS))
    assert {"fpu", "sse2", "ht", "syscall", "lm", "nx", "pni", "cx16", "popcnt", "lahf_lm"} <= set(subject.FLAGS)
    assert subject.HWCAP2 == 0


@pytest.mark.parametrize("leaf", [3, 5, 6, 7, 8, 9, 0xA, 0xC, 0xD, 0x14, 0x19, 0x40000000, 0x80000005, 0x80000009])
def test_other_leaves_are_zeros(leaf: int) -> None:
    assert cpuid(leaf, 0, 1) == (0, 0, 0, 0)


def test_caches_are_listed_and_end() -> None:
    sizes = []
    for subleaf in range(5):
        eax, ebx, ecx, _ = cpuid(4, subleaf, 4)
        if eax & 31 == 0:
            break
        line, partitions, ways = (ebx & 0xFFF) + 1, (ebx >> 12 & 0x3FF) + 1, (ebx >> 22) + 1
        sizes.append(((eax >> 5) & 7, eax & 31, ways * partitions * line * (ecx + 1), (eax >> 14 & 0xFFF) + 1))
    assert sizes == [(1, 1, 32768, 1), (1, 2, 32768, 1), (2, 3, 262144, 1), (3, 3, subject.CACHE_BYTES, 4)]
    assert cpuid(4, 0, 4)[0] >> 26 == 3


@pytest.mark.parametrize("cores", [1, 2, 3, 8, 64])
def test_topology_counts_the_cores(cores: int) -> None:
    assert cpuid(0xB, 0, cores, core=cores - 1) == (0, 1, 0x100, cores - 1)
    shift, count, kind, number = cpuid(0xB, 1, cores, core=cores - 1)
    assert (count, kind, number) == (cores, 0x201, cores - 1)
    assert 1 << shift >= cores > (1 << shift) // 2
    assert cpuid(0xB, 2, cores)[:2] == (0, 0)
    assert cpuid(1, 0, cores, core=cores - 1)[1] >> 24 == cores - 1
    assert cpuid(1, 0, cores)[1] >> 16 & 255 == cores


@pytest.mark.parametrize("leaf", [0, 1, 2, 4, 7, 0xB, *range(0x80000000, 0x80000009)])
def test_registers_have_32_bits(leaf: int) -> None:
    for subleaf in (0, 1, 2, 5, 0xFFFFFFFF):
        for cores in (1, 4096):
            assert all(0 <= register < 1 << 32 for register in cpuid(leaf, subleaf, cores, core=cores - 1))
