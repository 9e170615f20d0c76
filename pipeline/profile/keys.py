"""Which columns name the series of a row, or its sensor (pivot, where each row belongs to one sensor)."""

from collections.abc import Sequence
from itertools import chain, combinations

import polars as pl

from longstride.pipeline.ingest.columns import listed
from longstride.pipeline.ingest.setting import toml
from longstride.pipeline.ingest.sources.shapes.joined import joined
from longstride.pipeline.profile.cadence.autumn import is_set_back
from longstride.pipeline.profile.cadence.stacked import doubt_of_runs
from longstride.pipeline.profile.clock.runs import runs_of
from longstride.pipeline.profile.column import FEW, MOST, Column
from longstride.pipeline.profile.layout.apart import Apart
from longstride.pipeline.profile.layout.contradict import whose_rows_are_one
from longstride.pipeline.profile.layout.long_log import (
    A_QUALITY,
    COMMON_GRID,
    beside_value,
    is_event_log,
    mixed_value,
    state_keys,
)
from longstride.pipeline.profile.layout.quantities import are_far
from longstride.pipeline.profile.layout.turns import take_turns
from longstride.pipeline.profile.layout.written_twice import differ
from longstride.pipeline.profile.proposal import Proposal
from longstride.pipeline.profile.spelling.affixes import affixes_of
from longstride.pipeline.profile.spelling.states import query_of_states
from longstride.pipeline.profile.words.key_names import (
    KEY_NAME,
    MACHINE_NAME,
    NUMBERED,
    PLACE,
    SENSOR_NAME,
    STATE_NAME,
)
from longstride.pipeline.profile.words.quantity_names import are_quantities
from longstride.pipeline.profile.words.time_names import plain
from longstride.storage.text import share

__all__ = ["find_keys"]

MAX_SERIES = 10_000
MAX_CANDIDATES = 20
MAX_NUMBERED = 1_000
MOST_TOGETHER = {1: 2 * MAX_CANDIDATES, 2: 12, 3: 8}
"""How many columns are tried, by how many are tried together."""
SEVERAL_NUMBERS = r"^(?:[^,;|]*[,;|])*\s*[+-]?\d[\d.]*\s*[,;|](?:[^,;|]*[,;|])*\s*[+-]?[\d.]*\d\s*$"
MAX_TEXTS = 200
ENOUGH = 0.5
"""Share of keys that have rows at each time, where each writes several."""
JUMP = 2.0
ENOUGH_PAIRS = 5
"""Pairs of rows of one time, of which a key should tell some apart."""
SOME = 0.25
"""Of rows, so many may repeat a time in a log whose sensors have times of their own."""


def find_keys(draft: Proposal) -> None:
    """Find the columns that put the times of each of their values in order, or tell rows of one time apart."""
    if draft.keys:
        return
    # Of those that are as good, the one with the fewest values: a remark may be different in each row.
    candidates = sorted(filter(_is_key, draft.free), key=lambda column: len(column.values))[:MAX_CANDIDATES]
    words = [column for column in candidates if not column.is_number]
    if by_file := [column for column in words if _is_of_files(draft, column)]:
        draft.use("series", by_file[-1], why="each file holds one value of it")
        return
    numbered = sorted(filter(_may_be_key, draft.free), key=lambda column: len(column.values))[:MAX_CANDIDATES]
    texts = (column.texts.alias(_key(column)) for column in draft.free if column in [*candidates, *numbered])
    apart = Apart(draft.rows.with_columns(texts).filter(differ(draft)).drop_nulls("time"))
    disorder = apart.disorder()
    if disorder <= FEW and not apart.num_together(()) and doubt_of_runs(draft) is None:
        if turns := _that_take_turns(apart, candidates):
            _use(draft, apart, f"their {_num_values(turns):,} values take turns", *turns)
        elif events := [column for column in candidates if _is_of_events(draft, column)]:
            _use(draft, apart, f"each of its {len(events[0].values):,} values has times of its own", events[0])
        else:
            _doubt_numbered(draft, numbered)
        return
    if is_set_back(draft):
        return  # a column that tells the two hours apart names no machine
    keys = _that_tell_apart(apart, [*candidates, *numbered])
    if not keys:
        keys = _that_is_named(draft, apart, [*candidates, *numbered])
    if not keys:
        keys = whose_rows_are_one(draft, (one for one in words if apart.completeness([_key(one)]) >= ENOUGH))
    if not keys and disorder <= SOME:
        is_sure = apart.num_together(()) >= ENOUGH_PAIRS
        may_tell = [one for one in candidates if apart.may_tell([_key(one)])]
        events = [one for one in may_tell if _is_of_events(draft, one, is_sure=is_sure)]
        if events:
            why = (
                f"each of its {len(events[0].values):,} values has times of its own, but for rows that repeat one"
            )
            _use(draft, apart, why, events[0])
            return
    if keys:
        num_rows = len(apart.rows)
        found = f"{share(round(disorder * num_rows), num_rows)} of rows repeat a time or go back in time"
        whose = f"{len(keys[0].values):,} values" if len(keys) == 1 else f"{_num_values(keys):,} pairs of values"
        is_coarse = apart.disorder(list(map(_key, keys))) > 0.5 * disorder
        how = (
            "and at each time those of each of its {} follow each other"
            if is_coarse
            else "but not those of each of its {}"
        )
        _use(draft, apart, f"{found}, {how.format(whose)}", *keys)


def _key(column: Column) -> str:
    return f"key {column.name}"


def _num_values(keys: Sequence[Column]) -> int:
    return pl.DataFrame([key.texts.alias(key.name) for key in keys]).n_unique()


def _that_tell_apart(apart: Apart, candidates: Sequence[Column]) -> tuple[Column, ...]:
    """The fewest columns that tell rows apart, and another where it tells apart what these leave together.

    In the order of the file.
    """
    for size, most in MOST_TOGETHER.items():
        for keys in combinations(candidates[:most], size):
            names = list(map(_key, keys))
            if not apart.tell(names):
                continue
            others = [column for column in candidates if column not in keys] if apart.num_together(names) else []
            found = [*keys, *[column for column in others if apart.tell([_key(column)], names)][:1]]
            return tuple(sorted(found, key=lambda column: apart.rows.columns.index(_key(column))))
    return ()


def _that_is_named(draft: Proposal, apart: Apart, candidates: Sequence[Column]) -> tuple[Column, ...]:
    """A column that is called as one of machines or sensors, each of which writes several rows at a time."""
    for column in candidates:
        name = plain(column.name)
        is_named = any(names.fullmatch(name) for names in (KEY_NAME, MACHINE_NAME, SENSOR_NAME, NUMBERED))
        if is_named and not STATE_NAME.fullmatch(name) and _jumps(draft, column):
            names = [_key(column)]
            if apart.completeness(names) >= ENOUGH and apart.tell_times(names):
                return (column,)
    return ()


def _jumps(draft: Proposal, key: Column) -> bool:
    """Whether a number differs much more from row to row than from one to the next row of the same key."""
    rows = draft.rows.select("block", key=key.texts)
    for column in draft.channels:
        step = pl.col("number").diff().abs()
        found = rows.with_columns(number=column.numbers)
        overall, within = (
            found.select(step.over(keys).drop_nulls().mean()).item() for keys in (["block"], ["block", "key"])
        )
        if column is not key and (overall or 0) > JUMP * (within or 0):
            return True
    return False


def _doubt_numbered(draft: Proposal, numbered: Sequence[Column]) -> None:
    """Doubt a number that may be one of a machine, where each of its values has times and a level of its own."""
    for column in numbered:
        if column.is_whole and is_event_log(draft, column) and _jumps(draft, column):
            draft.doubts.append(
                f"{column.name!r} ({column.examples()}) is kept as a channel, and other channels have a level of "
                f"their own at each of its values: if it is the number of a machine, say series = "
                f"{toml(column.name)}; of a sensor, pivot = {toml(column.name)}"
            )
            return


def _that_take_turns(apart: Apart, words: Sequence[Column]) -> tuple[Column, ...]:
    """A column whose values take turns, or two where each of their pairs does."""
    found: tuple[Column, ...] = ()
    for keys in chain(combinations(words, 1), combinations(words, 2)):
        parts = [apart.rows[_key(key)] for key in keys]
        texts = parts[0] if len(keys) == 1 else joined(parts)
        if take_turns(apart.rows, texts) and (not found or _num_values(keys) > _num_values(found)):
            found = keys
    return found


def _use(draft: Proposal, apart: Apart, why: str, *keys: Column) -> None:
    """Use keys as the series or the sensor of a row: by how many values stand beside them, and how they differ."""
    if len(keys) == 1:
        _use_one(draft, apart, why, keys[0])
    else:
        _use_several(draft, apart, why, *keys)


def _use_one(draft: Proposal, apart: Apart, why: str, key: Column) -> None:
    values, beside = _values(draft, key)
    is_far = any(are_far(column.numbers, key.texts) for column in values)
    is_called_so = SENSOR_NAME.fullmatch(plain(key.name)) is not None or are_quantities(key.values)
    completeness = apart.completeness([_key(key)])
    is_machine = MACHINE_NAME.fullmatch(plain(key.name)) is not None
    is_long = len(values) == 1 and (is_far or is_called_so or (completeness >= 0.5 and not is_machine))
    # Rows of a clock that is coarser than they are can be spread for each series, not for each sensor.
    of_key = runs_of(draft.rows["time"], draft.rows["block"], key.texts, are_whole=draft.sample.is_whole)
    is_coarse = of_key.are_of_coarse_clock and not draft.is_newest_first
    names = listed([column.name for column in values])
    if is_coarse or (not is_long and not (is_far and is_called_so)):
        draft.use("series", key, why=why)
        if _may_be_key(key) or (key.is_number and not is_machine):
            draft.doubts.append(
                f"series: each {key.name!r} ({key.examples()}) is taken for the number of a machine. If it is "
                "measured, or counts rows of one time, leave out series: its column becomes a channel, and "
                "duplicates has to say what becomes of rows of one time"
            )
        elif len(values) == 1 or is_far:
            draft.doubts.append(
                f"series: each {key.name!r} ({key.examples()}) is taken for a machine of its own with {names}; if "
                f"they are sensors of one machine, say pivot = {toml(key.name)} instead: a channel for each"
                + (', with duplicates = "mean" or another, for rows of one time' if is_coarse else "")
            )
        return
    if len(values) == 1:
        why += "; there is one number" + (", and most are there at each time" if completeness >= 0.5 else "")
    draft.use("pivot", key, why=why)
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
        draft.doubts.append(
            f"null: the values of {listed(list(states))} are states ({listed(words)}), not numbers, and are "
            "stored as missing. To keep them as 0 and 1, leave out null, and say "
            f"exclude = {toml([value.name])} and sql = {toml(query_of_states(value.name, words))}"
        )


def _use_several(draft: Proposal, apart: Apart, why: str, *keys: Column) -> None:
    """Use keys together: one may name a sensor, where rows hold one number; else all of them name a machine."""

    def likeness(sensor: Column) -> tuple[bool, float]:
        others = [_key(key) for key in keys if key is not sensor]
        return SENSOR_NAME.fullmatch(plain(sensor.name)) is not None, apart.completeness([_key(sensor)], others)

    sensor = max(reversed(keys), key=likeness)
    values = [column for column in _values(draft, sensor)[0] if column not in keys]
    is_far = any(are_far(column.numbers, sensor.texts) for column in values)
    is_called_so = SENSOR_NAME.fullmatch(plain(sensor.name)) is not None or are_quantities(sensor.values)
    names = [key.name for key in keys]
    shown = joined([key.texts for key in keys])[0]
    if len(values) != 1 and not (is_far and is_called_so):
        draft.use("series", *keys, why=why)
        draft.doubts.append(
            f"series: {listed(names)} together name the series of a row, such as {shown!r}: none of them tells "
            "rows apart alone. If one of them is measured, or names a state, take it out of series"
        )
        return
    others = [key for key in keys if key is not sensor]
    draft.use("series", *others, why=why)
    draft.use("pivot", sensor)
    if len(others) > 1:
        draft.doubts.append(
            f"series and pivot: {listed([key.name for key in others])} together are taken for a machine, and each "
            f"{sensor.name!r} for a sensor. If all of them name a machine, leave out pivot and say "
            f"series = {toml(names)}"
        )
        return
    (series,) = others
    draft.doubts.append(
        f"series and pivot: it may be the other way round. If each {sensor.name!r} is a machine and each "
        f"{series.name!r} a sensor, say series = {toml(sensor.name)} and pivot = {toml(series.name)}; if both "
        f"together name a machine, leave out pivot and say series = {toml(names)}"
    )


def _is_key(column: Column) -> bool:
    if column.texts.null_count() or not 2 <= len(column.values) <= min(MAX_SERIES, len(column.texts) // 2):
        return False
    if not column.is_number and _are_measured(column):
        return False
    return not column.is_number or (column.is_whole and KEY_NAME.fullmatch(plain(column.name)) is not None)


def _may_be_key(column: Column) -> bool:
    """Whether it is a number that may be one of a machine, or its place, by its name: others are measured."""
    if not column.is_number or column.texts.null_count() or KEY_NAME.fullmatch(plain(column.name)):
        return False
    if not 2 <= len(column.values) <= min(MAX_NUMBERED, len(column.texts) // 2):
        return False
    name = plain(column.name)
    return PLACE.fullmatch(name) is not None or (column.is_whole and NUMBERED.fullmatch(name) is not None)


def _are_measured(column: Column) -> bool:
    """Whether texts are values of a sensor: numbers with marks between them, as 080,1,N,0026,1, or with a unit."""
    texts = column.values.head(MAX_TEXTS)
    if int(texts.str.contains(SEVERAL_NUMBERS).sum()) >= MOST * len(texts):
        return True
    affixes = affixes_of(column)
    return affixes is not None and bool(affixes.units) and KEY_NAME.fullmatch(plain(column.name)) is None


def _is_of_events(draft: Proposal, column: Column, *, is_sure: bool = True) -> bool:
    """Whether it names the sensors of a long log whose times do not repeat; if not `is_sure`, not machines."""
    if STATE_NAME.fullmatch(plain(column.name)) or not is_event_log(draft, column):
        return False
    values, _ = _values(draft, column)
    name = plain(column.name)
    is_called_so = SENSOR_NAME.fullmatch(name) or (is_sure and KEY_NAME.fullmatch(name))
    return len(values) == 1 and bool(
        is_called_so or are_quantities(column.values) or are_far(values[0].numbers, column.texts)
    )


def _is_of_files(draft: Proposal, column: Column) -> bool:
    """Whether each file holds one value."""
    rows = draft.rows.with_columns(column.texts.alias("value"))
    return bool(rows.select((pl.col("value").n_unique().over("file") == 1).all()).item())
