"""Columns that hold a part of the time each: year, month, day, hour and so on, found by names and numbers."""

from collections.abc import Mapping

from longstride.pipeline.profile.column import MOST, Column
from longstride.pipeline.profile.words.time_names import name_score, plain

__all__ = ["DAY_OF_YEAR", "are_between", "are_whole", "is_hhmm", "is_part", "months_of_time", "parts_of_time"]

PARTS = {
    "year": (("year", "yyyy", "yr", "yy", "jahr", "annee", "année", "ano", "año", "anno", "rok"), 1900, 2100),
    "month": (("month", "mon", "mo", "mm", "monat", "mois", "mes", "mês", "mese"), 1, 12),
    "day": (("day", "dd", "dy", "dom", "tag", "jour", "dia", "día", "giorno"), 1, 31),
    "hour": (("hour", "hr", "hh", "stunde", "std", "heure", "hora", "ora", "uur"), 0, 24),
    "minute": (("minute", "min", "mn", "mm", "minuto", "minuut"), 0, 59),
    "second": (("second", "sec", "ss", "sekunde", "seconde", "segundo", "secondo"), 0, 60),
}
"""Names of columns that hold a part of the time, and between what their numbers are."""
CLOCK_NAMES = ("hhmm", "hrmn", "clock", "hour", "mst", "pst", "est", "cst", "utc", "gmt", "lst", "cet", "cest")
"""Those of times of day in digits, such as the zone alone."""
DAY_OF_YEAR = ("doy", "dayofyear", "yday", "jday", "julianday", "julian", "jd")


def parts_of_time(columns: Mapping[str, Column]) -> tuple[str, ...]:
    """Columns named year, month, day and so on, as many as exist; none if these three are not all there."""
    names = _named_parts(columns)
    return names if len(names) >= 3 else ()


def months_of_time(columns: Mapping[str, Column]) -> tuple[str, ...]:
    """Columns named year and month, where no day is among the columns; else none."""
    names = _named_parts(columns)
    return names if len(names) == 2 else ()


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
    return are_whole(column, low, high) or (part == "second" and are_between(column, low, high))


def are_whole(column: Column, low: int, high: int) -> bool:
    """Whether nearly all fields hold whole numbers between these."""
    return column.is_whole and are_between(column, low, high)


def are_between(column: Column, low: int, high: int) -> bool:
    """Whether nearly all fields hold numbers between these."""
    if column.numbers.count() < MOST * max(1, len(column.numbers)):
        return False
    return bool(column.numbers.is_between(low, high).all())


def is_hhmm(column: Column) -> bool:
    """Whether it holds times of day as whole numbers, such as 5 for five past midnight and 2350."""
    if not (name_score(column.name) or plain(column.name) in CLOCK_NAMES):
        return False
    if not are_whole(column, 0, 2400) or column.numbers.max() < 60:  # type: ignore[operator]
        return False
    return bool((column.numbers.drop_nulls() % 100 < 60).all())
