"""Owners of open files, and the signals that they get when something can be read or written (struct fown_struct).

    set_owner(task, file, -group)         # fcntl(F_SETOWN)
    set_async(task, file, fd, True)       # O_ASYNC: from now on SIGIO, or the signal of F_SETSIG

A kind of file that can tell (`OpenFile.told`) names the changes that are told; its owner hears of each of them while
O_ASYNC is on. Source: fs/fcntl.c (f_setown, send_sigio, kill_fasync), fcntl(2).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import O_ASYNC
from lego.linux.signal import NSIG, POLL_HUP, POLL_IN, POLL_OUT, SI_SIGIO, Sig, SigInfo
from pcomponent.family import wake_at
from pcomponent.files.base import POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM, OpenFile
from pcomponent.signals import send_to_process, send_to_thread
from pcomponent.tasks import find_process, find_thread, visible

if TYPE_CHECKING:
    from pcomponent.changes import Change
    from pcomponent.kernel import Kernel
    from pcomponent.process import Process, Thread

OWNER_THREAD, OWNER_PROCESS, OWNER_GROUP = 0, 1, 2
"""F_OWNER_TID, F_OWNER_PID, F_OWNER_PGRP."""
_INT_MIN = -(1 << 31)
_POLLWRBAND = 0x200
_BANDS = {POLL_IN: POLLIN | POLLRDNORM, POLL_OUT: POLLOUT | POLLWRNORM | _POLLWRBAND, POLL_HUP: POLLHUP | POLLERR}
_SPECIFIC = frozenset((Sig.ILL, Sig.FPE, Sig.SEGV, Sig.TRAP, Sig.BUS, Sig.CHLD, Sig.SYS))
"""Signals whose positive codes mean something of their own (sig_specific_sicodes), besides SIGIO itself."""
_BODY = struct.Struct("<qi")


class Owner:
    """Who gets the signals of one open file, which signal, and with whose rights."""

    def __init__(self, kernel: Kernel, file: OpenFile) -> None:
        self._kernel = kernel
        self._file = file
        self.kind = OWNER_THREAD
        self.process: Process | None = None
        self.thread: Thread | None = None
        """A thread that is not its process's first."""
        self.group = 0
        self.identity = 0, 0
        """The real and effective user of who set it."""
        self.signal = 0
        """What F_SETSIG chose; 0 is SIGIO without siginfo."""
        self.fd = -1
        """The descriptor that turned O_ASYNC on."""
        self.watched: list[Change] = []

    def set(self, task: Thread, kind: int, number: int) -> None:
        """Makes a process, a thread, a group or, with 0, nobody the owner. ESRCH when nothing has that number."""
        process: Process | None = None
        thread: Thread | None = None
        group = 0
        if number:
            everybody = visible(task)
            if kind == OWNER_GROUP and any(each.group == number for each in everybody):
                group = number
            else:
                process, thread = _find(task, number, everybody)
        who = task.credentials
        self.kind, self.identity = kind, (who.uid, who.euid)
        self.group = group
        self.process, self.thread = (None, None) if kind == OWNER_GROUP else (process, thread)

    def number(self) -> int:
        """The pid, tid or group; 0 when nobody has it, or has it any more."""
        if self.kind == OWNER_GROUP:
            return self.group if self._members() else 0
        if self.thread is not None:
            return self.thread.tid if self.kind == OWNER_THREAD and self._lives(self.thread) else 0
        process = self.process
        if process is None or self._kernel.processes.get(process.pid) is not process:
            return 0
        return process.pid

    def _members(self) -> list[Process]:
        return [each for _, each in sorted(self._kernel.processes.items()) if each.group == self.group]

    @staticmethod
    def _lives(thread: Thread) -> bool:
        return thread.process.status is None and thread.process.threads.get(thread.tid) is thread

    def _permits(self, process: Process) -> bool:
        """sigio_perm."""
        who, (uid, euid) = process.credentials, self.identity
        return euid == 0 or euid in (who.suid, who.uid) or uid in (who.suid, who.uid)

    def tell(self, band: int, now_ns: int) -> None:
        """Something happened at a time of the monotonic clock: sends the signal (send_sigio). When the queue is full,
        a plain SIGIO comes instead."""
        infos = [SigInfo.kernel(Sig.IO)]
        if self.signal:
            code = SI_SIGIO if self.signal in _SPECIFIC else band
            infos.insert(0, SigInfo(self.signal, code, 0, _BODY.pack(_BANDS[band], self.fd)))
        self._send_all(infos, now_ns)

    def urge(self, now_ns: int) -> None:
        """Urgent data have come (send_sigurg): O_ASYNC is not asked."""
        self._send_all([SigInfo.kernel(Sig.URG)], now_ns)

    def _send_all(self, infos: list[SigInfo], now_ns: int) -> None:
        if self.kind == OWNER_GROUP:
            for process in self._members() if self.group else ():
                self._send(process, None, infos, now_ns)
            return
        thread = self.thread
        if thread is None and self.process is not None:
            first = self.process.threads.get(self.process.pid)
            self._send(self.process, first if self.kind == OWNER_THREAD else None, infos, now_ns)
        elif thread is not None and self._lives(thread):
            self._send(thread.process, thread if self.kind == OWNER_THREAD else None, infos, now_ns)

    def _send(self, process: Process, thread: Thread | None, infos: list[SigInfo], now_ns: int) -> None:
        """send_sigio_to_task: the first of these that there is room for."""
        if process.status is not None or not self._permits(process):
            return
        for info in infos:
            try:
                if thread is not None:
                    send_to_thread(thread, info.number, info)
                else:
                    send_to_process(process, info.number, info)
            except LinuxError:
                continue
            wake_at(process, now_ns)
            return

    def happened(self, change: Change) -> None:
        """One of the changes that are told happened."""
        band = self._file.band(change)
        if band:
            self.tell(band, change.at_ns)

    def watch(self, changes: list[Change]) -> None:
        """From now on hears of these changes, and of no others."""
        for change in self.watched:
            change.told = tuple(each for each in change.told if each is not self)
        for change in changes:
            change.told = (*change.told, self)
        self.watched = changes


def _find(task: Thread, number: int, everybody: list[Process]) -> tuple[Process | None, Thread | None]:
    """The process, or the thread that is not its first, with a number (find_vpid); (None, None) when the number is
    only a group's or a session's. ESRCH."""
    if number > 0:
        try:
            thread = find_thread(task, number)
        except LinuxError:
            if any(number in (each.group, each.session) for each in everybody if each.pid != number):
                return None, None
            return find_process(task, number), None
        return (thread.process, None) if thread.tid == thread.process.pid else (None, thread)
    raise LinuxError(E.ESRCH)


def owner_of(task: Thread, file: OpenFile) -> Owner:
    """The owner of an open file, made when it has none."""
    if file.receiver is None:
        file.receiver = Owner(task.kernel, file)
    return file.receiver


def set_owner(task: Thread, file: OpenFile, number: int) -> None:
    """fcntl(F_SETOWN): a process, a group as a negative number, 0 for nobody. EINVAL, ESRCH."""
    if number == _INT_MIN:
        raise LinuxError(E.EINVAL)
    owner_of(task, file).set(task, OWNER_GROUP if number < 0 else OWNER_PROCESS, abs(number))


def get_owner(file: OpenFile) -> int:
    """fcntl(F_GETOWN)."""
    owner = file.receiver
    if owner is None:
        return 0
    return -owner.number() if owner.kind == OWNER_GROUP else owner.number()


def set_owner_of_kind(task: Thread, file: OpenFile, kind: int, number: int) -> None:
    """fcntl(F_SETOWN_EX). EINVAL, ESRCH."""
    if kind not in (OWNER_THREAD, OWNER_PROCESS, OWNER_GROUP):
        raise LinuxError(E.EINVAL)
    owner_of(task, file).set(task, kind, number)


def set_signal(task: Thread, file: OpenFile, number: int) -> None:
    """fcntl(F_SETSIG). EINVAL."""
    if number > NSIG:
        raise LinuxError(E.EINVAL)
    owner_of(task, file).signal = number


def set_async(task: Thread, file: OpenFile, fd: int, on: bool) -> bool:
    """Turns O_ASYNC on or off. False when this kind of file cannot tell, and nothing was done (it has no fasync)."""
    changes = file.told(task)
    if changes is None:
        return False
    owner = owner_of(task, file)
    if on:
        owner.fd = fd
        file.flags |= O_ASYNC
        if owner.process is None and owner.thread is None and not owner.group:
            file.adopt(task, owner)
    else:
        file.flags &= ~O_ASYNC
    owner.watch(changes if on else [])
    return True
