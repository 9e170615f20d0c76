from itertools import groupby, pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from longstride.pipeline.ingest.writing.merge import Rows
from longstride.pipeline.ingest.writing.spread import Spread, spread_times
from tests.helpers.errors import raises

CLOCKS = st.lists(st.tuples(st.integers(1, 5), st.integers(60, 900)), min_size=1, max_size=12)
"""Rows of each time, and how long it is until the next."""
LARGEST = 2**63 - 1


def stamps_of(clock: list[tuple[int, int]]) -> list[int]:
    found, now = [], -1000
    for count, step in clock:
        found += [now] * count
        now += step
    return found


def brute_force(stamps: list[int], over: int) -> list[int]:
    found: list[int] = []
    later = [*dict.fromkeys(stamps)][1:]
    for time, rows in groupby(stamps):
        length = min(over, later.pop(0) - time) if later else over
        count = len(list(rows))
        found += [time + number * length // count for number in range(count)]
    return found


@given(CLOCKS, st.integers(60, 900))
def test_as_brute_force_does(clock: list[tuple[int, int]], over: int) -> None:
    stamps = stamps_of(clock)
    assert spread_times(np.array(stamps), over).tolist() == brute_force(stamps, over)


@given(CLOCKS, st.integers(60, 900), st.none() | st.integers(1, 2000), st.data())
def test_rows_that_come_by_some_at_a_time(
    clock: list[tuple[int, int]], over: int, every: int | None, data: st.DataObject
) -> None:
    stamps = np.array(stamps_of(clock))
    starts = np.flatnonzero(np.diff(stamps)) + 1
    cuts = sorted(data.draw(st.sets(st.sampled_from(starts.tolist())))) if len(starts) else []
    spread = Spread(over, every)
    given = []
    numbers = np.arange(len(stamps))
    for start, stop in pairwise([0, *cuts, len(stamps)]):
        part = slice(start, stop)
        rows = Rows(stamps[part], numbers[part, None].astype(np.float32), numbers[part, None].astype(np.int8))
        given.append(spread.add(rows, numbers[part].astype(np.int32)))
    given.append(spread.end_series())
    time = np.concatenate([rows.time for rows, _ in given])
    assert time.tolist() == brute_force(stamps.tolist(), over)
    assert np.concatenate([rows.values[:, 0] for rows, _ in given]).tolist() == numbers.tolist()
    assert np.concatenate([rows.labels[:, 0] for rows, _ in given]).tolist() == numbers.tolist()
    assert np.concatenate([source for _, source in given]).tolist() == numbers.tolist()
    assert spread.num_rows == (time != stamps).sum()
    steps = [set((rows.time // (every or 1)).tolist()) for rows, _ in given]
    assert sum(map(len, steps)) == len(set().union(*steps))


def test_far_and_long_times_do_not_wrap() -> None:
    times = np.array([-(2**63), -(2**63), LARGEST - 9, LARGEST - 9])
    assert spread_times(times, LARGEST).tolist() == [-(2**63), -(2**62) - 1, LARGEST - 9, LARGEST - 5]
    many = spread_times(np.zeros(100_000, np.int64), LARGEST)
    assert many[-1] == 99_999 * LARGEST // 100_000


def test_more_rows_than_nanoseconds_are_refused() -> None:
    with raises("time-repeated", "3", "2 ns", "1970-01-01T00:00:00"):
        spread_times(np.array([0, 0, 0, 2, 2]), 100)
