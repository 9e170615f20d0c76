"""What an ingest is going to do, known before the first row is read: sources, columns, channels."""

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from longstride.pipeline.ingest.channel_map import Channel, Shape
from longstride.pipeline.ingest.columns import Columns, listed, union_of_channels
from longstride.pipeline.ingest.duration import format_duration
from longstride.pipeline.ingest.errors import RecipeError, SourceError
from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.sources.base import Source
from longstride.pipeline.ingest.sources.detect import open_source, refuse_idle_table, reshaped
from longstride.pipeline.ingest.sources.names import Names, find_files
from longstride.pipeline.ingest.sources.reading import Reading
from longstride.storage.location import local_path
from longstride.storage.version import __version__

if TYPE_CHECKING:
    from longstride.pipeline.ingest.sources.intervals import Intervals
    from longstride.pipeline.ingest.sources.row_labels import LabelFile

__all__ = ["Plan", "make_plan"]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Sources, and the columns of each."""

    recipe: Recipe
    sources: tuple[Source, ...]
    columns: tuple[Columns, ...]
    channels: tuple[tuple[str, ...], ...]
    """Columns of values of each source, those of a query included."""
    union: tuple[str, ...]
    """Columns of values of all sources together."""
    intervals: "Intervals | None" = None
    """Labels that are in a file of their own."""
    label_files: "tuple[LabelFile | None, ...]" = ()
    """That of each source, where labels are in files with a row for each row; None where it has none."""
    labels_of_files: tuple[str, ...] = ()
    """The names of these labels."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels of the store, in order."""
        of_files = self.labels_of_files if self.intervals is None else self.intervals.names
        return (*self.recipe.labels, *of_files)

    def readings(self, folder: Path, piece_bytes: int) -> list[Reading]:
        """What the tasks of each source have in common."""
        return [
            Reading(
                number=number,
                source=source,
                columns=columns,
                recipe=self.recipe,
                folder=folder,
                dtype=self._staged_dtype,
                piece_bytes=piece_bytes,
                channels=channels,
                intervals=self.intervals,
            )
            for number, (source, columns, channels) in enumerate(
                zip(self.sources, self.columns, self.channels, strict=True)
            )
        ]

    @property
    def _staged_dtype(self) -> str:
        """Rows that are computed with are rounded only when they are stored."""
        recipe = self.recipe
        computes = recipe.rate or recipe.grid_ns or recipe.fill != "none" or recipe.duplicates == "mean"
        return "float64" if computes else recipe.dtype

    def shape(self, sensors: Sequence[str] | None) -> Shape:
        """Where the values of each source belong."""
        groups = {names: number for number, names in enumerate(dict.fromkeys(map(frozenset, self.channels)))}
        position = {name: index for index, name in enumerate(self.union)}
        return Shape(
            names=tuple(source.name for source in self.sources),
            line=tuple(source.line for source in self.sources),
            column_names=self.union,
            labels=self.labels,
            columns=tuple(np.array([position[name] for name in names], np.intp) for names in self.channels),
            group=tuple(groups[frozenset(names)] for names in self.channels),
            sensors=None if sensors is None else tuple(sensors),
        )

    def store_channels(self, sensors: Sequence[str] | None) -> list[Channel]:
        """Channels of the store, in order."""
        if sensors is None:
            return [Channel(name, name) for name in self.union]
        if len(self.union) == 1:
            return [Channel(sensor, self.union[0]) for sensor in sensors]
        return [Channel(f"{sensor}/{column}", column) for sensor in sensors for column in self.union]

    def check_settings(self, channels: Sequence[Channel]) -> None:
        """Raise RecipeError where a setting names a channel that does not exist."""
        known = {name for channel in channels for name in (channel.name, channel.column)}
        for setting, names in self.recipe.columns_in_settings.items():
            unknown = [name for name in names if name not in known]
            if unknown:
                known_names = listed([channel.name for channel in channels])
                raise RecipeError(
                    f"{setting} names {listed(unknown)}; the channels are {known_names}",
                    code="column-missing",
                )

    def resolved_recipe(self, max_gap_ns: int) -> Recipe:
        """The recipe as a store keeps it, with what the sources have decided."""
        return replace(
            self.recipe,
            channels=self.recipe.channels if self.recipe.sql else self.union,
            exclude=self.recipe.exclude if self.recipe.sql else (),
            max_gap=format_duration(max_gap_ns) if max_gap_ns else None,
            label_file=_anywhere(self.recipe.label_file),
            label_file_crc=self._label_crc,
        )

    @property
    def _label_crc(self) -> str | None:
        if self.intervals is not None:
            return self.intervals.crc
        if not self.label_files:
            return None
        from longstride.pipeline.ingest.sources.row_labels import crc_of

        return crc_of(self.label_files)

    def fingerprint(self, piece_bytes: int) -> str:
        """Text that is the same where a job may take over the parts of another."""
        return json.dumps(
            {
                "sources": [source.identity for source in self.sources],
                "recipe": self.recipe.as_json(),
                "labels": self._label_crc,
                "piece_bytes": piece_bytes,
                "versions": {"longstride": __version__, "polars": pl.__version__},
            },
            sort_keys=True,
        )


def make_plan(
    names: Names,
    recipe: Recipe,
    *,
    union: Sequence[str] | None = None,
    labels: Sequence[str] | None = None,
    is_new: bool = False,
    rows: Mapping[str, Source] | None = None,
) -> Plan:
    """Open all sources and decide what each of their columns is. Raises RecipeError or SourceError.

    `union` are the columns of values of an existing store, and `labels` its labels; the new sources may lack
    some of the columns. A recipe that `is_new` may hold nothing that does nothing. `rows` are sources that were
    opened before, by their names.
    """
    rows = rows or {}
    sources = tuple(
        reshaped(rows[name], recipe) if name in rows else open_source(name, recipe) for name in find_files(names)
    )
    known = {name for source in sources for name in source.names}
    unknown = [name for name in recipe.exclude if name not in known]
    if unknown and (is_new or recipe.absent_labels == "error"):
        raise RecipeError(f"exclude names {listed(unknown)}, which no source has", code="column-missing")
    columns: list[Columns] = []
    for source in sources:
        repeated = sorted(name for name, count in Counter(source.names).items() if count > 1)
        if repeated:
            raise SourceError(
                source.name,
                f"two columns are named {repeated[0]!r}: rename one in the file",
                code="column-repeated",
            )
        columns.append(Columns.resolve(source.name, source.names, source.unnamed, recipe))
    union = tuple(union) if union is not None else union_of_channels(columns, recipe)
    channels = tuple(one.channels for one in columns)
    if recipe.duplicates == "spread" and len(set(map(frozenset, channels))) > 1:
        raise RecipeError(
            "duplicates spread does not go with files that differ in their columns, as of these rows of one time "
            "are joined: ingest them apart, or leave out with exclude what only some have",
            code="recipe-conflict",
        )
    if recipe.sql is not None:
        from longstride.pipeline.ingest.query import Query

        if recipe.absent_labels == "zero":
            columns = _with_lacking(recipe, sources, columns)
        queries = [
            Query(recipe.sql, one, _types(source, one.unused))
            for source, one in zip(sources, columns, strict=True)
        ]
        channels = tuple(query.channels for query in queries)
        union = tuple(dict.fromkeys(name for names in channels for name in names))
    if is_new:
        recipe.refuse_idle()
        refuse_idle_table(sources, recipe.table)
        _refuse_unknown_labels(recipe, columns)
    known_labels = None if labels is None else labels[len(recipe.labels) :]
    intervals, label_files = _labels_of(sources, recipe, known_labels)
    labels_of_files = next((file.names for file in label_files if file is not None), tuple(known_labels or ()))
    plan = Plan(
        recipe=recipe,
        sources=sources,
        columns=tuple(columns),
        channels=channels,
        union=union,
        intervals=intervals,
        label_files=label_files,
        labels_of_files=labels_of_files if label_files else (),
    )
    if is_new:
        named = {name for one in columns for name in one.channels} | set(plan.labels[len(recipe.labels) :])
        _check_columns_of_values(recipe, named)
    taken = sorted({*union, *recipe.labels} & set(plan.labels[len(recipe.labels) :]))
    if taken:
        raise RecipeError(
            f"{recipe.label_file} names a label {taken[0]!r}, and so is a column called: rename it there",
            code="column-repeated",
        )
    if recipe.pivot is None:
        plan.check_settings(plan.store_channels(None))
    return plan


def _labels_of(
    sources: Sequence[Source], recipe: Recipe, known: Sequence[str] | None
) -> "tuple[Intervals | None, tuple[LabelFile | None, ...]]":
    """Labels in files of their own: of intervals, or of rows."""
    if recipe.label_file is None:
        return None, ()
    from longstride.pipeline.ingest.sources.intervals import read_intervals
    from longstride.pipeline.ingest.sources.row_labels import find_label_files

    intervals = read_intervals(recipe, known)
    return intervals, () if intervals else find_label_files(sources, recipe, known)


def _anywhere(label_file: str | None) -> str | None:
    """The same from any working directory."""
    if label_file is None:
        return None
    from longstride.pipeline.ingest.sources.row_labels import PLACES

    if label_file.startswith(PLACES):
        return label_file
    return str(local_path(label_file).absolute())


def _with_lacking(recipe: Recipe, sources: Sequence[Source], columns: Sequence[Columns]) -> list[Columns]:
    """The columns of each source, with those that only others have, for a query that uses them."""
    types: dict[str, pl.DataType] = dict.fromkeys(recipe.exclude, pl.String())
    for source, one in zip(sources, columns, strict=True):
        types |= dict(_types(source, one.unused))
        types |= dict.fromkeys(one.read_labels, pl.Int64())
        types |= dict.fromkeys(one.channels, pl.Float64())
    return [
        replace(one, lacking={name: types[name] for name in types if name not in source.names})
        for source, one in zip(sources, columns, strict=True)
    ]


def _refuse_unknown_labels(recipe: Recipe, columns: Sequence[Columns]) -> None:
    """Raise RecipeError for a label that no source has, and no query computes: all of it would be 0."""
    for name in recipe.labels:
        if recipe.sql is None and all(name in one.absent_labels for one in columns):
            raise RecipeError(f"labels names {name!r}, which no source has", code="column-missing")


def _check_columns_of_values(recipe: Recipe, channels: Collection[str]) -> None:
    """Raise RecipeError where an entry seems to name a column, and that is none of values."""
    decimal = (recipe.decimal,) if isinstance(recipe.decimal, str) else recipe.decimal
    settings = {
        "null": recipe.null,
        "decimal": decimal,
        "thousands": recipe.thousands,
        "strip": recipe.strip,
        "scale": recipe.scale,
        "negative": recipe.negative,
        "states": recipe.states,
    }
    for setting, entry in [(setting, entry) for setting, entries in settings.items() for entry in entries]:
        name, mark, _ = entry.partition("=")
        if mark and name and not any(entry.startswith(f"{channel}=") for channel in channels):
            text = "of a missing value" if setting == "null" else "to leave out"
            itself = f"; where {entry!r} is itself the text {text}, write COLUMN={entry}"
            raise RecipeError(
                f"{setting} is {entry!r}, but {name!r} is not a column of values: name one of "
                f"{listed(sorted(channels))}{itself if setting in ('null', 'strip') else ''}",
                code="column-missing",
            )


def _types(source: Source, names: Sequence[str]) -> Mapping[str, pl.DataType]:
    schema: dict[str, Any] = source.types()
    return {name: schema.get(name, pl.String()) for name in names}
