"""What was compiled once and is kept for the next start: beside the sources' own bytecode, or in the user's cache.

A name says all that the contents depend on, so what is there is right; a read-only installation compiles every time.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_HERE = Path(__file__).parent


def _places() -> list[Path]:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return [_HERE / "__pycache__", Path(home) / "lego"]


def kept(name: str) -> bytes | None:
    """What was kept under a name."""
    for place in _places():
        with contextlib.suppress(OSError):
            return (place / name).read_bytes()
    return None


def keep(name: str, contents: bytes) -> None:
    """Writes it where that is possible."""
    for place in _places():
        with contextlib.suppress(OSError):
            place.mkdir(parents=True, exist_ok=True)
            partial = place / f"{name}.{os.getpid()}"
            partial.write_bytes(contents)
            partial.replace(place / name)
            return
