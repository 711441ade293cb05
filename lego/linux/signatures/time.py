"""Calls on clocks and timers. Source: section 2 of the manual pages, include/linux/syscalls.h."""

CALLS = """
time                tloc:>long
gettimeofday        tv:>timeval tz:>timezone
settimeofday        tv:<timeval tz:<timezone
adjtimex            buf:<>timex
clock_adjtime       clockid:#clock buf:<>timex
clock_gettime       clockid:#clock tp:>timespec
clock_settime       clockid:#clock tp:<timespec
clock_getres        clockid:#clock res:>timespec
clock_nanosleep     clockid:#clock flags:|timer request:<timespec remain:>timespec
nanosleep           req:<timespec rem:>timespec
alarm               seconds:uint
getitimer           which:#itimer curr_value:>itimerval
setitimer           which:#itimer new_value:<itimerval old_value:>itimerval
timer_create        clockid:#clock sevp:<sigevent timerid:>int
timer_settime       timerid:int flags:|timer new_value:<itimerspec old_value:>itimerspec
timer_gettime       timerid:int curr_value:>itimerspec
timer_getoverrun    timerid:int
timer_delete        timerid:int
timerfd_create      clockid:#clock flags:|timerfd_create = fd
timerfd_settime     fd:fd flags:|timerfd new_value:<itimerspec old_value:>itimerspec
timerfd_gettime     fd:fd curr_value:>itimerspec
"""
