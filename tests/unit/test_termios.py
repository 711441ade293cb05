"""Terminals' modes: the three structures, and the speeds, as the host's kernel has them."""

from __future__ import annotations

import fcntl
import os

import pytest

from lego.linux import termios as t
from lego.linux.termios import STANDARD, Modes, speed_of


def test_sizes() -> None:
    assert (t.TERMIOS_BYTES, t.TERMIOS2_BYTES, t.TERMIO_BYTES) == (36, 44, 18)
    assert len(STANDARD.cc) == t.NCCS


def test_a_new_terminal_is_as_the_hosts() -> None:
    master, slave = os.openpty()
    try:
        assert fcntl.ioctl(slave, t.TCGETS2, bytes(44)) == STANDARD.pack2()
        assert fcntl.ioctl(slave, t.TCGETS, bytes(36)) == STANDARD.pack()
        assert fcntl.ioctl(slave, t.TCGETA, bytes(18))[:17] == STANDARD.pack_old()[:17]
    finally:
        os.close(master)
        os.close(slave)


def test_what_is_packed_can_be_set() -> None:
    modes = Modes(0x12345, 5, 0xBF, 0x54321, bytes(range(19)), 7, 50, 60)
    assert STANDARD.changed(modes.pack2()) == modes
    old = modes.changed(STANDARD.pack_old())
    assert old.iflag == 0x10000 | STANDARD.iflag & 0xFFFF
    assert old.cc == STANDARD.cc[:8] + modes.cc[8:]


@pytest.mark.parametrize(("cflag", "speed"), [(0xF, 38400), (0xD, 9600), (0, 0), (0x1002, 115200), (0x1000, 777)])
def test_speeds(cflag: int, speed: int) -> None:
    assert speed_of(cflag, 777) == speed


def test_the_speed_of_input_follows_that_of_output() -> None:
    raw = Modes(0, 0, 0xBD, 0, STANDARD.cc).pack()
    assert STANDARD.changed(raw).ispeed == STANDARD.changed(raw).ospeed == 9600
