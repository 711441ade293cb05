"""The states of a stream, and the numbers that several files about streams need. Source: include/net/tcp_states.h."""

from __future__ import annotations

from enum import IntEnum

SO_SNDBUF, SO_RCVLOWAT, SO_LINGER, SO_OOBINLINE = 7, 18, 13, 10


class State(IntEnum):
    """Of a connection, as /proc/net/tcp shows it."""

    ESTABLISHED = 1
    SYN_SENT = 2
    FIN_WAIT1 = 4
    FIN_WAIT2 = 5
    TIME_WAIT = 6
    CLOSE = 7
    CLOSE_WAIT = 8
    LAST_ACK = 9
    LISTEN = 10


class Phase(IntEnum):
    """Of the socket itself (SS_*)."""

    UNCONNECTED = 1
    CONNECTING = 2
    CONNECTED = 3


OPEN = (State.ESTABLISHED, State.CLOSE_WAIT)
"""States in which one can send."""
