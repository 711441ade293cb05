"""The table of `lego run --stats`, made from the statistics that `--stats-json` writes."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any, TextIO

NAMES_SHOWN = 4
"""Of a number for each name, so many of the largest are shown; the rest are summed up."""

Row = tuple[str, str, str]
"""Component, name of the counter, text."""


def print_report(statistics: dict[str, Any], out: TextIO | None = None) -> None:
    """Prints it, on stderr unless told otherwise."""
    out = out if out is not None else sys.stderr
    if out is not None:
        with contextlib.suppress(OSError):
            print("\n".join(report_lines(statistics)), file=out, flush=True)


def report_lines(statistics: dict[str, Any]) -> list[str]:
    """The table: a head with both times, and a line for each thing that was counted and is not zero."""
    groups = [list(_head(statistics))]
    for kind in ("processors", "memories", "storages"):
        groups += [list(_component(component)) for component in statistics[kind]]
    groups.append(list(_links(statistics["links"])))
    first = max(len(row[0]) for group in groups for row in group)
    second = max(len(row[1]) for group in groups for row in group)
    lines = []
    for group in groups:
        lines.append("")
        shown = ""
        for component, name, text in group:
            lines.append(f"{component if component != shown else '':{first}}  {name:{second}}  {text}")
            shown = component
    return lines


def format_ns(nanoseconds: int) -> str:
    """A time in the unit that reads best."""
    for unit, size in (("s", 10**9), ("ms", 10**6), ("us", 10**3)):
        if nanoseconds >= size:
            return f"{nanoseconds / size:.3f} {unit}"
    return f"{nanoseconds} ns"


def _head(statistics: dict[str, Any]) -> Iterator[Row]:
    config = statistics["config"]
    yield "machine", "shape", f"{config['topology']}, {statistics['runtime']}, seed {config['seed']}"
    yield "machine", "exit status", str(statistics["exit_code"])
    yield "machine", "virtual time", format_ns(statistics["virtual_ns"])
    startup = f"{statistics['startup_seconds']:.3f} s to start"
    yield "machine", "wall time", f"{statistics['wall_seconds']:.3f} s, after {startup}"


def _component(component: dict[str, Any]) -> Iterator[Row]:
    for name, value in component.items():
        if name == "excache":
            yield component["name"], name, f"{value['lines']:,} lines in {value['sets']:,} sets of {value['ways']}"
            for part, count in value.items():
                if count and part not in ("lines", "sets", "ways"):
                    yield component["name"], f"  {part}", f"{count:,}"
        elif isinstance(value, dict):
            if value:
                yield component["name"], name, _by_name(value)
        elif value and name not in ("name", "virtual_ns"):
            yield component["name"], name, f"{value:,}"


def _by_name(counts: dict[str, int]) -> str:
    """The sum, and the largest of the parts."""
    largest = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    parts = [f"{name} {count:,}" for name, count in largest[:NAMES_SHOWN]]
    if len(largest) > NAMES_SHOWN:
        parts.append(f"{len(largest) - NAMES_SHOWN} others {sum(count for _, count in largest[NAMES_SHOWN:]):,}")
    return f"{sum(counts.values()):,} ({', '.join(parts)})"


def _links(links: list[dict[str, Any]]) -> Iterator[Row]:
    for link in links:
        sent, received = f"{link['bytes_sent']:,} bytes out", f"{link['bytes_received']:,} bytes in"
        count = f"{link['messages']:,} message{'s' if link['messages'] != 1 else ''}"
        yield "links", f"{link['from']} -> {link['to']}", f"{count}, {sent}, {received}"
