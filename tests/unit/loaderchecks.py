"""What must hold of every program that loads, and an ELF interpreter to load with it."""

from __future__ import annotations

from hostfiles import HostFiles
from tinyelf import ET_DYN, Part, R, W, make

from lego.linux.mman import MAP_ANONYMOUS, MAP_PRIVATE, MAP_TYPE, PROT_WRITE
from lego.regions import PAGE, TASK_SIZE, Region
from mcomponent.layout import MMAP_MIN_ADDRESS
from mcomponent.program import Program

LD = make(
    Part(vaddr=0), Part(flags=R | W, vaddr=0x2100, offset=0x100, filesz=0x80, memsz=0x1000), kind=ET_DYN, entry=0x90
)


def check_invariants(program: Program, files: HostFiles) -> None:
    """What must hold of every program that loads."""
    end = MMAP_MIN_ADDRESS
    for region in program.regions:
        assert end <= region.start < region.end <= TASK_SIZE
        assert region.start % PAGE == region.end % PAGE == region.offset % PAGE == 0
        assert region.flags & MAP_TYPE == MAP_PRIVATE
        assert (region.object is None) == bool(region.flags & MAP_ANONYMOUS) == (region.handle == 0)
        end = region.end
    assert {region.handle for region in program.regions} - {0} == files.open_handles
    for address, data in program.contents:
        region = find(program, address)
        assert data
        assert address + len(data) <= region.end
        assert region.prot & PROT_WRITE
    assert 0 <= program.entry < TASK_SIZE
    assert program.brk % PAGE == 0
    assert program.stack_pointer % 16 == 0
    assert program.regions[-1].name == "[stack]"
    assert len(program.command.encode()) <= 15


def find(program: Program, address: int) -> Region:
    return next(region for region in program.regions if region.start <= address < region.end)
