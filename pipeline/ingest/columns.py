"""Which column of a file is what: time, series, labels, channels."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.ingest.errors import SourceError
from pipeline.ingest.recipe import Recipe

__all__ = ["Columns"]

MAX_NAMES_SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Names of the columns that are used, by what they are used for."""

    time: str
    series: str | None
    labels: tuple[str, ...]
    channels: tuple[str, ...]

    @staticmethod
    def resolve(source: str, names: Sequence[str], recipe: Recipe) -> "Columns":
        """Give the columns of a file their use. Raises SourceError where one is missing, unnamed or double."""
        for position, name in enumerate(names, 1):
            if not name:
                raise SourceError(source, f"column {position} has no name: give it one in the header")
            if names.index(name) != position - 1:
                raise SourceError(source, f"two columns are named {name!r}: rename one in the header")
        named = {*recipe.time_columns, *recipe.labels, *({recipe.series} if recipe.series else ())}
        channels = recipe.channels
        if channels is None:
            channels = tuple(name for name in names if name not in named and name not in recipe.exclude)
        absent = [
            name
            for name in (*recipe.time_columns, recipe.series, *recipe.labels, *channels)
            if name not in (*names, None)
        ]
        if absent:
            raise SourceError(
                source, f"there is no column {_listed(absent)}; the columns are {_listed(names)}: name one of them"
            )
        if not channels:
            raise SourceError(source, f"no column is left for values; the columns are {_listed(names)}")
        return Columns(time=recipe.time_columns[0], series=recipe.series, labels=recipe.labels, channels=channels)

    def check_same(self, source: str, other: "Columns", other_source: str) -> None:
        """Raise SourceError unless a file has the channels of an `other`; their order may differ."""
        missing = [name for name in other.channels if name not in self.channels]
        if missing:
            raise SourceError(
                source,
                f"there is no column {_listed(missing)}, which {other_source} has: "
                "name the columns that all files have with --channels",
            )
        added = [name for name in self.channels if name not in other.channels]
        if added:
            raise SourceError(
                source,
                f"column {_listed(added)} is not in {other_source}: leave it out with --exclude, "
                "or name the columns that all files have with --channels",
            )


def _listed(names: Sequence[str | None]) -> str:
    shown = ", ".join(repr(name) for name in names[:MAX_NAMES_SHOWN])
    more = len(names) - MAX_NAMES_SHOWN
    return f"{shown} and {more:,} more" if more > 0 else shown
