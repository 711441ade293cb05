"""A CPU over a small ExCache whose lines the test fills itself: no kernel, no memory component."""

from __future__ import annotations

from lego.regions import PAGE, PAGE_SHIFT
from pcomponent.cpu import Cpu, Stop
from pcomponent.excache.cache import ExCache
from pcomponent.registers import Registers

CODE, DATA, STACK = 0x40_0000, 0x50_0000, 0x60_0000
SPACE = 1 << 36


class Bench:
    """Code, data and stack pages; `run` goes on until something other than housekeeping stops the CPU."""

    def __init__(self, sets: int = 4, ways: int = 4) -> None:
        self.cache = ExCache(sets, ways)
        self.cpu = self.cache.translations = Cpu(self.cache, cores=1)
        self.cache.enter(SPACE, [])
        self.cpu.counter.enter_space(1)
        self.count = 0

    def page(self, address: int, contents: bytes, rights: int) -> int:
        """Puts a page in; returns its line."""
        key = SPACE | address >> PAGE_SHIFT
        line = self.cache.find(key)
        if line < 0:
            line = self.cache.choose(key)
            self.cache.evict(line)
            self.cache.install(line, key, rights)
        else:
            self.cache.mark_dirty(line)
            self.cache.set_rights(line, rights)
        self.cache.line(line)[:] = contents.ljust(PAGE, b"\x90")
        return line

    def run(self, code: bytes | None = None, quantum: int = 1000, rip: int = CODE, **registers: int) -> Stop:
        """Runs code (or what is there) from `rip` with the given registers."""
        if code is not None:
            self.page(CODE, code, 5)
        self.cpu.write_registers(Registers(rip=rip, **{"rsp": STACK + 2048, **registers}))
        self.count = 0
        while True:
            self.cache.settle()
            stop = self.cpu.run(rip, quantum)
            if stop is Stop.NEW_CODE:
                self.cache.enter_code(self.cpu.fault_line)
            elif stop is not Stop.AGAIN:
                return stop
            self.count += self._ran()
            rip = self.cpu.rip

    def _ran(self) -> int:
        if self.cpu.inside_block:
            self.cpu.counter.correct(self.cpu.rip, self.read)
        return self.cpu.counter.count

    @property
    def instructions(self) -> int:
        """Exactly how many ran."""
        return self.count + self._ran()

    def read(self, address: int, length: int) -> bytes:
        """Bytes of a page that is in the cache."""
        line = self.cache.find(SPACE | address >> PAGE_SHIFT)
        start = address & PAGE - 1
        return bytes(self.cache.line(line)[start : start + length])
