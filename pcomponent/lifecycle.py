"""The birth and the end of processes on this processor: who must be told, and what is given back."""

from __future__ import annotations

from gmanager.messages import Exited
from lego.fabric.errors import FabricError
from lego.linux.fcntl import O_DIRECTORY, O_PATH
from mcomponent.messages import Execute, Exit
from pcomponent import threads
from pcomponent.files.standard import open_standard
from pcomponent.kernel import Kernel
from pcomponent.messages import Start
from pcomponent.process import Process, Thread, WorkingDirectory
from pcomponent.registers import Registers
from pcomponent.rlimits import Limits, Resource
from pcomponent.signals import SignalState
from pcomponent.space import Space
from scomponent.messages import Close, Open

MANAGER = "G"


class Lifecycle:
    """Makes and ends processes; `processes` of the kernel has those that run or wait to be asked for."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    def start(self, request: Start) -> Process:
        """Starts a program as a new process. Raises `LinuxError` as execve does; nothing is left behind then."""
        kernel = self._kernel
        process = Process(kernel, request.pid, request.vnode)
        process.home, process.memories, process.storage = request.memory, request.memories, request.storage
        process.console, process.trace = request.console, request.trace
        process.limits, process.signals = Limits(), SignalState()
        process.environment = request.environment
        task = Thread(process, request.pid)
        process.threads[task.tid] = task
        place, _ = kernel.endpoint.call(
            process.storage, Open(request.vnode, 0, request.directory, O_PATH | O_DIRECTORY)
        )
        process.working_directory = WorkingDirectory(place.handle, place.path)
        try:
            self._load(task, request)
            process.files = open_standard(task)
        except BaseException:
            kernel.endpoint.call(process.storage, Close([place.handle]))
            raise
        kernel.processes[process.pid] = process
        return process

    def _load(self, task: Thread, request: Start) -> None:
        process, kernel = task.process, self._kernel
        reply, _ = kernel.endpoint.call(
            process.home,
            Execute(
                space=process.pid,
                vnode=process.vnode,
                directory=process.working_directory.handle,
                path=request.path,
                arguments=request.arguments,
                environment=request.environment,
                random=kernel.random.bytes(16),
                identity=process.identity,
                stack_limit=process.limits.soft(Resource.STACK),
            ),
        )
        process.path, process.command, process.arguments = reply.path, reply.command, reply.arguments
        task.name = reply.command
        space = Space(kernel, kernel.new_space_number(), process.pid, process.memories, process.home)
        space.load(reply.regions, reply.resident, reply.owners)
        process.space = space
        task.start = Registers(rip=reply.entry, rsp=reply.stack_pointer)
        task.rip = reply.entry

    def end_process(self, process: Process, status: int) -> None:
        """The process ends with a wait(2) status: everything that it took is given back, here and elsewhere."""
        if process.status is not None:
            return
        threads.end_all(process)
        task = next(iter(process.threads.values()))
        process.files.close_all(task)
        self._kernel.leave_space(process.space)
        endpoint = self._kernel.endpoint
        endpoint.call(process.home, Exit(process.pid))
        endpoint.call(process.storage, Close([process.working_directory.handle]))
        endpoint.call(MANAGER, Exited(process.pid, endpoint.name))
        process.status = status  # Last: whoever waits for the end, on another host thread, finds all of it done.

    def lose(self, process: Process, error: FabricError) -> None:
        """The machine failed under a process: it ends here, and its front end is told why."""
        process.lost = (error.component, error.why)
        process.status = 0
        self._kernel.spaces.pop(process.space.number, None)
