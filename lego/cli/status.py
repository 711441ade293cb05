"""What the front end says when something is wrong: one line, and an exit status that a script can tell apart."""

from __future__ import annotations

import contextlib
import sys

USAGE = 2
"""A mistake on the command line or in a machine file."""
FAILED = 125
"""The machine itself failed."""
NOT_EXECUTABLE = 126
NOT_FOUND = 127


def complain(text: str) -> None:
    """One line on stderr, if there is one."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError):
            print(f"lego: {text}", file=sys.stderr, flush=True)
