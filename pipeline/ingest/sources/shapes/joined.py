"""The series of a row where several columns say it together: a column that is made of them."""

from dataclasses import replace

import polars as pl

from longstride.pipeline.ingest.columns import Columns, listed
from longstride.pipeline.ingest.errors import SourceError
from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.settings.uses import BETWEEN
from longstride.pipeline.ingest.sources.base import Raw, Source
from longstride.pipeline.ingest.sources.shapes.reshaped import Reshaped
from longstride.pipeline.ingest.times.reach import within_reach

__all__ = ["Joined", "joined", "with_series"]

ESCAPE = "\\"
NO_NAMES = pl.Binary, pl.Duration, pl.Object


def with_series(source: Source, recipe: Recipe) -> Source:
    """A source with the column of the series that a recipe makes of several, if it does. Raises SourceError."""
    return Joined(source, recipe) if recipe.series_parts else source


def joined(parts: list[pl.Series]) -> pl.Series:
    """Texts (rows,) of several columns as one, missing where one of them is missing or empty.

    Different parts give different texts: a mark within a part is escaped.
    """
    texts = [
        within_reach(part)
        .cast(pl.String)
        .replace("", None)
        .str.replace_all(ESCAPE, ESCAPE * 2, literal=True)
        .str.replace_all(BETWEEN, ESCAPE + BETWEEN, literal=True)
        for part in parts
    ]
    return pl.select(pl.concat_str(texts, separator=BETWEEN)).to_series()


class Joined(Reshaped):
    """A source with one column more."""

    def __init__(self, inner: Source, recipe: Recipe) -> None:
        """Raise SourceError where a part is missing, or the name is taken."""
        super().__init__(inner)
        self._parts, self._name = recipe.series_parts, str(recipe.series_column)
        if absent := [name for name in self._parts if name not in inner.names]:
            raise SourceError(
                self.name,
                f"there is no column {listed(absent)}, which series names; the columns are "
                f"{listed(inner.names)}: name those that say the series together",
                code="column-missing",
            )
        if self._name in inner.names:
            raise SourceError(
                self.name,
                f"it has a column {self._name!r}, as the series of {listed(self._parts)} is called: name the "
                "columns of series in another order, or rename one in the file",
                code="column-repeated",
            )
        self.names = (*inner.names, self._name)

    def types(self) -> dict[str, pl.DataType]:
        """Types of the columns that are not texts."""
        return self.inner.types()

    def columns_of_file(self, columns: Columns) -> Columns:
        """With the parts, read as they stand, as times are: never as numbers, of which 01 is 1."""
        parts = tuple(name for name in self._parts if name not in columns.time)
        unused = tuple(name for name in columns.unused if name not in parts)
        return replace(columns, time=(*columns.time, *parts), series=None, unused=unused)

    def reshape(self, raw: Raw) -> Raw:
        """Rows with the column of the series."""
        parts = [raw.frame[name] for name in self._parts]
        for part in parts:
            if part.dtype.is_nested() or part.dtype in NO_NAMES:
                raise SourceError(
                    self.name,
                    f"column {part.name!r} holds {part.dtype}: no names of a series",
                    code="column-type",
                )
        return replace(raw, frame=raw.frame.with_columns(joined(parts).alias(self._name)))
