"""pkey_alloc(2) and its family, on a processor without protection keys. Source: mm/mprotect.c, arch/x86/mm/pkeys.c."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.regions import PAGE
from pcomponent.syscalls.memory import mprotect
from pcomponent.syscalls.table import syscall

if TYPE_CHECKING:
    from pcomponent.process import Thread

_GROWS_DOWN, _GROWS_UP = 0x01000000, 0x02000000


@syscall(329, "pkey_mprotect", "pointer", "size", "int", "int")
def pkey_mprotect(task: Thread, address: int, length: int, prot: int, key: int) -> int:
    """mprotect(2) with key -1; no other one was ever allocated (EINVAL, once the other arguments are right)."""
    if key == -1:
        return mprotect(task, address, length, prot)
    grows = prot & (_GROWS_DOWN | _GROWS_UP)
    if grows == _GROWS_DOWN | _GROWS_UP or address % PAGE:
        raise LinuxError(E.EINVAL)
    if not length:
        return 0
    if address + length > (1 << 64) - PAGE:
        raise LinuxError(E.ENOMEM)
    raise LinuxError(E.EINVAL)


@syscall(330, "pkey_alloc", "ulong", "ulong")
def pkey_alloc(task: Thread, flags: int, rights: int) -> int:
    """EINVAL: arch_set_user_pkey_access() refuses every key without the processor's feature."""
    raise LinuxError(E.EINVAL)


@syscall(331, "pkey_free", "int")
def pkey_free(task: Thread, key: int) -> int:
    """EINVAL: there is no key that was allocated."""
    raise LinuxError(E.EINVAL)
