from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from longstride.pipeline.ingest.writing.rates import Rates

BITS = 16
SIZE = 2**BITS
NEAR_EDGES = [
    edge + offset
    for edge in (0, SIZE // 4, SIZE // 2, SIZE * 3 // 4, SIZE)
    for offset in (-1, 0, 1)
    if edge + offset >= 0
]
COUNT = st.one_of(st.none(), st.sampled_from(NEAR_EDGES), st.integers(0, SIZE - 1))
LOGS = st.lists(  # series, each with its steps in time and the counts of two channels
    st.lists(st.tuples(st.integers(1, 10**12), COUNT, COUNT), max_size=12), min_size=1, max_size=3
)
CUTS = st.lists(st.integers(0, 12), max_size=4).map(sorted)


def as_float(rows: list[Any]) -> NDArray[np.float64]:
    return np.array([[np.nan if value is None else value for value in row] for row in rows], np.float64)


def rates(seconds: list[float], counts: list[float | None], bits: int) -> tuple[list[float | None], int, int]:
    """Rates of one counter, in one block, its wrap-arounds and resets."""
    counter = Rates([0], bits)
    time = np.array([round(second * 10**9) for second in seconds], np.int64)
    found = counter.add(time, as_float([[count] for count in counts]))
    return [None if np.isnan(rate) else rate for rate in found[:, 0]], counter.num_wraps, counter.num_resets


@given(LOGS, CUTS, st.integers(-(10**13), 10**13))
def test_rates_agree_with_a_loop_over_rows(
    log: list[list[tuple[int, int | None, int | None]]], cuts: list[int], start: int
) -> None:
    counters = Rates([2, 0], BITS)
    wraps = resets = 0
    for series in log:
        time = start + np.cumsum([step for step, *_ in series], dtype=np.int64)
        given_values = as_float([[a, -7, b] for _, a, b in series]).reshape(-1, 3)
        expected = given_values.copy()
        for channel in (0, 2):
            last: tuple[int, int] | None = None
            for row, now in enumerate(time.tolist()):
                count = series[row][1 + channel // 2]
                if count is None:
                    continue
                rate = np.nan
                if last is not None:
                    before, then = last
                    if count >= before:
                        rate = (count - before) / ((now - then) / 1e9)
                    elif SIZE * 3 // 4 <= before < SIZE and count < SIZE // 4:
                        rate = (count + SIZE - before) / ((now - then) / 1e9)
                        wraps += 1
                    else:
                        resets += 1
                expected[row, channel] = rate
                last = count, now
        untouched = given_values.copy()
        blocks = zip(np.split(time, cuts), np.split(given_values, cuts), strict=True)
        found = np.concatenate([counters.add(*block) for block in blocks])
        counters.end_series()
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(given_values, untouched)
    assert (counters.num_wraps, counters.num_resets) == (wraps, resets)


@pytest.mark.parametrize(
    ("before", "after", "rate", "wraps"),
    [
        (49152, 16383, 32767, 1),  # from the first of the top quarter to the last of the bottom one
        (49151, 16383, None, 0),
        (49152, 16384, None, 0),
        (65535, 0, 1, 1),
        (65536, 0, None, 0),  # a counter of more bits
        (65535, -1, None, 0),  # no count at all
        (1000, 0, None, 0),
        (1000, 1000, 0, 0),
    ],
)
def test_a_count_that_falls_is_a_wrap_around_or_a_reset(
    before: int, after: int, rate: float | None, wraps: int
) -> None:
    assert rates([0, 1], [before, after], 16) == ([None, rate], wraps, int(rate is None))


def test_after_a_reset_rates_go_on_from_the_new_count() -> None:
    assert rates([0, 10, 20], [500, 0, 30], 32) == ([None, None, 3], 0, 1)


def test_a_missing_count_is_bridged() -> None:
    assert rates([-2, -1.5, 0.5, 1], [None, 10, None, 15], 32) == ([None, None, None, 2], 0, 0)


def test_the_largest_counts_are_exact() -> None:
    assert rates([0, 1, 2], [2**53 - 2, 2**53 - 1, 2**53], 64) == ([None, 1, 1], 0, 0)
    assert rates([0, 1], [2**32 - 1, 1], 32) == ([None, 2], 1, 0)


def test_the_first_count_of_a_series_has_no_rate() -> None:
    counters = Rates([0], 32)
    for _ in range(2):
        found = counters.add(np.array([0, 10**9]), np.array([[5.0], [6.0]]))
        np.testing.assert_array_equal(found, [[np.nan], [1.0]])
        counters.end_series()
