"""`lego syscalls`: the table that the processor dispatches from, as text or JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator

from lego.linux.signatures import SIGNATURES, Argument
from pcomponent.syscalls import load_all
from pcomponent.syscalls.absent import absent
from pcomponent.syscalls.table import TABLE


def syscalls(as_json: bool, everything: bool = False) -> None:
    """Prints the system calls by number; with `everything` also those that Lego does not have."""
    load_all()
    rows = sorted(_rows(everything), key=lambda row: int(str(row["number"])))
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    width = max(len(str(row["name"])) for row in rows)
    for row in rows:
        print(f"{row['number']:4}  {row['name']:{width}}  {row['support']:8}{row['note']}".rstrip())
    full = sum(call.support == "full" for call in TABLE.values())
    print(f"\n{len(TABLE)} system calls: {full} full, {len(TABLE) - full} partial; all others return ENOSYS")


def _rows(everything: bool) -> Iterator[dict[str, object]]:
    for number, call in TABLE.items():
        yield _row(number, call.name, call.support, call.note)
    if everything:
        for number, (name, why) in absent().items():
            yield _row(number, name, "none", why)


def _row(number: int, name: str, support: str, note: str) -> dict[str, object]:
    described = SIGNATURES.get(name)
    arguments = [f"{each.name}: {_type(each)}" for each in described.arguments] if described is not None else []
    return {"number": number, "name": name, "arguments": arguments, "support": support, "note": note}


def _type(argument: Argument) -> str:
    """As "fd", "flags open", "out stat", "in iovec[iovcnt]"."""
    if argument.kind in ("flags", "enum"):
        return f"{argument.kind} {argument.shape}"
    if argument.kind != "struct":
        return argument.kind
    way = ("in" if argument.read else "") + ("out" if argument.written else "")
    return f"{way} {argument.shape}" + (f"[{argument.length}]" if argument.length else "")
