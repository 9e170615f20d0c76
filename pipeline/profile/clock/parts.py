"""Columns that hold a part of the time each: year, month, day, hour and so on, found by names and numbers."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile

from longstride.pipeline.profile.column import MOST, Column
from longstride.pipeline.profile.words.time_names import name_score, plain

__all__ = [
    "PARTS",
    "is_hhmm",
    "is_part",
    "parts_of_time",
    "unnamed_parts",
]

YEAR = "year yyyy yr yy jahr annee année ano año anno rok 年 年份 год"
MONTH = "month mon mo mm monat mois mes mês mese 月 月份 месяц"
DAY = "day dd dy dom tag jour dia día giorno 日 日期 день"
HOUR = "hour hr hh stunde std heure hora ora uur 時 时 小时 час"
MINUTE = "minute min mn mm minuto minuut 分 分钟 минута"
SECOND = "second sec ss sc sekunde seconde segundo secondo 秒 секунда"
PARTS: dict[str, tuple[Sequence[str], int, int]] = {
    "year": (YEAR.split(" "), 1900, 2100),
    "month": (MONTH.split(" "), 1, 12),
    "day": (DAY.split(" "), 1, 31),
    "hour": (HOUR.split(" "), 0, 24),
    "minute": (MINUTE.split(" "), 0, 59),
    "second": (SECOND.split(" "), 0, 60),
}
"""Names of columns that hold a part of the time, and between what their numbers are."""
CLOCK_NAMES = ("hhmm", "hrmn", "clock", "hour", "mst", "pst", "est", "cst", "utc", "gmt", "lst", "cet", "cest")
"""Those of times of day in digits, such as the zone alone."""
INVENTED = re.compile(r"a\d+|column_\d+")
"""Names that a file without names is given."""
SAME_HOUR = 1e-6
FIRST_YEAR = 1850
DAY_OF_YEAR = ("doy", "dayofyear", "yday", "jday", "julianday", "julian", "jd")


def parts_of_time(columns: Mapping[str, Column]) -> Iterator[tuple[tuple[str, ...], str | None]]:
    """Columns that are named year, month, day and so on, and the format of these; None of whole numbers in order.

    With the year comes the month, as many of the others as exist, or the day of the year.
    """
    named = _named_parts(columns)
    hours = next((name for name, column in columns.items() if _is_decimal_hour(column)), None)
    if hours is not None and len(named) == 3:
        yield (*named, hours), "%Y %m %d %H%.f"
    elif len(named) >= 2:
        yield named, "%Y %m" if len(named) == 2 else None
    if ordinal := _ordinal_of_time(columns, hours):
        yield ordinal


def _ordinal_of_time(columns: Mapping[str, Column], hours: str | None) -> tuple[tuple[str, ...], str] | None:
    """Columns of year, day of the year and maybe a time of day, and how they are written; None without them."""
    year = next((name for name, column in columns.items() if is_part(column, "year")), None)
    # A day beside a year, without a month, is one of the year.
    names_of_day = DAY_OF_YEAR if any(is_part(one, "month") for one in columns.values()) else (*DAY_OF_YEAR, "day")
    day = next((n for n, one in columns.items() if plain(n) in names_of_day and _are_whole(one, 1, 366)), None)
    if year is None or day is None:
        return None
    others = [name for name in columns if name not in (year, day)]
    if clock := next((name for name in others if is_hhmm(columns[name])), None):
        return (year, day, clock), "%Y %j %H%M"
    if hours is not None:
        return (year, day, hours), "%Y %j %H%.f"
    names: tuple[str, ...] = (year, day)
    format_ = "%Y %j"
    for part, directive in (("hour", "%H"), ("minute", "%M")):
        name = next((name for name in others if is_part(columns[name], part)), None)
        if name is None:
            break
        names, format_ = (*names, name), f"{format_} {directive}"
    return names, format_


def unnamed_parts(columns: Mapping[str, Column]) -> Iterator[tuple[str, ...]]:
    """Columns with invented names whose numbers could be year, month, day and so on, beside each other.

    Those of the fewest parts come first. A day of the year may stand behind the year.
    """
    names = [name for name in columns if INVENTED.fullmatch(name)]
    if len(names) < len(columns):
        return
    limits = [(low, high) for _, low, high in PARTS.values()][1:]
    start = next((i for i, name in enumerate(names) if _are_whole(columns[name], FIRST_YEAR, 2100)), len(names))
    for behind in (start + 1, start + 2):
        if behind > start + 1 and not (behind < len(names) and _are_whole(columns[names[start + 1]], 1, 366)):
            return
        pairs = zip(names[behind:], limits, strict=False)
        fit = [name for name, _ in takewhile(lambda pair: _are_whole(columns[pair[0]], *pair[1]), pairs)]
        if not any(columns[name].numbers.max() for name in fit[2:]):
            fit = fit[:2]  # hours that are always 0 change no time, and may be flags
        yield from ((names[start], *fit[:count]) for count in range(2, len(fit) + 1))


def _named_parts(columns: Mapping[str, Column]) -> tuple[str, ...]:
    names: list[str] = []
    for part in PARTS:
        others = (name for name, column in columns.items() if name not in names and is_part(column, part))
        name = next(others, None)
        if name is None:
            break
        names.append(name)
    return tuple(names)


def is_part(column: Column, part: str) -> bool:
    """Whether a column is named as a part of the time, and holds such numbers."""
    known, low, high = PARTS[part]
    if plain(column.name) not in known:
        return False
    # Only seconds may have a fraction.
    return _are_whole(column, low, high) or (part == "second" and _are_between(column, low, high))


def _is_decimal_hour(column: Column) -> bool:
    """Whether it is named as the hour and holds such as 0.5 and 1, in even steps: 18.30 may be a time of day."""
    known, low, high = PARTS["hour"]
    if plain(column.name) not in known or column.is_whole or not _are_between(column, low, high):
        return False
    found = column.numbers.drop_nulls().diff()
    found = found.filter(found > 0)
    return float(((found - found.median()).abs() < SAME_HOUR).mean() or 0) >= MOST  # type: ignore[arg-type]


def _are_whole(column: Column, low: int, high: int) -> bool:
    """Whether nearly all fields hold whole numbers between these."""
    return column.is_whole and _are_between(column, low, high)


def _are_between(column: Column, low: int, high: int) -> bool:
    """Whether nearly all fields hold numbers between these."""
    if column.numbers.count() < MOST * max(1, len(column.numbers)):
        return False
    return bool(column.numbers.is_between(low, high).all())


def is_hhmm(column: Column) -> bool:
    """Whether it holds times of day as whole numbers, such as 5 for five past midnight and 2350."""
    is_named = name_score(column.name) or plain(column.name) in CLOCK_NAMES or INVENTED.fullmatch(column.name)
    if not is_named:
        return False
    if not _are_whole(column, 0, 2400) or column.numbers.max() < 60:  # type: ignore[operator]
        return False
    return bool((column.numbers.drop_nulls() % 100 < 60).all())
