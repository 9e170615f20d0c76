"""The smallest and the largest value between points of a picture, for more rows than it has points."""

import numpy as np
from numpy.typing import NDArray

from longstride.storage.series.data import SeriesData

__all__ = ["edges_of", "envelope", "extremes"]


def edges_of(start: int, stop: int, max_points: int) -> NDArray[np.int64]:
    """The rows at which the points of rows start:stop begin (P,), and the row after the last."""
    return np.unique(np.linspace(start, stop, min(stop - start, max_points) + 1).astype(np.int64))


def envelope(
    store: SeriesData, edges: NDArray[np.int64], columns: list[int]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The smallest and the largest value of each channel (P, C) from each point to the next; NaN where none is."""
    low = np.full((len(edges) - 1, len(columns)), np.nan)
    high = low.copy()
    strip = max(1, store.chunk_rows // int(np.diff(edges).max()))
    for first in range(0, len(low), strip):
        of_strip = edges[first : first + strip + 1]
        values = np.asarray(store.checked("values")[int(of_strip[0]) : int(of_strip[-1])])[:, columns]
        smallest, largest = extremes(values, of_strip[:-1] - of_strip[0])
        low[first : first + strip], high[first : first + strip] = smallest, largest
    return low, high


def extremes(
    values: NDArray[np.floating], begins: NDArray[np.int64]
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """The smallest and largest value of each part (parts, ...) of values (rows, ...), given where parts begin."""
    return np.fmin.reduceat(values, begins), np.fmax.reduceat(values, begins)
