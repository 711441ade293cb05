"""One thread in user mode: runs it, and deals with everything that stops the CPU.

    executor.step(task, quantum, until_ns)     # until its turn is over, it is parked, or it has ended

A stop is one of: a system call (`dispatcher`), an access that the ExCache cannot serve (`space.fetch`), a store
into executed code, an exception, or the end of the quantum. Before a thread goes on in user mode its
signals are delivered.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

from lego.linux.errno import LinuxError
from lego.observe.clock import current
from lego.regions import PAGE, PAGE_SHIFT
from pcomponent import signal_delivery, strace, timers
from pcomponent.counting import instruction_length
from pcomponent.cpu import Cpu, Stop
from pcomponent.dispatcher import Ended, NewImage, begin, failed
from pcomponent.faults import (
    BUS_ADRERR,
    CANONICAL_TOP,
    EXCEPTIONS,
    GENERAL_PROTECTION,
    GENERAL_PROTECTION_VECTOR,
    ILL_ILLOPN,
    KERNEL_BOTTOM,
    SEGV_ACCERR,
    SIGBUS,
    SIGILL,
    SIGSEGV,
    WITH_ADDRESS,
    X87_VECTOR,
    AccessFault,
    byte_address,
    floating_code,
    non_canonical,
    software_interrupt,
)
from pcomponent.files import holding
from pcomponent.files.base import Blocking
from pcomponent.kernel import Kernel
from pcomponent.process import Thread
from pcomponent.signals import PAGE_FAULT, deliverable, fault
from pcomponent.syscalls.table import TABLE
from pcomponent.waiting import Interrupted, Wait, Wake

if TYPE_CHECKING:
    from pcomponent.lifecycle import Lifecycle
    from pcomponent.seats.table import Seat

QUANTUM = 2_000_000
"""Instructions between two looks at what came from outside: a millisecond or two of host time."""
FOREVER_NS = 1 << 63

RDTSC = b"\x0f\x31"
UNFINISHED_STOPS = (Stop.FAULT, Stop.CODE_WRITE, Stop.NEW_CODE, Stop.AGAIN)
"""After these, the instruction at RIP may have got a part of the pages that it needs."""


class Executor:
    """Runs threads on the one CPU of a processor component. (`pcomponent.seats` has those of other processors.)"""

    def __init__(self, kernel: Kernel, cpu: Cpu, lifecycle: Lifecycle) -> None:
        self._kernel = kernel
        self._cpu = cpu
        self._lifecycle = lifecycle
        self._on_cpu: Thread | None = None
        self._last_fault = 0
        self._repeats = 0
        self._budget = 0
        self._until_ns = FOREVER_NS
        self._stops = {
            Stop.SYSCALL: self._on_syscall,
            Stop.FAULT: self._on_fault,
            Stop.CODE_WRITE: self._on_code_write,
            Stop.NEW_CODE: self._on_new_code,
            Stop.EXCEPTION: self._on_exception,
            Stop.ILLEGAL: self._on_illegal,
            Stop.AGAIN: self._on_pause,
            Stop.QUANTUM: self._on_pause,
        }

    # ---- one turn -----------------------------------------------------------------------------------

    def step(self, task: Thread, quantum: int = QUANTUM, until_ns: int = FOREVER_NS) -> None:
        """Gives a runnable thread its turn: `quantum` instructions, or until its clock reaches `until_ns`, but at least
        one block of code. Raises `FabricError` when the machine fails under it."""
        current.meter = task.meter
        self._kernel.running = task
        self._load(task)
        self._kernel.stirred = False
        self._until_ns = until_ns
        self._budget = self._quantum(task, quantum)
        self._hold(task)
        try:
            if task.call is not None and not self._resume(task):
                return
            while self._budget > 0:
                if deliverable(task) and not self._deliver(task):
                    return
                stop = self._user(task)
                if not self._stops[stop](task):
                    return
                if task.meter.now_ns >= self._until_ns and stop is not Stop.AGAIN:
                    # An instruction whose pages come one by one is let through, or it would lose them again.
                    self._budget = min(self._budget, 1 if stop in UNFINISHED_STOPS else 0)
                if not self._kernel.jobs.empty() and not self._serve(task):
                    return
            timers.expire(task)
        except Ended:
            self._on_cpu = None

    def _serve(self, task: Thread) -> bool:
        """Does what others ask for in the middle of a turn, which may take the host minutes when it is full of system
        calls. The turn goes on as if nothing had happened: how it runs does not depend on when somebody asks. False
        when it cannot, since this component is to end."""
        kernel = self._kernel
        while not kernel.jobs.empty():
            job = kernel.jobs.get_nowait()
            if job is None:
                kernel.jobs.put(None)
                return False
            job()
        current.meter = task.meter
        kernel.enter_space(task.process.space)
        self._hold(task)
        return True

    def _hold(self, task: Thread) -> bool:
        """Lets this processor use memory that processes on others map too; SIGBUS, and False, when what they wrote
        there finds no room at its memory."""
        try:
            self._kernel.seats.hold(self.seat)
        except LinuxError:
            self._send_fault(task, SIGBUS, BUS_ADRERR, 0, PAGE_FAULT)
            return False
        return True

    def _user(self, task: Thread) -> Stop:
        """Runs the thread in user mode."""
        self._kernel.cache.settle()
        return self._cpu.run(task.rip, self._budget)

    @property
    def seat(self) -> Seat | None:
        """The processor that the threads run on; None is this one."""
        return None

    def _stays(self, task: Thread) -> bool:
        """Whether a thread that has another program goes on here."""
        if task.process.seat is self.seat:
            return True
        self._on_cpu = None
        return False

    def _quantum(self, task: Thread, quantum: int) -> int:
        """Instructions until the thread is to be looked at again: fewer when a timer is due earlier."""
        process = task.process
        left_ns = min(process.due_ns, self._until_ns) - task.meter.now_ns
        if process.processor_timed:
            processor_ns = timers.processor_left_ns(task)
            left_ns = left_ns if processor_ns is None else min(left_ns, processor_ns)
        elif left_ns >= FOREVER_NS - task.meter.now_ns:
            return quantum
        return max(1, min(quantum, left_ns * 1000 // max(1, self._kernel.config.instruction_ps)))

    def _load(self, task: Thread) -> None:
        """Makes a thread's state the CPU's."""
        if self._on_cpu is not task:
            if self._on_cpu is not None and self._on_cpu.context is not None:
                self._cpu.save_context(self._on_cpu.context)
            if task.context is None:
                task.context = self._cpu.new_context()
                self._cpu.write_registers(task.start)
            else:
                self._cpu.restore_context(task.context)
            self._on_cpu = task
            self._last_fault = 0
        self._kernel.enter_space(task.process.space)

    def _account(self, task: Thread) -> None:
        """Charges a thread for the instructions that just ran."""
        count = self._cpu.counter.count
        self._budget -= count
        task.instructions += count
        self._kernel.counters.instructions += count
        picoseconds = count * self._kernel.config.instruction_ps + task.carry_ps
        task.carry_ps = picoseconds % 1000
        task.meter.now_ns += picoseconds // 1000

    def _stopped_inside(self, task: Thread) -> None:
        """The CPU stopped before the instruction at RIP: takes over RIP, and counts what ran."""
        task.rip = self._cpu.stopped_at
        if self._cpu.inside_block:
            self._cpu.counter.correct(task.rip, task.process.space.read_code)
        self._account(task)

    def _on_pause(self, task: Thread) -> bool:
        """The quantum is over, or housekeeping is done. When that depends on the host (`ExcacheCounters.tlb_fills`), so
        it must not decide where a turn ends: a block that it interrupted is finished."""
        self._stopped_inside(task)
        if self._cpu.inside_block:
            self._budget = max(self._budget, 1)
        return True

    # ---- system calls -------------------------------------------------------------------------------

    def _on_syscall(self, task: Thread) -> bool:
        self._account(task)
        number, *arguments, task.rip, task.flags = self._cpu.syscall_arguments()
        number &= 0xFFFFFFFF
        if task.process.trace:
            strace.entered(task, number, tuple(arguments))
        task.number = number
        self._kernel.charge(task, self._kernel.config.syscall_ns)
        task.process.files.looked_up.clear()
        try:
            result = begin(task, number, tuple(arguments))
        except Interrupted as interrupted:
            return self._interrupted(task, interrupted)
        except NewImage:
            return self._stays(task)
        if type(result) is int:
            return self._finish(task, result)
        assert isinstance(result, Generator)
        task.call = result
        return self._advance(task, None)

    def _resume(self, task: Thread) -> bool:
        """Goes on with the system call that a thread was parked in."""
        task.process.files.looked_up.clear()  # Calls of others have used it meanwhile.
        return self._advance(task, task.wake)

    def _advance(self, task: Thread, wake: Wake | None) -> bool:
        """Runs a blocking call up to its next wait. False when the thread is parked."""
        call: Blocking = task.call  # type: ignore[assignment]
        try:
            wait: Wait = call.send(wake)  # type: ignore[arg-type]
        except StopIteration as done:
            self._over(task)
            return self._finish(task, done.value if done.value is not None else 0)
        except LinuxError as error:
            self._over(task)
            return self._finish(task, failed(task, TABLE[task.number], error))
        except Interrupted as interrupted:
            self._over(task)
            return self._interrupted(task, interrupted)
        except NewImage:
            self._over(task)
            return self._stays(task)
        if deliverable(task):  # It came while the call was on its way to sleep.
            return self._advance(task, Wake.SIGNAL)
        task.wait = wait
        holding.hold(task)
        return False

    def _over(self, task: Thread) -> None:
        """A call that may have waited is over."""
        task.call = None
        if task.held:
            holding.let_go(task)

    def _finish(self, task: Thread, result: int) -> bool:
        """Ends a system call with a result."""
        if task.process.trace:
            strace.left(task, result)
        if task.number != SIGRETURN:
            self._cpu.write_result(result, task.rip, task.flags)
        else:
            task.rip = self._cpu.rip  # The call has put all registers back itself.
        if task.meter.now_ns >= task.process.due_ns or task.process.processor_timed:
            timers.expire(task)
        if self._kernel.stirred:
            # Another can run now, at the same time on another core: it begins before this one goes on. Otherwise who
            # gives a lock up and soon takes it again would always be faster than the one that it woke.
            self._kernel.stirred = False
            self._budget, self._until_ns = 0, task.meter.now_ns
        elif self._kernel.queue.is_asking:
            # Another may be able to run now, once it has been asked: not much later than one that can.
            self._budget = min(self._budget, self._kernel.config.quantum_instructions)
        return True

    def _interrupted(self, task: Thread, interrupted: Interrupted) -> bool:
        if task.process.trace:
            strace.interrupted(task, interrupted)
        self._cpu.write_result(task.number, task.rip, task.flags)
        return self._deliver(task, interrupted)

    # ---- signals ------------------------------------------------------------------------------------

    def _deliver(self, task: Thread, interrupted: Interrupted | None = None) -> bool:
        """Acts on pending signals. False when the thread does not go on."""
        registers = self._cpu.read_registers()
        registers.rip = task.rip
        outcome = signal_delivery.deliver(task, registers, interrupted, task.number)
        if isinstance(outcome, signal_delivery.Ended):
            self._lifecycle.leave(task.process, outcome.number)
            raise Ended
        if isinstance(outcome, signal_delivery.Stopped):
            task.call = self._stopped(task, outcome)
            task.wait = next(task.call)
            return False
        task.rip = outcome.rip
        self._cpu.write_registers(outcome)
        return True

    def _stopped(self, task: Thread, outcome: signal_delivery.Stopped) -> Blocking:
        """A stopped thread, as a call that waits until the process is continued."""
        while task.process.signals.stopped:
            yield Wait(ready=lambda _: not task.process.signals.stopped)
        if outcome.interrupted is not None:
            raise outcome.interrupted
        raise NewImage  # It goes on where it was, with all its registers.

    # ---- memory -------------------------------------------------------------------------------------

    def _on_fault(self, task: Thread) -> bool:
        self._stopped_inside(task)
        kernel, space = self._kernel, task.process.space
        try:
            if task.rip != self._last_fault:
                self._last_fault, self._repeats = task.rip, 0
                space.give_up_spares(self._cpu.fault_address)
            else:
                self._repeats += 1
                kernel.tight = self._repeats > kernel.cache.ways
            space.fetch(self._cpu.fault_address, self._cpu.fault_access)
        except AccessFault as refused:
            self._refuse(task, refused)
        return True

    def _refuse(self, task: Thread, refused: AccessFault) -> None:
        """An access that becomes a signal."""
        registers = self._cpu.read_registers()
        registers.rip = task.rip
        address, read = refused.address, task.process.space.read_code
        fetching = self._cpu.fault_access & 4
        if CANONICAL_TOP <= address < KERNEL_BOTTOM and refused.signal == SIGSEGV:
            vector = GENERAL_PROTECTION_VECTOR if fetching else non_canonical(registers, address, read)
            self._send_fault(task, *EXCEPTIONS.get(vector, GENERAL_PROTECTION), 0, vector)
            return
        address = max(task.rip, address) if fetching else byte_address(registers, address, read)
        self._send_fault(task, refused.signal, refused.code, address, 14, self._error_code(refused))

    def _error_code(self, refused: AccessFault) -> int:
        """The page fault's, as a handler finds it in its context: protection, write, user, instruction fetch
        (arch/x86/include/asm/trap_pf.h)."""
        access = self._cpu.fault_access
        protection = refused.signal == SIGSEGV and (refused.code == SEGV_ACCERR or refused.address >= KERNEL_BOTTOM)
        return int(protection) | (access & 2) | 4 | (16 if access & 4 else 0)

    def _send_fault(self, task: Thread, number: int, code: int, address: int, vector: int, error: int = 0) -> None:
        self._kernel.counters.count("faults", str(number))
        fault(task, number, code, address, vector, error)

    def _on_new_code(self, task: Thread) -> bool:
        """A fetch from a line that is to be executed from now on."""
        self._stopped_inside(task)
        self._kernel.cache.enter_code(self._cpu.fault_line)
        return True

    def _on_code_write(self, task: Thread) -> bool:
        """A store into a line that has been executed. When the instruction lies in that very line it would be
        translated again and again, so it alone is let through, in a copy of the code that is used for nothing else:
        the emulator translates it as a block of its own."""
        self._stopped_inside(task)
        page, line = self._cpu.fault_address, self._cpu.fault_line
        cache = self._kernel.cache
        cache.forget_code(line)
        code = task.process.space.read_code(task.rip, 15)
        length = instruction_length(task.rip, code)
        if page >> PAGE_SHIFT in (task.rip >> PAGE_SHIFT, task.rip + length - 1 >> PAGE_SHIFT):
            cache.enter_code(line, alone=True)
            cache.step(True)
            cache.settle()
            stop = self._cpu.step(task.rip, task.rip + length)
            cache.step(False)
            cache.forget_code(line)
            for beside in (page - PAGE, page + PAGE):  # The store may have gone over the page's end.
                cache.check_code(task.process.space.line_of(beside))
            return self._stops[stop](task)
        return True

    # ---- exceptions ---------------------------------------------------------------------------------

    def _on_exception(self, task: Thread) -> bool:
        self._stopped_inside(task)
        vector = self._cpu.exception_vector
        self._cpu.clear_exception()
        if vector == 13 and task.process.space.read_code(task.rip, 2) == RDTSC:
            self._read_timestamp(task)
            return True
        vector, error = software_interrupt(vector, task.process.space.read_code(task.rip - 2, 2))
        if error:
            task.rip -= 2
        number, code = EXCEPTIONS.get(vector, GENERAL_PROTECTION)
        if vector == X87_VECTOR:
            code = floating_code(self._cpu.read_registers().fpu)
        address = task.rip if vector in WITH_ADDRESS else 0
        self._send_fault(task, number, code, address, min(vector, 31), error)
        return True

    def _read_timestamp(self, task: Thread) -> None:
        """RDTSC reads the core's own cycles: one for each instruction's time that has passed."""
        cycles = task.meter.now_ns * 1000 // max(1, self._kernel.config.instruction_ps)
        registers = self._cpu.read_registers()
        registers.rax, registers.rdx = cycles & 0xFFFFFFFF, cycles >> 32 & 0xFFFFFFFF
        registers.rip = task.rip = task.rip + len(RDTSC)
        self._cpu.write_registers(registers)
        task.instructions += 1
        self._kernel.counters.instructions += 1

    def _on_illegal(self, task: Thread) -> bool:
        self._stopped_inside(task)
        self._send_fault(task, SIGILL, ILL_ILLOPN, task.rip, 6)
        return True


SIGRETURN = 15
