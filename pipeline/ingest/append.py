"""A store that exists, to which newer rows are added.

An append knows what is stored, not what was read. So a rate is missing for its first count of a series, and
nothing is filled in from an older value.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from longstride.pipeline.ingest.columns import listed
from longstride.pipeline.ingest.errors import RecipeError, SourceError
from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.sources.base import Source
from longstride.pipeline.ingest.sources.recorded import recorded_sources, refuse_rewritten
from longstride.pipeline.ingest.staging.part_file import Part
from longstride.pipeline.ingest.writing.row_rules import RowRules
from longstride.pipeline.ingest.writing.target import Contents, NewStore
from longstride.storage.format import StoreLayout
from longstride.storage.series.gaps import usual_step
from longstride.storage.series.segments import Segments
from longstride.storage.store import SeriesStore
from longstride.storage.text import iso_time
from longstride.storage.writing.lock import StoreLock
from longstride.storage.writing.writer import StoreWriter

__all__ = ["ExistingStore", "recipe_of"]

REBUILD = "make the store again, from its own sources and this one, with --rebuild"


def recipe_of(store: SeriesStore) -> Recipe:
    """The recipe that a store was made by. Raises RecipeError where it has none."""
    recipe = store.attributes["recipe"]
    if not recipe:
        raise RecipeError(
            f"{store.path} has no recipe: rows can only be appended to a store that `ingest` made",
            code="recipe-missing",
        )
    return Recipe.from_settings(recipe)


class ExistingStore(NewStore):
    """An existing store, in the state of its last commit."""

    is_new = False

    def __init__(self, store: SeriesStore, *, accept_changed: bool = False) -> None:
        """`accept_changed` lets a file be added of which it has rows that the file has no longer."""
        super().__init__(store.generation + 1)
        self._store = store
        self._accept_changed = accept_changed
        self._resumes = False
        """Whether the first new rows are of the series that it ends with."""
        self.first_row = store.num_rows

    def known_columns(self, recipe: Recipe) -> tuple[str, ...] | None:
        """Those of its recipe, which has resolved them."""
        return recipe.channels

    def known_labels(self) -> tuple[str, ...] | None:
        """Those that it has."""
        return self._store.layout.labels

    def refuse_store_of_other_job(self, path: Path) -> None:
        """It exists, as it must."""

    def refuse_known(self, sources: Sequence[Source]) -> None:
        """Raise SourceError for a file whose bytes it holds already, under any name, or that was rewritten."""
        known = {
            (source.num_bytes, source.crc): source.name
            for source in recorded_sources(self._store)
            if source.rows_in  # a header alone may come every day
        }
        sizes = {num_bytes for num_bytes, _ in known}
        for source in sources:
            if source.num_bytes in sizes:
                name = known.get((source.num_bytes, source.bytes_crc()))
                if name is not None:
                    raise SourceError(
                        source.name,
                        f"{self._store.path} has these very rows already, as {name}: leave them out",
                        code="source-repeated",
                    )
        if not self._accept_changed:
            refuse_rewritten(self._store, [source.name for source in sources if source.path])

    def refuse_older(self, parts: Sequence[Part], sources: Sequence[Source]) -> None:
        """Raise SourceError for the first row that is not newer than what it has of its series.

        On a common grid, a row has to be newer than the last step, which was summarised without it.
        """
        ends = dict(zip(self._store.series, self._store.series_end_ns, strict=True))
        every_ns = recipe_of(self._store).grid_ns or 1
        for part in parts:
            for span in part.spans:
                if span.series in ends and span.first_time < ends[span.series] + every_ns:
                    of = f" of series {span.series!r}" if span.series else ""
                    last = "to" if every_ns == 1 else "to the end of the step that begins at"
                    found, end = iso_time(span.first_time), iso_time(ends[span.series])
                    raise SourceError(
                        sources[part.source].name,
                        f"it has a row at {found}{of}, but {self._store.path} reaches {last} {end}: leave out the "
                        f"rows that are not newer, or {REBUILD}",
                        code="rows-not-newer",
                    )

    def sensors(self, found: Sequence[str], columns: Sequence[str]) -> list[str]:
        """Its sensors, in its order. Raises SourceError where some are `found` that it does not have."""
        if len(columns) == 1:
            sensors = list(self._store.channels)
        else:
            suffix = f"/{self._columns_of_sensors(columns)[0]}"
            sensors = [name.removesuffix(suffix) for name in self._store.channels[:: len(columns)]]
        self._refuse_added("sensor", set(found) - set(sensors))
        return sensors

    def columns(self, found: Sequence[str], *, pivot: bool) -> tuple[str, ...]:
        """Its columns of values, in its order. Raises SourceError where some are `found` that it does not have."""
        if not pivot:
            columns = self._store.channels
        elif len(found) == 1:
            return tuple(found)
        else:
            columns = self._columns_of_sensors(found)
        self._refuse_added("column", set(found) - set(columns))
        return columns

    def writer(self, lock: StoreLock, layout: StoreLayout) -> StoreWriter:
        """The writer of more rows."""
        writer = StoreWriter.appending(lock)
        assert writer.layout.channels == layout.channels
        return writer

    def resume(self, rules: RowRules, series: str, *, look_for_missing: bool) -> None:
        """Let rows of `series`, the first that come, follow those that it ends with, if these are of it.

        A run of rows without any value at its end may become longer, so segments are found again from there on.
        """
        first_row = self._first_row_at_end(series)
        if first_row is None:
            return
        if look_for_missing:
            self.first_row = _last_value(self._store, first_row) + 1
        self._resumes = True
        rules.resume(self.first_row, self._store.time[-1:], self._missing_rows())

    def usual_step(self, writer: StoreWriter, series_start: Sequence[int]) -> int:
        """The usual step of its first commit, unless none of its series had two rows then."""
        if self._store.cadence_ns:
            return self._store.cadence_ns
        starts = [*range(self._store.num_rows), *series_start[self._resumes :]]
        return usual_step(writer.written_times(), writer.num_rows, starts)

    def complete(self, found: Contents, begin_ns: int, max_gap_ns: int) -> Contents:
        """What it had before `first_row`, and what was found from there on."""
        store = self._store
        last = {
            **dict(zip(store.series, store.series_end_ns, strict=True)),
            **dict(zip(found.series, found.series_end_ns, strict=True)),
        }
        series = tuple(last)
        place = {name: number for number, name in enumerate(series)}
        index = np.array([place[name] for name in found.series], np.int64)
        segments = self._join(found.segments, index, begin_ns, max_gap_ns)
        sources = [*store.attributes["sources"], *found.sources]
        return Contents(segments, series, list(last.values()), sources)

    def _join(self, found: Segments, series: NDArray[np.int64], begin_ns: int, max_gap_ns: int) -> Segments:
        """Its segments up to `first_row`, and those found from there on, whose series have these numbers."""
        store, first = self._store, self.first_row
        whole = store.segments.start < first
        old = Segments(
            store.segments.start[whole], store.segments.stop[whole].clip(max=first), store.segments.series[whole]
        )
        new = Segments(found.start + first, found.stop + first, series[found.series])
        next_ns = int(store.time[first]) if first < store.num_rows else begin_ns
        reaches = self._resumes and len(old) and old.stop[-1] == first
        # A long missing run at the beginning leaves nothing to join.
        if reaches and next_ns - int(store.time[first - 1]) <= max_gap_ns and len(new) and new.start[0] == first:
            old = Segments(old.start, np.append(old.stop[:-1], new.stop[0]), old.series)
            new = Segments(new.start[1:], new.stop[1:], new.series[1:])
        joined: list[NDArray[np.int64]] = [
            np.concatenate([getattr(part, name) for part in (old, new)]) for name in ("start", "stop", "series")
        ]
        return Segments(*joined)

    def _first_row_at_end(self, series: str) -> int | None:
        """First row of the segment that it ends with, None where it is not known to end with rows of `series`."""
        segments = self._store.segments
        if len(self._store.series) == 1:
            return 0 if self._store.series[0] == series else None
        if not len(segments) or segments.stop[-1] != self._store.num_rows:
            return None
        return int(segments.start[-1]) if self._store.series[segments.series[-1]] == series else None

    def _missing_rows(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.floating]]]:
        """The rows from `first_row` on, some at a time: time (rows,) and values (rows, N)."""
        for row in range(self.first_row, self._store.num_rows, self._store.chunk_rows):
            stop = min(row + self._store.chunk_rows, self._store.num_rows)
            yield self._store.time[row:stop], self._store.values[row:stop]

    def _columns_of_sensors(self, columns: Sequence[str]) -> tuple[str, ...]:
        """Columns that it has of each sensor, in its order; its channels are named sensor/column."""
        channels = self._store.channels
        first = channels[: len(columns)]
        found = tuple(column for name in first for column in columns if name.endswith(f"/{column}"))
        stems = {name.removesuffix(f"/{column}") for name, column in zip(first, found, strict=False)}
        if len(found) != len(columns) or len(stems) != 1 or len(channels) % len(columns):
            raise self._other_channels(f"its channels are not those of columns {listed(columns)}")
        return found

    def _refuse_added(self, what: str, added: set[str]) -> None:
        if added:
            raise self._other_channels(f"it has no channel for {what} {listed(sorted(added))}")

    def _other_channels(self, found: str) -> SourceError:
        return SourceError(str(self._store.path), f"{found}: {REBUILD}", code="channels-changed")


def _last_value(store: SeriesStore, first_row: int) -> int:
    """Last row that has a value, `first_row - 1` where none has from there on."""
    for stop in range(store.num_rows, first_row, -store.chunk_rows):
        start = max(first_row, stop - store.chunk_rows)
        present = np.flatnonzero(~np.isnan(store.values[start:stop]).all(axis=1))
        if len(present):
            return start + int(present[-1])
    return first_row - 1
