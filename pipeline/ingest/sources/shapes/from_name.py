"""What the name of a file says of all its rows: their series, their sensor, their date."""

import shlex
from collections.abc import Iterable
from dataclasses import replace
from pathlib import PurePath

import polars as pl

from longstride.pipeline.ingest.columns import Columns, listed
from longstride.pipeline.ingest.errors import SourceError
from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.settings.pattern import group_of, search
from longstride.pipeline.ingest.sources.base import Raw, Source
from longstride.pipeline.ingest.sources.shapes.reshaped import Reshaped

__all__ = ["FromName", "base_name"]

COLUMNS = ("series_from", "date_from")
"""Settings by which a part of the name becomes a column."""


class FromName(Reshaped):
    """A source with columns that its name holds, and a prefix before the names of its own columns."""

    def __init__(self, inner: Source, recipe: Recipe) -> None:
        """Raise SourceError where the name of the file does not match."""
        super().__init__(inner)
        self._made: dict[str, str] = {}
        for setting in COLUMNS:
            if (text := getattr(recipe, setting)) is not None:
                column, found = _found(inner, setting, text)
                self._made[column] = found
        shared = {*recipe.time_columns, *recipe.series_parts, recipe.series, recipe.pivot, *recipe.labels}
        prefix = "" if recipe.prefix_from is None else f"{_found(inner, 'prefix_from', recipe.prefix_from)[1]}/"
        self._given = {name: name if name in shared else f"{prefix}{name}" for name in inner.names}
        self._of_file = {given: name for name, given in self._given.items()}
        self.names = (*self._made, *self._given.values())
        self.unnamed = tuple(self._given[name] for name in inner.unnamed)
        if taken := [name for name in self._made if name in self._given.values()]:
            raise SourceError(
                self.name,
                f"it has a column {listed(taken)} of its own: call the group of the regular expression otherwise, "
                f"as in (?P<{taken[0]}_of_file>...)",
                code="column-repeated",
            )

    def types(self) -> dict[str, pl.DataType]:
        """Types of the columns that are not texts."""
        return {self._given[name]: dtype for name, dtype in self.inner.types().items()}

    def columns_of_file(self, columns: Columns) -> Columns:
        """Without those that the name holds."""
        return replace(
            columns,
            time=self._read(columns.time),
            series=next(iter(self._read([columns.series or ""])), None),
            channels=self._read(columns.channels),
            unused=self._read(columns.unused),
        )

    def reshape(self, raw: Raw) -> Raw:
        """Rows with what the name says of them."""
        frame = raw.frame.rename({name: self._given[name] for name in raw.frame.columns})
        made = [pl.Series(name, [text]).new_from_index(0, frame.height) for name, text in self._made.items()]
        return replace(raw, frame=frame.with_columns(made))

    def _read(self, names: Iterable[str]) -> tuple[str, ...]:
        return tuple(self._of_file[name] for name in names if name in self._of_file)


def base_name(name: str) -> str:
    """The last part of a path or URL; of a file in an archive, that in the archive."""
    return PurePath(name.partition("::")[0]).name


def _found(source: Source, setting: str, text: str) -> tuple[str, str]:
    """The group of a regular expression, and what it is in the name of a source."""
    setting = setting.replace("_", "-")
    group = group_of(setting, text)
    is_of_path = "/" in text
    path = source.path or source.name  # of rows, what they are called
    searched = path if is_of_path else base_name(path)
    found = search(text, group, searched)
    if not found:
        reason = "does not match" if found is None else f"has nothing for the group {group!r} of"
        raise SourceError(
            source.name,
            f"its {'path' if is_of_path else 'name'}, {searched!r}, {reason} {setting} {shlex.quote(text)}: "
            "rename the file, leave it out, or give another regular expression",
            code="name-unmatched",
        )
    return group, found
