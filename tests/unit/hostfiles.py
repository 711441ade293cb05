"""A `FileSource` over host files and over files that a test makes up, and an `Execute` with defaults."""

from __future__ import annotations

import os
import stat

from lego.linux.errno import E, LinuxError
from lego.linux.stat import S_IFREG, Stat
from lego.regions import ObjectId
from mcomponent.messages import Execute


class MemoryFile:
    """An open file with given contents."""

    def __init__(self, source: HostFiles, handle: int, path: str, data: bytes, mode: int) -> None:
        self.handle = handle
        self.object = ObjectId("S0", handle)
        self.path = path
        self.data = data
        self.stat = Stat(mode=mode, size=len(data))
        self._source = source

    def read(self, offset: int, length: int) -> bytes:
        assert 0 <= offset <= len(self.data), "a read that starts beyond the file"
        assert 0 <= length <= 1 << 20, "a read of an unreasonable length"
        return self.data[offset : offset + length]

    def close(self) -> None:
        assert self.handle in self._source.open_handles, "closed twice"
        self._source.open_handles.discard(self.handle)


class HostFiles:
    """Opens `made` files by path, and host files otherwise."""

    def __init__(self, made: dict[str, bytes] | None = None, host: bool = True) -> None:
        self.made = made or {}
        self.host = host
        self.open_handles: set[int] = set()
        self.paths: list[str] = []
        self._next = 1

    def open(self, vnode: int, place: int, path: str) -> MemoryFile:
        data, mode, real = self._contents(path)
        file = MemoryFile(self, self._next, real, data, mode)
        self._next += 1
        self.open_handles.add(file.handle)
        self.paths.append(path)
        return file

    def _contents(self, path: str) -> tuple[bytes, int, str]:
        if path in self.made:
            return self.made[path], S_IFREG | 0o755, path
        if not self.host or not path or "\0" in path:
            raise LinuxError(E.ENOENT)
        try:
            mode = os.stat(path).st_mode
            if stat.S_ISDIR(mode):
                return b"", mode, path
            with open(path, "rb") as file:
                return file.read(), mode, os.path.realpath(path)
        except OSError as error:
            raise LinuxError(error.errno or E.EIO) from error


def execute(path: str, *arguments: str, environment: tuple[str, ...] = (), stack_limit: int = 8 << 20) -> Execute:
    return Execute(
        space=1,
        vnode=0,
        directory=0,
        path=path,
        arguments=[text.encode(errors="surrogateescape") for text in arguments],
        environment=[text.encode() for text in environment],
        random=bytes(range(16)),
        identity=(1000, 1001, 1002, 1003),
        stack_limit=stack_limit,
    )
