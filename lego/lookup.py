"""Finds the program that a name without a slash means, the way a shell does, in the guest's own tree."""

from __future__ import annotations

import posixpath

from lego.fabric.endpoint import Endpoint
from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import X_OK
from lego.linux.stat import S_IFREG
from scomponent.messages import Access, Elsewhere, PathStat

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where bash looks when PATH is not set."""


def find_program(endpoint: Endpoint, storage: str, vnode: int, name: str, path: str | None, cwd: str) -> str:
    """The guest path of program `name`, asked of a storage component; `path` is the guest's PATH.

    A name with a slash is itself. An empty entry of PATH is the working directory `cwd`. Raises
    `LinuxError`: ENOENT when there is no such file, EACCES when all there are cannot be executed (execvp(3)).
    """
    if "/" in name:
        return name
    if not name:
        raise LinuxError(E.ENOENT, "the program's name is empty")
    denied = False
    for directory in (DEFAULT_PATH if path is None else path).split(":"):
        candidate = posixpath.join(cwd, directory, name)
        try:
            found, _ = endpoint.call(storage, PathStat(vnode, 0, candidate))
            if isinstance(found, Elsewhere) or found.stat.kind != S_IFREG:
                continue
            endpoint.call(storage, Access(vnode, 0, candidate, X_OK))
        except LinuxError as error:
            denied = denied or error.errno == E.EACCES
            continue
        return candidate
    if denied:
        raise LinuxError(E.EACCES, f"{name} is in PATH, but not executable")
    raise LinuxError(E.ENOENT, "command not found")
