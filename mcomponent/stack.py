"""The first stack of a program: strings, vectors and the auxiliary vector, laid out as Linux does.

From the top down:

    STACK_TOP           8 zero bytes
                        the path that was executed (AT_EXECFN)
                        environment strings, the last one highest
                        argument strings, likewise
                        (aligned to 16)
                        "x86_64" (AT_PLATFORM)
                        16 random bytes (AT_RANDOM)
                        (aligned, so that the stack pointer is a multiple of 16)
                        auxiliary vector, ended by AT_NULL
                        envp[], NULL
                        argv[], NULL
    stack pointer  ->   argc

    stack = Stack(filename, arguments, environment, request.random, request.stack_limit)
    region = stack.region(executable)
    data = stack.image(entries)        # lies at [stack.pointer, STACK_TOP)

Addresses depend on the strings alone, so that the rest of the image can be placed around the stack before the
auxiliary vector's values are known. All sizes are in bytes.

Sources: fs/exec.c (bprm_stack_limits, copy_strings, setup_arg_pages), fs/binfmt_elf.c (create_elf_tables);
execve(2), "Limits on size of arguments and environment".
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from lego.linux import auxv
from lego.linux.errno import E, LinuxError
from lego.linux.mman import MAP_ANONYMOUS, MAP_GROWSDOWN, MAP_PRIVATE, PROT_EXEC
from lego.regions import PAGE, Region, page_down
from mcomponent.layout import DATA_PROT, STACK_TOP

ARGUMENT_BYTES_MAX = 32 * PAGE
"""MAX_ARG_STRLEN: of one string, with its NUL."""
STRINGS_BYTES_MAX = 6 << 20
"""Of all strings and pointers, however large the stack (three quarters of _STK_LIM)."""
STRINGS_BYTES_MIN = 32 * PAGE
"""ARG_MAX: always granted, however small the stack."""
STACK_EXPAND = 128 << 10
"""What a stack has below its strings to begin with."""
AUXV_ENTRIES = 19
"""How many entries `mcomponent.loader` makes, without AT_NULL."""

_POINTER = 8
_TOP_ZEROS = 8


def check_limits(filename: bytes, arguments: Sequence[bytes], environment: Sequence[bytes], stack_limit: int) -> None:
    """Refuses with E2BIG what execve(2) refuses; `stack_limit` is RLIMIT_STACK."""
    for string in (*arguments, *environment):
        if len(string) + 1 > ARGUMENT_BYTES_MAX:
            raise LinuxError(E.E2BIG, f"an argument of {len(string):,} bytes; {ARGUMENT_BYTES_MAX - 1:,} are allowed")
    limit = max(min(STRINGS_BYTES_MAX, stack_limit // 4), STRINGS_BYTES_MIN)
    pointers = (max(len(arguments), 1) + len(environment)) * _POINTER
    strings = len(filename) + 1 + sum(len(string) + 1 for string in (*arguments, *environment))
    if pointers >= limit or pointers + strings > limit:
        raise LinuxError(E.E2BIG, f"arguments and environment of {pointers + strings:,} bytes; {limit:,} are allowed")


class Stack:
    """The stack of one program about to start."""

    def __init__(
        self,
        filename: bytes,
        arguments: Sequence[bytes],
        environment: Sequence[bytes],
        random: bytes,
        stack_limit: int,
    ) -> None:
        """Lays the strings out. `stack_limit` is RLIMIT_STACK; E2BIG when it has no room for them."""
        if len(random) != auxv.RANDOM_BYTES:
            raise ValueError(f"AT_RANDOM has {auxv.RANDOM_BYTES} bytes, not {len(random)}")
        self._random = random
        self._limit = stack_limit
        self.filename = STACK_TOP - _TOP_ZEROS - len(filename) - 1
        """Addresses: of the path (AT_EXECFN) ..."""
        strings = [*arguments, *environment]
        self._strings = b"".join(string + b"\0" for string in (*strings, filename)) + bytes(_TOP_ZEROS)
        self.strings = STACK_TOP - len(self._strings)
        """... of the first argument, below which there are no strings ..."""
        addresses = []
        at = self.strings
        for string in strings:
            addresses.append(at)
            at += len(string) + 1
        self.arguments, self.environment = addresses[: len(arguments)], addresses[len(arguments) :]
        """... of each argument and variable ..."""
        self.platform = (self.strings & -16) - len(auxv.PLATFORM) - 1
        """... of the platform's name ..."""
        self.random = self.platform - auxv.RANDOM_BYTES
        """... of the random bytes ..."""
        vectors = (1 + len(arguments) + 1 + len(environment) + 1) * _POINTER
        self.pointer = (self.random - (AUXV_ENTRIES + 1) * auxv.ENTRY_BYTES - vectors) & -16
        """... and of argc, where a program starts."""
        self.auxv = self.pointer + vectors
        if STACK_TOP - page_down(self.pointer) > stack_limit:
            raise LinuxError(E.E2BIG, f"arguments and environment do not fit a stack of {stack_limit:,} bytes")

    def region(self, executable: bool) -> Region:
        """The stack's mapping: 128 KiB more than the strings take, within the limit."""
        used = STACK_TOP - page_down(self.strings)
        size = min(page_down(self._limit), used + STACK_EXPAND)
        start = min(STACK_TOP - size, page_down(self.pointer))
        prot = DATA_PROT | (PROT_EXEC if executable else 0)
        flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN
        return Region(start=start, end=STACK_TOP, prot=prot, flags=flags, name="[stack]")

    def image(self, entries: auxv.Entries) -> bytes:
        """The bytes from the stack pointer to the stack's end; `entries` are `AUXV_ENTRIES` in number."""
        if len(entries) != AUXV_ENTRIES:
            raise ValueError(f"the auxiliary vector has {AUXV_ENTRIES} entries, not {len(entries)}")
        image = bytearray(STACK_TOP - self.pointer)
        words = [len(self.arguments), *self.arguments, 0, *self.environment, 0]
        self._put(image, self.pointer, struct.pack(f"<{len(words)}Q", *words))
        self._put(image, self.auxv, auxv.pack(entries))
        self._put(image, self.random, self._random)
        self._put(image, self.platform, auxv.PLATFORM + b"\0")
        self._put(image, self.strings, self._strings)
        return bytes(image)

    def _put(self, image: bytearray, address: int, data: bytes) -> None:
        at = address - self.pointer
        image[at : at + len(data)] = data
