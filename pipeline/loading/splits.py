"""Rows for training, validation and test. The functions of `splitting` make them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from longstride.pipeline.loading.geometry.lengths import Length
from longstride.pipeline.loading.geometry.sizes import longest_of
from longstride.pipeline.loading.select import labelled_windows, without
from longstride.storage.cli.keywords import typed
from longstride.storage.errors import LongstrideError, coded
from longstride.storage.html.table import html_table
from longstride.storage.open_data import DataOrPath, opened_data
from longstride.storage.series.data import SeriesData
from longstride.storage.series.segments import Segments
from longstride.storage.series.statistics import Statistics
from longstride.storage.text import counted, iso_time

__all__ = ["Split", "Splits", "SplitsOfStores", "one_split"]

COLUMNS = ("split", "rows", "series", "segments", "first row", "last row")
NAMES = ("train", "validation", "test")

Shown = tuple[str, int, int, int, str | None, str | None]
"""What is shown of a split, in the order of COLUMNS."""


@dataclass(frozen=True, repr=False)
class Split:
    """The rows of a store for one purpose: training, validation or test."""

    name: str
    segments: Segments
    """Segments of the store, cut to the rows of this split."""
    store: SeriesData | None = field(default=None, compare=False)
    """The store, if it is known: a split that is printed reads its times there."""
    training: "tuple[Split, ...]" = field(default=(), compare=False)
    """What is trained on where this split was made, of each of its stores: all statistics are of these rows."""

    def __repr__(self) -> str:
        name, rows, series, segments, *times = self.shown()
        several = series > 1 or (self.store is not None and len(self.store.series) > 1)
        whose = f" of {series:,} series" if several else ""
        between = f", {' to '.join(str(time) for time in times)}" if any(times) else ""
        return f"Split({name!r}, {counted(rows, 'row')} in {counted(segments, 'segment')}{whose}{between})"

    def _repr_html_(self) -> str:
        return html_table("Split", COLUMNS, [self.shown()])

    def shown(self) -> Shown:
        """Name, rows, series, segments, and the times of the first and the last row where they are known."""
        starts, stops = self.ranges()
        times: list[str | None] = [None, None]
        if self.store is not None and len(starts):
            # The rows of a run of segments of one series lie in order of time.
            first = np.flatnonzero(np.diff(self.segments.series, prepend=-1))
            last = np.append(first[1:], len(self.segments)) - 1
            begins, ends = self.segments.start[first].tolist(), (self.segments.stop[last] - 1).tolist()
            time = self.store.checked("time")
            times = [
                iso_time(min(int(time[row]) for row in begins)),
                iso_time(max(int(time[row]) for row in ends)),
            ]
        num_series = len(np.unique(self.segments.series))
        return self.name, int((stops - starts).sum()), num_series, len(self.segments), times[0], times[1]

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
        starts, stops = self.ranges()
        if not len(starts):
            return Statistics.empty(len(store.channels))
        ranges = zip(starts.tolist(), stops.tolist(), strict=True)
        return Statistics.merge([store.stats(start, stop) for start, stop in ranges])

    def ranges(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """First rows and rows after the last of the ranges of rows that this split has."""
        segments = self.segments
        if not len(segments):
            return segments.start, segments.stop
        # Segments that touch, or share rows, are one range: a gap in time is not a gap in rows.
        reach = np.maximum.accumulate(segments.stop)
        apart = segments.start[1:] > reach[:-1]
        return segments.start[np.append(True, apart)], reach[np.append(apart, True)]

    @coded
    @typed
    def without_labels(
        self,
        store: DataOrPath,
        *,
        window: Length | Sequence[Length],
        stride: Length = 1,
        horizon: Length = 0,
        gap: Length = 0,
        dilation: int = 1,
    ) -> Self:
        """This split without the windows in which a row has a label; the other windows begin at the same rows.

        A window reaches to the last row of its horizon; of several lengths, the longest counts. Raises
        LongstrideError for lengths that are none, and for another store than the one that was split.
        """
        data = opened_data(store)
        segments = self.segments_in(data)
        sizes = longest_of(data, window, stride=stride, horizon=horizon, gap=gap, dilation=dilation)
        if not data.label_names:
            return self
        index = sizes.index(segments)
        dropped = labelled_windows(index, data, range(len(data.label_names)))
        return replace(self, segments=without(index, dropped), store=data)


@dataclass(frozen=True, repr=False)
class Splits:
    """Rows to train on, to validate on and to test with; no row is in two of them."""

    train: Split
    validation: Split
    test: Split
    """Empty where nothing is held out for it, as in a fold of `split_in_blocks`."""

    def __post_init__(self) -> None:
        trained = _trained([self.train])
        for name in NAMES:
            object.__setattr__(self, name, replace(getattr(self, name), training=trained))

    def __repr__(self) -> str:
        return f"Splits(\n{''.join(f'  {part!r},{chr(10)}' for part in self.parts)})"

    def _repr_html_(self) -> str:
        return html_table("Splits", COLUMNS, [part.shown() for part in self.parts])

    @property
    def parts(self) -> tuple[Split, Split, Split]:
        """All three."""
        return self.train, self.validation, self.test

    def without_labels(self, store: DataOrPath, **lengths: Any) -> "Splits":
        """All three without the windows in which a row has a label: see Split, also for `lengths`."""
        data = opened_data(store)
        return Splits(*(part.without_labels(data, **lengths) for part in self.parts))


@dataclass(frozen=True, repr=False)
class SplitsOfStores:
    """The same of several stores: one split for each, as `WindowLoader(stores, split=splits.train)` takes them."""

    train: list[Split]
    validation: list[Split]
    test: list[Split]

    def __post_init__(self) -> None:
        trained = _trained(self.train)
        for name in NAMES:
            parts = [replace(part, training=trained) for part in getattr(self, name)]
            object.__setattr__(self, name, parts)

    @staticmethod
    def of(splits: Sequence[Splits]) -> "SplitsOfStores":
        """Those of the first store, then those of the second, and so on."""
        train, validation, test = (list(parts) for parts in zip(*(one.parts for one in splits), strict=True))
        return SplitsOfStores(train, validation, test)

    def without_labels(self, stores: Sequence[DataOrPath], **lengths: Any) -> "SplitsOfStores":
        """Those of each store without the windows in which a row has a label: see Split, also for `lengths`."""
        given = [opened_data(store) for store in (stores if isinstance(stores, list | tuple) else [stores])]
        if len(given) != len(self.train):
            raise LongstrideError(
                f"{counted(len(given), 'store')} for the splits of {len(self.train)}: give all that were split",
                code="option-value",
            )
        parts = zip(self.train, self.validation, self.test, strict=True)
        return SplitsOfStores.of(
            [Splits(*of).without_labels(data, **lengths) for of, data in zip(parts, given, strict=True)]
        )

    def __repr__(self) -> str:
        lines = [f"  {name}: {part!r},\n" for name, part in self._named()]
        return f"SplitsOfStores(\n{''.join(lines)})"

    def _repr_html_(self) -> str:
        rows = [(name, *part.shown()) for name, part in self._named()]
        return html_table("SplitsOfStores", ("store", *COLUMNS), rows)

    def _named(self) -> list[tuple[str, Split]]:
        return [
            (part.store.name if part.store is not None else str(number), part)
            for number, parts in enumerate(zip(self.train, self.validation, self.test, strict=True))
            for part in parts
        ]


def _trained(on: Sequence[Split]) -> tuple[Split, ...]:
    return tuple(replace(one, training=()) for one in on)


def one_split(split: object) -> Split:
    """The split. Raises LongstrideError, which says what to write, for anything else."""
    if isinstance(split, Splits | SplitsOfStores):
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
