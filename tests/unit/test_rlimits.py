"""Resource limits: defaults, and do_prlimit's checks in its order."""

from __future__ import annotations

import resource

import pytest

from lego.linux.errno import E, LinuxError
from pcomponent.rlimits import INFINITY, NAMES, NR_OPEN, Limit, Limits, Resource


def errno_of(limits: Limits, number: int, limit: Limit, privileged: bool = False) -> int:
    with pytest.raises(LinuxError) as caught:
        limits.set(number, limit, privileged)
    return caught.value.errno


def test_numbers_are_the_hosts() -> None:
    for each in Resource:
        if each is not Resource.LOCKS:
            assert getattr(resource, f"RLIMIT_{each.name}", each) == each
    assert list(NAMES) == list(Resource)


def test_defaults() -> None:
    limits = Limits(processes=50)
    assert limits.get(Resource.STACK) == (8 << 20, INFINITY)
    assert limits.get(Resource.NOFILE) == (1024, NR_OPEN)
    assert limits.get(Resource.CORE).soft == 0
    assert limits.get(Resource.AS) == (INFINITY, INFINITY)
    assert limits.get(Resource.NPROC) == (50, 50)


def test_setting() -> None:
    limits = Limits()
    limits.set(Resource.NOFILE, Limit(10, 20), privileged=False)
    assert limits.soft(Resource.NOFILE) == 10
    limits.set(Resource.NOFILE, Limit(20, 20), privileged=False)
    assert errno_of(limits, Resource.NOFILE, Limit(20, 21)) == E.EPERM
    limits.set(Resource.NOFILE, Limit(20, 21), privileged=True)
    limits.set(Resource.CPU, Limit(0, 5), privileged=False)
    assert limits.get(Resource.CPU) == (1, 5)


def test_the_order_of_errors() -> None:
    limits = Limits()
    for number in (16, -1, 1 << 31):
        assert errno_of(limits, number, Limit(2, 1)) == E.EINVAL
    assert errno_of(limits, Resource.NOFILE, Limit(NR_OPEN + 2, NR_OPEN + 1)) == E.EINVAL
    assert errno_of(limits, Resource.NOFILE, Limit(1, NR_OPEN + 1), privileged=True) == E.EPERM
    with pytest.raises(LinuxError):
        limits.get(16)


def test_a_copy_is_independent() -> None:
    limits = Limits()
    other = limits.copy()
    other.set(Resource.STACK, Limit(1, 2), privileged=False)
    assert limits.soft(Resource.STACK) == 8 << 20
    assert other.get(Resource.STACK) == (1, 2)
