"""What a line discipline stands on: where its output and its signals go."""

from __future__ import annotations

from typing import Protocol


class Port(Protocol):
    """What a line discipline stands on."""

    def room(self) -> int:
        """How many bytes of output are taken now; 0 while output is stopped."""

    def send(self, data: bytes) -> None:
        """Takes output for which there is room."""

    def signal(self, number: int) -> None:
        """Sends a signal to the foreground process group."""

    def discard_output(self) -> None:
        """Forgets what the other side has not taken yet."""

    def set_stopped(self, stopped: bool) -> None:
        """Output is stopped (Ctrl-S), or goes on."""
