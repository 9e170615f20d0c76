"""Which columns are the time of a row, and how it is written."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import NamedTuple

import polars as pl

from longstride.pipeline.ingest.errors import RecipeError
from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.settings.epochs import UNITS_NS
from longstride.pipeline.ingest.times.stamps import to_nanoseconds
from longstride.pipeline.profile.column import MOST, Column, steps
from longstride.pipeline.profile.dialect import to_numbers
from longstride.pipeline.profile.time_formats import clock_formats, date_formats, datetime_formats, is_clock

__all__ = [
    "Times",
    "find_times",
    "has_zone",
    "is_time_of_day",
    "name_score",
    "parts_of_time",
    "plain",
    "read_times",
]

MAX_TEXTS = 50
"""Texts that are looked at for formats."""
FIRST_SECOND, LAST_SECOND = 631_152_000, 4_102_444_800
"""The years 1990 to 2100."""
ELSEWHERE = "Etc/GMT+7"
TIME_NAME = re.compile(r"(date|time|timestamp|datetime|ts|epoch)(local|utc|gmt)?")
PARTS = {
    "year": (("year", "yyyy", "yr", "yy"), 1900, 2100),
    "month": (("month", "mon", "mo", "mm"), 1, 12),
    "day": (("day", "dd", "dy"), 1, 31),
    "hour": (("hour", "hr", "hh"), 0, 23),
    "minute": (("minute", "min", "mn", "mm"), 0, 59),
    "second": (("second", "sec", "ss"), 0, 59),
}
"""Names of columns that hold a part of the time, and between what their numbers are."""


class Times(NamedTuple):
    """Columns that may be the time of a row."""

    recipe: Recipe
    """How they are read."""
    nanoseconds: pl.Series
    """int64, (T,), null where missing or unreadable."""
    doubt: str | None = None
    score: float = 0.0
    """By their names, and by how mostly they are in order."""


def find_times(columns: Mapping[str, Column], blocks: pl.Series) -> list[Times]:
    """Find the columns that may be the time of a row, the most likely first.

    `blocks` (T,) says which rows follow each other in a file.
    """
    found: list[Times] = []

    def add(times: Times | None, named: int, score: float) -> None:
        if times is not None:
            found.append(times._replace(score=named + score + _order_score(times.nanoseconds, blocks)))

    for name, column in columns.items():
        times = read_times([column.raw], blocks)
        if times is None or times.recipe.epoch is None:
            add(times, name_score(name), 2)
        elif name_score(name) or _order_score(times.nanoseconds, blocks) >= MOST:
            add(times, name_score(name), 0)  # others are channels whose numbers happen to be as large
    for clock, column in columns.items():
        if column.raw.dtype == pl.Time or is_time_of_day(column) or _is_part(column, "hour"):
            for date in (name for name, other in columns.items() if name != clock and other.is_flat):
                times = read_times([columns[date].raw, column.raw], blocks)
                # A bit more than the date alone.
                add(times, max(name_score(date), name_score(clock)), 2.5)
    if parts := parts_of_time(columns):
        add(_read([columns[name].raw for name in parts], None), 0, 4)
    return sorted(found, key=lambda times: -times.score)


def is_time_of_day(column: Column) -> bool:
    """Whether most of the texts are such as 18:00 or 18.00.00."""
    found = column.values.head(MAX_TEXTS).to_list()
    return bool(found) and sum(map(is_clock, found)) >= MOST * len(found)


def parts_of_time(columns: Mapping[str, Column]) -> tuple[str, ...]:
    """Columns named year, month, day and so on, as many as exist; none if these three are not all there."""
    names: list[str] = []
    for part in PARTS:
        others = (name for name, column in columns.items() if name not in names and _is_part(column, part))
        name = next(others, None)
        if name is None:
            break
        names.append(name)
    return tuple(names) if len(names) >= 3 else ()


def _is_part(column: Column, part: str) -> bool:
    known, low, high = PARTS[part]
    if plain(column.name) not in known or column.numbers.count() < MOST * len(column.numbers):
        return False
    return column.is_whole and bool(column.numbers.is_between(low, high).all())


def plain(name: str) -> str:
    """A name without what is written differently."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def name_score(name: str) -> int:
    """How much a name is one of a time."""
    return 3 if TIME_NAME.fullmatch(plain(name)) else 2 if re.search("time|date|stamp", plain(name)) else 0


def _order_score(nanoseconds: pl.Series, blocks: pl.Series) -> float:
    """Share of rows in order; less where the time is always the same."""
    found = steps(nanoseconds, blocks)
    if found.is_empty():
        return 1.0
    if (found == 0).all():
        return -2.0
    return max(int((found >= 0).sum()), int((found <= 0).sum())) / len(found)


def read_times(columns: Sequence[pl.Series], blocks: pl.Series) -> Times | None:
    """Find how to read one column of times, or two of date and time of day; None where they are not times.

    `columns` are (T,) each, `blocks` (T,) says which rows follow each other in a file.
    """
    found = [times for format_ in _formats(columns) if (times := _read(columns, format_)) is not None]
    most = max((times.nanoseconds.count() for times in found), default=0)
    texts = columns[0].cast(pl.String).str.strip_chars() if most else columns[0].clear()
    if not most or most < MOST * len(texts.filter(texts != "")):
        return None
    first, *others = (times for times in found if times.nanoseconds.count() == most)
    format_ = first.recipe.time_format
    if format_ and others and others[0].recipe.time_format == _swapped(format_):
        return _day_or_month(first, others[0], blocks)
    return first


def _read(columns: Sequence[pl.Series], format_: str | None) -> Times | None:
    recipe = Recipe(time=tuple(column.name for column in columns), time_format=format_)
    try:
        return Times(recipe, to_nanoseconds(columns, recipe).nanoseconds)
    except RecipeError:
        return None


def has_zone(times: Times, columns: Sequence[pl.Series]) -> bool:
    """Whether times say of which zone they are: then another by default changes nothing."""
    elsewhere = to_nanoseconds(columns, replace(times.recipe, timezone=ELSEWHERE)).nanoseconds
    return elsewhere.equals(times.nanoseconds)


def _swapped(format_: str) -> str:
    """A format with the month where the day was."""
    return format_.replace("%d", "%_").replace("%m", "%d").replace("%_", "%m")


def _day_or_month(first: Times, second: Times, blocks: pl.Series) -> Times:
    """Choose between two ways to read times of which no value over 12 tells day from month."""

    def disorder(times: Times) -> tuple[int, int]:
        """How often times go against their order, and how many different steps they take."""
        found = steps(times.nanoseconds, blocks)
        return min(int((found < 0).sum()), int((found > 0).sum())), found.n_unique()

    chosen, other = sorted((first, second), key=disorder)
    (back, kinds), (back_other, kinds_other) = disorder(chosen), disorder(other)
    format_ = other.recipe.time_format
    doubt = f"no value over 12 tells day from month; read as {format_}, "
    if back < back_other:
        doubt += "more rows would go back in time"
    elif kinds < kinds_other:
        doubt += "steps would differ more"
    else:
        doubt = f"nothing in the sample tells day from month: if this is wrong, it is {format_}"
    return chosen._replace(doubt=doubt)


def _formats(columns: Sequence[pl.Series]) -> list[str | None]:
    """Formats that the first texts could have, ISO 8601 first."""
    dtype = columns[0].dtype
    if len(columns) == 1 and not (dtype == pl.String or dtype.is_numeric()):
        return [None] if dtype in (pl.Date, pl.Datetime) else []
    texts = [
        column.cast(pl.String).drop_nulls().str.strip_chars().unique(maintain_order=True).head(MAX_TEXTS).to_list()
        for column in columns
    ]
    if len(columns) == 1:
        formats = [format_ for text in texts[0] for format_ in datetime_formats(text)]
        return list(dict.fromkeys([*_epoch_unit(columns[0]), *([None] if formats else []), *formats]))
    dates = dict.fromkeys(format_ for text in texts[0] for format_ in date_formats(text))
    hours = all(text.isdigit() for text in texts[1])
    clocks = dict.fromkeys(["%H"] if hours else [found for text in texts[1] for found in clock_formats(text)])
    return [None, *(f"{date} {clock}" for date, clock in product(dates, clocks))]


def _epoch_unit(column: pl.Series) -> list[str | None]:
    """The unit in which most numbers are times from 1990 to 2100."""
    values = to_numbers(column.cast(pl.String), ".").drop_nulls().drop_nans()
    for unit in ("s", "ms", "us", "ns"):
        scale = UNITS_NS["s"] // UNITS_NS[unit]
        num_in_reach = int(values.is_between(FIRST_SECOND * scale, LAST_SECOND * scale).sum())
        if num_in_reach and num_in_reach >= MOST * len(values):
            return [unit]
    return []
