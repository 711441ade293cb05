"""/proc/PID and /proc/PID/task/TID as directories. Source: fs/proc/base.c, tgid_base_stuff and tid_base_stuff."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from pcomponent.credentials import SYS_RESOURCE
from pcomponent.pseudo import descriptors, mounts, net, process_memory, process_text, strings
from pcomponent.pseudo.files import Text
from pcomponent.pseudo.node import PROC, Directory, Fixed, Link, Node
from pcomponent.tasks import name_of, proc_owner, set_name

if TYPE_CHECKING:
    from pcomponent.process import Process, Thread

_ALL_IDS = f"{0:10} {0:10} {(1 << 32) - 1:10}\n"
"""uid_map and its kin in the first user namespace."""
_NO_ID = (1 << 32) - 1
_OOM_ADJUST_MIN, _OOM_ADJUST_MAX = -1000, 1000
Generate = Callable[["Thread"], str | bytes]
Store = Callable[["Thread", bytes], None]


def may_inspect(task: Thread, process: Process) -> bool:
    """Whether a thread may look into a process (ptrace_may_access with PTRACE_MODE_READ_FSCREDS)."""
    own, other = task.credentials, process.credentials
    if task.process is process:
        return True
    same = {other.uid, other.euid, other.suid} == {own.fsuid} and {other.gid, other.egid, other.sgid} == {own.fsgid}
    return same and process.attributes.dumpable == 1


class _Owned(Node):
    """What belongs to a thread, and is as old as its process."""

    thread: Thread

    def owner(self, task: Thread) -> tuple[int, int]:
        """The thread's."""
        return proc_owner(self.thread, self.kind | self.permissions)

    def changed_ns(self, task: Thread) -> int:
        """When the process started."""
        return task.kernel.config.epoch_s * 10**9 + self.thread.process.started_ns


class ProcessText(_Owned, Text):
    """A file of a process. `private` ones are only for those who may inspect it."""

    def __init__(
        self,
        thread: Thread,
        path: str,
        generate: Generate,
        permissions: int = 0o444,
        store: Store | None = None,
        private: bool = False,
        sequential: bool = True,
    ) -> None:
        Text.__init__(self, PROC, path, generate, permissions, store, E.EINVAL, sequential)
        self.thread = thread
        self.process = thread.process
        self._private = private

    def content(self, task: Thread) -> bytes:
        """ESRCH when the process was forgotten meanwhile, EACCES when one may not see it."""
        if task.kernel.processes.get(self.process.pid) is not self.process:
            raise LinuxError(E.ESRCH)
        if self._private and not may_inspect(task, self.process):
            raise LinuxError(E.EACCES)
        return super().content(task)


class ProcessLink(_Owned, Link):
    """A magic link of a process: exe, cwd, root."""

    def __init__(self, thread: Thread, path: str, target: Callable[[Thread], str]) -> None:
        Link.__init__(self, PROC, path, target)
        self.thread = thread
        self.process = thread.process

    def readlink(self, task: Thread) -> str:
        """Where it leads; EACCES when one may not see it, ENOENT when the process has ended."""
        if not may_inspect(task, self.process):
            raise LinuxError(E.EACCES)
        if self.process.status is not None:
            raise LinuxError(E.ENOENT)
        return super().readlink(task)

    def follow(self, task: Thread) -> Node | str:
        """The same place; a directory that was removed is not found."""
        return self.readlink(task)


class ProcessDirectory(_Owned, Directory):
    """/proc/PID, or /proc/PID/task/TID."""

    def __init__(self, thread: Thread, path: str, whole: bool) -> None:
        Directory.__init__(self, PROC, path)
        self.thread = thread
        self.process = thread.process
        self.whole = whole
        """It is a process's, not a thread's."""

    def children(self, task: Thread) -> Mapping[str, Node]:
        """The files of proc(5) that Lego has."""
        process, thread, path = self.process, self.thread, self.path
        nodes: dict[str, Node] = {
            **self._texts(),
            "cwd": ProcessLink(thread, f"{path}/cwd", lambda each: _directory(each, process)),
            "exe": ProcessLink(thread, f"{path}/exe", lambda _: process.path),
            "root": ProcessLink(thread, f"{path}/root", lambda _: "/"),
            "fd": descriptors.Descriptors(thread, f"{path}/fd", descriptors.link, 0o500),
            "fdinfo": descriptors.Descriptors(thread, f"{path}/fdinfo", descriptors.information, 0o555),
            "net": _Net(thread, f"{path}/net"),
            "mem": process_memory.MemoryNode(thread, f"{path}/mem"),
            "comm": ProcessText(
                thread, f"{path}/comm", lambda _: name_of(thread) + "\n", 0o644,
                lambda each, data: _store_name(each, thread, data),
            ),
            "oom_score_adj": ProcessText(
                thread, f"{path}/oom_score_adj", lambda _: f"{process.attributes.oom_score_adj}\n", 0o644,
                lambda each, data: _store_adjustment(each, process, data), sequential=False,
            ),
        }  # fmt: skip
        if self.whole:
            nodes["task"] = Tasks(thread, f"{path}/task")
        else:
            nodes["children"] = ProcessText(thread, f"{path}/children", lambda _: _children_of(process, thread))
        return nodes

    def _texts(self) -> dict[str, Node]:
        process, thread, whole = self.process, self.thread, self.whole

        def text(name: str, generate: Generate, permissions: int = 0o444, private: bool = False) -> ProcessText:
            sequential = name not in ("auxv", "cmdline", "environ", "loginuid", "sessionid")
            return ProcessText(
                thread, f"{self.path}/{name}", generate, permissions, private=private, sequential=sequential
            )  # fmt: skip

        files = [
            text("auxv", lambda task: process_memory.auxv(task, process), 0o400, True),
            text("cgroup", lambda _: "0::/\n"),
            text("cmdline", lambda _: strings.arguments(process)),
            text("environ", lambda _: strings.environment(process), 0o400, True),
            text("gid_map", lambda _: _ALL_IDS, 0o644),
            text("io", lambda _: process_text.transfers(process), 0o400, True),
            text("limits", lambda task: process_text.limits(task, process)),
            text("maps", lambda task: process_text.maps(task, process), private=True),
            text("loginuid", lambda _: str(_NO_ID), 0o644),
            text("mountinfo", mounts.mountinfo),
            text("mounts", mounts.mounts),
            text("oom_score", lambda _: "0\n"),
            text("personality", lambda _: f"{thread.attributes.personality:08x}\n", 0o400, True),
            text("projid_map", lambda _: _ALL_IDS, 0o644),
            text("schedstat", lambda _: process_text.scheduled(thread)),
            text("sessionid", lambda _: str(_NO_ID)),
            text("setgroups", lambda _: "allow\n", 0o644),
            text("smaps", lambda task: process_memory.smaps(task, process), private=True),
            text("smaps_rollup", lambda task: process_memory.smaps_rollup(task, process), private=True),
            text("stat", lambda task: process_text.stat(task, thread, whole)),
            text("statm", lambda task: process_text.statm(task, process)),
            text("status", lambda task: process_text.status(task, thread)),
            text("timerslack_ns", lambda _: f"{thread.attributes.timer_slack_ns}\n"),
            text("uid_map", lambda _: _ALL_IDS, 0o644),
            text("wchan", lambda _: "0"),
        ]
        return {file.path.rpartition("/")[2]: file for file in files}


class _Net(_Owned, Fixed):
    """/proc/PID/net."""

    def __init__(self, thread: Thread, path: str) -> None:
        super().__init__(PROC, path, net_files(path))
        self.thread = thread


class Tasks(_Owned, Directory):
    """/proc/PID/task."""

    def __init__(self, thread: Thread, path: str) -> None:
        super().__init__(PROC, path)
        self.thread = thread

    def children(self, task: Thread) -> Mapping[str, Node]:
        """A directory for each thread."""
        threads = self.thread.process.threads
        return {str(tid): ProcessDirectory(threads[tid], f"{self.path}/{tid}", whole=False) for tid in threads}


def process_directory(process: Process, tid: int = 0) -> ProcessDirectory:
    """/proc/PID; or the same as one of its threads has it."""
    thread = process.threads.get(tid or process.pid) or next(iter(process.threads.values()))
    return ProcessDirectory(thread, f"/proc/{tid or process.pid}", whole=True)


def net_files(path: str) -> dict[str, Node]:
    """/proc/PID/net: the same for all processes of a vNode."""
    return {name: Text(PROC, f"{path}/{name}", generate) for name, generate in net.TEXTS.items()}


def _directory(task: Thread, process: Process) -> str:
    place = process.working_directory
    return descriptors.place_of(task, process, place.handle, place.path)[0]


def _children_of(process: Process, thread: Thread) -> str:
    """/proc/PID/task/TID/children: all are the first thread's here."""
    return "".join(f"{pid} " for pid in process.kin.children) if thread.tid == process.pid else ""


def _store_name(task: Thread, thread: Thread, data: bytes) -> None:
    """comm_write(): only threads of the same process may name each other."""
    if thread.process is not task.process:
        raise LinuxError(E.EINVAL)
    set_name(thread, data)


def _store_adjustment(task: Thread, process: Process, data: bytes) -> None:
    """oom_score_adj_write(): lower values are a privilege."""
    try:
        value = int(data.strip(), 0)
    except ValueError:
        raise LinuxError(E.EINVAL) from None
    if not _OOM_ADJUST_MIN <= value <= _OOM_ADJUST_MAX:
        raise LinuxError(E.EINVAL)
    if value < process.attributes.oom_score_adj and not task.credentials.capable(SYS_RESOURCE):
        raise LinuxError(E.EACCES)
    process.attributes.oom_score_adj = value
