"""The end of threads and processes, and what belongs to the processor alone."""

from __future__ import annotations

from lego.linux.errno import E, LinuxError
from lego.regions import TASK_SIZE
from pcomponent.dispatcher import Ended
from pcomponent.process import Thread
from pcomponent.syscalls.table import syscall

ARCH_SET_GS, ARCH_SET_FS, ARCH_GET_FS, ARCH_GET_GS = 0x1001, 0x1002, 0x1003, 0x1004
_BASES = {
    ARCH_SET_GS: "gs_base",
    ARCH_GET_GS: "gs_base",
    ARCH_SET_FS: "fs_base",
    ARCH_GET_FS: "fs_base",
}


@syscall(231, "exit_group", "int")
def exit_group(task: Thread, code: int) -> None:
    """exit_group(2)."""
    task.kernel.lifecycle.leave(task.process, (code & 0xFF) << 8)
    raise Ended


@syscall(60, "exit", "int")
def exit_thread(task: Thread, code: int) -> None:
    """_exit(2): one thread ends; with the last one the process does, by its status (synchronize_group_exit)."""
    if len(task.process.threads) == 1:
        exit_group(task, code)
    task.kernel.lifecycle.leave_thread(task, code & 0xFF)
    raise Ended


@syscall(158, "arch_prctl", "int", "ulong", support="partial", note="CPUID faulting and shadow stacks are EINVAL")
def arch_prctl(task: Thread, code: int, address: int) -> int:
    """arch_prctl(2): the bases of FS and GS."""
    if code not in _BASES:
        raise LinuxError(E.EINVAL)
    cpu = task.cpu
    if code in (ARCH_SET_FS, ARCH_SET_GS):
        if address >= TASK_SIZE:
            raise LinuxError(E.EPERM)
        cpu.write_base(_BASES[code], address)
    else:
        task.memory.write(address, cpu.read_base(_BASES[code]).to_bytes(8, "little"))
    return 0
