"""Texts of times, in ISO 8601, or in a format, to nanoseconds since 1970-01-01 UTC."""

import re
import string
from typing import Literal

import polars as pl

from longstride.pipeline.ingest.errors import RecipeError
from longstride.pipeline.ingest.settings.time_format import directives
from longstride.pipeline.ingest.times.spelling import mended, readable, without_fraction
from longstride.pipeline.ingest.times.whole_numbers import masked, none
from longstride.pipeline.ingest.times.zones import Clock

__all__ = ["FIRST_YEAR", "LAST_YEAR", "from_format", "from_iso"]

ISO = re.compile(
    r"\d{4}-\d\d?-\d\d?(?:(?P<between>T| +)\d\d?:\d\d?(?P<seconds>:\d\d?)?(?P<fraction>\.\d+)?"
    r"(?P<space> *)(?P<zone>Z|UTC|[+-]\d\d(?::?\d\d)?|[A-Z]{2,5})?)?",
    re.ASCII,
)
FULL = r"[T ]24:00|:60"
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
            return _with_full(nanoseconds, texts, clock)
        if text != text.strip(BLANKS):
            texts = texts.str.strip_chars(BLANKS)
            tried.clear()
        format_ = _iso_format(text)
        assert format_ is not None
        tried.add(format_)
        # Parsed times outside the reach of nanoseconds would wrap to other years.
        in_reach = texts.str.slice(0, 5).is_between(f"{FIRST_YEAR}-", f"{LAST_YEAR}-")
        spelt, format_ = readable(texts, format_, clock.zone)
        parsed = clock.to_nanoseconds(masked(_parse(spelt, format_, "ns"), unread & in_reach))
        nanoseconds = pl.select(pl.coalesce(nanoseconds, parsed)).to_series()


def from_format(texts: pl.Series, format_: str, clock: Clock) -> pl.Series:
    """Read texts of a strptime format; where it has no minute, or no time of day, these are zero.

    Nanoseconds (int64); null where unreadable or out of reach. Raises RecipeError where the format means no time.
    """
    texts, format_ = readable(texts, format_, clock.zone)
    fraction = without_fraction(texts, format_)
    if fraction is not None:
        texts, format_, _ = fraction
    fields = set(directives(format_))
    if fields & set("HIkl") and not fields & set("MSTRXrcs"):
        # Polars wants hour and minute, or neither.
        texts, format_ = texts + " 00", f"{format_} %M"
    if fields & set("mbBh") and not fields & set("dejUuDFxcsWV"):
        # Of a month alone, its first day.
        texts, format_ = texts + " 1", f"{format_} %d"
    elif fields & set("Yy") and not fields & set("mbBhjUuWdeFDxcsV"):
        # Of a year alone, its first day.
        texts, format_ = texts + " 1 1", f"{format_} %m %d"
    if fields & set("V") and not fields & set("uwaA"):
        # Of a week alone, its Monday.
        texts, format_ = texts + " 1", f"{format_} %u"
    datetimes = _datetimes(texts, format_)
    unread = datetimes.is_null() & texts.is_not_null()
    if unread.any():
        spelt = mended(texts.filter(unread), format_)
        mended_ = _datetimes(spelt.texts, spelt.format) + spelt.later.cast(pl.Duration("ns"))
        datetimes = datetimes.scatter(unread.arg_true(), mended_.cast(datetimes.dtype))
    if fraction is not None:
        datetimes += fraction.later.cast(pl.Duration("ns"))
    return clock.to_nanoseconds(datetimes)


def _datetimes(texts: pl.Series, format_: str) -> pl.Series:
    datetimes = _parse(texts, format_, "us")
    if "f" in directives(format_):
        in_reach = datetimes.dt.year().is_between(FIRST_YEAR, LAST_YEAR)
        datetimes = masked(_parse(texts, format_, "ns"), in_reach)
    return datetimes


def _untried(unread: pl.Series, tried: set[str]) -> str | None:
    """The first text in ISO 8601 that needs another format than those tried, or has blanks around it."""
    # By index: iterating would make Python texts of many where the first is mostly the one.
    for row in range(len(unread)):
        text: str = unread[row]
        format_ = _iso_format(text)
        if format_ is not None and (format_ not in tried or text != text.strip(BLANKS)):
            return text
    return None


def _with_full(nanoseconds: pl.Series, texts: pl.Series, clock: Clock) -> pl.Series:
    """Read also times at which an hour or a minute is full, as 24:00 of the day before."""
    unread = nanoseconds.is_null().arg_true()
    rows = unread.filter(texts.gather(unread).str.contains(FULL).fill_null(False))
    if rows.is_empty():
        return nanoseconds
    some = texts.gather(rows)
    formats = {format_ for text in some.unique() if (format_ := _iso_format(text))}
    read = [from_format(some, format_, clock) for format_ in sorted(formats)]
    return nanoseconds.scatter(rows, pl.select(pl.coalesce(read)).to_series()) if read else nanoseconds


def _iso_format(text: str) -> str | None:
    """The strptime format of one ISO 8601 text, None where it is not one."""
    match = ISO.fullmatch(text.strip(BLANKS))
    if match is None:
        return None
    if not match["between"]:
        return "%Y-%m-%d"
    seconds = ":%S" if match["seconds"] else ""
    fraction = "%.f" if match["fraction"] else ""
    name = match["zone"] or ""
    # %#z reads Z, +01, +0100 and +01:00.
    zone = name if name in ("", "UTC") else "%Z" if name[1:].isalpha() else "%#z"
    return f"%Y-%m-%d{match['between']}%H:%M{seconds}{fraction}{match['space']}{zone}"


def _parse(texts: pl.Series, format_: str, unit: Literal["us", "ns"]) -> pl.Series:
    try:
        parsed = texts.str.to_datetime(format_, time_unit=unit, strict=False, cache=False)
    except pl.exceptions.PolarsError as error:
        reason = str(error).partition("\n")[0]
        raise RecipeError(f"time-format {format_!r} cannot be used: {reason}", code="recipe-value") from None
    is_utc = format_.endswith("UTC") or "s" in directives(format_)
    return parsed.dt.replace_time_zone("UTC") if is_utc else parsed
