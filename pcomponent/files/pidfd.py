"""pidfd_open(2): a process, whatever becomes of its number, as a descriptor. Source: kernel/pid.c, kernel/fork.c."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import O_NONBLOCK, O_RDWR
from pcomponent.changes import Change
from pcomponent.files.anonymous import AnonymousFile
from pcomponent.files.base import POLLIN, POLLRDNORM, Blocking, OpenFile
from pcomponent.files.opening import MadeUpDirectory
from pcomponent.pseudo.process_tree import ProcessDirectory

if TYPE_CHECKING:
    from pcomponent.process import Process, Thread


class PidFile(AnonymousFile):
    """A process. It is readable, for poll, once the process has ended; read(2) and write(2) are EINVAL."""

    def __init__(self, task: Thread, target: Process, flags: int = 0) -> None:
        super().__init__(task, O_RDWR | flags & O_NONBLOCK, "pidfd", 0o600)
        self.target = target

    def poll(self, task: Thread, events: int, wait_ms: int = 0) -> int:
        """POLL* bits that hold now (pidfd_poll)."""
        return POLLIN | POLLRDNORM if self.target.status is not None else 0

    def changes(self, task: Thread) -> list[Change]:
        """Its end."""
        return [self.target.kin.ended]

    lasting_changes = changes

    def write(self, task: Thread, data: bytes) -> Blocking:
        """EINVAL, also for nothing at all."""
        raise LinuxError(E.EINVAL)
        yield

    def details(self, task: Thread) -> str:
        """Its number, -1 when nobody has it any more (pidfd_show_fdinfo)."""
        number = self.target.pid if exists(self.target) else -1
        return f"Pid:\t{number}\nNSpid:\t{number}\n"


def exists(process: Process) -> bool:
    """Whether a process still has its number, running or waited for."""
    return process.kernel.processes.get(process.pid) is process


def process_of(task: Thread, file: OpenFile) -> Process:
    """The process that a pidfd, or a descriptor of /proc/PID, is of. EBADF (pidfd_to_pid)."""
    if isinstance(file, PidFile):
        return file.target
    if isinstance(file, MadeUpDirectory) and isinstance(file.node, ProcessDirectory) and file.node.whole:
        return file.node.process
    raise LinuxError(E.EBADF)
