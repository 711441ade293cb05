"""The loader: from a path and arguments to the image of a program, ready to be mapped.

    program = load(files, request)       # a Program, or LinuxError

What `load` opens it closes again, but for the handles in `program.regions`: those are the caller's from then on,
one for each file that is mapped. After an error nothing is open.

It follows execve(2): the file is opened, arguments are counted, scripts lead to their interpreters, and the
ELF file that this ends at is laid out as Linux does without address randomisation (see `mcomponent.layout`):

- ET_EXEC goes where it says, a PIE to 0x555555554000, a static PIE and an ELF interpreter below the mmap base.
- The heap starts at the page after the program's last byte; for a static PIE at 0x555555555000, since up
  there it would soon meet the stack (Linux 6.15: "binfmt_elf: Move brk for static PIE even if ASLR disabled").
- There is no vDSO: time is asked for by system call, which is how it becomes virtual.

Malformed files are ENOEXEC (a program's headers), ELIBBAD (its interpreter's), EINVAL, ENOMEM or EPERM (addresses
and sizes that cannot be), EIO (an interpreter's name beyond the end of the file). Natively a program has
lost its old image by the time some of these are found, and is killed; here a failed execve always returns.

Sources: fs/exec.c (do_execveat_common, exec_binprm), fs/binfmt_script.c, fs/binfmt_elf.c (load_elf_binary,
load_elf_interp).
"""

from __future__ import annotations

from typing import NamedTuple

from lego.linux import auxv, cpuid
from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import PATH_MAX
from lego.linux.stat import S_IFDIR, S_IFREG
from lego.regions import PAGE, TASK_SIZE, page_down, page_up
from mcomponent import elf, script
from mcomponent.elf import Header, Segment
from mcomponent.files import FileSource, OpenedFile
from mcomponent.image import Image, check_segment
from mcomponent.layout import ET_DYN_BASE, mmap_base
from mcomponent.messages import Execute, OpenProgram
from mcomponent.program import Program
from mcomponent.stack import Stack, check_limits

COMMAND_BYTES_MAX = 15
"""TASK_COMM_LEN without its NUL."""

_WORD = (1 << 64) - 1


def load(files: FileSource, request: Execute) -> Program:
    """Loads a program as execve(2) would. Raises `LinuxError`: see the module's text and `Execute`."""
    opener = _Opener(files, request)
    try:
        program = _load(opener, request)
    except BaseException:
        opener.close_all_but(set())
        raise
    opener.close_all_but({region.handle for region in program.regions})
    return program


class _Opener:
    """Opens files for one execve, and remembers which are open."""

    def __init__(self, files: FileSource, request: Execute) -> None:
        self._files = files
        self._request = request
        self._opened: list[OpenedFile] = []

    def open(self, path: str, missing: str = "") -> OpenedFile:
        """Opens a file; an error's detail becomes `missing` when that is given."""
        try:
            file = self._files.open(self._request.vnode, self._request.directory, path)
        except UnicodeEncodeError:
            raise LinuxError(E.ENOENT, missing or "names that are not UTF-8 cannot be opened") from None
        except LinuxError as error:
            if not missing:
                raise
            raise LinuxError(error.errno, f"{missing}: {error}") from error
        return self._regular(file, path)

    def adopt(self, program: OpenProgram) -> OpenedFile:
        """A file that is open already."""
        return self._regular(self._files.adopt(program), program.path)

    def _regular(self, file: OpenedFile, path: str) -> OpenedFile:
        self._opened.append(file)
        if file.stat.kind != S_IFREG:
            what = "a directory" if file.stat.kind == S_IFDIR else "not a regular file"
            raise LinuxError(E.EACCES, f"{path} is {what}")
        return file

    def close_all_but(self, handles: set[int]) -> None:
        """Gives back what is open and not among the handles to keep."""
        for file in self._opened:
            if file.handle not in handles:
                file.close()
        self._opened.clear()


class _Candidate(NamedTuple):
    """A file that may be a program, and its first bytes."""

    file: OpenedFile
    start: bytes
    arguments: list[bytes]


def _load(opener: _Opener, request: Execute) -> Program:
    opened = request.opened
    file = opener.open(request.path) if opened is None else opener.adopt(opened)
    called = request.called or request.path
    filename = called.encode(errors="surrogateescape")
    arguments = list(request.arguments) or [b""]  # A program may count on argv[0] (fs/exec.c, since 5.18).
    if any(b"\0" in string for string in (filename, *arguments, *request.environment)):
        raise LinuxError(E.EINVAL, "a NUL byte within an argument or variable")
    check_limits(filename, request.arguments, request.environment, request.stack_limit)
    found = _Candidate(file, _start(file), arguments)
    if request.closes and script.parse(found.start) is not None:
        raise LinuxError(E.ENOENT, f"{called} will be closed when the script's interpreter opens it")
    found = _through_scripts(opener, filename, found)
    check_limits(filename, found.arguments, request.environment, request.stack_limit)
    stack = Stack(filename, found.arguments, request.environment, request.random, request.stack_limit)
    loaded = _load_elf(opener, found, stack, request.stack_limit)
    image = stack.image(_auxiliary(loaded, stack, request))
    return Program(
        regions=list(loaded.image.regions),
        contents=[*loaded.image.contents(), (stack.pointer, image)],
        entry=loaded.start,
        stack_pointer=stack.pointer,
        brk=loaded.brk,
        path=found.file.path,
        command=command_name(_path_bytes(request.path if opened is None else file.path)),
        arguments=found.arguments,
        strings=stack.strings,
    )


def _path_bytes(path: str) -> bytes:
    """The path of an open file, without what tells that it has no name any more."""
    return path.removesuffix(" (deleted)").encode(errors="surrogateescape")


def command_name(filename: bytes) -> str:
    """The name of a program for /proc/PID/comm: the last part of the path that was executed, a script's own.

    Linux cuts after 15 bytes; a character that this would cut in two is left out.
    """
    name = filename.rpartition(b"/")[2][:COMMAND_BYTES_MAX]
    return name.decode(errors="ignore")


# ---- scripts ------------------------------------------------------------------------------------------------


def _start(file: OpenedFile) -> bytes:
    return file.read(0, min(script.BUFFER_BYTES, file.stat.size))


def _through_scripts(opener: _Opener, name: bytes, found: _Candidate) -> _Candidate:
    """Follows #! lines to a file that is none; ELOOP when there are too many."""
    for _ in range(script.LEVELS_MAX + 1):
        line = script.parse(found.start)
        if line is None:
            return found
        extra = [line.interpreter] if line.argument is None else [line.interpreter, line.argument]
        arguments = [*extra, name, *found.arguments[1:]]
        interpreter, of = _text(line.interpreter), _text(name)
        if not line.interpreter:  # Linux takes it for the working directory.
            raise LinuxError(E.EACCES, f"the script {of} names an empty interpreter")
        file = opener.open(_path(line.interpreter), f"cannot run the interpreter {interpreter} of the script {of}")
        found = _Candidate(file, _start(file), arguments)
        name = line.interpreter
    raise LinuxError(E.ELOOP, f"scripts nested more than {script.LEVELS_MAX} deep")


def _path(name: bytes) -> str:
    """A path for the storage component, whatever the host's locale."""
    return name.decode(errors="surrogateescape")


def _text(name: bytes) -> str:
    """A name for a message."""
    return repr(name.decode(errors="replace"))


# ---- ELF ----------------------------------------------------------------------------------------------------


class _Loaded(NamedTuple):
    """A program in its image."""

    image: Image
    header: Header
    headers: int
    """Addresses, as they are in memory: of the program headers ..."""
    entry: int
    """... of the program's entry ..."""
    base: int
    """... where its interpreter is, 0 without one ..."""
    start: int
    """... where the first instruction is: the interpreter's entry if there is one ..."""
    brk: int
    """... and where the heap starts."""


class _Elf(NamedTuple):
    """An ELF file, read and found to be in order."""

    file: OpenedFile
    header: Header
    segments: list[Segment]

    @property
    def loads(self) -> list[Segment]:
        """The segments to load; at least one."""
        return elf.loads(self.segments)


def _read_elf(file: OpenedFile, start: bytes, errno: int, size_errno: int) -> _Elf:
    """Reads and checks headers: `errno` for what is no ELF file for this machine, `size_errno` for impossible sizes."""
    size = file.stat.size
    header = elf.parse_header(start, size, errno)
    segments = elf.parse_segments(header, file.read(header.phoff, header.table_bytes), errno)
    if not elf.loads(segments):
        # Linux starts such a program, which dies at its first instruction.
        raise LinuxError(errno, "ELF without a PT_LOAD segment: nothing to load")
    for number, segment in enumerate(segments):
        if segment.type == elf.PT_LOAD:
            check_segment(segment, number, size, size_errno)
    if elf.total_mapping_size(segments) == 0:
        raise LinuxError(E.EINVAL, "ELF whose segments are all empty: nothing to load")
    return _Elf(file, header, segments)


def _load_elf(opener: _Opener, found: _Candidate, stack: Stack, stack_limit: int) -> _Loaded:
    program = _read_elf(found.file, found.start, E.ENOEXEC, E.EINVAL)
    interpreter = _open_interpreter(opener, program)
    executable = [bool(s.flags & elf.PF_X) for s in program.segments if s.type == elf.PT_GNU_STACK]
    image = Image(stack.region(bool(executable and executable[-1])), mmap_base(stack_limit))
    bias = _program_bias(image, program, has_interpreter=interpreter is not None)
    for segment in program.loads:
        image.load(program.file, segment, bias + segment.vaddr)
    entry = (program.header.entry + bias) & _WORD
    start, base = entry, 0
    if interpreter is not None:
        base = _interpreter_bias(image, interpreter, moves=bias != 0)
        for segment in interpreter.loads:
            image.load(interpreter.file, segment, base + segment.vaddr)
        start = (interpreter.header.entry + base) & _WORD
    if start >= TASK_SIZE:
        raise LinuxError(E.EINVAL, f"malformed ELF: entry point {start:#x} lies outside the address space")
    brk = page_up(max(s.vaddr + s.memsz for s in program.loads) + bias)
    if program.header.type == elf.ET_DYN and interpreter is None:
        brk = page_up(ET_DYN_BASE)
    headers = (_headers_address(program) + bias) & _WORD
    return _Loaded(image, program.header, headers, entry, base & _WORD, start, brk)


def _open_interpreter(opener: _Opener, program: _Elf) -> _Elf | None:
    """The program's PT_INTERP, opened and read; None without one. The first counts."""
    segment = next((s for s in program.segments if s.type == elf.PT_INTERP), None)
    if segment is None:
        return None
    if not 2 <= segment.filesz <= PATH_MAX:
        raise LinuxError(E.ENOEXEC, f"malformed ELF: the interpreter's name has {segment.filesz:,} bytes")
    if segment.offset + segment.filesz > program.file.stat.size:
        raise LinuxError(E.EIO, "truncated ELF: the interpreter's name lies beyond the end of the file")
    name = program.file.read(segment.offset, segment.filesz)
    if name[-1:] != b"\0":
        raise LinuxError(E.ENOEXEC, "malformed ELF: the interpreter's name has no end")
    path = name.partition(b"\0")[0]
    file = opener.open(_path(path), f"cannot run the ELF interpreter {_text(path)} of {program.file.path}")
    if file.stat.size < elf.HEADER_BYTES:
        raise LinuxError(E.EIO, f"the ELF interpreter {_text(path)} is shorter than an ELF header")
    try:
        return _read_elf(file, file.read(0, elf.HEADER_BYTES), E.ELIBBAD, E.ENOMEM)
    except LinuxError as error:
        raise LinuxError(error.errno, f"the ELF interpreter {_text(path)}: {error.detail}") from error


def _program_bias(image: Image, program: _Elf, has_interpreter: bool) -> int:
    """What is added to the program's addresses. EEXIST, ENOMEM or EPERM when it cannot be where it must."""
    first, total = program.loads[0], elf.total_mapping_size(program.segments)
    if program.header.type == elf.ET_EXEC:
        image.reserve(first.vaddr, first.filesz)
        return 0
    alignment = elf.maximum_alignment(program.segments)
    if not has_interpreter and alignment <= PAGE:
        return image.place(total) - page_down(first.vaddr)
    base = ET_DYN_BASE if has_interpreter else image.place(total)
    bias = page_down((base & -alignment if alignment else base) - first.vaddr)
    image.reserve(bias + first.vaddr, total)
    return bias


def _interpreter_bias(image: Image, interpreter: _Elf, moves: bool) -> int:
    """What is added to the interpreter's addresses. `moves`: the program was moved, so its interpreter is
    placed like any mapping; otherwise it is where it asks to be, if that is free. Its p_align is not looked at."""
    if interpreter.header.type == elf.ET_EXEC:
        return 0
    first = interpreter.loads[0]
    total = elf.total_mapping_size(interpreter.segments)
    return image.place(total, 0 if moves else first.vaddr) - page_down(first.vaddr)


def _headers_address(program: _Elf) -> int:
    """Where the program headers are, by the last segment that has them; 0 when none has."""
    phoff = program.header.phoff
    address = 0
    for segment in program.loads:
        if segment.offset <= phoff < segment.offset + segment.filesz:
            address = phoff - segment.offset + segment.vaddr
    return address


def _auxiliary(loaded: _Loaded, stack: Stack, request: Execute) -> auxv.Entries:
    """The auxiliary vector, in the order of create_elf_tables."""
    uid, euid, gid, egid = request.identity
    return [
        (auxv.AT_MINSIGSTKSZ, auxv.MINSIGSTKSZ),
        (auxv.AT_HWCAP, cpuid.HWCAP),
        (auxv.AT_PAGESZ, PAGE),
        (auxv.AT_CLKTCK, auxv.CLOCK_TICKS_PER_SECOND),
        (auxv.AT_PHDR, loaded.headers),
        (auxv.AT_PHENT, elf.SEGMENT_BYTES),
        (auxv.AT_PHNUM, loaded.header.phnum),
        (auxv.AT_BASE, loaded.base),
        (auxv.AT_FLAGS, 0),
        (auxv.AT_ENTRY, loaded.entry),
        (auxv.AT_UID, uid),
        (auxv.AT_EUID, euid),
        (auxv.AT_GID, gid),
        (auxv.AT_EGID, egid),
        (auxv.AT_SECURE, 0),
        (auxv.AT_RANDOM, stack.random),
        (auxv.AT_HWCAP2, cpuid.HWCAP2),
        (auxv.AT_EXECFN, stack.filename),
        (auxv.AT_PLATFORM, stack.platform),
    ]
