from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from longstride.pipeline.ingest.writing.grid.fill import Block, Fill

CHANNELS = 3
NUMBER = st.one_of(st.none(), st.none(), st.none(), st.integers(-5, 5).map(float), st.floats(-1e9, 1e9))
ROWS = st.lists(st.tuples(st.integers(1, 6), st.lists(NUMBER, min_size=CHANNELS, max_size=CHANNELS)), max_size=24)
LOGS = st.lists(ROWS, min_size=1, max_size=3)
CUTS = st.lists(st.integers(0, 24), max_size=10).map(sorted)
How = Literal["forward", "linear"]
HOW = st.sampled_from(["forward", "linear"])
NAN = np.nan


def unpack(rows: list[Any], start: int) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int8]]:
    time = start + np.cumsum([step for step, _ in rows], dtype=np.int64)
    values = [[NAN if value is None else value for value in values] for _, values in rows]
    labels = np.arange(2 * len(rows)).astype(np.int8).reshape(-1, 2)
    return time, np.array(values, np.float64).reshape(-1, CHANNELS), labels


def column(values: list[float], times: list[int] | None = None) -> Block:
    """One channel and no label."""
    time = np.arange(len(values)) if times is None else np.array(times, np.int64)
    return time, np.array(values, np.float64).reshape(-1, 1), np.empty((len(values), 0), np.int8)


def joined(parts: list[Block]) -> Block:
    time, values, labels = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return time, values, labels


def brute_force(time: list[int], values: list[float | None], how: str, limit: int) -> dict[int, float]:
    """Rows of one channel that are filled in, and with what."""
    filled = {}
    for row, value in enumerate(values):
        if value is not None:
            continue
        before = [other for other in range(row) if values[other] is not None]
        after = [other for other in range(row, len(values)) if values[other] is not None]
        if how == "forward" and before and time[row] - time[before[-1]] <= limit:
            filled[row] = values[before[-1]]
        if how == "linear" and before and after and time[after[0]] - time[before[-1]] <= limit:
            a, b = before[-1], after[0]
            filled[row] = values[a] + (values[b] - values[a]) * ((time[row] - time[a]) / (time[b] - time[a]))
    return filled


@settings(max_examples=300)
@given(LOGS, CUTS, HOW, st.integers(1, 30), st.integers(-60, 60))
def test_filling_agrees_with_a_loop_over_rows(
    log: list[list[tuple[int, list[float | None]]]], cuts: list[int], how: How, limit: int, start: int
) -> None:
    fill = Fill(how, limit, CHANNELS)
    num_filled = 0
    for rows in log:
        time, values, labels = unpack(rows, start)
        expected = values.copy()
        for channel in range(CHANNELS):
            filled = brute_force(time.tolist(), [row[channel] for _, row in rows], how, limit)
            expected[list(filled), channel] = list(filled.values())
            num_filled += len(filled)
        untouched = values.copy()
        arrays = (np.split(array, cuts) for array in (time, values, labels))
        parts = [fill.add(*block) for block in zip(*arrays, strict=True)]
        new_time, new_values, new_labels = joined([*parts, fill.end_series()])
        assert new_time.tolist() == time.tolist()
        assert new_labels.dtype == np.int8
        assert new_labels.tolist() == labels.tolist()
        np.testing.assert_array_equal(new_values, expected)
        np.testing.assert_array_equal(values, untouched)
    assert fill.num_filled == num_filled


@given(ROWS, st.integers(1, 30), st.integers(1, 5))
@example([(1, [1.0, 1.0, None])] + [(1, [None, 1.0, None])] * 23, 20, 1)
@example([(1, [None, None, 0.0])] + [(1, [None, None, None])] * 4 + [(4, [None, None, None])], 4, 2)
def test_rows_wait_no_longer_than_the_limit(rows: list[Any], limit: int, piece: int) -> None:
    time, values, labels = unpack(rows, 0)
    fill = Fill("linear", limit, CHANNELS)
    num_ready = most = 0
    for row in range(0, len(time), piece):
        part = slice(row, row + piece)
        num_ready += len(fill.add(time[part], values[part], labels[part])[0])
        read = min(row + piece, len(time))
        # Rows that wait are looked at again when as many have come: those before a jump in time wait too.
        most = max(most, int((time[:read] > time[read - 1] - limit).sum()))
        assert read - num_ready <= 2 * most + piece


@pytest.mark.parametrize("how", ["forward", "linear"])
def test_a_limit_that_is_just_met_is_kept(how: How) -> None:
    block = column([1, NAN, 3], [-10, 10, 20] if how == "forward" else [-10, 0, 10])
    met, exceeded = Fill(how, 20, 1), Fill(how, 19, 1)
    assert joined([met.add(*block), met.end_series()])[1].ravel().tolist() == [1, 1 if how == "forward" else 2, 3]
    assert np.isnan(joined([exceeded.add(*block), exceeded.end_series()])[1][1])
    assert (met.num_filled, exceeded.num_filled) == (1, 0)


def test_a_limit_that_is_just_met_is_kept_over_blocks() -> None:
    fill = Fill("linear", 20, 1)
    parts = [fill.add(*column([1, NAN], [0, 19])), fill.add(*column([], [])), fill.add(*column([3], [20]))]
    assert [len(time) for time, _, _ in parts] == [1, 0, 2]
    assert joined(parts)[1].ravel().tolist() == [1, 2.9, 3]


def test_a_filled_value_is_no_value_to_fill_in_from() -> None:
    fill = Fill("forward", 2, 1)
    parts = [fill.add(*column([7, NAN])), fill.add(*column([NAN, NAN], [2, 3]))]
    np.testing.assert_array_equal(joined(parts)[1].ravel(), [7, 7, 7, NAN])


def test_values_before_the_first_and_after_the_last_stay_missing() -> None:
    fill = Fill("linear", 100, 1)
    parts = [fill.add(*column([NAN, 1, NAN, 3, NAN])), fill.end_series()]
    np.testing.assert_array_equal(joined(parts)[1].ravel(), [NAN, 1, 2, 3, NAN])


@pytest.mark.parametrize("how", ["forward", "linear"])
def test_nothing_is_filled_in_from_another_series(how: How) -> None:
    fill = Fill(how, 100, 1)
    fill.add(*column([1]))
    fill.end_series()
    parts = [fill.add(*column([NAN, 2], [1, 2])), fill.end_series()]
    np.testing.assert_array_equal(joined(parts)[1].ravel(), [NAN, 2])


def test_rows_wait_only_for_a_value_that_may_still_be_near_enough() -> None:
    fill = Fill("linear", 3, 1)
    parts = [fill.add(*column([value], [now])) for now, value in enumerate([1, NAN, NAN, NAN, NAN])]
    assert [len(time) for time, _, _ in parts[:3]] == [1, 0, 0]
    assert joined(parts)[0].tolist() == [0, 1, 2, 3, 4]  # a value in row 4 or later is too far away
    assert [len(array) for array in fill.end_series()] == [0, 0, 0]


def test_rows_that_no_value_can_be_near_enough_to_do_not_wait() -> None:
    far, unknown = Fill("linear", 5, 1), Fill("linear", 5, 1)
    assert len(far.add(*column([1, NAN], [0, 5]))[0]) == 2
    assert len(unknown.add(*column([NAN, NAN], [0, 1]))[0]) == 2


def test_a_gap_that_is_too_long_stays_while_its_rows_wait_for_another_channel() -> None:
    fill = Fill("linear", 5, 2)
    time = np.arange(8)
    values = np.array([[1, NAN, NAN, NAN, NAN, NAN, 7, 8], [1, 2, 3, 4, NAN, NAN, NAN, NAN]]).T
    parts = [fill.add(time, values, np.empty((8, 0), np.int8))]
    assert len(parts[0][0]) == 4
    late = (
        np.array([8, 9, 10, 11]),
        np.array([[9, 10, 11, 12], [9, 10, 11, 12]], float).T,
        np.empty((4, 0), np.int8),
    )
    _, found, _ = joined([*parts, fill.add(*late)])
    np.testing.assert_array_equal(found[:, 0], [1, NAN, NAN, NAN, NAN, NAN, 7, 8, 9, 10, 11, 12])
    np.testing.assert_array_equal(found[:, 1], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])


@pytest.mark.parametrize("how", ["forward", "linear"])
def test_where_nothing_is_missing_nothing_is_copied(how: How) -> None:
    fill = Fill(how, 100, 1)
    block = column([1, 2, 3])
    for old, new in zip(block, fill.add(*block), strict=True):
        assert np.shares_memory(old, new) or not old.size
        assert new.tolist() == old.tolist()


def test_an_end_without_rows_gives_none() -> None:
    time, values, labels = Fill("linear", 100, 4).end_series()
    assert (time.shape, values.shape, len(labels)) == ((0,), (0, 4), 0)
