"""Columns that count from the beginning of a recording: seconds, ticks, cycles, days of a year."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import polars as pl

from longstride.pipeline.ingest.setting import toml
from longstride.pipeline.ingest.settings.epochs import UNITS_NS
from longstride.pipeline.ingest.times.stamps import to_nanoseconds
from longstride.pipeline.profile.clock.numbers.parts import hhmmss_format, is_hhmmss, runs_as_hhmmss
from longstride.pipeline.profile.clock.reading import Times, read_as
from longstride.pipeline.profile.clock.runs import runs_of
from longstride.pipeline.profile.clock.sense import Sense, sense
from longstride.pipeline.profile.clock.told import Told, doubt_of_begin, place
from longstride.pipeline.profile.column import MOST, Column
from longstride.pipeline.profile.words.time_names import elapsed_unit, names_unit, plain

__all__ = ["NEAR", "begun", "days_of_year", "find_cycles", "find_elapsed", "goes_on"]

CYCLE_NAME = re.compile(
    r"(?:time|elapsed|run|total|flight|load|machine)?(?:in)?(?:cycles?|zyklus|zyklen|ciclos?)(?:no|nr|num|number|count|index|id|s)?"
)
DAY_NAME = re.compile(r"(?:time)?j(?:ulian)?(?:days?)?|doy|dayofyear|yday|jday|decimalday|julday|timej\w*")
FAST = re.compile(r"gyro|acc_?(?:el|[xyz]\b)|\bimu|quat(?:ernion)?\w?|\b(?:emg|ecg|eeg|ppg)", re.IGNORECASE)
"""Names of sensors that are read many times a second."""
NEAR_WHOLE = 1e-3
SEEN = 10_000
TOLD_S = Fraction(1, 10**5)
"""A time that is rounded by less is as good as exact."""
LONG_STEP_MS, LONG_LOG_MS = 10 * 60_000, 365 * 86_400_000
"""Steps of ten minutes, and logs of a year, are seldom counted in ms, and usual in ns."""
FAST_STEP = 1000
"""Such steps may be us as well."""
SIX_DIGITS = 10_000
NEAR = 0.02
"""A step that differs by less is the same."""


def find_elapsed(columns: Mapping[str, Column], blocks: pl.Series) -> Iterator[Times]:
    """Columns of numbers that are called an elapsed time."""
    is_fast = any(FAST.search(name) for name in columns)
    for name, column in columns.items():
        # A second line may say it, as below the x-axis of an oscilloscope.
        said = names_unit(name) or names_unit(column.unit or "")
        unit = said or elapsed_unit(name)
        if unit is None or not column.numbers.count() or column.numbers.count() < MOST * len(column.numbers):
            continue
        others: list[str] = []
        if said is None:
            if _is_of_any_unit(column) or runs_as_hhmmss(column):
                continue
            unit, *others = _likely_units(column, is_fast=is_fast)
        times = read_as([column.raw], unit, decimal=(column.spelling.decimal,))
        if times is None:
            continue
        seen = sense(times.nanoseconds, blocks)
        if not seen.num_steps or seen.num_back:
            continue
        if goes_on(seen, times.nanoseconds, blocks) or (said and _are_told_apart(times, columns, blocks)):
            doubt = f"{name!r} is an elapsed time in {unit}"
            if others:
                counts, say = " or ".join(others), " or ".join(map(toml, others))
                doubt += f"; its name says no unit: if it counts {counts}, say time-format = {say}"
            rounding = (*_doubts_of_rounding(column, unit), *(() if said else _doubts_of_digits(column)))
            yield times._replace(doubt=doubt, doubts=rounding, score=seen.score, is_elapsed=True)


def _are_told_apart(times: Times, columns: Mapping[str, Column], blocks: pl.Series) -> bool:
    """Whether a column of texts is another one in each row of one time: a long log, with a sensor in each row."""
    rows = pl.DataFrame([blocks.alias("block"), times.nanoseconds.alias("time")])
    for column in columns.values():
        if column.is_number or not 2 <= len(column.values) <= len(rows) // 2:
            continue
        if not rows.with_columns(text=column.texts).drop_nulls().is_duplicated().any():
            return True
    return False


def _step(column: Column) -> float:
    step: Any = column.numbers.drop_nulls().diff().median()
    return step or 0


def _is_of_any_unit(column: Column) -> bool:
    """Whether whole numbers of which no unit is said rise so fast that they may be ns or us as well as ms."""
    numbers = column.numbers.drop_nulls()
    length: Any = (numbers.max() or 0) - (numbers.min() or 0)  # type: ignore[operator]
    return column.is_whole and (_step(column) >= LONG_STEP_MS or length >= LONG_LOG_MS)


def _likely_units(column: Column, *, is_fast: bool) -> tuple[str, ...]:
    """The unit of a time of which none is said, and what else it may be."""
    numbers = column.numbers.drop_nulls()
    if column.is_whole:
        # Seconds come one by one or in whole minutes, the ticks of small computers in no such steps.
        step = _step(column)
        if step >= 20 and step % 60:
            return ("ms", "s") if step < FAST_STEP else ("ms", "s", "us")
        return ("ms", "s") if is_fast and 1 < step < 1000 else ("s", "ms")
    # Hours of the day such as 12.6763888 are whole seconds that somebody divided.
    of_day = numbers.is_between(1, 2 * 24).all() and not _are_round(numbers * 10**4)
    return ("h", "s") if of_day and _are_round(numbers * 3600) else ("s", "min")


def _are_round(numbers: pl.Series) -> bool:
    return float(((numbers - numbers.round()).abs() < NEAR_WHOLE).mean() or 0) >= MOST  # type: ignore[arg-type]


def _doubts_of_digits(column: Column) -> Iterator[str]:
    """Numbers such as 103122.05, which a short log may also write for half past ten."""
    if is_hhmmss(column) and float(column.numbers.min()) >= SIX_DIGITS:  # type: ignore[arg-type]
        yield (
            f"time-format: {column.values[0]} of {column.name!r} may be a time of day. If it is, say "
            f"time-format = {toml(hhmmss_format(column))}, with the date in start"
        )


def _doubts_of_rounding(column: Column, unit: str) -> Iterator[str]:
    """Fractions of a minute or an hour that are no whole milliseconds: they are rounded."""
    for text in column.values.head(SEEN) if unit in ("min", "h") else ():
        digits = re.fullmatch(r"[+-]?\d+[.,]\d+", text)
        seconds = Fraction(text.replace(",", ".") if digits else "0") * (UNITS_NS[unit] // UNITS_NS["s"])
        stored = Fraction(round(seconds * 1000), 1000)
        if abs(stored - seconds) >= TOLD_S:
            yield (
                f"time-format: times are rounded to the millisecond: {text} {unit} is {float(seconds):.9g} s, and "
                f"stored as {float(stored):.9g} s"
            )
            return


def goes_on(seen: Sense, nanoseconds: pl.Series, blocks: pl.Series) -> bool:
    """Whether most rows have a time of their own, or those of one time are as many each time: a coarse clock."""
    few_still = seen.num_still <= 0.1 * seen.num_steps
    return few_still or runs_of(nanoseconds, blocks, are_whole=False).are_of_coarse_clock


def find_cycles(columns: Mapping[str, Column], blocks: pl.Series) -> Iterator[Times]:
    """Columns that count the cycles of a machine, one a row; they start again where another machine begins."""
    for name, column in columns.items():
        if not CYCLE_NAME.fullmatch(plain(name)) or not column.is_whole:
            continue
        times = read_as([column.raw], "s")
        if times is None or times.nanoseconds.null_count():
            continue
        found = times.nanoseconds.diff().drop_nulls()
        if len(found) and int((found == UNITS_NS["s"]).sum()) >= MOST * len(found):
            doubt = (
                f"{name!r} counts cycles, and is taken for the time of a row: a cycle is stored as one second. If "
                "you know how long one is, or when each was, write that into the rows"
            )
            yield times._replace(doubt=doubt, score=sense(times.nanoseconds, blocks).score)


def begun(times: Times, column: Column, told: Told) -> Times:
    """An elapsed time with the date that is told of its beginning, and a doubt where none is."""
    times = _by_step(times, column, told)
    begin = told.begin
    start = told.start or (begin and begin.start)
    if start is None:
        doubt = (
            f"{times.doubt}. It is without a date: rows are as if from 1970. If you know when it began, say so, "
            'as with start = "2024-03-01T08:00"'
        )
        return times._replace(doubt=doubt)
    recipe = replace(times.recipe, start=start)
    doubts = (*times.doubts, *((doubt_of_begin(begin, f"when {column.name!r} was 0"),) if begin else ()))
    nanoseconds = to_nanoseconds([column.raw], recipe).nanoseconds
    return times._replace(recipe=recipe, nanoseconds=nanoseconds, doubts=doubts)


def _by_step(times: Times, column: Column, told: Told) -> Times:
    """In the unit that makes its steps those of which the head tells, where no name says a unit."""
    if names_unit(column.name) or len(told.facts.steps) != 1 or "says no unit" not in (times.doubt or ""):
        return times
    step = told.facts.steps[0]
    median: Any = column.numbers.drop_nulls().diff().median() or 0
    for unit, length in UNITS_NS.items():
        if abs(median * length - step.nanoseconds) <= NEAR * step.nanoseconds:
            read = read_as([column.raw], unit, decimal=(column.spelling.decimal,))
            if read is not None:
                where = place(step.line, step.text)
                doubt = f"{column.name!r} is an elapsed time in {unit}, so that its steps are as {where}, says"
                return times._replace(recipe=read.recipe, nanoseconds=read.nanoseconds, doubt=doubt)
    return times


def days_of_year(columns: Mapping[str, Column], blocks: pl.Series, told: Told) -> Iterator[Times]:
    """Days of a year with a fraction, where the head tells a date that fits: it tells the year."""
    if told.begin is None:
        return
    begin = date.fromisoformat(told.begin.date)
    for name, column in columns.items():
        first: Any = column.numbers.drop_nulls().head(1).sum()
        if not DAY_NAME.fullmatch(plain(name)) or column.is_whole or not column.is_number:
            continue
        if abs(first - begin.timetuple().tm_yday) > 1.5:
            continue
        times = read_as([column.raw], f"d since {date(begin.year, 1, 1) - timedelta(days=1)}")
        if times is not None and not sense(times.nanoseconds, blocks).num_back:
            doubt = (
                f"{name!r} is taken for days of the year {begin.year}, in which 1 is January 1, as "
                f"{place(told.begin.line, told.begin.text)}, says"
            )
            yield times._replace(doubt=doubt)
