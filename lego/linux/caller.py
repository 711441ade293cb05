"""Who asks for a file, as far as that decides what is allowed (credentials(7), path_resolution(7))."""

from __future__ import annotations

import msgspec

FILE_CAPABILITIES = sum(1 << number for number in (0, 1, 2, 3, 4, 9, 27, 32))
"""Those that count for files (CAP_FS_SET, include/linux/capability.h): CAP_CHOWN, CAP_DAC_OVERRIDE,
CAP_DAC_READ_SEARCH, CAP_FOWNER, CAP_FSETID, CAP_LINUX_IMMUTABLE, CAP_MKNOD, CAP_MAC_OVERRIDE."""


class Caller(msgspec.Struct, array_like=True, frozen=True):
    """File-system user and group, supplementary groups, and which of `FILE_CAPABILITIES` are effective."""

    uid: int
    gid: int
    groups: list[int]
    capabilities: int
