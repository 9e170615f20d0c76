"""Long logs: a row holds one value of one sensor, and other columns beside it."""

import re
from typing import Any

import polars as pl

from longstride.pipeline.profile.column import MOST, Column, steps
from longstride.pipeline.profile.proposal import Proposal
from longstride.pipeline.profile.words.time_names import name_score, plain

__all__ = ["A_QUALITY", "COMMON_GRID", "beside_value", "is_event_log", "mixed_value", "state_keys"]

QUALITY_NAME = re.compile(
    r".*(quality|validity|valid|status|statuscode|flag|good|qc|qf|qds|questionable|annotated)"
)
COMMON_GRID = (
    "Where sensors have times of their own, a row holds the values of one: a common grid puts them together, as "
    'every = "1m" with fill = "forward" and fill-limit = "1h"'
)
A_QUALITY = "a quality"
MAX_QUALITIES = 8
LINEAR = 1e-6
MIXED = 0.3
"""How often the key of a row is another one than before, compared with rows in random order."""


def beside_value(draft: Proposal, key: Column) -> dict[str, str]:
    """Columns of numbers that are not the value of a long log, and why."""
    found: dict[str, str] = {}
    for column in draft.channels:
        if column is key or column.numbers.n_unique() == 1:
            continue
        if _says_key(column, key):
            found[column.name] = f"says the same as {key.name!r}"
        elif _counts(draft, column, key):
            found[column.name] = "counts rows"
        elif _is_linear(draft, column):
            found[column.name] = "another time"
        elif (
            QUALITY_NAME.fullmatch(plain(column.name)) and column.is_whole and len(column.values) <= MAX_QUALITIES
        ):
            found[column.name] = f"{A_QUALITY}: {column.examples()}"
    return found


def _says_key(column: Column, key: Column) -> bool:
    """Whether each key has one number of its own, such as the number of its table."""
    pairs = pl.DataFrame({"key": key.texts, "number": column.numbers}).drop_nulls().unique()
    return pairs.height == pairs["key"].n_unique() == pairs["number"].n_unique()


def _counts(draft: Proposal, column: Column, key: Column) -> bool:
    within = steps(column.numbers, draft.rows["block"], key.texts)
    overall = draft.steps(column.numbers)
    return any(len(found) > 2 and bool((found == 1).all()) for found in (within, overall))


def _is_linear(draft: Proposal, column: Column) -> bool:
    """Whether it rises with the time of the row, and with nothing else."""
    if not name_score(column.name):
        return False
    rows = pl.DataFrame({"time": draft.rows["time"].cast(pl.Float64), "number": column.numbers}).drop_nulls()
    span = rows.select(pl.all().max() - pl.all().min()).row(0)
    if not rows.height or not all(span):
        return False
    whole = rows.select((pl.all() - pl.all().min()) / (pl.all().max() - pl.all().min()))
    farthest: Any = (whole["time"] - whole["number"]).abs().max()
    return bool(farthest < max(LINEAR, 2 / span[1]))


def _runs_of_keys(key: Column, blocks: pl.Series) -> float:
    """How often a row is of another key than the one before, compared with rows in random order."""
    changes = pl.DataFrame({"key": key.texts, "block": blocks}).select(
        (pl.col("key") != pl.col("key").shift().over("block")).drop_nulls().mean()
    )
    shares = key.texts.value_counts(normalize=True)["proportion"]
    return float(changes.item() or 0) / max(1e-9, 1 - float((shares**2).sum()))


def is_event_log(draft: Proposal, key: Column) -> bool:
    """Whether each sensor wrote when it changed: the logs of all follow each other, or their rows mix."""
    back = draft.steps(draft.rows["time"]) < 0
    within = steps(draft.rows["time"], draft.rows["block"], key.texts) < 0
    if back.any() and not within.any():
        return True
    return _runs_of_keys(key, draft.rows["block"]) >= MIXED


def state_keys(key: Column, value: Column) -> dict[str, list[str]]:
    """Keys whose values are texts rather than numbers, and these texts."""
    rows = pl.DataFrame({"key": key.texts, "text": value.texts, "number": value.numbers}).drop_nulls("text")
    odd = rows.filter(pl.col("number").is_null() & pl.col("text").is_in(list(value.odd_words)))
    num_rows = dict(rows.group_by("key").len().iter_rows())
    return {
        str(name): texts
        for name, texts, count in odd.group_by("key", maintain_order=True)
        .agg(pl.col("text").unique(maintain_order=True), pl.len())
        .iter_rows()
        if count > num_rows[name] / 2
    }


def mixed_value(draft: Proposal, key: Column) -> Column | None:
    """The column that holds the numbers of some keys and the states of others; None where there is none."""
    for column in draft.free:
        if column is key or column.is_number or column.raw.dtype != pl.String or not column.numbers.count():
            continue
        rows = pl.DataFrame({"key": key.texts, "text": column.texts, "number": column.numbers})
        rows = rows.filter(pl.col("text").is_not_null() & ~pl.col("text").is_in(_missing(column)))
        keys = rows.group_by("key").agg(pl.col("number").is_not_null().mean(), pl.col("text").n_unique())
        numeric = keys["number"]
        if not (numeric >= MOST).any() or not ((numeric >= MOST) | (numeric <= 1 - MOST)).all():
            continue
        # Numbers that never change within a key are names of it: some are all digits.
        if (keys["text"].filter(numeric >= MOST) > 1).any():
            return column
    return None


def _missing(column: Column) -> list[str]:
    """Its words for a missing value."""
    return [word for word in column.words if word not in column.odd_words]
