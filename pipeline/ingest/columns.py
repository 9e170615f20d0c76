"""Which column of a file is what: time, series, sensor, labels, channels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from longstride.pipeline.ingest.errors import RecipeError, SourceError
from longstride.pipeline.ingest.recipe import Recipe

__all__ = ["MAX_LABEL", "Columns", "is_number", "listed", "union_of_channels"]

MAX_LABEL = 127
"""The smallest is 0."""
MAX_NAMES_SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Names of the columns of one file that are used, by what they are used for."""

    time: tuple[str, ...]
    series: str | None
    pivot: str | None
    labels: tuple[str, ...]
    """All that the store has."""
    channels: tuple[str, ...]
    """Columns of values, in the order of the file or of the recipe."""
    unused: tuple[str, ...]
    """All others."""
    absent_labels: tuple[str, ...] = ()
    """Labels that are not columns of the file: a query computes them, or they are 0."""
    lacking: Mapping[str, pl.DataType] = field(default_factory=dict)
    """Columns of other files, which a query sees as missing in the rows of this one."""
    absent_is_zero: bool = False
    """Whether labels that the file cannot say are 0."""

    @property
    def read_labels(self) -> tuple[str, ...]:
        """Labels that are columns of the file."""
        return tuple(name for name in self.labels if name not in self.absent_labels)

    @property
    def time_name(self) -> str:
        """Name of the time of a row, wherever it is put together."""
        taken = {*self.labels, *self.channels, *self.unused, self.series, self.pivot}
        name = self.time[0] if len(self.time) == 1 else "time"
        while name in taken:
            name = f"_{name}"
        return name

    @property
    def used(self) -> tuple[str, ...]:
        """Every column that is used."""
        keys = [name for name in (self.series, self.pivot) if name is not None]
        return (*self.time, *keys, *self.read_labels, *self.channels)

    @staticmethod
    def resolve(source: str, names: Sequence[str], unnamed: Sequence[str], recipe: Recipe) -> "Columns":
        """Give the columns of a file their use. Raises SourceError where one that every file needs is missing.

        `unnamed` are those of `names` that the file does not name: they hold values only where the recipe says so.
        """
        keys = [name for name in (recipe.series_column, recipe.pivot) if name is not None]
        needed = [*recipe.time_columns, *keys, *recipe.labels]
        present = frozenset(names)
        absent_labels = tuple(name for name in recipe.labels if name not in present)
        may_lack = recipe.sql is not None or recipe.absent_labels == "zero"
        absent = [name for name in needed if name not in present and not (may_lack and name in absent_labels)]
        if absent:
            remedy = "name one of them"
            if absent[0] in recipe.labels:
                remedy += (
                    f", compute it, as with --sql \"SELECT *, State <> 'Normal' AS {absent[0]} FROM rows\", or "
                    "where only some files have it, take it as 0 in others with --absent-labels zero"
                )
            if any(is_number(name) for name in names):
                remedy += ", or where the first row is not a header, give names with --header"
            raise SourceError(
                source,
                f"there is no column {listed(absent)}; the columns are {listed(names)}: {remedy}",
                code="column-missing",
            )
        if recipe.channels is None:
            out = {*needed, *recipe.series_parts, *recipe.exclude, *unnamed}
            channels = tuple(name for name in names if name not in out)
        else:
            channels = tuple(name for name in recipe.channels if name in present)
        if not channels and recipe.sql is None:
            remedy = "name some with --channels, or leave the file out"
            if recipe.channels:
                remedy = f"--channels names {listed(recipe.channels)}: name some of this file, or leave it out"
            raise SourceError(
                source,
                f"no column is left for values; the columns are {listed(names)}: {remedy}",
                code="no-channels",
            )
        used = {*needed, *channels}
        return Columns(
            time=recipe.time_columns,
            series=recipe.series_column,
            pivot=recipe.pivot,
            labels=recipe.labels,
            channels=channels,
            unused=tuple(name for name in names if name not in used),
            absent_labels=absent_labels,
            absent_is_zero=recipe.absent_labels == "zero",
        )


def union_of_channels(columns: Sequence[Columns], recipe: Recipe) -> tuple[str, ...]:
    """Columns of values of all files together, as they first come up, or in the order of the recipe.

    Raises RecipeError where the recipe names one that no file has.
    """
    found = dict.fromkeys(name for one in columns for name in one.channels)
    if recipe.channels is None:
        return tuple(found)
    absent = [name for name in recipe.channels if name not in found]
    if absent:
        raise RecipeError(
            f"--channels names {listed(absent)}, which no source has: name existing columns",
            code="column-missing",
        )
    return recipe.channels


def is_number(text: str) -> bool:
    """Whether Python takes a text for a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def listed(names: Sequence[str]) -> str:
    """Names as a sentence holds them."""
    shown = ", ".join(repr(name) for name in names[:MAX_NAMES_SHOWN])
    more = len(names) - MAX_NAMES_SHOWN
    return f"{shown} and {more:,} more" if more > 0 else shown
