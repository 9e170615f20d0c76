"""What an order reads and mixes: rows that a rank reads, and windows of a batch that share rows."""

import numpy as np
from numpy.typing import NDArray

from longstride import WindowLoader

__all__ = ["overlapping_pairs", "rows_covered", "rows_read"]


def rows_read(rank: WindowLoader, epoch: int = 1) -> int:
    """Rows that a rank reads in an epoch, each counted once a pool."""
    dataset = rank.dataset
    step = rows = 0
    while step < len(rank):
        ranges = dataset.order.rows(epoch, step, dataset.rank, dataset.world_size)
        rows += int((ranges[:, 1] - ranges[:, 0]).sum())
        step = dataset.order.run_of(step)[1]
    return rows


def rows_covered(starts: NDArray[np.int64], window: int) -> int:
    """Rows that windows cover, from their sorted starts."""
    return int(np.minimum(np.diff(starts, append=starts[-1] + window), window).sum())


def overlapping_pairs(starts: NDArray[np.int64], window: int) -> int:
    """Pairs of windows that share a row, from their starts."""
    starts = np.sort(starts)
    return int((np.searchsorted(starts, starts + window) - np.arange(len(starts)) - 1).sum())
