"""The store that an ingest writes: a new one, or one that exists (in `append`), with the same interface."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.sources.base import Source
from longstride.pipeline.ingest.staging.part_file import Part
from longstride.pipeline.ingest.writing.row_rules import RowRules
from longstride.storage.format import StoreLayout
from longstride.storage.series.gaps import usual_step
from longstride.storage.series.segments import Segments
from longstride.storage.writing.lock import StoreLock, taken
from longstride.storage.writing.writer import StoreWriter

__all__ = ["Contents", "NewStore"]


class Contents(NamedTuple):
    """What a commit says of its rows."""

    segments: Segments
    series: tuple[str, ...]
    series_end_ns: list[int]
    """Time of the last row of each series."""
    sources: list[dict[str, Any]]


class NewStore:
    """A store that is made: sources alone say what it holds."""

    is_new = True
    first_row = 0
    """From here on segments are found."""

    def __init__(self, generation: int = 1) -> None:
        """`generation` is the number of its commit; larger than 1 where it takes the place of another store."""
        self._generation = generation

    def known_columns(self, recipe: Recipe) -> tuple[str, ...] | None:
        """Columns of values that it has whatever the sources have, None where the sources decide."""
        return None

    def known_labels(self) -> tuple[str, ...] | None:
        """Labels that it has whatever the sources have, None where the sources decide."""
        return None

    def refuse_store_of_other_job(self, path: Path) -> None:
        """Raise StoreError where a store that another job has finished is in the way."""
        raise taken(path)

    def refuse_known(self, sources: Sequence[Source]) -> None:
        """Raise SourceError for a file whose rows it has already."""

    def refuse_older(self, parts: Sequence[Part], sources: Sequence[Source]) -> None:
        """Raise SourceError for the first row that is not newer than what it has of its series."""

    def sensors(self, found: Sequence[str], columns: Sequence[str]) -> list[str]:
        """With a pivot: its sensors in order, where rows are of those `found` and have `columns` of values."""
        return list(found)

    def columns(self, found: Sequence[str], *, pivot: bool) -> tuple[str, ...]:
        """Its columns of values in order, where sources have those `found`."""
        return tuple(found)

    def writer(self, lock: StoreLock, layout: StoreLayout) -> StoreWriter:
        """The writer of its rows."""
        return StoreWriter(lock, layout, generation=self._generation)

    def resume(self, rules: RowRules, series: str, *, look_for_missing: bool) -> None:
        """Let rows of `series`, the first that come, follow those that it has."""

    def usual_step(self, writer: StoreWriter, series_start: Sequence[int]) -> int:
        """Its usual step in nanoseconds, where series begin at these rows of all that are written."""
        return usual_step(writer.written_times(), writer.num_rows, series_start)

    def complete(self, found: Contents, begin_ns: int, max_gap_ns: int) -> Contents:
        """What it holds altogether, where `found` is from its `first_row` on, and new rows begin at `begin_ns`."""
        return found
