from itertools import groupby
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from longstride.pipeline.ingest.settings.rows import Aggregate
from longstride.pipeline.ingest.writing.grid.resample import MissingSteps, resample

EVERY = 5
CHANNELS = 3
NUMBER = st.one_of(st.just(np.nan), st.sampled_from([0.1, -0.0, 1e300]), st.floats(-1e6, 1e6))
LOGS = st.lists(  # the rows of a series: step in time, values, labels
    st.tuples(
        st.integers(0, 12),
        st.lists(NUMBER, min_size=CHANNELS, max_size=CHANNELS),
        st.lists(st.integers(0, 127), min_size=2, max_size=2),
    ),
    max_size=20,
)
AGGREGATES = st.lists(st.sampled_from(get_args(Aggregate)), min_size=CHANNELS, max_size=CHANNELS)
CUTS = st.lists(st.integers(0, 20), max_size=4).map(sorted)
MANY = ("mean", "min", "max", "last", "count")


def unpack(log: list[Any], start: int = 0) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int8]]:
    time = start + np.cumsum([step for step, *_ in log], dtype=np.int64)
    values = np.array([values for _, values, _ in log], np.float64).reshape(-1, CHANNELS)
    return time, values, np.array([labels for *_, labels in log], np.int8).reshape(-1, 2)


def summary(values: list[float], how: str) -> float:
    present = [value for value in values if value == value]
    if how == "count":
        return len(present)
    if not present:
        return np.nan
    return {"mean": sum(present) / len(present), "min": min(present), "max": max(present), "last": present[-1]}[
        how
    ]


def in_one_step(*numbers: float) -> list[float]:
    """What numbers in a row come to, by each of the aggregates."""
    values = np.repeat(np.array(numbers)[:, None], len(MANY), axis=1)
    time = np.arange(len(numbers))
    _, found, _, _ = resample(time, values, np.zeros((len(numbers), 0), np.int8), 100, MANY)
    assert len(found) == 1
    return found[0].tolist()


@given(LOGS, AGGREGATES, st.integers(-100, 20))
def test_steps_agree_with_a_loop_over_rows(log: list[Any], aggregates: list[Aggregate], start: int) -> None:
    time, values, labels = unpack(log, start)
    begin = [now - now % EVERY for now in time.tolist()]
    groups = [list(rows) for _, rows in groupby(range(len(begin)), key=lambda row: begin[row])]
    expected = [[summary(values[rows, c].tolist(), how) for c, how in enumerate(aggregates)] for rows in groups]

    new_time, new_values, new_labels, first = resample(time, values, labels, EVERY, aggregates)
    assert first.dtype == new_time.dtype == np.int64
    assert new_labels.dtype == np.int8
    assert first.tolist() == [rows[0] for rows in groups]
    assert new_time.tolist() == [begin[rows[0]] for rows in groups]
    assert new_labels.tolist() == [np.max(labels[rows], axis=0).tolist() for rows in groups]
    assert new_values.shape == (len(groups), CHANNELS)
    np.testing.assert_allclose(new_values, np.reshape(expected, (-1, CHANNELS)), rtol=1e-9, atol=1e-6)
    for channel, how in enumerate(aggregates):
        if how != "mean":
            assert np.array_equal(new_values[:, channel], [row[channel] for row in expected], equal_nan=True)


@given(LOGS, AGGREGATES, CUTS)
def test_blocks_cut_between_steps_come_to_the_same(
    log: list[Any], aggregates: list[Aggregate], cuts: list[int]
) -> None:
    whole = unpack(log)
    expected = resample(*whole, EVERY, aggregates)
    first = expected[3]
    rows = [int(first[cut]) for cut in cuts if cut < len(first)]
    blocks = zip(*(np.split(array, rows) for array in whole), strict=True)
    parts = [resample(*block, EVERY, aggregates) for block in blocks]
    for index in range(3):
        assert np.concatenate([part[index] for part in parts]).tobytes() == expected[index].tobytes()


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(1, 40), st.integers(0, 3))
def test_equal_numbers_come_to_that_number(number: float, times: int, missing: int) -> None:
    found = np.array(in_one_step(*[np.nan] * missing, *[number] * times, *[np.nan] * missing))
    assert found[:4].tobytes() == np.array([number] * 4).tobytes()
    assert found[4] == times


def test_steps_are_cut_at_multiples_before_1970_too() -> None:
    time = np.array([-6, -5, -1, 0, 4, 5])
    new_time, values, _, first = resample(time, np.ones((6, 1)), np.zeros((6, 1), np.int8), 5, ["count"])
    assert new_time.tolist() == [-10, -5, 0, 5]
    assert values[:, 0].tolist() == [1, 2, 2, 1]
    assert first.tolist() == [0, 1, 3, 5]


def test_missing_values_are_left_out() -> None:
    assert in_one_step(np.nan, 4, 1, np.nan) == [2.5, 1, 4, 1, 2]
    np.testing.assert_array_equal(in_one_step(np.nan, np.nan), [np.nan, np.nan, np.nan, np.nan, 0])


def brute_force_missing_steps(
    time: list[int], every: int, max_gap: int
) -> list[int | None]:  # the row of each step, None for one put in
    rows: list[int | None] = []
    for row, now in enumerate(time):
        if row and now - time[row - 1] <= max_gap:
            rows += [None] * len(range(time[row - 1] + every, now, every))
        rows.append(row)
    return rows


@given(st.lists(LOGS, min_size=1, max_size=3), CUTS, st.integers(0, 60), st.integers(-9, 9))
def test_missing_steps_agree_with_a_loop_over_rows(
    log: list[list[Any]], cuts: list[int], max_gap: int, start: int
) -> None:
    steps = MissingSteps(EVERY, max_gap)
    num_added = 0
    for series in log:
        time, values, labels = unpack([(EVERY * (step + 1), *row) for step, *row in series], EVERY * start)
        rows = brute_force_missing_steps(time.tolist(), EVERY, max_gap)
        num_added += rows.count(None)
        arrays = (np.split(array, cuts) for array in (time, values, labels))
        parts = [steps.add(*block) for block in zip(*arrays, strict=True)]
        steps.end_series()
        new_time, new_values, new_labels = (np.concatenate(part) for part in zip(*parts, strict=True))
        assert new_labels.dtype == np.int8
        given_rows = [row is not None for row in rows]
        assert new_time[given_rows].tolist() == time.tolist()
        assert len(new_time) == len(rows)
        for index, row in enumerate(rows):
            if row is None:
                assert new_time[index] == new_time[index - 1] + EVERY
                assert np.isnan(new_values[index]).all()
                assert not new_labels[index].any()
            else:
                assert new_values[index].tobytes() == values[row].tobytes()
                assert new_labels[index].tolist() == labels[row].tolist()
    assert steps.num_added == num_added


@pytest.mark.parametrize(("max_gap", "expected"), [(30, [-20, -10, 0, 10]), (29, [-20, 10])])
def test_a_gap_of_just_the_limit_is_closed(max_gap: int, expected: list[int]) -> None:
    steps = MissingSteps(10, max_gap)
    first, _, _ = steps.add(np.array([-20]), np.ones((1, 1)), np.ones((1, 1), np.int8))
    nothing, _, _ = steps.add(np.empty(0, np.int64), np.empty((0, 1)), np.empty((0, 1), np.int8))
    second, _, _ = steps.add(np.array([10]), np.ones((1, 1)), np.ones((1, 1), np.int8))
    assert [*first, *nothing, *second] == expected


def test_no_step_is_missing_between_two_series() -> None:
    steps = MissingSteps(10, 100)
    steps.add(np.array([0]), np.ones((1, 1)), np.ones((1, 1), np.int8))
    steps.end_series()
    time, _, _ = steps.add(np.array([50, 70]), np.ones((2, 1)), np.ones((2, 1), np.int8))
    assert time.tolist() == [50, 60, 70]


def test_where_no_step_is_missing_nothing_is_copied() -> None:
    steps = MissingSteps(10, 100)
    block = np.array([0, 10, 20]), np.ones((3, 2)), np.ones((3, 1), np.int8)
    for old, new in zip(block, steps.add(*block), strict=True):
        assert new is old
    assert steps.num_added == 0
