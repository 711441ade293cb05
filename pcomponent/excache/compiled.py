"""The compiled TLB fill, without numba where it was compiled before.

numba takes a quarter of a second to import and to load a function from its cache, which is half of the time in which
a small program starts and ends. What it makes is LLVM's intermediate code; that is kept (`pcomponent.kept`) under a
name that changes with the source and the versions.
"""

from __future__ import annotations

import hashlib
import re
from importlib.metadata import version
from pathlib import Path

from pcomponent.kept import keep, kept
from pcomponent.native import compile_functions

_HERE = Path(__file__).parent
_SOURCES = ("callbacks.py", "layout.py")


def _name() -> str:
    digest = hashlib.sha256()
    for source in _SOURCES:
        digest.update((_HERE / source).read_bytes())
    for package in ("numba", "llvmlite"):
        digest.update(version(package).encode())
    return f"tlb_fill-{digest.hexdigest()[:16]}.ll"


def _code() -> str:
    name = _name()
    found = kept(name)
    if found is not None:
        return found.decode()
    from pcomponent.excache.callbacks import tlb_fill

    text: str = tlb_fill.inspect_llvm()
    keep(name, text.encode())
    return text


def _compile(text: str) -> int:
    found = re.search(r'^define [^@\n]*@"?(cfunc\.[^"(]+)"?\(', text, re.MULTILINE)
    assert found is not None, "numba's code has the callback in it"
    return compile_functions(text, [found[1]])[0]


TLB_FILL = _compile(_code())
"""The address of the C function for UC_HOOK_TLB_FILL."""
