"""Errors of rows, compared with brute force."""

import tracemalloc
import warnings
from collections.abc import Iterator

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from longstride.trainer.scoring.row_errors import NAN_ROWS, row_errors

Windows = list[tuple[NDArray[np.int64], NDArray[np.float64]]]


def brute_force(windows: Windows, begin: int, stop: int, num_channels: int) -> NDArray[np.float64]:
    found: dict[int, list[NDArray[np.float64]]] = {row: [] for row in range(begin, stop)}
    for starts, errors in windows:
        for start, window in zip(starts.tolist(), errors, strict=True):
            for row, error in enumerate(window, start):
                if row in found:
                    found[row].append(error)
    expected = np.full((stop - begin, num_channels), np.nan)
    for row, all_errors in found.items():
        if all_errors:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the mean of nothing
                expected[row - begin] = np.nanmean(all_errors, axis=0)
    return expected


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 120), min_size=0, max_size=30, unique=True),
    st.integers(1, 12),
    st.integers(1, 3),
    st.integers(1, 7),
    st.integers(0, 100),
    st.integers(0, 60),
    st.integers(0, 2**32),
)
def test_equals_brute_force(
    starts: list[int], window: int, num_channels: int, batch: int, begin: int, rows: int, seed: int
) -> None:
    generator = np.random.default_rng(seed)
    starts = sorted(starts)
    errors = generator.random((len(starts), window, num_channels))
    errors[generator.random(errors.shape) < 0.2] = np.nan
    windows = [
        (np.array(starts[at : at + batch], np.int64), errors[at : at + batch])
        for at in range(0, len(starts), batch)
    ]
    stop = begin + rows
    found = list(row_errors(windows, begin, stop, num_channels))
    whole = np.concatenate([np.empty((0, num_channels)), *found])
    np.testing.assert_allclose(whole, brute_force(windows, begin, stop, num_channels), rtol=1e-12)


def test_memory_is_that_of_a_batch() -> None:
    """Two million rows, two runs of windows with a gap of half of them between."""

    def windows() -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        errors = np.ones((256, 16, 2), np.float32)
        for first in (*range(0, 500_000, 2048), *range(1_500_000, 2_000_000, 2048)):
            yield np.arange(first, first + 2048, 8), errors

    rows = 0
    tracemalloc.start()
    for block in row_errors(windows(), 0, 2_000_000, 2):
        rows += len(block)
        assert len(block) <= NAN_ROWS
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert rows == 2_000_000
    assert peak < 8 * 2**20
