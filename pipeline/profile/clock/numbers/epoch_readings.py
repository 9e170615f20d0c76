"""Numbers that may be times: the epochs and the dates in digits that they could be of, the likeliest first."""

import re
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

import polars as pl

from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.settings.epochs import epoch_of
from longstride.pipeline.ingest.times.stamps import to_nanoseconds
from longstride.pipeline.profile.clock.numbers.parts import INVENTED
from longstride.pipeline.profile.clock.sense import YEAR_NS, Sense, sense
from longstride.pipeline.profile.column import MOST, Column
from longstride.pipeline.profile.words.time_formats import digit_formats
from longstride.pipeline.profile.words.time_names import name_score, plain

__all__ = ["NumberReading", "is_unnamed_moment", "read_numbers", "with_decimal_comma"]

COSTS = {
    "s": 0.0,
    "ms": 0.0,
    "us": 0.0,
    "ns": 0.0,
    "excel": 0.3,
    "matlab": 0.3,
    "ticks": 0.3,
    "filetime": 0.3,
    "julian": 0.3,
    "labview": 0.6,
    "apple": 0.8,
    "mjd": 0.8,
    "gps": 1.0,
    "ntp": 1.0,
    "excel-1904": 1.5,
    "us since 1601-01-01": 0.9,
    "d since 1970-01-01": 0.9,
    "s since 2000-01-01": 1.5,
    "s since 1989-12-31": 1.8,
    "ordinal": 1.2,
    **{f"{unit} since gps": 1.9 for unit in ("ms", "us", "ns")},
    **{f"{unit} since 2001-01-01": 1.4 for unit in ("ms", "us", "ns")},
    **{f"{unit} since 1904-01-01": 1.2 for unit in ("ms", "us")},
}
"""Formats of numbers, and how seldom logs are written so."""
SAID = {
    "excel": r"excel|serial",
    "matlab": r"matlab",
    "ordinal": r"ordinal",
    "julian": r"julian|(?<!m)jd",
    "mjd": r"mjd|modified",
    "gps": r"gps",
    **{f"{unit} since gps": r"gps" for unit in ("ms", "us", "ns")},
    "apple": r"apple|cocoa|nsdate|cfabsolute",
    "labview": r"labview",
    "ntp": r"ntp",
    "s since 2000-01-01": r"j2000|y2000|since2000",
    "s since 1989-12-31": r"garmin|fittime",
}
"""Names of columns that say of which kind their numbers are."""
SURE = {"julian": (2_341_973, 2_488_070)}
"""Numbers from 1700 to 2100 that are too large to be of another kind, where the name says theirs."""
SAID_COST = -1.0
NAMED_ALONE = "d since 1970-01-01"
"""As R counts them: too small to be told from other numbers without a name."""
DIGITS_COST = -0.5
"""Of a date in digits that fits every number."""
SHORT_YEAR_COST = 0.4
"""More, where the year has two digits: 200501010030 is rather a time of January 2005 than one of May 2020."""
MOMENT = re.compile(
    rf"{INVENTED.pattern}|[Ww]hen|.*(?:[_ ][aA]t|[a-z]At)"
    r"|(?i:recorded|logged|created|measured|observed|received|sampled)"
)
"""Names that say little, and those of a moment."""
WHOLE = "%Y%m%d%H%M"
"""So long a date that all numbers of a column are one by chance is out of the question."""
FIRST_NS, LAST_NS = 631_152_000 * 10**9, 4_102_444_800 * 10**9
"""The years 1990 to 2100."""
LONG_AGO_NS = -2_208_988_800 * 10**9
"""1900, for dates in digits that are called so."""
YOUNGEST_NS = 5 * YEAR_NS
YEARS_A_POINT = 15.0
"""So many years ago, or ahead, cost as much as a point of the above."""


class NumberReading(NamedTuple):
    """One way to read numbers as times."""

    recipe: Recipe
    nanoseconds: pl.Series
    sense: Sense
    cost: float
    """The smaller, the likelier."""


def read_numbers(column: Column, blocks: pl.Series, today: datetime | None = None) -> list[NumberReading]:
    """All readings of a column of numbers as times of this age, the likeliest first."""
    count = column.numbers.count()
    if not count or not column.name or count < MOST * max(1, column.texts.count()):
        return []
    # Most columns are of values, which are far too small: nothing of them is read.
    is_named = name_score(column.name) == 3
    is_large = is_named or float(column.numbers.max()) >= LEAST  # type: ignore[arg-type]
    kinds = [format_ for format_ in COSTS if is_named or format_ != NAMED_ALONE]
    formats = [format_ for format_ in kinds if is_large and _num_in_reach(column, format_) >= MOST * count]
    found = []
    for format_ in (*_digits(column), *formats):
        recipe = Recipe(time=column.name, time_format=format_, decimal=(column.spelling.decimal,))
        nanoseconds = to_nanoseconds([column.raw], recipe).nanoseconds
        if nanoseconds.count() < MOST * count:
            continue  # they are numbers of another spelling than times are read in
        first_ns = LONG_AGO_NS if name_score(column.name) == 3 else FIRST_NS
        if format_ in COSTS or nanoseconds.is_between(first_ns, LAST_NS).sum() == count:
            seen = sense(nanoseconds, blocks, today)
            cost = (
                COSTS.get(format_, DIGITS_COST)
                + SAID_COST * _is_said(column, format_)
                + _cost_of_age(seen, format_)
                + 1
            )
            cost -= seen.score
            found.append(NumberReading(recipe, nanoseconds, seen, cost))
    found.sort(key=lambda reading: reading.cost)
    return [reading for reading in found if not _is_beaten(reading, found[0])]


def with_decimal_comma(column: Column) -> Column:
    """A column of texts such as 1577836800,5 as one of numbers; others as they are."""
    if column.is_plain or column.raw.dtype != pl.String or not column.values.str.contains(r"^\d{4,},\d+$").any():
        return column
    return Column(column.raw, replace(column.spelling, decimal=","), column.unit)


def is_unnamed_moment(column: Column, first: NumberReading) -> bool:
    """Whether a column without a name, or one such as created_at, holds Unix time of the past, or such a date and
    time in digits as 20141127070233.
    """
    format_ = str(first.recipe.time_format)
    is_moment = format_ in ("s", "ms", "us", "ns") or format_.startswith(WHOLE)
    seen = first.sense
    return is_moment and MOMENT.fullmatch(column.name) is not None and not (seen.is_future or seen.num_leaps)


def _is_beaten(reading: NumberReading, first: NumberReading) -> bool:
    """Whether another reading of the digits says the whole year, and has steps that are more alike."""
    short, whole = ("%y" in str(reading.recipe.time_format), "%Y" in str(first.recipe.time_format))
    return short and whole and reading.sense.disorder > first.sense.disorder


def _digits(column: Column) -> list[str]:
    """Formats of dates in digits that the numbers could be; each must fit all of them."""
    texts = column.values
    if texts.is_empty() or not texts.str.contains(r"^\d{6,17}(?:\.\d+)?$").all():
        return []
    whole = texts.str.replace(r"\..*$", "")
    if whole.str.len_chars().n_unique() != 1 or not (column.is_whole or len(whole[0]) in (12, 14)):
        return []
    is_named = name_score(column.name) == 3
    fraction = "%.f" if texts.str.contains(".", literal=True).any() else ""
    formats = digit_formats(str(whole[0]), is_named=is_named)
    found = [format_ for format_ in formats if is_named or re.search("%[Hdj]", format_)]
    return [f"{one}{fraction}" for one in found if not fraction or one.endswith("%S")]


def _is_said(column: Column, format_: str) -> bool:
    """Whether the name of a column says that its numbers are of this kind."""
    return re.search(SAID.get(format_, "$^"), plain(column.name)) is not None


def _num_in_reach(column: Column, format_: str) -> int:
    """How many are times from 1990 to 2100. Small ones count something else: no log is from the first years."""
    is_sure = format_ in SURE and _is_said(column, format_)
    low, high = SURE[format_] if is_sure else REACH[format_]
    return int(column.numbers.is_between(low, high).sum())


def _reach(format_: str) -> tuple[float, float]:
    epoch = epoch_of(format_)
    assert epoch is not None
    first = max(FIRST_NS, epoch.origin_ns + YOUNGEST_NS)
    return (first - epoch.origin_ns) / epoch.unit_ns, (LAST_NS - epoch.origin_ns) / epoch.unit_ns


REACH = {format_: _reach(format_) for format_ in COSTS}
LEAST = min(low for format_, (low, _) in REACH.items() if format_ != NAMED_ALONE)


def _cost_of_age(seen: Sense, format_: str) -> float:
    if seen.is_future:
        return 1 + min(1.0, seen.years_ahead / 20)
    if "%Y" in format_:
        return 0.0  # digits that say the whole year say how old they are
    return max(0.0, -seen.years_ahead) / YEARS_A_POINT + SHORT_YEAR_COST * ("%y" in format_)
