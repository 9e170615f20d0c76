"""The mean of a score and those before it."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["trailing_means"]


def trailing_means(
    scores: NDArray[np.float64], first: NDArray[np.int64], length: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Means (rows,) of each score and up to `length` - 1 before it, none before `first` (rows,), and their number.

    NaN is left out, and stays NaN.
    """
    is_there = ~np.isnan(scores)
    counts = np.concatenate([[0], np.cumsum(is_there)])
    row = np.arange(len(scores))
    number = counts[row + 1] - counts[np.maximum(first, row - length + 1)]
    means = _trailing_sums(np.where(is_there, scores, 0.0), first, length) / np.maximum(number, 1)
    return np.where(is_there, means, np.nan), number


def _trailing_sums(values: NDArray[np.float64], first: NDArray[np.int64], length: int) -> NDArray[np.float64]:
    """Sums (rows,) of each value and up to `length` - 1 before it, none before `first`.

    Nothing is subtracted: of sums of all rows before, one broken value would leave no digit for those behind it.
    """
    row = np.arange(len(values))

    def before(sums: NDArray[np.float64], distance: int) -> NDArray[np.float64]:
        """The sum that ends so many rows before each row, or 0."""
        at = row - distance
        return np.where(at >= first, sums[np.maximum(at, 0)], 0.0)

    found, reach, size = np.zeros(len(values)), 0, 1
    while True:  # `values` are sums of 1, 2, 4, ... rows
        if length & size:
            found += before(values, reach)
            reach += size
        size *= 2
        if size > length:
            return found
        values = values + before(values, size // 2)
