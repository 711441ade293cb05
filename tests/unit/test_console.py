"""The console on pipes, files, sockets and terminals. Each test runs in a child whose standard streams are arranged."""

import contextlib
import fcntl
import os
import select
import signal
import socket
import struct
import sys
import termios
import threading
import time
import traceback
import tty

import pytest

from lego.console import messages, monitor, terminal
from lego.console.buffer import BufferConsole
from lego.console.messages import Control, Describe, Poll, Read, Seek, Truncate, Write
from lego.console.monitor import ConsoleMonitor, plug_closed_streams
from lego.fabric.endpoint import Endpoint
from lego.fabric.loopback import Loopback
from lego.fabric.network import Network
from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import O_ACCMODE, O_RDWR, O_WRONLY, SEEK_END, SEEK_SET


def endpoint(console):
    loopback = Loopback()
    loopback.attach(console)
    return Endpoint("P0", loopback, Network())


def call(to, request, payload=b""):
    reply, out = to.call("console", request, payload)
    return reply, bytes(out)


def errno_of(to, request, payload=b""):
    with pytest.raises(LinuxError) as caught:
        call(to, request, payload)
    return caught.value.errno


def in_child(streams, work, closed=(), gone=()):
    """Runs `work(endpoint, monitor)` in a child with these descriptors as 0, 1, 2; its failure is the test's.

    Descriptors in `gone` are closed in both processes before it begins.
    """
    reader, writer = os.pipe()
    ready_read, ready_write = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.set_inheritable(writer, True)
            spare = os.dup2(writer, 100)
            for number, descriptor in enumerate(streams):
                if descriptor is not None:
                    os.dup2(descriptor, number)
            os.close(ready_write)
            for number in (*closed, *gone):
                os.close(number)
            os.read(ready_read, 1)  # Until the parent has closed its own.
            sys.stderr = open(spare, "w")  # noqa: SIM115
            with ConsoleMonitor() as monitor:
                work(endpoint(monitor), monitor)
            status = 0
        except BaseException:
            os.write(100, traceback.format_exc().encode())
        finally:
            os._exit(status)
    for number in (*gone, writer, ready_read, ready_write):
        os.close(number)
    with os.fdopen(reader) as report:
        text = report.read()
    _, status = os.waitpid(child, 0)
    assert status == 0, text


def test_pipes_carry_any_byte():
    data = bytes(range(256)) * 40
    in_read, in_write = os.pipe()
    out_read, out_write = os.pipe()
    os.write(in_write, data)
    os.close(in_write)

    def work(to, _):
        got = b""
        while True:
            reply, piece = call(to, Read(0, 1000, 1000))
            if reply.count == 0:
                assert not reply.again
                break
            got += piece
        assert got == data
        assert call(to, Write(1, 1000), data)[0].count == len(data)

    in_child((in_read, out_write, None), work)
    os.close(out_write)
    assert os.read(out_read, 100_000) == data
    os.close(in_read)
    os.close(out_read)


def test_an_empty_pipe_is_waited_for_only_so_long():
    in_read, in_write = os.pipe()

    def work(to, _):
        began = time.monotonic()
        reply, _ = call(to, Read(0, 10, 100))
        assert reply.again and reply.count == 0
        assert 0.09 < time.monotonic() - began < 2
        assert call(to, Read(0, 10, 0))[0].again
        timer = threading.Timer(0.1, os.write, (in_write, b"hello"))
        timer.start()
        assert call(to, Read(0, 10, 5000))[1] == b"hello"

    in_child((in_read, None, None), work)
    os.close(in_read)
    os.close(in_write)


def test_a_full_pipe_never_blocks():
    out_read, out_write = os.pipe()
    size = fcntl.fcntl(out_write, fcntl.F_GETPIPE_SZ)

    def work(to, _):
        reply, _ = call(to, Write(1, 0), bytes(size + 10_000))
        assert reply.count == size
        began = time.monotonic()
        reply, _ = call(to, Write(1, 100), b"more")
        assert (reply.count, reply.again) == (0, True)
        assert time.monotonic() - began < 2
        assert not fcntl.fcntl(1, fcntl.F_GETFL) & os.O_NONBLOCK, "the shell's pipe is left as it is"

    in_child((None, out_write, None), work)
    os.close(out_read)
    os.close(out_write)


def test_a_pipe_without_reader_is_epipe():
    out_read, out_write = os.pipe()
    os.close(out_read)
    in_child((None, out_write, None), lambda to, _: (errno_of(to, Write(1, 100), b"x") == E.EPIPE) or pytest.fail())
    os.close(out_write)


def test_redirected_files(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    both = os.open(path, os.O_RDWR)
    append = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def work(to, _):
        assert call(to, Read(0, 4, 0))[1] == b"0123"
        assert call(to, Read(0, 4, 0, 8))[1] == b"89"
        assert call(to, Seek(0, -2, SEEK_END))[0].count == 8
        assert call(to, Write(0, 0), b"xyz")[0].count == 3
        assert call(to, Write(0, 0, 0), b"AB")[0].count == 2
        call(to, Truncate(0, 5))
        assert call(to, Seek(0, 0, SEEK_SET))[0].count == 0
        assert call(to, Read(0, 100, 0))[1] == b"AB234"
        assert call(to, Read(0, 100, 0)) == (messages.CountReply(0), b"")
        described, _ = call(to, Describe(0))
        assert (described.flags & O_ACCMODE, described.terminal, described.path) == (O_RDWR, False, str(path))
        assert described.stat.size == 5
        assert call(to, Describe(1))[0].flags == O_WRONLY | os.O_APPEND
        assert errno_of(to, Control(0, terminal.TCGETS)) == E.ENOTTY
        assert call(to, Write(1, 0), b"z" * 100_000)[0].count == 100_000

    in_child((both, append, None), work)
    os.close(both)
    os.close(append)


def test_a_full_disk_is_the_guests_error():
    full = os.open("/dev/full", os.O_WRONLY)
    in_child((None, full, None), lambda to, _: (errno_of(to, Write(1, 0), b"x") == E.ENOSPC) or pytest.fail())
    os.close(full)


def test_sockets_take_what_they_can():
    ours, theirs = socket.socketpair()

    def work(to, _):
        sent = 0
        while True:
            reply, _ = call(to, Write(1, 0), bytes(1 << 20))
            if reply.again:
                break
            sent += reply.count
        assert sent > 0

    in_child((None, theirs.fileno(), None), work)
    ours.close()
    theirs.close()


def test_closed_streams_are_ebadf_and_stay_closed():
    def work(to, _):
        plug_closed_streams()
        with open("/dev/null") as file:
            assert file.fileno() > 2
        for request in (Read(0, 1, 0), Describe(0), Control(0, terminal.TCGETS)):
            assert errno_of(to, request) == E.EBADF
        assert errno_of(to, Write(1, 0), b"x") == E.EBADF
        assert call(to, Poll([0], [select.POLLIN], 0))[0].events == [select.POLLNVAL]
        plug_closed_streams()
        assert errno_of(to, Describe(3)) == E.EBADF

    in_child((None, None, None), work, closed=(0, 1))


def test_poll():
    in_read, in_write = os.pipe()
    out_read, out_write = os.pipe()

    def work(to, _):
        both = Poll([0, 1, 1], [select.POLLIN, select.POLLOUT, select.POLLIN], 0)
        assert call(to, both)[0].events == [0, select.POLLOUT, 0]
        began = time.monotonic()
        assert call(to, Poll([0], [select.POLLIN], 100))[0].events == [0]
        assert time.monotonic() - began >= 0.09
        os.write(in_write, b"x")
        assert call(to, Poll([0], [select.POLLIN], 5000))[0].events == [select.POLLIN]
        assert call(to, Control(0, terminal.FIONREAD))[1] == b"\1\0\0\0"

    in_child((in_read, out_write, None), work)
    hung_up = Poll([1], [0], 0)
    in_child(
        (None, out_write, None),
        lambda to, _: call(to, hung_up)[0].events == [select.POLLERR] or pytest.fail(),
        gone=(out_read,),
    )
    for descriptor in (in_read, in_write, out_write):
        os.close(descriptor)


@pytest.fixture
def pty():
    master, slave = os.openpty()
    yield master, slave
    for descriptor in (master, slave):
        with contextlib.suppress(OSError):
            os.close(descriptor)


def test_terminals(pty):
    master, slave = pty
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("4H", 24, 80, 0, 0))

    def work(to, _):
        assert call(to, Describe(0))[0].terminal
        assert struct.unpack("4H", call(to, Control(0, terminal.TIOCGWINSZ))[1])[:2] == (24, 80)
        call(to, Control(0, terminal.TIOCSWINSZ), struct.pack("4H", 50, 100, 0, 0))
        assert struct.unpack("4H", call(to, Control(1, terminal.TIOCGWINSZ))[1])[:2] == (50, 100)
        modes = call(to, Control(0, terminal.TCGETS))[1]
        assert len(modes) == 36
        assert len(call(to, Control(0, terminal.TCGETA))[1]) == 18
        assert len(call(to, Control(0, terminal.TCGETS2))[1]) == 44
        call(to, Control(0, terminal.TCSETSW), modes)
        call(to, Control(0, terminal.TCFLSH), struct.pack("<i", termios.TCIOFLUSH))
        assert errno_of(to, Control(0, terminal.TCFLSH), struct.pack("<i", 99)) == E.EINVAL
        assert errno_of(to, Control(0, terminal.TCSETS), modes[:-1]) == E.EINVAL
        assert errno_of(to, Control(0, 0x5412), b"x") == E.ENOTTY, "TIOCSTI types into the terminal: never"
        assert errno_of(to, Control(0, 0xDEAD)) == E.ENOTTY
        assert call(to, Write(1, 100), b"a\n")[0].count == 2

    in_child((slave, slave, None), work)
    assert os.read(master, 100) == b"a\r\n"


@pytest.mark.parametrize("cooked", [True, False])
@pytest.mark.parametrize("opens", [True, False])
def test_a_terminal_that_takes_nothing_never_blocks(pty, cooked, opens, monkeypatch):
    """Nobody may read it for a while, as a terminal emulator that was stopped; all that was taken comes later."""
    master, slave = pty
    if not cooked:
        tty.setraw(slave)
    if not opens:
        monkeypatch.setattr(monitor, "_open_terminal", lambda stream: -1)
    taken = os.pipe()

    def late(number, frame):
        raise TimeoutError

    def work(to, _):
        signal.signal(signal.SIGALRM, late)
        signal.alarm(10)
        reply = messages.CountReply(0)
        total = 0
        while not reply.again:
            reply, _ = call(to, Write(1, 50), b"0123456\n" * 512)
            total += reply.count
        assert not fcntl.fcntl(1, fcntl.F_GETFL) & os.O_NONBLOCK, "the shell's terminal is left as it is"
        os.write(taken[1], str(total).encode())

    in_child((None, slave, None), work)
    total = int(os.read(taken[0], 100))
    expected = (b"0123456\n" * total)[:total]
    expected = expected.replace(b"\n", b"\r\n") if cooked else expected
    seen = b""
    while select.select([master], [], [], 0.2)[0]:
        seen += os.read(master, 65536)
    assert total > 4096
    assert seen == expected
    for descriptor in taken:
        os.close(descriptor)


def test_modes_are_put_back(pty):
    _, slave = pty
    before = termios.tcgetattr(slave)

    def work(to, _):
        modes = bytearray(call(to, Control(0, terminal.TCGETS))[1])
        lflag = struct.unpack_from("<I", modes, 12)[0]
        struct.pack_into("<I", modes, 12, lflag & ~(termios.ECHO | termios.ICANON))
        call(to, Control(0, terminal.TCSETS), bytes(modes))
        assert not termios.tcgetattr(0)[3] & termios.ECHO

    in_child((slave, slave, None), work)
    assert termios.tcgetattr(slave) == before


def test_a_terminal_that_went_away_is_an_end(pty):
    master, slave = pty

    def work(to, _):
        assert errno_of(to, Write(1, 100), b"x") == E.EIO
        assert call(to, Read(0, 10, 100)) == (messages.CountReply(0), b"")

    in_child((slave, slave, None), work, gone=(master,))


def test_the_other_end_of_a_terminal_is_written_to(pty):
    """Opening it once more would make another terminal, which nobody reads."""
    master, slave = pty
    tty.setraw(slave)

    def work(to, _):
        assert call(to, Write(1, 100), b"typed")[0].count > 0

    in_child((None, master, None), work)
    assert select.select([slave], [], [], 5)[0]
    assert os.read(slave, 100) in b"typed"


def test_unwritable_and_unreadable_directions(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"x")
    only_read, only_write = os.open(path, os.O_RDONLY), os.open(path, os.O_WRONLY)

    def work(to, _):
        assert errno_of(to, Write(0, 0), b"x") == E.EBADF
        assert errno_of(to, Read(1, 1, 0)) == E.EBADF

    in_child((only_read, only_write, None), work)
    os.close(only_read)
    os.close(only_write)


def test_pipes_do_not_seek():
    in_read, in_write = os.pipe()

    def work(to, _):
        assert errno_of(to, Seek(0, 0, SEEK_SET)) == E.ESPIPE
        assert errno_of(to, Read(0, 1, 0, 0)) == E.ESPIPE
        assert errno_of(to, Truncate(0, 0)) == E.EINVAL

    in_child((in_read, None, None), work)
    os.close(in_read)
    os.close(in_write)


def test_sigpipe_does_not_kill_the_front_end():
    assert signal.getsignal(signal.SIGPIPE) == signal.SIG_IGN


# ---- the console of the Python API ------------------------------------------------------------------------


def test_buffer_input_and_output():
    console = BufferConsole(b"abc\0def")
    to = endpoint(console)
    assert call(to, Control(0, terminal.FIONREAD))[1] == b"\7\0\0\0"
    assert call(to, Poll([0, 1, 7], [1, 4, 1], 0))[0].events == [0x11, 4, 0x20]
    assert call(to, Read(0, 4, 0))[1] == b"abc\0"
    assert call(to, Read(0, 400, 0))[1] == b"def"
    assert call(to, Read(0, 400, 0)) == (messages.CountReply(0), b"")
    call(to, Write(1, 0), b"out\xff")
    call(to, Write(2, 0), b"err")
    assert (console.stdout, console.stderr) == (b"out\xff", b"err")
    assert call(to, Describe(1))[0].flags == O_WRONLY
    for request, number in (
        (Seek(0, 0, 0), E.ESPIPE),
        (Truncate(1, 0), E.EINVAL),
        (Read(1, 1, 0), E.EBADF),
        (Write(0, 0), E.EBADF),
        (Read(0, 1, 0, 5), E.ESPIPE),
        (Write(1, 0, 5), E.ESPIPE),
        (Describe(3), E.EBADF),
        (Control(0, terminal.TCGETS), E.ENOTTY),
    ):
        assert errno_of(to, request, b"x") == number


def test_buffer_output_to_a_function():
    heard = []
    to = endpoint(BufferConsole(output=lambda stream, data: heard.append((stream, data))))
    call(to, Write(2, 0), b"e")
    call(to, Write(1, 0), b"o")
    assert heard == [(2, b"e"), (1, b"o")]
