"""Ranges of rows, compared with sets of them."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longstride.storage.errors import LongstrideError
from longstride.storage.store import SeriesStore
from longstride.trainer.errors import ScoresError
from longstride.trainer.scoring.rows.ranges import (
    all_rows,
    as_ranges,
    chosen_rows,
    clipped,
    common_rows,
    num_rows,
    rows_at,
    share,
)
from tests.helpers.errors import raises

SECOND = 10**9


@given(st.lists(st.booleans(), max_size=60), st.integers(0, 60), st.integers(0, 60), st.integers(1, 7))
def test_they_are_what_a_mask_is(mask: list[bool], start: int, stop: int, parts: int) -> None:
    ranges = as_ranges(np.array(mask, bool))
    rows = np.flatnonzero(mask).tolist()
    assert num_rows(ranges) == len(rows)
    assert rows_at(ranges, 0, len(rows)).tolist() == rows
    assert rows_at(ranges, len(rows) // 2, len(rows)).tolist() == rows[len(rows) // 2 :]
    start, stop = sorted([start, stop])
    inside = clipped(ranges, start, stop)
    assert rows_at(inside, 0, num_rows(inside)).tolist() == [row for row in rows if start <= row < stop]
    shares = [share(ranges, number, parts) for number in range(parts)]
    assert [row for one in shares for row in rows_at(one, 0, num_rows(one)).tolist()] == rows
    sizes = [num_rows(one) for one in shares]
    assert max(sizes) - min(sizes) <= 1


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=60))
def test_common_rows_lie_in_both(masks: list[tuple[bool, bool]]) -> None:
    one, other = (np.array([both[number] for both in masks], bool) for number in (0, 1))
    common = common_rows(as_ranges(one), as_ranges(other))
    assert rows_at(common, 0, num_rows(common)).tolist() == np.flatnonzero(one & other).tolist()
    assert (np.diff(common.ravel()) >= 0).all()


def test_all_rows_of_none() -> None:
    assert all_rows(0).shape == (0, 2)
    assert all_rows(5).tolist() == [[0, 5]]


@pytest.fixture(scope="module")
def store(make_store: Callable[..., SeriesStore], tmp_path_factory: pytest.TempPathFactory) -> SeriesStore:
    """Two series of the same times, one behind the other, in more than one chunk."""
    time = np.tile(np.arange(1500) * SECOND, 2)
    return make_store(
        tmp_path_factory.mktemp("ranges") / "two.zarr", rows=3000, time=time, series=("a", "b"), chunk_rows=1024,
        segments=[(0, 1500, 0), (1500, 3000, 1)],
    )  # fmt: skip


def test_times_are_those_of_each_series(store: SeriesStore) -> None:
    at = np.datetime64(1000, "s")
    assert chosen_rows(store, since=at).tolist() == [[1000, 1500], [2500, 3000]]
    assert chosen_rows(store, until=at).tolist() == [[0, 1000], [1500, 2500]]
    assert chosen_rows(store, since=at, until=np.datetime64(1001, "s")).tolist() == [[1000, 1001], [2500, 2501]]
    assert chosen_rows(store, rows=(1200, 2600), since="1970-01-01T00:16:40Z").tolist() == [
        [1200, 1500],
        [2500, 2600],
    ]
    assert chosen_rows(store, since="1970-01-01").tolist() == [[0, 3000]]  # one range, of several chunks
    assert chosen_rows(store).tolist() == [[0, 3000]]


def test_no_row_is_an_error(store: SeriesStore) -> None:
    with raises("rows-outside", "2024-03-01", store.name, kind=ScoresError):
        chosen_rows(store, since="2024-03-01")
    with raises("rows-outside", "2000:4000", kind=ScoresError):
        chosen_rows(store, rows=(2000, 4000))
    with raises("option-value", "since", "yesterday", kind=LongstrideError):
        chosen_rows(store, since="yesterday")
