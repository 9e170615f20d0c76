"""Local times to UTC, also where clocks are changed."""

from typing import Literal

import polars as pl

from longstride.pipeline.ingest.errors import RecipeError
from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.settings.epochs import UNITS_NS
from longstride.pipeline.ingest.times.whole_numbers import none, scaled

__all__ = ["Clock"]


class Clock:
    """The clock of a recipe's zone: it reads times that carry no zone, and counts those that needed the policy."""

    def __init__(self, recipe: Recipe) -> None:
        self.zone = recipe.timezone
        """Name of it."""
        # What is inferred needs more rows than are seen here.
        self._ambiguous = "reject" if recipe.ambiguous == "infer" else recipe.ambiguous
        self._nonexistent = recipe.nonexistent
        self.num_ambiguous = 0
        """Times that occur twice, read as the earliest or the latest."""
        self.num_nonexistent = 0
        """Times that never occur, moved forward."""

    def to_nanoseconds(self, datetimes: pl.Series) -> pl.Series:
        """Nanoseconds (int64) since 1970 UTC of datetimes, with a zone or without.

        Null where nanoseconds do not reach, and where a time occurs twice or never and the recipe rejects it.
        Raises RecipeError where Polars does not know the zone.
        """
        unit: str = datetimes.dtype.time_unit  # type: ignore[attr-defined]
        has_zone = datetimes.dtype.time_zone is not None  # type: ignore[attr-defined]
        units = datetimes.to_physical() if has_zone or self.zone == "UTC" else self._to_utc(datetimes)
        return scaled(units, UNITS_NS[unit])

    def _to_utc(self, local: pl.Series) -> pl.Series:
        """Units since 1970 UTC."""
        utc = self._in_zone(local, "null").to_physical()
        if self._ambiguous == "reject" and self._nonexistent == "reject":
            return utc
        # They are few: only they are read again.
        doubtful = local.is_not_null() & utc.is_null()
        if not doubtful.any():
            return utc
        return utc.scatter(doubtful.arg_true(), self._settled(local.filter(doubtful)))

    def _settled(self, doubtful: pl.Series) -> pl.Series:
        """Units since 1970 UTC of times that occur twice or never."""
        earliest = self._in_zone(doubtful, "earliest")
        twice, never = earliest.is_not_null(), earliest.is_null()
        settled = none(len(doubtful))
        if self._ambiguous != "reject":
            chosen = earliest if self._ambiguous == "earliest" else self._in_zone(doubtful, "latest")
            settled = chosen.to_physical()
            self.num_ambiguous += int(twice.sum())
        if self._nonexistent == "forward":
            # The offset before the change is that of the day before: the longest gap, at the date line, is a day.
            moved = self._in_zone(doubtful.dt.offset_by("-24h"), "latest").dt.offset_by("24h")
            settled = pl.select(pl.when(never).then(moved.to_physical()).otherwise(settled)).to_series()
            self.num_nonexistent += int(never.sum())
        return settled

    def _in_zone(self, local: pl.Series, ambiguous: Literal["null", "earliest", "latest"]) -> pl.Series:
        """Null where a time never occurs."""
        try:
            return local.dt.replace_time_zone(self.zone, ambiguous=ambiguous, non_existent="null")
        except pl.exceptions.PolarsError:
            raise RecipeError(
                f"timezone {self.zone!r} is not known to Polars: expected a name such as UTC or Europe/Berlin",
                code="recipe-value",
            ) from None
