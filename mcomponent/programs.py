"""Spaces as a whole: loading a program, fork, exit.

A program is loaded beside the one that it replaces, under a number that no process has, and takes its
place when nothing can fail any more: a failed execve(2) leaves the old program as it was.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from lego.fabric.errors import FabricError
from lego.fabric.wire import Buffer, Done, Request
from lego.linux.errno import E, LinuxError
from lego.regions import NOT_FORKED, PAGE, PAGE_SHIFT, ObjectId, page_down
from mcomponent.address_space import AddressSpace, Change
from mcomponent.applying import Applying
from mcomponent.core import Core, HomeSpace, OwnedSpace
from mcomponent.files import FileSource
from mcomponent.memory_messages import (
    OwnerExit,
    OwnerFork,
)
from mcomponent.messages import (
    Execute,
    ExecuteReply,
    Exit,
    Flush,
    Fork,
    ObjectMiss,
    cache_of,
)
from mcomponent.program import Program
from mcomponent.storage_files import StorageFiles
from mcomponent.vregion import HomePlacement, Pick, VRegions

log = logging.getLogger("lego.memory")

Load = Callable[[FileSource, Execute], Program]

DONE = Done()
FLUSH_PAGES = 64
"""Pages of a new program's contents in one message to an owner."""


class Programs:
    """Serves Execute, Fork and Exit."""

    def __init__(self, core: Core, applying: Applying, load: Load, pick: Pick) -> None:
        self._core = core
        self._applying = applying
        self._load = load
        self._pick = pick

    # ---- execve ----------------------------------------------------------------------------------------

    def execute(self, sender: str, request: Execute, payload: Buffer) -> tuple[ExecuteReply, Buffer]:
        """execve(2): loads a program, and then replaces the space's old one."""
        core = self._core
        program = self._load_program(request)
        home = self._new_home(request.stack_limit, program.brk)
        place = request.space if request.space not in core.homes else -request.space
        for region in program.regions:
            home.layout.regions.insert(region)
        try:
            try:
                placement = home.layout.placement
                assert isinstance(placement, HomePlacement)
                placement.assign_program(program.regions, core.config.memory_placement == "spread")
            finally:
                self._applying.count(home, program.regions, [])
            core.owned[place] = OwnedSpace(core.name, core.frames)
            self._applying.tell_owners(place, home.vregions, [], program.regions)
            resident = self._fill(place, home, program.contents)
        except (LinuxError, FabricError):
            self._discard(place, home)
            raise
        if place != request.space:
            self._replace(request.space, place, home)
        core.homes[request.space] = home
        home.vregions.told()
        return ExecuteReply(
            program.entry,
            program.stack_pointer,
            program.brk,
            list(home.layout.regions),
            resident,
            dict(home.vregions.owners),
            program.path,
            program.command,
            program.arguments,
            program.strings,
        ), b""

    def _load_program(self, request: Execute) -> Program:
        core = self._core
        files = StorageFiles(core.endpoint.call, request.storage, self._ask_memory, request.caller)
        core.lock.release()
        try:
            return self._load(files, request)
        finally:
            core.lock.acquire()

    def _ask_memory(self, thing: ObjectId, request: Request) -> tuple[Any, Buffer]:
        """What the loader asks, while the lock is let go, of the memory that has an object."""
        with self._core.lock:
            return self._core.ask(cache_of(thing, self._core.memories), request)

    def _new_home(self, stack_limit: int, brk: int) -> HomeSpace:
        core = self._core
        layout = AddressSpace(core.config.memory_bytes * len(core.memories), stack_limit, brk)
        return self._bind(HomeSpace(layout, VRegions(core.name)))

    def _bind(self, home: HomeSpace) -> HomeSpace:
        home.layout.placement = HomePlacement(home.layout, home.vregions, self._core.rooms, self._pick)
        return home

    def _fill(self, space: int, home: HomeSpace, contents: list[tuple[int, bytes]]) -> list[tuple[int, int]]:
        """Stores a program's own bytes into its private pages; returns the ranges of anonymous ones."""
        pages: dict[int, bytearray] = {}
        resident: list[tuple[int, int]] = []
        for address, data in contents:
            done = 0
            while done < len(data):
                start = page_down(address + done)
                page = pages.get(start)
                if page is None:
                    page = pages[start] = self._base(home, start)
                within = address + done - start
                count = min(PAGE - within, len(data) - done)
                page[within : within + count] = data[done : done + count]
                done += count
        for start in sorted(pages):
            region = home.layout.regions.find(start)
            if region is not None and region.object is None:
                if resident and resident[-1][1] == start:
                    resident[-1] = (resident[-1][0], start + PAGE)
                else:
                    resident.append((start, start + PAGE))
        self._store(space, home, pages)
        return resident

    def _base(self, home: HomeSpace, start: int) -> bytearray:
        """What a page holds before the program's own bytes are stored into it."""
        region = home.layout.regions.find(start)
        if region is None:
            raise LinuxError(E.EFAULT, f"the program has contents at {start:#x}, which it does not map")
        if region.object is None:
            return bytearray(PAGE)
        index = (start - region.start + region.offset) >> PAGE_SHIFT
        memory = cache_of(region.object, self._core.memories)
        return bytearray(self._core.ask(memory, ObjectMiss(region.object, region.handle, index))[1])

    def _store(self, space: int, home: HomeSpace, pages: dict[int, bytearray]) -> None:
        batches: dict[str, list[int]] = {}
        for start in sorted(pages):
            batches.setdefault(home.vregions.owner(start), []).append(start)
        for owner in sorted(batches):
            for first in range(0, len(batches[owner]), FLUSH_PAGES):
                addresses = batches[owner][first : first + FLUSH_PAGES]
                self._core.ask(owner, Flush(space, addresses), b"".join(pages[start] for start in addresses))

    def _replace(self, space: int, staged: int, home: HomeSpace) -> None:
        """The point of no return: the new program, which stands under another number, takes the old one's place."""
        self._discard(space, self._core.homes.pop(space))
        for owner in home.vregions.all_owners():
            self._core.ask(owner, OwnerFork(staged, space))
            self._core.ask(owner, OwnerExit(staged))

    # ---- fork, exit --------------------------------------------------------------------------------------

    def fork(self, sender: str, request: Fork, payload: Buffer) -> tuple[Done, Buffer]:
        """fork(2): a copy that shares all frames until one side writes."""
        core = self._core
        parent = core.home(request.space)
        if request.child in core.homes:
            raise LinuxError(E.EEXIST, f"space {request.child} exists")
        child = self._bind(HomeSpace(parent.layout.copy(), parent.vregions.copy()))
        change = Change()
        for region in parent.layout.regions:
            if region.flags & NOT_FORKED:
                child.layout.take(change, region.start, region.end)
        self._applying.count(child, child.layout.regions, [])
        try:
            for owner in child.vregions.all_owners():
                core.ask(owner, OwnerFork(request.space, request.child))
        except (LinuxError, FabricError):
            self._discard(request.child, child)
            raise
        core.homes[request.child] = child
        return DONE, b""

    def exit(self, sender: str, request: Exit, payload: Buffer) -> tuple[Done, Buffer]:
        """The end of a space."""
        home = self._core.home(request.space)
        del self._core.homes[request.space]
        self._discard(request.space, home)
        return DONE, b""

    def _discard(self, space: int, home: HomeSpace) -> None:
        """Gives back all that a space has, here and at its owners; an owner that is gone has given it back."""
        released = self._applying.count(home, [], home.layout.regions)
        for owner in home.vregions.all_owners():
            try:
                self._core.ask(owner, OwnerExit(space))
            except FabricError as error:
                log.warning("%s could not end space %d at an owner: %s", self._core.name, space, error)
        self._applying.release(released)
