"""A system call as a line: its arguments when it begins and when it ends, and what its result means.

line = Line(reader, number, registers)      # What the call reads is decoded now, ...
text = line.ended(result)                   # ... what it wrote, and what was not to be had before, now.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime

from lego.linux.errno import E
from lego.linux.numbers import name_of
from lego.linux.shapes import IN_BYTES
from lego.linux.signatures import Argument, Signature, scalar, signature
from pcomponent.tracing.peek import Reader
from pcomponent.tracing.structures import View, count_strings, path, pointer, strings
from pcomponent.tracing.values import TEXT_SHOWN, address, file_mode, flags, number, octal, signal_name, signal_set
from pcomponent.waiting import Interrupted

RESULT_COLUMN = 39
"""Where results are lined up, as strace(1) does."""
_EARLY = frozenset({"pollfd", "fd_set", "timespec", "timeval", "cap_header", "sched_attr", "u32"})
"""What is read and written too, and shown as it was before the call."""
_BOTH = frozenset({"off", "socklen"})
"""What is shown as it was and as it became: [16 => 2]."""
_RESET_ON_FORK = 0x40000000
"""SCHED_RESET_ON_FORK, beside a policy."""
_O_CREATES = 0o100 | 0o20000000
_UNLIMITED = 1 << 20
_SECONDS = ("timeout", "tmo_p")
_TIME_SHOWN = 253402300800
"""The year 10000: later times are shown as numbers only."""
_LINUX_NAMES = {E.EOPNOTSUPP: "EOPNOTSUPP", E.EDEADLK: "EDEADLK", E.EAGAIN: "EAGAIN"}
"""Which of two names of a number is meant."""
_MINUS_ONE = (1 << 64) - 1


class Line:
    """One call of one thread."""

    def __init__(self, reader: Reader, number_: int, registers: tuple[int, ...], previous: int = -1) -> None:
        self.reader = reader
        self.previous = previous
        """The thread's call before."""
        self.name = name_of(number_)
        self.values = registers
        self.described: Signature | None = signature(self.name, registers)
        self._before = self._decode(done=False, result=0)

    def look_again(self) -> None:
        """Before the memory that the arguments lie in is gone: decodes what could not be decoded when it began."""
        for index, text in enumerate(self._decode(done=False, result=0)):
            if self._before[index] is None:
                self._before[index] = text

    def ended(self, result: int) -> str:
        """The line of a call that has a result."""
        return self._join(self._arguments(result), self._result(result))

    def restored(self, mask: int, result: int) -> str:
        """The line of rt_sigreturn: the mask and the RAX that are in force again."""
        return self._join([f"{{mask={signal_set(mask)}}}"], self._result(scalar("long", result)))

    def interrupted(self, interrupted: Interrupted) -> str:
        """The line of a call that a signal ended."""
        if interrupted.go_on is not None:
            why = "? ERESTART_RESTARTBLOCK (Interrupted by signal)"
        elif interrupted.restart:
            why = "? ERESTARTSYS (To be restarted if SA_RESTART is set)"
        elif interrupted.restart_unhandled:
            why = "? ERESTARTNOHAND (To be restarted if no handler)"
        else:
            why = _error(E.EINTR)
        return self._join(self._arguments(-E.EINTR), why)

    def unfinished(self) -> str:
        """The line of a call that never returns."""
        return self._join(self._arguments(-E.EINTR), "?")

    def _join(self, arguments: list[str], result: str) -> str:
        call = f"{self.name}({', '.join(arguments)})"
        return f"{call:<{RESULT_COLUMN}} = {result}"

    # ---- arguments ----------------------------------------------------------------------------------------

    def _arguments(self, result: int) -> list[str]:
        if self.name == "restart_syscall":
            resumed = name_of(self.previous) if self.previous >= 0 else "system call"
            return [f"<... resuming interrupted {resumed} ...>"]
        if self.described is None:
            return [f"{value:#x}" for value in self.values]
        after = self._decode(done=True, result=result)
        shown = []
        for index, argument in enumerate(self.described.arguments):
            before, then = self._before[index], after[index]
            text = before if before is not None else then
            changed = argument.kind == "struct" and argument.shape in _BOTH and before != then
            if changed and before and then and before[0] == then[0] == "[":
                text = f"[{before[1:-1]} => {then[1:-1]}]"
            if text is None:
                text = address(self.values[index])
            if text:
                shown.append(text)
        if self.name == "clone":
            return _clone(shown, self.values)
        if self.name == "mremap" and not self.values[3] & 6:
            return shown[:4]  # No new address without MREMAP_FIXED or MREMAP_DONTUNMAP.
        return shown

    def _decode(self, done: bool, result: int) -> list[str | None]:
        if self.described is None:
            return []
        return [self._decode_one(index, each, done, result) for index, each in enumerate(self.described.arguments)]

    def _decode_one(self, index: int, argument: Argument, done: bool, result: int) -> str | None:
        value = self.values[index]
        if argument.kind == "none":
            return ""
        if argument.kind in ("flags", "enum"):
            return self._symbol(argument, value)
        if argument.kind == "path":
            return path(self.reader, value)
        if argument.kind == "str":
            return path(self.reader, value, TEXT_SHOWN)
        if argument.kind == "strs":
            return count_strings(self.reader, value) if argument.name == "envp" else strings(self.reader, value)
        if argument.kind == "struct":
            return self._pointer(argument, value, done, result)
        if argument.kind == "mode" and self.name in ("open", "openat") and not self.values[index - 1] & _O_CREATES:
            return ""
        if argument.name == "val3" and argument.kind == "hex32" and value & 0xFFFFFFFF == 0xFFFFFFFF:
            return "FUTEX_BITSET_MATCH_ANY"
        if argument.name == "key" and not value & 0xFFFFFFFF:
            return "IPC_PRIVATE"
        if argument.kind == "umode":
            return file_mode(value & 0xFFFFFFFF)
        if self.name in ("mknod", "mknodat") and argument.name == "dev":
            return number("dev", value) if self.values[index - 1] & 0o170000 in (0o020000, 0o060000) else ""
        return number(argument.kind, value)

    def _symbol(self, argument: Argument, value: int) -> str:
        value &= 0xFFFFFFFF
        if argument.shape == "at" and self.name == "statx" and not value & 0x6000:
            return "|".join(["AT_STATX_SYNC_AS_STAT", *([flags("at", value)] if value else [])])
        if argument.shape in ("ipc", "shmget"):  # Nine of its bits are a mode.
            known = [flags(argument.shape, value & ~0o777)] if value & ~0o777 else []
            return "|".join([*known, octal(value & 0o777)])
        prefix = "|" if argument.kind == "flags" else "#"
        return number(prefix + argument.shape, value)

    def _pointer(self, argument: Argument, value: int, done: bool, result: int) -> str | None:
        if not value:
            return "NULL"
        if (
            not done
            and argument.written
            and not (argument.read and (argument.shape in _EARLY or argument.shape in _BOTH))
        ):
            return None
        if not done and argument.shape in ("iovec_out", "clone_args"):
            return None
        if done and argument.written and (result < 0 or self._untouched(argument, result)):
            return address(value) if not argument.read or argument.shape not in _EARLY else None
        room = self._length(argument)
        count = self._shown(argument, room, done, result)
        array = bool(argument.length) and argument.shape not in IN_BYTES
        view = View(self.reader, value, count, array, room, self.values, done, result)
        return pointer(argument.shape, view)

    def _untouched(self, argument: Argument, result: int) -> bool:
        """Whether a call that succeeded has left what an argument leads to alone."""
        if self.name == "wait4":
            return result == 0
        if argument.name in ("rem", "remain"):
            return True
        return self.name in ("clone", "fork") and argument.name == "child_tid"

    def _length(self, argument: Argument) -> int:
        """Elements that there is room for."""
        length = argument.length
        if not length:
            return 1
        if length.isdigit():
            return int(length)
        assert self.described is not None
        index = self.described.place(length.lstrip("*"))
        if length.startswith("*"):
            raw = self.reader.read(self.values[index], 4)
            return int.from_bytes(raw, "little", signed=True) if raw is not None else 0
        kind = self.described.arguments[index].kind
        return min(scalar(kind, self.values[index]), _MINUS_ONE >> 1)

    def _shown(self, argument: Argument, room: int, done: bool, result: int) -> int:
        """Elements that mean something."""
        if argument.shape in IN_BYTES and argument.shape != "msgbuf":
            return 1
        counted = argument.length and argument.shape in (
            "char",
            "random",
            "epoll_event",
            "cpuset",
            "id",
            "sockopt",
            "msgbuf",
        )
        if done and argument.written and counted and self.name not in ("getsockopt", "setsockopt", "recvfrom"):
            return max(0, min(room, result))
        if done and argument.shape == "char" and self.name == "recvfrom":
            return max(0, min(room, result))
        return min(room, _UNLIMITED) if argument.shape != "char" else room

    # ---- results ------------------------------------------------------------------------------------------

    def _result(self, result: int) -> str:
        if -4096 < result < 0:
            return _error(-result)
        kind = self.described.result if self.described is not None else "long"
        if kind.startswith("flags "):
            meaning = flags(kind[6:], result)
            return f"{number('hex', result)} (flags {meaning})" if result or meaning != "0" else "0"
        if kind.startswith("enum "):
            return f"{result} ({number('#' + kind[5:], result & ~_RESET_ON_FORK)})"
        if kind == "addr":
            return f"{result & _MINUS_ONE:#x}"
        if kind == "oct":
            return f"0{result:02o}"
        if kind == "sig":
            return f"{result} ({signal_name(result)})"
        return str(result) + self._meaning(result)

    def _meaning(self, result: int) -> str:
        """What poll, select and their like have found."""
        if self.name == "time" and 0 <= result < _TIME_SHOWN:
            return f" ({datetime.fromtimestamp(result, UTC):%Y-%m-%dT%H:%M:%S%z})"
        if self.name in ("poll", "ppoll"):
            return self._polled(result)
        if self.name in ("select", "pselect6"):
            return self._selected(result)
        return ""

    def _polled(self, result: int) -> str:
        if not result:
            return " (Timeout)"
        found = []
        for index in range(min(self.values[1] & 0xFFFFFFFF, 1024)):
            raw = self.reader.read(self.values[0] + 8 * index, 8)
            if raw is None:
                return ""
            events = int.from_bytes(raw[6:8], "little")
            if events:
                fd = int.from_bytes(raw[:4], "little", signed=True)
                found.append(f"{{fd={fd}, revents={flags('poll', events)}}}")
        return f" ([{', '.join(found)}]{self._left(2)})"

    def _selected(self, result: int) -> str:
        if not result:
            return " (Timeout)"
        assert self.described is not None
        found = []
        for index, word in ((1, "in"), (2, "out"), (3, "except")):
            text = self._pointer(self.described.arguments[index], self.values[index], True, result)
            if text not in (None, "NULL", "[]"):
                found.append(f"{word} {text}")
        return f" ({', '.join(found)}{self._left(4)})" if found else ""

    def _left(self, index: int) -> str:
        """What is left of a timeout."""
        assert self.described is not None
        argument = self.described.arguments[index]
        if argument.kind != "struct" or not self.values[index]:
            return ""
        return f", left {self._pointer(argument, self.values[index], True, 1)}"


def _clone(shown: list[str], values: tuple[int, ...]) -> list[str]:
    """clone(2)'s own order and names, and only the pointers that its flags speak of."""
    low = values[0] & 0xFF
    text = flags("clone", values[0] & ~0xFF & 0xFFFFFFFF)
    parts = [each for each in (text if text != "0" else "", signal_name(low) if low else "") if each]
    lines = [f"child_stack={address(values[1])}", f"flags={'|'.join(parts) or '0'}"]
    if values[0] & 0x100000:
        lines.append(f"parent_tid={shown[2]}")
    if values[0] & 0x80000:
        lines.append(f"tls={address(values[4])}")
    if values[0] & 0x1200000:
        lines.append(f"child_tidptr={address(values[3])}")
    return lines


def _error(errno: int) -> str:
    name = _LINUX_NAMES.get(errno) or E.errorcode.get(errno, f"ERRNO_{errno}")
    return f"-1 {name} ({os.strerror(errno)})"
