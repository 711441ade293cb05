"""Which tests stay together when several workers share them."""

from __future__ import annotations

from pathlib import Path

PROGRAMS = {path.stem for path in (Path(__file__).parent / "guest" / "programs").glob("*.c")}


def group_of(nodeid: str) -> str:
    """Which tests stay together when several workers share them: those of one guest program, which is run natively
    once; those of one file of whole machines; the MapReduce programs, built once; and all that use Ray, started once.
    Any other test is alone.

    From its name, "tests/guest/test_guest.py::test_as_native[PROGRAM-KIND-...]", since nothing else of it is known to
    the process that shares them out."""
    file, _, test = nodeid.partition("::")
    path = Path(file)
    if path.parent.name == "machine":
        return "ray" if "ray" in path.stem else path.stem
    if path.stem == "test_phoenix":
        return path.stem
    program = test.partition("[")[2].partition("-")[0].rstrip("]")
    return program if path.parent.name == "guest" and program in PROGRAMS else nodeid
