"""Files of /proc/PID that are about its memory: smaps, smaps_rollup, auxv, mem. Source: fs/proc/task_mmu.c, base.c.

Who maps a page besides is not known here, so every resident page counts as the process's own: Pss is Rss.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import SEEK_CUR, SEEK_SET
from lego.linux.mman import MAP_GROWSDOWN, MAP_SHARED, PROT_EXEC, PROT_READ, PROT_WRITE
from lego.regions import PAGE, TASK_SIZE, Region
from pcomponent import system
from pcomponent.files.base import Blocking, OpenFile
from pcomponent.pseudo.files import MadeUpFile
from pcomponent.pseudo.node import PROC, Node
from pcomponent.pseudo.process_text import map_lines
from pcomponent.tasks import may_access, proc_owner

if TYPE_CHECKING:
    from pcomponent.process import Process, Thread
    from pcomponent.space import Space

_WORD = struct.Struct("<Q")
_COUNTED = (
    "Rss", "Pss", "Pss_Dirty", "Shared_Clean", "Shared_Dirty", "Private_Clean", "Private_Dirty", "Referenced",
    "Anonymous", "LazyFree", "AnonHugePages", "ShmemPmdMapped", "FilePmdMapped", "Shared_Hugetlb",
    "Private_Hugetlb", "Swap", "SwapPss", "Locked",
)  # fmt: skip
_FLAG_NAMES = ((PROT_READ, "rd"), (PROT_WRITE, "wr"), (PROT_EXEC, "ex"))


def smaps(task: Thread, process: Process) -> str:
    """/proc/PID/smaps: each mapping's line, then what is resident of it."""
    layout = system.layout(task, process)
    text = []
    for line, region, resident in zip(
        map_lines(task, process, layout.regions), layout.regions, layout.resident, strict=True
    ):
        sizes = [("Size", region.length // 1024), ("KernelPageSize", PAGE // 1024), ("MMUPageSize", PAGE // 1024)]
        text += [line, *map(_kilobytes, [*sizes, *_counted(process, region, resident).items()])]
        text.append("THPeligible:    0\n" + f"VmFlags: {' '.join(_flags(process, region))} \n")
    return "".join(text)


def smaps_rollup(task: Thread, process: Process) -> str:
    """/proc/PID/smaps_rollup: the sums."""
    layout = system.layout(task, process)
    if not layout.regions:
        raise LinuxError(E.ESRCH)
    sums = dict.fromkeys(_COUNTED, 0)
    for region, resident in zip(layout.regions, layout.resident, strict=True):
        for name, value in _counted(process, region, resident).items():
            sums[name] += value
    head = f"{layout.regions[0].start:08x}-{layout.regions[-1].end:08x} ---p 00000000 00:00 0 ".ljust(73)
    return f"{head}[rollup]\n" + "".join(map(_kilobytes, sums.items()))


def _kilobytes(item: tuple[str, int]) -> str:
    return f"{item[0] + ':':<15} {item[1]:8} kB\n"


def _counted(process: Process, region: Region, resident: int) -> dict[str, int]:
    """In KiB. What can be written and is private counts as dirty, whatever it is mapped from."""
    size = resident * PAGE // 1024
    dirty = size if region.object is None or region.prot & PROT_WRITE else 0
    kind = "Shared" if region.flags & MAP_SHARED else "Private"
    known = {
        "Rss": size, "Pss": size, "Pss_Dirty": dirty, f"{kind}_Dirty": dirty, f"{kind}_Clean": size - dirty,
        "Referenced": size, "Anonymous": size if region.object is None else 0,
        "Locked": size if _locked(process, region) else 0,
    }  # fmt: skip
    return {name: known.get(name, 0) for name in _COUNTED}


def _locked(process: Process, region: Region) -> bool:
    return any(start < region.end and region.start < end for start, end in process.attributes.locked_ranges)


def _flags(process: Process, region: Region) -> list[str]:
    names = [name for bit, name in _FLAG_NAMES if region.prot & bit]
    if region.flags & MAP_SHARED:
        names.append("sh")
    names += ["mr", "mw", "me"]
    if region.flags & MAP_GROWSDOWN or region.name == "[stack]":
        names.append("gd")
    return [*names, *(["lo"] if _locked(process, region) else [])]


def auxv(task: Thread, process: Process) -> bytes:
    """/proc/PID/auxv: what lies on its stack behind the arguments and the environment."""
    if process.status is not None:
        return b""
    space, at = process.space, process.stack_pointer
    (count,) = _WORD.unpack(space.read(at, 8))
    at += (count + 2) * 8
    while space.read(at, 8) != bytes(8):
        at += 8
    entries = b""
    while not entries.endswith(bytes(16)):
        at += 8 if not entries else 16
        entries += space.read(at, 16)
    return entries


class MemoryNode(Node):
    """/proc/PID/mem. `owner` and who may open it are the process's."""

    def __init__(self, thread: Thread, path: str) -> None:
        super().__init__(PROC, path, 0o600)
        self._thread, self._process = thread, thread.process

    def owner(self, task: Thread) -> tuple[int, int]:
        """The thread's."""
        return proc_owner(self._thread, self.kind | self.permissions)

    def open(self, task: Thread, flags: int) -> OpenFile:
        """EACCES when one may not reach into it."""
        if not may_access(task, self._process):
            raise LinuxError(E.EACCES)
        return MemoryOfProcess(flags, self, self._process)


class MemoryOfProcess(MadeUpFile):
    """The memory as it was when the file was opened: after an exec it has its end at once."""

    fills = True

    def __init__(self, flags: int, node: Node, process: Process) -> None:
        super().__init__(flags, node)
        self._process = process
        self._space: Space = process.space

    def _gone(self) -> bool:
        return self._process.status is not None or self._process.space is not self._space

    def read(self, task: Thread, length: int) -> Blocking:
        """read(2). EIO for what is not mapped."""
        data = self._read(self.offset, length)
        self.offset += len(data)
        return data
        yield

    def pread(self, task: Thread, length: int, offset: int) -> Blocking:
        """pread64(2)."""
        return self._read(offset, length)
        yield

    def write(self, task: Thread, data: bytes) -> Blocking:
        """write(2). EIO for what cannot be written."""
        done = self._write(self.offset, data)
        self.offset += done
        return done
        yield

    def pwrite(self, task: Thread, data: bytes, offset: int) -> Blocking:
        """pwrite64(2)."""
        return self._write(offset, data)
        yield

    def _read(self, address: int, length: int) -> bytes:
        pieces: list[bytes] = []
        while length and not self._gone() and address < TASK_SIZE:
            size = min(length, PAGE - address % PAGE)
            try:
                pieces.append(self._space.read(address, size))
            except LinuxError:
                if pieces:
                    break
                raise LinuxError(E.EIO) from None
            address, length = address + size, length - size
        return b"".join(pieces)

    def _write(self, address: int, data: bytes) -> int:
        done = 0
        while done < len(data) and not self._gone() and address + done < TASK_SIZE:
            size = min(len(data) - done, PAGE - (address + done) % PAGE)
            try:
                self._space.write(address + done, data[done : done + size])
            except LinuxError:
                if done:
                    break
                raise LinuxError(E.EIO) from None
            done += size
        return done

    def unread(self, task: Thread, data: bytes) -> None:
        """Steps back over what the guest had no room for."""
        self.offset -= len(data)

    def seek(self, task: Thread, offset: int, whence: int) -> int:
        """lseek(2): any address, but not from the end."""
        if whence not in (SEEK_SET, SEEK_CUR):
            raise LinuxError(E.EINVAL)
        self.offset = (offset if whence == SEEK_SET else self.offset + offset) & (1 << 64) - 1
        return self.offset
