"""The global storage manager: which storage component has a vNode's files.

A vNode keeps its storage, since handles and file identities are that component's own. A new one goes to the
storage that has the fewest vNodes, the first among equals; after a loss, likewise.
"""

from __future__ import annotations

from collections.abc import Sequence


class StorageManager:
    """vNodes and their storage components."""

    def __init__(self) -> None:
        self._of_vnode: dict[int, str] = {}

    def storage_of(self, vnode: int, storages: Sequence[str]) -> str:
        """The storage of a vNode, chosen among those alive when it has none."""
        storage = self._of_vnode.get(vnode)
        if storage is None:
            taken = list(self._of_vnode.values())
            storage = self._of_vnode[vnode] = min(storages, key=taken.count)
        return storage

    def lost(self, storage: str) -> None:
        """A storage is gone: its vNodes have none."""
        self._of_vnode = {vnode: name for vnode, name in self._of_vnode.items() if name != storage}
