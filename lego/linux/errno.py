"""Linux error numbers, and the one exception that carries them.

Handlers and monitors raise `LinuxError`; only two places turn it into something else: the fabric, which
carries it to the caller of another component, and the syscall dispatcher, which returns -errno.

Source of the numbers: include/uapi/asm-generic/errno-base.h and errno.h; the host's `errno` module
is built from the same headers, so its names are used instead of a second copy of the table.
"""

from __future__ import annotations

import errno as host_errno
import os

E = host_errno  # `E.ENOENT` reads like Linux's own sources.


class LinuxError(Exception):
    """A call failed the way Linux says it fails. `errno` is positive; `detail` is for people only."""

    def __init__(self, errno: int, detail: str = "") -> None:
        super().__init__(errno, detail)
        self.errno = errno
        self.detail = detail

    @property
    def name(self) -> str:
        """The symbolic name, such as "ENOENT"."""
        return host_errno.errorcode.get(self.errno, f"errno {self.errno}")

    def __str__(self) -> str:
        text = f"{self.name} ({os.strerror(self.errno)})"
        return f"{text}: {self.detail}" if self.detail else text
