"""Columns that rise like a clock, of which nobody says in which unit they count: it is asked for."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction

import polars as pl

from longstride.pipeline.ingest.duration import format_duration
from longstride.pipeline.ingest.setting import toml
from longstride.pipeline.ingest.settings.epochs import UNITS_NS
from longstride.pipeline.ingest.times.stamps import to_nanoseconds
from longstride.pipeline.profile.clock.elapsed import NEAR, goes_on
from longstride.pipeline.profile.clock.numbers.parts import INVENTED
from longstride.pipeline.profile.clock.reading import Times, read_as
from longstride.pipeline.profile.clock.sense import sense
from longstride.pipeline.profile.clock.told import Told, doubt_of_begin, place
from longstride.pipeline.profile.column import MOST, Column
from longstride.pipeline.profile.words.time_names import name_score, plain

__all__ = ["find_counter"]

CLOCK = re.compile("tick|clock|timer|uptime|moment|jiff")
FEWEST = 8
EVEN = 0.5
"""Share of steps that are about as long as the median."""
WIDE = 0.5
"""By how much of it they may differ."""
UNITS = "ns", "us", "ms", "s", "min", "h"
SHORTEST_NS, LONGEST_NS = 10**3, 86_400 * 10**9
"""From row to row."""
MOST_NS = 10 * 366 * 86_400 * 10**9
"""Of what a log lasts."""


def find_counter(columns: Mapping[str, Column], blocks: pl.Series, told: Told) -> Times | None:
    """The first column that may be such a clock; None without one, or where the head tells another step."""
    named = [column for name, column in columns.items() if name_score(name) or CLOCK.search(plain(name))]
    for column in (*named, *(column for column in columns.values() if INVENTED.fullmatch(column.name))):
        if not _rises_evenly(column, blocks):
            continue
        units = dict(_units(column))
        if len(told.facts.steps) == 1:
            step = told.facts.steps[0]
            units = {one: ns for one, ns in units.items() if abs(ns - step.nanoseconds) <= NEAR * step.nanoseconds}
        if units:
            return _asked(column, units, told)
    return None


def _rises_evenly(column: Column, blocks: pl.Series) -> bool:
    """Whether numbers only rise, in steps that are alike, and do not just count rows."""
    numbers = column.numbers
    if len(numbers) < FEWEST or numbers.count() < MOST * len(numbers):
        return False
    # As seconds, the largest numbers are no times.
    times = read_as([column.raw], "ns" if column.is_whole else "s", decimal=(column.spelling.decimal,))
    if times is None or times.nanoseconds.count() < numbers.count():
        return False
    seen = sense(times.nanoseconds, blocks)
    if not seen.num_steps or seen.num_back or not goes_on(seen, times.nanoseconds, blocks):
        return False
    steps = numbers.drop_nulls().diff().drop_nulls()
    steps = steps.filter(steps != 0)
    median = float(steps.median() or 0)  # type: ignore[arg-type]
    if median <= 0 or (median == 1 and column.is_whole):
        return False
    return float(steps.is_between((1 - WIDE) * median, (1 + WIDE) * median).mean() or 0) >= EVEN  # type: ignore[arg-type]


def _units(column: Column) -> Iterator[tuple[str, Fraction]]:
    """Units in which it makes sense, and how long its usual step is in each."""
    numbers = column.numbers.drop_nulls()
    steps = numbers.diff().drop_nulls()
    median = Fraction(str(round(float(steps.filter(steps > 0).median()), 9)))  # type: ignore[arg-type]
    lasts = float(numbers.max()) - float(numbers.min())  # type: ignore[arg-type]
    for unit in UNITS:
        step = median * UNITS_NS[unit]
        if SHORTEST_NS <= step <= LONGEST_NS and lasts * UNITS_NS[unit] <= MOST_NS:
            yield unit, step


def _asked(column: Column, units: Mapping[str, Fraction], told: Told) -> Times | None:
    name, unit = column.name, next(iter(units))
    begin = told.begin
    start = told.start or (begin.start if begin else None)
    times = read_as([column.raw], unit, decimal=(column.spelling.decimal,))
    if times is None:
        return None
    recipe = replace(times.recipe, start=start)
    times = times._replace(recipe=recipe, nanoseconds=to_nanoseconds([column.raw], recipe).nanoseconds)
    doubts = [doubt_of_begin(begin, f"when {name!r} was 0")] if begin else []
    if told.facts.steps:
        step = told.facts.steps[0]
        doubt = f"{name!r} rises evenly: it is an elapsed time in {unit}, so that its steps are as "
        return times._replace(doubt=f"{doubt}{place(step.line, step.text)}, says", doubts=tuple(doubts))
    numbers = column.numbers.drop_nulls()
    lasts = Fraction(str(float(numbers.max()) - float(numbers.min())))  # type: ignore[arg-type]
    shown = "; ".join(
        f"{one}: {format_duration(int(step))}, {format_duration(int(lasts * UNITS_NS[one]))}"
        for one, step in units.items()
    )
    doubt = (
        f"time-format: {name!r} rises evenly, as a clock does, and nothing says its unit. From "
        f"row to row, and in all, the log would last: {shown}. If it is no time, leave out time and time-format, "
        f"and say how far rows are apart, as with every = {toml('10s')}"
    )
    return times._replace(doubts=(doubt, *doubts), open=("time-format",))
