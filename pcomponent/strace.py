"""--strace: each system call on one line, with its thread and the virtual time at which it began.

    [7] 0.000412345 openat(AT_FDCWD, "/etc/passwd", O_RDONLY|O_CLOEXEC) = 3

A line is written when its call ends, so that calls of several threads never mix. Signals are shown when they are
delivered, ends of threads and processes as they happen. Nothing of it is counted or takes virtual time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lego.console.messages import ANSWER_S, TRACE, Write
from lego.fabric.errors import FabricError
from lego.linux.errno import LinuxError
from lego.linux.signal import Sig, SigInfo

if TYPE_CHECKING:
    from pcomponent.process import Process, Thread
    from pcomponent.waiting import Interrupted

# What decodes is imported when there is something to decode: a run that is not traced starts without it.

SIGRETURN = 15
PATIENCE = 20
"""How often a slow reader is waited for, each time for as long as one `Write` waits, before a line is lost."""
WAIT_MS = 500


def entered(task: Thread, number: int, arguments: tuple[int, ...]) -> None:
    """A call begins: what it reads is decoded."""
    from pcomponent.tracing.calls import Line
    from pcomponent.tracing.peek import Memory

    task.trace_line = Line(Memory(task.memory), number, arguments, task.number)
    task.trace_ns = task.meter.now_ns


def look_again(task: Thread) -> None:
    """The memory that the call's arguments lie in is about to be replaced (execve)."""
    if task.trace_line is not None:
        task.trace_line.look_again()


def left(task: Thread, result: int) -> None:
    """A call ends."""
    if task.trace_line is not None:
        line, task.trace_line = task.trace_line, None
        back = task.number == SIGRETURN
        _print(task, line.restored(task.signal_mask, result) if back else line.ended(result), task.trace_ns)
    _ignored(task)


def interrupted(task: Thread, why: Interrupted) -> None:
    """A signal ends a call."""
    if task.trace_line is not None:
        line, task.trace_line = task.trace_line, None
        _print(task, line.interrupted(why), task.trace_ns)
    _ignored(task)


def delivered(task: Thread, info: SigInfo) -> None:
    """A signal reaches a thread. SIGKILL is only seen by the end that it is."""
    if info.number == Sig.KILL:
        return
    from pcomponent.tracing.signals import siginfo
    from pcomponent.tracing.values import signal_name

    _print(task, f"--- {signal_name(info.number)} {siginfo(info)} ---", task.meter.now_ns)


def _ignored(task: Thread) -> None:
    """Signals that were dropped because nothing would be done about them are shown after the call being made."""
    while task.process.trace_ignored:
        delivered(task, task.process.trace_ignored.pop(0))


def stopped(task: Thread, number: int) -> None:
    """A stop signal takes effect."""
    from pcomponent.tracing.values import signal_name

    _print(task, f"--- stopped by {signal_name(number)} ---", task.meter.now_ns)


def ended(task: Thread, what: str) -> None:
    """A thread ends: "exited with 0", "killed by SIGSEGV"."""
    if task.trace_line is not None:
        line, task.trace_line = task.trace_line, None
        _print(task, line.unfinished(), task.trace_ns)
    _print(task, f"+++ {what} +++", task.meter.now_ns)


def process_ended(process: Process, status: int) -> None:
    """All threads of a process end with a wait(2) status; the first one last."""
    from pcomponent.tracing.values import signal_name

    signal = status & 0x7F
    what = f"killed by {signal_name(signal)}" if signal else f"exited with {status >> 8 & 0xFF}"
    for task in reversed(list(process.threads.values())):
        ended(task, what)


def notice(task: Thread, text: str) -> None:
    """Something that Lego itself has to say, on the program's standard error."""
    data = _encoded(task, text)
    try:
        while data:
            reply, _ = task.kernel.endpoint.call(task.process.console, Write(2, 1000), data, ANSWER_S)
            if reply.again:
                return
            data = data[reply.count :]
    except LinuxError:
        return
    except FabricError:
        task.kernel.hang_up(task.process)


def _encoded(task: Thread, text: str) -> bytes:
    """As it goes to the console's standard error. While a guest has the host's terminal, that is in raw mode."""
    terminal = task.kernel.rendezvous.terminals.of_run(task.process)
    if terminal is not None and 2 in terminal.streams:
        text = text.replace("\n", "\r\n")
    return text.encode("utf-8", "backslashreplace")


def _print(task: Thread, text: str, now_ns: int) -> None:
    """A console that is closed or gone takes nothing."""
    data = _encoded(task, f"[{task.tid}] {now_ns // 10**9}.{now_ns % 10**9:09} {text}\n")
    tries = 0
    try:
        while data and tries < PATIENCE:
            reply, _ = task.kernel.endpoint.aside(task.process.console, Write(TRACE, WAIT_MS), data, ANSWER_S)
            tries = tries + 1 if reply.again else 0
            data = data[reply.count :]
    except LinuxError:
        return
    except FabricError:
        task.kernel.hang_up(task.process)
