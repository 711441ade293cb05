"""gmanager.membership: who is there, who was lost, and in what order they are named."""

from __future__ import annotations

import pytest

from gmanager.membership import Membership
from gmanager.messages import Member
from lego.linux.errno import E, LinuxError


def with_members(*names: str) -> Membership:
    membership = Membership()
    for name in names:
        membership.register(Member(name, "", 4096))
    return membership


def test_members_are_ordered_by_kind_and_number() -> None:
    membership = with_members("M10", "P0", "M2", "S0", "M0")
    assert [member.name for member in membership.alive()] == ["M0", "M2", "M10", "P0", "S0"]
    assert membership.names("M") == ["M0", "M2", "M10"]


def test_a_name_is_taken_while_its_member_is_alive() -> None:
    membership = with_members("P0")
    with pytest.raises(LinuxError) as error:
        membership.register(Member("P0", "", 1))
    assert error.value.errno == E.EEXIST
    membership.lose("P0", "killed")
    membership.register(Member("P0", "again", 1))
    assert membership.is_alive("P0")
    assert not membership.was_lost("P0")
    assert membership.lost() == {}


@pytest.mark.parametrize("name", ["", "G", "X0", "P", "P01", "M-1", "P0 ", "P0\n", "pP0", "P٣"])
def test_only_names_of_components_register(name: str) -> None:
    with pytest.raises(LinuxError) as error:
        Membership().register(Member(name, ""))
    assert error.value.errno == E.EINVAL


def test_a_negative_capacity_is_refused() -> None:
    with pytest.raises(LinuxError) as error:
        Membership().register(Member("M0", "", -1))
    assert error.value.errno == E.EINVAL


def test_the_first_reason_of_a_loss_counts() -> None:
    membership = with_members("M0", "M1")
    assert membership.lose("M0", "killed by signal 9")
    assert not membership.lose("M0", "does not answer")
    assert membership.lost() == {"M0": "killed by signal 9"}
    assert membership.names("M") == ["M1"]
    with pytest.raises(LinuxError) as error:
        membership.lose("M7", "?")
    assert error.value.errno == E.ENODEV


def test_a_kind_without_members_is_enodev() -> None:
    with pytest.raises(LinuxError, match="no storage component") as error:
        with_members("P0").names("S")
    assert error.value.errno == E.ENODEV
