"""Errors of rows, compared with brute force."""

import tracemalloc
from collections.abc import Iterator

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from longstride.trainer.calibration.coverage import JudgedWindows
from longstride.trainer.scoring.row_errors import NAN_ROWS, in_order, row_errors

Windows = list[JudgedWindows]


def brute_force(
    windows: Windows, begin: int, stop: int, num_channels: int, bits: NDArray[np.uint8]
) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    sums, weights = np.zeros((stop, num_channels)), np.zeros((stop, num_channels))
    covered = np.zeros(stop, np.uint8)
    for starts, errors, counting in windows:
        for start, window, weight in zip(starts.tolist(), errors, counting, strict=True):
            for position, error in enumerate(window):
                row = start + position
                if row < stop:
                    sums[row] += np.where(np.isnan(error), 0, weight * error)
                    weights[row] += np.where(np.isnan(error), 0, weight)
                    covered[row] |= bits[position]
    with np.errstate(invalid="ignore"):
        return (sums / weights)[begin:], covered[begin:]


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
    counting = generator.random(len(starts))
    windows = [
        JudgedWindows(
            np.array(starts[at : at + batch], np.int64), errors[at : at + batch], counting[at : at + batch]
        )
        for at in range(0, len(starts), batch)
    ]
    stop = begin + rows
    bits = generator.integers(1, 256, window).astype(np.uint8)
    found = list(row_errors(windows, begin, stop, num_channels, bits))
    whole = np.concatenate([np.empty((0, num_channels)), *(block.errors for block in found)])
    covered = np.concatenate([np.empty(0, np.uint8), *(block.covered for block in found)])
    expected, of_windows = brute_force(windows, begin, stop, num_channels, bits)
    np.testing.assert_allclose(whole, expected, rtol=1e-9)
    np.testing.assert_array_equal(covered, of_windows)


@given(st.integers(1, 5), st.integers(1, 7), st.integers(1, 7), st.integers(0, 2**32))
def test_batches_change_no_digit(stride: int, batch: int, other_batch: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    starts = np.arange(0, 60, stride)
    windows = JudgedWindows(starts, random.random((len(starts), 8, 2)), random.random(len(starts)))

    def errors(size: int) -> NDArray[np.float64]:
        batches = [windows.take(slice(at, at + size)) for at in range(0, len(starts), size)]
        return np.concatenate([one.errors for one in row_errors(batches, 0, 70, 2, np.ones(8, np.uint8))])

    np.testing.assert_array_equal(errors(batch), errors(other_batch))


@given(st.sets(st.integers(0, 60)), st.sets(st.integers(0, 60)), st.integers(1, 7), st.integers(1, 7))
def test_windows_of_both_come_in_order(some: set[int], others: set[int], size: int, other_size: int) -> None:
    def batches(starts: set[int], length: int) -> Windows:
        rows = np.array(sorted(starts), np.int64)
        return [
            JudgedWindows(*(of[at : at + length] for of in (rows, rows[:, None, None] * 1.0, rows * 2.0)))
            for at in range(0, len(rows), length)
        ]

    found = list(in_order(batches(some, size), batches(others - some, other_size)))
    starts = [start for batch in found for start in batch.first.tolist()]
    assert starts == sorted(some | others)
    assert [error for batch in found for error in batch.errors.ravel().tolist()] == starts
    assert [weight / 2 for batch in found for weight in batch.weights.tolist()] == starts


def test_memory_is_that_of_a_batch() -> None:
    """Two million rows, two runs of windows with a gap of half of them between."""

    def windows() -> Iterator[JudgedWindows]:
        errors = np.ones((256, 16, 2), np.float32)
        for first in (*range(0, 500_000, 2048), *range(1_500_000, 2_000_000, 2048)):
            yield JudgedWindows(np.arange(first, first + 2048, 8), errors, np.ones(256))

    rows = 0
    tracemalloc.start()
    for block, _ in row_errors(windows(), 0, 2_000_000, 2, np.ones(16, np.uint8)):
        rows += len(block)
        assert len(block) <= NAN_ROWS
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert rows == 2_000_000
    assert peak < 8 * 2**20
