"""The table of system calls: one line registers a call, and everything else is derived from it.

    @syscall(0, "read", "fd", "buffer", "size")
    def read(task: Thread, fd: int, buffer: int, count: int) -> int: ...

Arguments arrive as unsigned 64-bit registers, turned into what their kind says (`KINDS`): an "fd" or "int" is
the low 32 bits, signed. A handler returns its result, or raises `LinuxError`; only the dispatcher turns that
into -errno. A handler that can block is a generator: it yields a `Wait` and is resumed with a `Wake`; its
`return` value is the call's result.

    reason = yield Wait(ready=pipe.readable)
    if reason is Wake.SIGNAL: raise Interrupted(restart=True)

Support is "full", or "partial" with what is missing as `note`. Calls of Linux that are not in the table are
"none": they return -ENOSYS and are named once on stderr. Numbers: arch/x86/entry/syscalls/syscall_64.tbl.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

Handler = Callable[..., Any]
H = TypeVar("H", bound=Handler)


def _signed32(value: int) -> int:
    value &= 0xFFFFFFFF
    return value - (1 << 32) if value & 0x80000000 else value


def _signed64(value: int) -> int:
    return value - (1 << 64) if value & (1 << 63) else value


def _unsigned32(value: int) -> int:
    return value & 0xFFFFFFFF


def _unsigned64(value: int) -> int:
    return value


KINDS: dict[str, Callable[[int], int]] = {
    "fd": _signed32,  # A file descriptor, or AT_FDCWD.
    "int": _signed32,
    "pid": _signed32,
    "signal": _signed32,
    "flags": _unsigned32,  # Shown in hexadecimal unless the tracer knows better.
    "uint": _unsigned32,
    "mode": _unsigned32,
    "id": _unsigned32,
    "long": _signed64,
    "offset": _signed64,
    "size": _unsigned64,
    "ulong": _unsigned64,
    "pointer": _unsigned64,
    "buffer": _unsigned64,  # Bytes that go in or come out.
    "path": _unsigned64,  # A pointer to a terminated string.
    "strings": _unsigned64,  # A pointer to an array of such pointers.
}


class Call(NamedTuple):
    """One entry of the table."""

    number: int
    name: str
    kinds: tuple[str, ...]
    convert: tuple[Callable[[int], int], ...]
    handler: Handler
    support: str
    note: str


TABLE: dict[int, Call] = {}


def syscall(number: int, name: str, *kinds: str, support: str = "full", note: str = "") -> Callable[[H], H]:
    """Registers a handler; see the module's text. Refuses a second handler for a number."""

    def register(handler: H) -> H:
        if number in TABLE:
            raise ValueError(f"system call {number} is both {TABLE[number].name} and {name}")
        if (support == "partial") != bool(note):
            raise ValueError(f"{name}: a partial call says what is missing, and only a partial one")
        converters = tuple(KINDS[kind] for kind in kinds)
        TABLE[number] = Call(number, name, kinds, converters, handler, support, note)
        return handler

    return register
