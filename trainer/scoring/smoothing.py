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
    sums = np.concatenate([[0.0], np.cumsum(np.where(is_there, scores, 0.0))])
    counts = np.concatenate([[0], np.cumsum(is_there)])
    row = np.arange(len(scores))
    begin = np.maximum(first, row - length + 1)
    number = counts[row + 1] - counts[begin]
    means = (sums[row + 1] - sums[begin]) / np.maximum(number, 1)
    return np.where(is_there, means, np.nan), number
