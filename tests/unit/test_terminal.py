"""Pseudo-terminals on a kernel of scripted parts: numbers, sessions, job control, the host's terminal.

A SIGCONT that nobody handles leaves no trace.
"""

from __future__ import annotations

from typing import Any

import pytest
from kerneltask import FakeKernel, new_process

from lego.linux import termios as t
from lego.linux.errno import E, LinuxError
from lego.linux.signal import SIG_IGN, Sig, bit
from lego.linux.termios import STANDARD
from pcomponent.messages import TerminalSetup
from pcomponent.signals import Action
from pcomponent.terminals import jobs
from pcomponent.terminals.outside import OUT_BYTES, OutsideTerminal
from pcomponent.terminals.terminal import FLIP_BYTES, PTYS_MAX, Terminal, Terminals
from pcomponent.waiting import Interrupted


@pytest.fixture
def tasks() -> tuple[Any, Any]:
    """A session leader and another process of its session, in a group of its own."""
    kernel = FakeKernel()
    leader, member = new_process(kernel, 10), new_process(kernel, 11)
    member.process.session, member.process.parent = 10, 10
    return leader, member


def errno_of(call: Any, *arguments: Any) -> int:
    with pytest.raises(LinuxError) as caught:
        call(*arguments)
    return caught.value.errno


def pending(task: Any) -> set[int]:
    mask = task.process.signals.pending.mask
    return {number for number in range(1, 32) if mask & bit(number)}


def test_numbers_are_given_lowest_first() -> None:
    table = Terminals()
    made = []
    for wanted in (0, 1, 2):
        index = table.new_index(1)
        assert index == wanted
        made.append(Terminal(None, 1, index))  # type: ignore[arg-type]
        table.add(made[-1])
    assert table.new_index(2) == 0, "each vNode has its own"
    table.remove(made[1])
    assert table.new_index(1) == 1 and table.new_index(1, {1, 3}) == 4
    assert table.indexes(1) == [0, 2]


def test_there_are_not_more_than_the_limit() -> None:
    table = Terminals()
    for index in range(PTYS_MAX):
        table.add(Terminal(None, 1, index))  # type: ignore[arg-type]
    assert errno_of(table.new_index, 1) == E.ENOSPC


def test_a_leader_gets_and_loses_its_terminal(tasks: tuple[Any, Any]) -> None:
    leader, member = tasks
    terminal = Terminal(leader.kernel, 1, 0)
    assert errno_of(jobs.acquire, member, terminal, True) == E.EPERM
    jobs.opened(leader, terminal, False)
    assert leader.process.terminal is None, "not with O_WRONLY"
    jobs.opened(leader, terminal, True)
    assert (terminal.session, terminal.group) == (10, 10)
    assert errno_of(jobs.acquire, leader, Terminal(leader.kernel, 1, 1), True) == E.EPERM
    member.process.terminal = terminal
    terminal.group = 11
    jobs.leader_ended(leader.process, 5)
    assert pending(member) == {Sig.HUP} and member.process.terminal is None and terminal.session == 0


def test_the_background_is_stopped(tasks: tuple[Any, Any]) -> None:
    leader, member = tasks
    terminal = Terminal(leader.kernel, 1, 0)
    jobs.acquire(leader, terminal, True)
    member.process.terminal = terminal
    jobs.check_change(leader, terminal)
    with pytest.raises(Interrupted) as caught:
        jobs.check_change(member, terminal, Sig.TTIN)
    assert caught.value.restart and pending(member) == {Sig.TTIN}
    member.process.signals.set_action(member.process, Sig.TTIN, Action(SIG_IGN))
    assert errno_of(jobs.check_change, member, terminal, Sig.TTIN) == E.EIO
    member.signal_mask = bit(Sig.TTOU)
    jobs.check_change(member, terminal)
    member.signal_mask, member.process.parent = 0, 0
    assert errno_of(jobs.check_change, member, terminal) == E.EIO, "nobody could continue it"
    jobs.check_change(member, Terminal(leader.kernel, 1, 1))


def test_a_hangup_is_told_to_the_leader_alone(tasks: tuple[Any, Any]) -> None:
    leader, member = tasks
    terminal = Terminal(leader.kernel, 1, 0)
    jobs.acquire(leader, terminal, True)
    member.process.terminal = terminal
    terminal.group = 11
    terminal.hang_up(7)
    assert pending(leader) == {Sig.HUP} and pending(member) == set()
    assert member.process.terminal is None and leader.process.hung_up_group == 11
    jobs.leader_ended(leader.process, 9)
    assert pending(member) == {Sig.HUP}


def test_what_is_typed_waits_for_room() -> None:
    terminal = Terminal(FakeKernel(), 1, 0, STANDARD.changed(STANDARD.pack()))  # type: ignore[arg-type]
    raw = STANDARD.pack()[:12] + bytes(4) + STANDARD.pack()[16:]
    terminal.set_modes(STANDARD.changed(raw), 0)
    assert terminal.type(b"x" * (4095 + FLIP_BYTES), 1) == FLIP_BYTES
    assert terminal.typing_room() == 4095 and terminal.discipline.count() == 4095
    terminal.discipline.take(100)
    terminal.pump(2)
    assert terminal.discipline.count() == 4095 and terminal.typing_room() == 4195


def test_a_changed_size_is_told(tasks: tuple[Any, Any]) -> None:
    leader, _ = tasks
    terminal = Terminal(leader.kernel, 1, 0)
    jobs.acquire(leader, terminal, True)
    leader.process.signals.set_action(leader.process, Sig.WINCH, Action(0x1000))
    terminal.resize((0, 0, 0, 0), 0)
    assert pending(leader) == set()
    terminal.resize((24, 80, 0, 0), 0)
    assert pending(leader) == {Sig.WINCH} and terminal.size == (24, 80, 0, 0)


# ---- the host's ----------------------------------------------------------------------------------------------


def outside(kernel: Any) -> OutsideTerminal:
    return OutsideTerminal(kernel, 1, 0, "console", TerminalSetup([0, 1, 2], STANDARD.pack2(), (24, 80, 0, 0)))


def test_output_goes_to_the_console() -> None:
    kernel = FakeKernel()
    terminal, stream = outside(kernel), kernel.console.streams[1]
    assert terminal.write(memoryview(b"line\n"), 0) == 5 and terminal.push(0)
    terminal.type(b"echo", 0)
    assert stream.written == b"line\r\necho"


def test_a_console_that_takes_little_is_waited_for() -> None:
    kernel = FakeKernel()
    terminal, stream = outside(kernel), kernel.console.streams[1]
    stream.takes = [3, None, None]
    assert terminal.write(memoryview(b"abcdef"), 0) == 6
    assert not terminal.push(0) and terminal.room() == OUT_BYTES - 3
    assert terminal.push(0) and stream.written == b"abcdef"


def test_a_console_that_is_gone_hangs_up() -> None:
    kernel = FakeKernel()
    leader = new_process(kernel, 10)
    terminal = outside(kernel)
    jobs.take(leader.process, terminal)
    kernel.console.streams[1].broken = True
    terminal.write(memoryview(b"abc"), 0)
    assert terminal.master_closed and pending(leader) == {Sig.HUP}
    assert terminal.room() == 0


def test_modes_and_size_begin_as_the_hosts_are() -> None:
    modes = STANDARD.changed(STANDARD.pack()[:12] + bytes(4) + STANDARD.pack()[16:])
    setup = TerminalSetup([0], modes.pack2(), (1, 2, 3, 4))
    terminal = OutsideTerminal(FakeKernel(), 1, 0, "console", setup)  # type: ignore[arg-type]
    assert terminal.modes == modes and terminal.size == (1, 2, 3, 4)
    assert not terminal.modes.lflag & t.ECHO
