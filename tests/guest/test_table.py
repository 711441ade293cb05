"""The table of system calls against what guest programs exercise: each call has succeeded and, if it can, failed."""

from __future__ import annotations

from pathlib import Path

from harness import CONFIGS, ENVIRONMENT, Bench, Program, all_programs, build, deadline, empty, machine_config

from lego.machine import Machine
from pcomponent.syscalls import load_all
from pcomponent.syscalls.table import TABLE

ELSEWHERE = ("machine_", "escape_")
NEVER_SUCCEEDS = {
    "settimeofday": "would set the host's clock when the program runs natively",
    "clock_settime": "would set the host's clock when the program runs natively",
    "sethostname": "EPERM, as the table says",
    "setdomainname": "EPERM, as the table says",
    **dict.fromkeys(
        """mount umount2 pivot_root move_mount fsopen fsmount fspick swapon swapoff reboot acct vhangup""".split(),  # noqa: SIM905
        "EPERM, as the table says",
    ),
    "syslog": "who may read the kernel's log is the host's choice",
    "name_to_handle_at": "EOPNOTSUPP, as the table says",
    "setns": "there are no namespaces to enter",
    "pkey_alloc": "there are no protection keys",
    "pkey_free": "there are no protection keys",
    "rseq": "ENOSYS, as the table says",
    **{
        f"{form}{verb}xattr": "EOPNOTSUPP where the host's file system has none"
        for form in ("", "l", "f")
        for verb in ("set", "get", "remove")
    },
}
NEVER_FAILS = {
    **dict.fromkeys(
        """getpid gettid getppid getpgrp getuid getgid geteuid getegid umask sched_yield sync alarm exit exit_group brk
        personality munlockall setfsuid setfsgid set_tid_address eventfd rt_sigreturn time""".split(),  # noqa: SIM905
        "Linux has no error for it",
    ),
    "pause": "it ends by a signal, which is no error of its own",
    "fork": "only when there is no room for another process (tests/machine)",
    "vfork": "only when there is no room for another process (tests/machine)",
}


class Tally:
    """Which calls have succeeded and failed on a machine so far."""

    def __init__(self) -> None:
        self.names = {call.name for call in TABLE.values()}
        self.lacking: set[tuple[str, str]] = set()

    def count(self, processor: dict[str, dict[str, int]]) -> bool:
        """Looks at the machine's counters; true when nothing is lacking."""
        made, failed = processor["syscalls"], processor["failed_syscalls"]
        self.lacking = {
            (name, what)
            for name in self.names
            for what, there in (
                ("success", name in NEVER_SUCCEEDS or made.get(name, 0) > failed.get(name, 0)),
                ("error", name in NEVER_FAILS or failed.get(name, 0) > 0),
            )
            if not there
        }
        return not self.lacking


FIRST = """
    files_bad_pointers info_identity talk_unix_names files_bad_descriptors info_scheduling process_wait/groups
    talk_splice files_modes talk_eventfd talk_socketpair threads_signals process_exec/kept files_rename files_poll
    talk_epoll signals_waiting/suspend files_truncate files_descriptors process_wait/waitid threads_clone files_statfs
    files_openat2 info_clocks files_opath memory_file_shared files_positional files_directory_of_process talk_pass
    info_prctl process_fork/vfork files_links process_groups/timedwait info_usage info_system memory_mremap
    threads_end/robust memory_madvise memory_anonymous files_proc_self/one talk_fifo files_copy memory_msync files_stat
    talk_pipe process_exec/at signals_waiting/itimer process_vm shm_memfd
    process_pidfd process_pidfd_files process_timers shm_ring shm_sysv_queues shm_sysv_segments shm_sysv_semaphores
    signals_posix_timers code_dual_mapped
""".split()  # noqa: SIM905
"""After those that are about single calls (abi_*), these are enough, at the time of writing; then come all others."""


def in_order() -> list[tuple[Program, tuple[str, ...]]]:
    """All runs of all programs, those first with which everything is covered soonest."""
    programs = [each for each in all_programs() if not each.name.startswith(ELSEWHERE)]
    runs = [(program, run) for program in programs for run in program.runs]

    def place(each: tuple[Program, tuple[str, ...]]) -> int:
        program, run = each
        if program.name.startswith("abi_"):
            return -1
        label = "/".join((program.name, *run[:1]))
        return FIRST.index(label) if label in FIRST else len(FIRST)

    return sorted(runs, key=place)


def test_every_call_of_the_table_is_exercised(bench: Bench, tmp_path: Path) -> None:
    load_all()
    tally = Tally()
    with Machine(machine_config(CONFIGS["generous"], bench.base)) as machine:
        for program, run in in_order():
            empty(bench.work)
            argv = [str(build(program, program.builds[0])), *run]
            with deadline(60, program.name):
                result = machine.run(argv, stdin=program.stdin, environment=ENVIRONMENT, cwd=str(bench.work))
            if tally.count(result.statistics["processors"][0]):
                return
    missing = "\n".join(f"{name}: no {what}" for name, what in sorted(tally.lacking))
    assert not tally.lacking, f"no guest program has made these (add one, tests/guest/programs/abi_*.c):\n{missing}"


def test_exceptions_are_of_calls_that_there_are() -> None:
    load_all()
    names = {call.name for call in TABLE.values()}
    assert not [name for name in (*NEVER_SUCCEEDS, *NEVER_FAILS) if name not in names]
