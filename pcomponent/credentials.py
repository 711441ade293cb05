"""Who a thread is: user and group ids and capabilities. Source: capabilities(7), credentials(7), kernel/sys.c."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from lego.linux.caller import FILE_CAPABILITIES, Caller

CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER, FSETID, KILL, SETGID, SETUID, SETPCAP = 0, 1, 2, 3, 4, 5, 6, 7, 8
NET_BIND_SERVICE, NET_ADMIN = 10, 12
IPC_LOCK, IPC_OWNER, SYS_CHROOT, SYS_PTRACE, SYS_ADMIN = 14, 15, 18, 19, 21
SYS_NICE, SYS_RESOURCE, SYS_TIME = 23, 24, 25
LAST_CAP = 40
"""/proc/sys/kernel/cap_last_cap: CAP_CHECKPOINT_RESTORE."""

_CONTAINER = (0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31)
ROOT_CAPABILITIES = sum(1 << number for number in _CONTAINER)
"""What root may do in a vNode: what containers usually give it (0xa80425fb). Its clock, its memory limits and its
devices are the machine's, so the capabilities for those are missing and the calls fail with EPERM."""

_ROOT_ON_FILES = ROOT_CAPABILITIES & FILE_CAPABILITIES

SECBIT_KEEP_CAPS = 1 << 4


@dataclass
class Credentials:
    """The ids and capability sets of a thread."""

    uid: int = 0
    euid: int = 0
    suid: int = 0
    fsuid: int = 0
    gid: int = 0
    egid: int = 0
    sgid: int = 0
    fsgid: int = 0
    groups: list[int] = field(default_factory=list)
    permitted: int = 0
    effective: int = 0
    inheritable: int = 0
    bounding: int = ROOT_CAPABILITIES
    ambient: int = 0
    securebits: int = 0
    no_new_privileges: bool = False

    @classmethod
    def of(cls, uid: int, euid: int, gid: int, egid: int) -> Credentials:
        """Of a process that starts with these ids."""
        capabilities = ROOT_CAPABILITIES if euid == 0 else 0
        return cls(
            uid, euid, euid, euid, gid, egid, egid, egid, permitted=capabilities, effective=capabilities
        )  # fmt: skip

    @property
    def identity(self) -> tuple[int, int, int, int]:
        """uid, euid, gid, egid."""
        return self.uid, self.euid, self.gid, self.egid

    def copy(self) -> Credentials:
        """For a child."""
        return replace(self, groups=list(self.groups))

    def capable(self, capability: int) -> bool:
        """Whether the effective set has it."""
        return bool(self.effective >> capability & 1)

    def member(self, gid: int) -> bool:
        """in_group_p: whether files of this group are the process's."""
        return gid == self.fsgid or gid in self.groups

    def caller(self, effective: bool = True) -> Caller | None:
        """Who a storage component is told that asks: None for root as it begins, with whose rights it serves anyway.
        Without `effective`, the real user and group, with the capabilities that root has and others have not
        (fs/open.c, access_override_creds)."""
        uid, gid, held = self.fsuid, self.fsgid, self.effective
        if not effective:
            uid, gid, held = self.uid, self.gid, 0 if self.uid else self.permitted
        held &= FILE_CAPABILITIES
        if not uid and not gid and held == _ROOT_ON_FILES and not self.groups:
            return None
        return Caller(uid, gid, self.groups, held)

    def permits(self, mode: int, uid: int, gid: int, mask: int) -> bool:
        """Whether the bits of `mode` of a file of that owner allow `mask` (4 read, 2 write, 1 execute or search): the
        rules of generic_permission()."""
        if uid == self.fsuid:
            bits = mode >> 6
        elif self.member(gid):
            bits = mode >> 3
        else:
            bits = mode
        if bits & 7 & mask == mask:
            return True
        directory = mode & 0o170000 == 0o040000
        if self.capable(DAC_OVERRIDE) and (directory or not mask & 1 or mode & 0o111):
            return True
        return self.capable(DAC_READ_SEARCH) and (mask == 4 or (directory and not mask & 2))

    def set_fsuid(self, uid: int) -> None:
        """setfsuid(2), which takes the capabilities that count for files with it, or brings them back."""
        if not self.fsuid and uid:
            self.effective &= ~FILE_CAPABILITIES
        elif self.fsuid and not uid:
            self.effective |= self.permitted & FILE_CAPABILITIES
        self.fsuid = uid

    def fix_capabilities(self, old: Credentials) -> None:
        """After the ids changed from `old`: drops or regains capabilities (cap_emulate_setxuid)."""
        was_root = 0 in (old.uid, old.euid, old.suid)
        if was_root and 0 not in (self.uid, self.euid, self.suid):
            if not self.securebits & SECBIT_KEEP_CAPS:
                self.permitted = self.effective = 0
            self.ambient = 0
        if old.euid == 0 and self.euid != 0:
            self.effective = 0
        elif old.euid != 0 and self.euid == 0:
            self.effective = self.permitted
