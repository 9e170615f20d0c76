"""Texts of times, in ISO 8601, in a format or as numbers, to nanoseconds since 1970-01-01 UTC."""

import re
import string
from typing import Literal

import polars as pl

from longstride.pipeline.ingest.errors import RecipeError
from longstride.pipeline.ingest.times.whole_numbers import masked, none, scaled
from longstride.pipeline.ingest.times.zones import Clock

__all__ = ["FIRST_YEAR", "LAST_YEAR", "from_epoch", "from_format", "from_iso"]

ISO = re.compile(
    r"\d{4}-\d\d?-\d\d?(?:(?P<between>T| +)\d\d?:\d\d?(?P<seconds>:\d\d?)?(?P<fraction>\.\d+)?"
    r"(?P<space> *)(?P<zone>Z|UTC|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII,
)
FORMAT_FIELD = re.compile(r"%[^A-Za-z%]*([A-Za-z%])")
BLANKS = string.whitespace + "\N{NO-BREAK SPACE}"
FIRST_YEAR, LAST_YEAR = 1678, 2261
"""Whole years that int64 nanoseconds reach."""


def from_iso(texts: pl.Series, clock: Clock) -> pl.Series:
    """Read ISO 8601, which has many shapes: all that look like the first, then like the next that is left.

    Nanoseconds (int64); null where unreadable or in other years than 1678 to 2261.
    """
    nanoseconds = none(len(texts))
    tried: set[str] = set()
    while True:
        unread = nanoseconds.is_null()
        text = _untried(texts.filter(unread & texts.is_not_null()), tried)
        if text is None:
            return nanoseconds
        if text != text.strip(BLANKS):
            texts = texts.str.strip_chars(BLANKS)
            tried.clear()
        format_ = _iso_format(text)
        assert format_ is not None
        tried.add(format_)
        # Parsed times outside the reach of nanoseconds would wrap to other years.
        in_reach = texts.str.slice(0, 5).is_between(f"{FIRST_YEAR}-", f"{LAST_YEAR}-")
        parsed = clock.to_nanoseconds(masked(_parse(texts, format_, "ns"), unread & in_reach))
        nanoseconds = pl.select(pl.coalesce(nanoseconds, parsed)).to_series()


def from_format(texts: pl.Series, format_: str, clock: Clock) -> pl.Series:
    """Read texts of a strptime format; where it has no minute, or no time of day, these are zero.

    Nanoseconds (int64); null where unreadable or out of reach. Raises RecipeError where the format means no time.
    """
    fields = set(FORMAT_FIELD.findall(format_))
    if fields & set("HIkl") and not fields & set("MSTRXrcs"):
        # Polars wants hour and minute, or neither.
        texts, format_ = texts + " 00", f"{format_} %M"
    datetimes = _parse(texts, format_, "us")
    if "f" in format_:
        in_reach = datetimes.dt.year().is_between(FIRST_YEAR, LAST_YEAR)
        datetimes = masked(_parse(texts, format_, "ns"), in_reach)
    return clock.to_nanoseconds(datetimes)


def from_epoch(texts: pl.Series, unit: int) -> pl.Series:
    """Read numbers of units, of so many nanoseconds, since 1970 UTC.

    Nanoseconds (int64), exact and cut off below one; null where unreadable or out of reach.
    """
    whole = texts.cast(pl.Int64, strict=False)
    if whole.null_count() == texts.null_count():
        return scaled(whole, unit)
    # Floats would lose nanoseconds: whole and fraction are read apart.
    decimals = len(str(unit)) - 1
    text = texts.str.strip_chars()
    number = text.str.extract(r"^-?(\d+)(?:\.\d*)?$").cast(pl.Int64, strict=False)
    fraction = text.str.extract(r"\.(\d*)$").fill_null("").str.slice(0, decimals)
    small = (
        pl.select(pl.lit(fraction).str.pad_end(decimals, "0"))
        .to_series()
        .cast(pl.Int64, strict=False)
        .fill_null(0)
    )
    sign = pl.select(pl.when(text.str.starts_with("-")).then(-1).otherwise(1)).to_series()
    return (scaled(number, unit) + small) * sign


def _untried(unread: pl.Series, tried: set[str]) -> str | None:
    """The first text in ISO 8601 that needs another format than those tried, or has blanks around it."""
    # By index: iterating would make Python texts of many where the first is mostly the one.
    for row in range(len(unread)):
        text: str = unread[row]
        format_ = _iso_format(text)
        if format_ is not None and (format_ not in tried or text != text.strip(BLANKS)):
            return text
    return None


def _iso_format(text: str) -> str | None:
    """The strptime format of one ISO 8601 text, None where it is not one."""
    match = ISO.fullmatch(text.strip(BLANKS))
    if match is None:
        return None
    if not match["between"]:
        return "%Y-%m-%d"
    seconds = ":%S" if match["seconds"] else ""
    fraction = "%.f" if match["fraction"] else ""
    # %#z reads Z, +01, +0100 and +01:00.
    zone = {None: "", "UTC": "UTC"}.get(match["zone"], "%#z")
    return f"%Y-%m-%d{match['between']}%H:%M{seconds}{fraction}{match['space']}{zone}"


def _parse(texts: pl.Series, format_: str, unit: Literal["us", "ns"]) -> pl.Series:
    try:
        parsed = texts.str.to_datetime(format_, time_unit=unit, strict=False, cache=False)
    except pl.exceptions.PolarsError as error:
        reason = str(error).partition("\n")[0]
        raise RecipeError(f"time-format {format_!r} cannot be used: {reason}", code="recipe-value") from None
    return parsed.dt.replace_time_zone("UTC") if format_.endswith("UTC") else parsed
