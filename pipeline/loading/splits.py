"""Training, validation and test rows, cut by time, so that nothing of the future is trained on."""

from bisect import bisect_left
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from longstride.pipeline.loading.ordering.windows import WindowIndex
from longstride.pipeline.loading.select import labelled_windows, without
from longstride.storage.cli.keywords import typed
from longstride.storage.errors import LongstrideError, coded
from longstride.storage.html.table import html_table
from longstride.storage.open_data import DataOrPath, opened_data
from longstride.storage.series.data import SeriesData
from longstride.storage.series.segments import Segments
from longstride.storage.series.statistics import Statistics
from longstride.storage.text import counted, iso_time

__all__ = ["Split", "Splits", "one_split", "split_by_time"]

COLUMNS = ("split", "rows", "segments", "first row", "last row")


@dataclass(frozen=True, repr=False)
class Split:
    """The rows of a store for one purpose: training, validation or test."""

    name: str
    segments: Segments
    """Segments of the store, cut to the rows of this split."""
    store: SeriesData | None = field(default=None, compare=False)
    """The store, if it is known: a split that is printed reads its times there."""

    def __repr__(self) -> str:
        name, rows, segments, *times = self.shown()
        between = f", {' to '.join(str(time) for time in times)}" if any(times) else ""
        return f"Split({name!r}, {counted(rows, 'row')} in {counted(segments, 'segment')}{between})"

    def _repr_html_(self) -> str:
        return html_table("Split", COLUMNS, [self.shown()])

    def shown(self) -> tuple[str, int, int, str | None, str | None]:
        """Name, rows, segments, and the times of the first and the last row where they are known."""
        starts, stops = self._ranges()
        times: list[str | None] = [None, None]
        if self.store is not None and len(starts):
            # The rows of a series lie together, in order of time.
            first = np.flatnonzero(np.diff(self.segments.series, prepend=-1))
            last = np.append(first[1:], len(self.segments)) - 1
            begins, ends = self.segments.start[first].tolist(), (self.segments.stop[last] - 1).tolist()
            time = self.store.checked("time")
            times = [
                iso_time(min(int(time[row]) for row in begins)),
                iso_time(max(int(time[row]) for row in ends)),
            ]
        return self.name, int((stops - starts).sum()), len(self.segments), times[0], times[1]

    def segments_in(self, store: SeriesData) -> Segments:
        """The segments, as rows of this store. Raises LongstrideError where they are rows of another one."""
        made_of, segments = self.store, self.segments
        is_other = made_of is not None and not _is_same(made_of, store)
        if is_other or (len(segments) and int(segments.stop.max()) > store.num_rows):
            whose = f" of {made_of.name}" if made_of is not None else ""
            raise LongstrideError(
                f"the split {self.name!r} has rows{whose}, and not of {store.name}: split what is served",
                code="option-value",
            )
        return segments

    def stats(self, store: SeriesData) -> Statistics:
        """Statistics (N,) of the rows of this split alone, for normalisation."""
        starts, stops = self._ranges()
        if not len(starts):
            return Statistics.empty(len(store.channels))
        ranges = zip(starts.tolist(), stops.tolist(), strict=True)
        return Statistics.merge([store.stats(start, stop) for start, stop in ranges])

    def _ranges(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """First rows and rows after the last of the ranges of rows that this split has."""
        segments = self.segments
        if not len(segments):
            return segments.start, segments.stop
        # Segments that touch, or share rows, are one range: a gap in time is not a gap in rows.
        reach = np.maximum.accumulate(segments.stop)
        apart = segments.start[1:] > reach[:-1]
        return segments.start[np.append(True, apart)], reach[np.append(apart, True)]

    def without_labels(self, store: SeriesData, *, window: int, stride: int) -> "Split":
        """This split without the windows in which a row has a label; the other windows begin at the same rows."""
        if not store.label_names:
            return self
        index = WindowIndex(self.segments, window, stride)
        dropped = labelled_windows(index, store, range(len(store.label_names)))
        return Split(self.name, without(index, dropped), store)


@dataclass(frozen=True)
class Splits:
    """Three splits, in order of time."""

    train: Split
    validation: Split
    test: Split

    def _repr_html_(self) -> str:
        return html_table("Splits", COLUMNS, [part.shown() for part in (self.train, self.validation, self.test)])

    def without_labels(self, store: SeriesData, *, window: int, stride: int) -> "Splits":
        """See Split."""
        parts = (self.train, self.validation, self.test)
        return Splits(*(part.without_labels(store, window=window, stride=stride) for part in parts))


def one_split(split: object) -> Split:
    """The split. Raises LongstrideError, which says what to write, for anything else."""
    if isinstance(split, Splits):
        raise LongstrideError(
            "split is all three splits: give one of them, such as split=splits.train", code="option-value"
        )
    if not isinstance(split, Split):
        raise LongstrideError(
            f"split is {split!r:.80}: expected a split, such as split_by_time(store, window=64).train",
            code="option-value",
        )
    return split


def _is_same(one: SeriesData, other: SeriesData) -> bool:
    """Whether rows of one are rows of the other: also of a copy that was packed, or after an append."""
    return one is other or one.name == other.name or one.fingerprint == other.fingerprint


@coded
@typed
def split_by_time(
    store: DataOrPath, *, window: int, horizon: int = 0, train: float = 0.8, validation: float = 0.1
) -> Splits:
    """Cut every series at the same two times; the rest after `train` and `validation` is the test split.

    The shares are of all rows. The first K + H - 1 rows after each cut are left out, so that rows of two
    splits are at least the length of a window apart. Raises LongstrideError for shares outside 0..1,
    and for no window.
    """
    if not (0 <= train <= 1 and 0 <= validation <= 1 and train + validation <= 1 + 1e-9):
        raise LongstrideError(
            f"train={train} and validation={validation}: expected two shares of the rows with a sum of at most 1",
            code="option-value",
        )
    if window < 1 or horizon < 0:
        raise LongstrideError(
            f"window={window} and horizon={horizon}: expected at least 1 row, and 0 or more", code="option-value"
        )
    store = opened_data(store)
    first, last = _series_rows(store)
    train_stop = _rows_before(store, first, last, train)
    validation_stop = _rows_before(store, first, last, min(1.0, train + validation))
    purge = window + horizon - 1
    segments = store.segments
    return Splits(
        Split("train", segments.clip(first, train_stop), store),
        Split("validation", segments.clip(train_stop + purge, validation_stop), store),
        Split("test", segments.clip(validation_stop + purge, last), store),
    )


def _series_rows(store: SeriesData) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First row and row after the last of each series (G,); the rows of a series lie together."""
    first = np.full(len(store.series), store.num_rows, np.int64)
    last = np.zeros(len(store.series), np.int64)
    np.minimum.at(first, store.segments.series, store.segments.start)
    np.maximum.at(last, store.segments.series, store.segments.stop)
    return np.minimum(first, last), last


def _rows_before(
    store: SeriesData, first: NDArray[np.int64], last: NDArray[np.int64], share: float
) -> NDArray[np.int64]:
    """Row of each series (G,) at the earliest time that has `share` of all rows before it."""
    wanted = round(share * int((last - first).sum()))
    if len(first) == 1:
        return first + wanted
    ranges = [(start, stop) for start, stop in zip(first.tolist(), last.tolist(), strict=True)]
    filled = [(start, stop) for start, stop in ranges if start < stop]
    times = store.checked("time")
    low = min((int(times[start]) for start, _ in filled), default=0)
    high = max((int(times[stop - 1]) for _, stop in filled), default=0) + 1

    def cut_at(time: int) -> NDArray[np.int64]:
        return np.array([bisect_left(times, time, start, stop) for start, stop in ranges])

    while low < high:
        middle = (low + high) // 2
        if int((cut_at(middle) - first).sum()) < wanted:
            low = middle + 1
        else:
            high = middle
    return cut_at(low)
