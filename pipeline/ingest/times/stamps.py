"""Times as files hold them, in one column or several, to nanoseconds since 1970-01-01 UTC."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import polars as pl

from longstride.pipeline.ingest.errors import RecipeError
from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.settings.epochs import CLOCK_TEXTS, DECIMAL_YEAR, EPOCHS, UNITS_NS, Epoch
from longstride.pipeline.ingest.times.clock_texts import from_clock_texts
from longstride.pipeline.ingest.times.counts import counted_from_date, counted_from_epoch
from longstride.pipeline.ingest.times.epochs import from_epoch
from longstride.pipeline.ingest.times.reach import shown_value, within_reach
from longstride.pipeline.ingest.times.spelling import one_end
from longstride.pipeline.ingest.times.texts import FIRST_YEAR, LAST_YEAR, from_format, from_iso
from longstride.pipeline.ingest.times.whole_numbers import LARGEST, masked, none
from longstride.pipeline.ingest.times.years import LEAP_YEAR, from_decimal_years, in_their_years
from longstride.pipeline.ingest.times.zones import Clock

__all__ = ["ZONE_NAME", "Stamps", "explain", "to_nanoseconds"]

ZONE_NAME = re.compile(r"\d\d ?(?!AM|PM)([A-Z]{2,5})\s*$")
"""Of a zone, behind a time of day."""
PARTS = {
    "year": (FIRST_YEAR, LAST_YEAR),
    "month": (1, 12),
    "day": (1, 31),
    "hour": (0, 23),
    "minute": (0, 59),
    "second": (0, 59),
    "microsecond": (0, 999_999),
}
"""What three or more columns hold, in this order, and between which values."""
QUARTER_NS = 15 * UNITS_NS["min"]
"""Offsets of zones are multiples of it: a multiple of one of its parts is one in UTC as well."""


@dataclass(frozen=True, kw_only=True)
class Stamps:
    """Times of rows."""

    nanoseconds: pl.Series
    """int64 since 1970 UTC, null where unreadable; named "time"."""
    num_ambiguous: int
    """Local times that occur twice, read as the earliest or the latest."""
    num_nonexistent: int
    """Local times that never occur, moved forward."""


def to_nanoseconds(columns: Sequence[pl.Series], recipe: Recipe) -> Stamps:
    """Read the time columns of a recipe, each of shape (T,).

    One column holds texts, numbers, dates or datetimes. Several hold what `time_format` says, joined by a
    space; without a format two hold date and time of day, more hold year, month, day and so on as whole numbers.

    Raises RecipeError where the type of a column and the time format do not go together.
    """
    clock = Clock(recipe)
    columns = [within_reach(column) for column in columns]
    if recipe.date_of_clock is not None:
        columns = [pl.Series("date", [recipe.date_of_clock]).new_from_index(0, len(columns[0])), *columns]
        recipe = replace(recipe, start=None, time_format=f"%Y-%m-%d {recipe.time_format}")
    if recipe.interval != "none":
        columns = [*columns[:-1], one_end(columns[-1], recipe.interval)]
    nanoseconds = _from_one(columns[0], recipe, clock) if len(columns) == 1 else _from_many(columns, recipe, clock)
    if recipe.round_time_ns is not None:
        nanoseconds = _rounded(nanoseconds, recipe.round_time_ns)
    return Stamps(
        nanoseconds=nanoseconds.alias("time"),
        num_ambiguous=clock.num_ambiguous,
        num_nonexistent=clock.num_nonexistent,
    )


def explain(columns: Sequence[pl.Series], recipe: Recipe) -> Callable[[int], tuple[str, str]]:
    """Give a function from a row, which `to_nanoseconds` made null, to its reason and detail.

    The reason is "time missing", "no time", "ambiguous local time" or "nonexistent local time"; the detail says
    what was found and what to do.
    """
    zone = recipe.timezone
    # All rows are read once more with each policy: one by one they would take a second a thousand.
    twice = never = leap = None
    if recipe.has_no_year:
        leap = _is_readable(columns, replace(recipe, start=f"{LEAP_YEAR}-01-01"))
    if zone != "UTC":
        twice = _is_readable(columns, replace(recipe, ambiguous="earliest", nonexistent="reject"))
        never = _is_readable(columns, replace(recipe, ambiguous="reject", nonexistent="forward"))

    def why(row: int) -> tuple[str, str]:
        values = [shown_value(column, row) for column in columns]
        if any(value is None or not str(value).strip() for value in values):
            return "time missing", "the time is missing: mend or remove the row"
        found = repr(" ".join(map(str, values)))
        if twice is not None and twice[row]:
            untold, choices = "", "infer, earliest or latest"
            if recipe.ambiguous == "infer":
                untold, choices = ", and the order of rows does not tell which it is", "earliest or latest"
            return "ambiguous local time", (
                f"{found} occurs twice in {zone}, where clocks are set back{untold}: write times in UTC or with "
                f"their offset, or choose one with --ambiguous {choices}"
            )
        if never is not None and never[row]:
            return "nonexistent local time", (
                f"{found} never occurs in {zone}, where clocks are set forward: write times in UTC or with their "
                "offset, or move it with --nonexistent forward"
            )
        if leap is not None and leap[row]:
            return "no time", (
                f"{found} is the 29th of February or the 366th day, and the year that start = {recipe.start} "
                "gives it has none: mend the year of start, or the row"
            )
        if zone_name := ZONE_NAME.search(str(values[-1])):
            return "no time", (
                f"{found} is not a time: {zone_name[1]!r} is the name of several zones or of none; say which "
                "one by --timezone, such as America/Chicago"
            )
        return "no time", f"{found} is not a time {_expected(len(values), recipe)}"

    return why


def _rounded(nanoseconds: pl.Series, unit: int) -> pl.Series:
    """To the nearest multiple since 1970; null where that is out of reach."""
    rounded: pl.Series = masked(nanoseconds, nanoseconds < LARGEST - unit) + unit // 2
    return rounded // unit * unit


def _is_readable(columns: Sequence[pl.Series], recipe: Recipe) -> pl.Series:
    return to_nanoseconds(columns, recipe).nanoseconds.is_not_null()


def _expected(num_columns: int, recipe: Recipe) -> str:
    """What a text that is not a time should have been, and what to do."""
    years = f"(years {FIRST_YEAR} to {LAST_YEAR})"
    if recipe.time_format in (*UNITS_NS, *CLOCK_TEXTS):
        return f"in {recipe.time_format} since {recipe.start or 1970}: mend the row, or give another --time-format"
    if recipe.time_format:
        return f"of the format {recipe.time_format} {years}: mend it, or give another format"
    if num_columns > 2:
        names = ", ".join(list(PARTS)[:num_columns])
        return f"of {names} {years}: mend the row, or describe it with --time-format, such as '%Y %b %d'"
    or_epoch = ", or s for seconds since 1970" if num_columns == 1 else ""
    return (
        f"of ISO 8601 {years}: mend the row, or describe it with --time-format, such as '%d/%m/%Y %H:%M'{or_epoch}"
    )


def _from_one(column: pl.Series, recipe: Recipe, clock: Clock) -> pl.Series:
    dtype = column.dtype
    if column.null_count() == len(column):
        # The type of nothing says nothing: that of such a piece of NDJSON is a guess.
        return none(len(column))
    if isinstance(dtype, pl.Datetime):
        return clock.to_nanoseconds(column)
    if dtype == pl.Date:
        return clock.to_nanoseconds(column.cast(pl.Datetime("us")))
    if recipe.time_format in CLOCK_TEXTS:
        if dtype not in (pl.String, pl.Time):
            message = f"the time column {column.name!r} holds {dtype}: {recipe.time_format} is for texts"
            raise RecipeError(message, code="column-type")
        return from_clock_texts(_texts(column), recipe.time_format, recipe.start_ns or 0)
    epoch = recipe.epoch
    if epoch and (dtype == pl.String or dtype.is_numeric()):
        numbers = from_epoch(column, recipe, epoch)
        return _of_wall(numbers, recipe, clock) if epoch.is_local else numbers
    if recipe.time_format == DECIMAL_YEAR and (dtype == pl.String or dtype.is_numeric()):
        return _of_wall(from_decimal_years(column.cast(pl.String)), recipe, clock)
    if recipe.time_format and not epoch and (dtype.is_numeric() or dtype == pl.String):
        digits = column if dtype == pl.String else _whole(column)  # 2024030108 as a float has a point
        return _from_format(digits.cast(pl.String), recipe.time_format, recipe, clock)
    if dtype != pl.String:
        remedy = "give its unit with --time-format s, ms, us or ns" if dtype.is_numeric() else "expected a time"
        raise RecipeError(f"the time column {column.name!r} holds {dtype}: {remedy}", code="column-type")
    return from_iso(column, clock)


def _from_many(columns: Sequence[pl.Series], recipe: Recipe, clock: Clock) -> pl.Series:
    if (count := recipe.count) is not None:
        counts = from_epoch(columns[-1], recipe, Epoch(count.step_ns))
        if count.base in EPOCHS:
            counted = counted_from_epoch(from_epoch(columns[0], recipe, count.epoch), counts, count)
            return _of_wall(counted, recipe, clock) if count.epoch.is_local else counted
        begin = _from_format(_joined(columns[:-1]), count.base, recipe, clock)
        return counted_from_date(begin, counts, count, recipe.timezone)
    if recipe.time_format:
        return _from_format(_joined(columns), recipe.time_format, recipe, clock)
    if len(columns) == 2:
        return from_iso(_joined(columns), clock)
    return clock.to_nanoseconds(_from_parts(columns))


def _of_wall(nanoseconds: pl.Series, recipe: Recipe, clock: Clock) -> pl.Series:
    """Numbers that count what a clock on the wall shows are of its zone.

    They are rounded before: with few digits, 2:00 is 1:59:59.7, which is of another hour where clocks are set.
    """
    unit = recipe.round_time_ns
    if unit is not None and QUARTER_NS % unit == 0:
        nanoseconds = _rounded(nanoseconds, unit)
    return clock.to_nanoseconds(nanoseconds.cast(pl.Datetime("ns")))


def _from_format(texts: pl.Series, format_: str, recipe: Recipe, clock: Clock) -> pl.Series:
    return (
        in_their_years(texts, recipe, clock, format_) if recipe.has_no_year else from_format(texts, format_, clock)
    )


def _joined(columns: Sequence[pl.Series]) -> pl.Series:
    """Texts with a space between them; null where one is missing."""
    texts = [pl.lit(_texts(column).str.strip_chars()) for column in columns]
    present = [pl.when(text != "").then(text) for text in texts]
    return pl.select(pl.concat_str(present, separator=" ")).to_series()


def _texts(column: pl.Series) -> pl.Series:
    dtype = column.dtype
    if dtype == pl.Time:
        # A cast would lose the fraction.
        return column.dt.to_string("%H:%M:%S%.f")
    if dtype in (pl.String, pl.Date, pl.Null) or dtype.is_integer():
        return column.cast(pl.String)
    raise RecipeError(
        f"the time column {column.name!r} holds {dtype}: with other columns of time, expected texts, whole "
        "numbers, dates or times of day",
        code="column-type",
    )


def _from_parts(columns: Sequence[pl.Series]) -> pl.Series:
    """Datetimes of year, month, day and so on; null where one is missing or out of range."""
    micros = None
    if len(columns) == len(PARTS) - 1:
        # Only seconds may have a fraction, where no column holds microseconds.
        second, micros = _split(columns[-1])
        columns = [*columns[:-1], second]
    parts = pl.DataFrame([_whole(column).alias(name) for name, column in zip(PARTS, columns, strict=False)])
    # Polars raises for some that are out of range, and wraps others: none may reach it.
    parts = parts.select(pl.when(pl.col(name).is_between(*PARTS[name])).then(name) for name in parts.columns)
    first_of_month = pl.datetime("year", "month", 1, *parts.columns[3:])
    datetimes = parts.select(first_of_month + pl.duration(days=pl.col("day") - 1)).to_series()
    if micros is not None:
        datetimes = pl.select(pl.lit(datetimes) + pl.duration(microseconds=pl.lit(micros))).to_series()
    return masked(datetimes, datetimes.dt.day() == parts["day"])


def _split(column: pl.Series) -> tuple[pl.Series, pl.Series | None]:
    """Seconds as whole numbers, and the microseconds behind them; none where all are whole."""
    numbers = column.str.strip_chars().cast(pl.Float64, strict=False) if column.dtype == pl.String else column
    if not numbers.dtype.is_float() or (numbers.drop_nulls() % 1 == 0).all():
        return column, None
    whole = numbers.floor()
    return whole, ((numbers - whole) * 1e6).round().clip(0, 999_999).cast(pl.Int64, strict=False).fill_null(0)


def _whole(column: pl.Series) -> pl.Series:
    """Whole numbers of a column of numbers or texts, also of such as 3.0; null for others."""
    dtype = column.dtype
    if dtype == pl.String:
        numbers = column.str.strip_chars().cast(pl.Float64, strict=False)
    elif dtype.is_numeric() or dtype == pl.Null:
        numbers = column.cast(pl.Float64)
    else:
        raise RecipeError(
            f"the time column {column.name!r} holds {dtype}: expected whole numbers, as three or more columns "
            "hold year, month, day and so on; or describe them with --time-format",
            code="column-type",
        )
    return masked(numbers, numbers == numbers.floor()).cast(pl.Int64, strict=False)
