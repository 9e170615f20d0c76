"""From errors of windows to errors of rows: the mean over the windows that cover a row."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

__all__ = ["row_errors"]

NAN_ROWS = 2**16
"""Rows that no window covers are returned in pieces of this length."""


def row_errors(
    windows: Iterable[tuple[NDArray[np.int64], NDArray[np.floating]]], begin: int, stop: int, num_channels: int
) -> Iterator[NDArray[np.float64]]:
    """The errors of rows begin:stop, block by block (rows, N): the mean over the windows that cover a row.

    `windows` come in row order, as starts (b,) and errors (b, K, N), NaN where a value is missing. A row that no
    window covers is NaN, and so is a channel that is missing in it. Windows may reach beyond the rows asked for.
    """
    # Sums and counts of the rows from `first` on that windows have covered so far.
    first, sums, counts = begin, np.zeros((0, num_channels)), np.zeros((0, num_channels), np.int64)

    def finish(row: int) -> Iterator[NDArray[np.float64]]:
        """Return the rows before this one, which no later window covers."""
        nonlocal first, sums, counts
        done = min(row - first, len(sums))
        with np.errstate(invalid="ignore"):
            block = sums[:done] / counts[:done]
        block = block[max(0, begin - first) : max(0, stop - first)]
        if len(block):
            yield block
        first, sums, counts = first + done, sums[done:], counts[done:]
        for empty in range(max(first, begin), min(row, stop), NAN_ROWS):
            yield np.full((min(NAN_ROWS, row - empty, stop - empty), num_channels), np.nan)
        first = max(first, row)

    for starts, errors in windows:
        length = errors.shape[1]
        # Where the next window begins beyond the end of the one before, all rows before it are finished.
        apart = np.flatnonzero(np.diff(starts) > length) + 1
        for part in np.split(np.arange(len(starts)), apart):
            at, of_part = starts[part], errors[part]
            if not len(sums):
                first = min(first, int(at[0]))
            yield from finish(int(at[0]))
            more = max(0, int(at[-1]) + length - first - len(sums))
            sums = np.concatenate([sums, np.zeros((more, num_channels))])
            counts = np.concatenate([counts, np.zeros((more, num_channels), np.int64)])
            is_present = ~np.isnan(of_part)
            filled = np.where(is_present, of_part, 0.0)
            for row in range(length):  # starts are all different, so no row is added to twice at once
                sums[at + row - first] += filled[:, row]
                counts[at + row - first] += is_present[:, row]
    yield from finish(max(stop, first))
