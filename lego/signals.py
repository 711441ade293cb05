"""Signals that reach the front end and are meant for the program that it runs."""

from __future__ import annotations

import signal
from types import FrameType

RELAYED = (
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGWINCH,
)
"""What a terminal or `kill` sends. Job control (SIGTSTP, SIGCONT) stops and continues the front end itself."""

PENDING_MAX = 64
"""Like Linux's own standard signals, equal ones that nobody has taken yet are one."""


class SignalRelay:
    """Catches them from its making to `close`. Those that were ignored (nohup, background jobs) stay ignored."""

    def __init__(self) -> None:
        self._pending: list[int] = []
        self._before = {
            number: signal.signal(number, self._caught)
            for number in RELAYED
            if signal.getsignal(number) is not signal.SIG_IGN
        }

    def _caught(self, number: int, frame: FrameType | None) -> None:
        if number not in self._pending and len(self._pending) < PENDING_MAX:
            self._pending.append(number)

    def take(self) -> list[int]:
        """The signals that came since the last time, in their order."""
        taken, self._pending = self._pending, []
        return taken

    def close(self) -> None:
        """Puts back what was there before."""
        for number, handler in self._before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
