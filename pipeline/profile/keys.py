"""Which columns name the series of a row, or its sensor (pivot, where each row belongs to one sensor)."""

import re
from collections.abc import Sequence
from itertools import chain, combinations
from typing import Any

import polars as pl

from longstride.pipeline.ingest.columns import listed
from longstride.pipeline.ingest.setting import toml
from longstride.pipeline.profile.cadence.steps import is_set_back
from longstride.pipeline.profile.column import FEW, MOST, Column, steps
from longstride.pipeline.profile.layout.long_log import (
    A_QUALITY,
    COMMON_GRID,
    beside_value,
    is_event_log,
    mixed_value,
    state_keys,
)
from longstride.pipeline.profile.layout.quantities import are_far, are_quantities
from longstride.pipeline.profile.proposal import Proposal
from longstride.pipeline.profile.spelling.affixes import affixes_of
from longstride.pipeline.profile.words.time_names import plain
from longstride.storage.text import share

__all__ = ["find_keys"]

MAX_SERIES = 10_000
MAX_CANDIDATES = 20
KEY_NAME = re.compile(r"\w*id|(unit|machine|engine|device|station|node|asset|site)(number|no|nr)?")
MACHINE_NAME = re.compile(
    r"(smart)?(meter|unit|machine|engine|device|station|node|asset|site|plant|building|house|household|turbine"
    r"|vehicle|customer|pump)(id|name|number|no|nr|code)?"
)
SENSOR_NAME = re.compile(
    r".*(sensor|tag|var(iable|name|$)|metric|parameter|channel|measure|quantity|signal|item|kpi|field|topic|entity"
    r"|attribute|property|point|object|pollutant|what).*"
)
STATE_NAME = re.compile(
    r".*(state|status|mode|alarm|event|phase|direction|dir|zustand|betriebsart|quality|validity)s?"
)
"""Of texts that are measured themselves."""
SEVERAL_NUMBERS = r"^(?:[^,;|]*[,;|])*\s*[+-]?\d[\d.]*\s*[,;|](?:[^,;|]*[,;|])*\s*[+-]?[\d.]*\d\s*$"
MAX_TEXTS = 200


def find_keys(draft: Proposal) -> None:
    """Find the columns that put the times of each of their values in order."""
    if draft.keys:
        return
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
            _use_one(draft, rows, f"its {len(turns[0].values):,} values take turns", turns[0])
        elif events := [column for column in words if _is_of_events(draft, column)]:
            _use_one(draft, rows, f"each of its {len(events[0].values):,} values has times of its own", events[0])
        return
    if is_set_back(draft):
        return  # a column that tells the two hours apart names no machine
    found = f"{share(round(disorder * len(rows)), len(rows))} of rows repeat a time or go back in time"
    for keys in chain(combinations(candidates, 1), combinations(candidates, 2)):
        if _disorder(rows, keys) <= disorder / 10:
            if len(keys) == 1:
                why = f"{found}, but not those of each of its {len(keys[0].values):,} values"
                _use_one(draft, rows, why, keys[0])
            else:
                _use_two(draft, rows, found, *keys)
            return


def _use_one(draft: Proposal, rows: pl.DataFrame, why: str, key: Column) -> None:
    """Use a key as the series or the sensor of a row: by how many values stand beside it, and how they differ."""
    values, beside = _values(draft, key)
    is_far = any(are_far(column.numbers, key.texts) for column in values)
    is_called_so = SENSOR_NAME.fullmatch(plain(key.name)) is not None or are_quantities(key.values)
    completeness = _completeness(rows, key)
    is_machine = MACHINE_NAME.fullmatch(plain(key.name)) is not None
    is_long = len(values) == 1 and (is_far or is_called_so or (completeness >= 0.5 and not is_machine))
    names = listed([column.name for column in values])
    if not is_long and not (is_far and is_called_so):
        draft.use("series", key, why)
        if len(values) == 1 or is_far:
            draft.doubts.append(
                f"series: each {key.name!r} ({key.examples()}) is taken for a machine of its own with {names}; if "
                f"they are sensors of one machine, say pivot = {toml(key.name)} instead: a channel for each"
            )
        return
    if len(values) == 1:
        why += "; there is one number" + (", and most are there at each time" if completeness >= 0.5 else "")
    draft.use("pivot", key, why)
    for name, what in beside.items():
        draft.exclude(draft.columns[name], what)
        if what.startswith(A_QUALITY):
            draft.doubts.append(
                f"{name!r} is left out as {what}: keep good values alone with sql, as by SELECT * FROM rows "
                f'WHERE "{name}" = ...'
            )
    draft.doubts.append(
        f"pivot: each {key.name!r} ({key.examples()}) is taken for a sensor, and becomes a channel. If each is a "
        f"machine of its own, call it series instead: series = {toml(key.name)}, with {names} of each"
    )
    if completeness < 0.5:
        draft.doubts.append(COMMON_GRID)
    for column in values:
        _doubt_states(draft, key, column)


def _values(draft: Proposal, key: Column) -> tuple[list[Column], dict[str, str]]:
    """Columns of values that differ within a key, and those that stand beside the value of a long log."""
    mixed = mixed_value(draft, key)
    if mixed is not None:
        mixed.is_number = True  # the states of some sensors do not make texts of the numbers of others
    changing = [column for column in draft.channels if column is not key and column.numbers.n_unique() > 1]
    beside = beside_value(draft, key)
    values = [column for column in changing if column.name not in beside]
    return (values, beside) if values else (changing, {})


def _doubt_states(draft: Proposal, key: Column, value: Column) -> None:
    """Say that the states of a sensor are not numbers, and how to make numbers of them."""
    states = state_keys(key, value)
    words = list(dict.fromkeys(word for texts in states.values() for word in texts))
    for word in words:
        draft.add("null", f"{value.name}={word}", f"a state of {listed(list(states)[:1])}, see the doubts")
        del value.words[word], value.odd_words[word]
    if states:
        name, first, other = value.name.replace('"', '""'), *(words * 2)[:2]
        query = (
            f"""SELECT *, CASE WHEN "{name}" = '{first}' THEN 1 WHEN "{name}" = '{other}' THEN 0 """
            f"""ELSE TRY_CAST("{name}" AS DOUBLE) END AS number FROM rows"""
        )
        draft.doubts.append(
            f"null: the values of {listed(list(states))} are states ({listed(words)}), not numbers, and are "
            "stored as missing. To keep them as 1 and 0, leave out null, and say "
            f"exclude = {toml([value.name])} and sql = {toml(query)}"
        )


def _use_two(draft: Proposal, rows: pl.DataFrame, found: str, *keys: Column) -> None:
    def likeness(sensor: Column, series: Column) -> tuple[bool, float]:
        return SENSOR_NAME.fullmatch(plain(sensor.name)) is not None, _completeness(rows, sensor, series)

    sensor, series = max((keys, keys[::-1]), key=lambda two: likeness(*two))
    draft.use("series", series, f"{found}, but not those of each {series.name!r} and {sensor.name!r}")
    draft.use("pivot", sensor)
    draft.doubts.append(
        f"series and pivot: it may be the other way round. If each {sensor.name!r} is a machine and each "
        f"{series.name!r} a sensor, say series = {toml(sensor.name)} and pivot = {toml(series.name)}"
    )


def _is_key(column: Column) -> bool:
    if column.texts.null_count() or not 2 <= len(column.values) <= min(MAX_SERIES, len(column.texts) // 2):
        return False
    if not column.is_number and _are_measured(column):
        return False
    return not column.is_number or (column.is_whole and KEY_NAME.fullmatch(plain(column.name)) is not None)


def _are_measured(column: Column) -> bool:
    """Whether texts are values of a sensor: numbers with marks between them, as 080,1,N,0026,1, or with a unit."""
    texts = column.values.head(MAX_TEXTS)
    if int(texts.str.contains(SEVERAL_NUMBERS).sum()) >= MOST * len(texts):
        return True
    affixes = affixes_of(column)
    return affixes is not None and bool(affixes.units) and KEY_NAME.fullmatch(plain(column.name)) is None


def _is_of_events(draft: Proposal, column: Column) -> bool:
    """Whether it names the sensors of a long log whose times do not repeat."""
    if STATE_NAME.fullmatch(plain(column.name)) or not is_event_log(draft, column):
        return False
    values, _ = _values(draft, column)
    is_called_so = SENSOR_NAME.fullmatch(plain(column.name)) or KEY_NAME.fullmatch(plain(column.name))
    return len(values) == 1 and bool(
        is_called_so or are_quantities(column.values) or are_far(values[0].numbers, column.texts)
    )


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
    """Share of the other sensors that have a row at the time of one, of each series."""
    key = f"key {sensor.name}"
    at_each = rows.group_by("time", *(f"key {column.name}" for column in series)).agg(pl.col(key).n_unique())[key]
    return (int(at_each.sum()) - len(at_each)) / len(at_each) / (len(sensor.values) - 1)
