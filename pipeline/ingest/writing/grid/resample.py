"""A common grid of steps: the rows within a step become one, and steps without rows get one."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from longstride.pipeline.ingest.errors import RecipeError
from longstride.pipeline.ingest.settings.rows import Aggregate
from longstride.storage.series.elapsed import steps_between
from longstride.storage.text import iso_time

__all__ = ["MissingSteps", "means", "refuse_early", "resample"]

FIRST_NS = -(2**63)

Block = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int8]]
"""Time (rows,) in nanoseconds, values (rows, N), NaN where missing, and labels (rows, L)."""


def resample(
    time: NDArray[np.int64],
    values: NDArray[np.float64],
    labels: NDArray[np.int8],
    every_ns: int,
    aggregates: Sequence[Aggregate],
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int8], NDArray[np.int64]]:
    """Make one row of the rows within each step of a grid: time, values, labels and `first`.

    Steps begin at multiples of `every_ns` since 1970, and so does the time of their rows. `time` (rows,) is in
    nanoseconds and does not fall. A channel of `values` (rows, N) is summarised by its entry in `aggregates` (N,),
    leaving out missing values: NaN where all are missing, but a count of 0. The largest of `labels` (rows, L) is
    taken. `first` (steps,) has the first row that went into each step.

    All rows of a step have to be given at once.
    """
    begin = time // every_ns * every_ns
    first = np.flatnonzero(np.diff(begin, prepend=begin[:1] - 1)).astype(np.int64, copy=False)
    summary = np.empty((len(first), len(aggregates)))
    for how in sorted(set(aggregates)):
        channels = [channel for channel, other in enumerate(aggregates) if other == how]
        alike = values if len(channels) == len(aggregates) else np.take(values, channels, axis=1)
        summary[:, channels] = SUMMARIES[how](alike, first)
    return begin[first], summary, np.maximum.reduceat(labels, first, axis=0), first


def refuse_early(first_ns: int, every_ns: int) -> None:
    """Raise RecipeError where the step of the first time begins before the first time that int64 holds."""
    if first_ns // every_ns * every_ns < FIRST_NS:
        raise RecipeError(
            f"every: the step of {iso_time(first_ns)} would begin before the year 1678, where times end: make "
            "every shorter, or drop that row with sql",
            code="recipe-conflict",
        )


class MissingSteps:
    """Puts in, as rows of a grid come by, rows without values for the steps that are missing between two of them.

    Steps that are missing between rows more than `max_gap_ns` apart stay so: there the segment ends.
    """

    def __init__(self, every_ns: int, max_gap_ns: int) -> None:
        self._every_ns = every_ns
        self._max_gap_ns = max_gap_ns
        self._last_time: int | None = None
        self.num_added = 0
        """Rows put in, over all series."""

    def add(self, time: NDArray[np.int64], values: NDArray[np.float64], labels: NDArray[np.int8]) -> Block:
        """Give the next rows of a series with those that were missing before each: time, values and labels.

        `time` (rows,) has rising multiples of `every_ns`. Rows put in have NaN in `values` (rows, N) and 0 in
        `labels` (rows, L). Where no step is missing, the arrays are those given.
        """
        if not len(time):
            return time, values, labels
        before = int(time[0]) if self._last_time is None else self._last_time
        apart = steps_between(np.append(before, time))
        steps = np.where(apart <= self._max_gap_ns, apart // self._every_ns, 0).astype(np.int64)
        missing = (steps - 1).clip(min=0)
        self._last_time = int(time[-1])
        num_missing = int(missing.sum())
        if not num_missing:
            return time, values, labels
        self.num_added += num_missing
        row = np.arange(len(time)) + np.cumsum(missing)  # where each row given goes
        num_rows = len(time) + num_missing
        steps_ahead = np.repeat(row, missing + 1) - np.arange(num_rows)
        all_values = np.full((num_rows, values.shape[1]), np.nan)
        all_values[row] = values
        all_labels = np.zeros((num_rows, labels.shape[1]), np.int8)
        all_labels[row] = labels
        return np.repeat(time, missing + 1) - steps_ahead * self._every_ns, all_values, all_labels

    def end_series(self) -> None:
        """Say that the next rows are of another series."""
        self._last_time = None


def means(values: NDArray[np.float64], first: NDArray[np.int64]) -> NDArray[np.float64]:
    """Mean of the values (steps, N) of the rows from each of `first` to the next; NaN where all are missing."""
    count = _count(values, first)
    # Minus zero is what leaves every other number, and minus zero itself, as it is.
    present = np.where(np.isnan(values), -0.0, values)
    with np.errstate(over="ignore"):
        total = np.add.reduceat(present, first, axis=0)
    mean = np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
    # A sum is rounded: the mean of three times 0.1 would be more than 0.1.
    return mean.clip(_min(values, first), _max(values, first), out=mean)


def _min(values: NDArray[np.float64], first: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.fmin.reduceat(values, first, axis=0)


def _max(values: NDArray[np.float64], first: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.fmax.reduceat(values, first, axis=0)


def _last(values: NDArray[np.float64], first: NDArray[np.int64]) -> NDArray[np.float64]:
    # Of a step without any value, its first row is as good as another.
    row = np.repeat(first, np.diff(first, append=len(values)))[:, None]
    row = np.where(np.isnan(values), row, np.arange(len(values))[:, None])
    return np.take_along_axis(values, np.maximum.reduceat(row, first, axis=0), axis=0)


def _count(values: NDArray[np.float64], first: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.add.reduceat(~np.isnan(values), first, axis=0, dtype=np.float64)


SUMMARIES: dict[Aggregate, Callable[[NDArray[np.float64], NDArray[np.int64]], NDArray[np.float64]]] = {
    "mean": means,
    "min": _min,
    "max": _max,
    "last": _last,
    "count": _count,
}
"""Functions of values (rows, N) and the first row of each step (steps,), to one row a step (steps, N)."""
