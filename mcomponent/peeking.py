"""Pages for the tracer of a processor: looked at where they lie, with nothing moved, fetched or counted."""

from __future__ import annotations

from lego.fabric.wire import Buffer
from lego.linux.mman import MAP_SHARED
from lego.regions import PAGE_SHIFT
from mcomponent.core import Core
from mcomponent.frames import ZERO_PAGE
from mcomponent.messages import Peek, PeekReply

_FOUND, _ABSENT = PeekReply(True), PeekReply(False)


class Peeking:
    """Serves `Peek`."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def peek(self, sender: str, request: Peek, payload: Buffer) -> tuple[PeekReply, Buffer]:
        """The page as a miss would give it, if it is here."""
        core = self._core
        owned = core.owned.get(request.space)
        region = owned.parts.find(request.address) if owned is not None else None
        if owned is not None and region is not None and not region.flags & MAP_SHARED:
            frame = owned.table.entries.get(request.address >> PAGE_SHIFT)
            if frame is not None:
                return _FOUND, bytes(core.frames.view(frame))
            if region.object is None:
                return _FOUND, ZERO_PAGE
        if request.object is None:
            return _ABSENT, b""
        cached = core.cache.cached.objects.get(request.object)
        frame = cached.pages.get(request.page) if cached is not None else None
        return (_ABSENT, b"") if frame is None else (_FOUND, bytes(core.frames.view(frame)))
