"""Rows of several series in order of arrival: sorted by series, and where in its segment each of them is."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from longstride.storage.series.elapsed import elapsed

__all__ = ["Arrivals", "arrivals_of", "steps_of"]


class Arrivals(NamedTuple):
    """B rows of G series; rows of one series follow each other."""

    order: NDArray[np.int64]
    """(B,): where each of the sorted rows was before."""
    series: NDArray[np.int64]
    """(G,): numbers of the series, rising."""
    first: NDArray[np.int64]
    """(G,): the first row of each series."""
    counts: NDArray[np.int64]
    """(G,)."""
    group: NDArray[np.int64]
    """(B,): which of the G series a row is of."""
    within: NDArray[np.int64]
    """(B,): how many rows of the same series came before it."""

    @property
    def last(self) -> NDArray[np.int64]:
        """(G,): the last row of each series."""
        return self.first + self.counts - 1

    def lengths(self, restart: NDArray[np.bool_], before: NDArray[np.int64]) -> NDArray[np.int64]:
        """(B,): rows of its segment up to each row, this one included.

        `restart` (B,) says which sorted rows begin a segment; `before` (G,) how many rows each series had in its
        segment before these came.
        """
        row = np.arange(len(self.order))
        begin = np.maximum.accumulate(np.where(restart | (self.within == 0), row, 0))
        return row - begin + 1 + np.where(restart[begin], 0, before[self.group])


def arrivals_of(series: NDArray[np.int64]) -> Arrivals:
    """Sort rows by the numbers (B,) of their series."""
    order = np.argsort(series, kind="stable")
    of_row = series[order]
    first = np.flatnonzero(np.diff(of_row, prepend=-1))
    count = np.diff(first, append=len(of_row))
    group = np.repeat(np.arange(len(first)), count)
    return Arrivals(order, of_row[first], first, count, group, np.arange(len(of_row)) - first[group])


def steps_of(
    rows: Arrivals, time: NDArray[np.int64], last: NDArray[np.int64], is_known: NDArray[np.bool_]
) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """Nanoseconds from the row before to each sorted row (B,), 0 where there is none, and which rows come late.

    `last` (G,) is the time of the row before of each series, where it `is_known` (G,). A row is late unless its
    time is after those of all rows of its series before it that are not late.
    """
    sorted_time = time[rows.order]
    before = np.concatenate([sorted_time[:1], sorted_time[:-1]])
    before[rows.first] = last
    has_before = np.ones(len(time), bool)
    has_before[rows.first] = is_known
    late = has_before & (sorted_time <= before)
    # What follows a late row is compared with the one before it.
    for group in np.unique(rows.group[late]).tolist():
        latest = int(last[group]) if is_known[group] else None
        for row in range(int(rows.first[group]), int(rows.last[group]) + 1):
            at = int(sorted_time[row])
            late[row] = latest is not None and at <= latest
            before[row] = at if latest is None else latest
            latest = at if latest is None else max(latest, at)
    steps = np.where(has_before & ~late, elapsed(before, sorted_time), np.uint64(0))
    return steps, late
