"""From the SYSCALL instruction to a handler and back; the only place that makes -errno of a `LinuxError`."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from lego.linux.errno import E, LinuxError
from lego.linux.numbers import name_of
from pcomponent import strace
from pcomponent.process import Thread
from pcomponent.syscalls.table import TABLE, Call

MASK_64 = (1 << 64) - 1


class Ended(Exception):
    """The thread does not return from this call: it, or its process, has ended."""


class NewImage(Exception):
    """The thread does not return from this call: execve has given it other registers."""


def begin(task: Thread, number: int, arguments: tuple[int, ...]) -> int | Generator[Any, Any, Any]:
    """Makes a call. Returns its result, negative for an error, or the generator of a call that may block."""
    call = TABLE.get(number)
    counters = task.kernel.counters.syscalls
    if call is None:
        return _unknown(task, number)
    counters[call.name] = counters.get(call.name, 0) + 1
    try:
        result = call.handler(task, *[convert(value) for convert, value in zip(call.convert, arguments, strict=False)])
    except LinuxError as error:
        return failed(task, call, error)
    if result is None:
        return 0
    return result  # type: ignore[no-any-return]


def failed(task: Thread, call: Call, error: LinuxError) -> int:
    """The result of a call that ended in an error."""
    counters = task.kernel.counters.failed_syscalls
    counters[call.name] = counters.get(call.name, 0) + 1
    return -error.errno


def _unknown(task: Thread, number: int) -> int:
    """A call that Lego does not have: -ENOSYS, and named once."""
    name = name_of(number)
    task.kernel.counters.count("unknown_syscalls", name)
    if number not in task.kernel.unknown_calls:
        task.kernel.unknown_calls.add(number)
        strace.notice(task, f"lego: {task.process.command}: {name} is not supported yet (ENOSYS)\n")
    return -E.ENOSYS
