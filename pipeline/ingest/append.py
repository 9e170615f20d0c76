"""What may be added to a store: files that it does not have, rows that are newer than its own."""

from collections.abc import Sequence

import numpy as np

from pipeline.ingest.errors import SourceError
from pipeline.ingest.files import checksum
from pipeline.ingest.parts import Part
from pipeline.ingest.recipe import Recipe
from pipeline.ingest.sources import Source
from storage.store import SeriesStore

__all__ = ["check_newer", "recipe_of", "refuse_known", "sensors_before"]


def recipe_of(store: SeriesStore) -> Recipe:
    """The recipe that a store was made by. Raises RecipeError where it has none."""
    return Recipe.from_settings(store.attributes["recipe"])


def refuse_known(store: SeriesStore, sources: Sequence[Source]) -> None:
    """Raise SourceError for a file whose bytes the store holds already, under whichever name."""
    known = {(source["bytes"], source["crc32c"]): source["name"] for source in store.attributes["sources"]}
    sizes = {num_bytes for num_bytes, _ in known}
    for source in sources:
        if source.num_bytes in sizes:
            name = known.get((source.num_bytes, checksum(source.name)))
            if name is not None:
                raise SourceError(source.name, f"{store.path} has the rows of this file already, as {name}")


def check_newer(store: SeriesStore, parts: Sequence[Part], sources: Sequence[Source]) -> None:
    """Raise SourceError for the first row that is not newer than what the store has of its series."""
    ends = dict(zip(store.series, store.series_end_ns, strict=True))
    for part in parts:
        for run in part.runs:
            if run.series in ends and run.first_time <= ends[run.series]:
                of = f" of series {run.series!r}" if run.series else ""
                raise SourceError(
                    sources[part.source].name,
                    f"it has a row at {_iso(run.first_time)}{of}, but {store.path} reaches to "
                    f"{_iso(ends[run.series])}: leave out the rows that are not newer, or make the store again of "
                    "its own sources and this one with --rebuild",
                )


def sensors_before(store: SeriesStore, found: Sequence[str] | None, columns: Sequence[str]) -> list[str] | None:
    """The sensors of a store, in its order. Raises SourceError where some are `found` that it does not have."""
    if found is None:
        return None
    suffix = "" if len(columns) == 1 else f"/{columns[0]}"
    sensors = [name.removesuffix(suffix) for name in store.channels[:: len(columns)]]
    added = sorted(set(found) - set(sensors))
    if added:
        raise SourceError(
            str(store.path),
            f"it has no channel for sensor {', '.join(map(repr, added))}: make it again with --rebuild",
        )
    return sensors


def _iso(nanoseconds: int) -> str:
    return str(np.datetime64(nanoseconds, "ns")).removesuffix(".000000000")
