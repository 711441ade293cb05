"""The data on system calls: complete for what Lego has, and in accordance with the dispatcher and the host."""

from __future__ import annotations

import ctypes
import os
import re
import struct

import pytest

from lego.linux import symbols
from lego.linux.numbers import NUMBERS
from lego.linux.shapes import SHAPES
from lego.linux.signatures import SCALARS, SIGNATURES, STRINGS, VARIANTS, scalar, signature
from pcomponent.syscalls import load_all
from pcomponent.syscalls.table import TABLE

load_all()


def test_every_call_that_lego_has_is_described() -> None:
    assert not [call.name for call in TABLE.values() if call.name not in SIGNATURES]


def test_nothing_is_described_that_linux_does_not_have() -> None:
    assert not [name for name in SIGNATURES if name not in NUMBERS]
    assert not [name for name in VARIANTS if name not in SIGNATURES]


@pytest.mark.parametrize("name", sorted(call.name for call in TABLE.values()))
def test_the_dispatcher_agrees(name: str) -> None:
    """A handler takes no more arguments than are described, pointers where there are pointers."""
    call = TABLE[NUMBERS[name]]
    described = SIGNATURES[name].arguments
    variants = VARIANTS.get(name, {}).values()
    most = max([described, *(each.arguments for each in variants)], key=len)
    assert len(call.kinds) <= len(most)
    for kind, argument in zip(call.kinds, described, strict=False):
        if kind in ("buffer", "path", "strings"):
            assert argument.is_pointer, (kind, argument)
        elif kind not in ("pointer", "ulong"):
            assert not argument.is_pointer, (kind, argument)


def test_lengths_name_arguments() -> None:
    for described in [*SIGNATURES.values(), *(each for group in VARIANTS.values() for each in group.values())]:
        names = [argument.name for argument in described.arguments]
        assert len(names) <= 6, described.name
        assert len(names) == len(set(names)), described.name
        for argument in described.arguments:
            if argument.length and not argument.length.isdigit():
                assert argument.length.lstrip("*") in names, (described.name, argument)
            assert argument.kind in {*SCALARS, *STRINGS, "flags", "enum", "struct"}


def test_variants_are_chosen_by_symbols_of_their_set() -> None:
    for name, group in VARIANTS.items():
        first = next(argument for argument in SIGNATURES[name].arguments if argument.kind == "enum")
        for variant in group:
            assert variant in symbols.SETS[first.shape], (name, variant)


def test_a_variant_is_found_by_its_value() -> None:
    assert signature("fcntl", (3, 1, 0, 0, 0, 0)).result == "flags fd"  # type: ignore[union-attr]
    assert signature("futex", (0, 0x80, 0, 0, 0, 0)).variant == "FUTEX_WAIT"  # type: ignore[union-attr]
    assert signature("fcntl", (3, 99999, 0, 0, 0, 0)).variant == ""  # type: ignore[union-attr]
    assert signature("no_such_call", ()) is None


@pytest.mark.parametrize(
    ("kind", "value", "result"),
    [("int", 0xFFFFFFFF, -1), ("uint", 0xFFFFFFFFFF, 0xFFFFFFFF), ("off", (1 << 64) - 1, -1), ("fd", 1 << 32 | 3, 3)],
)
def test_scalars(kind: str, value: int, result: int) -> None:
    assert scalar(kind, value) == result


@pytest.mark.parametrize(
    ("name", "size"),
    [("stat", 144), ("statx", 256), ("statfs", 120), ("timex", 208), ("rusage", 144), ("sysinfo", 112), ("tms", 32),
     ("utsname", 390), ("shmid_ds", 112), ("semid_ds", 104), ("msqid_ds", 120), ("termios", 36), ("termios2", 44),
     ("clone_args", 88), ("sched_attr", 56), ("flock", 32), ("pollfd", 8), ("stack", 24), ("open_how", 24)],
)  # fmt: skip
def test_sizes_of_structures(name: str, size: int) -> None:
    assert SHAPES[name].size == size


def test_fields_are_where_the_host_has_them() -> None:
    """struct stat of the host's own libc, and struct rlimit."""
    fields = {field.name: field for field in SHAPES["stat"].fields}
    libc = ctypes.CDLL(None, use_errno=True)
    raw = ctypes.create_string_buffer(256)
    if not hasattr(libc, "stat") or libc.stat(b"/", raw) != 0:
        pytest.skip("the C library has no stat() to ask")
    real = os.stat("/")
    for name, value in (("st_ino", real.st_ino), ("st_mode", real.st_mode), ("st_nlink", real.st_nlink)):
        field = fields[name]
        assert int.from_bytes(raw.raw[field.offset : field.offset + field.size], "little") == value
    assert struct.calcsize("<QQ") == SHAPES["rlimit"].size


def test_flags() -> None:
    assert symbols.flags("open", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC) == "O_WRONLY|O_CREAT|O_CLOEXEC"
    assert symbols.flags("open", 0) == "O_RDONLY"
    assert symbols.flags("open", 3) == "O_ACCMODE"
    assert symbols.flags("map", 7) == "0x7 /* MAP_??? */"
    assert symbols.flags("map", 0x22) == "MAP_PRIVATE|MAP_ANONYMOUS"
    assert symbols.flags("at", 0) == "0"
    assert symbols.flags("prot", 0) == "PROT_NONE"
    assert symbols.flags("wait", 0x10000) == "0x10000 /* WNOHANG_??? */"
    assert symbols.flags("statx", 0x7FF) == "STATX_BASIC_STATS"
    assert symbols.flags("open", os.O_TMPFILE | os.O_RDWR) == "O_RDWR|O_TMPFILE"
    assert symbols.flags("open", os.O_SYNC) == "O_RDONLY|O_SYNC"


def test_choices() -> None:
    assert symbols.choice("whence", 2) == "SEEK_END"
    assert symbols.choice("whence", 77) == "0x4d /* SEEK_??? */"
    assert symbols.choice("futex", 0x81) == "FUTEX_WAKE"


def test_symbols_that_python_knows_have_python_s_values() -> None:
    import fcntl
    import mmap
    import signal
    import socket
    import termios

    known = {**vars(os), **vars(fcntl), **vars(mmap), **vars(socket), **vars(signal), **vars(termios)}
    seen = 0
    for name, pairs in symbols.SETS.items():
        for key, value in pairs.items():
            if isinstance(known.get(key), int) and re.fullmatch("[A-Z_0-9]+", key) and key not in ("O_LARGEFILE",):
                assert int(known[key]) & 0xFFFFFFFF == value & 0xFFFFFFFF, (name, key)
                seen += 1
    assert seen > 150
