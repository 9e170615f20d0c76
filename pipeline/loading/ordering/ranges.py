"""Ranges of rows, and of anything that is numbered."""

import numpy as np
from numpy.typing import NDArray

from longstride.pipeline.loading.ordering.windows import WindowIndex

__all__ = ["counted_within", "numbered", "rows_of"]


def rows_of(index: WindowIndex, start: NDArray[np.int64], count: NDArray[np.int64]) -> NDArray[np.int64]:
    """Ranges of rows (ranges, 2) of runs of `count` consecutive windows, the first of which begins at `start`."""
    if index.stride > index.span:  # the rows between windows are not theirs
        window, owner = numbered(np.zeros_like(count), count)
        start, count = start[owner] + window * index.stride, np.ones_like(window)
    return np.stack([start, index.ends(start + (count - 1) * index.stride)], axis=1)


def counted_within(ranges: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows that lie in `ranges` (ranges, 2), which are apart and in order, counted within these alone."""
    begins, ends = ranges.T
    lengths = ends - begins
    found: NDArray[np.int64] = (np.cumsum(lengths) - lengths - begins)[
        np.searchsorted(begins, rows, side="right") - 1
    ]
    return found + rows


def numbered(first: NDArray[np.int64], last: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Concatenate first[i]:last[i] for all i, and say for each number which i it came from."""
    counts = last - first
    owner = np.repeat(np.arange(len(first)), counts)
    return np.arange(len(owner)) - (np.cumsum(counts) - counts - first)[owner], owner
