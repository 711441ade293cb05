"""Hooks that stop the CPU: a system call, an exception, an instruction that user mode may not execute.

Each notes in the header of the ExCache's tables why it stopped the CPU; see `pcomponent.excache.layout`.
"""

from __future__ import annotations

from pcomponent.excache import layout as at
from pcomponent.native import compile_functions

_SOURCE = f"""
declare i32 @uc_emu_stop(ptr)

define void @stop(ptr %engine, ptr %words, i64 %why, i64 %vector) alwaysinline {{
  %why_at = getelementptr i64, ptr %words, i64 {at.STOP}
  store i64 %why, ptr %why_at
  %vector_at = getelementptr i64, ptr %words, i64 {at.EXCEPTION}
  store i64 %vector, ptr %vector_at
  %ignored = call i32 @uc_emu_stop(ptr %engine)
  ret void
}}

define void @on_syscall(ptr %engine, ptr %words) {{
  call void @stop(ptr %engine, ptr %words, i64 {at.STOP_SYSCALL}, i64 0)
  ret void
}}

define void @on_exception(ptr %engine, i32 %vector, ptr %words) {{
  %wide = zext i32 %vector to i64
  call void @stop(ptr %engine, ptr %words, i64 {at.STOP_EXCEPTION}, i64 %wide)
  ret void
}}

define i32 @on_in(ptr %engine, i32 %port, i32 %size, ptr %words) {{
  call void @stop(ptr %engine, ptr %words, i64 {at.STOP_EXCEPTION}, i64 {at.GENERAL_PROTECTION})
  ret i32 0
}}

define void @on_out(ptr %engine, i32 %port, i32 %size, i32 %value, ptr %words) {{
  call void @stop(ptr %engine, ptr %words, i64 {at.STOP_EXCEPTION}, i64 {at.GENERAL_PROTECTION})
  ret void
}}
"""

ON_SYSCALL, ON_EXCEPTION, ON_IN, ON_OUT = compile_functions(_SOURCE, ["on_syscall", "on_exception", "on_in", "on_out"])
"""UC_HOOK_INSN for SYSCALL: stops behind the instruction. UC_HOOK_INTR: at the instruction that raised the exception
(behind it for INT n and INT3). UC_HOOK_INSN for IN and OUT, which Unicorn lets user mode execute: an x86 faults."""
