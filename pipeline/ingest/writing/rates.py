"""Counters, such as of parts made or energy used: stored as their increase a second."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from longstride.storage.series.elapsed import steps_between

__all__ = ["Rates"]

NS_A_SECOND = 1e9


class Rates:
    """Turns, as rows come by, counts into rates.

    The rate of a row is the increase since the last row of its series that has a count of the channel, divided by
    the seconds between the two. It is missing where the count is, and for the first count of a series.

    A count that falls from the top quarter of its range into the bottom quarter has wrapped around. One that falls
    in any other way was set back, as when a machine restarts: the value that it had reached is unknown, so the
    rate is missing.
    """

    def __init__(self, channels: Sequence[int], bits: int) -> None:
        """The columns of `values` in `channels` count from 0 to 2**bits - 1, and then from 0 again."""
        self._channels = tuple(channels)
        self._size = 2.0**bits
        self.num_wraps = 0
        """Counts that wrapped around, over all series and channels."""
        self.num_resets = 0
        """Counts that were set back, over all series and channels."""
        self.end_series()

    def add(self, time: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give the next rows of a series with rates for counts, (rows, N), a new array.

        `time` (rows,) is in nanoseconds and rises, `values` (rows, N) has whole counts of at most 2**53, NaN where
        missing. Rates are per second.
        """
        values = values.copy()
        for index, channel in enumerate(self._channels):
            column = values[:, channel]
            rows = np.flatnonzero(~np.isnan(column))
            times = np.concatenate([self._last_time[index : index + 1], time[rows]])
            counts = np.concatenate([self._last_count[index : index + 1], column[rows]])
            column[rows] = self._increase(counts) / (steps_between(times) / NS_A_SECOND)
            self._last_time[index], self._last_count[index] = times[-1], counts[-1]
        return values

    def end_series(self) -> None:
        """Say that the next rows are of another series."""
        self._last_time = np.zeros(len(self._channels), np.int64)
        self._last_count = np.full(len(self._channels), np.nan)  # so that the increase to a first count is missing

    def _increase(self, counts: NDArray[np.float64]) -> NDArray[np.float64]:
        increase = np.diff(counts)
        fell = increase < 0
        if fell.any():
            before, after = counts[:-1], counts[1:]
            # A count outside of the range belongs to a wider counter: adding 2**bits could leave a negative rate.
            top = (before >= self._size * 3 / 4) & (before < self._size)
            bottom = (after >= 0) & (after < self._size / 4)
            wrapped = fell & top & bottom
            reset = fell & ~wrapped
            increase[wrapped] += self._size
            increase[reset] = np.nan
            self.num_wraps += int(wrapped.sum())
            self.num_resets += int(reset.sum())
        return increase
