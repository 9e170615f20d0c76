"""Turns and spreads."""

from collections import Counter
from itertools import pairwise

import pytest

from benchmarks.harness.timing import Spread, interleave, rounds_of


@pytest.mark.parametrize("number", [1, 2, 3, 7])
def test_turns_come_in_any_order_and_none_twice_in_a_row(number: int) -> None:
    rounds = list(rounds_of(range(number), 4000))
    assert all(sorted(order) == list(range(number)) for order in rounds)
    turns = [way for order in rounds for way in order]
    if number > 1:
        assert all(way != following for way, following in pairwise(turns))
    if number > 2:
        # Each follows each other about as often.
        counts = Counter(pairwise(turns))
        assert len(counts) == number * (number - 1)
        assert min(counts.values()) > 0.7 * max(counts.values())


def test_interleave_runs_the_ways_in_turn() -> None:
    calls: list[str] = []

    def way(name: str) -> "object":
        while True:
            calls.append(name)
            yield 1

    rates = interleave({"a": way("a"), "b": way("b")}, rounds=3, seconds=0.0)  # type: ignore[dict-item]
    assert sorted(calls[:2]) == ["a", "b"]
    assert calls == calls[:2] * 4
    assert all(len(rate) == 3 and min(rate) > 0 for rate in rates.values())


def test_spread() -> None:
    assert Spread.of([3.0, 1.0, 2.0]) == Spread(2.0, 1.0, 3.0)
