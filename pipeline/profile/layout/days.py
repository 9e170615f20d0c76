"""Logs by the day: a column for each time of day, or a file for each day with the date in its name."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import NamedTuple

import polars as pl

from longstride.pipeline.ingest.setting import toml
from longstride.pipeline.ingest.settings.melt import MELTED, TIME_OF_DAY, clock_of
from longstride.pipeline.ingest.sources.base import absolute
from longstride.pipeline.ingest.sources.shapes.from_name import base_name
from longstride.pipeline.profile.clock.times import find_times, is_time_of_day
from longstride.pipeline.profile.column import Column
from longstride.pipeline.profile.words.time_names import name_score

__all__ = ["DayLayout", "find_dates_in_names", "find_times_in_columns"]

DAY_NS = 86_400 * 10**9
CLOCK_NAME = re.compile(r"(\D*?)\d{1,2}(?:([:.h]?)\d{2}(?:([:.])\d{2})?)?(\D*)")
HOUR_NAME = re.compile(r"(?:h|hr|hour|he|hh|stunde|std|heure|t)?[\s_.-]*", re.IGNORECASE)
"""What stands before the number of an hour."""
FEWEST = 8
"""Columns of times of day."""
DATES_IN_NAMES = (
    (r"[0-9]{4}-[0-9]{2}-[0-9]{2}", (0, 1, 2)),
    (r"[0-9]{4}_[0-9]{2}_[0-9]{2}", (0, 1, 2)),
    (r"[0-9]{4}\.[0-9]{2}\.[0-9]{2}", (0, 1, 2)),
    (r"[0-9]{2}-[0-9]{2}-[0-9]{4}", (2, 1, 0)),
    (r"[0-9]{2}\.[0-9]{2}\.[0-9]{4}", (2, 1, 0)),
    (r"[0-9]{2}_[0-9]{2}_[0-9]{4}", (2, 1, 0)),
    (r"20[0-9]{2}[01][0-9][0-3][0-9]", None),
)
"""Patterns, and where year, month and day stand in them."""


class DayLayout(NamedTuple):
    """What was seen, as settings."""

    settings: dict[str, str | list[str]]
    """The time columns as well, without those that the settings make."""
    made: str
    """Column of time that they make."""
    doubt: str


def find_times_in_columns(columns: Mapping[str, Column], blocks: pl.Series) -> DayLayout | None:
    """Columns that are times of day with regular steps, beside a column of days."""
    for format_, names in _formats(columns).items():
        clocks = [_seconds(str(clock_of(name, format_))) for name in names]
        steps = {later - earlier for earlier, later in pairwise(clocks)}
        if len(steps) != 1 or min(steps) <= 0 or clocks[-1] - clocks[0] < 12 * 3600:
            continue
        numbers = [columns[name] for name in names]
        if sum(column.is_number or not len(column.values) for column in numbers) < len(numbers) / 2:
            continue
        rest = {name: column for name, column in columns.items() if name not in names}
        days = [
            times for times in find_times(rest, blocks) if (times.nanoseconds.drop_nulls() % DAY_NS == 0).all()
        ]
        if not days or {TIME_OF_DAY, MELTED} & rest.keys():
            continue
        doubt = (
            f"melt: the columns {names[0]!r} to {names[-1]!r} are taken for times of day, so each value becomes a "
            "row. If they are sensors of their own, leave out melt"
        )
        if clocks[0] > 0 and clocks[-1] == 24 * 3600:
            doubt += f". A value is at the end of its time, that of {names[-1]!r} at 0:00 of the next day"
        return DayLayout({"time": list(days[0].recipe.time_columns), "melt": format_}, TIME_OF_DAY, doubt)
    return None


def _formats(columns: Mapping[str, Column]) -> dict[str, list[str]]:
    """Formats of times of day in which names are written, and these names."""
    found: dict[str, list[str]] = defaultdict(list)
    for name in columns:
        match = CLOCK_NAME.fullmatch(name.strip())
        if match is None:
            continue
        before, mark, other, after = match.groups()
        if mark is None and not HOUR_NAME.fullmatch(before):
            continue
        clock = "%H" if mark is None else f"%H{mark}%M" + (f"{other}%S" if other else "")
        format_ = f"{before}{clock}{after}"
        if "%" not in before + after and clock_of(name, format_) is not None:
            found[format_].append(name)
    return {
        format_: names
        for format_, names in found.items()
        if (len(names) == 24 and not _go_on(format_, columns) if "%M" not in format_ else len(names) >= FEWEST)
    }


def _go_on(format_: str, columns: Mapping[str, Column]) -> bool:
    """Whether names have numbers after that of the last hour, as H25 or HH48: then they are no hours."""
    before, _, after = format_.partition("%H")
    return any(f"{before}{number}{after}" in columns for number in range(25, 28))


def _seconds(clock: str) -> int:
    hour, minute, second = [*map(int, clock.split(":")), 0][:3]
    return hour * 3600 + minute * 60 + second


def find_dates_in_names(columns: Mapping[str, Column], files: Sequence[str]) -> DayLayout | None:
    """The date in the names of files whose rows have a time of day."""
    clocks = [column for column in columns.values() if column.raw.dtype == pl.Time or is_time_of_day(column)]
    if not clocks:
        return None
    clock = max(clocks, key=lambda column: name_score(column.name))
    names = [base_name(absolute(file)) for file in files]
    group = "date" if "date" not in columns else "date_of_file"
    for pattern, order in DATES_IN_NAMES:
        found = [re.search(rf"(?<![0-9])({pattern})(?![0-9])", name) for name in names]
        if all(match is not None and _is_date(match[1], order) for match in found):
            text = rf"(?P<{group}>{pattern})"
            if any(re.search(text, name) is None for name in names):
                continue
            shown = found[0][1] if found[0] else ""
            doubt = (
                f"date-from: rows hold the time of day alone, so {shown!r} in the name of {files[0]} is taken for "
                "the date of its rows. A file whose times pass midnight is refused. If it is another date, "
                f"remove date-from = {toml(text)} and give the date in the rows"
            )
            return DayLayout({"time": [clock.name], "date-from": text}, group, doubt)
    return None


def _is_date(text: str, order: tuple[int, int, int] | None) -> bool:
    if order is None:
        parts = [text[:4], text[4:6], text[6:]]
    else:
        split = re.split("[^0-9]", text)
        parts = [split[index] for index in order]
    year, month, day = map(int, parts)
    if month > 12:
        month, day = day, month
    try:
        return 1990 <= date(year, month, day).year <= 2100
    except ValueError:
        return False
