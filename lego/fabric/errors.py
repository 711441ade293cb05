"""What a call to another component can end in, besides a reply and a `LinuxError` of the guest's making."""

from __future__ import annotations


class FabricError(Exception):
    """The machine's fault, never the guest's: `component` names the peer, `why` says what happened."""

    def __init__(self, component: str, why: str) -> None:
        super().__init__(component, why)
        self.component = component
        self.why = why

    def __str__(self) -> str:
        return f"{self.component}: {self.why}"


class PeerDown(FabricError):
    """The peer is gone: its connection ended, or could not be made."""


class PeerTimeout(FabricError):
    """The peer is there but did not answer in time."""


class PeerFailed(FabricError):
    """The peer answered that serving this request broke something inside it."""
