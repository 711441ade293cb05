"""mcomponent.stack: the first stack, read back as a program would."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, strategies as st

from lego.linux import auxv
from lego.linux.errno import E, LinuxError
from lego.linux.mman import MAP_ANONYMOUS, MAP_GROWSDOWN, MAP_PRIVATE, PROT_EXEC, PROT_READ, PROT_WRITE
from lego.regions import PAGE
from mcomponent.layout import STACK_TOP
from mcomponent.stack import AUXV_ENTRIES, Stack, check_limits

RANDOM = bytes(range(100, 116))
ENTRIES = [(1000 + number, number * 7) for number in range(AUXV_ENTRIES)]
MiB = 1 << 20
string = st.binary(max_size=40).map(lambda data: data.replace(b"\0", b"?"))


class Reader:
    """Reads a stack's image by address."""

    def __init__(self, stack: Stack) -> None:
        self.base = stack.pointer
        self.data = stack.image(ENTRIES)
        assert self.base + len(self.data) == STACK_TOP

    def word(self, address: int) -> int:
        return int(struct.unpack_from("<Q", self.data, address - self.base)[0])

    def text(self, address: int) -> bytes:
        at = address - self.base
        assert 0 <= at < len(self.data)
        return self.data[at : self.data.index(b"\0", at)]

    def strings(self, address: int) -> tuple[list[bytes], int]:
        """A vector of strings and the address after its NULL."""
        found = []
        while self.word(address):
            found.append(self.text(self.word(address)))
            address += 8
        return found, address + 8


@given(string, st.lists(string, min_size=1, max_size=9), st.lists(string, max_size=9))
def test_a_program_finds_everything(filename: bytes, arguments: list[bytes], environment: list[bytes]) -> None:
    stack = Stack(filename, arguments, environment, RANDOM, 8 * MiB)
    reader = Reader(stack)
    assert stack.pointer % 16 == 0
    assert reader.word(stack.pointer) == len(arguments)
    found, after = reader.strings(stack.pointer + 8)
    assert found == arguments
    found, after = reader.strings(after)
    assert found == environment
    assert after == stack.auxv
    assert auxv.unpack(reader.data[after - reader.base :]) == ENTRIES
    assert reader.text(stack.filename) == filename
    assert reader.text(stack.platform) == b"x86_64"
    assert reader.data[stack.random - reader.base :][:16] == RANDOM
    assert reader.data[-8:] == bytes(8)
    # Nothing overlaps: vectors, random bytes, platform, strings follow each other upwards.
    assert stack.auxv + (AUXV_ENTRIES + 1) * 16 <= stack.random == stack.platform - 16
    assert stack.platform + 7 <= stack.strings
    for low, high in zip(stack.arguments, [*stack.arguments[1:], *stack.environment, stack.filename], strict=False):
        assert low < high
    region = stack.region(False)
    assert region.start <= stack.pointer < region.end == STACK_TOP


def test_the_layout_is_linuxs_byte_for_byte() -> None:
    """For a program started as "/bin/true" with `A=1`; test_loader compares a whole process with the host."""
    stack = Stack(b"/bin/true", [b"/bin/true"], [b"A=1"], RANDOM, 8 * MiB)
    assert stack.filename == 0x7FFFFFFFEFEE
    assert stack.environment == [0x7FFFFFFFEFEA]
    assert stack.arguments == [0x7FFFFFFFEFE0]
    assert stack.platform == 0x7FFFFFFFEFD9
    assert stack.random == 0x7FFFFFFFEFC9


def test_the_region_is_132_kib_for_few_strings_and_grows_with_them() -> None:
    region = Stack(b"/a", [b"a"], [], RANDOM, 8 * MiB).region(False)
    assert (region.start, region.end) == (0x7FFFFFFDE000, 0x7FFFFFFFF000)
    assert region.prot == PROT_READ | PROT_WRITE
    assert region.flags == MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN
    assert region.name == "[stack]"
    more = Stack(b"/a", [b"x" * 100_000], [], RANDOM, 8 * MiB)
    assert more.region(False).length == 0x21000 + 24 * PAGE
    assert Stack(b"/a", [b"a"], [], RANDOM, 8 * MiB).region(True).prot & PROT_EXEC


def test_a_small_limit_bounds_the_region() -> None:
    region = Stack(b"/a", [b"a"], [], RANDOM, 40_000).region(False)
    assert region.length == 36_864
    with pytest.raises(LinuxError) as error:
        Stack(b"/a", [b"x" * 40_000], [], RANDOM, 40_000)
    assert error.value.errno == E.E2BIG


def test_many_pointers_widen_the_region_to_hold_them() -> None:
    stack = Stack(b"/a", [b""] * 100_000, [], RANDOM, 8 * MiB)
    assert stack.region(False).start <= stack.pointer
    assert stack.region(False).start % PAGE == 0


def refused(arguments: list[bytes], environment: list[bytes], limit: int) -> bool:
    try:
        check_limits(b"/a", arguments, environment, limit)
    except LinuxError as error:
        assert error.errno == E.E2BIG
        return True
    return False


def test_one_string_has_at_most_128_kib() -> None:
    assert not refused([b"x" * 131_071], [], 8 * MiB)
    assert refused([b"x" * 131_072], [], 8 * MiB)
    assert refused([b"a"], [b"x" * 131_072], 8 * MiB)


@pytest.mark.parametrize(
    ("stack_limit", "limit"),
    [(8 * MiB, 2 * MiB), (1 << 64, 6 * MiB), (MiB, MiB // 4), (0, 131_072), (100_000, 131_072)],
)
def test_all_strings_and_pointers_have_a_limit(stack_limit: int, limit: int) -> None:
    fixed = 8 + len(b"a\0") + len(b"/a\0")
    room = limit - fixed
    count = room // (100_000 + 9)
    strings = [b"x" * 100_000] * count
    rest = room - count * (100_000 + 9) - 9
    assert rest > 0
    assert not refused([b"a"], [*strings, b"y" * rest], stack_limit)
    assert refused([b"a"], [*strings, b"y" * (rest + 1)], stack_limit)


def test_wrong_use_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="AT_RANDOM"):
        Stack(b"/a", [b"a"], [], b"short", 8 * MiB)
    with pytest.raises(ValueError, match="entries"):
        Stack(b"/a", [b"a"], [], RANDOM, 8 * MiB).image(ENTRIES[1:])
