"""What AF_UNIX messages carry besides data: open files and the sender's identity. Source: net/core/scm.c, unix(7)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from pcomponent.credentials import SETGID, SETUID, SYS_ADMIN
from pcomponent.files.base import OpenFile
from pcomponent.files.socket import Identity
from pcomponent.rlimits import Resource

if TYPE_CHECKING:
    from pcomponent.process import Thread

SOL_SOCKET, SCM_RIGHTS, SCM_CREDENTIALS = 1, 1, 2
FILES_MAX = 253
"""SCM_MAX_FD."""
CMSG = struct.Struct("<Qii")
"""struct cmsghdr."""
CREDENTIALS = struct.Struct("<iii")
_INT = struct.Struct("<i")


def passed(task: Thread, control: bytes) -> tuple[list[OpenFile], Identity | None]:
    """What a control buffer sends along (__scm_send). EINVAL; EBADF; EPERM for another's identity; ETOOMANYREFS when
    more files than RLIMIT_NOFILE are under way already (too_many_unix_fds, which counts for each user, spares
    privileged ones, and knows nothing of the host's memory)."""
    files: list[OpenFile] = []
    who = None
    at = 0
    while len(control) - at >= CMSG.size:
        length, level, kind = CMSG.unpack_from(control, at)
        if not CMSG.size <= length <= len(control) - at:
            raise LinuxError(E.EINVAL)
        body = control[at + CMSG.size : at + length]
        at += length + 7 & ~7
        if level != SOL_SOCKET:
            continue
        if kind == SCM_RIGHTS:
            numbers = [number for (number,) in _INT.iter_unpack(body[: len(body) & ~3])]
            if len(files) + len(numbers) > FILES_MAX:
                raise LinuxError(E.EINVAL)
            files += [task.process.files.get_any(number) for number in numbers]
        elif kind == SCM_CREDENTIALS and len(body) == CREDENTIALS.size:
            who = _claimed(task, Identity(*CREDENTIALS.unpack(body)))
        else:
            raise LinuxError(E.EINVAL)
    if files and task.process.files.parcels.under_way > task.process.limits.soft(Resource.NOFILE):
        raise LinuxError(E.ETOOMANYREFS)
    return files, who


def _claimed(task: Thread, who: Identity) -> Identity:
    """scm_check_creds."""
    mine = task.credentials
    pid = who.pid == task.process.pid or mine.capable(SYS_ADMIN)
    uid = who.uid in (mine.uid, mine.euid, mine.suid) or mine.capable(SETUID)
    gid = who.gid in (mine.gid, mine.egid, mine.sgid) or mine.capable(SETGID)
    if not (pid and uid and gid):
        raise LinuxError(E.EPERM)
    return who
