"""Calls about the system as a whole. Source: section 2 of the manual pages, include/linux/syscalls.h."""

CALLS = """
uname               buf:>utsname
sysinfo             info:>sysinfo
syslog              type:#syslog bufp:>char[len] len:int
sethostname         name:<char[len] len:int
setdomainname       name:<char[len] len:int
getrandom           buf:>random[buflen] buflen:size flags:|getrandom
iopl                level:int
ioperm              from:hex num:hex turn_on:int
vhangup
acct                filename:path
swapon              path:path swapflags:hex32
swapoff             path:path
reboot              magic:hex32 magic2:hex32 cmd:hex32 arg:addr
modify_ldt          func:int ptr:addr bytecount:ulong
sysfs               option:int arg1:hex arg2:hex
uselib              library:path
"""
