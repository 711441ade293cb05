"""lego.observe.difference: what was counted between two moments."""

from gmanager.counters import ManagerCounters
from lego.fabric.endpoint import LinkCounters
from lego.observe.difference import GAUGES, difference
from mcomponent.counters import MemoryCounters
from pcomponent.excache.cache import ExcacheCounters
from pcomponent.process import ProcessCounters
from scomponent.counters import StorageCounters


def test_the_gauges_are_those_that_are_declared():
    kinds = (ManagerCounters, LinkCounters, MemoryCounters, ExcacheCounters, ProcessCounters, StorageCounters)
    declared = {name for kind in kinds for name, text in kind.describe().items() if text.startswith("gauge")}
    counters = {name for kind in kinds for name, text in kind.describe().items()} - declared
    assert declared <= GAUGES and not GAUGES & counters


def test_counters_are_subtracted_and_gauges_stay():
    before = {
        "processors": [{"name": "P0", "instructions": 10, "syscalls": {"read": 3, "open": 1},
                        "excache": {"ways": 4, "misses": 2}}],
        "memories": [{"name": "M0", "frames_used": 9}],
        "links": [{"from": "P0", "to": "M0", "messages": 5, "by_kind": {"Miss": 5}}],
        "manager": {"name": "G", "placed": 1, "processes": 3},
    }  # fmt: skip
    after = {
        "processors": [{"name": "P0", "instructions": 17, "syscalls": {"read": 4, "open": 1},
                        "excache": {"ways": 4, "misses": 2}}],
        "memories": [{"name": "M0", "frames_used": 5}],
        "links": [{"from": "M0", "to": "S0", "messages": 2, "by_kind": {}},
                  {"from": "P0", "to": "M0", "messages": 6, "by_kind": {"Miss": 5, "Flush": 1}}],
        "manager": {"name": "G", "placed": 2, "processes": 4},
    }  # fmt: skip
    assert difference(after, before) == {
        "processors": [{"name": "P0", "instructions": 7, "syscalls": {"read": 1}, "excache": {"ways": 4, "misses": 0}}],
        "memories": [{"name": "M0", "frames_used": 5}],
        "links": [
            {"from": "M0", "to": "S0", "messages": 2, "by_kind": {}},
            {"from": "P0", "to": "M0", "messages": 1, "by_kind": {"Flush": 1}},
        ],
        "manager": {"name": "G", "placed": 1, "processes": 4},
    }
