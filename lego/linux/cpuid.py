"""The processor that programs see, as CPUID describes it: one place for CPUID, AT_HWCAP and /proc/cpuinfo.

It is a Nehalem with x86-64-v2 and nothing that the emulator lacks or that would break determinism: no AVX,
XSAVE, RDRAND, RDTSCP or FSGSBASE. C libraries choose their string functions by these bits, so a bit
that is set must work, and AT_HWCAP must agree with it.

Leaves that are not described return zeros, as an old processor's library code expects; a real Intel
processor answers a leaf beyond its last with the contents of the last.

Sources: Intel SDM volume 2A, "CPUID"; arch/x86/include/asm/cpufeatures.h for the names of the flags.
"""

from __future__ import annotations

import struct

VENDOR = "GenuineIntel"
MODEL_NAME = "Lego Virtual CPU"
FAMILY, MODEL, STEPPING = 6, 26, 3
CACHE_LINE = 64
"""Bytes."""
CACHE_BYTES = 8 << 20
"""The last level, shared by all cores: "cache size" of /proc/cpuinfo."""
PHYSICAL_BITS, VIRTUAL_BITS = 40, 48
LEAF_MAX, EXTENDED_LEAF_MAX = 0xB, 0x8000_0008

Registers = tuple[int, int, int, int]
"""EAX, EBX, ECX, EDX."""

# Bit to the kernel's name, for each of the four words of features.
_FEATURES_1_EDX = {
    0: "fpu", 2: "de", 3: "pse", 4: "tsc", 5: "msr", 6: "pae", 7: "mce", 8: "cx8", 9: "apic", 11: "sep",
    12: "mtrr", 13: "pge", 14: "mca", 15: "cmov", 16: "pat", 17: "pse36", 19: "clflush", 23: "mmx",
    24: "fxsr", 25: "sse", 26: "sse2", 28: "ht",
}  # fmt: skip
_FEATURES_1_ECX = {0: "pni", 9: "ssse3", 13: "cx16", 19: "sse4_1", 20: "sse4_2", 23: "popcnt"}
_FEATURES_81_EDX = {11: "syscall", 20: "nx", 29: "lm"}
_FEATURES_81_ECX = {0: "lahf_lm"}


def _word(features: dict[int, str]) -> int:
    return sum(1 << bit for bit in features)


HWCAP = _word(_FEATURES_1_EDX)
"""AT_HWCAP: CPUID.1:EDX (arch/x86/include/asm/elf.h)."""
HWCAP2 = 0
"""AT_HWCAP2: neither ring-3 MWAIT nor FSGSBASE."""
FLAGS = tuple(
    name for word in (_FEATURES_1_EDX, _FEATURES_81_EDX, _FEATURES_1_ECX, _FEATURES_81_ECX) for name in word.values()
)
"""The "flags" of /proc/cpuinfo, in the kernel's order."""

_SIGNATURE = (MODEL >> 4) << 16 | FAMILY << 8 | (MODEL & 15) << 4 | STEPPING
_BRAND = struct.unpack("<12I", MODEL_NAME.encode().ljust(48, b"\0"))
_DATA, _INSTRUCTION, _UNIFIED = 1, 2, 3
_CACHES = (
    # kind, level, ways, sets, shared by all cores: 32 KiB and 32 KiB, 256 KiB, 8 MiB.
    (_DATA, 1, 8, 64, False),
    (_INSTRUCTION, 1, 4, 128, False),
    (_UNIFIED, 2, 8, 512, False),
    (_UNIFIED, 3, 16, CACHE_BYTES // (16 * CACHE_LINE), True),
)


def cpuid(leaf: int, subleaf: int, cores: int, core: int = 0) -> Registers:
    """What CPUID returns on core number `core` of `cores`, which form one package without hyper-threading."""
    words = _BASIC.get(leaf)
    if words is not None:
        return words
    if leaf == 1:
        logical = min(cores, 255)
        return _SIGNATURE, (core & 255) << 24 | logical << 16 | CACHE_LINE // 8 << 8, _word(_FEATURES_1_ECX), HWCAP
    if leaf == 4:
        return _cache(subleaf, cores)
    if leaf == 0xB:
        return _topology(subleaf, cores, core)
    return 0, 0, 0, 0


def _identify(last: int) -> Registers:
    ebx, edx, ecx = struct.unpack("<3I", VENDOR.encode())
    return last, ebx, ecx, edx


_BASIC: dict[int, Registers] = {
    0: _identify(LEAF_MAX),
    2: (0x0000_FF01, 0, 0, 0),  # One round; descriptor 0xFF: "see leaf 4".
    0x8000_0000: _identify(EXTENDED_LEAF_MAX),
    0x8000_0001: (_SIGNATURE, 0, _word(_FEATURES_81_ECX), _word(_FEATURES_81_EDX)),
    0x8000_0002: _BRAND[0:4],
    0x8000_0003: _BRAND[4:8],
    0x8000_0004: _BRAND[8:12],
    0x8000_0006: (0, 0, 256 << 16 | 6 << 12 | CACHE_LINE, 0),  # Second level: 256 KiB, 8 ways.
    0x8000_0008: (VIRTUAL_BITS << 8 | PHYSICAL_BITS, 0, 0, 0),
}


def _id_bits(cores: int) -> int:
    """How many bits of an APIC id number the cores."""
    return max(0, cores - 1).bit_length()


def _cache(subleaf: int, cores: int) -> Registers:
    """Leaf 4: one cache a subleaf, then an empty one."""
    if subleaf >= len(_CACHES):
        return 0, 0, 0, 0
    kind, level, ways, sets, shared = _CACHES[subleaf]
    ids = min(1 << _id_bits(cores), 64)
    sharing = ids if shared else 1
    eax = kind | level << 5 | 1 << 8 | (sharing - 1) << 14 | (ids - 1) << 26
    return eax, (CACHE_LINE - 1) | (ways - 1) << 22, sets - 1, 0


def _topology(subleaf: int, cores: int, core: int) -> Registers:
    """Leaf 0xB: one thread a core, then the cores of the package, then nothing."""
    if subleaf == 0:
        return 0, 1, 1 << 8, core
    if subleaf == 1:
        return _id_bits(cores), cores, 2 << 8 | 1, core
    return 0, 0, subleaf & 255, core
