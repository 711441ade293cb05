"""Calls on signals. Source: section 2 of the manual pages, include/linux/syscalls.h."""

CALLS = """
rt_sigaction        signum:sig act:<sigaction oldact:>sigaction sigsetsize:size
rt_sigprocmask      how:#sigprocmask set:<sigset[sigsetsize] oldset:>sigset[sigsetsize] sigsetsize:size
rt_sigpending       set:>sigset[sigsetsize] sigsetsize:size
rt_sigtimedwait     set:<sigset[sigsetsize] info:>siginfo timeout:<timespec sigsetsize:size = sig
rt_sigsuspend       mask:<sigset[sigsetsize] sigsetsize:size
rt_sigqueueinfo     tgid:pid sig:sig info:<siginfo
rt_tgsigqueueinfo   tgid:pid tid:pid sig:sig info:<siginfo
rt_sigreturn
sigaltstack         ss:<stack old_ss:>stack
kill                pid:pid sig:sig
tkill               tid:pid sig:sig
tgkill              tgid:pid tid:pid sig:sig
pause
restart_syscall
signalfd            fd:fd mask:<sigset[sizemask] sizemask:size = fd
signalfd4           fd:fd mask:<sigset[sizemask] sizemask:size flags:|signalfd = fd
pidfd_send_signal   pidfd:fd sig:sig info:<siginfo flags:uint
"""
