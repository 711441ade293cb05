"""`lego syscalls`: the table that the processor dispatches from, as text or JSON."""

from __future__ import annotations

import json

from pcomponent.syscalls import load_all
from pcomponent.syscalls.table import TABLE, Call


def syscalls(as_json: bool) -> None:
    """Prints all supported system calls by number."""
    load_all()
    calls = [TABLE[number] for number in sorted(TABLE)]
    if as_json:
        print(json.dumps([_row(call) for call in calls], indent=2))
        return
    width = max((len(call.name) for call in calls), default=0)
    for call in calls:
        print(f"{call.number:4}  {call.name:{width}}  {call.support:8}{call.note}".rstrip())
    full = sum(call.support == "full" for call in calls)
    print(f"\n{len(calls)} system calls: {full} full, {len(calls) - full} partial; all others return ENOSYS")


def _row(call: Call) -> dict[str, object]:
    arguments = list(call.kinds)
    return {
        "number": call.number,
        "name": call.name,
        "arguments": arguments,
        "support": call.support,
        "note": call.note,
    }
