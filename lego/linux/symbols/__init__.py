"""Names of flags and of enumerated values, by the set that they belong to.

    flags("open", 0o2000001)     "O_WRONLY|O_CLOEXEC"
    choice("whence", 2)          "SEEK_END"

The sets are written down in the other files of this package. Numbers that have no name are shown in hexadecimal.
"""

from __future__ import annotations

import itertools

from lego.linux.symbols import files, network, processes

SETS: dict[str, dict[str, int]] = {}
"""Set, name and value, in the order in which names are tried."""
FIELDS: dict[str, int] = {
    "open": 0o3, "map": 0xF, "socktype": 0xF,
}  # fmt: skip
"""Low bits of a set of flags that are one enumerated value, not a flag each."""


def _load() -> None:
    for part in (files, processes, network):
        for line in part.SYMBOLS.split("\n\n"):
            name, *pairs = line.split()
            SETS[name] = {key: int(value, 0) for key, _, value in (pair.partition("=") for pair in pairs)}


_load()
_BY_VALUE = {name: {value: key for key, value in reversed(pairs.items())} for name, pairs in SETS.items()}


def choice(name: str, value: int) -> str:
    """One value of a set; futex operations by their command alone."""
    found = _BY_VALUE[name].get(value & 0x7F if name == "futex" else value)
    return found if found is not None else _unknown(name, value)


def _unknown(name: str, value: int) -> str:
    """A number of which nothing is known: 0x9 /* SEEK_??? */"""
    words = [key.split("_") for key in SETS[name]]
    common = list(itertools.takewhile(lambda same: len(set(same)) == 1, zip(*words, strict=False)))
    family = "_".join(same[0] for same in common) if common and len(words) > 1 else words[0][0]
    return f"{value:#x} /* {family}_??? */"


def flags(name: str, value: int) -> str:
    """All flags of a value that have names, and the rest in hexadecimal."""
    field = FIELDS.get(name, 0)
    known = SETS[name]
    parts: list[str] = []
    rest = value
    if field:
        low = _BY_VALUE[name].get(value & field)
        rest &= ~field
        if low is not None:
            parts.append(low)
        elif value & field:
            rest |= value & field
    for key, bits in known.items():
        if bits and bits & ~field and rest & bits == bits:
            parts.append(key)
            rest &= ~bits
    if rest:
        parts.append(f"{rest:#x}" if parts else _unknown(name, rest))
    if parts:
        return "|".join(parts)
    return _BY_VALUE[name].get(0, "0")
