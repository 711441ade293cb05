"""A process's address space, as its processor sees it: lines of the ExCache, and copies in and out of the guest.

The memory components own VMAs and frames. Kept here is what the processor was told: the regions (to serve first
touches of anonymous memory without a message, and to know shared pages by their object), which anonymous pages the
memory already has contents for, and which component owns each vRegion.

    space.read(address, length)             bytes; LinuxError(EFAULT) where the guest may not read
    space.write(address, data)              likewise
    space.fetch(page, access)               makes a page present for an access, or raises AccessFault

Ordering rules: a dirty victim is written back before or together with the miss that replaces it; a layout
call is preceded by `flush_range` where it must not lose data, and followed by `apply`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lego.fabric.wire import Buffer
from lego.linux.errno import E, LinuxError
from lego.linux.mman import MAP_GROWSDOWN, MAP_SHARED, PROT_WRITE
from lego.observe.clock import current
from lego.regions import (
    NEVER_WRITABLE,
    PAGE,
    PAGE_SHIFT,
    TASK_SIZE,
    VREGION_SHIFT,
    ObjectId,
    Region,
    RegionMap,
    page_down,
    ranges_of,
)
from mcomponent.messages import READ, WRITE, LayoutReply, Miss, ObjectMiss, RemapReply, cache_of
from pcomponent.copies import Copies
from pcomponent.excache import layout as at
from pcomponent.faults import BUS_ADRERR, SEGV_ACCERR, SEGV_MAPERR, SIGBUS, SIGSEGV, AccessFault, refused
from pcomponent.objects import PAGES, rights_of

if TYPE_CHECKING:
    from pcomponent.kernel import Kernel
    from pcomponent.seats.table import Seat


class Space(Copies):
    """One address space. `number` tags its lines, `pid` names it to the memory components."""

    seat: Seat | None = None
    """The processor that has its lines; None is this one."""

    def __init__(self, kernel: Kernel, number: int, pid: int, memories: list[str], home: str) -> None:
        self.kernel = kernel
        self.cache = kernel.cache
        self.number = number
        self.pid = pid
        self.home = home
        self.memories = memories
        self.base_key = number << at.KEY_SPACE_SHIFT
        self.regions = RegionMap()
        self.resident: set[int] = set()
        """Page numbers of private anonymous pages whose contents the memory has."""
        self.owners: dict[int, str] = {}
        self.windows: list[tuple[int, int, int, int]] = []
        self.mapped: set[ObjectId] = set()
        """Objects that were ever mapped here: most files that are written never are."""
        self.users = 1
        """Processes that run in it: more than one while a child of vfork has not called execve yet."""
        kernel.spaces[number] = self

    # ---- faults -------------------------------------------------------------------------------------

    def fetch(self, page: int, access: int, whole: bool = False) -> int:
        """Makes the page at address `page` present for READ, WRITE or EXEC; returns its line. Raises `AccessFault`.

        With `whole` the caller is about to overwrite all of it, so its contents need not be fetched.
        """
        region = self.regions.find(page)
        if region is None:
            above = self.regions.at_or_above(page)
            if above is None or not above.flags & MAP_GROWSDOWN:
                raise AccessFault(SIGSEGV, SEGV_MAPERR, page)
            return self._fetch_private(page, access, above)
        rights = rights_of(region.prot)
        if not rights & access:
            raise AccessFault(SIGSEGV, SEGV_ACCERR, page)
        if region.flags & MAP_SHARED:
            return self._fetch_shared(page, region)
        number = page >> PAGE_SHIFT
        if whole or (region.object is None and number not in self.resident):
            return self._fill(page, rights, zero=not whole)
        return self._fetch_private(page, access, region)

    def _fill(self, page: int, rights: int, zero: bool) -> int:
        """A line that needs no message: of zeros, or about to be overwritten."""
        cache = self.cache
        key = self.base_key | page >> PAGE_SHIFT
        line = cache.choose(key, self.kernel.tight)
        if cache.is_dirty(line):
            self._make_room([line], page)
        cache.evict(line)
        if zero:
            cache.line(line)[:] = _ZEROS
            cache.counters.zero_fills += 1
            current.meter.charge(self.kernel.config.zero_fill_ns)
        else:
            cache.counters.write_fills += 1
        cache.install(line, key, rights)
        return line

    def _fetch_private(self, page: int, access: int, region: Region) -> int:
        """A miss: asks the owner, with the victim's data in the same message when the owner has that too."""
        cache = self.cache
        key = self.base_key | page >> PAGE_SHIFT
        owner = self.owners.get(page >> VREGION_SHIFT)
        if owner is None:
            raise AccessFault(SIGSEGV, SEGV_MAPERR, page)
        line = cache.choose(key, self.kernel.tight)
        victim: int | None = None
        payload: Buffer = b""
        if cache.is_dirty(line):
            victim = self._victim_for(line, owner)
            if victim is None:
                self._make_room([line], page)
            else:
                payload = cache.line(line)
        pages = 1
        if region.object is not None:
            self._flush_behind(region, page)
            pages = self._pages_ahead(key, page, region)
        cache.counters.misses += 1
        try:
            reply, contents = self.kernel.endpoint.call(owner, Miss(self.pid, page, access, pages, victim), payload)
        except LinuxError as error:
            raise refused(error, page) from error
        if victim is not None:
            cache.counters.flushes += 1
            cache.counters.piggybacks += 1
            self.resident.add(victim >> PAGE_SHIFT)
        if reply.grown is not None:
            self._grow(reply.grown)
        self._install(line, key, rights_of(reply.prot), contents, reply.pages)
        return line

    def _grow(self, region: Region) -> None:
        """An access made the stack's region grow downwards."""
        self.regions.insert(region)

    def _flush_behind(self, region: Region, page: int) -> None:
        """A private page is about to be read from an object: what shared mappings of it stored goes there first."""
        assert region.object is not None
        shared = self.kernel.objects.known(region.object)
        if shared is not None:
            first = (page - region.start + region.offset) >> PAGE_SHIFT
            lines = self.cache.lines_between(*shared.keys(first, first + self.kernel.config.prefetch_pages))
            self._make_room([line for line in lines if self.cache.is_dirty(line)], page)

    def _victim_for(self, line: int, owner: str) -> int | None:
        """The address of a dirty victim that can travel with a miss to `owner`: it is ours, and the owner's."""
        key = self.cache.key(line)
        if key & at.OBJECT_BIT or key >> at.KEY_SPACE_SHIFT != self.number:
            return None
        address = (key & at.PAGE_MASK) << PAGE_SHIFT
        return address if self.owners.get(address >> VREGION_SHIFT) == owner else None

    def give_up_spares(self, page: int) -> None:
        """Another instruction misses, on `page`: the spare lines that served the one before are written back."""
        self.kernel.tight = False
        spares = self.cache.spares_in_use()
        self._make_room([line for line in spares if self.cache.is_dirty(line)], page)
        for line in spares:
            self.cache.evict(line)

    def _make_room(self, lines: list[int], page: int) -> None:
        """Writes dirty lines back for an access to `page`, which fails if the memory has no room for them."""
        try:
            self.kernel.seats.hold(None)
            self.kernel.flush_lines(lines)
        except LinuxError as error:
            raise refused(error, page) from error

    def _pages_ahead(self, key: int, page: int, region: Region) -> int:
        """How many pages of a file to ask for: more than one when the page before is here, as in a sequential read,
        and nobody here shares the file. Only as many as find room without a write-back, in sets of their own."""
        cache = self.cache
        if cache.find(key - 1) < 0 or (region.object and self.kernel.objects.known(region.object)):
            return 1
        limit = min(self.kernel.config.prefetch_pages, cache.sets, region.end - page >> PAGE_SHIFT)
        count = 1
        while count < limit:
            ahead = key + count
            if cache.find(ahead) >= 0 or cache.is_dirty(cache.choose(ahead)):
                break
            count += 1
        return count

    def _install(self, line: int, key: int, rights: int, contents: Buffer, pages: int) -> None:
        cache = self.cache
        view = memoryview(contents)
        cache.evict(line)
        cache.line(line)[:] = view[:PAGE]
        cache.install(line, key, rights)
        for ahead in range(1, pages):
            extra = cache.choose(key + ahead)
            cache.evict(extra)
            cache.line(extra)[:] = view[ahead << PAGE_SHIFT : (ahead + 1) << PAGE_SHIFT]
            cache.install(extra, key + ahead, rights)
        cache.counters.prefetched += pages - 1

    def _fetch_shared(self, page: int, region: Region) -> int:
        """A miss on a page of an object: one line, whoever maps it and wherever."""
        cache = self.cache
        assert region.object is not None
        shared = self.kernel.objects.of(region.object)
        index = (page - region.start + region.offset) >> PAGE_SHIFT
        if index >= PAGES:
            raise AccessFault(SIGBUS, BUS_ADRERR, page)
        key = shared.base_key | index
        line = cache.find(key)
        if line >= 0:
            return line
        line = cache.choose(key, self.kernel.tight)
        if cache.is_dirty(line):
            self._make_room([line], page)
        cache.counters.misses += 1
        try:
            self.kernel.seats.hold(None)
            _, contents = self.kernel.endpoint.call(
                cache_of(region.object, self.memories), ObjectMiss(region.object, region.handle, index)
            )
        except LinuxError as error:
            raise refused(error, page) from error
        self._install(line, key, 0, contents, 1)
        return line

    def line_of(self, page: int) -> int:
        """The line that an access to a page finds, or -1."""
        region = self.regions.find(page)
        if region is not None and region.flags & MAP_SHARED and region.object is not None:
            index = (page - region.start + region.offset) >> PAGE_SHIFT
            return self.cache.find(self.kernel.objects.of(region.object).base_key | index) if index < PAGES else -1
        return self.cache.find(self.base_key | page >> PAGE_SHIFT)

    # ---- copies in and out ----------------------------------------------------------------------------

    def _line(self, address: int, access: int, whole: bool = False) -> int:
        """The line of an address, for the kernel's own access."""
        inside = 0 <= address < TASK_SIZE  # Numbers of pages beyond would reach into those of other spaces.
        line = self.cache.find(self.base_key | address >> PAGE_SHIFT) if inside else -1
        if line >= 0 and self.cache.rights(line) & access:
            return line
        if line >= 0 or not inside:
            raise LinuxError(E.EFAULT)
        try:
            return self.fetch(page_down(address), access, whole)
        except AccessFault as fault:
            raise LinuxError(E.EFAULT) from fault

    def read(self, address: int, length: int) -> bytes:
        """Copies from the guest. EFAULT when any byte may not be read."""
        offset = address & PAGE - 1
        if offset + length <= PAGE:
            if length == 0:
                return b""
            return bytes(self.cache.line(self._line(address, READ))[offset : offset + length])
        parts = []
        while length > 0:
            offset = address & PAGE - 1
            count = min(PAGE - offset, length)
            parts.append(bytes(self.cache.line(self._line(address, READ))[offset : offset + count]))
            address += count
            length -= count
        return b"".join(parts)

    def write(self, address: int, data: Buffer) -> None:
        """Copies to the guest. EFAULT when a byte may not be written; those before it have been."""
        view = memoryview(data)
        done = 0
        while done < len(view):
            offset = address & PAGE - 1
            count = min(PAGE - offset, len(view) - done)
            line = self._line(address, WRITE, whole=count == PAGE)
            self.cache.mark_dirty(line)
            self.cache.line(line)[offset : offset + count] = view[done : done + count]
            address += count
            done += count

    # ---- layout ---------------------------------------------------------------------------------------

    def apply(self, reply: LayoutReply | RemapReply) -> None:
        """Does here what a layout call did at the memory: forgets what is gone, learns what is new."""
        shared: list[Region] = []
        for start, end in reply.removed:
            shared += self._remove(start, end)
            self.forget(start, end)
        self.owners.update(reply.owners)
        for region in reply.added:
            if region.flags & MAP_SHARED:
                shared.append(region)
            self._add(region)
        if shared:
            self._rebuild_windows()
            self.kernel.objects.tell(shared)

    def _remove(self, start: int, end: int) -> list[Region]:
        """Takes the regions of a range out; returns those that were shared mappings."""
        shared = [region for region in self.regions.remove(start, end) if region.flags & MAP_SHARED]
        for region in shared:
            self._unmap(region)
        return shared

    def _unmap(self, region: Region) -> None:
        """A shared mapping is gone. Its object is forgotten with the last one; its dirty lines were written back."""
        objects = self.kernel.objects
        if objects.unmap(region):
            assert region.object is not None
            shared = objects.of(region.object)
            for line in self.cache.lines_between(*shared.keys()):
                self.cache.drop(line)
            objects.forget(shared)

    def shares_writable_memory(self) -> bool:
        """Whether another process may see what is stored here: the space has a shared mapping that is, or can be made,
        writable, or several processes run in it. The manager keeps such processes on one processor."""
        return self.users > 1 or any(
            region.flags & MAP_SHARED and (region.prot & PROT_WRITE or not region.flags & NEVER_WRITABLE)
            for region in self.regions
        )

    def _add(self, region: Region) -> None:
        if region.flags & MAP_SHARED:
            self.kernel.objects.map(region)  # Before what was there goes: it may be the same object.
        self._remove(region.start, region.end)
        self.regions.insert(region)
        if region.object is not None:
            self.mapped.add(region.object)
            self.kernel.seats.mapped(region.object)

    def load(self, regions: list[Region], resident: list[tuple[int, int]], owners: dict[int, str]) -> None:
        """Starts with the layout of a program that was just loaded."""
        self.owners.update(owners)
        for region in regions:
            self._add(region)
        for start, end in resident:
            self.resident.update(range(start >> PAGE_SHIFT, end >> PAGE_SHIFT))
        self._rebuild_windows()
        self.kernel.objects.tell([region for region in regions if region.flags & MAP_SHARED])

    def protect(self, reply: LayoutReply) -> None:
        """Applies mprotect: regions and lines get their new rights, contents stay."""
        for region in reply.added:
            self._add(region)
            if not region.flags & MAP_SHARED:
                rights = rights_of(region.prot)
                for line in self.lines(region.start, region.end):
                    self.cache.set_rights(line, rights)
        if any(region.flags & MAP_SHARED for region in reply.added):
            self._rebuild_windows()

    def lines(self, start: int, end: int) -> list[int]:
        """The private lines in a range of addresses."""
        return self.cache.lines_between(self.base_key | start >> PAGE_SHIFT, self.base_key + (end >> PAGE_SHIFT))

    def forget(self, start: int, end: int) -> None:
        """Drops the private lines of a range, and that the memory has contents there."""
        for line in self.lines(start, end):
            self.cache.drop(line)
        first, last = start >> PAGE_SHIFT, end >> PAGE_SHIFT
        if last - first < len(self.resident):
            self.resident.difference_update(range(first, last))
        else:
            self.resident = {page for page in self.resident if not first <= page < last}

    def remap(self, reply: RemapReply) -> None:
        """Applies mremap: pages that the memory has contents for have them at their new place."""
        moved: set[int] = set()
        if reply.moved is not None:
            start, to, length = reply.moved
            first, count, shift = start >> PAGE_SHIFT, length >> PAGE_SHIFT, (to - start) >> PAGE_SHIFT
            moved = {page + shift for page in self.resident if first <= page < first + count}
        self.apply(reply)
        self.resident |= moved

    def held(self, start: int, end: int) -> tuple[set[int], set[int]]:
        """Page numbers of a range: those with a private line here, and the anonymous ones that the memory has
        contents for."""
        first, last = start >> PAGE_SHIFT, end >> PAGE_SHIFT
        lines = {self.cache.key(line) & at.PAGE_MASK for line in self.lines(start, end)}
        return lines, {page for page in self.resident if first <= page < last}

    def resident_ranges(self) -> list[tuple[int, int]]:
        """Ranges of addresses of anonymous pages that the memory has contents for."""
        return [(low << PAGE_SHIFT, high << PAGE_SHIFT) for low, high in ranges_of(self.resident)]

    def flush_private(self, start: int, end: int) -> None:
        """Writes dirty private lines of a range back."""
        self.kernel.flush_lines([line for line in self.lines(start, end) if self.cache.is_dirty(line)])

    def flush_range(self, start: int, end: int) -> None:
        """Writes dirty lines of a range back, private and shared ones."""
        lines = [line for line in self.lines(start, end) if self.cache.is_dirty(line)]
        for region in self.regions.overlapping(start, end):
            if region.flags & MAP_SHARED:
                lines += [line for line in self._shared_lines(region.cut(start, end)) if self.cache.is_dirty(line)]
        self.kernel.flush_lines(lines)

    def flush_shared(self, start: int, end: int) -> None:
        """Writes dirty lines of shared mappings in a range back, and forgets all their lines."""
        for region in self.regions.overlapping(start, end):
            if region.flags & MAP_SHARED:
                lines = self._shared_lines(region.cut(start, end))
                self.kernel.flush_lines([line for line in lines if self.cache.is_dirty(line)])
                for line in lines:
                    self.cache.drop(line)

    def regions_of(self, thing: ObjectId) -> list[Region]:
        """The regions that map an object."""
        return [region for region in self.regions if region.object == thing] if thing in self.mapped else []

    def _shared_lines(self, region: Region) -> list[int]:
        assert region.object is not None
        first, pages = region.offset >> PAGE_SHIFT, region.length >> PAGE_SHIFT
        return self.cache.lines_between(*self.kernel.objects.of(region.object).keys(first, first + pages))

    def _rebuild_windows(self) -> None:
        self.windows = self.kernel.objects.windows(self.regions)
        self.kernel.seats.mappings_changed()
        if len(self.windows) > at.WINDOWS_MAX:
            raise LinuxError(E.ENOMEM, "too many shared mappings in one address space")
        if self.kernel.current_space is self:
            self.cache.enter(self.base_key, self.windows)

    def release(self) -> None:
        """The process is gone, or has another image: private lines are dropped, dirty shared ones written back. What a
        full memory does not take is lost, and counted."""
        try:
            self.flush_shared(0, TASK_SIZE)
        except LinuxError:
            for region in self.regions:
                for line in self._shared_lines(region) if region.flags & MAP_SHARED else ():
                    self.kernel.counters.lost_lines += int(self.cache.is_dirty(line))
                    self.cache.drop(line)
        self.forget(0, TASK_SIZE)
        self.windows = []
        self.kernel.objects.tell(self._remove(0, TASK_SIZE))
        self.kernel.seats.mappings_changed()


_ZEROS = bytes(PAGE)
