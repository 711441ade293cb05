"""--strace: what system calls look like to a person, in the manner of strace(1).

    peek.py        guest memory, looked at without leaving a trace in cache, counters or clocks
    values.py      numbers, names, strings
    structures.py  structures and arrays
    sockets.py     addresses, messages and options of sockets
    signals.py     sets of signals, siginfo_t, wait statuses
    calls.py       a call as a line, and what its result means

All but `peek` work on a `Reader`, so that they can be tried on plain bytes.
"""
