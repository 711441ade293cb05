"""How structs become bytes and come back, file names that are not UTF-8 included.

Paths are str with surrogateescape (PEP 383): a byte that is no UTF-8 is a lone surrogate, which msgpack, whose
text is UTF-8, cannot carry. Messages with such text are rare, so they alone pay: before encoding, every lone
surrogate becomes an escape character and two hexadecimal digits, and the escape character itself is doubled.
It is a noncharacter of Unicode, so its bytes in a message say that there is something to undo.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec

_ESCAPE = "\U0010fffe"
_ESCAPE_BYTES = _ESCAPE.encode()
_TO_ESCAPE = re.compile(f"[{_ESCAPE}\udc80-\udcff]")
_ESCAPED = re.compile(f"{_ESCAPE}({_ESCAPE}|[0-9a-f]{{2}})")

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode


def encode(value: msgspec.Struct) -> bytes:
    """The msgpack of a struct."""
    try:
        body = _encode(value)
        if _ESCAPE_BYTES not in body:
            return body
    except UnicodeEncodeError:
        pass
    plain = msgspec.to_builtins(value, builtin_types=(bytes,))
    return _encode(_each_text(plain, _escape))


def decoder(kind: Any) -> Callable[[bytes | bytearray | memoryview], Any]:
    """The function that turns such bytes into a struct of a type, or of one of a union."""
    decode_typed = msgspec.msgpack.Decoder(kind).decode

    def decode(body: bytes | bytearray | memoryview) -> Any:
        raw = body if isinstance(body, bytes) else bytes(body)
        if _ESCAPE_BYTES not in raw:
            return decode_typed(raw)
        return msgspec.convert(_each_text(_decode(raw), _unescape), kind)

    return decode


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list | tuple):
        return [_each_text(item, change) for item in value]
    if isinstance(value, dict):
        return {_each_text(key, change): _each_text(item, change) for key, item in value.items()}
    return value


def _escape(text: str) -> str:
    return _TO_ESCAPE.sub(lambda found: _ESCAPE + _code(found[0]), text)


def _code(character: str) -> str:
    return _ESCAPE if character == _ESCAPE else f"{ord(character) - 0xDC00:02x}"


def _unescape(text: str) -> str:
    return _ESCAPED.sub(lambda found: _ESCAPE if found[1] == _ESCAPE else chr(0xDC00 + int(found[1], 16)), text)
