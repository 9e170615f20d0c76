"""Columns that hold a part of the time each: year, month, day, hour and so on, found by names and numbers."""

import re
from calendar import month_abbr, month_name
from collections.abc import Iterator, Mapping, Sequence

from longstride.pipeline.ingest.times.month_names import ENGLISH
from longstride.pipeline.profile.column import MOST, Column
from longstride.pipeline.profile.words.time_formats import clock_formats, is_clock
from longstride.pipeline.profile.words.time_names import PART_NAMES, name_score, plain

__all__ = [
    "DAY_OF_YEAR",
    "DECIMAL_DAY",
    "INVENTED",
    "LIMITS",
    "PARTS",
    "are_whole",
    "clock_beside",
    "finer_parts",
    "hhmmss_format",
    "is_hhmm",
    "is_hhmmss",
    "is_month_name",
    "is_part",
    "parts_of_time",
    "runs_as_hhmmss",
]

LEAP_OF_MINUTE = 39.0
"""From 59 to 100 are at least 40 of a number that a clock writes as hours, minutes and seconds."""
LIMITS = {
    "year": (1700, 2100),
    "month": (1, 12),
    "day": (1, 31),
    "hour": (0, 24),
    "minute": (0, 59),
    "second": (0, 60),
}
PARTS: dict[str, tuple[Sequence[str], int, int]] = {
    part: ([plain(word) for word in PART_NAMES[part].split()], *limits) for part, limits in LIMITS.items()
}
"""Names of columns that hold a part of the time, and between what their numbers are."""
MONTH_NAMES = {name.lower() for name in (*month_name[1:], *month_abbr[1:])} | set(ENGLISH)
CLOCK_NAMES = ("hhmm", "hrmn", "clock", "hour", "mst", "pst", "est", "cst", "utc", "gmt", "lst", "cet", "cest")
"""Those of times of day in digits, such as the zone alone."""
INVENTED = re.compile(r"a\d+|column_\d+")
"""Names that a file without names is given."""
SAME_HOUR = 1e-6
DECIMAL_DAY = ("decimalday", "decimaldoy", "fracday", "dayfraction", "fractionalday", "fracdoy")
DAY_OF_YEAR = ("doy", "dayofyear", "yday", "jday", "julianday", "julian", "jd")


def parts_of_time(columns: Mapping[str, Column]) -> Iterator[tuple[tuple[str, ...], str | None]]:
    """Columns that are named year, month, day and so on, and the format of these; None of whole numbers in order.

    With the year comes the month, as many of the others as exist, or the day of the year.
    """
    named = _named_parts(columns)
    hours = next((name for name, column in columns.items() if _is_decimal_hour(column)), None)
    if len(named) >= 2:
        year, month = (columns[name] for name in named[:2])
        date = [_year(year), "%b" if is_month_name(month) else "%m", "%d"][: len(named)]
        clock = clock_beside(columns, named) if len(named) == 3 else None
        if clock is not None or (hours is not None and len(named) == 3):
            name, format_ = clock or (str(hours), "%H%.f")
            yield (*named, name), " ".join((*date, format_))
        elif len(named) == 2 or date[:2] != ["%Y", "%m"]:
            yield named, " ".join((*date, *("%H", "%M", "%S")[: max(0, len(named) - 3)]))
        else:
            yield named, None
    if ordinal := _ordinal_of_time(columns, hours):
        yield ordinal


def _ordinal_of_time(columns: Mapping[str, Column], hours: str | None) -> tuple[tuple[str, ...], str] | None:
    """Columns of year, day of the year and maybe a time of day, and how they are written; None without them."""
    year = next((name for name, column in columns.items() if is_part(column, "year")), None)
    if year is None:
        return None
    # A day beside a year, without a month, is one of the year.
    has_month = any(plain(name) in PARTS["month"][0] for name in columns)
    names_of_day = DAY_OF_YEAR if has_month else (*DAY_OF_YEAR, "day")
    written = _year(columns[year])
    for name, column in columns.items():
        if plain(name) not in (*names_of_day, *DECIMAL_DAY) or not _are_between(column, 0, 367):
            continue
        if not column.is_whole:
            return (year, name), f"{written} + d from 1"
        if plain(name) not in names_of_day or not are_whole(column, 1, 366):
            continue
        if clock := clock_beside(columns, (year, name)):
            return (year, name, clock[0]), f"{written} %j {clock[1]}"
        if hours is not None:
            return (year, name, hours), f"{written} %j %H%.f"
        names, format_ = finer_parts(columns, (year, name))
        return names, " ".join((written, "%j", *format_))
    return None


def finer_parts(columns: Mapping[str, Column], names: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Columns of a date with those of hour, minute and second, as many as exist, and the directives of these."""
    found: tuple[str, ...] = ()
    for part, directive in (("hour", "%H"), ("minute", "%M"), ("second", "%S")):
        name = next((name for name in columns if name not in names and is_part(columns[name], part)), None)
        if name is None:
            break
        names, found = (*names, name), (*found, directive if columns[name].is_whole else f"{directive}%.f")
    return names, found


def _year(column: Column) -> str:
    return "%y" if column.numbers.max() < 100 else "%Y"  # type: ignore[operator]


def clock_beside(columns: Mapping[str, Column], names: Sequence[str]) -> tuple[str, str] | None:
    """A column of times of day beside those of a date, and how it is written."""
    for name, column in columns.items():
        if name in names:
            continue
        if is_hhmm(column):
            return name, "%H%M"
        if not column.is_plain and len(column.values) and is_clock(str(column.values[0])):
            return name, next(clock_formats(str(column.values[0])))
    return None


def is_month_name(column: Column) -> bool:
    """Whether a column is called a month, and holds names of months."""
    if plain(column.name) not in PARTS["month"][0] or column.is_plain or not len(column.values):
        return False
    return all(text.lower().strip(".") in MONTH_NAMES for text in column.values.head(50))


def _named_parts(columns: Mapping[str, Column]) -> tuple[str, ...]:
    names: list[str] = []
    for part in PARTS:
        name = next((one for one in columns if one not in names and _is_named(columns[one], part)), None)
        if name is None:
            break
        names.append(name)
    return tuple(names)


def _is_named(column: Column, part: str) -> bool:
    return is_part(column, part) or (part == "month" and is_month_name(column))


def is_part(column: Column, part: str) -> bool:
    """Whether a column is named as a part of the time, and holds such numbers."""
    known, low, high = PARTS[part]
    if plain(column.name) not in known:
        return False
    if part == "year" and column.values.str.len_chars().eq(2).all() and len(column.values):
        return are_whole(column, 0, 99)
    # Only seconds may have a fraction.
    return are_whole(column, low, high) or (part == "second" and _are_between(column, low, high))


def _is_decimal_hour(column: Column) -> bool:
    """Whether it is named as the hour and holds such as 0.5 and 1, in even steps: 18.30 may be a time of day."""
    known, low, high = PARTS["hour"]
    if plain(column.name) not in known or column.is_whole or not _are_between(column, low, high):
        return False
    found = column.numbers.drop_nulls().diff()
    found = found.filter(found > 0)
    return float(((found - found.median()).abs() < SAME_HOUR).mean() or 0) >= MOST  # type: ignore[arg-type]


def are_whole(column: Column, low: int, high: int) -> bool:
    """Whether nearly all fields hold whole numbers between these."""
    return column.is_whole and _are_between(column, low, high)


def _are_between(column: Column, low: int, high: int) -> bool:
    """Whether nearly all fields hold numbers between these."""
    if column.numbers.count() < MOST * max(1, len(column.numbers)):
        return False
    return bool(column.numbers.is_between(low, high).all())


def is_hhmmss(column: Column) -> bool:
    """Whether it is called a time and holds times of day as numbers such as 90503 and 235959.25."""
    is_named = name_score(column.name) or plain(column.name) in (*CLOCK_NAMES, "hhmmss")
    return bool(is_named) and _are_hhmmss(column)


def runs_as_hhmmss(column: Column) -> bool:
    """Whether numbers go on as a clock does, from 103159.95 to 103200.00, whatever they are called."""
    if not _are_hhmmss(column):
        return False
    numbers = column.numbers.drop_nulls()
    steps = numbers.diff().drop_nulls()
    jumps = steps > LEAP_OF_MINUTE
    # A clock jumps where a minute begins, and nowhere else.
    begins = (numbers.floor() // 100).diff().drop_nulls() > 0
    is_clock = jumps.any() and (jumps == begins).all() and (steps >= 0).all()
    return bool(is_clock and 2 * int(jumps.sum()) < len(jumps))


def hhmmss_format(column: Column) -> str:
    """How such numbers are written: 103159.00, as of a GPS receiver, has a fraction as well."""
    return "%H%M%S%.f" if column.texts.str.contains(".", literal=True).any() else "%H%M%S"


def _are_hhmmss(column: Column) -> bool:
    """Whether each number has no more than 59 minutes and 59 seconds, and some have hours."""
    if not column.is_plain or not _are_between(column, 0, 240_000) or column.numbers.max() < 2401:  # type: ignore[operator]
        return False
    whole = column.numbers.drop_nulls().floor()
    return bool(((whole % 100 < 60) & (whole // 100 % 100 < 60)).all())


def is_hhmm(column: Column) -> bool:
    """Whether it holds times of day as whole numbers, such as 5 for five past midnight and 2350."""
    is_named = name_score(column.name) or plain(column.name) in CLOCK_NAMES or INVENTED.fullmatch(column.name)
    if not is_named:
        return False
    if not are_whole(column, 0, 2400) or column.numbers.max() < 60:  # type: ignore[operator]
        return False
    return bool((column.numbers.drop_nulls() % 100 < 60).all())
