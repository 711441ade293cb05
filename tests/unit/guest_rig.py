"""A processor component's kernel and CPU with real memory components, and a process without a program: the test makes
its memory calls and its loads, stores and jumps one at a time."""

from __future__ import annotations

from typing import Any

from gmanager.messages import Member, Register
from gmanager.monitor import ManagerMonitor
from lego.config import MachineConfig, Topology
from lego.fabric.endpoint import Endpoint
from lego.fabric.loopback import Loopback
from lego.linux.mman import MAP_ANONYMOUS, MAP_PRIVATE, PROT_EXEC, PROT_READ
from lego.observe.clock import Meter, current
from lego.regions import PAGE, Region
from mcomponent.messages import Execute
from mcomponent.monitor import MemoryMonitor
from mcomponent.program import Program
from pcomponent import syscalls
from pcomponent.cpu import Cpu, Stop
from pcomponent.excache.cache import ExCache
from pcomponent.faults import AccessFault
from pcomponent.kernel import Kernel
from pcomponent.process import Process, Thread
from pcomponent.registers import Registers
from pcomponent.rlimits import Limits
from pcomponent.signals import SignalState
from pcomponent.space import Space

STUBS = 0x10_0000
"""Where the instructions that the test runs live, each followed by a SYSCALL that gives control back."""
LOAD1, STORE1, LOAD8, STORE8, JUMP = (STUBS + 16 * i for i in range(5))
_CODE = {
    LOAD1: "8a070f05",  # mov al, [rdi]; syscall
    STORE1: "88070f05",  # mov [rdi], al; syscall
    LOAD8: "488b070f05",  # mov rax, [rdi]; syscall
    STORE8: "4889070f05",  # mov [rdi], rax; syscall
    JUMP: "ffe7",  # jmp rdi
}


def _load(_files: Any, request: Execute) -> Program:
    code = bytearray(PAGE)
    for address, text in _CODE.items():
        code[address - STUBS : address - STUBS + len(text) // 2] = bytes.fromhex(text)
    stubs = Region(STUBS, STUBS + PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS)
    return Program([stubs], [(STUBS, bytes(code))], STUBS, 0, 0x20_0000, "/stub", "stub", [b"stub"])


class GuestRig:
    """One process on one processor component with any cache, and any number of memories."""

    def __init__(self, sets: int, ways: int, memories: int, placement: str = "spread", capacity: int = 8 << 20) -> None:
        syscalls.load_all()
        config = MachineConfig(
            topology=Topology(1, memories, 1), memory_placement=placement, memory_bytes=capacity, prefetch_pages=4
        )
        self.loopback = loopback = Loopback()
        manager = ManagerMonitor(config)
        loopback.attach(manager)
        self.names = [f"M{i}" for i in range(memories)]
        self.monitors = []
        front = Endpoint("front", loopback, config.network)
        for name in self.names:
            monitor = MemoryMonitor(name, config, Endpoint(name, loopback, config.network), load=_load)
            self.monitors.append(monitor)
            loopback.attach(monitor)
            front.call("G", Register(Member(name, "", capacity)))
        self.cache = ExCache(sets, ways)
        self.kernel = Kernel(config, Endpoint("P0", loopback, config.network), self.cache)
        self.kernel.cpu = self.cache.translations = Cpu(self.cache, 1)
        process = Process(self.kernel, 1, 0)
        process.limits, process.signals = Limits(), SignalState()
        process.home, process.memories = "M0", self.names
        self.task = Thread(process, 1)
        process.threads[1] = self.task
        self.kernel.processes[1] = process
        current.meter = Meter()
        reply, _ = self.kernel.endpoint.call(
            "M0", Execute(1, 0, 0, "/stub", [b"stub"], [], bytes(16), (0, 0, 0, 0), 8 << 20)
        )
        self.space = process.space = Space(self.kernel, self.kernel.new_space_number(), 1, self.names, "M0")
        self.space.load(reply.regions, reply.resident, reply.owners)

    def run(self, stub: int, address: int, value: int = 0) -> int:
        """Runs one stub on an address; returns RAX. Raises `AccessFault` as the kernel would see it."""
        cpu = self.kernel.cpu
        cpu.write_registers(Registers(rip=stub, rdi=address, rax=value))
        self.kernel.enter_space(self.space)
        rip, repeats = stub, 0
        for _ in range(200):
            self.cache.settle()
            stop = cpu.run(rip, 100)
            if stop is Stop.SYSCALL:
                return cpu.syscall_arguments()[0]
            rip = cpu.rip
            if stop is Stop.FAULT:
                repeats += 1
                self.kernel.tight = repeats > self.cache.ways
                self.space.fetch(cpu.fault_address, cpu.fault_access)
            elif stop is Stop.CODE_WRITE:
                self.cache.forget_code(cpu.fault_line)
            elif stop is Stop.NEW_CODE:
                self.cache.enter_code(cpu.fault_line)
            else:
                assert stop is Stop.AGAIN, stop
        raise AssertionError(f"no progress at {rip:#x}")

    def end_instruction(self) -> None:
        """Gives up the spare lines, as the executor does when another instruction misses."""
        self.kernel.tight = False
        spares = self.cache.spares_in_use()
        self.kernel.flush_lines([line for line in spares if self.cache.is_dirty(line)])
        for line in spares:
            self.cache.evict(line)


__all__ = ["JUMP", "LOAD1", "LOAD8", "STORE1", "STORE8", "STUBS", "AccessFault", "GuestRig"]
