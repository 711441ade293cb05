"""Small functions in LLVM's own language, for what the CPU calls most and what must start fast.

numba wraps a C callback in an indirect call with a status check, and takes milliseconds to load each cached
function; for a handful of instructions both cost more than the work. The library is the one that numba uses. What it
makes is kept, since it takes a tenth of the time in which a small program starts and ends.
"""

from __future__ import annotations

import ctypes
import hashlib
from importlib.metadata import version

import llvmlite.binding as llvm
from unicorn.unicorn_py3.unicorn import uclib

from pcomponent.kept import keep, kept

_CALLED = ("uc_emu_start", "uc_emu_stop", "uc_reg_read_batch")


def address_of(name: str) -> int:
    """The address of one of Unicorn's functions."""
    return ctypes.cast(uclib[name], ctypes.c_void_p).value or 0


def compile_functions(source: str, names: list[str]) -> list[int]:
    """The addresses of the C functions that LLVM assembly defines. It may call those of `_CALLED`."""
    for name in _CALLED:
        llvm.add_symbol(name, address_of(name))
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine(opt=2)
    of_all = "\0".join([source, machine.triple, version("llvmlite")])
    name = f"compiled-{hashlib.sha256(of_all.encode()).hexdigest()[:16]}.o"
    compiled = kept(name)
    if compiled is None:
        compiled = _compile(source, machine)
        keep(name, compiled)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
    engine.add_object_file(llvm.ObjectFileRef.from_data(compiled))
    engine.finalize_object()
    _engines.append(engine)
    return [engine.get_function_address(name) for name in names]


def _compile(source: str, machine: llvm.TargetMachine) -> bytes:
    module = llvm.parse_assembly(source)
    module.verify()
    builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=2))
    builder.getModulePassManager().run(module, builder)
    return bytes(machine.emit_object(module))


_engines: list[llvm.ExecutionEngine] = []
"""Kept: the code lives as long as its engine."""
