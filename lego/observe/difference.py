"""What was counted between two moments, on a machine that goes on counting."""

from __future__ import annotations

from typing import Any

GAUGES = frozenset({
    "lines", "sets", "ways", "virtual_ns", "frames_total", "frames_used", "frames_free", "frames_peak",
    "page_cache_pages", "page_cache_dirty", "spaces", "owned_spaces", "handles", "open_handles", "members", "processes",
    "seated_spaces", "seated_threads",
})  # fmt: skip
"""Fields of the statistics that say how things stand: they stay as they are. All other numbers only grow."""
_NAMES = ("name", "from", "to")
"""Fields by which the rows of a list are told apart."""


def difference(after: Any, before: Any) -> Any:
    """The statistics `after` less those `before`: counters are subtracted, gauges and texts are the later ones. A name
    that counted nothing in between is left out where names come and go (what docs/stats.md calls "by ...")."""
    if isinstance(after, dict):
        return {key: _field(key, value, before) for key, value in after.items()}
    if isinstance(after, list):
        earlier = {_name(row): row for row in before}
        return [difference(row, earlier.get(_name(row), {})) for row in after]
    return after


def _field(key: str, value: Any, before: dict[str, Any]) -> Any:
    if key in GAUGES or isinstance(value, str):
        return value
    if isinstance(value, dict) and all(isinstance(each, int) for each in value.values()) and key != "excache":
        earlier = before.get(key, {})
        counted = {name: count - earlier.get(name, 0) for name, count in value.items()}
        return {name: count for name, count in counted.items() if count}
    if isinstance(value, (dict, list)):
        return difference(value, before.get(key, type(value)()))
    return value - before.get(key, 0)


def _name(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row.get(name) for name in _NAMES)
