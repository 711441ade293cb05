"""Files at a storage component, as the memory component's own parts see them."""

from __future__ import annotations

from typing import Protocol

from lego.linux.stat import Stat
from lego.regions import ObjectId
from mcomponent.messages import OpenProgram


class OpenedFile(Protocol):
    """A regular file that this component has open; `close` gives the handle back."""

    handle: int
    object: ObjectId
    stat: Stat
    path: str

    def read(self, offset: int, length: int) -> bytes:
        """Bytes, fewer than asked only at the end of the file."""

    def close(self) -> None:
        """Gives the handle back to the storage component."""


class FileSource(Protocol):
    """How the loader opens programs."""

    def open(self, vnode: int, place: int, path: str) -> OpenedFile:
        """Opens a file to execute it. Raises `LinuxError`: that of open(2), or EACCES for what is not regular
        or has no execute permission."""

    def adopt(self, program: OpenProgram) -> OpenedFile:
        """The same of a file that is open already. EBADF when it is not open for reading."""
