"""Times of a month and a day without a year: the owner, the head or names of files tell it, or it is asked for."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import NamedTuple

import polars as pl

from longstride.pipeline.ingest.times.stamps import to_nanoseconds
from longstride.pipeline.ingest.times.years import LEAP_YEAR
from longstride.pipeline.profile.clock.numbers.parts import (
    DAY_OF_YEAR,
    DECIMAL_DAY,
    clock_beside,
    finer_parts,
    is_month_name,
    is_part,
)
from longstride.pipeline.profile.clock.order import chosen
from longstride.pipeline.profile.clock.reading import Times, read_as
from longstride.pipeline.profile.clock.sense import sense
from longstride.pipeline.profile.clock.told import Told, place
from longstride.pipeline.profile.column import MOST, Column
from longstride.pipeline.profile.words.time_formats import clock_formats
from longstride.pipeline.profile.words.time_names import name_score, plain
from longstride.pipeline.profile.words.yearless_formats import yearless_dates, yearless_formats

__all__ = ["find_without_year", "years_in_names"]

MAX_TEXTS = 50
ANY = f"{LEAP_YEAR}-01-01"
HALF_A_YEAR_NS = 182 * 86_400 * 10**9
GAP_DAYS = 30
"""A log that lasts less than a year has a gap of so many days in the circle of days."""
YEARS_BACK = 11
"""So many years are tried for days of the week."""
YEAR = re.compile(r"(?<![0-9])((?:19|20)[0-9]{2})(?:([-_.]?)([01][0-9])\2([0-3][0-9]))?(?![0-9])")


class Year(NamedTuple):
    """A year that something tells, and for which month and day, if it says these."""

    year: int
    day: tuple[int, int] | None
    said: str
    """What tells it."""


def find_without_year(
    columns: Mapping[str, Column], blocks: pl.Series, told: Told, names: Sequence[str]
) -> Times | None:
    """The columns of a month and a day that run as a clock does; None where there are none.

    `names` are those of the files. Raises RecipeError where the owner says more than a date.
    """
    found = []
    said = _told_year(told, names)
    for rivals in _readings(columns):
        most = max(times.nanoseconds.count() for times in rivals)
        fit = [times for times in rivals if times.nanoseconds.count() == most]
        raw = [columns[name].raw for name in fit[0].recipe.time_columns]
        fit = [times for times in fit if said and _first_day(times) == said.day] or fit
        if most < MOST * len(fit[0].nanoseconds) or fit[0].nanoseconds.n_unique() < min(3, most):
            continue
        times = chosen(fit, raw, blocks) if len(fit) > 1 else fit[0]
        score = max(map(name_score, times.recipe.time_columns)) + len(raw) + sense(times.nanoseconds, blocks).score
        found.append(times._replace(score=score))
    if not found:
        return None
    best = max(found, key=lambda times: times.score)
    raw = [columns[name].raw for name in best.recipe.time_columns]
    if year_column := next((name for name, column in columns.items() if is_part(column, "year")), None):
        format_ = f"%Y {best.recipe.time_format}"
        dated = read_as([columns[year_column].raw, *raw], format_)
        if dated is not None and dated.nanoseconds.count() >= MOST * best.nanoseconds.count():
            return dated._replace(doubt=best.doubt and best.doubt.replace(f"{LEAP_YEAR}-", "--"))
    start, is_over = _start(best.nanoseconds, blocks)
    doubts = [best.doubt.replace(f"{LEAP_YEAR}-", "--")] if best.doubt else []
    year = None if told.start else said or _by_weekday(best, raw)
    if told.start:
        begin = told.start
    elif year is None:
        begin = ANY
    else:
        first = date.fromisoformat(start)
        is_later = year.day is not None and is_over and year.day < (first.month, first.day)
        begin = f"{year.year - is_later}{start[4:]}"
        doubts.append(f"start: {year.said}. If it is another year, say that in start")
    if is_over and not told.start:
        doubts.append(
            f"start: months go from December to January, so times from {start[5:]} (month and day) on are of one "
            "year, and those before it of the next"
            + ("; if the year is that of the latter, say a year less" if year else "")
        )
    recipe = replace(best.recipe, start=begin)
    nanoseconds = to_nanoseconds(raw, recipe).nanoseconds
    is_open = () if told.start or year else ("start",)
    return best._replace(recipe=recipe, nanoseconds=nanoseconds, doubt=None, doubts=tuple(doubts), open=is_open)


def _readings(columns: Mapping[str, Column]) -> Iterator[list[Times]]:
    """Ways to read each column, or columns together."""
    for name, column in columns.items():
        if column.is_plain or column.raw.dtype != pl.String:
            continue
        texts = _texts(column)
        formats = dict.fromkeys(one for text in texts for one in yearless_formats(text))
        found = _read([column], [one for one in formats if name_score(name) or re.search("%[HI]", one)])
        dates = dict.fromkeys(one for text in texts for one in yearless_dates(text))
        if dates and name_score(name) and (beside := clock_beside(columns, (name,))):
            clocks = (
                beside[1:]
                if beside[1].startswith("%H%M")
                else dict.fromkeys(one for text in _texts(columns[beside[0]]) for one in clock_formats(text))
            )
            found = (
                _read([column, columns[beside[0]]], [" ".join(pair) for pair in product(dates, clocks)]) or found
            )
        if found:
            yield found
    month = next((name for name, one in columns.items() if is_part(one, "month") or is_month_name(one)), None)
    day = next((name for name, one in columns.items() if is_part(one, "day") and name != month), None)
    if month and day:
        date_format = f"{'%b' if is_month_name(columns[month]) else '%m'} %d"
        yield from _with_clock(columns, (month, day), date_format)
    for name, column in columns.items():
        if (
            plain(name) in (*DAY_OF_YEAR, *DECIMAL_DAY)
            and column.is_plain
            and column.numbers.is_between(0, 367).all()
        ):
            yield from (
                _with_clock(columns, (name,), "%j")
                if column.is_whole
                else filter(None, [_read([column], ["%j%.f"])])
            )


def _with_clock(columns: Mapping[str, Column], names: tuple[str, ...], format_: str) -> Iterator[list[Times]]:
    if beside := clock_beside(columns, names):
        names, format_ = (*names, beside[0]), f"{format_} {beside[1]}"
    else:
        names, finer = finer_parts(columns, names)
        format_ = " ".join((format_, *finer))
    if found := _read([columns[name] for name in names], [format_]):
        yield found


def _texts(column: Column) -> list[str]:
    return [str(text) for text in column.values.head(MAX_TEXTS)]


def _read(columns: Sequence[Column], formats: Sequence[str]) -> list[Times]:
    raw = [column.raw for column in columns]
    found = (read_as(raw, format_, start=ANY) for format_ in formats)
    return [times for times in found if times is not None and times.nanoseconds.count()]


def _first_day(times: Times) -> tuple[int, int]:
    """Month and day of the first row."""
    first = datetime(1970, 1, 1) + timedelta(microseconds=int(times.nanoseconds.drop_nulls()[0]) // 1000)
    return first.month, first.day


def _start(nanoseconds: pl.Series, blocks: pl.Series) -> tuple[str, bool]:
    """The day of a leap year on which a log begins, and whether it goes over New Year."""
    steps = nanoseconds.drop_nulls().diff().drop_nulls()
    back = int((steps < 0).sum()) > int((steps > 0).sum())
    if not (steps > HALF_A_YEAR_NS).any() if back else not (steps < -HALF_A_YEAR_NS).any():
        return ANY, False
    days = nanoseconds.drop_nulls().cast(pl.Datetime("ns")).dt.ordinal_day().cast(pl.Int64).unique().sort()
    gaps = days.diff()
    widest = int(gaps.arg_max() or 0)
    if widest and int(gaps[widest]) >= GAP_DAYS:
        first = int(days[widest])
    else:
        ends = nanoseconds.drop_nulls().cast(pl.Datetime("ns")).dt.ordinal_day()
        first = int(ends[-1] if back else ends[0])
    return (date(LEAP_YEAR, 1, 1) + timedelta(days=first - 1)).isoformat(), True


def _told_year(told: Told, names: Sequence[str]) -> Year | None:
    """By the head, or by the names of all files."""
    if begin := told.begin:
        day = date.fromisoformat(begin.date)
        said = f"rows hold no year, and {place(begin.line, begin.text)}, is taken for it"
        return Year(day.year, (day.month, day.day), said)
    if told.facts.year:
        entry = told.facts.year
        return Year(
            int(entry.values[0]), None, f"rows hold no year, and {place(entry.line, entry.text)}, is taken for it"
        )
    found = [match for name in names for match in [*YEAR.finditer(name)][-1:]]
    if len(found) != len(names) or len({match[1] for match in found}) != 1:
        return None
    match = found[0]
    day_said = (int(match[3]), int(match[4])) if match[3] and len(found) == 1 else None
    return Year(
        int(match[1]), day_said, f"rows hold no year, and {match[0]!r} in the name of the file is taken for it"
    )


def years_in_names(names: Sequence[str], group: str) -> str | None:
    """A regular expression for the year in the names of files, where each has one and they differ; else None."""
    years = [match[1] for name in names for match in [*YEAR.finditer(name)][:1]]
    text = f"(?P<{group}>(?:19|20)[0-9]{{2}})"
    found = [match[1] for name in names if (match := re.search(text, name))]
    return text if len(years) == len(names) and found == years and len(set(years)) > 1 else None


def _by_weekday(times: Times, raw: Sequence[pl.Series]) -> Year | None:
    """The last year in which the days of the week that rows hold are right."""
    format_ = str(times.recipe.time_format)
    if "%a" not in format_ or len(raw) > 1:
        return None
    texts = raw[0].drop_nulls().str.strip_chars()
    names = texts.str.extract(r"([^\W\d_]{2,})").str.slice(0, 3).str.to_lowercase()
    fit = []
    this = datetime.now(UTC).year
    for year in range(this, this - YEARS_BACK, -1):
        recipe = replace(times.recipe, start=f"{year}-01-01")
        read = to_nanoseconds([texts.alias(raw[0].name)], recipe).nanoseconds.cast(pl.Datetime("ns"))
        if (read.dt.to_string("%a").str.to_lowercase() == names).all() and not read.null_count():
            fit.append(year)
    if not fit:
        return None
    others = f", or to {' and '.join(map(str, fit[1:]))}" if fit[1:] else ""
    return Year(
        fit[0],
        None,
        f"rows hold no year: their days of the week belong to {fit[0]}{others}, and {fit[0]} is taken",
    )
