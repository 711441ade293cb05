"""pipe and pipe2. Source: fs/pipe.c (do_pipe2)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import O_CLOEXEC, O_DIRECT, O_NONBLOCK, O_RDONLY, O_WRONLY
from pcomponent.files.base import OpenFile
from pcomponent.files.pipe import Pipe, PipeFile
from pcomponent.syscalls.table import syscall

if TYPE_CHECKING:
    from pcomponent.process import Thread

_PAIR = struct.Struct("<ii")


def install_pair(task: Thread, files: tuple[OpenFile, OpenFile], pointer: int, close_on_exec: bool) -> None:
    """Gives two files the lowest descriptors and tells the guest; nothing stays behind when that fails (EMFILE,
    EFAULT)."""
    table = task.process.files
    numbers: list[int] = []
    try:
        for file in files:
            numbers.append(table.install(task, file, close_on_exec))
        task.memory.write_struct(_PAIR, pointer, *numbers)
    except LinuxError:
        for number in numbers:
            table.close(task, number)
        for file in files[len(numbers) :]:
            file.close(task)
        raise


@syscall(22, "pipe", "pointer")
def pipe(task: Thread, pointer: int) -> int:
    """pipe(2)."""
    return pipe2(task, pointer, 0)


@syscall(293, "pipe2", "pointer", "flags")
def pipe2(task: Thread, pointer: int, flags: int) -> int:
    """pipe2(2)."""
    if flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT):
        raise LinuxError(E.EINVAL)
    between, shown = Pipe(), flags & ~O_CLOEXEC
    # O_DIRECT matters to the writing end alone, and F_GETFL shows it only there (create_pipe_files).
    ends = PipeFile(task, between, O_RDONLY | shown & O_NONBLOCK), PipeFile(task, between, O_WRONLY | shown)
    install_pair(task, ends, pointer, bool(flags & O_CLOEXEC))
    return 0
