"""The birth and the end of processes on this processor: who must be told, and what is given back.

    start(request)                     the front end's program, a new process
    fork(task, flags, ...)             a child; then `until_released`, when the parent is to wait for it (vfork)
    execute(task, ...)                 another program in the same process
    leave(process, status)             its end begins, which takes time; leave_thread(task, code): that of a thread
    end_process(process, status)       its end; what becomes of its pid and its children is `pcomponent.family`'s

Memory. A space has users: one process, or a parent and its children of vfork, who run in the very same space
until they call execve. The last of them gives it back. The memory components know a space by the pid of the
process that it was made for.
"""

from __future__ import annotations

import contextlib

from lego.fabric.errors import FabricError
from lego.linux.errno import LinuxError
from lego.linux.fcntl import AT_FDCWD, O_DIRECTORY, O_PATH
from lego.linux.signal import Sig
from lego.observe.clock import current
from mcomponent.messages import Execute, Exit, OpenProgram
from pcomponent import family, strace, threads
from pcomponent.executing import describe, execute
from pcomponent.files.base import Blocking
from pcomponent.files.opening import open_path
from pcomponent.files.standard import open_standard
from pcomponent.files.table import FileTable
from pcomponent.forking import fork, until_released
from pcomponent.ipc.objects import run_ended
from pcomponent.ipc.semaphores import process_ended
from pcomponent.kernel import Kernel
from pcomponent.messages import Start
from pcomponent.paths import Place, place
from pcomponent.process import Process, Thread, WorkingDirectory
from pcomponent.registers import Registers
from pcomponent.rlimits import Limits, Resource
from pcomponent.seats.space import new_space
from pcomponent.signals import SignalState
from pcomponent.terminals import jobs
from pcomponent.timers import IntervalTimers
from pcomponent.usage import process_times
from pcomponent.waking import queue_up
from scomponent.messages import Close

MANAGER = "G"


class NoDirectory(LinuxError):
    """There is no such directory for a new process to start in, or it cannot be used."""


class Lifecycle:
    """Makes and ends processes; `processes` of the kernel has those that run or wait to be asked for."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self.latest_ns = 0
        """The largest clock of a process that has ended."""

    def start(self, request: Start) -> Process:
        """Starts a program as a new process. Raises `LinuxError` as execve does, and `NoDirectory`; nothing is left
        behind then."""
        kernel = self._kernel
        if all(each.status is not None for each in kernel.processes.values()):
            self.latest_ns = 0  # Clocks begin anew on an idle machine.
            kernel.begin_anew()
        process = Process(kernel, request.pid, request.vnode)
        process.kin.root = process.pid
        process.home, process.memories, process.storage = request.memory, request.memories, request.storage
        process.console, process.trace = request.console, request.trace
        process.seat = kernel.seats.get(request.seat)
        process.limits, process.signals, process.files = Limits(), SignalState(), FileTable()
        family.watch(process)
        task = Thread(process, request.pid)
        process.threads[task.tid] = task
        kernel.processes[process.pid] = process  # It may start in a directory of its own, such as /proc/self/fd.
        try:
            self._load_in(task, request)
        except BaseException:
            del kernel.processes[process.pid]
            raise
        queue_up(task)
        return process

    def _load_in(self, task: Thread, request: Start) -> None:
        """Everything that can fail, in the working directory, which may be a made-up one: then it has no handle."""
        process, kernel = task.process, self._kernel
        try:
            directory = open_path(task, Place(0, request.directory), O_PATH | O_DIRECTORY)
        except LinuxError as error:
            raise NoDirectory(error.errno) from error
        process.working_directory = WorkingDirectory(directory.handle, directory.path)
        try:
            self._load(task, request)
            try:
                process.files = open_standard(task, request.terminal)
            except BaseException:
                kernel.rendezvous.terminals.detach(process.pid, task.meter.now_ns)
                self.release_space(process)
                raise
        except BaseException:
            directory.close(task)
            raise

    def _load(self, task: Thread, request: Start) -> None:
        process, kernel = task.process, self._kernel
        where = place(task, AT_FDCWD, request.path)
        reply, _ = kernel.endpoint.call(
            process.home,
            Execute(
                space=process.pid,
                vnode=process.vnode,
                directory=where.handle,
                path=where.path,
                arguments=request.arguments,
                environment=request.environment,
                random=kernel.random.bytes(16),
                identity=process.credentials.identity,
                stack_limit=process.limits.soft(Resource.STACK),
            ),
        )
        describe(process, reply, request.environment)
        task.name = reply.command
        space = new_space(kernel, process.seat, process.pid, process.memories, process.home)
        space.load(reply.regions, reply.resident, reply.owners)
        process.space = space
        task.start = Registers(rip=reply.entry, rsp=reply.stack_pointer)
        task.rip = reply.entry

    # ---- children, other programs ---------------------------------------------------------------------

    def fork(
        self, task: Thread, flags: int, stack: int = 0, parent_tid: int = 0, child_tid: int = 0, tls: int = 0
    ) -> int:
        """A child of the calling process, by clone's flags without CLONE_THREAD; returns its pid. With CLONE_VFORK the
        caller goes on with `until_released`. Errors: see `pcomponent.forking`."""
        return fork(task, flags, stack, parent_tid, child_tid, tls)

    def until_released(self, task: Thread, pid: int) -> Blocking:
        """The wait of a parent in vfork; its result is the child's pid."""
        return until_released(task, pid)

    def execute(
        self,
        task: Thread,
        directory: int,
        path: str,
        arguments: list[bytes],
        environment: list[bytes],
        opened: OpenProgram | None = None,
        called: str = "",
        closes: bool = False,
    ) -> None:
        """execve(2): after it the thread goes on with the registers of a new program (`dispatcher.NewImage`)."""
        execute(task, directory, path, arguments, environment, opened, called, closes)

    # ---- the end --------------------------------------------------------------------------------------

    def leave(self, process: Process, status: int) -> None:
        """A process begins to end, with a wait(2) status: its threads have ended, with what they hold (mm_release). The
        one that stays has `exit_ns` to work on that, in turns of its own; then others notice (`end_process`).
        Source: kernel/exit.c (do_exit), where the files are closed after the memory and the parent is told last."""
        config = self._kernel.config
        cost_ns = config.exit_ns if process.space.users == 1 else config.thread_exit_ns
        if not cost_ns:
            self.end_process(process, status)
            return
        if process.trace:
            strace.process_ended(process, status)
        process.posix_timers.delete_all()
        process.timers = IntervalTimers()
        process.timers_changed()
        threads.end_all(process)
        process.ending, process.ending_ns, process.kin.report = status, cost_ns, 0
        self._release_parent(process)
        queue_up(next(iter(process.threads.values())))

    def leave_thread(self, task: Thread, code: int) -> None:
        """One of several threads begins to end: it takes no signals any more (exit_signals)."""
        task.ending, task.signal_mask = code, (1 << 64) - 1
        task.process.attention = True
        self._kernel.charge(task, self._kernel.config.thread_exit_ns)

    def go_on_ending(self, task: Thread) -> None:
        """A turn of a thread that ends, or of a process: its work, and when that is done, by the clocks of all, its
        end. A thread that is the last by now ends its process."""
        process, kernel = task.process, self._kernel
        current.meter, kernel.running = task.meter, task
        if process.ending_ns:
            kernel.charge(task, process.ending_ns)
            process.ending_ns = 0
        elif process.ending is not None:
            self.end_process(process, process.ending)
        elif task.ending is not None and len(process.threads) == 1:
            self.leave(process, task.ending << 8)
        elif task.ending is not None:
            if process.trace:
                strace.ended(task, f"exited with {task.ending}")
            with contextlib.suppress(LinuxError):  # Then nothing can be said in its memory.
                kernel.seats.hold(process.seat)
            threads.end_thread(task)

    def end_process(self, process: Process, status: int) -> None:
        """The process ends with a wait(2) status: everything that it took is given back, here and elsewhere. Its pid
        is, when nobody can wait for it any more. With the first process of a run end all others of it."""
        if process.status is not None:
            return
        process.status = status
        if process.trace and process.ending is None:
            strace.process_ended(process, status)
        try:
            self._give_back(process)
        except FabricError as error:
            self.lose(process, error)
            raise
        ended_ns = family.clock_ns(process)
        self.latest_ns = max(self.latest_ns, ended_ns)
        first = self._kernel.processes.get(process.kin.root, process)
        first.kin.run_ns = max(first.kin.run_ns, ended_ns)

    def _give_back(self, process: Process) -> None:
        kin = process.kin
        if kin.root == process.pid:
            for each in list(self._kernel.processes.values()):
                if each.kin.root == process.pid:
                    self.end_process(each, Sig.KILL if each.ending is None else each.ending)
        process.posix_timers.delete_all()
        threads.end_all(process)
        task = next(iter(process.threads.values()))
        process.files.users -= 1
        if not process.files.users:
            process.files.close_all(task)
        self.release_space(process)
        process_ended(task, process)
        self._leave_directory(process)
        kin.used_ns, kin.ended_ns = process_times(process), family.clock_ns(process)
        jobs.leader_ended(process, kin.ended_ns)
        process.terminal = None
        family.ended(process)
        if kin.root == process.pid:
            self._kernel.rendezvous.terminals.detach(process.pid, kin.ended_ns)
            run_ended(self._kernel, process.vnode, process.storage)

    def _leave_directory(self, process: Process) -> None:
        process.surroundings.users -= 1
        if process.surroundings.users:
            return
        place = process.working_directory
        place.references -= 1
        if place.handle and not place.references:
            self._kernel.endpoint.call(process.storage, Close([place.handle]))

    def release_space(self, process: Process) -> None:
        """The process does not use its space any more. A parent in vfork wakes up."""
        space = process.space
        space.users -= 1
        if not space.users:
            self._kernel.leave_space(space)
            self._kernel.endpoint.call(space.home, Exit(space.pid))
        self._release_parent(process)

    def _release_parent(self, process: Process) -> None:
        """A parent in vfork wakes up, if there is one."""
        kin = process.kin
        if kin.borrowing:
            kin.borrowing, kin.released_ns = False, family.clock_ns(process)
            kin.freed.stir()
            self._kernel.stirred = True  # The new program and the parent run at the same time, on two cores.

    def lose(self, process: Process, error: FabricError) -> None:
        """The machine failed under a process: it ends here, and its front end is told why."""
        process.lost = (error.component, error.why)
        process.status = 0
        self._kernel.spaces.pop(process.space.number, None)
