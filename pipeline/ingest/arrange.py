"""Rows in the order of the store: by series, then by time.

Files of a single series follow each other and go straight to the store. Rows that are keyed by a column are staged
first: each piece, sorted by series, is a file of plain records, and where each series lies in it is remembered.
"""

import shutil
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.ingest.columns import Columns
from pipeline.ingest.errors import SourceError
from pipeline.ingest.sources import Batch

__all__ = ["Rows", "Sink", "Staged", "Straight"]


class Rows(NamedTuple):
    """Rows as the store takes them."""

    time: NDArray[np.int64]
    """(rows,) nanoseconds since 1970 UTC."""
    values: NDArray[np.floating]
    """(rows, N), NaN where missing."""
    labels: NDArray[np.int8]
    """(rows, L)."""


class Sink(Protocol):
    """Takes rows in their final order."""

    def begin_series(self, name: str) -> None:
        """The rows that follow are of this series."""

    def append(self, source: str, rows: Rows) -> None:
        """Take rows of one source."""


class Straight:
    """One series, in files that are given in the order of time."""

    def __init__(self, columns: Columns, sink: Sink) -> None:
        self._columns = columns
        self._sink = sink
        self._source: str | None = None
        self._last_time = 0

    def add(self, source: str, batch: Batch) -> None:
        """Hand rows on. Raises SourceError where time does not rise, or a file starts before another ends."""
        rows = _rows(batch.typed.frame, self._columns)
        if self._source is None:
            self._sink.begin_series("")
        elif self._source != source and rows.time[0] <= self._last_time:
            raise _overlap(source, int(rows.time[0]), self._source, self._last_time)
        _check_rising(source, batch, rows.time, self._last_time if self._source == source else None)
        self._source, self._last_time = source, int(rows.time[-1])
        self._sink.append(source, rows)

    def finish(self) -> None:
        """All rows are handed on already."""


class Run(NamedTuple):
    """Rows start:stop of a staged part, all of one series and one source."""

    first_time: int
    last_time: int
    source: str
    part: int
    start: int
    stop: int


class Staged:
    """Many series in one or many files, in any mixture; within a file the rows of each are in order of time."""

    def __init__(self, columns: Columns, dtype: str, sink: Sink, folder: Path) -> None:
        self._columns = columns
        self._sink = sink
        self._folder = folder
        self._folder.mkdir()
        self._num_parts = 0
        self._runs: defaultdict[str, list[Run]] = defaultdict(list)
        self._record = np.dtype(
            [
                ("time", np.int64),
                ("values", dtype, (len(columns.channels),)),
                ("labels", np.int8, (len(columns.labels),)),
            ]
        )

    def add(self, source: str, batch: Batch) -> None:
        """Stage rows. Raises SourceError where the time of a series does not rise within a source."""
        assert self._columns.series is not None
        keys = pl.DataFrame({"series": batch.typed.frame[self._columns.series]}).with_row_index("row")
        keys = keys.sort("series", maintain_order=True)
        order = keys["row"].to_numpy()
        rows = _rows(batch.typed.frame, self._columns)
        records = np.empty(len(order), self._record)
        for name, array in zip(Rows._fields, rows, strict=True):
            records[name] = array[order]
        start = 0
        for series, length in keys["series"].rle().struct.unnest().select("value", "len").iter_rows():
            stop = start + length
            self._add_run(source, batch, series, records["time"], order, start, stop)
            start = stop
        records.tofile(self._part(self._num_parts))
        self._num_parts += 1

    def finish(self) -> None:
        """Hand all rows on, series by series. Raises SourceError where two files overlap in a series."""
        for series in sorted(self._runs):
            self._sink.begin_series(series)
            before: Run | None = None
            for run in sorted(self._runs[series]):
                if before is not None and run.first_time <= before.last_time:
                    raise _overlap(run.source, run.first_time, before.source, before.last_time, series)
                records = np.fromfile(
                    self._part(run.part),
                    self._record,
                    count=run.stop - run.start,
                    offset=run.start * self._record.itemsize,
                )
                self._sink.append(run.source, Rows(*(records[name] for name in Rows._fields)))
                before = run
        shutil.rmtree(self._folder)

    def _add_run(
        self,
        source: str,
        batch: Batch,
        series: str,
        time: NDArray[np.int64],
        order: NDArray[np.integer],
        start: int,
        stop: int,
    ) -> None:
        runs = self._runs[series]
        last_time = runs[-1].last_time if runs and runs[-1].source == source else None
        _check_rising(source, batch, time[start:stop], last_time, series, order[start:stop])
        runs.append(Run(int(time[start]), int(time[stop - 1]), source, self._num_parts, start, stop))

    def _part(self, index: int) -> Path:
        return self._folder / f"{index}.rows"


def _rows(frame: pl.DataFrame, columns: Columns) -> Rows:
    return Rows(
        frame[columns.time].to_numpy(),
        frame.select(columns.channels).to_numpy(order="c"),
        frame.select(columns.labels).to_numpy(order="c")
        if columns.labels
        else np.empty((frame.height, 0), np.int8),
    )


def _check_rising(
    source: str,
    batch: Batch,
    time: NDArray[np.int64],
    last_time: int | None,
    series: str | None = None,
    order: NDArray[np.integer] | None = None,
) -> None:
    """Raise SourceError for the first row whose time is not after that of the row before it.

    `last_time` is that of the row before the first; `order` has the rows of the batch that `time` is of.
    """
    step = np.diff(time)
    if last_time is not None and time[0] <= last_time:
        index, before = 0, last_time
    elif (step <= 0).any():
        index = int(np.argmax(step <= 0)) + 1
        before = int(time[index - 1])
    else:
        return
    row = index if order is None else int(order[index])
    of = "" if series is None else f" of series {series!r}"
    fault = "is repeated" if time[index] == before else f"comes after {_iso(before)}: time goes backwards"
    remedy = "sort the file and keep one row of each time"
    if series is None:
        remedy += ", or name the column that tells several machines apart with --series"
    raise SourceError(source, f"time {_iso(int(time[index]))}{of} {fault}: {remedy}", place=batch.place(row))


def _overlap(source: str, first_time: int, before: str, last_time: int, series: str | None = None) -> SourceError:
    of = "" if series is None else f" in series {series!r}"
    return SourceError(
        source,
        f"starts at {_iso(first_time)}{of}, but {before} ends at {_iso(last_time)}: "
        "remove the rows that both files cover, or one of the files",
    )


def _iso(nanoseconds: int) -> str:
    return str(np.datetime64(nanoseconds, "ns")).removesuffix(".000000000")
