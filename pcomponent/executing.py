"""execve(2): another program in the same process. Source: fs/exec.c (begin_new_exec, setup_new_exec).

The old program is left when the memory has loaded the new one, and not before: whatever fails until then is the
caller's error. What changes afterwards, and what stays, is as execve(2) says ("Effect on process attributes").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gmanager.messages import Reseat
from lego.linux.signal import Sig
from lego.regions import TASK_SIZE
from mcomponent.messages import Execute, ExecuteReply, OpenProgram
from pcomponent import credentials, threads
from pcomponent.process import Process, Thread
from pcomponent.registers import Registers
from pcomponent.rlimits import Resource
from pcomponent.seats.space import new_space
from pcomponent.signals import AlternateStack

if TYPE_CHECKING:
    from pcomponent.seats.table import Seat

MANAGER = "G"


def execute(
    task: Thread,
    directory: int,
    path: str,
    arguments: list[bytes],
    environment: list[bytes],
    opened: OpenProgram | None = None,
    called: str = "",
    closes: bool = False,
) -> None:
    """Replaces the program; `path` starts at the storage handle `directory`. All arguments and what is raised are as
    `mcomponent.messages.Execute` says."""
    process, kernel = task.process, task.kernel
    old = process.space
    alone = old.users == 1
    if alone:
        old.flush_shared(0, TASK_SIZE)  # The mappings that they belong to will be gone.
    apart = not alone or threads.have_last_words(task)  # Then the old space goes on until all has been said.
    name = kernel.space_name(process.pid) if apart else old.pid
    reply, _ = kernel.endpoint.call(
        process.home,
        Execute(
            space=name,
            vnode=process.vnode,
            directory=directory,
            path=path,
            arguments=arguments,
            environment=environment,
            random=kernel.random.bytes(16),
            identity=task.credentials.identity,
            stack_limit=process.limits.soft(Resource.STACK),
            storage=process.storage,
            opened=opened,
            called=called,
            closes=closes,
            caller=task.credentials.caller(),
        ),
    )
    if not apart:
        task.robust_list = 0
    threads.end_others(task)
    if not apart:
        kernel.leave_space(old)  # The memory has dropped its part already.
        process.kin.borrowing, process.kin.released_ns = False, task.meter.now_ns
        process.kin.freed.stir()
    else:
        kernel.lifecycle.release_space(process)
    before, process.seat = process.seat, _seat(process)
    space = process.space = new_space(kernel, process.seat, name, process.memories, process.home)
    space.load(reply.regions, reply.resident, reply.owners)
    _become(task, reply, environment)
    registers = Registers(rip=reply.entry, rsp=reply.stack_pointer)
    if before is None and process.seat is None:
        kernel.enter_space(space)
        kernel.cpu.write_registers(registers)
    else:
        task.start, task.context = registers, None
        if before is not None:
            before.cpu.end(task)  # In its space, which is gone; it begins anew in the other one.
    task.rip = reply.entry


def _seat(process: Process) -> Seat | None:
    """Where the new program runs: the manager says it, if the machine spreads processes."""
    kernel = process.kernel
    if not kernel.seats.spreads:
        return process.seat
    reply, _ = kernel.endpoint.call(MANAGER, Reseat(process.pid))
    return kernel.seats.get(reply.seat)


def describe(process: Process, reply: ExecuteReply, environment: list[bytes]) -> None:
    """What /proc says of a program."""
    process.stack_pointer = reply.stack_pointer
    process.path, process.command, process.arguments = reply.path, reply.command, reply.arguments
    variables = reply.strings + sum(len(each) + 1 for each in reply.arguments)
    process.strings = (reply.strings, variables, variables + sum(len(each) + 1 for each in environment))


def _become(task: Thread, reply: ExecuteReply, environment: list[bytes]) -> None:
    """What is reset; timers, pending signals and the mask are not."""
    process = task.process
    describe(process, reply, environment)
    task.name = reply.command
    task.robust_list = task.clear_child_tid = 0
    task.signals.alternate = AlternateStack()
    process.signals.for_exec()
    process.posix_timers.delete_all()
    process.own_files()
    process.files.close_on_exec(task)
    process.kin.executed, process.kin.exit_signal = True, Sig.CHLD
    process.attributes.dumpable, process.attributes.locked_ranges = 1, ()
    process.attributes.membarriers = 0
    process.attributes.peak_pages = process.attributes.peak_resident_pages = 0
    _change_credentials(process)


def _change_credentials(process: Process) -> None:
    """cap_bprm_creds_from_file() for a file without set-user-ID bits or capabilities of its own."""
    who = process.credentials
    who.suid = who.fsuid = who.euid
    who.sgid = who.fsgid = who.egid
    if 0 in (who.uid, who.euid):
        who.permitted = who.bounding | who.inheritable
        who.effective = who.permitted if who.euid == 0 else who.ambient
    else:
        who.permitted = who.effective = who.ambient
    who.securebits &= ~credentials.SECBIT_KEEP_CAPS
