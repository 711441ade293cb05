"""Messages with text that is not UTF-8."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, strategies as st

from lego.fabric.text import decoder, encode
from lego.fabric.wire import Failure, decode_failure
from scomponent.messages import DOOR, EntriesReply, Entry, PathStat, Rename

file_names = st.binary(max_size=40).map(os.fsdecode)


@given(st.one_of(file_names, st.text(st.sampled_from("a\U0010fffe\udc80\udcfff0"), max_size=12)))
def test_any_path_comes_back(path: str) -> None:
    request = Rename(1, 0, path, 7, "/plain", 0)
    assert DOOR.decode_request(encode(request)) == request
    assert DOOR.decode_request(memoryview(encode(request))) == request


@given(st.lists(file_names))
def test_names_in_lists_come_back(names: list[str]) -> None:
    reply = EntriesReply([Entry(name, 1, 8) for name in names])
    assert decoder(EntriesReply)(encode(reply)) == reply


def test_bytes_are_left_alone() -> None:
    from pcomponent.messages import DOOR as PROCESSOR, Start

    odd = "\U0010fffe".encode() + b"41\xff"
    start = Start(1, "M0", ["M0"], "S0", "C", 1, "/\udcff", [odd], [odd], "/")
    assert PROCESSOR.decode_request(encode(start)) == start


def test_failures_carry_such_text_too() -> None:
    assert decode_failure(encode(Failure(2, "/\udcfe"))).detail == "/\udcfe"


def test_text_that_stands_for_no_bytes_is_a_defect() -> None:
    with pytest.raises(UnicodeEncodeError):
        encode(PathStat(1, 0, "\ud800"))
