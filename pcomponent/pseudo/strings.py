"""/proc/PID/cmdline and /proc/PID/environ: what lies in the program's own memory, which it may have written over to
give itself a title. Source: fs/proc/base.c, get_mm_cmdline, get_mm_proctitle, environ_read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.regions import PAGE, page_down

if TYPE_CHECKING:
    from pcomponent.process import Process


def arguments(process: Process) -> bytes:
    """The arguments; a title that is longer than they were goes on where the environment was."""
    start, end, limit = process.strings
    if process.status is not None or start >= end:
        return b""
    if _read(process, end - 1, end) in (b"", b"\0"):
        return _read(process, start, end)
    title, nul, _ = _read(process, start, start + PAGE).partition(b"\0")
    return (title + nul)[: limit - start]


def environment(process: Process) -> bytes:
    """The environment that the program was started with, or what it wrote there."""
    _, start, end = process.strings
    return _read(process, start, end) if process.status is None else b""


def _read(process: Process, start: int, end: int) -> bytes:
    """Its memory as far as there is any (access_remote_vm)."""
    data = b""
    while start < end:
        stop = min(end, page_down(start) + PAGE)
        try:
            data += process.space.read(start, stop - start)
        except LinuxError as error:
            if error.errno != E.EFAULT:
                raise
            break
        start = stop
    return data
