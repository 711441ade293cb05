"""Addresses, messages and options of sockets. Source: unix(7), ip(7), ipv6(7), cmsg(3), socket(7)."""

from __future__ import annotations

import socket
import struct

from lego.linux import symbols
from pcomponent.tracing.peek import Reader
from pcomponent.tracing.values import address, cut, quote

_HEADER = struct.Struct("<QI4xQQQQi4x")
_CMSG = struct.Struct("<Qii")
_SOL_SOCKET, _RIGHTS, _CREDENTIALS = 1, 1, 2
_CONTROL_SHOWN = 4096


def sockaddr(raw: bytes) -> str:
    """{sa_family=AF_UNIX, sun_path="name"}"""
    if len(raw) < 2:
        return cut(raw)
    family = int.from_bytes(raw[:2], "little")
    name = f"sa_family={symbols.choice('af', family)}"
    body = raw[2:]
    if family == socket.AF_UNIX:
        if not body:
            return f"{{{name}}}"
        if body[:1] == b"\0":
            return f"{{{name}, sun_path=@{quote(body[1:])}}}"
        return f"{{{name}, sun_path={quote(body.split(b'%c' % 0)[0])}}}"
    if family == socket.AF_INET and len(raw) >= 8:
        port = int.from_bytes(body[:2], "big")
        return f'{{{name}, sin_port=htons({port}), sin_addr=inet_addr("{socket.inet_ntoa(body[2:6])}")}}'
    if family == socket.AF_INET6 and len(raw) >= 28:
        port, flow = int.from_bytes(body[:2], "big"), int.from_bytes(body[2:6], "big")
        text = socket.inet_ntop(socket.AF_INET6, body[6:22])
        scope = int.from_bytes(body[22:26], "little")
        return (
            f'{{{name}, sin6_port=htons({port}), sin6_flowinfo=htonl({flow}), inet_pton(AF_INET6, "{text}", '
            f"&sin6_addr), sin6_scope_id={scope}}}"
        )
    return f"{{{name}, sa_data={quote(body[:14])}}}"


def iovec(reader: Reader, where: int, count: int, limit: int | None) -> str | None:
    """[{iov_base="text", iov_len=4}]; with `limit`, so many bytes of the buffers are meant, else all."""
    if not where or not count:
        return address(where) if not where else "[]"
    parts: list[str] = []
    for index in range(min(count, 64)):
        raw = reader.read(where + 16 * index, 16)
        if raw is None:
            return f"[{', '.join([*parts, f'... /* {where + 16 * index:#x} */'])}]" if parts else None
        base, length = struct.unpack("<QQ", raw)
        here = length if limit is None else min(length, limit)
        if limit is not None:
            limit -= here
        data = reader.read_some(base, min(here, 33)) if base else b""
        complete = len(data) == min(here, 33)
        shown = cut(data, here) if base and complete else address(base)
        parts.append(f"{{iov_base={shown}, iov_len={length}}}")
    more = ["..."] if count > 64 else []
    return f"[{', '.join(parts + more)}]"


def _control(raw: bytes) -> str:
    """[{cmsg_len=20, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[3]}]"""
    parts: list[str] = []
    at = 0
    while len(raw) - at >= _CMSG.size:
        length, level, kind = _CMSG.unpack_from(raw, at)
        if length < _CMSG.size:
            break
        body = raw[at + _CMSG.size : at + length]
        what = symbols.choice("scm", kind) if level == _SOL_SOCKET else f"{kind:#x}"
        shown = cut(body)
        if level == _SOL_SOCKET and kind == _RIGHTS:
            shown = f"[{', '.join(str(fd) for (fd,) in struct.iter_unpack('<i', body[: len(body) & ~3]))}]"
        elif level == _SOL_SOCKET and kind == _CREDENTIALS and len(body) >= 12:
            shown = "{{pid={}, uid={}, gid={}}}".format(*struct.unpack_from("<iII", body))
        sol = symbols.choice("sol", level & 0xFFFFFFFF)
        parts.append(f"{{cmsg_len={length}, cmsg_level={sol}, cmsg_type={what}, cmsg_data={shown}}}")
        at += length + 7 & ~7
    return f"[{', '.join(parts)}]"


def message(reader: Reader, where: int, limit: int | None) -> str | None:
    """A struct msghdr; `limit`: how many bytes of its buffers are meant."""
    raw = reader.read(where, _HEADER.size)
    if raw is None:
        return None
    name, name_length, vectors, count, control, control_length, flags = _HEADER.unpack(raw)
    name_raw = reader.read(name, min(name_length, 128)) if name else None
    shown = sockaddr(name_raw) if name_raw else address(name)
    parts = [f"msg_name={shown}", f"msg_namelen={name_length}"]
    parts.append(f"msg_iov={iovec(reader, vectors, count, limit) or address(vectors)}")
    parts.append(f"msg_iovlen={count}")
    if control and control_length:
        data = reader.read(control, min(control_length, _CONTROL_SHOWN))
        parts.append(f"msg_control={_control(data) if data is not None else address(control)}")
    parts += [f"msg_controllen={control_length}", f"msg_flags={symbols.flags('msg', flags & 0xFFFFFFFF)}"]
    return f"{{{', '.join(parts)}}}"


def option(level: int, name: int, raw: bytes) -> str:
    """The value of a socket option."""
    if level == _SOL_SOCKET and name == socket.SO_LINGER and len(raw) >= 8:
        return "{{l_onoff={}, l_linger={}}}".format(*struct.unpack_from("<ii", raw))
    if level == _SOL_SOCKET and name in (20, 21) and len(raw) >= 16:
        return "{{tv_sec={}, tv_usec={}}}".format(*struct.unpack_from("<qq", raw))
    if level == _SOL_SOCKET and name == socket.SO_PEERCRED and len(raw) >= 12:
        return "{{pid={}, uid={}, gid={}}}".format(*struct.unpack_from("<iII", raw))
    if len(raw) == 4:
        return f"[{int.from_bytes(raw, 'little', signed=True)}]"
    return cut(raw)
