"""Numbers, names and strings as strace(1) writes them."""

from __future__ import annotations

import os
from collections.abc import Callable

from lego.linux import symbols
from lego.linux.fcntl import AT_FDCWD
from lego.linux.signal import NSIG, Sig
from lego.linux.signatures import scalar

TEXT_SHOWN = 32
"""Bytes of a buffer or string that is no path."""
_ESCAPES = {ord("\t"): "\\t", ord("\n"): "\\n", 11: "\\v", 12: "\\f", ord("\r"): "\\r", ord('"'): '\\"', 92: "\\\\"}
_KINDS = {0o140000: "S_IFSOCK", 0o120000: "S_IFLNK", 0o100000: "S_IFREG", 0o060000: "S_IFBLK", 0o040000: "S_IFDIR",
          0o020000: "S_IFCHR", 0o010000: "S_IFIFO"}  # fmt: skip
_INFINITY = (1 << 64) - 1
_RTMIN = 32


def quote(data: bytes, more: bool = False) -> str:
    """A string in quotes: octal escapes, as short as the next character allows; "..." when there is more of it."""
    out: list[str] = []
    for index, byte in enumerate(data):
        if byte in _ESCAPES:
            out.append(_ESCAPES[byte])
        elif 32 <= byte < 127:
            out.append(chr(byte))
        else:
            digits = index + 1 < len(data) and 48 <= data[index + 1] <= 55
            out.append(f"\\{byte:03o}" if digits else f"\\{byte:o}")
    return f'"{"".join(out)}"' + ("..." if more else "")


def cut(data: bytes, length: int | None = None) -> str:
    """The beginning of a buffer that has `length` bytes in all."""
    length = len(data) if length is None else length
    return quote(data[:TEXT_SHOWN], more=length > TEXT_SHOWN)


def hexadecimal(data: bytes, length: int) -> str:
    """The same where nothing is text."""
    shown = "".join(f"\\x{byte:02x}" for byte in data[:TEXT_SHOWN])
    return f'"{shown}"' + ("..." if length > TEXT_SHOWN else "")


def address(value: int) -> str:
    """A pointer."""
    return f"{value:#x}" if value else "NULL"


def signal_name(number: int) -> str:
    """SIGINT, or SIGRT_3 counted from the first real-time signal; 0 is the one that only asks."""
    if number in Sig._value2member_map_:
        return "SIG" + Sig(number).name
    if number == _RTMIN:
        return "SIGRTMIN"
    return f"SIGRT_{number - _RTMIN}" if _RTMIN < number <= NSIG else str(number)


def signal_set(mask: int) -> str:
    """[INT CHLD]; mostly full sets by what they lack: ~[KILL STOP]."""
    inverted = bin(mask & (1 << NSIG) - 1).count("1") >= NSIG * 2 // 3
    if inverted:
        mask = ~mask
    names = [signal_name(number)[3:] for number in range(1, NSIG + 1) if mask >> (number - 1) & 1]
    return ("~" if inverted else "") + f"[{' '.join(names)}]"


def octal(value: int) -> str:
    """A mode: 0644, 000."""
    return f"0{value:02o}"


def file_mode(value: int) -> str:
    """S_IFREG|0644."""
    parts = [_KINDS[value & 0o170000]] if value & 0o170000 in _KINDS else []
    rest = value & ~0o170000 if parts else value
    for bit, name in ((0o4000, "S_ISUID"), (0o2000, "S_ISGID"), (0o1000, "S_ISVTX")):
        if rest & bit:
            parts.append(name)
            rest &= ~bit
    return "|".join([*parts, octal(rest)])


def _limit(value: int, infinity: str) -> str:
    if value == _INFINITY:
        return infinity
    return f"{value // 1024}*1024" if value > 1024 and value % 1024 == 0 else str(value)


def _device(value: int) -> str:
    return f"makedev({number('hex', os.major(value))}, {number('hex', os.minor(value))})"


def _descriptor(value: int) -> str:
    return "AT_FDCWD" if value == AT_FDCWD else str(value)


_FORMATS: dict[str, Callable[[int], str]] = {
    "fd": str, "atfd": _descriptor, "int": str, "pid": str, "uint": str, "long": str, "ulong": str, "size": str,
    "off": str, "id": lambda value: "-1" if value == 0xFFFFFFFF else str(value), "sid": str,
    "hex": lambda value: f"{value:#x}" if value else "0", "hex32": lambda value: f"{value:#x}" if value else "0",
    "addr": address, "sig": signal_name, "mode": octal, "umode": file_mode, "dev": _device,
    "rlim": lambda value: _limit(value, "RLIM_INFINITY"), "rlim64": lambda value: _limit(value, "RLIM64_INFINITY"),
}  # fmt: skip


def flags(name: str, value: int) -> str:
    """Flags of a set, as `symbols.flags`; futex operations in their own way."""
    return symbols.flags(name, value)


def futex_operation(value: int) -> str:
    """FUTEX_WAIT_BITSET_PRIVATE|FUTEX_CLOCK_REALTIME."""
    name = symbols.choice("futex", value & 0x7F) + ("_PRIVATE" if value & 0x80 else "")
    return name + ("|FUTEX_CLOCK_REALTIME" if value & 0x100 else "")


def number(kind: str, value: int) -> str:
    """A value of a kind of `lego.linux.signatures`, or "|SET" and "#SET"."""
    if kind.startswith("|"):
        return flags(kind[1:], value)
    if kind.startswith("#"):
        name = kind[1:]
        return futex_operation(value) if name == "futex" else symbols.choice(name, value)
    return _FORMATS[kind](scalar(kind, value))
