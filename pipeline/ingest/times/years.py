"""Times that say no year, and years with a fraction, to nanoseconds since 1970-01-01 UTC."""

import re
from dataclasses import replace
from datetime import date

import polars as pl

from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.settings.time_format import directives
from longstride.pipeline.ingest.times.spelling import DIGITS_ALONE
from longstride.pipeline.ingest.times.texts import FIRST_YEAR, LAST_YEAR, from_format
from longstride.pipeline.ingest.times.whole_numbers import masked
from longstride.pipeline.ingest.times.zones import Clock

__all__ = ["LEAP_YEAR", "from_decimal_years", "in_their_years"]

LEAP_YEAR = 2000
"""A year that has all days."""
DECIMAL = r"^\s*([12]\d{3})(?:[.,](\d{1,15})\d*)?\s*$"
MILLISECOND = 10**6


def in_their_years(texts: pl.Series, recipe: Recipe, clock: Clock, format_: str) -> pl.Series:
    """Read texts of a format without a year: each is in the first year in which it is not before `start`.

    Nanoseconds (int64); null where unreadable, as 29 February of a year that has none.
    """
    first = date.fromisoformat(str(recipe.start))
    lenient = Clock(replace(recipe, ambiguous="earliest", nonexistent="forward"))
    found = _in_year(pl.Series([str(LEAP_YEAR)]).new_from_index(0, len(texts)), texts, format_, lenient)
    local = found.cast(pl.Datetime("ns", "UTC")).dt.convert_time_zone(recipe.timezone).dt.date()
    if "j" in directives(format_):
        days, start = local.dt.ordinal_day().cast(pl.Int32), first.timetuple().tm_yday
    else:
        days, start = local.dt.month().cast(pl.Int32) * 100 + local.dt.day(), first.month * 100 + first.day
    # 24:00 of 31 December is read as a day of the next year; with an offset, the day may be another one here.
    is_before = (days < start - bool(set(directives(format_)) & {"z", "Z"})) & (local.dt.year() <= LEAP_YEAR)
    years = (is_before.cast(pl.Int32) + first.year).cast(pl.String)
    return _in_year(years, texts, format_, clock)


def _in_year(years: pl.Series, texts: pl.Series, format_: str, clock: Clock) -> pl.Series:
    between = "" if re.fullmatch(DIGITS_ALONE, format_) else " "
    whole = pl.select(pl.concat_str(pl.lit(years), pl.lit(texts), separator=between)).to_series()
    return from_format(whole, f"%Y{between}{format_}", clock)


def from_decimal_years(texts: pl.Series) -> pl.Series:
    """Read years with a fraction, such as 2014.0833, to the millisecond: nanoseconds (int64); null if unreadable.

    The fraction is one of its year, which has 365 days or 366.
    """
    parts = texts.str.extract_groups(DECIMAL).struct.unnest()
    year, digits = parts.get_columns()
    numbers = year.cast(pl.Int32)
    numbers = masked(numbers, numbers.is_between(FIRST_YEAR, LAST_YEAR))
    share = pl.select(pl.concat_str(pl.lit("0."), pl.lit(digits.fill_null("0")))).to_series().cast(pl.Float64)
    bounds = pl.DataFrame({"year": numbers}).select(
        begin=pl.datetime("year", 1, 1, time_unit="ms").to_physical(),
        end=pl.datetime(pl.col("year") + 1, 1, 1, time_unit="ms").to_physical(),
    )
    begin, end = bounds.get_columns()
    since: pl.Series = ((end - begin) * share).round().cast(pl.Int64)
    nanoseconds: pl.Series = (begin + since) * MILLISECOND
    return nanoseconds
