"""Missing values, filled in from those around them."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from longstride.storage.series.elapsed import elapsed

__all__ = ["Fill"]

Block = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int8]]
"""Time (rows,) in nanoseconds, values (rows, N), NaN where missing, and labels (rows, L)."""


class Fill:
    """Fills in, as rows come by, missing values of a channel from others of the same series and channel.

    `forward` takes the last value before, if that is at most `limit_ns` older. `linear` takes the point on the
    straight line between the values before and after, if these are at most `limit_ns` apart: rows wait until the
    value after is known, or known to be too far away. At most the rows within `limit_ns` wait and, where blocks
    are smaller than that, as many again.
    """

    def __init__(self, how: Literal["forward", "linear"], limit_ns: int, channels: int) -> None:
        self._linear = how == "linear"
        self._limit_ns = limit_ns
        self._num_channels = channels
        self._blocks: list[Block] = []
        """Rows that wait: first those that a value after may still change, then those not looked at."""
        self._num_held = 0
        self._num_new = 0
        self._nothing: Block = (np.empty(0, np.int64), np.empty((0, channels)), np.empty((0, 0), np.int8))
        self.num_filled = 0
        """Values filled in, over all series and channels."""
        self._begin_series()

    def add(self, time: NDArray[np.int64], values: NDArray[np.float64], labels: NDArray[np.int8]) -> Block:
        """Take the next rows of a series, and give those that are ready: time, values and labels.

        `time` (rows,) is in nanoseconds and rises, `values` (rows, N) has NaN where missing, `labels` is (rows,
        L). Every row comes out once, in order. The arrays are not written to, but may be kept until their rows are
        ready; where nothing is missing and nothing waits, views of them come back.
        """
        self._nothing = time[:0].copy(), values[:0].copy(), labels[:0].copy()
        self._blocks.append((time, values, labels))
        self._num_new += len(time)
        # Rows that are held are looked at again each time: were the blocks small, that would be too often.
        if self._num_new < self._num_held:
            return self._nothing
        (time, values, labels), ready = self._filled()
        if ready < len(time):
            # A copy, for a view would keep the rows before as well.
            self._blocks = [(time[ready:].copy(), values[ready:].copy(), labels[ready:].copy())]
            self._num_held = len(time) - ready
        return time[:ready], values[:ready], labels[:ready]

    def end_series(self) -> Block:
        """Give the rows that were held back, maybe none; the next rows are of another series."""
        rows, _ = self._filled()
        self._begin_series()
        return rows

    def _begin_series(self) -> None:
        self._last_time = np.zeros(self._num_channels, np.int64)
        self._last_value = np.full(self._num_channels, np.nan)

    def _filled(self) -> tuple[Block, int]:
        """Take the rows that wait, with values filled in, and how many of them no value after can change."""
        time, values, labels = self._take()
        missing = np.isnan(values)
        ready = len(time)
        gappy = np.flatnonzero(missing.any(axis=0)).tolist()
        if gappy:
            values = values.copy()
            for channel in gappy:
                ready = min(ready, self._fill_channel(time, values[:, channel], missing[:, channel], channel))
        self._remember(time[:ready], values[:ready], missing[:ready])
        return (time, values, labels), ready

    def _take(self) -> Block:
        blocks = self._blocks or [self._nothing]
        self._blocks = []
        self._num_held = self._num_new = 0
        if len(blocks) == 1:
            return blocks[0]
        times, values, labels = zip(*blocks, strict=True)
        return np.concatenate(times), np.concatenate(values), np.concatenate(labels)

    def _fill_channel(
        self, time: NDArray[np.int64], column: NDArray[np.float64], missing: NDArray[np.bool_], channel: int
    ) -> int:
        """Fill in the values of a channel (rows,), and return the first row that a later value may change."""
        rows = np.flatnonzero(~missing)
        gaps = np.flatnonzero(missing)
        times = np.concatenate([self._last_time[channel : channel + 1], time[rows]])
        known = np.concatenate([self._last_value[channel : channel + 1], column[rows]])
        before = np.searchsorted(rows, gaps)  # in `known`, where the value from before these rows comes first
        ready = len(time)
        if self._linear:
            open_ = before == len(rows)
            if open_[-1] and not np.isnan(known[-1]) and int(time[-1]) - int(times[-1]) < self._limit_ns:
                ready = int(gaps[open_][0])
            gaps, before = gaps[~open_], before[~open_]
            span = elapsed(times[before], times[before + 1])
        else:
            span = elapsed(times[before], time[gaps])
        near = (span <= self._limit_ns) & ~np.isnan(known[before])
        gaps, before, span = gaps[near], before[near], span[near]
        if self._linear:
            share = elapsed(times[before], time[gaps]) / span
            column[gaps] = known[before] + (known[before + 1] - known[before]) * share
        else:
            column[gaps] = known[before]
        self.num_filled += len(gaps)
        return ready

    def _remember(self, time: NDArray[np.int64], values: NDArray[np.float64], missing: NDArray[np.bool_]) -> None:
        """Keep the last value of each channel, and its time.

        If rows were held back, it may be one that was filled in between two others. That does no harm: the rows
        between it and the other are filled in already.
        """
        if len(time):
            row = np.full(self._num_channels, len(time) - 1)
            late = np.flatnonzero(missing[-1])
            row[late] -= np.argmax(~missing[::-1, late], axis=0)
            known = np.flatnonzero(~missing[row, np.arange(self._num_channels)])
            self._last_time[known] = time[row[known]]
            self._last_value[known] = values[row[known], known]
