"""Cutting every series at some rows into parts that follow each other, with rows between them left out."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from longstride.pipeline.loading.geometry.lengths import Length
from longstride.pipeline.loading.geometry.sizes import longest_of
from longstride.pipeline.loading.splits import Split, Splits
from longstride.storage.errors import LongstrideError
from longstride.storage.series.data import SeriesData

__all__ = [
    "Rows",
    "check_filled",
    "check_shares",
    "purged_rows",
    "rows_at_share",
    "rows_at_time",
    "series_rows",
    "splits_at",
]

Rows = NDArray[np.int64]
"""One row of each series, (G,)."""


def series_rows(store: SeriesData) -> tuple[Rows, Rows]:
    """First row and row after the last of each series; the rows of a series lie together."""
    first = np.full(len(store.series), store.num_rows, np.int64)
    last = np.zeros(len(store.series), np.int64)
    np.minimum.at(first, store.segments.series, store.segments.start)
    np.maximum.at(last, store.segments.series, store.segments.stop)
    return np.minimum(first, last), last


def rows_at_time(store: SeriesData, time_ns: int) -> Rows:
    """First row of each series at this time or later, or the row after the last."""
    ranges = zip(*(rows.tolist() for rows in series_rows(store)), strict=True)
    times = store.checked("time")
    return np.array([bisect_left(times, time_ns, start, stop) for start, stop in ranges], np.int64)


def rows_at_share(store: SeriesData, share: float) -> Rows:
    """Row of each series at the earliest time that has `share` of all rows before it."""
    first, last = series_rows(store)
    wanted = round(share * int((last - first).sum()))
    if len(first) == 1:
        return first + wanted
    filled = first < last
    times = store.checked("time")
    low = min((int(times[row]) for row in first[filled].tolist()), default=0)
    high = max((int(times[row - 1]) for row in last[filled].tolist()), default=0) + 1
    while low < high:
        middle = (low + high) // 2
        if int((rows_at_time(store, middle) - first).sum()) < wanted:
            low = middle + 1
        else:
            high = middle
    return rows_at_time(store, low)


def splits_at(store: SeriesData, train_stop: Rows, validation_stop: Rows, purge: int) -> Splits:
    """Training rows before the one, validation rows before the other, then test rows.

    After a cut, the first `purge` rows of a series are left out, unless the series begins there.
    """
    first, last = series_rows(store)
    parts = []
    for begin, end in pairwise([first, train_stop, validation_stop, last]):
        parts.append(store.segments.clip(np.where(begin > first, begin + purge, begin), end))
    train, validation, test = parts
    return Splits(Split("train", train, store), Split("validation", validation, store), Split("test", test, store))


def purged_rows(
    store: SeriesData, window: Length | Sequence[Length], horizon: Length, gap: Length, dilation: int
) -> int:
    """Rows to leave out between two parts: one less than a window (the longest) and its horizon reach over.

    Raises LongstrideError for no window.
    """
    return longest_of(store, window, horizon=horizon, gap=gap, dilation=dilation).span - 1


def check_shares(train: float, validation: float, of: str = "the rows") -> None:
    """Raise LongstrideError unless these are two shares of a whole."""
    if not (0 <= train <= 1 and 0 <= validation <= 1 and train + validation <= 1 + 1e-9):
        raise LongstrideError(
            f"train={train} and validation={validation}: expected two shares of {of} with a sum of at most 1",
            code="option-value",
        )


def check_filled(parts: Sequence[Split], hint: str) -> None:
    """Raise LongstrideError where a split, one of each store, has no row in any of them."""
    if not any(len(part.segments) for part in parts):
        names = ", ".join(part.store.name for part in parts if part.store is not None)
        raise LongstrideError(
            f"the {parts[0].name} split of {names} has no rows: {hint}",
            code="option-value",
        )
