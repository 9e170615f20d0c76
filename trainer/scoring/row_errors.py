"""From errors of windows to errors of rows: the mean over the windows that cover a row, by their weights."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from longstride.trainer.calibration.coverage import JudgedWindows

__all__ = ["NAN_ROWS", "RowErrors", "in_order", "row_errors"]

NAN_ROWS = 2**16
"""Rows that no window covers are returned in pieces of this length."""


class RowErrors(NamedTuple):
    """What windows say of rows that follow each other."""

    errors: NDArray[np.float64]
    """(rows, T): the mean over the windows that cover a row, NaN where none does or a value is missing."""
    covered: NDArray[np.uint8]
    """(rows,): the bits of the positions at which they cover it."""


def row_errors(
    windows: Iterable[JudgedWindows], begin: int, stop: int, num_channels: int, bits: NDArray[np.uint8]
) -> Iterator[RowErrors]:
    """The errors of rows begin:stop, block by block. Windows may reach beyond the rows asked for.

    `bits` (J,) has the bit of each judged position of a window.
    """
    # Of the rows from `first` on, what windows have added so far.
    first, sums, counts = begin, np.zeros((0, num_channels)), np.zeros((0, num_channels))
    covered = np.zeros(0, np.uint8)

    def finish(row: int) -> Iterator[RowErrors]:
        """Return the rows before this one, which no later window covers."""
        nonlocal first, sums, counts, covered
        done = min(row - first, len(sums))
        with np.errstate(invalid="ignore"):
            block = sums[:done] / counts[:done]
        asked = slice(max(0, begin - first), max(0, stop - first))
        block = block[asked]
        if len(block):
            yield RowErrors(block, covered[:done][asked])
        first, sums, counts, covered = first + done, sums[done:], counts[done:], covered[done:]
        for empty in range(max(first, begin), min(row, stop), NAN_ROWS):
            num_rows = min(NAN_ROWS, row - empty, stop - empty)
            yield RowErrors(np.full((num_rows, num_channels), np.nan), np.zeros(num_rows, np.uint8))
        first = max(first, row)

    for starts, errors, weights in windows:
        length = errors.shape[1]
        # Where the next window begins beyond the end of the one before, all rows before it are finished.
        apart = np.flatnonzero(np.diff(starts) > length) + 1
        for part in np.split(np.arange(len(starts)), apart):
            at, of_part, counting = starts[part], errors[part], weights[part][:, None]
            if not len(sums):
                first = min(first, int(at[0]))
            yield from finish(int(at[0]))
            more = max(0, int(at[-1]) + length - first - len(sums))
            sums = np.concatenate([sums, np.zeros((more, num_channels))])
            counts = np.concatenate([counts, np.zeros((more, num_channels))])
            covered = np.concatenate([covered, np.zeros(more, np.uint8)])
            is_present = ~np.isnan(of_part)
            filled = np.where(is_present, of_part, 0.0)
            # Starts are all different, so no row is added to twice at once. From the last position on, a row gets
            # its windows by rising starts, so its sum is the same to the last bit whatever the batches are.
            for row in reversed(range(length)):
                sums[at + row - first] += counting * filled[:, row]
                counts[at + row - first] += counting * is_present[:, row]
                covered[at + row - first] |= bits[row]
    yield from finish(max(stop, first))


def in_order(some: Iterable[JudgedWindows], others: Iterable[JudgedWindows]) -> Iterator[JudgedWindows]:
    """Windows of both, in row order; no window is in both."""
    left = iter(others)
    early = next(left, None)
    for batch in some:
        together, last = [batch], batch.first[-1]
        while early is not None and early.first[0] < last:
            number = int(np.searchsorted(early.first, last))
            together.append(early.take(slice(number)))
            early = early.take(slice(number, None)) if number < len(early.first) else next(left, None)
        joined = JudgedWindows(*map(np.concatenate, zip(*together, strict=True)))
        yield joined.take(np.argsort(joined.first))
    while early is not None:
        yield early
        early = next(left, None)
