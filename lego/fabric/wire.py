"""Messages: typed structs on both ends, bytes between.

A request is a `Request` subclass, its reply a `msgspec.Struct`; a request names the type of its reply:

    class Miss(Request, frozen=True):
        Reply: ClassVar = MissReply
        address: int

A `Door` is the set of requests that a kind of component serves; it encodes and decodes them. Bulk data
(pages, file contents) is never inside a struct: it travels beside it as raw bytes, the *payload*.

On the wire a request or reply is the msgpack of its struct; the transport frames it together with its
payload. `wire_bytes` is what the network model charges for: header, struct and payload.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Union

import msgspec

from lego.fabric.text import decoder, encode as encode

HEADER_BYTES = 16  # Flags, lengths and a time: what a transport puts in front of every message.

Buffer = bytes | bytearray | memoryview


class Request(msgspec.Struct, tag=True, array_like=True, frozen=True):
    """The base of all requests. `Reply` is the type of the answer."""

    Reply: ClassVar[Any] = None
    door: ClassVar[Any] = None
    """The `Door` that serves this request; set when the door is made."""


class Done(msgspec.Struct, array_like=True, frozen=True):
    """The reply that says only that it is done."""


class Failure(msgspec.Struct, array_like=True, frozen=True):
    """The reply of a request that ended in an error. `errno` 0 means that the component itself failed."""

    errno: int
    detail: str


def wire_bytes(body: bytes, payload: Buffer) -> int:
    """The size of one message, in bytes."""
    return HEADER_BYTES + len(body) + len(payload)


class Door:
    """The requests that one kind of component serves."""

    def __init__(self, kind: str, requests: Iterable[type[Request]]) -> None:
        self.kind = kind
        self.requests = tuple(requests)
        for request in self.requests:
            request.door = self
        self.decode_request: Callable[[Buffer], Request] = decoder(
            Union[self.requests]  # noqa: UP007 - built at run time
        )
        self._decode_reply: dict[type[Request], Callable[[Buffer], Any]] = {
            request: decoder(request.Reply) for request in self.requests
        }

    def decode_reply(self, request: Request, body: Buffer) -> Any:
        """The typed reply to a request of this door."""
        return self._decode_reply[type(request)](body)


_decode_failure: Callable[[Buffer], Failure] = decoder(Failure)


def decode_failure(body: Buffer) -> Failure:
    """The error in the body of a reply that is marked as a failure."""
    return _decode_failure(body)
