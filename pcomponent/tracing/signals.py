"""siginfo_t, struct sigaction, wait statuses. Source: sigaction(2), include/uapi/asm-generic/siginfo.h."""

from __future__ import annotations

import struct

from lego.linux import symbols
from lego.linux.signal import ACTION, SA_RESTORER, SI_MESGQ, SI_QUEUE, SI_TIMER, SI_TKILL, SI_USER, Sig, SigInfo
from pcomponent.tracing.values import address, signal_name, signal_set

_CODES = {
    Sig.CHLD: "cld", Sig.SEGV: "segv", Sig.BUS: "bus", Sig.FPE: "fpe", Sig.ILL: "ill", Sig.TRAP: "trap",
}  # fmt: skip
_HANDLERS = {0: "SIG_DFL", 1: "SIG_IGN"}


def _code(number: int, code: int) -> str:
    if code <= 0 or code == 0x80:
        return next((name for name, value in symbols.SETS["si"].items() if value == code), str(code))
    kind = _CODES.get(number)  # type: ignore[call-overload]
    return symbols.choice(kind, code) if kind is not None else f"{code:#x}"


def siginfo(info: SigInfo) -> str:
    """{si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=7, ...}"""
    if not (info.number or info.code or any(info.body)):
        return "{}"
    body = info.body.ljust(32, b"\0")
    parts = [f"si_signo={signal_name(info.number)}", f"si_code={_code(info.number, info.code)}"]
    if info.errno:
        parts.append(f"si_errno={info.errno}")
    if info.code in (SI_USER, SI_TKILL, SI_QUEUE, SI_MESGQ):
        pid, uid = struct.unpack_from("<iI", body)
        parts += [f"si_pid={pid}", f"si_uid={uid}"]
    elif info.code == SI_TIMER:
        timer, overrun = struct.unpack_from("<ii", body)
        parts += [f"si_timerid={timer:#x}", f"si_overrun={overrun}"]
    if info.code in (SI_QUEUE, SI_TIMER, SI_MESGQ):
        value, whole = struct.unpack_from("<i", body, 8)[0], struct.unpack_from("<Q", body, 8)[0]
        parts += [f"si_int={value}", f"si_ptr={address(whole)}"]
    if info.number == Sig.CHLD and 0 < info.code <= 6:
        pid, uid, status, user, system = struct.unpack_from("<iIi4xqq", body)
        shown = str(status) if info.code == 1 else signal_name(status)
        parts += [f"si_pid={pid}", f"si_uid={uid}", f"si_status={shown}", f"si_utime={user}", f"si_stime={system}"]
    elif info.code > 0 and info.code != 0x80 and info.number in _CODES:
        parts.append(f"si_addr={address(struct.unpack_from('<Q', body)[0])}")
    return f"{{{', '.join(parts)}}}"


def sigaction(raw: bytes) -> str:
    """{sa_handler=SIG_DFL, sa_mask=[], sa_flags=0}"""
    handler, flags, restorer, mask = ACTION.unpack(raw)
    shown = symbols.flags("sa", flags)
    text = f"sa_handler={_HANDLERS.get(handler, f'{handler:#x}')}, sa_mask={signal_set(mask)}, sa_flags={shown}"
    return f"{{{text}{f', sa_restorer={restorer:#x}' if flags & SA_RESTORER else ''}}}"


def wait_status(status: int) -> str:
    """{WIFEXITED(s) && WEXITSTATUS(s) == 0}"""
    if status == 0xFFFF:
        return "{WIFCONTINUED(s)}"
    if status & 0xFF == 0x7F:
        return f"{{WIFSTOPPED(s) && WSTOPSIG(s) == {signal_name(status >> 8 & 0xFF)}}}"
    if status & 0x7F:
        core = " && WCOREDUMP(s)" if status & 0x80 else ""
        return f"{{WIFSIGNALED(s) && WTERMSIG(s) == {signal_name(status & 0x7F)}{core}}}"
    return f"{{WIFEXITED(s) && WEXITSTATUS(s) == {status >> 8 & 0xFF}}}"
