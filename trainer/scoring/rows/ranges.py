"""Some rows of a store: ranges of them, in order and apart."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from longstride.pipeline.loading.splitting.instants import instant_ns
from longstride.storage.series.data import SeriesData
from longstride.trainer.errors import ScoresError

__all__ = [
    "Ranges",
    "all_rows",
    "as_ranges",
    "check_rows",
    "chosen_rows",
    "clipped",
    "common_rows",
    "num_rows",
    "rows_at",
    "share",
]

Ranges = NDArray[np.int64]
"""Rows start:stop, (R, 2), in order, apart, none of them empty."""


def all_rows(number: int) -> Ranges:
    """All rows of so many."""
    return np.array([[0, number]] if number else [], np.int64).reshape(-1, 2)


def check_rows(store: SeriesData, start: int, stop: int) -> None:
    """Raise ScoresError unless there is a row in start:stop, and all of them are there."""
    if not 0 <= start < stop <= store.num_rows:
        raise ScoresError(
            f"rows {start}:{stop}: expected a first row and, behind it, the one after the last, from 0 to "
            f"{store.num_rows}, which are the rows of {store.name}",
            code="rows-outside",
        )


def chosen_rows(
    store: SeriesData, *, rows: tuple[int, int] | None = None, since: Any = None, until: Any = None
) -> Ranges:
    """Rows start:stop of a store whose time is `since` or later, and before `until`; all by default.

    Raises ScoresError where there is no such row, and LongstrideError for what is not a time.
    """
    start, stop = rows or (0, store.num_rows)
    check_rows(store, start, stop)
    if since is None and until is None:
        return np.array([[start, stop]], np.int64)
    low = None if since is None else instant_ns("since", since)
    high = None if until is None else instant_ns("until", until)
    found, time = [], store.checked("time")
    for first in range(start, stop, store.chunk_rows):
        of_part = np.asarray(time[first : min(first + store.chunk_rows, stop)])
        chosen = np.ones(len(of_part), bool)
        if low is not None:
            chosen &= of_part >= low
        if high is not None:
            chosen &= of_part < high
        found.append(as_ranges(chosen) + first)
    ranges = _joined(np.concatenate(found))
    if not len(ranges):
        span = f"{f' since {since}' if low is not None else ''}{f' until {until}' if high is not None else ''}"
        raise ScoresError(f"{store.name} has no row{span}: expected a time among its rows", code="rows-outside")
    return ranges


def as_ranges(chosen: NDArray[np.bool_]) -> Ranges:
    """The rows at which a mask (rows,) is true."""
    return np.flatnonzero(np.diff(chosen, prepend=False, append=False)).reshape(-1, 2).astype(np.int64)


def num_rows(ranges: Ranges) -> int:
    """How many rows they are."""
    return int((ranges[:, 1] - ranges[:, 0]).sum())


def clipped(ranges: Ranges, start: int, stop: int) -> Ranges:
    """The parts of the ranges within rows start:stop."""
    found = ranges.clip(start, stop)
    return found[found[:, 0] < found[:, 1]]


def share(ranges: Ranges, number: int, of: int) -> Ranges:
    """Part `number` of the rows, in order, where they are divided in `of` parts."""
    total, lengths = num_rows(ranges), ranges[:, 1] - ranges[:, 0]
    before = np.cumsum(lengths) - lengths
    low, high = total * number // of, total * (number + 1) // of
    edges = ranges[:, 0] + np.clip([low - before, high - before], 0, lengths)
    kept = edges[0] < edges[1]
    return np.stack([edges[0][kept], edges[1][kept]], axis=1)


def rows_at(ranges: Ranges, first: int, stop: int) -> NDArray[np.int64]:
    """The rows that are first to stop - 1 where the rows of the ranges are counted."""
    lengths = ranges[:, 1] - ranges[:, 0]
    ends, at = np.cumsum(lengths), np.arange(first, stop)
    place = np.searchsorted(ends, at, side="right")
    rows: NDArray[np.int64] = ranges[place, 1] - ends[place] + at
    return rows


def common_rows(ranges: Ranges, rows: Ranges) -> Ranges:
    """What two sets of ranges have in common."""
    edges = np.unique(np.concatenate([ranges.ravel(), rows.ravel()]))
    start = edges[:-1]
    both = np.ones(len(start), bool)
    for one in (ranges, rows):
        place = np.searchsorted(one[:, 0], start, side="right") - 1
        both &= (place >= 0) & (start < np.append(one[:, 1], 0)[place])
    return np.stack([start[both], edges[1:][both]], axis=1)


def _joined(ranges: Ranges) -> Ranges:
    """Ranges that meet, as one."""
    apart = ranges[1:, 0] > ranges[:-1, 1]
    if not len(ranges):
        return ranges
    return np.stack([ranges[np.append(True, apart), 0], ranges[np.append(apart, True), 1]], axis=1)
