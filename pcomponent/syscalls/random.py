"""getrandom(2), from the machine's seed. Source: drivers/char/random.c."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from pcomponent.syscalls.table import syscall
from pcomponent.vectors import copy_out

if TYPE_CHECKING:
    from pcomponent.process import Thread

GRND_NONBLOCK, GRND_RANDOM, GRND_INSECURE = 1, 2, 4
MAX_RW_COUNT = 0x7FFFF000
CHUNK = 1 << 16


@syscall(318, "getrandom", "buffer", "size", "flags")
def getrandom(task: Thread, address: int, length: int, flags: int) -> int:
    """Random bytes; never blocks. A buffer that ends in memory that is not there is filled as far as it goes."""
    if flags & ~(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE):
        raise LinuxError(E.EINVAL)
    if flags & (GRND_RANDOM | GRND_INSECURE) == GRND_RANDOM | GRND_INSECURE:
        raise LinuxError(E.EINVAL)
    length = min(length, MAX_RW_COUNT)
    done = 0
    while done < length:
        data = task.kernel.random.bytes(min(CHUNK, length - done))
        taken = copy_out(task, address + done, data)
        done += taken
        if taken < len(data):
            if not done:
                raise LinuxError(E.EFAULT)
            break
    return done
