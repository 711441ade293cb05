"""What is asked of Unicorn at every stop, in as few and as cheap calls as will do.

Most of these functions take less time than a call through ctypes, and one with the prototypes of Unicorn's own
binding takes several times as long. So pointers are plain numbers here, and what the guest stopped with is read by the
call that ran it.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

from pcomponent.native import address_of, compile_functions

_SOURCE = """
declare i32 @uc_emu_start(ptr, i64, i64, i64, i64)
declare i32 @uc_reg_read_batch(ptr, ptr, ptr, i32)

define i32 @run(ptr %engine, i64 %rip, ptr %ids, ptr %places, i32 %count) {
  %error = call i32 @uc_emu_start(ptr %engine, i64 %rip, i64 0, i64 0, i64 0)
  %ignored = call i32 @uc_reg_read_batch(ptr %engine, ptr %ids, ptr %places, i32 %count)
  ret i32 %error
}
"""
_pointer = ctypes.c_void_p
_batch = ctypes.CFUNCTYPE(ctypes.c_int, _pointer, _pointer, _pointer, ctypes.c_int)
_context = ctypes.CFUNCTYPE(ctypes.c_int, _pointer, _pointer)


emulate = ctypes.CFUNCTYPE(ctypes.c_int, _pointer, ctypes.c_uint64, _pointer, _pointer, ctypes.c_int)(
    compile_functions(_SOURCE, ["run"])[0]
)
"""Runs the guest from an address until something stops it, and reads registers then; returns Unicorn's error."""
save_context, restore_context = _context(address_of("uc_context_save")), _context(address_of("uc_context_restore"))
_read, _write = _batch(address_of("uc_reg_read_batch")), _batch(address_of("uc_reg_write_batch"))


class Batch:
    """Registers that are read or written with one call, and where their values are."""

    def __init__(self, engine: int, registers: Sequence[int], places: Sequence[int]) -> None:
        self.engine = engine
        self.count = len(registers)
        self._ids = (ctypes.c_int * self.count)(*registers)
        self._places = (ctypes.c_void_p * self.count)(*places)
        self.ids, self.places = ctypes.addressof(self._ids), ctypes.addressof(self._places)

    def read(self) -> None:
        """The engine's registers become the values."""
        _read(self.engine, self.ids, self.places, self.count)

    def write(self) -> None:
        """The values become the engine's registers."""
        _write(self.engine, self.ids, self.places, self.count)


class Numbers(Batch):
    """A set of 64-bit registers."""

    def __init__(self, engine: int, registers: Sequence[int]) -> None:
        numbers = (ctypes.c_uint64 * len(registers))()
        base = ctypes.addressof(numbers)
        super().__init__(engine, registers, range(base, base + 8 * len(registers), 8))
        self.values = memoryview(numbers).cast("B").cast("Q")
