"""The calls of Linux that Lego does not have, and why: they return ENOSYS, and are named once on stderr.

`lego syscalls --all` shows them beside the table. A call that gets a handler leaves this list, one that
Linux gets anew has to be added (tests/unit/test_absent.py).
"""

from __future__ import annotations

from lego.linux.numbers import NAMES
from pcomponent.syscalls.table import TABLE

_GROUPS = {
    "Linux itself has no such call any more": """
        uselib _sysctl create_module get_kernel_syms query_module nfsservctl getpmsg putpmsg afs_syscall tuxcall
        security epoll_ctl_old epoll_wait_old vserver lookup_dcookie""",
    "not on this architecture's 64-bit programs, or only for 32-bit ones": """
        set_thread_area get_thread_area modify_ldt map_shadow_stack""",
    "would change the machine under its programs, or ask what it is made of: modules, quotas, ports, file systems": """
        init_module finit_module delete_module kexec_load kexec_file_load quotactl quotactl_fd iopl ioperm sysfs
        ustat""",
    "a machine's mounts are given by its description": "open_tree fsconfig mount_setattr statmount listmount",
    "no tracing or inspection of processes by others": """
        ptrace process_madvise process_mrelease perf_event_open bpf userfaultfd""",
    "no filters or security modules": """
        seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self lsm_get_self_attr lsm_set_self_attr
        lsm_list_modules""",
    "no keys are kept": "add_key request_key keyctl",
    "no asynchronous input and output beside threads": """
        io_setup io_destroy io_getevents io_submit io_cancel io_pgetevents io_uring_setup io_uring_enter
        io_uring_register""",
    "memory components place pages, programs do not": "set_mempolicy_home_node",
    "no notification of changes to files": """
        inotify_init inotify_init1 inotify_add_watch inotify_rm_watch fanotify_init fanotify_mark""",
    "no memory that the kernel itself cannot read": "memfd_secret",
    "the older calls do the same": """
        futex_wake futex_wait futex_requeue remap_file_pages cachestat mseal
        open_by_handle_at""",
}
ABSENT: dict[str, str] = {name: why for why, names in _GROUPS.items() for name in names.split()}
"""Name and reason."""


def absent() -> dict[int, tuple[str, str]]:
    """Number to name and reason of each call that has no handler."""
    return {number: (name, ABSENT.get(name, "")) for number, name in sorted(NAMES.items()) if number not in TABLE}
