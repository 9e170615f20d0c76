"""Columns read as the time of a row, in one of the ways that they could be meant."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple

import polars as pl

from longstride.pipeline.ingest.errors import RecipeError
from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.times.stamps import to_nanoseconds

__all__ = ["Times", "has_zone", "read_as"]

ELSEWHERE = "Etc/GMT+7"
NOTHING: Mapping[str, str] = MappingProxyType({})


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
    is_elapsed: bool = False
    """Whether they count from a beginning that the column does not say."""
    why: Mapping[str, str] = NOTHING
    """Reasons of settings."""
    doubts: tuple[str, ...] = ()
    """Others, each with the setting that it is about."""
    open: tuple[str, ...] = ()
    """Settings that the log does not tell, and its owner has to say."""


def read_as(columns: Sequence[pl.Series], format_: str | None, **settings: Any) -> Times | None:
    """Columns read by a format, (T,) each; None where it does not go with them."""
    try:
        recipe = Recipe(time=tuple(column.name for column in columns), time_format=format_, **settings)
        return Times(recipe, to_nanoseconds(columns, recipe).nanoseconds)
    except RecipeError:
        return None


def has_zone(times: Times, columns: Sequence[pl.Series]) -> bool:
    """Whether times say of which zone they are: then another by default changes nothing."""
    elsewhere = replace(times.recipe, timezone=ELSEWHERE)
    if not columns:
        return elsewhere.start_ns == times.recipe.start_ns
    return to_nanoseconds(columns, elsewhere).nanoseconds.equals(times.nanoseconds)
