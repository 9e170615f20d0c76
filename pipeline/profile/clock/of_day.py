"""Rows that hold the time of day alone, with a date that the head or the owner tells, or that is asked for."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

import polars as pl

from longstride.pipeline.ingest.settings.epochs import UNITS_NS
from longstride.pipeline.ingest.times.stamps import to_nanoseconds
from longstride.pipeline.profile.clock.beside import is_half_of_day, with_half_column
from longstride.pipeline.profile.clock.numbers.parts import hhmmss_format, runs_as_hhmmss
from longstride.pipeline.profile.clock.reading import Times, read_as
from longstride.pipeline.profile.clock.sense import sense
from longstride.pipeline.profile.clock.told import Told, doubt_of_begin
from longstride.pipeline.profile.column import MOST, Column
from longstride.pipeline.profile.head.begin import Begin
from longstride.pipeline.profile.words.time_formats import clock_formats, is_clock
from longstride.pipeline.profile.words.time_names import name_score, plain

__all__ = ["find_times_of_day"]

ELAPSED = re.compile("elapsed|duration|relative|verstrichen|laufzeit|écoulé|ecoule|transcurrid|trascors|経過|经过")
"""What a column is called that counts from the beginning on, though it is written like a time of day."""
NEAR_ZERO_NS = 10 * UNITS_NS["min"]
ANY_DAY = "2000-01-01"
MAX_TEXTS = 50


def find_times_of_day(columns: Mapping[str, Column], blocks: pl.Series, told: Told) -> Times | None:
    """The column of times of day that runs, read with a date; None where there is none.

    Raises RecipeError where the owner says more than a date.
    """
    begin = told.day
    clocks = [column for column in columns.values() if not ELAPSED.search(plain(column.name))]
    found = [times for column in clocks if (times := _read(column)) is not None]
    if any(map(is_half_of_day, columns.values())):  # 8:00 is morning and evening
        found = [fuller for times in found for fuller in with_half_column(times, columns)]
    found = [times for times in found if not _begins_anew(times, begin)]
    seen = {id(times): sense(times.nanoseconds, blocks) for times in found}
    found = [times for times in found if seen[id(times)].num_steps > seen[id(times)].num_still]
    if not found:
        return None
    best = max(found, key=lambda times: name_score(times.recipe.time_columns[0]) + seen[id(times)].score)
    begin = _of_first_row(begin, best) if begin else None
    date = told.start or (begin.date if begin else None)
    recipe = replace(best.recipe, start=date or ANY_DAY)
    raw = [columns[name].raw for name in recipe.time_columns]
    times = best._replace(recipe=recipe, nanoseconds=to_nanoseconds(raw, recipe).nanoseconds)
    doubts: tuple[str, ...] = (doubt_of_begin(begin, "the date of all rows"),) if begin else ()
    if seen[id(best)].num_back:
        doubts += (
            "start: times of day go back, and rows have one date: a file whose times pass midnight is refused. "
            "Cut it at midnight, or write the date into its rows",
        )
    return times._replace(doubts=doubts, open=() if date else ("start",))


def _of_first_row(begin: Begin, times: Times) -> Begin:
    """Of several times that a head tells, as those of two zones, the one whose time of day the first row has."""
    first_ns = int(times.nanoseconds.drop_nulls()[0]) % UNITS_NS["d"]
    told = [begin, *begin.rivals]
    near = (
        one for one in told if (clock := _clock_ns(one)) is not None and abs(clock - first_ns) < UNITS_NS["min"]
    )
    found = next(near, begin)
    return found._replace(rivals=tuple(one._replace(rivals=()) for one in told if one is not found))


def _clock_ns(begin: Begin) -> int | None:
    """The time of day that it tells."""
    if "T" not in begin.start:
        return None
    clock = datetime.fromisoformat(begin.start)
    return ((clock.hour * 60 + clock.minute) * 60 + clock.second) * UNITS_NS["s"]


def _begins_anew(times: Times, begin: Begin | None) -> bool:
    """Whether it is 0:00 where the head says that a log began at another time: then it counts from there on."""
    if begin is None or "T" not in begin.start or not begin.is_start or times.nanoseconds.count() == 0:
        return False
    clock = datetime.fromisoformat(begin.start)
    began_ns = (clock.hour * 60 + clock.minute) * UNITS_NS["min"]
    first_ns = int(times.nanoseconds.drop_nulls()[0]) % UNITS_NS["d"]
    return first_ns < NEAR_ZERO_NS and min(began_ns, UNITS_NS["d"] - began_ns) > 2 * NEAR_ZERO_NS


def _read(column: Column) -> Times | None:
    if column.raw.dtype == pl.Time:
        return read_as([column.raw], "%H:%M:%S%.f", start=ANY_DAY)
    if runs_as_hhmmss(column):
        times = read_as([column.raw], hhmmss_format(column), start=ANY_DAY)
        return times if times is not None and times.nanoseconds.count() >= MOST * column.texts.count() else None
    texts = column.values.head(MAX_TEXTS).to_list()
    if not texts or sum(map(is_clock, texts)) < MOST * len(texts):
        return None
    formats = Counter(format_ for text in texts for format_ in clock_formats(text))
    found = [times for format_ in formats if (times := read_as([column.raw], format_, start=ANY_DAY)) is not None]
    best = max(found, key=lambda times: times.nanoseconds.count(), default=None)
    return best if best is not None and best.nanoseconds.count() >= MOST * column.texts.count() else None
