"""Training, validation and test rows, cut by time, so that nothing of the future is trained on."""

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from longstride.pipeline.loading.ordering.windows import WindowIndex
from longstride.pipeline.loading.serving.select import labelled_windows, without
from longstride.storage.errors import LongstrideError
from longstride.storage.segments import Segments
from longstride.storage.statistics import Statistics
from longstride.storage.store import SeriesStore

__all__ = ["Split", "Splits", "split_by_time"]


@dataclass(frozen=True)
class Split:
    """The part of a store that one purpose may use."""

    name: str
    segments: Segments
    """Segments of the store, cut to the rows of this split."""

    def stats(self, store: SeriesStore) -> Statistics:
        """Statistics (N,) of the rows of this split alone, for normalisation."""
        segments = self.segments
        if not len(segments):
            return Statistics.empty(len(store.channels))
        # Segments that touch, or share rows, are one range of them: a gap in time is no gap in rows.
        reach = np.maximum.accumulate(segments.stop)
        apart = segments.start[1:] > reach[:-1]
        starts, stops = segments.start[np.append(True, apart)], reach[np.append(apart, True)]
        ranges = zip(starts.tolist(), stops.tolist(), strict=True)
        return Statistics.merge([store.stats(start, stop) for start, stop in ranges])

    def without_labels(self, store: SeriesStore, *, window: int, stride: int) -> "Split":
        """This split without the windows in which a row has a label; those that stay begin where they did."""
        if store.labels is None:
            return self
        index = WindowIndex(self.segments, window, stride)
        dropped = labelled_windows(index, store, range(len(store.label_names)))
        return Split(self.name, without(index, dropped))


@dataclass(frozen=True)
class Splits:
    """Three splits, in order of time."""

    train: Split
    validation: Split
    test: Split

    def without_labels(self, store: SeriesStore, *, window: int, stride: int) -> "Splits":
        """See Split."""
        parts = (self.train, self.validation, self.test)
        return Splits(*(part.without_labels(store, window=window, stride=stride) for part in parts))


def split_by_time(
    store: SeriesStore, *, window: int, horizon: int = 0, train: float = 0.8, validation: float = 0.1
) -> Splits:
    """Cut every series at the same two times; the rest after `train` and `validation` is the test split.

    The shares are of all rows. The first K + H - 1 rows after each cut are purged, so that rows of two splits are
    never nearer than a window is long. Raises LongstrideError for shares outside 0..1.
    """
    if not (0 <= train <= 1 and 0 <= validation <= 1 and train + validation <= 1 + 1e-9):
        raise LongstrideError(
            f"train={train} and validation={validation}: expected two shares of the rows with a sum of at most 1",
            code="option-value",
        )
    first, last = _series_rows(store)
    train_stop = _rows_before(store, first, last, train)
    validation_stop = _rows_before(store, first, last, min(1.0, train + validation))
    purge = window + horizon - 1
    segments = store.segments
    return Splits(
        Split("train", segments.clip(first, train_stop)),
        Split("validation", segments.clip(train_stop + purge, validation_stop)),
        Split("test", segments.clip(validation_stop + purge, last)),
    )


def _series_rows(store: SeriesStore) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First row and row after the last of each series (G,); the rows of a series lie together."""
    first = np.full(len(store.series), store.num_rows, np.int64)
    last = np.zeros(len(store.series), np.int64)
    np.minimum.at(first, store.segments.series, store.segments.start)
    np.maximum.at(last, store.segments.series, store.segments.stop)
    return np.minimum(first, last), last


def _rows_before(
    store: SeriesStore, first: NDArray[np.int64], last: NDArray[np.int64], share: float
) -> NDArray[np.int64]:
    """Row of each series (G,) at the earliest time that has `share` of all rows before it."""
    wanted = round(share * int((last - first).sum()))
    if len(first) == 1:
        return first + wanted
    ranges = [(start, stop) for start, stop in zip(first.tolist(), last.tolist(), strict=True)]
    filled = [(start, stop) for start, stop in ranges if start < stop]
    low = min((int(store.time[start]) for start, _ in filled), default=0)
    high = max((int(store.time[stop - 1]) for _, stop in filled), default=0) + 1

    def cut_at(time: int) -> NDArray[np.int64]:
        return np.array([bisect_left(store.time, time, start, stop) for start, stop in ranges])

    while low < high:
        middle = (low + high) // 2
        if int((cut_at(middle) - first).sum()) < wanted:
            low = middle + 1
        else:
            high = middle
    return cut_at(low)
