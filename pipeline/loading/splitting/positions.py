"""Rows counted within their series: an append puts new rows of each series behind the old rows of all."""

from bisect import bisect_left, bisect_right
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from longstride.storage.series.data import SeriesData
from longstride.storage.series.segments import Segments

__all__ = ["Cut", "Positions"]

Cut = NDArray[np.int64]
"""One position of each series, (G,): how many rows of the series lie before."""


class Positions:
    """Where the rows of each series lie.

    Segments of one series that follow each other are a run. Positions count all rows from the first of a run to
    its last, those between segments too, and go on where the run before of the same series ended.
    """

    def __init__(self, store: SeriesData) -> None:
        self.store = store
        segments = store.segments
        changes = np.flatnonzero(np.diff(segments.series, prepend=-1))
        stops = np.maximum.reduceat(segments.stop, changes) if len(changes) else segments.stop
        self._begins: list[list[int]] = [[] for _ in store.series]
        """Position of the first row of each run of each series."""
        self._firsts: list[list[int]] = [[] for _ in store.series]
        """That row."""
        self.count: Cut = np.zeros(len(store.series), np.int64)
        """Rows of each series."""
        begins = np.zeros(len(changes), np.int64)
        for run, (start, stop) in enumerate(zip(segments.start[changes].tolist(), stops.tolist(), strict=True)):
            series = int(segments.series[changes[run]])
            begins[run] = self.count[series]
            self._begins[series].append(int(begins[run]))
            self._firsts[series].append(start)
            self.count[series] += stop - start
        run_of = np.cumsum(np.diff(segments.series, prepend=-1) != 0) - 1
        self._shift = (segments.start[changes] - begins)[run_of]
        """Of each segment: what makes a row of a position."""
        self._times = store.checked("time")

    @cached_property
    def none(self) -> Cut:
        """Before the first row of each series."""
        return np.zeros(len(self.count), np.int64)

    def row(self, series: int, position: int) -> int:
        """The row at a position that a series has."""
        run = bisect_right(self._begins[series], position) - 1
        return self._firsts[series][run] + position - self._begins[series][run]

    def clip(self, begin: Cut, end: Cut) -> Segments:
        """The parts of all segments at positions begin[g]:end[g] of each series g; empty parts are left out."""
        segments = self.store.segments
        first = np.maximum(segments.start - self._shift, begin[segments.series])
        last = np.minimum(segments.stop - self._shift, end[segments.series])
        kept = first < last
        return Segments((first + self._shift)[kept], (last + self._shift)[kept], segments.series[kept])

    def at_time(self, time_ns: int) -> Cut:
        """The first row of each series at this time or later, or the end."""
        return np.array([self.at(group, time_ns) for group in range(len(self.count))], np.int64)

    def at(self, series: int, time_ns: int) -> int:
        """The position of the first row of a series at this time or later, or the end."""
        return bisect_left(range(int(self.count[series])), time_ns, key=partial(self.time, series))

    def at_share(self, share: float) -> Cut:
        """The first row of each series at the earliest time that has `share` of all rows before it."""
        wanted = round(share * int(self.count.sum()))
        if len(self.count) == 1:
            return np.array([wanted], np.int64)
        filled = [(group, count) for group, count in enumerate(self.count.tolist()) if count]
        low = min((self.time(group, 0) for group, _ in filled), default=0)
        high = max((self.time(group, count - 1) for group, count in filled), default=0) + 1
        while low < high:
            middle = (low + high) // 2
            if int(self.at_time(middle).sum()) < wanted:
                low = middle + 1
            else:
                high = middle
        return self.at_time(low)

    def time(self, series: int, position: int) -> int:
        """Nanoseconds since 1970-01-01 UTC of the row at a position that a series has."""
        return int(self._times[self.row(series, position)])
