"""Ingest, start to end: open the sources, parse them piece by piece, arrange the rows, cut segments, commit."""

import os
import time as clock
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from pipeline.ingest.arrange import Rows, Staged, Straight
from pipeline.ingest.columns import Columns
from pipeline.ingest.duration import format_duration
from pipeline.ingest.errors import AccountingError, RecipeError, SourceError
from pipeline.ingest.grid import MissingRuns, default_max_gap, find_segments, usual_step
from pipeline.ingest.recipe import Recipe
from pipeline.ingest.report import FileReport, IngestReport
from pipeline.ingest.sources import Batch, Source, open_source
from storage.format import StoreLayout
from storage.writer import StoreWriter

__all__ = ["ingest"]

PIECE_BYTES = 8 * 2**20
PARSERS = 2
"""Pieces parsed at the same time. Polars uses all cores for one; the second fills the pauses between its steps."""


def ingest(
    sources: Sequence[str | os.PathLike[str]],
    out: str | os.PathLike[str],
    recipe: Recipe,
    *,
    progress: Callable[[float], object] | None = None,
    piece_bytes: int = PIECE_BYTES,
) -> IngestReport:
    """Turn source files into a new store at `out`, in memory that does not grow with them.

    `progress` is called with bytes of the sources as they are done. `piece_bytes` of a file are read at a time.
    Raises RecipeError, SourceError or StoreError, and then there is no store.
    """
    started = clock.perf_counter()
    opened, columns = _open(sources, recipe)
    layout = StoreLayout(channels=columns.channels, labels=columns.labels, dtype=recipe.dtype)
    with StoreWriter(out, layout) as writer:
        job = _Job(opened, columns, recipe, writer, progress or (lambda _: None))
        job.read(piece_bytes)
        return job.commit(started)


def _open(sources: Sequence[str | os.PathLike[str]], recipe: Recipe) -> tuple[list[Source], Columns]:
    """Open all files, those of a single series in the order of time; the columns are as in the first one named."""
    if not sources:
        raise RecipeError("no source is named: give at least one file")
    names = [os.fspath(source) for source in sources]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise RecipeError(f"{', '.join(repeated)} is named twice among the sources")
    opened = [open_source(name) for name in names]
    unknown = [name for name in recipe.exclude if not any(name in source.names for source in opened)]
    if unknown:
        raise RecipeError(f"exclude names {', '.join(map(repr, unknown))}, which no source has")
    columns = Columns.resolve(names[0], opened[0].names, recipe)
    for source in opened[1:]:
        Columns.resolve(source.name, source.names, recipe).check_same(source.name, columns, names[0])
    if recipe.series is None and len(opened) > 1:
        times = {source.name: source.first_time(columns, recipe) for source in opened}
        opened.sort(key=lambda source: (times[source.name] is not None, times[source.name] or 0))
    return opened, columns


class _Job:
    """Counts everything on its way into the store."""

    def __init__(
        self,
        sources: list[Source],
        columns: Columns,
        recipe: Recipe,
        writer: StoreWriter,
        progress: Callable[[float], object],
    ) -> None:
        self._sources = sources
        self._columns = columns
        self._recipe = recipe
        self._writer = writer
        self._progress = progress
        self._files = {source.name: FileReport(name=source.name, num_bytes=source.num_bytes) for source in sources}
        self._series: list[str] = []
        self._series_start: list[int] = []
        limit_ns = recipe.split_on_missing_ns
        self._missing = None if limit_ns is None else MissingRuns(limit_ns)
        self._staging = recipe.series is not None
        self._measurements: set[str] = set()

    def read(self, piece_bytes: int) -> None:
        """Parse all sources and hand their rows to the writer, in order."""
        arranged: Straight | Staged
        if self._staging:
            # Inside the store's folder the parts are on its disk, under its lock, and go when it goes.
            folder = self._writer.path / ".staged"
            arranged = Staged(self._columns, self._recipe.dtype, self, folder)
        else:
            arranged = Straight(self._columns, self)
        for source in self._sources:
            file = self._files[source.name]
            bytes_done = 0
            for batch in _in_order(source.tasks(self._columns, self._recipe, piece_bytes)):
                file.rows_in += batch.num_rows
                file.blank_lines += batch.num_blank
                self._refuse_counters(batch)
                if batch.typed.frame.height:
                    arranged.add(source.name, batch)
                # Staged rows are read twice: half of the way is done when they are staged.
                self._progress((batch.num_bytes - bytes_done) / (1 + self._staging))
                bytes_done = batch.num_bytes
            if source.num_rows is not None:
                file.rows_in = source.num_rows
        arranged.finish()
        if self._missing:
            self._missing.end_series()

    def _refuse_counters(self, batch: Batch) -> None:
        self._measurements |= batch.typed.measurements
        for channel, error in batch.typed.counters.items():
            if channel not in self._measurements:
                raise error

    def begin_series(self, name: str) -> None:
        """Note where a series starts."""
        if self._missing:
            self._missing.end_series()
        self._series.append(name)
        self._series_start.append(self._writer.num_rows)

    def append(self, source: str, rows: Rows) -> None:
        """Hand rows of one source to the writer."""
        file = self._files[source]
        file.rows_out += len(rows.time)
        first, last = int(rows.time[0]), int(rows.time[-1])
        file.first_time_ns = first if file.first_time_ns is None else min(first, file.first_time_ns)
        file.last_time_ns = last if file.last_time_ns is None else max(last, file.last_time_ns)
        if self._missing:
            self._missing.add(rows.time, rows.values)
        self._writer.append(rows.time, rows.values, rows.labels if self._columns.labels else None)
        if self._staging:
            self._progress(file.num_bytes / 2 * len(rows.time) / file.rows_in)

    def commit(self, started: float) -> IngestReport:
        """Cut segments, make sure that no row is lost, and commit. `started` is the clock when the job began."""
        self._check_accounts()
        if not self._writer.num_rows:
            raise SourceError(", ".join(self._files), "there are no rows")
        num_rows = self._writer.num_rows
        step_ns = usual_step(self._writer.written_times(), num_rows, self._series_start)
        max_gap_ns = self._recipe.max_gap_ns or default_max_gap(step_ns)
        missing = self._missing.found() if self._missing else np.empty((0, 2), np.int64)
        segments = find_segments(self._writer.written_times(), self._series_start, max_gap_ns, missing)
        files = tuple(self._files.values())
        resolved = replace(
            self._recipe,
            channels=self._columns.channels,
            exclude=(),
            max_gap=format_duration(max_gap_ns) if max_gap_ns else None,
        )
        self._writer.commit(
            segments,
            tuple(self._series),
            cadence_ns=step_ns,
            sources=[file.as_json() for file in files],
            recipe=resolved.as_json(),
        )
        return IngestReport(
            store=os.fspath(self._writer.path),
            files=files,
            num_rows=num_rows,
            num_channels=len(self._columns.channels),
            num_series=len(self._series),
            num_segments=len(segments),
            rows_in_segments=int((segments.stop - segments.start).sum()),
            cadence=format_duration(step_ns),
            max_gap=format_duration(max_gap_ns),
            seconds=clock.perf_counter() - started,
        )

    def _check_accounts(self) -> None:
        for file in self._files.values():
            if file.rows_in != file.rows_out:
                raise AccountingError(
                    f"{file.name} has {file.rows_in:,} rows, but {file.rows_out:,} came through: nothing was "
                    "committed. This is a fault of Longstride, please report it"
                )
        total = sum(file.rows_out for file in self._files.values())
        if total != self._writer.num_rows:
            raise AccountingError(f"{total:,} rows came through, but {self._writer.num_rows:,} were written")


def _in_order(tasks: Iterator[Callable[[], Batch]]) -> Iterator[Batch]:
    """Run tasks on a few threads, a few ahead of the one whose result is given next."""
    with ThreadPoolExecutor(PARSERS, thread_name_prefix="longstride-parser") as pool:
        pending: deque[Future[Batch]] = deque()
        try:
            for task in tasks:
                pending.append(pool.submit(task))
                if len(pending) > PARSERS:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()
