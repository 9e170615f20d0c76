import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longstride.pipeline.loading.ordering.windows import WindowIndex
from tests.helpers.errors import raises
from tests.helpers.stores.segments import brute_force, segment_lists, segments_of


def test_the_question_without_overlap() -> None:
    index = WindowIndex(segments_of([(0, 100)]), window=10, stride=10)
    assert index.starts(np.arange(len(index))).tolist() == [0, 10, 20, 30, 40, 50, 60, 70, 80, 90]


def test_the_question_with_stride_one() -> None:
    assert len(WindowIndex(segments_of([(0, 100)]), window=10, stride=1)) == 91


@given(
    segment_lists(),
    st.integers(1, 20),
    st.integers(1, 25),
    st.integers(0, 5),
    st.integers(0, 5),
    st.integers(1, 4),
)
def test_starts_equal_brute_force(
    pairs: list[tuple[int, int]], window: int, stride: int, horizon: int, gap: int, dilation: int
) -> None:
    index = WindowIndex(segments_of(pairs), window, stride, horizon, gap, dilation)
    expected = brute_force(pairs, window, stride, gap + horizon, dilation)
    assert len(index) == len(expected)
    assert index.starts(np.arange(len(index))).tolist() == expected


@given(st.integers(1, 50), st.integers(1, 60), st.integers(0, 9))
def test_hop_is_the_least_distance_without_a_shared_row(window: int, stride: int, horizon: int) -> None:
    index = WindowIndex(segments_of([]), window, stride, horizon)
    assert index.hop * stride >= window + horizon
    assert (index.hop - 1) * stride < window + horizon


@given(st.integers(1, 60), st.integers(1, 9), st.integers(1, 4), st.data())
def test_sums_over_the_rows_of_windows(rows: int, window: int, dilation: int, data: st.DataObject) -> None:
    index = WindowIndex(segments_of([(0, rows)]), window, 1, dilation=dilation)
    of_rows = np.array(data.draw(st.lists(st.integers(0, 9), min_size=rows, max_size=rows)))
    starts = index.starts(np.arange(len(index)))
    expected = [of_rows[start : start + window * dilation : dilation].sum() for start in starts]
    assert index.sums(of_rows, starts, index.lengths(starts)).tolist() == expected


def test_a_billion_rows_take_no_more_memory_than_their_segments() -> None:
    index = WindowIndex(segments_of([(0, 10**9)]), window=512, stride=1)
    assert len(index) == 10**9 - 511
    assert index.starts(np.array([10**9 - 512])) == [10**9 - 512]
    assert index.offsets.nbytes + index.counts.nbytes < 100


@pytest.mark.parametrize(("window", "stride", "horizon"), [(0, 1, 0), (1, 0, 0), (1, 1, -1)])
def test_impossible_windows_are_refused(window: int, stride: int, horizon: int) -> None:
    with raises("option-value"):
        WindowIndex(segments_of([(0, 10)]), window, stride, horizon)


def test_a_window_that_is_not_there_is_refused() -> None:
    with pytest.raises(IndexError, match="numbered 0 to 90"):
        WindowIndex(segments_of([(0, 100)]), 10, 1).starts(np.array([91]))
