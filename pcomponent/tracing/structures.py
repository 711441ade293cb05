"""What pointers lead to: structures by their layout (`lego.linux.shapes`), some in a way of their own, and arrays.

A decoder gets a `View` of one pointer argument and returns its text, or None when the memory is not to be had.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NamedTuple

from lego.linux import symbols
from lego.linux.shapes import SHAPES, Shape
from lego.linux.signal import SigInfo
from pcomponent.tracing import sockets
from pcomponent.tracing.peek import Reader
from pcomponent.tracing.signals import sigaction, siginfo, wait_status
from pcomponent.tracing.values import TEXT_SHOWN, address, cut, hexadecimal, number, quote, signal_name, signal_set

ELEMENTS_SHOWN = 32
STRINGS_SHOWN = 32
_O_CREATES = 0o100 | 0o20000000
_UTIME = {(1 << 30) - 1: "UTIME_NOW", (1 << 30) - 2: "UTIME_OMIT"}
_SPEEDS = {0: 0, 7: 300, 9: 1200, 11: 2400, 12: 4800, 13: 9600, 14: 19200, 15: 38400, 0o10001: 57600, 0o10002: 115200}


class View(NamedTuple):
    """One pointer argument of one call."""

    reader: Reader
    at: int
    meant: int
    """Elements that are meant: of an array, what there is to show of it."""
    array: bool
    room: int
    """Elements that there is room for."""
    values: tuple[int, ...]
    """All arguments of the call."""
    done: bool
    """The call has ended."""
    result: int


def fields(shape: Shape, raw: bytes) -> str:
    """{tv_sec=1, tv_nsec=0}"""
    parts = []
    hidden = False
    for field in shape.fields:
        if field.hidden:
            hidden = True
            continue
        data = raw[field.offset : field.offset + field.size]
        if field.kind == "chars":
            shown = quote(data.split(b"\0")[0])
        elif field.kind.startswith("@"):
            shown = fields(SHAPES[field.kind[1:]], data)
        else:
            size = field.size // field.times
            values = [data[at : at + size] for at in range(0, field.size, size)]
            texts = [number(field.kind, int.from_bytes(each, "little", signed=field.signed)) for each in values]
            shown = texts[0] if field.times == 1 else f"[{', '.join(texts)}]"
        parts.append(f"{field.name}={shown}")
    return f"{{{', '.join([*parts, *(['...'] if hidden else [])])}}}"


def _plain(name: str) -> Callable[[bytes], str]:
    shape = SHAPES[name]
    if len(shape.fields) == 1 and shape.fields[0].name == "value":
        field = shape.fields[0]
        return lambda raw: number(field.kind, int.from_bytes(raw, "little", signed=field.signed))
    return lambda raw: fields(shape, raw)


# ---- elements with a form of their own ---------------------------------------------------------------------


def _stat(raw: bytes) -> str:
    mode = int.from_bytes(raw[24:28], "little")
    if mode & 0o170000 in (0o020000, 0o060000):
        device = number("dev", int.from_bytes(raw[40:48], "little"))
        return f"{{st_mode={number('umode', mode)}, st_rdev={device}, ...}}"
    return fields(SHAPES["stat"], raw)


def _utimespec(raw: bytes) -> str:
    seconds, nanoseconds = struct.unpack("<qq", raw)
    return _UTIME.get(nanoseconds, f"{{tv_sec={seconds}, tv_nsec={nanoseconds}}}")


def _epoll_event(raw: bytes) -> str:
    events, data = struct.unpack("<IQ", raw)
    return f"{{events={symbols.flags('epoll', events)}, data={{u32={data & 0xFFFFFFFF}, u64={data}}}}}"


def _termios(raw: bytes) -> str:
    """{B38400 opost isig icanon echo ...}"""
    _iflag, oflag, cflag, lflag = struct.unpack_from("<4I", raw)
    speed = _SPEEDS.get(cflag & 0o10017)
    parts = [f"B{speed}" if speed is not None else f"{cflag & 0o10017:#x}"]
    for on, name in ((oflag & 1, "opost"), (lflag & 1, "isig"), (lflag & 2, "icanon"), (lflag & 8, "echo")):
        parts.append(("" if on else "-") + name)
    return f"{{{' '.join(parts)} ...}}"


def _sigevent(raw: bytes) -> str:
    value, number_, notify = struct.unpack_from("<Qii", raw)
    parts = [f"sigev_value={{sival_int={value & 0xFFFFFFFF}, sival_ptr={address(value)}}}"]
    parts += [f"sigev_signo={signal_name(number_)}", f"sigev_notify={symbols.choice('sigev', notify & 0xFFFFFFFF)}"]
    return f"{{{', '.join(parts)}}}"


def _pollfd(view: View) -> str | None:
    """What is asked for; the answer is part of the result."""
    return _array(view, 8, _asked)


def _asked(raw: bytes) -> str:
    fd, events = struct.unpack_from("<iH", raw)
    return f"{{fd={fd}}}" if fd < 0 else f"{{fd={fd}, events={symbols.flags('poll', events)}}}"


def _open_how(raw: bytes) -> str:
    flags, mode, resolve = struct.unpack_from("<QQQ", raw)
    parts = [f"flags={symbols.flags('open', flags)}"]
    if mode or flags & _O_CREATES:
        parts.append(f"mode={number('mode', mode)}")
    parts.append(f"resolve={symbols.flags('resolve', resolve)}")
    return f"{{{', '.join(parts)}}}"


_ELEMENTS: dict[str, Callable[[bytes], str]] = {
    "stat": _stat,
    "utimespec": _utimespec,
    "open_how": _open_how,
    "epoll_event": _epoll_event,
    "termios": _termios,
    "termios2": _termios,
    "sigevent": _sigevent,
    "sigaction": sigaction,
    "siginfo": lambda raw: siginfo(SigInfo.unpack(raw)),
    "wstatus": lambda raw: wait_status(int.from_bytes(raw, "little")),
}
_BRACKETED = frozenset({"wstatus", "int", "uint", "id", "tid", "long", "ulong", "off", "ptr", "socklen"})
"""A pointer to one of these is shown as an array of one, unless it is one of several results: [16]."""
_BARE = frozenset({"u32"})
"""Words of memory whose address says more than their contents: futexes."""


# ---- pointers with a form of their own ---------------------------------------------------------------------


def _bytes(view: View) -> str | None:
    count = max(0, view.meant)
    data = view.reader.read(view.at, min(count, TEXT_SHOWN + 1))
    return cut(data, count) if data is not None else None


def _random(view: View) -> str | None:
    data = view.reader.read(view.at, min(max(0, view.meant), TEXT_SHOWN + 1))
    return hexadecimal(data, view.meant) if data is not None else None


def _text(view: View) -> str | None:
    """A string that ends by itself."""
    data = view.reader.read_some(view.at, 4096)
    return quote(data.split(b"\0")[0]) if b"\0" in data else None


def _command(view: View) -> str | None:
    data = view.reader.read_some(view.at, 16)
    return quote(data.split(b"\0")[0][:15]) if data else None


def _sigset(view: View) -> str | None:
    if view.room != 8:
        return address(view.at)
    raw = view.reader.read(view.at, 8)
    return signal_set(int.from_bytes(raw, "little")) if raw is not None else None


def _fd_set(view: View) -> str | None:
    count = max(0, min(view.room, 1024))
    raw = view.reader.read(view.at, (count + 63) // 64 * 8)
    if raw is None:
        return None
    bits = int.from_bytes(raw, "little")
    return f"[{' '.join(str(fd) for fd in range(count) if bits >> fd & 1)}]"


def _cpuset(view: View) -> str | None:
    raw = view.reader.read(view.at, max(0, min(view.meant, 1024)))
    if raw is None:
        return None
    bits = int.from_bytes(raw, "little")
    return f"[{' '.join(str(cpu) for cpu in range(8 * len(raw)) if bits >> cpu & 1)}]"


def _mincore(view: View) -> str | None:
    pages = (view.room + 4095) // 4096
    raw = view.reader.read(view.at, min(pages, ELEMENTS_SHOWN))
    if raw is None:
        return None
    return f"[{', '.join(str(byte & 1) for byte in raw)}{', ...' if pages > len(raw) else ''}]"


def _dirents(view: View) -> str | None:
    """The address, and how many entries there are."""
    raw = view.reader.read(view.at, max(0, view.result))
    if raw is None:
        return None
    count = at = 0
    while at + 18 <= len(raw):
        count += 1
        at += max(1, int.from_bytes(raw[at + 16 : at + 18], "little"))
    return f"{address(view.at)} /* {count} entries */"


def _socket_address(view: View) -> str | None:
    raw = view.reader.read(view.at, max(0, min(view.meant, 128)))
    if raw is None:
        return None
    return sockets.sockaddr(raw) if len(raw) > 1 else address(view.at)


def _option(view: View) -> str | None:
    raw = view.reader.read(view.at, max(0, min(view.meant, 64)))
    return sockets.option(view.values[1] & 0xFFFFFFFF, view.values[2] & 0xFFFFFFFF, raw) if raw is not None else None


def _iovec(view: View) -> str | None:
    return sockets.iovec(view.reader, view.at, view.room, None)


def _iovec_out(view: View) -> str | None:
    if view.result < 0:
        return _iovec_remote(view)
    return sockets.iovec(view.reader, view.at, view.room, view.result)


def _iovec_remote(view: View) -> str | None:
    return _array(view, 16, lambda raw: "{{iov_base={:#x}, iov_len={}}}".format(*struct.unpack("<QQ", raw)))


def _message(view: View) -> str | None:
    return sockets.message(view.reader, view.at, None)


def _message_out(view: View) -> str | None:
    return sockets.message(view.reader, view.at, max(0, view.result))


def _messages(view: View) -> str | None:
    """struct mmsghdr: those that were moved, each with its length."""
    parts = []
    for index in range(min(max(0, view.result if view.done else view.room), ELEMENTS_SHOWN)):
        at = view.at + 64 * index
        raw = view.reader.read(at, 64)
        if raw is None:
            return None
        length = int.from_bytes(raw[56:60], "little")
        parts.append(f"{{msg_hdr={sockets.message(view.reader, at, length)}, msg_len={length}}}")
    return f"[{', '.join(parts)}]"


def _sigmask_argument(view: View) -> str | None:
    raw = view.reader.read(view.at, 16)
    if raw is None:
        return None
    at, size = struct.unpack("<QQ", raw)
    mask = view.reader.read(at, 8) if at and size == 8 else None
    shown = signal_set(int.from_bytes(mask, "little")) if mask is not None else address(at)
    return f"{{sigmask={shown}, sigsetsize={size}}}"


def _clone_arguments(view: View) -> str | None:
    """struct clone_args: only the pointers that its flags speak of, and the new thread's number."""
    raw = view.reader.read(view.at, min(view.room, 88)) if view.room >= 64 else None
    if raw is None:
        return address(view.at) if view.room < 64 else None
    flags, pidfd, child, parent, signal, stack, size, tls = struct.unpack_from("<8Q", raw)
    parts = [f"flags={symbols.flags('clone', flags)}"]
    pointers = ((0x1000, "pidfd", pidfd), (0x1200000, "child_tid", child), (0x100000, "parent_tid", parent))
    for needed, name, value in pointers:
        if flags & needed:
            parts.append(f"{name}={address(value)}")
    parts += [f"exit_signal={signal_name(signal)}", f"stack={address(stack)}", f"stack_size={number('hex', size)}"]
    if flags & 0x80000:
        parts.append(f"tls={address(tls)}")
    text = f"{{{', '.join(parts)}}}"
    tid = view.reader.read(parent, 4) if view.done and view.result > 0 and flags & 0x100000 else None
    return f"{text} => {{parent_tid=[{int.from_bytes(tid, 'little')}]}}" if tid is not None else text


def _ipc_message(view: View) -> str | None:
    raw = view.reader.read(view.at, 8)
    text = _bytes(view._replace(at=view.at + 8))
    return f"{{mtype={int.from_bytes(raw, 'little', signed=True)}, mtext={text}}}" if raw and text else None


_POINTERS: dict[str, Callable[[View], str | None]] = {
    "char": _bytes, "random": _random, "cwd": _text, "comm": _command, "sigset": _sigset, "fd_set": _fd_set,
    "cpuset": _cpuset, "mincore": _mincore, "dirents": _dirents, "dirents_old": _dirents,
    "sockaddr": _socket_address, "sockopt": _option, "iovec": _iovec, "iovec_out": _iovec_out,
    "iovec_remote": _iovec_remote, "msghdr": _message, "msghdr_out": _message_out, "mmsghdr": _messages,
    "mmsghdr_out": _messages, "sigmask_arg": _sigmask_argument, "msgbuf": _ipc_message, "pollfd": _pollfd,
    "clone_args": _clone_arguments,
}  # fmt: skip


def _array(view: View, size: int, element: Callable[[bytes], str]) -> str | None:
    parts = []
    for index in range(max(0, min(view.meant, ELEMENTS_SHOWN))):
        raw = view.reader.read(view.at + size * index, size)
        if raw is None:
            return None
        parts.append(element(raw))
    more = ["..."] if view.meant > ELEMENTS_SHOWN else []
    return f"[{', '.join(parts + more)}]"


def pointer(name: str, view: View) -> str | None:
    """What a pointer to a structure leads to."""
    if not view.at:
        return "NULL"
    if name in _BARE:
        return address(view.at)
    special = _POINTERS.get(name)
    if special is not None:
        return special(view)
    size = SHAPES[name].size
    element = _ELEMENTS.get(name) or _plain(name)
    if view.array or name in _BRACKETED:
        return _array(view, size, element)
    raw = view.reader.read(view.at, size)
    return element(raw) if raw is not None else None


def path(reader: Reader, at: int, limit: int = 4096) -> str | None:
    """A string; None when its beginning is not to be had."""
    if not at:
        return "NULL"
    data = reader.read_some(at, min(limit + 1, 4097))
    text, end, _ = data.partition(b"\0")
    if not end and len(data) <= limit:
        return None
    return quote(text[:limit], more=len(text) > limit)


def strings(reader: Reader, at: int) -> str | None:
    """An array of strings: ["sh", "-c", "true"]"""
    if not at:
        return "NULL"
    parts: list[str] = []
    while len(parts) < STRINGS_SHOWN:
        raw = reader.read(at + 8 * len(parts), 8)
        if raw is None:
            return None
        where = int.from_bytes(raw, "little")
        if not where:
            return f"[{', '.join(parts)}]"
        parts.append(path(reader, where, TEXT_SHOWN) or address(where))
    return f"[{', '.join(parts)}, ...]"


def count_strings(reader: Reader, at: int) -> str | None:
    """An environment: its address and its size."""
    if not at:
        return "NULL"
    count = 0
    while count < 100_000:
        raw = reader.read(at + 8 * count, 8)
        if raw is None:
            return None
        if not any(raw):
            break
        count += 1
    return f"{address(at)} /* {count} var{'' if count == 1 else 's'} */"
