"""Numbers of an epoch to nanoseconds since 1970-01-01 UTC."""

from bisect import bisect_right
from decimal import Decimal

import polars as pl

from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.settings.epochs import DOTNET_TEXT, Epoch, nanoseconds_of
from longstride.pipeline.ingest.times.whole_numbers import masked, none, scaled

__all__ = ["from_epoch", "from_numbers", "from_texts", "without_leap_seconds"]

EXPONENT = r"^[+-]?\d+(?:\.\d*)?[eEdD][+-]?\d{1,3}$"
HEXADECIMAL = r"^0[xX][0-9A-Fa-f]{1,15}$"
WRAPPED = f"^{DOTNET_TEXT}$"
DECIMAL_COMMA = r"^([+-]?\d{4,}),(\d+)$"
LARGEST = 2**62
MILLISECOND = 10**6
DIGITS = 10
"""Of a fraction of a day: so many, times its milliseconds, fit into int64."""
LEAPS = {
    1: (1988, 1990, 1991, 1996, 1999, 2006, 2009, 2017),
    7: (1981, 1982, 1983, 1985, 1992, 1993, 1994, 1997, 2012, 2015),
}
"""Months and years that begin after a leap second, of those that GPS counts."""
LEAPS_NS = [
    nanoseconds_of(text, "UTC") + count * 10**9
    for count, text in enumerate(sorted(f"{year}-{month:02}-01" for month in LEAPS for year in LEAPS[month]), 1)
]
"""The same on a clock that counts leap seconds."""


def from_epoch(column: pl.Series, recipe: Recipe, epoch: Epoch) -> pl.Series:
    """Numbers of an epoch, as a column of numbers or of texts holds them."""
    if column.dtype.is_integer():
        return from_numbers(column.cast(pl.Int64, strict=False), epoch)
    texts = column.cast(pl.String)
    if recipe.spelling_of(column.name).decimal in (",", "either"):
        texts = texts.str.replace(",", ".", literal=True)
    return from_texts(texts, epoch)


def from_numbers(numbers: pl.Series, epoch: Epoch) -> pl.Series:
    """Whole numbers (int64) to nanoseconds (int64); null where out of reach."""
    return _placed(numbers, None, epoch)


def from_texts(texts: pl.Series, epoch: Epoch) -> pl.Series:
    """Read numbers: nanoseconds (int64); null where unreadable or out of reach.

    They are exact, and cut off below one, where the unit is a power of ten of it. Fractions of a day, an hour or a
    minute are rounded to the millisecond: people write as many digits of them as a millisecond needs.
    """
    whole = texts.cast(pl.Int64, strict=False)
    if whole.null_count() == texts.null_count():
        return _placed(whole, None, epoch)
    # Floats would lose nanoseconds: whole and fraction are read apart.
    text = _in_digits(texts.str.strip_chars())
    number = text.str.extract(r"^[+-]?(\d+)(?:\.\d*)?$").cast(pl.Int64, strict=False)
    fraction = text.str.extract(r"\.(\d*)$").fill_null("")
    sign = pl.select(pl.when(text.str.starts_with("-")).then(-1).otherwise(1)).to_series()
    return _placed(number * sign, _part_of_unit(fraction, epoch.unit_ns) * sign, epoch)


def _part_of_unit(fraction: pl.Series, unit: int) -> pl.Series:
    """Digits behind the point as nanoseconds."""
    decimals = len(str(unit)) - 1
    if unit == 10**decimals:
        digits = fraction.str.slice(0, decimals)
        padded = pl.select(pl.lit(digits).str.pad_end(decimals, "0")).to_series()
        return padded.cast(pl.Int64, strict=False).fill_null(0)
    digits = fraction.str.slice(0, DIGITS)
    padded = pl.select(pl.lit(digits).str.pad_end(DIGITS, "0")).to_series().cast(pl.Int64, strict=False)
    steps: pl.Series = (padded.fill_null(0) * (unit // MILLISECOND) + 10**DIGITS // 2) // 10**DIGITS
    return steps * MILLISECOND


def _placed(numbers: pl.Series, part: pl.Series | None, epoch: Epoch) -> pl.Series:
    """Nanoseconds of so many units, and a part of one."""
    units, rest = divmod(epoch.origin_ns, epoch.unit_ns)
    if abs(units) > LARGEST:
        return none(len(numbers))  # no number of this unit reaches today
    if units:
        numbers = masked(numbers, numbers.is_between(-LARGEST, LARGEST)) + units
    nanoseconds = scaled(numbers, epoch.unit_ns)
    if rest:
        nanoseconds += rest
    if part is not None:
        nanoseconds += part
    return without_leap_seconds(nanoseconds) if epoch.counts_leap_seconds else nanoseconds


def without_leap_seconds(nanoseconds: pl.Series) -> pl.Series:
    """Those of a clock that counts leap seconds since 1980, as one that does not."""
    limits = (nanoseconds.min(), nanoseconds.max())
    first, last = (bisect_right(LEAPS_NS, limit or 0) for limit in limits)
    if first == last:
        return nanoseconds - first * 10**9
    counted = pl.Series(LEAPS_NS).search_sorted(nanoseconds.fill_null(0), side="right").cast(pl.Int64)
    less: pl.Series = nanoseconds - counted * 10**9
    return less


def _in_digits(texts: pl.Series) -> pl.Series:
    """Numbers such as 1.7e+09, as R, Fortran and floats are written, and 0x6553F100, as 1700000000.

    Also those that .NET writes into JSON, and such as 1577836800,5, in which no comma is one of thousands.
    """
    if any(texts.str.contains(mark, literal=True).any() for mark in (",", ")")):
        texts = texts.str.replace(WRAPPED, "${1}").str.replace(DECIMAL_COMMA, "${1}.${2}")
    written = texts.filter(texts.str.contains(f"{EXPONENT}|{HEXADECIMAL}")).unique()
    if written.is_empty():
        return texts
    plain = [
        str(int(text, 16))
        if text[:2] in ("0x", "0X")
        else f"{Decimal(text.replace('d', 'e').replace('D', 'e')):f}"
        for text in written
    ]
    return texts.replace(written, pl.Series(plain, dtype=pl.String))
