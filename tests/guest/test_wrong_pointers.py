"""Every pointer of every system call, wrong in every way: the errors are those of the host's kernel, call by call."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import wrong_pointers
from harness import BUILD, FLAGS, HERE, WARNINGS, Bench, compiler

from lego.linux.signatures import SIGNATURES, VARIANTS
from pcomponent.syscalls import load_all
from pcomponent.syscalls.table import TABLE


def build() -> Path:
    """Compiles the program with the table of what Lego has now."""
    load_all()
    directory = BUILD / "wrong_pointers"
    directory.mkdir(parents=True, exist_ok=True)
    header, binary = directory / "wrong_pointers.h", directory / "wrong_pointers"
    text = wrong_pointers.table([TABLE[number].name for number in sorted(TABLE)])
    if not header.exists() or header.read_text() != text:
        partial = header.with_suffix(f".{os.getpid()}")
        partial.write_text(text)
        partial.replace(header)
    source = HERE / "wrong_pointers.c"
    newest = max(each.stat().st_mtime for each in (header, source, HERE / "programs" / "check.h"))
    if not binary.exists() or binary.stat().st_mtime < newest:
        command = compiler()
        assert command is not None, "no C compiler"
        target = ["-target", "x86_64-linux-musl"] if "ziglang" in command else []
        arguments = [*command, *target, "-O1", *WARNINGS, *FLAGS["static"], f"-I{directory}", f"-I{HERE}", str(source)]
        partial = binary.with_suffix(f".{os.getpid()}")
        result = subprocess.run([*arguments, "-o", str(partial)], capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr
        partial.replace(binary)
    return binary


def rows(output: bytes) -> dict[str, list[str]]:
    """One entry for each pointer: "call argument" and what each wrong value gave."""
    found = {}
    for line in output.decode().splitlines():
        words = line.split(" ")
        label = next(index for index, word in enumerate(words) if word[0].isdigit()) + 1
        found[" ".join(words[:label])] = words[label:]
    return found


@pytest.mark.parametrize("config", ["generous", "spread_lines64"])
def test_wrong_pointers_give_the_errors_of_linux(bench: Bench, config: str) -> None:
    argv = [str(build())]
    expected = bench.native(argv)
    assert expected.status == "exit 0", (expected.status, expected.stdout[-500:])
    got = bench.lego(config, argv)
    assert got.status == "exit 0", (got.status, got.stdout[-500:], got.stderr)
    native, lego = rows(expected.stdout), rows(got.stdout)
    assert list(native) == list(lego)
    wrong = [
        f"{label} with {one}: Linux says so, Lego {other}"
        for label, results in native.items()
        for one, other in zip(results, lego[label], strict=True)
        if one != other
    ]
    assert not wrong, "\n".join(wrong)


def test_the_table_covers_every_pointer() -> None:
    """A call with a pointer is in the table, or left out by name."""
    load_all()
    text = wrong_pointers.table([TABLE[number].name for number in sorted(TABLE)])
    for call in TABLE.values():
        for signature in (SIGNATURES[call.name], *VARIANTS.get(call.name, {}).values()):
            key = signature.name + ("/" + signature.variant if signature.variant else "")
            if call.name in wrong_pointers.NOT_COMPARED or key in wrong_pointers.NOT_COMPARED:
                continue
            if any(argument.is_pointer for argument in signature.arguments) and wrong_pointers.SETUPS.get(key) != []:
                assert f'"{key}"' in text or f'"{key} (' in text, key
