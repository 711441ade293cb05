"""What the global manager counts."""

from __future__ import annotations

from lego.observe.counters import Counters, counter, keyed


class ManagerCounters(Counters):
    """Counters of the global manager; gauges are filled in when they are asked for."""

    requests: dict[str, int] = keyed("requests served, by message type")
    placed: int = counter("processes placed")
    placed_on: dict[str, int] = keyed("processes placed, by the processor that they run on")
    moved_to: dict[str, int] = keyed("processes that an execve moved to another processor, by that")
    homes: dict[str, int] = keyed("processes placed, by home memory")
    exited: int = counter("processes that ended")
    exited_unknown: int = counter("reports of an end that came twice, or after the processor was lost")
    refused: int = counter("processes refused because the limit was reached")
    vregions: dict[str, int] = keyed("vRegions given an owner, by memory")
    vregions_refused: int = counter("vRegions that no memory had room for")
    loads: dict[str, int] = keyed("load reports, by component")
    lost: dict[str, int] = keyed("losses reported, by component")
    members: int = counter("gauge: members that are alive")
    processes: int = counter("gauge: processes that have a pid")
