"""Signs behind numbers, or brackets around them, are looked for in one pass over a cell, however long it is."""

import time

import pytest

from longstride.pipeline.profile.spelling.marks import BRACKETS, TRAILING

LONG = "1" * 200_000


@pytest.mark.parametrize("text", [LONG, f"({LONG}", f"({LONG}x"])
def test_a_long_cell_takes_no_time(text: str) -> None:
    begin = time.perf_counter()
    assert TRAILING.fullmatch(text) is None
    assert BRACKETS.fullmatch(text) is None
    assert time.perf_counter() - begin < 2


def test_signs_and_brackets() -> None:
    assert all(map(TRAILING.fullmatch, ("4-", "$ 1,234.5-", "1 EUR -")))
    assert all(map(BRACKETS.fullmatch, ("(4)", "($1,234.5)")))
    assert not any(map(TRAILING.fullmatch, ("-", "4", "-4-", "x-")))
    assert not any(map(BRACKETS.fullmatch, ("()", "(-4)", "4")))
