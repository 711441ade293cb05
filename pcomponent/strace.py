"""--strace: each system call on one line of the program's standard error, with its thread and virtual time."""

from __future__ import annotations

from lego.console.messages import Write
from lego.fabric.errors import FabricError
from lego.linux.errno import E, LinuxError
from lego.linux.numbers import name_of
from pcomponent.process import Thread
from pcomponent.syscalls.table import TABLE

TEXT_SHOWN = 64
"""Bytes of a string argument."""


def entered(task: Thread, number: int, arguments: tuple[int, ...]) -> None:
    """A call begins: its line is put together, and printed when it ends."""
    call = TABLE.get(number)
    kinds = call.kinds if call is not None else ("ulong",) * 6
    shown = [_argument(task, kind, value) for kind, value in zip(kinds, arguments, strict=False)]
    task.trace_line = f"[{task.tid}] {task.meter.now_ns / 1e9:.9f} {name_of(number)}({', '.join(shown)})"


def left(task: Thread, result: int | None) -> None:
    """A call ends: `None` when a signal interrupted it."""
    call = TABLE.get(task.number)
    if result is None:
        shown = "? (interrupted)"
    elif -4096 < result < 0:
        name = E.errorcode.get(-result, str(-result))
        shown = f"-1 {name}"
    elif call is not None and call.name in _POINTERS:
        shown = f"{result:#x}"
    else:
        shown = str(result)
    emit(task, f"{task.trace_line} = {shown}\n")


def ended(task: Thread, what: str) -> None:
    """The thread or its process ends in the middle of a call, or by a signal."""
    if task.trace_line:
        emit(task, f"{task.trace_line} = ?\n")
    emit(task, f"[{task.tid}] {task.meter.now_ns / 1e9:.9f} +++ {what} +++\n")


def emit(task: Thread, line: str) -> None:
    """Prints; a console that is closed or gone takes nothing."""
    data = line.encode("utf-8", "backslashreplace")
    terminal = task.kernel.rendezvous.terminals.of_run(task.process)
    if terminal is not None:
        data = data.replace(b"\n", b"\r\n")  # The host's terminal is in raw mode.
    try:
        while data:
            reply, _ = task.kernel.endpoint.call(task.process.console, Write(2, 1000), data)
            if reply.again:
                return
            data = data[reply.count :]
    except (LinuxError, FabricError):
        return


def _argument(task: Thread, kind: str, value: int) -> str:
    if kind == "path":
        return _string(task, value)
    if kind in ("pointer", "buffer", "strings"):
        return "NULL" if value == 0 else f"{value:#x}"
    if kind == "flags":
        return f"{value & 0xFFFFFFFF:#x}"
    if kind == "mode":
        return f"0{value & 0xFFFFFFFF:o}"
    if kind == "fd":
        signed = (value & 0xFFFFFFFF) - (1 << 32) if value & 0x80000000 else value & 0xFFFFFFFF
        return "AT_FDCWD" if signed == -100 else str(signed)
    if kind in ("int", "pid", "signal"):
        return str((value & 0xFFFFFFFF) - (1 << 32) if value & 0x80000000 else value & 0xFFFFFFFF)
    if kind in ("long", "offset"):
        return str(value - (1 << 64) if value >> 63 else value)
    return str(value)


def _string(task: Thread, address: int) -> str:
    if address == 0:
        return "NULL"
    try:
        text = task.memory.read_string(address)
    except LinuxError:
        return f"{address:#x}"
    more = "..." if len(text) > TEXT_SHOWN else ""
    escaped = text[:TEXT_SHOWN].decode("latin-1").encode("unicode_escape").decode().replace('"', '\\"')
    return f'"{escaped}"{more}'


_POINTERS = frozenset({"mmap", "brk", "mremap", "shmat"})
