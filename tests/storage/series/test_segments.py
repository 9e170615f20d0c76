import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longstride.storage.series.segments import Segments
from tests.helpers.errors import raises

lengths_and_gaps = st.lists(st.tuples(st.integers(1, 30), st.integers(0, 5), st.integers(0, 2)), max_size=8)


def segments_of(*bounds: tuple[int, int, int]) -> Segments:
    return Segments(*np.array(bounds, np.int64).reshape(-1, 3).T)


def laid_out(lengths: list[tuple[int, int, int]]) -> Segments:
    row, bounds = 0, []
    for length, gap, series in lengths:
        bounds.append((row + gap, row + gap + length, series))
        row += gap + length
    return segments_of(*bounds)


@given(lengths=lengths_and_gaps, window=st.integers(1, 12), stride=st.integers(1, 15), horizon=st.integers(0, 6))
def test_num_windows_is_what_enumeration_finds(
    lengths: list[tuple[int, int, int]], window: int, stride: int, horizon: int
) -> None:
    segments = laid_out(lengths)
    expected = [
        sum(1 for first in range(start, stop, stride) if first + window + horizon <= stop)
        for start, stop in zip(segments.start, segments.stop, strict=True)
    ]
    assert segments.num_windows(window, stride, horizon).tolist() == expected


@given(lengths=lengths_and_gaps)
def test_check_accepts_what_is_in_order(lengths: list[tuple[int, int, int]]) -> None:
    segments = laid_out(lengths)
    segments.check(int(segments.stop.max(initial=0)), 3)


@pytest.mark.parametrize(
    ("segments", "fact"),
    [
        (segments_of((0, 5, 0), (5, 5, 0)), "empty"),
        (segments_of((0, 5, 0), (8, 7, 0)), "empty"),
        (segments_of((0, 6, 0), (5, 9, 0)), "overlap"),
        (segments_of((5, 9, 0), (0, 5, 0)), "overlap"),
        (segments_of((-1, 5, 0)), "10 rows"),
        (segments_of((0, 5, 0), (5, 11, 0)), "10 rows"),
        (segments_of((0, 5, 2)), "2 there are"),
        (segments_of((0, 5, -1)), "2 there are"),
        (Segments(np.array([0, 1]), np.array([1]), np.array([0])), "2 starts, 1 stops and 1 series"),
        (Segments(np.array([], int), np.array([]), np.array([0])), "0 starts, 0 stops and 1 series"),
    ],
)
def test_check_refuses(segments: Segments, fact: str) -> None:
    with raises("store-input", fact):
        segments.check(10, 2)


def test_segments_of_the_same_rows_are_equal() -> None:
    def made(*stops: int, series: int = 0) -> Segments:
        return Segments(np.arange(len(stops)), np.array(stops), np.full(len(stops), series))

    assert made(5, 9) == made(5, 9)
    for other in (made(5, 8), made(5), made(5, 9, series=1), "segments"):
        assert made(5, 9) != other
