"""clone(2) for what is not a thread. Source: kernel/fork.c."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pcomponent.forking import CLONE_VFORK
from pcomponent.syscalls.table import syscall

if TYPE_CHECKING:
    from pcomponent.process import Thread


@syscall(
    56, "clone", "flags", "pointer", "pointer", "pointer", "ulong",
    support="partial", note="no threads, no namespaces, no pidfds",
)  # fmt: skip
def clone(task: Thread, flags: int, stack: int, parent_tid: int, child_tid: int, tls: int) -> Any:
    """A child process, which shares with the caller what the flags say."""
    lifecycle = task.kernel.lifecycle
    pid = lifecycle.fork(task, flags, stack, parent_tid, child_tid, tls)
    return lifecycle.until_released(task, pid) if flags & CLONE_VFORK else pid
