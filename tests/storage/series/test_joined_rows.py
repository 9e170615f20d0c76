"""Rows of several arrays, compared with the same rows in one array."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longstride.storage.series.joined_rows import JoinedRows

LENGTHS = st.lists(st.integers(1, 9), min_size=1, max_size=4)


def parts_of(lengths: list[int], width: int = 3) -> list[np.ndarray[Any, Any]]:
    every = np.arange(sum(lengths) * width, dtype=np.float32).reshape(-1, width)
    return np.split(every, np.cumsum(lengths)[:-1])


def keys(number: int) -> st.SearchStrategy[Any]:
    bound = st.none() | st.integers(-number - 2, number + 2)
    row = st.integers(-number, number - 1)
    slices = st.builds(slice, bound, bound, st.none() | st.integers(1, 3))
    return slices | row | st.lists(row, max_size=6).map(lambda rows: np.array(rows, np.int64))


@given(st.data(), LENGTHS)
def test_rows_are_those_of_one_array(data: st.DataObject, lengths: list[int]) -> None:
    parts = parts_of(lengths)
    whole, times = np.concatenate(parts), np.arange(sum(lengths))
    columns = [[0, 1, 2]] * len(parts)
    joined, joined_times = JoinedRows(parts, columns), JoinedRows(np.split(times, np.cumsum(lengths)[:-1]))
    key = data.draw(keys(len(whole)))
    np.testing.assert_array_equal(joined[key], whole[key])
    np.testing.assert_array_equal(joined_times[key], times[key])
    chosen = data.draw(st.sampled_from([1, [2, 0], slice(1, None)]))
    np.testing.assert_array_equal(joined[key, chosen], whole[key][..., chosen])
    np.testing.assert_array_equal(np.asarray(joined), whole)
    assert (joined.shape, joined.nbytes, len(joined)) == (whole.shape, whole.nbytes, len(whole))


def test_columns_in_another_order_and_columns_that_a_part_lacks() -> None:
    first, second = parts_of([2, 2])
    joined = JoinedRows([first, second[:, ::-1]], [[0, 1, 2], [2, 1, 0]])
    np.testing.assert_array_equal(joined[:], np.concatenate([first, second]))
    labels = JoinedRows([np.ones((2, 1), np.int8), np.zeros((1, 0), np.int8)], [[None, 0], [None, None]])
    assert labels[:].tolist() == [[0, 1], [0, 1], [0, 0]]
    assert labels[2].tolist() == [0, 0]


def test_a_mask_chooses_rows_and_rows_that_are_not_there_are_refused() -> None:
    joined = JoinedRows(parts_of([2, 3]), [[0, 1, 2]] * 2)
    mask = np.array([True, False, False, True, True])
    np.testing.assert_array_equal(joined[mask], joined[:][mask])
    for key in (5, -6, [0, 5]):
        with pytest.raises(IndexError, match="5 rows there are"):
            joined[key]


def test_rows_of_one_part_are_not_copied() -> None:
    parts = parts_of([4, 4])
    joined = JoinedRows(parts, [[0, 1, 2]] * 2)
    assert np.shares_memory(joined[1:4], parts[0])
    assert np.shares_memory(joined[5:8], parts[1])
