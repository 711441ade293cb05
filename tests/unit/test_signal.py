"""Signals as data: numbers, names and structures against the host's own headers."""

from __future__ import annotations

import signal as host
import struct
import subprocess
from pathlib import Path

import pytest

from lego.linux import signal

C = r"""
#define _GNU_SOURCE
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <ucontext.h>
int main(void) {
    siginfo_t i = {.si_signo = 3, .si_errno = 4, .si_code = -2};
    i.si_pid = 5; i.si_uid = 6;
    fwrite(&i, sizeof i, 1, stdout);
    siginfo_t f = {.si_signo = SIGSEGV, .si_code = SEGV_ACCERR, .si_addr = (void *)0x123456789abcUL};
    fwrite(&f, sizeof f, 1, stdout);
    siginfo_t c = {.si_signo = SIGCHLD, .si_code = CLD_KILLED};
    c.si_pid = 1; c.si_uid = 2; c.si_status = 3; c.si_utime = 4; c.si_stime = 5;
    fwrite(&c, sizeof c, 1, stdout);
    int offsets[] = {offsetof(ucontext_t, uc_mcontext.gregs), offsetof(ucontext_t, uc_mcontext.fpregs),
                     offsetof(ucontext_t, uc_sigmask), offsetof(ucontext_t, uc_stack), REG_RIP, REG_EFL, REG_CR2};
    fwrite(offsets, sizeof offsets, 1, stdout);
    return 0;
}
"""


def test_numbers_and_names() -> None:
    for each in signal.Sig:
        if each.name != "STKFLT":
            assert getattr(host, f"SIG{each.name}") == each
    assert signal.name_of(11) == "SIGSEGV"
    assert signal.name_of(34) == "SIGRTMIN+0"


def test_structures_are_the_compilers(tmp_path: Path) -> None:
    source = tmp_path / "layout.c"
    source.write_text(C)
    try:
        subprocess.run(["cc", "-o", str(tmp_path / "layout"), str(source)], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("no C compiler")
    raw = subprocess.run([str(tmp_path / "layout")], check=True, capture_output=True).stdout
    user, fault, child, offsets = raw[:128], raw[128:256], raw[256:384], struct.unpack("<7i", raw[384:])
    assert signal.SigInfo(3, -2, 4, struct.pack("<iI", 5, 6)).pack() == user
    assert signal.SigInfo.user(3, 5, 6, -2).pack()[12:] == user[12:]
    assert signal.SigInfo.fault(11, signal.SEGV_ACCERR, 0x123456789ABC).pack() == fault
    assert signal.SigInfo.child(1, 2, signal.CLD_KILLED, 3, 4, 5).pack() == child
    assert signal.SigInfo.unpack(child).pack() == child
    gregs, fpregs, mask, stack, rip, flags, _cr2 = offsets
    assert gregs == signal.UCONTEXT_HEAD.size
    assert fpregs == gregs + signal.SIGCONTEXT.size - 8 * 8 - 8
    assert mask == gregs + signal.SIGCONTEXT.size
    assert stack == 16
    assert signal.SIGCONTEXT_REGISTERS[rip] == "rip"
    assert signal.SIGCONTEXT_REGISTERS[flags] == "rflags"
    assert signal.FRAME_INFO == signal.FRAME_UCONTEXT + signal.UCONTEXT_BYTES
    assert signal.FRAME_BYTES == signal.FRAME_INFO + signal.SIGINFO_BYTES


def test_every_signal_has_one_default() -> None:
    sets = (signal.IGNORED, signal.STOPPING, signal.DUMPING)
    assert sum(mask.bit_count() for mask in sets) == (sets[0] | sets[1] | sets[2]).bit_count()
