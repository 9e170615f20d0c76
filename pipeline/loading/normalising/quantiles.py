"""Quantiles of the rows of a split, of a sample of bounded size."""

import numpy as np
from numpy.typing import NDArray

from longstride.pipeline.loading.splits import Split
from longstride.storage.series.data import SeriesData

__all__ = ["SAMPLE_ROWS", "sample"]

SAMPLE_ROWS = 2**16
"""Up to so many rows are all taken; of more, as many, at places of equal distance."""
ROWS_AT_A_PLACE = 16


def sample(split: Split, store: SeriesData, columns: list[int], num_rows: int) -> NDArray[np.float64]:
    """About `num_rows` rows of a split (rows, N), or all of them if it has fewer."""
    starts, stops = split.ranges()
    values = store.checked("values")
    before = np.concatenate([[0], np.cumsum(stops - starts)])
    if before[-1] <= num_rows:
        parts = list(zip(starts.tolist(), stops.tolist(), strict=True))
    else:
        places = np.linspace(0, before[-1] - 1, max(1, num_rows // ROWS_AT_A_PLACE)).astype(np.int64)
        number = np.searchsorted(before, places, side="right") - 1
        first = starts[number] + places - before[number]
        last = np.minimum(first + ROWS_AT_A_PLACE, stops[number])
        parts = list(zip(first.tolist(), last.tolist(), strict=True))
    rows = [np.empty((0, len(columns)))]
    for start, stop in parts:
        for row in range(start, stop, SAMPLE_ROWS):
            rows.append(values[row : min(row + SAMPLE_ROWS, stop)][:, columns].astype(np.float64))
    return np.concatenate(rows)
