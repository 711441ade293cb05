"""Signals: numbers, codes, flags and the structures in which they reach a program.

Sources: arch/x86/include/uapi/asm/signal.h, include/uapi/asm-generic/siginfo.h and signal-defs.h,
arch/x86/include/uapi/asm/sigcontext.h (struct sigcontext_64), arch/x86/include/asm/sigframe.h (struct rt_sigframe).
"""

from __future__ import annotations

import struct
from enum import IntEnum

import msgspec


class Sig(IntEnum):
    """Signal numbers on x86-64."""

    HUP = 1
    INT = 2
    QUIT = 3
    ILL = 4
    TRAP = 5
    ABRT = 6
    BUS = 7
    FPE = 8
    KILL = 9
    USR1 = 10
    SEGV = 11
    USR2 = 12
    PIPE = 13
    ALRM = 14
    TERM = 15
    STKFLT = 16
    CHLD = 17
    CONT = 18
    STOP = 19
    TSTP = 20
    TTIN = 21
    TTOU = 22
    URG = 23
    XCPU = 24
    XFSZ = 25
    VTALRM = 26
    PROF = 27
    WINCH = 28
    IO = 29
    PWR = 30
    SYS = 31


NSIG = 64
RTMIN = 32  # The kernel's; glibc keeps 32 and 33 for itself.
SIGSET_BYTES = 8

SIG_DFL, SIG_IGN = 0, 1
SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK = 0, 1, 2

SA_NOCLDSTOP, SA_NOCLDWAIT, SA_SIGINFO = 0x1, 0x2, 0x4
SA_UNSUPPORTED, SA_EXPOSE_TAGBITS = 0x400, 0x800
SA_RESTORER = 0x04000000
SA_ONSTACK, SA_RESTART, SA_NODEFER, SA_RESETHAND = 0x08000000, 0x10000000, 0x40000000, 0x80000000
SA_SUPPORTED = (
    SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_EXPOSE_TAGBITS
    | SA_RESTORER | SA_ONSTACK | SA_RESTART | SA_NODEFER | SA_RESETHAND
)  # fmt: skip
"""UAPI_SA_FLAGS: sigaction(2) reports other bits as not supported by clearing them."""

SS_ONSTACK, SS_DISABLE, SS_AUTODISARM = 1, 2, 0x80000000
MINSIGSTKSZ = 2048

SI_USER, SI_KERNEL = 0, 0x80
SI_QUEUE, SI_TIMER, SI_MESGQ, SI_ASYNCIO, SI_SIGIO, SI_TKILL = -1, -2, -3, -4, -5, -6
ILL_ILLOPC, ILL_ILLOPN, ILL_PRVOPC = 1, 2, 5
FPE_INTDIV, FPE_INTOVF, FPE_FLTDIV, FPE_FLTOVF, FPE_FLTUND, FPE_FLTRES, FPE_FLTINV = 1, 2, 3, 4, 5, 6, 7
SEGV_MAPERR, SEGV_ACCERR = 1, 2
BUS_ADRALN, BUS_ADRERR, BUS_OBJERR = 1, 2, 3
TRAP_BRKPT, TRAP_TRACE = 1, 2
CLD_EXITED, CLD_KILLED, CLD_DUMPED, CLD_TRAPPED, CLD_STOPPED, CLD_CONTINUED = 1, 2, 3, 4, 5, 6
POLL_IN, POLL_OUT, POLL_HUP = 1, 2, 6


def bit(number: int) -> int:
    """A signal's place in a 64-bit set."""
    return 1 << (number - 1)


def mask_of(*numbers: int) -> int:
    """The set of some signals."""
    mask = 0
    for number in numbers:
        mask |= bit(number)
    return mask


KERNEL_ONLY = mask_of(Sig.KILL, Sig.STOP)
"""Never blocked, caught or ignored."""
IGNORED = mask_of(Sig.CONT, Sig.CHLD, Sig.WINCH, Sig.URG)
"""Ignored by default (SIG_KERNEL_IGNORE_MASK)."""
STOPPING = mask_of(Sig.STOP, Sig.TSTP, Sig.TTIN, Sig.TTOU)
"""Stop the process by default (SIG_KERNEL_STOP_MASK)."""
DUMPING = mask_of(
    Sig.QUIT, Sig.ILL, Sig.TRAP, Sig.ABRT, Sig.FPE, Sig.SEGV, Sig.BUS, Sig.SYS, Sig.XCPU, Sig.XFSZ
)  # fmt: skip
"""End the process with a core dump by default (SIG_KERNEL_COREDUMP_MASK); all others but these sets end it."""
SYNCHRONOUS = mask_of(Sig.SEGV, Sig.BUS, Sig.ILL, Sig.TRAP, Sig.FPE, Sig.SYS)
"""Taken before others (SYNCHRONOUS_MASK)."""


def name_of(number: int) -> str:
    """The usual name, "SIGINT" or "SIGRTMIN+3" counted from glibc's first."""
    if number in Sig._value2member_map_:
        return "SIG" + Sig(number).name
    return f"SIGRTMIN+{number - 34}" if number >= 34 else f"SIGRT_{number - RTMIN}"


ACTION = struct.Struct("<QQQQ")
"""struct kernel_sigaction: handler, flags, restorer, mask."""
STACK = struct.Struct("<QixxxxQ")
"""stack_t: ss_sp, ss_flags, ss_size."""

_INFO_HEAD = struct.Struct("<iii4x")
_INFO_BODY = 112
SIGINFO_BYTES = 128


class SigInfo(msgspec.Struct, frozen=True):
    """A siginfo_t. `body` is what follows the common head, at most 112 bytes: the kernel's union, by kind."""

    number: int
    code: int
    errno: int = 0
    body: bytes = b""

    @classmethod
    def kernel(cls, number: int) -> SigInfo:
        """Sent by the kernel itself, with nothing to tell (SEND_SIG_PRIV)."""
        return cls(number, SI_KERNEL)

    @classmethod
    def user(cls, number: int, pid: int, uid: int, code: int = SI_USER) -> SigInfo:
        """From kill(2), or from tkill(2) with SI_TKILL."""
        return cls(number, code, 0, struct.pack("<iI", pid, uid))

    @classmethod
    def fault(cls, number: int, code: int, address: int) -> SigInfo:
        """An exception at `address`."""
        return cls(number, code, 0, struct.pack("<Q", address))

    @classmethod
    def child(cls, pid: int, uid: int, code: int, status: int, user_ticks: int, system_ticks: int) -> SigInfo:
        """SIGCHLD: `code` is CLD_*, times are in clock ticks of 10 ms."""
        return cls(Sig.CHLD, code, 0, struct.pack("<iIi4xqq", pid, uid, status, user_ticks, system_ticks))

    @classmethod
    def unpack(cls, raw: bytes) -> SigInfo:
        """From 128 bytes of guest memory."""
        number, errno, code = _INFO_HEAD.unpack_from(raw)
        return cls(number, code, errno, raw[_INFO_HEAD.size :])

    def pack(self) -> bytes:
        """As siginfo_t, 128 bytes."""
        return _INFO_HEAD.pack(self.number, self.errno, self.code) + self.body.ljust(_INFO_BODY, b"\0")


# ---- struct rt_sigframe, from its lowest address ---------------------------------------------------------

UC_FP_XSTATE, UC_SIGCONTEXT_SS, UC_STRICT_RESTORE_SS = 1, 2, 4
FRAME_UCONTEXT = 8
"""After pretcode, the return address."""
FRAME_INFO = 312
FRAME_BYTES = 440

UCONTEXT_HEAD = struct.Struct("<QQQiIQ")
"""uc_flags, uc_link, uc_stack (ss_sp, ss_flags, its padding, ss_size)."""
SIGCONTEXT = struct.Struct("<18Q4H4QQ64x")
"""r8-r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, eflags; cs, gs, fs, ss; err, trapno, oldmask, cr2; fpstate."""
SIGMASK = struct.Struct("<Q")
UCONTEXT_BYTES = UCONTEXT_HEAD.size + SIGCONTEXT.size + SIGMASK.size
SIGCONTEXT_REGISTERS = (
    "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
    "rdi", "rsi", "rbp", "rbx", "rdx", "rax", "rcx", "rsp", "rip", "rflags",
)  # fmt: skip
USER_CS, USER_SS = 0x33, 0x2B
