"""Calls on processes, threads, users and limits. Source: section 2 of the manual pages, include/linux/syscalls.h."""

CALLS = """
fork = pid
vfork = pid
clone               flags:|clone stack:addr parent_tid:>tid child_tid:>tid tls:addr = pid
clone3              cl_args:<clone_args[size] size:size = pid
execve              pathname:path argv:strs envp:strs
execveat            dirfd:atfd pathname:path argv:strs envp:strs flags:|at
exit                status:int
exit_group          status:int
wait4               pid:pid wstatus:>wstatus options:|wait rusage:>rusage = pid
waitid              idtype:#idtype id:pid infop:>siginfo options:|wait rusage:>rusage
getpid = pid
gettid = pid
getppid = pid
getpgid             pid:pid = pid
getpgrp = pid
setpgid             pid:pid pgid:pid
getsid              pid:pid = pid
setsid = pid
set_tid_address     tidptr:addr = pid
getuid
geteuid
getgid
getegid
setuid              uid:id
setgid              gid:id
setreuid            ruid:id euid:id
setregid            rgid:id egid:id
setresuid           ruid:id euid:id suid:id
setresgid           rgid:id egid:id sgid:id
getresuid           ruid:>id euid:>id suid:>id
getresgid           rgid:>id egid:>id sgid:>id
setfsuid            fsuid:id
setfsgid            fsgid:id
getgroups           size:int list:>id[size]
setgroups           size:int list:<id[size]
capget              hdrp:<>cap_header datap:>cap_data[2]
capset              hdrp:<>cap_header datap:<cap_data[2]
getrlimit           resource:#rlimit rlim:>rlimit
setrlimit           resource:#rlimit rlim:<rlimit
prlimit64           pid:pid resource:#rlimit new_limit:<rlimit64 old_limit:>rlimit64
getrusage           who:#rusage usage:>rusage
times               buf:>tms
getpriority         which:#priority who:pid
setpriority         which:#priority who:pid prio:int
ioprio_get          which:#ioprio who:pid
ioprio_set          which:#ioprio who:pid ioprio:int
sched_yield
sched_setaffinity   pid:pid cpusetsize:uint mask:<cpuset[cpusetsize]
sched_getaffinity   pid:pid cpusetsize:uint mask:>cpuset[cpusetsize]
sched_setparam      pid:pid param:<sched_param
sched_getparam      pid:pid param:>sched_param
sched_setscheduler  pid:pid policy:#sched param:<sched_param
sched_getscheduler  pid:pid = enum sched
sched_setattr       pid:pid attr:<>sched_attr flags:uint
sched_getattr       pid:pid attr:>sched_attr[size] size:uint flags:uint
sched_get_priority_max  policy:#sched
sched_get_priority_min  policy:#sched
sched_rr_get_interval   pid:pid tp:>timespec
getcpu              cpu:>uint node:>uint tcache:addr
set_robust_list     head:addr len:size
get_robust_list     pid:pid head_ptr:>ptr len_ptr:>ulong
rseq                rseq:addr rseq_len:uint flags:uint sig:hex32
futex               uaddr:<u32 futex_op:#futex val:uint timeout:addr uaddr2:addr val3:hex32
futex/FUTEX_WAIT    uaddr:<u32 futex_op:#futex val:uint timeout:<timespec
futex/FUTEX_WAIT_BITSET     uaddr:<u32 futex_op:#futex val:uint timeout:<timespec uaddr2:none val3:hex32
futex/FUTEX_WAKE    uaddr:addr futex_op:#futex val:uint
futex/FUTEX_WAKE_BITSET     uaddr:addr futex_op:#futex val:uint timeout:none uaddr2:none val3:hex32
futex/FUTEX_REQUEUE uaddr:addr futex_op:#futex val:uint val2:uint uaddr2:addr
futex/FUTEX_CMP_REQUEUE     uaddr:<u32 futex_op:#futex val:uint val2:uint uaddr2:addr val3:uint
futex/FUTEX_WAKE_OP uaddr:addr futex_op:#futex val:uint val2:uint uaddr2:<>u32 val3:hex32
futex/FUTEX_LOCK_PI uaddr:<>u32 futex_op:#futex val:none timeout:<timespec
futex/FUTEX_LOCK_PI2        uaddr:<>u32 futex_op:#futex val:none timeout:<timespec
futex/FUTEX_UNLOCK_PI       uaddr:<>u32 futex_op:#futex
futex/FUTEX_TRYLOCK_PI      uaddr:<>u32 futex_op:#futex
futex/FUTEX_WAIT_REQUEUE_PI uaddr:<u32 futex_op:#futex val:uint timeout:<timespec uaddr2:addr
futex/FUTEX_CMP_REQUEUE_PI  uaddr:<u32 futex_op:#futex val:uint val2:uint uaddr2:addr val3:uint
futex_waitv         waiters:<futex_waitv[nr_futexes] nr_futexes:uint flags:uint timeout:<timespec clockid:#clock
futex_wake          uaddr:addr mask:hex nr:int flags:hex32
futex_wait          uaddr:<u32 val:ulong mask:hex flags:hex32 timeout:<timespec clockid:#clock
futex_requeue       waiters:<futex_waitv[2] flags:uint nr_wake:int nr_requeue:int
prctl               option:#prctl arg2:hex arg3:hex arg4:hex arg5:hex
prctl/PR_SET_NAME   option:#prctl name:str
prctl/PR_GET_NAME   option:#prctl name:>comm
prctl/PR_SET_PDEATHSIG      option:#prctl sig:sig
prctl/PR_GET_PDEATHSIG      option:#prctl sig:>int
prctl/PR_GET_DUMPABLE       option:#prctl
prctl/PR_SET_DUMPABLE       option:#prctl dumpable:uint
prctl/PR_GET_KEEPCAPS       option:#prctl
prctl/PR_SET_KEEPCAPS       option:#prctl state:uint
prctl/PR_GET_TIMING         option:#prctl
prctl/PR_SET_TIMING         option:#prctl mode:uint
prctl/PR_GET_SECCOMP        option:#prctl
prctl/PR_GET_SECUREBITS     option:#prctl
prctl/PR_CAPBSET_READ       option:#prctl cap:#capability
prctl/PR_CAPBSET_DROP       option:#prctl cap:#capability
prctl/PR_GET_TSC            option:#prctl mode:>int
prctl/PR_SET_TIMERSLACK     option:#prctl ns:ulong
prctl/PR_GET_TIMERSLACK     option:#prctl
prctl/PR_SET_CHILD_SUBREAPER    option:#prctl set:ulong
prctl/PR_GET_CHILD_SUBREAPER    option:#prctl set:>int
prctl/PR_SET_NO_NEW_PRIVS   option:#prctl arg2:ulong arg3:ulong arg4:ulong arg5:ulong
prctl/PR_GET_NO_NEW_PRIVS   option:#prctl arg2:ulong arg3:ulong arg4:ulong arg5:ulong
prctl/PR_GET_TID_ADDRESS    option:#prctl address:>ptr
prctl/PR_SET_THP_DISABLE    option:#prctl flag:ulong arg3:ulong arg4:ulong arg5:ulong
prctl/PR_GET_THP_DISABLE    option:#prctl arg2:ulong arg3:ulong arg4:ulong arg5:ulong
prctl/PR_CAP_AMBIENT        option:#prctl op:#ambient cap:#capability arg4:ulong arg5:ulong
prctl/PR_SET_VMA            option:#prctl attr:ulong addr:addr len:size name:str
arch_prctl          code:#arch_prctl addr:addr
arch_prctl/ARCH_GET_FS  code:#arch_prctl addr:>ptr
arch_prctl/ARCH_GET_GS  code:#arch_prctl addr:>ptr
personality         persona:hex32
unshare             flags:|clone
setns               fd:fd nstype:|clone
kcmp                pid1:pid pid2:pid type:#kcmp idx1:ulong idx2:ulong
ptrace              request:ulong pid:pid addr:addr data:addr
seccomp             operation:uint flags:uint args:addr
pidfd_open          pid:pid flags:|open_only = fd
pidfd_getfd         pidfd:fd targetfd:fd flags:uint = fd
process_mrelease    pidfd:fd flags:uint
"""
