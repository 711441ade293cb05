"""A process and its threads, as the processor keeps them.

Here is what Linux keeps in task_struct, files_struct, fs_struct and signal_struct; the memory map is the memory
component's, and `space` is this processor's view of it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lego.observe.clock import Meter
from lego.observe.counters import Counters, counter, keyed
from pcomponent.attributes import ProcessAttributes, ThreadAttributes
from pcomponent.credentials import Credentials
from pcomponent.kinship import Kinship
from pcomponent.posix_timers import PosixTimers
from pcomponent.registers import RegisterFile, Registers
from pcomponent.rlimits import INFINITY, Resource
from pcomponent.signals import ThreadSignals
from pcomponent.timers import NEVER_NS, IntervalTimers

if TYPE_CHECKING:
    from lego.linux.signal import SigInfo
    from pcomponent.files.base import OpenFile
    from pcomponent.files.table import FileTable
    from pcomponent.ipc.semaphores import SemaphoreSet
    from pcomponent.kernel import Kernel
    from pcomponent.rlimits import Limits
    from pcomponent.seats.cpu import Away
    from pcomponent.seats.table import Seat
    from pcomponent.signals import SignalState
    from pcomponent.space import Space
    from pcomponent.terminals.terminal import Terminal
    from pcomponent.tracing.calls import Line
    from pcomponent.waiting import Wait, Wake


class ProcessCounters(Counters):
    """What one processor's programs did."""

    instructions: int = counter("instructions executed, each iteration of a REP prefix as one")
    syscalls: dict[str, int] = keyed("system calls, by name")
    failed_syscalls: dict[str, int] = keyed("system calls that returned an error, by name")
    unknown_syscalls: dict[str, int] = keyed("system calls that Lego does not have (ENOSYS), by name")
    lost_lines: int = counter("dirty lines of shared mappings that a full memory did not take when a process ended")
    faults: dict[str, int] = keyed("exceptions that became signals, by signal")
    seated_spaces: int = counter("gauge: address spaces of processes that run here and that another processor keeps")
    seated_threads: int = counter("gauge: threads of such processes, those that have run")


_births = itertools.count(1)


class WorkingDirectory:
    """Where relative paths start: an open directory at the storage component, and the path it was reached by."""

    def __init__(self, handle: int, path: str) -> None:
        self.handle = handle
        self.path = path
        self.references = 1
        """Who is in it: a child shares its parent's until one of them leaves."""


class Surroundings:
    """What processes made with CLONE_FS share (fs_struct)."""

    def __init__(self) -> None:
        self.working_directory: WorkingDirectory
        self.umask = 0o022
        self.users = 1
        """Processes that have it."""

    def copy(self) -> Surroundings:
        """The same for another process, which then changes its own."""
        copy = Surroundings()
        copy.working_directory, copy.umask = self.working_directory, self.umask
        copy.working_directory.references += 1
        return copy


@dataclass
class Transfers:
    """What /proc/PID/io tells: bytes and calls of read, write and their kin (task_io_accounting)."""

    read_bytes: int = 0
    written_bytes: int = 0
    reads: int = 0
    writes: int = 0


INIT = 1


class Process:
    """A thread group and what its threads share."""

    def __init__(self, kernel: Kernel, pid: int, vnode: int) -> None:
        self.kernel = kernel
        self.pid = pid
        self.parent = 0
        """0 when it is outside of the machine."""
        self.kin = Kinship()
        self.group = pid
        self.session = pid
        self.terminal: Terminal | None = None
        """The controlling terminal (signal_struct, tty)."""
        self.hung_up_group = 0
        """Of a session leader whose terminal hung up: what was its foreground group (tty_old_pgrp)."""
        self.vnode = vnode
        self.home = ""
        """The home memory component."""
        self.memories: list[str] = []
        """All memory components, as `mcomponent.messages.cache_of` wants them."""
        self.storage = ""
        self.seat: Seat | None = None
        """The processor that its threads run on, when it is not the one that keeps it."""
        self.console = ""
        self.path = ""
        """The program's absolute path (/proc/self/exe)."""
        self.command = ""
        """At most 15 bytes (/proc/self/comm, prctl PR_GET_NAME)."""
        self.arguments: list[bytes] = []
        """What it was started with; it may have written something else over that."""
        self.strings = (0, 0, 0)
        """Addresses: of its arguments, of its environment behind them, and of the end of that (mm_struct, arg_start,
        env_start, env_end)."""
        self.credentials = Credentials.of(0, 0, 0, 0)
        """Its first thread's, and what they were when that has ended."""
        self.attributes = ProcessAttributes()
        self.timers = IntervalTimers()
        self.posix_timers = PosixTimers()
        self.due_ns = NEVER_NS
        """When the next of its timers is due, on the monotonic clock."""
        self.processor_timed = False
        """Whether a timer runs on its processor time, or a limit holds for it."""
        self.surroundings = Surroundings()
        self.undo: dict[SemaphoreSet, dict[int, int]] = {}
        """What is added to System V semaphores when it ends (SEM_UNDO), by set and number."""
        self.started_ns = 0
        self.trace = False
        self.trace_ignored: list[SigInfo] = []
        """Signals that were dropped and are still to be shown by --strace."""
        self.threads: dict[int, Thread] = {}
        self.files: FileTable
        self.space: Space
        self.limits: Limits
        self.signals: SignalState
        self._attention = False
        self.order = (next(_births), 0)
        """Older ones have lower numbers, and are asked and served first."""
        self.stack_pointer = 0
        """Where its stack began: the number of its arguments."""
        self.transfers = Transfers()
        self.ended_instructions = 0
        """What threads that have ended executed, ..."""
        self.ended_kernel_ns = 0
        """... and how long they were in system calls."""
        self.status: int | None = None
        """The wait(2) status once it ended: code << 8, or the signal's number."""
        self.ending: int | None = None
        """The same while it ends, which takes time: no thread runs any more, ..."""
        self.ending_ns = 0
        """... and this much of that time is still to pass."""
        self.lost: tuple[str, str] | None = None
        """(component, why) when the machine failed under it."""

    @property
    def working_directory(self) -> WorkingDirectory:
        """Where relative paths start."""
        return self.surroundings.working_directory

    @working_directory.setter
    def working_directory(self, directory: WorkingDirectory) -> None:
        self.surroundings.working_directory = directory

    @property
    def umask(self) -> int:
        """Permissions that new files do not get."""
        return self.surroundings.umask

    @umask.setter
    def umask(self, mask: int) -> None:
        self.surroundings.umask = mask

    def own_files(self) -> None:
        """Descriptors that no other process has too, from now on (unshare_files)."""
        if self.files.users > 1:
            self.files.users -= 1
            self.files = self.files.copy()

    @property
    def attention(self) -> bool:
        """Its signals or threads changed: the scheduler must see whether a parked thread is to be woken."""
        return self._attention

    @attention.setter
    def attention(self, wanted: bool) -> None:
        self._attention = wanted
        if wanted:
            self.kernel.queue.attend(self)

    def timers_changed(self) -> None:
        """A timer was set, went off or was deleted."""
        due = [each for each in (self.timers.due_ns(), self.posix_timers.due_ns()) if each is not None]
        self.due_ns = min(due, default=NEVER_NS)
        if due:
            self.kernel.queue.timer(self)
        limited = self.limits.soft(Resource.CPU) != INFINITY
        self.processor_timed = limited or bool(self.posix_timers.watching) or self.timers.processor_timed

    @property
    def parent_shown(self) -> int:
        """The parent that programs are told; an orphan's is init, which nobody sees run."""
        return self.parent or (0 if self.kin.root == self.pid else INIT)


class Thread:
    """One thread of control: registers when it does not run, and what it is doing in the kernel."""

    def __init__(self, process: Process, tid: int) -> None:
        self.process = process
        self.tid = tid
        self.meter = Meter()
        """The virtual clock of the core that it runs on."""
        self.core = 0
        """The core that it ran on last."""
        self.order = (process.order[0], next(_births))
        """As `Process.order`; first by process."""
        self.turn = 0
        """Its place among runnable threads of the same clock: lower numbers come first."""
        self._credentials: Credentials | None = None
        self.signal_mask = 0
        """Bit n-1 is signal n."""
        self.signals = ThreadSignals()
        self.attributes = ThreadAttributes()
        self.clear_child_tid = 0
        self.robust_list = 0
        self.name = ""
        self.call: Generator[Wait, Wake, Any] | None = None
        """The system call that it is in the middle of."""
        self.held: list[OpenFile] = []
        """What stays open for that call."""
        self.wait: Wait | None = None
        self.wake: Wake | None = None
        """Why its last wait ended."""
        self.start = Registers()
        """What it begins with."""
        self.context: Any = None
        """The CPU's state while another thread runs, ..."""
        self.away: Away | None = None
        """... or where it is when it runs on another processor."""
        self.rip = 0
        self.flags = 0
        self.number = -1
        """The system call that it made last."""
        self.go_on: Callable[[], int | Generator[Wait, Wake, int]] | None = None
        """What restart_syscall does."""
        self.trace_line: Line | None = None
        """The call it is in, for --strace, ..."""
        self.trace_ns = 0
        """... and when it began."""
        self.ending: int | None = None
        """What it called exit(2) with: it ends, and no signal is for it any more."""
        self.carry_ps = 0
        """Picoseconds of its instructions that did not make a nanosecond yet."""
        self.instructions = 0
        self.kernel_ns = 0
        """Virtual time spent in system calls, for times(2) and getrusage(2)."""

    @property
    def credentials(self) -> Credentials:
        """Who it is: threads may be somebody else than the first."""
        return self._credentials or self.process.credentials

    @credentials.setter
    def credentials(self, who: Credentials) -> None:
        if self.tid == self.process.pid:
            self.process.credentials = who
        else:
            self._credentials = who

    def become_first(self) -> None:
        """It takes the place and the number of its process's first thread, which has ended (de_thread)."""
        process = self.process
        del process.threads[self.tid]
        process.credentials, self._credentials = self.credentials, None
        self.tid = process.pid
        process.threads[self.tid] = self

    @property
    def memory(self) -> Space:
        """Guest memory: `read`, `write`, `read_string`; see `pcomponent.space`."""
        return self.process.space

    @property
    def cpu(self) -> RegisterFile:
        """Its registers, while it makes a system call or has a signal delivered."""
        seat = self.process.seat
        return self.process.kernel.cpu if seat is None else seat.cpu

    @property
    def kernel(self) -> Kernel:
        """The kernel that runs it."""
        return self.process.kernel
