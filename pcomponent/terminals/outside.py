"""The terminal that the front end runs in, as a run has it: with a line discipline of the guest's own.

The front end has put the host's terminal into raw mode; it sends what is typed (`TerminalInput`), and output goes to
the console. A write returns when the host's terminal has taken all of it, so nothing is lost when the run ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lego.console.messages import ANSWER_S, Write
from lego.fabric.errors import FabricError
from lego.linux.errno import LinuxError
from lego.linux.termios import STANDARD
from lego.observe.clock import Meter, current
from pcomponent.terminals.terminal import Terminal

if TYPE_CHECKING:
    from pcomponent.kernel import Kernel
    from pcomponent.messages import TerminalSetup

OUT_BYTES = 4096
"""How much output waits for the host's terminal before writers wait too."""
STREAM = 1
"""Where output goes: all of its streams are the same terminal."""


class OutsideTerminal(Terminal):
    """Its master is the front end."""

    outside = True

    def __init__(self, kernel: Kernel, vnode: int, index: int, console: str, setup: TerminalSetup) -> None:
        super().__init__(kernel, vnode, index, STANDARD.changed(setup.modes))
        self.size = setup.size
        self.streams = setup.streams
        self.locked = False
        self._console = console

    def room(self) -> int:
        """How much output is taken now."""
        if self.held or self.discipline.stopped or self.master_closed:
            return 0
        return max(0, OUT_BYTES - len(self.to_master))

    def send(self, data: bytes) -> None:
        """Output for the host's terminal."""
        self.to_master += data
        self.push(0)

    def push(self, wait_ms: int) -> bool:
        """Sends what waits; whether that was all. What it asks in vain costs no virtual time, since how often that
        happens depends on the host. A terminal that is gone takes everything, and is hung up."""
        while self.to_master:
            outer = current.meter
            meter = current.meter = Meter()
            try:
                data = bytes(self.to_master[:OUT_BYTES])
                reply, _ = self.kernel.endpoint.call(self._console, Write(STREAM, wait_ms), data, ANSWER_S)
            except (LinuxError, FabricError) as error:
                self.to_master.clear()
                self.hang_up(self._now_ns)
                if isinstance(error, FabricError):
                    self._front_end_gone()
                return True
            finally:
                current.meter = outer
            if reply.again:
                return False
            outer.charge(meter.now_ns)
            del self.to_master[: reply.count]
            self.output_changed.stir()
            wait_ms = 0
            if not self.to_master and not self.held and not self.discipline.stopped:
                self.discipline.output.push()
        return True

    def _front_end_gone(self) -> None:
        """The run ends with its front end."""
        for _, process in sorted(self.kernel.processes.items()):
            if process.console == self._console:
                self.kernel.hang_up(process)
                return
