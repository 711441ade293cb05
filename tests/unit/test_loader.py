"""mcomponent.loader: programs of every kind, against Linux's own layout, and files that are no programs."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import pytest
from hostfiles import HostFiles, execute
from loaderchecks import LD, check_invariants, find
from tinyelf import ET_DYN, PT_GNU_STACK, PT_INTERP, Part, R, W, X, make, with_interpreter

from lego.linux import auxv, cpuid
from lego.linux.errno import E, LinuxError
from lego.linux.mman import PROT_EXEC
from lego.regions import PAGE, TASK_SIZE
from mcomponent.layout import STACK_TOP
from mcomponent.loader import command_name, load
from mcomponent.program import Program


def load_made(path: str = "/p", *arguments: str, **made: bytes) -> tuple[Program, HostFiles]:
    files = HostFiles({f"/{name}": data for name, data in made.items()}, host=False)
    program = load(files, execute(path, *(arguments or (path,))))
    check_invariants(program, files)
    return program, files


def failure(path: str = "/p", files: HostFiles | None = None, **made: bytes) -> LinuxError:
    files = files or HostFiles({f"/{name}": data for name, data in made.items()}, host=False)
    with pytest.raises(LinuxError) as error:
        load(files, execute(path, path))
    assert not files.open_handles
    return error.value


def auxiliary(program: Program) -> dict[int, int]:
    """The auxiliary vector, found as a program finds it."""
    data = program.contents[-1][1]
    words = struct.unpack(f"<{len(data) // 8}Q", data[: len(data) // 8 * 8])
    at = 1 + words[0] + 1
    while words[at]:
        at += 1
    return dict(auxv.unpack(data[(at + 1) * 8 :]))


def text_at(program: Program, address: int) -> bytes:
    start, data = program.contents[-1]
    return data[address - start : data.index(b"\0", address - start)]


# ---- what loads ---------------------------------------------------------------------------------------------


def test_a_static_program() -> None:
    data = make(Part(), Part(flags=R | W, vaddr=0x402800, offset=0x800, filesz=0x100, memsz=0x2000), entry=0x400123)
    program, _ = load_made(p=data)
    assert [(r.start, r.end, r.offset) for r in program.regions[:-1]] == [
        (0x400000, 0x401000, 0),
        (0x402000, 0x403000, 0),
        (0x403000, 0x405000, 0),
    ]
    assert program.contents[0] == (0x402900, bytes(0x700))
    assert (program.entry, program.brk, program.path, program.command) == (0x400123, 0x405000, "/p", "p")
    vector = auxiliary(program)
    assert vector[auxv.AT_ENTRY] == program.entry
    assert vector[auxv.AT_PHDR] == 0x400040
    assert (vector[auxv.AT_PHNUM], vector[auxv.AT_PHENT], vector[auxv.AT_BASE]) == (2, 56, 0)


def test_a_static_pie_lies_below_the_mmap_base_and_its_heap_elsewhere() -> None:
    program, _ = load_made(p=make(Part(vaddr=0, memsz=0x3001), kind=ET_DYN, entry=0x80))
    assert (program.regions[0].start, program.regions[-2].end) == (0x7FFFF7FFB000, 0x7FFFF7FFF000)
    assert program.entry == 0x7FFFF7FFB080
    assert program.brk == 0x555555555000
    assert auxiliary(program)[auxv.AT_PHDR] == 0x7FFFF7FFB040


def test_a_pie_and_its_interpreter() -> None:
    program, files = load_made(p=with_interpreter(Part(vaddr=0, memsz=0x1800)), ld=LD)
    assert program.regions[0].start == 0x555555554000
    assert program.brk == 0x555555556000
    base = 0x7FFFF7FFF000 - 0x4000
    assert find(program, base).name == "/ld"
    assert program.entry == base + 0x90
    vector = auxiliary(program)
    assert vector[auxv.AT_BASE] == base
    assert vector[auxv.AT_ENTRY] == 0x555555554078
    assert files.paths == ["/p", "/ld"]
    assert program.path == "/p"


def test_a_fixed_program_with_an_interpreter() -> None:
    program, _ = load_made(p=with_interpreter(Part(vaddr=0x400000), kind=2, entry=0x400078), ld=LD)
    assert program.regions[0].start == 0x400000
    assert program.entry == 0x7FFFF7FFB090


def test_an_interpreter_with_an_address_of_its_own() -> None:
    prelinked = make(Part(vaddr=0x700000), kind=ET_DYN, entry=0x700080)
    fixed = make(Part(vaddr=0x700000), entry=0x700080)
    exec_program = with_interpreter(Part(vaddr=0x400000), kind=2, entry=0x400078)
    pie = with_interpreter(Part(vaddr=0))
    assert load_made(p=exec_program, ld=prelinked)[0].entry == 0x700080  # Free, so it is as good as a hint.
    assert load_made(p=pie, ld=prelinked)[0].entry == 0x7FFFF7FFE080
    program, _ = load_made(p=exec_program, ld=fixed)
    assert (program.entry, auxiliary(program)[auxv.AT_BASE]) == (0x700080, 0)


@pytest.mark.parametrize("align", [0x200000, 0x40000000])
def test_alignment_is_kept(align: int) -> None:
    pie, _ = load_made(p=with_interpreter(Part(vaddr=0, align=align)), ld=LD)
    assert pie.regions[0].start == 0x555555554000 & -align
    static, _ = load_made(p=make(Part(vaddr=0, align=align), kind=ET_DYN, entry=0))
    assert static.regions[0].start == 0x7FFFF7FFE000 & -align


def test_the_stack_is_executable_only_on_request() -> None:
    def stack_prot(*parts: Part) -> int:
        return load_made(p=make(Part(), *parts))[0].regions[-1].prot & PROT_EXEC

    assert not stack_prot()
    assert not stack_prot(Part(PT_GNU_STACK, R | W, filesz=0))
    assert stack_prot(Part(PT_GNU_STACK, R | W | X, filesz=0))
    assert stack_prot(Part(PT_GNU_STACK, R, filesz=0), Part(PT_GNU_STACK, X, filesz=0))  # The last one counts.
    assert not stack_prot(Part(PT_GNU_STACK, X, filesz=0), Part(PT_GNU_STACK, R, filesz=0))


def test_arguments_environment_and_identity_arrive() -> None:
    files = HostFiles({"/bin/p": make(Part())})
    program = load(files, execute("/bin/p", "p", "", "x y", environment=("A=1", "B=")))
    vector = auxiliary(program)
    assert text_at(program, vector[auxv.AT_EXECFN]) == b"/bin/p"
    assert text_at(program, vector[auxv.AT_PLATFORM]) == b"x86_64"
    assert [vector[kind] for kind in (auxv.AT_UID, auxv.AT_EUID, auxv.AT_GID, auxv.AT_EGID)] == [1000, 1001, 1002, 1003]
    assert vector[auxv.AT_HWCAP] == cpuid.HWCAP
    assert (vector[auxv.AT_SECURE], vector[auxv.AT_CLKTCK], vector[auxv.AT_HWCAP2]) == (0, 100, 0)
    assert auxv.AT_SYSINFO_EHDR not in vector
    start, data = program.contents[-1]
    assert struct.unpack_from("<Q", data)[0] == 3
    assert data[vector[auxv.AT_RANDOM] - start :][:16] == bytes(range(16))
    assert program.arguments == [b"p", b"", b"x y"]


def test_a_program_without_arguments_gets_an_empty_one() -> None:
    program = load(HostFiles({"/p": make(Part())}), execute("/p"))
    assert program.arguments == [b""]
    assert struct.unpack_from("<Q", program.contents[-1][1])[0] == 1


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/usr/bin/python3", "python3"),
        ("wc", "wc"),
        ("./a", "a"),
        ("/bin/abcdefghijklmnopq", "abcdefghijklmno"),
        ("/bin/abcdefghijklmnä", "abcdefghijklmn"),
        ("/bin/\udcffx", "x"),
    ],
)
def test_the_command_is_the_last_part_of_the_path(path: str, name: str) -> None:
    assert command_name(path.encode(errors="surrogateescape")) == name


# ---- against the host ---------------------------------------------------------------------------------------

NATIVE = """
import ctypes, os, sys
if len(sys.argv) == 1:
    ctypes.CDLL(None).personality(0x0040000)
    os.execve(sys.executable, [sys.executable, "-c", os.environ["SOURCE"], "again"], {"A": "1"})
print(open("/proc/self/auxv", "rb").read().hex())
print(open("/proc/self/stat").read().rpartition(")")[2])
print(open("/proc/self/maps").read(), end="")
"""


def test_the_layout_is_the_hosts_own_without_randomisation() -> None:
    """Runs this Python with ADDR_NO_RANDOMIZE and compares what the kernel says with what the loader does."""
    run = subprocess.run(
        [sys.executable, "-c", NATIVE], env={"SOURCE": NATIVE}, capture_output=True, text=True, timeout=60, check=True
    )
    vector_line, stat_line, *maps = run.stdout.splitlines()
    native = dict(auxv.unpack(bytes.fromhex(vector_line)))
    if native.get(auxv.AT_PHDR, 0) >> 12 not in (0x555555554, 0x400):
        pytest.skip("this host does not let address randomisation be turned off")
    request = execute(sys.executable, sys.executable, "-c", NATIVE, "again", environment=("A=1",))
    program = load(HostFiles(), request)
    vector = auxiliary(program)
    same = (
        auxv.AT_PHDR, auxv.AT_PHENT, auxv.AT_PHNUM, auxv.AT_BASE, auxv.AT_ENTRY, auxv.AT_FLAGS, auxv.AT_PAGESZ,
        auxv.AT_CLKTCK, auxv.AT_SECURE, auxv.AT_RANDOM, auxv.AT_EXECFN, auxv.AT_PLATFORM,
    )  # fmt: skip
    assert {kind: vector[kind] for kind in same} == {kind: native[kind] for kind in same}
    assert [kind for kind in native if kind in vector] == list(vector)
    fields = stat_line.split()
    start_stack, start_brk, argument_start = int(fields[25]), int(fields[44]), int(fields[45])
    assert program.brk == start_brk
    assert program.stack_pointer == start_stack + 16 * (len(native) - len(vector))
    first = struct.unpack_from("<Q", program.contents[-1][1], 8)[0]
    assert first == argument_start
    spans = [tuple(int(end, 16) for end in line.split()[0].split("-")) for line in maps if line.endswith("python3.11")]
    assert not spans or (spans[0][0], spans[-1][1]) == span(program, program.path)


def span(program: Program, name: str) -> tuple[int, int]:
    regions = [region for region in program.regions if region.name == name]
    return regions[0].start, regions[-1].end


@pytest.mark.parametrize("path", ["/bin/true", "/bin/sh", "/usr/bin/env", sys.executable])
def test_host_programs_load(path: str) -> None:
    if not Path(path).exists():
        pytest.skip(f"no {path} here")
    files = HostFiles()
    program = load(files, execute(path, path))
    check_invariants(program, files)
    assert program.path == str(Path(path).resolve())


# ---- scripts ------------------------------------------------------------------------------------------------


def test_a_script_runs_its_interpreter() -> None:
    program, files = load_made("/script.sh", "ignored", "x", **{"script.sh": b"#! /p -e  y \n", "p": make(Part())})
    assert program.arguments == [b"/p", b"-e  y", b"/script.sh", b"x"]
    assert (program.path, program.command) == ("/p", "script.sh")
    assert text_at(program, auxiliary(program)[auxv.AT_EXECFN]) == b"/script.sh"
    assert files.paths == ["/script.sh", "/p"]


def test_scripts_nest_five_deep_and_no_deeper() -> None:
    chain = {f"s{number}": b"#!/s%d\n" % (number + 1) for number in range(1, 8)}
    made = {**chain, "s6": make(Part())}
    program, _ = load_made("/s1", "/s1", "x", **made)
    assert program.arguments == [b"/s6", b"/s5", b"/s4", b"/s3", b"/s2", b"/s1", b"x"]
    made = {**chain, "s7": make(Part())}
    assert failure("/s1", **made).errno == E.ELOOP
    assert failure("/loop", loop=b"#!/loop\n").errno == E.ELOOP


def test_a_missing_script_interpreter_is_named() -> None:
    error = failure("/s", s=b"#!/no/such/sh -e\n")
    assert error.errno == E.ENOENT
    assert "'/no/such/sh'" in error.detail
    assert "'/s'" in error.detail


@pytest.mark.parametrize(
    ("data", "errno"),
    [(b"#!\n", E.ENOEXEC), (b"#!/" + b"a" * 400, E.ENOEXEC), (b"#!\0", E.EACCES), (b"#!/s\xff\n", E.ENOENT)],
)
def test_broken_scripts(data: bytes, errno: int) -> None:
    assert failure("/s", s=data).errno == errno


def test_a_script_whose_interpreter_is_no_program() -> None:
    error = failure("/s", s=b"#!/t\n", t=b"just text\n")
    assert (error.errno, error.detail) == (E.ENOEXEC, "not an ELF file and no #! script")


# ---- what does not load -------------------------------------------------------------------------------------


def test_errors_of_opening_pass_through() -> None:
    assert failure("/none").errno == E.ENOENT
    error = failure("/tmp", HostFiles())
    assert (error.errno, error.detail) == (E.EACCES, "/tmp is a directory")
    error = failure("/dev/null", HostFiles())
    assert (error.errno, error.detail) == (E.EACCES, "/dev/null is not a regular file")


@pytest.mark.parametrize(
    ("data", "errno", "detail"),
    [
        (b"", E.ENOEXEC, "an empty file"),
        (b"echo hello\n", E.ENOEXEC, "not an ELF file and no #! script"),
        (make(Part(), machine=3), E.ENOEXEC, "(EM_386)"),
        (make(Part(PT_GNU_STACK)), E.ENOEXEC, "nothing to load"),
        (make(Part(filesz=0), kind=ET_DYN), E.EINVAL, "nothing to load"),
        (make(Part(vaddr=0x400010)), E.EINVAL, "not aligned"),
        (make(Part(filesz=0x3000)), E.ENOEXEC, "truncated ELF: segment 0 ends at byte 12,288 of a file of 4,096"),
        (make(Part(memsz=1)), E.EINVAL, "impossible address or size"),
        (make(Part(memsz=1 << 63)), E.EINVAL, "impossible address or size"),
        (make(Part(vaddr=1 << 63)), E.EINVAL, "impossible address or size"),
        (make(Part(vaddr=0)), E.EPERM, "below the lowest address"),
        (make(Part(vaddr=STACK_TOP - PAGE)), E.EEXIST, "mapped"),
        (make(Part(), Part(vaddr=STACK_TOP - PAGE)), E.EINVAL, "overlaps the stack"),
        (make(Part(), entry=1 << 63), E.EINVAL, "entry point"),
        (make(Part(vaddr=0, memsz=TASK_SIZE), kind=ET_DYN), E.ENOMEM, "no room"),
        (make(Part(PT_INTERP, filesz=1), Part()), E.ENOEXEC, "1 bytes"),
        (make(Part(PT_INTERP, filesz=4097), Part()), E.ENOEXEC, "4,097 bytes"),
        (make(Part(PT_INTERP, filesz=9, offset=0xFFF), Part()), E.EIO, "beyond the end"),
        (make(Part(PT_INTERP, filesz=4), Part()), E.ENOEXEC, "no end"),
    ],
)
def test_files_that_are_no_programs(data: bytes, errno: int, detail: str) -> None:
    error = failure(p=data)
    assert error.errno == errno
    assert detail in error.detail


def test_a_missing_elf_interpreter_is_named() -> None:
    error = failure(p=with_interpreter(Part(vaddr=0), path=b"/lib/ld-none.so\0"))
    assert error.errno == E.ENOENT
    assert "'/lib/ld-none.so'" in error.detail
    assert "/p" in error.detail


@pytest.mark.parametrize(
    ("ld", "errno", "detail"),
    [
        (b"", E.EIO, "shorter"),
        (b"x" * 64, E.ELIBBAD, "not an ELF file"),
        (b"#!/p\n" + bytes(99), E.ELIBBAD, "not an ELF file"),
        (make(Part(vaddr=0), machine=40), E.ELIBBAD, "ARM"),
        (make(Part(PT_GNU_STACK)), E.ELIBBAD, "nothing to load"),
        (make(Part(vaddr=0, memsz=1 << 62), kind=ET_DYN), E.ENOMEM, "impossible"),
        (make(Part(vaddr=0, filesz=0x5000), kind=ET_DYN), E.ENOEXEC, "truncated"),
        (make(Part(vaddr=0), kind=ET_DYN, entry=1 << 62), E.EINVAL, "entry point"),
        (make(Part(vaddr=0)), E.EPERM, "below the lowest address"),
    ],
)
def test_broken_elf_interpreters(ld: bytes, errno: int, detail: str) -> None:
    error = failure(p=with_interpreter(Part(vaddr=0)), ld=ld)
    assert error.errno == errno
    assert detail in error.detail


def test_an_interpreter_whose_own_interpreter_is_missing_is_no_matter() -> None:
    program, files = load_made(p=with_interpreter(Part(vaddr=0)), ld=with_interpreter(Part(vaddr=0), path=b"/none\0"))
    assert files.paths == ["/p", "/ld"]
    assert program.entry == 0x7FFFF7FFE078


def test_too_many_arguments_are_e2big_before_the_file_is_looked_at() -> None:
    files = HostFiles({"/p": b"garbage"})
    with pytest.raises(LinuxError) as error:
        load(files, execute("/p", "x" * 131_072))
    assert error.value.errno == E.E2BIG
    assert not files.open_handles


def test_a_script_line_may_be_the_one_argument_too_many() -> None:
    files = HostFiles({"/s": b"#!/p an-argument\n", "/p": make(Part())})
    room = 131_072 - 3 - 2 * 8 - 1
    load(HostFiles({"/s": make(Part())}), execute("/s", "", "x" * (room - 1), stack_limit=262_144))
    with pytest.raises(LinuxError) as error:
        load(files, execute("/s", "", "x" * (room - 1), stack_limit=262_144))
    assert error.value.errno == E.E2BIG


def test_a_nul_in_an_argument_is_refused() -> None:
    with pytest.raises(LinuxError) as error:
        load(HostFiles({"/p": make(Part())}), execute("/p", "a\0b"))
    assert error.value.errno == E.EINVAL
