"""A program under plain Unicorn with everything mapped: what Lego is measured against, in as few lines as will do.

    python benchmarks/plain_unicorn.py PROGRAM [ARGUMENT...]

Runs a static x86-64 program: image, stack, heap and one large area for mmap are mapped at the start with all
rights, as such scripts do. Only the calls that a program like word_count makes are there. Prints what the
program writes, then the seconds between its first and its last instruction on standard error.
"""

from __future__ import annotations

import os
import struct
import sys
import time
from collections.abc import Callable

from elftools.elf.elffile import ELFFile
from unicorn import x86_const as x86
from unicorn.unicorn import Uc
from unicorn.unicorn_const import UC_ARCH_X86, UC_HOOK_INSN, UC_MODE_64

PAGE = 4096
STACK_TOP, STACK_SIZE = 0x7FFF_0000_0000, 8 << 20
AREA, AREA_SIZE = 0x7000_0000_0000, 256 << 20
HEAP_SIZE = 64 << 20
ARGUMENTS = (x86.UC_X86_REG_RDI, x86.UC_X86_REG_RSI, x86.UC_X86_REG_RDX, x86.UC_X86_REG_R10, x86.UC_X86_REG_R8)


class Program:
    """One static program in one engine."""

    def __init__(self, argv: list[str]) -> None:
        self.uc = Uc(UC_ARCH_X86, UC_MODE_64)
        with open(argv[0], "rb") as file:
            entry, headers, end = self._load(ELFFile(file))
        self.heap = (end + PAGE - 1) & -PAGE
        self.uc.mem_map(self.heap, HEAP_SIZE)
        self.uc.mem_map(STACK_TOP - STACK_SIZE, STACK_SIZE)
        self.uc.mem_map(AREA, AREA_SIZE)
        self.brk, self.area = self.heap, AREA
        self._push_arguments(argv, entry, headers)
        self.entry = entry
        self.uc.hook_add(UC_HOOK_INSN, self._on_syscall, None, 1, 0, x86.UC_X86_INS_SYSCALL)
        self.calls: dict[int, Callable[..., int]] = {
            0: self._read, 1: self._write, 3: lambda *_: 0, 5: self._fstat, 9: self._mmap, 10: lambda *_: 0,
            11: lambda *_: 0, 12: self._brk, 158: self._arch_prctl, 218: lambda *_: 1,
            257: self._openat, 262: self._newfstatat,
            318: lambda _buffer, length, *_: length,
        }  # fmt: skip

    def _load(self, elf: ELFFile) -> tuple[int, tuple[int, int, int], int]:
        segments = [segment for segment in elf.iter_segments() if segment["p_type"] == "PT_LOAD"]
        low = min(segment["p_vaddr"] for segment in segments) & -PAGE
        end = max(segment["p_vaddr"] + segment["p_memsz"] for segment in segments)
        self.uc.mem_map(low, (end - low + PAGE - 1) & -PAGE)
        for segment in segments:
            self.uc.mem_write(segment["p_vaddr"], segment.data())
        header = elf.header
        return header["e_entry"], (low + header["e_phoff"], header["e_phentsize"], header["e_phnum"]), end

    def _push_arguments(self, argv: list[str], entry: int, headers: tuple[int, int, int]) -> None:
        place, pointers = STACK_TOP - PAGE, []
        for text in argv:
            data = text.encode() + b"\0"
            self.uc.mem_write(place, data)
            pointers.append(place)
            place += len(data)
        auxv = [(3, headers[0]), (4, headers[1]), (5, headers[2]), (6, PAGE), (9, entry), (23, 0), (25, STACK_TOP - 64)]
        words = [len(argv), *pointers, 0, 0, *(word for pair in auxv for word in pair), 0, 0]
        self.stack = (STACK_TOP - 2 * PAGE - 8 * len(words)) & -16
        self.uc.mem_write(self.stack, struct.pack(f"<{len(words)}Q", *words))

    def run(self) -> float:
        """Runs to the end; returns seconds."""
        self.uc.reg_write(x86.UC_X86_REG_RSP, self.stack)
        began = time.perf_counter()
        self.uc.emu_start(self.entry, 0)
        return time.perf_counter() - began

    def _on_syscall(self, uc: Uc, _data: object) -> None:
        number = uc.reg_read(x86.UC_X86_REG_RAX)
        if number in (60, 231):
            uc.emu_stop()
            return
        call = self.calls.get(number)
        result = call(*(uc.reg_read(register) for register in ARGUMENTS)) if call else -38
        uc.reg_write(x86.UC_X86_REG_RAX, result & (1 << 64) - 1)

    def _read(self, fd: int, buffer: int, length: int, *_: int) -> int:
        data = os.read(fd, length)
        self.uc.mem_write(buffer, data)
        return len(data)

    def _write(self, fd: int, buffer: int, length: int, *_: int) -> int:
        return os.write(fd, bytes(self.uc.mem_read(buffer, length)))

    def _openat(self, _directory: int, path: int, flags: int, mode: int, *_: int) -> int:
        name = bytes(self.uc.mem_read(path, PAGE - path % PAGE)).split(b"\0", 1)[0]
        return os.open(name, flags, mode & 0o777)

    def _stat(self, status: os.stat_result, buffer: int) -> int:
        fields = (status.st_dev, status.st_ino, status.st_nlink, status.st_mode, 0, 0, 0, 0, status.st_size, PAGE, 0)
        self.uc.mem_write(buffer, struct.pack("<QQQIIIIQQQQ", *fields))
        return 0

    def _fstat(self, fd: int, buffer: int, *_: int) -> int:
        return self._stat(os.fstat(fd), buffer)

    def _newfstatat(self, fd: int, _path: int, buffer: int, *_: int) -> int:
        return self._stat(os.fstat(fd), buffer)

    def _mmap(self, address: int, length: int, _prot: int, flags: int, fd: int) -> int:
        place = address
        if not address:
            place = self.area
            self.area += (length + PAGE - 1) & -PAGE
        if not flags & 0x20:
            self.uc.mem_write(place, os.pread(fd, length, 0))
        return place

    def _brk(self, address: int, *_: int) -> int:
        if self.heap <= address < self.heap + HEAP_SIZE:
            self.brk = address
        return self.brk

    def _arch_prctl(self, code: int, address: int, *_: int) -> int:
        if code != 0x1002:
            return -22
        self.uc.reg_write(x86.UC_X86_REG_FS_BASE, address)
        return 0


if __name__ == "__main__":
    seconds = Program(sys.argv[1:]).run()
    print(f"{seconds:.6f}", file=sys.stderr)
