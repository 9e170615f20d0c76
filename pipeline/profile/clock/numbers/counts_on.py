"""Columns that count on from a date or a week in another column: seconds of the day, periods, GPS."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from longstride.pipeline.profile.clock.numbers.parts import PARTS, is_part
from longstride.pipeline.profile.clock.reading import Times, read_as
from longstride.pipeline.profile.clock.sense import sense
from longstride.pipeline.profile.column import MOST, Column
from longstride.pipeline.profile.words.time_names import name_score, plain

__all__ = ["counts_of_day", "counts_of_weeks", "parts_with_count", "with_count"]

DAY_S = 86_400
OF_DAY = {
    "s": (
        re.compile(r"sod|(?:utc)?sec(?:ond)?s?(?:of|in)(?:the)?day|sec(?:ond)?ssincemidnight|tod|timeofdays"),
        DAY_S,
    ),
    "ms": (re.compile(r"(?:ms|millis|milliseconds)(?:of|in)(?:the)?day|mssincemidnight"), DAY_S * 1000),
    "min": (re.compile(r"(?:min|minute)s?(?:of|in)(?:the)?day|minutessincemidnight"), DAY_S // 60),
}
"""Units of columns that count from midnight on, what these are called, and how many a day has."""
PERIOD = re.compile(
    r"(?:settlement|trading|dispatch|trade|market|delivery|half ?hour(?:ly)?)?(?:period|interval|intervall)"
    r"(?:no|number|num|id|index)?|hh|ptu|mtu|isp|qh|halfhour|quarterhour|viertelstunde|periode|periodo|período"
)
MINUTES = {
    48: "30min",
    46: "30min",
    50: "30min",
    96: "15min",
    92: "15min",
    100: "15min",
    288: "5min",
    144: "10min",
}
"""Length of a period, by their number on a day; on those on which clocks change, an hour more or less."""
MJD = re.compile(r"mjd|modifiedjulian(?:day|date)|mjdutc")
WEEK = re.compile(r"(?:gps|gnss)?(?:week|wk|wn|wno|gwk|weekno|weeknum|weeknumber)(?:no|num|number)?|gpsw")
OF_WEEK = re.compile(
    r"(?:gps|gnss)?i?(?:tow|sow|gms|sec(?:ond)?s?(?:of|in)?(?:the)?(?:gps)?(?:week|wk)|sec(?:ond)?s?|time"
    r"|mil+isec(?:ond)?s?(?:of|in)?(?:week)?|tom|ms)(?:ms|s|sec)?"
)
WEEKS = (1024, 4000)
"""Weeks since 1980; smaller ones may have begun again from 0, in 1999 and in 2019."""


def counts_of_day(column: Column) -> str | None:
    """What a column counts from midnight on, as a time format says it, such as "+ s"; None for others."""
    if not column.is_plain or not column.numbers.count() or column.numbers.null_count():
        return None
    name, numbers = plain(column.name), column.numbers
    low, high = float(numbers.min()), float(numbers.max())  # type: ignore[arg-type]
    for unit, (words, most) in OF_DAY.items():
        if words.fullmatch(name) and low >= 0 and high <= most and high > 24:
            return f"+ {unit}"
    if PERIOD.fullmatch(name) and column.is_whole and low == 1 and int(high) in MINUTES:
        return f"+ {MINUTES[int(high)]} from 1"
    if name_score(column.name) and not column.is_whole and low >= 0 and high < 1:
        return "+ d"
    return None


def with_count(date: Times, column: Column, columns: Mapping[str, Column], count: str) -> Times | None:
    """Times of a date and of what a column counts on from it; None where these do not go together."""
    base = date.recipe.time_format or "%Y-%m-%d"
    names = date.recipe.time_columns
    if date.recipe.epoch is not None or date.nanoseconds.drop_nulls().is_empty():
        return None
    raw = [columns[name].raw for name in names]
    settings: dict[str, Any] = {"round_time": "1s"} if count == "+ d" else {}
    found = read_as([*raw, column.raw], f"{base} {count}", **settings)
    # Until the zone is known, the last periods of a day in autumn are of no day.
    if found is None or found.nanoseconds.count() < MOST * date.nanoseconds.count():
        return None
    doubt = date.doubt
    if "from 1" in count:
        length = count.split()[1].replace("min", " minutes")
        said = (
            f"{column.name!r} is taken for the number of a period of {length}, from 1 at midnight on, and a row "
            "gets the beginning of its period. On days on which clocks change, periods are counted on: if days "
            'are local, say their zone, such as timezone = "Europe/London"'
        )
        doubt = f"{doubt}; {said}" if doubt else said
    return found._replace(doubt=doubt, rival=None)


def counts_of_weeks(columns: Mapping[str, Column], blocks: pl.Series) -> Iterator[Times]:
    """Weeks of GPS and seconds of the week, or modified Julian days and seconds of the day, in two columns."""
    for name, column in columns.items():
        if not column.is_whole or not column.is_plain or not column.numbers.count():
            continue
        for other, count in columns.items():
            if other == name or not count.is_plain or count.numbers.count() < MOST * len(count.numbers):
                continue
            format_ = _of_weeks(column, count) or _of_days(column, count)
            times = format_ and read_as([column.raw, count.raw], format_)
            if times and not sense(times.nanoseconds, blocks).num_back and not times.nanoseconds.null_count():
                yield times


def _of_weeks(week: Column, count: Column) -> str | None:
    if not WEEK.fullmatch(plain(week.name)) or not OF_WEEK.fullmatch(plain(count.name)):
        return None
    if not week.numbers.is_between(*WEEKS).all() or float(count.numbers.min()) < 0:  # type: ignore[arg-type]
        return None
    most = float(count.numbers.max())  # type: ignore[arg-type]
    if most < 7 * DAY_S:
        return "gps-week + s" if re.search("ms|mil", plain(count.name)) is None else "gps-week + ms"
    return "gps-week + ms" if most < 7 * DAY_S * 1000 else None


def _of_days(day: Column, count: Column) -> str | None:
    """Modified Julian days, and what is counted from midnight on."""
    counts = counts_of_day(count)
    is_mjd = MJD.fullmatch(plain(day.name)) and day.numbers.is_between(30_000, 90_000).all()
    return f"mjd {counts}" if counts and is_mjd else None


def parts_with_count(columns: Mapping[str, Column], count: Column) -> tuple[tuple[str, ...], str] | None:
    """Columns of year, month and day beside a count from midnight on, and how all are written."""
    counts = counts_of_day(count)
    names = [next((n for n, one in columns.items() if is_part(one, part)), None) for part in [*PARTS][:3]]
    if counts is None or None in names:
        return None
    return (*map(str, names), count.name), f"%Y %m %d {counts}"
