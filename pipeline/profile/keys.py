"""Which columns name the series of a row, or its sensor (pivot, where each row belongs to one sensor)."""

import re
from collections.abc import Sequence
from itertools import chain, combinations
from typing import Any

import polars as pl

from longstride.pipeline.profile.column import FEW, MOST, Column, steps
from longstride.pipeline.profile.proposal import Proposal
from longstride.pipeline.profile.words.time_names import plain
from longstride.pipeline.profile.words.wording import share

__all__ = ["find_keys"]

MAX_SERIES = 10_000
MAX_CANDIDATES = 20
KEY_NAME = re.compile(r"\w*id|(unit|machine|engine|device|station|node|asset|site)(number|no|nr)?")
SENSOR_NAME = re.compile(r".*(sensor|tag|variable|metric|parameter|channel|measure|quantity|signal|item|kpi).*")


def find_keys(draft: Proposal) -> None:
    """Find the columns that put the times of each of their values in order."""
    # Of those that are as good, the one with the fewest values: a remark may be different in each row.
    candidates = sorted(filter(_is_key, draft.free), key=lambda column: len(column.values))[:MAX_CANDIDATES]
    words = [column for column in candidates if not column.is_number]
    if by_file := [column for column in words if _is_of_files(draft, column)]:
        draft.use("series", by_file[-1], "each file holds one value of it")
        return
    rows = draft.rows.with_columns(column.texts.alias(f"key {column.name}") for column in candidates)
    rows = rows.drop_nulls("time")
    disorder = _disorder(rows, ())
    if disorder <= FEW:
        if turns := [column for column in words if _takes_turns(draft, column)]:
            draft.use("series", turns[0], f"its {len(turns[0].values):,} values take turns")
        return
    found = f"{share(round(disorder * len(rows)), len(rows))} of rows repeat a time or go back in time"
    for keys in chain(combinations(candidates, 1), combinations(candidates, 2)):
        if _disorder(rows, keys) <= disorder / 10:
            (_use_one if len(keys) == 1 else _use_two)(draft, rows, found, *keys)
            return


def _use_one(draft: Proposal, rows: pl.DataFrame, found: str, key: Column) -> None:
    why = f"{found}, but not those of each of its {len(key.values):,} values"
    num_channels = sum(column.numbers.n_unique() > 1 for column in draft.channels if column is not key)
    if num_channels != 1 or _completeness(rows, key) < 0.5:
        draft.use("series", key, why)
        return
    draft.use("pivot", key, f"{why}; there is one number, and most are there at each time")
    draft.doubts.append(f"pivot: if each {key.name!r} is a machine of its own, call it series instead")


def _use_two(draft: Proposal, rows: pl.DataFrame, found: str, *keys: Column) -> None:
    def likeness(sensor: Column, series: Column) -> tuple[bool, float]:
        return SENSOR_NAME.fullmatch(plain(sensor.name)) is not None, _completeness(rows, sensor, series)

    sensor, series = max((keys, keys[::-1]), key=lambda two: likeness(*two))
    draft.use("series", series, f"{found}, but not those of each {series.name!r} and {sensor.name!r}")
    draft.use("pivot", sensor)
    draft.doubts.append(f"series and pivot: it may be the other way round, {sensor.name!r} the series")


def _is_key(column: Column) -> bool:
    if column.texts.null_count() or not 2 <= len(column.values) <= min(MAX_SERIES, len(column.texts) // 2):
        return False
    return not column.is_number or (column.is_whole and KEY_NAME.fullmatch(plain(column.name)) is not None)


def _is_of_files(draft: Proposal, column: Column) -> bool:
    """Whether each file holds one value."""
    rows = draft.rows.with_columns(column.texts.alias("value"))
    return bool(rows.select((pl.col("value").n_unique().over("file") == 1).all()).item())


def _takes_turns(draft: Proposal, column: Column) -> bool:
    """Whether each value comes again when all others have been, after about the same time."""
    size = len(column.values)
    rounds = steps(pl.Series(range(len(column.texts))), draft.rows["block"], column.texts)
    seconds = steps(draft.rows["time"], draft.rows["block"], column.texts)
    return len(rounds) >= size and _is_about(rounds, size, MOST) and _is_about(seconds, seconds.median(), 0.5)


def _is_about(values: pl.Series, usual: Any, least: float) -> bool:
    """Whether enough of the values are near the usual one."""
    return int(values.is_between(0.8 * usual, 1.2 * usual).sum()) >= least * len(values)


def _disorder(rows: pl.DataFrame, keys: Sequence[Column]) -> float:
    """Share of rows that repeat a time of theirs, or go back in time."""
    names = [f"key {column.name}" for column in keys]
    back = pl.col("time") < pl.col("time").shift().over(["block", *names])
    again = ~pl.struct("group", "time", *names).is_first_distinct()
    return float(rows.select((back.fill_null(False) | again).mean()).item())


def _completeness(rows: pl.DataFrame, sensor: Column, *series: Column) -> float:
    """Share of the sensors that have a row at a time, of each series."""
    key = f"key {sensor.name}"
    at_each = rows.group_by("time", *(f"key {column.name}" for column in series)).agg(pl.col(key).n_unique())[key]
    return int(at_each.sum()) / len(at_each) / len(sensor.values)
