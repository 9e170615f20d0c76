"""Durations: the same batches as the rows that they stand for, or a refusal that says why."""

from datetime import timedelta
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longstride import WindowLoader, from_array, split_by_date, split_by_time
from longstride.pipeline.loading.geometry.lengths import RowsOf, checked_length
from longstride.storage.arrays.data import ArrayData
from tests.helpers.errors import raises
from tests.helpers.stores.ways import Ways, check_every_way

SECOND = 10**9


def rows_apart(step: Any, rows: int = 1000, **options: Any) -> ArrayData:
    return from_array(np.zeros((rows, 1), np.float32), start="2024-03-01", step=step, **options)


def timed(steps: Any, **options: Any) -> ArrayData:
    time = np.int64(17 * 10**17) + np.cumsum(np.asarray(steps, np.int64))
    return from_array(np.zeros((len(time), 1), np.float32), time=time, **options)


def test_durations_are_the_rows_that_they_stand_for(ways: Ways) -> None:
    rows: dict[str, Any] = {"window": 6, "stride": 10, "horizon": 2, "gap": 4, "dilation": 3, "time": "rows"}
    durations = {**rows, "window": "18s", "stride": timedelta(seconds=10), "horizon": "0.1m", "gap": "12s"}
    assert check_every_way(ways, **durations) == check_every_way(ways, **rows)
    state = WindowLoader(ways.mapped, batch_size=4, **durations).state_dict()
    WindowLoader(ways.mapped, batch_size=4, **rows).load_state_dict(state)


def test_what_a_loader_shows_is_rows() -> None:
    loader = WindowLoader(
        rows_apart(timedelta(minutes=10)), window="8h", stride="1h", horizon="1d", gap="30min", batch_size=8
    )
    assert repr(loader).startswith("WindowLoader(B=8, K=48, N=1, H=144, gap=3, stride=6, M=1, windows=135, ")


@given(
    st.integers(1, 10**6),
    st.integers(1, 300),
    st.sampled_from(["ns", "us", "ms", "s", "m", "min", "h"]),
    st.integers(1, 3),
)
def test_whole_numbers_of_steps(step_us: int, number: int, unit: str, dilation: int) -> None:
    """Against fractions: either the number of rows is exact, or it is refused."""
    sizes = {"ns": 1, "us": 10**3, "ms": 10**6, "s": SECOND, "m": 60 * SECOND, "min": 60 * SECOND}
    duration = number * sizes.get(unit, 3600 * SECOND)
    data = rows_apart(np.timedelta64(step_us, "us"), rows=4)
    exact = Fraction(duration, step_us * 1000 * dilation)
    given_text = checked_length("window", f"{number}{unit}")
    if exact.denominator == 1:
        assert RowsOf(data)("window", given_text, dilation) == exact
    else:
        with raises("option-value", f"window={number}{unit}", "whole number"):
            RowsOf(data)("window", given_text, dilation)


@pytest.mark.parametrize(
    "given",
    ["10min", "600s", timedelta(minutes=10), np.timedelta64(10, "m"), np.timedelta64(600 * SECOND, "ns"), 600],
)
def test_one_duration_written_in_many_ways(given: Any) -> None:
    assert repr(WindowLoader(rows_apart(timedelta(seconds=1)), window=given, batch_size=8)).startswith(
        "WindowLoader(B=8, K=600, "
    )


def test_times_that_are_rounded_to_nanoseconds() -> None:
    """44.1 kHz: no step is exact, and all together are."""
    time = np.arange(441_000, dtype=np.int64) * SECOND // 44_100
    data = from_array(np.zeros((441_000, 1), np.float32), time=time)
    assert RowsOf(data)("window", "1s") == 44_100
    assert RowsOf(data)("window", "5s") == 220_500
    assert WindowLoader(data, window="1s", stride="10ms", batch_size=4).dataset.index.stride == 441


def test_steps_that_vary_are_refused_beyond_what_is_allowed() -> None:
    steps = np.full(500, SECOND)
    steps[100] = SECOND * 1.3
    steps[300] = SECOND * 0.6
    data = timed(steps)
    with raises("option-value", "rows 299 and 300", "0.6 s", "1 s", "max_jitter=0.4"):
        WindowLoader(data, window="10s", batch_size=8)
    loader = WindowLoader(data, window="10s", batch_size=8, max_jitter=0.4)
    assert loader.dataset.index.window == 10
    assert WindowLoader(data, window=10, batch_size=8).num_windows == loader.num_windows
    with raises("option-value", "max_jitter=-1"):
        WindowLoader(data, window="10s", batch_size=8, max_jitter=-1)


def test_gaps_between_segments_do_not_vary_the_step() -> None:
    steps = np.full(500, SECOND)
    steps[[100, 300]] = 7 * SECOND
    data = timed(steps)
    assert len(data.segments) == 3
    assert WindowLoader(data, window="10s", batch_size=8).dataset.index.window == 10


def test_only_the_rows_that_are_served_count() -> None:
    steps = np.full(500, SECOND)
    steps[480] = SECOND * 1.3
    data = timed(steps)
    train = split_by_time(data, window="10s").train
    WindowLoader(data, window="10s", batch_size=8, split=train)
    with raises("option-value", "rows 479 and 480"):
        WindowLoader(data, window="10s", batch_size=8)


@given(st.lists(st.sampled_from([SECOND, SECOND, SECOND, SECOND + 20 * 10**6]), min_size=3, max_size=40))
def test_the_worst_step_is_found(steps: list[int]) -> None:
    data = timed([SECOND] * 50 + steps)
    worst = max(abs(step - SECOND) for step in steps)
    if worst:
        with raises("option-value", "max_jitter=0.02"):
            WindowLoader(data, window="3s", batch_size=1)
    WindowLoader(data, window="3s", batch_size=1, max_jitter=0.02)


def test_splits_take_durations() -> None:
    data = rows_apart(timedelta(minutes=10))
    rows: dict[str, Any] = {"window": 12, "horizon": 6, "gap": 3}
    durations: dict[str, Any] = {"window": "2h", "horizon": "1h", "gap": "30min"}
    assert repr(split_by_time(data, **durations)) == repr(split_by_time(data, **rows))
    when = {"validation": "2024-03-03"}
    assert repr(split_by_date(data, **durations, **when)) == repr(split_by_date(data, **rows, **when))
    with raises("option-value", "window=15min", "1.5 times 600 s"):
        split_by_time(data, window="15min")


def test_stores_of_other_steps() -> None:
    stores = [rows_apart(timedelta(seconds=1)), rows_apart(timedelta(seconds=2))]
    with raises("option-value", "window=10s is 10 rows", "5 of"):
        WindowLoader(stores, window="10s", batch_size=8)
    assert WindowLoader(stores, window=10, batch_size=8).num_windows == 2 * 991


@pytest.mark.parametrize(
    ("options", "facts"),
    [
        ({"window": "10"}, ["window='10'", "10min"]),
        ({"window": "ten minutes"}, ["window='ten minutes'"]),
        ({"window": ""}, ["window=''"]),
        ({"window": "0s"}, ["window=0s", "above 0"]),
        ({"window": 0}, ["window=0"]),
        ({"window": -5}, ["window=-5"]),
        ({"window": 2**41}, ["window", "2^40"]),
        ({"window": 2.5}, ["window is 2.5", "whole number"]),
        ({"window": True}, ["window is True"]),
        ({"window": None}, ["window is None"]),
        ({"window": ["ten"]}, ["window='ten'"]),
        ({"window": timedelta(seconds=-3)}, ["window=-1 day"]),
        ({"window": np.timedelta64("NaT")}, ["window"]),
        ({"window": np.timedelta64(1, "M")}, ["window"]),
        ({"window": "2000000w"}, ["window=2000000w", "2^40"]),
        ({"window": "2.5s"}, ["window=2.5s", "2.5 times 1 s", "window=2"]),
        ({"window": 5, "stride": "0.5s"}, ["stride=0.5s"]),
        ({"window": 5, "horizon": "1.5s"}, ["horizon=1.5s"]),
        ({"window": 5, "horizon": "4s", "dilation": 3}, ["horizon=4s", "3 s"]),
        ({"window": 5, "gap": "2s"}, ["gap", "horizon="]),
    ],
)
def test_what_is_no_length_is_refused(options: dict[str, Any], facts: list[object]) -> None:
    with raises("option-value", *facts):
        WindowLoader(rows_apart(timedelta(seconds=1)), batch_size=8, **options)


def test_rows_that_nothing_says_the_step_of() -> None:
    values = np.zeros((500, 1), np.float32)
    for data in (values, from_array(values, start="2024-03-01")):
        with raises("option-value", "how far apart", "step="):
            WindowLoader(data, window="10s", batch_size=8)
    step = np.timedelta64(500, "ms")
    assert WindowLoader(from_array(values, step=step), window="10s", batch_size=8).dataset.index.window == 20
    with raises("option-value", "no two rows"):
        WindowLoader(timed([SECOND]), window="1s", batch_size=1, shuffle=False)
