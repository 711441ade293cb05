"""Writes docs/stats.md out of the declarations of the counters: python docs/generate_stats.py

A test compares the file with what this makes, and with what a run really reports.
"""

from __future__ import annotations

from pathlib import Path

from gmanager.counters import ManagerCounters
from lego.fabric.endpoint import LinkCounters
from lego.observe.counters import Counters
from mcomponent.counters import MemoryCounters
from pcomponent.excache.cache import ExcacheCounters
from pcomponent.process import ProcessCounters
from scomponent.counters import StorageCounters

TARGET = Path(__file__).with_name("stats.md")

HEAD = """\
# What a run reports

`lego run --stats-json FILE` writes one JSON object, `--stats` prints the same as a table, and `Machine.run` returns it
as `result.statistics`. All numbers are whole and counted from the machine's start, except `wall_seconds` and
`startup_seconds`. With the same machine description, seed, program and files, all but these two, and the two counters
of the emulator's TLB (`tlb_fills`, `tlb_flushes`), are the same
again, in process or on Ray; so are messages to the console, unless the program waits for its input.

On a machine that stays up (`lego run --on`), counters are what was counted while the program ran, by whomever, gauges
are as they stood at its end, and `virtual_ns` is the time that this run took, the end of its first program
(`exit_ns`) included.

This file is made by `docs/generate_stats.py` from the declarations of the counters.

## The object

| field | meaning |
| --- | --- |
| `exit_code` | the program's exit status; 128 + n when signal n killed it; 125 when the machine failed |
| `signal` | the signal that killed it, or 0 |
| `failure` | only when the machine failed: `component` and `why`; then there is nothing below but `config` |
| `wall_seconds` | host time from the placing of the program to its end, in seconds |
| `startup_seconds` | host time that starting the components took, in seconds |
| `virtual_ns` | what the modelled machine would have taken, in nanoseconds: the clock of its busiest core |
| `runtime` | `"inproc"` or `"ray"` |
| `config` | the machine as it was built, see [configuration](configuration.md); sizes in bytes, defaults filled in |
| `config.excache_lines`, `config.excache_sets` | lines of 4 KiB, and sets, of each ExCache |
| `manager` | the global manager, below |
| `processors[]` | one for each processor component, below |
| `memories[]` | one for each memory component, below |
| `storages[]` | one for each storage component, below |
| `links[]` | one for each pair of components of which the first called the second, below |

"By ..." marks an object with a number for each name that was met. A gauge says how things stood at the end.
"""

OF_EVERY = {"name": 'the component: "G", "P0", "M1", "S0"'}

SECTIONS: tuple[tuple[str, str, dict[str, str], type[Counters]], ...] = (
    (
        "Processors",
        "processors[]",
        {**OF_EVERY, "virtual_ns": "virtual time of its busiest core, in nanoseconds", "excache": "its ExCache, below"},
        ProcessCounters,
    ),
    (
        "ExCaches",
        "processors[].excache",
        {"lines": "lines of 4 KiB", "sets": "sets, a power of two", "ways": "lines in each set"},
        ExcacheCounters,
    ),
    ("Memories", "memories[]", OF_EVERY, MemoryCounters),
    ("Storages", "storages[]", OF_EVERY, StorageCounters),
    ("The global manager", "manager", OF_EVERY, ManagerCounters),
    ("Links", "links[]", {"from": "the component that calls", "to": "the component that is called"}, LinkCounters),
)


def text() -> str:
    """The whole file."""
    parts = [HEAD]
    for title, place, fields, counters in SECTIONS:
        rows = {**fields, **{name: _describe(counters, name) for name in counters.describe()}}
        lines = [f"| `{name}` | {meaning} |" for name, meaning in rows.items()]
        parts.append("\n".join([f"## {title}: `{place}`", "", "| field | meaning |", "| --- | --- |", *lines, ""]))
    return "\n".join(parts)


def documented(place: str) -> set[str]:
    """The fields of one section."""
    for _, name, fields, counters in SECTIONS:
        if name == place:
            return {*fields, *counters.describe()}
    raise KeyError(place)


def _describe(counters: type[Counters], name: str) -> str:
    return counters.describe()[name].replace("|", "\\|")


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
