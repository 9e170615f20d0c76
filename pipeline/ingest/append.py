"""What may be added to a store, and how it goes on: files that it does not have, rows that are newer than its own.

An append knows what is stored, not what was read. So a rate is missing for its first count of a series, and
nothing is filled in from a value that was there before.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from longstride.pipeline.ingest.duration import format_moment
from longstride.pipeline.ingest.errors import RecipeError, SourceError
from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.sources.base import Source
from longstride.pipeline.ingest.sources.files import checksum
from longstride.pipeline.ingest.staging.part_file import Part
from longstride.storage.segments import Segments
from longstride.storage.store import SeriesStore

__all__ = ["End", "check_newer", "columns_before", "recipe_of", "refuse_known", "sensors_before"]

REBUILD = "make it again of its own sources and this one with --rebuild"


def recipe_of(store: SeriesStore) -> Recipe:
    """The recipe that a store was made by. Raises RecipeError where it has none."""
    recipe = store.attributes["recipe"]
    if not recipe:
        raise RecipeError(
            f"{store.path} does not say how its sources were read: only what `ingest` made goes on",
            code="recipe-missing",
        )
    return Recipe.from_settings(recipe)


def refuse_known(store: SeriesStore, sources: Sequence[Source]) -> None:
    """Raise SourceError for a file whose bytes the store holds already, under whichever name."""
    known = {
        (source["bytes"], source["crc32c"]): source["name"]
        for source in store.attributes["sources"]
        if source["rows_in"]  # a header alone may come every day
    }
    sizes = {num_bytes for num_bytes, _ in known}
    for source in sources:
        if source.num_bytes in sizes:
            name = known.get((source.num_bytes, checksum(source.name)))
            if name is not None:
                raise SourceError(
                    source.name,
                    f"{store.path} has the rows of this file already, as {name}: leave it out",
                    code="source-repeated",
                )


def check_newer(store: SeriesStore, parts: Sequence[Part], sources: Sequence[Source]) -> None:
    """Raise SourceError for the first row that is not newer than what the store has of its series.

    On a common grid, a row has to be newer than the last step, which was summarised without it.
    """
    ends = dict(zip(store.series, store.series_end_ns, strict=True))
    every_ns = recipe_of(store).every_ns or 1
    for part in parts:
        for run in part.runs:
            if run.series in ends and run.first_time < ends[run.series] + every_ns:
                of = f" of series {run.series!r}" if run.series else ""
                last = "to" if every_ns == 1 else "to the end of the step that begins at"
                raise SourceError(
                    sources[part.source].name,
                    f"it has a row at {format_moment(run.first_time)}{of}, but {store.path} reaches {last} "
                    f"{format_moment(ends[run.series])}: leave out the rows that are not newer, or {REBUILD}",
                    code="rows-not-newer",
                )


def columns_before(store: SeriesStore, columns: Sequence[str], *, pivot: bool) -> tuple[str, ...]:
    """Columns of values of a store, in its order, where new sources have `columns`.

    Raises SourceError where some of these are not among those of the store.
    """
    if not pivot:
        before = store.channels
    elif len(columns) == 1:
        return tuple(columns)
    else:
        before = _columns_of_sensors(store, columns)
    added = [name for name in columns if name not in before]
    if added:
        raise SourceError(
            str(store.path),
            f"it has no channel for column {', '.join(map(repr, added))}: {REBUILD}",
            code="channels-changed",
        )
    return before


def sensors_before(store: SeriesStore, found: Sequence[str] | None, columns: Sequence[str]) -> list[str] | None:
    """The sensors of a store, in its order. Raises SourceError where some are `found` that it does not have."""
    if found is None:
        return None
    if len(columns) == 1:
        sensors = list(store.channels)
    else:
        suffix = f"/{_columns_of_sensors(store, columns)[0]}"
        sensors = [name.removesuffix(suffix) for name in store.channels[:: len(columns)]]
    added = sorted(set(found) - set(sensors))
    if added:
        raise SourceError(
            str(store.path),
            f"it has no channel for sensor {', '.join(map(repr, added))}: {REBUILD}",
            code="channels-changed",
        )
    return sensors


def _columns_of_sensors(store: SeriesStore, columns: Sequence[str]) -> tuple[str, ...]:
    """Columns that a store has of each sensor, in its order; its channels are named sensor/column."""
    first = store.channels[: len(columns)]
    found = tuple(column for name in first for column in columns if name.endswith(f"/{column}"))
    stems = {name.removesuffix(f"/{column}") for name, column in zip(first, found, strict=False)}
    if len(found) != len(columns) or len(stems) != 1 or len(store.channels) % len(columns):
        raise SourceError(
            str(store.path),
            f"its channels are not those of columns {', '.join(map(repr, columns))}: {REBUILD}",
            code="channels-changed",
        )
    return found


@dataclass(frozen=True)
class End:
    """The last rows of a store, where new rows of the same series go on with them."""

    store: SeriesStore
    start: int
    """Where the run of rows without any value begins that the store ends with, its number of rows where there is
    none: new rows may make that run longer, so segments are cut anew from here on."""

    @staticmethod
    def of(store: SeriesStore, series: str, *, look_for_missing: bool) -> "End | None":
        """The end of a store, None where it is not known to be one of rows of `series`."""
        segments = store.segments
        first_row = 0
        last = store.series[0]
        if len(store.series) > 1:
            if not len(segments) or segments.stop[-1] != store.num_rows:
                return None
            first_row, last = int(segments.start[-1]), store.series[segments.series[-1]]
        if last != series:
            return None
        return End(store, _last_value(store, first_row) + 1 if look_for_missing else store.num_rows)

    @property
    def last_time(self) -> NDArray[np.int64]:
        """Time of the last row, (1,)."""
        return self.store.time[-1:]

    def missing_rows(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.floating]]]:
        """The rows from `start` on, some at a time: time (rows,) and values (rows, N)."""
        for row in range(self.start, self.store.num_rows, self.store.chunk_rows):
            stop = min(row + self.store.chunk_rows, self.store.num_rows)
            yield self.store.time[row:stop], self.store.values[row:stop]

    def joins_up(self, segments: Segments, next_time_ns: int, max_gap_ns: int) -> bool:
        """Whether the last of `segments`, which end where this begins, goes on with a row of this time."""
        if not len(segments) or segments.stop[-1] != self.start:
            return False
        return next_time_ns - int(self.store.time[self.start - 1]) <= max_gap_ns


def _last_value(store: SeriesStore, first_row: int) -> int:
    """Last row that has a value, `first_row - 1` where none has from there on."""
    for stop in range(store.num_rows, first_row, -store.chunk_rows):
        start = max(first_row, stop - store.chunk_rows)
        there = np.flatnonzero(~np.isnan(store.values[start:stop]).all(axis=1))
        if len(there):
            return start + int(there[-1])
    return first_row - 1
