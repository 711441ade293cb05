"""How a system call blocks: it yields a `Wait`, its thread is parked, and it is resumed with a `Wake`.

A wait has an end: something becomes ready, a deadline in virtual time passes, or a signal arrives. What
is ready may depend on the outside (a terminal, a pipe of the host); then `ready` may itself wait a little in
host time when it is told that nothing else can run.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pcomponent.changes import Change


class Wake(Enum):
    """Why a wait ended."""

    READY = "ready"
    TIMEOUT = "timeout"
    SIGNAL = "signal"


class Wait(NamedTuple):
    """What a parked thread waits for; any of these ends it."""

    ready: Callable[[int], bool] | None = None
    """Called with how many milliseconds of host time it may wait (0 when others can run)."""
    until_ns: int | None = None
    """A deadline on the monotonic virtual clock."""
    outside: bool = False
    """Whether `ready` can become true without any guest thread running."""
    changes: Callable[[], list[Change] | None] | None = None
    """What must happen before `ready` can become true: it is asked after that only. None is anything: it is asked at
    every turn."""


class Interrupted(Exception):
    """A signal ended a call. With `restart`, it is made again after a handler with SA_RESTART, or when no handler
    runs; otherwise it returns -EINTR. A call that must not start from its beginning, as its time runs (nanosleep),
    gives `go_on`: when no handler runs, restart_syscall calls that (ERESTART_RESTARTBLOCK). One that never starts
    again after a handler but does when none runs (pause, rt_sigsuspend: ERESTARTNOHAND) gives `restart_unhandled`;
    one that starts again after any handler (ERESTARTNOINTR), `always`.
    Source: signal(7), "Interruption of system calls"."""

    def __init__(
        self,
        restart: bool,
        restart_unhandled: bool = False,
        always: bool = False,
        go_on: Callable[[], int | Generator[Wait, Wake, int]] | None = None,
    ) -> None:
        super().__init__(restart)
        self.restart = restart
        self.always = always
        self.restart_unhandled = restart_unhandled
        self.go_on = go_on
