"""The table of `lego run --stats`, made from the statistics that `--stats-json` writes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, TextIO

SYSCALLS_SHOWN = 8


def print_report(statistics: dict[str, Any], out: TextIO | None = None) -> None:
    """Prints it, on stderr unless told otherwise."""
    out = out if out is not None else sys.stderr
    if out is not None:
        print("\n".join(report_lines(statistics)), file=out, flush=True)


def report_lines(statistics: dict[str, Any]) -> list[str]:
    """The table: a head with both times, and a line for each thing that was counted and is not zero."""
    config = statistics["config"]
    rows: list[tuple[str, str]] = [
        ("machine", f"{config['topology']}, {statistics['runtime']}, seed {config['seed']}"),
        ("exit status", str(statistics["exit_code"])),
        ("virtual time", format_ns(statistics["virtual_ns"])),
        ("wall time", f"{statistics['wall_seconds']:.3f} s, after {statistics['startup_seconds']:.3f} s to start"),
    ]
    for processor in statistics["processors"]:
        rows += _processor_rows(processor)
    for kind in ("memories", "storages"):
        for component in statistics[kind]:
            rows += [(f"{component['name']} {name}", text) for name, text in _flat(component) if name != "name"]
    for link in statistics["links"]:
        text = f"{link['messages']:,} messages, {link['bytes_sent']:,} bytes out, {link['bytes_received']:,} bytes in"
        rows.append((f"{link['from']} -> {link['to']}", text))
    width = max(len(name) for name, _ in rows)
    line = "-" * (width + 2 + max(len(text) for _, text in rows))
    return [line, *(f"{name:{width}}  {text}" for name, text in rows), line]


def format_ns(nanoseconds: int) -> str:
    """A time in the unit that reads best."""
    for unit, size in (("s", 10**9), ("ms", 10**6), ("us", 10**3)):
        if nanoseconds >= size:
            return f"{nanoseconds / size:.3f} {unit}"
    return f"{nanoseconds} ns"


def _processor_rows(processor: dict[str, Any]) -> Iterator[tuple[str, str]]:
    name = processor["name"]
    for key, text in _flat(processor):
        if key not in ("name", "virtual_ns") and not key.startswith("syscalls"):
            yield f"{name} {key}", text
    calls = processor.get("syscalls", {})
    yield f"{name} syscalls", f"{sum(calls.values()):,}"
    busiest = sorted(calls.items(), key=lambda item: (-item[1], item[0]))
    for call, count in busiest[:SYSCALLS_SHOWN]:
        yield f"{name}   {call}", f"{count:,}"
    if len(busiest) > SYSCALLS_SHOWN:
        rest = busiest[SYSCALLS_SHOWN:]
        yield f"{name}   {len(rest)} others", f"{sum(count for _, count in rest):,}"


def _flat(values: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Numbers and texts, those in nested objects under a name with dots; zeros are left out."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        elif isinstance(value, bool) or value:
            yield f"{prefix}{name}", f"{value:,}" if isinstance(value, int) else str(value)
