"""The compiled TLB fill, without numba where it was compiled before.

numba takes a quarter of a second to import and to load a function from its cache, which is half of the time in which
a small program starts and ends. What it makes is LLVM's intermediate code; that is kept here, beside the source's
own bytecode (or in the user's cache directory), under a name that changes with the source and the versions.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from importlib.metadata import version
from pathlib import Path

from pcomponent.native import compile_functions

_HERE = Path(__file__).parent
_SOURCES = ("callbacks.py", "layout.py")


def _places() -> list[Path]:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return [_HERE / "__pycache__", Path(home) / "lego"]


def _name() -> str:
    digest = hashlib.sha256()
    for source in _SOURCES:
        digest.update((_HERE / source).read_bytes())
    for package in ("numba", "llvmlite"):
        digest.update(version(package).encode())
    return f"tlb_fill-{digest.hexdigest()[:16]}.ll"


def _kept(name: str) -> str | None:
    for place in _places():
        with contextlib.suppress(OSError):
            return (place / name).read_text(encoding="utf-8")
    return None


def _keep(name: str, text: str) -> None:
    """Writes the code where that is possible; a read-only installation compiles every time."""
    for place in _places():
        with contextlib.suppress(OSError):
            place.mkdir(parents=True, exist_ok=True)
            partial = place / f"{name}.{os.getpid()}"
            partial.write_text(text, encoding="utf-8")
            partial.replace(place / name)
            return


def _code() -> str:
    name = _name()
    text = _kept(name)
    if text is None:
        from pcomponent.excache.callbacks import tlb_fill

        text = tlb_fill.inspect_llvm()
        _keep(name, text)
    return text


def _compile(text: str) -> int:
    found = re.search(r'^define [^@\n]*@"?(cfunc\.[^"(]+)"?\(', text, re.MULTILINE)
    assert found is not None, "numba's code has the callback in it"
    return compile_functions(text, [found[1]])[0]


TLB_FILL = _compile(_code())
"""The address of the C function for UC_HOOK_TLB_FILL."""
