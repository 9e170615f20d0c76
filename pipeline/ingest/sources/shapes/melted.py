"""A log with a row a day and a column for each time of day, as meters write it: each value becomes a row."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import polars as pl

from longstride.pipeline.ingest.columns import Columns, listed
from longstride.pipeline.ingest.errors import SourceError
from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.settings.melt import MELTED, TIME_OF_DAY, clock_of
from longstride.pipeline.ingest.sources.base import Raw, Section, Source, Unparsed
from longstride.pipeline.ingest.sources.shapes.reshaped import Reshaped

__all__ = ["Melted"]

TIMES_LARGER = 8
"""What a value takes as a row, compared with its place in the file: so much less of the file is read at a time."""


class Melted(Reshaped):
    """A source whose columns of times of day are two: the time of day, and the value."""

    def __init__(self, inner: Source, recipe: Recipe) -> None:
        """Raise SourceError where no column is a time of day."""
        super().__init__(inner)
        format_ = str(recipe.melt)
        clocks = {name: clock_of(name, format_) for name in inner.names}
        self._clocks = {name: clock for name, clock in clocks.items() if clock is not None}
        kept = [name for name in inner.names if name not in self._clocks]
        if not self._clocks:
            raise SourceError(
                self.name,
                f"no column is named as melt says, {format_}; the columns are {listed(inner.names)}: give another "
                "format, or leave out melt",
                code="column-missing",
            )
        if taken := [name for name in (TIME_OF_DAY, MELTED) if name in kept]:
            raise SourceError(
                self.name,
                f"it has a column {listed(taken)}, as melt calls its own: rename it in the file",
                code="column-repeated",
            )
        self.names = (*kept, TIME_OF_DAY, MELTED)
        self.unnamed = tuple(name for name in inner.unnamed if name in kept)
        self.num_rows = None if inner.num_rows is None else inner.num_rows * len(self._clocks)

    def types(self) -> dict[str, pl.DataType]:
        """Types of the columns that are not texts."""
        return {name: dtype for name, dtype in self.inner.types().items() if name not in self._clocks}

    def sections(self, piece_bytes: int) -> Iterator[Section]:
        """Those of the file, smaller ones."""
        return super().sections(max(1, piece_bytes // TIMES_LARGER))

    def pieces(self, section: Section, columns: Columns, recipe: Recipe, piece_bytes: int) -> Iterator[Unparsed]:
        """Read the file piece by piece."""
        return super().pieces(section, columns, recipe, max(1, piece_bytes // TIMES_LARGER))

    def columns_of_file(self, columns: Columns) -> Columns:
        """With all times of day for the value."""
        return replace(
            columns,
            time=tuple(name for name in columns.time if name != TIME_OF_DAY),
            channels=(*(name for name in columns.channels if name != MELTED), *self._clocks),
            unused=tuple(name for name in columns.unused if name != MELTED),
        )

    def reshape(self, raw: Raw) -> Raw:
        """A row for each value, in the order of the file."""
        num_rows, num_clocks = raw.frame.height, len(self._clocks)
        cells = raw.frame.select(list(self._clocks))
        if len(set(cells.dtypes)) > 1:
            cells = cells.cast(pl.String)
        row, clock = np.divmod(np.arange(num_rows * num_clocks), num_clocks)
        frame = raw.frame.drop(cells.columns)[row].with_columns(
            pl.Series(TIME_OF_DAY, list(self._clocks.values()), pl.String)[clock],
            pl.concat(cells.get_columns())[clock * num_rows + row].alias(MELTED),
        )
        return replace(
            raw,
            frame=frame,
            lines=raw.lines[row],
            text=lambda row: raw.text(row // num_clocks),
            num_rows=raw.num_rows + num_rows * (num_clocks - 1),
        )
