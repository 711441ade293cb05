"""What Python says of itself: cases of the interpreter's own tests, on whole machines.

Those were chosen that are quick and say the same in every run; docs/compatibility.md has what else was tried.
"""

from __future__ import annotations

import importlib.util
import sys

import pytest
from command import run

CASES = {
    "threading": (
        "LockTests", "CRLockTests", "EventTests", "ConditionTests", "SemaphoreTests", "BarrierTests", "TimerTests",
        "ThreadTests.test_various_ops", "ThreadTests.test_foreign_thread", "ThreadTests.test_is_alive_after_fork",
    ),
    "signal": (
        "GenericTests", "PosixTests.test_getsignal", "PosixTests.test_setting_signal_handler_to_none_raises_error",
        "WakeupFDTests", "ItimerTest.test_itimer_real", "ItimerTest.test_setitimer_tiny", "PidfdSignalTest",
        "RaiseSignalTest.test_sigint", "RaiseSignalTest.test_handler", "PendingSignalsTests.test_sigpending_empty",
        "PendingSignalsTests.test_sigwait_thread", "PendingSignalsTests.test_sigtimedwait_timeout",
    ),
    "subprocess": (
        "ProcessTestCase.test_call_seq", "ProcessTestCase.test_pipesizes",
        "POSIXProcessTestCase.test_exception_cwd", "POSIXProcessTestCase.test_kill",
        "POSIXProcessTestCase.test_preexec_exception", "POSIXProcessTestCase.test_restore_signals",
        "POSIXProcessTestCase.test_shell_sequence", "POSIXProcessTestCase.test_specific_shell",
    ),
    "socket": (
        "BasicTCPTest", "NonBlockingTCPTests", "BasicUDPTest", "CreateServerTest", "RecvmsgTCPTest",
        "SendmsgUDPTest", "RecvmsgSCMRightsStreamTest", "BasicSocketPairTest",
    ),
}  # fmt: skip
"""Classes and methods, by what they test."""


@pytest.mark.parametrize("subject", CASES)
def test_pythons_own_tests_pass(subject: str) -> None:
    """The interpreter is the one that a virtual environment is made from: its tests are in no environment."""
    module = f"test.test_{subject}"
    if importlib.util.find_spec("test") is None or importlib.util.find_spec(module) is None:
        pytest.skip(f"this Python was installed without its tests ({module})")
    python = getattr(sys, "_base_executable", sys.executable)
    ended = run(python, "-S", "-m", "unittest", *[f"{module}.{name}" for name in CASES[subject]])
    assert ended.status == 0 and "\nOK" in ended.message, ended.message[-3000:]
