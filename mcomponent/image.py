"""The image of a program while it is put together: mappings, and bytes to store into them.

Operations apply in the order in which Linux makes them, so a later mapping takes the place of an earlier one,
contents included. Addresses that do not fit are refused as mmap(2) refuses them.

Sources: mm/mmap.c (get_unmapped_area, vm_brk_flags), fs/binfmt_elf.c (elf_map, elf_load, padzero).
"""

from __future__ import annotations

from lego.linux.errno import E, LinuxError
from lego.linux.mman import MAP_ANONYMOUS, MAP_PRIVATE, PROT_EXEC, PROT_WRITE
from lego.regions import PAGE, TASK_SIZE, Region, RegionMap, page_down, page_up
from mcomponent.elf import Segment
from mcomponent.files import OpenedFile
from mcomponent.layout import DATA_PROT, MMAP_MIN_ADDRESS, prot_of


class Image:
    """Regions around a stack, with places for new ones found below `base`."""

    def __init__(self, stack: Region, base: int) -> None:
        self.regions = RegionMap()
        self.regions.insert(stack)
        self._stack = stack
        self._base = base
        self._contents: dict[int, bytes] = {}

    def place(self, length: int, hint: int = 0) -> int:
        """A free range of `length` bytes: at the page of `hint` if that is free, else the highest below the base.
        ENOMEM when there is none."""
        length = page_up(length)
        start = page_down(hint)
        if (
            start >= MMAP_MIN_ADDRESS
            and start + length <= TASK_SIZE
            and not self.regions.overlapping(start, start + length)
        ):
            return start
        found = self.regions.highest_gap(length, MMAP_MIN_ADDRESS, self._base)
        if found is None:
            raise LinuxError(E.ENOMEM, f"no room for {length:,} bytes in the address space")
        return found

    def reserve(self, start: int, length: int) -> None:
        """Checks that a range can be mapped and is free, as MAP_FIXED_NOREPLACE does: EEXIST, ENOMEM, EPERM."""
        end = self._check(start, length)
        if self.regions.overlapping(page_down(start), end):
            raise LinuxError(E.EEXIST, f"something is mapped in {page_down(start):#x}-{end:#x} already")

    def load(self, file: OpenedFile, segment: Segment, address: int) -> None:
        """Maps a segment of a file at an address, which is that of its first byte: file pages, then zeros.

        What the file's last page has after the segment is zeroed when the segment is writable. Zero pages are
        always writable, as Linux has it.
        """
        prot = prot_of(segment.flags)
        zeros = address + segment.filesz
        if segment.filesz:
            start, end = page_down(address), self._check(address, segment.filesz)
            offset = segment.offset - (address - start)
            mapped = Region(
                start, end, prot, MAP_PRIVATE, object=file.object, offset=offset, handle=file.handle, name=file.path
            )
            self._map(mapped)
            zeros = page_up(zeros)
            if segment.memsz > segment.filesz and prot & PROT_WRITE and address + segment.filesz < zeros:
                self._contents[address + segment.filesz] = bytes(zeros - address - segment.filesz)
        start, end = page_down(zeros), page_up(address + segment.memsz)
        if segment.memsz > segment.filesz and start < end:
            end = self._check(start, end - start)
            self._map(Region(start, end, DATA_PROT | prot & PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS))

    def contents(self) -> list[tuple[int, bytes]]:
        """What is to be stored, by address."""
        return sorted(self._contents.items())

    def _check(self, start: int, length: int) -> int:
        """The end of a range that can be mapped at a fixed address. ENOMEM beyond the address space, EPERM too low."""
        if start < 0 or start + length > TASK_SIZE:
            raise LinuxError(E.ENOMEM, f"a segment at {start:#x} lies outside the address space")
        if start < MMAP_MIN_ADDRESS:
            raise LinuxError(E.EPERM, f"a segment at {start:#x}, below the lowest address that may be mapped")
        return page_up(start + length)

    def _map(self, region: Region) -> None:
        if region.end > self._stack.start:
            raise LinuxError(E.EINVAL, f"a segment at {region.start:#x} overlaps the stack")
        self._contents = {at: data for at, data in self._contents.items() if not region.start <= at < region.end}
        self.regions.insert(region)


def check_segment(segment: Segment, number: int, size: int, errno: int) -> None:
    """Refuses a PT_LOAD that cannot be mapped whatever the address: `LinuxError(errno)` for impossible sizes,
    EINVAL for an offset that is not congruent to the address.

    ENOEXEC for one whose pages lie beyond the file's `size`: Linux maps those, and kills the program with
    SIGBUS when it touches them; that the file was cut off is the better answer.
    """
    what = f"segment {number} ({segment.memsz:#x} bytes at {segment.vaddr:#x})"
    if (
        segment.vaddr >= TASK_SIZE
        or segment.filesz > segment.memsz
        or segment.memsz > TASK_SIZE
        or TASK_SIZE - segment.memsz < segment.vaddr
    ):
        raise LinuxError(errno, f"malformed ELF: {what} has an impossible address or size")
    if not segment.filesz:
        return
    if (segment.offset - segment.vaddr) % PAGE:
        raise LinuxError(E.EINVAL, f"malformed ELF: {what} is not aligned in the file as it is in memory")
    if segment.offset + segment.filesz > page_up(size):
        end = segment.offset + segment.filesz
        raise LinuxError(E.ENOEXEC, f"truncated ELF: segment {number} ends at byte {end:,} of a file of {size:,}")
