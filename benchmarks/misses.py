"""What a miss is made of: the trap, choosing and giving up a victim, the message, and installing the line."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from lego.config import MachineConfig
from lego.fabric.endpoint import Endpoint
from lego.machine import Machine
from mcomponent.messages import Miss
from pcomponent.cpu import Cpu
from pcomponent.excache.cache import ExCache
from pcomponent.execution import Executor
from pcomponent.space import Space


class Stopwatch:
    """Adds up the time that calls of a method take, while it is in place."""

    def __init__(self, owner: type, name: str, counts: Callable[..., bool] = lambda *_: True) -> None:
        self.total_ns = 0
        self.calls = 0
        self._owner, self._name, self._original = owner, name, getattr(owner, name)
        original, clock = self._original, time.perf_counter_ns

        def method(*arguments: Any, **named: Any) -> Any:
            began = clock()
            try:
                return original(*arguments, **named)
            finally:
                if counts(*arguments):
                    self.total_ns += clock() - began
                    self.calls += 1

        setattr(owner, name, method)

    def remove(self) -> None:
        setattr(self._owner, self._name, self._original)

    def microseconds(self, calls: int) -> float:
        return self.total_ns / 1000 / max(1, calls)


def trap_us() -> float:
    """From entering the CPU at a load that misses to being back with the exact address."""
    cache = ExCache(4, 4)
    cpu = cache.translations = Cpu(cache, 1)
    line = cache.choose(1 << 36 | 0x400)
    cache.line(line)[:4] = bytes.fromhex("488b0790")
    cache.install(line, 1 << 36 | 0x400, 5)
    cache.enter_code(line)
    cache.enter(1 << 36, [])
    cache.settle()
    rounds = 20_000
    began = time.perf_counter()
    for _ in range(rounds):
        cpu.run(0x400000, 1000)
        cpu.rip  # noqa: B018 - reading it is part of a trap
    return (time.perf_counter() - began) / rounds * 1e6


def parts_of_a_miss(config: MachineConfig, argv: list[str]) -> dict[str, float]:
    """Runs a program and says what its misses cost, on average over those that asked a memory component."""
    watches = {
        "whole": Stopwatch(Executor, "_on_fault"),
        "victim": Stopwatch(ExCache, "choose"),
        "evict": Stopwatch(ExCache, "evict"),
        "message": Stopwatch(Endpoint, "call", lambda _endpoint, _to, request, *_: isinstance(request, Miss)),
        "install": Stopwatch(Space, "_install"),
    }
    try:
        with Machine(config) as machine:
            excache = machine.run(argv).statistics["processors"][0]["excache"]
    finally:
        for watch in watches.values():
            watch.remove()
    misses, fills = excache["misses"], excache["misses"] + excache["zero_fills"]
    return {
        "trap": trap_us(),
        "victim: choose, give up": watches["victim"].microseconds(fills) + watches["evict"].microseconds(fills),
        "message, memory's work included": watches["message"].microseconds(misses),
        "install, prefetched lines included": watches["install"].microseconds(misses),
        "all of it, but the trap": watches["whole"].microseconds(fills),
        "misses": float(misses),
    }


__all__ = ["parts_of_a_miss"]
