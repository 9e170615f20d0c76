"""Times as files hold them, to nanoseconds since 1970-01-01 UTC."""

import re
from dataclasses import replace
from typing import Literal

import polars as pl

from pipeline.ingest.errors import RecipeError
from pipeline.ingest.recipe import EPOCH_UNITS_NS, Recipe

__all__ = ["to_nanoseconds", "why_unreadable"]

ISO = re.compile(
    r"\d{4}-\d\d?-\d\d?(?:(?P<between>T| +)\d\d?:\d\d?(?P<seconds>:\d\d?)?(?P<fraction>\.\d+)?"
    r"(?P<space> *)(?P<zone>Z|UTC|[+-]\d\d(?::?\d\d)?)?)?"
)
MAX_NS = 2**63 - 1
FIRST_YEAR, LAST_YEAR = "1678", "2261"
"""Whole years that int64 nanoseconds reach."""


def to_nanoseconds(column: pl.Series, recipe: Recipe) -> pl.Series:
    """Nanoseconds (int64, UTC) of a column of texts, whole numbers, dates or datetimes; null where unreadable.

    Local hours that occur twice or never are unreadable too. Raises RecipeError where the type of the column and
    the time format do not go together.
    """
    dtype = column.dtype
    if isinstance(dtype, pl.Datetime):
        return _from_datetime(column, recipe.timezone)
    if dtype == pl.Date:
        return _from_datetime(column.cast(pl.Datetime("us")), recipe.timezone)
    unit = EPOCH_UNITS_NS.get(recipe.time_format or "")
    if dtype.is_integer() and unit:
        return _scaled(column.cast(pl.Int64, strict=False), unit)
    if dtype != pl.String:
        remedy = "give its unit with --time-format s, ms, us or ns" if dtype.is_integer() else "expected a time"
        raise RecipeError(f"the time column {column.name!r} holds {dtype}: {remedy}")
    if unit:
        return _from_number_text(column, unit)
    if recipe.time_format:
        return _from_format(column, recipe.time_format, recipe.timezone)
    return _from_iso(column, recipe.timezone)


def why_unreadable(value: object, recipe: Recipe) -> str:
    """Reason for one value that `to_nanoseconds` made null, and what to do."""
    if value is None or value == "":
        return "the time is missing: mend or remove the row"
    found = f"{str(value)!r} is no time"
    if recipe.timezone != "UTC" and to_nanoseconds(pl.Series([value]), _in_utc(recipe)).item() is not None:
        return (
            f"{str(value)!r} occurs twice or never in {recipe.timezone}, where clocks are changed: write times in "
            "UTC or with their offset, or remove the row"
        )
    if recipe.time_format in EPOCH_UNITS_NS:
        return f"{found} in {recipe.time_format} since 1970: mend the row, or give another --time-format"
    if recipe.time_format:
        return f"{found} of the format {recipe.time_format} (years 1678 to 2261): mend it, or give another format"
    return (
        f"{found} of ISO 8601 (years 1678 to 2261): mend the row, or describe it with --time-format, such as "
        "'%d/%m/%Y %H:%M', or s for seconds since 1970"
    )


def _in_utc(recipe: Recipe) -> Recipe:
    return replace(recipe, timezone="UTC")


def _from_iso(column: pl.Series, zone: str) -> pl.Series:
    """Read ISO 8601, which has many shapes: all that look like the first, then like the first that is left."""
    nanoseconds = pl.Series([None], dtype=pl.Int64).new_from_index(0, len(column))
    texts = column
    while True:
        unread = texts.filter(nanoseconds.is_null() & texts.is_not_null()).head(1)
        format_ = None if unread.is_empty() else _iso_format(unread.item().strip())
        if format_ is None:
            return nanoseconds
        if unread.item() != unread.item().strip():
            texts = texts.str.strip_chars()
        # Parsed times outside the reach of nanoseconds would wrap to other years.
        in_reach = texts.str.slice(0, 5).is_between(f"{FIRST_YEAR}-", f"{LAST_YEAR}-")
        parsed = _masked(_parse(texts, format_, "ns", zone), in_reach)
        if parsed.filter(nanoseconds.is_null()).null_count() == nanoseconds.null_count():
            return nanoseconds
        nanoseconds = pl.select(pl.coalesce(nanoseconds, parsed)).to_series()


def _iso_format(text: str) -> str | None:
    """The strptime format of one ISO 8601 text, None where it is none."""
    match = ISO.fullmatch(text)
    if match is None:
        return None
    if not match["between"]:
        return "%Y-%m-%d"
    seconds = ":%S" if match["seconds"] else ""
    fraction = "%.f" if match["fraction"] else ""
    # %#z reads Z, +01, +0100 and +01:00.
    zone = {None: "", "UTC": "UTC"}.get(match["zone"], "%#z")
    return f"%Y-%m-%d{match['between']}%H:%M{seconds}{fraction}{match['space']}{zone}"


def _from_format(column: pl.Series, format_: str, zone: str) -> pl.Series:
    microseconds = _parse(column, format_, "us", zone)
    nanoseconds = _scaled(microseconds, 1_000)
    if "f" in format_:
        nanoseconds = _masked(_parse(column, format_, "ns", zone), nanoseconds.is_not_null())
    return nanoseconds


def _parse(texts: pl.Series, format_: str, unit: Literal["us", "ns"], zone: str) -> pl.Series:
    if format_.endswith("UTC"):
        zone = "UTC"
    try:
        parsed = texts.str.to_datetime(format_, time_unit=unit, strict=False, cache=False)
    except pl.exceptions.PolarsError as error:
        raise RecipeError(f"time-format {format_!r} cannot be used: {error}") from None
    return _to_utc(parsed, zone)


def _from_datetime(column: pl.Series, zone: str) -> pl.Series:
    unit = column.dtype.time_unit  # type: ignore[attr-defined]
    return _scaled(_to_utc(column, zone), EPOCH_UNITS_NS[unit])


def _to_utc(column: pl.Series, zone: str) -> pl.Series:
    """Whole units since 1970 UTC of datetimes; those without a zone are of `zone`."""
    if column.dtype.time_zone is None and zone != "UTC":  # type: ignore[attr-defined]
        column = column.dt.replace_time_zone(zone, ambiguous="null", non_existent="null")
    return column.to_physical()


def _from_number_text(column: pl.Series, unit: int) -> pl.Series:
    whole = column.cast(pl.Int64, strict=False)
    if whole.null_count() == column.null_count():
        return _scaled(whole, unit)
    # Floats would lose nanoseconds: whole and fraction are read apart.
    decimals = len(str(unit)) - 1
    text = column.str.strip_chars()
    number = text.str.extract(r"^-?(\d+)(?:\.\d*)?$").cast(pl.Int64, strict=False)
    fraction = text.str.extract(r"\.(\d*)$").fill_null("").str.slice(0, decimals)
    small = (
        pl.select(pl.lit(fraction).str.pad_end(decimals, "0"))
        .to_series()
        .cast(pl.Int64, strict=False)
        .fill_null(0)
    )
    sign = pl.select(pl.when(text.str.starts_with("-")).then(-1).otherwise(1)).to_series()
    return (_scaled(number, unit) + small) * sign


def _scaled(numbers: pl.Series, factor: int) -> pl.Series:
    """Multiply whole numbers; null where the product is out of reach."""
    limit = MAX_NS // factor - 1
    return _masked(numbers, numbers.is_between(-limit, limit)) * factor


def _masked(numbers: pl.Series, kept: pl.Series) -> pl.Series:
    return pl.select(pl.when(kept).then(numbers)).to_series()
