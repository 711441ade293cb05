"""What a process is to its parent and its children: the part of task_struct that fork, exec and wait are about."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lego.linux.signal import Sig
from pcomponent.changes import Change

if TYPE_CHECKING:
    from pcomponent.process import Process, Thread


@dataclass
class Kinship:
    """Kept by each process; `pcomponent.family` and `pcomponent.lifecycle` change it."""

    root: int = 0
    """The process that the front end started and waits for, of whose run this one is part."""
    abandoned: bool = False
    """It is the first of a run whose front end has gone: nobody asks how it ends."""
    children: dict[int, Process] = field(default_factory=dict)
    """By pid, the oldest first; those that have ended stay until they are waited for."""
    maker: Thread | None = None
    """The parent's thread that made it, or got it from one that has ended; its end brings PR_SET_PDEATHSIG."""
    exit_signal: int = Sig.CHLD
    """What the parent gets when it ends, 0 for nothing (the low byte of clone's flags)."""
    executed: bool = False
    """It has called execve: its parent cannot move it to another group any more."""
    borrowing: bool = False
    """Its parent sleeps in vfork until it lets go of the parent's memory, by execve or by its end, ..."""
    released_ns: int = 0
    """... which was at this time of its own clock."""
    news: Change = field(default_factory=Change)
    """Something became of one of its children, or it has others than before."""
    freed: Change = field(default_factory=Change)
    """It let go of its parent's memory."""
    ended: Change = field(default_factory=Change)
    """It has ended."""
    report: int = 0
    """The wait(2) status of a stop or a continuation that its parent has not asked for yet; 0 when there is none."""
    ended_ns: int = 0
    """Its clock when it ended."""
    run_ns: int = 0
    """The largest clock of those of its run that have ended, when it is the first of a run."""
    used_ns: tuple[int, int] = (0, 0)
    """User and system time, once it has ended."""
    children_ns: tuple[int, int] = (0, 0)
    """The same of all descendants that were waited for (RUSAGE_CHILDREN), ..."""
    children_pages: int = 0
    """... and the most pages that one of them had."""
