"""What lies in the queue of an AF_UNIX socket: one message, and the open files that travel with it.

Each file has a reference of its own while it is under way. Files that are under way are limited by what sent them, as
open descriptors are: otherwise a program could keep any number of them open in messages that nobody reads. A
message may hold a socket that holds a message, and so on, as deep as a program likes; giving up the outermost takes
no more of the host's stack than giving up one. Source: net/unix/garbage.c, net/core/scm.c.
"""

from __future__ import annotations

import contextlib
from collections import deque
from typing import TYPE_CHECKING

from lego.linux.errno import LinuxError
from pcomponent.files.socket import LETTER_OVERHEAD, Identity

if TYPE_CHECKING:
    from pcomponent.files.base import OpenFile
    from pcomponent.files.unix_socket import UnixSocket
    from pcomponent.process import Thread


class Parcels:
    """How many files that a table of descriptors sent have not arrived."""

    def __init__(self) -> None:
        self.under_way = 0


class GivenUp:
    """Files whose reference of a message is to go. One for a kernel."""

    def __init__(self) -> None:
        self._left: deque[OpenFile] = deque()
        self._busy = False

    def drop(self, task: Thread, files: list[OpenFile]) -> None:
        """Drops them, and those that closing them gives up. What one of them reports about its closing is nobody's."""
        self._left += files
        if self._busy:
            return
        self._busy = True
        try:
            while self._left:
                with contextlib.suppress(LinuxError):
                    self._left.popleft().drop(task)
        finally:
            self._busy = False


class Letter:
    """What one call sent (struct sk_buff). Files come with the `parcels` that they count for until they arrive."""

    def __init__(
        self, sender: UnixSocket, data: bytes, files: list[OpenFile], who: Identity, parcels: Parcels | None = None
    ) -> None:
        self.sender = sender
        self.source = sender.address
        self.data = data
        self.start = 0
        self.files = files
        self.who = who
        self.cost = len(data) + LETTER_OVERHEAD
        sender.held += self.cost
        self._parcels = parcels
        if parcels is not None:
            parcels.under_way += len(files)
        for file in files:
            file.references += 1

    def arrived(self) -> list[OpenFile]:
        """Its files, which are no longer under way, with their references; the next time there are none."""
        files, self.files = self.files, []
        if self._parcels is not None:
            self._parcels.under_way -= len(files)
        return files

    def received(self, task: Thread) -> None:
        """It is no longer on its way: its sender has room again."""
        self.sender.held -= self.cost
        self.cost = 0
        self.sender.room.happened(task)


def drop_files(task: Thread, files: list[OpenFile]) -> None:
    """Gives up the references of files that were under way."""
    task.kernel.rendezvous.given_up.drop(task, files)
