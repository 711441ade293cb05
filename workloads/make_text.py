"""Makes a large text out of what every host has: the standard library's sources and licence texts.

    python make_text.py FILE BYTES

The same host gives the same text: files in the order of their paths, from the beginning again when they are used up.
"""

from __future__ import annotations

import itertools
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

LICENCES = (Path("/usr/share/common-licenses"), Path("/usr/share/doc"))


def texts() -> Iterator[Path]:
    """Files with real text, in a fixed order: sources first, then licences."""
    library = Path(sysconfig.get_paths()["stdlib"])
    sources = (path for path in library.rglob("*.py") if "site-packages" not in path.parts)
    yield from sorted(path for path in sources if "dist-packages" not in path.parts and path.is_file())
    for folder in LICENCES:
        names = ("copyright", "COPYING", "LICENSE")
        wanted = (path for path in folder.rglob("*") if folder.name == "common-licenses" or path.name in names)
        yield from sorted(path for path in wanted if path.is_file() and not path.is_symlink())


def make(target: Path, size: int) -> None:
    """Writes exactly `size` bytes."""
    files = list(texts())
    if not files:
        raise SystemExit("make_text.py: neither Python sources nor licence texts were found on this host")
    written = 0
    with target.open("wb") as out:
        for path in itertools.cycle(files):
            written += out.write(path.read_bytes()[: size - written])
            if written == size:
                return
            if path == files[-1] and written == 0:
                raise SystemExit("make_text.py: all texts that were found are empty")


if __name__ == "__main__":
    if len(sys.argv) != 3 or not sys.argv[2].isdecimal():
        raise SystemExit("usage: make_text.py FILE BYTES")
    make(Path(sys.argv[1]), int(sys.argv[2]))
