"""The arguments of system calls as data: what each one is, which way it goes, and how long it is.

One line for each call, in the files of this package; the names of arguments are those of the manual pages.

    read        fd:fd buf:>char[count] count:size
    fcntl       fd:fd cmd:#fcntl arg:ulong
    fcntl/F_GETLK  fd:fd cmd:#fcntl lock:<>flock
    mmap        addr:addr length:size prot:|prot flags:|map fd:fd offset:hex = addr

An argument is NAME:KIND, a kind one of

    fd, int, size, path ...  a value (`SCALARS`), or a pointer to a string (path, str) or to an array of them (strs)
    |SET   #SET              flags, or one value, of a set of `lego.linux.symbols`
    <SHAPE  >SHAPE  <>SHAPE  a pointer to a structure of `lego.linux.shapes` that the call reads, writes, or both
    <SHAPE[n]  >SHAPE[*n]    an array; its length is the argument n, a number, or the integer that n points to

A line NAME/VALUE is a variant: how the call looks when its first #SET argument has that value. `= KIND` at the end says
what the result is, when it is not a plain number. Everything that has to know what an argument is uses this: --strace,
and the tests that give every call wrong pointers.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from lego.linux import symbols
from lego.linux.shapes import SHAPES
from lego.linux.signatures import files, memory, messages, network, processes, signals, system, time

SCALARS: dict[str, int] = {
    "int": -32, "fd": -32, "atfd": -32, "pid": -32, "sig": -32,
    "uint": 32, "id": 32, "mode": 32, "umode": 32, "hex32": 32,
    "long": -64, "off": -64, "ulong": 64, "size": 64, "hex": 64, "dev": 64,
    "addr": 64, "none": 64,
}  # fmt: skip
"""Kinds of values: how many bits of the register count, negative when they are signed. "addr" is an address that the
call itself does not read or write through; "none" takes part in no line of a trace."""
STRINGS = ("path", "str", "strs")
_ARGUMENT = re.compile(r"(\w+):([<>]*)([|#]?)(\w+)(?:\[(\*?\w+)\])?")


class Argument(NamedTuple):
    """One argument. Exactly one of these holds: it is a value (`kind` of `SCALARS`), a symbol (`kind` is "flags" or
    "enum", `shape` the set), or a pointer (`kind` is "struct" or one of `STRINGS`)."""

    name: str
    kind: str
    shape: str
    """The set of a symbol, the structure of a pointer."""
    read: bool
    """The kernel reads what it points to, ..."""
    written: bool
    """... or writes it."""
    length: str
    """Of an array: an argument's name, that of a pointer to the length with a star, or a number; empty for one."""

    @property
    def is_pointer(self) -> bool:
        """Whether the call follows it."""
        return self.kind == "struct" or self.kind in STRINGS


class Signature(NamedTuple):
    """A call, or a variant of one."""

    name: str
    arguments: tuple[Argument, ...]
    result: str
    """A scalar kind, "flags NAME" or "oct"."""
    variant: str

    def place(self, name: str) -> int:
        """Which argument has a name."""
        return next(index for index, each in enumerate(self.arguments) if each.name == name)


def _argument(text: str) -> Argument:
    match = _ARGUMENT.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no argument")
    name, direction, symbol, word, length = match.groups()
    if symbol:
        if word not in symbols.SETS:
            raise ValueError(f"{text}: there is no set of symbols {word}")
        return Argument(name, "flags" if symbol == "|" else "enum", word, False, False, "")
    if direction:
        if word not in SHAPES:
            raise ValueError(f"{text}: there is no structure {word}")
        return Argument(name, "struct", word, "<" in direction, ">" in direction, length or "")
    if word in STRINGS:
        return Argument(name, word, "", True, False, "")
    if word not in SCALARS:
        raise ValueError(f"{text}: there is no kind {word}")
    return Argument(name, word, "", False, False, "")


def _parse(line: str) -> Signature:
    text, _, result = line.partition(" = ")
    name, *rest = text.split()
    name, _, variant = name.partition("/")
    return Signature(name, tuple(_argument(each) for each in rest), result.strip() or "long", variant)


def _load() -> tuple[dict[str, Signature], dict[str, dict[str, Signature]]]:
    plain: dict[str, Signature] = {}
    variants: dict[str, dict[str, Signature]] = {}
    for part in (files, memory, processes, signals, time, network, messages, system):
        for line in re.sub(r"\n +", " ", part.CALLS).splitlines():
            if not line.strip():
                continue
            found = _parse(line)
            if found.variant:
                variants.setdefault(found.name, {})[found.variant] = found
            elif found.name in plain:
                raise ValueError(f"{found.name} is described twice")
            else:
                plain[found.name] = found
    return plain, variants


SIGNATURES, VARIANTS = _load()
"""By name, and the variants by name and the symbol that chooses them."""


def scalar(kind: str, value: int) -> int:
    """The value that a register has as an argument of this kind."""
    bits = SCALARS.get(kind, 64)
    if bits > 0:
        return value & (1 << bits) - 1
    value &= (1 << -bits) - 1
    return value - (1 << -bits) if value >> (-bits - 1) else value


def signature(name: str, values: tuple[int, ...]) -> Signature | None:
    """How a call with these registers looks; None for one that is not described."""
    plain = SIGNATURES.get(name)
    choices = VARIANTS.get(name)
    if plain is None or choices is None:
        return plain
    for argument, value in zip(plain.arguments, values, strict=False):
        if argument.kind == "enum":
            return choices.get(symbols.choice(argument.shape, value & 0xFFFFFFFF), plain)
    return plain
