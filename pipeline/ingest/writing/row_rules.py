"""Merged rows to the store, in one pass: rates, the common grid, filling in, and what segments need to know.

The order in which the rules of a recipe act on a row:

1. Its texts become times and numbers; sentinels become missing.
2. The query drops it, or computes with it.
3. It is put in order of series and time; it is settled with others of its time, joined to them, or spread.
4. Counts become rates.
5. It is summarised with the others of its step.
6. Rows are put in for steps that are missing.
7. Missing values are filled in.
8. Segments end at gaps, and around rows that still have no value.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from longstride.pipeline.ingest.channel_map import Channel
from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.writing.grid.fill import Fill
from longstride.pipeline.ingest.writing.grid.resample import MissingSteps, resample
from longstride.pipeline.ingest.writing.merge import MergedRows, Rows
from longstride.pipeline.ingest.writing.missing_spans import MissingSpans
from longstride.pipeline.ingest.writing.rates import Rates
from longstride.pipeline.ingest.writing.repeated import Differing
from longstride.pipeline.ingest.writing.spread import Spread
from longstride.storage.writing.writer import StoreWriter

__all__ = ["RowRules"]


class RowRules:
    """Takes rows series by series, in order of time, and counts what becomes of them."""

    def __init__(self, writer: StoreWriter, channels: Sequence[Channel], recipe: Recipe, num_sources: int) -> None:
        self._writer = writer
        self._first_row = writer.num_rows
        self._every_ns = recipe.grid_ns
        self._aggregates = [recipe.aggregate_of(channel.name, channel.column) for channel in channels]
        rates = frozenset(recipe.rate)
        counters = [index for index, channel in enumerate(channels) if channel.among(rates)]
        self.rates = Rates(counters, int(recipe.counter_bits)) if counters else None
        self.spread = None
        if recipe.spread_over_ns is not None:
            self.spread = Spread(recipe.spread_over_ns, recipe.grid_ns)
        self.steps = None
        if recipe.grid_ns is not None and recipe.max_gap_ns is not None:
            self.steps = MissingSteps(recipe.grid_ns, recipe.max_gap_ns)
        self.fill = None
        if recipe.fill != "none":
            assert recipe.fill_limit_ns is not None
            self.fill = Fill(recipe.fill, recipe.fill_limit_ns, len(channels))
        self.missing = None if recipe.split_on_missing_ns is None else MissingSpans(recipe.split_on_missing_ns)
        self.series: list[str] = []
        self.series_start: list[int] = []
        self.series_begin_ns: list[int] = []
        self.series_end_ns: list[int] = []
        self.rows_out = np.zeros(num_sources, np.int64)
        """Rows of each source that are rows of the store."""
        self.merged = np.zeros(num_sources, np.int64)
        """Rows of each source that were summarised with another, or joined to it."""
        self.repeated = np.zeros(num_sources, np.int64)
        """Rows of each source that were left out because their time is that of another."""
        self.differing = Differing(np.zeros(num_sources, np.int64))
        """Rows that repeat another with other values or labels."""
        self._refuses_differing = recipe.duplicates == "same"

    @property
    def num_added(self) -> int:
        """Rows of the store that are of no source."""
        return self.steps.num_added if self.steps else 0

    def resume(
        self,
        first_row: int,
        last_time: NDArray[np.int64],
        missing_rows: Iterable[tuple[NDArray[np.int64], NDArray[np.floating]]],
    ) -> None:
        """Say that the first series begins at `first_row`, among rows that are stored already.

        `last_time` (1,) is that of the last one; `missing_rows` are time and values of those without any value at
        the end.
        """
        self._first_row = first_row
        if self.steps:
            self.steps.add(last_time, np.empty((1, len(self._aggregates))), np.empty((1, 0), np.int8))
        if self.missing:
            for time, values in missing_rows:
                self.missing.add(time, values)

    def begin_series(self, name: str) -> None:
        """The rows that follow are of this series."""
        self.series_start.append(self._writer.num_rows if self.series else self._first_row)
        self.series.append(name)

    def add(self, new: MergedRows) -> None:
        """Take the next rows of the series."""
        self.merged += new.merged
        self.repeated += new.repeated
        self.differing = self.differing.plus(new.differing)
        if self._refuses_differing and self.differing.place is not None:
            return  # nothing will be committed: the others are counted
        self._take(*(self.spread.add(new.rows, new.source) if self.spread else (new.rows, new.source)))

    def end_series(self) -> None:
        """The series has no more rows."""
        if self.spread:
            self._take(*self.spread.end_series())
        if self.rates:
            self.rates.end_series()
        if self.steps:
            self.steps.end_series()
        if self.fill:
            self._write(Rows(*self.fill.end_series()))
        if self.missing:
            self.missing.end_series()

    def refuse_differing(self) -> None:
        """Raise SourceError where rows that repeat each other differ, and should not."""
        if self._refuses_differing and self.differing.place is not None:
            raise self.differing.error(int((self.repeated + self.merged).sum()))

    def _take(self, rows: Rows, source: NDArray[np.int32]) -> None:
        """Apply the rules that follow to the next rows, each of a time of its own."""
        if not len(source):
            return
        time, values, labels = rows
        num_sources = len(self.rows_out)
        if self.rates:
            values = self.rates.add(time, _exact(values))
        if self._every_ns is not None:
            time, values, labels, first = resample(time, _exact(values), labels, self._every_ns, self._aggregates)
            self.merged += np.bincount(source, minlength=num_sources)
            source = source[first]
            self.merged -= np.bincount(source, minlength=num_sources)
        self.rows_out += np.bincount(source, minlength=num_sources)
        if self.steps:
            time, values, labels = self.steps.add(time, _exact(values), labels)
        if self.fill:
            time, values, labels = self.fill.add(time, _exact(values), labels)
        self._write(Rows(time, values, labels))

    def _write(self, rows: Rows) -> None:
        if not len(rows.time):
            return
        if self.missing:
            self.missing.add(rows.time, rows.values)
        self._writer.append(rows.time, rows.values, rows.labels if rows.labels.shape[1] else None)
        if len(self.series_begin_ns) < len(self.series):
            self.series_begin_ns.append(int(rows.time[0]))
            self.series_end_ns.append(0)
        self.series_end_ns[-1] = int(rows.time[-1])


def _exact(values: NDArray[np.floating]) -> NDArray[np.float64]:
    return values.astype(np.float64, copy=False)
