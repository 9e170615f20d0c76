"""Whether rows of one time contradict each other, or complete each other and are one."""

from collections.abc import Iterable

import polars as pl

from longstride.pipeline.profile.column import Column
from longstride.pipeline.profile.proposal import Proposal

__all__ = ["num_contradicting", "whose_rows_are_one"]

ENOUGH = 5
"""Times at which rows contradict each other, which a key would hardly tell apart by chance."""


def num_contradicting(draft: Proposal, *texts: pl.Series) -> int:
    """Times at which a channel has two values, (rows,) of one series and the same texts; a missing one is none."""
    others = [text.alias(f"text {number}") for number, text in enumerate(texts)]
    keys = ["block", "time", *draft.keys, *(text.name for text in others)]
    values = [column.numbers.alias(f"value {number}") for number, column in enumerate(draft.channels)]
    rows = draft.rows.with_columns(*others).select(keys).with_columns(values).drop_nulls("time")
    num_values = rows.group_by(keys).agg(pl.col("^value .*$").drop_nulls().n_unique())
    return num_values.filter(pl.any_horizontal(pl.col("^value .*$") > 1)).height if values else 0


def whose_rows_are_one(draft: Proposal, columns: Iterable[Column]) -> tuple[Column, ...]:
    """The column in each of whose texts rows of one time are one row in pieces, where all together contradict."""
    if num_contradicting(draft) < ENOUGH:
        return ()
    return next(((column,) for column in columns if not num_contradicting(draft, column.texts)), ())
