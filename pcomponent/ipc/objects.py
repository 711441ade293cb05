"""The System V objects of one vNode, all three kinds, and its POSIX message queues."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pcomponent.ipc.posix_queues import PosixQueues
from pcomponent.ipc.queues import MessageQueues
from pcomponent.ipc.segments import Segments
from pcomponent.ipc.semaphores import Semaphores
from scomponent.messages import EndRun

if TYPE_CHECKING:
    from pcomponent.kernel import Kernel
    from pcomponent.process import Thread


class SystemV:
    """What shmget, semget and msgget find, and mq_open."""

    def __init__(self, kernel: Kernel) -> None:
        self.segments = Segments(kernel)
        self.semaphores = Semaphores()
        self.queues = MessageQueues()
        self.posix = PosixQueues()

    def end(self) -> None:
        """The vNode's last program has ended: nothing stays."""
        self.segments.end()
        self.semaphores.end()
        self.queues.end()
        self.posix.end()


def of(task: Thread) -> SystemV:
    """The objects that a thread can see."""
    known, vnode = task.kernel.system_v, task.process.vnode
    if vnode not in known:
        known[vnode] = SystemV(task.kernel)
    return known[vnode]


def run_ended(kernel: Kernel, vnode: int, storage: str) -> None:
    """A run is over: with the last one of a vNode on this processor go the vNode's objects, and what is in /dev/shm."""
    if any(each.vnode == vnode and each.status is None for each in kernel.processes.values()):
        return
    known = kernel.system_v.pop(vnode, None)
    if known is not None:
        known.end()
    kernel.endpoint.call(storage, EndRun(vnode))
