"""Rows that hold no time: they are counted, as far apart as the head or the owner tells, or that is asked for."""

import re
from collections.abc import Iterator, Mapping
from fractions import Fraction

import numpy as np
import polars as pl

from longstride.pipeline.ingest.duration import format_duration, parse_step
from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.setting import toml
from longstride.pipeline.ingest.staging.clocks.row_clock import RowClock
from longstride.pipeline.profile.clock.reading import Times
from longstride.pipeline.profile.clock.told import NO_DATE, Told, doubt_of_begin, place
from longstride.pipeline.profile.column import MOST, Column, steps
from longstride.pipeline.profile.head.entries import Entry
from longstride.pipeline.profile.head.step import Step
from longstride.storage.text import counted

__all__ = ["UNKNOWN", "count_rows"]

UNKNOWN = "1970-01-01"
"""When rows begin of which nobody knows the date."""
STAND_IN = "1s"
"""What rows are looked at with, where nobody has said how far apart they are."""
FEWEST = 10
MOST_OFF = 0.1
"""Of how long a log lasts; heads round it, and count from before its first row."""


def count_rows(
    columns: Mapping[str, Column], blocks: pl.Series, told: Told, num_files: int, *, is_whole: bool
) -> Times:
    """Times of rows (T,) by their numbers; `is_whole` says whether these are all rows."""
    doubts, why, is_open = [], {}, False
    found = told.facts.steps
    every = told.every
    if every is None and len(found) == 1:
        every, why["every"] = found[0].every, f"as {place(found[0].line, found[0].text)}, says"
        doubts.append(_doubt_of_step(found[0]))
    elif every is None:
        is_open = True
        why["every"] = 'the question: how far apart are rows? Such as "50us", "20000hz" or "10s"'
        if found:
            shown = " and ".join(f"{step.every} by {place(step.line, step.text)}" for step in found[:3])
            doubts.append(f"every: lines above the table contradict each other: {shown}")
    begin = told.begin
    start = told.start or (begin.start if begin else UNKNOWN)
    if begin:
        doubts.append(doubt_of_begin(begin, "the time of the first row"))
    elif told.start is None:
        doubts.append(f"start: {NO_DATE}")
    doubts += _doubts_of_counters(columns, blocks, is_open=is_open)
    if told.facts.length and len(blocks) > num_files * told.facts.length[0]:
        number, entry = told.facts.length
        doubts.append(
            f"every: {place(entry.line, entry.text)}, says {number:,} rows, and there are more: rows that were "
            "written at another time may follow, and are counted on as if there were no pause"
        )
    elif told.facts.duration and every is not None and num_files == 1 and is_whole:
        doubts += _doubts_of_duration(told.facts.duration, every, len(blocks))
    if num_files > 1:
        doubts.append(
            f"every: the rows of all {num_files:,} files are counted one after the other, as if there were no "
            "pause between files. If each was recorded apart, name each a series, as with series-from = "
            f"{toml('(?P<series>.+)')}: no window then holds rows of two"
        )
    recipe = Recipe(every=every or STAND_IN, start=start)
    clock = RowClock.of(recipe)
    assert clock is not None
    nanoseconds = pl.Series("time", clock.times(np.arange(len(blocks))), pl.Int64)
    return Times(recipe, nanoseconds, why=why, doubts=tuple(doubts), open=("every",) if is_open else ())


def _doubt_of_step(step: Step) -> str:
    doubt = f"every: rows hold no time and are counted: {place(step.line, step.text)}, says how far apart they are"
    if step.unit:
        doubt += f", in a unit that it does not say: {step.unit} is taken"
    if step.alike:
        doubt += f". Its digits are few: if the rate is {step.alike}, say every = {toml(step.alike)}"
    return doubt + ". Where rows are missing, all later ones come too early"


def _doubts_of_duration(duration: tuple[Fraction, Entry], every: str, num_rows: int) -> Iterator[str]:
    """Rows that are sorted or summarised otherwise, as by depth, are no longer so far apart."""
    nanoseconds, entry = duration
    counted_ns = num_rows * parse_step(every, "every")
    if abs(counted_ns - nanoseconds) > MOST_OFF * nanoseconds:
        yield (
            f"every: {place(entry.line, entry.text)}, says how long the log lasts, and {counted(num_rows, 'row')} "
            f"of {every} last {format_duration(int(counted_ns))}: if rows are no longer evenly apart, as where "
            "they were summarised or sorted anew, their times are wrong"
        )


def _doubts_of_counters(columns: Mapping[str, Column], blocks: pl.Series, *, is_open: bool) -> Iterator[str]:
    """Columns that count rows, and leave some out or start again: rows that are counted do neither."""
    for name, column in columns.items():
        if not column.is_whole or column.numbers.null_count() or not column.is_plain:
            continue
        numbers = column.numbers.cast(pl.Int64, strict=False)
        found = steps(numbers, blocks).cast(pl.Int64, strict=False)
        others = found.filter(found != 1)
        if len(found) < FEWEST or len(others) > (1 - MOST) * len(found) or not len(others):
            continue
        back = others.filter(others < 0)
        if num_missing := len(others) - len(back):
            yield (
                f"every: {name!r} counts rows and leaves numbers out in {counted(num_missing, 'place')}: rows are "
                "missing there, and those that are counted do not show it"
            )
        what = f"every: {name!r} counts rows and starts again in {counted(len(back), 'place')}"
        if is_open and (key := _key_of(columns, name, numbers)):
            yield (
                f"{what}, where {key!r} changes: if that is a machine and this its cycle, run `longstride ingest` "
                f"with --time {_shell(name)} --time-format s --series {_shell(key)}"
            )
        elif len(back) == 1 or back.n_unique() > 1:  # others are full, and start from 0
            yield f"{what}: rows are counted on, as if there were no pause"


def _key_of(columns: Mapping[str, Column], name: str, numbers: pl.Series) -> str | None:
    """Another column that changes where a counter starts again, and nowhere else."""
    falls = (numbers.diff() < 0).fill_null(False)
    for other, column in columns.items():
        changes = column.texts.ne_missing(column.texts.shift(fill_value=column.texts.first()))
        if other != name and changes.equals(falls):
            return other
    return None


def _shell(name: str) -> str:
    return name if re.fullmatch(r"[\w.-]+", name) else f"'{name}'"
