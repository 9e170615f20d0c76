"""One way to read columns as the times of rows."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import polars as pl

from longstride.pipeline.ingest.errors import RecipeError
from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.times.stamps import to_nanoseconds

__all__ = ["Times", "has_zone", "read_as"]

ELSEWHERE = "Etc/GMT+7"


class Times(NamedTuple):
    """Columns that may be the time of a row."""

    recipe: Recipe
    """How they are read."""
    nanoseconds: pl.Series
    """int64, (T,), null where missing or unreadable."""
    doubt: str | None = None
    rival: "Times | None" = None
    """Of a doubt that the column itself does not settle: the other reading."""
    score: float = 0.0
    """By their names, and by how much sense they make."""
    why: str | None = None
    """Why these columns are taken and not others."""


def read_as(columns: Sequence[pl.Series], format_: str | None, **settings: Any) -> Times | None:
    """Columns (T,) read in one way; None where they cannot be."""
    try:
        recipe = Recipe(time=tuple(column.name for column in columns), time_format=format_, **settings)
        return Times(recipe, to_nanoseconds(columns, recipe).nanoseconds)
    except RecipeError:
        return None


def has_zone(times: Times, columns: Sequence[pl.Series]) -> bool:
    """Whether times say of which zone they are: then another by default changes nothing."""
    elsewhere = to_nanoseconds(columns, replace(times.recipe, timezone=ELSEWHERE)).nanoseconds
    return elsewhere.equals(times.nanoseconds)
