"""What was compiled once and is kept for the next start: beside the sources' own bytecode, or in the user's cache.

A name says all that the contents depend on, and a digest before them that they are whole: what a crash or a full disk
left is made again. A read-only installation compiles every time.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

_HERE = Path(__file__).parent
_DIGEST_BYTES = hashlib.sha256().digest_size


def _places() -> list[Path]:
    places = [_HERE / "__pycache__"]
    with contextlib.suppress(RuntimeError):  # Who is nobody's user has no home.
        places.append(Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lego")
    return places


def kept(name: str) -> bytes | None:
    """What was kept under a name."""
    for place in _places():
        with contextlib.suppress(OSError):
            found = (place / name).read_bytes()
            digest, contents = found[:_DIGEST_BYTES], found[_DIGEST_BYTES:]
            if hashlib.sha256(contents).digest() == digest:
                return contents
    return None


def keep(name: str, contents: bytes) -> None:
    """Writes it where that is possible."""
    for place in _places():
        with contextlib.suppress(OSError):
            place.mkdir(parents=True, exist_ok=True)
            _replace(place / name, hashlib.sha256(contents).digest() + contents)
            return


def _replace(path: Path, contents: bytes) -> None:
    """Puts a file in its place when it is whole; others may be doing the same."""
    import tempfile  # Which takes a while, and is seldom needed.

    descriptor, partial = tempfile.mkstemp(prefix=path.name, dir=path.parent)
    try:
        with open(descriptor, "wb") as file:
            file.write(contents)
        os.chmod(partial, 0o644)
        os.replace(partial, path)
    except BaseException:
        os.unlink(partial)
        raise
